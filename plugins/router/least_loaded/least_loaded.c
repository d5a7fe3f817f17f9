/*
 * router/least_loaded - each request to the replica with the fewest requests in it, waiting or running.
 *
 * The loads are the leaves of a tournament: a binary tree whose inner nodes hold the winner below them, so that the
 * root is the answer and a change of one load replays one path, log2(replicas) matches.
 */
#include "servsim/plugin.h"

struct router {
    uint32_t replicas;
    uint32_t leaves;  /* a power of two, at least `replicas` */
    uint64_t *load;   /* requests routed there that have not left; leaves past the last replica never win */
    uint32_t *winner; /* node 1 is the root, children of i are 2i and 2i + 1; leaf i is node `leaves` + i */
};

/* The left one wins ties, and so the lowest index does. */
static uint32_t
match(const struct router *router, uint32_t left, uint32_t right)
{
    return router->load[right] < router->load[left] ? right : left;
}

static void
replay(struct router *router, uint32_t replica)
{
    for (uint32_t node = (router->leaves + replica) / 2; node >= 1; node /= 2)
        router->winner[node] = match(router, router->winner[2 * node], router->winner[2 * node + 1]);
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)request;
    (void)err;
    *replica = router->winner[1];
    router->load[*replica]++;
    replay(router, *replica);
    return 0;
}

static void
leave(void *self, const struct servsim_request *request, uint32_t replica)
{
    struct router *router = self;
    (void)request;
    if (replica >= router->replicas || router->load[replica] == 0)
        return;
    router->load[replica]--;
    replay(router, replica);
}

static void
destroy(void *self)
{
    struct router *router = self;
    free(router->load);
    free(router->winner);
    free(router);
}

static void
seat(struct router *router)
{
    for (uint32_t i = 0; i < router->leaves; i++) {
        router->load[i] = i < router->replicas ? 0 : UINT64_MAX;
        router->winner[router->leaves + i] = i;
    }
    for (uint32_t node = router->leaves - 1; node >= 1; node--)
        router->winner[node] = match(router, router->winner[2 * node], router->winner[2 * node + 1]);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_router_context *context = args->context;
    (void)host;
    if (context == NULL || context->replicas == 0 || context->replicas > UINT32_C(1) << 24)
        return servsim_fail(err, EINVAL, "a router takes from 1 to 16777216 replicas");
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    router->replicas = context->replicas;
    for (router->leaves = 2; router->leaves < router->replicas;)
        router->leaves *= 2;
    router->load = calloc(router->leaves, sizeof *router->load);
    router->winner = calloc(2 * (size_t)router->leaves, sizeof *router->winner);
    if (router->load == NULL || router->winner == NULL) {
        destroy(router);
        return servsim_fail(err, ENOMEM, "out of memory");
    }
    seat(router);
    *self = router;
    return 0;
}

static const struct servsim_router_ops ops = {.size = sizeof ops, .route = route, .leave = leave};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "least_loaded",
    .version = "1.0",
    .summary = "each request to the replica with the fewest requests in it",
    .licence = "Apache-2.0",
    .page = "Counts the requests that were routed to a replica and have not left it, waiting and running alike. Of "
            "equals, the replica with the lowest number takes the request. Lengths are not looked at.",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
