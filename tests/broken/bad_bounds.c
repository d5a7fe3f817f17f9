/* broken/bad_bounds.c - bounds that nothing can meet. */
#include "fit.h"

static const struct servsim_option rows[] = {{"weight", "", NULL, NULL, "a weight", 10, 0, SERVSIM_OPTION_NUMBER, 0}};

BROKEN_OPTION(rows)
