/* broken/null_options.c - options are counted, but there is no table. */
#include "fit.h"

BROKEN_PLUGIN(plugin.option_count = 3)
