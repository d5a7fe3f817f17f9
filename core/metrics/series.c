/*
 * metrics/series.c - bins that merge in pairs when the run outgrows them.
 */
#include "metrics/series.h"

#include <string.h>

#define FIRST_WIDTH SS_PS_PER_MS

void
ss_series_init(struct ss_series *series)
{
    memset(series, 0, sizeof *series);
    series->width = FIRST_WIDTH; /* no bin is touched yet: now_low and now_high are 0 */
}

static void
merge(struct ss_series_bin *into, const struct ss_series_bin *from)
{
    for (uint32_t i = 0; i < SS_SERIES_COUNTS; i++)
        into->counts[i] += from->counts[i];
    for (uint32_t i = 0; i < SS_SERIES_LEVELS; i++)
        into->areas[i] += from->areas[i];
    if (from->kv_blocks_peak > into->kv_blocks_peak)
        into->kv_blocks_peak = from->kv_blocks_peak;
}

/* The latest bin touched is this one. */
static void
set_now(struct ss_series *series, uint32_t index)
{
    series->now = &series->bins[index];
    series->now_low = series->width * index;
    series->now_high = series->now_low + series->width;
}

static void
double_width(struct ss_series *series)
{
    for (size_t i = 0; i < SS_SERIES_BINS / 2; i++) {
        struct ss_series_bin pair = series->bins[2 * i];
        merge(&pair, &series->bins[2 * i + 1]);
        series->bins[i] = pair;
    }
    memset(series->bins + SS_SERIES_BINS / 2, 0, sizeof series->bins / 2);
    series->width *= 2;
    series->doublings++;
    series->used = (series->used + 1) / 2;
    if (series->used > 0)
        set_now(series, series->used - 1);
}

struct ss_series_bin *
ss_series_find(struct ss_series *series, ss_time time)
{
    while (time >= series->width * SS_SERIES_BINS)
        double_width(series);
    uint32_t index = (uint32_t)ss_time_divide(time, FIRST_WIDTH >> 9, 9 + series->doublings); /* 10^9 = 5^9 * 2^9 */
    if (index >= series->used) {
        series->used = index + 1;
        set_now(series, index);
    }
    return &series->bins[index];
}

ss_time
ss_series_bin_end(const struct ss_series *series, const struct ss_series_bin *bin)
{
    return series->width * (bin - series->bins + 1);
}

void
ss_series_peak(struct ss_series *series, ss_time from, ss_time to, uint64_t kv_blocks)
{
    while (from < to) {
        struct ss_series_bin *bin = ss_series_seek(series, from);
        if (kv_blocks > bin->kv_blocks_peak)
            bin->kv_blocks_peak = kv_blocks;
        from = ss_series_bin_end(series, bin);
    }
}

void
ss_series_spread(struct ss_series *series, uint32_t which, ss_time from, ss_time to, uint64_t level)
{
    while (from < to) {
        struct ss_series_bin *bin = ss_series_seek(series, from);
        ss_time high = ss_series_bin_end(series, bin), end = high < to ? high : to;
        bin->areas[which] += ss_series_area(end - from, level);
        from = end;
    }
}
