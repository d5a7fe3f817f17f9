/*
 * report/plots/scaling.c - charts of one figure: lines over the number of GPUs, or bars where that does not vary.
 */
#include <math.h>

#include "report/common/number.h"
#include "report/plots/plots.h"

/* A figure of a cell that is drawn on its own. */
struct metric {
    const char *name, *title, *axis;  /* axis: without the unit, where the figure is a time */
    const char *a, *b, *b2;           /* where it stands in the summary; b2: a second one beside it */
    const char *caption, *of_scaling; /* what a chart over the number of GPUs shows besides */
    double to_ms;                     /* a time: times this; else 0 */
    int ideal;
};

static const struct metric metrics[] = {
    {"latency", "Latency", "End-to-end latency", "latency_ms", "mean", "p99",
     "End-to-end latency of finished requests, mean and 99th percentile.", "", 1, 0},
    {"throughput", "Throughput", "Output tokens/s", "output_tokens_per_s", NULL, NULL,
     "Output tokens per second, from the first arrival to the last token.",
     " The ideal grows in step with the GPUs from the smallest configuration.", 0, 1},
    {"throughput_per_gpu", "Throughput per GPU", "Output tokens/s per GPU", "output_tokens_per_s_per_gpu", NULL, NULL,
     "Output tokens per second divided by the number of GPUs.", " A level line is perfect efficiency.", 0, 0},
    {"execution_time", "Execution time (simulated)", "First arrival to last token", "simulated_s", NULL, NULL,
     "Simulated time that the whole traffic took, from the first arrival to the last token.", "", 1e3, 0},
    {"energy", "Energy per output token", "Joules per output token", "energy", "joules_per_output_token", NULL,
     "What the GPUs, and the rest of the servers where it is stated, drew over the run, for each output token.",
     " A level line: more GPUs draw more in step with what they give.", 0, 0},
};

struct plots_unit
plots_unit_of(double largest_ms)
{
    static const struct {
        double below_ms;
        struct plots_unit unit;
    } units[] = {{5e3, {1, "ms"}},
                 {900e3, {1e-3, "s"}},
                 {3 * 3600e3, {1 / 60e3, "min"}},
                 {72 * 3600e3, {1 / 3600e3, "h"}},
                 {INFINITY, {1 / 86400e3, "days"}}};
    for (size_t i = 0;; i++)
        if (!(largest_ms >= units[i].below_ms))
            return units[i].unit;
}

struct plots_unit
plots_unit_over(double low_ms, double high_ms)
{
    return plots_unit_of(axis_is_wide(low_ms, high_ms) ? 5 * sqrt(low_ms * high_ms) : high_ms);
}

/* Smallest and largest positive value of a metric over some cells. */
struct span {
    double low, high;
};

static void
span_add(struct span *span, double value)
{
    if (!(value > 0) || !isfinite(value))
        return;
    span->low = span->low == 0 ? value : fmin(span->low, value);
    span->high = fmax(span->high, value);
}

static double
figure(const struct metric *metric, const struct rp_cell *cell, int second)
{
    return rp_figure(cell, metric->a, second ? metric->b2 : metric->b);
}

static struct rp_spread
spread_of(const struct metric *metric, const struct rp_cell *cell, int second)
{
    return rp_figure_spread(cell, metric->a, second ? metric->b2 : metric->b);
}

/* The value and, over replicates, the upper end of its interval: what an axis must hold. */
static void
span_add_spread(struct span *span, struct rp_spread spread)
{
    span_add(span, spread.mean);
    span_add(span, spread.mean + spread.half);
    if (spread.mean - spread.half > spread.mean / 3) /* an interval down to nothing would take the axis with it */
        span_add(span, spread.mean - spread.half);
}

/* The interval around a value, where there is one; cut where a logarithmic axis ends. */
static void
add_interval(struct chart *chart, struct chart_mark *mark, const struct chart_axis *axis, struct rp_spread spread,
             double scale, double place)
{
    double mean = scale * spread.mean, half = scale * spread.half;
    double low = axis->log && mean - half < axis->low ? axis->low : mean - half;
    double high = mean + half > axis->high ? axis->high : mean + half;
    if (!isfinite(half) || !(half > 0) || !(mean > 0 || !axis->log))
        return;
    low = low < 0 ? 0 : low;
    if (mark->across)
        chart_add_range(chart, mark, mean, place, low, high);
    else
        chart_add_range(chart, mark, place, mean, low, high);
}

/* The unit of a metric over a span, and the title of its panel. */
static double
scale_of(const struct metric *metric, struct span span, char title[128])
{
    struct plots_unit unit = plots_unit_over(span.low * metric->to_ms, span.high * metric->to_ms);
    if (metric->to_ms == 0) {
        (void)snprintf(title, 128, "%s", metric->axis);
        return 1;
    }
    (void)snprintf(title, 128, "%s (%s)", metric->axis, unit.name);
    return metric->to_ms * unit.per_ms;
}

/* ---- lines over GPUs ------------------------------------------------------------------------------------------- */

/* The series to draw: all, or as many as are told apart, those of most points first. */
static size_t
chosen_series(const struct rp_group *group, const struct rp_series *out[MOST_LINES])
{
    size_t count = 0;
    for (size_t points = 2; points > 0; points--)
        for (size_t s = 0; s < group->series_count && count < MOST_LINES; s++)
            if (points == 2 ? group->series[s].count >= 2 : group->series[s].count == 1)
                out[count++] = &group->series[s];
    return count;
}

static int
by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void
gpus_axis(struct chart *chart, struct chart_axis *axis, const struct rp_series *const *series, size_t count)
{
    size_t total = 0, used = 0;
    for (size_t s = 0; s < count; s++)
        total += series[s]->count;
    double *gpus = calloc(total + 1, sizeof *gpus);
    if (gpus == NULL) {
        chart->failed = 1;
        return;
    }
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < series[s]->count; i++)
            gpus[used++] = series[s]->cells[i]->gpus;
    qsort(gpus, used, sizeof *gpus, by_number);
    axis_gpus(axis, gpus, used);
    axis->label = "GPUs";
    free(gpus);
}

static void
add_line(struct chart *chart, struct chart_panel *panel, const struct metric *metric, const struct rp_series *series,
         double scale, int second, size_t colour_index, const char *label, double dodge)
{
    /* circle, square, triangle, diamond; filled, then open: lines that cover each other stay apart */
    static const int symbols[] = {7, 5, 9, 13, 6, 4, 8, 12};
    struct chart_mark *error = chart_add_mark(chart, panel, MARK_ERROR, chart_colour(colour_index));
    struct chart_mark *mark = chart_add_mark(chart, panel, MARK_POINTS, 0);
    error->width = 1.3;
    for (size_t i = 0; i < series->count; i++) {
        double value = scale * figure(metric, series->cells[i], second);
        if (value > 0) {
            double place = series->cells[i]->gpus * dodge;
            chart_add_point(chart, mark, place, value);
            add_interval(chart, error, &panel->y, spread_of(metric, series->cells[i], second), scale, place);
        }
    }
    mark->symbol = symbols[colour_index % (sizeof symbols / sizeof symbols[0])];
    mark->colour = chart_colour(colour_index);
    if (label[0] != '\0')
        mark->label = chart_shortened(chart, label, 34);
}

/* A line of slope one through the smallest configuration that is best. */
static void
add_ideal(struct chart *chart, struct chart_panel *panel, const struct metric *metric,
          const struct rp_series *const *series, size_t count)
{
    double base = 0, low = panel->x.ticks[0], high = panel->x.ticks[panel->x.tick_count - 1];
    for (size_t s = 0; s < count; s++)
        if (series[s]->cells[0]->gpus == low)
            base = fmax(base, figure(metric, series[s]->cells[0], 0));
    if (!(base > 0))
        return;
    struct chart_mark *mark = chart_add_mark(chart, panel, MARK_LINE, CHART_GREY);
    mark->dashed = 1;
    mark->width = 1.5;
    chart_add_point(chart, mark, low, base);
    chart_add_point(chart, mark, high, base * high / low);
    mark->label = chart_copy(chart, "ideal");
}

static void
value_axis(struct chart_axis *axis, const struct metric *metric, struct span span, double scale)
{
    if (span.high == 0)
        axis_from_zero(axis, 1, 7);
    else if (metric->ideal)
        axis_log(axis, scale * span.low, scale * span.high);
    else
        axis_wide(axis, scale * span.low, scale * span.high);
}

static struct span
span_of_series(const struct metric *metric, const struct rp_series *const *series, size_t count)
{
    struct span span = {0, 0};
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < series[s]->count; i++) {
            span_add_spread(&span, spread_of(metric, series[s]->cells[i], 0));
            if (metric->b2 != NULL)
                span_add_spread(&span, spread_of(metric, series[s]->cells[i], 1));
        }
    if (metric->ideal && count > 0) {
        const struct rp_series *first = series[0];
        double base = figure(metric, first->cells[0], 0) / first->cells[0]->gpus;
        for (size_t s = 0; s < count; s++)
            span_add(&span, base * series[s]->cells[series[s]->count - 1]->gpus);
    }
    return span;
}

/* One series: all its lines in one panel. Several: a panel for each of its two figures. */
static void
add_panels(struct chart *chart, const struct metric *metric, const struct rp_series *const *series, size_t count)
{
    struct span span = span_of_series(metric, series, count);
    int panels = metric->b2 != NULL && count > 1 ? 2 : 1;
    for (int p = 0; p < panels; p++) {
        char title[128];
        double scale = scale_of(metric, span, title);
        if (panels == 2)
            (void)snprintf(title, sizeof title, "%s latency (%s)", p == 0 ? "Mean" : "P99",
                           plots_unit_over(span.low * metric->to_ms, span.high * metric->to_ms).name);
        struct chart_panel *panel = chart_add_panel(chart, title);
        gpus_axis(chart, &panel->x, series, count);
        value_axis(&panel->y, metric, span, scale);
        if (metric->ideal)
            add_ideal(chart, panel, metric, series, count);
        for (size_t s = 0; s < count; s++) {
            const char *label = count > 1            ? series[s]->label
                                : metric->b2 != NULL ? "mean"
                                : metric->ideal      ? "simulated"
                                                     : "";
            /* Intervals of several lines stand side by side. */
            int apart = count > 1 && series[s]->cells[0]->members != NULL;
            double dodge = apart ? pow(1.025, (double)s - 0.5 * (double)(count - 1)) : 1;
            add_line(chart, panel, metric, series[s], scale, p, s, panels == 1 || p == 1 ? label : "", dodge);
        }
        if (metric->b2 != NULL && count == 1)
            add_line(chart, panel, metric, series[0], scale, 1, 1, "P99", 1);
    }
}

void
plots_scaling(struct plots *plots, size_t group)
{
    const struct rp_group *cells = &plots->matrix.groups[group];
    const struct rp_series *series[MOST_LINES];
    size_t count = chosen_series(cells, series);
    for (size_t m = 0; m < sizeof metrics / sizeof metrics[0] && count > 0; m++) {
        if (span_of_series(&metrics[m], series, count).high == 0)
            continue;
        struct chart chart = {0};
        char title[128], note[128], caption[256];
        (void)snprintf(title, sizeof title, "%s against the number of GPUs", metrics[m].title);
        (void)snprintf(caption, sizeof caption, "%s%s", metrics[m].caption, metrics[m].of_scaling);
        (void)snprintf(note, sizeof note, "%zu of %zu series are shown", count, cells->series_count);
        plots_name(chart.name, plots, group, metrics[m].name, NULL);
        plots_titles(plots, &chart, group, title, count < cells->series_count ? note : NULL);
        chart.caption = plots_caption(plots, &chart, caption);
        chart_head(&chart);
        add_panels(&chart, &metrics[m], series, count);
        chart_place_row(&chart, 300);
        plots_add(plots, &chart, group, metrics[m].name, NULL);
    }
}

/* ---- bars ------------------------------------------------------------------------------------------------------- */

static struct span
span_of_cells(const struct metric *metric, struct rp_cell *const *cells, size_t count)
{
    struct span span = {0, 0};
    for (size_t i = 0; i < count; i++) {
        span_add_spread(&span, spread_of(metric, cells[i], 0));
        if (metric->b2 != NULL)
            span_add_spread(&span, spread_of(metric, cells[i], 1));
    }
    return span;
}

static void
add_bars(struct plots *plots, struct chart *chart, const struct metric *metric, struct rp_cell *const *cells,
         size_t count)
{
    char title[128];
    struct span span = span_of_cells(metric, cells, count);
    double scale = scale_of(metric, span, title);
    struct chart_panel *panel = chart_add_panel(chart, title);
    axis_from_zero(&panel->x, span.high > 0 ? 1.05 * scale * span.high : 1, 7);
    char **names = calloc(count + 1, sizeof *names);
    chart->failed |= names == NULL;
    for (size_t i = 0; i < count && names != NULL; i++)
        names[i] = chart_shortened(chart, rp_label(&plots->matrix, cells[i]), 40);
    axis_categories(&panel->y, names, names != NULL ? count : 0);
    int bars = metric->b2 != NULL ? 2 : 1;
    /* Drawn last, over the bars: the marks before it are reserved here. */
    struct chart_mark *marks[2] = {chart_add_mark(chart, panel, MARK_BAR, chart_colour(0)), NULL};
    if (bars == 2)
        marks[1] = chart_add_mark(chart, panel, MARK_BAR, chart_colour(1));
    struct chart_mark *error = chart_add_mark(chart, panel, MARK_ERROR, 0x888888);
    error->across = 1;
    error->width = 1.2;
    for (int bar = 0; bar < bars; bar++) {
        struct chart_mark *mark = marks[bar];
        mark->size = metric->b2 != NULL ? 0.34 : 0.6;
        mark->values = 1;
        for (size_t i = 0; i < count; i++) {
            double place = (double)i + 1 + (metric->b2 == NULL ? 0 : bar ? 0.19 : -0.19);
            chart_add_point(chart, mark, scale * figure(metric, cells[i], bar), place);
            add_interval(chart, error, &panel->x, spread_of(metric, cells[i], bar), scale, place);
        }
    }
}

void
plots_bars(struct plots *plots, size_t group)
{
    const struct rp_group *cells = &plots->matrix.groups[group];
    struct rp_cell *chosen[MOST_BARS];
    size_t done = 0, count = plots_select(cells->cells, cells->count, MOST_BARS, chosen);
    for (size_t i = 0; i < cells->count; i++)
        done += cells->cells[i]->done != 0;
    for (size_t m = 0; m < sizeof metrics / sizeof metrics[0] && count > 1; m++) {
        if (span_of_cells(&metrics[m], chosen, count).high == 0)
            continue;
        struct chart chart = {0};
        char title[128], note[128];
        (void)snprintf(title, sizeof title, "%s of each configuration", metrics[m].title);
        (void)snprintf(note, sizeof note, "%zu of %zu cells are shown", count, done);
        plots_name(chart.name, plots, group, metrics[m].name, NULL);
        plots_titles(plots, &chart, group, title, count < done ? note : NULL);
        chart.caption = plots_caption(plots, &chart, metrics[m].caption);
        if (metrics[m].b2 != NULL) {
            chart_add_key(&chart, "mean", chart_colour(0), MARK_BAR, 0, 0);
            chart_add_key(&chart, "P99", chart_colour(1), MARK_BAR, 0, 0);
        }
        chart_head(&chart);
        add_bars(plots, &chart, &metrics[m], chosen, count);
        chart_place_row(&chart, (metrics[m].b2 != NULL ? 40.0 : 26.0) * (double)count);
        plots_add(plots, &chart, group, metrics[m].name, NULL);
    }
}

/* ---- tails ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *key, *title;
} tails[] = {{"ttft_ms", "Time to first token"}, {"tpot_ms", "Time per output token"}, {"latency_ms", "Latency"}};

static const struct {
    const char *key, *label;
    uint32_t colour;
} ranks[] = {{"p50", "P50", 0x9ECAE1}, {"p90", "P90", 0x4292C6}, {"p99", "P99", 0x08306B}};

static struct span
span_of_tail(size_t tail, struct rp_cell *const *cells, size_t count)
{
    struct span span = {0, 0};
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < 3; r++)
            span_add_spread(&span, rp_figure_spread(cells[i], tails[tail].key, ranks[r].key));
    return span;
}

/* Wide ranges: dots on a logarithmic axis, joined from P50 to P99, since the length of a bar would mean nothing. */
static void
add_ranges(struct chart *chart, struct chart_panel *panel, size_t tail, struct rp_cell *const *cells, size_t count,
           double scale)
{
    struct chart_mark *line = chart_add_mark(chart, panel, MARK_LINE, 0xBBBBBB);
    for (size_t i = 0; i < count && cells[i]->members == NULL; i++) {
        for (size_t r = 0; r < 3; r += 2)
            chart_add_point(chart, line, scale * rp_figure(cells[i], tails[tail].key, ranks[r].key), (double)i + 1);
        chart_break(chart, line);
    }
    for (size_t r = 0; r < 3; r++) {
        struct chart_mark *error = chart_add_mark(chart, panel, MARK_ERROR, ranks[r].colour);
        struct chart_mark *mark = chart_add_mark(chart, panel, MARK_DOT, ranks[r].colour);
        error->across = 1;
        error->width = 1.2;
        for (size_t i = 0; i < count; i++) {
            add_interval(chart, error, &panel->x, rp_figure_spread(cells[i], tails[tail].key, ranks[r].key), scale,
                         (double)i + 1 + 0.16 * ((double)r - 1));
            double value = scale * rp_figure(cells[i], tails[tail].key, ranks[r].key);
            /* With intervals, the three stand one below the other. */
            double shift = cells[i]->members != NULL ? 0.16 * ((double)r - 1) : 0;
            chart_add_point(chart, mark, value > 0 ? value : NAN, (double)i + 1 + shift);
        }
    }
}

static void
add_grouped_bars(struct chart *chart, struct chart_panel *panel, size_t tail, struct rp_cell *const *cells,
                 size_t count, double scale)
{
    struct chart_mark *marks[3];
    for (size_t r = 0; r < 3; r++)
        marks[r] = chart_add_mark(chart, panel, MARK_BAR, ranks[r].colour);
    struct chart_mark *error = chart_add_mark(chart, panel, MARK_ERROR, 0x888888);
    error->across = 1;
    error->width = 1.2;
    for (size_t r = 0; r < 3; r++) {
        marks[r]->size = 0.24;
        marks[r]->values = 1;
        for (size_t i = 0; i < count; i++) {
            double place = (double)i + 1 + 0.26 * ((double)r - 1);
            chart_add_point(chart, marks[r], scale * rp_figure(cells[i], tails[tail].key, ranks[r].key), place);
            add_interval(chart, error, &panel->x, rp_figure_spread(cells[i], tails[tail].key, ranks[r].key), scale,
                         place);
        }
    }
}

static void
add_tail(struct plots *plots, struct chart *chart, size_t tail, struct rp_cell *const *cells, size_t count, int wide)
{
    char title[128];
    struct span span = span_of_tail(tail, cells, count);
    struct plots_unit unit = wide ? plots_unit_over(span.low, span.high) : plots_unit_of(span.high);
    (void)snprintf(title, sizeof title, "%s (%s)", tails[tail].title, unit.name);
    struct chart_panel *panel = chart_add_panel(chart, title);
    if (wide && span.low > 0)
        axis_log(&panel->x, unit.per_ms * span.low, unit.per_ms * span.high);
    else
        axis_from_zero(&panel->x, 1.18 * unit.per_ms * span.high, 4);
    char **names = calloc(count + 1, sizeof *names);
    chart->failed |= names == NULL;
    for (size_t i = 0; i < count && names != NULL; i++)
        names[i] = tail == 0 ? chart_shortened(chart, rp_label(&plots->matrix, cells[i]), 32) : chart_copy(chart, "");
    axis_categories(&panel->y, names, names != NULL ? count : 0);
    if (wide)
        add_ranges(chart, panel, tail, cells, count, unit.per_ms);
    else
        add_grouped_bars(chart, panel, tail, cells, count, unit.per_ms);
}

void
plots_tails(struct plots *plots, size_t group)
{
    const struct rp_group *cells = &plots->matrix.groups[group];
    struct rp_cell *chosen[MOST_TAILS];
    size_t done = 0, count = plots_select(cells->cells, cells->count, MOST_TAILS, chosen);
    if (count == 0)
        return;
    for (size_t i = 0; i < cells->count; i++)
        done += cells->cells[i]->done != 0;
    int wide = 0, some = 0;
    for (size_t t = 0; t < 3; t++) {
        struct span span = span_of_tail(t, chosen, count);
        wide |= span.high > 30 * span.low;
        some |= span.high > 0;
    }
    if (!some)
        return; /* nothing finished anywhere */
    struct chart chart = {0};
    char note[128];
    (void)snprintf(note, sizeof note, "%zu of %zu cells are shown", count, done);
    plots_name(chart.name, plots, group, "tails", NULL);
    plots_titles(plots, &chart, group, "Median (P50) and tails (P90, P99)", count < done ? note : NULL);
    chart.caption =
        plots_caption(plots, &chart, "Median, 90th and 99th percentile over the finished requests of each cell.");
    for (size_t r = 0; r < 3; r++)
        chart_add_key(&chart, ranks[r].label, ranks[r].colour, wide ? MARK_DOT : MARK_BAR, 0, 7);
    chart_head(&chart);
    for (size_t t = 0; t < 3; t++)
        add_tail(plots, &chart, t, chosen, count, wide);
    chart_place_row(&chart, 14 + (wide ? 26.0 : 48.0) * (double)count);
    plots_add(plots, &chart, group, "tails", NULL);
}
