/*
 * router/round_robin - each request to the next replica in turn, whatever their load.
 */
#include "servsim/plugin.h"

struct router {
    uint32_t replicas;
    uint32_t next;
};

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)request;
    (void)err;
    *replica = router->next;
    router->next = router->next + 1 < router->replicas ? router->next + 1 : 0;
    return 0;
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
    router->replicas = context->replicas;
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
    .name = "round_robin",
    .version = "1.0",
    .summary = "each request to the next replica in turn",
    .licence = "Apache-2.0",
    .page = "The first request goes to replica 0, the next to replica 1, and so on round. Load is not looked at.",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
