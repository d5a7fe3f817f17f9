/*
 * random.h - the distributions that the generators draw from. Each takes its own stream.
 */
#ifndef WL_RANDOM_H
#define WL_RANDOM_H

#include "servsim/plugin.h"

/* A whole number below `bound`, which is at least 1 (multiply and shift; the bias is below bound / 2^64). */
uint64_t wl_random_below(struct servsim_random *random, uint64_t bound);

double wl_random_exponential(struct servsim_random *random); /* mean 1 */
double wl_random_normal(struct servsim_random *random);      /* mean 0, sd 1 (Box and Muller 1958) */

/* Mean `shape` (Marsaglia and Tsang 2000). */
double wl_random_gamma(struct servsim_random *random, double shape);

#endif
