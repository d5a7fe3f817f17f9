/*
 * analysis/simplex.c - reflect, expand, contract, shrink.
 */
#include "analysis/simplex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct search {
    ss_simplex_function function;
    void *ctx;
    size_t count, calls_left;
    double *points, *values; /* [count + 1][count], [count + 1]; best first once sorted */
    double *middle, *trial;  /* [count] */
    int ended;
};

static double *
point(const struct search *search, size_t i)
{
    return search->points + i * search->count;
}

static double
call(struct search *search, const double *x)
{
    double value = search->ended ? NAN : search->function(search->ctx, x);
    search->ended |= isnan(value);
    search->calls_left -= search->calls_left > 0;
    return value;
}

static void
swap(struct search *search, size_t a, size_t b)
{
    double value = search->values[a];
    search->values[a] = search->values[b];
    search->values[b] = value;
    for (size_t i = 0; i < search->count; i++) {
        double x = point(search, a)[i];
        point(search, a)[i] = point(search, b)[i];
        point(search, b)[i] = x;
    }
}

static void
sort(struct search *search)
{
    for (size_t i = 1; i <= search->count; i++)
        for (size_t j = i; j > 0 && search->values[j] < search->values[j - 1]; j--)
            swap(search, j, j - 1);
    memset(search->middle, 0, search->count * sizeof *search->middle);
    for (size_t p = 0; p < search->count; p++)
        for (size_t i = 0; i < search->count; i++)
            search->middle[i] += point(search, p)[i] / (double)search->count;
}

/* The worst point, mirrored at the middle of the others and stretched; its value. */
static double
try_at(struct search *search, double stretch)
{
    for (size_t i = 0; i < search->count; i++)
        search->trial[i] = search->middle[i] + stretch * (point(search, search->count)[i] - search->middle[i]);
    return call(search, search->trial);
}

static void
accept(struct search *search, double value)
{
    memcpy(point(search, search->count), search->trial, search->count * sizeof *search->trial);
    search->values[search->count] = value;
}

static void
shrink(struct search *search)
{
    for (size_t p = 1; p <= search->count; p++) {
        for (size_t i = 0; i < search->count; i++)
            point(search, p)[i] = (point(search, p)[i] + point(search, 0)[i]) / 2;
        search->values[p] = call(search, point(search, p));
    }
}

static void
move(struct search *search)
{
    double worst = search->values[search->count], mirrored = try_at(search, -1);
    if (mirrored < search->values[0]) {
        accept(search, mirrored);
        double stretched = try_at(search, -2);
        if (stretched < mirrored)
            accept(search, stretched);
    } else if (mirrored < search->values[search->count - 1]) {
        accept(search, mirrored);
    } else {
        double inside = try_at(search, mirrored < worst ? -0.5 : 0.5);
        if (inside < worst && inside <= fmax(mirrored, search->values[0]))
            accept(search, inside);
        else
            shrink(search);
    }
}

static void
begin(struct search *search, const double *x)
{
    for (size_t p = 0; p <= search->count; p++) {
        memcpy(point(search, p), x, search->count * sizeof *x);
        if (p > 0)
            point(search, p)[p - 1] += 1;
        search->values[p] = call(search, point(search, p));
    }
}

double
ss_simplex(ss_simplex_function function, void *ctx, double *x, size_t count, double tolerance, size_t calls)
{
    struct search search = {.function = function, .ctx = ctx, .count = count, .calls_left = calls};
    search.points = calloc((count + 1) * count + 1, sizeof(double));
    search.values = calloc(3 * count + 2, sizeof(double));
    double best = NAN;
    if (search.points != NULL && search.values != NULL) {
        search.middle = search.values + count + 1;
        search.trial = search.middle + count;
        begin(&search, x);
        sort(&search);
        while (!search.ended && search.calls_left > 0 && search.values[count] - search.values[0] > tolerance) {
            move(&search);
            sort(&search);
        }
        memcpy(x, point(&search, 0), count * sizeof *x);
        best = search.ended ? NAN : search.values[0];
    }
    free(search.points);
    free(search.values);
    return best;
}
