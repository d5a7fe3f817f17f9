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

/* Replicas in some order, those that are up before those that are down. */
struct router_order {
    uint32_t *replicas; /* [count] */
    uint32_t count, up;
};

/* All up, in their own order. 0 or -ENOMEM. */
static inline int32_t
router_order_make(struct router_order *out, uint32_t count)
{
    out->count = out->up = count;
    out->replicas = (uint32_t *)calloc(count, sizeof *out->replicas);
    for (uint32_t i = 0; out->replicas != NULL && i < count; i++)
        out->replicas[i] = i;
    return out->replicas != NULL ? 0 : -ENOMEM;
}

static inline void
router_order_free(struct router_order *order)
{
    free(order->replicas);
}

/* The replica goes to the end of those that are up, or to the head of those that are down. */
static inline void
router_order_set(struct router_order *order, uint32_t replica, uint32_t up)
{
    uint32_t at = 0;
    while (at < order->count && order->replicas[at] != replica)
        at++;
    if (at == order->count || (at < order->up) == (up != 0))
        return;
    uint32_t to = up ? order->up++ : --order->up;
    order->replicas[at] = order->replicas[to];
    order->replicas[to] = replica;
}

#endif
