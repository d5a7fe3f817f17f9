/*
 * sweep/crew.c - a crew of worker processes, one cell each.
 */
#include "sweep/crew.h"

#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdlib.h>

#define POLL_MS 200

void
ss_crew_tell(const struct ss_crew *crew, size_t cell)
{
    if (crew->options->progress != NULL)
        crew->options->progress(crew->options->ctx, crew->experiment, crew->outcomes, cell);
}

static int
start_worker(struct ss_crew *crew, struct ss_worker *worker, struct servsim_error *err)
{
    size_t cell = crew->next++;
    int rc = ss_worker_start(worker, crew->experiment, cell, crew->options, crew->hashes[cell], err);
    if (rc != 0)
        return rc;
    crew->busy++;
    crew->outcomes[cell].state = SS_CELL_RUNNING;
    ss_crew_tell(crew, cell);
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
reap(struct ss_crew *crew, struct ss_worker *worker)
{
    struct ss_last_word word = {0};
    ss_worker_reap(worker, crew->experiment, &crew->outcomes[worker->cell], &word);
    crew->busy--;
    if (is_bad_input(-word.code) && crew->bad_input.code == 0)
        crew->bad_input = word;
    ss_crew_tell(crew, worker->cell);
}

/* A worker that ends closes its pipe; what it says on the way is passed on as it comes. */
static void
wait_for_some(struct ss_crew *crew)
{
    struct pollfd fds[2 * SS_MOST_WORKERS];
    struct ss_worker *who[SS_MOST_WORKERS];
    nfds_t count = 0;
    for (uint32_t i = 0; i < crew->jobs; i++) {
        struct ss_worker *worker = &crew->workers[i];
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
            reap(crew, who[i / 2]);
    }
}

static void
stop_late_workers(struct ss_crew *crew)
{
    double timeout_s = crew->experiment->timeout_s;
    for (uint32_t i = 0; i < crew->jobs && timeout_s > 0; i++) {
        struct ss_worker *worker = &crew->workers[i];
        if (worker->child.pipe < 0 || ss_clock_s() - worker->child.begun_s < timeout_s)
            continue;
        worker->timed_out = 1;
        (void)kill(worker->child.pid, SIGKILL);
        reap(crew, worker);
    }
}

static void
kill_all(struct ss_crew *crew)
{
    for (uint32_t i = 0; i < crew->jobs; i++) {
        struct ss_worker *worker = &crew->workers[i];
        if (worker->child.pipe < 0)
            continue;
        (void)kill(worker->child.pid, SIGKILL);
        reap(crew, worker);
        if (crew->outcomes[worker->cell].state == SS_CELL_FAILED)
            crew->outcomes[worker->cell].state = SS_CELL_PENDING; /* it was stopped, it did not fail */
    }
}

int
ss_crew_should_stop(const struct ss_crew *crew)
{
    return crew->bad_input.code != 0 || (crew->options->interrupted != NULL && *crew->options->interrupted != 0);
}

int
ss_crew_selects(const struct ss_crew *crew, size_t index)
{
    const struct ss_sweep_options *options = crew->options;
    if (!ss_part_has(&options->part, index))
        return 0;
    for (size_t i = 0; i < options->only_count; i++)
        if (fnmatch(options->only[i], crew->experiment->cells[index].name, 0) == 0)
            return 1;
    return options->only_count == 0;
}

int
ss_crew_wants(const struct ss_crew *crew, size_t index)
{
    return crew->outcomes[index].state == SS_CELL_PENDING && ss_crew_selects(crew, index);
}

static int
fill(struct ss_crew *crew, struct servsim_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < crew->jobs && rc == 0; i++) {
        while (crew->next < crew->experiment->cell_count && !ss_crew_wants(crew, crew->next))
            crew->next++;
        if (crew->workers[i].child.pipe < 0 && crew->next < crew->experiment->cell_count)
            rc = start_worker(crew, &crew->workers[i], err);
    }
    return rc;
}

int
ss_crew_run(struct ss_crew *crew, struct servsim_error *err)
{
    int rc = 0;
    while (rc == 0 && !ss_crew_should_stop(crew) && (crew->next < crew->experiment->cell_count || crew->busy > 0)) {
        rc = fill(crew, err);
        if (rc == 0 && crew->busy > 0)
            wait_for_some(crew);
        stop_late_workers(crew);
    }
    kill_all(crew);
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

int
ss_crew_make(struct ss_crew *crew)
{
    size_t cells = crew->experiment->cell_count;
    crew->jobs = job_count(crew->options, cells);
    crew->workers = calloc(crew->jobs, sizeof *crew->workers);
    crew->hashes = calloc(cells, sizeof *crew->hashes);
    crew->readings = calloc(cells, sizeof *crew->readings);
    for (uint32_t i = 0; crew->workers != NULL && i < crew->jobs; i++)
        crew->workers[i].child.pipe = -1;
    return crew->workers != NULL && crew->hashes != NULL && crew->readings != NULL ? 0 : -ENOMEM;
}

void
ss_crew_free(struct ss_crew *crew)
{
    ss_shared_traffic_free(&crew->traffic, crew->experiment);
    free(crew->workers);
    free(crew->hashes);
    free(crew->readings);
}
