/*
 * broken/kit_scheduler.c - schedulers that look sound when they are loaded, and are not: the conformance kit must find
 * each. All are first come, first served, with one twist.
 */
#include <signal.h>
#include <unistd.h>

#include "servsim/scheduler.h"

struct queue {
    struct servsim_deque waiting;
    uint64_t steps, arrivals;
    int64_t patience_ms;
    const struct servsim_host *host;
};

static int32_t
keep(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    (void)err;
    queue->arrivals++;
    return servsim_deque_push_back(&queue->waiting, request);
}

static int32_t
serve(struct queue *queue, struct servsim_step *step)
{
    int32_t rc, preempted = 0;
    while ((rc = servsim_serve_running(step, SERVSIM_NO_CAP)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim = servsim_last_running(step);
        rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
        if (rc < 0 || (rc = servsim_deque_push_front(&queue->waiting, victim)) < 0)
            return rc;
        preempted = 1;
    }
    while (rc == SERVSIM_OK && !preempted && queue->waiting.count > 0) {
        rc = servsim_admit(step, servsim_deque_front(&queue->waiting), SERVSIM_NO_CAP, 0);
        if (rc == SERVSIM_OK)
            (void)servsim_deque_pop_front(&queue->waiting);
    }
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    (void)err;
    return serve((struct queue *)self, step);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)calloc(1, sizeof *queue);
    (void)args;
    if (queue == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    queue->host = host;
    *self = queue;
    return 0;
}

static void
destroy(void *self)
{
    servsim_deque_free(&((struct queue *)self)->waiting);
    free(self);
}

/* ---- the twists ---- */

/* Every ninth request is forgotten. */
static int32_t
lose(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    return ++queue->arrivals % 9 == 0 ? SERVSIM_ASK_AGAIN : keep(self, request, err);
}

static int32_t
reject(void *self, struct servsim_request *request, struct servsim_error *err)
{
    return request->prompt_tokens > 10 ? SERVSIM_REJECT : keep(self, request, err);
}

/* Preempts somebody who is not running. */
static int32_t
preempt_wrongly(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    (void)err;
    if (queue->waiting.count > 2)
        return servsim_preempt(step, servsim_deque_front(&queue->waiting), SERVSIM_RECOMPUTE);
    return serve(queue, step);
}

/* Looks at the clock of steps, and says that it would decide the same for ever. */
static int32_t
every_seventh(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    (void)err;
    if (queue->steps++ % 7 == 0)
        return serve(queue, step);
    int32_t rc = servsim_serve_running(step, SERVSIM_NO_CAP);
    if (rc == SERVSIM_NO_BLOCKS || (rc == SERVSIM_OK && step->ops->running(step->ctx) == 0))
        return serve(queue, step);
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static void
count(void *self, uint64_t steps)
{
    ((struct queue *)self)->steps += steps;
}

/* Forgets that k may be more than one: the horizon is honest. */
static void
count_once(void *self, uint64_t steps)
{
    ((struct queue *)self)->steps += steps > 0 ? 1 : 0;
}

static int32_t
every_seventh_honestly(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    uint64_t left = 7 - queue->steps % 7;
    int32_t rc = every_seventh(self, step, err);
    step->horizon_steps = left;
    return rc;
}

/* A newcomer always finds the decision standing, also where it would have been admitted. */
static int32_t
hold(void *self, struct servsim_request *request, struct servsim_error *err)
{
    int32_t rc = keep(self, request, err);
    return rc != 0 ? rc : SERVSIM_DECISION_HOLDS;
}

/* The newest first: under overload the oldest never has its turn. */
static int32_t
newest_first(void *self, struct servsim_request *request, struct servsim_error *err)
{
    (void)err;
    return servsim_deque_push_front(&((struct queue *)self)->waiting, request);
}

/* One counter for all instances. */
static int32_t
cap_by_counter(void *self, struct servsim_step *step, struct servsim_error *err)
{
    static uint32_t calls;
    (void)err;
    int32_t rc = servsim_serve_running(step, 1 + calls++ % 5);
    return rc == SERVSIM_OK || rc == SERVSIM_NO_BLOCKS ? serve((struct queue *)self, step) : rc;
}

/* Its cap comes from memory that nobody has set. */
static int32_t
create_unset(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    /* in a block of its own size, and large: small ones come from a cache of malloc's, as they were left */
    volatile unsigned char *unset = (unsigned char *)malloc(5000);
    int32_t rc = create(host, args, self, err);
    if (rc == 0 && unset != NULL)
        ((struct queue *)*self)->steps = unset[40];
    free((void *)(uintptr_t)unset);
    return rc;
}

static int32_t
cap_by_steps(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    (void)err;
    int32_t rc = servsim_serve_running(step, 1 + (uint32_t)queue->steps);
    return rc == SERVSIM_OK || rc == SERVSIM_NO_BLOCKS ? serve(queue, step) : rc;
}

static int32_t
create_leaking(const struct servsim_host *host, const struct servsim_create *args, void **self,
               struct servsim_error *err)
{
    volatile char *lost = (char *)malloc(100);
    if (lost != NULL)
        lost[0] = 1;
    return create(host, args, self, err);
}

/* The queue stays behind where it was used. */
static void
destroy_half(void *self)
{
    free(self);
}

static int32_t
crash(void *self, struct servsim_step *step, struct servsim_error *err)
{
    if (((struct queue *)self)->arrivals > 5)
        (void)raise(SIGSEGV);
    return plan(self, step, err);
}

static int32_t
loop(void *self, struct servsim_step *step, struct servsim_error *err)
{
    while (((struct queue *)self)->arrivals > 5)
        (void)usleep(1000);
    return plan(self, step, err);
}

static int32_t
leave(void *self, struct servsim_step *step, struct servsim_error *err)
{
    if (((struct queue *)self)->arrivals > 5)
        exit(0);
    return plan(self, step, err);
}

static int32_t
eat(void *self, struct servsim_step *step, struct servsim_error *err)
{
    while (((struct queue *)self)->arrivals > 5) {
        char *block = (char *)malloc(1u << 26);
        if (block == NULL)
            return servsim_fail(err, ENOMEM, "no memory is left");
        memset(block, 1, 1u << 26);
    }
    return plan(self, step, err);
}

static int32_t
print(void *self, struct servsim_step *step, struct servsim_error *err)
{
    (void)printf("planning\n");
    return plan(self, step, err);
}

static int32_t
create_silently(const struct servsim_host *host, const struct servsim_create *args, void **self,
                struct servsim_error *err)
{
    return servsim_integer(args, "cap") > 50 ? -EINVAL : create(host, args, self, err);
}

/* One request at a time, until the first of the queue has waited for longer than `patience`: a decision that time alone
   changes, and nothing is said of until when it holds. */
static int32_t
until_patience_ends(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    const struct servsim_request *head = servsim_deque_front(&queue->waiting);
    (void)err;
    if (head == NULL || step->ops->running(step->ctx) == 0 ||
        servsim_ms(step->now_s, step->now_ps) - servsim_arrival_ms(head) > queue->patience_ms)
        return serve(queue, step);
    int32_t rc = servsim_serve_running(step, SERVSIM_NO_CAP);
    if (rc == SERVSIM_NO_BLOCKS)
        return serve(queue, step);
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
create_patient(const struct servsim_host *host, const struct servsim_create *args, void **self,
               struct servsim_error *err)
{
    int32_t rc = create(host, args, self, err);
    if (rc == 0)
        ((struct queue *)*self)->patience_ms = (int64_t)(servsim_number(args, "patience") * 1000);
    return rc;
}

static const struct servsim_option patience[] = {
    {"patience", "s", "1e6", NULL, "how long a request waits", 0, 1e9, SERVSIM_OPTION_NUMBER, 0},
};

/* Says so through a service that schedulers have not. */
static int32_t
log_it(void *self, struct servsim_step *step, struct servsim_error *err)
{
    const struct servsim_host *host = ((struct queue *)self)->host;
    host->log(host->ctx, SERVSIM_LOG_INFO, "planning");
    return plan(self, step, err);
}

/* Admits somebody who runs already. */
static int32_t
admit_twice(void *self, struct servsim_step *step, struct servsim_error *err)
{
    int32_t rc = plan(self, step, err);
    struct servsim_request *last = servsim_last_running(step);
    return rc == 0 && last != NULL ? servsim_admit(step, last, SERVSIM_NO_CAP, 0) : rc;
}

static int32_t
preempt_nobody(void *self, struct servsim_step *step, struct servsim_error *err)
{
    int32_t rc = plan(self, step, err);
    return rc == 0 ? servsim_preempt(step, NULL, SERVSIM_RECOMPUTE) : rc;
}

/* Admits nobody until it has been asked ten times. */
static int32_t
after_ten(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct queue *queue = (struct queue *)self;
    (void)err;
    if (++queue->steps % 10 == 0)
        return serve(queue, step);
    int32_t rc = servsim_serve_running(step, SERVSIM_NO_CAP);
    if (rc == SERVSIM_NO_BLOCKS)
        return serve(queue, step);
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static const struct servsim_option options[] = {
    {"cap", "", "1", NULL, "nothing", 1, 100, SERVSIM_OPTION_INTEGER, 0},
};

#define OPS(arrive_, plan_, advance_)                                                                                  \
    {                                                                                                                  \
        sizeof(struct servsim_scheduler_ops), 0, (arrive_), (plan_), NULL, (advance_)                                  \
    }

static const struct servsim_scheduler_ops operations[] = {
    OPS(lose, plan, NULL),
    OPS(reject, plan, NULL),
    OPS(keep, preempt_wrongly, NULL),
    OPS(keep, every_seventh, count),
    OPS(keep, every_seventh_honestly, count_once),
    OPS(hold, plan, NULL),
    OPS(newest_first, plan, NULL),
    OPS(keep, cap_by_counter, NULL),
    OPS(keep, cap_by_steps, NULL),
    OPS(keep, plan, NULL),
    OPS(keep, crash, NULL),
    OPS(keep, loop, NULL),
    OPS(keep, leave, NULL),
    OPS(keep, eat, NULL),
    OPS(keep, print, NULL),
    OPS(keep, until_patience_ends, NULL),
    OPS(keep, log_it, NULL),
    OPS(keep, after_ten, NULL),
    OPS(keep, admit_twice, NULL),
    OPS(keep, preempt_nobody, NULL),
};

#define PLUGIN_WITH(options_, name_, create_, destroy_, ops_)                                                          \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options_),                                                         \
            .name = (name_), .version = "1", .summary = "broken", .licence = "Apache-2.0", .options = (options_),      \
            .create = (create_), .destroy = (destroy_), .ops = &operations[(ops_)]                                     \
    }
#define PLUGIN(name_, create_, destroy_, ops_)                                                                         \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_SCHEDULER), .name = (name_), .version = "1", .summary = "broken",       \
                                                           .licence = "Apache-2.0", .create = (create_),               \
                                                           .destroy = (destroy_), .ops = &operations[(ops_)]           \
    }

static const struct servsim_plugin plugins[] = {
    PLUGIN("loses", create, destroy, 0),
    PLUGIN("rejects", create, destroy, 1),
    PLUGIN("breaks_rules", create, destroy, 2),
    PLUGIN("horizon_lies", create, destroy, 3),
    PLUGIN("advance_lies", create, destroy, 4),
    PLUGIN("holds_lies", create, destroy, 5),
    PLUGIN("starves", create, destroy, 6),
    PLUGIN("shares", create, destroy, 7),
    PLUGIN("unset", create_unset, destroy, 8),
    PLUGIN("leaks", create_leaking, destroy, 9),
    PLUGIN("leaks_queue", create, destroy_half, 9),
    PLUGIN("crashes", create, destroy, 10),
    PLUGIN("loops", create, destroy, 11),
    PLUGIN("exits", create, destroy, 12),
    PLUGIN("eats", create, destroy, 13),
    PLUGIN("prints", create, destroy, 14),
    PLUGIN_WITH(options, "no_text", create_silently, destroy, 9),
    PLUGIN_WITH(patience, "impatient", create_patient, destroy, 15),
    PLUGIN("logs", create, destroy, 16),
    PLUGIN("tenth", create, destroy, 17),
    PLUGIN("twice", create, destroy, 18),
    PLUGIN("nobody", create, destroy, 19),
    PLUGIN("sound", create, destroy, 9),
};

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    if (index >= sizeof plugins / sizeof plugins[0])
        return 0;
    *out = &plugins[index];
    return 1;
}
