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
    if (rc != 0)
        return servsim_fail(err, ENOMEM, "no memory for the index of %llu KV blocks", (unsigned long long)total);
    kv->caches = 1;
    return 0;
}

void
ss_kv_free(struct ss_kv *kv)
{
    ss_pool_free(&kv->pool);
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

/* Blocks of the request that may be found: of one that has given some up, to look for them, all but the last token's.
 */
static uint32_t
findable_blocks(const struct ss_kv *kv, const struct ss_prefix *prefix, uint32_t tokens)
{
    uint32_t most = (tokens - 1) / kv->block_size;
    return prefix->named || most < prefix->known ? most : prefix->known;
}

/* The longest cached prefix, in blocks, the last token left to compute; `unheld` of them are free. */
static uint32_t
cached_blocks(const struct ss_kv *kv, struct ss_prefix *prefix, uint32_t most, uint64_t *unheld)
{
    uint32_t found = 0;
    *unheld = 0;
    struct ss_prefix_keys keys = {prefix, kv->block_size, 0, 0, 0, 0};
    while (found < most) {
        uint32_t block = ss_pool_find(&kv->pool, ss_prefix_key(&keys, found));
        if (block == SS_POOL_NONE)
            break;
        *unheld += kv->pool.items[block].references == 0;
        prefix->blocks[found++] = block;
    }
    return found;
}

int64_t
ss_kv_find_cached(struct ss_kv *kv, struct ss_prefix *prefix, uint32_t tokens, uint64_t *needed)
{
    uint32_t most = findable_blocks(kv, prefix, tokens);
    uint64_t unheld;
    if (ss_prefix_reserve(prefix, most > prefix->known ? most : prefix->known) != 0)
        return -ENOMEM;
    prefix->tabled = cached_blocks(kv, prefix, most, &unheld);
    *needed = ss_kv_blocks_of(kv, tokens) - prefix->tabled + unheld;
    return (int64_t)prefix->tabled * kv->block_size;
}

void
ss_kv_share_cached(struct ss_kv *kv, struct ss_request *request)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    for (; prefix->count < prefix->tabled; prefix->count++)
        kv->free -= (uint64_t)ss_pool_share(&kv->pool, prefix->blocks[prefix->count]);
}

/* Those that others may ask for, too. */
static void
name_full(struct ss_kv *kv, struct ss_prefix *prefix, uint64_t tokens)
{
    uint32_t full = (uint32_t)(tokens / kv->block_size);
    struct ss_prefix_keys keys = {prefix, kv->block_size, 0, 0, 0, 0};
    for (; prefix->tabled < full && prefix->tabled < prefix->known; prefix->tabled++)
        prefix->blocks[prefix->tabled] = ss_pool_name(&kv->pool, ss_prefix_key(&keys, prefix->tabled));
}

/* What the request alone can ask for need not be found while it runs. */
void
ss_kv_hold_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    uint32_t blocks = (uint32_t)ss_kv_blocks_of(kv, tokens);
    if (blocks > prefix->count) {
        ss_pool_take(&kv->pool, blocks - prefix->count);
        prefix->count = blocks;
    }
    if (prefix->tabled < prefix->known)
        name_full(kv, prefix, tokens);
}

/* Nothing will have been computed into what is not full; whoever found it in this very step keeps it, as vLLM has it.
 */
void
ss_kv_unhold_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    uint32_t kept = (uint32_t)ss_kv_blocks_of(kv, tokens), full = (uint32_t)(tokens / kv->block_size);
    for (; prefix->count > kept; prefix->count--)
        if (prefix->count > prefix->tabled) {
            ss_pool_put(&kv->pool, 1, SS_POOL_PLAIN);
            kv->free++;
        } else if (kv->pool.items[prefix->blocks[--prefix->tabled]].references == 1) {
            ss_pool_unname(&kv->pool, prefix->blocks[prefix->tabled]);
            ss_pool_put(&kv->pool, 1, SS_POOL_PLAIN);
            kv->free++;
        } else {
            (void)ss_pool_give(&kv->pool, prefix->blocks[prefix->tabled]);
        }
    if (prefix->tabled > full && kv->pool.items[prefix->blocks[full]].references == 1)
        ss_pool_unname(&kv->pool, prefix->blocks[--prefix->tabled]);
}

/* Blocks without a key, those from `first` to `end` in the request's order, go back with the names of what they hold,
   so that they can be found; the last one first. */
static void
give_named(struct ss_kv *kv, const struct ss_prefix *prefix, uint64_t first, uint64_t end, uint64_t full)
{
    struct ss_prefix_keys keys = {prefix, kv->block_size, 0, 0, 0, 0};
    ss_pool_put(&kv->pool, end - (full > first ? full : first), SS_POOL_PLAIN);
    for (uint64_t at = full; at > first; at--)
        (void)ss_pool_give(&kv->pool, ss_pool_name(&kv->pool, ss_prefix_key(&keys, at - 1)));
    kv->free += end - first;
}

/* The same where nobody else can ask for them, and whoever holds them has left. */
static void
give_own(struct ss_kv *kv, uint64_t first, uint64_t end, uint64_t full)
{
    uint64_t whole = full > first ? full : first;
    ss_pool_put(&kv->pool, end - whole, SS_POOL_PLAIN);
    ss_pool_put(&kv->pool, whole - first, SS_POOL_CACHED);
    kv->free += end - first;
}

/* Tail first: what was decoded and the table's blocks without a key, then those with one. */
void
ss_kv_release_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens, int comes_back)
{
    struct ss_prefix *prefix = &request->extras->prefix;
    uint64_t full = tokens / kv->block_size, blocks = full + (tokens > full * kv->block_size);
    kv->decoded_count -= blocks - prefix->count;
    if (comes_back)
        give_named(kv, prefix, prefix->tabled, blocks, full);
    else
        give_own(kv, prefix->tabled, blocks, full);
    while (prefix->tabled > 0)
        kv->free += (uint64_t)ss_pool_give(&kv->pool, prefix->blocks[--prefix->tabled]);
    prefix->named |= comes_back != 0;
    prefix->count = 0;
}

void
ss_kv_decode_cached(struct ss_kv *kv, uint64_t blocks)
{
    ss_pool_take(&kv->pool, blocks);
    kv->decoded_count += blocks;
}

void
ss_kv_undecode_cached(struct ss_kv *kv, uint64_t blocks)
{
    ss_pool_put(&kv->pool, blocks, SS_POOL_PLAIN);
    kv->decoded_count -= blocks;
}

/* ---- for --verify ---- */

const char *
ss_kv_check(const struct ss_kv *kv, const struct ss_request *const *lists, size_t count)
{
    uint32_t *holders = calloc((size_t)kv->total + 1, sizeof *holders);
    uint64_t held = kv->decoded_count;
    if (holders == NULL)
        return "no memory to count the holders of blocks";
    for (size_t list = 0; list < count; list++)
        for (const struct ss_request *request = lists[list]; request != NULL; request = request->next) {
            const struct ss_prefix *prefix = &request->extras->prefix;
            held += prefix->count - prefix->tabled;
            for (uint32_t i = 0; i < prefix->tabled; i++)
                held += holders[prefix->blocks[i]]++ == 0;
        }
    const char *wrong = ss_pool_check(&kv->pool, holders, kv->free);
    free(holders);
    return wrong != NULL ? wrong : held == ss_kv_used(kv) ? NULL : "blocks held";
}
