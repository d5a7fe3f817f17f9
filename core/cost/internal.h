/*
 * cost/internal.h - what the files of core/cost share.
 */
#ifndef SS_COST_INTERNAL_H
#define SS_COST_INTERNAL_H

#include "cost/cost.h"
#include "cost/operators.h"

/* What a part of a step costs for one number of tokens or rows: priced once, then remembered. */
struct ss_part {
    int64_t dense_ps; /* below 0: not priced yet */
    int64_t communication_ps;
    uint64_t weight_bytes; /* that one GPU reads */
};

/* A step that comes again and again: priced once, then remembered. */
struct ss_known_step {
    struct ss_step_price price;
    uint32_t known;
};

/* One pipeline stage. */
struct ss_stage_cost {
    struct ss_stage stage;
    struct ss_part *by_tokens;        /* [max_num_batched_tokens + 1]: all but attention, experts and sampled rows */
    struct ss_part *by_expert_tokens; /* [dp x max_num_batched_tokens + 1]; NULL: no layer has experts */
    /* [max_num_seqs + 1] so many decodes and nothing else, without attention's line and as if none had a context: what
       a context adds is in proportion. NULL: windows make more of it than proportions */
    struct ss_known_step *by_decodes;
    struct ss_known_step *by_prompt; /* [max_num_batched_tokens + 1] one whole prompt and nothing else, engine awake */
    uint64_t flops_per_token;        /* outside attention and LM head */
    uint64_t flops_per_pair, flops_per_window_pair; /* attention: a query and a token that it sees */
    uint64_t kv_bytes, window_kv_bytes;             /* one GPU: of a context token */
    int64_t engine_ps, engine_prefill_ps;           /* its own time in each step; more in one with prompts */
};

struct ss_cost {
    const struct ss_cell *cell;
    struct ss_cut cut;
    struct ss_operators operators;
    struct ss_stage_cost *stages; /* [pp] */
    struct ss_part *by_rows;      /* [max_num_seqs + 1]: LM head and sampler */
    int64_t sampling_row_ps;      /* the engine's sampler; 0 where it was measured */
    uint32_t graph_rows;          /* ss_cost_graph_rows() */
};

/* parts.c: fills the part of a stage, or of the sampled rows. */
int ss_cost_price_tokens(struct ss_cost *cost, uint32_t stage, uint32_t tokens, struct servsim_error *err);
int ss_cost_price_experts(struct ss_cost *cost, uint32_t stage, uint32_t tokens, struct servsim_error *err);
int ss_cost_price_rows(struct ss_cost *cost, uint32_t rows, struct servsim_error *err);

#endif
