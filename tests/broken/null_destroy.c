/* broken/null_destroy.c - no way to end an instance. */
#include "fit.h"

BROKEN_PLUGIN(plugin.destroy = NULL)
