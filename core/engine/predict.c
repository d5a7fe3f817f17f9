/*
 * engine/predict.c - the host's side of predictors: samples, minutes, outcomes, and the measure of all three.
 *
 * Minutes end lazily, at the first arrival, finish or question after their end. Arrivals and finishes come at the same
 * times in both modes, so a predictor hears the same in the same order.
 */
#include "engine/predict.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/child.h"
#include "engine/cluster.h"

#define USUAL_MINUTES 60u

struct label {
    struct label *next;
    char text[sizeof((struct servsim_arrival *)NULL)->label];
};

struct ss_predictor {
    struct ss_instance instance;
    const struct servsim_predictor_ops *ops;
    struct label *labels;
    ss_time interval, minute_begin;
    struct servsim_minute minute;              /* the one under way */
    struct servsim_minute past[USUAL_MINUTES]; /* a ring of those that ended */
    uint64_t past_count;
    struct servsim_minute past_sum;                           /* of the ring: whole numbers, so never rounded */
    struct servsim_minute usual;                              /* their mean */
    struct servsim_minute foretold[SS_HORIZONS][SS_HORIZONS]; /* when (a ring), for which minute ahead */
    struct servsim_minute foretold_usual[SS_HORIZONS];        /* what was usual then */
    uint32_t foretold_count[SS_HORIZONS];                     /* minutes ahead that were foretold then */
    struct ss_quality_window quality;
    struct ss_predictions result;
    uint32_t last_length; /* of the request that finished last */
    int in_run;
};

static int
breach(const struct ss_predictor *predictor, const char *entry, int rc, const struct servsim_error *why,
       struct servsim_error *err)
{
    if (rc >= 0)
        return rc;
    return servsim_fail(err, EPROTO, "predictor plugin '%s': %s(): %.800s", predictor->instance.descriptor->name, entry,
                        why->text[0] != '\0' ? why->text : "failed, and does not say why");
}

#define HAS(predictor_, entry_)                                                                                        \
    (SERVSIM_COVERS((predictor_)->ops, struct servsim_predictor_ops, entry_) && (predictor_)->ops->entry_ != NULL)

/* ---- making ---- */

int
ss_predictor_create(struct ss_cluster *cluster, struct servsim_error *err)
{
    const struct ss_cell *cell = cluster->cell;
    if (cell->predictor.plugin == NULL)
        return 0;
    struct ss_predictor *predictor = calloc(1, sizeof *predictor);
    if (predictor == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a predictor");
    cluster->predictor = predictor;
    predictor->interval = cell->predictor_interval_ps > 0 ? cell->predictor_interval_ps : 60 * SS_PS_PER_S;
    int rc = ss_instance_create(&predictor->instance, &cell->predictor, &cluster->host, NULL, err);
    if (rc != 0)
        return rc;
    predictor->ops = predictor->instance.descriptor->ops;
    predictor->result.present = 1;
    predictor->result.sees_future = (predictor->ops->flags & SERVSIM_PREDICTOR_SEES_FUTURE) != 0;
    return 0;
}

void
ss_predictor_destroy(struct ss_predictor *predictor)
{
    if (predictor == NULL)
        return;
    ss_instance_destroy(&predictor->instance);
    while (predictor->labels != NULL) {
        struct label *next = predictor->labels->next;
        free(predictor->labels);
        predictor->labels = next;
    }
    free(predictor);
}

/* Traffic has a handful of labels; the one asked for comes to the front. */
const char *
ss_predictor_label(struct ss_predictor *predictor, const char *text)
{
    struct label **at = &predictor->labels;
    while (*at != NULL && strncmp((*at)->text, text, sizeof((*at)->text) - 1) != 0)
        at = &(*at)->next;
    struct label *label = *at;
    if (label != NULL)
        *at = label->next;
    else if ((label = calloc(1, sizeof *label)) != NULL)
        memcpy(label->text, text, strnlen(text, sizeof label->text - 1));
    else
        return NULL;
    label->next = predictor->labels;
    predictor->labels = label;
    return label->text;
}

/* ---- minutes ---- */

static double
channel(const struct servsim_minute *minute, uint32_t index)
{
    return index == 0 ? minute->requests : index == 1 ? minute->prompt_tokens : minute->output_tokens;
}

static int
is_burst(double requests, double usual)
{
    return usual > 0 && requests > SS_BURST_FACTOR * usual;
}

static void
score_burst(struct ss_bursts *bursts, int foretold, int came)
{
    bursts->hits += foretold && came;
    bursts->false_alarms += foretold && !came;
    bursts->missed += !foretold && came;
}

/* One forecast, made `ahead` + 1 minutes ago for the minute that has ended now, and persistence's of that time. */
static void
score(struct ss_predictor *predictor, uint32_t ahead, int came)
{
    uint64_t made = predictor->past_count - ahead; /* minutes that had ended when it was made */
    uint32_t at = (uint32_t)(made % SS_HORIZONS);
    if (made == 0 || predictor->foretold_count[at] <= ahead)
        return;
    const struct servsim_minute *told[SS_PREDICTED_BY] = {&predictor->foretold[at][ahead],
                                                          &predictor->past[(made - 1) % USUAL_MINUTES]};
    for (uint32_t by = 0; by < SS_PREDICTED_BY; by++) {
        for (uint32_t i = 0; i < SS_CHANNELS; i++)
            ss_errors_add(&predictor->result.traffic[by][i][ahead], channel(told[by], i),
                          channel(&predictor->minute, i));
        score_burst(&predictor->result.bursts[by][ahead],
                    is_burst(told[by]->requests, predictor->foretold_usual[at].requests), came);
    }
}

static void
score_all(struct ss_predictor *predictor)
{
    int came = is_burst(predictor->minute.requests, predictor->usual.requests);
    predictor->result.minutes++;
    for (uint32_t ahead = 0; ahead < SS_HORIZONS && ahead < predictor->past_count; ahead++)
        score(predictor, ahead, came);
}

static void
add_to_past(struct ss_predictor *predictor)
{
    struct servsim_minute *sum = &predictor->past_sum,
                          *place = &predictor->past[predictor->past_count++ % USUAL_MINUTES];
    sum->requests += predictor->minute.requests - place->requests;
    sum->prompt_tokens += predictor->minute.prompt_tokens - place->prompt_tokens;
    sum->output_tokens += predictor->minute.output_tokens - place->output_tokens;
    *place = predictor->minute;
    double count = (double)(predictor->past_count < USUAL_MINUTES ? predictor->past_count : USUAL_MINUTES);
    predictor->usual =
        (struct servsim_minute){sum->requests / count, sum->prompt_tokens / count, sum->output_tokens / count};
}

static int
is_fit(const struct servsim_minute *minute)
{
    for (uint32_t i = 0; i < SS_CHANNELS; i++)
        if (!isfinite(channel(minute, i)) || channel(minute, i) < 0)
            return 0;
    return 1;
}

/* Asks for the minutes after those that have ended. */
static int
foretell(struct ss_predictor *predictor, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    uint32_t at = (uint32_t)(predictor->past_count % SS_HORIZONS);
    struct servsim_minute *out = predictor->foretold[at];
    predictor->foretold_count[at] = 0;
    predictor->foretold_usual[at] = predictor->usual;
    if (!HAS(predictor, forecast))
        return 0;
    memset(out, 0, SS_HORIZONS * sizeof *out);
    int32_t rc = predictor->ops->forecast(predictor->instance.self, out, SS_HORIZONS, &why);
    if (rc < 0)
        return breach(predictor, "forecast", rc, &why, err);
    if (rc > (int32_t)SS_HORIZONS)
        return servsim_fail(err, EPROTO, "predictor plugin '%s': forecast() says that it filled in %d of %u minutes",
                            predictor->instance.descriptor->name, rc, SS_HORIZONS);
    for (int32_t i = 0; i < rc; i++)
        if (!is_fit(&out[i]))
            return servsim_fail(err, EPROTO, "predictor plugin '%s': forecast() foretells a negative or infinite total",
                                predictor->instance.descriptor->name);
    predictor->foretold_count[at] = (uint32_t)rc;
    predictor->result.forecasts += rc > 0;
    return 0;
}

static int
end_minute(struct ss_predictor *predictor, int scored, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    int rc = 0;
    if (predictor->in_run && scored)
        score_all(predictor);
    add_to_past(predictor);
    if (HAS(predictor, minute))
        rc = breach(predictor, "minute", predictor->ops->minute(predictor->instance.self, &predictor->minute, &why),
                    &why, err);
    predictor->minute = (struct servsim_minute){0, 0, 0};
    predictor->minute_begin += predictor->interval;
    if (rc < 0)
        return rc;
    return predictor->in_run ? foretell(predictor, err) : 0;
}

static int
is_empty(const struct servsim_minute *minute)
{
    return !(minute->requests > 0 || minute->prompt_tokens > 0 || minute->output_tokens > 0);
}

/* Where nothing came for as long as anybody looks back, and the predictor does not ask for minutes, the next ones leave
   nothing but their number. The last few are ended one by one: forecasts are looked for in them. */
static void
skip_minutes(struct ss_predictor *predictor, ss_time time, int scored)
{
    if (HAS(predictor, minute) || HAS(predictor, forecast) || predictor->past_count < USUAL_MINUTES ||
        !is_empty(&predictor->past_sum) || !is_empty(&predictor->minute))
        return;
    uint64_t ended = (uint64_t)((time - predictor->minute_begin) / predictor->interval);
    uint64_t skipped = ended > SS_HORIZONS ? ended - SS_HORIZONS : 0;
    predictor->past_count += skipped;
    predictor->minute_begin += (ss_time)skipped * predictor->interval;
    predictor->result.minutes += predictor->in_run && scored ? skipped : 0;
}

/* Minutes that have ended by `time`. Those behind the last arrival are not looked at: nobody asked for them. */
static int
end_minutes(struct ss_predictor *predictor, ss_time time, int scored, struct servsim_error *err)
{
    if (time < predictor->minute_begin + predictor->interval)
        return 0;
    double begun_s = ss_clock_s();
    int rc = 0;
    while (rc == 0 && time >= predictor->minute_begin + predictor->interval) {
        rc = end_minute(predictor, scored, err);
        skip_minutes(predictor, time, scored);
    }
    predictor->result.minute_s += ss_clock_s() - begun_s;
    return rc;
}

/* ---- requests ---- */

/* Fills *tokens, cut to what the model can hold. */
static int
predict(struct ss_cluster *cluster, const struct servsim_sample *sample, uint32_t truth, uint32_t *tokens,
        double *confidence, struct servsim_error *err)
{
    struct ss_predictor *predictor = cluster->predictor;
    struct servsim_error why = {.size = sizeof why};
    struct servsim_prediction out = {.size = sizeof out};
    int rc = predictor->ops->predict(predictor->instance.self, sample, predictor->result.sees_future ? truth : 0, &out,
                                     &why);
    if (rc < 0)
        return breach(predictor, "predict", rc, &why, err);
    if (!(out.confidence >= 0 && out.confidence <= 1))
        return servsim_fail(err, EPROTO, "predictor plugin '%s': predict() has a confidence of %g; 0 to 1 are allowed",
                            predictor->instance.descriptor->name, out.confidence);
    uint32_t limit = cluster->cell->max_model_len;
    uint32_t room = sample->prompt_tokens < limit ? limit - sample->prompt_tokens : 1;
    *tokens = out.output_tokens < room ? out.output_tokens : room;
    *confidence = out.output_tokens > 0 ? out.confidence : 0;
    return 0;
}

static int
learn_one(struct ss_cluster *cluster, const struct ss_past *past, struct servsim_error *err)
{
    struct ss_predictor *predictor = cluster->predictor;
    struct servsim_error why = {.size = sizeof why};
    uint32_t tokens = 0;
    double confidence;
    int rc = end_minutes(predictor, past->time, 0, err);
    if (rc == 0)
        rc = predict(cluster, &past->sample, past->output_tokens, &tokens, &confidence, err);
    if (rc != 0)
        return rc;
    ss_quality_add(&predictor->quality, tokens, past->output_tokens);
    predictor->last_length = past->output_tokens;
    if (past->time >= predictor->minute_begin) {
        predictor->minute.requests++;
        predictor->minute.prompt_tokens += past->sample.prompt_tokens;
        predictor->minute.output_tokens += past->output_tokens;
    }
    void *self = predictor->instance.self;
    if (HAS(predictor, learn))
        rc = breach(predictor, "learn", predictor->ops->learn(self, &past->sample, past->output_tokens, &why), &why,
                    err);
    else if (HAS(predictor, observe))
        rc = breach(predictor, "observe", predictor->ops->observe(self, &past->sample, past->output_tokens, &why), &why,
                    err);
    return rc < 0 ? rc : 0;
}

int
ss_predictor_learn(struct ss_cluster *cluster, const struct ss_past *past, size_t count, struct servsim_error *err)
{
    struct ss_predictor *predictor = cluster->predictor;
    struct servsim_error why = {.size = sizeof why};
    double begun_s = ss_clock_s();
    int rc = 0;
    /* whole minutes, counted back from the run */
    predictor->minute_begin = count > 0 ? past[0].time / predictor->interval * predictor->interval : 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = learn_one(cluster, &past[i], err);
    if (rc == 0)
        rc = end_minutes(predictor, 0, 0, err);
    if (rc == 0 && HAS(predictor, train))
        rc = breach(predictor, "train", predictor->ops->train(predictor->instance.self, &why), &why, err);
    predictor->result.history_requests = count;
    predictor->result.history_minutes = predictor->past_count;
    predictor->result.history_s = ss_clock_s() - begun_s;
    return rc < 0 ? rc : 0;
}

/* The first minute of the run is foretold from the history alone. */
static int
begin_run(struct ss_predictor *predictor, struct servsim_error *err)
{
    predictor->in_run = 1;
    return foretell(predictor, err);
}

static struct servsim_sample
sample_of(const struct ss_request *request)
{
    return (struct servsim_sample){.size = sizeof(struct servsim_sample),
                                   .prompt_tokens = request->seen.prompt_tokens,
                                   .client = request->seen.client,
                                   .arrival_s = request->seen.arrival_s,
                                   .arrival_ps = request->seen.arrival_ps,
                                   .priority = request->seen.priority,
                                   .label = request->extras->label};
}

int
ss_predictor_arrive(struct ss_cluster *cluster, struct ss_request *request, struct servsim_error *err)
{
    struct ss_predictor *predictor = cluster->predictor;
    int rc = predictor->in_run ? 0 : begin_run(predictor, err);
    if (rc == 0)
        rc = end_minutes(predictor, cluster->now, 1, err);
    request->extras->label = ss_predictor_label(predictor, cluster->next.label);
    if (request->extras->label == NULL)
        rc = servsim_fail(err, ENOMEM, "no memory for a label");
    if (rc != 0)
        return rc;
    struct servsim_sample sample = sample_of(request);
    double begun_s = ss_clock_s();
    rc = predict(cluster, &sample, request->output_tokens, &request->seen.predicted_output_tokens,
                 &request->seen.predicted_confidence, err);
    predictor->result.predict_s += ss_clock_s() - begun_s;
    predictor->result.predictions++;
    predictor->result.unknown += request->seen.predicted_output_tokens == 0;
    request->extras->last_length = predictor->last_length;
    predictor->minute.requests++;
    predictor->minute.prompt_tokens += request->seen.prompt_tokens;
    return rc;
}

static int
finish(struct ss_cluster *cluster, const struct ss_request *request, struct servsim_error *err)
{
    struct ss_predictor *predictor = cluster->predictor;
    struct servsim_error why = {.size = sizeof why};
    struct servsim_sample sample = sample_of(request);
    uint32_t truth = request->output_tokens;
    int rc = end_minutes(predictor, cluster->now, cluster->next_time != SS_NEVER, err);
    if (rc != 0)
        return rc;
    ss_predictions_length(&predictor->result, request->seen.predicted_output_tokens, request->extras->last_length,
                          truth);
    ss_quality_add(&predictor->quality, request->seen.predicted_output_tokens, truth);
    predictor->last_length = truth;
    predictor->minute.output_tokens += truth;
    if (!HAS(predictor, observe))
        return 0;
    double begun_s = ss_clock_s();
    rc = breach(predictor, "observe", predictor->ops->observe(predictor->instance.self, &sample, truth, &why), &why,
                err);
    predictor->result.observe_s += ss_clock_s() - begun_s;
    return rc;
}

void
ss_predictor_finish(struct ss_cluster *cluster, const struct ss_request *request)
{
    struct servsim_error err = {.size = sizeof err};
    if (finish(cluster, request, &err) < 0 && cluster->failure.text[0] == '\0')
        cluster->failure = err;
}

/* ---- what others ask ---- */

int32_t
ss_predictor_quality(const struct ss_cluster *cluster, struct servsim_quality *out)
{
    if (cluster->predictor == NULL)
        return 0;
    ss_quality_tell(&cluster->predictor->quality, out);
    return 1;
}

int32_t
ss_predictor_forecast(struct ss_cluster *cluster, struct servsim_minute *out, uint32_t minutes,
                      struct servsim_minute *usual)
{
    struct ss_predictor *predictor = cluster->predictor;
    struct servsim_error err = {.size = sizeof err};
    if (predictor == NULL || predictor->past_count == 0)
        return 0;
    int rc = end_minutes(predictor, cluster->now, cluster->next_time != SS_NEVER, &err);
    if (rc < 0 && cluster->failure.text[0] == '\0')
        cluster->failure = err;
    uint32_t at = (uint32_t)(predictor->past_count % SS_HORIZONS);
    uint32_t count = predictor->foretold_count[at] < minutes ? predictor->foretold_count[at] : minutes;
    memcpy(out, predictor->foretold[at], count * sizeof *out);
    if (usual != NULL)
        *usual = predictor->usual;
    return (int32_t)count;
}

void
ss_predictor_collect(struct ss_cluster *cluster)
{
    if (cluster->predictor == NULL)
        return;
    struct ss_predictor *predictor = cluster->predictor;
    ss_quality_tell(&predictor->quality, &predictor->result.quality);
    cluster->result->predictions = predictor->result;
}
