/*
 * engine/prefix.h - what a request's blocks hold, and which blocks they are. Only with prefix caching.
 *
 * The contents of block b are named by a stream and b. A stream is what blocks are cut from: the text that a prompt id
 * names, a shared beginning, the request itself. Ids of pieces (of Mooncake, or chained hashes of token ids) are one
 * stream for each piece: such an id stands for all tokens up to the piece's end. Equal names, equal contents; what a
 * request generates is its own.
 */
#ifndef SS_ENGINE_PREFIX_H
#define SS_ENGINE_PREFIX_H

#include <stdlib.h>

#include "servsim/plugin.h"

struct ss_prefix {
    uint64_t id;                  /* the request's: its own stream is named when it is asked for, which is rarely */
    uint64_t prompt, shared;      /* streams; 0: not known, and so the request's own, or there is none */
    uint64_t *ids;                /* of pieces of the prompt, as streams */
    uint32_t id_count, id_tokens; /* how many, and tokens of each piece */
    uint32_t prompt_tokens, shared_tokens;
    uint32_t *blocks; /* the first of those held, as far as others may find them: items of the pool, in order */
    uint32_t tabled;  /* how many; of a request that does not run, how many were found at the last look */
    uint32_t capacity;
    uint32_t count;       /* held, those of the prefill: the decoded ones are the batch's until the request leaves */
    uint32_t known;       /* blocks from this one on hold what their request alone can ask for */
    uint32_t named;       /* some of those were given up, to be looked for: they are in the index */
    uint32_t lost_tokens; /* computed before the last preemption */
};

/* Names the contents of the request with this id, which arrives. 0 or -ENOMEM. */
int ss_prefix_name(struct ss_prefix *prefix, uint64_t id, const struct servsim_arrival *arrival, uint32_t block_size);

/* Room for the table of so many blocks. 0 or -ENOMEM. */
int ss_prefix_reserve(struct ss_prefix *prefix, uint64_t blocks);

/* The request has left: its arrays go, and what stands here is nobody's. Most have none, and save two calls. */
static inline void
ss_prefix_clear(struct ss_prefix *prefix)
{
    if (prefix->ids != NULL)
        free(prefix->ids);
    if (prefix->blocks != NULL)
        free(prefix->blocks);
    prefix->ids = NULL;
    prefix->blocks = NULL;
}

/* Keys of blocks, cheapest one after another. Zero but for the first two. */
struct ss_prefix_keys {
    const struct ss_prefix *prefix;
    uint32_t block_size;
    uint64_t own;                 /* the request's stream; 0: not worked out yet */
    uint64_t stream, group, name; /* what four neighbours have in common; name 0: likewise */
};

/* Of a full block; neither 0 nor 1. Four neighbours of one stream have neighbouring keys. */
uint64_t ss_prefix_key(struct ss_prefix_keys *keys, uint64_t block);

#endif
