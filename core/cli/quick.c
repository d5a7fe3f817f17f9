/*
 * cli/quick.c - servsim quick: a small experiment on data that ships, and whether this installation answers as it
 * should.
 */
#include <getopt.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"

static const char usage[] =
    "usage: servsim quick [--output DIR] [--stepwise] [--verify]\n"
    "\n"
    "Runs the built-in experiment on 1, 2 and 4 GPUs, says what passed, and leaves a report in DIR (output/quick).\n";

/* Are two files the same, byte for byte? */
static int
same_file(const char *left, const char *right)
{
    struct servsim_error err = {.size = sizeof err};
    char *a = NULL, *b = NULL;
    size_t a_length = 0, b_length = 0;
    int same = ss_file_read(left, 1u << 30, &a, &a_length, &err) == 0 &&
               ss_file_read(right, 1u << 30, &b, &b_length, &err) == 0 && a_length == b_length &&
               memcmp(a, b, a_length) == 0;
    free(a);
    free(b);
    return same;
}

/* The first cell once more, the other way: every step on its own. */
static int
check_stepwise(const struct ss_experiment *experiment, int stepwise)
{
    struct servsim_error err = {.size = sizeof err};
    char paths[3][4096], first[4096];
    static const char *const names[3] = {"requests.csv", "summary.json", "run.json"};
    const struct ss_cell *cell = &experiment->cells[0];
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/.check.%s", experiment->output, names[i]);
    const struct ss_cell_files files = {.requests = paths[0], .summary = paths[1], .run = paths[2]};
    const struct ss_cell_mode mode = {.stepwise = !stepwise, .verify = 1};
    int same = ss_run_cell(cell, &mode, &files, &err) == 0;
    for (size_t i = 0; i < 2 && same; i++) {
        (void)snprintf(first, sizeof first, "%s/cells/%s/%s", experiment->output, cell->name, names[i]);
        same = same_file(first, paths[i]);
    }
    for (size_t i = 0; i < 3; i++)
        (void)remove(paths[i]);
    if (err.text[0] != '\0')
        (void)ss_complain(&err);
    return same;
}

static int
exists(const struct ss_experiment *experiment, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", experiment->output, name);
    FILE *file = fopen(path, "rb");
    if (file != NULL)
        (void)fclose(file);
    return file != NULL;
}

static int
verdict(const char *what, int passed)
{
    (void)printf("%s: %s\n", passed ? "passed" : "FAILED", what);
    return passed;
}

static int
run_quick(const char *file, struct ss_cli *cli, const struct ss_run_flags *flags)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_experiment experiment;
    if (ss_experiment_read(&experiment, file, NULL, 0, &cli->lookup, &err) != 0)
        return ss_complain(&err);
    free(experiment.output);
    experiment.output = strdup(flags->output);
    int status = experiment.output != NULL ? ss_run_experiment(cli, &experiment, flags) : SS_EXIT_BAD;
    if (status == SS_EXIT_DONE || status == SS_EXIT_SOME_FAILED) {
        int all = verdict("every cell ran", status == SS_EXIT_DONE);
        all &= verdict("report written", exists(&experiment, "report.md") && exists(&experiment, "results.json"));
        all &= verdict("fast-forward and step-by-step simulation agree to the last bit",
                       check_stepwise(&experiment, flags->stepwise));
        if (!exists(&experiment, "plots/throughput.png"))
            (void)printf("note: no charts; install gnuplot-nox and fonts-dejavu-core, then: servsim report %s\n",
                         experiment.output);
        status = all ? SS_EXIT_DONE : SS_EXIT_SOME_FAILED;
    }
    ss_experiment_free(&experiment);
    return status;
}

int
ss_cmd_quick(int argc, char **argv, struct ss_cli *cli)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"stepwise", no_argument, NULL, 'w'},
        {"verify", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct ss_run_flags flags = {.output = "output/quick", .quiet = 1};
    char file[4200];
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
        if (c == 'o') {
            flags.output = optarg;
        } else if (c == 'w') {
            flags.stepwise = 1;
        } else if (c == 'v') {
            flags.verify = 1;
        } else if (c == 'h') {
            (void)fputs(usage, stdout);
            return SS_EXIT_DONE;
        } else {
            return ss_bad_flag(c, argv, options, "quick");
        }
    }
    if (optind < argc)
        return ss_complain_text("quick takes no '%s'; servsim quick --help lists the options", argv[optind]);
    (void)snprintf(file, sizeof file, "%s/quick.yaml", cli->places.configs);
    return run_quick(file, cli, &flags);
}
