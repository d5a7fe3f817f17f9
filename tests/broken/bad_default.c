/* broken/bad_default.c - a default that is no number. */
#include "fit.h"

static const struct servsim_option rows[] = {
    {"weight", "", "heavy", NULL, "a weight", 0, 10, SERVSIM_OPTION_NUMBER, 0}};

BROKEN_OPTION(rows)
