/*
 * cli/cli.h - what the commands share. Only files in this folder print.
 */
#ifndef SS_CLI_H
#define SS_CLI_H

#include <signal.h>
#include <stdio.h>

#include "experiment/experiment.h"
#include "sweep/sweep.h"

/* Exit statuses that scripts can use. */
#define SS_EXIT_DONE 0
#define SS_EXIT_SOME_FAILED 1
#define SS_EXIT_BAD 2
#define SS_EXIT_INTERRUPTED 130

struct ss_places {
    char plugins[4096], models[4096], data[4096], configs[4096];
};

struct ss_cli {
    struct ss_lookup lookup;
    struct ss_places places;
    const volatile sig_atomic_t *interrupted;
};

/* Finds plugins, models, data and configs from where the executable is. */
void ss_places_find(struct ss_places *places);

/* Prints "servsim: TEXT" to standard error and returns SS_EXIT_BAD. */
int ss_complain(const struct servsim_error *err);
int ss_complain_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the name of an experiment means: "config:NAME" (".yaml" may be left out) is one that ships. Anything else is a
 * path as it stands. `buffer` keeps what is put together. */
#define SS_PLACE_BYTES 8300
const char *ss_place(const struct ss_cli *cli, const char *name, char buffer[SS_PLACE_BYTES]);

/* The workload plugin that is surest that it reads this file, or this "data:NAME"; an error where none does. */
int ss_recognise(const struct ss_cli *cli, const char *name, const struct ss_plugin **out, struct servsim_error *err);

/* Complains of what getopt_long() answered ('?', or ':' for a value that lacks), with opterr 0 and an optstring that
   begins with ':'; names the nearest of `options`. `command` as in "servsim COMMAND --help". Returns SS_EXIT_BAD. */
struct option;
int ss_bad_flag(int answer, char **argv, const struct option *options, const char *command);

/* Options that run, simulate and quick share. */
struct ss_run_flags {
    int stepwise, verify, quiet, resume;
    uint32_t jobs;
    const char *output;
    const char **sets; /* --set, in order; the caller frees the array */
    size_t set_count;
    const char **cells; /* --cell, likewise */
    size_t cell_count;
    struct ss_part part;
};

/* Progress of a sweep, on standard error; tell() is the sweep's callback. */
struct ss_progress {
    int quiet, living; /* living: on a terminal */
    double begun_s, simulated_s;
};
void ss_progress_begin(struct ss_progress *progress, int quiet);
void ss_progress_tell(void *ctx, const struct ss_experiment *experiment, const struct ss_outcome *outcomes,
                      size_t cell);
/* ", about 12 s left" behind a living line, where that can be told. */
void ss_progress_put_rest(const struct ss_progress *progress, size_t done, size_t left);
void ss_progress_end(const struct ss_progress *progress);

/* The line of a cell's main figures, read from its summary.json, and the line above it. */
void ss_print_figures_head(int width);
void ss_print_figures(const struct ss_cell *cell, int width, const char *summary_path);

/* Runs a whole experiment, with progress, and prints the table of its cells. Returns an exit status. */
int ss_run_experiment(struct ss_cli *cli, struct ss_experiment *experiment, const struct ss_run_flags *flags);

/* A pattern of --cell that fits no cell is a mistake; an exit status. */
int ss_check_cells(const struct ss_experiment *experiment, const struct ss_run_flags *flags);

/* Complains that there is no such experiment, and says which one ships. Returns SS_EXIT_BAD. */
int ss_no_such_experiment(const struct ss_cli *cli, const char *file);

/* Reads --part I/N. 0, or an exit status after a complaint. */
int ss_part_read(const char *text, struct ss_part *out);

/* Which part this task of a Slurm job is: of an array, of the tasks of a step, or of both; none: the whole. 0, or an
   exit status after a complaint. */
int ss_part_of_slurm(struct ss_part *out);

/* The number of workers that `text` names, 1 to 256; 0, with a complaint, where it names none. */
uint32_t ss_jobs_of(const char *text);

/* Draws charts that are written, and says where they are, or what is missing. Returns an exit status. */
struct ss_charts;
int ss_print_charts(struct ss_charts *charts, int quiet);

/* ---- commands: argv[0] is the command's name; each returns an exit status ---- */

int ss_cmd_run(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_simulate(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_quick(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_report(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_analyze(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_validate(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_calibrate(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_plan(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_compare(int argc, char **argv, struct ss_cli *cli);
int ss_cmd_plugins(int argc, char **argv, const struct ss_lookup *lookup);
int ss_cmd_models(int argc, char **argv, const struct ss_lookup *lookup);
int ss_cmd_schema(int argc, char **argv, const struct ss_lookup *lookup);
int ss_cmd_trace(int argc, char **argv, struct ss_cli *cli);

#endif
