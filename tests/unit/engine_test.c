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
    toy->device.step_ps = PICK(&random, 1000000, 1000000000, 7777777);
    toy->device.token_ps = PICK(&random, 0, 1, 1000, 123457);
    toy->device.grid = PICK(&random, 0, 0, 1, 7, 64);
    toy->device.wants_range = PICK(&random, 0, 0, 1);
    if (PICK(&random, 0, 0, 1)) {
        /* whole milliseconds: ends of steps and arrivals fall together, and the order at one instant shows */
        toy->device = (struct toy_device){.step_ps = 1000000000, .constant = 1};
        toy->traffic.tick_ps = 1000000000;
        cell->overhead.step_ps = 0;
    }
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

#define BATCHES 40

/*
 * Mean wait in queue with a 99.9 % confidence interval by batch means: neighbouring requests are not independent, whole
 * batches nearly are. The first batch is left out as warm-up.
 */
static void
mean_wait(const struct ss_result *result, double *mean_ms, double *half_width_ms)
{
    size_t size = result->records.count / (BATCHES + 1);
    double sum = 0, squares = 0;
    for (size_t batch = 1; batch <= BATCHES; batch++) {
        double wait_ms = 0;
        for (size_t i = batch * size; i < (batch + 1) * size; i++)
            wait_ms += (double)result->records.items[i].queue_ps / 1e9;
        sum += wait_ms / (double)size;
        squares += wait_ms / (double)size * wait_ms / (double)size;
    }
    *mean_ms = sum / BATCHES;
    double variance = (squares - sum * sum / BATCHES) / (BATCHES - 1);
    *half_width_ms = 3.56 * sqrt(variance / BATCHES); /* Student's t, 39 degrees of freedom */
}

static void
expect_wait(struct toy *toy, const char *what, double expected_ms)
{
    struct ss_result *result = malloc(sizeof *result);
    double mean_ms, half_width_ms;
    CU_ASSERT_EQUAL_FATAL(toy_run(toy, 0, result), 0);
    mean_wait(result, &mean_ms, &half_width_ms);
    (void)printf("# %s: wait %.3f +- %.3f ms, theory %.3f\n", what, mean_ms, half_width_ms, expected_ms);
    CU_ASSERT_DOUBLE_EQUAL(mean_ms, expected_ms, half_width_ms);
    CU_ASSERT(half_width_ms < 0.1 * expected_ms); /* an interval that holds anything proves nothing */
    ss_result_free(result);
    free(result);
}

/* A server of one request at a time whose step takes step_ms whatever is in it. */
static void
single_server(struct toy *toy, double step_ms, double mean_gap_s, uint32_t output_tokens)
{
    toy_init(toy);
    toy->cell.max_num_seqs = 1;
    toy->cell.max_num_batched_tokens = 1;
    toy->cell.max_model_len = 1000000;
    toy->cell.kv_blocks = 1000000;
    /* the toy device adds 7 ps for the token and 1 ps for the causal pair of a prefill of one */
    toy->device = (struct toy_device){.step_ps = (int64_t)(step_ms * 1e9) - 8};
    toy->traffic = (struct toy_traffic){.requests = 400000,
                                        .gap_s = mean_gap_s,
                                        .prompt_min = 1,
                                        .prompt_max = 1,
                                        .output_min = output_tokens,
                                        .output_max = output_tokens};
}

/* One token each: M/D/1, mean wait load x service / (2 (1 - load)). */
static void
test_md1(void)
{
    static const double loads[] = {0.3, 0.6, 0.8};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        struct toy toy;
        char what[32];
        single_server(&toy, 10, 0.01 / loads[i], 1);
        (void)snprintf(what, sizeof what, "M/D/1 at %.1f", loads[i]);
        expect_wait(&toy, what, 10.0 * loads[i] / (2 * (1 - loads[i])));
        toy_free(&toy);
    }
}

/*
 * Outputs of 1 + floor(exponential) tokens: a geometric service, so M/G/1 with nearly the moments of M/M/1; the wait is
 * rate x E[S^2] / (2 (1 - load)).
 */
static void
test_mm1_like(void)
{
    const double step_s = 0.001, mean_tokens = 100, load = 0.7;
    double p = 1 - exp(-1 / mean_tokens);
    double service_s = step_s / p, second_moment = step_s * step_s * (2 - p) / (p * p);
    double rate = load / service_s;
    struct toy toy;
    single_server(&toy, step_s * 1e3, 1 / rate, (uint32_t)mean_tokens);
    toy.traffic.exponential_output = 1;
    expect_wait(&toy, "M/M/1-like at 0.7", 1e3 * rate * second_moment / (2 * (1 - load)));
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
    toy.traffic = (struct toy_traffic){
        .requests = 2, .burst = 2, .prompt_min = 3, .prompt_max = 3, .output_min = 3, .output_max = 3};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    /* a step costs 1 ms + 7 ps a token + one ps a causal pair */
    const int64_t step_1 = SS_PS_PER_MS + 4 * 7 + 6 + 1;       /* 3 tokens of A, 1 of B */
    const int64_t step_2 = SS_PS_PER_MS + 3 * 7 + (2 * 1 + 3); /* A decodes, B's other 2 */
    const int64_t step_3 = SS_PS_PER_MS + 2 * 7;               /* both decode; A is done */
    const int64_t step_4 = SS_PS_PER_MS + 1 * 7;               /* B decodes and is done */
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

/*
 * 4 blocks of 4 tokens, budget 4, two requests of 8 prompt tokens. The second's first chunk would fit beside the first
 * request, its whole length does not: it must wait until the first has gone.
 */
static void
test_whole_length_must_fit(void)
{
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    toy_init(&toy);
    toy.cell.block_size = 4;
    toy.cell.kv_blocks = 4;
    toy.cell.max_num_batched_tokens = 4;
    toy.cell.max_num_seqs = 4;
    toy.device = (struct toy_device){.step_ps = SS_PS_PER_MS, .constant = 1};
    toy.traffic = (struct toy_traffic){
        .requests = 2, .burst = 2, .prompt_min = 8, .prompt_max = 8, .output_min = 2, .output_max = 2};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    /* chunks in steps 1 and 2; the second token in step 3, where it takes a third block and leaves one, of two needed
     */
    CU_ASSERT_EQUAL(result->records.items[0].ttft_ps, 2 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->records.items[0].latency_ps, 3 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->records.items[1].queue_ps, 3 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->records.items[1].latency_ps, 6 * SS_PS_PER_MS);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* ---- real devices ---- */

/* One request of 512 prompt and 128 output tokens alone on llama-3.1-8b: the figures composed by hand from the measured
 * kernels. */
static void
test_worked_check(void)
{
    static const struct {
        const char *device;
        double ttft_ms, tpot_ms;
    } cases[] = {{"a100", 31.0, 12.38}, {"rtx3090", 122.2, 20.93}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct toy toy;
        struct servsim_error err = {.size = sizeof err};
        struct ss_result *result = malloc(sizeof *result);
        toy_init(&toy);
        int rc = ss_model_read(&toy.cell.model, ss_source_path("configs/models/llama-3.1-8b.json"), &err);
        CU_ASSERT_EQUAL_FATAL(rc, 0);
        toy.cell.max_num_seqs = 256;
        toy.cell.max_num_batched_tokens = 2048;
        toy.cell.kv_blocks = 0;
        toy.cell.overhead = (struct ss_overhead){.step_ps = 750000000, .layer_ps = 12500000};
        toy.traffic = (struct toy_traffic){
            .requests = 1, .prompt_min = 512, .prompt_max = 512, .output_min = 128, .output_max = 128};
        toy_use(&toy, SERVSIM_KIND_HARDWARE, cases[i].device, NULL);
        CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
        const struct ss_record *record = &result->records.items[0];
        double ttft_ms = (double)record->ttft_ps / 1e9, tpot_ms = (double)ss_record_tpot_ps(record) / 1e9;
        (void)printf("# %s: TTFT %.3f ms, TPOT %.4f ms\n", cases[i].device, ttft_ms, tpot_ms);
        CU_ASSERT_DOUBLE_EQUAL(ttft_ms, cases[i].ttft_ms, cases[i].ttft_ms * 0.005);
        CU_ASSERT_DOUBLE_EQUAL(tpot_ms, cases[i].tpot_ms, cases[i].tpot_ms * 0.005);
        ss_result_free(result);
        free(result);
        toy_free(&toy);
    }
}

/* The RTX 4090's count of blocks that vLLM 0.19 reported, by the same accounting on a device of the same memory. */
static void
test_kv_blocks(void)
{
    struct toy toy;
    struct servsim_error err = {.size = sizeof err};
    struct ss_result *result = malloc(sizeof *result);
    toy_init(&toy);
    int rc = ss_model_read(&toy.cell.model, ss_source_path("configs/models/llama-3.1-8b.json"), &err);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    toy.cell.max_num_seqs = 256;
    toy.cell.max_num_batched_tokens = 2048;
    toy.cell.kv_blocks = 0;
    toy.traffic.requests = 1;
    toy_use(&toy, SERVSIM_KIND_HARDWARE, "rtx3090", NULL); /* 24 GiB, as the RTX 4090 */
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    CU_ASSERT_EQUAL(result->kv_blocks_total, 2588);
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
        {"a request starts only when its whole length fits", test_whole_length_must_fit},
        {"one request on an idle device", test_worked_check},
        {"KV blocks of a 24 GiB device", test_kv_blocks},
        {"M/D/1: the wait is within its confidence interval", test_md1},
        {"M/M/1-like: the wait is within its confidence interval", test_mm1_like},
    };
    return ss_run_cases("engine", cases, sizeof cases / sizeof cases[0]);
}
