/*
 * prompts.h - which prompts are equal, where a traffic does not say so itself: what prefix caching can find.
 */
#ifndef WL_PROMPTS_H
#define WL_PROMPTS_H

#include "servsim/plugin.h"

/* The rows of an option table. */
#define WL_PROMPT_OPTIONS                                                                                              \
    {"distinct_prompts",                                                                                               \
     "",                                                                                                               \
     NULL,                                                                                                             \
     NULL,                                                                                                             \
     "request i has prompt i modulo this, as far as it is long; unless given, no two prompts are known to be equal",   \
     1,                                                                                                                \
     1e12,                                                                                                             \
     SERVSIM_OPTION_INTEGER,                                                                                           \
     0},                                                                                                               \
    {                                                                                                                  \
        "shared_prefix_tokens", "tokens", "0", NULL, "all prompts begin with the same tokens, so many of them", 0,     \
            1e6, SERVSIM_OPTION_INTEGER, 0                                                                             \
    }

struct wl_prompts {
    uint64_t distinct; /* 0: as the traffic says */
    uint32_t shared_tokens;
};

static inline struct wl_prompts
wl_prompts_read(const struct servsim_create *args)
{
    return (struct wl_prompts){
        .distinct = servsim_present(args, "distinct_prompts") ? (uint64_t)servsim_integer(args, "distinct_prompts") : 0,
        .shared_tokens = (uint32_t)servsim_integer(args, "shared_prefix_tokens"),
    };
}

/* Names the prompt of request number `number`, from 0. */
static inline void
wl_prompts_name(const struct wl_prompts *prompts, uint64_t number, struct servsim_arrival *out)
{
    if (prompts->distinct > 0) {
        out->prompt_id = 1 + number % prompts->distinct;
        out->block_hashes = NULL;
        out->token_ids = NULL;
    }
    out->prefix_tokens = prompts->shared_tokens;
}

#endif
