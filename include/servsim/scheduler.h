/*
 * servsim/scheduler.h - the part that most schedulers share: a queue ordered by a key, and the step of vLLM V1 over it.
 *
 * A scheduler that differs from first come, first served by its ordering alone is a key and a descriptor: begin the
 * instance with a struct servsim_queue, make it with servsim_queue_create(), and let servsim_queue_arrive() and
 * servsim_queue_plan() be its operations. One that composes its steps otherwise calls the smaller pieces. Everything
 * here goes through servsim/plugin.h; nothing is linked.
 */
#ifndef SERVSIM_SCHEDULER_H
#define SERVSIM_SCHEDULER_H

#include "servsim/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- keys ---------------------------------------------------------------------------------------------------- */

/* Smaller is sooner. It must not depend on the time of the call, but on the request and on what happened to it. */
typedef int64_t (*servsim_key_fn)(void *self, const struct servsim_request *request);

/* Milliseconds of a time, rounded down. */
static inline int64_t
servsim_ms(int64_t seconds, int64_t picoseconds)
{
    return seconds * 1000 + picoseconds / 1000000000;
}

static inline int64_t
servsim_arrival_ms(const struct servsim_request *request)
{
    return servsim_ms(request->arrival_s, request->arrival_ps);
}

/* How long the request is thought to be: output tokens where a predictor is named, otherwise its prompt's. */
static inline int64_t
servsim_expected_tokens(const struct servsim_request *request)
{
    return request->predicted_output_tokens > 0 ? request->predicted_output_tokens : request->prompt_tokens;
}

/*
 * size - rate x waiting time, as size + rate x arrival: what waits gains on what comes later, but time alone changes no
 * order. In thousandths of a token; `rate` is in tokens a second and at most 1e6, sizes are at most 1e15.
 */
static inline int64_t
servsim_aged_key(int64_t size_tokens, int64_t rate, const struct servsim_request *request)
{
    return size_tokens * 1000 + rate * servsim_arrival_ms(request);
}

/* ---- the queue ----------------------------------------------------------------------------------------------- */

struct servsim_queue {
    struct servsim_heap waiting;
    servsim_key_fn key;
    uint32_t cap;       /* most prefill tokens of one request in one step */
    uint32_t flags;     /* of admit(), for prompts that are computed for the first time */
    uint32_t longest;   /* prompts above are rejected */
    uint32_t how;       /* requests lose their place by SERVSIM_RECOMPUTE or SERVSIM_SWAP */
    uint32_t by_key;    /* the running one with the largest key loses it first, and not the one admitted last */
    uint32_t preempted; /* in the step being composed, because a block was missing */
};

/* Options of every scheduler that is made of a queue. */
#define SERVSIM_PREEMPTION_OPTION                                                                                      \
    {                                                                                                                  \
        "preemption", "", "recompute", "recompute|swap",                                                               \
            "what becomes of the KV blocks of a request that loses its place", 0, 0, SERVSIM_OPTION_CHOICE, 0          \
    }
#define SERVSIM_QUEUE_OPTIONS                                                                                          \
    {"chunked_prefill",   "", "true", NULL, "split prompts that do not fit into a step's token budget", 0, 1,          \
     SERVSIM_OPTION_FLAG, 0},                                                                                          \
        {"long_prefill_threshold",                                                                                     \
         "tokens",                                                                                                     \
         "0",                                                                                                          \
         NULL,                                                                                                         \
         "most prefill tokens of one request in one step; 0: no limit",                                                \
         0,                                                                                                            \
         1e9,                                                                                                          \
         SERVSIM_OPTION_INTEGER,                                                                                       \
         0},                                                                                                           \
        SERVSIM_PREEMPTION_OPTION
#define SERVSIM_AGEING_OPTION                                                                                          \
    {                                                                                                                  \
        "ageing", "", "10", NULL, "tokens that a second of waiting is worth", 0, 1e6, SERVSIM_OPTION_INTEGER, 0        \
    }

/* Prompts are computed whole from now on, so that those above the budget of a step have no chance. */
static inline void
servsim_queue_whole_prompts(struct servsim_queue *queue, const struct servsim_create *args)
{
    const struct servsim_scheduler_context *limits = (const struct servsim_scheduler_context *)args->context;
    queue->flags |= SERVSIM_WHOLE_PROMPT;
    queue->longest = limits->max_num_batched_tokens;
}

/* Makes an instance of `size` bytes that begins with a queue, set up from the options that the plugin declares. */
static inline int32_t
servsim_queue_create(size_t size, servsim_key_fn key, const struct servsim_create *args, void **self,
                     struct servsim_error *err)
{
    struct servsim_queue *queue = (struct servsim_queue *)calloc(1, size);
    if (queue == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    int64_t cap = servsim_integer(args, "long_prefill_threshold");
    const char *how = servsim_text(args, "preemption");
    queue->key = key;
    queue->cap = cap > 0 ? (uint32_t)cap : SERVSIM_NO_CAP;
    queue->longest = UINT32_MAX;
    queue->how = how != NULL && strcmp(how, "swap") == 0 ? SERVSIM_SWAP : SERVSIM_RECOMPUTE;
    if (servsim_value_of(args, "chunked_prefill") != NULL && !servsim_integer(args, "chunked_prefill"))
        servsim_queue_whole_prompts(queue, args);
    *self = queue;
    return 0;
}

/* destroy() of an instance that owns nothing else. */
static inline void
servsim_queue_destroy(void *self)
{
    servsim_heap_free(&((struct servsim_queue *)self)->waiting);
    free(self);
}

static inline int32_t
servsim_queue_push(struct servsim_queue *queue, struct servsim_request *request)
{
    return servsim_heap_push(&queue->waiting, queue->key(queue, request), request);
}

/* arrive(): behind a head that could not be admitted, a newcomer changes nothing until a request finishes. */
static inline int32_t
servsim_queue_arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct servsim_queue *queue = (struct servsim_queue *)self;
    struct servsim_request *head = servsim_heap_first(&queue->waiting);
    if (request->prompt_tokens > queue->longest)
        return SERVSIM_REJECT;
    if (servsim_queue_push(queue, request) != 0)
        return servsim_fail(err, ENOMEM, "no memory");
    return head != NULL && servsim_heap_first(&queue->waiting) == head ? SERVSIM_DECISION_HOLDS : SERVSIM_ASK_AGAIN;
}

/* Of those running the one with the largest key, or NULL. Looks at each of them. */
static inline struct servsim_request *
servsim_queue_worst_running(struct servsim_queue *queue, struct servsim_step *step)
{
    struct servsim_request *worst = servsim_last_running(step);
    int64_t worst_key = worst != NULL ? queue->key(queue, worst) : 0;
    for (struct servsim_request *other = worst; other != NULL; other = servsim_running_before(step, other)) {
        int64_t key = queue->key(queue, other);
        if (key > worst_key) {
            worst_key = key;
            worst = other;
        }
    }
    return worst;
}

/* Takes a running request's place and puts it back into the queue. Computed again where the host's memory is full. */
static inline int32_t
servsim_queue_preempt(struct servsim_queue *queue, struct servsim_step *step, struct servsim_request *victim)
{
    int32_t rc = servsim_preempt(step, victim, queue->how);
    if (rc == SERVSIM_NO_HOST_BLOCKS)
        rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
    return rc != 0 ? rc : servsim_queue_push(queue, victim);
}

/* All that run get what comes next, where need be at the expense of one of them. */
static inline int32_t
servsim_queue_serve_running(struct servsim_queue *queue, struct servsim_step *step)
{
    int32_t rc;
    queue->preempted = 0;
    while ((rc = servsim_serve_running(step, queue->cap)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim =
            queue->by_key ? servsim_queue_worst_running(queue, step) : servsim_last_running(step);
        rc = servsim_queue_preempt(queue, step, victim);
        if (rc != 0)
            return rc;
        queue->preempted++;
    }
    return rc;
}

/* Admits the head of the queue: SERVSIM_OK, or what it lacks. */
static inline int32_t
servsim_queue_admit(struct servsim_queue *queue, struct servsim_step *step)
{
    struct servsim_request *head = servsim_heap_first(&queue->waiting);
    /* what is computed again can be longer than any prompt, so it may be split */
    uint32_t flags = head->preemptions > 0 ? queue->flags & ~SERVSIM_WHOLE_PROMPT : queue->flags;
    int32_t rc = servsim_admit(step, head, queue->cap, flags);
    if (rc == SERVSIM_OK)
        (void)servsim_heap_pop(&queue->waiting);
    return rc;
}

/*
 * plan(): the step of vLLM V1. Running requests first; where a block is missing, one of them goes back into the queue.
 * Then, unless that happened, the queue in order until the first that does not fit.
 */
static inline int32_t
servsim_queue_plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct servsim_queue *queue = (struct servsim_queue *)self;
    int32_t rc = servsim_queue_serve_running(queue, step);
    (void)err;
    while (rc == SERVSIM_OK && !queue->preempted && queue->waiting.count > 0)
        rc = servsim_queue_admit(queue, step);
    /* blocks only get fewer while a batch decodes, so a head that waits goes on waiting */
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

/* ---- those that run in order of the key, too ----------------------------------------------------------------- */

/*
 * A queue whose head takes the place of the running request with the largest key, where that is larger than its own.
 * For want of a place the other is paused: its KV blocks stay until somebody needs them. For want of blocks, paused
 * requests go first, then running ones, from the largest key down, as queue.how says.
 *
 * Begin the instance with it, make it with servsim_preemptive_create(), call servsim_preemptive_serve() and
 * servsim_preemptive_admit() in plan(), and let servsim_preemptive_finish() be finish(). slot_key is taken.
 */
struct servsim_preemptive {
    struct servsim_queue queue;
    struct servsim_heap running; /* by minus (key + drift), as of when it was admitted: the worst is first */
    struct servsim_heap paused;  /* by minus key; all of them are in the queue as well */
    int64_t drift; /* the scheduler's: by how much the keys of all that run have fallen so far; may be 0 */
};

static inline int32_t
servsim_preemptive_create(size_t size, servsim_key_fn key, const struct servsim_create *args, void **self,
                          struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(size, key, args, self, err);
    if (rc != 0)
        return rc;
    ((struct servsim_preemptive *)*self)->running.indexed = 1;
    ((struct servsim_preemptive *)*self)->paused.indexed = 1;
    return 0;
}

static inline void
servsim_preemptive_destroy(void *self)
{
    servsim_heap_free(&((struct servsim_preemptive *)self)->running);
    servsim_heap_free(&((struct servsim_preemptive *)self)->paused);
    servsim_queue_destroy(self);
}

static inline void
servsim_preemptive_finish(void *self, struct servsim_request *request)
{
    servsim_heap_remove(&((struct servsim_preemptive *)self)->running, request);
}

/* A running request's key has changed. */
static inline int32_t
servsim_preemptive_rekey(struct servsim_preemptive *all, struct servsim_request *request)
{
    servsim_heap_remove(&all->running, request);
    return servsim_heap_push(&all->running, -(all->queue.key(all, request) + all->drift), request);
}

/* The running request with the largest key loses its place, and keeps its blocks. */
static inline int32_t
servsim_preemptive_pause(struct servsim_preemptive *all, struct servsim_step *step)
{
    struct servsim_request *victim = servsim_heap_pop(&all->running);
    int32_t rc = servsim_preempt(step, victim, SERVSIM_PAUSE);
    if (rc == 0)
        rc = servsim_heap_push(&all->paused, -all->queue.key(all, victim), victim);
    return rc != 0 ? rc : servsim_queue_push(&all->queue, victim);
}

/* Blocks are missing: those of a paused request, or else of a running one, both with the largest key. */
static inline int32_t
servsim_preemptive_make_room(struct servsim_preemptive *all, struct servsim_step *step)
{
    if (all->paused.count == 0)
        return servsim_queue_preempt(&all->queue, step, servsim_heap_pop(&all->running));
    struct servsim_request *victim = servsim_heap_pop(&all->paused);
    int32_t rc = servsim_preempt(step, victim, all->queue.how);
    return rc == SERVSIM_NO_HOST_BLOCKS ? servsim_preempt(step, victim, SERVSIM_RECOMPUTE) : rc;
}

/* All that run get what comes next. */
static inline int32_t
servsim_preemptive_serve(struct servsim_preemptive *all, struct servsim_step *step)
{
    int32_t rc;
    all->queue.preempted = 0;
    while ((rc = servsim_serve_running(step, all->queue.cap)) == SERVSIM_NO_BLOCKS) {
        rc = servsim_preemptive_make_room(all, step);
        if (rc != 0)
            return rc;
        all->queue.preempted++;
    }
    return rc;
}

/* May the head of the queue, which lacks what `rc` says, get it from somebody with a larger key? */
static inline int
servsim_preemptive_may_take(const struct servsim_preemptive *all, int32_t rc)
{
    const struct servsim_heap_item *head = &all->queue.waiting.items[0];
    if (rc == SERVSIM_NO_BLOCKS && all->paused.count > 0 && all->paused.items[0].request != head->request)
        return 1;
    return (rc == SERVSIM_NO_BLOCKS || rc == SERVSIM_NO_SLOT) && all->running.count > 0 &&
           head->key < -all->running.items[0].key - all->drift;
}

/* Admits the head of the queue, where need be in somebody's place: SERVSIM_OK, or what it lacks. */
static inline int32_t
servsim_preemptive_admit(struct servsim_preemptive *all, struct servsim_step *step)
{
    struct servsim_heap_item head = all->queue.waiting.items[0];
    int32_t rc;
    while ((rc = servsim_queue_admit(&all->queue, step)) > 0) {
        if (!servsim_preemptive_may_take(all, rc))
            return rc;
        rc = rc == SERVSIM_NO_SLOT ? servsim_preemptive_pause(all, step) : servsim_preemptive_make_room(all, step);
        if (rc != 0)
            return rc;
    }
    if (rc < 0)
        return rc;
    if (servsim_heap_holds(&all->paused, head.request))
        servsim_heap_remove(&all->paused, head.request);
    return servsim_heap_push(&all->running, -(head.key + all->drift), head.request);
}

#ifdef __cplusplus
}
#endif

#endif
