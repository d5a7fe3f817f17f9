/*
 * predictive - the step of vLLM V1, less work first as it is predicted: whoever waits is ordered by it, and is admitted
 * when the KV cache will hold all that run until they end.
 */
#include "servsim/scheduler.h"

#define PREFILL_STEPS 4.0 /* a step that is full of prefill takes as long as so many that only decode */
#define SLICE_STEPS 32    /* what is thought to end within so many steps is thought to end with the last of them */
#define SLICES 128        /* that are looked ahead; what is thought to end later is thought to end with the last */

#define ENOUGH_OUTCOMES 20 /* before which nothing is known of predictions */
#define MOST_TOKENS 1e9    /* that are expected of a request */

/* The running requests that are thought to end with a slice of steps. */
struct slice {
    int64_t requests;
    int64_t tokens; /* what they hold in the KV cache at step n, less n for each of them: the same for every n */
};

struct predictive {
    struct servsim_queue queue;
    const struct servsim_host *host;
    double ageing; /* of a full engine's steps, per millisecond */
    double kv_tokens, max_num_seqs, max_num_batched_tokens;
    int64_t block_size;
    double min_order, burst;     /* options */
    uint32_t calm_tokens;        /* of a step, while no burst is forecast */
    uint32_t trusted, calm;      /* what the host says of predictions, and of the next minutes */
    double bias;                 /* predicted over true lengths so far */
    uint64_t step;               /* the number of this one */
    struct slice slices[SLICES]; /* slice i is at i modulo SLICES */
};

/* ---- what a request that waits is thought to need; its slot is its expected output, 0: nobody knows ---- */

static double
context_of(const struct predictive *all, const struct servsim_request *request)
{
    return (double)request->prompt_tokens + all->host->generated_tokens(all->host->ctx, request);
}

/* Output tokens still to come; 0: nobody knows. */
static double
left_of(const struct predictive *all, const struct servsim_request *request)
{
    double predicted = (double)(uintptr_t)request->slot;
    double left = predicted - all->host->generated_tokens(all->host->ctx, request);
    return predicted > 0 && left < 1 ? 1 : predicted > 0 ? left : 0;
}

/* Steps of a full engine: its share of places or of KV tokens, the larger, for as long as it runs, and its prefill. */
static double
work_of(const struct predictive *all, const struct servsim_request *request)
{
    double context = context_of(all, request), left = left_of(all, request);
    double place = 1 / all->max_num_seqs, kv = (context + left / 2) / all->kv_tokens;
    return left * (kv > place ? kv : place) + PREFILL_STEPS * context / all->max_num_batched_tokens;
}

/* In millionths of a step. Work less ageing x waiting time, as in servsim_aged_key(); unknown work comes first. */
static int64_t
key(void *self, const struct servsim_request *request)
{
    const struct predictive *all = self;
    double work = request->slot != NULL ? work_of(all, request) : 0;
    return (int64_t)(1e6 * ((work < 1e9 ? work : 1e9) + all->ageing * (double)servsim_arrival_ms(request)));
}

/* What is predicted, less what predictions were too long or too short by. */
static void
expect(const struct predictive *all, struct servsim_request *request)
{
    double tokens = request->predicted_output_tokens / all->bias;
    int known = all->trusted && request->predicted_output_tokens > 0;
    request->slot = (void *)(uintptr_t)(!known ? 0 : tokens < 1 ? 1 : tokens < MOST_TOKENS ? tokens : MOST_TOKENS);
}

static void
ask_quality(struct predictive *all)
{
    struct servsim_quality quality;
    int32_t known = servsim_prediction_quality(all->host, &quality);
    all->trusted = known > 0 && quality.outcomes >= ENOUGH_OUTCOMES && quality.order >= all->min_order;
    all->bias = known > 0 && quality.bias > 0 ? quality.bias : 1;
}

/* Calm: a forecast, and no burst in it. */
static void
ask_forecast(struct predictive *all)
{
    struct servsim_minute minutes[2] = {{0, 0, 0}, {0, 0, 0}}, usual = {0, 0, 0};
    int32_t known = servsim_forecast(all->host, minutes, 2, &usual);
    all->calm = known > 0;
    for (int32_t i = 0; i < known; i++)
        all->calm &= minutes[i].prompt_tokens < all->burst * usual.prompt_tokens;
}

/* With a limit on the step, a newcomer may change what the head can get. */
static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    struct predictive *all = self;
    uint32_t calm = all->calm;
    ask_quality(all);
    ask_forecast(all);
    expect(all, request);
    int32_t rc = servsim_queue_arrive(self, request, err);
    return rc == SERVSIM_DECISION_HOLDS && (calm || all->calm) ? SERVSIM_ASK_AGAIN : rc;
}

/* ---- what those that run are thought to need; slot and slot_key: a request's part of a slice, and which ---- */

static uint64_t
slice_now(const struct predictive *all)
{
    return all->step / SLICE_STEPS;
}

static struct slice *
slice_at(struct predictive *all, uint64_t slice)
{
    return &all->slices[slice % SLICES];
}

static void
add(struct slice *slice, int64_t requests, int64_t tokens)
{
    slice->requests += requests;
    slice->tokens += tokens;
}

/* Who ought to have ended with an earlier slice is thought to end with this one. */
static void
leave(void *self, struct servsim_request *request)
{
    uint64_t now = slice_now(self);
    add(slice_at(self, request->slot_key > now ? request->slot_key : now), -1, -(int64_t)(intptr_t)request->slot);
}

static void
advance(void *self, uint64_t steps)
{
    struct predictive *all = self;
    uint64_t before = slice_now(all);
    struct slice late = {0, 0};
    all->step += steps;
    for (uint64_t i = before; i < slice_now(all) && i < before + SLICES; i++) {
        add(&late, slice_at(all, i)->requests, slice_at(all, i)->tokens);
        *slice_at(all, i) = (struct slice){0, 0};
    }
    add(slice_at(all, slice_now(all)), late.requests, late.tokens);
}

/* The slice that a request would end with. */
static uint64_t
end_of(const struct predictive *all, const struct servsim_request *request)
{
    uint64_t slices = (uint64_t)(left_of(all, request) / SLICE_STEPS);
    return slice_now(all) + (slices < SLICES ? slices : SLICES - 1);
}

/* Its last block counts whole. */
static int64_t
tokens_of(const struct predictive *all, const struct servsim_request *request, uint64_t step)
{
    return (int64_t)context_of(all, request) + all->block_size - (int64_t)step;
}

/*
 * Will the KV cache hold all that run, and this request, at the end of each slice? Between two ends nobody leaves, so
 * that the most is held at an end. Time counts in slices, so that the answer stays within one.
 */
static int
fits(struct predictive *all, const struct servsim_request *request)
{
    uint64_t now = slice_now(all), end = end_of(all, request);
    struct slice then = {0, 0};
    for (uint64_t i = now + SLICES; i-- > now;) {
        add(&then, slice_at(all, i)->requests, slice_at(all, i)->tokens);
        if (i == end)
            add(&then, 1, tokens_of(all, request, now * SLICE_STEPS));
        if (then.requests > 1 && then.tokens + then.requests * (int64_t)((i + 1) * SLICE_STEPS) > all->kv_tokens)
            return 0;
    }
    return 1;
}

/* ---- the step ---- */

static int32_t
admit(struct predictive *all, struct servsim_step *step)
{
    struct servsim_request *head = servsim_heap_first(&all->queue.waiting);
    uint64_t end = end_of(all, head);
    int64_t tokens = tokens_of(all, head, all->step);
    if (head->slot != NULL && !fits(all, head)) {
        step->horizon_steps = SLICE_STEPS - all->step % SLICE_STEPS;
        return SERVSIM_NO_BLOCKS;
    }
    int32_t rc = servsim_queue_admit(&all->queue, step);
    if (rc != SERVSIM_OK)
        return rc;
    add(slice_at(all, end), 1, tokens);
    head->slot = (void *)(intptr_t)tokens;
    head->slot_key = (uint32_t)end;
    return rc;
}

/* As servsim_queue_serve_running(). */
static int32_t
serve(struct predictive *all, struct servsim_step *step)
{
    int32_t rc;
    all->queue.preempted = 0;
    while ((rc = servsim_serve_running(step, all->queue.cap)) == SERVSIM_NO_BLOCKS) {
        struct servsim_request *victim = servsim_last_running(step);
        leave(all, victim);
        expect(all, victim);
        rc = servsim_queue_preempt(&all->queue, step, victim);
        if (rc != 0)
            return rc;
        all->queue.preempted++;
    }
    return rc;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct predictive *all = self;
    (void)err;
    advance(all, 1);
    step->horizon_steps = SERVSIM_FOREVER;
    /* where prompts queue, the sooner they are through the better for all */
    int32_t rc = all->calm && all->queue.waiting.count < 2 ? servsim_limit(step, all->calm_tokens) : SERVSIM_OK;
    if (rc == SERVSIM_OK)
        rc = serve(all, step);
    while (rc == SERVSIM_OK && !all->queue.preempted && all->queue.waiting.count > 0)
        rc = admit(all, step);
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    const struct servsim_scheduler_context *limits = args->context;
    int32_t rc = servsim_queue_create(sizeof(struct predictive), key, args, self, err);
    if (rc != 0)
        return rc;
    struct predictive *all = *self;
    all->host = host;
    all->bias = 1;
    all->min_order = servsim_number(args, "min_order");
    all->burst = servsim_number(args, "burst");
    all->ageing = servsim_number(args, "ageing") / 1000;
    all->kv_tokens = (double)limits->kv_blocks_total * limits->block_size;
    all->max_num_seqs = limits->max_num_seqs;
    all->max_num_batched_tokens = limits->max_num_batched_tokens;
    all->calm_tokens = (uint32_t)(servsim_number(args, "calm_share") * limits->max_num_batched_tokens);
    all->block_size = limits->block_size;
    return 0;
}

static const struct servsim_option options[] = {
    {"ageing", "", "0.2", NULL, "steps of a full engine that a second of waiting is worth", 0, 1e6,
     SERVSIM_OPTION_NUMBER, 0},
    {"min_order", "", "-0.1", NULL,
     "predictions are trusted when pairs in the right order, less those in the wrong one, are such a share or more", -1,
     1, SERVSIM_OPTION_NUMBER, 0},
    {"burst", "", "1.5", NULL, "a minute that is forecast with so many times the usual prompt tokens is a burst", 0,
     1e6, SERVSIM_OPTION_NUMBER, 0},
    {"calm_share", "", "0.5", NULL, "of a step's tokens that are used while no burst is forecast and nobody queues",
     0.01, 1, SERVSIM_OPTION_NUMBER, 0},
    SERVSIM_QUEUE_OPTIONS,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, arrive, plan, leave, advance};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "predictive",
    .version = "1.0",
    .summary = "least predicted work first, with room kept for predicted KV; plain fcfs where predictions are bad",
    .licence = "Apache-2.0",
    .page =
        "The work of a request is what it is thought to take of the engine: the larger of its shares of places "
        "(max_num_seqs) and of KV tokens, for as many steps as it has output tokens left, and its prefill, whose full "
        "step counts as four (as it takes an A100 with a model of 8 billion parameters). Dominant shares: Ghodsi et "
        "al., Dominant Resource Fairness (NSDI 2011); the shortest first by predicted length: Fu et al., Efficient LLM "
        "Scheduling by Learning to Rank (2024). `ageing` is taken off for each second of waiting, so that whoever "
        "waits is overtaken for a bounded time. What runs is not interrupted.\n\n"
        "The head of the queue is admitted when the KV cache will hold all that run, and it, up to the end that is "
        "predicted for each, and not when its prompt fits: Gong et al., Past-Future Scheduler (ASPLOS 2025). Ends are "
        "counted in slices of 32 steps, 128 of them ahead; a request that outlives its prediction is thought to end "
        "with the slice under way. Where a KV block is missing all the same, the one admitted last goes back. With "
        "pipeline stages ends are taken for nearer than they are.\n\n"
        "Predictions are taken for what they were worth so far, as the host measures it: their length is divided by "
        "their bias, and while their order is worse than min_order, or fewer than 20 outcomes are known, none is used. "
        "Lots have an order of 0, and are used all the same: prompts are known, so that an output length without "
        "information does no harm. A request without a prediction, or with one that is not trusted, comes before those "
        "with one, in order of arrival, and is admitted as fcfs does it; where none has one, the scheduler is fcfs.\n\n"
        "Where the predictor forecasts traffic, the share of a step that prompts may take is shaped: while the minute "
        "under way and the next are no burst, and at most one request waits, a step holds calm_share of its tokens, so "
        "that decodes wait less for prompts (Agrawal et al., Sarathi-Serve, OSDI 2024); ahead of a burst, and in it, "
        "all of them, so that the burst finds as little of a queue as can be.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
