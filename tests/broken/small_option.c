/* broken/small_option.c - rows smaller than any header of this major had them. */
#include "fit.h"

static const struct servsim_option rows[] = {{"weight", "", "1", NULL, "a weight", 0, 10, SERVSIM_OPTION_NUMBER, 0}};

BROKEN_PLUGIN(plugin.options = rows; plugin.option_count = 1; plugin.option_size = 16)
