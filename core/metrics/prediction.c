/*
 * metrics/prediction.c - sums of errors, and the running quality of predictions.
 */
#include "metrics/prediction.h"

#include <math.h>

/* ---- errors ---- */

void
ss_errors_add(struct ss_errors *errors, double predicted, double truth)
{
    double error = predicted - truth;
    errors->count++;
    errors->absolute += fabs(error);
    errors->squared += error * error;
    errors->sum += truth;
    errors->sum_squared += truth * truth;
}

double
ss_errors_mae(const struct ss_errors *errors)
{
    return errors->count > 0 ? errors->absolute / (double)errors->count : NAN;
}

double
ss_errors_rmse(const struct ss_errors *errors)
{
    return errors->count > 0 ? sqrt(errors->squared / (double)errors->count) : NAN;
}

double
ss_errors_r2(const struct ss_errors *errors)
{
    double count = (double)errors->count;
    double spread = count > 0 ? errors->sum_squared - errors->sum * errors->sum / count : 0;
    /* rounding leaves a little where all are equal */
    return spread > 1e-9 * errors->sum_squared ? 1 - errors->squared / spread : NAN;
}

double
ss_bursts_f1(const struct ss_bursts *bursts)
{
    uint64_t all = 2 * bursts->hits + bursts->false_alarms + bursts->missed;
    return all > 0 ? 2.0 * (double)bursts->hits / (double)all : NAN;
}

uint32_t
ss_length_bucket(uint32_t tokens)
{
    uint32_t bucket = 0;
    for (tokens >>= 4; tokens > 0; tokens >>= 1)
        bucket++;
    return bucket;
}

static void
add_length(struct ss_predictions *predictions, uint32_t by, uint32_t predicted, uint32_t truth)
{
    ss_errors_add(&predictions->lengths[by], predicted, truth);
    predictions->same_bucket[by] += ss_length_bucket(predicted) == ss_length_bucket(truth);
}

void
ss_predictions_length(struct ss_predictions *predictions, uint32_t predicted, uint32_t last, uint32_t truth)
{
    predictions->outcomes++;
    if (predicted == 0 || last == 0)
        return; /* both are measured on the same requests */
    add_length(predictions, SS_BY_PREDICTOR, predicted, truth);
    add_length(predictions, SS_BY_PERSISTENCE, last, truth);
}

/* ---- quality ---- */

static int
sign(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

/* Adds (or, with -1, takes away) the pairs of an outcome with all that are in the window. */
static void
count_pairs(struct ss_quality_window *window, uint32_t predicted, uint32_t truth, int way)
{
    for (uint32_t i = 0; i < window->count; i++) {
        uint32_t at = (window->first + i) % SS_QUALITY_WINDOW;
        int order = sign(truth, window->outcomes[at].truth);
        int known = predicted > 0 && window->outcomes[at].predicted > 0;
        window->pairs += order != 0 ? way : 0;
        window->agreement += known ? way * order * sign(predicted, window->outcomes[at].predicted) : 0;
    }
}

static uint64_t
is_close(uint32_t predicted, uint32_t truth)
{
    return 2 * (uint64_t)predicted >= truth && predicted <= 2 * (uint64_t)truth;
}

static void
drop_first(struct ss_quality_window *window)
{
    uint32_t predicted = window->outcomes[window->first].predicted, truth = window->outcomes[window->first].truth;
    window->first = (window->first + 1) % SS_QUALITY_WINDOW;
    window->count--;
    count_pairs(window, predicted, truth, -1);
    window->close -= is_close(predicted, truth);
    window->predicted -= predicted;
    window->truth -= truth;
}

void
ss_quality_add(struct ss_quality_window *window, uint32_t predicted, uint32_t truth)
{
    if (window->count == SS_QUALITY_WINDOW)
        drop_first(window);
    count_pairs(window, predicted, truth, 1);
    uint32_t at = (window->first + window->count++) % SS_QUALITY_WINDOW;
    window->outcomes[at].predicted = predicted;
    window->outcomes[at].truth = truth;
    window->close += is_close(predicted, truth);
    window->predicted += predicted;
    window->truth += truth;
}

void
ss_quality_tell(const struct ss_quality_window *window, struct servsim_quality *out)
{
    out->outcomes = window->count;
    out->order = window->pairs > 0 ? (double)window->agreement / (double)window->pairs : 0;
    out->close = window->count > 0 ? (double)window->close / window->count : 0;
    out->bias = window->truth > 0 ? (double)window->predicted / (double)window->truth : 0;
}
