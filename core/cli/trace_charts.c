/*
 * cli/trace_charts.c - charts of a trace: arrivals over time, gaps, lengths, hours of the day.
 */
#include <math.h>

#include "analysis/charts.h"
#include "cli/trace.h"

#define HEIGHT 360.0
#define LEFT 66.0
#define TOP 118.0
#define CURVE_POINTS 400u
#define BINS_SHOWN 1500u

/* The one panel of a chart. */
static void
whole_panel(struct ss_chart *chart, const char *title, const struct ss_chart_axis *x, const struct ss_chart_axis *y)
{
    ss_chart_panel(chart, LEFT, TOP, SS_CHART_WIDTH - LEFT - 22, HEIGHT - TOP - 52, title, x, y);
}

/* ---- arrivals over time ---- */

struct time_unit {
    const char *label;
    double seconds;
};

static struct time_unit
unit_of(double span_s)
{
    static const struct time_unit units[] = {{"time since the first row (days)", 86400},
                                             {"time since the first row (hours)", 3600},
                                             {"time since the first row (minutes)", 60}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (span_s >= 3.0 * units[i].seconds)
            return units[i];
    return (struct time_unit){"time since the first row (s)", 1};
}

static const char *
width_text(uint64_t ms, char *out, size_t size)
{
    static const struct {
        uint64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms != 0)
        i++;
    (void)snprintf(out, size, "%llu %s", (unsigned long long)(ms / units[i].ms), units[i].name);
    return out;
}

static int
arrivals_chart(struct ss_charts *charts, const struct ss_trace_figures *figures, const char *subtitle,
               struct servsim_error *err)
{
    struct ss_chart chart;
    char width[32], label[64], mean[64];
    double bin_s = (double)figures->bin_ms / 1e3, end_s = bin_s * figures->bins_used, most = 0;
    double rate = ss_trace_rate(figures);
    struct time_unit unit = unit_of(end_s);
    for (uint32_t i = 0; i < figures->bins_used; i++)
        most = fmax(most, (double)figures->bins[i] / bin_s);
    (void)snprintf(label, sizeof label, "in bins of %s", width_text(figures->bin_ms, width, sizeof width));
    (void)snprintf(mean, sizeof mean, "mean %.4g/s", rate);
    const struct ss_chart_axis x = {unit.label, 0, end_s / unit.seconds, 0};
    const struct ss_chart_axis y = ss_chart_axis_of("requests/s", 0, most);
    ss_chart_open(&chart, "arrivals", HEIGHT, "Arrivals over time", subtitle);
    ss_chart_key(&chart, label, SS_CHART_BLUE);
    if (isfinite(rate))
        ss_chart_key(&chart, mean, SS_CHART_ORANGE);
    whole_panel(&chart, "Requests per second", &x, &y);
    ss_chart_plot(&chart, "1:2", "with fillsteps fs solid 0.85 noborder lc rgb '" SS_CHART_BLUE "'");
    for (uint32_t i = 0; i < figures->bins_used; i++)
        ss_chart_point(&chart, i * bin_s / unit.seconds, (double)figures->bins[i] / bin_s);
    ss_chart_point(&chart, end_s / unit.seconds, 0);
    if (isfinite(rate)) {
        ss_chart_plot(&chart, "1:2", "with lines lw 1.5 lc rgb '" SS_CHART_ORANGE "'");
        ss_chart_point(&chart, 0, rate);
        ss_chart_point(&chart, end_s / unit.seconds, rate);
    }
    return ss_chart_close(&chart, charts, err);
}

/* ---- distributions ---- */

struct curve {
    size_t points;
    double values[CURVE_POINTS], shares[CURVE_POINTS];
};

static void
take_curve(struct curve *curve, const struct ss_spread *spread, double scale)
{
    curve->points = ss_spread_curve(spread, curve->values, curve->shares, CURVE_POINTS);
    for (size_t i = 0; i < curve->points; i++)
        curve->values[i] *= scale;
}

/* The smallest value above 0. */
static double
least_of(const struct curve *curve)
{
    for (size_t i = 0; i < curve->points; i++)
        if (curve->values[i] > 0)
            return curve->values[i];
    return 0;
}

static void
put_curve(struct ss_chart *chart, const struct curve *curve, const struct ss_chart_axis *x, const char *how)
{
    double share = 0; /* of what lies left of the axis */
    ss_chart_plot(chart, "1:2", how);
    for (size_t i = 0; i < curve->points && curve->values[i] <= x->low; i++)
        share = curve->shares[i];
    ss_chart_point(chart, x->low, 100 * share);
    for (size_t i = 0; i < curve->points; i++)
        if (curve->values[i] > x->low)
            ss_chart_point(chart, curve->values[i], 100 * curve->shares[i]);
}

/* Gaps of Poisson arrivals at the same rate. */
static void
put_exponential(struct ss_chart *chart, double mean_s, const struct ss_chart_axis *x)
{
    ss_chart_plot(chart, "1:2", "with lines lw 1.5 lc rgb '" SS_CHART_GREY "'");
    for (int i = 0; i <= 200; i++) {
        double part = i / 200.0;
        double value = x->log ? x->low * pow(x->high / x->low, part) : x->low + part * (x->high - x->low);
        ss_chart_point(chart, value, 100 * -expm1(-value / mean_s));
    }
}

static int
gaps_chart(struct ss_charts *charts, const struct ss_trace_figures *figures, const char *subtitle,
           struct servsim_error *err)
{
    struct ss_chart chart;
    struct curve *curve = malloc(sizeof *curve);
    char label[96];
    double zero = (double)figures->zero_gaps / (double)figures->gaps_ns.count;
    if (curve == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a chart");
    take_curve(curve, &figures->gaps_ns, 1e-9);
    struct ss_chart_axis x =
        ss_chart_axis_of("gap between two arrivals (s)", least_of(curve), (double)figures->gaps_ns.max / 1e9);
    const struct ss_chart_axis y = {"share of gaps (%)", 0, 100, 0};
    (void)snprintf(label, sizeof label, "this trace, CV %.3g, %.3g %% zero", ss_trace_gap_cv(figures), 100 * zero);
    ss_chart_open(&chart, "gaps", HEIGHT, "Gaps between arrivals", subtitle);
    ss_chart_key(&chart, label, SS_CHART_BLUE);
    if (figures->gap_mean_s > 0)
        ss_chart_key(&chart, "Poisson arrivals at this rate, CV 1", SS_CHART_GREY);
    whole_panel(&chart, "Share of gaps at or below a value", &x, &y);
    put_curve(&chart, curve, &x, "with steps lw 2 lc rgb '" SS_CHART_BLUE "'");
    if (figures->gap_mean_s > 0)
        put_exponential(&chart, figures->gap_mean_s, &x);
    free(curve);
    return ss_chart_close(&chart, charts, err);
}

static void
length_key(struct ss_chart *chart, const char *what, const struct ss_spread *spread, const char *colour)
{
    char label[96];
    (void)snprintf(label, sizeof label, "%s: mean %.0f, p50 %llu, p99 %llu", what, ss_spread_mean(spread),
                   (unsigned long long)ss_spread_percentile(spread, 50),
                   (unsigned long long)ss_spread_percentile(spread, 99));
    ss_chart_key(chart, label, colour);
}

static int
lengths_chart(struct ss_charts *charts, const struct ss_trace_figures *figures, const char *subtitle,
              struct servsim_error *err)
{
    struct ss_chart chart;
    struct curve *curves = malloc(2 * sizeof *curves);
    if (curves == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a chart");
    take_curve(&curves[0], &figures->prompts, 1);
    take_curve(&curves[1], &figures->outputs, 1);
    struct ss_chart_axis x = ss_chart_axis_of(
        "tokens", fmin(least_of(&curves[0]), least_of(&curves[1])),
        (double)(figures->prompts.max > figures->outputs.max ? figures->prompts.max : figures->outputs.max));
    const struct ss_chart_axis y = {"share of requests (%)", 0, 100, 0};
    ss_chart_open(&chart, "lengths", HEIGHT, "Lengths of requests", subtitle);
    length_key(&chart, "prompt", &figures->prompts, SS_CHART_BLUE);
    length_key(&chart, "output", &figures->outputs, SS_CHART_ORANGE);
    whole_panel(&chart, "Share of requests at or below a length", &x, &y);
    put_curve(&chart, &curves[0], &x, "with steps lw 2 lc rgb '" SS_CHART_BLUE "'");
    put_curve(&chart, &curves[1], &x, "with steps lw 2 lc rgb '" SS_CHART_ORANGE "'");
    free(curves);
    return ss_chart_close(&chart, charts, err);
}

/* ---- hours of the day ---- */

static int
hours_chart(struct ss_charts *charts, const double profile[24], const char *subtitle, struct servsim_error *err)
{
    struct ss_chart chart;
    double most = 0;
    for (int h = 0; h < 24; h++)
        most = fmax(most, profile[h]);
    const struct ss_chart_axis x = {"hour of the day, days counted from the first row", -0.7, 23.7, 0};
    const struct ss_chart_axis y = ss_chart_axis_of("rate, relative to the mean", 0, fmax(most, 1));
    ss_chart_open(&chart, "hours", HEIGHT, "The hours of the day", subtitle);
    ss_chart_key(&chart, "rate in this hour", SS_CHART_BLUE);
    ss_chart_key(&chart, "mean", SS_CHART_ORANGE);
    whole_panel(&chart, "Requests per second, relative to the mean", &x, &y);
    ss_chart_command(&chart, "set xtics 0,2,23");
    ss_chart_command(&chart, "set boxwidth 0.8");
    ss_chart_plot(&chart, "1:2", "with boxes fs solid 0.85 noborder lc rgb '" SS_CHART_BLUE "'");
    for (int h = 0; h < 24; h++)
        ss_chart_point(&chart, h, profile[h]);
    ss_chart_plot(&chart, "1:2", "with lines lw 1.5 lc rgb '" SS_CHART_ORANGE "'");
    ss_chart_point(&chart, -0.7, 1);
    ss_chart_point(&chart, 23.7, 1);
    return ss_chart_close(&chart, charts, err);
}

int
ss_trace_charts(struct ss_trace_figures *figures, const char *subtitle, const char *folder,
                const volatile sig_atomic_t *interrupted, int *drawn, struct servsim_error *err)
{
    struct ss_charts charts;
    double profile[24];
    int rc = ss_charts_begin(&charts, folder, err);
    if (rc != 0)
        return rc;
    ss_trace_widen_bins(figures, BINS_SHOWN);
    rc = arrivals_chart(&charts, figures, subtitle, err);
    if (rc == 0 && figures->gaps_ns.count > 0)
        rc = gaps_chart(&charts, figures, subtitle, err);
    if (rc == 0)
        rc = lengths_chart(&charts, figures, subtitle, err);
    if (rc == 0 && ss_trace_hour_profile(figures, profile))
        rc = hours_chart(&charts, profile, subtitle, err);
    if (rc == 0)
        rc = ss_charts_draw(&charts, err);
    *drawn = !charts.gnuplot_absent;
    ss_charts_end(&charts);
    if (interrupted != NULL && *interrupted)
        return servsim_fail(err, EINTR, "interrupted");
    return rc;
}
