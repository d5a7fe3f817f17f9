/*
 * srpt - shortest remaining processing time: as sjf, but a request that runs loses its place to one with less left.
 */
#include "servsim/scheduler.h"

struct srpt {
    struct servsim_preemptive all; /* drift: what is left of those that run falls by a token a step */
    const struct servsim_host *host;
    int64_t ageing; /* tokens per second */
};

static int64_t
key(void *self, const struct servsim_request *request)
{
    const struct srpt *srpt = self;
    int64_t left = servsim_expected_tokens(request) - (int64_t)srpt->host->generated_tokens(srpt->host->ctx, request);
    return servsim_aged_key(left > 1 ? left : 1, srpt->ageing, request);
}

static void
advance(void *self, uint64_t steps)
{
    ((struct srpt *)self)->all.drift += 1000 * (int64_t)steps;
}

static int32_t
plan(void *self, struct servsim_step *step, struct servsim_error *err)
{
    struct srpt *srpt = self;
    (void)err;
    advance(srpt, 1);
    int32_t rc = servsim_preemptive_serve(&srpt->all, step);
    while (rc == SERVSIM_OK && !srpt->all.queue.preempted && srpt->all.queue.waiting.count > 0)
        rc = servsim_preemptive_admit(&srpt->all, step);
    /* those that run have ever less left, so who waits goes on waiting */
    step->horizon_steps = SERVSIM_FOREVER;
    return rc < 0 ? rc : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_preemptive_create(sizeof(struct srpt), key, args, self, err);
    if (rc != 0)
        return rc;
    struct srpt *srpt = *self;
    srpt->host = host;
    srpt->ageing = servsim_integer(args, "ageing");
    return 0;
}

static const struct servsim_option options[] = {
    SERVSIM_QUEUE_OPTIONS,
    SERVSIM_AGEING_OPTION,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, servsim_queue_arrive, plan, servsim_preemptive_finish,
                                                 advance};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "srpt",
    .version = "1.0",
    .summary = "shortest remaining processing time, by predicted length or else by the prompt's, with ageing",
    .licence = "Apache-2.0",
    .page =
        "Orders by output tokens that are still to come: predicted ones, less those that are out; where no predictor "
        "is named, the prompt's length stands for the prediction. A request that waits takes the place of the "
        "running one with the most left, where that is more than its own. The other keeps its KV blocks until they "
        "are needed. `ageing` tokens are taken off for each second since arrival. Shortest remaining first on "
        "predicted lengths: Shahout et al., TRAIL (2024).\n\n"
        "With ageing: 0 long requests may wait for ever.",
    .options = options,
    .create = create,
    .destroy = servsim_preemptive_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
