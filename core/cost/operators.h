/*
 * cost/operators.h - the device of a cell: its operators, each price checked before it is taken.
 *
 * Every ss_op_*() adds to *total_ps, or writes *line. 0, or -errno with a text that names the plugin.
 */
#ifndef SS_COST_OPERATORS_H
#define SS_COST_OPERATORS_H

#include "cost/shape.h"
#include "experiment/experiment.h"

struct ss_operators {
    struct ss_instance device;
    const struct servsim_hardware_ops *ops;
    struct servsim_device about;
    struct servsim_hardware_context shape;
    struct servsim_attention attention; /* the latest question; what all have in common stands in it once and for all */
};

/* What the device of a cell is told when it is made. */
void ss_operators_context(const struct ss_cell *cell, struct servsim_hardware_context *out);

/* Makes the device and has it described. */
int ss_operators_open(struct ss_operators *out, const struct ss_cell *cell, const struct servsim_host *host,
                      struct servsim_error *err);
void ss_operators_close(struct ss_operators *operators);

/* A GEMM of a layer: in the type that layers multiply in, weights in `weight_dtype`. */
int ss_op_gemm(struct ss_operators *operators, uint32_t role, uint32_t weight_dtype, uint32_t times, uint64_t m,
               uint64_t n, uint64_t k, int64_t *total_ps, struct servsim_error *err);

/* A GEMM that is never quantised: router and LM head. */
int ss_op_plain_gemm(struct ss_operators *operators, uint32_t role, uint32_t times, uint64_t m, uint64_t n, uint64_t k,
                     int64_t *total_ps, struct servsim_error *err);

/* Are the device's prices whole measured ones, with the launches of small kernels and the sampler in them? */
int ss_op_measured(const struct ss_operators *operators);

int ss_op_elementwise(struct ss_operators *operators, uint32_t role, uint32_t times, uint64_t rows, uint64_t columns,
                      int64_t *total_ps, struct servsim_error *err);

/* The routed experts of `times` layers, for `tokens` from all GPUs that share them. *hit: experts here that are read.
 */
int ss_op_experts(struct ss_operators *operators, uint32_t times, uint64_t tokens, double *hit, int64_t *total_ps,
                  struct servsim_error *err);

/* Among `ranks` GPUs that are `stride` apart in the cluster. Nothing for one rank. */
int ss_op_collective(struct ss_operators *operators, uint32_t kind, uint32_t ranks, uint32_t stride, uint32_t times,
                     double bytes, int64_t *total_ps, struct servsim_error *err);

int ss_op_p2p(struct ss_operators *operators, double bytes, int between_nodes, int64_t *total_ps,
              struct servsim_error *err);

/* Attention's line of so many layers that see everything, and of so many that see a window. At least one. */
int ss_op_attention(struct ss_operators *operators, const struct ss_step_shape *shape, uint32_t layers,
                    struct servsim_line *line, struct servsim_error *err);
int ss_op_windowed_attention(struct ss_operators *operators, const struct ss_step_shape *shape, uint32_t layers,
                             struct servsim_line *line, struct servsim_error *err);

#endif
