/*
 * metrics/itl.h - a histogram of inter-token latencies in fixed bins.
 *
 * Bins are log-linear (128 to each power of two, so at most 0.8 % wide) and made of integers, so that a whole run of
 * steps whose durations are an arithmetic progression is counted in time proportional to the bins that it crosses, and
 * gives the same counts as adding them one by one.
 */
#ifndef SS_METRICS_ITL_H
#define SS_METRICS_ITL_H

#include "base/time.h"

#define SS_ITL_BINS 7296 /* up to 2^63 ps */

struct ss_itl {
    uint64_t counts[SS_ITL_BINS];
    uint64_t total;
    ss_wide sum_ps;
    int64_t max_ps;
};

/* `weight` tokens with each of the gaps first, first + step, ..., `count` of them; all at least 0. */
void ss_itl_add(struct ss_itl *itl, int64_t first_ps, int64_t step_ps, uint64_t count, uint64_t weight);

/* `weight` tokens with the same gap. */
void ss_itl_add_gap(struct ss_itl *itl, int64_t gap_ps, uint64_t weight);

/* Edges of a bin: low_ps <= gap < high_ps. */
int64_t ss_itl_bin_low_ps(uint32_t bin);
int64_t ss_itl_bin_high_ps(uint32_t bin);

/* Nearest rank, to the width of a bin; -1 when there is nothing. */
int64_t ss_itl_percentile_ps(const struct ss_itl *itl, uint32_t percent);

#endif
