/*
 * fair - a virtual token counter for each client (Sheng et al., Fairness in Serving Large Language Models, OSDI 2024):
 * the client that has had least comes next.
 */
#include "servsim/scheduler.h"

/* One client. Its counter stands for prompt tokens admitted and for output tokens, at their weights. */
struct client {
    uint64_t id;
    int64_t counter; /* in thousandths, up to `since` */
    int64_t since;   /* on the clock of steps */
    int64_t running; /* each gets an output token a step */
    struct servsim_deque waiting;
    struct client *next; /* of the same bucket */
};

struct fair {
    struct client **buckets; /* by id; as many as a power of two */
    uint64_t bucket_count, client_count;
    struct servsim_deque
        joining; /* first requests of clients that had none waiting: at the next step they get a turn */
    /* One waiting request for each client that has any, by a counter that its client has reached or passed. */
    struct servsim_heap turns;
    struct client *chosen; /* whose turn it is, until it has had it or somebody arrives or finishes */
    int64_t clock, last_counter;
    int64_t prompt_weight, output_weight; /* in thousandths */
    uint32_t cap, how;
};

static struct client **
bucket_of(const struct fair *fair, uint64_t id)
{
    return &fair->buckets[(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (fair->bucket_count - 1)];
}

/* Twice as many buckets: 0 or -ENOMEM. */
static int32_t
spread(struct fair *fair)
{
    struct fair old = *fair;
    fair->bucket_count = old.bucket_count > 0 ? 2 * old.bucket_count : 64;
    fair->buckets = (struct client **)calloc(fair->bucket_count, sizeof *fair->buckets);
    if (fair->buckets == NULL) {
        *fair = old;
        return -ENOMEM;
    }
    for (uint64_t i = 0; i < old.bucket_count; i++)
        while (old.buckets[i] != NULL) {
            struct client *client = old.buckets[i], **bucket = bucket_of(fair, client->id);
            old.buckets[i] = client->next;
            client->next = *bucket;
            *bucket = client;
        }
    free(old.buckets);
    return 0;
}

/* Made when it is first seen; NULL without memory. */
static struct client *
client_of(struct fair *fair, uint64_t id)
{
    if (fair->client_count == fair->bucket_count && spread(fair) != 0)
        return NULL;
    struct client **bucket = bucket_of(fair, id), *client = *bucket;
    while (client != NULL && client->id != id)
        client = client->next;
    if (client == NULL && (client = (struct client *)calloc(1, sizeof *client)) != NULL) {
        client->id = id;
        client->next = *bucket;
        *bucket = client;
        fair->client_count++;
    }
    return client;
}

/* The counter as of now: output tokens since the last look are those of whole steps. */
static int64_t
counter_of(const struct fair *fair, struct client *client)
{
    client->counter += client->running * (fair->clock - client->since) * fair->output_weight;
    client->since = fair->clock;
    return client->counter;
}

/* Whose counter is smallest; ties in order of arrival. Counters only grow, so a key that is out of date is too small.
 */
static struct client *
choose(struct fair *fair)
{
    while (fair->chosen == NULL && fair->turns.count > 0) {
        struct client *client = (struct client *)fair->turns.items[0].request->slot;
        int64_t counter = counter_of(fair, client);
        if (fair->turns.items[0].key == counter)
            fair->chosen = client;
        else {
            struct servsim_request *first = servsim_heap_pop(&fair->turns);
            (void)servsim_heap_push(&fair->turns, counter, first); /* where one was popped there is room */
        }
    }
    return fair->chosen;
}

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct fair *fair = self;
    struct client *client = client_of(fair, request->client);
    if (client == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a client");
    int joins = client->waiting.count == 0;
    request->slot = client;
    if (servsim_deque_push_back(&client->waiting, request) != 0 ||
        (joins && servsim_deque_push_back(&fair->joining, request) != 0))
        return servsim_fail(err, ENOMEM, "no memory");
    return joins || fair->chosen == NULL ? SERVSIM_ASK_AGAIN : SERVSIM_DECISION_HOLDS;
}

/* A client that comes back has not saved up: it starts where the one with least among those that wait is. */
static int32_t
join(struct fair *fair)
{
    struct servsim_request *request;
    while ((request = servsim_deque_pop_front(&fair->joining)) != NULL) {
        struct client *client = (struct client *)request->slot;
        int64_t least = fair->turns.count > 0 ? fair->turns.items[0].key : fair->last_counter;
        int64_t counter = counter_of(fair, client);
        client->counter = counter > least ? counter : least;
        fair->chosen = NULL;
        if (servsim_heap_push(&fair->turns, client->counter, request) != 0)
            return -ENOMEM;
    }
    return 0;
}

/* The chosen client's first request starts; its prompt is charged at once, but not twice. */
static int32_t
admit(struct fair *fair, struct servsim_step *step)
{
    struct client *client = choose(fair);
    struct servsim_request *head = servsim_deque_front(&client->waiting);
    int32_t rc = servsim_admit(step, head, fair->cap, 0);
    if (rc != SERVSIM_OK)
        return rc;
    (void)servsim_deque_pop_front(&client->waiting);
    (void)servsim_heap_pop(&fair->turns);
    fair->last_counter = counter_of(fair, client);
    client->counter += head->preemptions == 0 ? head->prompt_tokens * fair->prompt_weight : 0;
    client->running++;
    fair->chosen = NULL;
    if (client->waiting.count > 0)
        (void)servsim_heap_push(&fair->turns, client->counter, servsim_deque_front(&client->waiting));
    return SERVSIM_OK;
}

static int32_t
preempt_last(struct fair *fair, struct servsim_step *step)
{
    struct servsim_request *victim = servsim_last_running(step);
    struct client *client = (struct client *)victim->slot;
    int32_t rc = servsim_preempt(step, victim, fair->how);
    if (rc == SERVSIM_NO_HOST_BLOCKS)
        rc = servsim_preempt(step, victim, SERVSIM_RECOMPUTE);
    if (rc != 0)
        return rc;
    int64_t counter = counter_of(fair, client);
    client->running--;
    fair->chosen = NULL;
    if (client->waiting.count == 0 && servsim_heap_push(&fair->turns, counter, victim) != 0)
        return -ENOMEM;
    return servsim_deque_push_front(&client->waiting, victim);
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct fair *fair = self;
    int32_t rc = join(fair), preempted = 0;
    (void)err;
    if (rc != 0)
        return rc;
    while ((rc = servsim_serve_running(step, fair->cap)) == SERVSIM_NO_BLOCKS) {
        if ((rc = preempt_last(fair, step)) != 0)
            return rc;
        preempted = 1;
    }
    while (rc == SERVSIM_OK && !preempted && fair->turns.count > 0)
        rc = admit(fair, step);
    fair->clock++;
    /* whose turn it is has been decided, whatever the others get meanwhile */
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static void
finish(void *self, struct servsim_request *request)
{
    struct fair *fair = self;
    struct client *client = (struct client *)request->slot;
    (void)counter_of(fair, client);
    client->running--;
    fair->chosen = NULL;
}

static void
advance(void *self, uint64_t steps)
{
    ((struct fair *)self)->clock += (int64_t)steps;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct fair *fair = (struct fair *)calloc(1, sizeof *fair);
    (void)host;
    if (fair == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    int64_t cap = servsim_integer(args, "long_prefill_threshold");
    fair->cap = cap > 0 ? (uint32_t)cap : SERVSIM_NO_CAP;
    fair->how = strcmp(servsim_text(args, "preemption"), "swap") == 0 ? SERVSIM_SWAP : SERVSIM_RECOMPUTE;
    fair->prompt_weight = (int64_t)(servsim_number(args, "prompt_weight") * 1000);
    fair->output_weight = (int64_t)(servsim_number(args, "output_weight") * 1000);
    *self = fair;
    return 0;
}

static void
destroy(void *self)
{
    struct fair *fair = self;
    for (uint64_t i = 0; i < fair->bucket_count; i++)
        while (fair->buckets[i] != NULL) {
            struct client *client = fair->buckets[i];
            fair->buckets[i] = client->next;
            servsim_deque_free(&client->waiting);
            free(client);
        }
    free(fair->buckets);
    servsim_deque_free(&fair->joining);
    servsim_heap_free(&fair->turns);
    free(fair);
}

static const struct servsim_option options[] = {
    {"prompt_weight", "", "1", NULL, "what a prompt token counts", 0, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"output_weight", "", "2", NULL, "what an output token counts", 0, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"long_prefill_threshold", "tokens", "0", NULL, "most prefill tokens of one request in one step; 0: no limit", 0,
     1e9, SERVSIM_OPTION_INTEGER, 0},
    SERVSIM_PREEMPTION_OPTION,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, arrive, plan, finish, advance};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "fair",
    .version = "1.0",
    .summary = "the client that has had the fewest tokens comes next (virtual token counter)",
    .licence = "Apache-2.0",
    .page =
        "Sheng et al., Fairness in Serving Large Language Models (VTC, OSDI 2024): each client has a counter of the "
        "tokens that it was given, prompt tokens at `prompt_weight` when a request starts and output tokens at "
        "`output_weight` as they come; the waiting client with the smallest counter is next, and its requests go "
        "in order of arrival. A client that had nothing waiting is lifted to the smallest counter of those that "
        "wait. The paper's weights are 1 and 2, and two clients that both have requests waiting stay within a fixed "
        "bound of each other's service.\n\n"
        "Two liberties: an output token is charged for each step that a request runs, its prompt's steps included; "
        "and whose turn it is, once decided, stays until that request starts, or another client arrives, or a "
        "request finishes.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
