/*
 * ridge.h - least squares with a penalty on the weights, by the normal equations.
 */
#ifndef PREDICTOR_RIDGE_H
#define PREDICTOR_RIDGE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Sums over examples of `inputs` figures, the last of which is always 1 (its weight is not penalised), and `targets`
   figures to be explained by them. */
struct ridge {
    uint32_t inputs, targets;
    uint64_t examples;
    double *gram;   /* inputs x inputs, the lower half */
    double *cross;  /* inputs x targets */
    double *factor; /* room to solve in */
};

static inline void
ridge_free(struct ridge *ridge)
{
    free(ridge->gram);
    free(ridge->cross);
    free(ridge->factor);
    memset(ridge, 0, sizeof *ridge);
}

/* 0 or -1 without memory. */
static inline int
ridge_init(struct ridge *ridge, uint32_t inputs, uint32_t targets)
{
    *ridge = (struct ridge){.inputs = inputs, .targets = targets};
    ridge->gram = (double *)calloc((size_t)inputs * inputs, sizeof(double));
    ridge->cross = (double *)calloc((size_t)inputs * targets, sizeof(double));
    ridge->factor = (double *)calloc((size_t)inputs * inputs, sizeof(double));
    if (ridge->gram != NULL && ridge->cross != NULL && ridge->factor != NULL)
        return 0;
    ridge_free(ridge);
    return -1;
}

static inline void
ridge_add(struct ridge *ridge, const double *input, const double *target)
{
    ridge->examples++;
    for (uint32_t i = 0; i < ridge->inputs; i++) {
        double *row = ridge->gram + (size_t)i * ridge->inputs;
        for (uint32_t j = 0; j <= i; j++)
            row[j] += input[i] * input[j];
        for (uint32_t t = 0; t < ridge->targets; t++)
            ridge->cross[i * ridge->targets + t] += input[i] * target[t];
    }
}

/* Cholesky's factor of gram + penalty. The penalty keeps it positive. */
static inline void
ridge_factor(struct ridge *ridge, double penalty)
{
    uint32_t n = ridge->inputs;
    double *f = ridge->factor;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double sum = ridge->gram[(size_t)i * n + j];
            if (i == j)
                sum += i + 1 < n ? penalty : 1e-9;
            for (uint32_t k = 0; k < j; k++)
                sum -= f[(size_t)i * n + k] * f[(size_t)j * n + k];
            f[(size_t)i * n + j] = i == j ? sqrt(sum > 1e-12 ? sum : 1e-12) : sum / f[(size_t)j * n + j];
        }
}

/* weights[input * targets + target] */
static inline void
ridge_solve(struct ridge *ridge, double penalty, double *weights)
{
    uint32_t n = ridge->inputs, m = ridge->targets;
    const double *f = ridge->factor;
    ridge_factor(ridge, penalty);
    memcpy(weights, ridge->cross, (size_t)n * m * sizeof *weights);
    for (uint32_t t = 0; t < m; t++) {
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t k = 0; k < i; k++)
                weights[i * m + t] -= f[(size_t)i * n + k] * weights[k * m + t];
            weights[i * m + t] /= f[(size_t)i * n + i];
        }
        for (uint32_t i = n; i-- > 0;) {
            for (uint32_t k = i + 1; k < n; k++)
                weights[i * m + t] -= f[(size_t)k * n + i] * weights[k * m + t];
            weights[i * m + t] /= f[(size_t)i * n + i];
        }
    }
}

static inline double
ridge_value(const struct ridge *ridge, const double *weights, const double *input, uint32_t target)
{
    double sum = 0;
    for (uint32_t i = 0; i < ridge->inputs; i++)
        sum += weights[i * ridge->targets + target] * input[i];
    return sum;
}

#endif
