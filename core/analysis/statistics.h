/*
 * analysis/statistics.h - what comparing and analysing need of statistics, and nothing else.
 */
#ifndef SS_ANALYSIS_STATISTICS_H
#define SS_ANALYSIS_STATISTICS_H

#include <stddef.h>

double ss_mean(const double *values, size_t count);     /* NAN when there are none */
double ss_variance(const double *values, size_t count); /* divided by count - 1; NAN below two */

/* Nearest rank of sorted values: the smallest with at least `share` of all at or below it; NAN when there are none. */
double ss_nearest_rank(const double *sorted, size_t count, double share);

void ss_sort(double *values, size_t count);

/* Student's t distribution; `df` may be infinite (the normal distribution). */
double ss_student_two_sided(double t, double df);    /* P(|T| > |t|) */
double ss_student_critical(double level, double df); /* t with P(|T| <= t) = level */

/* Pearson's r; NAN where one of the two does not vary. */
double ss_correlation(const double *x, const double *y, size_t count);

/* Spearman's rank correlation, ties by their mean rank. NAN without memory, too. */
double ss_rank_correlation(const double *x, const double *y, size_t count);

/*
 * For how many neighbours a series must be cut into blocks so that blocks are nearly independent.
 *
 * Politis and White (2004), with the correction of Patton, Politis and White (2009), for circular blocks: the lags up
 * to which the autocorrelation is larger than noise give sum |k| R(k) and sum R(k), and from these the length that
 * makes the variance of the mean most accurate. A weak correlation over many neighbours drowns in the noise of single
 * values, so the rule is applied to means of 4, 16, ... neighbours as well (as long as 200 of them are left), and the
 * longest answer counts. At least 1.
 */
double ss_block_length(const double *values, size_t count);

#endif
