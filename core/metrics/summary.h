/*
 * metrics/summary.h - the figures of one cell, and the files of a cell's folder.
 */
#ifndef SS_METRICS_SUMMARY_H
#define SS_METRICS_SUMMARY_H

#include "base/text.h"
#include "metrics/result.h"

/* What of the cell the figures depend on. */
struct ss_summary_input {
    uint32_t gpus, replicas;
    int64_t slo_ttft_ps, slo_tpot_ps; /* -1: none */
};

/* summary.json: every figure with its unit in the name; null where there is nothing to say. */
int ss_summary_json(const struct ss_result *result, const struct ss_summary_input *input, struct ss_text *out,
                    struct servsim_error *err);

/* The share of all requests that finished within the SLO. */
double ss_slo_attainment(const struct ss_result *result, const struct ss_summary_input *input);

/* requests.csv, series.csv, itl.csv, timeline.csv and failures.csv, written to `path` directly: the caller makes the
 * result appear at once. */
int ss_write_requests_csv(const struct ss_result *result, const char *path, struct servsim_error *err);
/* Finished requests with the columns and the units (ns) of LLMServingSim; TPOT is empty for one output token. */
int ss_write_llmservingsim_csv(const struct ss_result *result, const char *model, const char *path,
                               struct servsim_error *err);
int ss_write_series_csv(const struct ss_result *result, const char *path, struct servsim_error *err);
int ss_write_timeline_csv(const struct ss_result *result, const char *path, struct servsim_error *err);
/* Every failure of a replica; a time that had not come at the end is empty. */
int ss_write_failures_csv(const struct ss_result *result, const char *path, struct servsim_error *err);
int ss_write_itl_csv(const struct ss_result *result, const char *path, struct servsim_error *err);

#endif
