/*
 * sweep/sweep.c - a pool of worker processes, one cell each.
 */
#include "sweep/sweep.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "engine/simulation.h"
#include "sweep/inputs.h"
#include "sweep/load.h"
#include "sweep/output.h"

#define PATH_BYTES 4096
#define POLL_MS 200

/* A worker's last word: code 0 when the cell's folder is whole. Without it the cell failed, whatever the exit status: a
   plugin that calls exit(0) has finished nothing. The code also decides whether the cell or the whole experiment is at
   fault. */
struct message {
    int32_t code; /* positive errno */
    char text[1016];
};

struct worker {
    pid_t pid;
    int pipe; /* to read; -1 when the slot is free */
    size_t cell;
    double begun_s;
    int timed_out;
};

struct pool {
    const struct ss_experiment *experiment;
    const struct ss_sweep_options *options;
    struct ss_outcome *outcomes;
    uint64_t *hashes; /* of each cell's inputs */
    struct worker *workers;
    uint32_t jobs, busy;
    size_t next; /* cell */
    struct message bad_input;
    pid_t self;
};

/* ---- in the worker ---- */

static int
wants_timeline(const struct ss_experiment *experiment)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < experiment->report_count; i++)
        flags |= ((const struct servsim_report_ops *)experiment->reports[i].plugin->descriptor->ops)->flags;
    return (flags & SERVSIM_REPORT_WANTS_TIMELINE) != 0;
}

static int
work(const struct pool *pool, size_t index, struct servsim_error *err)
{
    const struct ss_cell *cell = &pool->experiment->cells[index];
    const char *dir = pool->experiment->output;
    char part[PATH_BYTES], paths[6][PATH_BYTES + 32];
    static const char *const names[6] = {"requests.csv", "summary.json", "run.json",
                                         "series.csv",   "itl.csv",      "timeline.csv"};
    int rc = ss_output_begin_cell(dir, cell->name, getpid(), part, sizeof part, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < 6; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", part, names[i]);
    const struct ss_cell_files files = {
        .requests = paths[0],
        .summary = paths[1],
        .run = paths[2],
        .series = paths[3],
        .itl = paths[4],
        .timeline = wants_timeline(pool->experiment) ? paths[5] : NULL,
    };
    const struct ss_cell_mode mode = {.stepwise = pool->options->stepwise,
                                      .verify = pool->options->verify,
                                      .quiet = pool->options->quiet,
                                      .inputs_hash = pool->hashes[index]};
    rc = ss_run_cell(cell, &mode, &files, err);
    if (rc == 0)
        rc = ss_output_commit_cell(dir, cell->name, getpid(), err);
    if (rc != 0)
        ss_output_drop_cell(dir, cell->name, getpid());
    return rc;
}

/* When memory runs out, the worker that eats it should go, not the program that watches. */
static void
die_first(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file == NULL)
        return;
    (void)fputs("800", file);
    (void)fclose(file);
}

static void
worker_main(const struct pool *pool, size_t index, int pipe)
{
    struct servsim_error err = {.size = sizeof err};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != pool->self)
        _exit(1); /* the program was killed before the line above took hold */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    die_first();
    int rc = work(pool, index, &err);
    struct message message = {.code = -rc};
    memcpy(message.text, err.text, sizeof message.text);
    message.text[sizeof message.text - 1] = '\0';
    (void)!write(pipe, &message, sizeof message);
    _exit(rc == 0 ? 0 : 1);
}

/* ---- in the parent ---- */

static void
tell(const struct pool *pool, size_t cell)
{
    if (pool->options->progress != NULL)
        pool->options->progress(pool->options->ctx, pool->experiment, pool->outcomes, cell);
}

static double
clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int
start_worker(struct pool *pool, struct worker *worker, struct servsim_error *err)
{
    int ends[2];
    if (pipe(ends) != 0)
        return servsim_fail(err, errno, "no pipe for a worker: %s", strerror(errno));
    size_t cell = pool->next++;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return servsim_fail(err, errno, "no process for a worker: %s", strerror(errno));
    if (pid == 0) {
        (void)close(ends[0]);
        worker_main(pool, cell, ends[1]);
    }
    (void)close(ends[1]);
    *worker = (struct worker){pid, ends[0], cell, clock_s(), 0};
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
note_failure(struct pool *pool, const struct worker *worker, const struct message *message, ssize_t length, int status)
{
    struct ss_outcome *outcome = &pool->outcomes[worker->cell];
    outcome->state = SS_CELL_FAILED;
    if (worker->timed_out) {
        (void)snprintf(outcome->reason, sizeof outcome->reason, "timed out after %g s; write a longer timeout",
                       pool->experiment->timeout_s);
    } else if (length == (ssize_t)sizeof *message && message->code != 0) {
        (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", message->text);
        if (is_bad_input(message->code) && pool->bad_input.code == 0)
            pool->bad_input = *message;
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(outcome->reason, sizeof outcome->reason, "killed by signal %d (%s)%s", WTERMSIG(status),
                       strsignal(WTERMSIG(status)),
                       WTERMSIG(status) == SIGKILL ? ": out of memory, or somebody's kill -9" : "");
    } else {
        (void)snprintf(outcome->reason, sizeof outcome->reason,
                       "a plugin ended the process with exit status %d before the cell was done", WEXITSTATUS(status));
    }
}

static void
reap(struct pool *pool, struct worker *worker)
{
    struct message message;
    int status = 0;
    ssize_t length = read(worker->pipe, &message, sizeof message);
    (void)close(worker->pipe);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    worker->pipe = -1;
    pool->busy--;
    if (length == (ssize_t)sizeof message && message.code == 0)
        pool->outcomes[worker->cell].state = SS_CELL_DONE;
    else
        note_failure(pool, worker, &message, length, status);
    ss_output_drop_cell(pool->experiment->output, pool->experiment->cells[worker->cell].name, worker->pid);
    tell(pool, worker->cell);
}

static void
wait_for_some(struct pool *pool)
{
    struct pollfd fds[256];
    struct worker *who[256];
    nfds_t count = 0;
    for (uint32_t i = 0; i < pool->jobs; i++) {
        if (pool->workers[i].pipe < 0)
            continue;
        who[count] = &pool->workers[i];
        fds[count++] = (struct pollfd){.fd = pool->workers[i].pipe, .events = POLLIN};
    }
    if (poll(fds, count, POLL_MS) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].revents != 0)
            reap(pool, who[i]);
    }
}

static void
stop_late_workers(struct pool *pool)
{
    double timeout_s = pool->experiment->timeout_s;
    for (uint32_t i = 0; i < pool->jobs && timeout_s > 0; i++) {
        struct worker *worker = &pool->workers[i];
        if (worker->pipe < 0 || clock_s() - worker->begun_s < timeout_s)
            continue;
        worker->timed_out = 1;
        (void)kill(worker->pid, SIGKILL);
        reap(pool, worker);
    }
}

static void
kill_all(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->jobs; i++) {
        struct worker *worker = &pool->workers[i];
        if (worker->pipe < 0)
            continue;
        (void)kill(worker->pid, SIGKILL);
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
fill(struct pool *pool, struct servsim_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < pool->jobs && rc == 0; i++) {
        while (pool->next < pool->experiment->cell_count && pool->outcomes[pool->next].state == SS_CELL_DONE)
            pool->next++;
        if (pool->workers[i].pipe < 0 && pool->next < pool->experiment->cell_count)
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
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t jobs = options->jobs != 0 ? options->jobs : processors > 0 ? (uint32_t)processors : 1;
    if (jobs > 256)
        jobs = 256;
    return jobs < cells ? jobs : (uint32_t)cells;
}

static int
preflight(const struct ss_experiment *experiment, struct servsim_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < experiment->cell_count && rc == 0; i++)
        rc = ss_simulation_preflight(&experiment->cells[i], err);
    return rc;
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

static void
keep_current(struct pool *pool)
{
    for (size_t i = 0; pool->options->resume && i < pool->experiment->cell_count; i++) {
        if (!is_current(pool, i))
            continue;
        pool->outcomes[i].state = SS_CELL_DONE;
        pool->outcomes[i].kept = 1;
        tell(pool, i);
    }
}

/* What never ran, and what was killed when the sweep stopped. */
static size_t
settle(struct pool *pool)
{
    size_t failed = 0;
    for (size_t i = 0; i < pool->experiment->cell_count; i++) {
        struct ss_outcome *outcome = &pool->outcomes[i];
        failed += outcome->state != SS_CELL_DONE;
        if (outcome->state == SS_CELL_DONE || outcome->state == SS_CELL_FAILED)
            continue;
        outcome->state = SS_CELL_FAILED;
        (void)snprintf(outcome->reason, sizeof outcome->reason, "not run: the experiment was stopped");
    }
    return failed;
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
    size_t failed = settle(pool);
    if (rc == 0 && pool->bad_input.code != 0)
        rc = servsim_fail(err, pool->bad_input.code, "%s", pool->bad_input.text);
    if (rc == 0 && failed < experiment->cell_count)
        rc = write_manifest(pool, err);
    if (failed == experiment->cell_count)
        ss_output_unprepare(experiment->output);
    if (rc != 0)
        return SS_SWEEP_BAD_INPUT;
    if (should_stop(pool))
        return SS_SWEEP_INTERRUPTED;
    if (failed < experiment->cell_count)
        rc = ss_sweep_reports(experiment->reports, experiment->report_count, lookup, experiment->output, err);
    return failed > 0 || rc != 0 ? SS_SWEEP_SOME_FAILED : SS_SWEEP_DONE;
}

int
ss_sweep(struct ss_experiment *experiment, const struct ss_sweep_options *options, const struct ss_lookup *lookup,
         struct ss_outcome *outcomes, struct servsim_error *err)
{
    struct pool pool = {.experiment = experiment, .options = options, .outcomes = outcomes, .self = getpid()};
    if (preflight(experiment, err) != 0 || ss_output_prepare(experiment->output, err) != 0)
        return SS_SWEEP_BAD_INPUT;
    ss_output_clear_leftovers(experiment->output);
    if (ss_find_loads(experiment, err) != 0) {
        ss_output_unprepare(experiment->output);
        return SS_SWEEP_BAD_INPUT;
    }
    pool.jobs = job_count(options, experiment->cell_count);
    pool.workers = calloc(pool.jobs, sizeof *pool.workers);
    pool.hashes = calloc(experiment->cell_count, sizeof *pool.hashes);
    int rc = pool.workers != NULL && pool.hashes != NULL
                 ? hash_all(&pool, err)
                 : servsim_fail(err, ENOMEM, "no memory for %zu cells", experiment->cell_count);
    for (uint32_t i = 0; pool.workers != NULL && i < pool.jobs; i++)
        pool.workers[i].pipe = -1;
    if (rc == 0) {
        keep_current(&pool);
        rc = run_all(&pool, err);
    }
    rc = conclude(&pool, rc, lookup, err);
    free(pool.workers);
    free(pool.hashes);
    return rc;
}
