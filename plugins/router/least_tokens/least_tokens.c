/*
 * router/least_tokens - each request to the replica with the fewest tokens ahead of it.
 *
 * Tokens ahead are the prompt tokens that are still to be computed, which the host tells at that instant, and the
 * output tokens that the requests there are expected to have. A router does not know output lengths: it takes the
 * predicted one, or the same guess for all.
 */
#include "router/common/down.h"

static const struct servsim_option options[] = {
    {"output_tokens", "tokens", "256", NULL, "expected output of a request for which nothing is predicted", 0, 1e6,
     SERVSIM_OPTION_INTEGER, 0},
};

struct router {
    uint32_t replicas;
    uint32_t guess;
    struct router_down down;
    uint64_t *expected; /* output tokens of the requests routed there that have not left */
    const struct servsim_host *host;
};

static uint64_t
expected_of(const struct router *router, const struct servsim_request *request)
{
    return request->predicted_output_tokens > 0 ? request->predicted_output_tokens : router->guess;
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    struct servsim_replica_state state = {.size = sizeof state};
    uint64_t fewest = UINT64_MAX;
    for (uint32_t i = 0; i < router->replicas && fewest > 0; i++) {
        if (router->expected[i] >= fewest || router->down.is[i])
            continue; /* cannot win, whatever its prompts */
        if (router->host->replica_state(router->host->ctx, i, &state) != 0)
            return servsim_fail(err, EPROTO, "the host does not tell the state of replica %u", i);
        uint64_t tokens = state.prefill_tokens_left + router->expected[i];
        if (tokens < fewest) {
            fewest = tokens;
            *replica = i;
        }
    }
    router->expected[*replica] += expected_of(router, request);
    return 0;
}

static void
leave(void *self, const struct servsim_request *request, uint32_t replica)
{
    struct router *router = self;
    if (replica >= router->replicas)
        return;
    uint64_t tokens = expected_of(router, request);
    router->expected[replica] -= tokens < router->expected[replica] ? tokens : router->expected[replica];
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
    free(router->expected);
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
    router->replicas = context->replicas;
    router->guess = (uint32_t)servsim_integer(args, "output_tokens");
    router->host = host;
    router->expected = calloc(router->replicas, sizeof *router->expected);
    if (router_down_make(&router->down, router->replicas) != 0 || router->expected == NULL) {
        destroy(router);
        return servsim_fail(err, ENOMEM, "out of memory");
    }
    *self = router;
    return 0;
}

static const struct servsim_router_ops ops = {
    .size = sizeof ops, .route = route, .leave = leave, .replica_up = replica_up};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_ROUTER, options),
    .name = "least_tokens",
    .version = "1.0",
    .summary = "each request to the replica with the fewest tokens still to be computed",
    .licence = "Apache-2.0",
    .page = "The tokens of a replica are (1) prompt tokens that are not computed yet, at that instant, those of "
            "waiting requests and tokens to compute again included, and (2) for each request that was routed there "
            "and has not left, its predicted output length, or `output_tokens` where nothing is predicted. Of equals "
            "the replica with the lowest number takes the request. The length of an output is not known before its "
            "end, nor how far it is, so (2) counts whole until the request leaves.\n\n"
            "An output token counts as much as a prompt token, though it costs more time. A larger output_tokens makes "
            "the router look more at requests and less at prompts; 0 looks at prompts alone.\n\n"
            "Looks at those replicas for each request that may still win by (2), in the worst case all.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
