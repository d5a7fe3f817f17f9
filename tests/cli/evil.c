/*
 * cli/evil.c - a scheduler that does its worst on the tenth step: what the sweep must survive.
 */
#include <signal.h>
#include <unistd.h>

#include "servsim/plugin.h"

struct evil {
    const struct servsim_host *host;
    char how[16];
    uint64_t steps;
    struct servsim_deque waiting;
};

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    (void)err;
    return servsim_deque_push_back(&((struct evil *)self)->waiting, request);
}

/* Touches what it takes, so that it is really taken. */
static void
eat_memory(void)
{
    for (;;) {
        char *block = malloc(1u << 26);
        if (block == NULL)
            abort();
        memset(block, 1, 1u << 26);
    }
}

static int32_t
do_worst(const struct evil *evil, struct servsim_step *step, struct servsim_error *err)
{
    if (strcmp(evil->how, "segfault") == 0)
        (void)raise(SIGSEGV);
    if (strcmp(evil->how, "abort") == 0) {
        (void)fputs("first line\nthe queue is corrupt\n", stderr);
        abort();
    }
    if (strcmp(evil->how, "exit") == 0)
        exit(0);
    if (strcmp(evil->how, "memory") == 0)
        eat_memory();
    while (strcmp(evil->how, "loop") == 0)
        (void)usleep(1000);
    if (strcmp(evil->how, "error") == 0)
        return servsim_fail(err, EINVAL, "I will not");
    if (strcmp(evil->how, "rules") == 0)
        return servsim_preempt(step, servsim_deque_front(&evil->waiting), 77);
    return 0; /* "lazy": never serves anybody again */
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct evil *evil = (struct evil *)self;
    if (++evil->steps >= 10 && strcmp(evil->how, "finish") != 0)
        return do_worst(evil, step, err);
    (void)servsim_serve_running(step, SERVSIM_NO_CAP);
    while (evil->waiting.count > 1) {
        if (servsim_admit(step, servsim_deque_front(&evil->waiting), SERVSIM_NO_CAP, 0) != SERVSIM_OK)
            break;
        (void)servsim_deque_pop_front(&evil->waiting);
    }
    return 0;
}

static void
finish(void *self, struct servsim_request *request)
{
    const struct evil *evil = (const struct evil *)self;
    (void)request;
    if (strcmp(evil->how, "finish") == 0)
        evil->host->fail(evil->host->ctx, "I cannot let it go");
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct evil *evil = (struct evil *)calloc(1, sizeof *evil);
    if (evil == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    evil->host = host;
    (void)snprintf(evil->how, sizeof evil->how, "%s", servsim_text(args, "how"));
    if (strcmp(evil->how, "create") == 0)
        (void)raise(SIGSEGV);
    *self = evil;
    return 0;
}

static void
destroy(void *self)
{
    servsim_deque_free(&((struct evil *)self)->waiting);
    free(self);
}

static const struct servsim_option options[] = {
    {"how", "", "segfault", "segfault|abort|exit|memory|loop|error|rules|lazy|finish|create", "what it does", 0, 0,
     SERVSIM_OPTION_CHOICE, 0},
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, arrive, plan, finish, NULL};

static const struct servsim_plugin evil_plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "evil",
    .version = "1.0",
    .summary = "does its worst",
    .licence = "Apache-2.0",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(evil_plugin)
