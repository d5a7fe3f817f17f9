/*
 * cli/compare.c - servsim compare A B [C...]: is one run better than another, by more than noise?
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "analysis/versus.h"
#include "cli/cli.h"

static const char usage[] =
    "usage: servsim compare A B [C...] [OPTIONS]\n"
    "\n"
    "Holds B, and each further run, against A: figures, differences, confidence intervals, and whether a difference "
    "is\n"
    "larger than noise. A run is the output folder of an experiment (cells of the same name are compared), the folder "
    "of\n"
    "one cell (OUTPUT/cells/NAME), or the requests.csv of servsim simulate. Runs of the same traffic are paired "
    "request\n"
    "by request; replicates, where there are any, are the observations.\n"
    "\n"
    "  --cell NAME      only this cell, or group of replicates\n"
    "  --level P        confidence (default 0.95): equal systems are called different in 1 - P of all cases\n"
    "  --metric NAME    judge this figure alone, as in latency_ms.mean; may be repeated (default: all)\n"
    "  --force          compare runs of different models, traffic or SLOs all the same\n"
    "  --json           for scripts\n"
    "  --charts DIR     draw the distributions and the differences (gnuplot)\n";

struct flags {
    struct ss_versus_options options;
    const char *charts;
    int json, help;
};

static int
read_level(const char *text, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !(*out >= 0.5 && *out <= 0.9999))
        return ss_complain_text("--level %s: not a confidence level; write one from 0.5 to 0.9999, such as 0.95", text);
    return 0;
}

static int
read_metric(const char *text, uint32_t *metrics)
{
    const char *names[SS_METRICS];
    for (uint32_t m = 0; m < SS_METRICS; m++) {
        names[m] = ss_metrics[m].name;
        if (strcmp(text, names[m]) == 0) {
            *metrics |= 1u << m;
            return 0;
        }
    }
    const char *nearest = ss_nearest(text, names, SS_METRICS);
    return ss_complain_text("--metric %s: no such figure; write %s, or another of servsim compare --json", text,
                            nearest != NULL ? nearest : "latency_ms.mean");
}

static int
read_flag(int c, struct flags *flags)
{
    switch (c) {
    case 'c':
        flags->options.cell = optarg;
        return 0;
    case 'l':
        return read_level(optarg, &flags->options.level);
    case 'm':
        return read_metric(optarg, &flags->options.metrics);
    case 'f':
        flags->options.force = 1;
        return 0;
    case 'j':
        flags->json = 1;
        return 0;
    case 'd':
        flags->charts = optarg;
        return 0;
    case 'h':
        flags->help = 1;
        return 0;
    default:
        return ss_complain_text("servsim compare --help lists the flags");
    }
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        {"cell", required_argument, NULL, 'c'},   {"level", required_argument, NULL, 'l'},
        {"metric", required_argument, NULL, 'm'}, {"force", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},         {"charts", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (c == ':')
            return ss_complain_text("%s wants a value; servsim compare --help tells which", argv[optind - 1]);
        if (c == '?')
            return ss_complain_text("%s is no flag; servsim compare --help lists them", argv[optind - 1]);
        status = read_flag(c, flags);
    }
    if (status == 0 && !flags->help && argc - optind < 2)
        return ss_complain_text("compare wants two runs or more; write servsim compare A B, each an output folder or a "
                                "requests.csv");
    if (flags->options.metrics == 0)
        flags->options.metrics = SS_ALL_METRICS;
    return status;
}

static int
print(const struct ss_versus_set *set, const struct flags *flags)
{
    if (!flags->json) {
        struct ss_text text = {0};
        ss_versus_text(set, &flags->options, &text);
        int failed = text.failed || fputs(text.data, stdout) == EOF;
        ss_text_free(&text);
        return failed ? ss_complain_text("the comparison cannot be written: no memory, or no room") : 0;
    }
    json_t *object = ss_versus_json(set, &flags->options);
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(object);
    (void)fputc('\n', stdout);
    return failed ? ss_complain_text("the comparison cannot be written: no memory, or no room") : 0;
}

int
ss_print_charts(struct ss_charts *charts, int quiet)
{
    struct servsim_error err = {.size = sizeof err};
    if (ss_charts_draw(charts, &err) != 0)
        return ss_complain(&err);
    if (charts->gnuplot_absent)
        (void)fprintf(stderr,
                      "servsim: gnuplot is not there; %s holds %zu scripts with their data (Debian: apt-get "
                      "install gnuplot-nox)\n",
                      charts->folder, charts->count);
    else if (!quiet)
        (void)printf("\n%zu charts in %s\n", charts->drawn, charts->folder);
    return 0;
}

static int
compare(struct ss_trials *runs, size_t count, struct flags *flags)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_versus_set set;
    struct ss_charts charts = {0};
    int rc = flags->charts != NULL ? ss_charts_begin(&charts, flags->charts, &err) : 0;
    flags->options.charts = flags->charts != NULL ? &charts : NULL;
    if (rc == 0)
        rc = ss_versus_all(runs, count, &flags->options, &set, &err);
    if (rc != 0) {
        ss_charts_end(&charts);
        return ss_complain(&err);
    }
    int status = print(&set, flags);
    if (status == 0 && flags->charts != NULL)
        status = ss_print_charts(&charts, flags->json);
    ss_versus_free(&set);
    ss_charts_end(&charts);
    return status;
}

int
ss_cmd_compare(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.options = {.level = 0.95}};
    struct servsim_error err = {.size = sizeof err};
    (void)cli;
    int status = read_flags(argc, argv, &flags);
    if (status != 0)
        return status;
    if (flags.help) {
        (void)fputs(usage, stdout);
        return SS_EXIT_DONE;
    }
    size_t count = (size_t)(argc - optind), opened = 0;
    struct ss_trials *runs = calloc(count, sizeof *runs);
    if (runs == NULL)
        return ss_complain_text("no memory");
    for (; opened < count && status == 0; opened++)
        if (ss_trials_open(&runs[opened], argv[optind + (int)opened], &err) != 0)
            status = ss_complain(&err);
    if (status == 0)
        status = compare(runs, count, &flags);
    for (size_t i = 0; i < opened; i++)
        ss_trials_free(&runs[i]);
    free(runs);
    return status;
}
