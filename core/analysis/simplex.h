/*
 * analysis/simplex.h - the least value of a function that is costly, noisy or without a gradient (Nelder and Mead
 * 1965).
 */
#ifndef SS_ANALYSIS_SIMPLEX_H
#define SS_ANALYSIS_SIMPLEX_H

#include <stddef.h>

/* A value, or NAN to end the search. */
typedef double (*ss_simplex_function)(void *ctx, const double *x);

/*
 * Begins at x with a simplex of steps of 1 along each axis, ends where values differ by less than `tolerance` or after
 * `calls` calls. x becomes the best point; returns its value, NAN when ended early or without memory.
 */
double ss_simplex(ss_simplex_function function, void *ctx, double *x, size_t count, double tolerance, size_t calls);

#endif
