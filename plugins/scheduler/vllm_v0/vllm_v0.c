/*
 * vllm_v0 - prefill first: the default step of vLLM V0 (vllm/core/scheduler.py), without chunks.
 */
#include "servsim/scheduler.h"

struct v0 {
    struct servsim_queue queue;     /* waiting; the keys keep order of arrival, so who is preempted is first again */
    struct servsim_deque swapped;   /* in the host's memory, in the order in which they went */
    uint64_t watermark, block_size; /* KV blocks that starting a request must leave free */
};

static int64_t
key(void *self, const struct servsim_request *request)
{
    (void)self;
    return (int64_t)request->id;
}

/* Would the watermark be left? Where nothing runs, everything is allowed. */
static int
leaves_enough(const struct v0 *v0, struct servsim_step *step, uint64_t blocks)
{
    return step->ops->running(step->ctx) == 0 || step->ops->free_blocks(step->ctx) >= blocks + v0->watermark;
}

/* Prompts, but only while nobody is swapped out. Returns how many, or a negative errno. */
static int32_t
start_prompts(struct v0 *v0, struct servsim_step *step)
{
    int32_t started = 0, rc = SERVSIM_OK;
    while (v0->swapped.count == 0 && v0->queue.waiting.count > 0) {
        uint64_t tokens = step->ops->prefill_left(step->ctx, servsim_heap_first(&v0->queue.waiting));
        if (!leaves_enough(v0, step, (tokens + v0->block_size - 1) / v0->block_size))
            break;
        if ((rc = servsim_queue_admit(&v0->queue, step)) != SERVSIM_OK)
            break;
        started++;
    }
    return rc < 0 ? rc : started;
}

/* The running one admitted last makes room for the others. */
static int32_t
make_room(struct v0 *v0, struct servsim_step *step)
{
    struct servsim_request *victim = servsim_last_running(step);
    victim->slot_key = (uint32_t)step->ops->blocks_of(step->ctx, victim);
    if (v0->queue.how == SERVSIM_SWAP && servsim_preempt(step, victim, SERVSIM_SWAP) == SERVSIM_OK)
        return servsim_deque_push_back(&v0->swapped, victim);
    int32_t rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
    return rc != 0 ? rc : servsim_queue_push(&v0->queue, victim);
}

/* Swapped requests in order, with a block for the next token of each. */
static int32_t
bring_back(struct v0 *v0, struct servsim_step *step)
{
    int32_t rc = SERVSIM_OK;
    while (rc == SERVSIM_OK && v0->swapped.count > 0) {
        struct servsim_request *head = servsim_deque_front(&v0->swapped);
        if (!leaves_enough(v0, step, (uint64_t)head->slot_key + 1))
            break;
        if ((rc = servsim_admit(step, head, SERVSIM_NO_CAP, 0)) == SERVSIM_OK)
            (void)servsim_deque_pop_front(&v0->swapped);
    }
    return rc;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct v0 *v0 = self;
    uint32_t preempted = 0;
    (void)err;
    /* blocks only get fewer while a batch decodes: who waits goes on waiting */
    step->horizon_steps = SERVSIM_FOREVER;
    int32_t rc = start_prompts(v0, step);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    while ((rc = servsim_serve_running(step, SERVSIM_NO_CAP)) == SERVSIM_NO_BLOCKS) {
        if ((rc = make_room(v0, step)) != 0)
            return rc;
        preempted++;
    }
    if (rc == SERVSIM_OK && preempted == 0)
        rc = bring_back(v0, step);
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_scheduler_context *limits = args->context;
    int32_t rc = servsim_queue_create(sizeof(struct v0), key, args, self, err);
    (void)host;
    if (rc != 0)
        return rc;
    struct v0 *v0 = *self;
    servsim_queue_whole_prompts(&v0->queue, args);
    v0->watermark = (uint64_t)(servsim_number(args, "watermark") * (double)limits->kv_blocks_total);
    v0->block_size = limits->block_size;
    return 0;
}

static void
destroy(void *self)
{
    servsim_deque_free(&((struct v0 *)self)->swapped);
    servsim_queue_destroy(self);
}

static const struct servsim_option options[] = {
    SERVSIM_PREEMPTION_OPTION,
    {"watermark", "", "0.01", NULL, "share of the KV blocks that starting a request must leave free", 0, 0.5,
     SERVSIM_OPTION_NUMBER, 0},
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, servsim_queue_arrive, plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "vllm_v0",
    .version = "1.0",
    .summary = "prefill first, prompts not chunked, preemption by recompute or swap (vLLM V0)",
    .licence = "Apache-2.0",
    .page =
        "The default step of vLLM V0 (vllm/core/scheduler.py, Kwon et al., SOSP 2023): while requests wait and fit, a "
        "step computes whole prompts and no decode; otherwise it decodes. Where a KV block is missing, the request "
        "admitted last is preempted: by recompute, which puts it first in the queue, or by swap to the host's "
        "memory (recompute where that is full). Swapped requests come back before any prompt starts. Starting "
        "leaves `watermark` of the blocks free. A prompt longer than max_num_batched_tokens is rejected; what is "
        "computed again may be split.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
