/*
 * sweep/sweep.c - a pool of worker processes, one cell each.
 */
#include "sweep/sweep.h"

#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdlib.h>

#include <jansson.h>

#include "engine/simulation.h"
#include "sweep/inputs.h"
#include "sweep/load.h"
#include "sweep/output.h"
#include "sweep/traffic.h"
#include "sweep/worker.h"

#define PATH_BYTES 4096
#define POLL_MS 200

struct pool {
    struct ss_experiment *experiment;
    const struct ss_sweep_options *options;
    struct ss_outcome *outcomes;
    uint64_t *hashes;   /* of each cell's inputs */
    uint32_t *readings; /* of each cell's traffic, to come */
    struct ss_shared_traffic traffic;
    struct ss_worker *workers;
    uint32_t jobs, busy;
    size_t next; /* cell */
    struct ss_last_word bad_input;
};

static void
tell(const struct pool *pool, size_t cell)
{
    if (pool->options->progress != NULL)
        pool->options->progress(pool->options->ctx, pool->experiment, pool->outcomes, cell);
}

static int
start_worker(struct pool *pool, struct ss_worker *worker, struct servsim_error *err)
{
    size_t cell = pool->next++;
    int rc = ss_worker_start(worker, pool->experiment, cell, pool->options, pool->hashes[cell], err);
    if (rc != 0)
        return rc;
    pool->busy++;
    pool->outcomes[cell].state = SS_CELL_RUNNING;
    tell(pool, cell);
    return 0;
}

/* Errors that are the experiment's own and would stop every cell: a broken trace, a full disk. */
static int
is_bad_input(int code)
{
    return code == EINVAL || code == ENOENT || code == EACCES || code == ENOSPC || code == EROFS || code == EDQUOT ||
           code == EISDIR || code == EFBIG || code == EIO;
}

static void
reap(struct pool *pool, struct ss_worker *worker)
{
    struct ss_last_word word = {0};
    ss_worker_reap(worker, pool->experiment, &pool->outcomes[worker->cell], &word);
    pool->busy--;
    if (is_bad_input(-word.code) && pool->bad_input.code == 0)
        pool->bad_input = word;
    tell(pool, worker->cell);
}

/* A worker that ends closes its pipe; what it says on the way is passed on as it comes. */
static void
wait_for_some(struct pool *pool)
{
    struct pollfd fds[2 * SS_MOST_WORKERS];
    struct ss_worker *who[SS_MOST_WORKERS];
    nfds_t count = 0;
    for (uint32_t i = 0; i < pool->jobs; i++) {
        struct ss_worker *worker = &pool->workers[i];
        if (worker->child.pipe < 0)
            continue;
        who[count / 2] = worker;
        fds[count++] = (struct pollfd){.fd = worker->child.pipe, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = worker->words, .events = POLLIN};
    }
    if (poll(fds, count, POLL_MS) <= 0)
        return;
    for (nfds_t i = 0; i < count; i += 2) {
        if (fds[i + 1].revents != 0)
            ss_worker_listen(who[i / 2]);
        if (fds[i].revents != 0)
            reap(pool, who[i / 2]);
    }
}

static void
stop_late_workers(struct pool *pool)
{
    double timeout_s = pool->experiment->timeout_s;
    for (uint32_t i = 0; i < pool->jobs && timeout_s > 0; i++) {
        struct ss_worker *worker = &pool->workers[i];
        if (worker->child.pipe < 0 || ss_clock_s() - worker->child.begun_s < timeout_s)
            continue;
        worker->timed_out = 1;
        (void)kill(worker->child.pid, SIGKILL);
        reap(pool, worker);
    }
}

static void
kill_all(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->jobs; i++) {
        struct ss_worker *worker = &pool->workers[i];
        if (worker->child.pipe < 0)
            continue;
        (void)kill(worker->child.pid, SIGKILL);
        reap(pool, worker);
        if (pool->outcomes[worker->cell].state == SS_CELL_FAILED)
            pool->outcomes[worker->cell].state = SS_CELL_PENDING; /* it was stopped, it did not fail */
    }
}

static int
should_stop(const struct pool *pool)
{
    return pool->bad_input.code != 0 || (pool->options->interrupted != NULL && *pool->options->interrupted != 0);
}

static int
is_selected(const struct pool *pool, size_t index)
{
    const struct ss_sweep_options *options = pool->options;
    if (!ss_part_has(&options->part, index))
        return 0;
    for (size_t i = 0; i < options->only_count; i++)
        if (fnmatch(options->only[i], pool->experiment->cells[index].name, 0) == 0)
            return 1;
    return options->only_count == 0;
}

static int
is_wanted(const struct pool *pool, size_t index)
{
    return pool->outcomes[index].state == SS_CELL_PENDING && is_selected(pool, index);
}

static int
fill(struct pool *pool, struct servsim_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < pool->jobs && rc == 0; i++) {
        while (pool->next < pool->experiment->cell_count && !is_wanted(pool, pool->next))
            pool->next++;
        if (pool->workers[i].child.pipe < 0 && pool->next < pool->experiment->cell_count)
            rc = start_worker(pool, &pool->workers[i], err);
    }
    return rc;
}

static int
run_all(struct pool *pool, struct servsim_error *err)
{
    int rc = 0;
    while (rc == 0 && !should_stop(pool) && (pool->next < pool->experiment->cell_count || pool->busy > 0)) {
        rc = fill(pool, err);
        if (rc == 0 && pool->busy > 0)
            wait_for_some(pool);
        stop_late_workers(pool);
    }
    kill_all(pool);
    return rc;
}

static uint32_t
job_count(const struct ss_sweep_options *options, size_t cells)
{
    uint32_t jobs = options->jobs != 0 ? options->jobs : ss_processors();
    if (jobs > SS_MOST_WORKERS)
        jobs = SS_MOST_WORKERS;
    return jobs < cells ? jobs : (uint32_t)cells;
}

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
find_loads(struct pool *pool, struct servsim_error *err)
{
    struct ss_experiment *experiment = pool->experiment;
    for (size_t i = 0; i < experiment->cell_count; i++)
        pool->readings[i] = experiment->cells[i].load > 0 ? 2 : 0;
    ss_share_traffic(&pool->traffic, experiment, pool->readings, pool->options);
    return ss_find_loads(experiment, pool->options, pool->outcomes, err);
}

/* Those whose load could not be found. */
static void
tell_failed(const struct pool *pool)
{
    for (size_t i = 0; i < pool->experiment->cell_count; i++)
        if (pool->outcomes[i].state == SS_CELL_FAILED)
            tell(pool, i);
}

static void
share_traffic(struct pool *pool)
{
    for (size_t i = 0; i < pool->experiment->cell_count; i++)
        pool->readings[i] = is_wanted(pool, i);
    ss_share_traffic(&pool->traffic, pool->experiment, pool->readings, pool->options);
}

/* ---- resuming ---- */

static int
hash_all(struct pool *pool, struct servsim_error *err)
{
    struct ss_inputs inputs = {0};
    int rc = 0;
    for (size_t i = 0; i < pool->experiment->cell_count && rc == 0; i++)
        rc = ss_inputs_hash(&inputs, &pool->experiment->cells[i], &pool->hashes[i], err);
    ss_inputs_free(&inputs);
    return rc;
}

/* A folder under cells/ is whole by the way it is made, so its run.json is enough to ask. */
static int
is_current(const struct pool *pool, size_t index)
{
    char path[PATH_BYTES], hash[24];
    (void)snprintf(path, sizeof path, "%s/cells/%s/run.json", pool->experiment->output,
                   pool->experiment->cells[index].name);
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)pool->hashes[index]);
    json_t *run = json_load_file(path, 0, NULL);
    const char *then = json_string_value(json_object_get(run, "inputs_hash"));
    int same = then != NULL && strcmp(then, hash) == 0;
    json_decref(run);
    return same;
}

static int
is_part(const struct pool *pool)
{
    return pool->options->part.count > 1;
}

static void
keep_current(struct pool *pool)
{
    int chosen = pool->options->only_count > 0;
    for (size_t i = 0; (chosen || pool->options->resume) && i < pool->experiment->cell_count; i++) {
        if (pool->outcomes[i].state != SS_CELL_PENDING || (chosen && is_selected(pool, i)) || !is_current(pool, i))
            continue;
        pool->outcomes[i].state = SS_CELL_DONE;
        pool->outcomes[i].kept = 1;
        tell(pool, i);
    }
}

/* What never ran, and what was killed when the sweep stopped. Returns how many failed. */
static size_t
settle(struct pool *pool)
{
    size_t failed = 0;
    for (size_t i = 0; i < pool->experiment->cell_count; i++) {
        struct ss_outcome *outcome = &pool->outcomes[i];
        if (outcome->state != SS_CELL_DONE && outcome->state != SS_CELL_FAILED) {
            int chosen = is_selected(pool, i);
            outcome->state = chosen ? SS_CELL_FAILED : SS_CELL_LEFT_OUT;
            (void)snprintf(outcome->reason, sizeof outcome->reason, "%s",
                           chosen          ? "not run: the experiment was stopped"
                           : is_part(pool) ? "left to another part"
                                           : "left out by --cell");
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
take_others(struct pool *pool)
{
    int all = 1;
    for (size_t i = 0; i < pool->experiment->cell_count; i++) {
        struct ss_outcome *outcome = &pool->outcomes[i];
        if (is_selected(pool, i) || outcome->state == SS_CELL_DONE)
            continue;
        int there = outcome->state == SS_CELL_PENDING && is_current(pool, i);
        if (there)
            *outcome = (struct ss_outcome){.state = SS_CELL_DONE, .kept = 1};
        all &= there;
    }
    return all;
}

static int
write_manifest(const struct pool *pool, struct servsim_error *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/experiment.json", pool->experiment->output);
    return ss_manifest_write(pool->experiment, pool->outcomes, path, err);
}

static int
conclude(struct pool *pool, int rc, const struct ss_lookup *lookup, struct servsim_error *err)
{
    const struct ss_experiment *experiment = pool->experiment;
    int whole = !is_part(pool) || (rc == 0 && take_others(pool));
    size_t failed = settle(pool), done = ss_outcomes_done(pool->outcomes, experiment->cell_count);
    if (rc == 0 && pool->bad_input.code != 0)
        rc = servsim_fail(err, -pool->bad_input.code, "%s", pool->bad_input.text);
    if (rc == 0 && done > 0 && whole)
        rc = write_manifest(pool, err);
    if (done == 0)
        ss_output_unprepare(experiment->output);
    if (rc != 0)
        return SS_SWEEP_BAD_INPUT;
    if (should_stop(pool))
        return SS_SWEEP_INTERRUPTED;
    if (done > 0 && whole)
        rc = ss_sweep_reports(experiment->reports, experiment->report_count, lookup, experiment->output, err);
    return failed > 0 || rc != 0 ? SS_SWEEP_SOME_FAILED : SS_SWEEP_DONE;
}

static int
pool_make(struct pool *pool)
{
    size_t cells = pool->experiment->cell_count;
    pool->jobs = job_count(pool->options, cells);
    pool->workers = calloc(pool->jobs, sizeof *pool->workers);
    pool->hashes = calloc(cells, sizeof *pool->hashes);
    pool->readings = calloc(cells, sizeof *pool->readings);
    for (uint32_t i = 0; pool->workers != NULL && i < pool->jobs; i++)
        pool->workers[i].child.pipe = -1;
    return pool->workers != NULL && pool->hashes != NULL && pool->readings != NULL ? 0 : -ENOMEM;
}

static void
pool_free(struct pool *pool)
{
    ss_shared_traffic_free(&pool->traffic, pool->experiment);
    free(pool->workers);
    free(pool->hashes);
    free(pool->readings);
}

static int
run_pool(struct pool *pool, const struct ss_lookup *lookup, struct servsim_error *err)
{
    const char *output = pool->experiment->output;
    int rc = find_loads(pool, err);
    if (rc != 0) {
        ss_output_unprepare(output);
        return rc == -EINTR ? SS_SWEEP_INTERRUPTED : SS_SWEEP_BAD_INPUT;
    }
    rc = hash_all(pool, err);
    if (rc == 0) {
        tell_failed(pool);
        keep_current(pool);
        share_traffic(pool);
        rc = run_all(pool, err);
    }
    /* parts that end at the same time would write the same files at the same time */
    int lock = is_part(pool) ? ss_output_lock(output) : -1;
    rc = conclude(pool, rc, lookup, err);
    if (is_part(pool))
        ss_output_unlock(output, lock);
    return rc;
}

/* Other parts may be at work on theirs. */
static void
clear_leftovers(const struct pool *pool)
{
    const struct ss_experiment *experiment = pool->experiment;
    if (!is_part(pool))
        ss_output_clear_leftovers(experiment->output, NULL);
    for (size_t i = 0; is_part(pool) && i < experiment->cell_count; i++)
        if (is_selected(pool, i))
            ss_output_clear_leftovers(experiment->output, experiment->cells[i].name);
}

int
ss_sweep(struct ss_experiment *experiment, const struct ss_sweep_options *options, const struct ss_lookup *lookup,
         struct ss_outcome *outcomes, struct servsim_error *err)
{
    struct pool pool = {.experiment = experiment, .options = options, .outcomes = outcomes};
    int rc = preflight(experiment, options, err);
    if (rc != 0)
        return rc == -EINTR ? SS_SWEEP_INTERRUPTED : SS_SWEEP_BAD_INPUT;
    if (ss_output_prepare(experiment->output, err) != 0)
        return SS_SWEEP_BAD_INPUT;
    clear_leftovers(&pool);
    if (pool_make(&pool) == 0) {
        rc = run_pool(&pool, lookup, err);
    } else {
        ss_output_unprepare(experiment->output);
        (void)servsim_fail(err, ENOMEM, "no memory for %zu cells", experiment->cell_count);
        rc = SS_SWEEP_BAD_INPUT;
    }
    pool_free(&pool);
    return rc;
}
