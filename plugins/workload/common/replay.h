/*
 * replay.h - the rows of a trace as the traffic of a run: sampling, limits, time scaling, counts.
 *
 * The same for every file format. Times count from the trace's first row, whatever becomes of that row.
 */
#ifndef WL_REPLAY_H
#define WL_REPLAY_H

#include "prompts.h"
#include "row.h"

/* The rows of an option table that every file format has. */
#define WL_REPLAY_OPTIONS                                                                                              \
    {"path", "", NULL, NULL, "the trace", 0, 0, SERVSIM_OPTION_PATH, SERVSIM_OPTION_REQUIRED},                         \
        {"limit",                                                                                                      \
         "",                                                                                                           \
         NULL,                                                                                                         \
         NULL,                                                                                                         \
         "stop after this many requests; failed rows and rows of other classes do not count",                          \
         1,                                                                                                            \
         1e12,                                                                                                         \
         SERVSIM_OPTION_INTEGER,                                                                                       \
         0},                                                                                                           \
        {"sample",                                                                                                     \
         "",                                                                                                           \
         NULL,                                                                                                         \
         NULL,                                                                                                         \
         "draw this many of the requests with the seed, each with equal chance; order of arrival is kept",             \
         1,                                                                                                            \
         1e9,                                                                                                          \
         SERVSIM_OPTION_INTEGER,                                                                                       \
         0},                                                                                                           \
        {"time_scale",                                                                                                 \
         "",                                                                                                           \
         NULL,                                                                                                         \
         NULL,                                                                                                         \
         "divide every time by this: 10 makes the traffic ten times as fast; 1 unless given",                          \
         1e-9,                                                                                                         \
         1e9,                                                                                                          \
         SERVSIM_OPTION_NUMBER,                                                                                        \
         0},                                                                                                           \
        WL_PROMPT_OPTIONS,                                                                                             \
    {                                                                                                                  \
        "rate", "1/s", NULL, NULL,                                                                                     \
            "choose the time_scale that gives this mean rate of requests; traces without arrival times get Poisson "   \
            "arrivals at this rate",                                                                                   \
            1e-9, 1e9, SERVSIM_OPTION_NUMBER, 0                                                                        \
    }

struct wl_replay;

/*
 * Reads the options above, opens the trace, checks its first mebibyte, and prepares what `sample` (reads the whole
 * trace here) and `rate` (without `sample`: reads it once more than the run does) need. `context` goes to ops->open; it
 * and `path` must outlive the replay.
 */
int32_t wl_replay_open(struct wl_replay **out, const struct servsim_host *host, const struct servsim_create *args,
                       const struct wl_reader_ops *ops, const void *context, const char *path,
                       struct servsim_error *err);
void wl_replay_close(struct wl_replay *replay);

int32_t wl_replay_next(struct wl_replay *replay, struct servsim_arrival *out, struct servsim_error *err);
int32_t wl_replay_stats(const struct wl_replay *replay, struct servsim_workload_stats *out);

#endif
