/* broken/unknown_type.c - an option of a type that nobody knows. */
#include "fit.h"

static const struct servsim_option rows[] = {{"weight", "", NULL, NULL, "a weight", 0, 10, 77, 0}};

BROKEN_OPTION(rows)
