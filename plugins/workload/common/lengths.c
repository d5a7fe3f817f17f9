/*
 * lengths.c - see lengths.h.
 */
#include "lengths.h"

#include <math.h>

#include "number.h"
#include "random.h"

uint32_t
wl_table_draw(const float *table, struct servsim_random *random)
{
    uint64_t bits = servsim_random_u64(random);
    uint32_t knot = (uint32_t)(bits >> 57);                                    /* 7 bits: which of 128 steps */
    double part = (double)(bits & ((UINT64_C(1) << 57) - 1)) * (1.0 / 0x1p57); /* where in it */
    if (knot == 127) {
        double left = 1.0; /* the last step is split in halves: 1/2, 1/4 ... 1/512, 1/512 */
        while (knot < WL_KNOTS - 2 && part >= 1.0 - left / 2) {
            left /= 2;
            knot++;
        }
        double width = knot < WL_KNOTS - 2 ? left / 2 : left;
        part = (part - (1.0 - left)) / width;
    }
    double low = (double)table[knot], high = (double)table[knot + 1];
    return (uint32_t)(low + part * (high - low));
}

static double
draw(const struct wl_lengths *lengths, struct servsim_random *random)
{
    switch (lengths->kind) {
    case WL_LENGTHS_UNIFORM:
        return (double)lengths->minimum +
               (double)wl_random_below(random, (uint64_t)lengths->maximum - lengths->minimum + 1);
    case WL_LENGTHS_EXPONENTIAL:
        return floor(lengths->mean * wl_random_exponential(random) + 0.5);
    case WL_LENGTHS_GEOMETRIC:
        if (lengths->mean <= 1.0)
            return 1.0;
        return ceil(wl_random_exponential(random) / -log1p(-1.0 / lengths->mean));
    case WL_LENGTHS_LOGNORMAL:
        return floor(exp(lengths->mu + lengths->sigma * wl_random_normal(random)) + 0.5);
    case WL_LENGTHS_TABLE:
        return wl_table_draw(lengths->table, random);
    default:
        return lengths->mean;
    }
}

uint32_t
wl_lengths_draw(const struct wl_lengths *lengths, struct servsim_random *random)
{
    double length = draw(lengths, random);
    if (length < (double)lengths->minimum)
        return lengths->minimum;
    return length > (double)lengths->maximum ? lengths->maximum : (uint32_t)length;
}

static int
kind_of(const char *name)
{
    static const char *const names[] = {"fixed", "uniform", "exponential", "geometric", "lognormal"};
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return WL_LENGTHS_TABLE;
}

static const float *
table_of(const char *name, const char *what)
{
    int prompt = what[0] == 'p';
    if (strcmp(name, "sharegpt") == 0)
        return prompt ? wl_sharegpt_prompt : wl_sharegpt_output;
    return prompt ? wl_burstgpt_prompt : wl_burstgpt_output;
}

/* Which of the options mean something for this distribution. */
static int32_t
check_use(const struct wl_lengths *lengths, const struct servsim_create *args, const char *what, const char *name,
          struct servsim_error *err)
{
    char mean[32], cv[32], maximum[32];
    (void)snprintf(mean, sizeof mean, "%s_tokens", what);
    (void)snprintf(cv, sizeof cv, "%s_cv", what);
    (void)snprintf(maximum, sizeof maximum, "%s_max", what);
    if (lengths->kind == WL_LENGTHS_TABLE && servsim_present(args, mean) == 2)
        return servsim_fail(err, EINVAL,
                            "%s has no effect with %s_distribution %s, whose mean is measured; leave it out", mean,
                            what, name);
    if (lengths->kind != WL_LENGTHS_LOGNORMAL && servsim_present(args, cv) == 2)
        return servsim_fail(err, EINVAL, "%s has an effect with %s_distribution lognormal only; leave it out", cv,
                            what);
    if (lengths->kind == WL_LENGTHS_UNIFORM && servsim_present(args, maximum) == 2 && servsim_present(args, mean) == 2)
        return servsim_fail(err, EINVAL, "%s and %s both set the mean of a uniform distribution; leave one out", mean,
                            maximum);
    if (lengths->minimum > lengths->maximum)
        return servsim_fail(err, EINVAL, "%s_min %u is more than %s %u; swap them", what, lengths->minimum, maximum,
                            lengths->maximum);
    return 0;
}

int32_t
wl_lengths_read(struct wl_lengths *out, const struct servsim_create *args, const char *what, struct servsim_error *err)
{
    char option[32];
    (void)snprintf(option, sizeof option, "%s_distribution", what);
    const char *name = servsim_text(args, option);
    out->kind = kind_of(name);
    (void)snprintf(option, sizeof option, "%s_tokens", what);
    out->mean = servsim_number(args, option);
    (void)snprintf(option, sizeof option, "%s_cv", what);
    double cv = servsim_number(args, option);
    out->sigma = sqrt(log1p(cv * cv));
    out->mu = log(out->mean) - out->sigma * out->sigma / 2;
    out->table = out->kind == WL_LENGTHS_TABLE ? table_of(name, what) : NULL;
    (void)snprintf(option, sizeof option, "%s_min", what);
    out->minimum = (uint32_t)servsim_integer(args, option);
    (void)snprintf(option, sizeof option, "%s_max", what);
    int bounded = servsim_present(args, option) != 0;
    out->maximum = bounded ? (uint32_t)servsim_integer(args, option) : WL_TOKENS_MAX;
    if (out->kind == WL_LENGTHS_UNIFORM && !bounded) {
        double highest = 2 * out->mean - (double)out->minimum;
        out->maximum = highest < 1 ? 0 : highest > WL_TOKENS_MAX ? WL_TOKENS_MAX : (uint32_t)highest;
    }
    return check_use(out, args, what, name, err);
}
