/*
 * engine/kv.h - the KV cache of a replica: which blocks are free, and who takes and gives them.
 *
 * All accounting of blocks is here. Who takes a block of a batch that decodes is never asked: how many of them a step
 * takes is known from the residues of its members (batch.h). Without prefix caching that is all, and blocks are only
 * counted.
 *
 * With prefix caching blocks have names (pool.h, prefix.h), and the rules are those of vLLM V1: a prompt's full blocks
 * can be found from the moment at which a step is given them; a request starts with as many of its blocks as are found,
 * in whole blocks, and computes its last token at least; a request's blocks become free tail first. Blocks that only
 * their request can ask for are but counted while it runs, those that it decodes among them: which member of a batch
 * gets which is of no effect. Where it is preempted, they get names, since it will look for them.
 */
#ifndef SS_ENGINE_KV_H
#define SS_ENGINE_KV_H

#include "engine/pool.h"
#include "engine/request.h"

struct ss_kv {
    uint64_t total, free;           /* free: held by nobody, whatever is cached in them */
    uint64_t host_total, host_free; /* swap space in the host's memory, in the same blocks */
    uint32_t block_size;            /* tokens */
    int caches;                     /* prefix caching */
    struct ss_pool pool;
    uint64_t decoded_count; /* blocks that decodes have taken, of members that have not left */
};

/* Plain counts; and the pool beside them, where `caches`: 0 or -errno. Free it either way. */
void ss_kv_init(struct ss_kv *kv, uint64_t total, uint64_t host_total, uint32_t block_size);
int ss_kv_cache(struct ss_kv *kv, struct servsim_error *err);
void ss_kv_free(struct ss_kv *kv);

/* All that it held is lost, and nobody holds a block. 0 or -ENOMEM. */
int ss_kv_lose(struct ss_kv *kv);

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

/* Blocks that `tokens` more prefill tokens of a running request take. */
static inline uint64_t
ss_kv_chunk_blocks(const struct ss_kv *kv, const struct ss_request *request, uint32_t tokens)
{
    uint64_t computed = request->place->computed, held = computed > 0 ? ss_kv_blocks_of(kv, computed) : 0;
    return ss_kv_blocks_of(kv, computed + tokens) - held;
}

/* ---- kv.c: the same for blocks with an identity; the callers are below ---- */

int64_t ss_kv_find_cached(struct ss_kv *kv, struct ss_prefix *prefix, uint32_t tokens, uint64_t *needed);
void ss_kv_share_cached(struct ss_kv *kv, struct ss_request *request);
/* Holds what so many tokens need, full blocks indexed; and no more than that. */
void ss_kv_hold_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens);
void ss_kv_unhold_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens);
void ss_kv_decode_cached(struct ss_kv *kv, uint64_t blocks);
void ss_kv_undecode_cached(struct ss_kv *kv, uint64_t blocks);
void ss_kv_release_cached(struct ss_kv *kv, struct ss_request *request, uint64_t tokens, int comes_back);

/* ---- for the engine ---- */

/*
 * Looks a waiting request up, all `tokens` of it. Cached tokens (0 without prefix caching), or -ENOMEM.
 * `needed` is how many free blocks it takes to hold all of it, those that are found included as far as nobody holds
 * them.
 */
static inline int64_t
ss_kv_find(struct ss_kv *kv, struct ss_request *request, uint32_t tokens, uint64_t *needed)
{
    struct ss_prefix *prefix = kv->caches ? &request->extras->prefix : NULL;
    if (prefix != NULL && (prefix->known > 0 || prefix->named)) /* there may be something to be found */
        return ss_kv_find_cached(kv, prefix, tokens, needed);
    *needed = ss_kv_blocks_of(kv, tokens);
    return 0;
}

/* The request starts with what was found: nothing may have changed since. */
static inline void
ss_kv_share(struct ss_kv *kv, struct ss_request *request)
{
    if (kv->caches)
        ss_kv_share_cached(kv, request);
}

/* The request's chunk takes its blocks. They are free: the caller has looked. */
static inline void
ss_kv_take_chunk(struct ss_kv *kv, struct ss_request *request)
{
    const struct ss_place *place = request->place;
    kv->free -= ss_kv_chunk_blocks(kv, request, place->chunk);
    if (kv->caches)
        ss_kv_hold_cached(kv, request, (uint64_t)place->computed + place->chunk);
}

/* The chunk is taken out of the step again. */
static inline void
ss_kv_undo_chunk(struct ss_kv *kv, struct ss_request *request)
{
    if (kv->caches)
        ss_kv_unhold_cached(kv, request, request->place->computed);
    else
        kv->free += ss_kv_chunk_blocks(kv, request, request->place->chunk);
}

/* Members of a batch take so many blocks for the tokens that they decode. */
static inline void
ss_kv_take_decodes(struct ss_kv *kv, uint64_t blocks)
{
    kv->free -= blocks;
    if (kv->caches && blocks > 0) /* most steps take none */
        ss_kv_decode_cached(kv, blocks);
}

/* Members that lose their place in the step give those back. */
static inline void
ss_kv_undo_decodes(struct ss_kv *kv, uint64_t blocks)
{
    kv->free += blocks;
    if (kv->caches)
        ss_kv_undecode_cached(kv, blocks);
}

/* A request that holds so many tokens gives all of its blocks back, and leaves for good. */
static inline void
ss_kv_release(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    if (kv->caches)
        ss_kv_release_cached(kv, request, tokens, 0);
    else
        kv->free += ss_kv_blocks_of(kv, tokens);
}

/* It gives them back, and will look for what is left of them. */
static inline void
ss_kv_give_up(struct ss_kv *kv, struct ss_request *request, uint64_t tokens)
{
    if (kv->caches)
        ss_kv_release_cached(kv, request, tokens, 1);
    else
        kv->free += ss_kv_blocks_of(kv, tokens);
}

/* Its `computed` tokens move to the host's memory. There is room: the caller has looked. The blocks that are copied. */
static inline uint64_t
ss_kv_swap_out(struct ss_kv *kv, struct ss_request *request)
{
    uint64_t blocks = ss_kv_blocks_of(kv, request->place->computed);
    ss_kv_give_up(kv, request, request->place->computed);
    kv->host_free -= blocks;
    return blocks;
}

/* Room in the table of one that comes back. 0 or -ENOMEM. */
static inline int
ss_kv_reserve(const struct ss_kv *kv, struct ss_request *request)
{
    return kv->caches ? ss_prefix_reserve(&request->extras->prefix, request->extras->prefix.known) : 0;
}

/* Its `computed` tokens are put into the cache, all of them, whatever of them is there. The blocks that they take. */
static inline uint64_t
ss_kv_receive(struct ss_kv *kv, struct ss_request *request)
{
    uint64_t blocks = ss_kv_blocks_of(kv, request->place->computed);
    kv->free -= blocks;
    if (kv->caches)
        ss_kv_hold_cached(kv, request, request->place->computed);
    return blocks;
}

/* They come back from the host's memory. */
static inline uint64_t
ss_kv_swap_in(struct ss_kv *kv, struct ss_request *request)
{
    uint64_t blocks = ss_kv_receive(kv, request);
    kv->host_free += blocks;
    return blocks;
}

/* The copy in the host's memory is forgotten. */
static inline void
ss_kv_drop_swapped(struct ss_kv *kv, const struct ss_request *request)
{
    kv->host_free += ss_kv_blocks_of(kv, request->place->computed);
}

/* Recounts with the requests of some lists: NULL, or what is wrong. For --verify, with prefix caching. */
const char *ss_kv_check(const struct ss_kv *kv, const struct ss_request *const *lists, size_t count);

#endif
