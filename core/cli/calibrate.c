/*
 * cli/calibrate.c - servsim calibrate: the settings that bring simulations nearest to real runs.
 *
 * Every trial reads the experiments again with other settings and simulates them: what is fitted is what is run. The
 * sum that is made small holds the errors of mean TTFT, TPOT and latency of each run, in units of what a good
 * simulator reaches (10, 4 and 5 %), each counted by its size, so that one odd run does not pull the rest.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/simplex.h"
#include "cli/replay.h"

static const char usage[] =
    "usage: servsim calibrate --fit KEY=START[:STEP] ... [OPTIONS] FILE M.csv [FILE M.csv ...]\n"
    "\n"
    "Finds the values of keys that bring the simulations of experiments nearest to what was measured (as for servsim\n"
    "validate), says how near, and how near on what was not used for the fit. KEY is a key of the experiments, as\n"
    "engine.step, in its bare unit; the search begins at START in steps of STEP (default: a third of START).\n"
    "\n"
    "  --hold-out SHARE     of each run's last requests, or of the runs where they are means, not used for the fit\n"
    "                       (default 0.2)\n"
    "  --cross-validate BY  also fit without each `model`, `hardware` or `run` in turn, and test on it\n"
    "  --calls N            simulations of each run at most (default: 60 for each key)\n"
    "\n" SS_REPLAY_USAGE "  --json               for scripts\n";

#define KEYS_MOST 12

struct key {
    char name[128];
    double start, step;
};

struct flags {
    struct ss_replay_flags replay;
    struct key keys[KEYS_MOST];
    size_t key_count;
    double hold_out;
    const char *by;
    int64_t calls;
    int json, help;
};

/* Errors of the means of one run: of what was fitted, and of what was held out. NAN: nothing there. */
struct errors {
    double fitted[SS_FIDELITY_FIGURES], held[SS_FIDELITY_FIGURES];
};

struct calibration {
    const struct flags *flags;
    struct ss_replay *replays;
    struct errors *errors;
    size_t count;
    const char *without; /* group that the fit leaves out, or NULL */
    struct servsim_error err;
};

/* ---- flags ---- */

static int
add_key(struct flags *flags, const char *text)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    if (flags->key_count == KEYS_MOST)
        return ss_complain_text("--fit %s: more than %d keys", text, KEYS_MOST);
    struct key *key = &flags->keys[flags->key_count++];
    if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof key->name)
        return ss_complain_text("--fit %s: write KEY=START, as engine.step=700", text);
    (void)snprintf(key->name, sizeof key->name, "%.*s", (int)(equals - text), text);
    key->start = strtod(equals + 1, &end);
    key->step = key->start != 0 ? key->start / 3 : 1;
    if (end != equals + 1 && *end == ':') {
        const char *step = end + 1;
        key->step = strtod(step, &end);
        end = end == step ? NULL : end;
    }
    if (end == NULL || end == equals + 1 || *end != '\0' || !isfinite(key->start) || !(key->step > 0))
        return ss_complain_text("--fit %s: write KEY=START or KEY=START:STEP with numbers, the step above 0", text);
    return 0;
}

static int
take_flag(struct flags *flags, int option, const char *value)
{
    char *end = NULL;
    int taken = ss_replay_flag(&flags->replay, option, value);
    if (taken != 0)
        return taken < 0 ? SS_EXIT_BAD : 0;
    switch (option) {
    case 'f':
        return add_key(flags, value);
    case 'o':
        flags->hold_out = strtod(value, &end);
        if (end == value || *end != '\0' || !(flags->hold_out >= 0 && flags->hold_out <= 0.9))
            return ss_complain_text("--hold-out %s: write a share from 0 to 0.9", value);
        return 0;
    case 'n':
        flags->calls = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || flags->calls < 1 || flags->calls > 1000000)
            return ss_complain_text("--calls %s: write 1 to 1000000", value);
        return 0;
    case 'x':
        flags->by = value;
        if (strcmp(value, "model") != 0 && strcmp(value, "hardware") != 0 && strcmp(value, "run") != 0)
            return ss_complain_text("--cross-validate %s: write model, hardware or run", value);
        return 0;
    default:
        flags->json |= option == 'j';
        flags->help |= option == 'h';
        return 0;
    }
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        SS_REPLAY_OPTIONS,
        {"fit", required_argument, NULL, 'f'},
        {"hold-out", required_argument, NULL, 'o'},
        {"cross-validate", required_argument, NULL, 'x'},
        {"calls", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (c == ':')
            return ss_complain_text("%s wants a value; servsim calibrate --help tells which", argv[optind - 1]);
        if (c == '?')
            return ss_complain_text("%s is no flag; servsim calibrate --help lists them", argv[optind - 1]);
        status = take_flag(flags, c, optarg);
    }
    if (status != 0 || flags->help)
        return status;
    if (flags->key_count == 0)
        return ss_complain_text("nothing to fit; write --fit engine.step=700");
    if (argc - optind < 2 || (argc - optind) % 2 != 0)
        return ss_complain_text("calibrate wants pairs of an experiment and what was measured: FILE M.csv ...");
    return 0;
}

/* ---- trials ---- */

static void
note_errors(const struct ss_fidelity *fidelity, double *out)
{
    for (size_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        out[i] = fidelity->requests > 0 ? ss_fidelity_error(&fidelity->figures[i], 0) : NAN;
}

/* Every k-th run of means is held out; of requests, the last share. */
static int
holds_out(const struct calibration *all, size_t run)
{
    double share = all->flags->hold_out;
    size_t every = share > 0 ? (size_t)lround(1 / share) : 0;
    return every > 0 && all->replays[run].measured.means_only && all->count >= every && run % every == every - 1;
}

static int
compare(struct calibration *all, size_t run, const struct ss_result *result)
{
    const struct ss_replay *replay = &all->replays[run];
    struct errors *errors = &all->errors[run];
    struct ss_fidelity fidelity;
    size_t split = (size_t)((1 - all->flags->hold_out) * (double)replay->measured.count);
    size_t end = replay->measured.means_only ? SIZE_MAX : split;
    int rc = ss_fidelity_make(&fidelity, &replay->measured, result, -1, 0, end, &all->err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        errors->fitted[i] = errors->held[i] = NAN;
    note_errors(&fidelity, holds_out(all, run) ? errors->held : errors->fitted);
    if (replay->measured.means_only || split == replay->measured.count)
        return 0;
    rc = ss_fidelity_make(&fidelity, &replay->measured, result, -1, split, SIZE_MAX, &all->err);
    if (rc == 0)
        note_errors(&fidelity, errors->held);
    return rc;
}

static const char *
group_of(const struct calibration *all, size_t run)
{
    const struct ss_replay *replay = &all->replays[run];
    const struct ss_cell *cell = &replay->experiment.cells[0];
    if (strcmp(all->flags->by, "model") == 0)
        return cell->model.name;
    return strcmp(all->flags->by, "run") == 0 ? replay->measured_file : cell->hardware.plugin->descriptor->name;
}

static int
left_out(const struct calibration *all, size_t run)
{
    return all->without != NULL && strcmp(group_of(all, run), all->without) == 0;
}

/* What says nothing to the search need not be simulated for it: runs that are held out or left out. */
static int
is_idle(const struct calibration *all, size_t run)
{
    return left_out(all, run) || holds_out(all, run);
}

/* Keys at start + x steps, not below 0; simulates the runs, `every` one or those of the search, and notes their
   errors. */
static int
attempt(struct calibration *all, const double *x, int every)
{
    const struct flags *flags = all->flags;
    char texts[KEYS_MOST][192];
    const char *sets[KEYS_MOST];
    struct ss_result *result = malloc(sizeof *result);
    int rc = result != NULL ? 0 : servsim_fail(&all->err, ENOMEM, "no memory for a result");
    for (size_t i = 0; i < flags->key_count; i++) {
        double value = fmax(flags->keys[i].start + x[i] * flags->keys[i].step, 0);
        const char *form = strcmp(flags->keys[i].name, "engine.sampling") == 0 ? "%s=%.0f" : "%s=%.6f";
        (void)snprintf(texts[i], sizeof texts[i], form, flags->keys[i].name, value);
        sets[i] = texts[i];
    }
    for (size_t run = 0; rc == 0 && run < all->count; run++) {
        if (!every && is_idle(all, run))
            continue;
        rc = ss_replay_change(&all->replays[run], sets, flags->key_count, &all->err);
        if (rc == 0)
            rc = ss_replay_run(&all->replays[run], result, &all->err);
        if (rc != 0)
            break;
        rc = compare(all, run, result);
        ss_result_free(result);
    }
    free(result);
    return rc;
}

/* What the search makes small. */
static double
distance(void *ctx, const double *x)
{
    static const double unit[SS_FIDELITY_FIGURES] = {0.10, 0.04, 0.05};
    struct calibration *all = ctx;
    double sum = 0, terms = 0;
    if (attempt(all, x, 0) != 0)
        return NAN;
    for (size_t run = 0; run < all->count; run++) {
        for (size_t i = 0; i < SS_FIDELITY_FIGURES && !is_idle(all, run); i++) {
            double error = all->errors[run].fitted[i] / unit[i];
            if (isnan(error))
                continue;
            sum += sqrt(error * error + 0.01);
            terms += 1;
        }
    }
    return terms > 0 ? sum / terms : 0;
}

static int
fit(struct calibration *all, double *x)
{
    const struct flags *flags = all->flags;
    size_t calls = flags->calls > 0 ? (size_t)flags->calls : 60 * flags->key_count;
    memset(x, 0, flags->key_count * sizeof *x);
    double best = ss_simplex(distance, all, x, flags->key_count, 1e-6, calls);
    if (isnan(best))
        return all->err.text[0] != '\0' ? -EINVAL : servsim_fail(&all->err, ENOMEM, "no memory for the search");
    return attempt(all, x, 1); /* the errors at the best point */
}

/* ---- results ---- */

/* Mean absolute error of each figure over runs; `tested`: of the left-out group. */
static size_t
mean_errors(const struct calibration *all, int held, int tested, double *out)
{
    size_t runs = 0;
    for (size_t i = 0; i < SS_FIDELITY_FIGURES; i++) {
        double sum = 0;
        runs = 0;
        for (size_t run = 0; run < all->count; run++) {
            double error = held ? all->errors[run].held[i] : all->errors[run].fitted[i];
            if (isnan(error) || left_out(all, run) != tested)
                continue;
            sum += fabs(error);
            runs++;
        }
        out[i] = runs > 0 ? sum / (double)runs : NAN;
    }
    return runs;
}

static json_t *
errors_json(const double *errors, size_t runs)
{
    static const char *const names[SS_FIDELITY_FIGURES] = {"ttft", "tpot", "latency"};
    json_t *object = json_object();
    (void)json_object_set_new(object, "runs", json_integer((json_int_t)runs));
    for (size_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        (void)json_object_set_new(object, names[i], isnan(errors[i]) ? json_null() : json_real(errors[i]));
    return object;
}

static void
tell(const struct calibration *all, json_t *report, const char *what, const double *errors, size_t runs)
{
    if (runs == 0)
        return;
    (void)json_object_set_new(report, what, errors_json(errors, runs));
    if (!all->flags->json)
        (void)printf("%-34s %3zu runs: TTFT %6.2f %%, TPOT %6.2f %%, latency %6.2f %%\n", what, runs, errors[0] * 100,
                     errors[1] * 100, errors[2] * 100);
}

static void
tell_fit(const struct calibration *all, json_t *report, const double *x)
{
    double errors[SS_FIDELITY_FIGURES];
    json_t *values = json_object();
    const struct flags *flags = all->flags;
    for (size_t i = 0; i < flags->key_count; i++) {
        double value = fmax(flags->keys[i].start + x[i] * flags->keys[i].step, 0);
        (void)json_object_set_new(values, flags->keys[i].name, json_real(value));
        if (!flags->json)
            (void)printf("%s: %.6g\n", flags->keys[i].name, value);
    }
    (void)json_object_set_new(report, "values", values);
    const char *engine = strstr(all->replays[0].experiment.cells[0].resolved, "\nengine: ");
    if (engine != NULL && !flags->json)
        (void)printf("\n%.*s\n\n", (int)strcspn(engine + 1, "\n"), engine + 1);
    size_t runs = mean_errors(all, 0, 0, errors);
    tell(all, report, "mean absolute error, fitted", errors, runs);
    runs = mean_errors(all, 1, 0, errors);
    tell(all, report, "mean absolute error, held out", errors, runs);
}

/* Fits without each group in turn. */
static int
cross_validate(struct calibration *all, json_t *report)
{
    double x[KEYS_MOST], errors[SS_FIDELITY_FIGURES], sums[SS_FIDELITY_FIGURES] = {0};
    size_t tested = 0;
    for (size_t run = 0; run < all->count; run++) {
        char name[256], what[320];
        size_t before = 0;
        while (strcmp(group_of(all, before), group_of(all, run)) != 0)
            before++;
        if (before < run)
            continue;
        (void)snprintf(name, sizeof name, "%s", group_of(all, run));
        all->without = name;
        int rc = fit(all, x);
        if (rc != 0)
            return rc;
        size_t runs = mean_errors(all, 0, 1, errors);
        (void)snprintf(what, sizeof what, "without %s, tested on it", name);
        tell(all, report, what, errors, runs);
        for (size_t i = 0; i < SS_FIDELITY_FIGURES && runs > 0; i++)
            sums[i] += errors[i] * (double)runs;
        tested += runs;
    }
    for (size_t i = 0; i < SS_FIDELITY_FIGURES; i++)
        errors[i] = tested > 0 ? sums[i] / (double)tested : NAN;
    tell(all, report, "mean absolute error, cross-validated", errors, tested);
    all->without = NULL;
    return 0;
}

static int
calibrate(struct calibration *all)
{
    double x[KEYS_MOST];
    json_t *report = json_object();
    int rc = fit(all, x);
    if (rc == 0)
        tell_fit(all, report, x);
    if (rc == 0 && all->flags->by != NULL)
        rc = cross_validate(all, report);
    if (rc == 0 && all->flags->json) {
        (void)json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        (void)fputc('\n', stdout);
    }
    json_decref(report);
    return rc;
}

static int
open_and_calibrate(char **pairs, size_t count, const struct flags *flags, const struct ss_cli *cli)
{
    struct calibration all = {.flags = flags, .err = {.size = sizeof all.err}};
    all.replays = calloc(count, sizeof *all.replays);
    all.errors = calloc(count, sizeof *all.errors);
    int rc = all.replays != NULL && all.errors != NULL ? 0 : servsim_fail(&all.err, ENOMEM, "no memory for the runs");
    for (; rc == 0 && all.count < count; all.count++)
        rc = ss_replay_open(&all.replays[all.count], pairs[2 * all.count], pairs[2 * all.count + 1], &flags->replay,
                            cli, &all.err);
    if (rc == 0)
        rc = calibrate(&all);
    for (size_t i = 0; i < all.count; i++)
        ss_replay_close(&all.replays[i]);
    free(all.replays);
    free(all.errors);
    return rc == 0 ? SS_EXIT_DONE : ss_complain(&all.err);
}

int
ss_cmd_calibrate(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.replay = {.measured = {.stage = -1}}, .hold_out = 0.2};
    flags.replay.sets = calloc((size_t)argc, sizeof *flags.replay.sets);
    if (flags.replay.sets == NULL)
        return ss_complain_text("no memory");
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help)
        (void)fputs(usage, stdout);
    else if (status == 0)
        status = open_and_calibrate(argv + optind, (size_t)(argc - optind) / 2, &flags, cli);
    free(flags.replay.sets);
    return status;
}
