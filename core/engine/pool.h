/*
 * engine/pool.h - KV blocks with an identity: who shares them, which contents they still hold, and in which order they
 * are used again.
 *
 * The scheme of vLLM V1 (vllm/v1/core/block_pool.py). A block that is full can be indexed by a key that stands for its
 * tokens and all tokens before them. A block that nobody holds is free: it goes to the end of a queue, keeps its
 * contents and can be found again, until it comes to the front of the queue and is taken for something else. Every
 * operation costs the same whatever the pool's size. Blocks are numbers; which number a block has is of no effect.
 */
#ifndef SS_ENGINE_POOL_H
#define SS_ENGINE_POOL_H

#include <stdint.h>

#define SS_POOL_NONE UINT32_MAX
#define SS_POOL_MAX_BLOCKS (UINT32_C(1) << 30)

/* In place of a key: the block is full, and nobody will ever look for it. It counts as cached, and is not indexed. */
#define SS_POOL_UNSOUGHT UINT64_C(1)

struct ss_pool_block {
    uint64_t key;                     /* 0: holds nothing whole */
    uint32_t references;              /* 0: free */
    uint32_t before, after;           /* in the queue of free blocks */
    uint32_t twin_before, twin_after; /* ring of blocks with the same key, in order of indexing */
    uint32_t chained;                 /* the next of its chain, plus one; 0: the end */
};

struct ss_pool {
    struct ss_pool_block *blocks; /* [total + 1]; the last is the queue's anchor */
    uint32_t *chains;             /* by key: of those with equal keys the one indexed first, plus one; 0: empty */
    uint64_t chain_mask;
    uint32_t total;
    uint32_t fresh;     /* blocks from this number on were never taken: they are free, and first */
    uint64_t evictions; /* full blocks that were taken for something else */
};

int ss_pool_init(struct ss_pool *pool, uint64_t total); /* 0, -ENOMEM, -EOVERFLOW beyond SS_POOL_MAX_BLOCKS */
void ss_pool_free(struct ss_pool *pool);

/* The free blocks that come first, held once, forgotten by the index. There are so many: the caller counts. */
void ss_pool_take_all(struct ss_pool *pool, uint32_t *out, uint64_t count);

static inline uint32_t
ss_pool_take(struct ss_pool *pool)
{
    uint32_t block;
    ss_pool_take_all(pool, &block, 1);
    return block;
}

/* One more holder. 1: it was free. */
int ss_pool_share(struct ss_pool *pool, uint32_t block);

/* One holder less. 1: it is free now, behind all others. */
int ss_pool_give(struct ss_pool *pool, uint32_t block);

/* All blocks of the array, the last first, lose their only holder, who alone could ask for them and has left. The first
   `full` are full. */
void ss_pool_give_own(struct ss_pool *pool, const uint32_t *blocks, uint64_t count, uint64_t full);

/* Of the blocks with this key the one that was indexed first, or SS_POOL_NONE. */
uint32_t ss_pool_find(const struct ss_pool *pool, uint64_t key);

/* The block is full and holds what the key stands for. It has no key yet. */
void ss_pool_index(struct ss_pool *pool, uint32_t block, uint64_t key);
void ss_pool_forget(struct ss_pool *pool, uint32_t block);

/*
 * Counts everything again, with `holders[block]` as the truth: NULL, or what is wrong. `free_blocks` is what the owner
 * believes. For --verify.
 */
const char *ss_pool_check(const struct ss_pool *pool, const uint32_t *holders, uint64_t free_blocks);

#endif
