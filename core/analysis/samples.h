/*
 * analysis/samples.h - the requests and the series of one run, as they stand on disk.
 */
#ifndef SS_ANALYSIS_SAMPLES_H
#define SS_ANALYSIS_SAMPLES_H

#include "metrics/records.h"

/* One request. Order is that of arrival. */
struct ss_sample {
    int64_t arrival_ns;
    double queue_ms, ttft_ms, tpot_ms, latency_ms; /* NAN: no value */
    uint32_t prompt_tokens, output_tokens, cached_tokens, preemptions;
    uint32_t replica;   /* UINT32_MAX: none */
    uint32_t queued_at; /* where its prompt was computed: the same, but in a file of prefill and decode replicas */
    uint32_t status;    /* SS_STATUS_* */
};

struct ss_samples {
    struct ss_sample *items;
    size_t count, capacity;
};

/* Reads a requests.csv. */
int ss_samples_read(struct ss_samples *out, const char *path, struct servsim_error *err);

/* The same from a simulation in memory, to the nanosecond that the file would have. */
int ss_samples_of(struct ss_samples *out, const struct ss_records *records, struct servsim_error *err);

void ss_samples_free(struct ss_samples *samples);

/* One of the SS_FIGURE_*, NAN unless the request finished and has it. */
double ss_sample_figure(const struct ss_sample *sample, uint32_t figure);

/* From the run's start, in seconds. */
double ss_sample_arrival_s(const struct ss_sample *sample);

/* One bin of series.csv. */
struct ss_bin {
    double t_s, arrivals, finished, output_tokens, prefill_tokens, preemptions;
    double waiting, running; /* time means */
    double kv_blocks_peak, busy_fraction;
};

struct ss_bins {
    struct ss_bin *items;
    size_t count, capacity;
    double width_s; /* 0: not known, for a single bin */
};

int ss_bins_read(struct ss_bins *out, const char *path, struct servsim_error *err);
void ss_bins_free(struct ss_bins *bins);

#endif
