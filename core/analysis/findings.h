/*
 * analysis/findings.h - servsim analyze: what limits a run, found from its files alone.
 *
 * Every figure says what it is; what the files cannot tell is NAN and is said to be unknown. Times are of the simulated
 * system.
 */
#ifndef SS_ANALYSIS_FINDINGS_H
#define SS_ANALYSIS_FINDINGS_H

#include "analysis/charts.h"
#include "analysis/trial.h"

struct ss_shape {
    size_t count;
    double mean, deviation, least, p50, p90, p95, p99, most; /* ms */
};

#define SS_WINDOW_BINS 20 /* windows are a twentieth of the run, in whole bins */

struct ss_findings {
    const struct ss_trial *trial;
    size_t requests, finished, rejected;
    double span_s;             /* first arrival to last token */
    struct ss_shape shapes[4]; /* by SS_FIGURE_* */

    /* where the latency goes; sums over finished requests, shares of their latency */
    double queue_share, prefill_share, decode_share; /* to the first step; from there to the first token; the rest */
    double mostly_queued; /* share of requests that spent more than half of it in the queue */

    /* what TTFT hangs on: Spearman's rank correlations over finished requests */
    double ttft_tpot, ttft_queue, ttft_prompt, tpot_output;

    /*
     * Head-of-line blocking. Of the time that requests waited for their first step, the share in which, on their
     * replica, a request with a prompt at least twice as long (up to the next power of two) was between its own first
     * step and its first token, so that its prefill stood before theirs. `short`: requests whose prompt is at most the
     * median. How it would have gone in another order cannot be told from the files.
     */
    double waited_s, blocked_s, blocked_share;
    double short_waited_s, short_blocked_s, short_blocked_share;
    uint32_t short_prompt_tokens; /* the median prompt */

    /* output tokens per second in windows that slide over the run by a bin; NAN without series.csv */
    double window_s, throughput_mean, throughput_least, throughput_most, throughput_deviation;
    size_t windows;
    double throughput_least_at_s, throughput_most_at_s; /* begin of the window */

    /*
     * Idle GPUs. A bin says how busy it was and how many waited on average, not when. While w requests wait on average,
     * somebody waits for at most min(1, w) of the bin: at most min(1 - busy, min(1, w)) of it was idle in spite of
     * waiting requests.
     */
    double bin_s, gpu_s, idle_gpu_s, idle_waiting_gpu_s; /* the last: at most */

    /* KV cache. Blocks of the fullest replica; mean of the bins' peaks. */
    double kv_blocks_total, kv_peak_share, kv_mean_share;
    /* last blocks when requests finish: slots taken and not used, over slots taken */
    double fragmentation, wasted_tokens_per_request;

    /* preemptions */
    double preemptions, recomputed_tokens, recomputed_share; /* of prefill tokens computed */
    /* estimate: their share of all computed tokens, of the time in dense kernels and attention */
    double recompute_gpu_s;
    double swapped_out_blocks, swapped_in_blocks;
    double swap_share, swap_gpu_s; /* that steps waited for copies: of the busy time, and in all */
    size_t preempted_requests;
    double preempted_tpot_ms, other_tpot_ms; /* mean TPOT of requests with preemptions, and of the others */

    /* efficiency, of the summary */
    double tokens_per_s, tokens_per_s_per_gpu, busy_fraction, mfu, bandwidth, jain;
    double share_dense, share_attention, share_communication, share_overhead;
    double prefill_busy, decode_busy;                      /* NAN: replicas do both, as are the next */
    double transfer_wait_ms, transfer_ms, decode_queue_ms; /* means over those handed over */
    double kwh, watts_per_gpu, joules_per_output_token, energy_idle_share,
        energy_cut_share; /* NAN: the device says nothing of power */
};

/* The trial is loaded. */
int ss_findings_make(struct ss_findings *out, const struct ss_trial *trial, struct servsim_error *err);

/* A step of a scaling series: the cells of one number of GPUs (its replicates). */
struct ss_scale_step {
    const char *name;
    uint32_t gpus;
    size_t replicates;
    double latency_ms, latency_half; /* mean; half width of the 95 % interval, NAN without replicates */
    double latency_p99_ms, throughput, throughput_half;
    double speedup, efficiency, efficiency_half;
    double busy_fraction, communication_share;
    double queue_share; /* of the mean latency */
};

struct ss_scale {
    char *label;     /* what its cells have in common */
    const char *how; /* "tensor parallel", "replicas", "GPUs" */
    struct ss_scale_step *steps;
    size_t count;
    double latency_exponent; /* of mean latency against GPUs: -1 halves with each doubling */
};

struct ss_scales {
    struct ss_scale *items;
    size_t count;
};

/* Finds the axes along which GPUs grow. None is no error. */
int ss_scales_find(struct ss_scales *out, const struct ss_trials *trials, struct servsim_error *err);
void ss_scales_free(struct ss_scales *scales);

/* ---- for people, for scripts, for the eye ---- */

void ss_findings_text(const struct ss_findings *findings, struct ss_text *out);
void ss_scales_text(const struct ss_scales *scales, struct ss_text *out);
json_t *ss_findings_json(const struct ss_findings *findings);
json_t *ss_scales_json(const struct ss_scales *scales);
int ss_findings_chart(const struct ss_findings *findings, struct ss_charts *charts, struct servsim_error *err);
int ss_scales_chart(const struct ss_scales *scales, struct ss_charts *charts, struct servsim_error *err);

#endif
