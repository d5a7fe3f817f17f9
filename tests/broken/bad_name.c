/* broken/bad_name.c - a name that would leave its folder. */
#include "fit.h"

BROKEN_PLUGIN(plugin.name = "../router")
