/*
 * random.c - see random.h.
 */
#include "random.h"

#include <math.h>

__extension__ typedef unsigned __int128 wide;

uint64_t
wl_random_below(struct servsim_random *random, uint64_t bound)
{
    return (uint64_t)(((wide)servsim_random_u64(random) * bound) >> 64);
}

double
wl_random_exponential(struct servsim_random *random)
{
    return -log(servsim_random_unit(random));
}

double
wl_random_normal(struct servsim_random *random)
{
    double radius = sqrt(2.0 * wl_random_exponential(random));
    return radius * cos(6.283185307179586477 * servsim_random_unit(random));
}

double
wl_random_gamma(struct servsim_random *random, double shape)
{
    if (shape < 1.0) {
        double power = log(servsim_random_unit(random)) / shape;
        return wl_random_gamma(random, shape + 1.0) * exp(power);
    }
    double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = wl_random_normal(random), v = 1.0 + c * x;
        if (v <= 0.0)
            continue;
        v = v * v * v;
        if (log(servsim_random_unit(random)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}
