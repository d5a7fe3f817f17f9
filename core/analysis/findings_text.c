/*
 * analysis/findings_text.c - an analysis for people: short sentences, each with the figure that it stands on.
 */
#include <math.h>

#include "analysis/findings.h"

#define PERCENT(share) (100 * (share))

static const char *
number(char out[32], double value)
{
    if (isnan(value)) {
        (void)snprintf(out, 32, "-");
        return out;
    }
    int digits = value == 0 ? 0 : (int)floor(log10(fabs(value)));
    (void)snprintf(out, 32, "%.*f", digits >= 3 ? 0 : digits < -3 ? 6 : 3 - digits, value);
    return out;
}

static void
put_head(const struct ss_findings *f, struct ss_text *out)
{
    const struct ss_trial *trial = f->trial;
    ss_text_printf(out, "%s", trial->name);
    if (trial->model[0] != '\0')
        ss_text_printf(out, ": %s on %u x %s (tp %u, %u replica%s), %s, %s", trial->model, trial->gpus, trial->hardware,
                       trial->tp, trial->replicas, trial->replicas == 1 ? "" : "s", trial->scheduler, trial->workload);
    ss_text_printf(out, "\n%zu requests, %zu finished", f->requests, f->finished);
    if (f->rejected > 0)
        ss_text_printf(out, ", %zu rejected", f->rejected);
    ss_text_printf(out, ", in %.4g simulated seconds\n", f->span_s);
}

static void
put_distributions(const struct ss_findings *f, struct ss_text *out)
{
    static const struct {
        const char *name;
        uint32_t figure;
    } rows[4] = {
        {"TTFT", SS_FIGURE_TTFT}, {"TPOT", SS_FIGURE_TPOT}, {"latency", SS_FIGURE_LATENCY}, {"queue", SS_FIGURE_QUEUE}};
    ss_text_printf(out, "\nDistributions (ms)\n  %-8s %9s %9s %9s %9s %9s %9s %9s %9s\n", "", "mean", "sd", "least",
                   "P50", "P90", "P95", "P99", "most");
    for (size_t i = 0; i < 4; i++) {
        const struct ss_shape *shape = &f->shapes[rows[i].figure];
        const double values[8] = {shape->mean, shape->deviation, shape->least, shape->p50,
                                  shape->p90,  shape->p95,       shape->p99,   shape->most};
        ss_text_printf(out, "  %-8s", rows[i].name);
        for (size_t v = 0; v < 8; v++) {
            char text[32];
            ss_text_printf(out, " %9s", number(text, values[v]));
        }
        ss_text_puts(out, "\n");
    }
    const struct ss_shape *latency = &f->shapes[SS_FIGURE_LATENCY];
    if (latency->p50 > 0)
        ss_text_printf(out, "  One request in a hundred takes %.1f times the median latency, or longer.\n",
                       latency->p99 / latency->p50);
}

static const char *
largest_part(const struct ss_findings *f)
{
    if (f->queue_share >= f->prefill_share && f->queue_share >= f->decode_share)
        return "waiting in the queue";
    return f->prefill_share >= f->decode_share ? "prefill" : "decoding";
}

static const char *
strength(double correlation)
{
    double size = fabs(correlation);
    return size >= 0.7 ? "closely" : size >= 0.3 ? "loosely" : "hardly";
}

static void
put_correlation(struct ss_text *out, const char *what, double correlation)
{
    if (!isnan(correlation))
        ss_text_printf(out, "  %-25s %5.2f  (%s%s)\n", what, correlation, strength(correlation),
                       correlation <= -0.3 ? ", the other way round" : "");
}

static void
put_latency(const struct ss_findings *f, struct ss_text *out)
{
    ss_text_puts(out, "\nWhere the latency goes\n");
    if (isnan(f->queue_share)) {
        ss_text_puts(out, "  Nothing finished.\n");
        return;
    }
    ss_text_printf(out, "  queue %.1f %%, prefill %.1f %%, decoding %.1f %%: most of it is %s.\n",
                   PERCENT(f->queue_share), PERCENT(f->prefill_share), PERCENT(f->decode_share), largest_part(f));
    ss_text_printf(out, "  %.1f %% of the requests spent more than half of their time in the queue.\n",
                   PERCENT(f->mostly_queued));
    ss_text_puts(out, "  What goes with what (Spearman's rank correlation, -1 to 1):\n");
    put_correlation(out, "  TTFT with TPOT", f->ttft_tpot);
    put_correlation(out, "  TTFT with the queue", f->ttft_queue);
    put_correlation(out, "  TTFT with the prompt", f->ttft_prompt);
    put_correlation(out, "  TPOT with the output", f->tpot_output);
    if (fabs(f->ttft_queue) > fabs(f->ttft_prompt) && f->ttft_queue >= 0.3)
        ss_text_puts(out, "  The queue decides about TTFT, more than the prompt's length.\n");
    else if (f->ttft_prompt >= 0.3)
        ss_text_puts(out, "  The prompt's length decides about TTFT, more than the queue.\n");
}

static void
put_blocking(const struct ss_findings *f, struct ss_text *out)
{
    ss_text_puts(out, "\nHead-of-line blocking\n");
    if (!(f->waited_s > 0)) {
        ss_text_puts(out, "  No request waited for its first step.\n");
        return;
    }
    ss_text_printf(
        out,
        "  Requests waited %.4g s in all; for %.1f %% of that, a prompt at least twice as long was in prefill "
        "before them\n  on their replica.\n",
        f->waited_s, PERCENT(f->blocked_share));
    if (f->short_waited_s > 0)
        ss_text_printf(out,
                       "  Those with a prompt of %u tokens (the median) or less waited %.4g s, %.1f %% of it so.\n",
                       f->short_prompt_tokens, f->short_waited_s, PERCENT(f->short_blocked_share));
    ss_text_puts(out, "  How long they had waited in another order, the files cannot tell.\n");
}

static void
put_over_time(const struct ss_findings *f, struct ss_text *out)
{
    ss_text_puts(out, "\nOver time\n");
    if (isnan(f->bin_s)) {
        ss_text_puts(out, "  Unknown: there is no series.csv (servsim simulate writes none; servsim run does).\n");
        return;
    }
    if (f->windows > 0)
        ss_text_printf(out,
                       "  Throughput in %zu windows of %.4g s: mean %.4g, least %.4g (from %.4g s), most %.4g output "
                       "tokens/s (from %.4g s).\n",
                       f->windows, f->window_s, f->throughput_mean, f->throughput_least, f->throughput_least_at_s,
                       f->throughput_most, f->throughput_most_at_s);
    if (f->windows > 1 && f->throughput_mean > 0)
        ss_text_printf(out, "  It varies by %.0f %% around its mean (coefficient of variation).\n",
                       PERCENT(f->throughput_deviation / f->throughput_mean));
    if (f->gpu_s > 0)
        ss_text_printf(
            out,
            "  GPUs were idle for %.4g of %.4g GPU seconds (%.1f %%); for at most %.4g (%.2f %%) while a request "
            "waited\n  (bins of %.3g s).\n",
            f->idle_gpu_s, f->gpu_s, PERCENT(f->idle_gpu_s / f->gpu_s), f->idle_waiting_gpu_s,
            PERCENT(f->idle_waiting_gpu_s / f->gpu_s), f->bin_s);
}

/* Preempted by recompute, by swap, or by both: what each of them cost. */
static void
put_preemptions(const struct ss_findings *f, struct ss_text *out)
{
    int swapped = f->swapped_out_blocks > 0;
    if (swapped && !(f->recomputed_tokens > 0))
        ss_text_printf(out, "  %.0f preemptions of %zu requests; no token was computed again.\n", f->preemptions,
                       f->preempted_requests);
    else
        ss_text_printf(
            out,
            "  %.0f preemptions of %zu requests made %.0f prompt and output tokens be computed again: %.1f %% of "
            "all\n  prefill, about %.3g GPU seconds (as many as of all tokens computed, of the time in kernels).\n",
            f->preemptions, f->preempted_requests, f->recomputed_tokens, PERCENT(f->recomputed_share),
            f->recompute_gpu_s);
    if (swapped)
        ss_text_printf(
            out,
            "  They copied %.0f KV blocks of %u tokens to the host's memory and %.0f back: steps waited %.3g "
            "GPU\n  seconds for that, %.1f %% of the busy time.\n",
            f->swapped_out_blocks, f->trial->block_size, f->swapped_in_blocks, f->swap_gpu_s, PERCENT(f->swap_share));
    if (!isnan(f->preempted_tpot_ms) && !isnan(f->other_tpot_ms))
        ss_text_printf(out, "  Preempted requests had a mean TPOT of %.4g ms, the others of %.4g ms.\n",
                       f->preempted_tpot_ms, f->other_tpot_ms);
}

static void
put_memory(const struct ss_findings *f, struct ss_text *out)
{
    ss_text_puts(out, "\nKV cache and preemptions\n");
    if (!isnan(f->kv_peak_share))
        ss_text_printf(out, "  At its fullest, a replica used %.1f %% of %.0f blocks", PERCENT(f->kv_peak_share),
                       f->kv_blocks_total);
    if (!isnan(f->kv_peak_share) && !isnan(f->kv_mean_share))
        ss_text_printf(out, "; the mean of the bins' peaks is %.1f %%", PERCENT(f->kv_mean_share));
    if (!isnan(f->kv_peak_share))
        ss_text_printf(out, ". %.1f %% was never used.\n", PERCENT(1 - f->kv_peak_share));
    if (!isnan(f->fragmentation))
        ss_text_printf(
            out,
            "  Last blocks of %u tokens are part empty: %.2g tokens a request, %.2f %% of what requests hold at "
            "their end.\n",
            f->trial->block_size, f->wasted_tokens_per_request, PERCENT(f->fragmentation));
    if (f->preemptions > 0) {
        put_preemptions(f, out);
    } else if (f->preemptions == 0) {
        ss_text_puts(out, "  Nothing was preempted.\n");
    }
}

static void
put_efficiency(const struct ss_findings *f, struct ss_text *out)
{
    ss_text_puts(out, "\nEfficiency\n");
    if (isnan(f->tokens_per_s)) {
        ss_text_puts(out, "  Unknown: there is no summary beside the requests.\n");
        return;
    }
    ss_text_printf(
        out, "  %.4g output tokens/s, %.4g a GPU; busy %.1f %% of the time, MFU %.1f %%, bandwidth %.1f %%.\n",
        f->tokens_per_s, f->tokens_per_s_per_gpu, PERCENT(f->busy_fraction), PERCENT(f->mfu), PERCENT(f->bandwidth));
    if (!isnan(f->share_dense))
        ss_text_printf(out,
                       "  Busy time: dense layers %.1f %%, attention %.1f %%, communication %.1f %%, engine overhead "
                       "%.1f %%",
                       PERCENT(f->share_dense), PERCENT(f->share_attention), PERCENT(f->share_communication),
                       PERCENT(f->share_overhead));
    if (!isnan(f->share_dense) && f->swap_share > 0)
        ss_text_printf(out, ", swap %.1f %%", PERCENT(f->swap_share));
    if (!isnan(f->share_dense))
        ss_text_puts(out, ".\n");
    if (!isnan(f->prefill_busy) && !isnan(f->decode_busy))
        ss_text_printf(out, "  Prefill replicas were busy for %.1f %% of the time, decode replicas for %.1f %%.\n",
                       PERCENT(f->prefill_busy), PERCENT(f->decode_busy));
    if (!isnan(f->transfer_ms) && !isnan(f->decode_queue_ms))
        ss_text_printf(
            out,
            "  Between prefill and decode a request waited %.4g ms for the link, was sent for %.4g ms and queued "
            "for %.4g ms.\n",
            f->transfer_wait_ms, f->transfer_ms, f->decode_queue_ms);
    if (!isnan(f->kwh) && !isnan(f->joules_per_output_token))
        ss_text_printf(out,
                       "  Energy: %.4g kWh, %.4g J an output token; %.4g W a GPU, and %.1f %% of the GPUs' energy was "
                       "spent idle.\n",
                       f->kwh, f->joules_per_output_token, f->watts_per_gpu, PERCENT(f->energy_idle_share));
    if (f->energy_cut_share >= 0.01)
        ss_text_printf(
            out,
            "  Busy GPUs would draw more than their boards may, by %.1f %% of that: real boards run slower then, "
            "which is not modelled.\n",
            PERCENT(f->energy_cut_share));
    if (f->trial->replicas > 1 && !isnan(f->jain))
        ss_text_printf(out, "  Jain's index of the replicas' busy time is %.3f (1: all the same).\n", f->jain);
}

void
ss_findings_text(const struct ss_findings *findings, struct ss_text *out)
{
    put_head(findings, out);
    put_distributions(findings, out);
    put_latency(findings, out);
    put_blocking(findings, out);
    put_over_time(findings, out);
    put_memory(findings, out);
    put_efficiency(findings, out);
}

/* ---- scaling ---- */

static void
put_interval(char out[48], double value, double half, double scale, const char *format)
{
    char text[32];
    (void)snprintf(text, sizeof text, format, scale * value);
    if (isnan(half))
        (void)snprintf(out, 48, "%s", text);
    else
        (void)snprintf(out, 48, "%s +- %.2g", text, scale * half);
}

static void
put_steps(const struct ss_scale *scale, struct ss_text *out)
{
    ss_text_printf(out, "  %5s  %-24s %18s %12s %20s %8s %16s %7s\n", "GPUs", "cell", "latency ms", "P99 ms",
                   "tokens/s", "speed-up", "efficiency %", "busy %");
    for (size_t i = 0; i < scale->count; i++) {
        const struct ss_scale_step *step = &scale->steps[i];
        char latency[48], throughput[48], efficiency[48];
        put_interval(latency, step->latency_ms, step->latency_half, 1, "%.5g");
        put_interval(throughput, step->throughput, step->throughput_half, 1, "%.5g");
        put_interval(efficiency, step->efficiency, step->efficiency_half, 100, "%.1f");
        ss_text_printf(out, "  %5u  %-24s %18s %12.5g %20s %8.2f %16s %7.1f\n", step->gpus, step->name, latency,
                       step->latency_p99_ms, throughput, step->speedup, efficiency, PERCENT(step->busy_fraction));
    }
}

/* What the last step shows. */
static void
put_reading(const struct ss_scale *scale, struct ss_text *out)
{
    const struct ss_scale_step *first = &scale->steps[0], *last = &scale->steps[scale->count - 1];
    double factor = pow(2, scale->latency_exponent);
    if (isfinite(factor))
        ss_text_printf(out,
                       "  Mean latency %s: each doubling of the GPUs multiplies it by %.2f, from %.4g ms to %.4g ms.\n",
                       factor < 0.98   ? "falls"
                       : factor > 1.02 ? "grows"
                                       : "stays",
                       factor, first->latency_ms, last->latency_ms);
    if (!isfinite(last->efficiency))
        return;
    ss_text_printf(out, "  %u times the GPUs give %.2f times the throughput: efficiency %.0f %%.",
                   last->gpus / first->gpus, last->speedup, PERCENT(last->efficiency));
    if (last->efficiency < 0.9 && first->queue_share < 0.1)
        ss_text_printf(
            out,
            "\n  That says little: the smallest configuration keeps up with the traffic already (%.1f %% of its "
            "latency is queue),\n  so more GPUs cannot give more throughput. Load them: workload: {load: 1.2}.",
            PERCENT(first->queue_share));
    else if (last->efficiency < 0.9 && last->communication_share > 0.1)
        ss_text_printf(out, " Communication takes %.0f %% of their busy time.", PERCENT(last->communication_share));
    ss_text_puts(out, "\n");
}

void
ss_scales_text(const struct ss_scales *scales, struct ss_text *out)
{
    for (size_t i = 0; i < scales->count; i++) {
        const struct ss_scale *scale = &scales->items[i];
        ss_text_printf(out, "\nScaling with %s%s%s\n", scale->how, scale->label[0] != '\0' ? ", " : "", scale->label);
        put_steps(scale, out);
        put_reading(scale, out);
    }
}
