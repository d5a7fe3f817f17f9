/*
 * profile/grid.h - attention of a whole step, measured over four sizes: new tokens of all prefill chunks together,
 * tokens behind them, number of decodes, and their mean context.
 *
 * Between the entries: straight lines, in the two contexts first (inside each of the four corners of chunk and
 * decodes around the step), then between the corners. Entries may be missing: each corner has its own contexts, each
 * chunk its own numbers of decodes. Below the first entry of an axis its value holds; above the last, the line of the
 * last two where it rises.
 */
#ifndef PROFILE_GRID_H
#define PROFILE_GRID_H

#include "hardware/profile/curve.h"

struct grid_row {
    int64_t chunk, decodes, kv_prefill, kv_decode;
    double us;
    uint64_t line;
};

/* An entry of an axis; what hangs below it is nodes[first] to nodes[first + count - 1] of the next level. */
struct grid_node {
    int64_t at;
    uint32_t first, count;
};

/* Zero-initialise; grid_free() at the end. */
struct grid {
    struct grid_row *rows; /* while reading */
    uint32_t row_count, row_capacity;
    struct grid_node *chunks;   /* -> corners */
    struct grid_node *corners;  /* by number of decodes, -> planes */
    struct grid_node *planes;   /* by kv_prefill, -> points */
    struct curve_point *points; /* by kv_decode */
    uint32_t chunk_count;
};

int32_t grid_add(struct grid *grid, const struct grid_row *row, struct servsim_error *err);

/* Sorts and builds the levels. */
int32_t grid_finish(struct grid *grid, const char *path, struct servsim_error *err);

/* Non-zero where there are entries for steps of decodes alone; for steps with a prefill. */
int grid_has_decodes(const struct grid *grid);
int grid_has_prefills(const struct grid *grid);

/* Time in us of one layer; chunk > 0, and grid_has_prefills(). */
double grid_mixed(const struct grid *grid, int64_t chunk, int64_t kv_prefill, int64_t decodes, int64_t kv_decode);

/* Decodes alone, at least one of them: the straight piece over the mean context that holds kv_decode. */
struct curve_piece grid_decodes(const struct grid *grid, int64_t decodes, int64_t kv_decode);

void grid_free(struct grid *grid);

#endif
