/*
 * slo - least slack first: whoever must start soonest to meet its deadline. Those that cannot meet it any more go last.
 */
#include "servsim/scheduler.h"

struct slo {
    struct servsim_queue queue;
    double prompt_ms, output_ms; /* what a token is thought to take */
    int64_t target_ms;           /* of requests without a deadline: after arrival */
};

/* Behind every request that may still be in time. */
#define LATE_MS (INT64_C(1) << 60)

/* When it must start, as the slack shrinks for all alike: slack + now. */
static int64_t
latest_start_ms(const struct slo *slo, const struct servsim_request *request)
{
    int64_t deadline = request->deadline_s == SERVSIM_NEVER ? servsim_arrival_ms(request) + slo->target_ms
                                                            : servsim_ms(request->deadline_s, request->deadline_ps);
    return deadline -
           (int64_t)(slo->prompt_ms * request->prompt_tokens + slo->output_ms * request->predicted_output_tokens);
}

/* slot != NULL: late. */
static int64_t
key(void *self, const struct servsim_request *request)
{
    return latest_start_ms(self, request) + (request->slot != NULL ? LATE_MS : 0);
}

static int32_t
arrive(void *self, struct servsim_request *request, struct servsim_error *err)
{
    request->slot = NULL;
    return servsim_queue_arrive(self, request, err);
}

/* Heads that have become late go behind. The step's end of validity is when the next one will. */
static int32_t
let_late_ones_pass(struct slo *slo, struct servsim_step *step)
{
    int64_t now = servsim_ms(step->now_s, step->now_ps), latest = 0;
    struct servsim_request *head;
    while ((head = servsim_heap_first(&slo->queue.waiting)) != NULL && head->slot == NULL) {
        latest = latest_start_ms(slo, head) + 1; /* late from this millisecond on */
        if (latest > now)
            break;
        (void)servsim_heap_pop(&slo->queue.waiting);
        head->slot = head;
        if (servsim_queue_push(&slo->queue, head) != 0)
            return -ENOMEM;
    }
    if (head != NULL && head->slot == NULL) {
        step->until_s = latest / 1000;
        step->until_ps = latest % 1000 * 1000000000;
    }
    return 0;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct slo *slo = self;
    int32_t rc = servsim_queue_serve_running(&slo->queue, step);
    (void)err;
    do {
        int32_t failed = let_late_ones_pass(slo, step);
        if (failed != 0)
            return failed;
    } while (rc == SERVSIM_OK && !slo->queue.preempted && slo->queue.waiting.count > 0 &&
             (rc = servsim_queue_admit(&slo->queue, step)) == SERVSIM_OK);
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(sizeof(struct slo), key, args, self, err);
    (void)host;
    if (rc != 0)
        return rc;
    struct slo *slo = *self;
    slo->prompt_ms = servsim_number(args, "prompt_token");
    slo->output_ms = servsim_number(args, "output_token");
    slo->target_ms = (int64_t)servsim_number(args, "target");
    slo->queue.by_key = 1;
    return 0;
}

static const struct servsim_option options[] = {
    {"target", "ms", "10s", NULL, "deadline of requests that bring none, after arrival", 1, 1e9, SERVSIM_OPTION_NUMBER,
     0},
    {"prompt_token", "ms", "0.1ms", NULL, "what a prompt token is thought to take", 0, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"output_token", "ms", "20ms", NULL, "what an output token is thought to take, where a predictor says how many", 0,
     1e6, SERVSIM_OPTION_NUMBER, 0},
    SERVSIM_QUEUE_OPTIONS,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, SERVSIM_SCHEDULER_MAY_STARVE, arrive, plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "slo",
    .version = "1.0",
    .summary = "least slack first: whoever must start soonest to meet its deadline",
    .licence = "Apache-2.0",
    .page = "Least slack (least laxity) first, as in real-time scheduling (Dertouzos and Mok, 1989): the slack is the "
            "deadline, less now, less what the request is thought to take (`prompt_token` for each prompt token, "
            "`output_token` for each predicted output token). It shrinks for all alike, so the order is that of the "
            "latest start. Requests without a deadline of their own get `target` after arrival. Where a KV block is "
            "missing, the running request with the latest start goes back into the queue.\n\n"
            "A request that is too late to start in time goes behind all that are not, so that an overload does not "
            "make everybody late; under steady overload such requests may wait for ever.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
