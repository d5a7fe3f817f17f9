/* broken/null_create.c - no way to make an instance. */
#include "fit.h"

BROKEN_PLUGIN(plugin.create = NULL)
