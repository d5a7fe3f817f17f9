/*
 * unit/engine_test.c - the engine against itself and against theory.
 *
 * Random cells, run whole-run-at-a-time and step by step, must leave the same bytes; both under --verify, which checks
 * conservation and Little's law to the last bit.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/cluster.h"
#include "harness.h"
#include "toy.h"
#include "toy_scheduler.h"

/* ---- equality ---- */

struct totals {
    uint64_t cells, preemptions, events_fast, events_stepwise, steps, rejected;
    uint64_t swapped_out, swapped_in, pauses, held, cached, evictions;
    uint64_t deaths, retries, failed, lost;
    uint64_t transfers, waited;
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
        toy->device = (struct ss_toy_device){.step_ps = 1000000000, .constant = 1};
        toy->traffic.tick_ps = 1000000000;
        cell->overhead.step_ps = 0;
    }
    /* drawn from a stream of its own: the cells stay what they were */
    struct servsim_random engines = {seed * 104729};
    cell->overhead.asynchronous = PICK(&engines, 0, 1);
    cell->overhead.graph_padding = PICK(&engines, 0, 1);
    cell->overhead.arrival_ps = PICK(&engines, 0, 0, 1000000000, 1234567);
    cell->overhead.wake_ps = PICK(&engines, 0, 2000000000, 777);
    cell->overhead.request_ps = PICK(&engines, 0, 999, 1000000);
    cell->overhead.prefill_layer_ps = PICK(&engines, 0, 12345);
    cell->overhead.refresh_ps = PICK(&engines, 0, 100, 1, 10) * INT64_C(1000000000);
    if (PICK(&random, 0, 0, 0, 1))
        cell->stop_after = (ss_time)PICK(&random, 1, 50, 500, 3000) * SS_PS_PER_MS;
    toy_use(toy, SERVSIM_KIND_ROUTER, PICK(&random, 0, 1) ? "round_robin" : "least_loaded", NULL);
    static const char *const options[] = {NULL, "{chunked_prefill: false}", "{long_prefill_threshold: 5}",
                                          "{long_prefill_threshold: 64}"};
    toy_use(toy, SERVSIM_KIND_SCHEDULER, "fcfs", options[PICK(&random, 0, 0, 0, 1, 2, 3)]);
    cell->model.window = PICK(&random, 0, 0, 2, 17, 64, 300);
    cell->model.kinds[1] = cell->model.window > 0 ? SS_LAYER_WINDOW : 0;
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
    for (uint32_t i = 0; i < fast->replica_count; i++) {
        totals->swapped_out += fast->replicas[i].swapped_out_blocks;
        totals->swapped_in += fast->replicas[i].swapped_in_blocks;
        totals->pauses += fast->replicas[i].pauses;
        totals->cached += fast->replicas[i].cached_tokens;
        totals->evictions += fast->replicas[i].kv_evictions;
    }
    totals->held += fast->held > 0;
    totals->deaths += fast->failures.outage_count;
    totals->retries += fast->failures.retries;
    totals->failed += fast->failures.requests_failed;
    totals->lost += fast->failures.kv_tokens_lost;
    for (size_t i = 0; i < fast->transfers.capacity; i++) {
        totals->transfers += fast->transfers.items[i].present;
        totals->waited += fast->transfers.items[i].wait_ps > 0;
    }
    for (size_t i = 0; i < fast->records.count; i++)
        totals->rejected += fast->records.items[i].status == SS_STATUS_REJECTED;
}

static int
same_cache(const struct ss_result *fast, const struct ss_result *stepwise)
{
    for (uint32_t i = 0; i < fast->replica_count; i++)
        if (fast->replicas[i].cached_tokens != stepwise->replicas[i].cached_tokens ||
            fast->replicas[i].kv_evictions != stepwise->replicas[i].kv_evictions)
            return 0;
    return 1;
}

static int
same_transfers(const struct ss_result *fast, const struct ss_result *stepwise)
{
    const struct ss_transfers_result *a = &fast->transfers, *b = &stepwise->transfers;
    return a->blocks == b->blocks && a->capacity == b->capacity &&
           (a->capacity == 0 || memcmp(a->items, b->items, a->capacity * sizeof *a->items) == 0);
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
               stepwise->events >= stepwise->engine_steps && fast->events <= stepwise->events &&
               same_cache(fast, stepwise) && same_transfers(fast, stepwise);
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
randomise_policy(struct toy *toy, struct toy_policy *policy, uint64_t seed)
{
    struct servsim_random random = {seed * 104729};
    policy->how = PICK(&random, SERVSIM_RECOMPUTE, SERVSIM_SWAP, SERVSIM_SWAP);
    policy->juggles = PICK(&random, 0, 1, 3);
    policy->limit = PICK(&random, 0, 0, 1, 20);
    policy->hold = PICK(&random, 0, 0, 3, 10);
    policy->batches = PICK(&random, 0, 0, 1);
    policy->whole = PICK(&random, 0, 0, toy->cell.max_num_batched_tokens);
    policy->limit = policy->whole ? 0 : policy->limit; /* a prompt above the limit would wait for ever */
    toy->cell.swap_space_bytes = PICK(&random, 0, 8192, 1 << 20);
    toy->cell.swap_bytes_per_s = PICK(&random, 1000000, 123456789);
}

static void
randomise_prompts(struct toy *toy, uint64_t seed)
{
    struct servsim_random random = {seed * 1299709};
    toy->cell.prefix_caching = 1;
    toy->prompts.identity = (int)PICK(&random, TOY_UNKNOWN, TOY_PROMPTS, TOY_SHARED, TOY_TOKENS, TOY_PIECES);
    toy->prompts.distinct = PICK(&random, 1, 3, 20);
    toy->prompts.prefix_tokens = PICK(&random, 1, 16, 40, 100);
}

/* Pipeline stages, data-parallel ranks of a dense model and of one with experts, and their mixes. */
static void
parallelise(struct toy *toy, uint64_t seed)
{
    struct servsim_random random = {seed * 15485863};
    struct ss_cell *cell = &toy->cell;
    cell->pp = PICK(&random, 1, 2, 2, 3, 4);
    cell->dp = cell->pp == 1 ? PICK(&random, 2, 3) : PICK(&random, 1, 1, 2);
    cell->model.layers = 6;
    cell->replicas = PICK(&random, 1, 2);
    cell->gpus = cell->replicas * cell->pp * cell->dp;
    if (cell->dp > 1 && PICK(&random, 0, 1, 1))
        toy_experts(toy);
}

/* Some replicas die, by chance or by a schedule, often at the same time as others or as something else; some are slow.
   The lists are the caller's. */
struct toy_failures {
    struct ss_scheduled_failure schedule[6];
    struct ss_straggler straggler;
};

static void
break_down(struct toy *toy, struct toy_failures *lists, uint64_t seed)
{
    struct servsim_random random = {seed * 32452843};
    struct ss_cell *cell = &toy->cell;
    struct ss_failures *rules = &cell->failures;
    ss_time step = PICK(&random, 0, 1) ? SS_PS_PER_MS : (ss_time)PICK(&random, 1234567, 77777777);
    uint32_t deaths = PICK(&random, 0, 2, 6);
    *rules = (struct ss_failures){.present = 1, .schedule = lists->schedule, .stragglers = &lists->straggler};
    double span_s = toy->traffic.gap_s * (double)toy->traffic.requests;
    int by_chance = deaths == 0 || PICK(&random, 0, 1);
    rules->mtbf = by_chance ? (ss_time)(span_s / PICK(&random, 1, 4, 20) * 1e12) + SS_PS_PER_MS : 0;
    rules->repair = (ss_time)PICK(&random, 1, 10, 300) * step;
    rules->detect = (ss_time)PICK(&random, 0, 0, 1, 10, 400) * step;
    rules->retries = PICK(&random, 0, 1, 3, 50);
    uint32_t replica = 0;
    for (ss_time at = 0; rules->schedule_count < deaths && replica < cell->replicas;
         at += PICK(&random, 1, 7, 90) * step) {
        lists->schedule[rules->schedule_count++] =
            (struct ss_scheduled_failure){replica, at, (ss_time)PICK(&random, 1, 5, 100) * step};
        if (PICK(&random, 0, 1)) {
            replica++;
            at = (ss_time)PICK(&random, 0, 1, 20) * step;
        }
    }
    lists->straggler = (struct ss_straggler){cell->replicas - 1, PICK(&random, 1000000, 1100000, 1234567, 3000000)};
    rules->straggler_count = PICK(&random, 0, 1);
    static const char *const routers[] = {"round_robin",  "least_loaded", "random",    "power_of_two",
                                          "least_tokens", "least_kv",     "predictive"};
    toy_use(toy, SERVSIM_KIND_ROUTER, routers[PICK(&random, 0, 1, 2, 3, 4, 5, 6)], NULL);
}

/* Prompts on some replicas, decodes on the others; blocks cross the link at once, or in whole milliseconds, or slowly.
 */
static void
split(struct toy *toy, uint64_t seed)
{
    struct servsim_random random = {seed * 49979687};
    struct ss_cell *cell = &toy->cell;
    cell->replicas = cell->gpus = PICK(&random, 2, 3, 7);
    cell->prefill_replicas = PICK(&random, 1, cell->replicas - 1, (cell->replicas + 1) / 2);
    cell->transfer_latency_ps = PICK(&random, 0, 1000000000, 1234567);
    cell->transfer_bytes_per_s = PICK(&random, 1, 1000, 1000000) * 1e9 / PICK(&random, 1, 100000);
    cell->failures.straggler_count = 0;
    static const char *const routers[] = {"round_robin", "least_loaded", "random", "least_tokens", "least_kv"};
    toy_use(toy, SERVSIM_KIND_ROUTER, routers[PICK(&random, 0, 1, 2, 3, 4)], NULL);
}

#define WITH_SERVICES 1u /* of a scheduler that uses them all */
#define WITH_PREFIXES 2u
#define WITH_PARALLEL 4u
#define WITH_FAILURES 8u
#define WITH_TRANSFERS 16u

#define CELLS 400

/* Sanitizers look at memory, for which a quarter of the cells does; there each takes several times as long. */
static int
few_cells(void)
{
    return getenv("SERVSIM_SANITIZED") != NULL;
}

static uint64_t
cells_to_run(void)
{
    return few_cells() ? CELLS / 4 : CELLS;
}

/* Of something that CELLS cells do at least so often; a few may do less than their share. */
static uint64_t
at_least(uint64_t count)
{
    return few_cells() ? count / 8 : count;
}

/* Random cells, each both ways. */
static void
compare_cells(struct totals *totals, uint32_t with)
{
    for (uint64_t seed = 1; seed <= cells_to_run(); seed++) {
        struct toy toy;
        struct toy_policy policy = {0};
        struct toy_failures failures;
        toy_init(&toy);
        randomise(&toy, seed);
        if ((with & WITH_SERVICES) != 0) {
            randomise_policy(&toy, &policy, seed);
            policy.shares = (with & WITH_PREFIXES) != 0;
            toy_schedule(&toy, &policy);
        }
        if ((with & WITH_PREFIXES) != 0)
            randomise_prompts(&toy, seed);
        if ((with & WITH_PARALLEL) != 0)
            parallelise(&toy, seed);
        if ((with & WITH_FAILURES) != 0)
            break_down(&toy, &failures, seed);
        if ((with & WITH_TRANSFERS) != 0)
            split(&toy, seed);
        int same = same_both_ways(&toy, totals);
        if (!same)
            (void)printf("# seed %llu differs\n", (unsigned long long)seed);
        CU_ASSERT(same);
        toy_free(&toy);
    }
}

static void
test_equality(void)
{
    struct totals totals = {0};
    compare_cells(&totals, 0);
    (void)printf("# %llu cells, %llu preemptions, %llu rejected, %llu steps, %llu events against %llu\n",
                 (unsigned long long)totals.cells, (unsigned long long)totals.preemptions,
                 (unsigned long long)totals.rejected, (unsigned long long)totals.steps,
                 (unsigned long long)totals.events_fast, (unsigned long long)totals.events_stepwise);
    CU_ASSERT(totals.preemptions > at_least(1000));
    CU_ASSERT(totals.rejected > at_least(10));
    CU_ASSERT(totals.events_fast * 2 < totals.events_stepwise);
}

/* A scheduler that swaps, pauses, holds and limits, by lot. */
static void
test_services_equality(void)
{
    struct totals totals = {0};
    compare_cells(&totals, WITH_SERVICES);
    (void)printf("# %llu cells, %llu preemptions, %llu blocks out, %llu in, %llu pauses, %llu cells that hold, %llu "
                 "events against %llu\n",
                 (unsigned long long)totals.cells, (unsigned long long)totals.preemptions,
                 (unsigned long long)totals.swapped_out, (unsigned long long)totals.swapped_in,
                 (unsigned long long)totals.pauses, (unsigned long long)totals.held,
                 (unsigned long long)totals.events_fast, (unsigned long long)totals.events_stepwise);
    CU_ASSERT(totals.preemptions > at_least(500));
    CU_ASSERT(totals.swapped_in > at_least(1000));
    CU_ASSERT(totals.swapped_in <= totals.swapped_out);
    CU_ASSERT(totals.pauses > at_least(100));
    CU_ASSERT(totals.held > at_least(20));
    CU_ASSERT(totals.events_fast * 3 < totals.events_stepwise * 2);
}

/* Every scheduler that ships, with options that make it act. */
static void
test_schedulers_equality(void)
{
    static const char *const schedulers[][2] = {
        {"vllm", "{preemption: swap}"},
        {"static", NULL},
        {"orca", "{preemption: swap}"},
        {"vllm_v0", NULL},
        {"vllm_v0", "{preemption: swap, watermark: 0.1}"},
        {"sarathi", "{token_budget: 20}"},
        {"sjf", "{ageing: 100}"},
        {"srpt", "{ageing: 0}"},
        {"srpt", "{preemption: swap, long_prefill_threshold: 7}"},
        {"priority", "{level: 20ms}"},
        {"mlfq", "{quantum: 2, prefill: 20}"},
        {"mlfq", "{quantum: 5, levels: 3, ageing: 1000, preemption: swap}"},
        {"fair", NULL},
        {"fair", "{preemption: swap, output_weight: 0.5}"},
        {"slo", "{target: 100ms, prompt_token: 0.01ms}"},
        {"predictive", NULL},
    };
    struct totals totals = {0};
    for (size_t i = 0; i < sizeof schedulers / sizeof schedulers[0]; i++)
        for (uint64_t seed = 1; seed <= cells_to_run() / 10; seed++) {
            struct toy toy;
            toy_init(&toy);
            randomise(&toy, seed + 1000 * i);
            toy.cell.swap_space_bytes = seed % 3 == 0 ? 8192 : 1 << 20;
            toy_use(&toy, SERVSIM_KIND_SCHEDULER, schedulers[i][0], schedulers[i][1]);
            int same = same_both_ways(&toy, &totals);
            if (!same)
                (void)printf("# %s, seed %llu differs\n", schedulers[i][0], (unsigned long long)seed);
            CU_ASSERT(same);
            toy_free(&toy);
        }
    (void)printf("# %llu cells, %llu preemptions, %llu blocks out, %llu in, %llu pauses, %llu events against %llu\n",
                 (unsigned long long)totals.cells, (unsigned long long)totals.preemptions,
                 (unsigned long long)totals.swapped_out, (unsigned long long)totals.swapped_in,
                 (unsigned long long)totals.pauses, (unsigned long long)totals.events_fast,
                 (unsigned long long)totals.events_stepwise);
    CU_ASSERT(totals.preemptions > at_least(1000));
    CU_ASSERT(totals.swapped_in > at_least(500));
    CU_ASSERT(totals.pauses > at_least(500));
    CU_ASSERT(totals.events_fast * 3 < totals.events_stepwise * 2);
}

/* With prefix caching, over prompts known in five ways: fcfs, and the scheduler of all services. */
static void
test_prefix_equality(void)
{
    static const uint32_t with[] = {WITH_PREFIXES, WITH_PREFIXES | WITH_SERVICES};
    for (size_t i = 0; i < 2; i++) {
        struct totals totals = {0};
        compare_cells(&totals, with[i]);
        (void)printf("# %llu cells, %llu preemptions, %llu tokens cached, %llu blocks evicted, %llu swapped in, %llu "
                     "events against %llu\n",
                     (unsigned long long)totals.cells, (unsigned long long)totals.preemptions,
                     (unsigned long long)totals.cached, (unsigned long long)totals.evictions,
                     (unsigned long long)totals.swapped_in, (unsigned long long)totals.events_fast,
                     (unsigned long long)totals.events_stepwise);
        CU_ASSERT(totals.preemptions > at_least(500));
        CU_ASSERT(totals.cached > at_least(100000));
        CU_ASSERT(totals.evictions > at_least(10000));
        CU_ASSERT(i == 0 || totals.swapped_in > 500);
        CU_ASSERT(totals.events_fast * 3 < totals.events_stepwise * 2);
    }
}

/* Of a model cut into stages and ranks: fcfs, all services, and those with prefix caching. */
static void
test_parallel_equality(void)
{
    static const uint32_t with[] = {0, WITH_SERVICES, WITH_SERVICES | WITH_PREFIXES};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++) {
        struct totals totals = {0};
        compare_cells(&totals, WITH_PARALLEL | with[i]);
        (void)printf("# %llu cells, %llu preemptions, %llu blocks swapped in, %llu tokens cached, %llu events against "
                     "%llu\n",
                     (unsigned long long)totals.cells, (unsigned long long)totals.preemptions,
                     (unsigned long long)totals.swapped_in, (unsigned long long)totals.cached,
                     (unsigned long long)totals.events_fast, (unsigned long long)totals.events_stepwise);
        CU_ASSERT(totals.preemptions > at_least(500));
        CU_ASSERT(i == 0 || totals.swapped_in > 500);
        CU_ASSERT(i < 2 || totals.cached > 10000);
        CU_ASSERT(totals.events_fast * 5 < totals.events_stepwise * 4);
    }
}

/* Replicas that die in the middle of all of that, and slow ones, under every router. */
static void
test_failures_equality(void)
{
    static const uint32_t with[] = {0, WITH_SERVICES, WITH_SERVICES | WITH_PREFIXES, WITH_PARALLEL,
                                    WITH_PARALLEL | WITH_SERVICES | WITH_PREFIXES};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++) {
        struct totals totals = {0};
        compare_cells(&totals, WITH_FAILURES | with[i]);
        (void)printf("# %llu cells, %llu deaths, %llu requests sent again, %llu failed, %llu KV tokens lost, %llu "
                     "preemptions, %llu events against %llu\n",
                     (unsigned long long)totals.cells, (unsigned long long)totals.deaths,
                     (unsigned long long)totals.retries, (unsigned long long)totals.failed,
                     (unsigned long long)totals.lost, (unsigned long long)totals.preemptions,
                     (unsigned long long)totals.events_fast, (unsigned long long)totals.events_stepwise);
        CU_ASSERT(totals.deaths > at_least(1000));
        CU_ASSERT(totals.retries > at_least(5000));
        CU_ASSERT(totals.failed > at_least(1000));
        CU_ASSERT(totals.lost > at_least(25000));
        CU_ASSERT(totals.preemptions > at_least(200));
        CU_ASSERT(totals.events_fast * 5 < totals.events_stepwise * 4);
    }
}

static void
test_transfers_equality(void)
{
    static const uint32_t with[] = {0, WITH_SERVICES, WITH_PREFIXES, WITH_SERVICES | WITH_PREFIXES};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++) {
        struct totals totals = {0};
        compare_cells(&totals, WITH_TRANSFERS | with[i]);
        (void)printf("# %llu cells, %llu transfers, %llu that waited, %llu preemptions, %llu events against %llu\n",
                     (unsigned long long)totals.cells, (unsigned long long)totals.transfers,
                     (unsigned long long)totals.waited, (unsigned long long)totals.preemptions,
                     (unsigned long long)totals.events_fast, (unsigned long long)totals.events_stepwise);
        CU_ASSERT(totals.transfers > at_least(5000));
        CU_ASSERT(totals.waited > at_least(500));
        CU_ASSERT(totals.preemptions > at_least(100));
        CU_ASSERT(totals.events_fast * 5 < totals.events_stepwise * 4);
    }
}

/* ---- vLLM V1, written down once more ---- */

#define V1_MOST 256

struct v1_request {
    const struct ss_record *record;
    uint32_t computed, generated, given;
    int64_t first_ps, last_ps;
};

/* One by one in running order, as vllm/v1/core/sched/scheduler.py goes about it; every step takes `step_ps`. */
struct v1 {
    const struct toy *toy;
    struct v1_request requests[V1_MOST];
    uint32_t count, arrived;
    uint32_t running[V1_MOST], running_count, waiting[V1_MOST], waiting_count;
    uint32_t budget, cap;
    uint64_t free;
};

static uint64_t
v1_blocks(const struct v1 *v1, uint64_t tokens)
{
    return (tokens + v1->toy->cell.block_size - 1) / v1->toy->cell.block_size;
}

static uint32_t
v1_share(const struct v1 *v1, const struct v1_request *request)
{
    uint32_t tokens = request->record->prompt_tokens + request->generated - request->computed;
    tokens = tokens < v1->cap ? tokens : v1->cap;
    return tokens < v1->budget ? tokens : v1->budget;
}

static int
v1_give(struct v1 *v1, struct v1_request *request, uint32_t tokens)
{
    uint64_t blocks = v1_blocks(v1, (uint64_t)request->computed + tokens) - v1_blocks(v1, request->computed);
    if (blocks > v1->free)
        return 0;
    v1->free -= blocks;
    v1->budget -= tokens;
    request->given = tokens;
    return 1;
}

static void
v1_preempt_tail(struct v1 *v1)
{
    uint32_t victim = v1->running[--v1->running_count];
    v1->free += v1_blocks(v1, v1->requests[victim].computed);
    v1->requests[victim].computed = 0;
    memmove(v1->waiting + 1, v1->waiting, v1->waiting_count * sizeof v1->waiting[0]);
    v1->waiting[0] = victim;
    v1->waiting_count++;
}

static int
v1_serve_running(struct v1 *v1)
{
    int preempted = 0;
    for (uint32_t i = 0; i < v1->running_count && v1->budget > 0; i++) {
        struct v1_request *request = &v1->requests[v1->running[i]];
        while (i < v1->running_count && !v1_give(v1, request, v1_share(v1, request))) {
            v1_preempt_tail(v1);
            preempted = 1;
        }
    }
    return preempted;
}

static void
v1_admit(struct v1 *v1)
{
    while (v1->waiting_count > 0 && v1->budget > 0 && v1->running_count < v1->toy->cell.max_num_seqs) {
        struct v1_request *request = &v1->requests[v1->waiting[0]];
        if (v1_blocks(v1, (uint64_t)request->record->prompt_tokens + request->generated) > v1->free)
            return;
        (void)v1_give(v1, request, v1_share(v1, request));
        v1->running[v1->running_count++] = v1->waiting[0];
        v1->waiting_count--;
        memmove(v1->waiting, v1->waiting + 1, v1->waiting_count * sizeof v1->waiting[0]);
    }
}

static void
v1_end_step(struct v1 *v1, int64_t now)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v1->running_count; i++) {
        struct v1_request *request = &v1->requests[v1->running[i]];
        request->computed += request->given;
        request->given = 0;
        if (request->computed == request->record->prompt_tokens + request->generated) {
            request->generated++;
            request->first_ps = request->generated == 1 ? now : request->first_ps;
            request->last_ps = now;
        }
        if (request->generated == request->record->output_tokens)
            v1->free += v1_blocks(v1, request->computed);
        else
            v1->running[kept++] = v1->running[i];
    }
    v1->running_count = kept;
}

static void
v1_run(struct v1 *v1, int64_t step_ps)
{
    int64_t now = 0;
    for (;;) {
        if (v1->running_count == 0 && v1->waiting_count == 0) {
            if (v1->arrived == v1->count)
                return;
            int64_t arrival = (int64_t)v1->requests[v1->arrived].record->arrival;
            now = arrival > now ? arrival : now;
        }
        while (v1->arrived < v1->count && (int64_t)v1->requests[v1->arrived].record->arrival <= now)
            v1->waiting[v1->waiting_count++] = v1->arrived++;
        v1->budget = v1->toy->cell.max_num_batched_tokens;
        if (!v1_serve_running(v1))
            v1_admit(v1);
        now += step_ps;
        v1_end_step(v1, now);
    }
}

static int
equals_v1(const struct toy *toy, const struct ss_result *result, uint32_t cap)
{
    static struct v1 v1;
    v1 = (struct v1){.toy = toy, .cap = cap, .free = toy->cell.kv_blocks};
    for (size_t i = 0; i < result->records.count; i++)
        if (result->records.items[i].status == SS_STATUS_FINISHED)
            v1.requests[v1.count++].record = &result->records.items[i];
    v1_run(&v1, toy->device.step_ps);
    for (uint32_t i = 0; i < v1.count; i++) {
        const struct v1_request *request = &v1.requests[i];
        if (request->first_ps - (int64_t)request->record->arrival != request->record->ttft_ps ||
            request->last_ps - (int64_t)request->record->arrival != request->record->latency_ps)
            return 0;
    }
    return 1;
}

/* Running order, chunks that use the budget up, preemption: request by request as in a loop over them. */
static void
test_v1_order(void)
{
    uint64_t preemptions = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct toy toy;
        struct servsim_random random = {seed * 31337};
        struct ss_result *result = malloc(sizeof *result);
        char options[64];
        uint32_t cap = PICK(&random, 1, 3, 5, 16, 64, 1000000000);
        toy_init(&toy);
        randomise(&toy, seed);
        toy.cell.replicas = toy.cell.gpus = 1;
        toy.cell.max_num_batched_tokens = toy.cell.max_num_seqs + PICK(&random, 0, 1, 7, 40);
        toy.cell.stop_after = SS_NEVER;
        toy.cell.overhead = (struct ss_overhead){.name = "ideal"};
        toy.device = (struct ss_toy_device){.step_ps = 1000000000, .constant = 1};
        (void)snprintf(options, sizeof options, "{long_prefill_threshold: %u}", cap);
        toy_use(&toy, SERVSIM_KIND_SCHEDULER, "fcfs", options);
        CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
        preemptions += result->replicas[0].preemptions;
        int same = equals_v1(&toy, result, cap);
        if (!same)
            (void)printf("# seed %llu: not the step of vLLM V1\n", (unsigned long long)seed);
        CU_ASSERT(same);
        ss_result_free(result);
        free(result);
        toy_free(&toy);
    }
    (void)printf("# %llu preemptions\n", (unsigned long long)preemptions);
    CU_ASSERT(preemptions > 500);
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
    toy->device = (struct ss_toy_device){.step_ps = (int64_t)(step_ms * 1e9) - 8};
    toy->traffic = (struct ss_toy_traffic){.requests = 400000,
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
    toy.device = (struct ss_toy_device){.step_ps = SS_PS_PER_MS};
    toy.traffic = (struct ss_toy_traffic){
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
    toy.device = (struct ss_toy_device){.step_ps = SS_PS_PER_MS, .constant = 1};
    toy.traffic = (struct ss_toy_traffic){
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

/* `count` requests at time 0, of 4 prompt tokens each, in steps of 1 ms and blocks of 4 tokens, under `policy`. */
static void
by_hand(struct toy *toy, const struct toy_policy *policy, uint64_t count, uint32_t output_min, uint32_t output_max,
        struct ss_result *result)
{
    toy_init(toy);
    toy->cell.block_size = 4;
    toy->cell.kv_blocks = 4;
    toy->cell.max_num_batched_tokens = 8;
    toy->cell.max_num_seqs = 2;
    toy->cell.swap_bytes_per_s = 1024e3; /* a block of 4 x 256 bytes takes 1 ms */
    toy->device = (struct ss_toy_device){.step_ps = SS_PS_PER_MS, .constant = 1};
    toy->traffic = (struct ss_toy_traffic){.requests = count,
                                           .burst = (uint32_t)count,
                                           .prompt_min = 4,
                                           .prompt_max = 4,
                                           .output_min = output_min,
                                           .output_max = output_max};
    toy_schedule(toy, policy);
    CU_ASSERT_EQUAL_FATAL(toy_run(toy, 0, result), 0);
}

/*
 * Two requests of 8 output tokens in 4 blocks. Before step 6 each has two full blocks and needs another: the second is
 * swapped, and steps 6 to 8 are the first's, the 6th 2 ms longer for two blocks. Then it comes back for its last three
 * tokens, after another 2 ms.
 */
static void
test_swap_by_hand(void)
{
    const struct toy_policy swaps = {.how = SERVSIM_SWAP};
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    by_hand(&toy, &swaps, 2, 8, 8, result);
    CU_ASSERT_EQUAL(result->records.items[0].latency_ps, 10 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->records.items[1].latency_ps, 15 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->records.items[1].preemptions, 1);
    CU_ASSERT_EQUAL(result->replicas[0].swapped_out_blocks, 2);
    CU_ASSERT_EQUAL(result->replicas[0].swapped_in_blocks, 2);
    CU_ASSERT_EQUAL(result->replicas[0].swap, 4 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->replicas[0].recomputed_tokens, 0);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* A batch of two whose members are done after different times leaves as one; the third request waits for it. */
static void
test_hold_by_hand(void)
{
    const struct toy_policy holds = {.hold = 10, .batches = 1};
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    by_hand(&toy, &holds, 3, 1, 4, result);
    const struct ss_record *records = result->records.items;
    uint32_t longer = records[0].output_tokens > records[1].output_tokens ? 0 : 1;
    CU_ASSERT_NOT_EQUAL(records[0].output_tokens, records[1].output_tokens);
    int64_t end_ps = records[longer].output_tokens * (int64_t)SS_PS_PER_MS;
    CU_ASSERT_EQUAL(records[0].ttft_ps, SS_PS_PER_MS);
    CU_ASSERT_EQUAL(records[0].latency_ps, end_ps);
    CU_ASSERT_EQUAL(records[1].latency_ps, end_ps);
    CU_ASSERT_EQUAL(records[2].queue_ps, end_ps);
    CU_ASSERT_EQUAL(result->held, end_ps - records[1 - longer].output_tokens * (ss_time)SS_PS_PER_MS);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* Four prompt tokens in steps of at most three. */
static void
test_limit_by_hand(void)
{
    const struct toy_policy limits = {.limit = 3};
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    by_hand(&toy, &limits, 1, 5, 5, result);
    CU_ASSERT_EQUAL(result->records.items[0].ttft_ps, 2 * SS_PS_PER_MS);
    CU_ASSERT_EQUAL(result->records.items[0].latency_ps, 6 * SS_PS_PER_MS);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* ---- the engine's own time ---- */

/* Steps of 10 ms, three requests of one prompt and three output tokens, 4 ms apart: at 0, 4 and 8 ms. */
static void
run_staggered(const struct ss_overhead *overhead, struct ss_result *result)
{
    struct toy toy;
    toy_init(&toy);
    toy.cell.max_num_batched_tokens = 16;
    toy.cell.max_num_seqs = 16;
    toy.cell.overhead = *overhead;
    toy.device = (struct ss_toy_device){.step_ps = 10 * SS_PS_PER_MS, .constant = 1};
    toy.traffic = (struct ss_toy_traffic){.requests = 3,
                                          .every_ps = 4 * SS_PS_PER_MS,
                                          .prompt_min = 1,
                                          .prompt_max = 1,
                                          .output_min = 3,
                                          .output_max = 3};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    toy_free(&toy);
}

static void
test_overhead_by_hand(void)
{
    static const struct {
        struct ss_overhead overhead;
        int64_t arrival_ms[3], ttft_ms[3], latency_ms[3];
    } cases[] = {
        /* steps end at 10, 20, ...; who comes before 10 is in the second */
        {{.name = "ideal"}, {0, 4, 8}, {10, 16, 12}, {30, 36, 32}},
        /* composed ahead: in the third */
        {{.asynchronous = 1}, {0, 4, 8}, {10, 26, 22}, {30, 46, 42}},
        /* 2 ms on the way for all */
        {{.arrival_ps = 2 * SS_PS_PER_MS}, {0, 4, 8}, {12, 18, 14}, {32, 38, 34}},
        /* 3 ms more for the first step: ends at 13, 23, 33 */
        {{.wake_ps = 3 * SS_PS_PER_MS}, {0, 4, 8}, {13, 19, 15}, {33, 39, 35}},
        /* 1 ms a request: 11, then 3 of them 13, 13, and 2 of them 12 */
        {{.request_ps = SS_PS_PER_MS}, {0, 4, 8}, {11, 20, 16}, {37, 45, 41}},
        /* 5 ms more in the two steps that compute prompts: 15, 30, 40, 50 (the toy model has 2 layers) */
        {{.prefill_layer_ps = 5 * SS_PS_PER_MS / 2}, {0, 4, 8}, {15, 26, 22}, {40, 46, 42}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ss_result *result = malloc(sizeof *result);
        run_staggered(&cases[i].overhead, result);
        for (size_t j = 0; j < 3; j++) {
            const struct ss_record *record = &result->records.items[j];
            (void)printf("# case %zu request %zu: at %.3f, TTFT %.3f, latency %.3f ms\n", i, j,
                         (double)record->arrival / 1e9, (double)record->ttft_ps / 1e9,
                         (double)record->latency_ps / 1e9);
            CU_ASSERT_EQUAL(record->arrival, cases[i].arrival_ms[j] * SS_PS_PER_MS);
            CU_ASSERT_EQUAL(record->ttft_ps, cases[i].ttft_ms[j] * SS_PS_PER_MS);
            CU_ASSERT_EQUAL(record->latency_ps, cases[i].latency_ms[j] * SS_PS_PER_MS);
        }
        ss_result_free(result);
        free(result);
    }
}

/* ---- pipeline stages and ranks, worked out by hand ---- */

static void
expect_times(const struct ss_result *result, size_t id, int64_t ttft_ps, int64_t latency_ps)
{
    CU_ASSERT_EQUAL(result->records.items[id].queue_ps, 0);
    CU_ASSERT_EQUAL(result->records.items[id].ttft_ps, ttft_ps);
    CU_ASSERT_EQUAL(result->records.items[id].latency_ps, latency_ps);
}

/* `count` equal requests at time 0, budget 4, 1 ms a stage; a token's way to the next stage or experts is priced by the
 * byte. */
static void
at_once(struct toy *toy, uint32_t count, uint32_t prompt, uint32_t output)
{
    toy_init(toy);
    toy->cell.max_num_batched_tokens = 4;
    toy->cell.max_num_seqs = 4;
    toy->device = (struct ss_toy_device){.step_ps = SS_PS_PER_MS, .constant = 1};
    toy->traffic = (struct ss_toy_traffic){.requests = count,
                                           .burst = count,
                                           .prompt_min = prompt,
                                           .prompt_max = prompt,
                                           .output_min = output,
                                           .output_max = output};
}

/*
 * Two stages, one layer each. A message of t tokens of 64 bf16 values takes 256 t ps of the first stage.
 *   stage 0: A's prompt | B's prompt | A's token | B's token
 *   stage 1:            | A's prompt | B's prompt | A's token | B's token
 */
static void
test_pipeline_by_hand(void)
{
    const int64_t ms = SS_PS_PER_MS;
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    at_once(&toy, 2, 4, 2);
    toy.cell.gpus = toy.cell.pp = 2;
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    expect_times(result, 0, 2 * ms + 1024, 4 * ms + 2304); /* A's token waits for B's prompt, until 2 ms + 2048 */
    expect_times(result, 1, 3 * ms + 2048, 5 * ms + 2560);
    CU_ASSERT_EQUAL(result->engine_steps, 4);
    CU_ASSERT(result->replicas[0].busy == 8 * ms + 2560);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* Three prompts: two find a stage each, the third waits until the first is through both. */
static void
test_pipeline_is_full(void)
{
    const int64_t ms = SS_PS_PER_MS;
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    at_once(&toy, 3, 4, 1);
    toy.cell.gpus = toy.cell.pp = 2;
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    expect_times(result, 1, 3 * ms + 2048, 3 * ms + 2048);
    CU_ASSERT_EQUAL(result->records.items[2].queue_ps, 2 * ms + 1024);
    CU_ASSERT_EQUAL(result->records.items[2].latency_ps, 4 * ms + 3072);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* Share of the time in which stages work. */
static double
busy_share(uint32_t requests)
{
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    at_once(&toy, requests, 4, 1000);
    toy.cell.gpus = toy.cell.pp = 2;
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    double share = ss_time_seconds(result->replicas[0].busy) / (2 * ss_time_seconds(result->end));
    (void)printf("# %u requests, two stages: %.4f busy\n", requests, share);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
    return share;
}

/* Two equal batches keep both stages at work but for the ends of the run; one batch leaves half of them idle. */
static void
test_bubbles(void)
{
    CU_ASSERT_DOUBLE_EQUAL(busy_share(2), 1, 0.002);
    CU_ASSERT_DOUBLE_EQUAL(busy_share(1), 0.5, 0.0001);
}

/*
 * Two ranks that share experts: A and C on the first, B on the second. A step takes 1 ms and, gathered and scattered,
 * 512 ps for each token of the rank with most.
 *   A 3, C 1 | B 3;  A 1, C 2 | B 1;  A 1, C 1 | B 1;  C 1 | nothing
 */
static void
test_barrier_by_hand(void)
{
    const int64_t ms = SS_PS_PER_MS, step_1 = ms + 4 * 512, step_2 = ms + 3 * 512, step_3 = ms + 2 * 512;
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    at_once(&toy, 3, 3, 3);
    toy.cell.gpus = toy.cell.dp = toy.cell.ep = 2;
    toy_experts(&toy);
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    expect_times(result, 0, step_1, step_1 + step_2 + step_3);
    expect_times(result, 1, step_1, step_1 + step_2 + step_3);
    expect_times(result, 2, step_1 + step_2, step_1 + step_2 + step_3 + ms + 512);
    CU_ASSERT_EQUAL(result->engine_steps, 4);
    CU_ASSERT(result->replicas[0].busy == 2 * (step_1 + step_2 + step_3) + ms + 512);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* Ranks of a dense model do not wait for each other: each request is alone on its own. */
static void
test_dense_ranks(void)
{
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    at_once(&toy, 2, 3, 3);
    toy.device.token_ps = 1000;
    toy.cell.gpus = toy.cell.dp = 2;
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    for (size_t i = 0; i < 2; i++)
        expect_times(result, i, SS_PS_PER_MS, 3 * SS_PS_PER_MS + (3 + 4) * 1000);
    CU_ASSERT_EQUAL(result->engine_steps, 6);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* ---- engines that compose ahead, and doors of ranks, worked out by hand ---- */

/*
 * Two seats, three requests. A's last token is out at 3 ms; what runs then was composed before, where it was.
 *   A 3, B 1 | A 1, B 2 | A 1, B 1 | B 1 | C 3 | C 1 | C 1, and with a step composed when it begins: B 1, C 3 | C 1 | C
 * 1
 */
static void
test_seat_composed_ahead(void)
{
    for (int64_t ahead = 0; ahead <= 1; ahead++) {
        struct toy toy;
        struct ss_result *result = malloc(sizeof *result);
        at_once(&toy, 3, 3, 3);
        toy.cell.max_num_seqs = 2;
        toy.cell.overhead.asynchronous = ahead;
        CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
        expect_times(result, 0, SS_PS_PER_MS, 3 * SS_PS_PER_MS);
        CU_ASSERT_EQUAL(result->records.items[1].latency_ps, 4 * SS_PS_PER_MS);
        CU_ASSERT_EQUAL(result->records.items[2].queue_ps, (3 + ahead) * SS_PS_PER_MS);
        CU_ASSERT_EQUAL(result->records.items[2].ttft_ps, (4 + ahead) * SS_PS_PER_MS);
        ss_result_free(result);
        free(result);
        toy_free(&toy);
    }
}

static void
report_step(struct ss_door *door, struct ss_replica *ranks, uint32_t running_0, uint32_t running_1, int64_t ms)
{
    ranks[0].running = running_0;
    ranks[1].running = running_1;
    ss_door_report(door, ranks, 0, 2, ms * SS_PS_PER_MS);
}

/* Ranks that step together, told of every 100 ms. */
static void
test_door_by_hand(void)
{
    struct ss_group group = {.steps = 7};
    struct ss_replica ranks[2] = {{.group = &group}, {.group = &group}};
    struct ss_door door;
    CU_ASSERT_EQUAL_FATAL(ss_door_init(&door, 2, 1, 100 * SS_PS_PER_MS), 0);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 0), 0);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 0), 1);
    report_step(&door, ranks, 9, 1, 10); /* known at 60 ms: until then one waits at each */
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 60 * SS_PS_PER_MS - 1), 0);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 60 * SS_PS_PER_MS), 1);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 60 * SS_PS_PER_MS), 1);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 60 * SS_PS_PER_MS), 0); /* 9 against 1 and two that wait */
    report_step(&door, ranks, 2, 8, 70);
    report_step(&door, ranks, 8, 2, 150); /* of the two the older is handed on, at 160 ms, the younger at 260 ms */
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 160 * SS_PS_PER_MS - 1), 1);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 160 * SS_PS_PER_MS), 0);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 260 * SS_PS_PER_MS), 1);
    /* two of the three came during the step that ends: their rank has not seen them */
    ranks[0] = (struct ss_replica){.group = &group, .waiting = 3, .came = 2, .came_by = 7};
    report_step(&door, ranks, 0, 5, 400);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 500 * SS_PS_PER_MS), 0);
    CU_ASSERT_EQUAL(ss_door_choose(&door, ranks, 500 * SS_PS_PER_MS), 1);
    ss_door_free(&door);
}

/* ---- failures, worked out by hand ---- */

/* One request of 4 prompt and 6 output tokens at time 0 on one replica, steps of 1 ms: tokens at 1, 2, 3 ... ms. It
   dies at 2.5 ms, the router knows at 3.5 ms, and it is back at 12.5 ms. */
static void
dies_once(uint32_t retries, struct ss_result *result)
{
    struct ss_scheduled_failure once = {0, 5 * SS_PS_PER_MS / 2, 10 * SS_PS_PER_MS};
    struct toy toy;
    at_once(&toy, 1, 4, 6);
    toy.cell.failures = (struct ss_failures){
        .present = 1, .detect = SS_PS_PER_MS, .retries = retries, .schedule = &once, .schedule_count = 1};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    toy_free(&toy);
}

/* Two tokens are out; the five in the KV cache and the third are lost. The prompt and the two are computed together
   from 12.5 ms on, which gives the third. */
static void
test_retry_by_hand(void)
{
    struct ss_result *result = malloc(sizeof *result);
    dies_once(1, result);
    const struct ss_record *record = &result->records.items[0];
    const struct ss_failures_result *failures = &result->failures;
    CU_ASSERT_EQUAL(record->status, SS_STATUS_FINISHED);
    CU_ASSERT_EQUAL(record->queue_ps, 0);
    CU_ASSERT_EQUAL(record->ttft_ps, SS_PS_PER_MS);
    /* 6 tokens are more than the budget of 4: two steps, then three more tokens */
    CU_ASSERT_EQUAL(record->latency_ps, 35 * SS_PS_PER_MS / 2);
    CU_ASSERT_EQUAL(result->itl.max_ps, 25 * SS_PS_PER_MS / 2);
    CU_ASSERT_EQUAL(result->replicas[0].prefill_tokens, 4 + 6);
    CU_ASSERT_EQUAL(result->engine_steps, 2 + 5);
    CU_ASSERT_EQUAL(failures->retries, 1);
    CU_ASSERT_EQUAL(failures->requests_failed, 0);
    CU_ASSERT_EQUAL(failures->kv_tokens_lost, 5);
    CU_ASSERT_EQUAL(failures->tokens_recomputed, 5);
    CU_ASSERT_EQUAL_FATAL(failures->outage_count, 1);
    CU_ASSERT(failures->outages[0].down == 5 * SS_PS_PER_MS / 2);
    CU_ASSERT(failures->outages[0].detected == 7 * SS_PS_PER_MS / 2);
    CU_ASSERT(failures->outages[0].up == 25 * SS_PS_PER_MS / 2);
    ss_result_free(result);
    free(result);
}

/* It may not be sent again: it fails when the router learns of the death, and nothing more happens. */
static void
test_failed_by_hand(void)
{
    struct ss_result *result = malloc(sizeof *result);
    dies_once(0, result);
    const struct ss_record *record = &result->records.items[0];
    CU_ASSERT_EQUAL(record->status, SS_STATUS_FAILED);
    CU_ASSERT_EQUAL(record->ttft_ps, SS_PS_PER_MS);
    CU_ASSERT_EQUAL(record->latency_ps, SS_NO_PS);
    CU_ASSERT_EQUAL(record->output_tokens, 2);
    CU_ASSERT_EQUAL(result->failures.output_tokens_lost, 2);
    CU_ASSERT_EQUAL(result->failures.tokens_recomputed, 0);
    CU_ASSERT(result->failures.failed_stay == 7 * SS_PS_PER_MS / 2);
    CU_ASSERT(result->failures.span == 7 * SS_PS_PER_MS / 2);
    CU_ASSERT(result->failures.outages[0].up == SS_NEVER);
    ss_result_free(result);
    free(result);
}

/* Three times as slow, the engine's own half of a millisecond aside; the other replica is as it was. */
static void
test_straggler_by_hand(void)
{
    const int64_t ms = SS_PS_PER_MS;
    struct ss_straggler slow = {1, 3000000};
    struct toy toy;
    struct ss_result *result = malloc(sizeof *result);
    at_once(&toy, 2, 3, 3);
    toy.device.token_ps = 1001;
    toy.cell.gpus = toy.cell.replicas = 2;
    toy.cell.overhead.step_ps = ms / 2;
    toy.cell.failures = (struct ss_failures){.present = 1, .stragglers = &slow, .straggler_count = 1};
    CU_ASSERT_EQUAL_FATAL(toy_run(&toy, 0, result), 0);
    expect_times(result, 0, 3 * ms / 2, 9 * ms / 2 + (3 + 4) * 1001);
    expect_times(result, 1, 7 * ms / 2, 21 * ms / 2 + (3 + 4) * 3003);
    CU_ASSERT_EQUAL(result->failures.outage_count, 0);
    ss_result_free(result);
    free(result);
    toy_free(&toy);
}

/* ---- real devices ---- */

/* One request of 512 prompt and 128 output tokens alone on llama-3.1-8b: the figures composed by hand from the plain
 * forms of kernels, launch + maximum of arithmetic and traffic, with the constants of an A100 and an RTX 3090. */
static void
test_worked_check(void)
{
    static const struct {
        const char *device, *options;
        double ttft_ms, tpot_ms;
    } cases[] = {
        {"A100",
         "{peak_tflops: {bf16: 312}, memory: 80GiB, memory_bandwidth: 2039GB/s, gemm: {launch: 6.1us, "
         "compute_efficiency: 0.83, memory_efficiency: 0.75, softness: 0}, decode_attention: {launch: 17.9us, "
         "memory_efficiency: 0.73}, prefill_attention: {launch: 11.4us, compute_efficiency: 0.5, memory_efficiency: "
         "0}}",
         31.0, 12.38},
        {"RTX 3090",
         "{peak_tflops: {bf16: 71.2}, memory: 24GiB, memory_bandwidth: 936GB/s, gemm: {launch: 9.6us, "
         "compute_efficiency: 0.86, memory_efficiency: 0.89, softness: 0}, decode_attention: {launch: 13.4us, "
         "memory_efficiency: 0.88}, prefill_attention: {launch: 6.7us, compute_efficiency: 0.6, memory_efficiency: 0}}",
         122.2, 20.93},
    };
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
        toy.traffic = (struct ss_toy_traffic){
            .requests = 1, .prompt_min = 512, .prompt_max = 512, .output_min = 128, .output_max = 128};
        toy_use(&toy, SERVSIM_KIND_HARDWARE, "custom", cases[i].options);
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
        {"the same with a scheduler that swaps, pauses, holds and limits", test_services_equality},
        {"the same with every scheduler that ships", test_schedulers_equality},
        {"both with prefix caching, over prompts known in five ways", test_prefix_equality},
        {"the step of vLLM V1, against a loop over its requests", test_v1_order},
        {"the same with pipeline stages and data-parallel ranks", test_parallel_equality},
        {"the same with replicas that die and slow ones", test_failures_equality},
        {"the same with prefill and decode on replicas of their own", test_transfers_equality},
        {"a run worked out by hand", test_by_hand},
        {"swapping, worked out by hand", test_swap_by_hand},
        {"a batch that is held, worked out by hand", test_hold_by_hand},
        {"a limit of tokens, worked out by hand", test_limit_by_hand},
        {"a request starts only when its whole length fits", test_whole_length_must_fit},
        {"an engine's own time, by hand", test_overhead_by_hand},
        {"two pipeline stages, worked out by hand", test_pipeline_by_hand},
        {"a pipeline takes as many batches as it has stages", test_pipeline_is_full},
        {"two batches fill two stages, one leaves bubbles", test_bubbles},
        {"two ranks that share experts, worked out by hand", test_barrier_by_hand},
        {"a seat of a step that was composed ahead", test_seat_composed_ahead},
        {"what the door of ranks knows", test_door_by_hand},
        {"ranks of a dense model do not wait for each other", test_dense_ranks},
        {"a replica that dies and comes back, by hand", test_retry_by_hand},
        {"a request that is not sent again, by hand", test_failed_by_hand},
        {"a straggler, by hand", test_straggler_by_hand},
        {"one request on an idle device", test_worked_check},
        {"KV blocks of a 24 GiB device", test_kv_blocks},
        {"M/D/1: the wait is within its confidence interval", test_md1},
        {"M/M/1-like: the wait is within its confidence interval", test_mm1_like},
    };
    return ss_run_cases("engine", cases, sizeof cases / sizeof cases[0]);
}
