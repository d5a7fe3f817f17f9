/*
 * analysis/versus_charts.c - two charts of a comparison: the distributions over each other, and every difference with
 * its interval.
 */
#include <math.h>
#include <stdlib.h>

#include "analysis/statistics.h"
#include "analysis/versus.h"

#define CURVE_POINTS 400

static const struct {
    const char *title, *label;
    uint32_t figure;
} panels[4] = {{"TTFT", "TTFT (ms)", SS_FIGURE_TTFT},
               {"TPOT", "TPOT (ms)", SS_FIGURE_TPOT},
               {"latency", "latency (ms)", SS_FIGURE_LATENCY},
               {"queue", "time in the queue (ms)", SS_FIGURE_QUEUE}};

/* The figure over all replicates of a side, sorted. */
static double *
sorted_figure(const struct ss_versus_side *side, uint32_t figure, size_t *count)
{
    size_t total = 0;
    for (size_t i = 0; i < side->count; i++)
        total += side->trials[i]->samples.count;
    double *values = malloc((total + 1) * sizeof *values);
    *count = 0;
    for (size_t i = 0; i < side->count && values != NULL; i++) {
        const struct ss_samples *samples = &side->trials[i]->samples;
        for (size_t s = 0; s < samples->count; s++) {
            double value = ss_sample_figure(&samples->items[s], figure);
            if (!isnan(value))
                values[(*count)++] = value;
        }
    }
    if (values != NULL)
        ss_sort(values, *count);
    return values;
}

static void
put_curve(struct ss_chart *chart, const double *sorted, size_t count, double floor_x, const char *colour)
{
    char how[128];
    (void)snprintf(how, sizeof how, "with lines lw 2 lc rgb '%s'", colour);
    ss_chart_plot(chart, "1:2", how);
    for (size_t i = 0; i <= CURVE_POINTS && count > 0; i++) {
        double share = (double)i / CURVE_POINTS;
        ss_chart_point(chart, fmax(floor_x, ss_nearest_rank(sorted, count, share)), 100 * share);
    }
    if (count == 0) /* gnuplot wants at least one row */
        ss_chart_point(chart, floor_x, 0);
}

static double
least_above_zero(const double *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sorted[i] > 0)
            return sorted[i];
    return 0;
}

static void
put_panel(struct ss_chart *chart, const struct ss_versus *versus, size_t index)
{
    size_t count_a = 0, count_b = 0;
    double *a = sorted_figure(&versus->a, panels[index].figure, &count_a);
    double *b = sorted_figure(&versus->b, panels[index].figure, &count_b);
    if (a != NULL && b != NULL) {
        double most = fmax(count_a > 0 ? a[count_a - 1] : 0, count_b > 0 ? b[count_b - 1] : 0);
        double least_a = least_above_zero(a, count_a), least_b = least_above_zero(b, count_b);
        double least = least_a > 0 && least_b > 0 ? fmin(least_a, least_b) : fmax(least_a, least_b);
        struct ss_chart_axis x = ss_chart_axis_of(panels[index].label, least, most);
        const struct ss_chart_axis y = {"requests (%)", 0, 100, 0};
        ss_chart_panel(chart, index % 2 == 0 ? 66 : 516, index < 2 ? 122 : 412, 360, 200, panels[index].title, &x, &y);
        put_curve(chart, a, count_a, x.low, SS_CHART_BLUE);
        put_curve(chart, b, count_b, x.low, SS_CHART_ORANGE);
    }
    free(a);
    free(b);
}

/* What tells it from the other, in what a chart has room for: the end of its path, and its cell where that is another.
 */
static void
name_side(char out[120], const struct ss_versus_side *side)
{
    size_t length = strlen(side->path), kept = 0;
    while (length > 1 && side->path[length - 1] == '/')
        length--;
    while (kept < length && kept < 46 && side->path[length - 1 - kept] != '/')
        kept++;
    const char *end = side->path + length - kept;
    int same =
        strcmp(side->name, side->path) == 0 || (strlen(side->name) == kept && strncmp(end, side->name, kept) == 0);
    (void)snprintf(out, 120, "%.*s%s%.46s", (int)kept, end, same ? "" : " ", same ? "" : side->name);
}

int
ss_versus_chart_curves(struct ss_charts *charts, const struct ss_versus *versus, size_t index,
                       struct servsim_error *err)
{
    struct ss_chart chart;
    char name[64], side[120], key[130];
    (void)snprintf(name, sizeof name, "distributions-%zu", index + 1);
    ss_chart_open(&chart, name, 670, "How the requests fared", "share of finished requests that took no longer");
    name_side(side, &versus->a);
    (void)snprintf(key, sizeof key, "A: %s", side);
    ss_chart_key(&chart, key, SS_CHART_BLUE);
    name_side(side, &versus->b);
    (void)snprintf(key, sizeof key, "B: %s", side);
    ss_chart_key(&chart, key, SS_CHART_ORANGE);
    for (size_t i = 0; i < 4; i++)
        put_panel(&chart, versus, i);
    return ss_chart_close(&chart, charts, err);
}

/* ---- every difference with its interval ---- */

static const char *
colour_of(uint32_t metric, uint32_t verdict)
{
    if (verdict != SS_VERDICT_LESS && verdict != SS_VERDICT_MORE)
        return SS_CHART_GREY;
    int better = ss_metrics[metric].higher_is_better == (verdict == SS_VERDICT_MORE);
    return better ? SS_CHART_BLUE : SS_CHART_ORANGE;
}

/* A figure with neither a share of A nor an interval has no row. */
static int
has_row(const struct ss_difference *metric)
{
    return !isnan(metric->relative) && !isnan(metric->low);
}

static uint32_t
count_rows(const struct ss_comparison *result)
{
    uint32_t rows = 0;
    for (uint32_t m = 0; m < SS_METRICS; m++)
        rows += has_row(&result->metrics[m]);
    return rows;
}

/* Wide enough for all intervals but those that would leave no room for the others. */
static double
widest(const struct ss_comparison *result)
{
    const double limit = 400;
    double most = 0;
    for (size_t m = 0; m < SS_METRICS; m++) {
        const struct ss_difference *metric = &result->metrics[m];
        double reach = 100 * fmax(fabs(metric->low), fabs(metric->high)) / metric->a;
        if (has_row(metric) && metric->a > 0 && reach <= limit)
            most = fmax(most, reach);
    }
    return most > 0 ? most * 1.08 : limit;
}

static void
put_metric_names(struct ss_chart *chart, const struct ss_comparison *result)
{
    struct ss_text names = {0};
    uint32_t row = 0;
    for (uint32_t m = 0; m < SS_METRICS; m++)
        if (has_row(&result->metrics[m]))
            ss_text_printf(&names, "%s'%s' %u", names.length > 0 ? ", " : "", ss_metrics[m].title, ++row);
    if (names.data != NULL)
        ss_chart_command(chart, "set ytics (%s)", names.data);
    ss_text_free(&names);
}

static void
put_differences(struct ss_chart *chart, const struct ss_comparison *result)
{
    static const char *const colours[] = {SS_CHART_GREY, SS_CHART_BLUE, SS_CHART_ORANGE};
    for (size_t c = 0; c < 3; c++) {
        char how[160];
        size_t drawn = 0;
        uint32_t row = 0;
        (void)snprintf(how, sizeof how, "with xerrorbars pt 7 ps 0.9 lw 2 lc rgb '%s'", colours[c]);
        ss_chart_plot(chart, "1:2:3:4", how);
        for (uint32_t m = 0; m < SS_METRICS; m++) {
            const struct ss_difference *metric = &result->metrics[m];
            row += (uint32_t)has_row(metric);
            if (!has_row(metric) || strcmp(colour_of(m, metric->verdict), colours[c]) != 0)
                continue;
            const double values[4] = {100 * metric->relative, row, 100 * metric->low / metric->a,
                                      100 * metric->high / metric->a};
            ss_chart_row(chart, values, 4);
            drawn++;
        }
        if (drawn == 0) { /* gnuplot wants at least one row: off the chart */
            const double values[4] = {0, -10, 0, 0};
            ss_chart_row(chart, values, 4);
        }
    }
}

int
ss_versus_chart_differences(struct ss_charts *charts, const struct ss_versus_set *set,
                            const struct ss_versus_options *options, struct servsim_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < set->count && rc == 0; i++) {
        const struct ss_versus *versus = &set->items[i];
        struct ss_chart chart;
        char name[64], a[120], b[120], subtitle[300];
        double reach = widest(&versus->result), rows = fmax(1, count_rows(&versus->result));
        struct ss_chart_axis x = {"difference (% of A)", -reach, reach, 0}, y = {"", rows + 0.6, 0.4, 0};
        (void)snprintf(name, sizeof name, "differences-%zu", i + 1);
        name_side(a, &versus->a);
        name_side(b, &versus->b);
        (void)snprintf(subtitle, sizeof subtitle, "B (%s) less A (%s), with %.4g %% intervals", b, a,
                       100 * options->level);
        ss_chart_open(&chart, name, 640, "What is larger than noise", subtitle);
        ss_chart_key(&chart, "B is better", SS_CHART_BLUE);
        ss_chart_key(&chart, "B is worse", SS_CHART_ORANGE);
        ss_chart_key(&chart, "no difference larger than noise", SS_CHART_GREY);
        ss_chart_panel(&chart, 140, 112, 730, 470, "", &x, &y);
        put_metric_names(&chart, &versus->result);
        ss_chart_command(&chart, "set arrow from 0,graph 0 to 0,graph 1 nohead lw 1.2 lc rgb '#666666' back");
        put_differences(&chart, &versus->result);
        rc = ss_chart_close(&chart, charts, err);
    }
    return rc;
}
