/* broken/null_ops.c - no operations. */
#include "fit.h"

BROKEN_PLUGIN(plugin.ops = NULL)
