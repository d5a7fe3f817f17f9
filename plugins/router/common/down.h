/*
 * down.h - for routers that go through the replicas: which of them are down.
 */
#ifndef ROUTER_DOWN_H
#define ROUTER_DOWN_H

#include "servsim/plugin.h"

struct router_down {
    uint32_t replicas;
    uint8_t *is; /* [replicas] 1: down */
};

/* All are up. 0 or -ENOMEM. */
static inline int32_t
router_down_make(struct router_down *out, uint32_t replicas)
{
    out->replicas = replicas;
    out->is = (uint8_t *)calloc(replicas, sizeof *out->is);
    return out->is != NULL ? 0 : -ENOMEM;
}

static inline void
router_down_free(struct router_down *down)
{
    free(down->is);
}

static inline void
router_down_set(struct router_down *down, uint32_t replica, uint32_t up)
{
    if (replica < down->replicas)
        down->is[replica] = up == 0;
}

#endif
