/*
 * sweep/worker.h - one cell in a process of its own, so that what a plugin does there costs that cell alone.
 */
#ifndef SS_SWEEP_WORKER_H
#define SS_SWEEP_WORKER_H

#include "base/child.h"
#include "sweep/sweep.h"

struct ss_worker {
    struct ss_child child; /* child.pipe is -1 when the slot is free */
    int words;             /* what it prints to standard error */
    size_t cell;
    int timed_out;
    size_t said_length;
    char said[512]; /* the end of what it has printed */
};

/* Forks a worker for a cell. 0 or -errno. */
int ss_worker_start(struct ss_worker *worker, const struct ss_experiment *experiment, size_t cell,
                    const struct ss_sweep_options *options, uint64_t hash, struct servsim_error *err);

/* Passes on what it has printed, and remembers the end of it. */
void ss_worker_listen(struct ss_worker *worker);

/* It has ended, or was killed: frees its slot, removes its leftovers, sets the cell's outcome and, where it left one,
   its last word. */
void ss_worker_reap(struct ss_worker *worker, const struct ss_experiment *experiment, struct ss_outcome *outcome,
                    struct ss_last_word *word);

#endif
