/*
 * conform/options.h - does a plugin look at the options that it declares, and at no others?
 */
#ifndef SS_CONFORM_OPTIONS_H
#define SS_CONFORM_OPTIONS_H

#include "conform/laws.h"

int ss_reads_its_options(struct ss_trial *trial, struct servsim_error *err);

#endif
