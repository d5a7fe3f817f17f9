/*
 * fcfs - first come, first served: the step of vLLM V1 (vllm/v1/core/sched/scheduler.py), which is also to be had as
 * vllm.
 *
 * Running requests are served first, in order of admission; when a KV block is missing, the one admitted last goes back
 * into the queue, where it is first again. Then, unless somebody was preempted, the queue is admitted in order.
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
    (void)host;
    return servsim_queue_create(sizeof(struct servsim_queue), key, args, self, err);
}

static const struct servsim_option options[] = {SERVSIM_QUEUE_OPTIONS};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, servsim_queue_arrive, servsim_queue_plan, NULL, NULL};

#define FIRST_COME(name_, summary_)                                                                                    \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),                                                          \
            .name = (name_), .version = "1.0", .summary = (summary_), .licence = "Apache-2.0", .page = PAGE,           \
            .options = options, .create = create, .destroy = servsim_queue_destroy, .ops = &ops                        \
    }

#define PAGE                                                                                                           \
    "The step of vLLM V1: running requests first, in order of admission, decodes and prefill chunks alike; where a "   \
    "KV block is missing, the one admitted last is preempted (vLLM V1: by recompute). Then the queue in order of "     \
    "arrival, until the first request that does not fit."

static const struct servsim_plugin plugins[] = {
    FIRST_COME("fcfs", "first come, first served, with chunked prefill (the step of vLLM V1)"),
    FIRST_COME("vllm", "the step of vLLM V1; the same as fcfs"),
};

SERVSIM_PLUGINS(plugins)
