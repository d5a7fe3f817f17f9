/*
 * sjf - shortest job first: the step of vLLM V1 over a queue ordered by length.
 */
#include "servsim/scheduler.h"

struct sjf {
    struct servsim_queue queue;
    int64_t ageing; /* tokens per second */
};

static int64_t
key(void *self, const struct servsim_request *request)
{
    const struct sjf *sjf = self;
    return servsim_aged_key(servsim_expected_tokens(request), sjf->ageing, request);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    int32_t rc = servsim_queue_create(sizeof(struct sjf), key, args, self, err);
    (void)host;
    if (rc != 0)
        return rc;
    struct sjf *sjf = *self;
    sjf->ageing = servsim_integer(args, "ageing");
    sjf->queue.by_key = 1;
    return 0;
}

static const struct servsim_option options[] = {
    SERVSIM_QUEUE_OPTIONS,
    SERVSIM_AGEING_OPTION,
};

static const struct servsim_scheduler_ops ops = {sizeof ops, 0, servsim_queue_arrive, servsim_queue_plan, NULL, NULL};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_SCHEDULER, options),
    .name = "sjf",
    .version = "1.0",
    .summary = "shortest job first, by predicted length or else by the prompt's, with ageing",
    .licence = "Apache-2.0",
    .page = "Orders the queue by predicted output tokens where a predictor is named, otherwise by prompt tokens, less "
            "`ageing` tokens for each second of waiting; what runs is not interrupted, but where a KV block is missing "
            "the longest goes back into the queue. Shortest first by predicted length: Fu et al., Efficient LLM "
            "Scheduling by Learning to Rank (2024); Qiu et al., speculative shortest-job-first (2024).\n\n"
            "With ageing: 0 long requests may wait for ever.",
    .options = options,
    .create = create,
    .destroy = servsim_queue_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
