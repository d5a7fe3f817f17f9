/*
 * profile/grid.c - see grid.h.
 */
#include "hardware/profile/grid.h"

#define ROWS_MAX 8000000u

int32_t
grid_add(struct grid *grid, const struct grid_row *row, struct servsim_error *err)
{
    if (grid->row_count == ROWS_MAX)
        return servsim_fail(err, EFBIG, "more than 8 million rows of attention; measure a coarser grid");
    if (grid->row_count == grid->row_capacity) {
        uint32_t capacity = grid->row_capacity > 0 ? grid->row_capacity * 2 : 4096;
        struct grid_row *rows = realloc(grid->rows, capacity * sizeof *rows);
        if (rows == NULL)
            return servsim_fail(err, ENOMEM, "no memory for the attention table");
        grid->rows = rows;
        grid->row_capacity = capacity;
    }
    grid->rows[grid->row_count++] = *row;
    return 0;
}

/* ---- building ---- */

#define DEPTH 4

static int64_t
key_of(const struct grid_row *row, int level)
{
    const int64_t keys[DEPTH] = {row->chunk, row->decodes, row->kv_prefill, row->kv_decode};
    return keys[level];
}

/* The first level at which two rows differ; DEPTH where they do not. */
static int
differ_at(const struct grid_row *a, const struct grid_row *b)
{
    int level = 0;
    while (level < DEPTH && key_of(a, level) == key_of(b, level))
        level++;
    return level;
}

static int
by_keys(const void *left, const void *right)
{
    const struct grid_row *a = left, *b = right;
    int level = differ_at(a, b);
    if (level == DEPTH)
        return a->line < b->line ? -1 : a->line > b->line;
    return key_of(a, level) < key_of(b, level) ? -1 : 1;
}

static int32_t
check_rows(const struct grid *grid, const char *path, struct servsim_error *err)
{
    if (grid->row_count == 0)
        return servsim_fail(err, EINVAL, "%s: no rows; attention needs some", path);
    for (uint32_t i = 1; i < grid->row_count; i++)
        if (differ_at(&grid->rows[i - 1], &grid->rows[i]) == DEPTH)
            return servsim_fail(err, EINVAL,
                                "%s:%llu: this combination stands in line %llu already; leave one of them out", path,
                                (unsigned long long)grid->rows[i].line, (unsigned long long)grid->rows[i - 1].line);
    return 0;
}

/* Each row opens a node on the levels from where it differs from the row before it. */
static void
link_levels(struct grid *grid)
{
    struct grid_node *levels[DEPTH - 1] = {grid->chunks, grid->corners, grid->planes};
    uint32_t counts[DEPTH] = {0, 0, 0, 0};
    for (uint32_t i = 0; i < grid->row_count; i++) {
        const struct grid_row *row = &grid->rows[i];
        int from = i > 0 ? differ_at(&grid->rows[i - 1], row) : 0;
        for (int level = from; level < DEPTH - 1; level++)
            levels[level][counts[level]++] = (struct grid_node){key_of(row, level), counts[level + 1], 0};
        grid->points[counts[DEPTH - 1]++] = (struct curve_point){row->kv_decode, row->us, row->line};
        for (int level = from > 0 ? from - 1 : 0; level < DEPTH - 1; level++) {
            struct grid_node *node = &levels[level][counts[level] - 1];
            node->count = counts[level + 1] - node->first;
        }
    }
    grid->chunk_count = counts[0];
}

int32_t
grid_finish(struct grid *grid, const char *path, struct servsim_error *err)
{
    if (grid->row_count > 0)
        qsort(grid->rows, grid->row_count, sizeof *grid->rows, by_keys);
    int32_t rc = check_rows(grid, path, err);
    if (rc != 0)
        return rc;
    grid->chunks = calloc(grid->row_count, sizeof *grid->chunks);
    grid->corners = calloc(grid->row_count, sizeof *grid->corners);
    grid->planes = calloc(grid->row_count, sizeof *grid->planes);
    grid->points = calloc(grid->row_count, sizeof *grid->points);
    if (grid->chunks == NULL || grid->corners == NULL || grid->planes == NULL || grid->points == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the attention table");
    link_levels(grid);
    free(grid->rows);
    grid->rows = NULL;
    grid->row_count = grid->row_capacity = 0;
    return 0;
}

int
grid_has_decodes(const struct grid *grid)
{
    return grid->chunks[0].at == 0;
}

int
grid_has_prefills(const struct grid *grid)
{
    return grid->chunks[grid->chunk_count - 1].at > 0;
}

/* ---- reading ---- */

/* Two neighbours on an axis and how far between them a size lies: 0 at `low`, 1 at `high`, more beyond the last. */
struct bracket {
    const struct grid_node *low, *high;
    double weight;
};

static struct bracket
bracket_of(const struct grid_node *nodes, uint32_t count, int64_t at)
{
    uint32_t low = 0, high = count; /* nodes[low].at <= at < nodes[high].at */
    if (at <= nodes[0].at || count == 1)
        return (struct bracket){&nodes[0], &nodes[0], 0.0};
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (nodes[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    if (nodes[low].at == at)
        return (struct bracket){&nodes[low], &nodes[low], 0.0};
    if (high == count)
        low--;
    double width = (double)(nodes[low + 1].at - nodes[low].at);
    return (struct bracket){&nodes[low], &nodes[low + 1], (double)(at - nodes[low].at) / width};
}

/* Beyond the last entry only what rises goes on. */
static double
blend(double low, double high, double weight)
{
    if (weight > 1.0)
        return high + (high > low ? (high - low) * (weight - 1.0) : 0.0);
    return low + (high - low) * weight;
}

static double
plane_at(const struct grid *grid, const struct grid_node *plane, int64_t kv_decode)
{
    struct curve_piece piece = curve_piece_of(grid->points + plane->first, plane->count, kv_decode);
    return curve_piece_at(&piece, kv_decode);
}

static double
corner_at(const struct grid *grid, const struct grid_node *corner, int64_t kv_prefill, int64_t kv_decode)
{
    struct bracket side = bracket_of(grid->planes + corner->first, corner->count, kv_prefill);
    double low = plane_at(grid, side.low, kv_decode);
    return side.weight > 0.0 ? blend(low, plane_at(grid, side.high, kv_decode), side.weight) : low;
}

static double
chunk_at(const struct grid *grid, const struct grid_node *chunk, int64_t kv_prefill, int64_t decodes, int64_t kv_decode)
{
    struct bracket side = bracket_of(grid->corners + chunk->first, chunk->count, decodes);
    double low = corner_at(grid, side.low, kv_prefill, kv_decode);
    return side.weight > 0.0 ? blend(low, corner_at(grid, side.high, kv_prefill, kv_decode), side.weight) : low;
}

/* Without decodes there is nothing to measure at chunk 0, so the smallest chunk holds below itself. */
double
grid_mixed(const struct grid *grid, int64_t chunk, int64_t kv_prefill, int64_t decodes, int64_t kv_decode)
{
    uint32_t first = decodes == 0 && grid->chunks[0].at == 0 ? 1 : 0;
    struct bracket side = bracket_of(grid->chunks + first, grid->chunk_count - first, chunk);
    double low = chunk_at(grid, side.low, kv_prefill, decodes, kv_decode);
    return side.weight > 0.0 ? blend(low, chunk_at(grid, side.high, kv_prefill, decodes, kv_decode), side.weight) : low;
}

static struct curve_piece
corner_piece(const struct grid *grid, const struct grid_node *corner, int64_t kv_decode)
{
    const struct grid_node *plane = grid->planes + corner->first; /* kv_prefill 0 */
    return curve_piece_of(grid->points + plane->first, plane->count, kv_decode);
}

/* Pieces of two curves overlap in a piece of their blend. */
static struct curve_piece
blend_pieces(const struct curve_piece *a, const struct curve_piece *b, double weight)
{
    struct curve_piece out = {.low = a->low > b->low ? a->low : b->low, .high = a->high < b->high ? a->high : b->high};
    out.us = blend(curve_piece_at(a, out.low), curve_piece_at(b, out.low), weight);
    if (out.high == INT64_MAX) {
        out.slope = blend(a->slope, b->slope, weight);
    } else {
        double end_us = blend(curve_piece_at(a, out.high), curve_piece_at(b, out.high), weight);
        out.slope = (end_us - out.us) / (double)(out.high - out.low);
    }
    return out;
}

struct curve_piece
grid_decodes(const struct grid *grid, int64_t decodes, int64_t kv_decode)
{
    struct bracket side = bracket_of(grid->corners + grid->chunks[0].first, grid->chunks[0].count, decodes);
    struct curve_piece low = corner_piece(grid, side.low, kv_decode);
    if (!(side.weight > 0.0))
        return low;
    struct curve_piece high = corner_piece(grid, side.high, kv_decode);
    return blend_pieces(&low, &high, side.weight);
}

void
grid_free(struct grid *grid)
{
    free(grid->rows);
    free(grid->chunks);
    free(grid->corners);
    free(grid->planes);
    free(grid->points);
    *grid = (struct grid){.rows = NULL};
}
