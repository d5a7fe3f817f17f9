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
    /* pages are touched only as items come into use */
    pool->items = calloc(total + 1, sizeof *pool->items);
    pool->chains = calloc(chains, sizeof *pool->chains);
    if (pool->items == NULL || pool->chains == NULL) {
        ss_pool_free(pool);
        return -ENOMEM;
    }
    pool->chain_mask = chains - 1;
    pool->total = pool->unused = (uint32_t)total;
    pool->fresh = total;
    pool->items[total].before = pool->items[total].after = pool->total;
    return 0;
}

void
ss_pool_free(struct ss_pool *pool)
{
    free(pool->items);
    free(pool->chains);
    *pool = (struct ss_pool){0};
}

/* ---- items ---- */

/* There is one: each in use stands for a block at least. */
static uint32_t
new_item(struct ss_pool *pool)
{
    uint32_t item = pool->unused;
    if (item == pool->total)
        return pool->begun++;
    pool->unused = pool->items[item].after;
    return item;
}

static void
free_item(struct ss_pool *pool, uint32_t item)
{
    pool->items[item].key = 0;
    pool->items[item].length = 0;
    pool->items[item].after = pool->unused;
    pool->unused = item;
}

/* ---- the index ---- */

/* The link of its chain that leads to the key, or the one at its end. Neighbouring blocks of a prompt have neighbouring
   keys, and so neighbouring chains. */
static uint32_t *
link_to(const struct ss_pool *pool, uint64_t key)
{
    uint32_t *link = &pool->chains[key & pool->chain_mask];
    while (*link != 0 && pool->items[*link - 1].key != key)
        link = &pool->items[*link - 1].chained;
    return link;
}

uint32_t
ss_pool_find(const struct ss_pool *pool, uint64_t key)
{
    uint32_t link = *link_to(pool, key);
    return link != 0 ? link - 1 : SS_POOL_NONE;
}

static void
enter_index(struct ss_pool *pool, uint32_t block)
{
    struct ss_pool_item *it = &pool->items[block];
    uint32_t *link = link_to(pool, it->key);
    it->twin_before = it->twin_after = block;
    it->chained = 0;
    if (*link == 0) {
        *link = block + 1;
        return;
    }
    struct ss_pool_item *first = &pool->items[*link - 1];
    it->twin_before = first->twin_before;
    it->twin_after = *link - 1;
    pool->items[first->twin_before].twin_after = block;
    first->twin_before = block;
}

/* Out of its chain; a twin takes its place. */
static void
unchain(struct ss_pool *pool, uint32_t *link, const struct ss_pool_item *it)
{
    uint32_t block = *link - 1;
    if (it->twin_after == block) {
        *link = it->chained;
        return;
    }
    pool->items[it->twin_after].chained = it->chained;
    *link = it->twin_after + 1;
}

static void
leave_index(struct ss_pool *pool, uint32_t block)
{
    const struct ss_pool_item *it = &pool->items[block];
    uint32_t *link = link_to(pool, it->key);
    if (*link == block + 1)
        unchain(pool, link, it);
    pool->items[it->twin_before].twin_after = it->twin_after;
    pool->items[it->twin_after].twin_before = it->twin_before;
}

/* ---- the queue ---- */

static void
queue_remove(struct ss_pool *pool, uint32_t item)
{
    const struct ss_pool_item *it = &pool->items[item];
    pool->items[it->before].after = it->after;
    pool->items[it->after].before = it->before;
}

static void
queue_append(struct ss_pool *pool, uint32_t item)
{
    struct ss_pool_item *anchor = &pool->items[pool->total];
    pool->items[item].before = anchor->before;
    pool->items[item].after = pool->total;
    pool->items[anchor->before].after = item;
    anchor->before = item;
}

/* All blocks of an item are taken: how many those are. */
static uint64_t
take_whole(struct ss_pool *pool, uint32_t item)
{
    struct ss_pool_item *it = &pool->items[item];
    uint64_t count = 1;
    if (it->key > SS_POOL_CACHED)
        leave_index(pool, item);
    else
        count = it->length;
    pool->evictions += it->key != SS_POOL_PLAIN ? count : 0;
    it->key = 0;
    it->length = 0;
    return count;
}

/* Items that are first and give all of their blocks leave the queue together, and are linked to each other already. */
static void
take_queued(struct ss_pool *pool, uint64_t count)
{
    struct ss_pool_item *anchor = &pool->items[pool->total];
    uint32_t first = anchor->after, at = first, last = pool->total;
    while (count > 0 && (pool->items[at].key > SS_POOL_CACHED || pool->items[at].length <= count)) {
        count -= take_whole(pool, at);
        last = at;
        at = pool->items[at].after;
    }
    if (count > 0) {
        pool->evictions += pool->items[at].key == SS_POOL_CACHED ? count : 0;
        pool->items[at].length -= (uint32_t)count;
    }
    if (last == pool->total)
        return;
    pool->items[last].after = pool->unused;
    pool->unused = first;
    anchor->after = at;
    pool->items[at].before = pool->total;
}

void
ss_pool_take(struct ss_pool *pool, uint64_t count)
{
    uint64_t fresh = count < pool->fresh ? count : pool->fresh;
    pool->fresh -= fresh;
    if (count > fresh)
        take_queued(pool, count - fresh);
}

void
ss_pool_put(struct ss_pool *pool, uint64_t count, uint64_t what)
{
    uint32_t last = pool->items[pool->total].before;
    if (count == 0)
        return;
    if (last == pool->total || pool->items[last].key != what) {
        last = new_item(pool);
        pool->items[last].key = what;
        queue_append(pool, last);
    }
    pool->items[last].length += (uint32_t)count;
}

/* ---- blocks with a key ---- */

uint32_t
ss_pool_name(struct ss_pool *pool, uint64_t key)
{
    uint32_t block = new_item(pool);
    pool->items[block].key = key;
    pool->items[block].references = 1;
    enter_index(pool, block);
    return block;
}

void
ss_pool_unname(struct ss_pool *pool, uint32_t block)
{
    leave_index(pool, block);
    pool->items[block].references = 0;
    free_item(pool, block);
}

int
ss_pool_share(struct ss_pool *pool, uint32_t block)
{
    if (pool->items[block].references++ > 0)
        return 0;
    queue_remove(pool, block);
    return 1;
}

int
ss_pool_give(struct ss_pool *pool, uint32_t block)
{
    if (--pool->items[block].references > 0)
        return 0;
    queue_append(pool, block);
    return 1;
}

/* ---- for --verify ---- */

static const char *
check_index(const struct ss_pool *pool, const uint32_t *holders)
{
    uint64_t indexed = 0;
    for (uint32_t i = 0; i < pool->total; i++) {
        const struct ss_pool_item *it = &pool->items[i];
        if (it->references != holders[i])
            return "holders of a block";
        if (i >= pool->begun && (it->references > 0 || it->key != 0 || it->length > 0))
            return "an item in use that never was";
        if (it->key <= SS_POOL_CACHED)
            continue;
        uint32_t first = ss_pool_find(pool, it->key);
        if (first == SS_POOL_NONE || pool->items[it->twin_after].key != it->key ||
            pool->items[it->twin_after].twin_before != i)
            return "the index of full blocks";
        indexed += first == i;
    }
    for (uint64_t i = 0; i <= pool->chain_mask; i++)
        for (uint32_t link = pool->chains[i]; link != 0; link = pool->items[link - 1].chained)
            indexed--;
    return indexed == 0 ? NULL : "keys in the index";
}

const char *
ss_pool_check(const struct ss_pool *pool, const uint32_t *holders, uint64_t free_blocks)
{
    uint64_t queued = pool->fresh, unheld = 0;
    for (uint32_t at = pool->items[pool->total].after; at != pool->total; at = pool->items[at].after) {
        const struct ss_pool_item *it = &pool->items[at];
        int is_run = it->key <= SS_POOL_CACHED;
        if (it->references > 0 || pool->items[it->after].before != at || (is_run && it->length == 0))
            return "the queue of free blocks";
        queued += is_run ? it->length : 1;
        unheld += !is_run;
    }
    for (uint32_t i = 0; i < pool->total; i++)
        unheld -= pool->items[i].key > SS_POOL_CACHED && pool->items[i].references == 0;
    if (queued != free_blocks || unheld != 0)
        return "free blocks in the queue";
    return check_index(pool, holders);
}
