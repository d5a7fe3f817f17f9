/* broken/null_licence.c - no licence. */
#include "fit.h"

BROKEN_PLUGIN(plugin.licence = NULL)
