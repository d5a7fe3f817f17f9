/*
 * calendar.h - how many rows of each kind every hour of a BurstGPT-like trace has, and when it is silent.
 */
#ifndef WL_CALENDAR_H
#define WL_CALENDAR_H

#include "servsim/plugin.h"

#define WL_API 0
#define WL_CONVERSATION 1
#define WL_CLASSES 2

/* A stretch of a day without any row, in seconds of the day; begin == end where there is none. */
struct wl_silence {
    uint32_t begin_s, end_s;
};

struct wl_calendar {
    uint32_t days;
    uint64_t *rows[WL_CLASSES]; /* per hour, days * 24 of them */
    struct wl_silence *silences;
};

/* Lays `requests` rows over `days` days. */
int32_t wl_calendar_make(struct wl_calendar *out, uint64_t requests, uint32_t days, struct servsim_random *random);
void wl_calendar_free(struct wl_calendar *calendar);

/* Seconds of an hour (from 0: day * 24 + hour) in which rows may fall, and the second that the n-th of them is. */
uint32_t wl_calendar_open_s(const struct wl_calendar *calendar, uint32_t hour);
uint32_t wl_calendar_second(const struct wl_calendar *calendar, uint32_t hour, uint32_t nth);

#endif
