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
    series->width = FIRST_WIDTH;
    series->at_high = FIRST_WIDTH;
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
    for (uint32_t i = 0; i < SS_SERIES_BINS / 2; i++) {
        struct ss_series_bin pair = series->bins[2 * i];
        merge(&pair, &series->bins[2 * i + 1]);
        series->bins[i] = pair;
    }
    memset(series->bins + SS_SERIES_BINS / 2, 0, sizeof series->bins / 2);
    series->width *= 2;
    series->used = (series->used + 1) / 2;
}

static void
move_to(struct ss_series *series, ss_time time)
{
    while (time >= series->width * SS_SERIES_BINS)
        double_width(series);
    series->at = (uint32_t)(time / series->width);
    series->at_low = series->width * series->at;
    series->at_high = series->at_low + series->width;
    if (series->at >= series->used)
        series->used = series->at + 1;
}

struct ss_series_bin *
ss_series_seek(struct ss_series *series, ss_time time)
{
    if (time < series->at_low || time >= series->at_high || series->used == 0)
        move_to(series, time);
    return &series->bins[series->at];
}

void
ss_series_count(struct ss_series *series, uint32_t which, ss_time time, uint64_t amount)
{
    ss_series_seek(series, time)->counts[which] += amount;
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
ss_series_level(struct ss_series *series, uint32_t which, ss_time from, ss_time to, uint64_t level)
{
    if (level == 0)
        return;
    while (from < to) {
        struct ss_series_bin *bin = ss_series_seek(series, from);
        ss_time end = series->at_high < to ? series->at_high : to;
        bin->areas[which] += (end - from) * (ss_wide)level;
        from = end;
    }
}
