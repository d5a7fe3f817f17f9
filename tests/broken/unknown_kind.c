/* broken/unknown_kind.c - a kind that nobody knows. */
#include "fit.h"

BROKEN_PLUGIN(plugin.kind = 99)
