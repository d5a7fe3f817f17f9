/*
 * scale.h - dividing times by a factor, in integers: a later time never becomes earlier, and a factor that is a short
 * binary fraction (10, 2.5) divides exactly.
 */
#ifndef WL_SCALE_H
#define WL_SCALE_H

#include "number.h"

/* Times are at most 2^71 ps (74 years). */
#define WL_SPAN_MAX_S INT64_C(2000000000)

struct wl_scale {
    uint64_t divisor;
    int shift; /* of the dividend to the left; negative: of the divisor */
};

/* `factor` in [1e-9, 1e9]. */
struct wl_scale wl_scale_of(double factor);

/* Rounded to the nearest picosecond. */
wl_wide wl_scale_time(const struct wl_scale *scale, wl_wide time_ps);

/* A gap of `seconds` in picoseconds, for generators; at most about 29 years. */
wl_wide wl_ps_of(double seconds);

#endif
