/* broken/other_major.c - built for an ABI that this host does not speak. */
#include "fit.h"

BROKEN_PLUGIN(plugin.abi_major = SERVSIM_ABI_MAJOR + 6; plugin.abi_minor = 3)
