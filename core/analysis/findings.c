/*
 * analysis/findings.c - from requests, series and summary to what limited the run.
 */
#include "analysis/findings.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/statistics.h"

#define ROUNDING 2e-6 /* means on disk have six places */

/* Columns of figures over the finished requests. */
struct table {
    double *queue, *ttft, *tpot, *latency, *prompt, *output;
    size_t count;
    double *scratch; /* two times count */
};

static double
share_of(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static int
make_table(struct table *table, const struct ss_samples *samples, struct servsim_error *err)
{
    size_t count = samples->count;
    double *memory = malloc((8 * count + 1) * sizeof *memory);
    if (memory == NULL)
        return servsim_fail(err, ENOMEM, "no memory to analyse %zu requests", count);
    *table = (struct table){
        memory, memory + count,    memory + 2 * count, memory + 3 * count, memory + 4 * count, memory + 5 * count,
        0,      memory + 6 * count};
    for (size_t i = 0; i < count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        if (sample->status != SS_STATUS_FINISHED)
            continue;
        size_t at = table->count++;
        table->queue[at] = sample->queue_ms;
        table->ttft[at] = sample->ttft_ms;
        table->tpot[at] = sample->tpot_ms;
        table->latency[at] = sample->latency_ms;
        table->prompt[at] = sample->prompt_tokens;
        table->output[at] = sample->output_tokens;
    }
    return 0;
}

/* ---- distributions, and where the latency goes ---- */

static size_t
keep_numbers(const double *values, size_t count, double *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            out[kept++] = values[i];
    return kept;
}

static void
describe(struct ss_shape *out, const double *values, const struct table *table)
{
    double *sorted = table->scratch;
    size_t count = keep_numbers(values, table->count, sorted);
    ss_sort(sorted, count);
    *out = (struct ss_shape){
        .count = count,
        .mean = ss_mean(sorted, count),
        .deviation = sqrt(ss_variance(sorted, count)),
        .least = count > 0 ? sorted[0] : NAN,
        .p50 = ss_nearest_rank(sorted, count, 0.5),
        .p90 = ss_nearest_rank(sorted, count, 0.9),
        .p95 = ss_nearest_rank(sorted, count, 0.95),
        .p99 = ss_nearest_rank(sorted, count, 0.99),
        .most = count > 0 ? sorted[count - 1] : NAN,
    };
}

/* Over the requests that have both. */
static double
hangs_on(const struct table *table, const double *x, const double *y)
{
    double *a = table->scratch, *b = table->scratch + table->count;
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        a[count] = x[i];
        b[count++] = y[i];
    }
    return ss_rank_correlation(a, b, count);
}

static void
find_shares(struct ss_findings *out, const struct table *table)
{
    double queue = 0, prefill = 0, latency = 0, mostly = 0;
    for (size_t i = 0; i < table->count; i++) {
        queue += table->queue[i];
        prefill += table->ttft[i] - table->queue[i];
        latency += table->latency[i];
        mostly += table->queue[i] > table->latency[i] / 2;
    }
    out->queue_share = share_of(queue, latency);
    out->prefill_share = share_of(prefill, latency);
    out->decode_share = latency > 0 ? 1 - out->queue_share - out->prefill_share : NAN;
    out->mostly_queued = share_of(mostly, (double)table->count);
    out->ttft_tpot = hangs_on(table, table->ttft, table->tpot);
    out->ttft_queue = hangs_on(table, table->ttft, table->queue);
    out->ttft_prompt = hangs_on(table, table->ttft, table->prompt);
    out->tpot_output = hangs_on(table, table->tpot, table->output);
}

/* ---- head-of-line blocking ---- */

struct span {
    double begin, end, before; /* before: length of all spans up to this one's begin */
};

/* Prefills of prompts from a length on, on one replica, as spans that do not touch. */
struct cover {
    struct span *spans;
    size_t count;
};

static int
by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static void
merge(struct cover *cover)
{
    size_t kept = 0;
    qsort(cover->spans, cover->count, sizeof *cover->spans, by_begin);
    for (size_t i = 0; i < cover->count; i++) {
        struct span *last = kept > 0 ? &cover->spans[kept - 1] : NULL;
        if (last != NULL && cover->spans[i].begin <= last->end) {
            last->end = fmax(last->end, cover->spans[i].end);
        } else {
            cover->spans[kept] = cover->spans[i];
            cover->spans[kept].before = last != NULL ? last->before + (last->end - last->begin) : 0;
            kept++;
        }
    }
    cover->count = kept;
}

/* Length of the cover up to a time. */
static double
covered_until(const struct cover *cover, double time)
{
    size_t low = 0, high = cover->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cover->spans[middle].begin <= time)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    const struct span *span = &cover->spans[low - 1];
    return span->before + fmin(time, span->end) - span->begin;
}

/* The power of two from which on a prompt blocks one of `tokens`: at least twice as long. */
static uint32_t
blocking_power(uint32_t tokens)
{
    uint32_t power = 1;
    while (power < 31 && (UINT32_C(1) << power) < 2 * (uint64_t)tokens)
        power++;
    return power;
}

/* Requests of one replica whose wait is measured against prompts from 2^power on. */
static void
measure_waits(struct ss_findings *out, const struct ss_samples *samples, uint32_t replica, uint32_t power,
              const struct cover *cover)
{
    for (size_t i = 0; i < samples->count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        if (sample->queued_at != replica || isnan(sample->queue_ms) || sample->queue_ms <= 0 ||
            blocking_power(sample->prompt_tokens) != power)
            continue;
        double begin = ss_sample_arrival_s(sample), end = begin + sample->queue_ms / 1e3;
        double blocked = covered_until(cover, end) - covered_until(cover, begin);
        out->waited_s += end - begin;
        out->blocked_s += blocked;
        if (sample->prompt_tokens <= out->short_prompt_tokens) {
            out->short_waited_s += end - begin;
            out->short_blocked_s += blocked;
        }
    }
}

static void
cover_prefills(struct cover *cover, const struct ss_samples *samples, uint32_t replica, uint32_t power)
{
    cover->count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        if (sample->queued_at != replica || sample->prompt_tokens < (UINT32_C(1) << power) || isnan(sample->queue_ms) ||
            isnan(sample->ttft_ms))
            continue;
        double arrival = ss_sample_arrival_s(sample);
        cover->spans[cover->count++] =
            (struct span){arrival + sample->queue_ms / 1e3, arrival + sample->ttft_ms / 1e3, 0};
    }
    merge(cover);
}

/* The requests of one replica, in order of arrival, so that each replica is gone through once. */
static int
split_by_replica(const struct ss_samples *all, uint32_t replicas, struct ss_samples *out)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].queued_at < replicas)
            out[all->items[i].queued_at].count++;
    for (uint32_t r = 0; r < replicas; r++) {
        out[r].items = malloc((out[r].count + 1) * sizeof *out[r].items);
        if (out[r].items == NULL)
            return -ENOMEM;
        out[r].count = 0;
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].queued_at < replicas) {
            struct ss_samples *one = &out[all->items[i].queued_at];
            one->items[one->count++] = all->items[i];
        }
    return 0;
}

static int
measure_replicas(struct ss_findings *out, const struct ss_samples *all, uint32_t replicas, struct ss_samples *split)
{
    struct cover cover = {malloc((all->count + 1) * sizeof *cover.spans), 0};
    if (cover.spans == NULL || split == NULL || split_by_replica(all, replicas, split) != 0) {
        free(cover.spans);
        return -ENOMEM;
    }
    for (uint32_t r = 0; r < replicas; r++)
        for (uint32_t power = 1; power < 32; power++) {
            cover_prefills(&cover, &split[r], r, power);
            measure_waits(out, &split[r], r, power, &cover);
        }
    free(cover.spans);
    return 0;
}

static int
find_blocking(struct ss_findings *out, const struct ss_samples *samples, struct servsim_error *err)
{
    uint32_t replicas = 0;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->items[i].queued_at != UINT32_MAX && samples->items[i].queued_at >= replicas)
            replicas = samples->items[i].queued_at + 1;
    if (replicas > samples->count) /* numbers in the file that no router gives */
        return servsim_fail(err, EINVAL, "%s: replica %u, but only %zu requests; run the cell again",
                            out->trial->requests, replicas - 1, samples->count);
    struct ss_samples *split = calloc(replicas + 1, sizeof *split);
    int rc = measure_replicas(out, samples, replicas, split);
    for (uint32_t r = 0; r < replicas && split != NULL; r++)
        ss_samples_free(&split[r]);
    free(split);
    out->blocked_share = share_of(out->blocked_s, out->waited_s);
    out->short_blocked_share = share_of(out->short_blocked_s, out->short_waited_s);
    return rc == 0 ? 0 : servsim_fail(err, ENOMEM, "no memory to analyse %zu requests", samples->count);
}

/* ---- over time ---- */

/* Windows that lie wholly within the run. */
static void
slide(struct ss_findings *out, const struct ss_bins *bins)
{
    size_t inside = (size_t)floor(out->span_s / out->bin_s + 1e-9);
    inside = inside < bins->count ? inside : bins->count;
    size_t width = inside / SS_WINDOW_BINS > 0 ? inside / SS_WINDOW_BINS : 1;
    double sum = 0, mean = 0, squares = 0;
    out->window_s = (double)width * out->bin_s;
    for (size_t i = 0; i < inside; i++) {
        sum += bins->items[i].output_tokens - (i >= width ? bins->items[i - width].output_tokens : 0);
        if (i + 1 < width)
            continue;
        double rate = sum / out->window_s, begin = bins->items[i + 1 - width].t_s, step = rate - mean;
        out->windows++;
        mean += step / (double)out->windows;
        squares += step * (rate - mean);
        if (out->windows == 1 || rate < out->throughput_least) {
            out->throughput_least = rate;
            out->throughput_least_at_s = begin;
        }
        if (out->windows == 1 || rate > out->throughput_most) {
            out->throughput_most = rate;
            out->throughput_most_at_s = begin;
        }
    }
    if (out->windows > 0)
        out->throughput_mean = mean;
    if (out->windows > 1)
        out->throughput_deviation = sqrt(squares / (double)(out->windows - 1));
}

/* The last bin may reach beyond the end of the run; what is behind it is no idleness. */
static void
find_idleness(struct ss_findings *out, const struct ss_bins *bins, double first_s)
{
    double gpus = out->trial->gpus, end_s = first_s + out->span_s, peaks = 0, seen_s = 0;
    out->gpu_s = out->idle_gpu_s = out->idle_waiting_gpu_s = 0;
    for (size_t i = 0; i < bins->count; i++) {
        const struct ss_bin *bin = &bins->items[i];
        double length = fmin(bin->t_s + out->bin_s, end_s) - fmax(bin->t_s, first_s);
        if (length <= 0)
            continue;
        double stretch = out->bin_s / length; /* the file's means are over the whole width */
        double idle = 1 - bin->busy_fraction * stretch;
        idle = idle > ROUNDING * stretch ? idle : 0;
        double waiting = fmin(1, bin->waiting * stretch);
        out->gpu_s += gpus * length;
        out->idle_gpu_s += gpus * length * idle;
        out->idle_waiting_gpu_s += gpus * length * fmin(idle, waiting);
        peaks += bin->kv_blocks_peak * length;
        seen_s += length;
    }
    out->kv_mean_share = share_of(peaks, seen_s * out->kv_blocks_total);
}

static void
find_over_time(struct ss_findings *out)
{
    const struct ss_trial *trial = out->trial;
    const struct ss_bins *bins = &trial->bins;
    out->window_s = out->throughput_mean = out->throughput_least = out->throughput_most = NAN;
    out->throughput_deviation = out->throughput_least_at_s = out->throughput_most_at_s = NAN;
    out->bin_s = out->gpu_s = out->idle_gpu_s = out->idle_waiting_gpu_s = out->kv_mean_share = NAN;
    if (bins->count == 0 || !(out->span_s > 0))
        return;
    double first_s = ss_sample_arrival_s(&trial->samples.items[0]);
    out->bin_s = bins->width_s > 0 ? bins->width_s : first_s + out->span_s;
    slide(out, bins);
    find_idleness(out, bins, first_s);
}

/* ---- KV cache and preemptions ---- */

/* The last token is sampled and never stored: prompt + output - 1 are. */
static void
find_fragmentation(struct ss_findings *out, const struct table *table)
{
    double block = out->trial->block_size, taken = 0, used = 0;
    out->fragmentation = out->wasted_tokens_per_request = NAN;
    if (!(block > 0))
        return;
    for (size_t i = 0; i < table->count; i++) {
        double tokens = fmax(1, table->prompt[i] + table->output[i] - 1);
        used += tokens;
        taken += ceil(tokens / block) * block;
    }
    out->fragmentation = share_of(taken - used, taken);
    out->wasted_tokens_per_request = share_of(taken - used, (double)table->count);
}

static double
busy_gpu_s(const struct ss_trial *trial)
{
    return ss_trial_figure(trial, "simulated_s", NULL) * ss_trial_figure(trial, "gpus", NULL) *
           ss_trial_figure(trial, "busy_fraction", NULL);
}

/* As the loss table of the report has it: the repeated tokens' share of the time that kernels took for all of them. */
static double
recompute_gpu_s(const struct ss_trial *trial)
{
    double computed =
        ss_trial_figure(trial, "prefill_tokens_computed", NULL) + ss_trial_figure(trial, "output_tokens", NULL);
    double kernels = ss_trial_figure(trial, "busy_share", "dense") + ss_trial_figure(trial, "busy_share", "attention");
    return share_of(ss_trial_figure(trial, "recomputed_tokens", NULL), computed) * busy_gpu_s(trial) * kernels;
}

static void
find_preemptions(struct ss_findings *out, const struct ss_samples *samples)
{
    double with = 0, without = 0;
    size_t with_count = 0, without_count = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        out->preempted_requests += sample->preemptions > 0;
        if (sample->status != SS_STATUS_FINISHED)
            continue;
        if (isnan(sample->tpot_ms))
            continue;
        with += sample->preemptions > 0 ? sample->tpot_ms : 0;
        with_count += sample->preemptions > 0;
        without += sample->preemptions > 0 ? 0 : sample->tpot_ms;
        without_count += sample->preemptions == 0;
    }
    out->preempted_tpot_ms = share_of(with, (double)with_count);
    out->other_tpot_ms = share_of(without, (double)without_count);
    out->preemptions = ss_trial_figure(out->trial, "preemptions", NULL);
    out->recomputed_tokens = ss_trial_figure(out->trial, "recomputed_tokens", NULL);
    out->recomputed_share =
        share_of(out->recomputed_tokens, ss_trial_figure(out->trial, "prefill_tokens_computed", NULL));
    out->recompute_gpu_s = recompute_gpu_s(out->trial);
    out->swapped_out_blocks = ss_trial_figure(out->trial, "swapped_out_blocks", NULL);
    out->swapped_in_blocks = ss_trial_figure(out->trial, "swapped_in_blocks", NULL);
    out->swap_share = ss_trial_figure(out->trial, "busy_share", "swap");
    out->swap_gpu_s = out->swap_share * busy_gpu_s(out->trial);
}

static void
find_efficiency(struct ss_findings *out)
{
    const struct ss_trial *trial = out->trial;
    out->tokens_per_s = ss_trial_figure(trial, "output_tokens_per_s", NULL);
    out->tokens_per_s_per_gpu = ss_trial_figure(trial, "output_tokens_per_s_per_gpu", NULL);
    out->busy_fraction = ss_trial_figure(trial, "busy_fraction", NULL);
    out->mfu = ss_trial_figure(trial, "mfu", NULL);
    out->bandwidth = ss_trial_figure(trial, "bandwidth_utilisation", NULL);
    out->jain = ss_trial_figure(trial, "jain_index_busy", NULL);
    out->share_dense = ss_trial_figure(trial, "busy_share", "dense");
    out->share_attention = ss_trial_figure(trial, "busy_share", "attention");
    out->share_communication = ss_trial_figure(trial, "busy_share", "communication");
    out->share_overhead = ss_trial_figure(trial, "busy_share", "overhead");
    out->prefill_busy = ss_trial_figure(trial, "disaggregation", "prefill_busy_fraction");
    out->decode_busy = ss_trial_figure(trial, "disaggregation", "decode_busy_fraction");
    out->transfer_wait_ms = ss_trial_figure(trial, "disaggregation", "transfer_wait_ms_mean");
    out->transfer_ms = ss_trial_figure(trial, "disaggregation", "transfer_ms_mean");
    out->decode_queue_ms = ss_trial_figure(trial, "disaggregation", "decode_queue_ms_mean");
    out->kwh = ss_trial_figure(trial, "energy", "kwh");
    out->watts_per_gpu = ss_trial_figure(trial, "energy", "watts_per_gpu");
    out->joules_per_output_token = ss_trial_figure(trial, "energy", "joules_per_output_token");
    out->energy_idle_share = ss_trial_figure(trial, "energy", "idle_share");
    out->energy_cut_share = ss_trial_figure(trial, "energy", "cut_share");
    out->kv_blocks_total = ss_trial_figure(trial, "kv_blocks_total", NULL);
    out->kv_peak_share = ss_trial_figure(trial, "kv_usage_peak", NULL);
}

static double
span_of(const struct ss_samples *samples)
{
    double first = ss_sample_arrival_s(&samples->items[0]), last = first;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->items[i].status == SS_STATUS_FINISHED)
            last = fmax(last, ss_sample_arrival_s(&samples->items[i]) + samples->items[i].latency_ms / 1e3);
    return last - first;
}

int
ss_findings_make(struct ss_findings *out, const struct ss_trial *trial, struct servsim_error *err)
{
    const struct ss_samples *samples = &trial->samples;
    struct table table = {0};
    *out = (struct ss_findings){.trial = trial, .requests = samples->count, .span_s = span_of(samples)};
    int rc = make_table(&table, samples, err);
    if (rc != 0)
        return rc;
    out->finished = table.count;
    for (size_t i = 0; i < samples->count; i++)
        out->rejected += samples->items[i].status == SS_STATUS_REJECTED;
    describe(&out->shapes[SS_FIGURE_TTFT], table.ttft, &table);
    describe(&out->shapes[SS_FIGURE_TPOT], table.tpot, &table);
    describe(&out->shapes[SS_FIGURE_LATENCY], table.latency, &table);
    describe(&out->shapes[SS_FIGURE_QUEUE], table.queue, &table);
    find_shares(out, &table);
    find_efficiency(out);
    find_over_time(out);
    find_fragmentation(out, &table);
    find_preemptions(out, samples);
    (void)keep_numbers(table.prompt, table.count, table.scratch);
    ss_sort(table.scratch, table.count);
    out->short_prompt_tokens = table.count > 0 ? (uint32_t)ss_nearest_rank(table.scratch, table.count, 0.5) : 0;
    free(table.queue);
    return find_blocking(out, samples, err);
}
