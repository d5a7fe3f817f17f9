/*
 * cli/run.c - servsim run FILE, and what run and quick share: the table of the cells.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/cli.h"

static const char usage[] =
    "usage: servsim run [OPTIONS] FILE\n"
    "\n"
    "Runs every cell of the experiment in FILE (servsim.yaml(5)) and writes results and reports to its output folder.\n"
    "config:NAME is an experiment that ships, as in servsim run config:multi_gpu.\n"
    "\n"
    "  --output DIR     write there instead of the file's `output`\n"
    "  --set KEY=VALUE  override a key, as in --set scheduler.max_num_seqs=64; may be repeated\n"
    "  --jobs N         worker processes at a time (default: one per processor)\n"
    "  --resume         keep cells whose inputs have not changed since they were run\n"
    "  --cell NAME      run this cell again, and keep what stands of the others; may be repeated, and be a pattern\n"
    "  --part I/N       run only the I-th of N shares of the cells; the tasks of a Slurm job share them out by "
    "themselves\n"
    "  --stepwise       simulate each engine step instead of whole runs of equal ones (slow, same answer)\n"
    "  --verify         check every conservation law at every event (slow)\n"
    "  --quiet          no progress\n";

/* ---- the table ---- */

static double
figure(const json_t *summary, const char *name, const char *part)
{
    const json_t *value = json_object_get(summary, name);
    if (part != NULL)
        value = json_object_get(value, part);
    return json_is_number(value) ? json_number_value(value) : -1;
}

static void
print_with(double value, int width, int decimals)
{
    if (value < 0)
        (void)printf("%*s", width, "-");
    else
        (void)printf("%*.*f", width, decimals, value);
}

static void
print_number(double value, int width)
{
    print_with(value, width, value < 10 ? 2 : value < 1000 ? 1 : 0);
}

void
ss_print_figures_head(int width)
{
    (void)printf("%-*s %5s%10s%12s%12s%12s%10s%13s\n", width, "cell", "GPUs", "finished", "out tok/s", "TTFT ms",
                 "TTFT P99", "TPOT ms", "latency ms");
}

void
ss_print_figures(const struct ss_cell *cell, int width, const char *summary_path)
{
    json_t *summary = json_load_file(summary_path, 0, NULL);
    (void)printf("%-*s %5u", width, cell->name, cell->gpus);
    print_with(figure(summary, "requests_finished", NULL), 10, 0);
    print_number(figure(summary, "output_tokens_per_s", NULL), 12);
    print_number(figure(summary, "ttft_ms", "mean"), 12);
    print_number(figure(summary, "ttft_ms", "p99"), 12);
    print_number(figure(summary, "tpot_ms", "mean"), 10);
    print_number(figure(summary, "latency_ms", "mean"), 13);
    (void)printf("\n");
    json_decref(summary);
}

static void
print_row(const struct ss_experiment *experiment, size_t index, const struct ss_outcome *outcome, int width)
{
    const struct ss_cell *cell = &experiment->cells[index];
    char path[4096];
    if (outcome->state != SS_CELL_DONE) {
        (void)printf("%-*s %5u  %s%s\n", width, cell->name, cell->gpus,
                     outcome->state == SS_CELL_FAILED ? "failed: " : "", outcome->reason);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/cells/%s/summary.json", experiment->output, cell->name);
    ss_print_figures(cell, width, path);
}

static void
print_table(const struct ss_experiment *experiment, const struct ss_outcome *outcomes)
{
    int width = 4;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        int length = (int)strlen(experiment->cells[i].name);
        width = length > width ? length : width;
    }
    ss_print_figures_head(width);
    for (size_t i = 0; i < experiment->cell_count; i++)
        print_row(experiment, i, &outcomes[i], width);
}

/* Results of one cell are of what it was told when it ran: parts that are told different things are no whole. */
static void
warn_others(const struct ss_experiment *experiment, const struct ss_outcome *outcomes)
{
    size_t others = 0, first = 0;
    for (size_t i = experiment->cell_count; i-- > 0;) {
        others += outcomes[i].other;
        first = outcomes[i].other ? i : first;
    }
    if (others > 0)
        (void)fprintf(stderr,
                      "servsim: warning: %s has results of %zu other %s (%s%s) that were run with other settings or "
                      "inputs, and no report counts them in; run %s again as you have run this, or write another "
                      "--output\n",
                      experiment->output, others, others == 1 ? "cell" : "cells", experiment->cells[first].name,
                      others == 1 ? "" : ", ...", others == 1 ? "it" : "them");
}

static void
print_where(const struct ss_experiment *experiment, const struct ss_outcome *outcomes, const struct ss_part *part)
{
    char path[4096];
    size_t done = ss_outcomes_done(outcomes, experiment->cell_count);
    if (part->count > 1 && done > 0 && done < experiment->cell_count) {
        (void)printf("results: %s; the part that finds all cells done makes the reports, or run --resume at the end\n",
                     experiment->output);
        return;
    }
    if (done == 0) {
        (void)printf("no results: no cell ran to its end, and nothing was written\n");
        return;
    }
    (void)snprintf(path, sizeof path, "%s/report.md", experiment->output);
    if (access(path, R_OK) == 0)
        (void)printf("report: %s\n", path);
    else
        (void)printf("results: %s\n", experiment->output);
}

int
ss_run_experiment(struct ss_cli *cli, struct ss_experiment *experiment, const struct ss_run_flags *flags)
{
    static const int statuses[] = {SS_EXIT_DONE, SS_EXIT_SOME_FAILED, SS_EXIT_BAD, SS_EXIT_INTERRUPTED};
    struct servsim_error err = {.size = sizeof err};
    struct ss_progress progress;
    struct ss_outcome *outcomes = calloc(experiment->cell_count, sizeof *outcomes);
    if (outcomes == NULL)
        return ss_complain_text("no memory for %zu cells", experiment->cell_count);
    const struct ss_sweep_options options = {.jobs = flags->jobs,
                                             .stepwise = flags->stepwise,
                                             .verify = flags->verify,
                                             .quiet = flags->quiet,
                                             .resume = flags->resume,
                                             .only = flags->cells,
                                             .only_count = flags->cell_count,
                                             .part = flags->part,
                                             .interrupted = cli->interrupted,
                                             .progress = ss_progress_tell,
                                             .ctx = &progress};
    ss_progress_begin(&progress, flags->quiet);
    int how = ss_sweep(experiment, &options, &cli->lookup, outcomes, &err);
    ss_progress_end(&progress);
    if (how == SS_SWEEP_DONE || how == SS_SWEEP_SOME_FAILED) {
        print_table(experiment, outcomes);
        print_where(experiment, outcomes, &flags->part);
        warn_others(experiment, outcomes);
    }
    if (how == SS_SWEEP_INTERRUPTED && ss_outcomes_done(outcomes, experiment->cell_count) > 0)
        (void)fprintf(stderr, "servsim: interrupted; finished cells are in %s, and run --resume goes on\n",
                      experiment->output);
    else if (how == SS_SWEEP_INTERRUPTED)
        (void)fprintf(stderr, "servsim: interrupted; no cell was finished\n");
    if (how != SS_SWEEP_INTERRUPTED && err.text[0] != '\0')
        (void)ss_complain(&err);
    free(outcomes);
    return statuses[how];
}

/* ---- the command ---- */

static int
read_flags(int argc, char **argv, struct ss_run_flags *flags)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"set", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'j'},
        {"stepwise", no_argument, NULL, 'w'},
        {"verify", no_argument, NULL, 'v'},
        {"quiet", no_argument, NULL, 'q'},
        {"resume", no_argument, NULL, 'r'},
        {"cell", required_argument, NULL, 'c'},
        {"part", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":o:s:j:qh", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            flags->output = optarg;
            break;
        case 's':
            flags->sets[flags->set_count++] = optarg;
            break;
        case 'j':
            flags->jobs = ss_jobs_of(optarg);
            if (flags->jobs == 0)
                return SS_EXIT_BAD;
            break;
        case 'w':
            flags->stepwise = 1;
            break;
        case 'v':
            flags->verify = 1;
            break;
        case 'q':
            flags->quiet = 1;
            break;
        case 'r':
            flags->resume = 1;
            break;
        case 'c':
            flags->cells[flags->cell_count++] = optarg;
            break;
        case 'p':
            if (ss_part_read(optarg, &flags->part) != 0)
                return SS_EXIT_BAD;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return -1;
        default:
            return ss_bad_flag(c, argv, options, "run");
        }
    }
    return flags->part.count > 0 ? 0 : ss_part_of_slurm(&flags->part);
}

uint32_t
ss_jobs_of(const char *text)
{
    char *end;
    unsigned long jobs = strtoul(text, &end, 10);
    if (*end == '\0' && *text != '-' && jobs >= 1 && jobs <= 256)
        return (uint32_t)jobs;
    (void)ss_complain_text("--jobs %s: not a number of workers; write 1 to 256", text);
    return 0;
}

/* The nearest name is the likeliest mend. */
int
ss_check_cells(const struct ss_experiment *experiment, const struct ss_run_flags *flags)
{
    int status = 0;
    const char **names = calloc(experiment->cell_count, sizeof *names);
    if (names == NULL)
        return ss_complain_text("no memory for the names of %zu cells", experiment->cell_count);
    for (size_t i = 0; i < flags->cell_count && status == 0; i++) {
        size_t hits = 0;
        for (size_t j = 0; j < experiment->cell_count; j++) {
            names[j] = experiment->cells[j].name;
            hits += fnmatch(flags->cells[i], names[j], 0) == 0;
        }
        const char *nearest = ss_nearest(flags->cells[i], names, experiment->cell_count);
        if (hits == 0 && nearest != NULL)
            status = ss_complain_text("--cell %s: there is no such cell; write %s", flags->cells[i], nearest);
        else if (hits == 0)
            status =
                ss_complain_text("--cell %s: there is no such cell among %zu, from %s to %s; write one of them, "
                                 "or a pattern",
                                 flags->cells[i], experiment->cell_count, names[0], names[experiment->cell_count - 1]);
    }
    free(names);
    return status;
}

static int
is_experiment(const struct dirent *entry)
{
    return ss_is_file_of(entry->d_name, ".yaml");
}

/* "config:burst, config:failures"; nothing where the folder cannot be read. */
static void
list_shipped(const struct ss_cli *cli, struct ss_text *out)
{
    struct dirent **items = NULL;
    int count = scandir(cli->places.configs, &items, is_experiment, ss_by_bytes);
    for (int i = 0; i < count; i++) {
        ss_text_printf(out, "%sconfig:%.*s", i > 0 ? ", " : "", (int)strlen(items[i]->d_name) - 5, items[i]->d_name);
        free(items[i]);
    }
    free(items);
}

int
ss_no_such_experiment(const struct ss_cli *cli, const char *file)
{
    char name[512], place[SS_PLACE_BYTES];
    struct ss_text shipped = {0};
    const char *slash = strrchr(file, '/');
    (void)snprintf(name, sizeof name, "config:%.400s", slash != NULL ? slash + 1 : file);
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        name[length - 5] = '\0';
    if (access(ss_place(cli, name, place), R_OK) == 0)
        return ss_complain_text("%s: there is no such file; the one that ships is %s", file, name);
    list_shipped(cli, &shipped);
    int is_place = strcmp(place, file) == 0; /* they wrote config:NAME themselves */
    int status = ss_complain_text("%s: there is no such %s; write the path of an experiment, or one of those that "
                                  "ship: %s",
                                  is_place ? name : file, is_place ? "experiment" : "file",
                                  shipped.data != NULL ? shipped.data : "none is found");
    ss_text_free(&shipped);
    return status;
}

static void
say_part(const struct ss_experiment *experiment, const struct ss_part *part)
{
    size_t cells = 0;
    for (size_t i = 0; i < experiment->cell_count; i++)
        cells += ss_part_has(part, i) != 0;
    (void)fprintf(stderr, "servsim: part %u of %u: %zu of %zu cells\n", part->index + 1, part->count, cells,
                  experiment->cell_count);
}

static int
run_file(const char *file, struct ss_cli *cli, const struct ss_run_flags *flags)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_experiment experiment;
    if (access(file, F_OK) != 0)
        return ss_no_such_experiment(cli, file);
    if (ss_experiment_read(&experiment, file, flags->sets, flags->set_count, &cli->lookup, &err) != 0)
        return ss_complain(&err);
    if (flags->part.count > 1 && !flags->quiet)
        say_part(&experiment, &flags->part);
    char *output = experiment.output;
    if (flags->output != NULL)
        experiment.output = strdup(flags->output);
    int status =
        experiment.output != NULL ? ss_check_cells(&experiment, flags) : ss_complain_text("no memory for a file name");
    if (status == 0)
        status = ss_run_experiment(cli, &experiment, flags);
    if (flags->output != NULL)
        free(output);
    ss_experiment_free(&experiment);
    return status;
}

int
ss_cmd_run(int argc, char **argv, struct ss_cli *cli)
{
    struct ss_run_flags flags = {.sets = calloc((size_t)argc, sizeof *flags.sets),
                                 .cells = calloc((size_t)argc, sizeof *flags.cells)};
    int status =
        flags.sets != NULL && flags.cells != NULL ? read_flags(argc, argv, &flags) : ss_complain_text("no memory");
    if (status == 0 && optind + 1 != argc)
        status = ss_complain_text("run wants one experiment file; write servsim run FILE (see servsim run --help)");
    char place[SS_PLACE_BYTES];
    if (status == 0)
        status = run_file(ss_place(cli, argv[optind], place), cli, &flags);
    free(flags.sets);
    free(flags.cells);
    return status < 0 ? SS_EXIT_DONE : status;
}
