/*
 * predictor/histogram - an answer will be as long as answers to such prompts were.
 */
#include "../common/lengths.h"

static const struct servsim_option options[] = {
    {"figure", "", "mean", "mean|median",
     "of the lengths seen: the mean makes totals come out, the median most requests", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"enough", "", "20", NULL, "lengths that a table must have seen before it is asked", 1, 1e9, SERVSIM_OPTION_INTEGER,
     0},
};

struct predictor {
    struct lengths lengths;
    uint64_t enough;
    int median;
};

static int32_t
predict(void *self, const struct servsim_sample *sample, uint32_t unused, struct servsim_prediction *out,
        struct servsim_error *err)
{
    struct predictor *predictor = self;
    (void)unused;
    return lengths_predict(&predictor->lengths, sample, predictor->enough, predictor->median, out, err);
}

static int32_t
observe(void *self, const struct servsim_sample *sample, uint32_t output_tokens, struct servsim_error *err)
{
    return lengths_observe(&((struct predictor *)self)->lengths, sample, output_tokens, err);
}

static void
destroy(void *self)
{
    struct predictor *predictor = self;
    lengths_free(&predictor->lengths);
    free(predictor);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    predictor->enough = (uint64_t)servsim_integer(args, "enough");
    predictor->median = strcmp(servsim_text(args, "figure"), "median") == 0;
    *self = predictor;
    return 0;
}

static const struct servsim_predictor_ops ops = {.size = sizeof ops, .predict = predict, .observe = observe};

static const struct servsim_plugin histogram = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_PREDICTOR, options),
    .name = "histogram",
    .version = "1.0",
    .summary = "lengths as they were, by class and length of the prompt; learns from each request that finishes",
    .licence = "Apache-2.0",
    .page = "Counts the lengths of answers by label of the traffic and octave of the prompt's length, and predicts the "
            "mean (or the median) of the narrowest table that has seen `enough` of them: label and prompt, label, "
            "prompt, everything. Its confidence is the share of that table within a factor of two of what it says. "
            "It begins with the history (workload: {history: N}) or with nothing, and then learns from each request "
            "that finishes. Where lengths depend neither on the label nor on the prompt, as in generated traffic that "
            "draws them apart, it can tell requests apart no better than lots; the quality that the host measures "
            "says so. It foretells no traffic.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(histogram)
