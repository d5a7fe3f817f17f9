/*
 * fcfs - first come, first served: the step of vLLM V1 (vllm/v1/core/sched/scheduler.py).
 *
 * Running requests are served first, in order of admission; when a KV block is missing, the one admitted last is
 * preempted and goes to the front of the queue. Then, unless somebody was preempted, the queue is admitted in order.
 */
#include "servsim/plugin.h"

struct fcfs {
    struct servsim_deque waiting;
    uint32_t cap;   /* prefill tokens of one request in one step */
    uint32_t flags; /* SERVSIM_WHOLE_PROMPT where prompts are not chunked */
    uint32_t longest;
};

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct fcfs *fcfs = self;
    (void)err;
    if (request->prompt_tokens > fcfs->longest)
        return SERVSIM_REJECT;
    /* behind a head that could not be admitted, a newcomer changes nothing until a request finishes */
    int holds = fcfs->waiting.count > 0;
    int32_t rc = servsim_deque_push_back(&fcfs->waiting, request);
    return rc != 0 ? rc : holds ? SERVSIM_DECISION_HOLDS : SERVSIM_ASK_AGAIN;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct fcfs *fcfs = self;
    int32_t rc, preempted = 0;
    (void)err;
    while ((rc = servsim_serve_running(step, fcfs->cap)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim = servsim_last_running(step);
        rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
        if (rc < 0 || (rc = servsim_deque_push_front(&fcfs->waiting, victim)) < 0)
            return rc;
        preempted = 1;
    }
    while (rc == SERVSIM_OK && !preempted && fcfs->waiting.count > 0) {
        struct servsim_request *head = servsim_deque_front(&fcfs->waiting);
        /* what is computed again can be longer than any prompt, so it may be split */
        rc = servsim_admit(step, head, fcfs->cap, head->preemptions > 0 ? 0 : fcfs->flags);
        if (rc == SERVSIM_OK)
            (void)servsim_deque_pop_front(&fcfs->waiting);
    }
    /* blocks only get fewer while a batch decodes, so a head that waits goes on waiting */
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_scheduler_context *limits = (const struct servsim_scheduler_context *)args->context;
    struct fcfs *fcfs = (struct fcfs *)calloc(1, sizeof *fcfs);
    (void)host;
    if (fcfs == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    int64_t cap = servsim_integer(args, "long_prefill_threshold");
    fcfs->cap = cap > 0 ? (uint32_t)cap : SERVSIM_NO_CAP;
    fcfs->longest = UINT32_MAX;
    if (!servsim_integer(args, "chunked_prefill")) {
        fcfs->flags = SERVSIM_WHOLE_PROMPT;
        fcfs->longest = limits->max_num_batched_tokens;
    }
    *self = fcfs;
    return 0;
}

static void
destroy(void *self)
{
    struct fcfs *fcfs = self;
    servsim_deque_free(&fcfs->waiting);
    free(fcfs);
}

static const struct servsim_option options[] = {
    {"chunked_prefill", "", "true", NULL, "split prompts that do not fit into a step's token budget", 0, 1,
     SERVSIM_OPTION_FLAG, 0},
    {"long_prefill_threshold", "tokens", "0", NULL, "most prefill tokens of one request in one step; 0: no limit", 0,
     1e9, SERVSIM_OPTION_INTEGER, 0},
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, arrive, plan, NULL, NULL};

static const struct servsim_plugin fcfs_plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "fcfs",
    .version = "1.0",
    .summary = "first come, first served, with chunked prefill (the step of vLLM V1)",
    .licence = "Apache-2.0",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(fcfs_plugin)
