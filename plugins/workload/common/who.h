/*
 * who.h - whose a generated request is, how urgent, and by when it wants to be done: drawn from a stream of its own, so
 * that arrivals and lengths stay what they are.
 */
#ifndef WL_WHO_H
#define WL_WHO_H

#include "servsim/plugin.h"

#define WL_WHO_MOST 256

#define WL_WHO_OPTIONS                                                                                                 \
    {"clients",                                                                                                        \
     "",                                                                                                               \
     NULL,                                                                                                             \
     NULL,                                                                                                             \
     "how often each client sends, as [9, 1] for two of whom the first sends nine in ten requests",                    \
     0,                                                                                                                \
     1e9,                                                                                                              \
     SERVSIM_OPTION_LIST,                                                                                              \
     0},                                                                                                               \
        {"priorities",        "", NULL, NULL, "how often each priority occurs, from the most urgent, 0, on", 0, 1e9,   \
         SERVSIM_OPTION_LIST, 0},                                                                                      \
    {                                                                                                                  \
        "deadlines", "s", NULL, NULL, "time from arrival to deadline, one of these, all as often", 1e-3, 1e7,          \
            SERVSIM_OPTION_LIST, 0                                                                                     \
    }

struct wl_who {
    uint32_t clients, priorities, deadlines;                     /* 0: not asked for */
    double client_upto[WL_WHO_MOST], priority_upto[WL_WHO_MOST]; /* running sums of the shares, up to 1 */
    double deadline_s[WL_WHO_MOST];
    struct servsim_random lots;
};

/* From the checked options. 0, or -EINVAL with a reason. */
int32_t wl_who_read(struct wl_who *who, const struct servsim_host *host, const struct servsim_create *args,
                    struct servsim_error *err);

/* Draws for a request whose arrival is set. */
void wl_who_fill(struct wl_who *who, struct servsim_arrival *out);

#endif
