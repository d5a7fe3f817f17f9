/* broken/two_lines.c - a summary that would break every table it is shown in. */
#include "fit.h"

BROKEN_PLUGIN(plugin.summary = "one line\nand another")
