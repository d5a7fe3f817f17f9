/*
 * analysis/findings_json.c - an analysis for scripts. Units are in the names; what is not known is null.
 */
#include <math.h>

#include "analysis/findings.h"

static void
put(json_t *object, const char *name, double value)
{
    (void)json_object_set_new(object, name, isfinite(value) ? json_real(value) : json_null());
}

static void
put_count(json_t *object, const char *name, double value)
{
    (void)json_object_set_new(object, name, isfinite(value) ? json_integer((json_int_t)value) : json_null());
}

static json_t *
shape_json(const struct ss_shape *shape)
{
    json_t *object = json_object();
    put_count(object, "count", (double)shape->count);
    put(object, "mean", shape->mean);
    put(object, "sd", shape->deviation);
    put(object, "min", shape->least);
    put(object, "p50", shape->p50);
    put(object, "p90", shape->p90);
    put(object, "p95", shape->p95);
    put(object, "p99", shape->p99);
    put(object, "max", shape->most);
    return object;
}

static json_t *
latency_json(const struct ss_findings *f)
{
    json_t *object = json_object();
    put(object, "queue_share", f->queue_share);
    put(object, "prefill_share", f->prefill_share);
    put(object, "decode_share", f->decode_share);
    put(object, "mostly_queued_share", f->mostly_queued);
    put(object, "spearman_ttft_tpot", f->ttft_tpot);
    put(object, "spearman_ttft_queue", f->ttft_queue);
    put(object, "spearman_ttft_prompt", f->ttft_prompt);
    put(object, "spearman_tpot_output", f->tpot_output);
    return object;
}

static json_t *
blocking_json(const struct ss_findings *f)
{
    json_t *object = json_object();
    put(object, "waited_s", f->waited_s);
    put(object, "behind_longer_prompts_s", f->blocked_s);
    put(object, "behind_longer_prompts_share", f->blocked_share);
    put_count(object, "short_prompt_tokens", f->short_prompt_tokens);
    put(object, "short_waited_s", f->short_waited_s);
    put(object, "short_behind_longer_prompts_s", f->short_blocked_s);
    put(object, "short_behind_longer_prompts_share", f->short_blocked_share);
    return object;
}

static json_t *
time_json(const struct ss_findings *f)
{
    json_t *object = json_object();
    put(object, "window_s", f->window_s);
    put_count(object, "windows", (double)f->windows);
    put(object, "output_tokens_per_s_mean", f->throughput_mean);
    put(object, "output_tokens_per_s_sd", f->throughput_deviation);
    put(object, "output_tokens_per_s_min", f->throughput_least);
    put(object, "output_tokens_per_s_min_at_s", f->throughput_least_at_s);
    put(object, "output_tokens_per_s_max", f->throughput_most);
    put(object, "output_tokens_per_s_max_at_s", f->throughput_most_at_s);
    put(object, "bin_s", f->bin_s);
    put(object, "gpu_s", f->gpu_s);
    put(object, "idle_gpu_s", f->idle_gpu_s);
    put(object, "idle_while_waiting_gpu_s_at_most", f->idle_waiting_gpu_s);
    return object;
}

static json_t *
memory_json(const struct ss_findings *f)
{
    json_t *object = json_object();
    put_count(object, "kv_blocks_total", f->kv_blocks_total);
    put(object, "kv_usage_peak", f->kv_peak_share);
    put(object, "kv_usage_of_bin_peaks_mean", f->kv_mean_share);
    put(object, "last_block_waste_share", f->fragmentation);
    put(object, "last_block_waste_tokens_per_request", f->wasted_tokens_per_request);
    put_count(object, "preemptions", f->preemptions);
    put_count(object, "preempted_requests", (double)f->preempted_requests);
    put_count(object, "recomputed_tokens", f->recomputed_tokens);
    put(object, "recomputed_share_of_prefill", f->recomputed_share);
    put(object, "recompute_gpu_s_estimated", f->recompute_gpu_s);
    put_count(object, "swapped_out_blocks", f->swapped_out_blocks);
    put_count(object, "swapped_in_blocks", f->swapped_in_blocks);
    put(object, "swap_share_of_busy", f->swap_share);
    put(object, "swap_gpu_s", f->swap_gpu_s);
    put(object, "tpot_ms_mean_preempted", f->preempted_tpot_ms);
    put(object, "tpot_ms_mean_others", f->other_tpot_ms);
    return object;
}

static json_t *
efficiency_json(const struct ss_findings *f)
{
    json_t *object = json_object();
    put(object, "output_tokens_per_s", f->tokens_per_s);
    put(object, "output_tokens_per_s_per_gpu", f->tokens_per_s_per_gpu);
    put(object, "busy_fraction", f->busy_fraction);
    put(object, "mfu", f->mfu);
    put(object, "bandwidth_utilisation", f->bandwidth);
    put(object, "jain_index_busy", f->jain);
    put(object, "busy_share_dense", f->share_dense);
    put(object, "busy_share_attention", f->share_attention);
    put(object, "busy_share_communication", f->share_communication);
    put(object, "busy_share_overhead", f->share_overhead);
    put(object, "prefill_busy_fraction", f->prefill_busy);
    put(object, "decode_busy_fraction", f->decode_busy);
    put(object, "transfer_wait_ms_mean", f->transfer_wait_ms);
    put(object, "transfer_ms_mean", f->transfer_ms);
    put(object, "decode_queue_ms_mean", f->decode_queue_ms);
    put(object, "energy_kwh", f->kwh);
    put(object, "energy_watts_per_gpu", f->watts_per_gpu);
    put(object, "energy_joules_per_output_token", f->joules_per_output_token);
    put(object, "energy_idle_share", f->energy_idle_share);
    put(object, "energy_cut_share", f->energy_cut_share);
    return object;
}

json_t *
ss_findings_json(const struct ss_findings *findings)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "cell", json_string(findings->trial->name));
    put_count(object, "requests_total", (double)findings->requests);
    put_count(object, "requests_finished", (double)findings->finished);
    put_count(object, "requests_rejected", (double)findings->rejected);
    put(object, "simulated_s", findings->span_s);
    (void)json_object_set_new(object, "ttft_ms", shape_json(&findings->shapes[SS_FIGURE_TTFT]));
    (void)json_object_set_new(object, "tpot_ms", shape_json(&findings->shapes[SS_FIGURE_TPOT]));
    (void)json_object_set_new(object, "latency_ms", shape_json(&findings->shapes[SS_FIGURE_LATENCY]));
    (void)json_object_set_new(object, "queue_ms", shape_json(&findings->shapes[SS_FIGURE_QUEUE]));
    (void)json_object_set_new(object, "latency", latency_json(findings));
    (void)json_object_set_new(object, "head_of_line_blocking", blocking_json(findings));
    (void)json_object_set_new(object, "over_time", time_json(findings));
    (void)json_object_set_new(object, "memory", memory_json(findings));
    (void)json_object_set_new(object, "efficiency", efficiency_json(findings));
    return object;
}

static json_t *
step_json(const struct ss_scale_step *step)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "cell", json_string(step->name));
    put_count(object, "gpus", step->gpus);
    put_count(object, "replicates", (double)step->replicates);
    put(object, "latency_ms_mean", step->latency_ms);
    put(object, "latency_ms_mean_half_width", step->latency_half);
    put(object, "latency_ms_p99", step->latency_p99_ms);
    put(object, "output_tokens_per_s", step->throughput);
    put(object, "output_tokens_per_s_half_width", step->throughput_half);
    put(object, "speedup", step->speedup);
    put(object, "efficiency", step->efficiency);
    put(object, "efficiency_half_width", step->efficiency_half);
    put(object, "queue_share_of_latency", step->queue_share);
    put(object, "busy_fraction", step->busy_fraction);
    put(object, "busy_share_communication", step->communication_share);
    return object;
}

json_t *
ss_scales_json(const struct ss_scales *scales)
{
    json_t *array = json_array();
    for (size_t i = 0; i < scales->count; i++) {
        const struct ss_scale *scale = &scales->items[i];
        json_t *object = json_object(), *steps = json_array();
        (void)json_object_set_new(object, "label", json_string(scale->label));
        (void)json_object_set_new(object, "along", json_string(scale->how));
        put(object, "latency_exponent", scale->latency_exponent);
        for (size_t s = 0; s < scale->count; s++)
            (void)json_array_append_new(steps, step_json(&scale->steps[s]));
        (void)json_object_set_new(object, "steps", steps);
        (void)json_array_append_new(array, object);
    }
    return array;
}
