/*
 * router/random - each request to a replica that is drawn by lot, all alike.
 *
 * The floor that a router must beat: it knows of a replica only whether it is up.
 */
#include "router/common/draw.h"

struct router {
    struct router_order order;
    struct servsim_random lots;
};

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)request;
    (void)err;
    *replica = router->order.replicas[router_below(&router->lots, router->order.up)];
    return 0;
}

static void
replica_up(void *self, uint32_t replica, uint32_t up)
{
    router_order_set(&((struct router *)self)->order, replica, up);
}

static void
destroy(void *self)
{
    struct router *router = self;
    router_order_free(&router->order);
    free(router);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_router_context *context = args->context;
    if (context == NULL || context->replicas == 0)
        return servsim_fail(err, EINVAL, "a router needs at least one replica");
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    if (router_order_make(&router->order, context->replicas) != 0) {
        destroy(router);
        return servsim_fail(err, ENOMEM, "out of memory");
    }
    router->lots.state = host->seed(host->ctx, "router.random");
    *self = router;
    return 0;
}

static const struct servsim_router_ops ops = {.size = sizeof ops, .route = route, .replica_up = replica_up};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "random",
    .version = "1.0",
    .summary = "each request to a replica drawn by lot",
    .licence = "Apache-2.0",
    .page = "Every replica that is not known to be down is as likely as every other, whatever its load. The lots "
            "depend on the experiment's seed "
            "alone. Costs the same for any number of replicas.",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
