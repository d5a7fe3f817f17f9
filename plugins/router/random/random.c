/*
 * router/random - each request to a replica that is drawn by lot, all alike.
 *
 * The floor that a router must beat: it knows nothing and keeps nothing.
 */
#include "router/common/draw.h"

struct router {
    uint32_t replicas;
    struct servsim_random lots;
};

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)request;
    (void)err;
    *replica = router_below(&router->lots, router->replicas);
    return 0;
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
    router->replicas = context->replicas;
    router->lots.state = host->seed(host->ctx, "router.random");
    *self = router;
    return 0;
}

static void
destroy(void *self)
{
    free(self);
}

static const struct servsim_router_ops ops = {.size = sizeof ops, .route = route};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "random",
    .version = "1.0",
    .summary = "each request to a replica drawn by lot",
    .licence = "Apache-2.0",
    .page = "Every replica is as likely as every other, whatever its load. The lots depend on the experiment's seed "
            "alone. Costs the same for any number of replicas.",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
