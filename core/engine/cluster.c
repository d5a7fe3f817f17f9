/*
 * engine/cluster.c - the event loop: the next run that ends or the next arrival, whichever is first.
 */
#include "engine/cluster.h"

#include <errno.h>
#include <stdlib.h>

/* ---- services for replicas ---- */

void
ss_cluster_integrate_span(struct ss_cluster *cluster)
{
    ss_time from = cluster->level_time, to = cluster->now;
    cluster->level_time = to;
    if (cluster->running > 0)
        ss_series_level(&cluster->result->series, SS_SERIES_RUNNING, from, to, cluster->running);
    if (cluster->waiting > 0)
        ss_series_level(&cluster->result->series, SS_SERIES_WAITING, from, to, cluster->waiting);
}

void
ss_cluster_finish(struct ss_cluster *cluster, struct ss_request *request)
{
    struct ss_record *record = ss_cluster_record(cluster, request);
    ss_cluster_integrate(cluster);
    cluster->running--;
    record->status = SS_STATUS_FINISHED;
    record->output_tokens = request->output_tokens;
    record->preemptions = request->seen.preemptions;
    record->latency_ps = ss_request_age_ps(request, cluster->now);
    cluster->result->end = cluster->now;
    ss_series_count(&cluster->result->series, SS_SERIES_FINISHED, cluster->now, 1);
    if (cluster->predictor != NULL)
        ss_predictor_finish(cluster, request);
    ss_arrivals_leave(cluster, request);
    ss_requests_give(&cluster->requests, request);
}

void
ss_cluster_fail(struct ss_cluster *cluster, const struct servsim_plugin *plugin, const char *text)
{
    if (cluster->failure.text[0] == '\0')
        (void)servsim_fail(&cluster->failure, EPROTO, "%s plugin '%s': %.900s", ss_kind_name(plugin->kind),
                           plugin->name, text != NULL && text[0] != '\0' ? text : "it failed, and does not say why");
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
    do {
        struct ss_group *group = ss_heap_pop(&cluster->runs);
        cluster->result->events++;
        rc = ss_group_end_run(group, ss_group_steps(group), err);
        if (rc == 0 && cluster->options->verify)
            rc = ss_verify_group(group, err);
    } while (rc == 0 && next_run_end(cluster) == cluster->now);
    return rc;
}

static int
take_arrivals(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc;
    do {
        rc = ss_arrivals_take(cluster, err);
        if (rc == 0)
            rc = ss_arrivals_next(cluster, err);
    } while (rc == 0 && cluster->next_time == cluster->now);
    return rc;
}

static int
by_index(const void *a, const void *b)
{
    const struct ss_group *left = *(struct ss_group *const *)a, *right = *(struct ss_group *const *)b;
    return (left->index > right->index) - (left->index < right->index);
}

/* Most often there is one, or two. */
static void
sort_due(struct ss_cluster *cluster)
{
    struct ss_group **due = cluster->due;
    if (cluster->due_count > 2)
        qsort(due, cluster->due_count, sizeof *due, by_index);
    else if (cluster->due_count == 2 && due[0]->index > due[1]->index) {
        struct ss_group *first = due[1];
        due[1] = due[0];
        due[0] = first;
    }
}

static int
plan_due(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = 0, verify = cluster->options->verify;
    sort_due(cluster);
    for (uint32_t i = 0; i < cluster->due_count && rc == 0; i++) {
        cluster->due[i]->due = 0;
        rc = ss_group_plan(cluster->due[i], err);
        if (rc == 0 && verify)
            rc = ss_verify_group(cluster->due[i], err);
    }
    cluster->due_count = 0;
    return rc;
}

/* Beside runs that end and arrivals, what is next. */
static ss_time
others_before(const struct ss_cluster *cluster, ss_time time)
{
    if (cluster->transfers != NULL)
        time = ss_transfers_before(cluster->transfers, time);
    return cluster->faults != NULL ? ss_faults_before(cluster, time) : time;
}

static int
take_others(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = cluster->transfers != NULL ? ss_transfers_take(cluster, err) : 0;
    return rc == 0 && cluster->faults != NULL ? ss_faults_take(cluster, err) : rc;
}

/* What happens at one time; `runs_end`: the end of a run is part of it. */
static int
instant(struct ss_cluster *cluster, ss_time time, int runs_end, struct servsim_error *err)
{
    if (time < cluster->now)
        return servsim_fail(err, EPROTO, "time would run backward at %.9f s", ss_time_seconds(cluster->now));
    cluster->now = time;
    int rc = runs_end ? end_runs(cluster, err) : 0;
    if (rc == 0 && cluster->others)
        rc = take_others(cluster, err);
    if (rc == 0 && cluster->next_time == time)
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
    for (uint32_t i = 0; i < cluster->group_count && rc == 0; i++) {
        struct ss_group *group = &cluster->groups[i];
        uint64_t ended = ss_group_steps_ended(group, cluster->now);
        if (ended == 0)
            continue;
        ss_heap_remove(&cluster->runs, group->heap_position);
        rc = ss_group_end_run(group, ended, err);
    }
    ss_cluster_integrate(cluster);
    return rc;
}

/* What is wrong at the end, although nothing has failed. */
static int
check_end(const struct ss_cluster *cluster, struct servsim_error *err)
{
    if (cluster->result->records.count == 0)
        return servsim_fail(err, EINVAL, "workload plugin '%s' delivered no request",
                            cluster->cell->workload.plugin->descriptor->name);
    if (ss_cluster_in_system(cluster) > 0)
        return servsim_fail(err, EPROTO, "scheduler plugin '%s' left %llu requests waiting for ever",
                            cluster->cell->scheduler.plugin->descriptor->name,
                            (unsigned long long)ss_cluster_in_system(cluster));
    return 0;
}

static int
loop(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = ss_arrivals_next(cluster, err);
    while (rc == 0 && cluster->failure.text[0] == '\0') {
        ss_time end = next_run_end(cluster), time = end < cluster->next_time ? end : cluster->next_time;
        if (cluster->others)
            time = others_before(cluster, time);
        if (time == SS_NEVER)
            return check_end(cluster, err);
        if (time > cluster->cell->stop_after)
            return stop(cluster, err);
        rc = instant(cluster, time, time == end, err);
        if (cluster->options->interrupted != NULL && *cluster->options->interrupted)
            return servsim_fail(err, EINTR, "interrupted");
    }
    return rc;
}

int
ss_cluster_loop(struct ss_cluster *cluster, struct servsim_error *err)
{
    int rc = loop(cluster, err);
    return cluster->failure.text[0] != '\0' ? servsim_fail(err, EPROTO, "%s", cluster->failure.text) : rc;
}
