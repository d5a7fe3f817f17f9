/*
 * static - a batch runs to completion before the next begins, as servers did before Orca.
 */
#include "servsim/scheduler.h"

struct batches {
    struct servsim_queue queue;
    uint64_t joining; /* of those that wait, so many belong to the batch that is being started */
};

static int64_t
key(void *self, const struct servsim_request *request)
{
    (void)self;
    return (int64_t)request->id;
}

/* The batch is closed while it runs; an idle replica is asked at once, whatever the answer here. */
static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    int32_t rc = servsim_queue_arrive(self, request, err);
    return rc == SERVSIM_ASK_AGAIN ? SERVSIM_DECISION_HOLDS : rc;
}

/* Those that waited when the batch began, as long as there is room: prompts first, over several steps if need be. */
static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct batches *batches = self;
    int32_t rc = SERVSIM_OK;
    uint32_t joined = 0;
    (void)err;
    if (step->ops->running(step->ctx) == 0)
        batches->joining = batches->queue.waiting.count;
    while (batches->joining > 0 && (rc = servsim_queue_admit(&batches->queue, step)) == SERVSIM_OK) {
        batches->joining--;
        joined++;
    }
    if (rc == SERVSIM_NO_BLOCKS || rc == SERVSIM_NO_SLOT)
        batches->joining = 0;
    if (rc >= 0 && joined == 0)
        rc = servsim_queue_serve_running(&batches->queue, step);
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(sizeof(struct batches), key, args, self, err);
    (void)host;
    if (rc != 0)
        return rc;
    struct batches *batches = *self;
    servsim_queue_whole_prompts(&batches->queue, args);
    batches->queue.flags |= SERVSIM_HOLD_PLACE;
    return 0;
}

static const struct servsim_option options[] = {SERVSIM_PREEMPTION_OPTION};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, arrive, plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "static",
    .version = "1.0",
    .summary = "batches of whole requests, each run to completion before the next begins",
    .licence = "Apache-2.0",
    .page =
        "Request-level batching, as of FasterTransformer behind Triton: when nothing runs, all that wait become the "
        "batch, in order of arrival, as many as max_num_seqs and the KV cache hold. Their prompts are computed "
        "whole, then all decode. A request that is done early is returned only with its batch, and till then keeps "
        "its KV blocks and its row of each step; requests that arrive meanwhile wait. Its baseline is section 3 of "
        "Yu et al., Orca (OSDI 2022). Prompts are not padded to the longest. A prompt longer than "
        "max_num_batched_tokens is rejected. Where a KV block is missing, the request admitted last goes back into "
        "the queue.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
