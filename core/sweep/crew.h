/*
 * sweep/crew.h - the cells of a sweep and the processes at work on them.
 */
#ifndef SS_SWEEP_CREW_H
#define SS_SWEEP_CREW_H

#include "sweep/sweep.h"
#include "sweep/traffic.h"
#include "sweep/worker.h"

struct ss_crew {
    struct ss_experiment *experiment;
    const struct ss_sweep_options *options;
    struct ss_outcome *outcomes;
    uint64_t *hashes;   /* of each cell's inputs */
    uint32_t *readings; /* of each cell's traffic, to come */
    struct ss_shared_traffic traffic;
    struct ss_worker *workers;
    uint32_t jobs;                 /* workers */
    size_t next;                   /* cell */
    struct ss_last_word bad_input; /* what a worker said that no other cell would survive; its code is 0 until then */
};

/* 0 or -ENOMEM; to be freed either way. */
int ss_crew_make(struct ss_crew *crew);
void ss_crew_free(struct ss_crew *crew);

/* Passes on what has become of a cell. */
void ss_crew_tell(const struct ss_crew *crew, size_t cell);

/* Is a cell of this part, and among those asked for? Is it still to be run? */
int ss_crew_selects(const struct ss_crew *crew, size_t index);
int ss_crew_wants(const struct ss_crew *crew, size_t index);

/* The user wants to stop, or the input is at fault. */
int ss_crew_should_stop(const struct ss_crew *crew);

/* Runs every cell that is wanted. 0, or -errno where no worker can be started; what becomes of cells is their
 * outcome's. */
int ss_crew_run(struct ss_crew *crew, struct servsim_error *err);

#endif
