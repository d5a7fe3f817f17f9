/*
 * profile/curve.c - see curve.h.
 */
#include "hardware/profile/curve.h"

int32_t
curve_add(struct curve *curve, int64_t at, double us, uint64_t line, struct servsim_error *err)
{
    if (curve->count == curve->capacity) {
        uint32_t capacity = curve->capacity > 0 ? curve->capacity * 2 : 64;
        struct curve_point *points = realloc(curve->points, capacity * sizeof *points);
        if (points == NULL)
            return servsim_fail(err, ENOMEM, "no memory for a table of the bundle");
        curve->points = points;
        curve->capacity = capacity;
    }
    curve->points[curve->count++] = (struct curve_point){at, us, line};
    return 0;
}

static int
by_size(const void *left, const void *right)
{
    const struct curve_point *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

int32_t
curve_finish(struct curve *curve, const char *path, const char *what, struct servsim_error *err)
{
    if (curve->count > 0)
        qsort(curve->points, curve->count, sizeof *curve->points, by_size);
    for (uint32_t i = 1; i < curve->count; i++)
        if (curve->points[i].at == curve->points[i - 1].at)
            return servsim_fail(err, EINVAL, "%s:%llu: %s of %lld stands in line %llu already; leave one of them out",
                                path, (unsigned long long)curve->points[i].line, what, (long long)curve->points[i].at,
                                (unsigned long long)curve->points[i - 1].line);
    return 0;
}

struct curve_piece
curve_piece_of(const struct curve_point *points, uint32_t count, int64_t at)
{
    if (at < points[0].at)
        return (struct curve_piece){0, points[0].at, points[0].us, 0.0};
    uint32_t low = 0, high = count; /* points[low] <= at < points[high] */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (points[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    const struct curve_point *from = &points[low];
    if (high < count)
        return (struct curve_piece){from->at, points[high].at, from->us,
                                    (points[high].us - from->us) / (double)(points[high].at - from->at)};
    double slope = low > 0 ? (from->us - from[-1].us) / (double)(from->at - from[-1].at) : 0.0;
    return (struct curve_piece){from->at, INT64_MAX, from->us, slope > 0.0 ? slope : 0.0};
}

void
curve_free(struct curve *curve)
{
    free(curve->points);
    *curve = (struct curve){NULL, 0, 0};
}
