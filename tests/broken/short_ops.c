/* broken/short_ops.c - operations that end before the required one. */
#include "fit.h"

static const struct servsim_router_ops cut_short = {.size = (uint32_t)offsetof(struct servsim_router_ops, route),
                                                    .route = fit_route};

BROKEN_PLUGIN(plugin.ops = &cut_short)
