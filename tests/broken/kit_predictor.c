/*
 * broken/kit_predictor.c - predictors that look sound when they are loaded, and are not: the conformance kit must find
 * each.
 */
#include <time.h>

#include "servsim/plugin.h"

struct predictor {
    uint32_t last;
};

static int32_t
predict(void *self, const struct servsim_sample *sample, uint32_t truth, struct servsim_prediction *out,
        struct servsim_error *err)
{
    (void)sample;
    (void)truth;
    (void)err;
    out->output_tokens = ((struct predictor *)self)->last;
    return 0;
}

static int32_t
predict_surely(void *self, const struct servsim_sample *sample, uint32_t truth, struct servsim_prediction *out,
               struct servsim_error *err)
{
    int32_t rc = predict(self, sample, truth, out, err);
    out->confidence = 100;
    return rc;
}

static int32_t
predict_silently(void *self, const struct servsim_sample *sample, uint32_t truth, struct servsim_prediction *out,
                 struct servsim_error *err)
{
    return sample->prompt_tokens > 4000 ? -ERANGE : predict(self, sample, truth, out, err);
}

static int32_t
predict_peeking(void *self, const struct servsim_sample *sample, uint32_t truth, struct servsim_prediction *out,
                struct servsim_error *err)
{
    int32_t rc = predict(self, sample, truth, out, err);
    out->output_tokens += truth;
    return rc;
}

static uint32_t shared;

static int32_t
predict_shared(void *self, const struct servsim_sample *sample, uint32_t truth, struct servsim_prediction *out,
               struct servsim_error *err)
{
    int32_t rc = predict(self, sample, truth, out, err);
    out->output_tokens = ++shared;
    return rc;
}

static int32_t
predict_by_clock(void *self, const struct servsim_sample *sample, uint32_t truth, struct servsim_prediction *out,
                 struct servsim_error *err)
{
    struct timespec now;
    int32_t rc = predict(self, sample, truth, out, err);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    out->output_tokens = 1 + (uint32_t)now.tv_nsec;
    return rc;
}

static int32_t
observe(void *self, const struct servsim_sample *sample, uint32_t output_tokens, struct servsim_error *err)
{
    (void)sample;
    (void)err;
    ((struct predictor *)self)->last = output_tokens;
    return 0;
}

static int32_t
forecast_below(void *self, struct servsim_minute *out, uint32_t minutes, struct servsim_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i < minutes; i++)
        out[i].requests = 1 - (double)i;
    return (int32_t)minutes;
}

static int32_t
forecast_beyond(void *self, struct servsim_minute *out, uint32_t minutes, struct servsim_error *err)
{
    (void)self;
    (void)err;
    for (uint32_t i = 0; i <= minutes; i++)
        out[i].requests = 1;
    return (int32_t)minutes;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    (void)args;
    *self = calloc(1, sizeof(struct predictor));
    return *self != NULL ? 0 : servsim_fail(err, ENOMEM, "no memory");
}

static const struct servsim_predictor_ops kinds[] = {
    {.size = sizeof kinds[0], .predict = predict_surely, .observe = observe},
    {.size = sizeof kinds[0], .predict = predict_silently, .observe = observe},
    {.size = sizeof kinds[0], .predict = predict_peeking, .observe = observe},
    {.size = sizeof kinds[0], .predict = predict_shared, .observe = observe},
    {.size = sizeof kinds[0], .predict = predict_by_clock, .observe = observe},
    {.size = sizeof kinds[0], .predict = predict, .observe = observe, .forecast = forecast_below},
    {.size = sizeof kinds[0], .predict = predict, .observe = observe, .forecast = forecast_beyond},
};

#define PLUGIN(name_, ops_)                                                                                            \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_PREDICTOR), .name = (name_), .version = "1", .summary = "broken",       \
                                                           .licence = "Apache-2.0", .create = create, .destroy = free, \
                                                           .ops = (ops_)                                               \
    }

static const struct servsim_plugin plugins[] = {
    PLUGIN("surely", &kinds[0]), PLUGIN("silent", &kinds[1]), PLUGIN("peeks", &kinds[2]),  PLUGIN("shares", &kinds[3]),
    PLUGIN("clock", &kinds[4]),  PLUGIN("below", &kinds[5]),  PLUGIN("beyond", &kinds[6]),
};

SERVSIM_PLUGINS(plugins)
