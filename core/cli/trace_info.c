/*
 * cli/trace_info.c - servsim trace info: what is in a trace, for people or as JSON, with charts.
 */
#include <getopt.h>
#include <jansson.h>
#include <math.h>

#include "base/text.h"
#include "cli/trace.h"

static const char usage[] =
    "usage: servsim trace info FILE [--json] [--charts DIR] [OPTIONS]\n"
    "\n"
    "Reads a trace as a run would, and tells what is in it. The format is recognised. Memory does not grow with FILE.\n"
    "\n"
    "  --json            one JSON object instead of text\n"
    "  --charts DIR      charts of arrivals, gaps, lengths and the hours of the day: PNG and SVG, drawn by\n"
    "                    gnuplot from scripts and data that are left beside them\n"
    "  --set KEY=VALUE   an option of the plugin that reads FILE, as in --set model=GPT-4; may be repeated\n"
    "  --seed N          seed of options that draw, as --set sample (default 42)\n"
    "\n"
    "Figures are of requests; rows of failed ones (0 output tokens) are only counted. The rate is (requests - 1) /\n"
    "span, the span first to last request. Percentiles are nearest rank, exact below 4,096 tokens and for values\n"
    "that repeat, else within 0.05 %. CV is standard deviation over mean (1: Poisson). Minutes, and the windows of\n"
    "the index of dispersion (variance / mean of counts, 1: Poisson, from ten whole windows on), count from the\n"
    "first request; hours of the day from the trace's first row, from a day on, 1 is the mean.\n";

struct flags {
    struct ss_trace_wish wish;
    const char *charts;
    int json, help;
};

/* ---- for people ---- */

/* 1,429,737 */
static const char *
grouped(uint64_t number, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static void
print_count(const char *name, uint64_t count, const char *note)
{
    char text[32];
    (void)printf("%-20s %14s%s\n", name, grouped(count, text), note);
}

/* A figure that may be missing. */
static void
print_figure(const char *name, double value, const char *unit, const char *otherwise)
{
    if (isnan(value))
        (void)printf("%-20s %14s%s\n", name, "-", otherwise);
    else
        (void)printf("%-20s %14.6g%s\n", name, value, unit);
}

static void
print_counts(const struct ss_trace_figures *figures)
{
    char note[80] = "";
    print_count("rows", figures->rows, "");
    print_count("requests", figures->requests, "");
    if (figures->rows_failed > 0)
        (void)snprintf(note, sizeof note, "  %.3g %% of the rows, not in the figures below",
                       100.0 * (double)figures->rows_failed / (double)figures->rows);
    print_count("failed", figures->rows_failed, note);
    if (figures->rows_left_out > 0)
        print_count("left out", figures->rows_left_out, "  by --set");
}

static void
print_arrivals(const struct ss_trace_figures *figures)
{
    double span_s = ss_trace_span_s(figures), gaps = (double)figures->gaps_ns.count;
    char note[64] = " s";
    if (span_s >= 7200.0)
        (void)snprintf(note, sizeof note, " s, %.3g %s", span_s / (span_s < 172800.0 ? 3600.0 : 86400.0),
                       span_s < 172800.0 ? "hours" : "days");
    (void)printf("\n");
    print_figure("span", span_s, note, "");
    print_figure("mean rate", ss_trace_rate(figures), " requests/s", "  all at one time");
    print_figure("fullest minute", ss_trace_peak_rate(figures), " requests/s", "  shorter than a minute");
    if (gaps > 0) {
        print_figure("gap mean", figures->gap_mean_s, " s", "");
        print_figure("gap median", (double)ss_spread_percentile(&figures->gaps_ns, 50) / 1e9, " s", "");
        print_figure("gap p99", (double)ss_spread_percentile(&figures->gaps_ns, 99) / 1e9, " s", "");
        print_figure("gap max", (double)figures->gaps_ns.max / 1e9, " s", "");
        print_figure("gap CV", ss_trace_gap_cv(figures), "", "");
        print_figure("gaps of zero", 100.0 * (double)figures->zero_gaps / gaps, " %", "");
    }
    print_figure("dispersion, 1 s", ss_windows_dispersion(&figures->per_second), "", "  fewer than ten windows");
    print_figure("dispersion, 1 min", ss_windows_dispersion(&figures->per_minute), "", "  fewer than ten windows");
    print_figure("dispersion, 1 h", ss_windows_dispersion(&figures->per_hour), "", "  fewer than ten windows");
}

static void
print_spread(const char *name, const struct ss_spread *spread)
{
    char total[32];
    (void)printf("%-20s %10.1f %8llu %8llu %8llu %8llu %18s\n", name, ss_spread_mean(spread),
                 (unsigned long long)ss_spread_percentile(spread, 50),
                 (unsigned long long)ss_spread_percentile(spread, 90),
                 (unsigned long long)ss_spread_percentile(spread, 99), (unsigned long long)spread->max,
                 grouped((uint64_t)spread->sum, total));
}

static const char *
class_name(const struct ss_trace_figures *figures, size_t index)
{
    if (index == SS_TRACE_CLASSES)
        return "(all others)";
    return figures->classes[index].name[0] != '\0' ? figures->classes[index].name : "(none)";
}

static size_t
class_rows(const struct ss_trace_figures *figures)
{
    return figures->class_count + (figures->classes[SS_TRACE_CLASSES].requests > 0);
}

static void
print_classes(const struct ss_trace_figures *figures)
{
    if (class_rows(figures) == 1 && figures->classes[0].name[0] == '\0')
        return;
    (void)printf("\n%-32s %10s %7s %14s %14s\n", "class", "requests", "share", "prompt mean", "output mean");
    for (size_t i = 0; i < class_rows(figures); i++) {
        const struct ss_trace_class *class = &figures->classes[i];
        double count = (double)class->requests;
        (void)printf("%-32s %10llu %6.1f%% %14.1f %14.1f\n", class_name(figures, i),
                     (unsigned long long)class->requests, 100.0 * count / (double)figures->requests,
                     (double)class->prompt_tokens / count, (double)class->output_tokens / count);
    }
}

static void
print_hours(const struct ss_trace_figures *figures)
{
    double profile[24];
    if (!ss_trace_hour_profile(figures, profile))
        return;
    (void)printf("\nrate by hour of the day, from 0 to 23 h (mean 1)\n");
    for (int h = 0; h < 24; h++)
        (void)printf("%s%.2f%s", h % 12 == 0 ? "  " : " ", profile[h], h % 12 == 11 ? "\n" : "");
}

static void
print_text(const struct ss_trace_figures *figures, const char *path, const struct servsim_plugin *plugin)
{
    (void)printf("%s: read by workload plugin %s\n\n", path, plugin->name);
    print_counts(figures);
    print_arrivals(figures);
    (void)printf("\n%-20s %10s %8s %8s %8s %8s %18s\n", "tokens", "mean", "p50", "p90", "p99", "max", "total");
    print_spread("prompt", &figures->prompts);
    print_spread("output", &figures->outputs);
    print_classes(figures);
    print_hours(figures);
}

/* ---- for scripts ---- */

static json_t *
number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
spread_json(const struct ss_spread *spread)
{
    return json_pack("{s:f, s:I, s:I, s:I, s:I, s:I}", "mean", ss_spread_mean(spread), "p50",
                     (json_int_t)ss_spread_percentile(spread, 50), "p90", (json_int_t)ss_spread_percentile(spread, 90),
                     "p99", (json_int_t)ss_spread_percentile(spread, 99), "max", (json_int_t)spread->max, "total",
                     (json_int_t)spread->sum);
}

static json_t *
gaps_json(const struct ss_trace_figures *figures)
{
    const struct ss_spread *gaps = &figures->gaps_ns;
    if (gaps->count == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:o, s:f}", "mean_s", figures->gap_mean_s, "p50_s",
                     (double)ss_spread_percentile(gaps, 50) / 1e9, "p99_s",
                     (double)ss_spread_percentile(gaps, 99) / 1e9, "max_s", (double)gaps->max / 1e9, "cv",
                     number_or_null(ss_trace_gap_cv(figures)), "zero_share",
                     (double)figures->zero_gaps / (double)gaps->count);
}

static json_t *
classes_json(const struct ss_trace_figures *figures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < class_rows(figures); i++) {
        const struct ss_trace_class *class = &figures->classes[i];
        double count = (double)class->requests;
        json_t *name =
            i < SS_TRACE_CLASSES && class->name[0] == '\0' ? json_null() : json_string(class_name(figures, i));
        (void)json_array_append_new(
            list, json_pack("{s:o, s:I, s:f, s:f, s:f}", "name", name != NULL ? name : json_null(), "requests",
                            (json_int_t) class->requests, "share", count / (double)figures->requests,
                            "prompt_tokens_mean", (double)class->prompt_tokens / count, "output_tokens_mean",
                            (double)class->output_tokens / count));
    }
    return list;
}

static json_t *
hours_json(const struct ss_trace_figures *figures)
{
    double profile[24];
    if (!ss_trace_hour_profile(figures, profile))
        return json_null();
    json_t *list = json_array();
    for (int h = 0; h < 24; h++)
        (void)json_array_append_new(list, json_real(profile[h]));
    return list;
}

static int
print_json(const struct ss_trace_figures *figures, const char *path, const struct servsim_plugin *plugin)
{
    json_t *name = json_string(path); /* NULL where the name is no UTF-8 */
    json_t *object = json_pack(
        "{s:i, s:o, s:s, s:I, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:f}",
        "servsim_trace_info", 1, "file", name != NULL ? name : json_null(), "plugin", plugin->name, "rows",
        (json_int_t)figures->rows, "requests", (json_int_t)figures->requests, "rows_failed",
        (json_int_t)figures->rows_failed, "rows_left_out", (json_int_t)figures->rows_left_out, "span_s",
        ss_trace_span_s(figures), "requests_per_s", number_or_null(ss_trace_rate(figures)),
        "requests_per_s_fullest_minute", number_or_null(ss_trace_peak_rate(figures)), "gaps", gaps_json(figures),
        "prompt_tokens", spread_json(&figures->prompts), "output_tokens", spread_json(&figures->outputs),
        "index_of_dispersion", "second", number_or_null(ss_windows_dispersion(&figures->per_second)), "minute",
        number_or_null(ss_windows_dispersion(&figures->per_minute)), "hour",
        number_or_null(ss_windows_dispersion(&figures->per_hour)), "classes", classes_json(figures), "hour_profile",
        hours_json(figures), "percentile_error_max", 1.0 / 2048.0);
    char *text = object != NULL ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    if (text == NULL)
        return ss_complain_text("out of memory");
    (void)puts(text);
    free(text);
    return SS_EXIT_DONE;
}

/* ---- the command ---- */

static int
read_flag(int c, struct flags *flags)
{
    switch (c) {
    case 'j':
        flags->json = 1;
        return 0;
    case 'c':
        flags->charts = optarg;
        return 0;
    case 's':
        flags->wish.sets[flags->wish.set_count++] = optarg;
        return 0;
    case 'e':
        return ss_trace_read_whole("--seed", optarg, &flags->wish.seed);
    default:
        flags->help = 1;
        return 0;
    }
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},      {"charts", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
        status = c == '?' || c == ':' ? ss_bad_flag(c, argv, options, "trace info") : read_flag(c, flags);
    if (status != 0 || flags->help)
        return status;
    flags->wish.path = argv[optind];
    if (flags->wish.path == NULL)
        return ss_complain_text("trace info wants a trace; write servsim trace info FILE");
    if (optind + 1 < argc)
        return ss_complain_text("'%s': one trace at a time; servsim trace info --help tells more", argv[optind + 1]);
    return 0;
}

static int
gather(struct ss_trace_figures *figures, struct ss_trace_reader *reader, struct servsim_error *err)
{
    struct servsim_arrival row;
    struct servsim_workload_stats counts;
    int rc = 1;
    while (rc > 0 && (rc = ss_trace_next(reader, &row, err)) > 0)
        ss_trace_figures_add(figures, &row);
    if (rc == 0)
        rc = ss_trace_counts(reader, &counts, err);
    if (rc != 0)
        return rc;
    figures->rows_failed = counts.rows_failed > 0 ? counts.rows_failed : figures->rows_failed;
    figures->rows_left_out = counts.rows_left_out;
    figures->rows = counts.rows_read > 0 ? counts.rows_read : reader->rows;
    if (figures->requests == 0)
        return servsim_fail(err, EINVAL, "workload plugin '%s' gives no request", reader->descriptor->name);
    return 0;
}

static int
make_charts(struct ss_trace_figures *figures, const struct flags *flags, const struct ss_cli *cli,
            struct servsim_error *err)
{
    const char *slash = strrchr(flags->wish.path, '/');
    char subtitle[256], count[32];
    int drawn = 0;
    (void)snprintf(subtitle, sizeof subtitle, "%.120s · %s requests", slash != NULL ? slash + 1 : flags->wish.path,
                   grouped(figures->requests, count));
    int rc = ss_trace_charts(figures, subtitle, flags->charts, cli->interrupted, &drawn, err);
    if (rc == 0 && !drawn)
        (void)fprintf(stderr,
                      "servsim: note: gnuplot is not there, so %s holds scripts and data only; install gnuplot-nox and "
                      "fonts-dejavu-core, then run gnuplot on the scripts\n",
                      flags->charts);
    return rc;
}

static int
info(const struct flags *flags, const struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_trace_reader reader;
    struct ss_trace_figures figures;
    int status = SS_EXIT_DONE, rc = ss_trace_figures_open(&figures, &err);
    if (rc != 0)
        return ss_trace_failed(rc, &err);
    rc = ss_trace_open(&reader, &flags->wish, cli, &err);
    if (rc == 0)
        rc = gather(&figures, &reader, &err);
    if (rc == 0 && flags->charts != NULL)
        rc = make_charts(&figures, flags, cli, &err);
    if (rc != 0)
        status = ss_trace_failed(rc, &err);
    else if (flags->json)
        status = print_json(&figures, flags->wish.path, reader.descriptor);
    else
        print_text(&figures, flags->wish.path, reader.descriptor);
    ss_trace_close(&reader);
    ss_trace_figures_free(&figures);
    return status;
}

int
ss_trace_info(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.wish = {.seed = 42}};
    flags.wish.sets = calloc((size_t)argc, sizeof *flags.wish.sets);
    if (flags.wish.sets == NULL)
        return ss_complain_text("out of memory");
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help)
        (void)fputs(usage, stdout);
    else if (status == 0)
        status = info(&flags, cli);
    free(flags.wish.sets);
    return status;
}
