/*
 * engine/cluster.h - replicas behind a router, the traffic, and the clock.
 *
 * The order at one instant: step ends (by replica), then transfers between replicas (transfers.h), then failures
 * (replicas that are back, that die, whose death is noticed; each by replica) with the routing of requests that lost
 * their replica, then arrivals up to now with their routing, then scheduling (by replica). Groups stand in the order of
 * their replicas.
 */
#ifndef SS_ENGINE_CLUSTER_H
#define SS_ENGINE_CLUSTER_H

#include "engine/door.h"
#include "engine/failures.h"
#include "engine/predict.h"
#include "engine/replica.h"
#include "engine/requests.h"
#include "engine/router.h"
#include "engine/simulation.h"
#include "engine/traffic.h"
#include "engine/transfers.h"

struct ss_cluster {
    const struct ss_cell *cell;
    const struct ss_sim_options *options;
    struct ss_result *result;
    struct ss_cost *cost;
    struct servsim_host host; /* for hardware, workload and predictor */
    struct ss_router router;  /* of arrivals: to all replicas, or to those that compute prompts */
    struct ss_traffic traffic;
    struct ss_predictor *predictor; /* NULL: none is named */
    struct ss_faults *faults;       /* NULL: no replica ever fails */
    struct ss_transfers *transfers; /* NULL: each replica computes prompts and decodes */
    int others;                     /* there are faults or transfers: more happens than runs that end and arrivals */
    struct ss_replica *ranks;       /* the ranks of all replicas, replica by replica */
    uint32_t rank_count;
    struct ss_group *groups;
    uint32_t group_count;
    struct ss_door *doors; /* [replicas] NULL: each has one rank */
    struct ss_group **due; /* groups that plan at this instant */
    uint32_t due_count;
    uint64_t kv_blocks; /* of each rank */
    ss_time now;
    struct ss_heap runs; /* by (end of run, group) */
    /* the arrival that comes next, read ahead */
    struct servsim_arrival next;
    ss_time next_time;   /* SS_NEVER at the end of the traffic */
    ss_time history_end; /* what lies before it is not simulated; time counts from here */
    int read_ahead;      /* the first request of the run was read to find the end of the history */
    /* requests in flight */
    struct ss_requests requests;
    uint64_t waiting, running;
    ss_time level_time;           /* up to where the two are integrated, in the series */
    struct servsim_error failure; /* of an entry that answers nothing; the text is empty until then */
};

/* ---- for replicas ---- */

static inline uint64_t
ss_cluster_in_system(const struct ss_cluster *cluster)
{
    return cluster->waiting + cluster->running;
}

/* Brings the integrals of waiting and running up to now. Call before changing any of the two. */
void ss_cluster_integrate_span(struct ss_cluster *cluster);

static inline void
ss_cluster_integrate(struct ss_cluster *cluster)
{
    if (cluster->level_time != cluster->now)
        ss_cluster_integrate_span(cluster);
}

static inline struct ss_record *
ss_cluster_record(struct ss_cluster *cluster, const struct ss_request *request)
{
    return &cluster->result->records.items[request->seen.id];
}

/* The request is served: writes its record, tells the router, and takes the request back. */
void ss_cluster_finish(struct ss_cluster *cluster, struct ss_request *request);

/* The engine composes its next step while one is under way: not with several stages, where those have their own. */
static inline int
ss_replica_composes_ahead(const struct ss_replica *replica)
{
    const struct ss_cell *cell = replica->cluster->cell;
    return cell->overhead.asynchronous != 0 && cell->pp == 1;
}

/* The end of a group's oldest run has become known or has moved. 0 or -ENOMEM. */
static inline int
ss_cluster_schedule(struct ss_cluster *cluster, struct ss_group *group)
{
    struct ss_run *run = &group->runs[group->oldest];
    run->end = run->start + ss_line_elapsed(&run->line, run->steps);
    ss_wide key = run->end * ((ss_wide)1 << 32) + group->index;
    if (group->heap_position == SS_HEAP_ABSENT)
        return ss_heap_push(&cluster->runs, key, group, &group->heap_position);
    ss_heap_rekey(&cluster->runs, group->heap_position, key);
    return 0;
}

/* The group plans before this instant is over. */
static inline void
ss_cluster_due(struct ss_cluster *cluster, struct ss_group *group)
{
    if (group->due)
        return;
    group->due = 1;
    cluster->due[cluster->due_count++] = group;
}

/* An entry of the plugin that answers nothing has failed: the cell ends with the first such text. */
void ss_cluster_fail(struct ss_cluster *cluster, const struct servsim_plugin *plugin, const char *text);

/* Runs until the traffic is served, or to the stop. */
int ss_cluster_loop(struct ss_cluster *cluster, struct servsim_error *err);

/* ---- arrivals.c ---- */

/* Reads one request of the traffic into cluster->next: 1, 0 at the end, or -errno. */
int ss_arrivals_read(struct ss_cluster *cluster, struct servsim_error *err);

/* A time from the beginning of the run, scaled as the cell scales its traffic. */
ss_time ss_arrivals_scaled(const struct ss_cluster *cluster, ss_time time);

/* Reads ahead and sets next_time. 0 or -errno. */
int ss_arrivals_next(struct ss_cluster *cluster, struct servsim_error *err);

/* A request that has waited is rejected by its scheduler after all: as if it never had been there. */
void ss_arrivals_turn_away_late(struct ss_cluster *cluster, struct ss_request *request);

/* A request that is in the system goes to a replica; where none is known to be up it waits at the router. 1: the
   scheduler there will have none of it, 0, or -errno. */
int ss_arrivals_dispatch(struct ss_cluster *cluster, struct ss_request *request, struct servsim_error *err);

/* Tells the router that the request is not any more where it was routed to: on its replica, or where extras say. */
static inline void
ss_arrivals_leave(struct ss_cluster *cluster, const struct ss_request *request)
{
    uint32_t routed = request->extras != NULL ? request->extras->routed : ss_cluster_record(cluster, request)->replica;
    int handed_over = request->extras != NULL && cluster->transfers != NULL && ss_transfers_leave(cluster, request);
    if (!handed_over)
        ss_router_leave(&cluster->router, &request->seen, routed);
}

/* The request read ahead arrives now. */
int ss_arrivals_take(struct ss_cluster *cluster, struct servsim_error *err);

/* ---- history.c ---- */

/* Reads what comes before the run, where the cell has a history, and tells it to the predictor. 0 or -errno. */
int ss_history_read(struct ss_cluster *cluster, struct servsim_error *err);

/* ---- verify.c ---- */

int ss_verify_group(const struct ss_group *group, struct servsim_error *err);
int ss_verify_end(const struct ss_cluster *cluster, struct servsim_error *err);

#endif
