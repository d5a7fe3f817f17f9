/*
 * draw.h - for routers that draw lots.
 */
#ifndef ROUTER_DRAW_H
#define ROUTER_DRAW_H

#include "servsim/plugin.h"

/* A whole number below `bound`, which is at least 1 (multiply and shift; the bias is below 2^-32). */
static inline uint32_t
router_below(struct servsim_random *random, uint32_t bound)
{
    return (uint32_t)(((servsim_random_u64(random) >> 32) * bound) >> 32);
}

#endif
