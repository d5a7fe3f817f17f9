/*
 * cli/analyze.c - servsim analyze DIR: what limits a run, from its files alone.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "analysis/findings.h"
#include "cli/cli.h"

static const char usage[] =
    "usage: servsim analyze DIR [OPTIONS]\n"
    "\n"
    "Says what limits a run: distributions, the queue's share of the latency, head-of-line blocking, throughput over\n"
    "time, GPUs that idle while requests wait, KV waste, what preemptions cost, efficiency, and how all that changes "
    "with\n"
    "the number of GPUs. DIR is the output folder of an experiment, the folder of one cell (OUTPUT/cells/NAME), or "
    "the\n"
    "requests.csv of servsim simulate.\n"
    "\n"
    "  --cell NAME      only this cell\n"
    "  --json           for scripts\n"
    "  --charts DIR     draw distributions, TTFT against TPOT, the run over time, scaling (gnuplot)\n";

struct flags {
    const char *cell, *charts;
    int json, help;
};

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        {"cell", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"charts", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (c == ':')
            return ss_complain_text("%s wants a value; servsim analyze --help tells which", argv[optind - 1]);
        if (c == '?')
            return ss_complain_text("%s is no flag; servsim analyze --help lists them", argv[optind - 1]);
        flags->cell = c == 'c' ? optarg : flags->cell;
        flags->charts = c == 'd' ? optarg : flags->charts;
        flags->json |= c == 'j';
        flags->help |= c == 'h';
    }
    if (!flags->help && argc - optind != 1)
        return ss_complain_text("analyze wants one run; write servsim analyze DIR, the output folder of an experiment");
    return 0;
}

/* Where the results of an analysis go. */
struct outcome {
    struct ss_text text;
    json_t *cells;
    struct ss_charts charts;
};

static int
analyse_cell(struct ss_trial *trial, const struct flags *flags, struct outcome *outcome, struct servsim_error *err)
{
    struct ss_findings findings;
    int rc = ss_trial_load(trial, err);
    if (rc == 0)
        rc = ss_findings_make(&findings, trial, err);
    if (rc == 0 && flags->json)
        (void)json_array_append_new(outcome->cells, ss_findings_json(&findings));
    if (rc == 0 && !flags->json) {
        ss_text_puts(&outcome->text, outcome->text.length > 0 ? "\n----\n\n" : "");
        ss_findings_text(&findings, &outcome->text);
    }
    if (rc == 0 && flags->charts != NULL)
        rc = ss_findings_chart(&findings, &outcome->charts, err);
    ss_trial_unload(trial);
    return rc;
}

static int
print_json(const struct ss_trials *trials, const struct ss_scales *scales, struct outcome *outcome)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "servsim_analysis", json_integer(1));
    (void)json_object_set_new(object, "path", json_string(trials->path));
    (void)json_object_set_new(object, "cells_left_out", json_integer((json_int_t)trials->left_out));
    (void)json_object_set(object, "cells", outcome->cells);
    (void)json_object_set_new(object, "scaling", ss_scales_json(scales));
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(object);
    (void)fputc('\n', stdout);
    return failed;
}

static int
print(const struct ss_trials *trials, const struct ss_scales *scales, const struct flags *flags,
      struct outcome *outcome)
{
    int failed;
    if (flags->json) {
        failed = print_json(trials, scales, outcome);
    } else {
        ss_scales_text(scales, &outcome->text);
        if (trials->left_out > 0)
            ss_text_printf(&outcome->text, "\n%zu cells of %s failed and are not in here.\n", trials->left_out,
                           trials->path);
        failed = outcome->text.failed || fputs(outcome->text.data, stdout) == EOF;
    }
    return failed ? ss_complain_text("the analysis cannot be written: no memory, or no room") : 0;
}

static int
analyse_all(struct ss_trials *trials, const struct flags *flags, struct outcome *outcome)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_scales scales = {0};
    struct ss_trial *only = flags->cell != NULL ? ss_trials_find(trials, flags->cell, &err) : NULL;
    int rc = flags->cell != NULL && only == NULL ? -EINVAL : 0;
    if (rc == 0 && flags->charts != NULL)
        rc = ss_charts_begin(&outcome->charts, flags->charts, &err);
    for (size_t i = 0; i < trials->count && rc == 0; i++)
        if (only == NULL || only == &trials->items[i])
            rc = analyse_cell(&trials->items[i], flags, outcome, &err);
    if (rc == 0 && only == NULL)
        rc = ss_scales_find(&scales, trials, &err);
    if (rc == 0 && flags->charts != NULL)
        rc = ss_scales_chart(&scales, &outcome->charts, &err);
    int status = rc == 0 ? print(trials, &scales, flags, outcome) : ss_complain(&err);
    ss_scales_free(&scales);
    if (status == 0 && flags->charts != NULL)
        status = ss_print_charts(&outcome->charts, flags->json);
    return status;
}

int
ss_cmd_analyze(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {0};
    struct servsim_error err = {.size = sizeof err};
    struct outcome outcome = {.cells = json_array()};
    struct ss_trials trials;
    (void)cli;
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help)
        (void)fputs(usage, stdout);
    if (status == 0 && !flags.help) {
        status = ss_trials_open(&trials, argv[optind], &err) == 0 ? 0 : ss_complain(&err);
        if (status == 0) {
            status = analyse_all(&trials, &flags, &outcome);
            ss_trials_free(&trials);
        }
    }
    ss_text_free(&outcome.text);
    json_decref(outcome.cells);
    ss_charts_end(&outcome.charts);
    return status;
}
