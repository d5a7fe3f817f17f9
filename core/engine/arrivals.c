/*
 * engine/arrivals.c - a request's way in: read from the traffic, checked, routed, handed to its replica.
 */
#include <errno.h>

#include "engine/cluster.h"

static int
bad_arrival(const struct ss_cluster *cluster, const char *what, struct servsim_error *err)
{
    return servsim_fail(err, EPROTO, "workload plugin '%s': request %zu %s",
                        cluster->cell->workload.plugin->descriptor->name, cluster->result->records.count, what);
}

int
ss_arrivals_read(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct servsim_arrival *next = &cluster->next;
    if (cluster->read_ahead) {
        cluster->read_ahead = 0;
        return 1;
    }
    int rc = ss_traffic_next(&cluster->traffic, next, err);
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

/* In whole billionths, so that order and ties stay what they are. */
ss_time
ss_arrivals_scaled(const struct ss_cluster *cluster, ss_time time)
{
    if (cluster->cell->load_scale > 0)
        return time * 1000000000 / (ss_wide)(cluster->cell->load_scale * 1e9);
    return time;
}

/* When the engine sees the request. */
static ss_time
engine_time(const struct ss_cluster *cluster)
{
    ss_time time = 0;
    if (!cluster->options->at_once)
        time = ss_arrivals_scaled(cluster,
                                  ss_time_of(cluster->next.arrival_s, cluster->next.arrival_ps) - cluster->history_end);
    return time + cluster->cell->overhead.arrival_ps;
}

int
ss_arrivals_next(struct ss_cluster *cluster, struct servsim_error *err)
{
    ss_time previous = cluster->next_time;
    int rc = 1;
    for (uint64_t i = 0; rc > 0 && i < (cluster->options->stride > 1 ? cluster->options->stride : 1); i++)
        rc = ss_arrivals_read(cluster, err);
    cluster->next_time = rc > 0 ? engine_time(cluster) : SS_NEVER;
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

/* When the client sent what reaches the engine now. */
static ss_time
sent_time(const struct ss_cluster *cluster)
{
    return cluster->now - cluster->cell->overhead.arrival_ps;
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
    ss_time_split(sent_time(cluster), &request->seen.arrival_s, &request->seen.arrival_ps);
    set_deadline(request, arrival);
    request->seen.prompt_tokens = arrival->prompt_tokens;
    request->output_tokens = arrival->output_tokens;
    if (cluster->cell->prefix_caching &&
        ss_prefix_name(&request->extras->prefix, id, arrival, cluster->cell->block_size) != 0)
        return NULL;
    return request;
}

static int
route(struct ss_cluster *cluster, struct ss_request *request, uint32_t *replica, struct servsim_error *err)
{
    int rc = ss_router_route(&cluster->router, &request->seen, replica, err);
    if (rc != 0)
        return rc;
    if (request->extras != NULL)
        request->extras->routed = *replica;
    return cluster->faults != NULL ? ss_faults_reroute(cluster, request, replica, err) : 0;
}

/* The scheduler will have none of it. */
static void
turn_away(struct ss_cluster *cluster, struct ss_request *request)
{
    ss_cluster_record(cluster, request)->status = SS_STATUS_REJECTED;
    ss_arrivals_leave(cluster, request);
    ss_requests_give(&cluster->requests, request);
}

void
ss_arrivals_turn_away_late(struct ss_cluster *cluster, struct ss_request *request)
{
    if (ss_request_retries(request) > 0) { /* it was accepted once */
        ss_arrivals_leave(cluster, request);
        ss_faults_fail(cluster, request);
        return;
    }
    ss_cluster_integrate(cluster);
    cluster->waiting--;
    int64_t ran_ps = cluster->transfers != NULL ? ss_transfers_ran_ps(cluster, request) : 0;
    cluster->result->waiting_area -= ss_request_age_ps(request, cluster->now) - ran_ps;
    cluster->result->running_area -= ran_ps;
    turn_away(cluster, request);
}

static struct ss_replica *
choose_rank(const struct ss_cluster *cluster, uint32_t replica)
{
    struct ss_replica *ranks = &cluster->ranks[(size_t)replica * cluster->cell->dp];
    return cluster->doors != NULL ? &ranks[ss_door_choose(&cluster->doors[replica], ranks, cluster->now)] : ranks;
}

int
ss_arrivals_dispatch(struct ss_cluster *cluster, struct ss_request *request, struct servsim_error *err)
{
    struct ss_record *record = ss_cluster_record(cluster, request);
    if (cluster->faults != NULL && ss_faults_none_up(cluster)) {
        ss_faults_wait(cluster, request);
        return 0;
    }
    int rc = route(cluster, request, &record->replica, err);
    if (rc != 0)
        return rc;
    if (cluster->faults != NULL && ss_faults_strand(cluster, request, record->replica))
        return 0;
    return ss_replica_arrive(choose_rank(cluster, record->replica), request, err);
}

static int
deliver(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct ss_request *request = new_request(cluster, cluster->result->records.count - 1);
    if (request == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a request");
    int rc = cluster->predictor != NULL ? ss_predictor_arrive(cluster, request, err) : 0;
    if (rc == 0)
        rc = ss_arrivals_dispatch(cluster, request, err);
    if (rc < 0)
        return rc;
    if (rc > 0) {
        turn_away(cluster, request);
        return 0;
    }
    ss_cluster_integrate(cluster);
    cluster->waiting++;
    /* it has been on its way to the engine since it was sent */
    cluster->result->waiting_area += cluster->cell->overhead.arrival_ps;
    return 0;
}

int
ss_arrivals_take(struct ss_cluster *cluster, struct servsim_error *err)
{
    struct ss_result *result = cluster->result;
    struct ss_record *record = ss_records_add(&result->records);
    if (record == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the record of request %zu", result->records.count);
    result->events++;
    if (result->records.count == 1)
        result->first_arrival = sent_time(cluster);
    record->arrival = sent_time(cluster);
    record->prompt_tokens = cluster->next.prompt_tokens;
    record->replica = UINT32_MAX;
    if (ss_records_note_sender(&result->records, cluster->next.client, cluster->next.priority) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the sender of request %zu", result->records.count);
    if (cluster->next.client_name != NULL &&
        ss_names_note(&result->records.client_names, cluster->next.client, cluster->next.client_name) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the name of a client");
    ss_series_count(&result->series, SS_SERIES_ARRIVALS, cluster->now, 1);
    if (too_long(cluster, &cluster->next)) {
        record->status = SS_STATUS_REJECTED;
        return 0;
    }
    return deliver(cluster, err);
}
