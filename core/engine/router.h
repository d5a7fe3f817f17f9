/*
 * engine/router.h - an instance of the router plugin, and the replicas that it chooses from.
 */
#ifndef SS_ENGINE_ROUTER_H
#define SS_ENGINE_ROUTER_H

#include <errno.h>

#include "plugin/registry.h"

struct ss_cluster;

struct ss_router {
    struct ss_cluster *cluster;
    uint32_t first, count; /* its replicas, which it counts from 0 */
    uint64_t seed;
    struct servsim_host host;
    struct ss_instance instance;
    const struct servsim_router_ops *ops;
};

/* Over `count` replicas of the cluster from `first` on; stays where it is until it is freed. 0 or -errno. */
int ss_router_make(struct ss_router *router, struct ss_cluster *cluster, uint32_t first, uint32_t count, uint64_t seed,
                   struct servsim_error *err);
void ss_router_free(struct ss_router *router);

/* What is wrong with an answer of route(). -EPROTO. */
int ss_router_misroutes(const struct ss_router *router, const struct servsim_request *seen, uint32_t replica, int rc,
                        struct servsim_error *err);

/* One of its replicas, from 0, for the request. 0 or -EPROTO. */
static inline int
ss_router_route(const struct ss_router *router, const struct servsim_request *seen, uint32_t *replica,
                struct servsim_error *err)
{
    *replica = 0;
    err->text[0] = '\0';
    int rc = router->ops->route(router->instance.self, seen, replica, err);
    return rc == 0 && *replica < router->count ? 0 : ss_router_misroutes(router, seen, *replica, rc, err);
}

/* The request is not any more where it was routed to. */
static inline void
ss_router_leave(const struct ss_router *router, const struct servsim_request *seen, uint32_t replica)
{
    if (SERVSIM_COVERS(router->ops, struct servsim_router_ops, leave) && router->ops->leave != NULL)
        router->ops->leave(router->instance.self, seen, replica);
}

/* Does it want to know which replicas are up? */
static inline int
ss_router_minds(const struct ss_router *router)
{
    return SERVSIM_COVERS(router->ops, struct servsim_router_ops, replica_up) && router->ops->replica_up != NULL;
}

#endif
