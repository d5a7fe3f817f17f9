/* broken/no_choices.c - a choice of nothing. */
#include "fit.h"

static const struct servsim_option rows[] = {{"way", "", NULL, NULL, "a way", 0, 0, SERVSIM_OPTION_CHOICE, 0}};

BROKEN_OPTION(rows)
