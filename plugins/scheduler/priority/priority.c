/*
 * priority - the most urgent first: the step of vLLM V1 with --scheduling-policy priority.
 */
#include "servsim/scheduler.h"

struct priority {
    struct servsim_queue queue;
    int64_t level_ms; /* waiting that one level of priority is worth; 0: no waiting is worth one */
};

/* Of equals the one that came first: the heap sees to that. */
static int64_t
key(void *self, const struct servsim_request *request)
{
    const struct priority *priority = self;
    if (priority->level_ms == 0)
        return request->priority;
    return request->priority * priority->level_ms + servsim_arrival_ms(request);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(sizeof(struct priority), key, args, self, err);
    (void)host;
    if (rc != 0)
        return rc;
    struct priority *priority = *self;
    priority->level_ms = (int64_t)servsim_number(args, "level");
    priority->queue.by_key = 1;
    return 0;
}

static const struct servsim_option options[] = {
    SERVSIM_QUEUE_OPTIONS,
    {"level", "ms", "0", NULL, "waiting that is worth one level of priority; 0: none is", 0, 1e9, SERVSIM_OPTION_NUMBER,
     0},
};

static const struct servsim_scheduler_ops ops = {
    sizeof ops, SERVSIM_SCHEDULER_MAY_STARVE, servsim_queue_arrive, servsim_queue_plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "priority",
    .version = "1.0",
    .summary = "the most urgent first, then in order of arrival (vLLM V1's priority policy)",
    .licence = "Apache-2.0",
    .page = "vLLM V1 with --scheduling-policy priority: the queue is ordered by priority (lower is more urgent) and "
            "arrival, and where a KV block is missing the least urgent running request, of those the latest, goes back "
            "into it. A request that runs is not interrupted for one that is more urgent.\n\n"
            "Less urgent requests may wait for ever while more urgent ones keep coming. `level` prevents it: so much "
            "waiting counts as one level.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
