/* broken/reserved_option.c - an option with a name that the host keeps. */
#include "fit.h"

static const struct servsim_option rows[] = {{"plugin", "", NULL, NULL, "a name", 0, 0, SERVSIM_OPTION_TEXT, 0}};

BROKEN_OPTION(rows)
