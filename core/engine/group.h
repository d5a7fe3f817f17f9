/*
 * engine/group.h - ranks that step together, and the runs under way.
 *
 * A group composes a step (step.c, by the schedulers of its ranks through the host's services) and runs it (run.c). A
 * run is one step, or, where nothing but decodes is in it, as many steps as are certain to be the same.
 *
 * Pipeline stages let as many runs be under way as there are stages, as in vLLM V1: whenever a run ends, and whenever
 * somebody arrives at an idle group, runs are composed until that many are under way or the schedulers leave a step
 * empty. An arrival while runs are under way waits for the end of the oldest, for which the engine waits. Runs go
 * through the stages in order; a stage begins with a run when it has done the one before, and when the stage before it
 * has done this one.
 */
#ifndef SS_ENGINE_GROUP_H
#define SS_ENGINE_GROUP_H

#include "cost/cost.h"
#include "engine/heap.h"
#include "engine/line.h"

struct ss_cluster;
struct ss_replica;

/* The step or steps under way. With several stages, a run of several steps is the only one. */
struct ss_run {
    ss_time start;            /* when it was composed */
    struct servsim_line line; /* of its steps, from the start: with all waits for stages */
    uint64_t steps;           /* shrinks when an arrival cuts it */
    ss_time end;              /* of all of them; known once it is the oldest */
    int64_t swap_ps;          /* of the price, in its only step: copies that it waited for */
    uint32_t slot;            /* which of the group's runs, and which lane of a rank */
    /* of several stages, or ranks: */
    struct servsim_line *work; /* [stages] what each takes for it; the first the copies, too */
    ss_time *begins;           /* [stages] of several: when each begins with the first step */
};

/* How many ranks and stages a group has, handed on by value: most are one rank in one stage, and what these do all the
   time is compiled apart for them, without loops. */
struct ss_form {
    uint32_t ranks, stages;
};

/* Compiled into each of the two, whatever the compiler thinks of it. */
#define SS_INLINED static inline __attribute__((always_inline))

static inline int
ss_form_is_one(struct ss_form form)
{
    return form.ranks == 1 && form.stages == 1;
}

struct ss_group {
    uint32_t index;
    uint32_t heap_position; /* in the cluster's heap of runs, or SS_HEAP_ABSENT when idle */
    uint32_t due;           /* wants to plan at this instant */
    uint32_t between;       /* a run has ended at this instant, and the next is not composed yet */
    uint32_t awake;         /* 0: had nothing to do before the step being composed */
    uint32_t down;          /* its replica has failed, and is not back */
    uint64_t steps;         /* ended so far, those of the run under way aside */
    struct ss_cluster *cluster;
    struct ss_replica *ranks; /* the cluster's */
    uint32_t rank_count;
    uint32_t stages;            /* of the pipeline: so many runs at most are under way */
    int is_one;                 /* of the form; looked up it is 11 instructions less for each event */
    struct ss_run *runs;        /* [stages] a ring */
    uint32_t oldest, in_flight; /* in it */
    ss_time *stage_free;        /* [stages] when each has done all that it was given; of several stages only */
};

/* 0 or -ENOMEM. */
int ss_group_init(struct ss_group *group, struct ss_cluster *cluster, uint32_t index, struct ss_replica *ranks,
                  uint32_t rank_count);
void ss_group_free(struct ss_group *group);

/* Asks the schedulers and starts runs, until there is one for each stage or they leave a step empty. */
int ss_group_plan(struct ss_group *group, struct servsim_error *err);

/* The oldest run is over (at its end, or cut to `steps` that have ended): tokens count, requests finish. */
int ss_group_end_run(struct ss_group *group, uint64_t steps, struct servsim_error *err);

static inline int
ss_group_runs(const struct ss_group *group)
{
    return group->heap_position != SS_HEAP_ABSENT;
}

/* Steps of the oldest run that have ended at `now` or before; 0 when idle. */
uint64_t ss_group_steps_ended(const struct ss_group *group, ss_time now);

static inline uint64_t
ss_run_steps_ended(const struct ss_run *run, ss_time now)
{
    return ss_line_steps_ended(&run->line, run->steps, now - run->start);
}

/* Its replica fails now: steps that have ended count, all that is under way is lost, and nothing is planned until
   `down` is taken back. */
int ss_group_halt(struct ss_group *group, struct servsim_error *err);

/* Somebody arrived who may matter: plans at once, or at the first step end that is not before now. 0 or -ENOMEM. */
int ss_group_ask_again(struct ss_group *group);

/* The step count at the first step end that is not before now: at an end that is just now, that one. */
uint64_t ss_group_next_end(const struct ss_group *group);

/* The run under way ends at this step count at the latest, which is not before the next step end. 0 or -ENOMEM. */
int ss_group_end_by(struct ss_group *group, uint64_t steps);

static inline uint64_t
ss_group_steps(const struct ss_group *group) /* of the oldest run */
{
    return group->runs[group->oldest].steps;
}

#endif
