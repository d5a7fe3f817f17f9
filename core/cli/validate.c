/*
 * cli/validate.c - servsim validate FILE --measured M.csv: the error against a real run.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "cli/replay.h"
#include "plugin/units.h"

#define REPEATS_LIMIT 10000
#define MOVED_LIMIT (3600 * SS_PS_PER_S)

static const char usage[] =
    "usage: servsim validate FILE --measured M.csv [OPTIONS]\n"
    "\n"
    "Replays the arrivals and lengths of a real run in the experiment of FILE, which has one cell, pairs the "
    "requests,\n"
    "and prints how far TTFT, TPOT, latency, makespan and throughput are from what was measured. M.csv has a row for\n"
    "each request (arrival_s, input_tokens, output_tokens, ttft_ms, latency_ms), or one row of means (ttft_mean_ms,\n"
    "tpot_mean_ms, latency_mean_ms), which are held against the experiment's own traffic.\n"
    "\n" SS_REPLAY_USAGE
    "  --repeats N          simulate N times more, each arrival moved a little, and print the mean and the standard\n"
    "                       deviation of each error: what of it is chance. Against means: with other seeds\n"
    "  --moved TIME         how far arrivals are moved at most, earlier or later (4ms; a bare number is in ms)\n"
    "  --json               for scripts\n"
    "  --charts DIR         draw simulated against real (gnuplot)\n";

struct flags {
    struct ss_replay_flags replay;
    const char *file, *measured, *charts;
    uint32_t repeats;
    ss_time moved; /* 0: not given */
    int json, help;
};

#define MOVED_DEFAULT (4 * SS_PS_PER_MS)

static int
read_repeats(const char *value, uint32_t *out)
{
    char *end;
    errno = 0;
    long count = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || count < 1 || count > REPEATS_LIMIT)
        return ss_complain_text("--repeats %s: write a whole number from 1 to %d", value, REPEATS_LIMIT);
    *out = (uint32_t)count;
    return 0;
}

static int
read_moved(const char *value, ss_time *out)
{
    struct servsim_error err = {.size = sizeof err};
    if (ss_duration_parse(value, "ms", out, &err) != 0)
        return ss_complain_text("--moved %s: %s", value, err.text);
    if (*out <= 0 || *out > MOVED_LIMIT)
        return ss_complain_text("--moved %s: write a time above 0 and up to an hour, such as 4ms", value);
    return 0;
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        SS_REPLAY_OPTIONS,
        {"measured", required_argument, NULL, 'm'},
        {"repeats", required_argument, NULL, 'r'},
        {"moved", required_argument, NULL, 'v'},
        {"charts", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (c == ':')
            return ss_complain_text("%s wants a value; servsim validate --help tells which", argv[optind - 1]);
        if (c == '?')
            return ss_complain_text("%s is no flag; servsim validate --help lists them", argv[optind - 1]);
        if (ss_replay_flag(&flags->replay, c, optarg) < 0)
            return SS_EXIT_BAD;
        if ((c == 'r' && read_repeats(optarg, &flags->repeats) != 0) ||
            (c == 'v' && read_moved(optarg, &flags->moved) != 0))
            return SS_EXIT_BAD;
        flags->measured = c == 'm' ? optarg : flags->measured;
        flags->charts = c == 'd' ? optarg : flags->charts;
        flags->json |= c == 'j';
        flags->help |= c == 'h';
    }
    flags->file = optind < argc ? argv[optind] : NULL;
    if (!flags->help && (argc - optind != 1 || flags->measured == NULL))
        return ss_complain_text("validate wants an experiment and what was measured; write servsim validate FILE "
                                "--measured M.csv");
    if (!flags->help && flags->moved > 0 && flags->repeats == 0)
        return ss_complain_text("--moved tells how far repeats move arrivals; write --repeats 16, too");
    return 0;
}

/* The errors of one simulation, and of the repeats behind it: one spread for each, or NULL. */
struct outcome {
    struct ss_fidelities errors;
    struct ss_fidelity_spread *spreads;
};

static const struct ss_fidelity_spread *
spread_of(const struct outcome *outcome, size_t index)
{
    return outcome->spreads != NULL ? &outcome->spreads[index] : NULL;
}

static int
print_json(const struct ss_replay *replay, const struct outcome *outcome)
{
    json_t *object = json_object(), *runs = json_array();
    for (size_t i = 0; i < outcome->errors.count; i++)
        (void)json_array_append_new(runs, ss_fidelity_json(&outcome->errors.items[i], spread_of(outcome, i)));
    (void)json_object_set_new(object, "servsim_validation", json_integer(1));
    (void)json_object_set_new(object, "experiment", json_string(replay->file));
    (void)json_object_set_new(object, "measured", json_string(replay->measured_file));
    (void)json_object_set_new(object, "left_out", json_integer((json_int_t)replay->measured.left_out));
    (void)json_object_set_new(object, "runs", runs);
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    (void)fputc('\n', stdout);
    return failed;
}

static int
print_text(const struct ss_replay *replay, const struct outcome *outcome)
{
    struct ss_text text = {0};
    if (replay->measured.left_out > 0)
        ss_text_printf(&text, "%zu rows of %s are errors and left out\n", replay->measured.left_out,
                       replay->measured_file);
    for (size_t i = 0; i < outcome->errors.count; i++)
        ss_fidelity_text(&outcome->errors.items[i], spread_of(outcome, i), &text);
    int failed = text.failed || fputs(text.data, stdout) == EOF;
    ss_text_free(&text);
    return failed;
}

static int
draw(const struct ss_replay *replay, const struct ss_result *result, const struct flags *flags)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_charts charts = {0};
    int rc = ss_charts_begin(&charts, flags->charts, &err);
    if (rc == 0)
        rc = ss_fidelity_chart(&replay->measured, result, &charts, &err);
    int status = rc == 0 ? ss_print_charts(&charts, flags->json) : ss_complain(&err);
    ss_charts_end(&charts);
    return status;
}

static int
add_repeat(struct ss_replay *replay, uint32_t number, ss_time moved, struct outcome *outcome, struct servsim_error *err)
{
    struct ss_fidelities errors = {0};
    struct ss_result *result = malloc(sizeof *result);
    if (result == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a repeat");
    int rc = ss_replay_repeat(replay, number, moved, result, err);
    if (rc == 0) {
        rc = ss_fidelities_make(&errors, &replay->measured, result, err);
        ss_result_free(result);
    }
    for (size_t i = 0; rc == 0 && i < errors.count; i++)
        ss_fidelity_spread_add(&outcome->spreads[i], &errors.items[i]);
    ss_fidelities_free(&errors);
    free(result);
    return rc;
}

static int
hold(struct ss_replay *replay, const struct ss_result *result, const struct flags *flags, struct outcome *outcome,
     struct servsim_error *err)
{
    ss_time moved = flags->moved > 0 ? flags->moved : MOVED_DEFAULT;
    if (flags->moved > 0 && replay->measured.means_only)
        return servsim_fail(err, EINVAL,
                            "--moved: %s has means only, and repeats draw the experiment's own traffic again: leave "
                            "it out",
                            flags->measured);
    int rc = ss_fidelities_make(&outcome->errors, &replay->measured, result, err);
    if (rc != 0 || flags->repeats == 0)
        return rc;
    outcome->spreads = calloc(outcome->errors.count, sizeof *outcome->spreads);
    if (outcome->spreads == NULL)
        return servsim_fail(err, ENOMEM, "no memory for repeats");
    for (uint32_t i = 0; rc == 0 && i < flags->repeats; i++)
        rc = add_repeat(replay, i, moved, outcome, err);
    return rc;
}

static int
hold_against(struct ss_replay *replay, const struct ss_result *result, const struct flags *flags)
{
    struct servsim_error err = {.size = sizeof err};
    struct outcome outcome = {0};
    int status = SS_EXIT_DONE;
    if (hold(replay, result, flags, &outcome, &err) != 0)
        status = ss_complain(&err);
    else if (flags->json ? print_json(replay, &outcome) : print_text(replay, &outcome))
        status = ss_complain_text("the errors cannot be written: no memory, or no room");
    if (status == SS_EXIT_DONE && flags->charts != NULL)
        status = draw(replay, result, flags);
    free(outcome.spreads);
    ss_fidelities_free(&outcome.errors);
    return status;
}

static int
validate(const struct flags *flags, const struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_replay *replay = malloc(sizeof *replay);
    struct ss_result *result = malloc(sizeof *result);
    int status = SS_EXIT_BAD;
    if (replay == NULL || result == NULL) {
        status = ss_complain_text("no memory");
    } else {
        if (ss_replay_open(replay, flags->file, flags->measured, &flags->replay, cli, &err) != 0 ||
            ss_replay_run(replay, result, &err) != 0) {
            status = ss_complain(&err);
        } else {
            status = hold_against(replay, result, flags);
            ss_result_free(result);
        }
        ss_replay_close(replay);
    }
    free(replay);
    free(result);
    return status;
}

int
ss_cmd_validate(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.replay = {.measured = {.stage = -1}}};
    flags.replay.sets = calloc((size_t)argc, sizeof *flags.replay.sets);
    if (flags.replay.sets == NULL)
        return ss_complain_text("no memory");
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help)
        (void)fputs(usage, stdout);
    else if (status == 0)
        status = validate(&flags, cli);
    free(flags.replay.sets);
    return status;
}
