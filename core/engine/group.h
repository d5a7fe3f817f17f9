/*
 * engine/group.h - ranks that step together, and the run under way.
 *
 * A group alternates between composing a step (step.c, by the schedulers of its ranks through the host's services) and
 * running it (run.c). A run is one step, or, where nothing but decodes is in it, as many steps as are certain to be the
 * same.
 */
#ifndef SS_ENGINE_GROUP_H
#define SS_ENGINE_GROUP_H

#include "cost/cost.h"
#include "engine/heap.h"
#include "engine/line.h"

struct ss_cluster;
struct ss_replica;

/* The step or steps under way. */
struct ss_run {
    ss_time start;
    struct ss_step_price price;
    uint64_t steps;  /* shrinks when an arrival cuts it */
    int64_t swap_ps; /* of the price, in its only step: copies that it waited for */
};

struct ss_group {
    uint32_t index;
    uint32_t heap_position; /* in the cluster's heap of runs, or SS_HEAP_ABSENT when idle */
    uint32_t due;           /* wants to plan at this instant */
    uint32_t between;       /* a run has ended at this instant, and the next is not composed yet */
    uint32_t awake;         /* 0: had nothing to do before the step being composed */
    uint64_t steps;         /* ended so far, those of the run under way aside */
    struct ss_cluster *cluster;
    struct ss_replica *ranks; /* the cluster's */
    struct ss_run run;
};

void ss_group_init(struct ss_group *group, struct ss_cluster *cluster, uint32_t index, struct ss_replica *ranks);

/* Asks the schedulers and starts the run. The group stays idle when they leave the step empty. */
int ss_group_plan(struct ss_group *group, struct servsim_error *err);

/* The run is over (at its end, or cut to `steps` that have ended): tokens count, requests finish. */
int ss_group_end_run(struct ss_group *group, uint64_t steps, struct servsim_error *err);

static inline int
ss_group_runs(const struct ss_group *group)
{
    return group->heap_position != SS_HEAP_ABSENT;
}

/* Steps of the run that have ended at `now` or before; 0 when idle. */
uint64_t ss_group_steps_ended(const struct ss_group *group, ss_time now);

/* Somebody arrived who may matter: plans at once, or at the first step end that is not before now. 0 or -ENOMEM. */
int ss_group_ask_again(struct ss_group *group);

/* The step count at the first step end that is not before now: at an end that is just now, that one. */
uint64_t ss_group_next_end(const struct ss_group *group);

/* The run under way ends at this step count at the latest, which is not before the next step end. 0 or -ENOMEM. */
int ss_group_end_by(struct ss_group *group, uint64_t steps);

ss_time ss_group_run_end(const struct ss_group *group);

#endif
