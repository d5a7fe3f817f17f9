/*
 * base/child.h - one job in a process of its own: a crash, an abort, exit() or an endless loop in it costs that job.
 *
 * The job's last word comes back through a pipe. A child without a last word has failed, whatever its exit status: a
 * plugin that calls exit(0) has finished nothing. Children die with their parent, and first of all when memory runs
 * out.
 */
#ifndef SS_BASE_CHILD_H
#define SS_BASE_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "servsim/plugin.h"

struct ss_child {
    pid_t pid;
    int pipe; /* readable once the child has spoken or died; -1: no child */
    double begun_s;
};

/* What the job returned and said. */
struct ss_last_word {
    int32_t code;
    char text[1016];
};

typedef int (*ss_child_job)(void *ctx, struct servsim_error *err);

/* Processors that this process may use: a job on a cluster is given some of a machine's. At least 1. */
uint32_t ss_processors(void);

/* Seconds on a clock that never goes backward. */
double ss_clock_s(void);

int ss_child_start(struct ss_child *child, ss_child_job job, void *ctx, struct servsim_error *err);

/* Waits for the child. 1: *word is its last word; 0: it died without one, and word->text says how. */
int ss_child_end(struct ss_child *child, struct ss_last_word *word);

/*
 * Runs the job and waits for it: 1: *word is its last word; 0: it died or was late (`timeout_s` > 0), and word->text
 * says so, or no child could be made. When *interrupted becomes non-zero it is killed; word->code is then -EINTR.
 */
int ss_child_run(ss_child_job job, void *ctx, double timeout_s, const volatile sig_atomic_t *interrupted,
                 struct ss_last_word *word);

#endif
