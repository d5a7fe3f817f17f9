/*
 * sweep/crew.c - a crew of worker processes, one cell each.
 */
#include "sweep/crew.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "base/team.h"

void
ss_crew_tell(const struct ss_crew *crew, size_t cell)
{
    if (crew->options->progress != NULL)
        crew->options->progress(crew->options->ctx, crew->experiment, crew->outcomes, cell);
}

/* Errors that are the experiment's own and would stop every cell: a broken trace, a full disk. */
static int
is_bad_input(int code)
{
    return code == EINVAL || code == ENOENT || code == EACCES || code == ENOSPC || code == EROFS || code == EDQUOT ||
           code == EISDIR || code == EFBIG || code == EIO;
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

/* ---- the team of workers ---- */

static struct ss_child *
child(void *ctx, uint32_t slot)
{
    return &((struct ss_crew *)ctx)->workers[slot].child;
}

static int
words(void *ctx, uint32_t slot)
{
    return ((struct ss_crew *)ctx)->workers[slot].words;
}

static void
listen(void *ctx, uint32_t slot)
{
    ss_worker_listen(&((struct ss_crew *)ctx)->workers[slot]);
}

static int
look(void *ctx, struct servsim_error *err)
{
    (void)err;
    return ss_crew_should_stop(ctx);
}

static int
begin(void *ctx, uint32_t slot, struct servsim_error *err)
{
    struct ss_crew *crew = ctx;
    while (crew->next < crew->experiment->cell_count && !ss_crew_wants(crew, crew->next))
        crew->next++;
    if (crew->next == crew->experiment->cell_count)
        return 0;
    size_t cell = crew->next++;
    struct ss_worker *worker = &crew->workers[slot];
    int rc = ss_worker_start(worker, crew->experiment, cell, crew->options, crew->hashes[cell], err);
    if (rc != 0)
        return rc;
    crew->outcomes[cell].state = SS_CELL_RUNNING;
    ss_crew_tell(crew, cell);
    return 1;
}

static int
is_late(void *ctx, uint32_t slot)
{
    const struct ss_crew *crew = ctx;
    double timeout_s = crew->experiment->timeout_s;
    return timeout_s > 0 && ss_clock_s() - crew->workers[slot].child.begun_s >= timeout_s;
}

static int
end(void *ctx, uint32_t slot, enum ss_team_end how, struct servsim_error *err)
{
    struct ss_crew *crew = ctx;
    struct ss_worker *worker = &crew->workers[slot];
    struct ss_outcome *outcome = &crew->outcomes[worker->cell];
    struct ss_last_word word = {0};
    (void)err;
    worker->timed_out = how == SS_TEAM_LATE;
    ss_worker_reap(worker, crew->experiment, outcome, &word);
    if (is_bad_input(-word.code) && crew->bad_input.code == 0)
        crew->bad_input = word;
    if (how == SS_TEAM_STOPPED && outcome->state == SS_CELL_FAILED)
        outcome->state = SS_CELL_PENDING; /* it was stopped, it did not fail: there is nothing to tell */
    else
        ss_crew_tell(crew, worker->cell);
    return 0;
}

int
ss_crew_run(struct ss_crew *crew, struct servsim_error *err)
{
    static const struct ss_team_ops ops = {
        .child = child, .begin = begin, .end = end, .is_late = is_late, .look = look, .words = words, .listen = listen};
    const struct ss_team team = {.ops = &ops, .ctx = crew, .slots = crew->jobs};
    return ss_team_run(&team, err);
}

int
ss_crew_make(struct ss_crew *crew)
{
    size_t cells = crew->experiment->cell_count;
    crew->jobs = ss_team_size(crew->options->jobs);
    if (crew->jobs > cells)
        crew->jobs = (uint32_t)cells;
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
