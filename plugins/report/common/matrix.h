/*
 * report/common/matrix.h - how the cells of an experiment belong together.
 *
 * Cells are compared only where they served the same traffic: a group is the cells of one traffic. Inside a group, a
 * series is the cells that differ in their number of GPUs alone; each series is one line of a scaling chart. Everything
 * is found from the axes and the cells themselves, since users name axes as they like.
 */
#ifndef REPORT_COMMON_MATRIX_H
#define REPORT_COMMON_MATRIX_H

#include "report/common/results.h"

#define RP_ROLE_OTHER 0u
#define RP_ROLE_TRAFFIC 1u /* "workload", or any axis along which the workload plugin changes */
#define RP_ROLE_SCALE 2u   /* an axis along which the number of GPUs changes */

/* Cells of one series that are done, GPUs ascending, no number twice. */
struct rp_series {
    char *label; /* "" when it is the only one of its group */
    struct rp_cell **cells;
    size_t count;
};

struct rp_group {
    char *title; /* "burstgpt_full": the values of the traffic axes, else the workload's name */
    struct rp_cell **cells;
    size_t count;
    int mixed; /* the cells of several traffics, none of which has two cells, put together */
    struct rp_series *series;
    size_t series_count; /* 0 when the number of GPUs does not vary */
};

struct rp_matrix {
    const struct rp_results *results;
    uint32_t *roles; /* one per axis */
    char **labels;   /* one per cell: what tells it from the others of its group */
    struct rp_group *groups;
    size_t group_count;
};

int rp_matrix_make(struct rp_matrix *out, struct rp_results *results, struct servsim_error *err);
void rp_matrix_free(struct rp_matrix *matrix);

/* The configuration's name within its group, such as "quad_gpu / fcfs". */
const char *rp_label(const struct rp_matrix *matrix, const struct rp_cell *cell);

/* The axis of routers, RP_NONE without one; and whether a group has cells with several replicas that differ on it. */
size_t rp_router_axis(const struct rp_results *results);
int rp_compares_routers(const struct rp_group *group, size_t axis);

/* Of its replicas, those that only compute prompts; 0 where each does both. */
double rp_prefill_replicas(const struct rp_cell *cell);

/* "tp 4", "tp 2 x 4 replicas": how the GPUs are used. */
void rp_layout(char out[64], const struct rp_cell *cell);

#endif
