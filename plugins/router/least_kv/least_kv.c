/*
 * router/least_kv - each request to the replica whose KV cache holds the fewest blocks, those included that prompts not
 * yet computed will take: without them, requests that come between two steps of a replica would all go to the same one.
 *
 * The blocks change with every step, so there is nothing to keep between requests: each one looks at every replica.
 */
#include "router/common/down.h"

struct router {
    struct router_down down;
    const struct servsim_host *host;
};

/* One replica as it competes. */
struct candidate {
    uint64_t blocks, requests;
};

static int32_t
look(const struct router *router, uint32_t replica, struct candidate *out, struct servsim_error *err)
{
    struct servsim_replica_state state = {.size = sizeof state};
    if (router->host->replica_state(router->host->ctx, replica, &state) != 0)
        return servsim_fail(err, EPROTO, "the host does not tell the state of replica %u", replica);
    out->blocks = state.kv_blocks_used + (state.block_size > 0 ? state.prefill_tokens_left / state.block_size : 0);
    out->requests = (uint64_t)state.waiting + state.running;
    return 0;
}

static int
is_better(const struct candidate *a, const struct candidate *b)
{
    return a->blocks != b->blocks ? a->blocks < b->blocks : a->requests < b->requests;
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    const struct router *router = self;
    struct candidate best = {0, 0}, other = {0, 0};
    int any = 0;
    (void)request;
    for (uint32_t i = 0; i < router->down.replicas; i++) {
        if (router->down.is[i])
            continue;
        int32_t rc = look(router, i, &other, err);
        if (rc != 0)
            return rc;
        if (!any || is_better(&other, &best)) {
            any = 1;
            best = other;
            *replica = i;
        }
        if (best.requests == 0 && best.blocks == 0)
            break; /* an idle one: none that follows is better */
    }
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
    if (context == NULL || context->replicas == 0)
        return servsim_fail(err, EINVAL, "a router needs at least one replica");
    if (!SERVSIM_COVERS(host, struct servsim_host, replica_state) || host->replica_state == NULL)
        return servsim_fail(err, ENOTSUP, "the host does not tell the state of replicas; use least_loaded");
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    router->host = host;
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
    .name = "least_kv",
    .version = "1.0",
    .summary = "each request to the replica with the fewest KV blocks, in use and asked for",
    .licence = "Apache-2.0",
    .page = "Looks at the KV blocks in use at that instant, plus those that prompts not yet computed will take; of "
            "equals the replica with the fewest requests takes it, and of equals again the one with the lowest "
            "number.\n\n"
            "Looks at each replica for each request, until it finds one that is idle.",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
