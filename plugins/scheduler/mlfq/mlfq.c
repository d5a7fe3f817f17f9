/*
 * mlfq - a multi-level feedback queue with skip-join, after FastServe (Wu et al., 2023): whoever has had little comes
 * before whoever has had much, and no length is known beforehand.
 */
#include "servsim/scheduler.h"

struct mlfq {
    struct servsim_preemptive all;
    int64_t quantum;       /* steps on the highest level; each further level has twice as many */
    int64_t last_level;    /* levels count from 0 */
    int64_t prefill;       /* prompt tokens that cost as much as a step */
    int64_t ageing;        /* steps per second */
    int64_t clock;         /* steps so far */
    int64_t next_demotion; /* no running request loses its level before this step */
};

/* A request's slot: the step at which it loses its level, and the level. */
#define LEVEL_BITS 8

static int64_t
level_of(const struct servsim_request *request)
{
    return (int64_t)((uintptr_t)request->slot & ((1u << LEVEL_BITS) - 1));
}

static int64_t
demotion_of(const struct servsim_request *request)
{
    return (int64_t)((uintptr_t)request->slot >> LEVEL_BITS);
}

static void
set_slot(struct servsim_request *request, int64_t demotion, int64_t level)
{
    request->slot = (void *)(uintptr_t)((uint64_t)demotion << LEVEL_BITS | (uint64_t)level);
}

/* Levels apart by what they grant; within a level in order of arrival. */
static int64_t
key(void *self, const struct servsim_request *request)
{
    const struct mlfq *mlfq = self;
    return servsim_aged_key(mlfq->quantum << level_of(request), mlfq->ageing, request);
}

/* Skip-join: a request starts on the first level whose quantum covers its prompt. */
static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    const struct mlfq *mlfq = self;
    int64_t level = 0, cost = (request->prompt_tokens + mlfq->prefill - 1) / mlfq->prefill;
    while (level < mlfq->last_level && mlfq->quantum << level < cost)
        level++;
    set_slot(request, 0, level);
    return servsim_queue_arrive(self, request, err);
}

/* The quantum begins anew whenever a request gets a place. */
static int32_t
admit(struct mlfq *mlfq, struct servsim_step *step)
{
    struct servsim_request *head = servsim_heap_first(&mlfq->all.queue.waiting);
    int64_t level = level_of(head), demotion = mlfq->clock + (mlfq->quantum << level);
    int32_t rc = servsim_preemptive_admit(&mlfq->all, step);
    if (rc != SERVSIM_OK)
        return rc;
    set_slot(head, demotion, level);
    if (demotion < mlfq->next_demotion)
        mlfq->next_demotion = demotion;
    return rc;
}

/* Those whose quantum is over go down a level: looks at all that run, but only when one is due. */
static int32_t
demote(struct mlfq *mlfq, struct servsim_step *step)
{
    struct servsim_request *request = servsim_last_running(step);
    int64_t next = INT64_MAX;
    for (; request != NULL; request = servsim_running_before(step, request)) {
        int64_t level = level_of(request), demotion = demotion_of(request);
        while (demotion <= mlfq->clock) {
            level += level < mlfq->last_level;
            demotion += mlfq->quantum << level;
        }
        if (level != level_of(request)) {
            set_slot(request, demotion, level);
            int32_t rc = servsim_preemptive_rekey(&mlfq->all, request);
            if (rc != 0)
                return rc;
        }
        set_slot(request, demotion, level);
        next = demotion < next ? demotion : next;
    }
    mlfq->next_demotion = next;
    return 0;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct mlfq *mlfq = self;
    int32_t rc = SERVSIM_OK;
    (void)err;
    mlfq->clock++;
    if (mlfq->next_demotion <= mlfq->clock)
        rc = demote(mlfq, step);
    if (rc == SERVSIM_OK)
        rc = servsim_preemptive_serve(&mlfq->all, step);
    while (rc == SERVSIM_OK && !mlfq->all.queue.preempted && mlfq->all.queue.waiting.count > 0)
        rc = admit(mlfq, step);
    /* a demotion matters to those that wait */
    step->horizon_steps =
        mlfq->all.queue.waiting.count > 0 ? (uint64_t)(mlfq->next_demotion - mlfq->clock) : SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static void
advance(void *self, uint64_t steps)
{
    ((struct mlfq *)self)->clock += (int64_t)steps;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_preemptive_create(sizeof(struct mlfq), key, args, self, err);
    (void)host;
    if (rc != 0)
        return rc;
    struct mlfq *mlfq = *self;
    mlfq->quantum = servsim_integer(args, "quantum");
    mlfq->last_level = servsim_integer(args, "levels") - 1;
    mlfq->prefill = servsim_integer(args, "prefill");
    mlfq->ageing = servsim_integer(args, "ageing");
    mlfq->next_demotion = INT64_MAX;
    return 0;
}

static const struct servsim_option options[] = {
    {"quantum", "", "16", NULL, "steps on the highest level; each further level has twice as many", 1, 1e6,
     SERVSIM_OPTION_INTEGER, 0},
    {"levels", "", "8", NULL, "levels", 1, 32, SERVSIM_OPTION_INTEGER, 0},
    {"prefill", "tokens", "256", NULL, "prompt tokens that cost as much as a step of decodes", 1, 1e9,
     SERVSIM_OPTION_INTEGER, 0},
    {"ageing", "", "10", NULL, "steps that a second of waiting is worth", 0, 1e6, SERVSIM_OPTION_INTEGER, 0},
    SERVSIM_QUEUE_OPTIONS,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, arrive, plan, servsim_preemptive_finish, advance};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "mlfq",
    .version = "1.0",
    .summary = "multi-level feedback queue with skip-join, lengths unknown (FastServe)",
    .licence = "Apache-2.0",
    .page =
        "After Wu et al., Fast Distributed Inference Serving for Large Language Models (FastServe, 2023). A request "
        "joins the first level whose quantum covers its prompt (skip-join; `prefill` prompt tokens count as one "
        "step), and goes down a level when it has run for its level's quantum of steps. Who waits on a higher level "
        "takes the place of who runs on a lower one; the other keeps its KV blocks until they are needed, and then "
        "gives them up as `preemption` says (FastServe: swap). In place of FastServe's promotion of requests that "
        "wait too long, `ageing` steps of quantum are taken off for each second since arrival: an order that time "
        "alone does not change.\n\n"
        "Where the KV cache is full, every newcomer costs somebody its blocks: give it swap and enough swap_space, or "
        "fewer places. With ageing: 0 long requests may wait for ever.",
    .options = options,
    .create = create,
    .destroy = servsim_preemptive_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
