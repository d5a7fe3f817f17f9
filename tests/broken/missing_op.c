/* broken/missing_op.c - the required operation of its kind is NULL. */
#include "fit.h"

static const struct servsim_router_ops no_route = {.size = sizeof no_route};

BROKEN_PLUGIN(plugin.ops = &no_route)
