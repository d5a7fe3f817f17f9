/*
 * engine/kv.h - the KV cache of a replica: which blocks are free, and who takes and gives them.
 *
 * All accounting of blocks is here. Who takes a block of a batch that decodes is never asked: how many of them a step
 * takes is known from the residues of its members (batch.h).
 */
#ifndef SS_ENGINE_KV_H
#define SS_ENGINE_KV_H

#include "engine/request.h"

struct ss_kv {
    uint64_t total, free;
    uint64_t host_total, host_free; /* swap space in the host's memory, in the same blocks */
    uint32_t block_size;            /* tokens */
};

void ss_kv_init(struct ss_kv *kv, uint64_t total, uint64_t host_total, uint32_t block_size);

static inline uint64_t
ss_kv_blocks_of(const struct ss_kv *kv, uint64_t tokens)
{
    return (tokens + kv->block_size - 1) / kv->block_size;
}

static inline uint64_t
ss_kv_used(const struct ss_kv *kv)
{
    return kv->total - kv->free;
}

/* Blocks that `tokens` more prefill tokens of a running or starting request take. */
uint64_t ss_kv_chunk_blocks(const struct ss_kv *kv, const struct ss_request *request, uint32_t tokens);

/* The request's chunk takes its blocks. They are free: the caller has looked. */
void ss_kv_take_chunk(struct ss_kv *kv, struct ss_request *request);
/* The chunk is taken out of the step again. */
void ss_kv_undo_chunk(struct ss_kv *kv, struct ss_request *request);

/* Members of a batch take so many blocks for the tokens that they decode; or one of them gives its block back. */
void ss_kv_take_decodes(struct ss_kv *kv, uint64_t blocks);
void ss_kv_undo_decodes(struct ss_kv *kv, uint64_t blocks);

/* A request that holds so many tokens gives all of its blocks back. */
void ss_kv_release(struct ss_kv *kv, struct ss_request *request, uint64_t tokens);

/* Its `computed` tokens move to the host's memory, or come back. There is room: the caller has looked. Returns the
   blocks that are copied. */
uint64_t ss_kv_swap_out(struct ss_kv *kv, struct ss_request *request);
uint64_t ss_kv_swap_in(struct ss_kv *kv, struct ss_request *request);
/* The copy in the host's memory is forgotten. */
void ss_kv_drop_swapped(struct ss_kv *kv, const struct ss_request *request);

#endif
