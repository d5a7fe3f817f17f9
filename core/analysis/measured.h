/*
 * analysis/measured.h - a real run: what a benchmark noted of each request, or of a whole stretch of traffic.
 *
 * Two kinds of files, told apart by their header. Requests: one row each, arrival_s, input_tokens, output_tokens and
 * times. Means: one row with ttft_mean_ms, latency_mean_ms and the like, for experiments that bring their own traffic.
 */
#ifndef SS_ANALYSIS_MEASURED_H
#define SS_ANALYSIS_MEASURED_H

#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

struct ss_measured_request {
    double start_s, ttft_ms, latency_ms;
    uint32_t prompt_tokens, output_tokens;
    uint64_t number; /* in the file, from 0 */
    int64_t stage;
};

struct ss_measured {
    struct ss_measured_request *items; /* by start */
    size_t count, left_out;            /* left_out: rows with an error */
    /* of a file of means; NAN: not there */
    int means_only;
    double ttft_ms, tpot_ms, latency_ms, ttft_p90_ms, ttft_p99_ms, latency_p90_ms, latency_p99_ms;
};

#define SS_START_ARRIVAL 0u /* when the client sent it */
#define SS_START_QUEUED 1u  /* when the engine had it */

struct ss_measured_options {
    uint32_t start;         /* SS_START_* */
    uint32_t output_tokens; /* of every request, whatever the file counts; 0: the file's */
    int64_t stage;          /* only this one; -1: all */
};

int ss_measured_read(struct ss_measured *out, const char *path, const struct ss_measured_options *options,
                     struct servsim_error *err);
void ss_measured_free(struct ss_measured *measured);

/* As a trace for the workload plugin `tokens`. `distinct_prompts`: prompt i is the same as i + that many; 0: unknown.
 */
int ss_measured_write_trace(const struct ss_measured *measured, uint32_t distinct_prompts, const char *path,
                            struct servsim_error *err);

#endif
