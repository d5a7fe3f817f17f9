/*
 * analysis/measure.h - the figures by which runs are compared, of a whole run and of resampled ones.
 *
 * Resampling draws blocks of neighbouring requests (circular block bootstrap: Politis and Romano 1992), so that what
 * neighbours have in common stays in the sample. Throughput and makespan are resampled over completions, one gap and
 * one request's tokens each, in the order in which requests finished.
 */
#ifndef SS_ANALYSIS_MEASURE_H
#define SS_ANALYSIS_MEASURE_H

#include "analysis/samples.h"

#define SS_METRICS 19u
#define SS_METRIC_TTFT_MEAN 0u /* then its P50, P90, P99; then the same of TPOT, latency and queue */
#define SS_METRIC_LATENCY_MEAN 8u
#define SS_METRIC_THROUGHPUT 16u
#define SS_METRIC_SLO 17u
#define SS_METRIC_MAKESPAN 18u

struct ss_metric {
    const char *name;  /* "latency_ms.p99" */
    const char *title; /* "latency P99" */
    const char *unit;
    double share; /* of the percentile; 0: not a percentile */
    int higher_is_better;
    const char *if_less, *if_more; /* how B is where its figure is lower, higher */
};

extern const struct ss_metric ss_metrics[SS_METRICS];

/* Distribution of one figure: its requests from small to large. */
struct ss_ranking {
    uint32_t *order; /* indices of requests */
    size_t count;
};

/* A run, prepared for resampling. */
struct ss_measure {
    const struct ss_samples *samples;
    double slo_ttft_ms, slo_tpot_ms; /* NAN: none */
    double *sums[4];                 /* of the figures up to each request, count + 1 */
    double *counts[4];               /* how many requests up to there have the figure */
    double *met;                     /* requests that met the SLO, up to each; NULL without an SLO */
    double *gaps_s, *tokens;         /* up to each completion, completions + 1 */
    size_t completions;
    struct ss_ranking rankings[4];
    uint32_t *weights; /* scratch: how often each request is in the resample */
};

/* `samples` must outlive it. */
int ss_measure_make(struct ss_measure *out, const struct ss_samples *samples, double slo_ttft_ms, double slo_tpot_ms,
                    struct servsim_error *err);
void ss_measure_free(struct ss_measure *measure);

/* The figures of the run itself; NAN where there is none. */
void ss_measure_figures(const struct ss_measure *measure, double figures[SS_METRICS]);

/*
 * The figures of one resample: `draws` numbers in [0, 1) say where its blocks of `length` requests begin; the last is
 * cut so that the resample is as large as the run.
 */
void ss_measure_resample(struct ss_measure *measure, const double *draws, size_t length, double figures[SS_METRICS]);

/* Blocks of a resample. */
size_t ss_measure_blocks(const struct ss_measure *measure, size_t length);

/* The block length that the run's own dependence asks for: the longest over its figures and its completions. */
double ss_measure_block_length(const struct ss_measure *measure);

/* Are there enough requests behind the percentile, and not all in one place? */
int ss_measure_supports(const struct ss_measure *measure, uint32_t metric, size_t length);

#endif
