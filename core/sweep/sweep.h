/*
 * sweep/sweep.h - running the cells of an experiment in worker processes, and writing what they leave.
 *
 * A worker owns one cell: it simulates it, writes its folder under a temporary name and renames it, so that a folder
 * under cells/ is whole. A crash, an abort or an endless loop inside a plugin costs its cell alone.
 */
#ifndef SS_SWEEP_H
#define SS_SWEEP_H

#include <signal.h>

#include "experiment/experiment.h"

#define SS_CELL_PENDING 0u
#define SS_CELL_RUNNING 1u
#define SS_CELL_DONE 2u
#define SS_CELL_FAILED 3u
#define SS_CELL_LEFT_OUT 4u /* by --cell, or for another part, and there are no results of it */

struct ss_outcome {
    uint32_t state; /* SS_CELL_* */
    uint32_t kept;  /* done before, and not run again */
    uint32_t other; /* left out, and there are results of it, with other settings or inputs */
    char reason[1024];
};

/* How many of them have results. */
size_t ss_outcomes_done(const struct ss_outcome *outcomes, size_t count);

/* A share of the cells: several processes, on several machines, may run one experiment into one folder. */
struct ss_part {
    uint32_t index, count; /* from 0; a count of 0 or 1 is all of them */
};

/* Whose share is a cell? Neighbours go to different parts, and so do those that stand below each other in a matrix of
   as many columns as there are parts. */
static inline int
ss_part_has(const struct ss_part *part, size_t cell)
{
    return part->count < 2 || (cell + cell / part->count) % part->count == part->index;
}

struct ss_sweep_options {
    struct ss_part part;
    uint32_t jobs; /* worker processes at a time; 0: one per processor */
    int stepwise, verify;
    int quiet;
    int resume;              /* keep cells whose inputs have not changed since they were run */
    const char *const *only; /* patterns (fnmatch) of the cells to run; the others are kept if current */
    size_t only_count;       /* 0: all of them */
    const volatile sig_atomic_t *interrupted; /* non-zero once the user wants to stop */
    /* called when a cell starts, when it ends, and when it is kept; may be NULL */
    void (*progress)(void *ctx, const struct ss_experiment *experiment, const struct ss_outcome *outcomes, size_t cell);
    void *ctx;
};

#define SS_SWEEP_DONE 0
#define SS_SWEEP_SOME_FAILED 1
#define SS_SWEEP_BAD_INPUT 2   /* err says what; finished cells are kept */
#define SS_SWEEP_INTERRUPTED 3 /* finished cells are kept */

/*
 * Checks what can be checked (memory, plugins, output folder), runs all cells, writes the manifest experiment.json, and
 * makes the reports. `outcomes` is an array of experiment->cell_count, zeroed. Returns SS_SWEEP_*; err is set for
 * BAD_INPUT, and for SOME_FAILED when a report failed. Of a part, the manifest and the reports are made by whoever
 * finds the results of all the others: the last one to end.
 */
int ss_sweep(struct ss_experiment *experiment, const struct ss_sweep_options *options, const struct ss_lookup *lookup,
             struct ss_outcome *outcomes, struct servsim_error *err);

/* Makes the named reports from the folder's experiment.json alone. `json` runs first, named or not. */
int ss_sweep_reports(const struct ss_use *reports, size_t count, const struct ss_lookup *lookup, const char *output_dir,
                     struct servsim_error *err);

/* ---- cell.c: one cell, in this process ---- */

/* Paths of the files of a cell; see servsim.yaml(5). All but summary and run may be NULL: not written. */
struct ss_cell_files {
    const char *requests, *summary, *run, *series, *itl, *timeline, *failures;
    const char *llmservingsim; /* the finished requests with the columns of LLMServingSim */
};

#define SS_TIMELINE_LIMIT 200000 /* runs of a cell that timeline.csv keeps */

struct ss_cell_mode {
    int stepwise, verify;
    const volatile sig_atomic_t *interrupted; /* NULL: never; non-zero ends the simulation with -EINTR */
    int quiet;                                /* plugins' notes are left out, their warnings are not */
    uint64_t inputs_hash;                     /* noted in run.json for --resume; 0: not known */
};

/* Simulates and writes each file whole or not at all. */
int ss_run_cell(const struct ss_cell *cell, const struct ss_cell_mode *mode, const struct ss_cell_files *files,
                struct servsim_error *err);

/* ---- manifest.c ---- */

int ss_manifest_write(const struct ss_experiment *experiment, const struct ss_outcome *outcomes, const char *path,
                      struct servsim_error *err);

#endif
