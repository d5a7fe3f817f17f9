/*
 * engine/kv.c - who takes KV blocks and gives them back.
 */
#include "engine/kv.h"

#include <errno.h>
#include <stdlib.h>

void
ss_kv_init(struct ss_kv *kv, uint64_t total, uint64_t host_total, uint32_t block_size)
{
    *kv = (struct ss_kv){
        .total = total, .free = total, .host_total = host_total, .host_free = host_total, .block_size = block_size};
}

int
ss_kv_cache(struct ss_kv *kv, struct servsim_error *err)
{
    uint64_t total = kv->total;
    int rc = ss_pool_init(&kv->pool, total);
    if (rc == -EOVERFLOW)
        return servsim_fail(err, EINVAL, "prefix_caching of %llu KV blocks: %u is the most; write fewer blocks",
                            (unsigned long long)total, SS_POOL_MAX_BLOCKS);
    kv->decoded = rc == 0 ? malloc((total > 0 ? total : 1) * sizeof *kv->decoded) : NULL;
    if (kv->decoded == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the index of %llu KV blocks", (unsigned long long)total);
    kv->caches = 1;
    return 0;
}

void
ss_kv_free(struct ss_kv *kv)
{
    ss_pool_free(&kv->pool);
    free(kv->decoded);
    kv->decoded = NULL;
}

int
ss_kv_lose(struct ss_kv *kv)
{
    kv->free = kv->total;
    kv->host_free = kv->host_total;
    kv->decoded_count = 0;
    if (!kv->caches)
        return 0;
    ss_pool_free(&kv->pool);
    return ss_pool_init(&kv->pool, kv->total);
}

/* ---- where blocks are cached ---- */

/* The longest cached prefix, in blocks, the last token left to compute; `unheld` of them are free. */
static uint32_t
cached_blocks(const struct ss_kv *kv, struct ss_prefix *prefix, uint32_t tokens, uint64_t *unheld)
{
    uint32_t most = (tokens - 1) / kv->block_size, found = 0;
    if (!prefix->named && prefix->known < most)
        most = prefix->known;
    *unheld = 0;
    struct ss_prefix_keys keys = {prefix, kv->block_size, 0, 0, 0};
    while (found < most) {
        uint32_t block = ss_pool_find(&kv->pool, ss_prefix_key(&keys, found));
        if (block == SS_POOL_NONE)
            break;
        *unheld += kv->pool.blocks[block].references == 0;
        prefix->blocks[found++] = block;
    }
    return found;
}

static void
index_block(struct ss_kv *kv, struct ss_prefix_keys *keys, uint64_t at, uint32_t block)
{
    if (kv->pool.blocks[block].key == 0)
        ss_pool_index(&kv->pool, block, ss_prefix_key(keys, at));
}

/* What the request alone can ask for need not be found while it runs. */
void
ss_kv_hold_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    uint32_t blocks = (uint32_t)ss_kv_blocks_of(kv, tokens), full = (uint32_t)(tokens / kv->block_size);
    if (blocks > prefix->count) {
        ss_pool_take_all(&kv->pool, prefix->blocks + prefix->count, blocks - prefix->count);
        prefix->count = blocks;
    }
    struct ss_prefix_keys keys = {prefix, kv->block_size, 0, 0, 0};
    for (uint32_t at = prefix->indexed; at < full && at < prefix->known; at++)
        index_block(kv, &keys, at, prefix->blocks[at]);
    prefix->indexed = full > prefix->indexed ? full : prefix->indexed;
}

/* Nothing will have been computed into these; whoever found them in this very step keeps them, as vLLM has it. */
static void
forget(struct ss_kv *kv, uint32_t block)
{
    if (kv->pool.blocks[block].key != 0 && kv->pool.blocks[block].references == 1)
        ss_pool_forget(&kv->pool, block);
}

void
ss_kv_unhold_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    uint32_t full = (uint32_t)(tokens / kv->block_size);
    for (; prefix->indexed > full; prefix->indexed--)
        forget(kv, prefix->blocks[prefix->indexed - 1]);
    while (prefix->count > ss_kv_blocks_of(kv, tokens))
        kv->free += (uint64_t)ss_pool_give(&kv->pool, prefix->blocks[--prefix->count]);
}

/* Blocks that stand from `first` on in the request's order, the last one first; with their names, so that they can be
   found. */
static void
give_named(struct ss_kv *kv, const struct ss_prefix *prefix, const uint32_t *blocks, uint64_t first, uint64_t count,
           uint64_t full)
{
    struct ss_prefix_keys keys = {prefix, kv->block_size, 0, 0, 0};
    while (count-- > 0) {
        if (first + count < full)
            index_block(kv, &keys, first + count, blocks[count]);
        kv->free += (uint64_t)ss_pool_give(&kv->pool, blocks[count]);
    }
}

/* Those that nobody else can ask for; whoever holds them has left. */
static void
give_own(struct ss_kv *kv, const uint32_t *blocks, uint64_t first, uint64_t count, uint64_t full)
{
    ss_pool_give_own(&kv->pool, blocks, count, full > first ? full - first : 0);
    kv->free += count;
}

/* Tail first: what was decoded, then the table. */
void
ss_kv_release_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens, int comes_back)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    uint64_t full = tokens / kv->block_size, tabled = prefix->count;
    uint64_t decoded = ss_kv_blocks_of(kv, tokens) - tabled, own = comes_back ? tabled : prefix->known;
    kv->decoded_count -= decoded;
    if (comes_back)
        give_named(kv, prefix, kv->decoded + kv->decoded_count, tabled, decoded, full);
    else
        give_own(kv, kv->decoded + kv->decoded_count, tabled, decoded, full);
    if (own < tabled)
        give_own(kv, prefix->blocks + own, own, tabled - own, full);
    give_named(kv, prefix, prefix->blocks, 0, own < tabled ? own : tabled, full);
    prefix->named |= comes_back != 0;
    prefix->count = prefix->indexed = 0;
}

int64_t
ss_kv_find_cached(struct ss_kv *kv, struct ss_request *request, uint32_t tokens, uint64_t *needed)
{
    uint64_t blocks = ss_kv_blocks_of(kv, tokens), unheld;
    struct ss_prefix *prefix = &request->extras->prefix;
    if (ss_prefix_reserve(prefix, blocks) != 0)
        return -ENOMEM;
    prefix->indexed = cached_blocks(kv, prefix, tokens, &unheld);
    *needed = blocks - prefix->indexed + unheld;
    return (int64_t)prefix->indexed * kv->block_size;
}

void
ss_kv_share_cached(struct ss_kv *kv, struct ss_request *request)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    for (; prefix->count < prefix->indexed; prefix->count++)
        kv->free -= (uint64_t)ss_pool_share(&kv->pool, prefix->blocks[prefix->count]);
}

void
ss_kv_decode_cached(struct ss_kv *kv, uint64_t blocks)
{
    ss_pool_take_all(&kv->pool, kv->decoded + kv->decoded_count, blocks);
    kv->decoded_count += blocks;
}

void
ss_kv_undecode_cached(struct ss_kv *kv, uint64_t blocks)
{
    for (uint64_t i = 0; i < blocks; i++)
        (void)ss_pool_give(&kv->pool, kv->decoded[--kv->decoded_count]);
}

/* ---- for --verify ---- */

const char *
ss_kv_check(const struct ss_kv *kv, const struct ss_request *const *lists, size_t count)
{
    uint32_t *holders = calloc((size_t)kv->total + 1, sizeof *holders);
    if (holders == NULL)
        return "no memory to count the holders of blocks";
    for (size_t list = 0; list < count; list++)
        for (const struct ss_request *request = lists[list]; request != NULL; request = request->next)
            for (uint32_t i = 0; i < request->extras->prefix.count; i++)
                holders[request->extras->prefix.blocks[i]]++;
    for (uint64_t i = 0; i < kv->decoded_count; i++)
        holders[kv->decoded[i]]++;
    const char *wrong = ss_pool_check(&kv->pool, holders, kv->free);
    free(holders);
    return wrong;
}
