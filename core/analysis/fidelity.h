/*
 * analysis/fidelity.h - how far a simulation is from the real run that it replays.
 *
 * Requests are paired by their order of arrival. TPOT of both sides is (latency - TTFT) / (output - 1) with the output
 * tokens that were simulated. Errors are relative to the real figure; signed ones are simulated over real, less one.
 */
#ifndef SS_ANALYSIS_FIDELITY_H
#define SS_ANALYSIS_FIDELITY_H

#include <jansson.h>

#include "analysis/charts.h"
#include "analysis/measured.h"
#include "base/text.h"
#include "metrics/result.h"

#define SS_FIDELITY_FIGURES 3 /* TTFT, TPOT, latency */
#define SS_FIDELITY_POINTS 4  /* mean, P50, P90, P99 */

/* One figure on both sides, ms. NAN: not known. */
struct ss_fidelity_figure {
    double real[SS_FIDELITY_POINTS], simulated[SS_FIDELITY_POINTS];
    double request_error; /* mean of the absolute errors of single requests, relative to each; NAN for means only */
    size_t requests;
};

struct ss_fidelity {
    int64_t stage;             /* -1: the whole run */
    size_t requests, unserved; /* paired; simulated without an end */
    struct ss_fidelity_figure figures[SS_FIDELITY_FIGURES];
    double makespan_real_s, makespan_simulated_s;
    /* output tokens/s: over the run, and the mean absolute difference in windows of a second over the real mean */
    double throughput_real, throughput_simulated, throughput_error;
};

struct ss_fidelities {
    struct ss_fidelity *items; /* each stage where there are several, then the whole */
    size_t count;
};

/* Holds a result against what was measured; requests numbered below `from` or not below `to` of all are passed over. */
int ss_fidelity_make(struct ss_fidelity *out, const struct ss_measured *measured, const struct ss_result *result,
                     int64_t stage, size_t from, size_t to, struct servsim_error *err);

/* Of a whole run and of each of its stages. */
int ss_fidelities_make(struct ss_fidelities *out, const struct ss_measured *measured, const struct ss_result *result,
                       struct servsim_error *err);
void ss_fidelities_free(struct ss_fidelities *fidelities);

/* Simulated over real, less one. */
double ss_fidelity_error(const struct ss_fidelity_figure *figure, uint32_t point);

/* All errors in a row: of each figure its points and that of single requests; then makespan, throughput, throughput
   over time. NAN: not known. */
#define SS_FIDELITY_EACH (SS_FIDELITY_POINTS + 1)
#define SS_FIDELITY_MAKESPAN ((size_t)SS_FIDELITY_FIGURES * SS_FIDELITY_EACH)
#define SS_FIDELITY_ERRORS (SS_FIDELITY_MAKESPAN + 3)

/* Errors of several simulations of the same run. Zero-initialise. */
struct ss_fidelity_spread {
    size_t runs;
    double mean[SS_FIDELITY_ERRORS], squares[SS_FIDELITY_ERRORS]; /* squares: sums of squared distances from the mean */
};
void ss_fidelity_spread_add(struct ss_fidelity_spread *spread, const struct ss_fidelity *fidelity);
double ss_fidelity_deviation(const struct ss_fidelity_spread *spread, size_t error); /* NAN below two runs */

/* `spread` NULL, or without runs: that of the one simulation alone. */
void ss_fidelity_text(const struct ss_fidelity *fidelity, const struct ss_fidelity_spread *spread, struct ss_text *out);
json_t *ss_fidelity_json(const struct ss_fidelity *fidelity, const struct ss_fidelity_spread *spread);
int ss_fidelity_chart(const struct ss_measured *measured, const struct ss_result *result, struct ss_charts *charts,
                      struct servsim_error *err);

#endif
