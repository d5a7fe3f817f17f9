/*
 * engine/cluster.c - the event loop: the next run that ends or the next arrival, whichever is first.
 */
#include "engine/cluster.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seed.h"

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

static int32_t
replica_state(void *ctx, uint32_t index, struct servsim_replica_state *out)
{
    const struct ss_cluster *cluster = ctx;
    if (index >= cluster->cell->replicas)
        return -EINVAL;
    ss_replica_state(&cluster->replicas[index], cluster->now, out);
    return 0;
}

/* ---- services for replicas ---- */

void
ss_cluster_integrate(struct ss_cluster *cluster)
{
    ss_time from = cluster->level_time, to = cluster->now;
    if (from == to)
        return;
    struct ss_result *result = cluster->result;
    ss_series_level(&result->series, SS_SERIES_WAITING, from, to, cluster->waiting);
    ss_series_level(&result->series, SS_SERIES_RUNNING, from, to, cluster->running);
    result->in_system_area += (to - from) * (ss_wide)cluster->in_system;
    result->waiting_area += (to - from) * (ss_wide)cluster->waiting;
    result->running_area += (to - from) * (ss_wide)cluster->running;
    cluster->level_time = to;
}

struct ss_record *
ss_cluster_record(struct ss_cluster *cluster, const struct ss_request *request)
{
    return &cluster->result->records.items[request->seen.id];
}

void
ss_cluster_finish(struct ss_cluster *cluster, struct ss_replica *replica, struct ss_request *request)
{
    struct ss_record *record = ss_cluster_record(cluster, request);
    ss_cluster_integrate(cluster);
    cluster->in_system--;
    cluster->running--;
    record->status = SS_STATUS_FINISHED;
    record->output_tokens = request->output_tokens;
    record->preemptions = request->seen.preemptions;
    record->latency_ps = ss_request_age_ps(request, cluster->now);
    cluster->result->end = cluster->now;
    ss_series_count(&cluster->result->series, SS_SERIES_FINISHED, cluster->now, 1);
    if (SERVSIM_COVERS(cluster->router_ops, struct servsim_router_ops, leave) && cluster->router_ops->leave != NULL)
        cluster->router_ops->leave(cluster->router.self, &request->seen, replica->index);
    ss_requests_give(&cluster->requests, request);
}

int
ss_cluster_schedule(struct ss_cluster *cluster, struct ss_replica *replica)
{
    ss_time end = replica->run.start + ss_line_elapsed(&replica->run.price.line, replica->run.steps);
    ss_wide key = end * ((ss_wide)1 << 32) + replica->index;
    if (replica->heap_position == SS_HEAP_ABSENT)
        return ss_heap_push(&cluster->runs, key, replica, &replica->heap_position);
    ss_heap_rekey(&cluster->runs, replica->heap_position, key);
    return 0;
}

void
ss_cluster_due(struct ss_cluster *cluster, struct ss_replica *replica)
{
    if (replica->due)
        return;
    replica->due = 1;
    cluster->due[cluster->due_count++] = replica;
}

/* ---- arrivals ---- */

static int
bad_arrival(const struct ss_cluster *cluster, const char *what, struct servsim_error *err)
{
    return servsim_fail(err, EPROTO, "workload plugin '%s': request %zu %s", cluster->workload.descriptor->name,
                        cluster->result->records.count, what);
}

static int
read_one(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct servsim_arrival *next = &cluster->next;
    *next = (struct servsim_arrival){.size = sizeof *next, .deadline_s = SERVSIM_NEVER};
    err->text[0] = '\0';
    int rc = cluster->workload_ops->next(cluster->workload.self, next, err);
    if (rc < 0 && err->text[0] == '\0')
        return bad_arrival(cluster, "failed without a reason", err);
    if (rc <= 0)
        return rc;
    if (next->prompt_tokens == 0 || next->output_tokens == 0)
        return bad_arrival(cluster, "has no prompt or no output tokens", err);
    if (next->arrival_s < 0 || next->arrival_ps < 0 || next->arrival_ps >= SS_PS_PER_S)
        return bad_arrival(cluster, "arrives before time 0 or at a broken time", err);
    return 1;
}

/* Scaled in whole billionths, so that order and ties stay what they are. */
static ss_time
arrival_time(const struct ss_cluster *cluster)
{
    ss_time time = ss_time_of(cluster->next.arrival_s, cluster->next.arrival_ps);
    if (cluster->options->at_once)
        return 0;
    if (cluster->cell->load_scale > 0)
        return time * 1000000000 / (ss_wide)(cluster->cell->load_scale * 1e9);
    return time;
}

static int
read_ahead(struct ss_cluster *cluster, struct servsim_error *err)
{
    ss_time previous = cluster->next_time;
    int rc = 1;
    for (uint64_t i = 0; rc > 0 && i < (cluster->options->stride > 1 ? cluster->options->stride : 1); i++)
        rc = read_one(cluster, err);
    cluster->next_time = rc > 0 ? arrival_time(cluster) : SS_NEVER;
    if (rc > 0 && cluster->next_time < previous)
        return bad_arrival(cluster, "arrives before the one ahead of it", err);
    return rc < 0 ? rc : 0;
}

/* Too long for the model or for a whole KV cache: it would be preempted for ever. The last token is never cached. */
static int
too_long(const struct ss_cluster *cluster, const struct servsim_arrival *arrival)
{
    uint64_t tokens = (uint64_t)arrival->prompt_tokens + arrival->output_tokens;
    uint64_t blocks = (tokens - 1 + cluster->cell->block_size - 1) / cluster->cell->block_size;
    return tokens > cluster->cell->max_model_len || blocks > cluster->kv_blocks;
}

/* A deadline is a promise of so much time, whatever the traffic is scaled to. */
static void
set_deadline(struct ss_request *request, const struct servsim_arrival *arrival)
{
    request->seen.deadline_s = SERVSIM_NEVER;
    if (arrival->deadline_s == SERVSIM_NEVER)
        return;
    ss_time allowed =
        ss_time_of(arrival->deadline_s, arrival->deadline_ps) - ss_time_of(arrival->arrival_s, arrival->arrival_ps);
    ss_time deadline = ss_request_arrival(request) + (allowed > 0 ? allowed : 0);
    ss_time_split(deadline, &request->seen.deadline_s, &request->seen.deadline_ps);
}

static struct ss_request *
new_request(struct ss_cluster *cluster, uint64_t id)
{
    const struct servsim_arrival *arrival = &cluster->next;
    struct ss_request *request = ss_requests_take(&cluster->requests);
    if (request == NULL)
        return NULL;
    request->seen.id = id;
    request->seen.client = arrival->client;
    request->seen.priority = arrival->priority;
    ss_time_split(cluster->now, &request->seen.arrival_s, &request->seen.arrival_ps);
    set_deadline(request, arrival);
    request->seen.prompt_tokens = arrival->prompt_tokens;
    request->output_tokens = arrival->output_tokens;
    request->finish_position = request->shortest_position = request->longest_position = SS_HEAP_ABSENT;
    return request;
}

static int
route(struct ss_cluster *cluster, struct ss_request *request, uint32_t *replica, struct servsim_error *err)
{
    *replica = 0;
    err->text[0] = '\0';
    int rc = cluster->router_ops->route(cluster->router.self, &request->seen, replica, err);
    if (rc < 0 && err->text[0] != '\0') {
        char said[512];
        (void)snprintf(said, sizeof said, "%.500s", err->text);
        return servsim_fail(err, EPROTO, "router plugin '%s': %s", cluster->router.descriptor->name, said);
    }
    if (rc != 0 || *replica >= cluster->cell->replicas)
        return servsim_fail(err, EPROTO, "router plugin '%s' sent request %llu to replica %u of %u (answer %d)",
                            cluster->router.descriptor->name, (unsigned long long)request->seen.id, *replica,
                            cluster->cell->replicas, rc);
    return 0;
}

/* The scheduler will have none of it. */
static void
turn_away(struct ss_cluster *cluster, struct ss_request *request, struct ss_record *record)
{
    record->status = SS_STATUS_REJECTED;
    if (SERVSIM_COVERS(cluster->router_ops, struct servsim_router_ops, leave) && cluster->router_ops->leave != NULL)
        cluster->router_ops->leave(cluster->router.self, &request->seen, record->replica);
    ss_requests_give(&cluster->requests, request);
}

static int
deliver(struct ss_cluster *cluster, struct ss_record *record, struct servsim_error *err)
{
    struct ss_request *request = new_request(cluster, cluster->result->records.count - 1);
    if (request == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a request");
    int rc = route(cluster, request, &record->replica, err);
    if (rc != 0)
        return rc;
    rc = ss_replica_arrive(&cluster->replicas[record->replica], request, err);
    if (rc < 0)
        return rc;
    if (rc > 0) {
        turn_away(cluster, request, record);
        return 0;
    }
    ss_cluster_integrate(cluster);
    cluster->in_system++;
    cluster->waiting++;
    return 0;
}

static int
arrive(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct ss_result *result = cluster->result;
    struct ss_record *record = ss_records_add(&result->records);
    if (record == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the record of request %zu", result->records.count);
    result->events++;
    if (result->records.count == 1)
        result->first_arrival = cluster->now;
    record->arrival = cluster->now;
    record->prompt_tokens = cluster->next.prompt_tokens;
    record->replica = UINT32_MAX;
    ss_series_count(&result->series, SS_SERIES_ARRIVALS, cluster->now, 1);
    if (too_long(cluster, &cluster->next)) {
        record->status = SS_STATUS_REJECTED;
        return 0;
    }
    return deliver(cluster, record, err);
}

/* ---- the loop ---- */

static ss_time
next_run_end(const struct ss_cluster *cluster)
{
    const struct ss_heap_item *first = ss_heap_first(&cluster->runs);
    return first != NULL ? first->key >> 32 : SS_NEVER;
}

static int
end_runs(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = 0;
    while (rc == 0 && next_run_end(cluster) == cluster->now) {
        struct ss_replica *replica = ss_heap_first(&cluster->runs)->owner;
        ss_heap_remove(&cluster->runs, replica->heap_position);
        cluster->result->events++;
        rc = ss_replica_end_run(replica, replica->run.steps, err);
        if (rc == 0 && cluster->options->verify)
            rc = ss_verify_replica(replica, err);
    }
    return rc;
}

static int
take_arrivals(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = 0;
    while (rc == 0 && cluster->next_time == cluster->now) {
        rc = arrive(cluster, err);
        if (rc == 0)
            rc = read_ahead(cluster, err);
    }
    return rc;
}

static int
by_index(const void *a, const void *b)
{
    const struct ss_replica *left = *(struct ss_replica *const *)a, *right = *(struct ss_replica *const *)b;
    return (left->index > right->index) - (left->index < right->index);
}

static int
plan_due(struct ss_cluster *cluster, struct servsim_error *err)
{
    if (cluster->due_count > 1)
        qsort(cluster->due, cluster->due_count, sizeof *cluster->due, by_index);
    int rc = 0;
    for (uint32_t i = 0; i < cluster->due_count && rc == 0; i++) {
        cluster->due[i]->due = 0;
        rc = ss_replica_plan(cluster->due[i], err);
        if (rc == 0 && cluster->options->verify)
            rc = ss_verify_replica(cluster->due[i], err);
    }
    cluster->due_count = 0;
    return rc;
}

static int
instant(struct ss_cluster *cluster, ss_time time, struct servsim_error *err)
{
    if (time < cluster->now)
        return servsim_fail(err, EPROTO, "time would run backward at %.9f s", ss_time_seconds(cluster->now));
    cluster->now = time;
    int rc = end_runs(cluster, err);
    if (rc == 0)
        rc = take_arrivals(cluster, err);
    if (rc == 0)
        rc = plan_due(cluster, err);
    return rc;
}

/* The stop: steps that have ended by now count, the step under way does not. */
static int
stop(struct ss_cluster *cluster, struct servsim_error *err)
{
    cluster->now = cluster->result->end = cluster->cell->stop_after;
    int rc = 0;
    for (uint32_t i = 0; i < cluster->cell->replicas && rc == 0; i++) {
        struct ss_replica *replica = &cluster->replicas[i];
        uint64_t ended = ss_replica_steps_ended(replica, cluster->now);
        if (ended == 0)
            continue;
        ss_heap_remove(&cluster->runs, replica->heap_position);
        rc = ss_replica_end_run(replica, ended, err);
    }
    ss_cluster_integrate(cluster);
    return rc;
}

static int
loop(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = read_ahead(cluster, err);
    while (rc == 0) {
        ss_time end = next_run_end(cluster);
        ss_time time = end < cluster->next_time ? end : cluster->next_time;
        if (time == SS_NEVER)
            break;
        if (time > cluster->cell->stop_after)
            return stop(cluster, err);
        rc = instant(cluster, time, err);
        if (cluster->options->interrupted != NULL && *cluster->options->interrupted)
            return servsim_fail(err, EINTR, "interrupted");
    }
    if (rc == 0 && cluster->result->records.count == 0)
        return servsim_fail(err, EINVAL, "workload plugin '%s' delivered no request",
                            cluster->workload.descriptor->name);
    if (rc == 0 && cluster->in_system > 0)
        return servsim_fail(err, EPROTO, "scheduler plugin '%s' left %llu requests waiting for ever",
                            cluster->cell->scheduler.plugin->descriptor->name, (unsigned long long)cluster->in_system);
    return rc;
}

/* ---- making and ending ---- */

static int
make_plugins(struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    const struct servsim_router_context context = {sizeof context, cell->replicas};
    int rc = ss_cost_create(&cluster->cost, cell, &cluster->host, err);
    if (rc == 0)
        rc = ss_cost_kv_blocks(cluster->cost, &cluster->kv_blocks, err);
    if (rc == 0)
        rc = ss_instance_create(&cluster->router, &cell->router, &cluster->host, &context, err);
    if (rc == 0)
        cluster->router_ops = cluster->router.descriptor->ops;
    return rc;
}

/* Opens the traffic: it may read whole files, so it is not part of the preflight. */
static int
open_workload(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = ss_instance_create(&cluster->workload, &cluster->cell->workload, &cluster->host, NULL, err);
    if (rc == 0)
        cluster->workload_ops = cluster->workload.descriptor->ops;
    return rc;
}

static int
make_replicas(struct ss_cluster *cluster, struct servsim_error *err)
{
    uint32_t count = cluster->cell->replicas;
    cluster->replicas = calloc(count, sizeof *cluster->replicas);
    cluster->due = calloc(count, sizeof *cluster->due);
    if (cluster->replicas == NULL || cluster->due == NULL)
        return servsim_fail(err, ENOMEM, "no memory for %u replicas", count);
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++)
        rc = ss_replica_init(&cluster->replicas[i], cluster, i, err);
    return rc;
}

static void
make_host(struct ss_cluster *cluster)
{
    cluster->host = (struct servsim_host){.size = sizeof cluster->host,
                                          .abi_minor = SERVSIM_ABI_MINOR,
                                          .ctx = cluster,
                                          .log = log_line,
                                          .seed = seed_for,
                                          .replica_state = replica_state};
}

static int
cluster_make(struct ss_cluster *cluster, const struct ss_cell *cell, const struct ss_sim_options *options,
             struct servsim_error *err)
{
    *cluster = (struct ss_cluster){.cell = cell, .options = options};
    make_host(cluster);
    int rc = make_plugins(cluster, err);
    return rc != 0 ? rc : make_replicas(cluster, err);
}

static void
cluster_free(struct ss_cluster *cluster)
{
    for (uint32_t i = 0; cluster->replicas != NULL && i < cluster->cell->replicas; i++)
        ss_replica_free(&cluster->replicas[i]);
    free(cluster->replicas);
    free(cluster->due);
    ss_instance_destroy(&cluster->workload);
    ss_instance_destroy(&cluster->router);
    ss_cost_destroy(cluster->cost);
    ss_heap_free(&cluster->runs);
    ss_requests_free(&cluster->requests);
}

/* Requests that run at a stop have had what they have had; of those that wait, preempt() has noted it. */
static void
note_unfinished(struct ss_cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->cell->replicas; i++) {
        struct ss_replica *replica = &cluster->replicas[i];
        for (const struct ss_request *request = replica->first; request != NULL; request = request->next) {
            struct ss_record *record = ss_cluster_record(cluster, request);
            record->output_tokens =
                request->state == SS_DECODING ? ss_batch_generated(&replica->batch, request, 0) : request->generated;
        }
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
    for (uint32_t i = 0; i < count; i++)
        result->replicas[i] = cluster->replicas[i].result;
    result->replica_count = count;
    result->kv_blocks_total = cluster->kv_blocks;
    result->device = *ss_cost_device(cluster->cost);
    ss_cost_work_units(cluster->cost, &result->work);
    result->workload.size = sizeof result->workload;
    if (SERVSIM_COVERS(cluster->workload_ops, struct servsim_workload_ops, stats) && cluster->workload_ops->stats)
        (void)cluster->workload_ops->stats(cluster->workload.self, &result->workload);
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
    if (rc == 0)
        rc = open_workload(&cluster, err);
    if (rc == 0)
        rc = loop(&cluster, err);
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
ss_measure_traffic(const struct ss_cell *cell, struct ss_traffic *out, struct servsim_error *err)
{
    const struct ss_sim_options options = {0};
    struct ss_cluster cluster = {.cell = cell, .options = &options};
    struct ss_result *empty = calloc(1, sizeof *empty); /* error texts count the records in it */
    ss_time first = 0, last = 0;
    if (empty == NULL)
        return servsim_fail(err, ENOMEM, "no memory to measure the traffic");
    cluster.result = empty;
    make_host(&cluster);
    *out = (struct ss_traffic){0, 0};
    int rc = open_workload(&cluster, err);
    while (rc == 0 && (rc = read_one(&cluster, err)) > 0) {
        last = ss_time_of(cluster.next.arrival_s, cluster.next.arrival_ps);
        first = out->requests++ == 0 ? last : first;
        empty->records.count++;
        rc = 0;
    }
    out->span = last - first;
    ss_instance_destroy(&cluster.workload);
    free(empty);
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
