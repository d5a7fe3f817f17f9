/*
 * sweep/plan.h - how much traffic does a cell serve within its SLO?
 */
#ifndef SS_SWEEP_PLAN_H
#define SS_SWEEP_PLAN_H

#include <signal.h>

#include "experiment/experiment.h"

#define SS_PLAN_FAILED 0u /* `reason` says why */
#define SS_PLAN_FOUND 1u
#define SS_PLAN_NEVER 2u  /* the SLO is missed even where requests come so far apart that they hardly meet */
#define SS_PLAN_ALWAYS 3u /* it is met even where all requests come at once */

/* The answer for one cell. Rates are of arrivals, over the whole traffic, history aside. */
struct ss_plan {
    uint32_t state; /* SS_PLAN_* */
    uint32_t runs;  /* simulations that it took */
    int meets_own;  /* the SLO is met by the traffic as it is */
    double own_per_s, highest_per_s;
    /* at the highest rate; where there is none, of the traffic at its slowest */
    double attainment, ttft_p99_ms, tpot_p99_ms, output_tokens_per_s;
    int short_of_data; /* at that rate all requests come within ten times the time that one takes: no queue can grow */
    double usd_per_hour; /* of all GPUs of the cell; 0: the device has no price */
    double begun_s;      /* of the simulation under way, by ss_clock_s(); 0: none is */
    double scale;        /* its rate over the traffic's own; 0: all requests at once */
    char reason[1024];
};

struct ss_plan_options {
    double attainment; /* share of the requests that must meet the SLO, above 0, at most 1 */
    double tolerance;  /* how far the rate may lie below one that fails, as a share of it */
    uint32_t jobs;     /* processes at a time; 0: one per processor */
    const volatile sig_atomic_t *interrupted;
    /* A cell has its answer; cell_count: no other has, and searches go on. May be NULL. */
    void (*progress)(void *ctx, const struct ss_plan *plans, size_t cell);
    void *ctx;
};

/*
 * Searches each cell of an experiment, whose traffic is made faster or slower as `load` does it, each in a process of
 * its own: `plans` is an array of cell_count. A cell whose plugin dies has failed, and no other has. 0; -EINTR when the
 * user wants to stop; another -errno when the input is at fault. No simulation of a search may take longer than the
 * experiment's timeout.
 *
 * Bisection: the rate found meets the SLO, and one that is higher by the tolerance does not. Where meeting it is not
 * monotone in the rate there may be others.
 */
int ss_plan_cells(struct ss_experiment *experiment, const struct ss_plan_options *options, struct ss_plan *plans,
                  struct servsim_error *err);

#endif
