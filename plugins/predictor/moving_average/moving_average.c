/*
 * predictor/moving_average - the next is as the last few were on average.
 */
#include "servsim/plugin.h"

static const struct servsim_option options[] = {
    {"requests", "", "50", NULL, "finished requests whose mean length is predicted", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    {"minutes", "", "5", NULL, "minutes whose mean is forecast", 1, 1e5, SERVSIM_OPTION_INTEGER, 0},
};

struct predictor {
    uint32_t *lengths; /* rings */
    struct servsim_minute *past;
    uint64_t length_count, past_count; /* seen in all */
    uint64_t length_room, past_room;
    uint64_t length_sum;
};

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int32_t
predict(void *self, const struct servsim_sample *sample, uint32_t unused, struct servsim_prediction *out,
        struct servsim_error *err)
{
    const struct predictor *predictor = self;
    uint64_t count = least(predictor->length_count, predictor->length_room);
    (void)sample;
    (void)unused;
    (void)err;
    out->output_tokens = count > 0 ? (uint32_t)((predictor->length_sum + count / 2) / count) : 0;
    return 0;
}

static int32_t
observe(void *self, const struct servsim_sample *sample, uint32_t output_tokens, struct servsim_error *err)
{
    struct predictor *predictor = self;
    uint32_t *at = &predictor->lengths[predictor->length_count % predictor->length_room];
    (void)sample;
    (void)err;
    predictor->length_sum += output_tokens;
    predictor->length_sum -= predictor->length_count >= predictor->length_room ? *at : 0;
    *at = output_tokens;
    predictor->length_count++;
    return 0;
}

static int32_t
minute(void *self, const struct servsim_minute *totals, struct servsim_error *err)
{
    struct predictor *predictor = self;
    (void)err;
    predictor->past[predictor->past_count++ % predictor->past_room] = *totals;
    return 0;
}

static int32_t
forecast(void *self, struct servsim_minute *out, uint32_t minutes, struct servsim_error *err)
{
    const struct predictor *predictor = self;
    uint64_t count = least(predictor->past_count, predictor->past_room);
    struct servsim_minute sum = {0, 0, 0};
    (void)err;
    for (uint64_t i = 0; i < count; i++) {
        sum.requests += predictor->past[i].requests;
        sum.prompt_tokens += predictor->past[i].prompt_tokens;
        sum.output_tokens += predictor->past[i].output_tokens;
    }
    for (uint32_t i = 0; i < minutes && count > 0; i++)
        out[i] = (struct servsim_minute){sum.requests / (double)count, sum.prompt_tokens / (double)count,
                                         sum.output_tokens / (double)count};
    return count > 0 ? (int32_t)minutes : 0;
}

static void
destroy(void *self)
{
    struct predictor *predictor = self;
    free(predictor->lengths);
    free(predictor->past);
    free(predictor);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    predictor->length_room = (uint64_t)servsim_integer(args, "requests");
    predictor->past_room = (uint64_t)servsim_integer(args, "minutes");
    predictor->lengths = calloc(predictor->length_room, sizeof *predictor->lengths);
    predictor->past = calloc(predictor->past_room, sizeof *predictor->past);
    if (predictor->lengths == NULL || predictor->past == NULL) {
        destroy(predictor);
        return servsim_fail(err, ENOMEM, "no memory");
    }
    *self = predictor;
    return 0;
}

static const struct servsim_predictor_ops ops = {
    .size = sizeof ops, .predict = predict, .observe = observe, .minute = minute, .forecast = forecast};

static const struct servsim_plugin moving_average = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_PREDICTOR, options),
    .name = "moving_average",
    .version = "1.0",
    .summary = "lengths and minutes as the last few were on average",
    .licence = "Apache-2.0",
    .page = "Predicts the mean length of the last `requests` requests that finished, and for each of the next minutes "
            "the mean of the last `minutes`. It tells no request from another, so its order is no better than lots.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(moving_average)
