/*
 * sweep/load.c - finding how fast the largest configuration serves a workload, and scaling the traffic to it.
 */
#include "sweep/load.h"

#include <stdlib.h>

#include "engine/simulation.h"

#define PROBE_REQUESTS 20000

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
measure_capacity(const struct ss_cell *cell, uint64_t requests, double *per_s, struct servsim_error *err)
{
    const struct ss_sim_options options = {.at_once = 1, .stride = (requests + PROBE_REQUESTS - 1) / PROBE_REQUESTS};
    struct ss_cell probe = *cell;
    probe.stop_after = SS_NEVER;
    struct ss_result *result = malloc(sizeof *result);
    if (result == NULL)
        return servsim_fail(err, ENOMEM, "no memory to measure a capacity");
    int rc = ss_simulate(&probe, &options, result, err);
    if (rc == 0) {
        *per_s = steady_rate(&result->records);
        ss_result_free(result);
    }
    free(result);
    if (rc == 0 && !(*per_s > 0))
        return servsim_fail(err, EINVAL, "cell '%s': load: no request of the workload fits, so there is no capacity",
                            cell->name);
    return rc;
}

/* Do two cells ask for the same load of the same traffic? Seeds aside: replicates share a scale, too. */
static int
same_workload(const struct ss_cell *a, const struct ss_cell *b)
{
    const struct ss_options *left = &a->workload.options, *right = &b->workload.options;
    if (a->load != b->load || a->workload.plugin != b->workload.plugin || a->history_requests != b->history_requests ||
        a->history_span != b->history_span)
        return 0;
    for (uint32_t i = 0; i < left->count; i++) {
        const struct servsim_value *x = &left->values[i], *y = &right->values[i];
        if (!x->present && !y->present)
            continue;
        int texts = (x->text == NULL) == (y->text == NULL) && (x->text == NULL || strcmp(x->text, y->text) == 0);
        int lists = x->list_count == y->list_count &&
                    (x->list_count == 0 || memcmp(x->list, y->list, x->list_count * sizeof *x->list) == 0);
        if (x->present != y->present || x->integer != y->integer || x->number != y->number || !texts || !lists)
            return 0;
    }
    return 1;
}

/* Of the cells that ask for this load and have the most GPUs, the capacity of the one that serves most. */
static int
largest_capacity(const struct ss_experiment *experiment, const struct ss_cell *cell, uint64_t requests, double *per_s,
                 struct servsim_error *err)
{
    uint32_t gpus = 0;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        const struct ss_cell *other = &experiment->cells[i];
        if (same_workload(cell, other) && other->gpus > gpus)
            gpus = other->gpus;
    }
    int rc = 0;
    for (size_t i = 0; i < experiment->cell_count && rc == 0; i++) {
        const struct ss_cell *other = &experiment->cells[i];
        double one_per_s = 0;
        if (other->gpus != gpus || other->replicate != cell->replicate || !same_workload(cell, other))
            continue;
        rc = measure_capacity(other, requests, &one_per_s, err);
        if (one_per_s > *per_s)
            *per_s = one_per_s;
    }
    return rc;
}

static int
find_scale(const struct ss_experiment *experiment, const struct ss_cell *cell, double *scale, struct servsim_error *err)
{
    struct ss_traffic traffic;
    double capacity_per_s = 0;
    int rc = ss_measure_traffic(cell, &traffic, err);
    if (rc == 0 && (traffic.requests < 2 || traffic.span <= 0))
        return servsim_fail(err, EINVAL,
                            "cell '%s': load: the workload has no rate of its own (%llu requests at one time); leave "
                            "load out, or take traffic with arrival times",
                            cell->name, (unsigned long long)traffic.requests);
    if (rc == 0)
        rc = largest_capacity(experiment, cell, traffic.requests, &capacity_per_s, err);
    if (rc == 0) {
        double own_per_s = (double)(traffic.requests - 1) / ss_time_seconds(traffic.span);
        *scale = cell->load * capacity_per_s / own_per_s;
    }
    return rc;
}

int
ss_find_loads(struct ss_experiment *experiment, struct servsim_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < experiment->cell_count && rc == 0; i++) {
        const struct ss_cell *cell = &experiment->cells[i];
        if (cell->load <= 0 || cell->load_scale > 0)
            continue;
        double scale = 0;
        rc = find_scale(experiment, cell, &scale, err);
        /* the cell itself last: the others are compared with it */
        for (size_t j = experiment->cell_count; j-- > i && rc == 0;) {
            if (same_workload(cell, &experiment->cells[j]) && ss_cell_set_load_scale(&experiment->cells[j], scale) != 0)
                rc = servsim_fail(err, ENOMEM, "no memory for a resolved cell");
        }
    }
    return rc;
}
