/*
 * unit/engine_test.c - the engine against itself and against theory.
 *
 * Random cells, run whole-run-at-a-time and step by step, must leave the same bytes; both under --verify, which checks
 * conservation and Little's law to the last bit.
 */
#include <math.h>
#include <stdlib.h>

#include "harness.h"
#include "toy.h"

/* ---- equality ---- */

struct totals {
    uint64_t cells, preemptions, events_fast, events_stepwise, steps, rejected;
};

static uint32_t
pick(struct servsim_random *random, const uint32_t *values, size_t count)
{
    return values[servsim_random_u64(random) % count];
}

#define PICK(random, ...)                                                                                              \
    pick((random), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void
randomise(struct toy *toy, uint64_t seed)
{
    struct servsim_random random = {seed * 7919};
    struct ss_cell *cell = &toy->cell;
    cell->seed = seed;
    cell->block_size = PICK(&random, 1, 2, 3, 16, 16, 16, 32, 100);
    cell->max_num_seqs = PICK(&random, 1, 2, 5, 16, 64);
    cell->max_num_batched_tokens = cell->max_num_seqs + PICK(&random, 0, 1, 16, 64, 512);
    cell->replicas = cell->gpus = PICK(&random, 1, 1, 2, 3, 7);
    cell->kv_blocks = PICK(&random, 8, 20, 40, 100, 1000) * (cell->block_size < 16 ? 5 : 1);
    cell->overhead.step_ps = PICK(&random, 0, 1, 750000000);
    toy->traffic.requests = PICK(&random, 1, 20, 60, 150);
    toy->traffic.gap_s = PICK(&random, 1, 3, 30, 300, 3000) / 1000.0;
    toy->traffic.burst = PICK(&random, 0, 0, 2, 17);
    toy->traffic.prompt_max = PICK(&random, 1, 40, 300);
    toy->traffic.output_min = 1;
    toy->traffic.output_max = PICK(&random, 1, 2, 50, 400);
    /* whole milliseconds without a slope make ends of steps and arrivals fall together */
    toy->device.step_ps = PICK(&random, 1000000, 1000000000, 7777777);
    toy->device.token_ps = PICK(&random, 0, 1, 1000, 123457);
    toy->device.grid = PICK(&random, 0, 0, 1, 7, 64);
    toy->device.wants_range = PICK(&random, 0, 0, 1);
    if (PICK(&random, 0, 0, 0, 1))
        cell->stop_after = (ss_time)PICK(&random, 1, 50, 500, 3000) * SS_PS_PER_MS;
    toy_use(toy, SERVSIM_KIND_ROUTER, PICK(&random, 0, 1) ? "round_robin" : "least_loaded", NULL);
    static const char *const options[] = {NULL, "{chunked_prefill: false}", "{long_prefill_threshold: 5}",
                                          "{long_prefill_threshold: 64}"};
    toy_use(toy, SERVSIM_KIND_SCHEDULER, "fcfs", options[PICK(&random, 0, 0, 0, 1, 2, 3)]);
}

static void
add_up(struct totals *totals, const struct ss_result *fast, const struct ss_result *stepwise)
{
    totals->cells++;
    totals->events_fast += fast->events;
    totals->events_stepwise += stepwise->events;
    totals->steps += fast->engine_steps;
    for (uint32_t i = 0; i < fast->replica_count; i++)
        totals->preemptions += fast->replicas[i].preemptions;
    for (size_t i = 0; i < fast->records.count; i++)
        totals->rejected += fast->records.items[i].status == SS_STATUS_REJECTED;
}

static int
same_both_ways(struct toy *toy, struct totals *totals)
{
    struct ss_result *fast = malloc(sizeof *fast), *stepwise = malloc(sizeof *stepwise);
    int rc = toy_run(toy, 0, fast);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(toy_run(toy, 1, stepwise), 0);
    char *left = toy_text(fast, &toy->cell), *right = toy_text(stepwise, &toy->cell);
    int same = strcmp(left, right) == 0 && fast->engine_steps == stepwise->engine_steps &&
               stepwise->events >= stepwise->engine_steps && fast->events <= stepwise->events;
    add_up(totals, fast, stepwise);
    free(left);
    free(right);
    ss_result_free(fast);
    ss_result_free(stepwise);
    free(fast);
    free(stepwise);
    return same;
}

static void
test_equality(void)
{
    struct totals totals = {0};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct toy toy;
        toy_init(&toy);
        randomise(&toy, seed);
        int same = same_both_ways(&toy, &totals);
        if (!same)
            (void)printf("# seed %llu differs\n", (unsigned long long)seed);
        CU_ASSERT(same);
        toy_free(&toy);
    }
    (void)printf("# %llu cells, %llu preemptions, %llu rejected, %llu steps, %llu events against %llu\n",
                 (unsigned long long)totals.cells, (unsigned long long)totals.preemptions,
                 (unsigned long long)totals.rejected, (unsigned long long)totals.steps,
                 (unsigned long long)totals.events_fast, (unsigned long long)totals.events_stepwise);
    CU_ASSERT(totals.preemptions > 1000);
    CU_ASSERT(totals.rejected > 10);
    CU_ASSERT(totals.events_fast * 2 < totals.events_stepwise);
}

/* ---- theory ---- */

/* One request at a time, one token each, constant steps: M/D/1. Mean wait rho s / (2 (1 - rho)). */
static void
test_md1(void)
{
    static const double loads[] = {0.3, 0.6, 0.8};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        struct toy toy;
        struct ss_result *result = malloc(sizeof *result);
        toy_init(&toy);
        toy.cell.max_num_seqs = 1;
        toy.cell.max_num_batched_tokens = 1;
        toy.device = (struct toy_device){.step_ps = 10 * SS_PS_PER_MS - 7 - 1};
        toy.traffic = (struct toy_traffic){.requests = 200000,
                                           .gap_s = 0.01 / loads[i],
                                           .prompt_min = 1,
                                           .prompt_max = 1,
                                           .output_min = 1,
                                           .output_max = 1};
        CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
        struct ss_distribution queue;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_EQUAL_FATAL(ss_records_distribution(&result->records, SS_FIGURE_QUEUE, &queue, &err), 0);
        double expected_ms = 10.0 * loads[i] / (2 * (1 - loads[i]));
        /* three standard errors of the mean of a correlated queue, generously */
        double tolerance_ms = expected_ms * 0.03 / (1 - loads[i]) * 0.4 + 0.02;
        (void)printf("# M/D/1 at %.1f: wait %.3f ms, theory %.3f\n", loads[i], queue.mean_ms, expected_ms);
        CU_ASSERT_DOUBLE_EQUAL(queue.mean_ms, expected_ms, tolerance_ms);
        ss_result_free(result);
        free(result);
        toy_free(&toy);
    }
}

/* One at a time, outputs of 1 + floor(exponential) constant steps: M/G/1 with the moments of a geometric service. */
static void
test_mm1_like(void)
{
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    toy_init(&toy);
    const double step_s = 0.001, mean_steps = 100, load = 0.7;
    /* 1 + floor(X), X exponential of mean m: geometric with p = 1 - exp(-1/m) */
    double p = 1 - exp(-1 / mean_steps);
    double service_s = step_s / p, second = step_s * step_s * (2 - p) / (p * p);
    double rate = load / service_s;
    toy.cell.max_num_seqs = 1;
    toy.cell.max_num_batched_tokens = 1;
    toy.cell.max_model_len = 1000000;
    toy.cell.kv_blocks = 1000000;
    toy.device = (struct toy_device){.step_ps = SS_PS_PER_MS - 7};
    toy.traffic = (struct toy_traffic){.requests = 300000,
                                       .gap_s = 1 / rate,
                                       .prompt_min = 1,
                                       .prompt_max = 1,
                                       .output_min = 1,
                                       .output_max = (uint32_t)mean_steps,
                                       .exponential_output = 1};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    struct ss_distribution queue;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(ss_records_distribution(&result->records, SS_FIGURE_QUEUE, &queue, &err), 0);
    double expected_ms = 1e3 * rate * second / (2 * (1 - load));
    (void)printf("# M/G/1 at %.1f: wait %.2f ms, theory %.2f\n", load, queue.mean_ms, expected_ms);
    CU_ASSERT_DOUBLE_EQUAL(queue.mean_ms, expected_ms, expected_ms * 0.04);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* ---- a run worked out by hand ---- */

/* Two requests of 3 prompt and 3 output tokens at time 0, budget 4, 1 ms a step: chunks 3 + 1, then 2 + decode, ... */
static void
test_by_hand(void)
{
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    toy_init(&toy);
    toy.cell.max_num_batched_tokens = 4;
    toy.cell.max_num_seqs = 4;
    toy.device = (struct toy_device){.step_ps = SS_PS_PER_MS};
    toy.traffic = (struct toy_traffic){.requests = 2,
                                       .burst = 2,
                                       .prompt_min = 3,
                                       .prompt_max = 3,
                                       .output_min = 3,
                                       .output_max = 3};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    /* a step costs 1 ms + 7 ps a token + one ps a causal pair */
    const int64_t step_1 = SS_PS_PER_MS + 4 * 7 + 6 + 1;               /* 3 tokens of A, 1 of B */
    const int64_t step_2 = SS_PS_PER_MS + 3 * 7 + (2 * 1 + 3);          /* A decodes, B's other 2 */
    const int64_t step_3 = SS_PS_PER_MS + 2 * 7;                        /* both decode; A is done */
    const int64_t step_4 = SS_PS_PER_MS + 1 * 7;                        /* B decodes and is done */
    const struct ss_record *a = &result->records.items[0], *b = &result->records.items[1];
    CU_ASSERT_EQUAL(a->queue_ps, 0);
    CU_ASSERT_EQUAL(a->ttft_ps, step_1);
    CU_ASSERT_EQUAL(b->queue_ps, 0);
    CU_ASSERT_EQUAL(b->ttft_ps, step_1 + step_2);
    CU_ASSERT_EQUAL(a->latency_ps, step_1 + step_2 + step_3);
    CU_ASSERT_EQUAL(b->latency_ps, step_1 + step_2 + step_3 + step_4);
    CU_ASSERT_EQUAL(result->engine_steps, 4);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"fast-forward equals stepwise over random cells, with preemptions", test_equality},
        {"a run worked out by hand", test_by_hand},
        {"M/D/1 waits", test_md1},
        {"M/G/1 waits with geometric service", test_mm1_like},
    };
    return ss_run_cases("engine", cases, sizeof cases / sizeof cases[0]);
}
