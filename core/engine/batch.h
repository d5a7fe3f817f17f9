/*
 * engine/batch.h - the requests that decode together, so that a step costs nothing per request.
 *
 * All of them grow by one token a step. A clock counts those steps; what a request needs to know of itself is an
 * offset to the clock: when it finishes, and at which steps it crosses a block border (a residue modulo the block
 * size).
 */
#ifndef SS_ENGINE_BATCH_H
#define SS_ENGINE_BATCH_H

#include "cost/shape.h"
#include "engine/heap.h"
#include "engine/request.h"

struct ss_lane;

struct ss_batch {
    struct ss_lane *lane; /* in which it is under way, or NULL */
    uint64_t clock;       /* decode steps so far */
    uint64_t context_sum; /* tokens in the KV cache before the next step, over all members */
    uint32_t count;
    uint32_t block_size;
    uint32_t *residues;    /* [block_size]: members whose (context - clock) mod block_size is the index */
    uint32_t crossing;     /* the residue whose members cross a border in the next step; a step later the one before */
    struct ss_heap finish; /* by (finish_at, order) */
    /* by context, only where the device wants to know */
    struct ss_heap shortest, longest;
    int keeps_longest, keeps_shortest; /* the second never without the first */
    /* by when their context fills the window, only where the model has one; the others have settled */
    uint32_t window; /* 0: none */
    struct ss_heap growing;
    uint64_t growing_context_sum;
    /* members whose last token is younger than last_end: their next gap is their own */
    struct ss_request **joined;
    uint32_t joined_count, joined_capacity;
    ss_time last_end; /* end of the last decode step */
};

/* `window` of the model's windowed layers, or 0. 0 or -ENOMEM. */
int ss_batch_init(struct ss_batch *batch, uint32_t block_size, uint32_t window, int keeps_longest, int keeps_shortest);
void ss_batch_free(struct ss_batch *batch);

/* Output tokens of a member, `ended` further steps from now. */
static inline uint32_t
ss_batch_generated(const struct ss_batch *batch, const struct ss_request *request, uint64_t ended)
{
    return request->output_tokens - (uint32_t)(request->place->finish_at - batch->clock - ended);
}

/* Tokens of a member that are in the KV cache: the last output token is not, until the step that follows it. */
static inline uint64_t
ss_batch_context(const struct ss_batch *batch, const struct ss_request *request)
{
    return (uint64_t)request->seen.prompt_tokens + ss_batch_generated(batch, request, 0) - 1;
}

/* A request whose prefill is complete and whose `generated` is current joins at `now`. 0 or -ENOMEM. */
int ss_batch_join(struct ss_batch *batch, struct ss_request *request, ss_time now);

/* One that left comes back, with the last_token_ps that it left with. 0 or -ENOMEM. */
int ss_batch_rejoin(struct ss_batch *batch, struct ss_request *request);

/* All members of `from` move; what they are stays what it is. 0 or -ENOMEM. */
int ss_batch_merge(struct ss_batch *into, struct ss_batch *from);

/* Leaves, finished or preempted; `generated` and last_token_ps are made current. */
void ss_batch_leave(struct ss_batch *batch, struct ss_request *request);

/* Does the member need a new block in the next step? */
static inline int
ss_batch_crosses(const struct ss_batch *batch, const struct ss_request *request)
{
    return ss_batch_context(batch, request) % batch->block_size == 0;
}

/* New KV blocks that the next step takes, and the next `steps` steps. */
static inline uint64_t
ss_batch_next_blocks(const struct ss_batch *batch)
{
    return batch->residues[batch->crossing];
}
uint64_t ss_batch_blocks(const struct ss_batch *batch, uint64_t steps);

/* For how many steps `free_blocks` last. SS_BATCH_FOREVER when the batch is empty. */
#define SS_BATCH_FOREVER UINT64_MAX
uint64_t ss_batch_steps_fitting(const struct ss_batch *batch, uint64_t free_blocks);

/* 1: so many steps fit for certain, which is cheap to know and nearly always so; 0: look closer. */
static inline int
ss_batch_fits(const struct ss_batch *batch, uint64_t steps, uint64_t free_blocks)
{
    return steps / batch->block_size < UINT32_MAX && (steps / batch->block_size + 1) * batch->count <= free_blocks;
}

/* Steps until the first member finishes; the batch is not empty. */
static inline uint64_t
ss_batch_steps_to_finish(const struct ss_batch *batch)
{
    return (uint64_t)(ss_heap_first(&batch->finish)->key >> 64) - batch->clock;
}

/* Keys of the range are contexts less the clock, and this, so that they are not negative. */
#define SS_RANGE_OFFSET (UINT64_C(1) << 60)

/* The shortest and the longest context; each 0 unless kept. */
static inline uint64_t
ss_batch_shortest(const struct ss_batch *batch)
{
    const struct ss_heap_item *first = ss_heap_first(&batch->shortest);
    return first != NULL ? (uint64_t)(first->key >> 64) - SS_RANGE_OFFSET + batch->clock : 0;
}

static inline uint64_t
ss_batch_longest(const struct ss_batch *batch)
{
    const struct ss_heap_item *first = ss_heap_first(&batch->longest);
    return first != NULL ? -(uint64_t)(first->key >> 64) - SS_RANGE_OFFSET + batch->clock : 0;
}

/* What windowed layers see of the members' contexts. */
void ss_batch_window_seen(const struct ss_batch *batch, struct ss_window_shape *out);
static inline void
ss_batch_window(const struct ss_batch *batch, struct ss_window_shape *out)
{
    out->steps = SS_BATCH_FOREVER;
    if (batch->window > 0)
        ss_batch_window_seen(batch, out);
}

/* Those that grow have grown by so many tokens, and some have settled: the clock stands there already. */
void ss_batch_settle(struct ss_batch *batch, uint64_t steps);

static inline void
ss_batch_advance(struct ss_batch *batch, uint64_t steps)
{
    uint32_t moved = (uint32_t)(steps % batch->block_size);
    batch->crossing = batch->crossing >= moved ? batch->crossing - moved : batch->crossing + batch->block_size - moved;
    batch->clock += steps;
    batch->context_sum += steps * batch->count;
    if (batch->growing.count > 0)
        ss_batch_settle(batch, steps);
}

#endif
