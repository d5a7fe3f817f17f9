/*
 * sweep/plan.c - bisection over the rate of a cell's traffic, a process for each cell.
 */
#include "sweep/plan.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <jansson.h>

#include "base/team.h"
#include "engine/simulation.h"
#include "metrics/summary.h"
#include "sweep/traffic.h"

#define SLOWEST (1.0 / (1 << 20)) /* of the traffic's own rate */
#define SPAN_LATENCIES 10         /* mean latencies that requests must spread over to be a steady load */
#define SLOW (1.0 / 64)           /* rates down to this are tried before the slowest: that one may take long */
#define MANY_RUNS 64              /* as many as a search may have */

struct search {
    const struct ss_plan_options *options;
    struct ss_cell cell; /* its load_scale is what is searched for */
    struct ss_plan *plan;
};

/* ---- one cell, in its process ---- */

static double
at_json(const json_t *summary, const char *name, const char *part)
{
    const json_t *value = json_object_get(summary, name);
    if (part != NULL)
        value = json_object_get(value, part);
    return json_is_number(value) ? json_number_value(value) : 0;
}

/* What the plan tells of the traffic at a rate, as summary.json has it. */
static int
note(struct search *search, const struct ss_result *result, const struct ss_summary_input *input,
     struct servsim_error *err)
{
    struct ss_plan *plan = search->plan;
    struct ss_text text = {NULL, 0, 0, 0};
    int rc = ss_summary_json(result, input, &text, err);
    json_t *summary = rc == 0 ? json_loadb(text.data, text.length, 0, NULL) : NULL;
    plan->attainment = at_json(summary, "slo_attainment", NULL);
    plan->ttft_p99_ms = at_json(summary, "ttft_ms", "p99");
    plan->tpot_p99_ms = at_json(summary, "tpot_ms", "p99");
    plan->output_tokens_per_s = at_json(summary, "output_tokens_per_s", NULL);
    double span_s = ss_time_seconds(result->records.items[result->records.count - 1].arrival - result->first_arrival);
    plan->short_of_data = span_s * 1e3 < SPAN_LATENCIES * at_json(summary, "latency_ms", "mean");
    plan->usd_per_hour = result->device.price_usd_per_hour * search->cell.gpus;
    json_decref(summary);
    ss_text_free(&text);
    return rc;
}

/* 1: the SLO is met at `scale` times the traffic's own rate (0: with all requests at once), 0: it is not. */
static int
meets(struct search *search, double scale, int noted, struct servsim_error *err)
{
    const struct ss_cell *cell = &search->cell;
    const struct ss_summary_input input = {cell->gpus, cell->replicas, cell->slo_ttft_ps, cell->slo_tpot_ps};
    const struct ss_sim_options options = {.at_once = scale <= 0};
    struct ss_result *result = malloc(sizeof *result);
    if (result == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a result");
    search->cell.load_scale = search->plan->scale = scale;
    search->plan->begun_s = ss_clock_s();
    search->plan->runs++;
    int rc = ss_simulate(cell, &options, result, err);
    if (rc == 0) {
        rc = ss_slo_attainment(result, &input) >= search->options->attainment;
        if (noted && note(search, result, &input, err) != 0)
            rc = -ENOMEM;
        ss_result_free(result);
    }
    free(result);
    return rc;
}

/* Between a rate that meets the SLO and one that does not. */
static int
bisect(struct search *search, double low, double high, struct servsim_error *err)
{
    int rc = 0;
    while (high > low * (1 + search->options->tolerance) && rc >= 0) {
        double middle = sqrt(low * high);
        rc = meets(search, middle, 0, err);
        if (rc > 0)
            low = middle;
        else
            high = middle;
    }
    if (rc < 0)
        return rc;
    search->plan->state = SS_PLAN_FOUND;
    search->plan->highest_per_s = low * search->plan->own_per_s;
    rc = meets(search, low, 1, err);
    return rc < 0 ? rc : 0;
}

/* The traffic as it is meets the SLO: by factors of two until one does not. That there is an end is known where all
   requests at once miss it. */
static int
search_above(struct search *search, struct servsim_error *err)
{
    double scale = 1;
    int rc = meets(search, 0, 1, err);
    if (rc > 0)
        search->plan->state = SS_PLAN_ALWAYS;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    do
        rc = meets(search, scale *= 2, 0, err);
    while (rc > 0);
    return rc < 0 ? rc : bisect(search, scale / 2, scale, err);
}

/* It does not: by halves until one does; on the way, whether there is an end: the slowest traffic. */
static int
search_below(struct search *search, struct servsim_error *err)
{
    double scale = 1;
    int rc = 0;
    do {
        rc = scale == SLOW ? meets(search, SLOWEST, 1, err) : 1;
        if (rc == 0)
            search->plan->state = SS_PLAN_NEVER;
        if (rc <= 0)
            return rc;
        rc = meets(search, scale /= 2, 0, err);
    } while (rc == 0);
    return rc < 0 ? rc : bisect(search, scale, scale * 2, err);
}

static int
plan_cell(void *ctx, struct servsim_error *err)
{
    struct search *search = ctx;
    struct ss_plan *plan = search->plan;
    struct ss_traffic_extent traffic;
    int rc = ss_measure_traffic(&search->cell, &traffic, err);
    if (rc != 0)
        return rc;
    if (traffic.requests < 2 || traffic.span <= 0)
        return servsim_fail(err, EINVAL,
                            "cell '%s': the workload has no rate to plan for (%llu requests at one time); take traffic "
                            "with arrival times",
                            search->cell.name, (unsigned long long)traffic.requests);
    plan->own_per_s = (double)(traffic.requests - 1) / ss_time_seconds(traffic.span);
    rc = meets(search, 1, 0, err);
    plan->meets_own = rc > 0;
    return rc < 0 ? rc : rc > 0 ? search_above(search, err) : search_below(search, err);
}

/* ---- all of them ---- */

struct team {
    const struct ss_experiment *experiment;
    const struct ss_plan_options *options;
    struct ss_plan *plans; /* shared with the children */
    struct ss_child children[SS_TEAM_MOST];
    size_t cells[SS_TEAM_MOST], next;
};

static struct ss_child *
child(void *ctx, uint32_t slot)
{
    return &((struct team *)ctx)->children[slot];
}

static int
begin(void *ctx, uint32_t slot, struct servsim_error *err)
{
    struct team *team = ctx;
    if (team->next == team->experiment->cell_count)
        return 0;
    size_t index = team->next++;
    struct search search = {
        .options = team->options, .cell = team->experiment->cells[index], .plan = &team->plans[index]};
    search.cell.load = 0;
    search.cell.stop_after = SS_NEVER;
    team->cells[slot] = index;
    int rc = ss_child_start(&team->children[slot], plan_cell, &search, err);
    return rc != 0 ? rc : 1;
}

static void
tell(const struct team *team, size_t cell)
{
    if (team->options->progress != NULL)
        team->options->progress(team->options->ctx, team->plans, cell);
}

/* What took too long, in the words of who waits for it. */
static void
note_late(const struct team *team, struct ss_plan *plan)
{
    char what[96] = "reading its traffic";
    if (plan->runs > 0 && plan->scale > 0)
        (void)snprintf(what, sizeof what, "simulation %u of the search, at %.3g requests/s,", plan->runs,
                       plan->scale * plan->own_per_s);
    else if (plan->runs > 0)
        (void)snprintf(what, sizeof what, "simulation %u of the search, with all requests at once,", plan->runs);
    (void)snprintf(plan->reason, sizeof plan->reason, "timed out: %s took more than %g s; write a longer timeout", what,
                   team->experiment->timeout_s);
}

/* A plugin's fault is its cell's; whatever else was said is everybody's. */
static int
end(void *ctx, uint32_t slot, enum ss_team_end how, struct servsim_error *err)
{
    struct team *team = ctx;
    struct ss_last_word word;
    struct ss_plan *plan = &team->plans[team->cells[slot]];
    int spoke = ss_child_end(&team->children[slot], &word);
    if (how == SS_TEAM_STOPPED)
        return 0;
    if (!spoke || word.code != 0) {
        plan->state = SS_PLAN_FAILED;
        (void)snprintf(plan->reason, sizeof plan->reason, "%.1000s", word.text);
    }
    if (how == SS_TEAM_LATE && plan->state == SS_PLAN_FAILED)
        note_late(team, plan);
    if (spoke && word.code != 0 && word.code != -EPROTO)
        return servsim_fail(err, -word.code, "%s", word.text);
    tell(team, team->cells[slot]);
    return 0;
}

/* Each simulation has the time that a cell has. */
static int
is_late(void *ctx, uint32_t slot)
{
    const struct team *team = ctx;
    double timeout_s = team->experiment->timeout_s, begun_s = team->plans[team->cells[slot]].begun_s;
    return timeout_s > 0 && ss_clock_s() - fmax(begun_s, team->children[slot].begun_s) >= timeout_s;
}

static int
look(void *ctx, struct servsim_error *err)
{
    const struct team *team = ctx;
    tell(team, team->experiment->cell_count);
    if (team->options->interrupted != NULL && *team->options->interrupted != 0)
        return servsim_fail(err, EINTR, "interrupted");
    return 0;
}

static int
work(struct team *team, struct servsim_error *err)
{
    static const struct ss_team_ops ops = {
        .child = child, .begin = begin, .end = end, .is_late = is_late, .look = look};
    const struct ss_team all = {.ops = &ops, .ctx = team, .slots = ss_team_size(team->options->jobs)};
    for (uint32_t i = 0; i < all.slots; i++)
        team->children[i].pipe = -1;
    return ss_team_run(&all, err);
}

/* Each search reads its traffic many times. */
static int
share(struct ss_shared_traffic *shared, struct ss_experiment *experiment, const struct ss_plan_options *options)
{
    const struct ss_sweep_options sweep = {.interrupted = options->interrupted};
    uint32_t *readings = calloc(experiment->cell_count, sizeof *readings);
    if (readings == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < experiment->cell_count; i++)
        readings[i] = MANY_RUNS;
    ss_share_traffic(shared, experiment, readings, &sweep);
    free(readings);
    return 0;
}

int
ss_plan_cells(struct ss_experiment *experiment, const struct ss_plan_options *options, struct ss_plan *plans,
              struct servsim_error *err)
{
    struct team team = {.experiment = experiment, .options = options};
    struct ss_shared_traffic traffic = {NULL, 0};
    size_t bytes = experiment->cell_count * sizeof *plans;
    team.plans = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (team.plans == MAP_FAILED)
        return servsim_fail(err, errno, "no memory for the plans of %zu cells", experiment->cell_count);
    int rc = share(&traffic, experiment, options);
    rc = rc != 0 ? servsim_fail(err, ENOMEM, "no memory for %zu cells", experiment->cell_count) : work(&team, err);
    memcpy(plans, team.plans, bytes);
    ss_shared_traffic_free(&traffic, experiment);
    (void)munmap(team.plans, bytes);
    return rc;
}
