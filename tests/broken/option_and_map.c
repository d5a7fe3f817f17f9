/* broken/option_and_map.c - one name as a value and as a map. */
#include "fit.h"

static const struct servsim_option rows[] = {{"peak", "", NULL, NULL, "a peak", 0, 0, SERVSIM_OPTION_TEXT, 0},
                                             {"peak.bf16", "", NULL, NULL, "a peak", 0, 0, SERVSIM_OPTION_TEXT, 0}};

BROKEN_OPTION(rows)
