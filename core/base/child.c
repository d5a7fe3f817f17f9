/*
 * base/child.c - one job in a process of its own.
 */
#define _GNU_SOURCE /* sched_getaffinity() */
#include "base/child.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 200

uint32_t
ss_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    long processors = sysconf(_SC_NPROCESSORS_ONLN); /* more of them than the set has room for */
    return processors > 0 ? (uint32_t)processors : 1;
}

double
ss_clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* When memory runs out, the child that eats it should go, not the program that watches. */
static void
die_first(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file == NULL)
        return;
    (void)fputs("800", file);
    (void)fclose(file);
}

/* In the child, first of all: it dies with its parent, and by the signals that stop programs. */
static void
settle(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* the program was killed before the line above took hold */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    die_first();
}

static void __attribute__((noreturn)) child_main(ss_child_job job, void *ctx, int pipe, pid_t parent)
{
    struct servsim_error err = {.size = sizeof err};
    settle(parent);
    struct ss_last_word word = {.code = job(ctx, &err)};
    memcpy(word.text, err.text, sizeof word.text);
    word.text[sizeof word.text - 1] = '\0';
    (void)!write(pipe, &word, sizeof word);
    _exit(word.code == 0 ? 0 : 1);
}

int
ss_child_start(struct ss_child *child, ss_child_job job, void *ctx, struct servsim_error *err)
{
    int ends[2];
    pid_t self = getpid();
    if (pipe(ends) != 0)
        return servsim_fail(err, errno, "no pipe for a worker: %s", strerror(errno));
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        int rc = servsim_fail(err, errno, "no process for a worker: %s", strerror(errno));
        (void)close(ends[0]);
        (void)close(ends[1]);
        return rc;
    }
    if (pid == 0) {
        (void)close(ends[0]);
        child_main(job, ctx, ends[1], self);
    }
    (void)close(ends[1]);
    *child = (struct ss_child){pid, ends[0], ss_clock_s()};
    return 0;
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
describe_end(int status, char *out, size_t size)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (number != 0)
        (void)snprintf(out, size, "killed by signal %d (%s%s)%s", number, signal_name(number), strsignal(number),
                       number == SIGKILL ? ": out of memory, or somebody's kill -9" : "");
    else
        (void)snprintf(out, size, "a plugin ended the process with exit status %d before it was done",
                       WEXITSTATUS(status));
}

int
ss_child_end(struct ss_child *child, struct ss_last_word *word)
{
    int status = 0;
    ssize_t length = read(child->pipe, word, sizeof *word);
    (void)close(child->pipe);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child->pipe = -1;
    if (length == (ssize_t)sizeof *word)
        return 1;
    word->code = -EPROTO;
    describe_end(status, word->text, sizeof word->text);
    return 0;
}

int
ss_child_run(ss_child_job job, void *ctx, double timeout_s, const volatile sig_atomic_t *interrupted,
             struct ss_last_word *word)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_child child;
    int rc = ss_child_start(&child, job, ctx, &err), late = 0, stop = 0;
    *word = (struct ss_last_word){.code = rc};
    if (rc != 0) {
        (void)snprintf(word->text, sizeof word->text, "%s", err.text);
        return 0;
    }
    struct pollfd end = {.fd = child.pipe, .events = POLLIN};
    while (!late && !stop && poll(&end, 1, POLL_MS) <= 0) {
        late = timeout_s > 0 && ss_clock_s() - child.begun_s >= timeout_s;
        stop = interrupted != NULL && *interrupted != 0;
    }
    if (late || stop)
        (void)kill(child.pid, SIGKILL);
    int spoke = ss_child_end(&child, word);
    if (spoke || (!late && !stop))
        return spoke;
    word->code = stop ? -EINTR : -ETIMEDOUT;
    (void)snprintf(word->text, sizeof word->text, stop ? "interrupted" : "timed out after %g s", timeout_s);
    return 0;
}
