/*
 * router/predictive - each request to the replica with the least predicted work; where predictions are worth nothing,
 * to the one with the fewest requests.
 */
#include "router/common/tournament.h"

#define ENOUGH_OUTCOMES 20 /* before which nothing is known of predictions */
#define LEAST_ORDER (-0.1) /* of predictions that are used: lots have 0, and prompts are known all the same */

struct router {
    struct router_tournament requests, tokens; /* of those routed there that have not left */
    const struct servsim_host *host;
};

static uint64_t
tokens_of(const struct servsim_request *request)
{
    return (uint64_t)request->prompt_tokens + request->predicted_output_tokens;
}

static int
is_trusted(const struct router *router, const struct servsim_request *request)
{
    struct servsim_quality quality;
    return request->predicted_output_tokens > 0 && servsim_prediction_quality(router->host, &quality) > 0 &&
           quality.outcomes >= ENOUGH_OUTCOMES && quality.order >= LEAST_ORDER;
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)err;
    *replica = router_tournament_least(is_trusted(router, request) ? &router->tokens : &router->requests);
    router_tournament_add(&router->requests, *replica, 1);
    router_tournament_add(&router->tokens, *replica, tokens_of(request));
    return 0;
}

static void
leave(void *self, const struct servsim_request *request, uint32_t replica)
{
    struct router *router = self;
    router_tournament_take(&router->requests, replica, 1);
    router_tournament_take(&router->tokens, replica, tokens_of(request));
}

static void
replica_up(void *self, uint32_t replica, uint32_t up)
{
    struct router *router = self;
    router_tournament_replica_up(&router->requests, replica, up);
    router_tournament_replica_up(&router->tokens, replica, up);
}

static void
destroy(void *self)
{
    struct router *router = self;
    router_tournament_free(&router->requests);
    router_tournament_free(&router->tokens);
    free(router);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    router->host = host;
    int32_t rc = router_tournament_make(&router->requests, args->context, err);
    if (rc == 0)
        rc = router_tournament_make(&router->tokens, args->context, err);
    if (rc != 0)
        destroy(router);
    else
        *self = router;
    return rc;
}

static const struct servsim_router_ops ops = {
    .size = sizeof ops, .route = route, .leave = leave, .replica_up = replica_up};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "predictive",
    .version = "1.0",
    .summary = "each request to the replica with the least predicted work; without predictions as least_loaded",
    .licence = "Apache-2.0",
    .page =
        "The work of a replica is that of the requests which were routed there and have not left: their prompt and "
        "their predicted output tokens, that is the KV cache which they will hold in the end. Of equals the replica "
        "with the lowest number takes the request. How far a request is, is not looked at: it counts whole until "
        "it leaves.\n\n"
        "Without a prediction it is least_loaded. What an estimate of lengths is worth to a router: Jain et al., "
        "Intelligent Router for LLM Workloads (2024); the least work of all is what join-the-shortest-queue "
        "approximates where lengths are unknown (Harchol-Balter, Performance Modeling and Design of Computer "
        "Systems, 2013, chapter 24).",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
