/*
 * engine/replica.h - one engine: a scheduler, its requests, its batches, a KV cache. When it steps is its group's
 * business.
 *
 * A replica of the experiment is one of these, or, with data parallel, one for each rank.
 */
#ifndef SS_ENGINE_REPLICA_H
#define SS_ENGINE_REPLICA_H

#include "engine/batch.h"
#include "engine/group.h"
#include "engine/inbox.h"
#include "engine/kv.h"
#include "engine/request.h"
#include "metrics/result.h"

struct ss_cluster;

struct ss_chunk {
    struct ss_request *request;
    uint32_t tokens;
};

/* What the scheduler has put into the step so far. */
struct ss_plan {
    struct ss_chunk *chunks; /* prefill tokens in this step, in the order in which they were given */
    uint32_t chunk_count, chunk_capacity;
    uint32_t decode;        /* the batch decodes in this step */
    uint64_t decode_blocks; /* taken from the KV cache for it already */
    uint32_t budget;        /* tokens left */
    uint32_t changed;       /* something was admitted or preempted: the next step may look different */
    uint32_t preempted;
    uint32_t freed; /* seats or blocks that it was not given: the next one may be */
    ss_time now;
    uint32_t asked;             /* the scheduler was: a rank with nothing to do is not */
    struct ss_step_shape shape; /* once it is composed */
};

/* A rank's part in a run: what it is made of, and the requests that decode in it. */
struct ss_lane {
    struct ss_plan plan;
    struct ss_batch *batch; /* empty, or with several stages those under way; with one stage the replica's */
    struct ss_step_price price;
};

struct ss_replica {
    uint32_t index; /* among all ranks of all replicas */
    uint32_t owner; /* the replica that it is a rank of */
    struct ss_cluster *cluster;
    struct ss_group *group;
    struct ss_lane *lanes; /* [stages] beside the group's runs */
    struct servsim_host host;
    struct ss_instance scheduler;
    const struct servsim_scheduler_ops *ops;
    struct servsim_step step;
    char broken_rule[120]; /* by which service of the step, and how; "" */
    struct ss_plan *plan;  /* being composed, or composed last: of one of the lanes */
    /* running requests, in order of admission */
    struct ss_request *first, *last;
    uint32_t running, waiting; /* waiting: those in the inbox, too */
    uint32_t came;             /* behind a door: so many came during the step that ends as the group's `came_by`th */
    uint64_t came_by;
    struct ss_inbox inbox;
    uint32_t held; /* of those running: done, but kept */
    /* done at the end of the step before: nobody is given their seats and blocks yet (ss_replica_compose()) */
    uint32_t leaving_seats;
    uint64_t leaving_blocks;
    uint64_t admissions;
    struct ss_request *parked;      /* paused or swapped ones */
    uint64_t swap_blocks;           /* to be copied, in or out, before the next step */
    struct ss_request **prefilling; /* running ones that do not decode yet, in order of admission */
    uint32_t prefilling_count, prefilling_capacity;
    struct ss_batch *batch; /* decoding requests that can be given a token: with several stages, none under way */
    struct ss_kv kv;
    ss_time kv_since; /* since when it is as full as it is; kept with several stages only */
    uint64_t prefill_tokens_left;
    int hands_over;               /* it computes prompts, and others decode */
    uint64_t slowdown_millionths; /* of its kernels, where it is a straggler; 0: it is none */
    struct ss_replica_result result;
};

int ss_replica_init(struct ss_replica *replica, struct ss_cluster *cluster, uint32_t index, struct servsim_error *err);
void ss_replica_free(struct ss_replica *replica);

/* The engine is gone, with all that was in it, and another one takes its place. Its group has halted, and none of its
   requests is in a batch any more. 0 or -errno. */
int ss_replica_restart(struct ss_replica *replica, struct servsim_error *err);

/* A request comes at the cluster's now. 1: rejected by the scheduler, 0, or -errno. */
int ss_replica_arrive(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err);

/* The scheduler hears of a request that has lain in the inbox. 0 or -errno. */
int ss_replica_introduce(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err);

/* Asks the scheduler for a step; what it is made of stands in the lane's plan, also the replica's from now on. */
int ss_replica_compose(struct ss_replica *replica, struct ss_lane *lane, struct servsim_error *err);

/* A service of the step was asked for what no engine does: notes which, and of which request. -EINVAL. */
int32_t ss_replica_breaks_rule(struct ss_replica *replica, const char *service, const struct servsim_request *seen,
                               uint32_t cap);

/* All prompts that run are computed, or will be by what is under way. */
int ss_replica_prefills_nothing(const struct ss_replica *replica);

/* Nothing waits, and everything that runs is under way: its scheduler need not be asked. */
static inline int
ss_replica_has_nothing(const struct ss_replica *replica)
{
    return replica->waiting == replica->inbox.count && replica->batch->count == 0 && replica->held == 0 &&
           (replica->prefilling_count == 0 || ss_replica_prefills_nothing(replica));
}

/* The request runs here no more: it is done, or goes to another replica. */
static inline void
ss_replica_tell_finish(struct ss_replica *replica, struct ss_request *request)
{
    if (SERVSIM_COVERS(replica->ops, struct servsim_scheduler_ops, finish) && replica->ops->finish != NULL)
        replica->ops->finish(replica->scheduler.self, &request->seen);
}

/* All that run are done and held: they finish. */
void ss_replica_let_go(struct ss_replica *replica);

/* They do, where that is so: 1, otherwise 0. */
static inline int
ss_replica_end_batch(struct ss_replica *replica)
{
    if (replica->held == 0 || replica->held < replica->running)
        return 0;
    ss_replica_let_go(replica);
    return 1;
}

/* For how many of at most `steps` steps along the line, from now, the step stays as it is, arrivals aside; at least 1.
 */
uint64_t ss_replica_certain_steps(const struct ss_replica *replica, const struct ss_lane *lane,
                                  const struct servsim_line *line, uint64_t steps);

static inline struct ss_lane *
ss_lane_of(const struct ss_replica *replica, const struct ss_run *run)
{
    return &replica->lanes[run->slot];
}

/* Adds its state to what is there. */
void ss_replica_state(const struct ss_replica *replica, ss_time now, struct servsim_replica_state *out);

/* ---- run.c ---- */

/* `steps` steps of the run have ended: the lane's part in them is counted. 0 or -ENOMEM. */
int ss_replica_end_run(struct ss_replica *replica, struct ss_form form, struct ss_lane *lane, const struct ss_run *run,
                       uint64_t steps);

/* ---- step.c ---- */

extern const struct servsim_step_ops ss_step_services;

void ss_running_remove(struct ss_replica *replica, struct ss_request *request);
void ss_prefilling_remove(struct ss_replica *replica, struct ss_request *request);
void ss_chunks_remove(struct ss_plan *plan, const struct ss_request *request); /* all that it has in it */
/* Becomes the last in running order; its state is set by what follows. */
void ss_enter_running(struct ss_replica *replica, struct ss_request *request);
int ss_start_prefill(struct ss_replica *replica, struct ss_request *request, uint32_t tokens); /* 0 or -ENOMEM */
void ss_give_decodes(struct ss_replica *replica); /* budget and blocks suffice: the caller has looked */

/* ---- preempt.c ---- */

int32_t ss_step_preempt(void *ctx, struct servsim_request *seen, uint32_t how);
/* admit() of a request that is paused or swapped. */
int32_t ss_resume(struct ss_replica *replica, struct ss_request *request, uint32_t cap);
/* One that has come to run decodes again: in this step, too, where the others do, or where the batch `starts` with it.
   0 or -ENOMEM. */
int ss_resume_decoding(struct ss_replica *replica, struct ss_request *request, int starts);

#endif
