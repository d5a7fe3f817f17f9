/*
 * metrics/prediction.h - how predictions fared: errors of lengths and of totals of minutes, and of the yardstick beside
 * them, which says that the next is as the last (persistence).
 */
#ifndef SS_METRICS_PREDICTION_H
#define SS_METRICS_PREDICTION_H

#include <stddef.h>

#include "servsim/plugin.h"

#define SS_CHANNELS 3u /* requests, prompt tokens, output tokens */
#define SS_HORIZONS 3u /* minutes ahead that are asked for and looked at */

#define SS_BY_PREDICTOR 0u
#define SS_BY_PERSISTENCE 1u
#define SS_PREDICTED_BY 2u

/* Sums over pairs of a predicted and a true figure. */
struct ss_errors {
    uint64_t count;
    double absolute, squared; /* of predicted - true */
    double sum, sum_squared;  /* of true ones */
};

void ss_errors_add(struct ss_errors *errors, double predicted, double truth);

/* NaN where there is none: no pair, or for R2 no two figures that differ. */
double ss_errors_mae(const struct ss_errors *errors);
double ss_errors_rmse(const struct ss_errors *errors);
double ss_errors_r2(const struct ss_errors *errors);

struct ss_bursts {
    uint64_t hits, false_alarms, missed;
};

/* 2 hits / (2 hits + false alarms + missed); NaN where no burst came and none was foretold. */
double ss_bursts_f1(const struct ss_bursts *bursts);

/* A minute is a burst when more than twice as many requests come as on average over the minutes before. */
#define SS_BURST_FACTOR 2.0

/* Buckets of lengths: below 16, below 32, and so on by factors of two. */
uint32_t ss_length_bucket(uint32_t tokens);

/* What a cell with a predictor leaves. Counts are of the run unless said otherwise. */
struct ss_predictions {
    uint32_t present;
    uint32_t sees_future;
    uint64_t history_requests, history_minutes;
    uint64_t predictions, unknown; /* predict() calls, and answers of 0 */
    uint64_t outcomes, minutes, forecasts;
    struct ss_errors lengths[SS_PREDICTED_BY]; /* of finished requests with a prediction */
    uint64_t same_bucket[SS_PREDICTED_BY];
    struct ss_errors traffic[SS_PREDICTED_BY][SS_CHANNELS][SS_HORIZONS];
    struct ss_bursts bursts[SS_PREDICTED_BY][SS_HORIZONS];
    struct servsim_quality quality; /* at the end */
    /* not part of any comparison */
    double history_s, predict_s, observe_s, minute_s;
};

/* One outcome of a length. `last` is the length of the request that had finished last when it came; 0: none. */
void ss_predictions_length(struct ss_predictions *predictions, uint32_t predicted, uint32_t last, uint32_t truth);

#define SS_QUALITY_WINDOW 256u

/* The last outcomes, and what servsim_quality says of them. Zero-initialise. */
struct ss_quality_window {
    struct {
        uint32_t predicted, truth;
    } outcomes[SS_QUALITY_WINDOW];
    uint32_t first, count;
    int64_t agreement, pairs; /* over pairs with different lengths */
    uint64_t close, predicted, truth;
};

void ss_quality_add(struct ss_quality_window *window, uint32_t predicted, uint32_t truth);
void ss_quality_tell(const struct ss_quality_window *window, struct servsim_quality *out);

#endif
