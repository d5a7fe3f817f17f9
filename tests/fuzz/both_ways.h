/*
 * fuzz/both_ways.h - the differential part: one cell, fast-forwarded and step by step.
 */
#ifndef SS_FUZZ_BOTH_WAYS_H
#define SS_FUZZ_BOTH_WAYS_H

#include "conform/toy.h"

/* Runs the cell both ways under verify; aborts where a figure differs or a law is broken. Returns the answer of both:
   0, or -errno where the cell, its traffic or what its plugins read is bad input. */
int fuzz_both_ways(const struct ss_toy *toy);

#endif
