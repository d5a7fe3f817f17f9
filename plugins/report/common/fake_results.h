/*
 * report/common/fake_results.h - for tests: a results folder such as the core writes, from made-up but consistent
 * numbers.
 *
 * A toy of a cluster serves Poisson arrivals: each replica is a queue with room for a batch. Every figure of a summary
 * is computed from the request rows that stand beside it, so that a test can do the same and compare.
 */
#ifndef REPORT_COMMON_FAKE_RESULTS_H
#define REPORT_COMMON_FAKE_RESULTS_H

#include <stddef.h>

struct fake_options {
    const char *name;
    const char *const *traffics; /* values of the axis "workload"; 1 and more; the axis exists with 2 and more */
    size_t traffic_count;
    const int *gpus; /* values of the axis "cluster"; the axis exists with 2 and more */
    size_t gpus_count;
    const char *const *schedulers; /* values of the axis "scheduler", as above; NULL: fcfs alone */
    size_t scheduler_count;
    const char *third_axis; /* what the axis "scheduler" is called, NULL: that */
    int replicated;         /* GPUs are replicas of one GPU; otherwise one tensor-parallel engine */
    int both;               /* both layouts as cells of the cluster axis */
    int requests;           /* per cell */
    double rate;            /* arrivals per second */
    int failed_cell;        /* number of the cell that failed, -1: none */
    int without_slo, without_requests;
    int same_replicates; /* nothing depends on the seed */
    int replicates;      /* of each configuration, 0 as 1; with 2 and more, cells are named GROUP.r1 and so on */
    double load;         /* as a multiple of the capacity, 0: not stated */
};

/* Fills `folder`, which must exist. Returns 0, or -1 with a line on stderr. */
int fake_results_write(const char *folder, const struct fake_options *options);

/* A folder below TMPDIR or /tmp for one test, and its removal with all that is in it. */
char *fake_folder_make(void);
void fake_folder_remove(char *folder);

/* The whole file as a string of the caller, NULL when it is not there. */
char *fake_file_read(const char *folder, const char *name);

/* Replaces a file by the given text. */
void fake_file_write(const char *folder, const char *name, const char *text);

#endif
