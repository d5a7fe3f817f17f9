/*
 * engine/pool.c - a queue of free blocks and an index of full ones.
 */
#include "engine/pool.h"

#include <errno.h>
#include <stdlib.h>

int
ss_pool_init(struct ss_pool *pool, uint64_t total)
{
    *pool = (struct ss_pool){0};
    if (total > SS_POOL_MAX_BLOCKS)
        return -EOVERFLOW;
    uint64_t chains = 8;
    while (chains < 2 * total)
        chains *= 2;
    /* pages are touched only as blocks come into use */
    pool->blocks = calloc(total + 1, sizeof *pool->blocks);
    pool->chains = calloc(chains, sizeof *pool->chains);
    if (pool->blocks == NULL || pool->chains == NULL) {
        ss_pool_free(pool);
        return -ENOMEM;
    }
    pool->chain_mask = chains - 1;
    pool->total = (uint32_t)total;
    pool->blocks[total].before = pool->blocks[total].after = pool->total;
    return 0;
}

void
ss_pool_free(struct ss_pool *pool)
{
    free(pool->blocks);
    free(pool->chains);
    *pool = (struct ss_pool){0};
}

/* ---- the queue ---- */

static void
queue_remove(struct ss_pool *pool, uint32_t block)
{
    const struct ss_pool_block *it = &pool->blocks[block];
    pool->blocks[it->before].after = it->after;
    pool->blocks[it->after].before = it->before;
}

static void
queue_append(struct ss_pool *pool, uint32_t block)
{
    struct ss_pool_block *anchor = &pool->blocks[pool->total];
    pool->blocks[block].before = anchor->before;
    pool->blocks[block].after = pool->total;
    pool->blocks[anchor->before].after = block;
    anchor->before = block;
}

void
ss_pool_take_all(struct ss_pool *pool, uint32_t *out, uint64_t count)
{
    for (; count > 0 && pool->fresh < pool->total; count--) {
        pool->blocks[pool->fresh].references = 1;
        *out++ = pool->fresh++;
    }
    uint32_t first = pool->blocks[pool->total].after;
    for (; count > 0; count--) {
        struct ss_pool_block *it = &pool->blocks[first];
        pool->evictions += it->key != 0;
        if (it->key > SS_POOL_UNSOUGHT)
            ss_pool_forget(pool, first);
        it->key = 0;
        it->references = 1;
        *out++ = first;
        first = it->after;
    }
    pool->blocks[pool->total].after = first;
    pool->blocks[first].before = pool->total;
}

int
ss_pool_share(struct ss_pool *pool, uint32_t block)
{
    if (pool->blocks[block].references++ > 0)
        return 0;
    queue_remove(pool, block);
    return 1;
}

int
ss_pool_give(struct ss_pool *pool, uint32_t block)
{
    if (--pool->blocks[block].references > 0)
        return 0;
    queue_append(pool, block);
    return 1;
}

void
ss_pool_give_own(struct ss_pool *pool, const uint32_t *blocks, uint64_t count, uint64_t full)
{
    uint32_t last = pool->blocks[pool->total].before;
    while (count-- > 0) {
        struct ss_pool_block *it = &pool->blocks[blocks[count]];
        if (count < full && it->key == 0)
            it->key = SS_POOL_UNSOUGHT;
        it->references = 0;
        it->before = last;
        pool->blocks[last].after = blocks[count];
        last = blocks[count];
    }
    pool->blocks[last].after = pool->total;
    pool->blocks[pool->total].before = last;
}

/* ---- the index ---- */

/* The link of its chain that leads to the key, or the one at its end. Neighbouring blocks of a prompt have neighbouring
   keys, and so neighbouring chains. */
static uint32_t *
link_to(const struct ss_pool *pool, uint64_t key)
{
    uint32_t *link = &pool->chains[key & pool->chain_mask];
    while (*link != 0 && pool->blocks[*link - 1].key != key)
        link = &pool->blocks[*link - 1].chained;
    return link;
}

uint32_t
ss_pool_find(const struct ss_pool *pool, uint64_t key)
{
    uint32_t link = *link_to(pool, key);
    return link != 0 ? link - 1 : SS_POOL_NONE;
}

void
ss_pool_index(struct ss_pool *pool, uint32_t block, uint64_t key)
{
    uint32_t *link = link_to(pool, key);
    struct ss_pool_block *it = &pool->blocks[block];
    it->key = key;
    it->twin_before = it->twin_after = block;
    it->chained = 0;
    if (*link == 0) {
        *link = block + 1;
        return;
    }
    struct ss_pool_block *first = &pool->blocks[*link - 1];
    it->twin_before = first->twin_before;
    it->twin_after = *link - 1;
    pool->blocks[first->twin_before].twin_after = block;
    first->twin_before = block;
}

/* Out of its chain; a twin takes its place. */
static void
unchain(struct ss_pool *pool, uint32_t *link, const struct ss_pool_block *it)
{
    uint32_t block = *link - 1;
    if (it->twin_after == block) {
        *link = it->chained;
        return;
    }
    pool->blocks[it->twin_after].chained = it->chained;
    *link = it->twin_after + 1;
}

void
ss_pool_forget(struct ss_pool *pool, uint32_t block)
{
    struct ss_pool_block *it = &pool->blocks[block];
    if (it->key != SS_POOL_UNSOUGHT) {
        uint32_t *link = link_to(pool, it->key);
        if (*link == block + 1)
            unchain(pool, link, it);
        pool->blocks[it->twin_before].twin_after = it->twin_after;
        pool->blocks[it->twin_after].twin_before = it->twin_before;
    }
    it->key = 0;
}

/* ---- for --verify ---- */

static const char *
check_blocks(const struct ss_pool *pool, const uint32_t *holders, uint64_t free_blocks)
{
    uint64_t unheld = 0, indexed = 0;
    for (uint32_t i = 0; i < pool->total; i++) {
        const struct ss_pool_block *it = &pool->blocks[i];
        if (it->references != holders[i])
            return "holders of a block";
        if (i >= pool->fresh && (it->references > 0 || it->key != 0))
            return "a block in use that was never taken";
        unheld += it->references == 0;
        if (it->key == 0 || it->key == SS_POOL_UNSOUGHT)
            continue;
        uint32_t first = ss_pool_find(pool, it->key);
        if (first == SS_POOL_NONE || pool->blocks[it->twin_after].key != it->key ||
            pool->blocks[it->twin_after].twin_before != i)
            return "the index of full blocks";
        indexed += first == i;
    }
    for (uint64_t i = 0; i <= pool->chain_mask; i++)
        for (uint32_t link = pool->chains[i]; link != 0; link = pool->blocks[link - 1].chained)
            indexed--;
    if (indexed != 0)
        return "keys in the index";
    return unheld == free_blocks ? NULL : "free blocks";
}

const char *
ss_pool_check(const struct ss_pool *pool, const uint32_t *holders, uint64_t free_blocks)
{
    uint64_t queued = pool->total - pool->fresh;
    for (uint32_t at = pool->blocks[pool->total].after; at != pool->total; at = pool->blocks[at].after) {
        if (pool->blocks[at].references > 0 || pool->blocks[pool->blocks[at].after].before != at)
            return "the queue of free blocks";
        queued++;
    }
    if (queued != free_blocks)
        return "free blocks in the queue";
    return check_blocks(pool, holders, free_blocks);
}
