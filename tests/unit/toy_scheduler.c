/*
 * unit/toy_scheduler.c - every service of a step, decided by lots that depend on the requests alone.
 */
#include "toy_scheduler.h"

#include <stdlib.h>

struct juggler {
    const struct toy_policy *policy;
    struct servsim_deque waiting; /* slot != NULL: paused */
    uint64_t paused;
    uint64_t events, seen; /* arrivals and completions, and how many of them were juggled for */
};

static const struct toy_policy *current;

/* A number below `bound` that depends on what happened so far. */
static uint32_t
lot(const struct juggler *juggler, uint64_t salt, uint32_t bound)
{
    struct servsim_random random = {juggler->events * 1000003 + salt};
    return (uint32_t)(servsim_random_u64(&random) % bound);
}

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct juggler *juggler = self;
    const struct toy_policy *policy = juggler->policy;
    (void)err;
    if (policy->whole != 0 && request->prompt_tokens > policy->whole)
        return SERVSIM_REJECT;
    int holds = juggler->waiting.count > 0 && policy->juggles == 0;
    juggler->events++;
    request->slot = NULL;
    int32_t rc = servsim_deque_push_back(&juggler->waiting, request);
    return rc != 0 ? rc : holds ? SERVSIM_DECISION_HOLDS : SERVSIM_ASK_AGAIN;
}

static void
finish(void *self, struct servsim_request *request)
{
    struct juggler *juggler = self;
    (void)request;
    juggler->events++;
}

/* To the front of the queue where it had to go, to the back where it was a whim. */
static int32_t
preempt(struct juggler *juggler, struct servsim_step *step, struct servsim_request *victim, uint32_t how, int front)
{
    int32_t rc = servsim_preempt(step, victim, how);
    if (rc == SERVSIM_NO_HOST_BLOCKS)
        rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
    else
        victim->slot = how == SERVSIM_PAUSE ? victim : NULL;
    juggler->paused += victim->slot != NULL;
    if (rc != 0)
        return rc;
    return front ? servsim_deque_push_front(&juggler->waiting, victim)
                 : servsim_deque_push_back(&juggler->waiting, victim);
}

static int32_t
juggle(struct juggler *juggler, struct servsim_step *step)
{
    int32_t rc = 0;
    for (uint32_t i = 0; i < juggler->policy->juggles && rc == 0; i++) {
        struct servsim_request *victim = servsim_last_running(step);
        for (uint32_t back = lot(juggler, i, 7); victim != NULL && back > 0; back--)
            victim = step->ops->running_before(step->ctx, victim);
        if (victim != NULL)
            rc = preempt(juggler, step, victim, lot(juggler, i + 100, 3), 0);
    }
    return rc;
}

/* What is shared becomes free later, and what is cached is not left to compute. */
static int
as_many(const struct juggler *juggler, uint64_t seen, uint64_t most)
{
    return juggler->policy->shares ? seen <= most : seen == most;
}

/* Those paused hold blocks that nobody else gives back. */
static int32_t
reclaim(struct juggler *juggler, struct servsim_step *step)
{
    for (uint64_t i = 0; i < juggler->waiting.count; i++) {
        struct servsim_deque *queue = &juggler->waiting;
        struct servsim_request *request = queue->items[(queue->first + i) & (queue->capacity - 1)];
        if (request->slot == NULL)
            continue;
        uint64_t held = step->ops->blocks_of(step->ctx, request), before = step->ops->free_blocks(step->ctx);
        request->slot = NULL;
        juggler->paused--;
        int32_t rc = servsim_preempt(step, request, SERVSIM_RECOMPUTE);
        if (rc != 0 || !as_many(juggler, step->ops->free_blocks(step->ctx), before + held) ||
            step->ops->blocks_of(step->ctx, request) != 0)
            return rc != 0 ? rc : -EPROTO;
    }
    return 0;
}

static int32_t
admit(struct juggler *juggler, struct servsim_step *step)
{
    const struct toy_policy *policy = juggler->policy;
    int32_t rc = 0;
    while (rc == 0 && juggler->waiting.count > 0) {
        struct servsim_request *head = servsim_deque_front(&juggler->waiting);
        uint32_t flags = head->id % 10 < policy->hold ? SERVSIM_HOLD_PLACE : 0;
        uint32_t left = step->ops->prefill_left(step->ctx, head);
        flags |= policy->whole && left == head->prompt_tokens ? SERVSIM_WHOLE_PROMPT : 0;
        uint32_t before = step->ops->budget_left(step->ctx);
        rc = servsim_admit(step, head, SERVSIM_NO_CAP, flags);
        if (rc == 0 && left > 0 &&
            !as_many(juggler, step->ops->prefill_left(step->ctx, head), left - (left < before ? left : before)))
            return -EPROTO;
        if (rc != 0)
            break;
        juggler->paused -= head->slot != NULL;
        head->slot = NULL;
        (void)servsim_deque_pop_front(&juggler->waiting);
    }
    return rc;
}

/* Alone, with a block missing: those that are paused have it. */
static int32_t
serve(struct juggler *juggler, struct servsim_step *step, int *preempted)
{
    int32_t rc;
    while ((rc = servsim_serve_running(step, SERVSIM_NO_CAP)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim = servsim_last_running(step);
        int alone = step->ops->running_before(step->ctx, victim) == NULL;
        if (alone && juggler->paused > 0)
            rc = reclaim(juggler, step);
        else
            rc = preempt(juggler, step, victim, juggler->policy->how, 1);
        if (rc != 0)
            return rc;
        *preempted = 1;
    }
    return rc;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct juggler *juggler = self;
    int preempted = 0;
    int32_t rc = 0;
    (void)err;
    step->horizon_steps = SERVSIM_FOREVER;
    if (juggler->policy->limit > 0)
        (void)step->ops->limit(step->ctx, juggler->policy->limit);
    if (juggler->seen != juggler->events)
        rc = juggle(juggler, step);
    juggler->seen = juggler->events;
    if (rc == 0)
        rc = serve(juggler, step, &preempted);
    int closed = preempted || (juggler->policy->batches && step->ops->running(step->ctx) > 0);
    if (rc == 0 && !closed)
        rc = admit(juggler, step);
    if (rc == SERVSIM_NO_BLOCKS && step->ops->running(step->ctx) == 0) {
        rc = reclaim(juggler, step);
        rc = rc != 0 ? rc : admit(juggler, step);
    }
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct juggler *juggler = calloc(1, sizeof *juggler);
    (void)host;
    (void)args;
    if (juggler == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    juggler->policy = current;
    *self = juggler;
    return 0;
}

static void
destroy(void *self)
{
    struct juggler *juggler = self;
    servsim_deque_free(&juggler->waiting);
    free(juggler);
}

static const struct servsim_scheduler_ops ops = {.size = sizeof ops, .arrive = arrive, .plan = plan, .finish = finish};

static const struct servsim_plugin descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_SCHEDULER),
    .name = "juggler",
    .version = "1",
    .summary = "toy",
    .licence = "Apache-2.0",
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

void
toy_schedule(struct toy *toy, const struct toy_policy *policy)
{
    static struct ss_plugin plugin = {&descriptor, "toy"};
    current = policy;
    ss_options_free(&toy->cell.scheduler.options);
    toy->cell.scheduler.plugin = &plugin;
}
