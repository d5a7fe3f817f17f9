/*
 * base/seed.h - seeds for plugins: one stream for each purpose, whatever else there is.
 */
#ifndef SS_BASE_SEED_H
#define SS_BASE_SEED_H

#include <stdint.h>

#include "servsim/plugin.h"

/* SplitMix64's finaliser over the experiment's seed and an FNV-1a hash of the purpose. */
static inline uint64_t
ss_seed_for(uint64_t seed, const char *purpose)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *at = purpose; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    struct servsim_random random = {seed ^ hash};
    return servsim_random_u64(&random);
}

#endif
