/*
 * report/common/spread.c - means with intervals, and the test that tells two of them apart.
 */
#include "report/common/spread.h"

#include <math.h>

#define LEVEL 0.05

/* The continued fraction of the incomplete beta function, by the modified method of Lentz. */
static double
beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double before = value;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            value *= c * d;
        }
        if (fabs(value / before - 1) < 1e-15)
            break;
    }
    return value;
}

/* The regularised incomplete beta function. */
static double
beta_below(double x, double a, double b)
{
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) /* where the fraction converges quickly */
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double
rp_student_tails(double t, double freedom)
{
    return beta_below(freedom / (freedom + t * t), freedom / 2, 0.5);
}

double
rp_student_95(double freedom)
{
    double low = 0, high = 16;
    if (!(freedom > 0))
        return NAN;
    while (rp_student_tails(high, freedom) > LEVEL && high < 1e9)
        high *= 2;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (rp_student_tails(middle, freedom) > LEVEL)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

struct rp_spread
rp_spread_over(const double *values, size_t count)
{
    struct rp_spread out = {0, NAN, NAN, 0};
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            out.mean += values[i];
            out.n++;
        }
    if (out.n == 0) {
        out.mean = NAN;
        return out;
    }
    out.mean /= (double)out.n;
    for (size_t i = 0; i < count; i++)
        squares += isfinite(values[i]) ? (values[i] - out.mean) * (values[i] - out.mean) : 0;
    /* What is left of equal values after rounding is no variance. */
    if (squares < 1e-24 * out.mean * out.mean * (double)out.n)
        squares = 0;
    if (out.n > 1) {
        out.variance = squares / (double)(out.n - 1);
        out.half = rp_student_95((double)(out.n - 1)) * sqrt(out.variance / (double)out.n);
    }
    return out;
}

struct rp_spread
rp_spread_ratio(const double *above, const double *below, size_t count)
{
    struct rp_spread out = {0, NAN, NAN, 0};
    double over = 0, under = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(above[i]) && isfinite(below[i])) {
            over += above[i];
            under += below[i];
            out.n++;
        }
    out.mean = over / under;
    for (size_t i = 0; i < count; i++)
        if (isfinite(above[i]) && isfinite(below[i]))
            squares += (above[i] - out.mean * below[i]) * (above[i] - out.mean * below[i]);
    if (out.n > 1 && isfinite(out.mean)) {
        double mean_below = under / (double)out.n;
        if (squares < 1e-24 * over * over)
            squares = 0;
        out.variance = squares / (double)(out.n - 1) / (mean_below * mean_below);
        out.half = rp_student_95((double)(out.n - 1)) * sqrt(out.variance / (double)out.n);
    }
    return out;
}

int
rp_spread_differ(const struct rp_spread *a, const struct rp_spread *b)
{
    if (a->n < 2 || b->n < 2)
        return 0;
    double of_a = a->variance / (double)a->n, of_b = b->variance / (double)b->n, sum = of_a + of_b;
    double gap = fabs(a->mean - b->mean);
    if (!(sum > 0)) /* both always the same: any difference is one, but for the last digits */
        return gap > 1e-9 * fmax(fabs(a->mean), fabs(b->mean));
    double freedom = sum * sum / (of_a * of_a / (double)(a->n - 1) + of_b * of_b / (double)(b->n - 1));
    return rp_student_tails(gap / sqrt(sum), freedom) < LEVEL;
}
