/*
 * analysis/fidelity_print.c - errors for people, for scripts and for the eye.
 */
#include <math.h>

#include "analysis/fidelity.h"

static const char *const figure_names[SS_FIDELITY_FIGURES] = {"TTFT", "TPOT", "latency"};
static const char *const figure_keys[SS_FIDELITY_FIGURES] = {"ttft_ms", "tpot_ms", "latency_ms"};
static const char *const point_names[SS_FIDELITY_POINTS] = {"mean", "P50", "P90", "P99"};
static const char *const point_keys[SS_FIDELITY_POINTS] = {"mean", "p50", "p90", "p99"};

/* The mean of an error over the repeats and its standard deviation, behind that of the one simulation. */
static void
put_spread(const struct ss_fidelity_spread *spread, size_t error, int sign, struct ss_text *out)
{
    double deviation = 100 * ss_fidelity_deviation(spread, error), mean = 100 * spread->mean[error];
    if (isnan(mean))
        return;
    ss_text_printf(out, sign ? "%+11.2f" : "%11.2f", mean);
    if (!isnan(deviation))
        ss_text_printf(out, " +- %.2f", deviation);
    ss_text_puts(out, " %");
}

static int
repeated(const struct ss_fidelity_spread *spread)
{
    return spread != NULL && spread->runs > 0;
}

struct table {
    const struct ss_fidelity_spread *spread;
    struct ss_text *out;
};

static void
row(const struct table *table, const char *what, double real, double simulated, size_t error)
{
    if (isnan(real) || isnan(simulated))
        return;
    ss_text_printf(table->out, "  %-18s%14.3f%14.3f%+11.2f %%", what, real, simulated, (simulated / real - 1) * 100);
    if (repeated(table->spread))
        put_spread(table->spread, error, 1, table->out);
    ss_text_puts(table->out, "\n");
}

static void
absolute_row(const struct table *table, const char *what, double value, size_t error, const char *of)
{
    if (isnan(value))
        return;
    ss_text_printf(table->out, "  %-18s%28s%11.2f %%", what, "", value * 100);
    if (repeated(table->spread))
        put_spread(table->spread, error, 0, table->out);
    ss_text_printf(table->out, " mean absolute%s\n", of);
}

static void
figure_rows(const struct table *table, const struct ss_fidelity_figure *figure, uint32_t which)
{
    char what[64];
    for (uint32_t i = 0; i < SS_FIDELITY_POINTS; i++) {
        (void)snprintf(what, sizeof what, "%s %s ms", figure_names[which], point_names[i]);
        row(table, what, figure->real[i], figure->simulated[i], which * SS_FIDELITY_EACH + i);
    }
    (void)snprintf(what, sizeof what, "%s per request", figure_names[which]);
    absolute_row(table, what, figure->request_error, which * SS_FIDELITY_EACH + SS_FIDELITY_POINTS, "");
}

void
ss_fidelity_text(const struct ss_fidelity *fidelity, const struct ss_fidelity_spread *spread, struct ss_text *out)
{
    const struct table table = {spread, out};
    if (fidelity->stage >= 0)
        ss_text_printf(out, "stage %lld: ", (long long)fidelity->stage);
    ss_text_printf(out, "%zu requests", fidelity->requests);
    if (fidelity->unserved > 0)
        ss_text_printf(out, ", %zu more without an end in the simulation", fidelity->unserved);
    ss_text_printf(out, "\n  %-18s%14s%14s%13s", "", "real", "simulated", "error");
    if (repeated(spread))
        ss_text_printf(out, "  over %zu repeat%s", spread->runs, spread->runs > 1 ? "s" : "");
    ss_text_puts(out, "\n");
    for (uint32_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        figure_rows(&table, &fidelity->figures[i], i);
    row(&table, "makespan s", fidelity->makespan_real_s, fidelity->makespan_simulated_s, SS_FIDELITY_MAKESPAN);
    row(&table, "output tokens/s", fidelity->throughput_real, fidelity->throughput_simulated, SS_FIDELITY_MAKESPAN + 1);
    absolute_row(&table, "tokens/s over time", fidelity->throughput_error, SS_FIDELITY_MAKESPAN + 2,
                 " in windows of 1 s");
}

/* ---- JSON ---- */

static json_t *
real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Behind `error`, what it is over the repeats. */
static void
set_spread(json_t *object, const struct ss_fidelity_spread *spread, size_t error, const char *mean, const char *sd)
{
    if (!repeated(spread))
        return;
    (void)json_object_set_new(object, mean, real_or_null(spread->mean[error]));
    (void)json_object_set_new(object, sd, real_or_null(ss_fidelity_deviation(spread, error)));
}

static json_t *
two_sides(double real, double simulated, const struct ss_fidelity_spread *spread, size_t error)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "real", real_or_null(real));
    (void)json_object_set_new(object, "simulated", real_or_null(simulated));
    (void)json_object_set_new(object, "error", real_or_null(simulated / real - 1));
    set_spread(object, spread, error, "error_mean", "error_sd");
    return object;
}

static json_t *
figure_json(const struct ss_fidelity_figure *figure, const struct ss_fidelity_spread *spread, uint32_t which)
{
    json_t *object = json_object();
    for (uint32_t p = 0; p < SS_FIDELITY_POINTS; p++)
        (void)json_object_set_new(
            object, point_keys[p],
            two_sides(figure->real[p], figure->simulated[p], spread, which * SS_FIDELITY_EACH + p));
    (void)json_object_set_new(object, "request_error", real_or_null(figure->request_error));
    set_spread(object, spread, which * SS_FIDELITY_EACH + SS_FIDELITY_POINTS, "request_error_mean", "request_error_sd");
    return object;
}

json_t *
ss_fidelity_json(const struct ss_fidelity *fidelity, const struct ss_fidelity_spread *spread)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "stage", fidelity->stage < 0 ? json_null() : json_integer(fidelity->stage));
    (void)json_object_set_new(object, "requests", json_integer((json_int_t)fidelity->requests));
    (void)json_object_set_new(object, "unserved", json_integer((json_int_t)fidelity->unserved));
    if (repeated(spread))
        (void)json_object_set_new(object, "repeats", json_integer((json_int_t)spread->runs));
    for (uint32_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        (void)json_object_set_new(object, figure_keys[i], figure_json(&fidelity->figures[i], spread, i));
    (void)json_object_set_new(
        object, "makespan_s",
        two_sides(fidelity->makespan_real_s, fidelity->makespan_simulated_s, spread, SS_FIDELITY_MAKESPAN));
    (void)json_object_set_new(
        object, "output_tokens_per_s",
        two_sides(fidelity->throughput_real, fidelity->throughput_simulated, spread, SS_FIDELITY_MAKESPAN + 1));
    (void)json_object_set_new(object, "throughput_over_time_error", real_or_null(fidelity->throughput_error));
    set_spread(object, spread, SS_FIDELITY_MAKESPAN + 2, "throughput_over_time_error_mean",
               "throughput_over_time_error_sd");
    return object;
}

/* ---- charts ---- */

#define PANEL_WIDTH 370.0
#define PANEL_HEIGHT 300.0
#define POINTS_MOST 2000 /* of a cloud: more are not seen and make large files */

static double
figure_ms(const struct ss_record *record, size_t which)
{
    return (double)(which == 0 ? record->ttft_ps : record->latency_ps) / 1e9;
}

static void
cloud(struct ss_chart *chart, const struct ss_measured *measured, const struct ss_result *result, size_t which)
{
    double least = INFINITY, most = 0;
    size_t stride = measured->count / POINTS_MOST + 1;
    for (size_t i = 0; i < measured->count; i++) {
        double real = which == 0 ? measured->items[i].ttft_ms : measured->items[i].latency_ms;
        most = fmax(most, fmax(real, figure_ms(&result->records.items[i], which)));
        least = fmin(least, real);
    }
    struct ss_chart_axis x = ss_chart_axis_of(which == 0 ? "real TTFT, ms" : "real latency, ms", least, most);
    struct ss_chart_axis y = x;
    y.label = "simulated, ms";
    ss_chart_panel(chart, 70 + 440 * (double)which, 80, PANEL_WIDTH, PANEL_HEIGHT, which == 0 ? "TTFT" : "latency", &x,
                   &y);
    ss_chart_plot(chart, "1:2", "with points pt 7 ps 0.3 lc rgb '" SS_CHART_BLUE "' notitle");
    for (size_t i = 0; i < measured->count; i += stride)
        ss_chart_point(chart, which == 0 ? measured->items[i].ttft_ms : measured->items[i].latency_ms,
                       figure_ms(&result->records.items[i], which));
    ss_chart_plot(chart, "1:2", "with lines lc rgb '" SS_CHART_GREY "' notitle");
    ss_chart_point(chart, x.low, x.low);
    ss_chart_point(chart, x.high, x.high);
}

int
ss_fidelity_chart(const struct ss_measured *measured, const struct ss_result *result, struct ss_charts *charts,
                  struct servsim_error *err)
{
    struct ss_chart chart = {0};
    if (measured->means_only)
        return 0;
    ss_chart_open(&chart, "fidelity", 460, "Simulated against real",
                  "each point is a request; on the line, both agree");
    cloud(&chart, measured, result, 0);
    cloud(&chart, measured, result, 1);
    return ss_chart_close(&chart, charts, err);
}
