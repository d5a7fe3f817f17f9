/*
 * router/least_loaded - each request to the replica with the fewest requests in it, waiting or running.
 */
#include "router/common/tournament.h"

static int32_t
route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct router_tournament *requests = self; /* routed there that have not left */
    (void)request;
    (void)err;
    *replica = router_tournament_least(requests);
    router_tournament_add(requests, *replica, 1);
    return 0;
}

static void
leave(void *self, const struct servsim_request *request, uint32_t replica)
{
    (void)request;
    router_tournament_take(self, replica, 1);
}

static void
replica_up(void *self, uint32_t replica, uint32_t up)
{
    router_tournament_replica_up(self, replica, up);
}

static void
destroy(void *self)
{
    router_tournament_free(self);
    free(self);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct router_tournament *requests = calloc(1, sizeof *requests);
    (void)host;
    if (requests == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    int32_t rc = router_tournament_make(requests, args->context, err);
    if (rc != 0)
        destroy(requests);
    else
        *self = requests;
    return rc;
}

static const struct servsim_router_ops ops = {
    .size = sizeof ops, .route = route, .leave = leave, .replica_up = replica_up};

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
