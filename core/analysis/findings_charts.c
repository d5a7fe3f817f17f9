/*
 * analysis/findings_charts.c - three charts for a cell (distributions, TTFT against TPOT, the run over time) and one
 * for each way to scale.
 */
#include <math.h>
#include <stdlib.h>

#include "analysis/findings.h"
#include "analysis/statistics.h"

#define CURVE_POINTS 400
#define DOTS 3000 /* of the scatter; more cannot be told apart */

static void
cell_chart(struct ss_chart *chart, const struct ss_findings *f, const char *kind, double height, const char *title,
           const char *subtitle)
{
    char name[128];
    const char *cell = f->trial->cell != NULL ? f->trial->name : "run";
    (void)snprintf(name, sizeof name, "%s-%.100s", kind, cell);
    ss_chart_open(chart, name, height, title, subtitle);
}

static void
about(char out[300], const struct ss_findings *f, const char *what)
{
    (void)snprintf(out, 300, "%.120s: %s", f->trial->name, what);
}

/* ---- distributions ---- */

static const struct {
    const char *title, *label;
    uint32_t figure;
} panels[4] = {{"TTFT", "TTFT (ms)", SS_FIGURE_TTFT},
               {"TPOT", "TPOT (ms)", SS_FIGURE_TPOT},
               {"latency", "latency (ms)", SS_FIGURE_LATENCY},
               {"queue", "time in the queue (ms)", SS_FIGURE_QUEUE}};

static double
least_above_zero(const double *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sorted[i] > 0)
            return sorted[i];
    return 0;
}

static void
put_distribution(struct ss_chart *chart, const struct ss_samples *samples, size_t index, double *sorted)
{
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        double value = ss_sample_figure(&samples->items[i], panels[index].figure);
        if (!isnan(value))
            sorted[count++] = value;
    }
    ss_sort(sorted, count);
    struct ss_chart_axis x =
        ss_chart_axis_of(panels[index].label, least_above_zero(sorted, count), count > 0 ? sorted[count - 1] : 0);
    const struct ss_chart_axis y = {"requests (%)", 0, 100, 0};
    ss_chart_panel(chart, index % 2 == 0 ? 66 : 516, index < 2 ? 90 : 380, 360, 200, panels[index].title, &x, &y);
    ss_chart_plot(chart, "1:2", "with lines lw 2 lc rgb '" SS_CHART_BLUE "'");
    for (size_t i = 0; i <= CURVE_POINTS && count > 0; i++)
        ss_chart_point(chart, fmax(x.low, ss_nearest_rank(sorted, count, (double)i / CURVE_POINTS)),
                       100.0 * (double)i / CURVE_POINTS);
    if (count == 0)
        ss_chart_point(chart, x.low, 0);
}

static int
chart_distributions(const struct ss_findings *f, struct ss_charts *charts, double *scratch, struct servsim_error *err)
{
    struct ss_chart chart;
    char subtitle[300];
    about(subtitle, f, "share of finished requests that took no longer");
    cell_chart(&chart, f, "distributions", 640, "How the requests fared", subtitle);
    for (size_t i = 0; i < 4; i++)
        put_distribution(&chart, &f->trial->samples, i, scratch);
    return ss_chart_close(&chart, charts, err);
}

/* ---- TTFT against TPOT ---- */

static int
chart_scatter(const struct ss_findings *f, struct ss_charts *charts, struct servsim_error *err)
{
    const struct ss_samples *samples = &f->trial->samples;
    const struct ss_shape *ttft = &f->shapes[SS_FIGURE_TTFT], *tpot = &f->shapes[SS_FIGURE_TPOT];
    struct ss_chart chart;
    char what[160], subtitle[300];
    (void)snprintf(what, sizeof what, "a dot for each request%s; rank correlation %.2f",
                   samples->count > DOTS ? " of an even sample" : "", isnan(f->ttft_tpot) ? 0 : f->ttft_tpot);
    about(subtitle, f, what);
    cell_chart(&chart, f, "ttft_tpot", 520, "First token against further tokens", subtitle);
    struct ss_chart_axis x = ss_chart_axis_of("TTFT (ms)", ttft->least, ttft->most);
    struct ss_chart_axis y = ss_chart_axis_of("TPOT (ms)", tpot->least, tpot->most);
    ss_chart_panel(&chart, 76, 90, 794, 370, "", &x, &y);
    ss_chart_plot(&chart, "1:2", "with points pt 7 ps 0.35 lc rgb '#770072B2'");
    size_t step = samples->count / DOTS + 1, dots = 0;
    for (size_t i = 0; i < samples->count; i += step) {
        double a = ss_sample_figure(&samples->items[i], SS_FIGURE_TTFT);
        double b = ss_sample_figure(&samples->items[i], SS_FIGURE_TPOT);
        dots += !isnan(a) && !isnan(b);
        ss_chart_point(&chart, a, b);
    }
    if (dots == 0)
        ss_chart_point(&chart, x.low, y.low);
    return ss_chart_close(&chart, charts, err);
}

/* ---- over time ---- */

/* A line of means over groups of bins, so that no more points than pixels are drawn. */
static void
put_series(struct ss_chart *chart, const struct ss_bins *bins, double width_s, size_t offset, double factor,
           const char *colour)
{
    char how[128];
    size_t group = bins->count / 600 + 1;
    (void)snprintf(how, sizeof how, "with lines lw 1.6 lc rgb '%s'", colour);
    ss_chart_plot(chart, "1:2", how);
    for (size_t i = 0; i < bins->count; i += group) {
        double sum = 0;
        size_t count = 0;
        for (size_t j = i; j < i + group && j < bins->count; j++, count++)
            sum += *(const double *)(const void *)((const char *)&bins->items[j] + offset);
        ss_chart_point(chart, bins->items[i].t_s + width_s * (double)count / 2, factor * sum / (double)count);
    }
}

static double
most_of(const struct ss_bins *bins, size_t offset)
{
    size_t group = bins->count / 600 + 1;
    double most = 0;
    for (size_t i = 0; i < bins->count; i += group) {
        double sum = 0, count = 0;
        for (size_t j = i; j < i + group && j < bins->count; j++, count++)
            sum += *(const double *)(const void *)((const char *)&bins->items[j] + offset);
        most = fmax(most, sum / count);
    }
    return most;
}

static int
chart_time(const struct ss_findings *f, struct ss_charts *charts, struct servsim_error *err)
{
    const struct ss_bins *bins = &f->trial->bins;
    struct ss_chart chart;
    char subtitle[300];
    if (bins->count < 2)
        return 0;
    double end = bins->items[bins->count - 1].t_s + f->bin_s, per_s = 1 / f->bin_s;
    double tokens = most_of(bins, offsetof(struct ss_bin, output_tokens)) * per_s;
    double waiting =
        fmax(most_of(bins, offsetof(struct ss_bin, waiting)), most_of(bins, offsetof(struct ss_bin, running)));
    const struct ss_chart_axis none = {"", 0, end, 0}, time = {"simulated time (s)", 0, end, 0},
                               share = {"busy (%)", 0, 105, 0};
    struct ss_chart_axis rate = ss_chart_axis_of("tokens/s", 0, tokens);
    struct ss_chart_axis requests = ss_chart_axis_of("requests", 0, waiting);
    about(subtitle, f, "means of bins");
    cell_chart(&chart, f, "over_time", 660, "The run over time", subtitle);
    ss_chart_key(&chart, "waiting", SS_CHART_ORANGE);
    ss_chart_key(&chart, "running", SS_CHART_BLUE);
    ss_chart_panel(&chart, 84, 118, 780, 130, "output tokens per second", &none, &rate);
    put_series(&chart, bins, f->bin_s, offsetof(struct ss_bin, output_tokens), per_s, SS_CHART_GREEN);
    ss_chart_panel(&chart, 84, 300, 780, 130, "requests waiting and running", &none, &requests);
    put_series(&chart, bins, f->bin_s, offsetof(struct ss_bin, running), 1, SS_CHART_BLUE);
    put_series(&chart, bins, f->bin_s, offsetof(struct ss_bin, waiting), 1, SS_CHART_ORANGE);
    ss_chart_panel(&chart, 84, 482, 780, 110, "busy GPUs", &time, &share);
    put_series(&chart, bins, f->bin_s, offsetof(struct ss_bin, busy_fraction), 100, SS_CHART_PINK);
    return ss_chart_close(&chart, charts, err);
}

int
ss_findings_chart(const struct ss_findings *findings, struct ss_charts *charts, struct servsim_error *err)
{
    double *scratch = malloc((findings->requests + 1) * sizeof *scratch);
    if (scratch == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the charts");
    int rc = chart_distributions(findings, charts, scratch, err);
    free(scratch);
    if (rc == 0)
        rc = chart_scatter(findings, charts, err);
    return rc != 0 ? rc : chart_time(findings, charts, err);
}

/* ---- scaling ---- */

static void
put_gpu_ticks(struct ss_chart *chart, const struct ss_scale *scale)
{
    char ticks[400] = "";
    for (size_t i = 0; i < scale->count; i++) {
        size_t used = strlen(ticks);
        (void)snprintf(ticks + used, sizeof ticks - used, "%s%u", i > 0 ? ", " : "", scale->steps[i].gpus);
    }
    ss_chart_command(chart, "set logscale x 2; set xtics (%s)", ticks);
}

static void
put_steps(struct ss_chart *chart, const struct ss_scale *scale, size_t offset, double factor, const char *colour)
{
    char how[128];
    (void)snprintf(how, sizeof how, "with linespoints pt 7 ps 0.9 lw 2 lc rgb '%s'", colour);
    ss_chart_plot(chart, "1:2", how);
    for (size_t i = 0; i < scale->count; i++)
        ss_chart_point(chart, scale->steps[i].gpus,
                       factor * *(const double *)(const void *)((const char *)&scale->steps[i] + offset));
}

static int
chart_scale(const struct ss_scale *scale, size_t index, struct ss_charts *charts, struct servsim_error *err)
{
    struct ss_chart chart;
    char name[64], subtitle[300];
    double latency = 0, efficiency = 1, low = scale->steps[0].gpus, high = scale->steps[scale->count - 1].gpus;
    for (size_t i = 0; i < scale->count; i++) {
        latency = fmax(latency, fmax(scale->steps[i].latency_ms, scale->steps[i].latency_p99_ms));
        efficiency = fmax(efficiency, scale->steps[i].efficiency);
    }
    struct ss_chart_axis x = {"GPUs", low / 1.15, high * 1.15, 0}, ms = ss_chart_axis_of("latency (ms)", 0, latency);
    struct ss_chart_axis percent = ss_chart_axis_of("efficiency (%)", 0, 100 * efficiency);
    (void)snprintf(name, sizeof name, "scaling-%zu", index + 1);
    (void)snprintf(subtitle, sizeof subtitle, "%s%s%.150s; efficiency against the smallest, 100 %% is linear",
                   scale->how, scale->label[0] != '\0' ? ", " : "", scale->label);
    ss_chart_open(&chart, name, 430, "What more GPUs give", subtitle);
    ss_chart_key(&chart, "mean latency", SS_CHART_BLUE);
    ss_chart_key(&chart, "P99 latency", SS_CHART_ORANGE);
    ss_chart_key(&chart, "efficiency", SS_CHART_GREEN);
    ss_chart_panel(&chart, 84, 126, 345, 240, "latency", &x, &ms);
    put_gpu_ticks(&chart, scale);
    put_steps(&chart, scale, offsetof(struct ss_scale_step, latency_ms), 1, SS_CHART_BLUE);
    put_steps(&chart, scale, offsetof(struct ss_scale_step, latency_p99_ms), 1, SS_CHART_ORANGE);
    ss_chart_panel(&chart, 520, 126, 345, 240, "scaling efficiency", &x, &percent);
    put_gpu_ticks(&chart, scale);
    ss_chart_command(&chart,
                     "set arrow from graph 0,first 100 to graph 1,first 100 nohead dt '-' lw 1.2 lc rgb '#888888'");
    put_steps(&chart, scale, offsetof(struct ss_scale_step, efficiency), 100, SS_CHART_GREEN);
    return ss_chart_close(&chart, charts, err);
}

int
ss_scales_chart(const struct ss_scales *scales, struct ss_charts *charts, struct servsim_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < scales->count && rc == 0; i++)
        rc = chart_scale(&scales->items[i], i, charts, err);
    return rc;
}
