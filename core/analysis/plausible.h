/*
 * analysis/plausible.h - can this run be true? Checks of a run's files against each other, before anything is
 * concluded from them.
 */
#ifndef SS_ANALYSIS_PLAUSIBLE_H
#define SS_ANALYSIS_PLAUSIBLE_H

#include "analysis/trial.h"

#define SS_CHECK_PASSED 0u
#define SS_CHECK_FAILED 1u
#define SS_CHECK_UNKNOWN 2u /* a file is missing, or nothing finished */

struct ss_check {
    const char *name;
    uint32_t state;
    char detail[160]; /* the figures that it was decided by */
};

#define SS_CHECKS 8u

/* The trial is loaded. */
void ss_plausible(const struct ss_trial *trial, struct ss_check checks[SS_CHECKS]);

#endif
