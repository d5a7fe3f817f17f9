/*
 * predictor/dlinear - the next minutes as two linear maps of the last ones: of their moving average, and of the rest.
 *
 * Zeng, Chen, Zhang, Xu: Are Transformers Effective for Time Series Forecasting? (AAAI 2023). Each channel (requests,
 * prompt tokens, output tokens) has maps of its own. They are fitted by least squares with a penalty, on the history
 * alone: of several penalties the one that errs least on the last fifth of it is kept, and the maps are fitted once
 * more on all of it.
 */
#include "../common/lengths.h"
#include "ridge.h"

#define CHANNELS 3u
#define AHEAD 3u   /* minutes */
#define PLAIN 5u   /* minutes whose mean is forecast without maps */
#define MARGIN 30u /* examples that a history must have at least */

static const struct servsim_option options[] = {
    {"window", "", "120", NULL, "minutes that the maps look back on", 4, 480, SERVSIM_OPTION_INTEGER, 0},
    {"average", "", "25", NULL, "minutes of the moving average", 1, 480, SERVSIM_OPTION_INTEGER, 0},
};

struct predictor {
    const struct servsim_host *host;
    uint32_t window, average;
    double *series; /* CHANNELS figures for each minute so far */
    uint64_t count, capacity;
    double mean[CHANNELS], deviation[CHANNELS]; /* of the history */
    struct ridge shape;                         /* sums of the channel being fitted */
    double *weights[CHANNELS];                  /* NULL: no maps */
    double *input;                              /* moving average, the rest, 1 */
    double *trial;                              /* weights that are being tried */
    struct lengths lengths;
};

/* ---- the decomposition ---- */

static double
scaled(const struct predictor *predictor, uint64_t minute, uint32_t channel)
{
    return (predictor->series[minute * CHANNELS + channel] - predictor->mean[channel]) / predictor->deviation[channel];
}

/* Of the window that begins at `from`; its first and last minute stand for what lies outside. */
static void
decompose(struct predictor *predictor, uint64_t from, uint32_t channel)
{
    int64_t window = predictor->window, before = (predictor->average - 1) / 2, behind = predictor->average / 2;
    double first = scaled(predictor, from, channel), last = scaled(predictor, from + predictor->window - 1, channel);
    double sum = 0;
    for (int64_t at = -before; at <= behind; at++)
        sum += at < 0 ? first : at >= window ? last : scaled(predictor, from + (uint64_t)at, channel);
    for (int64_t at = 0; at < window; at++) {
        int64_t enters = at + behind + 1, leaves = at - before;
        predictor->input[at] = sum / predictor->average;
        predictor->input[window + at] = scaled(predictor, from + (uint64_t)at, channel) - predictor->input[at];
        sum += enters >= window ? last : scaled(predictor, from + (uint64_t)enters, channel);
        sum -= leaves < 0 ? first : scaled(predictor, from + (uint64_t)leaves, channel);
    }
    predictor->input[2 * window] = 1;
}

/* ---- training ---- */

static void
scale(struct predictor *predictor, uint32_t channel)
{
    double sum = 0, squares = 0, count = (double)predictor->count;
    for (uint64_t i = 0; i < predictor->count; i++)
        sum += predictor->series[i * CHANNELS + channel];
    predictor->mean[channel] = sum / count;
    for (uint64_t i = 0; i < predictor->count; i++) {
        double off = predictor->series[i * CHANNELS + channel] - predictor->mean[channel];
        squares += off * off;
    }
    predictor->deviation[channel] = squares > 0 ? sqrt(squares / count) : 1;
}

static void
target_of(const struct predictor *predictor, uint64_t from, uint32_t channel, double *target)
{
    for (uint32_t i = 0; i < AHEAD; i++)
        target[i] = scaled(predictor, from + predictor->window + i, channel);
}

static void
add_examples(struct predictor *predictor, uint32_t channel, uint64_t from, uint64_t to)
{
    double target[AHEAD];
    for (uint64_t at = from; at < to; at++) {
        decompose(predictor, at, channel);
        target_of(predictor, at, channel, target);
        ridge_add(&predictor->shape, predictor->input, target);
    }
}

static double
squared_errors(struct predictor *predictor, uint32_t channel, uint64_t from, uint64_t to)
{
    double target[AHEAD], sum = 0;
    for (uint64_t at = from; at < to; at++) {
        decompose(predictor, at, channel);
        target_of(predictor, at, channel, target);
        for (uint32_t i = 0; i < AHEAD; i++) {
            double error = ridge_value(&predictor->shape, predictor->trial, predictor->input, i) - target[i];
            sum += error * error;
        }
    }
    return sum;
}

static void
fit(struct predictor *predictor, uint32_t channel)
{
    static const double penalties[] = {1e-3, 1e-1, 1, 10, 100, 1e3, 1e4};
    uint64_t examples = predictor->count - predictor->window - AHEAD + 1, kept = examples - examples / 5;
    double best = HUGE_VAL, best_penalty = 1;
    struct ridge *shape = &predictor->shape;
    scale(predictor, channel);
    memset(shape->gram, 0, (size_t)shape->inputs * shape->inputs * sizeof *shape->gram);
    memset(shape->cross, 0, (size_t)shape->inputs * shape->targets * sizeof *shape->cross);
    add_examples(predictor, channel, 0, kept);
    for (size_t i = 0; i < sizeof penalties / sizeof penalties[0]; i++) {
        ridge_solve(shape, penalties[i], predictor->trial);
        double errors = squared_errors(predictor, channel, kept, examples);
        if (errors < best) {
            best = errors;
            best_penalty = penalties[i];
        }
    }
    add_examples(predictor, channel, kept, examples);
    ridge_solve(shape, best_penalty, predictor->weights[channel]);
}

static int32_t
train(void *self, struct servsim_error *err)
{
    struct predictor *predictor = self;
    uint64_t least = (uint64_t)predictor->window + AHEAD + MARGIN;
    size_t weights = (size_t)(2 * predictor->window + 1) * AHEAD;
    char text[200];
    if (predictor->count < least) {
        (void)snprintf(text, sizeof text,
                       "the history has %llu whole minutes and %llu are needed: forecasts are means of the last %u",
                       (unsigned long long)predictor->count, (unsigned long long)least, PLAIN);
        predictor->host->log(predictor->host->ctx, SERVSIM_LOG_WARNING, text);
        return 0;
    }
    predictor->trial = calloc(weights, sizeof *predictor->trial);
    if (predictor->trial == NULL || ridge_init(&predictor->shape, 2 * predictor->window + 1, AHEAD) != 0)
        return servsim_fail(err, ENOMEM, "no memory for the maps");
    for (uint32_t channel = 0; channel < CHANNELS; channel++) {
        predictor->weights[channel] = calloc(weights, sizeof(double));
        if (predictor->weights[channel] == NULL)
            return servsim_fail(err, ENOMEM, "no memory for the maps");
        fit(predictor, channel);
    }
    return 0;
}

/* ---- forecasts ---- */

static int32_t
minute(void *self, const struct servsim_minute *totals, struct servsim_error *err)
{
    struct predictor *predictor = self;
    if (predictor->count == predictor->capacity) {
        uint64_t capacity = predictor->capacity > 0 ? predictor->capacity * 2 : 1024;
        double *series = realloc(predictor->series, (size_t)capacity * CHANNELS * sizeof *series);
        if (series == NULL)
            return servsim_fail(err, ENOMEM, "no memory for %llu minutes", (unsigned long long)capacity);
        predictor->series = series;
        predictor->capacity = capacity;
    }
    double *at = predictor->series + predictor->count++ * CHANNELS;
    at[0] = totals->requests;
    at[1] = totals->prompt_tokens;
    at[2] = totals->output_tokens;
    return 0;
}

static double
mean_of_last(const struct predictor *predictor, uint32_t channel)
{
    uint64_t count = predictor->count < PLAIN ? predictor->count : PLAIN;
    double sum = 0;
    for (uint64_t i = predictor->count - count; i < predictor->count; i++)
        sum += predictor->series[i * CHANNELS + channel];
    return sum / (double)count;
}

/* Never below nothing. */
static void
forecast_channel(struct predictor *predictor, uint32_t channel, double *out)
{
    int mapped = predictor->weights[CHANNELS - 1] != NULL && predictor->count >= predictor->window;
    if (mapped)
        decompose(predictor, predictor->count - predictor->window, channel);
    for (uint32_t i = 0; i < AHEAD; i++) {
        double total = mapped ? ridge_value(&predictor->shape, predictor->weights[channel], predictor->input, i) *
                                        predictor->deviation[channel] +
                                    predictor->mean[channel]
                              : mean_of_last(predictor, channel);
        out[i] = total > 0 ? total : 0;
    }
}

static int32_t
forecast(void *self, struct servsim_minute *out, uint32_t minutes, struct servsim_error *err)
{
    struct predictor *predictor = self;
    double totals[CHANNELS][AHEAD];
    (void)err;
    if (predictor->count == 0)
        return 0;
    for (uint32_t channel = 0; channel < CHANNELS; channel++)
        forecast_channel(predictor, channel, totals[channel]);
    uint32_t count = minutes < AHEAD ? minutes : AHEAD;
    for (uint32_t i = 0; i < count; i++)
        out[i] = (struct servsim_minute){totals[0][i], totals[1][i], totals[2][i]};
    return (int32_t)count;
}

/* ---- lengths ---- */

static int32_t
predict(void *self, const struct servsim_sample *sample, uint32_t unused, struct servsim_prediction *out,
        struct servsim_error *err)
{
    (void)unused;
    return lengths_predict(&((struct predictor *)self)->lengths, sample, 20, 0, out, err);
}

static int32_t
observe(void *self, const struct servsim_sample *sample, uint32_t output_tokens, struct servsim_error *err)
{
    return lengths_observe(&((struct predictor *)self)->lengths, sample, output_tokens, err);
}

/* ---- the plugin ---- */

static void
destroy(void *self)
{
    struct predictor *predictor = self;
    for (uint32_t channel = 0; channel < CHANNELS; channel++)
        free(predictor->weights[channel]);
    ridge_free(&predictor->shape);
    lengths_free(&predictor->lengths);
    free(predictor->series);
    free(predictor->input);
    free(predictor->trial);
    free(predictor);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    predictor->host = host;
    predictor->window = (uint32_t)servsim_integer(args, "window");
    predictor->average = (uint32_t)servsim_integer(args, "average");
    predictor->input = calloc(2 * (size_t)predictor->window + 1, sizeof *predictor->input);
    if (predictor->input == NULL || predictor->average > predictor->window) {
        uint32_t most = predictor->window;
        int rc = predictor->input == NULL
                     ? servsim_fail(err, ENOMEM, "no memory")
                     : servsim_fail(err, EINVAL, "average is longer than the window; write %u or less", most);
        destroy(predictor);
        return rc;
    }
    *self = predictor;
    return 0;
}

static const struct servsim_predictor_ops ops = {
    .size = sizeof ops, .predict = predict, .observe = observe, .train = train, .minute = minute, .forecast = forecast};

static const struct servsim_plugin dlinear = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_PREDICTOR, options),
    .name = "dlinear",
    .version = "1.0",
    .summary = "linear maps from the last two hours to the next three minutes, fitted to the history",
    .licence = "Apache-2.0",
    .page =
        "Forecasts requests, prompt tokens and output tokens of the next three minutes from the last `window`: each "
        "channel is scaled by the history's mean and deviation, split into a moving average and the rest, and each "
        "part has a linear map (Zeng et al., AAAI 2023). The maps are the least-squares solution with a penalty on "
        "the weights, which is chosen by the errors on the last fifth of the history; nothing behind the history "
        "is used. A history of fewer than window + 33 whole minutes is too short: then, and without a history, "
        "forecasts are means of the last 5 minutes, and a warning says so.\n\n"
        "Lengths are those of the histogram predictor.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(dlinear)
