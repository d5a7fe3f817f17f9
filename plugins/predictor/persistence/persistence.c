/*
 * predictor/persistence - the next is as the last: what everything else has to beat.
 */
#include "servsim/plugin.h"

struct predictor {
    uint32_t last_length;
    int begun; /* a minute has ended */
    struct servsim_minute last;
};

static int32_t
predict(void *self, const struct servsim_sample *sample, uint32_t unused, struct servsim_prediction *out,
        struct servsim_error *err)
{
    (void)sample;
    (void)unused;
    (void)err;
    out->output_tokens = ((const struct predictor *)self)->last_length;
    return 0;
}

static int32_t
observe(void *self, const struct servsim_sample *sample, uint32_t output_tokens, struct servsim_error *err)
{
    (void)sample;
    (void)err;
    ((struct predictor *)self)->last_length = output_tokens;
    return 0;
}

static int32_t
minute(void *self, const struct servsim_minute *totals, struct servsim_error *err)
{
    struct predictor *predictor = self;
    (void)err;
    predictor->last = *totals;
    predictor->begun = 1;
    return 0;
}

static int32_t
forecast(void *self, struct servsim_minute *out, uint32_t minutes, struct servsim_error *err)
{
    const struct predictor *predictor = self;
    (void)err;
    for (uint32_t i = 0; i < minutes; i++)
        out[i] = predictor->last;
    return predictor->begun ? (int32_t)minutes : 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    (void)args;
    *self = calloc(1, sizeof(struct predictor));
    return *self != NULL ? 0 : servsim_fail(err, ENOMEM, "no memory");
}

static const struct servsim_predictor_ops ops = {
    .size = sizeof ops, .predict = predict, .observe = observe, .minute = minute, .forecast = forecast};

static const struct servsim_plugin persistence = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_PREDICTOR),
    .name = "persistence",
    .version = "1.0",
    .summary = "the next is as the last: the yardstick",
    .licence = "Apache-2.0",
    .page = "An answer will be as long as the one that finished last, and a minute will be as the one before. The "
            "results of every cell with a predictor show its errors beside those of the predictor.",
    .create = create,
    .destroy = free,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(persistence)
