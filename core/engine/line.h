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

/* steps (steps - 1) / 2. */
static inline ss_wide
ss_line_pairs(uint64_t steps)
{
    if (steps <= UINT32_MAX) /* 64 bits are enough, and cost a fraction */
        return (int64_t)(steps * (steps - 1) / 2);
    return (ss_wide)steps * (ss_wide)(steps - 1) / 2;
}

/* Time that the first `steps` steps take: steps * base + slope * steps (steps - 1) / 2. */
static inline ss_time
ss_line_elapsed(const struct servsim_line *line, uint64_t steps)
{
    if (steps == 1)
        return line->base_ps;
    if (steps <= UINT32_MAX)
        return (ss_wide)(int64_t)steps * line->base_ps + (ss_wide)(int64_t)ss_line_pairs(steps) * line->slope_ps;
    return (ss_wide)steps * line->base_ps + ss_line_pairs(steps) * line->slope_ps;
}

/* Narrows where k may be: no step is shorter than the first and none longer than the last of `steps`. Prices that fall
   along the line, or times beyond 64 bits, are left to the search. */
static inline void
ss_line_bracket(const struct servsim_line *line, uint64_t steps, ss_time time, uint64_t *low, uint64_t *high)
{
    if (time <= 0 || time > INT64_MAX || line->base_ps <= 0 || line->slope_ps < 0)
        return;
    ss_time last_ps = line->base_ps + (ss_time)(steps - 1) * line->slope_ps;
    uint64_t most = (uint64_t)time / (uint64_t)line->base_ps + 1;
    *high = ss_least(*high, most);
    if (last_ps <= INT64_MAX)
        *low = ss_least((uint64_t)time / (uint64_t)last_ps, *high);
    *low = *low > 1 ? *low : 1;
}

/* The smallest k in [1, steps] whose end is not before `time` (from the run's start), or `steps` when none is. */
static inline uint64_t
ss_line_steps_reaching(const struct servsim_line *line, uint64_t steps, ss_time time)
{
    uint64_t low = 1, high = steps;
    ss_line_bracket(line, steps, time, &low, &high);
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
