/*
 * profile/curve.h - a kernel measured at some sizes: straight lines between them, the first one's time below, and
 * above the last the line of the last two where it rises, else the last one's time.
 */
#ifndef PROFILE_CURVE_H
#define PROFILE_CURVE_H

#include "servsim/plugin.h"

struct curve_point {
    int64_t at;
    double us;
    uint64_t line; /* of the file, for messages */
};

/* Zero-initialise; curve_free() at the end. Sorted and without duplicates once curve_finish() has passed. */
struct curve {
    struct curve_point *points;
    uint32_t count, capacity;
};

/* One straight piece: from `low` up to but not including `high`. */
struct curve_piece {
    int64_t low, high; /* high is INT64_MAX on the last */
    double us, slope;  /* at low; per unit */
};

int32_t curve_add(struct curve *curve, int64_t at, double us, uint64_t line, struct servsim_error *err);

/* Sorts. `what` and `path` are for the message about two rows for one size. */
int32_t curve_finish(struct curve *curve, const char *path, const char *what, struct servsim_error *err);

/* The piece that holds `at`, which is not negative; of sorted points, at least one. */
struct curve_piece curve_piece_of(const struct curve_point *points, uint32_t count, int64_t at);

static inline double
curve_piece_at(const struct curve_piece *piece, int64_t at)
{
    return piece->us + piece->slope * (double)(at - piece->low);
}

static inline double
curve_at(const struct curve *curve, int64_t at)
{
    struct curve_piece piece = curve_piece_of(curve->points, curve->count, at);
    return curve_piece_at(&piece, at);
}

void curve_free(struct curve *curve);

#endif
