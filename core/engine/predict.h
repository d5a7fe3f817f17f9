/*
 * engine/predict.h - the predictor of a cell: what it is told, and what others learn of it.
 */
#ifndef SS_ENGINE_PREDICT_H
#define SS_ENGINE_PREDICT_H

#include "base/time.h"
#include "servsim/plugin.h"

struct ss_cluster;
struct ss_predictor;
struct ss_request;

/* A request before the run. */
struct ss_past {
    ss_time time; /* below 0 */
    struct servsim_sample sample;
    uint32_t output_tokens;
};

/* Makes the cell's predictor; cluster->predictor stays NULL where none is named. */
int ss_predictor_create(struct ss_cluster *cluster, struct servsim_error *err);
void ss_predictor_destroy(struct ss_predictor *predictor);

/* The one pointer for a label. NULL without memory. */
const char *ss_predictor_label(struct ss_predictor *predictor, const char *text);

/* The requests before the run, in order; called once, before the first arrival, where there is a history. */
int ss_predictor_learn(struct ss_cluster *cluster, const struct ss_past *past, size_t count, struct servsim_error *err);

/* The request read ahead arrives as `request`: fills in what is predicted of it. */
int ss_predictor_arrive(struct ss_cluster *cluster, struct ss_request *request, struct servsim_error *err);

/* The request has finished now. What the predictor cannot do ends the cell. */
void ss_predictor_finish(struct ss_cluster *cluster, const struct ss_request *request);

/* Services for schedulers and routers; they answer 0 without a predictor. */
int32_t ss_predictor_quality(const struct ss_cluster *cluster, struct servsim_quality *out);
int32_t ss_predictor_forecast(struct ss_cluster *cluster, struct servsim_minute *out, uint32_t minutes,
                              struct servsim_minute *usual);

/* The figures, at the end. */
void ss_predictor_collect(struct ss_cluster *cluster);

#endif
