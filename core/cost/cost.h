/*
 * cost/cost.h - from (model, parallelism, device, batch) to the time of one engine step, and to the KV capacity.
 *
 * Composes the prices that a hardware plugin gives for operators into a step of any model, cut in any way: tensor,
 * pipeline, data and expert parallel. The engine's own overhead is added here, and stays a separate figure.
 */
#ifndef SS_COST_H
#define SS_COST_H

#include "cost/shape.h"
#include "cost/work.h"
#include "experiment/experiment.h"
#include "model/model.h"
#include "plugin/registry.h"

/* The line is the whole step; what is neither dense (GEMMs, experts, small kernels) nor communication nor overhead is
   attention. */
struct ss_step_price {
    struct servsim_line line;
    int64_t dense_ps, communication_ps, overhead_ps;
    struct ss_work work;
};

struct ss_cost;

/* Makes the device's instance for a cell. `host` must outlive the cost model. */
int ss_cost_create(struct ss_cost **out, const struct ss_cell *cell, const struct servsim_host *host,
                   struct servsim_error *err);
void ss_cost_destroy(struct ss_cost *cost);

const struct servsim_device *ss_cost_device(const struct ss_cost *cost);

/* Non-zero where the device wants the longest of the decode contexts, and the shortest. */
int ss_cost_wants_longest_context(const struct ss_cost *cost);
int ss_cost_wants_shortest_context(const struct ss_cost *cost);

/* Rows of the largest CUDA graph: steps with more of them run without one. 0: the engine has none. */
uint32_t ss_cost_graph_rows(const struct ss_cost *cost);

/*
 * One step of the whole model, all stages one after another. shape->tokens and padded_tokens are at most the cell's
 * max_num_batched_tokens, expert_tokens and gathered_tokens at most dp times that, sampled_rows at most max_num_seqs.
 */
int ss_cost_price(struct ss_cost *cost, const struct ss_step_shape *shape, struct ss_step_price *out,
                  struct servsim_error *err);

/* The part of one pipeline stage: its layers, what it hands to the next stage (communication), the embedding and the
   step's overhead in the first, LM head and sampling in the last. */
int ss_cost_price_stage(struct ss_cost *cost, uint32_t stage, const struct ss_step_shape *shape,
                        struct ss_step_price *out, struct servsim_error *err);

/* The one step after the other. */
void ss_step_price_add(struct ss_step_price *sum, const struct ss_step_price *one);

/*
 * KV blocks of one replica: what the memory of its tightest stage leaves after weights, activation peak and runtime
 * context (the accounting gives the 2,588 blocks that vLLM 0.19 reported for Llama-3.1-8B on an RTX 4090). ENOMEM when
 * the model does not fit; the text says how much is missing and what would fit.
 */
int ss_cost_kv_blocks(const struct ss_cost *cost, uint64_t *blocks, struct servsim_error *err);

/* Blocks that the swap space in the host's memory holds, and the time that copying so many of them takes. All GPUs of
   a replica copy their share at once, each over its own link. */
uint64_t ss_cost_host_blocks(const struct ss_cost *cost);
int64_t ss_cost_swap_ps(const struct ss_cost *cost, uint64_t blocks);

/* What sending so many blocks to another replica takes, each GPU its share to one there; -1: nobody says how fast. And
   the bytes of a block on all GPUs of a replica. */
#define SS_TRANSFER_LIMIT_PS 2e18 /* 23 days: longer ones are as long, and the engine refuses what waits for them */
int64_t ss_cost_transfer_ps(const struct ss_cost *cost, uint64_t blocks);
double ss_cost_transfer_bytes(const struct ss_cost *cost);

#endif
