/*
 * engine/router.c - what a router can ask its host, and what is said of answers that cannot be.
 */
#include "engine/router.h"

#include "base/seed.h"
#include "engine/cluster.h"

/* ---- services ---- */

static uint64_t
seed_for(void *ctx, const char *purpose)
{
    return ss_seed_for(((const struct ss_router *)ctx)->seed, purpose);
}

static void
log_line(void *ctx, uint32_t level, const char *text)
{
    const struct ss_sim_options *options = ((const struct ss_router *)ctx)->cluster->options;
    if (options->log != NULL)
        options->log(options->log_ctx, level, text);
}

static void
fails(void *ctx, const char *text)
{
    const struct ss_router *router = ctx;
    ss_cluster_fail(router->cluster, router->instance.descriptor, text);
}

/* No more than the router has room for: it says how much, and may be older or newer than this. */
static int32_t
replica_state(void *ctx, uint32_t index, struct servsim_replica_state *out)
{
    const struct ss_router *router = ctx;
    const struct ss_cluster *cluster = router->cluster;
    struct servsim_replica_state state = {.size = out->size < sizeof state ? out->size : (uint32_t)sizeof state};
    if (state.size < sizeof state.size) {
        fails(ctx, "replica_state() is given a state without a size; write "
                   "struct servsim_replica_state state = {.size = sizeof state}");
        return -EINVAL;
    }
    if (index >= router->count)
        return -EINVAL;
    const struct ss_replica *ranks = &cluster->ranks[(size_t)(router->first + index) * cluster->cell->dp];
    for (uint32_t i = 0; i < cluster->cell->dp; i++)
        ss_replica_state(&ranks[i], cluster->now, &state);
    memcpy(out, &state, state.size);
    return 0;
}

static int32_t
prediction_quality(void *ctx, struct servsim_quality *out)
{
    return ss_predictor_quality(((const struct ss_router *)ctx)->cluster, out);
}

static int32_t
forecast(void *ctx, struct servsim_minute *out, uint32_t minutes, struct servsim_minute *usual)
{
    return ss_predictor_forecast(((const struct ss_router *)ctx)->cluster, out, minutes, usual);
}

/* ---- making, ending, failing ---- */

int
ss_router_make(struct ss_router *router, struct ss_cluster *cluster, uint32_t first, uint32_t count, uint64_t seed,
               struct servsim_error *err)
{
    const struct servsim_router_context context = {sizeof context, count};
    *router = (struct ss_router){.cluster = cluster, .first = first, .count = count, .seed = seed};
    router->host = (struct servsim_host){.size = sizeof router->host,
                                         .abi_minor = SERVSIM_ABI_MINOR,
                                         .ctx = router,
                                         .log = log_line,
                                         .seed = seed_for,
                                         .replica_state = replica_state,
                                         .fail = fails,
                                         .prediction_quality = prediction_quality,
                                         .forecast = forecast};
    int rc = ss_instance_create(&router->instance, &cluster->cell->router, &router->host, &context, err);
    if (rc == 0)
        router->ops = router->instance.descriptor->ops;
    return rc;
}

void
ss_router_free(struct ss_router *router)
{
    ss_instance_destroy(&router->instance);
}

int
ss_router_misroutes(const struct ss_router *router, const struct servsim_request *seen, uint32_t replica, int rc,
                    struct servsim_error *err)
{
    const char *name = router->instance.descriptor->name;
    if (rc < 0 && err->text[0] != '\0') {
        char said[512];
        (void)snprintf(said, sizeof said, "%.500s", err->text);
        return servsim_fail(err, EPROTO, "router plugin '%s': %s", name, said);
    }
    return servsim_fail(err, EPROTO, "router plugin '%s' sent request %llu to %sreplica %u of %u (answer %d)", name,
                        (unsigned long long)seen->id, router->first > 0 ? "decode " : "", replica, router->count, rc);
}
