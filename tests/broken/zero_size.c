/* broken/zero_size.c - a descriptor that says nothing of its size. */
#include "fit.h"

BROKEN_PLUGIN(plugin.size = 0)
