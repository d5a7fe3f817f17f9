/*
 * sarathi - stall-free batching (Agrawal et al., OSDI 2024): every step holds all decodes and as much prefill as a
 * token budget leaves, so that no decode waits for a long prompt.
 */
#include "servsim/scheduler.h"

struct sarathi {
    struct servsim_queue queue;
    uint32_t token_budget;
};

static int64_t
key(void *self, const struct servsim_request *request)
{
    (void)self;
    return (int64_t)request->id;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    const struct sarathi *sarathi = self;
    int32_t rc = servsim_limit(step, sarathi->token_budget);
    return rc != 0 ? rc : servsim_queue_plan(self, step, err);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(sizeof(struct sarathi), key, args, self, err);
    (void)host;
    if (rc == 0)
        ((struct sarathi *)*self)->token_budget = (uint32_t)servsim_integer(args, "token_budget");
    return rc;
}

static const struct servsim_option options[] = {
    {"token_budget", "tokens", "512", NULL, "of a step, decodes included; decodes are never left out", 1, 1e9,
     SERVSIM_OPTION_INTEGER, 0},
    SERVSIM_PREEMPTION_OPTION,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, servsim_queue_arrive, plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "sarathi",
    .version = "1.0",
    .summary = "stall-free chunks: all decodes, and prefill up to a token budget (Sarathi-Serve)",
    .licence = "Apache-2.0",
    .page = "Agrawal et al., Sarathi-Serve (OSDI 2024): decodes first, then prompts that are half computed, then new "
            "ones in order of arrival, all within `token_budget` tokens. The paper takes 512 for strict limits on the "
            "time between tokens and 2048 for relaxed ones. Above max_num_batched_tokens it has no effect. vLLM V1 "
            "works alike, with max_num_batched_tokens for a budget.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
