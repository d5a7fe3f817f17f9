/*
 * broken/fit.h - a small router with nothing wrong, for plugins that are broken in one way each to begin with.
 *
 * BROKEN_PLUGIN(change) exports a plugin that is `fit` after `change` was done to it.
 */
#ifndef BROKEN_FIT_H
#define BROKEN_FIT_H

#include "servsim/plugin.h"

static int32_t
fit_create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    (void)args;
    (void)err;
    *self = NULL;
    return 0;
}

static void
fit_destroy(void *self)
{
    (void)self;
}

static int32_t
fit_route(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    (void)self;
    (void)request;
    (void)err;
    *replica = 0;
    return 0;
}

static const struct servsim_router_ops fit_ops = {.size = sizeof fit_ops, .route = fit_route};

static const struct servsim_plugin fit = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_ROUTER),
    .name = "broken",
    .version = "1.0",
    .summary = "a router that is broken on purpose",
    .licence = "Apache-2.0",
    .create = fit_create,
    .destroy = fit_destroy,
    .ops = &fit_ops,
};

#define BROKEN_PLUGIN(change_)                                                                                         \
    SERVSIM_EXPORT int32_t servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)                        \
    {                                                                                                                  \
        static struct servsim_plugin plugin;                                                                           \
        if (index != 0)                                                                                                \
            return 0;                                                                                                  \
        plugin = fit;                                                                                                  \
        change_;                                                                                                       \
        *out = &plugin;                                                                                                \
        return 1;                                                                                                      \
    }

/* The same with one option, `row`. */
#define BROKEN_OPTION(row_)                                                                                            \
    BROKEN_PLUGIN(plugin.options = (row_); plugin.option_count = sizeof(row_) / sizeof((row_)[0]))

#endif
