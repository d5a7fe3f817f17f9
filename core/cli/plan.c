/*
 * cli/plan.c - servsim plan FILE: how much traffic each cell serves within its SLO, and which cell is enough.
 */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/cli.h"
#include "plugin/units.h"
#include "sweep/plan.h"

static const char usage[] =
    "usage: servsim plan [OPTIONS] FILE\n"
    "\n"
    "Finds, for every cell of the experiment in FILE, the highest rate of its traffic at which the SLO is met: times\n"
    "between requests are divided by a factor, as `load` does it, and the factor is searched for. Then says which\n"
    "cell with the fewest GPUs serves the traffic as it is. FILE needs an `slo`; nothing is written.\n"
    "Each simulation of a search may take as long as the experiment's `timeout` says.\n"
    "\n"
    "  --attainment P   share of the requests that must meet the SLO: 0.99, or 99% (default: 99%)\n"
    "  --tolerance P    how close to the highest rate to search (default: 1%)\n"
    "  --set KEY=VALUE  override a key, as in --set slo.ttft=2s; may be repeated\n"
    "  --jobs N         cells at a time (default: one per processor)\n"
    "  --json           the answer as JSON\n"
    "  --quiet          no progress\n";

struct flags {
    const char **sets;
    size_t set_count;
    struct ss_plan_options options;
    int json, quiet, help;
};

/* ---- flags ---- */

/* "0.99" and "99%". */
static int
read_share(const char *flag, const char *text, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end != text && *end == '%') {
        *out /= 100;
        end++;
    }
    if (end != text && *end == '\0' && *out > 0 && *out <= most)
        return 0;
    return ss_complain_text("%s %s: not a share above 0 and at most %g%%; write %s %s", flag, text, most * 100, flag,
                            most >= 1 ? "99%" : "1%");
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        {"attainment", required_argument, NULL, 'a'},
        {"tolerance", required_argument, NULL, 't'},
        {"set", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'j'},
        {"json", no_argument, NULL, 'J'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":s:j:qh", options, NULL)) != -1) {
        if (c == 'a')
            status = read_share("--attainment", optarg, 1, &flags->options.attainment);
        else if (c == 't')
            status = read_share("--tolerance", optarg, 0.5, &flags->options.tolerance);
        else if (c == 's')
            flags->sets[flags->set_count++] = optarg;
        else if (c == 'j')
            status = (flags->options.jobs = ss_jobs_of(optarg)) == 0 ? SS_EXIT_BAD : 0;
        else if (c == 'J')
            flags->json = 1;
        else if (c == 'q')
            flags->quiet = 1;
        else if (c == 'h')
            flags->help = 1;
        else
            status = ss_bad_flag(c, argv, options, "plan");
    }
    return status;
}

/* ---- which cell is enough ---- */

/* A cell with all of its replicates. */
struct verdict {
    int meets_own, any;  /* each of them; any: at any rate */
    double lowest_per_s; /* of those that have a highest rate that one can rely on; 0: some have none */
};

static struct verdict
judge(const struct ss_experiment *experiment, const struct ss_plan *plans, size_t index)
{
    struct verdict verdict = {1, 1, HUGE_VAL};
    for (size_t i = 0; i < experiment->cell_count; i++) {
        const struct ss_plan *plan = &plans[i];
        if (strcmp(experiment->cells[i].group, experiment->cells[index].group) != 0)
            continue;
        int relied = plan->state == SS_PLAN_FOUND && !plan->short_of_data;
        verdict.meets_own &= plan->state != SS_PLAN_FAILED && plan->meets_own;
        verdict.any &= plan->state == SS_PLAN_ALWAYS;
        verdict.lowest_per_s = fmin(verdict.lowest_per_s, relied ? plan->highest_per_s : 0);
    }
    return verdict;
}

/* Fewest GPUs first; among those the one that serves more. cell_count: none meets the SLO as the traffic is. */
static size_t
fewest_gpus(const struct ss_experiment *experiment, const struct ss_plan *plans)
{
    size_t best = experiment->cell_count;
    double best_per_s = 0;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        struct verdict verdict = judge(experiment, plans, i);
        double per_s = verdict.any ? HUGE_VAL : verdict.lowest_per_s;
        uint32_t gpus = experiment->cells[i].gpus;
        if (!verdict.meets_own)
            continue;
        if (best == experiment->cell_count || gpus < experiment->cells[best].gpus ||
            (gpus == experiment->cells[best].gpus && per_s > best_per_s)) {
            best = i;
            best_per_s = per_s;
        }
    }
    return best;
}

static double
per_gpu(const struct ss_experiment *experiment, const struct ss_plan *plans, size_t index)
{
    return judge(experiment, plans, index).lowest_per_s / experiment->cells[index].gpus;
}

/* The most requests per second and GPU; cell_count: no rate can be relied on. */
static size_t
most_per_gpu(const struct ss_experiment *experiment, const struct ss_plan *plans)
{
    size_t best = experiment->cell_count;
    double most = 0;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        double rate = per_gpu(experiment, plans, i);
        if (rate > most) {
            most = rate;
            best = i;
        }
    }
    return best;
}

/* ---- as text ---- */

static void
print_number(double value, int width)
{
    (void)printf("%*.*f", width, value < 10 ? 3 : value < 1000 ? 1 : 0, value);
}

/* USD for 1000 requests at the highest rate; 0: the device has no price, or there is no such rate. */
static double
usd_per_1000(const struct ss_plan *plan)
{
    return plan->state == SS_PLAN_FOUND ? plan->usd_per_hour / 3.6 / plan->highest_per_s : 0;
}

static void
print_usd(const struct ss_plan *plan)
{
    double usd = usd_per_1000(plan);
    if (usd > 0)
        (void)printf("%15.3g", usd);
    else
        (void)printf("%15s", "-");
}

static void
print_row(const struct ss_cell *cell, const struct ss_plan *plan, int width, int priced)
{
    (void)printf("%-*s %5u", width, cell->name, cell->gpus);
    if (plan->state == SS_PLAN_FAILED) {
        (void)printf("  failed: %s\n", plan->reason);
        return;
    }
    print_number(plan->own_per_s, 11);
    (void)printf("  %-4s", plan->meets_own ? "yes" : "no");
    if (plan->state == SS_PLAN_FOUND) {
        print_number(plan->highest_per_s, 14);
        (void)printf("%c", plan->short_of_data ? '*' : ' ');
        print_number(plan->highest_per_s / cell->gpus, 10);
    } else {
        (void)printf("%15s%10s", plan->state == SS_PLAN_NEVER ? "none" : "any", "-");
    }
    (void)printf("%10.2f%%", plan->attainment * 100);
    print_number(plan->ttft_p99_ms, 13);
    print_number(plan->tpot_p99_ms, 13);
    if (priced)
        print_usd(plan);
    (void)printf("\n");
}

static int
one_slo(const struct ss_experiment *experiment)
{
    const struct ss_cell *cells = experiment->cells;
    for (size_t i = 1; i < experiment->cell_count; i++)
        if (cells[i].slo_ttft_ps != cells[0].slo_ttft_ps || cells[i].slo_tpot_ps != cells[0].slo_tpot_ps)
            return 0;
    return 1;
}

static void
print_slo(const struct ss_experiment *experiment, double attainment)
{
    const struct ss_cell *cell = &experiment->cells[0];
    int ttft = cell->slo_ttft_ps >= 0, tpot = cell->slo_tpot_ps >= 0;
    char text[64];
    (void)printf("SLO: ");
    if (!one_slo(experiment))
        (void)printf("each cell has an SLO of its own");
    else if (ttft) {
        ss_duration_format(text, cell->slo_ttft_ps);
        (void)printf("TTFT at most %s%s", text, tpot ? " and " : "");
    }
    if (one_slo(experiment) && tpot) {
        ss_duration_format(text, cell->slo_tpot_ps);
        (void)printf("TPOT at most %s", text);
    }
    (void)printf(", for %g%% of all requests. Rates are in requests/s; P99s are at the highest rate.\n\n",
                 attainment * 100);
}

/* Where nothing helps but another SLO, what would. */
static void
print_none(const struct ss_experiment *experiment, const struct ss_plan *plans)
{
    size_t nearest = experiment->cell_count;
    int hopeless = 1;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        hopeless &= plans[i].state == SS_PLAN_NEVER || plans[i].state == SS_PLAN_FAILED;
        if (plans[i].state == SS_PLAN_NEVER &&
            (nearest == experiment->cell_count || plans[i].attainment > plans[nearest].attainment))
            nearest = i;
    }
    (void)printf("\nno cell meets the SLO with the traffic as it is\n");
    if (!hopeless || nearest == experiment->cell_count)
        return;
    (void)printf("even where requests hardly meet, %s comes nearest, with %.2f%% of them: write a wider slo",
                 experiment->cells[nearest].name, plans[nearest].attainment * 100);
    if (plans[nearest].attainment >= 0.5)
        (void)printf(", or --attainment %.3g%%", floor(plans[nearest].attainment * 1000) / 10);
    (void)printf("\n");
}

/* A rate that short traffic survives is not one that more of it would. */
static void
print_caution(const struct ss_experiment *experiment, const struct ss_plan *plans)
{
    size_t marked = 0;
    for (size_t i = 0; i < experiment->cell_count; i++)
        marked += plans[i].state == SS_PLAN_FOUND && plans[i].short_of_data;
    if (marked > 0)
        (void)printf(
            "* too high to rely on: all requests come within ten times the time that one takes, before a queue can "
            "grow; take more requests\n");
}

static void
print_verdict(const struct ss_experiment *experiment, const struct ss_plan *plans)
{
    size_t count = experiment->cell_count, fewest = fewest_gpus(experiment, plans),
           most = most_per_gpu(experiment, plans);
    if (fewest == count)
        print_none(experiment, plans);
    else
        (void)printf("\nfewest GPUs for the traffic as it is (%.3g requests/s): %s, %u\n", plans[fewest].own_per_s,
                     experiment->cells[fewest].group, experiment->cells[fewest].gpus);
    if (most == count)
        return;
    double rate = per_gpu(experiment, plans, most);
    (void)printf("most requests/s per GPU: %s, %.3g", experiment->cells[most].group, rate);
    if (plans[most].usd_per_hour > 0)
        (void)printf(" (%.3g USD per 1000 requests at its highest rate)",
                     plans[most].usd_per_hour / experiment->cells[most].gpus / 3.6 / rate);
    (void)printf("\n");
}

static void
print_text(const struct ss_experiment *experiment, const struct ss_plan *plans, double attainment)
{
    int width = 4, priced = 0;
    for (size_t i = 0; i < experiment->cell_count; i++) {
        int length = (int)strlen(experiment->cells[i].name);
        width = length > width ? length : width;
        priced |= plans[i].usd_per_hour > 0;
    }
    print_slo(experiment, attainment);
    (void)printf("%-*s %5s%11s  %-4s%15s%10s%11s%13s%13s%s\n", width, "cell", "GPUs", "own rate", "met", "highest rate",
                 "per GPU", "attained", "TTFT P99 ms", "TPOT P99 ms", priced ? "  USD/1000 req." : "");
    for (size_t i = 0; i < experiment->cell_count; i++)
        print_row(&experiment->cells[i], &plans[i], width, priced);
    print_caution(experiment, plans);
    print_verdict(experiment, plans);
}

/* ---- as JSON ---- */

static json_t *
slo_json(int64_t ps)
{
    return ps < 0 ? json_null() : json_real((double)ps / 1e9);
}

static json_t *
cell_json(const struct ss_cell *cell, const struct ss_plan *plan)
{
    static const char *const states[] = {"failed", "found", "never", "always"};
    json_t *object =
        json_pack("{s:s, s:i, s:s}", "name", cell->name, "gpus", (int)cell->gpus, "state", states[plan->state]);
    int found = plan->state == SS_PLAN_FOUND;
    if (plan->state == SS_PLAN_FAILED) {
        (void)json_object_set_new(object, "reason", json_string(plan->reason));
        return object;
    }
    (void)json_object_set_new(object, "slo_ttft_ms", slo_json(cell->slo_ttft_ps));
    (void)json_object_set_new(object, "slo_tpot_ms", slo_json(cell->slo_tpot_ps));
    (void)json_object_set_new(object, "own_requests_per_s", json_real(plan->own_per_s));
    (void)json_object_set_new(object, "meets_own", json_boolean(plan->meets_own));
    (void)json_object_set_new(object, "highest_requests_per_s", found ? json_real(plan->highest_per_s) : json_null());
    (void)json_object_set_new(object, "highest_requests_per_s_per_gpu",
                              found ? json_real(plan->highest_per_s / cell->gpus) : json_null());
    (void)json_object_set_new(object, "short_of_data", json_boolean(found && plan->short_of_data));
    (void)json_object_set_new(object, "slo_attainment", json_real(plan->attainment));
    (void)json_object_set_new(object, "ttft_p99_ms", json_real(plan->ttft_p99_ms));
    (void)json_object_set_new(object, "tpot_p99_ms", json_real(plan->tpot_p99_ms));
    (void)json_object_set_new(object, "output_tokens_per_s", json_real(plan->output_tokens_per_s));
    (void)json_object_set_new(object, "usd_per_hour",
                              plan->usd_per_hour > 0 ? json_real(plan->usd_per_hour) : json_null());
    (void)json_object_set_new(object, "usd_per_1000_requests",
                              usd_per_1000(plan) > 0 ? json_real(usd_per_1000(plan)) : json_null());
    (void)json_object_set_new(object, "simulations", json_integer(plan->runs));
    return object;
}

static json_t *
name_json(const struct ss_experiment *experiment, size_t index)
{
    return index < experiment->cell_count ? json_string(experiment->cells[index].group) : json_null();
}

static int
print_json(const struct ss_experiment *experiment, const struct ss_plan *plans, double attainment)
{
    json_t *root = json_object(), *cells = json_array();
    for (size_t i = 0; i < experiment->cell_count; i++)
        (void)json_array_append_new(cells, cell_json(&experiment->cells[i], &plans[i]));
    (void)json_object_set_new(root, "experiment", json_string(experiment->name));
    (void)json_object_set_new(root, "attainment", json_real(attainment));
    (void)json_object_set_new(root, "fewest_gpus", name_json(experiment, fewest_gpus(experiment, plans)));
    (void)json_object_set_new(root, "most_per_gpu", name_json(experiment, most_per_gpu(experiment, plans)));
    (void)json_object_set_new(root, "cells", cells);
    int rc = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    (void)printf("\n");
    return rc == 0 ? SS_EXIT_DONE : ss_complain_text("no memory for the answer");
}

/* ---- the command ---- */

struct progress {
    const struct ss_experiment *experiment;
    struct ss_progress shown;
    size_t done;
};

static void
show_living_line(const struct progress *progress, const struct ss_plan *plans)
{
    size_t cells = progress->experiment->cell_count;
    uint32_t runs = 0;
    for (size_t i = 0; i < cells; i++)
        runs += plans[i].runs;
    (void)fprintf(stderr, "\r\033[K%zu of %zu cells planned, %u simulations", progress->done, cells, runs);
    ss_progress_put_rest(&progress->shown, progress->done, cells - progress->done);
    (void)fflush(stderr);
}

static void
tell(void *ctx, const struct ss_plan *plans, size_t cell)
{
    struct progress *progress = ctx;
    const struct ss_experiment *experiment = progress->experiment;
    int ended = cell < experiment->cell_count;
    progress->done += (size_t)ended;
    if (progress->shown.living)
        show_living_line(progress, plans);
    else if (ended)
        (void)fprintf(stderr, "[%zu/%zu] %s, %u simulation%s\n", progress->done, experiment->cell_count,
                      experiment->cells[cell].name, plans[cell].runs, plans[cell].runs == 1 ? "" : "s");
}

static int
check_slo(const struct ss_experiment *experiment, const char *file)
{
    for (size_t i = 0; i < experiment->cell_count; i++)
        if (experiment->cells[i].slo_ttft_ps < 0 && experiment->cells[i].slo_tpot_ps < 0)
            return ss_complain_text("%s: there is no SLO to plan for; write slo: {ttft: 1s, tpot: 50ms}, or --set "
                                    "slo.ttft=1s",
                                    file);
    return 0;
}

static int
plan(struct ss_experiment *experiment, struct flags *flags, struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct progress progress = {.experiment = experiment};
    struct ss_plan *plans = calloc(experiment->cell_count, sizeof *plans);
    if (plans == NULL)
        return ss_complain_text("no memory for %zu cells", experiment->cell_count);
    flags->options.interrupted = cli->interrupted;
    ss_progress_begin(&progress.shown, flags->quiet);
    flags->options.progress = flags->quiet ? NULL : tell;
    flags->options.ctx = &progress;
    int rc = ss_plan_cells(experiment, &flags->options, plans, &err), status = SS_EXIT_DONE;
    ss_progress_end(&progress.shown);
    if (rc == 0 && flags->json)
        status = print_json(experiment, plans, flags->options.attainment);
    else if (rc == 0)
        print_text(experiment, plans, flags->options.attainment);
    else
        status = rc == -EINTR ? SS_EXIT_INTERRUPTED : ss_complain(&err);
    for (size_t i = 0; i < experiment->cell_count && status == SS_EXIT_DONE; i++)
        if (plans[i].state == SS_PLAN_FAILED)
            status = SS_EXIT_SOME_FAILED;
    free(plans);
    return status;
}

static int
plan_file(const char *file, struct flags *flags, struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_experiment experiment;
    if (access(file, F_OK) != 0)
        return ss_no_such_experiment(cli, file);
    if (ss_experiment_read(&experiment, file, flags->sets, flags->set_count, &cli->lookup, &err) != 0)
        return ss_complain(&err);
    int status = check_slo(&experiment, file);
    if (status == 0)
        status = plan(&experiment, flags, cli);
    ss_experiment_free(&experiment);
    return status;
}

int
ss_cmd_plan(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.sets = calloc((size_t)argc, sizeof *flags.sets),
                          .options = {.attainment = 0.99, .tolerance = 0.01}};
    char place[SS_PLACE_BYTES];
    int status = flags.sets != NULL ? read_flags(argc, argv, &flags) : ss_complain_text("no memory");
    if (status == 0 && flags.help)
        (void)fputs(usage, stdout);
    else if (status == 0 && optind + 1 != argc)
        status = ss_complain_text("plan wants one experiment file; write servsim plan FILE (see servsim plan --help)");
    else if (status == 0)
        status = plan_file(ss_place(cli, argv[optind], place), &flags, cli);
    free(flags.sets);
    return status;
}
