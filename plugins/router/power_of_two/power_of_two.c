/*
 * router/power_of_two - draws a few replicas by lot and takes the one of them with the fewest requests.
 *
 * Two choices in place of one bring nearly all that looking at every replica would (Azar, Broder, Karlin, Upfal 1999;
 * Mitzenmacher 2001), at a cost that does not grow with the replicas.
 */
#include "router/common/draw.h"

static const struct servsim_option options[] = {
    {"choices", "", "2", NULL, "replicas that are looked at for each request; all, where there are fewer", 2, 1024,
     SERVSIM_OPTION_INTEGER, 0},
};

struct router {
    uint32_t choices;
    uint64_t *load;            /* requests routed there that have not left */
    struct router_order order; /* that earlier lots left them in */
    struct servsim_random lots;
};

/* The lot number `drawn` among those not drawn for this request yet (a partial Fisher-Yates shuffle). */
static uint32_t
draw(struct router *router, uint32_t drawn)
{
    uint32_t *order = router->order.replicas;
    uint32_t at = drawn + router_below(&router->lots, router->order.up - drawn);
    uint32_t replica = order[at];
    order[at] = order[drawn];
    order[drawn] = replica;
    return replica;
}

/* Of equals the one that was drawn first, so that no replica is favoured. */
static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router *router = self;
    (void)request;
    (void)err;
    uint32_t best = draw(router, 0);
    for (uint32_t i = 1; i < router->choices && i < router->order.up; i++) {
        uint32_t other = draw(router, i);
        best = router->load[other] < router->load[best] ? other : best;
    }
    router->load[best]++;
    *replica = best;
    return 0;
}

static void
leave(void *self, const struct servsim_request *request, uint32_t replica)
{
    struct router *router = self;
    (void)request;
    if (replica < router->order.count && router->load[replica] > 0)
        router->load[replica]--;
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
    free(router->load);
    router_order_free(&router->order);
    free(router);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_router_context *context = args->context;
    if (context == NULL || context->replicas == 0 || context->replicas > UINT32_C(1) << 24)
        return servsim_fail(err, EINVAL, "a router takes from 1 to 16777216 replicas");
    struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    router->choices = (uint32_t)servsim_integer(args, "choices");
    router->lots.state = host->seed(host->ctx, "router.power_of_two");
    router->load = calloc(context->replicas, sizeof *router->load);
    if (router_order_make(&router->order, context->replicas) != 0 || router->load == NULL) {
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
    .name = "power_of_two",
    .version = "1.0",
    .summary = "of two replicas drawn by lot, the one with fewer requests in it",
    .licence = "Apache-2.0",
    .page = "Draws `choices` different replicas, all alike, and takes the one with the fewest requests that were "
            "routed to it and have not left, waiting and running alike; of equals, the one drawn first. The lots "
            "depend on the experiment's seed alone. Costs as much as there are choices, not replicas.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
