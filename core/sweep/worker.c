/*
 * sweep/worker.c - a worker's life: forked, simulating its cell, heard, buried.
 */
#include "sweep/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sweep/output.h"

#define PATH_BYTES 4096

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
work(const struct ss_experiment *experiment, size_t index, const struct ss_sweep_options *options, uint64_t hash,
     struct servsim_error *err)
{
    const struct ss_cell *cell = &experiment->cells[index];
    const char *dir = experiment->output;
    char part[PATH_BYTES], paths[7][PATH_BYTES + 32];
    static const char *const names[7] = {"requests.csv", "summary.json", "run.json",    "series.csv",
                                         "itl.csv",      "timeline.csv", "failures.csv"};
    int rc = ss_output_begin_cell(dir, cell->name, getpid(), part, sizeof part, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < 7; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", part, names[i]);
    const struct ss_cell_files files = {
        .requests = paths[0],
        .summary = paths[1],
        .run = paths[2],
        .series = paths[3],
        .itl = paths[4],
        .timeline = wants_timeline(experiment) ? paths[5] : NULL,
        .failures = cell->failures.present ? paths[6] : NULL,
    };
    const struct ss_cell_mode mode = {
        .stepwise = options->stepwise, .verify = options->verify, .quiet = options->quiet, .inputs_hash = hash};
    rc = ss_run_cell(cell, &mode, &files, err);
    if (rc == 0)
        rc = ss_output_commit_cell(dir, cell->name, getpid(), err);
    if (rc != 0)
        ss_output_drop_cell(dir, cell->name, getpid());
    return rc;
}

struct cell_job {
    const struct ss_experiment *experiment;
    size_t cell;
    const struct ss_sweep_options *options;
    uint64_t hash;
    int words[2]; /* what is printed to standard error goes through here */
};

static int
run_job(void *ctx, struct servsim_error *err)
{
    const struct cell_job *job = ctx;
    (void)dup2(job->words[1], STDERR_FILENO);
    (void)close(job->words[0]);
    return work(job->experiment, job->cell, job->options, job->hash, err);
}

/* ---- in the parent ---- */

int
ss_worker_start(struct ss_worker *worker, const struct ss_experiment *experiment, size_t cell,
                const struct ss_sweep_options *options, uint64_t hash, struct servsim_error *err)
{
    struct cell_job job = {.experiment = experiment, .cell = cell, .options = options, .hash = hash};
    if (pipe(job.words) != 0)
        return servsim_fail(err, errno, "no pipe for a worker: %s", strerror(errno));
    (void)fcntl(job.words[0], F_SETFL, O_NONBLOCK);
    *worker = (struct ss_worker){.child = {.pipe = -1}, .words = job.words[0], .cell = cell};
    int rc = ss_child_start(&worker->child, run_job, &job, err);
    (void)close(job.words[1]);
    if (rc != 0)
        (void)close(job.words[0]);
    return rc;
}

/* Keeps the end of what was said. */
static void
remember(struct ss_worker *worker, const char *text, size_t length)
{
    const size_t room = sizeof worker->said - 1;
    if (length > room) {
        text += length - room;
        length = room;
    }
    size_t keep = worker->said_length + length > room ? room - length : worker->said_length;
    memmove(worker->said, worker->said + worker->said_length - keep, keep);
    memcpy(worker->said + keep, text, length);
    worker->said_length = keep + length;
    worker->said[worker->said_length] = '\0';
}

void
ss_worker_listen(struct ss_worker *worker)
{
    char text[4096];
    ssize_t length;
    while ((length = read(worker->words, text, sizeof text)) > 0) {
        (void)fwrite(text, 1, (size_t)length, stderr);
        remember(worker, text, (size_t)length);
        if (length < (ssize_t)sizeof text)
            return; /* one that prints for ever must not keep the others waiting */
    }
}

/* The last line that is not empty, as printable text; may be empty. */
static const char *
last_words(struct ss_worker *worker)
{
    char *text = worker->said;
    size_t length = worker->said_length;
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        text[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (text[i] != '\n' && (unsigned char)text[i] < ' ')
            text[i] = ' ';
    const char *line = strrchr(text, '\n');
    return line != NULL ? line + 1 : text;
}

static void
note_failure(struct ss_worker *worker, const char *end, struct ss_outcome *outcome)
{
    const char *words = last_words(worker);
    (void)snprintf(outcome->reason, sizeof outcome->reason, "%.400s%s%s%s", end,
                   words[0] != '\0' ? "; its last words: \"" : "", words, words[0] != '\0' ? "\"" : "");
}

void
ss_worker_reap(struct ss_worker *worker, const struct ss_experiment *experiment, struct ss_outcome *outcome,
               struct ss_last_word *word)
{
    char late[64];
    int spoke = ss_child_end(&worker->child, word);
    ss_worker_listen(worker);
    (void)close(worker->words);
    worker->words = -1;
    (void)snprintf(late, sizeof late, "timed out after %g s; write a longer timeout", experiment->timeout_s);
    outcome->state = spoke && word->code == 0 ? SS_CELL_DONE : SS_CELL_FAILED;
    if (outcome->state == SS_CELL_FAILED && spoke && !worker->timed_out)
        (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", word->text);
    else if (outcome->state == SS_CELL_FAILED)
        note_failure(worker, worker->timed_out ? late : word->text, outcome);
    if (!spoke)
        word->code = 0; /* a death is the cell's own fault, never the experiment's */
    ss_output_drop_cell(experiment->output, experiment->cells[worker->cell].name, worker->child.pid);
}
