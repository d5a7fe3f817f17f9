/*
 * analysis/statistics.c - means, ranks, Student's t, correlations, block lengths.
 */
#include "analysis/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double
ss_mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count > 0 ? sum / (double)count : NAN;
}

double
ss_variance(const double *values, size_t count)
{
    double mean = ss_mean(values, count), sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return count > 1 ? sum / (double)(count - 1) : NAN;
}

double
ss_nearest_rank(const double *sorted, size_t count, double share)
{
    if (count == 0)
        return NAN;
    double rank = ceil(share * (double)count - 1e-9);
    return sorted[rank < 1 ? 0 : rank > (double)count ? count - 1 : (size_t)rank - 1];
}

static int
by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

void
ss_sort(double *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof *values, by_value);
}

/* ---- Student's t ---- */

/* The continued fraction of the incomplete beta function, by Lentz's method. */
static double
beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int half = 0; half < 2; half++) {
            double term = half == 0 ? even : odd;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            value *= c * d;
        }
        if (fabs(c * d - 1) < 1e-14)
            break;
    }
    return value;
}

/* The regularised incomplete beta function I_x(a, b). */
static double
incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double
ss_student_two_sided(double t, double df)
{
    if (isnan(t) || isnan(df))
        return NAN;
    if (isinf(t))
        return 0;
    if (df > 1e6)
        return erfc(fabs(t) / sqrt(2));
    return incomplete_beta(df / 2, 0.5, df / (df + t * t));
}

double
ss_student_critical(double level, double df)
{
    double low = 0, high = 1;
    if (!(level > 0) || !(level < 1) || !(df > 0))
        return NAN;
    while (ss_student_two_sided(high, df) > 1 - level && high < 1e12)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (ss_student_two_sided(middle, df) > 1 - level)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* ---- correlation ---- */

double
ss_correlation(const double *x, const double *y, size_t count)
{
    double mean_x = ss_mean(x, count), mean_y = ss_mean(y, count), xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return count > 1 && xx > 0 && yy > 0 ? xy / sqrt(xx) / sqrt(yy) : NAN;
}

struct ranked {
    double value;
    size_t index;
};

static int
by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Writes the rank of each value; equal ones share the mean of their ranks. */
static int
rank_values(const double *values, size_t count, double *ranks)
{
    struct ranked *order = malloc((count + 1) * sizeof *order);
    if (order == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        order[i] = (struct ranked){values[i], i};
    qsort(order, count, sizeof *order, by_rank);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && order[end].value == order[first].value;)
            end++;
        for (size_t i = first; i < end; i++)
            ranks[order[i].index] = (double)(first + end + 1) / 2;
    }
    free(order);
    return 0;
}

double
ss_rank_correlation(const double *x, const double *y, size_t count)
{
    double *ranks = malloc((2 * count + 1) * sizeof *ranks), result = NAN;
    if (ranks != NULL && rank_values(x, count, ranks) == 0 && rank_values(y, count, ranks + count) == 0)
        result = ss_correlation(ranks, ranks + count, count);
    free(ranks);
    return result;
}

/* ---- block length ---- */

#define MOST_LAGS 2048

static double
autocovariance(const double *centred, size_t count, size_t lag)
{
    double sum = 0;
    for (size_t i = lag; i < count; i++)
        sum += centred[i] * centred[i - lag];
    return sum / (double)count;
}

/* The last lag at which the correlation is larger than noise: behind it, `quiet` lags in a row are not. */
static size_t
last_lag(const double *covariances, size_t lags, size_t count)
{
    double size = log10((double)count), noise = 2 * sqrt(size / (double)count) * covariances[0];
    size_t quiet = (size_t)fmax(5, ceil(sqrt(size))), run = 0;
    for (size_t lag = 1; lag < lags; lag++) {
        run = fabs(covariances[lag]) < noise ? run + 1 : 0;
        if (run == quiet)
            return lag - quiet;
    }
    return lags - 1;
}

/* Politis and White's rule for one series whose mean is 0. */
static double
optimal_length(const double *centred, size_t count)
{
    static const size_t margin = 8;
    size_t lags = (size_t)fmin(fmin((double)count / 2, 2 * sqrt((double)count) + (double)margin), MOST_LAGS);
    double covariances[MOST_LAGS];
    if (lags < 2)
        return 1;
    for (size_t lag = 0; lag < lags; lag++)
        covariances[lag] = autocovariance(centred, count, lag);
    if (!(covariances[0] > 0))
        return 1;
    size_t reach = 2 * last_lag(covariances, lags, count);
    if (reach > lags - 1)
        reach = lags - 1;
    double spectrum = covariances[0], slope = 0;
    for (size_t lag = 1; lag <= reach; lag++) {
        double share = (double)lag / (double)reach, weight = share <= 0.5 ? 1 : 2 * (1 - share);
        spectrum += 2 * weight * covariances[lag];
        slope += 2 * weight * (double)lag * covariances[lag];
    }
    if (!(spectrum > 0)) /* a series that swings to and fro: independent blocks are safe */
        return 1;
    double ratio = slope / spectrum;
    return fmax(1, cbrt(1.5 * ratio * ratio * (double)count));
}

/* Means of `width` neighbours, less the mean of all. Returns how many. */
static size_t
coarsen(const double *values, size_t count, size_t width, double *out)
{
    size_t kept = count / width;
    double mean = 0;
    for (size_t i = 0; i < kept; i++) {
        out[i] = ss_mean(values + i * width, width);
        mean += out[i] / (double)kept;
    }
    for (size_t i = 0; i < kept; i++)
        out[i] -= mean;
    return kept;
}

double
ss_block_length(const double *values, size_t count)
{
    double *scratch = malloc((count + 1) * sizeof *scratch), longest = 1;
    if (scratch == NULL)
        return 1;
    for (size_t width = 1; width == 1 || count / width >= 200; width *= 4) {
        if (width < 64 && count / width > 65536) /* such long series say the same a bit coarser */
            continue;
        size_t kept = coarsen(values, count, width, scratch);
        double length = optimal_length(scratch, kept);
        if (length > 1) /* else the means are independent, which says nothing of what is inside them */
            longest = fmax(longest, (double)width * length);
    }
    free(scratch);
    return longest;
}
