/*
 * unit/metrics_test.c - histograms, series, percentiles and line arithmetic: counted at once against counted one by
 * one.
 */
#include <stdlib.h>

#include "engine/line.h"
#include "harness.h"
#include "metrics/energy.h"
#include "metrics/itl.h"
#include "metrics/records.h"
#include "metrics/series.h"

static int64_t
below(struct servsim_random *random, int64_t limit)
{
    return (int64_t)(servsim_random_u64(random) % (uint64_t)limit);
}

static void
test_itl_bins(void)
{
    int64_t previous = -1;
    for (uint32_t bin = 0; bin + 1 < SS_ITL_BINS; bin++) {
        int64_t low = ss_itl_bin_low_ps(bin);
        CU_ASSERT_FATAL(low > previous);
        CU_ASSERT_FATAL(ss_itl_bin_high_ps(bin) - low <= low / 128 + 1);
        previous = low;
    }
}

/* Progressions, rising, falling and flat, leave the counts that single gaps leave. */
static void
test_itl_progressions(void)
{
    struct servsim_random random = {11};
    struct ss_itl *whole = malloc(sizeof *whole), *single = malloc(sizeof *single);
    for (int round = 0; round < 300; round++) {
        memset(whole, 0, sizeof *whole);
        memset(single, 0, sizeof *single);
        uint64_t count = 1 + (uint64_t)below(&random, 500), weight = 1 + (uint64_t)below(&random, 9);
        int64_t slope = below(&random, 3) == 0 ? 0 : below(&random, 1 << (1 + round % 30));
        int64_t first = below(&random, (int64_t)1 << (1 + round % 45));
        if (round % 2 == 0) {
            first += slope * (int64_t)count;
            slope = -slope;
        }
        ss_itl_add(whole, first, slope, count, weight);
        for (uint64_t i = 0; i < count; i++)
            ss_itl_add(single, first + (int64_t)i * slope, 0, 1, weight);
        CU_ASSERT_FATAL(memcmp(whole, single, sizeof *whole) == 0);
    }
    free(whole);
    free(single);
}

static int
ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void
test_percentiles(void)
{
    struct servsim_random random = {5};
    static const size_t counts[] = {1, 2, 3, 10, 99, 100, 101, 1000, 4097};
    static const int64_t ranges[] = {1, 3, 1000, (int64_t)1 << 50};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
            struct ss_records records = {0};
            struct ss_distribution d;
            int64_t *sorted = malloc(counts[c] * sizeof *sorted), *room = malloc(counts[c] * sizeof *room);
            for (size_t i = 0; i < counts[c]; i++) {
                struct ss_record *record = ss_records_add(&records);
                record->status = SS_STATUS_FINISHED;
                record->ttft_ps = sorted[i] = below(&random, ranges[r]);
            }
            qsort(sorted, counts[c], sizeof *sorted, ascending);
            ss_records_distribution(&records, SS_FIGURE_TTFT, room, &d);
            CU_ASSERT_EQUAL(d.p50_ps, sorted[(counts[c] * 50 + 99) / 100 - 1]);
            CU_ASSERT_EQUAL(d.p90_ps, sorted[(counts[c] * 90 + 99) / 100 - 1]);
            CU_ASSERT_EQUAL(d.p95_ps, sorted[(counts[c] * 95 + 99) / 100 - 1]);
            CU_ASSERT_EQUAL(d.p99_ps, sorted[(counts[c] * 99 + 99) / 100 - 1]);
            CU_ASSERT_EQUAL(d.max_ps, sorted[counts[c] - 1]);
            free(sorted);
            free(room);
            ss_records_free(&records);
        }
    }
}

static void
test_nothing_finished(void)
{
    struct ss_records records = {0};
    struct ss_distribution d;
    int64_t room;
    (void)ss_records_add(&records);
    ss_records_distribution(&records, SS_FIGURE_LATENCY, &room, &d);
    CU_ASSERT_EQUAL(d.count, 0);
    CU_ASSERT_EQUAL(d.p99_ps, SS_NO_PS);
    ss_records_free(&records);
}

/* Areas and counts do not depend on the order in which the series grew. */
static void
test_series(void)
{
    struct ss_series *grown = malloc(sizeof *grown), *wide = malloc(sizeof *wide);
    ss_series_init(grown);
    ss_series_init(wide);
    ss_time end = 100000 * SS_PS_PER_S;
    ss_series_count(wide, SS_SERIES_ARRIVALS, end, 0); /* wide from the start */
    for (ss_time at = 0; at < end; at += 37 * SS_PS_PER_S + 11) {
        struct ss_series *both[] = {grown, wide};
        for (size_t i = 0; i < 2; i++) {
            ss_series_count(both[i], SS_SERIES_ARRIVALS, at, 3);
            ss_series_level(both[i], SS_SERIES_WAITING, at, at + 20 * SS_PS_PER_S, 2);
        }
    }
    ss_series_count(grown, SS_SERIES_ARRIVALS, end, 0);
    CU_ASSERT_EQUAL(grown->width, wide->width);
    CU_ASSERT_EQUAL(grown->used, wide->used);
    CU_ASSERT(memcmp(grown->bins, wide->bins, sizeof grown->bins) == 0);
    ss_wide area = 0;
    for (uint32_t i = 0; i < grown->used; i++)
        area += grown->bins[i].areas[SS_SERIES_WAITING];
    CU_ASSERT(area % (40 * SS_PS_PER_S) == 0);
    CU_ASSERT(area > 0);
    free(grown);
    free(wide);
}

static void
test_line_search(void)
{
    struct servsim_random random = {3};
    for (int round = 0; round < 2000; round++) {
        struct servsim_line line = {1 + below(&random, 1000), below(&random, 50), UINT64_MAX};
        uint64_t steps = 1 + (uint64_t)below(&random, 200), reaching = 1, ended = 0;
        ss_time time = below(&random, 200000);
        while (reaching < steps && ss_line_elapsed(&line, reaching) < time)
            reaching++;
        while (ended < steps && ss_line_elapsed(&line, ended + 1) <= time)
            ended++;
        CU_ASSERT_EQUAL_FATAL(ss_line_steps_reaching(&line, steps, time), reaching);
        CU_ASSERT_EQUAL_FATAL(ss_line_steps_ended(&line, steps, time), ended);
    }
}

/* Senders are kept from the first that is somebody on, and those before it are nobody. */
static void
test_senders(void)
{
    struct ss_records records = {0};
    for (uint32_t i = 0; i < 3000; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(ss_records_add(&records));
        CU_ASSERT_EQUAL_FATAL(ss_records_note_sender(&records, i >= 1500 && i % 3 == 0 ? i : 0, i == 2500 ? -4 : 0), 0);
        CU_ASSERT_EQUAL(records.senders != NULL, i >= 1500);
        CU_ASSERT_EQUAL(records.has_clients, i >= 1500);
        CU_ASSERT_EQUAL(records.has_priorities, i >= 2500);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        CU_ASSERT_EQUAL(records.senders[i].client, i >= 1500 && i % 3 == 0 ? i : 0);
        CU_ASSERT_EQUAL(records.senders[i].priority, i == 2500 ? -4 : 0);
    }
    ss_records_free(&records);
    CU_ASSERT_PTR_NULL(records.senders);
    for (uint32_t i = 0; i < 2000; i++)
        CU_ASSERT_FATAL(ss_records_add(&records) != NULL && ss_records_note_sender(&records, 0, 0) == 0);
    CU_ASSERT_PTR_NULL(records.senders);
    ss_records_free(&records);
}

/* ---- energy ---- */

#define REPLICAS 3

static struct ss_result
powered(struct ss_replica_result replicas[REPLICAS])
{
    memset(replicas, 0, REPLICAS * sizeof *replicas);
    return (struct ss_result){.replicas = replicas,
                              .replica_count = REPLICAS,
                              .parts = 1,
                              .device = {.size = sizeof(struct servsim_device),
                                         .power_limit_w = 400,
                                         .power_idle_w = 60,
                                         .power_busy_w = 100,
                                         .energy_per_flop_pj = 2,
                                         .energy_per_byte_pj = 80,
                                         .power_host_w = 30}};
}

/* 6 GPUs, two a replica, for 10 s. */
static void
test_energy(void)
{
    struct ss_replica_result replicas[REPLICAS];
    struct ss_result result = powered(replicas);
    struct ss_energy energy;
    CU_ASSERT_EQUAL(ss_energy_of(&result, 6, 10, &energy), 0);
    CU_ASSERT_DOUBLE_EQUAL(energy.idle_joules, 6 * 10 * 60.0, 1e-6);
    CU_ASSERT_EQUAL(energy.busy_joules, 0);
    CU_ASSERT_DOUBLE_EQUAL(energy.host_joules, 6 * 10 * 30.0, 1e-6);
    replicas[0].busy = 4 * (ss_time)1000000000000; /* 8 GPU seconds at 100 W, 50 J and 160 J */
    replicas[0].flops = 25000000000000;
    replicas[0].bytes = 2000000000000;
    CU_ASSERT_EQUAL(ss_energy_of(&result, 6, 10, &energy), 0);
    CU_ASSERT_DOUBLE_EQUAL(energy.busy_gpu_s, 8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(energy.busy_joules, 800 + 50 + 160, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(energy.idle_joules, 52 * 60.0, 1e-6);
    CU_ASSERT_EQUAL(energy.gpu_s, 60);
    result.parts = 2; /* the same busy time, but of stages with a GPU each */
    CU_ASSERT_EQUAL(ss_energy_of(&result, 6, 10, &energy), 0);
    CU_ASSERT_DOUBLE_EQUAL(energy.busy_gpu_s, 4, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(energy.busy_joules, 400 + 50 + 160, 1e-6);
}

/* No replica's mean power while busy is above the limit, and one at rest lends another nothing. */
static void
test_energy_limit(void)
{
    struct ss_replica_result replicas[REPLICAS];
    struct ss_result result = powered(replicas);
    struct ss_energy energy;
    for (uint32_t i = 0; i < 2; i++)
        replicas[i].busy = 5 * (ss_time)1000000000000;
    replicas[1].flops = (ss_wide)1 << 60;
    CU_ASSERT_EQUAL(ss_energy_of(&result, 3, 10, &energy), 0);
    CU_ASSERT_DOUBLE_EQUAL(energy.busy_joules, 5 * 100.0 + 5 * 400.0, 1e-6);
    result.device.power_limit_w = 0;
    CU_ASSERT_EQUAL(ss_energy_of(&result, 3, 10, &energy), -ENOENT);
    CU_ASSERT(energy.busy_joules == 0 && energy.idle_joules == 0);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"ITL bins cover everything, at most 0.8 % wide", test_itl_bins},
        {"a progression of gaps counts as its single gaps", test_itl_progressions},
        {"percentiles are nearest rank", test_percentiles},
        {"nothing finished: no percentile", test_nothing_finished},
        {"a series does not depend on how it grew", test_series},
        {"search on a line finds what counting finds", test_line_search},
        {"energy is idle, busy, arithmetic and memory", test_energy},
        {"no replica draws more than its boards may", test_energy_limit},
        {"senders are kept where there are any", test_senders},
    };
    return ss_run_cases("metrics", cases, sizeof cases / sizeof cases[0]);
}
