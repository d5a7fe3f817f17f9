/* broken/default_out_of_bounds.c - a default beyond its own bounds. */
#include "fit.h"

static const struct servsim_option rows[] = {{"weight", "", "11", NULL, "a weight", 0, 10, SERVSIM_OPTION_INTEGER, 0}};

BROKEN_OPTION(rows)
