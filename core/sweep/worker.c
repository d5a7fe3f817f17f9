/*
 * sweep/worker.c - a worker's life: forked, simulating its cell, heard, buried.
 */
#include "sweep/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
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
        .timeline = wants_timeline(experiment) ? paths[5] : NULL,
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

/* Does not return. `pipe` takes the last word, `words` what plugins print. */
static void
worker_main(const struct ss_experiment *experiment, size_t cell, const struct ss_sweep_options *options, uint64_t hash,
            int pipe, int words)
{
    struct servsim_error err = {.size = sizeof err};
    (void)dup2(words, STDERR_FILENO);
    int rc = work(experiment, cell, options, hash, &err);
    struct ss_message message = {.code = -rc};
    memcpy(message.text, err.text, sizeof message.text);
    message.text[sizeof message.text - 1] = '\0';
    (void)!write(pipe, &message, sizeof message);
    _exit(rc == 0 ? 0 : 1);
}

/* ---- in the parent ---- */

static void
close_both(const int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static int
open_pipes(int last[2], int words[2], struct servsim_error *err)
{
    if (pipe(last) != 0)
        return servsim_fail(err, errno, "no pipe for a worker: %s", strerror(errno));
    if (pipe(words) != 0) {
        int code = errno;
        close_both(last);
        return servsim_fail(err, code, "no pipe for a worker: %s", strerror(code));
    }
    (void)fcntl(words[0], F_SETFL, O_NONBLOCK);
    return 0;
}

int
ss_worker_start(struct ss_worker *worker, const struct ss_experiment *experiment, size_t cell,
                const struct ss_sweep_options *options, uint64_t hash, struct servsim_error *err)
{
    int last[2], words[2];
    int rc = open_pipes(last, words, err);
    if (rc != 0)
        return rc;
    (void)fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        rc = servsim_fail(err, errno, "no process for a worker: %s", strerror(errno));
        close_both(last);
        close_both(words);
        return rc;
    }
    if (pid == 0) {
        ss_child_settle(parent);
        (void)close(last[0]);
        (void)close(words[0]);
        worker_main(experiment, cell, options, hash, last[1], words[1]);
    }
    (void)close(last[1]);
    (void)close(words[1]);
    *worker = (struct ss_worker){.pid = pid, .pipe = last[0], .words = words[0], .cell = cell};
    return 0;
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

/* The names that people search for; others go by their number. */
static const char *
signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGSEGV, "SIGSEGV, "}, {SIGABRT, "SIGABRT, "}, {SIGBUS, "SIGBUS, "},  {SIGFPE, "SIGFPE, "},
                 {SIGILL, "SIGILL, "},   {SIGKILL, "SIGKILL, "}, {SIGTERM, "SIGTERM, "}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    return "";
}

static void
describe_end(const struct ss_worker *worker, const struct ss_experiment *experiment, int status, char *out, size_t size)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (worker->timed_out)
        (void)snprintf(out, size, "timed out after %g s; write a longer timeout", experiment->timeout_s);
    else if (number != 0)
        (void)snprintf(out, size, "killed by signal %d (%s%s)%s", number, signal_name(number), strsignal(number),
                       number == SIGKILL ? ": out of memory, or somebody's kill -9" : "");
    else
        (void)snprintf(out, size, "a plugin ended the process with exit status %d before the cell was done",
                       WEXITSTATUS(status));
}

static void
note_failure(struct ss_worker *worker, const struct ss_experiment *experiment, int status, struct ss_outcome *outcome)
{
    char end[256];
    const char *words = last_words(worker);
    describe_end(worker, experiment, status, end, sizeof end);
    (void)snprintf(outcome->reason, sizeof outcome->reason, "%s%s%s%s", end,
                   words[0] != '\0' ? "; its last words: \"" : "", words, words[0] != '\0' ? "\"" : "");
}

void
ss_worker_reap(struct ss_worker *worker, const struct ss_experiment *experiment, struct ss_outcome *outcome,
               struct ss_message *message)
{
    int status = 0;
    ssize_t length = read(worker->pipe, message, sizeof *message);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    ss_worker_listen(worker);
    (void)close(worker->pipe);
    (void)close(worker->words);
    worker->pipe = worker->words = -1;
    int spoke = length == (ssize_t)sizeof *message;
    if (!spoke)
        message->code = 0;
    outcome->state = spoke && message->code == 0 ? SS_CELL_DONE : SS_CELL_FAILED;
    if (spoke && message->code != 0 && !worker->timed_out)
        (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", message->text);
    else if (outcome->state == SS_CELL_FAILED)
        note_failure(worker, experiment, status, outcome);
    ss_output_drop_cell(experiment->output, experiment->cells[worker->cell].name, worker->pid);
}
