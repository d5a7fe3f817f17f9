/*
 * engine/prefix.c - names for the contents of blocks.
 */
#include "engine/prefix.h"

#include <errno.h>
#include <stdlib.h>

/* Kinds of streams: equal numbers of different kinds name different things. */
#define KIND_OWN UINT64_C(0x6f776e0000000001)
#define KIND_PROMPT UINT64_C(0x70726f6d70740002)
#define KIND_SHARED UINT64_C(0x7368617265640003)
#define KIND_PIECE UINT64_C(0x7069656365000004)
#define KIND_TOKENS UINT64_C(0x746f6b656e730005)

/* Two words to one: twice the step of SplitMix64, so that order counts. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
    struct servsim_random random = {a};
    random.state = servsim_random_u64(&random) ^ b;
    return servsim_random_u64(&random);
}

static int
name_pieces(struct ss_prefix *prefix, const struct servsim_arrival *arrival)
{
    prefix->ids = malloc(arrival->block_hash_count * sizeof *prefix->ids);
    if (prefix->ids == NULL)
        return -ENOMEM;
    prefix->id_count = arrival->block_hash_count;
    prefix->id_tokens = arrival->block_hash_tokens;
    for (uint32_t i = 0; i < prefix->id_count; i++)
        prefix->ids[i] = mix(KIND_PIECE, arrival->block_hashes[i]);
    return 0;
}

/* One chained id for each whole block of the prompt. */
static int
name_tokens(struct ss_prefix *prefix, const struct servsim_arrival *arrival, uint32_t block_size)
{
    uint32_t count = arrival->prompt_tokens / block_size;
    prefix->ids = malloc((count > 0 ? count : 1) * sizeof *prefix->ids);
    if (prefix->ids == NULL)
        return -ENOMEM;
    prefix->id_count = count;
    prefix->id_tokens = block_size;
    uint64_t chain = KIND_TOKENS;
    const int32_t *token = arrival->token_ids;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < block_size; j++)
            chain = mix(chain, (uint64_t)(uint32_t)*token++);
        prefix->ids[i] = chain;
    }
    return 0;
}

/* Tokens at the prompt's beginning that others may have, too. */
static uint64_t
known_tokens(const struct ss_prefix *prefix)
{
    uint64_t known = prefix->prompt != 0 ? prefix->prompt_tokens : prefix->shared_tokens;
    if (prefix->ids != NULL)
        known = (uint64_t)prefix->id_count * prefix->id_tokens;
    return known < prefix->prompt_tokens ? known : prefix->prompt_tokens;
}

static int
name_prompt(struct ss_prefix *prefix, uint64_t id, const struct servsim_arrival *arrival, uint32_t block_size)
{
    *prefix = (struct ss_prefix){.id = id, .prompt_tokens = arrival->prompt_tokens};
    prefix->prompt = arrival->prompt_id != 0 ? mix(KIND_PROMPT, arrival->prompt_id) : 0;
    if (arrival->token_ids != NULL)
        return name_tokens(prefix, arrival, block_size);
    if (arrival->block_hashes != NULL && arrival->block_hash_count > 0 && arrival->block_hash_tokens > 0)
        return name_pieces(prefix, arrival);
    prefix->shared = arrival->prefix_tokens > 0 ? mix(KIND_SHARED, arrival->prefix_id) : 0;
    prefix->shared_tokens = arrival->prefix_tokens;
    return 0;
}

int
ss_prefix_name(struct ss_prefix *prefix, uint64_t id, const struct servsim_arrival *arrival, uint32_t block_size)
{
    int rc = name_prompt(prefix, id, arrival, block_size);
    prefix->known = (uint32_t)(known_tokens(prefix) / block_size);
    return rc;
}

int
ss_prefix_reserve(struct ss_prefix *prefix, uint64_t blocks)
{
    if (blocks <= prefix->capacity)
        return 0;
    uint32_t *grown = realloc(prefix->blocks, blocks * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    prefix->blocks = grown;
    prefix->capacity = (uint32_t)blocks;
    return 0;
}

/* 0: the request's own. */
static uint64_t
stream_of_others(const struct ss_prefix *prefix, uint64_t end)
{
    if (end > prefix->prompt_tokens)
        return 0;
    if (end <= prefix->shared_tokens)
        return prefix->shared;
    if (prefix->ids == NULL)
        return prefix->prompt;
    uint32_t piece = (uint32_t)(end - 1) / prefix->id_tokens; /* of a prompt's tokens: 32 bits are enough */
    return piece < prefix->id_count ? prefix->ids[piece] : 0;
}

/* By the last token in the block. A block that is partly generated, or that no id reaches, is the request's own. */
static uint64_t
stream_of(struct ss_prefix_keys *keys, uint64_t end)
{
    uint64_t stream = stream_of_others(keys->prefix, end);
    if (stream != 0)
        return stream;
    if (keys->own == 0)
        keys->own = mix(KIND_OWN, keys->prefix->id);
    return keys->own;
}

uint64_t
ss_prefix_key(struct ss_prefix_keys *keys, uint64_t block)
{
    uint64_t stream = stream_of(keys, (block + 1) * keys->block_size), group = block / 4;
    if (keys->name == 0 || stream != keys->stream || group != keys->group) {
        keys->stream = stream;
        keys->group = group;
        keys->name = (mix(stream, group) & ~UINT64_C(3)) | UINT64_C(1) << 63;
    }
    return keys->name | (block % 4);
}
