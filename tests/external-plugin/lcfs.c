/*
 * lcfs - a scheduler that serves the newest request first. Written by a third party: it knows servsim/plugin.h only.
 */
#include "servsim/plugin.h"

struct lcfs {
    struct servsim_heap waiting; /* newest on top: the key is minus the order of arrival */
    uint32_t most;               /* requests that may run; 0: as many as the host lets */
};

static const struct servsim_option options[] = {
    {.name = "most",
     .unit = "",
     .default_text = "0",
     .help = "run at most so many requests; 0: no limit of its own",
     .minimum = 0,
     .maximum = 65536,
     .type = SERVSIM_OPTION_INTEGER},
};

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct lcfs *lcfs = calloc(1, sizeof *lcfs);
    (void)host;
    if (lcfs == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    lcfs->most = (uint32_t)servsim_integer(args, "most");
    *self = lcfs;
    return 0;
}

static void
destroy(void *self)
{
    struct lcfs *lcfs = self;
    servsim_heap_free(&lcfs->waiting);
    free(lcfs);
}

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct lcfs *lcfs = self;
    if (servsim_heap_push(&lcfs->waiting, -(int64_t)request->id, request) != 0)
        return servsim_fail(err, ENOMEM, "out of memory");
    return SERVSIM_ASK_AGAIN;
}

/* Every running request gets its turn, where need be at the expense of the one admitted last. */
static int32_t
serve(struct lcfs *lcfs, struct servsim_step *step, int *preempted, struct servsim_error *err)
{
    int32_t answer;
    while ((answer = servsim_serve_running(step, SERVSIM_NO_CAP)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim = servsim_last_running(step);
        if (victim == NULL)
            return 0;
        if ((answer = servsim_preempt(step, victim, SERVSIM_RECOMPUTE)) < 0)
            return answer;
        if (servsim_heap_push(&lcfs->waiting, -(int64_t)victim->id, victim) != 0)
            return servsim_fail(err, ENOMEM, "out of memory");
        *preempted = 1;
    }
    return answer;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct lcfs *lcfs = self;
    int preempted = 0;
    int32_t answer = serve(lcfs, step, &preempted, err);
    if (answer < 0 || preempted)
        return answer < 0 ? answer : 0;
    while (lcfs->waiting.count > 0 && (lcfs->most == 0 || step->ops->running(step->ctx) < lcfs->most)) {
        answer = servsim_admit(step, servsim_heap_first(&lcfs->waiting), SERVSIM_NO_CAP, 0);
        if (answer != SERVSIM_OK)
            return answer < 0 ? answer : 0;
        servsim_heap_pop(&lcfs->waiting);
    }
    return 0;
}

static const struct servsim_scheduler_ops ops = {.size = sizeof ops, .arrive = arrive, .plan = plan};

static const struct servsim_plugin lcfs_plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "lcfs",
    .version = "0.3",
    .summary = "newest request first",
    .licence = "MIT",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(lcfs_plugin)
