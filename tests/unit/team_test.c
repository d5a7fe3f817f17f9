/*
 * unit/team_test.c - jobs side by side: each is over once, whatever becomes of it, and nobody is left behind.
 */
#include "base/team.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/harness.h"

#define JOBS 12
#define SLOTS 3u
#define LATE_S 1.5

enum fate { WELL, ERROR, EXIT, CRASH, SLEEP };

/* What becomes of each job, in its order. */
static const enum fate fates[JOBS] = {WELL, EXIT, SLEEP, ERROR, WELL, CRASH, SLEEP, WELL, EXIT, ERROR, WELL, SLEEP};

struct jobs {
    struct ss_child children[SLOTS];
    size_t of_slot[SLOTS], next;
    unsigned most_at_once;
    unsigned over[JOBS];
    int spoke[JOBS], code[JOBS];
    enum ss_team_end how[JOBS];
    size_t stop_after, ended; /* jobs */
    int fail_after;
};

static int
meet(void *ctx, struct servsim_error *err)
{
    switch (*(const enum fate *)ctx) {
    case ERROR:
        return servsim_fail(err, EPROTO, "as told");
    case EXIT:
        _exit(0);
    case CRASH:
        abort();
    case SLEEP:
        (void)sleep(600);
        return 0;
    default:
        return 0;
    }
}

static struct ss_child *
child(void *ctx, uint32_t slot)
{
    return &((struct jobs *)ctx)->children[slot];
}

static int
begin(void *ctx, uint32_t slot, struct servsim_error *err)
{
    struct jobs *jobs = ctx;
    unsigned busy = 1;
    enum fate fate;
    if (jobs->next == JOBS)
        return 0;
    jobs->of_slot[slot] = jobs->next;
    fate = fates[jobs->next++];
    for (unsigned i = 0; i < SLOTS; i++)
        busy += jobs->children[i].pipe >= 0;
    jobs->most_at_once = busy > jobs->most_at_once ? busy : jobs->most_at_once;
    int rc = ss_child_start(&jobs->children[slot], meet, &fate, err);
    return rc != 0 ? rc : 1;
}

static int
is_late(void *ctx, uint32_t slot)
{
    return ss_clock_s() - ((struct jobs *)ctx)->children[slot].begun_s > LATE_S;
}

static int
end(void *ctx, uint32_t slot, enum ss_team_end how, struct servsim_error *err)
{
    struct jobs *jobs = ctx;
    size_t job = jobs->of_slot[slot];
    struct ss_last_word word;
    jobs->spoke[job] = ss_child_end(&jobs->children[slot], &word);
    jobs->code[job] = word.code;
    jobs->over[job]++;
    jobs->how[job] = how;
    jobs->ended++;
    return jobs->fail_after && jobs->ended == 4 ? servsim_fail(err, EIO, "enough") : 0;
}

static int
look(void *ctx, struct servsim_error *err)
{
    const struct jobs *jobs = ctx;
    (void)err;
    return jobs->stop_after > 0 && jobs->ended >= jobs->stop_after;
}

static int
run(struct jobs *jobs, struct servsim_error *err)
{
    static const struct ss_team_ops ops = {
        .child = child, .begin = begin, .end = end, .is_late = is_late, .look = look};
    const struct ss_team team = {.ops = &ops, .ctx = jobs, .slots = SLOTS};
    for (unsigned i = 0; i < SLOTS; i++)
        jobs->children[i].pipe = -1;
    return ss_team_run(&team, err);
}

static void
check_nobody_left(const struct jobs *jobs)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        CU_ASSERT_EQUAL(jobs->children[i].pipe, -1);
        CU_ASSERT_NOT_EQUAL(kill(jobs->children[i].pid, 0), 0);
    }
}

static void
each_is_over_once(void)
{
    struct jobs jobs = {.next = 0};
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL(run(&jobs, &err), 0);
    CU_ASSERT_EQUAL(jobs.most_at_once, SLOTS);
    for (size_t i = 0; i < JOBS; i++) {
        CU_ASSERT_EQUAL(jobs.over[i], 1);
        CU_ASSERT_EQUAL(jobs.spoke[i], fates[i] == WELL || fates[i] == ERROR);
        CU_ASSERT_EQUAL(jobs.how[i], fates[i] == SLEEP ? SS_TEAM_LATE : SS_TEAM_ENDED);
        CU_ASSERT_EQUAL(jobs.code[i] == 0, fates[i] == WELL);
    }
    check_nobody_left(&jobs);
}

/* Those at work are killed, and heard of; those to come are not begun. */
static void
a_look_stops_all(void)
{
    struct jobs jobs = {.stop_after = 2};
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL(run(&jobs, &err), 0);
    CU_ASSERT_EQUAL(jobs.ended, jobs.next);
    CU_ASSERT(jobs.next < JOBS);
    CU_ASSERT_EQUAL(jobs.how[2], SS_TEAM_STOPPED);
    check_nobody_left(&jobs);
}

static void
an_error_stops_all(void)
{
    struct jobs jobs = {.fail_after = 1};
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL(run(&jobs, &err), -EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "enough");
    CU_ASSERT_EQUAL(jobs.ended, jobs.next);
    check_nobody_left(&jobs);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"each job is over once, whatever becomes of it", each_is_over_once},
        {"a look stops all", a_look_stops_all},
        {"an error stops all", an_error_stops_all},
    };
    return ss_run_cases("team", cases, sizeof cases / sizeof cases[0]);
}
