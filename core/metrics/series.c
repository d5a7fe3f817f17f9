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
    series->width = FIRST_WIDTH; /* no bin is looked at yet: at_low and at_high are 0 */
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
}

struct ss_series_bin *
ss_series_move(struct ss_series *series, ss_time time)
{
    while (time >= series->width * SS_SERIES_BINS)
        double_width(series);
    series->at = (uint32_t)ss_time_divide(time, FIRST_WIDTH >> 9, 9 + series->doublings); /* 10^9 = 5^9 * 2^9 */
    series->at_low = series->width * series->at;
    series->at_high = series->at_low + series->width;
    if (series->at >= series->used)
        series->used = series->at + 1;
    return &series->bins[series->at];
}

void
ss_series_peak(struct ss_series *series, ss_time from, ss_time to, uint64_t kv_blocks)
{
    while (from < to) {
        struct ss_series_bin *bin = ss_series_seek(series, from);
        if (kv_blocks > bin->kv_blocks_peak)
            bin->kv_blocks_peak = kv_blocks;
        from = series->at_high;
    }
}

void
ss_series_spread(struct ss_series *series, uint32_t which, ss_time from, ss_time to, uint64_t level)
{
    while (from < to) {
        struct ss_series_bin *bin = ss_series_seek(series, from);
        ss_time end = series->at_high < to ? series->at_high : to;
        bin->areas[which] += ss_series_area(end - from, level);
        from = end;
    }
}
