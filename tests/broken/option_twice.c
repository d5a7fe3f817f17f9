/* broken/option_twice.c - one option declared twice. */
#include "fit.h"

static const struct servsim_option rows[] = {{"way", "", NULL, NULL, "a way", 0, 0, SERVSIM_OPTION_TEXT, 0},
                                             {"way", "", NULL, NULL, "a way", 0, 0, SERVSIM_OPTION_TEXT, 0}};

BROKEN_OPTION(rows)
