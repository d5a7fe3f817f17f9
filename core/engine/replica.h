/*
 * engine/replica.h - one engine: a scheduler, a batch, a KV cache, and the run under way.
 *
 * A replica alternates between composing a step (step.c, by its scheduler through the host's services) and running it
 * (run.c). A run is one step, or, where nothing but decodes is in it, as many steps as are certain to be the same.
 */
#ifndef SS_ENGINE_REPLICA_H
#define SS_ENGINE_REPLICA_H

#include "cost/cost.h"
#include "engine/batch.h"
#include "engine/kv.h"
#include "engine/line.h"
#include "engine/request.h"
#include "metrics/result.h"

struct ss_cluster;

/* What the scheduler has put into the step so far. */
struct ss_plan {
    struct ss_request **chunks; /* requests with prefill tokens in this step; `chunk` says how many */
    uint32_t chunk_count, chunk_capacity;
    uint32_t decode;        /* the batch decodes in this step */
    uint64_t decode_blocks; /* taken from the KV cache for it already */
    uint32_t budget;        /* tokens left */
    uint32_t changed;       /* something was admitted or preempted: the next step may look different */
    uint32_t preempted;
    ss_time now;
};

/* The step or steps under way. */
struct ss_run {
    ss_time start;
    struct ss_step_price price;
    uint64_t steps; /* shrinks when an arrival cuts it */
    uint32_t tokens, sampled_rows;
    int64_t swap_ps; /* of the price, in its only step: copies that it waited for */
};

struct ss_replica {
    uint32_t index;
    uint32_t heap_position; /* in the cluster's heap of runs, or SS_HEAP_ABSENT when idle */
    uint32_t due;           /* wants to plan at this instant */
    struct ss_cluster *cluster;
    struct servsim_host host;
    struct ss_instance scheduler;
    const struct servsim_scheduler_ops *ops;
    struct servsim_step step;
    struct ss_plan plan;
    struct ss_run run;
    /* running requests, in order of admission */
    struct ss_request *first, *last;
    uint32_t running, waiting;
    uint32_t held; /* of those running: done, but kept */
    uint64_t admissions;
    struct ss_request *parked;      /* paused or swapped ones */
    uint64_t swap_blocks;           /* to be copied, in or out, before the next step */
    struct ss_request **prefilling; /* running ones that do not decode yet, in order of admission */
    uint32_t prefilling_count, prefilling_capacity;
    struct ss_batch batch;
    struct ss_kv kv;
    uint64_t prefill_tokens_left;
    struct ss_replica_result result;
};

int ss_replica_init(struct ss_replica *replica, struct ss_cluster *cluster, uint32_t index, struct servsim_error *err);
void ss_replica_free(struct ss_replica *replica);

/* A request is handed to the scheduler at the cluster's now. 1: rejected by the scheduler, 0, or -errno. */
int ss_replica_arrive(struct ss_replica *replica, struct ss_request *request, struct servsim_error *err);

/* Asks the scheduler and starts the run. The replica stays idle when the scheduler leaves the step empty. */
int ss_replica_plan(struct ss_replica *replica, struct servsim_error *err);

/* The run is over (at its end, or cut to `steps` that have ended): tokens count, requests finish. */
int ss_replica_end_run(struct ss_replica *replica, uint64_t steps, struct servsim_error *err);

/* Where all that run are done and held, they finish: 1, otherwise 0. */
int ss_replica_end_batch(struct ss_replica *replica);

/* Steps of the run that have ended at `now` or before; 0 when idle. */
uint64_t ss_replica_steps_ended(const struct ss_replica *replica, ss_time now);

void ss_replica_state(const struct ss_replica *replica, ss_time now, struct servsim_replica_state *out);

/* ---- step.c ---- */

extern const struct servsim_step_ops ss_step_services;

void ss_plan_reset(struct ss_replica *replica, ss_time now);
void ss_running_remove(struct ss_replica *replica, struct ss_request *request);
void ss_prefilling_remove(struct ss_replica *replica, struct ss_request *request);
void ss_chunks_remove(struct ss_plan *plan, const struct ss_request *request);
/* Becomes the last in running order; its state is set by what follows. */
void ss_enter_running(struct ss_replica *replica, struct ss_request *request);
int ss_start_prefill(struct ss_replica *replica, struct ss_request *request, uint32_t tokens); /* 0 or -ENOMEM */
void ss_give_decodes(struct ss_replica *replica); /* budget and blocks suffice: the caller has looked */

/* ---- preempt.c ---- */

int32_t ss_step_preempt(void *ctx, struct servsim_request *seen, uint32_t how);
/* admit() of a request that is paused or swapped. */
int32_t ss_resume(struct ss_replica *replica, struct ss_request *request, uint32_t cap);

#endif
