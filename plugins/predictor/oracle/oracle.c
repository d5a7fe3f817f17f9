/*
 * predictor/oracle - knows how long each answer will be, and says so: exactly, with noise, or the wrong way round.
 */
#include <math.h>

#include "servsim/plugin.h"

static const struct servsim_option options[] = {
    {"noise", "", "0", NULL, "standard deviation of the logarithm of what it says over what is true", 0, 10,
     SERVSIM_OPTION_NUMBER, 0},
    {"wrong", "", "false", NULL, "say long for short and short for long", 0, 1, SERVSIM_OPTION_FLAG, 0},
    {"pivot", "tokens", "128", NULL, "the length that is right even when `wrong`", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
};

struct predictor {
    struct servsim_random random;
    double noise, pivot;
    int wrong;
};

/* Standard normal (Box and Muller). */
static double
normal(struct servsim_random *random)
{
    double radius = sqrt(-2 * log(servsim_random_unit(random)));
    return radius * cos(6.283185307179586 * servsim_random_unit(random));
}

static int32_t
predict(void *self, const struct servsim_sample *sample, uint32_t true_output_tokens, struct servsim_prediction *out,
        struct servsim_error *err)
{
    struct predictor *predictor = self;
    double tokens = true_output_tokens;
    (void)sample;
    (void)err;
    if (predictor->wrong)
        tokens = predictor->pivot * predictor->pivot / tokens;
    if (predictor->noise > 0)
        tokens *= exp(predictor->noise * normal(&predictor->random));
    tokens = floor(tokens + 0.5);
    out->output_tokens = tokens < 1 ? 1 : tokens > 1e9 ? 1000000000u : (uint32_t)tokens;
    out->confidence = 1; /* it would say so, wrong or not */
    return 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    predictor->random.state = host->seed(host->ctx, "predictor oracle");
    predictor->noise = servsim_number(args, "noise");
    predictor->pivot = servsim_number(args, "pivot");
    predictor->wrong = servsim_integer(args, "wrong") != 0;
    *self = predictor;
    return 0;
}

static const struct servsim_predictor_ops ops = {
    .size = sizeof ops, .flags = SERVSIM_PREDICTOR_SEES_FUTURE, .predict = predict};

static const struct servsim_plugin oracle = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_PREDICTOR, options),
    .name = "oracle",
    .version = "1.0",
    .summary =
        "sees the future: true lengths, on request with noise or the wrong way round; for bounds, not for claims",
    .licence = "Apache-2.0",
    .page = "The host tells it the true length of each answer, which nothing that could be built would know: what a "
            "scheduler gains with it is the most that predictions can give. `noise` multiplies by a log-normal factor "
            "exp(noise z), z standard normal: with 0.5 two of three answers are within a factor of 1.65. `wrong` "
            "answers pivot^2 / length, so that all short answers are taken for long ones and the other way round: "
            "the worst case for whoever trusts it. Its confidence is always 1. It foretells no traffic.",
    .options = options,
    .create = create,
    .destroy = free,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(oracle)
