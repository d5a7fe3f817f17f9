/*
 * report/plots/curves.c - charts drawn from the bulk files: cumulative distributions (requests.csv) and timelines
 * (series.csv), both thinned out to what a picture can show.
 */
#include <math.h>

#include "report/common/number.h"
#include "report/common/table.h"
#include "report/plots/plots.h"

#define CURVE_POINTS 400u
#define TIMELINE_POINTS 800u
#define ARRIVALS_A_BIN 8.0 /* fewer would show the noise of single arrivals */

/* ---- distributions ------------------------------------------------------------------------------------------- */

#define CURVES 3u

static const char *const curve_columns[] = {"status", "ttft_ms", "tpot_ms", "latency_ms"};
static const char *const curve_titles[CURVES] = {"Time to first token", "Time per output token", "Latency"};

/* Values of one column, single precision: a picture shows no more, and they sort three times faster. */
struct column {
    float *values;
    size_t count, capacity;
};

static int
column_add(struct column *column, double value)
{
    if (column->count == column->capacity) {
        size_t capacity = column->capacity ? 2 * column->capacity : 4096;
        float *values = realloc(column->values, capacity * sizeof *values);
        if (values == NULL)
            return -ENOMEM;
        column->values = values;
        column->capacity = capacity;
    }
    column->values[column->count++] = (float)value;
    return 0;
}

static int
by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Ascending order of values that are not negative: their bits sort like integers, eleven at a time. */
static void
column_sort(struct column *column)
{
    float *other = column->count > 2000 ? malloc(column->count * sizeof *other) : NULL;
    if (other == NULL) {
        if (column->count > 0)
            qsort(column->values, column->count, sizeof *column->values, by_float);
        return;
    }
    float *from = column->values, *to = other;
    for (unsigned shift = 0; shift < 33; shift += 11) {
        size_t start[2049] = {0};
        for (size_t i = 0; i < column->count; i++) {
            uint32_t bits;
            memcpy(&bits, &from[i], sizeof bits);
            start[(bits >> shift & 2047u) + 1]++;
        }
        for (size_t b = 0; b < 2048; b++)
            start[b + 1] += start[b];
        for (size_t i = 0; i < column->count; i++) {
            uint32_t bits;
            memcpy(&bits, &from[i], sizeof bits);
            to[start[bits >> shift & 2047u]++] = from[i];
        }
        float *swap = from;
        from = to;
        to = swap;
    }
    column->values = from;
    free(to);
    column->capacity = column->count;
}

static int
read_requests(const struct rp_cell *cell, struct column columns[CURVES], struct servsim_error *err)
{
    char *path = rp_join(cell->folder, "requests.csv");
    struct rp_table table;
    int status = path != NULL ? rp_table_open(&table, path, curve_columns, 4, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
    free(path);
    if (status != 0)
        return status;
    struct rp_field fields[4];
    while ((status = rp_table_next(&table, fields, err)) == 1) {
        if (fields[0].length != 8 || memcmp(fields[0].text, "finished", 8) != 0)
            continue;
        for (size_t c = 0; c < CURVES && status == 1; c++) {
            double value;
            int problem = rp_table_number(&table, fields[c + 1], &value, err);
            if (problem == 0 && value >= 0)
                problem = column_add(&columns[c], value);
            status = problem != 0 ? problem : 1;
        }
        if (status != 1)
            break;
    }
    rp_table_close(&table);
    return status;
}

/* The requests of all replicates together. */
static int
read_replicates(const struct rp_cell *cell, struct column columns[CURVES], struct servsim_error *err)
{
    int status = 0;
    for (size_t i = 0; i < rp_member_count(cell) && status == 0; i++)
        if (rp_member(cell, i)->done)
            status = read_requests(rp_member(cell, i), columns, err);
    for (size_t c = 0; c < CURVES; c++)
        column_sort(&columns[c]);
    return status;
}

static double
quantile(const struct column *column, double share)
{
    size_t rank = (size_t)ceil(share * (double)column->count);
    return column->values[rank > 0 ? rank - 1 : 0];
}

/* Everything that the chart of distributions needs of its cells. */
struct curves {
    struct rp_cell *cells[MOST_LINES];
    size_t count;
    struct column columns[MOST_LINES][CURVES];
};

static void
free_curves(struct curves *curves)
{
    for (size_t i = 0; i < curves->count; i++)
        for (size_t c = 0; c < CURVES; c++)
            free(curves->columns[i][c].values);
}

static void
add_curves(struct chart *chart, const struct curves *curves, size_t c, const uint32_t *colours)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < curves->count; i++)
        if (curves->columns[i][c].count > 0) {
            low = fmin(low, quantile(&curves->columns[i][c], 0.005));
            high = fmax(high, quantile(&curves->columns[i][c], 0.999));
        }
    struct plots_unit unit = plots_unit_over(fmax(low, high * 1e-6), high);
    char title[96];
    (void)snprintf(title, sizeof title, "%s (%s)", curve_titles[c], unit.name);
    struct chart_panel *panel = chart_add_panel(chart, title);
    axis_exact(&panel->y, 0, 100, 5);
    panel->y.bare = c > 0;
    low = fmax(low, high * 1e-6);
    axis_wide(&panel->x, high > 0 ? unit.per_ms * low : 0, high > 0 ? unit.per_ms * high : 1);
    for (size_t i = 0; i < curves->count; i++) {
        const struct column *column = &curves->columns[i][c];
        struct chart_mark *mark = chart_add_mark(chart, panel, MARK_LINE, colours[i]);
        size_t points = column->count < CURVE_POINTS ? column->count : CURVE_POINTS;
        for (size_t p = 1; p <= points; p++) {
            double share = (double)p / (double)points, value = unit.per_ms * quantile(column, share);
            if (value > 0)
                chart_add_point(chart, mark, value, 100 * share);
        }
    }
}

/* Cells that differ in their GPUs alone get the steps of a ramp, others colours that stand apart. */
static void
colour_curves(const struct plots *plots, size_t group, const struct curves *curves, uint32_t *colours)
{
    int ramp = plots->matrix.groups[group].series_count == 1 && curves->count > 2;
    for (size_t i = 0; i < curves->count; i++)
        colours[i] = ramp ? chart_ramp(i, curves->count) : chart_colour(i);
}

void
plots_curves(struct plots *plots, size_t group)
{
    const struct rp_group *cells = &plots->matrix.groups[group];
    struct curves curves = {0};
    struct servsim_error err = {.size = sizeof err};
    size_t done = 0, chosen = plots_select(cells->cells, cells->count, MOST_LINES, curves.cells);
    for (size_t i = 0; i < cells->count; i++)
        done += cells->cells[i]->done != 0;
    int status = 0;
    for (; curves.count < chosen && status == 0; curves.count++)
        status = read_replicates(curves.cells[curves.count], curves.columns[curves.count], &err);
    if (status != 0)
        plots_problem(plots, status, &err);
    size_t values = 0;
    for (size_t i = 0; i < curves.count; i++)
        values += curves.columns[i][0].count;
    if (status == 0 && values > 0) {
        struct chart chart = {0};
        uint32_t colours[MOST_LINES];
        char note[128];
        (void)snprintf(note, sizeof note, "%zu of %zu cells are shown", chosen, done);
        colour_curves(plots, group, &curves, colours);
        plots_name(chart.name, plots, group, "cdf", NULL);
        plots_titles(plots, &chart, group, "Share of requests at or below a value (%)", chosen < done ? note : NULL);
        chart.caption = chart_copy(&chart, rp_is_folded(&plots->results)
                                               ? "Cumulative distributions over the finished requests of all "
                                                 "replicates; further left is better."
                                               : "Cumulative distributions over the finished requests; further left "
                                                 "is better.");
        for (size_t i = 0; i < chosen; i++)
            chart_add_key(&chart, rp_label(&plots->matrix, curves.cells[i]), colours[i], MARK_LINE, 0, 0);
        chart_head(&chart);
        for (size_t c = 0; c < CURVES; c++)
            add_curves(&chart, &curves, c, colours);
        chart_place_row(&chart, 270);
        plots_add(plots, &chart, group, "cdf", NULL);
    }
    free_curves(&curves);
}

/* ---- timelines -------------------------------------------------------------------------------------------------- */

static const char *const series_columns[] = {"t_s", "arrivals", "waiting_mean", "running_mean", "kv_blocks_peak"};

#define SERIES 5u
#define MOST_ROWS 65536u

struct bins {
    double (*rows)[SERIES];
    size_t count, capacity;
    double width_s;
};

static int
bins_add(struct bins *bins, const double row[SERIES])
{
    if (bins->count == bins->capacity) {
        size_t capacity = bins->capacity ? 2 * bins->capacity : 512;
        double(*rows)[SERIES] = realloc(bins->rows, capacity * sizeof *rows);
        if (rows == NULL || capacity > (size_t)2 * MOST_ROWS)
            return -ENOMEM;
        bins->rows = rows;
        bins->capacity = capacity;
    }
    memcpy(bins->rows[bins->count++], row, sizeof bins->rows[0]);
    return 0;
}

static int
read_series(const struct rp_cell *cell, struct bins *bins, struct servsim_error *err)
{
    char *path = rp_join(cell->folder, "series.csv");
    struct rp_table table;
    int status = path != NULL ? rp_table_open(&table, path, series_columns, SERIES, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
    free(path);
    if (status != 0)
        return status;
    struct rp_field fields[SERIES];
    while ((status = rp_table_next(&table, fields, err)) == 1) {
        double row[SERIES];
        for (size_t c = 0; c < SERIES && status == 1; c++) {
            int problem = rp_table_number(&table, fields[c], &row[c], err);
            status = problem != 0 ? problem : 1;
        }
        if (status == 1 && bins_add(bins, row) != 0)
            status = servsim_fail(err, EFBIG, "%s: more than %u rows", table.path, MOST_ROWS);
        if (status != 1)
            break;
    }
    rp_table_close(&table);
    double simulated_s = rp_figure(cell, "simulated_s", NULL);
    bins->width_s = bins->count > 1 ? bins->rows[1][0] - bins->rows[0][0] : simulated_s > 0 ? simulated_s : 1;
    return status;
}

/* How `merge` bins are put together. */
#define AS_RATE 1u
#define AS_MEAN 2u
#define AS_PEAK 3u

static double
merged(const struct bins *bins, size_t first, size_t merge, size_t column, uint32_t how)
{
    double sum = 0, peak = 0;
    size_t count = 0;
    for (size_t i = first; i < first + merge && i < bins->count; i++, count++) {
        double value = isnan(bins->rows[i][column]) ? 0 : bins->rows[i][column];
        sum += value;
        peak = fmax(peak, value);
    }
    return how == AS_PEAK ? peak : how == AS_MEAN ? sum / (double)count : sum / ((double)count * bins->width_s);
}

struct lane {
    const char *title;
    size_t column;
    uint32_t how, colour;
};

static const struct lane lanes[] = {{"Load: arrivals (requests/s)", 1, AS_RATE, 0x0072B2},
                                    {"Queue: waiting requests", 2, AS_MEAN, 0xD55E00},
                                    {"Batch: running requests", 3, AS_MEAN, 0x009E73},
                                    {"KV cache: blocks in use, peak (%)", 4, AS_PEAK, 0xCC79A7}};

#define LANES (sizeof lanes / sizeof lanes[0])

static void
add_lane(struct chart *chart, const struct bins *bins, const struct lane *lane, double scale, double per_s,
         const char *unit)
{
    struct chart_panel *panel = chart_add_panel(chart, lane->title);
    struct chart_mark *mark = chart_add_mark(chart, panel, MARK_AREA, lane->colour);
    size_t merge = (bins->count + TIMELINE_POINTS - 1) / TIMELINE_POINTS;
    if (lane->how == AS_RATE) {
        double arrivals = 0;
        for (size_t i = 0; i < bins->count; i++)
            arrivals += isnan(bins->rows[i][1]) ? 0 : bins->rows[i][1];
        double wanted = fmin(fmax(arrivals / ARRIVALS_A_BIN, 12), TIMELINE_POINTS * 0.5);
        size_t coarse = (size_t)ceil((double)bins->count / wanted);
        merge = coarse > merge ? coarse : merge;
    }
    merge = merge > 0 ? merge : 1;
    double high = 0, origin_s = bins->rows[0][0], end = 0;
    for (size_t i = 0; i < bins->count; i += merge) { /* steps: both ends of each bin */
        double value = scale * merged(bins, i, merge, lane->column, lane->how);
        size_t next = i + merge < bins->count ? i + merge : bins->count;
        high = fmax(high, value);
        end = per_s * bins->width_s * (double)next;
        chart_add_point(chart, mark, per_s * (bins->rows[i][0] - origin_s), value);
        chart_add_point(chart, mark, end, value);
    }
    mark->width = 1.2;
    axis_exact(&panel->x, 0, end, 8);
    axis_from_zero(&panel->y, high, 4);
    panel->x.label = unit;
    panel->x.bare = lane != &lanes[LANES - 1];
}

static void
add_timeline(struct plots *plots, size_t group, const struct rp_cell *cell, const struct bins *bins)
{
    struct chart chart = {0};
    double whole_ms = 1e3 * bins->width_s * (double)bins->count;
    struct plots_unit unit = plots_unit_of(fmax(whole_ms, 5e3));
    char label[64];
    struct rp_text title = {0};
    double blocks = rp_figure(cell, "kv_blocks_total", NULL);
    (void)snprintf(label, sizeof label, "Simulated time (%s)", unit.name);
    rp_printf(&title, "Timeline of %s", rp_label(&plots->matrix, cell));
    plots_name(chart.name, plots, group, "timeline", cell->name);
    plots_titles(plots, &chart, group, title.failed ? "" : title.data,
                 cell->members != NULL ? "the first replicate" : NULL);
    rp_text_free(&title);
    chart.caption = chart_copy(&chart, "Load, queue, batch and KV use over simulated time.");
    chart_head(&chart);
    for (size_t l = 0; l < LANES; l++)
        add_lane(&chart, bins, &lanes[l], lanes[l].how == AS_PEAK && blocks > 0 ? 100 / blocks : 1, 1e3 * unit.per_ms,
                 label);
    chart_place_column(&chart, 92);
    plots_add(plots, &chart, group, "timeline", cell->name);
}

void
plots_timelines(struct plots *plots, size_t group)
{
    const struct rp_group *cells = &plots->matrix.groups[group];
    size_t limit = (size_t)plots->timelines / plots->matrix.group_count;
    limit = plots->timelines > 0 && limit == 0 ? 1 : limit;
    struct rp_cell **chosen = calloc(limit + 1, sizeof(struct rp_cell *));
    size_t count = chosen != NULL ? plots_select(cells->cells, cells->count, limit, chosen) : 0;
    for (size_t i = 0; i < count; i++) {
        struct bins bins = {0};
        struct servsim_error err = {.size = sizeof err};
        int status = read_series(chosen[i], &bins, &err);
        if (status != 0)
            plots_problem(plots, status, &err);
        else if (bins.count > 0)
            add_timeline(plots, group, chosen[i], &bins);
        free(bins.rows);
    }
    free(chosen);
}
