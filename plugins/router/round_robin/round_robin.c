/*
 * router/round_robin - each request to the next replica in turn, whatever their load.
 */
#include "router/common/down.h"

struct router {
    struct router_down down;
    uint32_t next;
};

static uint32_t
after(const struct router *router, uint32_t replica)
{
    return replica + 1 < router->down.replicas ? replica + 1 : 0;
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)request;
    (void)err;
    for (uint32_t passed = 1; router->down.is[router->next] && passed < router->down.replicas; passed++)
        router->next = after(router, router->next);
    *replica = router->next;
    router->next = after(router, router->next);
    return 0;
}

static void
replica_up(void *self, uint32_t replica, uint32_t up)
{
    router_down_set(&((struct router *)self)->down, replica, up);
}

static void
destroy(void *self)
{
    struct router *router = self;
    router_down_free(&router->down);
    free(router);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_router_context *context = args->context;
    (void)host;
    if (context == NULL || context->replicas == 0)
        return servsim_fail(err, EINVAL, "a router needs at least one replica");
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    if (router_down_make(&router->down, context->replicas) != 0) {
        destroy(router);
        return servsim_fail(err, ENOMEM, "out of memory");
    }
    *self = router;
    return 0;
}

static const struct servsim_router_ops ops = {.size = sizeof ops, .route = route, .replica_up = replica_up};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "round_robin",
    .version = "1.0",
    .summary = "each request to the next replica in turn",
    .licence = "Apache-2.0",
    .page = "The first request goes to replica 0, the next to replica 1, and so on round. Load is not looked at. "
            "Replicas that are known to be down are passed over.",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
