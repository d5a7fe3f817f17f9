/* broken/null_name.c - a descriptor without a name. */
#include "fit.h"

BROKEN_PLUGIN(plugin.name = NULL)
