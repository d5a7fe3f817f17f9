/*
 * cost/shape.h - the batch of one step in sums, as far as its price depends on it.
 */
#ifndef SS_COST_SHAPE_H
#define SS_COST_SHAPE_H

#include <stdint.h>

/* What attention sees in layers with a window of w tokens. All 0 where the model has none, but for `steps`. */
struct ss_window_shape {
    uint64_t prefill_context_tokens; /* sum of min(c, w - 1) over chunks */
    uint64_t prefill_causal_pairs;   /* sum over new tokens of min(position + 1, w) */
    uint64_t decode_context_sum;     /* sum of min(d, w - 1) over decodes */
    uint64_t decode_settled;         /* decodes with d >= w - 1: they see no more in later steps */
    uint64_t steps;                  /* until the next one settles; UINT64_MAX: none will */
};

struct ss_step_shape {
    uint32_t tokens;        /* computed in this step: decodes and prefill chunks together */
    uint32_t padded_tokens; /* rows that GEMMs compute for them; 0: as many as tokens */
    uint32_t expert_tokens; /* that enter experts, from all data-parallel ranks; 0: those of this rank alone */
    /* as many as the exchange of those takes: the largest rank's part for each of them; 0: expert_tokens */
    uint32_t gathered_tokens;
    uint32_t sampled_rows; /* requests that get a token at its end */
    uint32_t wakes;        /* the engine had nothing to do before */
    uint64_t prefill_count, prefill_new_tokens, prefill_context_tokens, prefill_causal_pairs;
    uint64_t decode_count, decode_context_sum, decode_context_min, decode_context_max;
    struct ss_window_shape window;
};

/* Pairs of `new_tokens` queries behind `context` tokens, and of what each sees in a window: itself and at most
   window - 1 before it. */
static inline uint64_t
ss_window_pairs(uint64_t window, uint64_t new_tokens, uint64_t context)
{
    uint64_t growing = context < window ? window - context : 0;
    growing = growing < new_tokens ? growing : new_tokens;
    return growing * context + growing * (growing + 1) / 2 + (new_tokens - growing) * window;
}

/* One prefill chunk joins the step. `window` is the model's, or 0. */
static inline void
ss_shape_add_chunk(struct ss_step_shape *shape, uint64_t window, uint64_t new_tokens, uint64_t context)
{
    shape->prefill_count++;
    shape->prefill_new_tokens += new_tokens;
    shape->prefill_context_tokens += context;
    shape->prefill_causal_pairs += new_tokens * context + new_tokens * (new_tokens + 1) / 2;
    if (window == 0)
        return;
    shape->window.prefill_context_tokens += context < window ? context : window - 1;
    shape->window.prefill_causal_pairs += ss_window_pairs(window, new_tokens, context);
}

#endif
