/*
 * engine/pool.h - KV blocks of a replica with prefix caching: which of them others can ask for, who shares those, which
 * contents free ones still hold, and in which order they are used again.
 *
 * The scheme of vLLM V1 (vllm/v1/core/block_pool.py). A block that is full can be indexed by a key that stands for its
 * tokens and all tokens before them. A block that nobody holds is free: it goes to the end of a queue, keeps its
 * contents and can be found again, until it comes to the front of the queue and is taken for something else.
 *
 * Which number a block has is of no effect. So only a block with a key is a thing of its own; those that nobody will
 * look for are counted while somebody holds them, and stand in the queue as runs of so many. Taking a run and giving it
 * back costs the same however long it is.
 */
#ifndef SS_ENGINE_POOL_H
#define SS_ENGINE_POOL_H

#include <stdint.h>

#define SS_POOL_NONE UINT32_MAX
#define SS_POOL_MAX_BLOCKS (UINT32_C(1) << 30)

/* In place of a key, of a run of blocks: whether they hold nothing whole, or are full and count as cached. */
#define SS_POOL_PLAIN UINT64_C(0)
#define SS_POOL_CACHED UINT64_C(1)

/* A block with a key, or in the queue a run of blocks without. */
struct ss_pool_item {
    uint64_t key;
    uint32_t references;    /* who holds the block; 0: it is free, and in the queue, as every run is */
    uint32_t before, after; /* in the queue; `after` also links the items that are not in use */
    union {
        uint32_t length;      /* of the run */
        uint32_t twin_before; /* ring of blocks with the same key, in order of indexing */
    };
    uint32_t twin_after;
    uint32_t chained; /* the next of its chain, plus one; 0: the end */
};

struct ss_pool {
    struct ss_pool_item *items; /* [total + 1]: no more than there are blocks; the last is the queue's anchor */
    uint32_t *chains;           /* by key: of those with equal keys the one indexed first, plus one; 0: empty */
    uint64_t chain_mask;
    uint32_t total;
    uint32_t begun, unused; /* items from `begun` on were never in use; of the others the first that is not, or total */
    uint64_t fresh;         /* blocks that were never taken: they are free, and first */
    uint64_t evictions;     /* full blocks that were taken for something else */
};

int ss_pool_init(struct ss_pool *pool, uint64_t total); /* 0, -ENOMEM, -EOVERFLOW beyond SS_POOL_MAX_BLOCKS */
void ss_pool_free(struct ss_pool *pool);

/* The free blocks that come first are taken, forgotten by the index. There are so many: the caller counts. */
void ss_pool_take(struct ss_pool *pool, uint64_t count);

/* So many blocks without a key are free now, behind all others. */
void ss_pool_put(struct ss_pool *pool, uint64_t count, uint64_t what);

/* A block that was taken is full and holds what the key stands for: its item, held once. */
uint32_t ss_pool_name(struct ss_pool *pool, uint64_t key);

/* The only holder keeps the block, which has no key any more. */
void ss_pool_unname(struct ss_pool *pool, uint32_t block);

/* One more holder. 1: it was free. */
int ss_pool_share(struct ss_pool *pool, uint32_t block);

/* One holder less. 1: it is free now, behind all others. */
int ss_pool_give(struct ss_pool *pool, uint32_t block);

/* Of the blocks with this key the one that was indexed first, or SS_POOL_NONE. */
uint32_t ss_pool_find(const struct ss_pool *pool, uint64_t key);

/*
 * Counts everything again, with `holders[block]` as the truth: NULL, or what is wrong. `free_blocks` is what the owner
 * believes. For --verify.
 */
const char *ss_pool_check(const struct ss_pool *pool, const uint32_t *holders, uint64_t free_blocks);

#endif
