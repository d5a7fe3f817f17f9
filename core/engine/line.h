/*
 * engine/line.h - arithmetic of a run: n steps whose prices are a line (base + j slope).
 *
 * Everything is integers: where an arrival cuts a run is found by search, never by a square root, so that a run gives
 * the same answer however it is split.
 */
#ifndef SS_ENGINE_LINE_H
#define SS_ENGINE_LINE_H

#include "base/time.h"
#include "servsim/plugin.h"

static inline uint64_t
ss_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Time that the first `steps` steps take: steps * base + slope * steps (steps - 1) / 2. */
static inline ss_time
ss_line_elapsed(const struct servsim_line *line, uint64_t steps)
{
    ss_wide pairs = steps == 0 ? 0 : (ss_wide)steps * (ss_wide)(steps - 1) / 2;
    return (ss_wide)steps * line->base_ps + pairs * line->slope_ps;
}

/* The smallest k in [1, steps] whose end is not before `time` (from the run's start), or `steps` when none is. */
static inline uint64_t
ss_line_steps_reaching(const struct servsim_line *line, uint64_t steps, ss_time time)
{
    uint64_t low = 1, high = steps;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (ss_line_elapsed(line, middle) >= time)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* How many of the first `steps` steps have ended at `time` or before. */
static inline uint64_t
ss_line_steps_ended(const struct servsim_line *line, uint64_t steps, ss_time time)
{
    uint64_t reaching = ss_line_steps_reaching(line, steps, time + 1);
    return ss_line_elapsed(line, reaching) <= time ? reaching : reaching - 1;
}

#endif
