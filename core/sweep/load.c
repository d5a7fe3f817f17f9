/*
 * sweep/load.c - finding how fast the largest configuration serves a workload, and scaling the traffic to it.
 *
 * Plugins run in processes of their own here as everywhere in a sweep: one that dies takes no part in the search, and
 * its own cell says so when its turn comes.
 */
#include "sweep/load.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/child.h"
#include "engine/simulation.h"

#define PROBE_REQUESTS 20000

/* Where a child leaves its figures. */
struct answer {
    struct ss_traffic_extent extent;
    double capacity_per_s;
};

struct search {
    struct ss_experiment *experiment;
    const struct ss_sweep_options *options;
    struct ss_outcome *outcomes;
    struct answer *answer; /* shared with the children */
    const struct ss_cell *cell;
    char died[1024]; /* what became of the last child that left no figures; empty: none died */
};

static int
by_finish(const void *a, const void *b)
{
    int64_t left = ((const struct ss_record *)a)->latency_ps, right = ((const struct ss_record *)b)->latency_ps;
    return (left > right) - (left < right);
}

/*
 * Requests per second between the tenth and the seventh tenth of the finishes: neither the batch that fills at the
 * start nor the one that runs dry at the end is what a loaded machine does.
 */
static double
steady_rate(struct ss_records *records)
{
    size_t finished = 0;
    for (size_t i = 0; i < records->count; i++) {
        if (records->items[i].status == SS_STATUS_FINISHED)
            records->items[finished++] = records->items[i];
    }
    if (finished == 0)
        return 0;
    qsort(records->items, finished, sizeof *records->items, by_finish);
    size_t from = finished / 10, to = finished * 7 / 10;
    int64_t span_ps = records->items[to].latency_ps - records->items[from].latency_ps;
    if (span_ps > 0)
        return (double)(to - from) / ((double)span_ps / 1e12);
    return (double)finished / ((double)records->items[finished - 1].latency_ps / 1e12);
}

static int
measure_capacity(void *ctx, struct servsim_error *err)
{
    const struct search *search = ctx;
    uint64_t requests = search->answer->extent.requests;
    const struct ss_sim_options options = {.at_once = 1, .stride = (requests + PROBE_REQUESTS - 1) / PROBE_REQUESTS};
    struct ss_cell probe = *search->cell;
    probe.stop_after = SS_NEVER;
    struct ss_result *result = malloc(sizeof *result);
    if (result == NULL)
        return servsim_fail(err, ENOMEM, "no memory to measure a capacity");
    int rc = ss_simulate(&probe, &options, result, err);
    if (rc == 0) {
        search->answer->capacity_per_s = steady_rate(&result->records);
        ss_result_free(result);
    }
    free(result);
    if (rc == 0 && !(search->answer->capacity_per_s > 0))
        return servsim_fail(err, EINVAL, "cell '%s': load: no request of the workload fits, so there is no capacity",
                            search->cell->name);
    return rc;
}

static int
measure_traffic(void *ctx, struct servsim_error *err)
{
    const struct search *search = ctx;
    return ss_measure_traffic(search->cell, &search->answer->extent, err);
}

/* 1: the answer is there; 0: the child died, or a plugin in it broke a rule; -errno: nothing is worth going on for. */
static int
ask(struct search *search, ss_child_job job, const struct ss_cell *cell, struct servsim_error *err)
{
    struct ss_last_word word;
    search->cell = cell;
    int spoke = ss_child_run(job, search, search->experiment->timeout_s, search->options->interrupted, &word);
    if (spoke && word.code == 0)
        return 1;
    if (word.code == -EINTR || (spoke && word.code != -EPROTO))
        return servsim_fail(err, -word.code, "%s", word.text);
    (void)snprintf(search->died, sizeof search->died, "%.1000s", word.text);
    return 0;
}

/* Do two cells ask for the same load of the same traffic? Seeds aside: replicates share a scale, too. */
static int
same_workload(const struct ss_cell *a, const struct ss_cell *b)
{
    return a->load == b->load && a->history_requests == b->history_requests && a->history_span == b->history_span &&
           ss_use_equal(&a->workload, &b->workload);
}

/* Of the cells that ask for this load and have the most GPUs, the capacity of the one that serves most; 0: of none. */
static int
largest_capacity(struct search *search, const struct ss_cell *cell, double *per_s, struct servsim_error *err)
{
    const struct ss_experiment *experiment = search->experiment;
    uint32_t gpus = 0;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        const struct ss_cell *other = &experiment->cells[i];
        if (same_workload(cell, other) && other->gpus > gpus)
            gpus = other->gpus;
    }
    int rc = 0;
    for (size_t i = 0; i < experiment->cell_count && rc >= 0; i++) {
        const struct ss_cell *other = &experiment->cells[i];
        if (other->gpus != gpus || other->replicate != cell->replicate || !same_workload(cell, other))
            continue;
        rc = ask(search, measure_capacity, other, err);
        if (rc > 0 && search->answer->capacity_per_s > *per_s)
            *per_s = search->answer->capacity_per_s;
    }
    return rc < 0 ? rc : 0;
}

/* The scale stays 0 where nothing could be measured. */
static int
find_scale(struct search *search, const struct ss_cell *cell, double *scale, struct servsim_error *err)
{
    double capacity_per_s = 0;
    int rc = ask(search, measure_traffic, cell, err);
    if (rc <= 0)
        return rc;
    const struct ss_traffic_extent traffic = search->answer->extent;
    if (traffic.requests < 2 || traffic.span <= 0)
        return servsim_fail(err, EINVAL,
                            "cell '%s': load: the workload has no rate of its own (%llu requests at one time); leave "
                            "load out, or take traffic with arrival times",
                            cell->name, (unsigned long long)traffic.requests);
    rc = largest_capacity(search, cell, &capacity_per_s, err);
    *scale = cell->load * capacity_per_s / ((double)(traffic.requests - 1) / ss_time_seconds(traffic.span));
    return rc;
}

static void
give_up(const struct search *search, size_t index)
{
    struct ss_outcome *outcome = &search->outcomes[index];
    outcome->state = SS_CELL_FAILED;
    (void)snprintf(outcome->reason, sizeof outcome->reason, "load: no capacity could be measured: %.900s",
                   search->died);
}

/* The load of a cell, and of all that ask for the same. */
static int
find_load(struct search *search, size_t index, struct servsim_error *err)
{
    struct ss_experiment *experiment = search->experiment;
    const struct ss_cell *cell = &experiment->cells[index];
    double scale = 0;
    int rc = find_scale(search, cell, &scale, err);
    /* the cell itself last: the others are compared with it */
    for (size_t i = experiment->cell_count; i-- > index && rc == 0;) {
        if (!same_workload(cell, &experiment->cells[i]))
            continue;
        if (scale <= 0)
            give_up(search, i);
        else if (ss_cell_set_load_scale(&experiment->cells[i], scale) != 0)
            rc = servsim_fail(err, ENOMEM, "no memory for a resolved cell");
    }
    return rc;
}

int
ss_find_loads(struct ss_experiment *experiment, const struct ss_sweep_options *options, struct ss_outcome *outcomes,
              struct servsim_error *err)
{
    struct search search = {.experiment = experiment, .options = options, .outcomes = outcomes};
    search.answer = mmap(NULL, sizeof *search.answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (search.answer == MAP_FAILED)
        return servsim_fail(err, errno, "no memory to measure capacities");
    int rc = 0;
    for (size_t i = 0; i < experiment->cell_count && rc == 0; i++) {
        const struct ss_cell *cell = &experiment->cells[i];
        if (cell->load > 0 && !(cell->load_scale > 0) && outcomes[i].state != SS_CELL_FAILED)
            rc = find_load(&search, i, err);
    }
    (void)munmap(search.answer, sizeof *search.answer);
    return rc;
}
