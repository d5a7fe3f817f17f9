/*
 * sweep/sweep.c - a sweep from its checks to its reports: loads, what stands already, the cells, the manifest.
 */
#include "sweep/sweep.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "engine/simulation.h"
#include "sweep/hold.h"
#include "sweep/inputs.h"
#include "sweep/load.h"
#include "sweep/output.h"
#include "sweep/crew.h"

#define PATH_BYTES 4096

/* ---- before the first cell ---- */

static int
check_all(void *ctx, struct servsim_error *err)
{
    const struct ss_experiment *experiment = ctx;
    int rc = 0;
    for (size_t i = 0; i < experiment->cell_count && rc == 0; i++)
        rc = ss_simulation_preflight(&experiment->cells[i], err);
    return rc;
}

/* A plugin that dies here will die in its own cell, too, and cost no other. */
static int
preflight(struct ss_experiment *experiment, const struct ss_sweep_options *options, struct servsim_error *err)
{
    struct ss_last_word word;
    int spoke = ss_child_run(check_all, experiment, experiment->timeout_s, options->interrupted, &word);
    if (word.code == 0 || (!spoke && word.code != -EINTR))
        return 0;
    return servsim_fail(err, -word.code, "%s", word.text);
}

/* To measure a load its traffic is read for its rate, and for each capacity. */
static int
find_loads(struct ss_crew *crew, struct servsim_error *err)
{
    struct ss_experiment *experiment = crew->experiment;
    for (size_t i = 0; i < experiment->cell_count; i++)
        crew->readings[i] = experiment->cells[i].load > 0 ? 2 : 0;
    ss_share_traffic(&crew->traffic, experiment, crew->readings, crew->options);
    return ss_find_loads(experiment, crew->options, crew->outcomes, err);
}

/* Those whose load could not be found. */
static void
tell_failed(const struct ss_crew *crew)
{
    for (size_t i = 0; i < crew->experiment->cell_count; i++)
        if (crew->outcomes[i].state == SS_CELL_FAILED)
            ss_crew_tell(crew, i);
}

static void
share_traffic(struct ss_crew *crew)
{
    for (size_t i = 0; i < crew->experiment->cell_count; i++)
        crew->readings[i] = ss_crew_wants(crew, i);
    ss_share_traffic(&crew->traffic, crew->experiment, crew->readings, crew->options);
}

/* ---- resuming ---- */

static int
hash_all(struct ss_crew *crew, struct servsim_error *err)
{
    struct ss_inputs inputs = {0};
    int rc = 0;
    for (size_t i = 0; i < crew->experiment->cell_count && rc == 0; i++)
        rc = ss_inputs_hash(&inputs, &crew->experiment->cells[i], &crew->hashes[i], err);
    ss_inputs_free(&inputs);
    return rc;
}

enum { NO_RESULTS, OTHER_RESULTS, CURRENT_RESULTS };

/* A folder under cells/ is whole by the way it is made, so its run.json is enough to ask. */
static int
results_of(const struct ss_crew *crew, size_t index)
{
    char path[PATH_BYTES], hash[24];
    (void)snprintf(path, sizeof path, "%s/cells/%s/run.json", crew->experiment->output,
                   crew->experiment->cells[index].name);
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)crew->hashes[index]);
    json_t *run = json_load_file(path, 0, NULL);
    const char *then = json_string_value(json_object_get(run, "inputs_hash"));
    int results = run == NULL ? NO_RESULTS : then != NULL && strcmp(then, hash) == 0 ? CURRENT_RESULTS : OTHER_RESULTS;
    json_decref(run);
    return results;
}

static int
is_current(const struct ss_crew *crew, size_t index)
{
    return results_of(crew, index) == CURRENT_RESULTS;
}

static int
is_part(const struct ss_crew *crew)
{
    return crew->options->part.count > 1;
}

static void
keep_current(struct ss_crew *crew)
{
    int chosen = crew->options->only_count > 0;
    for (size_t i = 0; (chosen || crew->options->resume) && i < crew->experiment->cell_count; i++) {
        if (crew->outcomes[i].state != SS_CELL_PENDING || (chosen && ss_crew_selects(crew, i)) || !is_current(crew, i))
            continue;
        crew->outcomes[i].state = SS_CELL_DONE;
        crew->outcomes[i].kept = 1;
        ss_crew_tell(crew, i);
    }
}

/* What never ran, and what was killed when the sweep stopped. Returns how many failed. */
static size_t
settle(struct ss_crew *crew)
{
    size_t failed = 0;
    for (size_t i = 0; i < crew->experiment->cell_count; i++) {
        struct ss_outcome *outcome = &crew->outcomes[i];
        if (outcome->state != SS_CELL_DONE && outcome->state != SS_CELL_FAILED) {
            int chosen = ss_crew_selects(crew, i);
            outcome->state = chosen ? SS_CELL_FAILED : SS_CELL_LEFT_OUT;
            outcome->other = !chosen && results_of(crew, i) == OTHER_RESULTS;
            (void)snprintf(outcome->reason, sizeof outcome->reason, "%s%s",
                           chosen          ? "not run: the experiment was stopped"
                           : is_part(crew) ? "left to another part"
                                           : "left out by --cell",
                           outcome->other ? "; its results here are of other settings" : "");
        }
        failed += outcome->state == SS_CELL_FAILED;
    }
    return failed;
}

size_t
ss_outcomes_done(const struct ss_outcome *outcomes, size_t count)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        done += outcomes[i].state == SS_CELL_DONE;
    return done;
}

/* What other parts have done by now. Returns whether they are done. */
static int
take_others(struct ss_crew *crew)
{
    int all = 1;
    for (size_t i = 0; i < crew->experiment->cell_count; i++) {
        struct ss_outcome *outcome = &crew->outcomes[i];
        if (ss_crew_selects(crew, i) || outcome->state == SS_CELL_DONE)
            continue;
        int there = outcome->state == SS_CELL_PENDING && is_current(crew, i);
        if (there)
            *outcome = (struct ss_outcome){.state = SS_CELL_DONE, .kept = 1};
        all &= there;
    }
    return all;
}

static int
write_manifest(const struct ss_crew *crew, struct servsim_error *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/experiment.json", crew->experiment->output);
    return ss_manifest_write(crew->experiment, crew->outcomes, path, err);
}

static int
conclude(struct ss_crew *crew, int rc, const struct ss_lookup *lookup, struct servsim_error *err)
{
    const struct ss_experiment *experiment = crew->experiment;
    int whole = !is_part(crew) || (rc == 0 && take_others(crew));
    size_t failed = settle(crew), done = ss_outcomes_done(crew->outcomes, experiment->cell_count);
    if (rc == 0 && crew->bad_input.code != 0)
        rc = servsim_fail(err, -crew->bad_input.code, "%s", crew->bad_input.text);
    if (rc == 0 && done > 0 && whole)
        rc = write_manifest(crew, err);
    if (rc != 0)
        return SS_SWEEP_BAD_INPUT;
    if (ss_crew_should_stop(crew))
        return SS_SWEEP_INTERRUPTED;
    if (done > 0 && whole)
        rc = ss_sweep_reports(experiment->reports, experiment->report_count, lookup, experiment->output, err);
    return failed > 0 || rc != 0 ? SS_SWEEP_SOME_FAILED : SS_SWEEP_DONE;
}

static int
run_crew(struct ss_crew *crew, const struct ss_lookup *lookup, struct servsim_error *err)
{
    const char *output = crew->experiment->output;
    int rc = find_loads(crew, err);
    if (rc != 0)
        return rc == -EINTR ? SS_SWEEP_INTERRUPTED : SS_SWEEP_BAD_INPUT;
    rc = hash_all(crew, err);
    if (rc == 0) {
        tell_failed(crew);
        keep_current(crew);
        share_traffic(crew);
        rc = ss_crew_run(crew, err);
    }
    /* parts that end at the same time would write the same files at the same time */
    int lock = is_part(crew) ? ss_output_lock(output) : -1;
    rc = conclude(crew, rc, lookup, err);
    if (is_part(crew))
        ss_output_unlock(output, lock);
    return rc;
}

/* Other parts may be at work on theirs. */
static void
clear_leftovers(const struct ss_crew *crew)
{
    const struct ss_experiment *experiment = crew->experiment;
    if (!is_part(crew))
        ss_output_clear_leftovers(experiment->output, NULL);
    for (size_t i = 0; is_part(crew) && i < experiment->cell_count; i++)
        if (ss_crew_selects(crew, i))
            ss_output_clear_leftovers(experiment->output, experiment->cells[i].name);
}

/* With the folder there. */
static int
sweep(struct ss_crew *crew, const struct ss_lookup *lookup, struct servsim_error *err)
{
    int hold;
    if (ss_hold(crew, &hold, err) != 0)
        return SS_SWEEP_BAD_INPUT;
    clear_leftovers(crew);
    int how = run_crew(crew, lookup, err);
    ss_hold_free(crew, hold);
    return how;
}

int
ss_sweep(struct ss_experiment *experiment, const struct ss_sweep_options *options, const struct ss_lookup *lookup,
         struct ss_outcome *outcomes, struct servsim_error *err)
{
    struct ss_crew crew = {.experiment = experiment, .options = options, .outcomes = outcomes};
    int rc = preflight(experiment, options, err);
    if (rc != 0)
        return rc == -EINTR ? SS_SWEEP_INTERRUPTED : SS_SWEEP_BAD_INPUT;
    if (ss_output_prepare(experiment->output, err) != 0)
        return SS_SWEEP_BAD_INPUT;
    int how = SS_SWEEP_BAD_INPUT;
    if (ss_crew_make(&crew) == 0)
        how = sweep(&crew, lookup, err);
    else
        (void)servsim_fail(err, ENOMEM, "no memory for %zu cells", experiment->cell_count);
    if (!is_part(&crew)) /* another part may just be beginning */
        ss_output_unprepare(experiment->output);
    ss_crew_free(&crew);
    return how;
}
