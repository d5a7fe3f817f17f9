/*
 * engine/simulation.c - making a cluster for a cell, letting it run, and collecting what it leaves.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/seed.h"
#include "engine/cluster.h"

/* ---- services for plugins ---- */

static uint64_t
seed_for(void *ctx, const char *purpose)
{
    return ss_seed_for(((const struct ss_cluster *)ctx)->cell->seed, purpose);
}

static void
log_line(void *ctx, uint32_t level, const char *text)
{
    const struct ss_cluster *cluster = ctx;
    if (cluster->options->log != NULL)
        cluster->options->log(cluster->options->log_ctx, level, text);
}

/* ---- making and ending ---- */

static int
make_plugins(struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    uint32_t routed = cell->prefill_replicas > 0 ? cell->prefill_replicas : cell->replicas;
    int rc = ss_cost_create(&cluster->cost, cell, &cluster->host, err);
    if (rc == 0)
        rc = ss_cost_kv_blocks(cluster->cost, &cluster->kv_blocks, err);
    if (rc == 0)
        rc = ss_predictor_create(cluster, err);
    if (rc == 0)
        rc = ss_router_make(&cluster->router, cluster, 0, routed, cell->seed, err);
    return rc;
}

/* Data-parallel ranks of a model with experts meet in every layer with experts, so they step together; others are
   engines of their own behind one door. */
static int
step_together(const struct ss_cell *cell)
{
    return cell->dp > 1 && cell->model.experts > 0;
}

/* Where a replica has several ranks. */
static int
make_doors(struct ss_cluster *cluster)
{
    const struct ss_cell *cell = cluster->cell;
    cluster->doors = cell->dp > 1 ? calloc(cell->replicas, sizeof *cluster->doors) : NULL;
    int rc = cell->dp > 1 && cluster->doors == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; cluster->doors != NULL && i < cell->replicas && rc == 0; i++)
        rc = ss_door_init(&cluster->doors[i], cell->dp, (uint32_t)step_together(cell), cell->overhead.refresh_ps);
    return rc;
}

static int
make_replicas(struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    uint32_t together = step_together(cell) ? cell->dp : 1;
    cluster->rank_count = cell->replicas * cell->dp;
    cluster->group_count = cluster->rank_count / together;
    cluster->ranks = calloc(cluster->rank_count, sizeof *cluster->ranks);
    cluster->groups = calloc(cluster->group_count, sizeof *cluster->groups);
    cluster->due = calloc(cluster->group_count, sizeof *cluster->due);
    if (cluster->ranks == NULL || cluster->groups == NULL || cluster->due == NULL)
        return servsim_fail(err, ENOMEM, "no memory for %u replicas", cell->replicas);
    int rc = make_doors(cluster) != 0 ? servsim_fail(err, ENOMEM, "no memory for %u replicas", cell->replicas) : 0;
    for (uint32_t i = 0; i < cluster->group_count && rc == 0; i++)
        if (ss_group_init(&cluster->groups[i], cluster, i, &cluster->ranks[(size_t)i * together], together) != 0)
            rc = servsim_fail(err, ENOMEM, "no memory for %u replicas", cell->replicas);
    for (uint32_t i = 0; i < cluster->rank_count && rc == 0; i++)
        rc = ss_replica_init(&cluster->ranks[i], cluster, i, err);
    return rc;
}

static void
make_hosts(struct ss_cluster *cluster)
{
    cluster->host = (struct servsim_host){.size = sizeof cluster->host,
                                          .abi_minor = SERVSIM_ABI_MINOR,
                                          .ctx = cluster,
                                          .log = log_line,
                                          .seed = seed_for};
}

static int
cluster_make(struct ss_cluster *cluster, const struct ss_cell *cell, const struct ss_sim_options *options,
             struct servsim_error *err)
{
    *cluster = (struct ss_cluster){.cell = cell, .options = options};
    make_hosts(cluster);
    int rc = make_plugins(cluster, err);
    if (rc == 0)
        rc = make_replicas(cluster, err);
    if (rc == 0)
        rc = ss_faults_make(cluster, err);
    if (rc == 0)
        rc = ss_transfers_make(cluster, err);
    cluster->others = cluster->faults != NULL || cluster->transfers != NULL;
    cluster->requests.with_extras =
        cell->prefix_caching || cluster->predictor != NULL || cluster->faults != NULL || cluster->transfers != NULL;
    return rc;
}

static void
cluster_free(struct ss_cluster *cluster)
{
    for (uint32_t i = 0; cluster->ranks != NULL && i < cluster->rank_count; i++)
        ss_replica_free(&cluster->ranks[i]);
    for (uint32_t i = 0; cluster->groups != NULL && i < cluster->group_count; i++)
        ss_group_free(&cluster->groups[i]);
    for (uint32_t i = 0; cluster->doors != NULL && i < cluster->cell->replicas; i++)
        ss_door_free(&cluster->doors[i]);
    free(cluster->doors);
    free(cluster->ranks);
    free(cluster->groups);
    free(cluster->due);
    ss_traffic_close(&cluster->traffic);
    ss_predictor_destroy(cluster->predictor);
    ss_faults_free(cluster->faults);
    ss_transfers_free(cluster->transfers);
    ss_router_free(&cluster->router);
    ss_cost_destroy(cluster->cost);
    ss_heap_free(&cluster->runs);
    ss_requests_free(&cluster->requests);
}

/* Requests that run at a stop have had what they have had; of those that wait, preempt() has noted it. */
static void
note_unfinished(struct ss_cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->rank_count; i++) {
        const struct ss_replica *rank = &cluster->ranks[i];
        for (const struct ss_request *request = rank->first; request != NULL; request = request->next) {
            struct ss_record *record = ss_cluster_record(cluster, request);
            record->output_tokens = request->state == SS_DECODING
                                        ? ss_batch_generated(request->place->batch, request, 0)
                                        : request->generated;
        }
    }
}

/* Over the whole run: beside what stands there already, the sums of the series. */
static void
add_areas(struct ss_result *result)
{
    for (uint32_t i = 0; i < result->series.used; i++) {
        result->waiting_area += result->series.bins[i].areas[SS_SERIES_WAITING];
        result->running_area += result->series.bins[i].areas[SS_SERIES_RUNNING];
    }
}

static int
collect(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct ss_result *result = cluster->result;
    uint32_t count = cluster->cell->replicas;
    note_unfinished(cluster);
    result->replicas = calloc(count, sizeof *result->replicas);
    if (result->replicas == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the results of %u replicas", count);
    for (uint32_t i = 0; i < cluster->rank_count; i++)
        ss_replica_result_add(&result->replicas[cluster->ranks[i].owner], &cluster->ranks[i].result);
    result->replica_count = count;
    result->parts = cluster->cell->dp * cluster->cell->pp;
    result->kv_blocks_total = cluster->kv_blocks;
    result->device = *ss_cost_device(cluster->cost);
    ss_predictor_collect(cluster);
    ss_faults_collect(cluster);
    ss_transfers_collect(cluster);
    result->workload.size = sizeof result->workload;
    ss_traffic_stats(&cluster->traffic, &result->workload);
    return 0;
}

int
ss_simulate(const struct ss_cell *cell, const struct ss_sim_options *options, struct ss_result *out,
            struct servsim_error *err)
{
    struct ss_cluster cluster;
    memset(out, 0, sizeof *out);
    ss_series_init(&out->series);
    out->timeline.limit = options->timeline_limit;
    int rc = cluster_make(&cluster, cell, options, err);
    cluster.result = out;
    if (rc == 0) /* it may read whole files, so it is not part of the preflight */
        rc = ss_traffic_open(&cluster.traffic, cell, &cluster.host, err);
    if (rc == 0)
        rc = ss_history_read(&cluster, err);
    if (rc == 0)
        rc = ss_cluster_loop(&cluster, err);
    if (rc == 0)
        add_areas(out);
    if (rc == 0 && options->verify)
        rc = ss_verify_end(&cluster, err);
    if (rc == 0)
        rc = collect(&cluster, err);
    cluster_free(&cluster);
    if (rc != 0)
        ss_result_free(out);
    return rc;
}

int
ss_measure_traffic(const struct ss_cell *cell, struct ss_traffic_extent *out, struct servsim_error *err)
{
    const struct ss_sim_options options = {0};
    struct ss_cluster cluster = {.cell = cell, .options = &options};
    struct ss_result *empty = calloc(1, sizeof *empty); /* error texts count the records in it */
    ss_time first = 0, last = 0;
    if (empty == NULL)
        return servsim_fail(err, ENOMEM, "no memory to measure the traffic");
    cluster.result = empty;
    make_hosts(&cluster);
    *out = (struct ss_traffic_extent){0, 0};
    int rc = ss_traffic_open(&cluster.traffic, cell, &cluster.host, err);
    if (rc == 0)
        rc = ss_history_read(&cluster, err);
    while (rc == 0 && (rc = ss_arrivals_read(&cluster, err)) > 0) {
        last = ss_time_of(cluster.next.arrival_s, cluster.next.arrival_ps);
        first = out->requests++ == 0 ? last : first;
        empty->records.count++;
        rc = 0;
    }
    out->span = last - first;
    ss_traffic_close(&cluster.traffic);
    free(empty);
    return rc;
}

int
ss_pack_traffic(const struct ss_cell *cell, int fd, size_t limit_bytes, struct servsim_error *err)
{
    const struct ss_sim_options options = {0};
    struct ss_cluster cluster = {.cell = cell, .options = &options};
    make_hosts(&cluster);
    int rc = ss_traffic_open(&cluster.traffic, cell, &cluster.host, err);
    if (rc == 0)
        rc = ss_traffic_pack(&cluster.traffic, fd, limit_bytes, err);
    ss_traffic_close(&cluster.traffic);
    return rc;
}

int
ss_simulation_preflight(const struct ss_cell *cell, struct servsim_error *err)
{
    const struct ss_sim_options options = {0};
    struct ss_cluster cluster;
    int rc = cluster_make(&cluster, cell, &options, err);
    cluster_free(&cluster);
    return rc;
}
