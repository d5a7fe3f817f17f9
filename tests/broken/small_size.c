/* broken/small_size.c - a descriptor that ends before its operations. */
#include "fit.h"

BROKEN_PLUGIN(plugin.size = (uint32_t)offsetof(struct servsim_plugin, ops))
