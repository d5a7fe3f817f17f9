/*
 * metrics/series.h - what happened over simulated time, in at most 4,096 bins whose width doubles as the run grows.
 *
 * Everything is integer sums, maxima and level x time areas, so merging two bins loses nothing and the result does not
 * depend on how runs were split.
 */
#ifndef SS_METRICS_SERIES_H
#define SS_METRICS_SERIES_H

#include "base/time.h"
#include "servsim/plugin.h"

#define SS_SERIES_BINS 4096

/* counts */
#define SS_SERIES_ARRIVALS 0u
#define SS_SERIES_FINISHED 1u
#define SS_SERIES_OUTPUT_TOKENS 2u
#define SS_SERIES_PREFILL_TOKENS 3u
#define SS_SERIES_PREEMPTIONS 4u
#define SS_SERIES_COUNTS 5u

/* levels, integrated over time */
#define SS_SERIES_WAITING 0u
#define SS_SERIES_RUNNING 1u
#define SS_SERIES_BUSY 2u
#define SS_SERIES_LEVELS 3u

struct ss_series_bin {
    uint64_t counts[SS_SERIES_COUNTS];
    uint64_t kv_blocks_peak;
    ss_wide areas[SS_SERIES_LEVELS]; /* level x picoseconds */
};

struct ss_series {
    struct ss_series_bin bins[SS_SERIES_BINS];
    ss_time width;
    uint32_t doublings;        /* of the width so far */
    uint32_t used;             /* bins touched so far */
    struct ss_series_bin *now; /* the latest touched: most calls stay in it, and 128-bit divisions are slow */
    ss_time now_low, now_high;
};

void ss_series_init(struct ss_series *series);

/* The bin that holds `time`, whichever it is, and where a bin ends (exclusive). */
struct ss_series_bin *ss_series_find(struct ss_series *series, ss_time time);
ss_time ss_series_bin_end(const struct ss_series *series, const struct ss_series_bin *bin);

/* One multiplication of 64 bits wherever that is enough. */
static inline ss_wide
ss_series_area(ss_time time, uint64_t level)
{
    if (time <= INT64_MAX)
        return (ss_wide)((ss_uwide)(uint64_t)time * level);
    return time * (ss_wide)level;
}

/* The bin that holds `time`, for the caller to add to. Valid until the next call. */
static inline struct ss_series_bin *
ss_series_seek(struct ss_series *series, ss_time time)
{
    if (time < series->now_low || time >= series->now_high)
        return ss_series_find(series, time);
    return series->now;
}

static inline void
ss_series_count(struct ss_series *series, uint32_t which, ss_time time, uint64_t amount)
{
    ss_series_seek(series, time)->counts[which] += amount;
}

/* So many KV blocks are in use from `from` up to `to`. */
void ss_series_peak(struct ss_series *series, ss_time from, ss_time to, uint64_t kv_blocks);

/* A level over more than one bin. */
void ss_series_spread(struct ss_series *series, uint32_t which, ss_time from, ss_time to, uint64_t level);

static inline void
ss_series_level(struct ss_series *series, uint32_t which, ss_time from, ss_time to, uint64_t level)
{
    if (level == 0 || from >= to)
        return;
    if (from >= series->now_low && to <= series->now_high)
        series->now->areas[which] += ss_series_area(to - from, level);
    else
        ss_series_spread(series, which, from, to, level);
}

#endif
