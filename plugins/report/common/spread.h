/*
 * report/common/spread.h - what a handful of replicates says of a figure, and whether two such handfuls differ.
 *
 * Intervals are Student's t at 95 %, and two means are told apart by Welch's test at the 5 % level.
 */
#ifndef REPORT_COMMON_SPREAD_H
#define REPORT_COMMON_SPREAD_H

#include <stddef.h>

/* Mean over `n` values. `half` is half the width of its 95 % interval; it and the variance are NAN below two values. */
struct rp_spread {
    double mean, half, variance;
    size_t n;
};

/* Values that are not finite are left out; the mean of none is NAN. */
struct rp_spread rp_spread_over(const double *values, size_t count);

/*
 * The ratio of the means of two figures measured side by side (above[i] and below[i] in one replicate), with the
 * interval of a ratio estimator: the spread of above - ratio x below, over the mean of below.
 */
struct rp_spread rp_spread_ratio(const double *above, const double *below, size_t count);

/* True when the means differ by more than noise: p < 0.05. Never for fewer than two values on a side. */
int rp_spread_differ(const struct rp_spread *a, const struct rp_spread *b);

/* Probability that Student's t with `freedom` degrees is beyond +-t. */
double rp_student_tails(double t, double freedom);

/* The t that is exceeded, on either side, with a probability of 5 %. */
double rp_student_95(double freedom);

#endif
