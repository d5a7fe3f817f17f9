/*
 * sticky - a router for servsim: all requests of one client go to one replica, where their prompts may be cached.
 *
 * The replica follows from a hash of the client, so there is nothing to remember. With `spread: 2`, each client has two
 * replicas, and the one with the shorter queue gets the request.
 */
#include "servsim/plugin.h"

struct sticky {
    const struct servsim_host *host;
    uint32_t replicas, spread;
};

static uint32_t
choice(const struct sticky *sticky, uint64_t client, uint32_t which)
{
    struct servsim_random hash = {client * 31 + which};
    return (uint32_t)(servsim_random_u64(&hash) % sticky->replicas);
}

static uint32_t
queue_of(const struct sticky *sticky, uint32_t replica)
{
    struct servsim_replica_state state = {.size = sizeof state};
    if (sticky->host->replica_state(sticky->host->ctx, replica, &state) != 0)
        return UINT32_MAX;
    return state.waiting + state.running;
}

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    const struct sticky *sticky = self;
    uint32_t best = choice(sticky, request->client, 0);
    (void)err;
    for (uint32_t i = 1; i < sticky->spread; i++) {
        uint32_t other = choice(sticky, request->client, i);
        best = queue_of(sticky, other) < queue_of(sticky, best) ? other : best;
    }
    *replica = best;
    return 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_router_context *context = args->context;
    struct sticky *sticky = calloc(1, sizeof *sticky);
    if (sticky == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    sticky->host = host;
    sticky->replicas = context->replicas;
    sticky->spread = (uint32_t)servsim_integer(args, "spread");
    *self = sticky;
    return 0;
}

static void
destroy(void *self)
{
    free(self);
}

static const struct servsim_option options[] = {
    {"spread", "", "1", NULL, "replicas among which a client's requests go to the shorter queue", 1, 16,
     SERVSIM_OPTION_INTEGER, 0},
};

static const struct servsim_router_ops ops = {.size = sizeof ops, .route = route};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_ROUTER, options),
    .name = "sticky",
    .version = "1.0",
    .summary = "each client on a replica of its own",
    .licence = "Apache-2.0",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
