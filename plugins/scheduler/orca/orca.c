/*
 * orca - iteration-level scheduling without chunks (Yu et al., OSDI 2022): after every step requests that are done
 * leave and others join, each with its whole prompt.
 */
#include "servsim/scheduler.h"

static int64_t
key(void *self, const struct servsim_request *request)
{
    (void)self;
    return (int64_t)request->id;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(sizeof(struct servsim_queue), key, args, self, err);
    (void)host;
    if (rc == 0)
        servsim_queue_whole_prompts(*self, args);
    return rc;
}

static const struct servsim_option options[] = {SERVSIM_PREEMPTION_OPTION};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, servsim_queue_arrive, servsim_queue_plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "orca",
    .version = "1.0",
    .summary = "iteration-level scheduling, prompts not chunked (Orca)",
    .licence = "Apache-2.0",
    .page = "Yu et al., Orca (OSDI 2022): requests are chosen anew at every step, in order of arrival; prompts are "
            "computed whole, in the same step as the others' decodes (selective batching). A prompt longer than "
            "max_num_batched_tokens is rejected. Unlike Orca, which reserves memory for the longest answer, KV blocks "
            "are paged here; where one is missing, the request admitted last is preempted.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
