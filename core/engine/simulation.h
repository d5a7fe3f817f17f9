/*
 * engine/simulation.h - running one cell: from a checked cell to its result. The only door into the engine.
 */
#ifndef SS_ENGINE_SIMULATION_H
#define SS_ENGINE_SIMULATION_H

#include <signal.h>

#include "cost/cost.h"
#include "experiment/experiment.h"
#include "metrics/result.h"

struct ss_sim_options {
    int stepwise;          /* simulate each step, instead of whole runs of identical ones */
    int at_once;           /* every request arrives at time 0: what can the cell do at most? */
    uint64_t stride;       /* take every stride-th request of the traffic; 0 and 1: all of them */
    int verify;            /* check every law at every event; slow */
    size_t timeline_limit; /* runs to keep for a timeline; 0: none */
    /* where plugins' log lines go; NULL: nowhere */
    void (*log)(void *ctx, uint32_t level, const char *text);
    void *log_ctx;
    const volatile sig_atomic_t *interrupted; /* NULL: never; non-zero ends the simulation with -EINTR */
};

/*
 * Simulates a cell. The result is the caller's (ss_result_free), filled only on 0. -EINVAL with the workload's text
 * when the traffic is bad input; -EPROTO when a plugin breaks a rule; -EIO ... when `verify` finds a law broken.
 */
int ss_simulate(const struct ss_cell *cell, const struct ss_sim_options *options, struct ss_result *out,
                struct servsim_error *err);

/* The traffic alone, as the workload plugin streams it, less its history. */
struct ss_traffic_extent {
    uint64_t requests;
    ss_time span; /* first to last arrival */
};
int ss_measure_traffic(const struct ss_cell *cell, struct ss_traffic_extent *out, struct servsim_error *err);

/* The whole traffic, history included, as ss_traffic_pack() leaves it in `fd`. */
int ss_pack_traffic(const struct ss_cell *cell, int fd, size_t limit_bytes, struct servsim_error *err);

/* All that can be refused before the first cell starts: the plugins' instances, memory. The traffic itself is not read.
 */
int ss_simulation_preflight(const struct ss_cell *cell, struct servsim_error *err);

#endif
