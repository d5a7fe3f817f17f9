/*
 * unit/analysis_test.c - analyze and compare: figures that can be worked out by hand, hostile files, and the promise of
 * compare: equal systems are called different in about 1 - level of all cases, and a 5 % slower device is found.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/fidelity.h"
#include "analysis/findings.h"
#include "analysis/statistics.h"
#include "analysis/versus.h"
#include "engine/simulation.h"
#include "experiment/node.h"
#include "harness.h"
#include "metrics/summary.h"
#include "scratch.h"

/* ---- statistics ---- */

/* Critical values from any table of Student's distribution. */
static void
test_student(void)
{
    static const struct {
        double level, df, t;
    } rows[] = {{0.95, 1, 12.7062},   {0.95, 4, 2.7764},         {0.95, 9, 2.2622},  {0.99, 9, 3.2498},
                {0.95, 28.5, 2.0468}, {0.95, INFINITY, 1.95996}, {0.5, 10, 0.69981}, {0.999, 120, 3.3735}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double t = ss_student_critical(rows[i].level, rows[i].df);
        CU_ASSERT_DOUBLE_EQUAL(t, rows[i].t, 0.0005);
        CU_ASSERT_DOUBLE_EQUAL(ss_student_two_sided(-t, rows[i].df), 1 - rows[i].level, 1e-9);
    }
    CU_ASSERT(isnan(ss_student_critical(1, 5)));
    CU_ASSERT_EQUAL(ss_student_two_sided(INFINITY, 5), 0);
}

static void
test_ranks(void)
{
    const double sorted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    CU_ASSERT_EQUAL(ss_nearest_rank(sorted, 10, 0.5), 5);
    CU_ASSERT_EQUAL(ss_nearest_rank(sorted, 10, 0.9), 9);
    CU_ASSERT_EQUAL(ss_nearest_rank(sorted, 10, 0.99), 10);
    CU_ASSERT_EQUAL(ss_nearest_rank(sorted, 10, 0), 1);
    CU_ASSERT(isnan(ss_nearest_rank(sorted, 0, 0.5)));
    const double x[] = {1, 2, 3, 4, 5}, up[] = {1, 4, 9, 16, 25}, down[] = {5, 4, 3, 2, 1}, flat[] = {7, 7, 7, 7, 7};
    const double tied[] = {1, 1, 2, 2, 3};
    CU_ASSERT_DOUBLE_EQUAL(ss_rank_correlation(x, up, 5), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(ss_rank_correlation(x, down, 5), -1, 1e-12);
    CU_ASSERT(isnan(ss_rank_correlation(x, flat, 5)));
    CU_ASSERT_DOUBLE_EQUAL(ss_rank_correlation(x, tied, 5), 0.9486833, 1e-6);
}

/* x' = phi x + noise: what is left of a step of a first-order autoregression after k neighbours is phi^k. */
static void
autoregress(double *values, size_t count, double phi, uint64_t seed)
{
    struct servsim_random random = {seed};
    double state = 0;
    for (size_t i = 0; i < count; i++) {
        double noise = 0;
        for (int k = 0; k < 12; k++)
            noise += servsim_random_unit(&random) - 0.5;
        state = phi * state + noise;
        values[i] = state;
    }
}

/* The rule's own formula for phi, which the estimate must come near: (1.5 (2 phi / (1 - phi^2))^2 n)^(1/3). */
static void
test_block_length(void)
{
    static const double phis[] = {0, 0.5, 0.8, 0.9, 0.97};
    enum { COUNT = 8192 };
    double *values = malloc(COUNT * sizeof *values);
    for (size_t p = 0; p < sizeof phis / sizeof phis[0]; p++) {
        double phi = phis[p], ratio = 2 * phi / (1 - phi * phi), sum = 0;
        double expected = fmax(1, cbrt(1.5 * ratio * ratio * COUNT));
        for (uint64_t seed = 1; seed <= 10; seed++) {
            autoregress(values, COUNT, phi, seed);
            sum += ss_block_length(values, COUNT) / 10;
        }
        (void)printf("# phi %.2f: block length %.1f, by the formula %.1f\n", phi, sum, expected);
        CU_ASSERT(sum >= 0.6 * expected && sum <= 2 * expected + 5);
    }
    for (size_t i = 0; i < COUNT; i++)
        values[i] = 7;
    CU_ASSERT_EQUAL(ss_block_length(values, COUNT), 1);
    CU_ASSERT_EQUAL(ss_block_length(values, 1), 1);
    free(values);
}

/* ---- simulated pairs ---- */

static struct ss_lookup lookup;
static char models[4096], data[4096], plugins[4096];

static void
open_plugins(void)
{
    struct servsim_error err = {.size = sizeof err};
    (void)snprintf(models, sizeof models, "%s", ss_source_path("configs/models"));
    (void)snprintf(data, sizeof data, "%s", ss_source_path("data"));
    (void)snprintf(plugins, sizeof plugins, "%s", ss_build_path("plugins/.libs"));
    const char *const paths[] = {plugins};
    CU_ASSERT_EQUAL_FATAL(ss_registry_open(&lookup.registry, paths, 1, &err), 0);
    lookup.models_dir = models;
    lookup.data_dir = data;
}

/* A device of which every efficiency is `speed` of what it is by default. */
static void
simulate(struct ss_samples *out, uint64_t seed, double speed, uint32_t requests)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_sim_options options = {0};
    struct ss_experiment experiment;
    struct ss_node *root = NULL;
    char yaml[2048];
    (void)snprintf(
        yaml, sizeof yaml,
        "servsim: 1\nreport: []\nseed: %llu\n"
        "workload: {plugin: poisson, rate: 2, requests: %u, prompt_tokens: 512, prompt_distribution: lognormal, "
        "output_tokens: 128, output_distribution: geometric}\n"
        "hardware: {plugin: custom, peak_tflops: {bf16: 312}, memory: 80GiB, memory_bandwidth: 2039GB/s, "
        "gemm: {compute_efficiency: %.6f, memory_efficiency: %.6f}, decode_attention: {memory_efficiency: %.6f}, "
        "prefill_attention: {compute_efficiency: %.6f}}\n",
        (unsigned long long)seed, requests, 0.785 * speed, 0.865 * speed, 0.88 * speed, 0.51 * speed);
    int rc = ss_node_parse(&root, yaml, strlen(yaml), "test", &err);
    if (rc == 0)
        rc = ss_experiment_build(&experiment, root, ".", &lookup, &err);
    ss_node_free(root);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    struct ss_result *result = malloc(sizeof *result);
    CU_ASSERT_EQUAL_FATAL(ss_simulate(&experiment.cells[0], &options, result, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_samples_of(out, &result->records, &err), 0);
    ss_result_free(result);
    free(result);
    ss_experiment_free(&experiment);
}

static void
compare(const struct ss_samples *a, size_t count_a, const struct ss_samples *b, size_t count_b,
        struct ss_comparison *out)
{
    const struct ss_compare_options options = {0.95, SS_ALL_METRICS, 1};
    struct servsim_error err = {.size = sizeof err};
    struct ss_side left[16], right[16];
    for (size_t i = 0; i < count_a; i++)
        left[i] = (struct ss_side){&a[i], 1000, 50};
    for (size_t i = 0; i < count_b; i++)
        right[i] = (struct ss_side){&b[i], 1000, 50};
    CU_ASSERT_EQUAL_FATAL(ss_compare(left, count_a, right, count_b, &options, out, &err), 0);
}

static void
compare_seeds(uint64_t seed_a, double speed_a, uint64_t seed_b, double speed_b, uint32_t requests,
              struct ss_comparison *out)
{
    struct ss_samples a, b;
    simulate(&a, seed_a, speed_a, requests);
    simulate(&b, seed_b, speed_b, requests);
    compare(&a, 1, &b, 1, out);
    ss_samples_free(&a);
    ss_samples_free(&b);
}

/* 200 pairs of two seeds: 5 % of them is 10; 4 to 17 is 2 to 8.5 %. Sanitizers look at memory, for which a few do, and
   say nothing of shares. */
static void
test_false_alarms(void)
{
    size_t alarms = 0, raw = 0, looked = 0, short_of_data = 0;
    uint64_t pairs = getenv("SERVSIM_SANITIZED") != NULL ? 10 : 200;
    double looks = 0;
    open_plugins();
    for (uint64_t pair = 0; pair < pairs; pair++) {
        struct ss_comparison out;
        compare_seeds(1 + 2 * pair, 1, 2 + 2 * pair, 1, 2000, &out);
        CU_ASSERT(!out.paired);
        short_of_data += (size_t)out.short_of_data;
        alarms += (size_t)out.differs;
        looks += out.looks / (double)pairs;
        for (size_t m = 0; m < SS_METRICS; m++) {
            looked += !isnan(out.metrics[m].p);
            raw += out.metrics[m].p < 0.05;
        }
    }
    (void)printf("# %zu of %" PRIu64
                 " pairs of equal systems called different (%.1f %%); %.1f independent looks; single "
                 "metrics beyond their interval: %.1f %%\n",
                 alarms, pairs, 100 * (double)alarms / (double)pairs, looks, 100 * (double)raw / (double)looked);
    CU_ASSERT(pairs < 200 || (alarms >= 4 && alarms <= 17));
    CU_ASSERT(short_of_data <= pairs / 20);
    CU_ASSERT(pairs < 200 || ((double)raw / (double)looked > 0.02 && (double)raw / (double)looked < 0.085));
    ss_registry_close(lookup.registry);
}

static void
test_slower_device(void)
{
    size_t found_unpaired = 0;
    open_plugins();
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct ss_comparison out;
        compare_seeds(seed, 1, seed, 0.95, 2000, &out);
        CU_ASSERT(out.paired);
        CU_ASSERT(out.differs);
        CU_ASSERT_EQUAL(out.metrics[SS_METRIC_LATENCY_MEAN].verdict, SS_VERDICT_MORE);
        CU_ASSERT(out.metrics[SS_METRIC_LATENCY_MEAN].low > 0);
        CU_ASSERT(out.metrics[SS_METRIC_LATENCY_MEAN].relative > 0.03);
        compare_seeds(seed, 1, seed, 1 / 0.95, 2000, &out);
        CU_ASSERT_EQUAL(out.metrics[SS_METRIC_LATENCY_MEAN].verdict, SS_VERDICT_LESS);
        compare_seeds(seed, 1, 1000 + seed, 0.95, 2000, &out);
        CU_ASSERT(!out.paired);
        found_unpaired += (size_t)out.differs;
    }
    (void)printf("# a 5 %% slower device: found in 10 of 10 paired runs, in %zu of 10 unpaired ones\n", found_unpaired);
    CU_ASSERT(found_unpaired >= 9);
    ss_registry_close(lookup.registry);
}

static void
test_equal(void)
{
    struct ss_comparison out;
    open_plugins();
    compare_seeds(5, 1, 5, 1, 300, &out);
    CU_ASSERT(out.paired && !out.differs && isnan(out.p_overall));
    for (size_t m = 0; m < SS_METRICS; m++)
        CU_ASSERT(out.metrics[m].verdict == SS_VERDICT_EQUAL || out.metrics[m].verdict == SS_VERDICT_FEW);
    compare_seeds(5, 1, 6, 1, 30, &out); /* too few: figures and no verdict */
    CU_ASSERT(!out.differs && out.judged == 0);
    CU_ASSERT_EQUAL(out.metrics[SS_METRIC_LATENCY_MEAN].verdict, SS_VERDICT_FEW);
    CU_ASSERT(!isnan(out.metrics[SS_METRIC_LATENCY_MEAN].a));
    ss_registry_close(lookup.registry);
}

/* Five replicates each. Holm is careful: at most 5 % false alarms, and with five often none. */
static void
test_replicates(void)
{
    struct ss_samples a[5], b[5];
    struct ss_comparison out;
    size_t alarms = 0;
    open_plugins();
    for (uint64_t round = 0; round < 20; round++) {
        for (uint64_t i = 0; i < 5; i++) {
            simulate(&a[i], 1 + 10 * round + i, 1, 300);
            simulate(&b[i], 6 + 10 * round + i, 1, 300);
        }
        compare(a, 5, b, 5, &out);
        CU_ASSERT(!out.paired);
        CU_ASSERT_EQUAL(out.replicates, 5);
        alarms += (size_t)out.differs;
        for (size_t i = 0; i < 5; i++) {
            ss_samples_free(&b[i]);
            simulate(&b[i], 1 + 10 * round + i, 0.95, 300);
        }
        compare(a, 5, b, 5, &out);
        CU_ASSERT(out.paired && out.differs);
        CU_ASSERT_EQUAL(out.metrics[SS_METRIC_LATENCY_MEAN].verdict, SS_VERDICT_MORE);
        for (size_t i = 0; i < 5; i++) {
            ss_samples_free(&a[i]);
            ss_samples_free(&b[i]);
        }
    }
    (void)printf("# replicates: %zu of 20 groups of equal systems called different\n", alarms);
    CU_ASSERT(alarms <= 4);
    ss_registry_close(lookup.registry);
}

/* ---- files ---- */

#define HEADER                                                                                                         \
    "request_id,replica,status,arrival_s,prompt_tokens,output_tokens,cached_tokens,preemptions,queue_ms,ttft_ms,"      \
    "tpot_ms,latency_ms\n"
#define GOOD "0,0,finished,1.500000000,100,11,0,0,5.000000,20.000000,10.000000,120.000000\n"

static void
test_hostile_rows(void)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "empty"},
        {HEADER, "no requests"},
        {"request_id,replica\n0,0\n", "status"},
        {HEADER GOOD "1,0,finished\n", ":3:|3 fields|12"},
        {HEADER "0,0,done,1,1,1,0,0,1,1,,1\n", ":2:|'done'|finished"},
        {HEADER "0,0,finished,nan,1,1,0,0,1,1,,1\n", ":2:|arrival_s|'nan'"},
        {HEADER "0,0,finished,-1,1,1,0,0,1,1,,1\n", ":2:|arrival_s|'-1'"},
        {HEADER "0,0,finished,1,99999999999,1,0,0,1,1,,1\n", ":2:|prompt_tokens"},
        {HEADER "0,0,finished,1,99999999999999999999999,1,0,0,1,1,,1\n", ":2:|prompt_tokens"},
        {HEADER "0,0,finished,1,1,1,0,0,1e3,1,,1\n", ":2:|queue_ms|'1e3'"},
        {HEADER "0,0,finished,1,1,1,0,0,1.2.3,1,,1\n", ":2:|queue_ms"},
        {HEADER "0,0,finished,1,1,1,0,0,,1,,1\n", ":2:|without queue_ms"},
        {HEADER GOOD "1,0,finished,1.4,1,1,0,0,1,1,,1\n", ":3:|earlier"},
    };
    char folder[256];
    scratch_open(folder);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_samples samples;
        (void)remove(scratch_path(folder, "requests.csv"));
        const char *path = scratch_puts(folder, "requests.csv", rows[i].text);
        CU_ASSERT(ss_samples_read(&samples, path, &err) < 0);
        CU_ASSERT(scratch_says(err.text, rows[i].says));
        CU_ASSERT(scratch_is_one_line(err.text));
    }
    struct servsim_error err = {.size = sizeof err};
    struct ss_samples samples;
    CU_ASSERT(ss_samples_read(&samples, folder, &err) < 0); /* a folder */
    CU_ASSERT(ss_samples_read(&samples, scratch_write(folder, "junk", "\0\1\2\n\0\n", 6, 0600), &err) < 0);
    scratch_close(folder);
}

/* Written and read again: the same to the nanosecond. */
static void
test_round_trip(void)
{
    struct ss_record records[3] = {{.arrival = 1234567890123,
                                    .queue_ps = 1500,
                                    .ttft_ps = 123456789,
                                    .latency_ps = 987654321987,
                                    .prompt_tokens = 7,
                                    .output_tokens = 3,
                                    .replica = 2,
                                    .preemptions = 1,
                                    .status = SS_STATUS_FINISHED},
                                   {.arrival = 1234567890123,
                                    .queue_ps = SS_NO_PS,
                                    .ttft_ps = SS_NO_PS,
                                    .latency_ps = SS_NO_PS,
                                    .prompt_tokens = 9,
                                    .replica = UINT32_MAX,
                                    .status = SS_STATUS_REJECTED},
                                   {.arrival = (ss_time)9000000 * SS_PS_PER_S,
                                    .queue_ps = 0,
                                    .ttft_ps = 5000000,
                                    .latency_ps = 5000000,
                                    .prompt_tokens = 1,
                                    .output_tokens = 1,
                                    .status = SS_STATUS_FINISHED,
                                    .retries = 2}};
    struct ss_result *result = calloc(1, sizeof *result);
    struct servsim_error err = {.size = sizeof err};
    struct ss_samples direct, read;
    struct ss_sender senders[3] = {{7, -1}, {0, 0}, {UINT64_MAX, 1}};
    char folder[256];
    scratch_open(folder);
    result->failures.retries = 2;
    result->records = (struct ss_records){
        .items = records, .count = 3, .capacity = 3, .senders = senders, .has_clients = 1, .has_priorities = 1};
    const char *path = scratch_path(folder, "requests.csv");
    CU_ASSERT_EQUAL_FATAL(ss_write_requests_csv(result, path, &err), 0);
    char *text = NULL;
    size_t length;
    CU_ASSERT_EQUAL_FATAL(ss_file_read(path, 10000, &text, &length, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ",latency_ms,client,priority,retries\n0,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ",7,-1,0\n1,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ",18446744073709551615,1,2\n"));
    free(text);
    CU_ASSERT_EQUAL_FATAL(ss_samples_read(&read, path, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_samples_of(&direct, &result->records, &err), 0);
    CU_ASSERT_EQUAL_FATAL(read.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct ss_sample *x = &read.items[i], *y = &direct.items[i];
        CU_ASSERT(x->arrival_ns == y->arrival_ns && x->status == y->status && x->replica == y->replica);
        CU_ASSERT(x->prompt_tokens == y->prompt_tokens && x->output_tokens == y->output_tokens);
        CU_ASSERT(x->preemptions == y->preemptions);
        CU_ASSERT(x->queue_ms == y->queue_ms || (isnan(x->queue_ms) && isnan(y->queue_ms)));
        CU_ASSERT(x->tpot_ms == y->tpot_ms || (isnan(x->tpot_ms) && isnan(y->tpot_ms)));
        CU_ASSERT(x->latency_ms == y->latency_ms || (isnan(x->latency_ms) && isnan(y->latency_ms)));
    }
    CU_ASSERT(ss_same_traffic(&read, &direct));
    read.items[2].prompt_tokens++;
    CU_ASSERT(!ss_same_traffic(&read, &direct));
    ss_samples_free(&read);
    ss_samples_free(&direct);
    free(result);
    scratch_close(folder);
}

static void
test_hostile_results(void)
{
    static const struct {
        const char *manifest, *says;
    } rows[] = {
        {"", "not a whole JSON"},
        {"[1]", "not a JSON object"},
        {"{\"cells\": 3}", "no list of cells"},
        {"{\"cells\": [{\"name\": \"a\", \"status\": \"done\", \"dir\": \"../../etc\"}]}", "cells[0]|inside"},
        {"{\"cells\": [{\"name\": \"a\", \"status\": \"done\", \"dir\": \"/etc\"}]}", "cells[0]|inside"},
        {"{\"cells\": [{\"name\": 7, \"status\": \"done\", \"dir\": \"cells/a\"}]}", "cells[0]|name"},
        {"{\"cells\": [{\"name\": \"a\", \"status\": \"failed\", \"dir\": \"cells/a\"}]}", "none of its 1 cells"},
    };
    char folder[256];
    scratch_open(folder);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_trials trials;
        (void)remove(scratch_path(folder, "experiment.json"));
        (void)scratch_puts(folder, "experiment.json", rows[i].manifest);
        CU_ASSERT(ss_trials_open(&trials, folder, &err) < 0);
        CU_ASSERT(scratch_says(err.text, rows[i].says));
        CU_ASSERT(scratch_is_one_line(err.text));
    }
    scratch_close(folder);
}

/* ---- findings that can be worked out ---- */

/*
 * One replica. Request 0 (1000 prompt tokens) prefills from 0 to 1 s. Requests 1 (100 tokens) and 2 (600) arrive at 0.2
 * and 0.4 s and wait for their first step until 1.1 s. 1000 tokens are at least 512, the power of two from twice 100 on
 * is 256: request 1 is blocked for 0.8 of its 0.9 s; that from twice 600 on is 2048: request 2 is not blocked at all.
 */
#define BLOCKING                                                                                                       \
    HEADER "0,0,finished,0.000000000,1000,1,0,0,0.000000,1000.000000,,1000.000000\n"                                   \
           "1,0,finished,0.200000000,100,11,0,2,900.000000,1000.000000,100.000000,2000.000000\n"                       \
           "2,0,finished,0.400000000,600,11,0,0,700.000000,800.000000,100.000000,1800.000000\n"                        \
           "3,,rejected,0.500000000,9000,0,0,0,,,,\n"
/* Bins of 1 s. In the second, half idle with 0.3 waiting on average: at most 0.3 s. In the third, the run ends at 2.2
 * s. */
#define SERIES                                                                                                         \
    "t_s,arrivals,finished,output_tokens,prefill_tokens,preemptions,waiting_mean,running_mean,kv_blocks_peak,"         \
    "busy_fraction\n"                                                                                                  \
    "0.000000000,4,0,1,1000,0,1.400000,1.000000,60,1.000000\n"                                                         \
    "1.000000000,0,1,15,700,2,0.300000,1.500000,80,0.500000\n"                                                         \
    "2.000000000,0,2,7,0,0,0.000000,0.400000,40,0.100000\n"
#define SUMMARY                                                                                                        \
    "{\"preemptions\": 2, \"recomputed_tokens\": 170, \"prefill_tokens_computed\": 1700, \"kv_blocks_total\": 100, "   \
    "\"kv_usage_peak\": 0.8, \"replicas\": 1, \"gpus\": 2, \"simulated_s\": 2.2, \"busy_fraction\": 0.5, "             \
    "\"output_tokens\": 23, \"busy_share\": {\"dense\": 0.6, \"attention\": 0.3}}"
#define RUN "{\"configuration\": \"servsim: 1\\nkv_cache: {block_size: 16}\\ncluster: {gpus: 2, tp: 2}\\n\"}"

static void
test_findings(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_findings found;
    struct ss_trials trials;
    struct ss_text text = {0};
    char folder[256];
    scratch_open(folder);
    (void)scratch_puts(folder, "requests.csv", BLOCKING);
    (void)scratch_puts(folder, "series.csv", SERIES);
    (void)scratch_puts(folder, "summary.json", SUMMARY);
    (void)scratch_puts(folder, "run.json", RUN);
    int rc = ss_trials_open(&trials, folder, &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(ss_trial_load(&trials.items[0], &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_findings_make(&found, &trials.items[0], &err), 0);
    CU_ASSERT_EQUAL(found.requests, 4);
    CU_ASSERT_EQUAL(found.rejected, 1);
    CU_ASSERT_DOUBLE_EQUAL(found.span_s, 2.2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.queue_share, 1600.0 / 4800, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.prefill_share, 1200.0 / 4800, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.decode_share, 2000.0 / 4800, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.waited_s, 1.6, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.blocked_s, 0.8, 1e-9);
    CU_ASSERT_EQUAL(found.short_prompt_tokens, 600);
    CU_ASSERT_DOUBLE_EQUAL(found.short_blocked_share, 0.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.idle_gpu_s, 2 * (0.5 + 0.1), 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(found.idle_waiting_gpu_s, 2 * 0.3, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(found.gpu_s, 4.4, 1e-9);
    CU_ASSERT_EQUAL(found.windows, 2);
    CU_ASSERT_DOUBLE_EQUAL(found.throughput_mean, 8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.throughput_most, 15, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.throughput_most_at_s, 1, 1e-9);
    /* 1000, 110 and 610 tokens in blocks of 16: 1008, 112 and 624 slots */
    CU_ASSERT_DOUBLE_EQUAL(found.fragmentation, 24.0 / 1744, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.wasted_tokens_per_request, 8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.kv_mean_share, (60 + 80 + 0.2 * 40) / 2.2 / 100, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.recomputed_share, 0.1, 1e-9);
    CU_ASSERT_EQUAL(found.preempted_requests, 1);
    CU_ASSERT_DOUBLE_EQUAL(found.recompute_gpu_s, 170.0 / 1723 * 2.2 * 2 * 0.5 * 0.9, 1e-9);
    ss_findings_text(&found, &text);
    CU_ASSERT(!text.failed && strstr(text.data, "nan") == NULL);
    json_t *json = ss_findings_json(&found);
    char *dumped = json_dumps(json, 0);
    CU_ASSERT(dumped != NULL);
    free(dumped);
    json_decref(json);
    ss_text_free(&text);
    ss_trials_free(&trials);
    scratch_close(folder);
}

/* A run whose files contradict each other is not plausible. */
static void
test_plausible(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_check checks[SS_CHECKS];
    struct ss_trials trials;
    char folder[256];
    scratch_open(folder);
    (void)scratch_puts(folder, "requests.csv", HEADER GOOD);
    (void)scratch_puts(folder, "summary.json",
                       "{\"requests_finished\": 1, \"requests_rejected\": 0, \"requests_failed\": 0, "
                       "\"requests_unfinished\": 0, \"output_tokens\": 11, \"output_tokens_per_s\": 91.6666666667, "
                       "\"latency_ms\": {\"mean\": 120.0}, \"requests_in_system_mean\": 1.0, \"busy_fraction\": 0.5}");
    CU_ASSERT_EQUAL_FATAL(ss_trials_open(&trials, folder, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_trial_load(&trials.items[0], &err), 0);
    ss_plausible(&trials.items[0], checks);
    for (size_t i = 0; i < SS_CHECKS; i++)
        CU_ASSERT_EQUAL(checks[i].state, SS_CHECK_PASSED);
    trials.items[0].samples.items[0].ttft_ms = 130;
    trials.items[0].samples.items[0].output_tokens = 12;
    (void)json_object_set_new(trials.items[0].summary, "busy_fraction", json_real(1.5));
    ss_plausible(&trials.items[0], checks);
    const uint32_t failed[] = {0, 1, 3, 4, 7};
    for (size_t i = 0; i < sizeof failed / sizeof failed[0]; i++)
        CU_ASSERT_EQUAL(checks[failed[i]].state, SS_CHECK_FAILED);
    json_decref(trials.items[0].summary);
    trials.items[0].summary = NULL;
    ss_plausible(&trials.items[0], checks);
    CU_ASSERT_EQUAL(checks[4].state, SS_CHECK_UNKNOWN);
    ss_trials_free(&trials);
    scratch_close(folder);
}

/* ---- errors of several simulations ---- */

static struct ss_fidelity
simulated_at(double scale)
{
    struct ss_fidelity fidelity = {.makespan_real_s = 10,
                                   .makespan_simulated_s = 10 * scale,
                                   .throughput_real = 100,
                                   .throughput_simulated = 100 / scale,
                                   .throughput_error = scale - 1};
    for (size_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        fidelity.figures[i] =
            (struct ss_fidelity_figure){{20, 19, 25, NAN}, {20 * scale, 19 * scale, 25 * scale, NAN}, scale - 1, 1};
    return fidelity;
}

/* Errors of 10, 20 and 60 %: 30 in the mean, and a deviation of sqrt((400 + 100 + 900) / 2). */
static void
test_spread(void)
{
    struct ss_fidelity_spread spread = {0};
    static const double scales[] = {1.1, 1.2, 1.6};
    CU_ASSERT(isnan(ss_fidelity_deviation(&spread, 0)));
    for (size_t i = 0; i < 3; i++) {
        const struct ss_fidelity fidelity = simulated_at(scales[i]);
        ss_fidelity_spread_add(&spread, &fidelity);
        CU_ASSERT(i > 0 || isnan(ss_fidelity_deviation(&spread, 0)));
    }
    CU_ASSERT_EQUAL(spread.runs, 3);
    for (uint32_t i = 0; i < SS_FIDELITY_ERRORS; i++) {
        if (i == SS_FIDELITY_MAKESPAN + 1) /* throughput goes the other way */
            continue;
        if (i < SS_FIDELITY_MAKESPAN && i % SS_FIDELITY_EACH == 3) { /* not known */
            CU_ASSERT(isnan(spread.mean[i]) && isnan(ss_fidelity_deviation(&spread, i)));
            continue;
        }
        CU_ASSERT_DOUBLE_EQUAL(spread.mean[i], 0.3, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(ss_fidelity_deviation(&spread, i), sqrt(0.07), 1e-12);
    }
    CU_ASSERT_DOUBLE_EQUAL(spread.mean[SS_FIDELITY_MAKESPAN + 1], (1 / 1.1 + 1 / 1.2 + 1 / 1.6) / 3 - 1, 1e-12);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"Student's t is that of the tables", test_student},
        {"ranks", test_ranks},
        {"block lengths follow the autocorrelation", test_block_length},
        {"hostile rows are refused with file and line", test_hostile_rows},
        {"requests.csv reads back to the nanosecond", test_round_trip},
        {"hostile manifests are refused", test_hostile_results},
        {"findings that can be worked out by hand", test_findings},
        {"errors over repeats: mean and deviation", test_spread},
        {"contradicting files are not plausible", test_plausible},
        {"equal runs are equal, and few requests are not judged", test_equal},
        {"replicates are the observations", test_replicates},
        {"a 5 % slower device is found", test_slower_device},
        {"200 pairs of equal systems: 2 to 8.5 % false alarms", test_false_alarms},
    };
    return ss_run_cases("analysis", cases, sizeof cases / sizeof cases[0]);
}
