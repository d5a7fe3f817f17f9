/*
 * analysis/measure.c - sums that give the mean of any block at once, and rankings that give the percentile of any
 * resample in one walk.
 */
#include "analysis/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/statistics.h"

#define FIGURE_METRICS(figure, heading)                                                                                \
    {figure "_ms.mean", heading " mean", "ms", 0, 0, "faster", "slower"},                                              \
        {figure "_ms.p50", heading " P50", "ms", 0.5, 0, "faster", "slower"},                                          \
        {figure "_ms.p90", heading " P90", "ms", 0.9, 0, "faster", "slower"},                                          \
    {                                                                                                                  \
        figure "_ms.p99", heading " P99", "ms", 0.99, 0, "faster", "slower"                                            \
    }

const struct ss_metric ss_metrics[SS_METRICS] = {
    FIGURE_METRICS("ttft", "TTFT"),
    FIGURE_METRICS("tpot", "TPOT"),
    FIGURE_METRICS("latency", "latency"),
    FIGURE_METRICS("queue", "queue"),
    {"output_tokens_per_s", "throughput", "tokens/s", 0, 1, "slower", "faster"},
    {"slo_attainment", "SLO attainment", "", 0, 1, "worse", "better"},
    {"makespan_s", "makespan", "s", 0, 0, "faster", "slower"},
};

static const uint32_t figures_in_order[4] = {SS_FIGURE_TTFT, SS_FIGURE_TPOT, SS_FIGURE_LATENCY, SS_FIGURE_QUEUE};

/* ---- preparing ---- */

struct keyed {
    double key;
    uint32_t index;
};

static int
by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int
rank_figure(struct ss_measure *out, size_t which, struct keyed *scratch)
{
    const struct ss_samples *samples = out->samples;
    double *sums = out->sums[which], *counts = out->counts[which];
    size_t count = 0;
    sums[0] = counts[0] = 0;
    for (size_t i = 0; i < samples->count; i++) {
        double value = ss_sample_figure(&samples->items[i], figures_in_order[which]);
        int there = !isnan(value);
        sums[i + 1] = sums[i] + (there ? value : 0);
        counts[i + 1] = counts[i] + there;
        if (there)
            scratch[count++] = (struct keyed){value, (uint32_t)i};
    }
    qsort(scratch, count, sizeof *scratch, by_key);
    out->rankings[which].order = malloc((count + 1) * sizeof(uint32_t));
    if (out->rankings[which].order == NULL)
        return -ENOMEM;
    out->rankings[which].count = count;
    for (size_t i = 0; i < count; i++)
        out->rankings[which].order[i] = scratch[i].index;
    return 0;
}

/* Gaps between completions, from the first arrival on: they add up to the makespan. */
static void
sum_completions(struct ss_measure *out, struct keyed *scratch)
{
    const struct ss_samples *samples = out->samples;
    double first_s = ss_sample_arrival_s(&samples->items[0]), last_s = first_s;
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        if (samples->items[i].status == SS_STATUS_FINISHED)
            scratch[count++] = (struct keyed){
                ss_sample_arrival_s(&samples->items[i]) + samples->items[i].latency_ms / 1e3, (uint32_t)i};
    qsort(scratch, count, sizeof *scratch, by_key);
    out->completions = count;
    out->gaps_s[0] = out->tokens[0] = 0;
    for (size_t i = 0; i < count; i++) {
        out->gaps_s[i + 1] = out->gaps_s[i] + (scratch[i].key - last_s);
        out->tokens[i + 1] = out->tokens[i] + samples->items[scratch[i].index].output_tokens;
        last_s = scratch[i].key;
    }
}

static int
meets(const struct ss_measure *measure, const struct ss_sample *sample)
{
    int ttft_ok = isnan(measure->slo_ttft_ms) || sample->ttft_ms <= measure->slo_ttft_ms;
    int tpot_ok = isnan(measure->slo_tpot_ms) || isnan(sample->tpot_ms) || sample->tpot_ms <= measure->slo_tpot_ms;
    return sample->status == SS_STATUS_FINISHED && ttft_ok && tpot_ok;
}

static int
sum_slo(struct ss_measure *out)
{
    if (isnan(out->slo_ttft_ms) && isnan(out->slo_tpot_ms))
        return 0;
    out->met = malloc((out->samples->count + 1) * sizeof *out->met);
    if (out->met == NULL)
        return -ENOMEM;
    out->met[0] = 0;
    for (size_t i = 0; i < out->samples->count; i++)
        out->met[i + 1] = out->met[i] + meets(out, &out->samples->items[i]);
    return 0;
}

static int
prepare(struct ss_measure *out, struct keyed *scratch)
{
    size_t count = out->samples->count;
    int rc = 0;
    for (size_t i = 0; i < 4; i++) {
        out->sums[i] = malloc((count + 1) * sizeof(double));
        out->counts[i] = malloc((count + 1) * sizeof(double));
        if (out->sums[i] == NULL || out->counts[i] == NULL)
            return -ENOMEM;
    }
    out->gaps_s = malloc((count + 1) * sizeof(double));
    out->tokens = malloc((count + 1) * sizeof(double));
    out->weights = malloc((count + 1) * sizeof(uint32_t));
    if (scratch == NULL || out->gaps_s == NULL || out->tokens == NULL || out->weights == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < 4 && rc == 0; i++)
        rc = rank_figure(out, i, scratch);
    sum_completions(out, scratch);
    return rc != 0 ? rc : sum_slo(out);
}

int
ss_measure_make(struct ss_measure *out, const struct ss_samples *samples, double slo_ttft_ms, double slo_tpot_ms,
                struct servsim_error *err)
{
    *out = (struct ss_measure){.samples = samples, .slo_ttft_ms = slo_ttft_ms, .slo_tpot_ms = slo_tpot_ms};
    if (samples->count == 0 || samples->count >= UINT32_MAX)
        return servsim_fail(err, EINVAL, "%zu requests cannot be compared", samples->count);
    struct keyed *scratch = malloc(samples->count * sizeof *scratch);
    int rc = prepare(out, scratch);
    free(scratch);
    if (rc == 0)
        return 0;
    ss_measure_free(out);
    return servsim_fail(err, ENOMEM, "no memory to compare %zu requests", samples->count);
}

void
ss_measure_free(struct ss_measure *measure)
{
    for (size_t i = 0; i < 4; i++) {
        free(measure->sums[i]);
        free(measure->counts[i]);
        free(measure->rankings[i].order);
    }
    free(measure->met);
    free(measure->gaps_s);
    free(measure->tokens);
    free(measure->weights);
    *measure = (struct ss_measure){0};
}

/* ---- figures ---- */

/* Walks up the ranking until enough weight is below. `weights` NULL: each request once. */
static void
percentiles(const struct ss_measure *measure, size_t which, const uint32_t *weights, uint64_t total, double out[3])
{
    static const uint32_t percent[3] = {50, 90, 99};
    const struct ss_ranking *ranking = &measure->rankings[which];
    uint64_t below = 0;
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        uint64_t wanted = (total * percent[i] + 99) / 100;
        if (weights == NULL)
            at = wanted;
        while (weights != NULL && below < wanted && at < ranking->count)
            below += weights[ranking->order[at++]];
        out[i] =
            at > 0 ? ss_sample_figure(&measure->samples->items[ranking->order[at - 1]], figures_in_order[which]) : NAN;
    }
}

static double
ratio(double above, double below)
{
    return below > 0 ? above / below : NAN;
}

void
ss_measure_figures(const struct ss_measure *measure, double figures[SS_METRICS])
{
    size_t count = measure->samples->count, completions = measure->completions;
    for (size_t i = 0; i < 4; i++) {
        figures[4 * i] = ratio(measure->sums[i][count], measure->counts[i][count]);
        percentiles(measure, i, NULL, measure->rankings[i].count, &figures[4 * i + 1]);
    }
    figures[SS_METRIC_THROUGHPUT] = ratio(measure->tokens[completions], measure->gaps_s[completions]);
    figures[SS_METRIC_SLO] = measure->met != NULL ? measure->met[count] / (double)count : NAN;
    figures[SS_METRIC_MAKESPAN] = completions > 0 ? measure->gaps_s[completions] : NAN;
}

size_t
ss_measure_blocks(const struct ss_measure *measure, size_t length)
{
    return (measure->samples->count + length - 1) / length;
}

/* Sum of a block that may run over the end and go on at the beginning. */
static double
block_sum(const double *sums, size_t count, size_t start, size_t length)
{
    if (start + length <= count)
        return sums[start + length] - sums[start];
    return sums[count] - sums[start] + sums[start + length - count];
}

/* A resample's blocks over a series of `count`. */
struct blocks {
    const double *draws;
    size_t number, length, count;
};

static size_t
block_start(const struct blocks *blocks, size_t index)
{
    size_t start = (size_t)(blocks->draws[index] * (double)blocks->count);
    return start < blocks->count ? start : blocks->count - 1;
}

static size_t
block_size(const struct blocks *blocks, size_t index)
{
    size_t done = index * blocks->length, left = blocks->count > done ? blocks->count - done : 0;
    return left < blocks->length ? left : blocks->length;
}

static double
resampled(const struct blocks *blocks, const double *sums)
{
    double total = 0;
    for (size_t i = 0; i < blocks->number; i++)
        total += block_sum(sums, blocks->count, block_start(blocks, i), block_size(blocks, i));
    return total;
}

/* How often each request is in the resample: steps up and down at the blocks' borders, then their running sum. */
static void
weigh(const struct blocks *blocks, uint32_t *weights)
{
    memset(weights, 0, (blocks->count + 1) * sizeof *weights);
    for (size_t i = 0; i < blocks->number; i++) {
        size_t start = block_start(blocks, i), end = start + block_size(blocks, i);
        weights[start]++;
        if (end > blocks->count) {
            weights[0]++;
            end -= blocks->count;
        }
        weights[end]--; /* may wrap below 0 here; the running sum comes back */
    }
    uint32_t weight = 0;
    for (size_t i = 0; i < blocks->count; i++) {
        weight += weights[i];
        weights[i] = weight;
    }
}

void
ss_measure_resample(struct ss_measure *measure, const double *draws, size_t length, double figures[SS_METRICS])
{
    const struct blocks all = {draws, ss_measure_blocks(measure, length), length, measure->samples->count};
    struct blocks completed = all;
    completed.count = measure->completions;
    weigh(&all, measure->weights);
    for (size_t i = 0; i < 4; i++) {
        double weight = resampled(&all, measure->counts[i]);
        figures[4 * i] = ratio(resampled(&all, measure->sums[i]), weight);
        percentiles(measure, i, measure->weights, (uint64_t)(weight + 0.5), &figures[4 * i + 1]);
    }
    double gaps_s = completed.count > 0 ? resampled(&completed, measure->gaps_s) : NAN;
    figures[SS_METRIC_THROUGHPUT] = completed.count > 0 ? ratio(resampled(&completed, measure->tokens), gaps_s) : NAN;
    figures[SS_METRIC_SLO] = measure->met != NULL ? resampled(&all, measure->met) / (double)all.count : NAN;
    figures[SS_METRIC_MAKESPAN] = gaps_s;
}

/* ---- how long a block must be ---- */

double
ss_measure_block_length(const struct ss_measure *measure)
{
    size_t count = measure->samples->count, kept;
    double *values = malloc(count * sizeof *values), longest = 1;
    if (values == NULL)
        return (double)count;
    for (size_t which = 0; which < 4; which++) {
        kept = 0;
        for (size_t i = 0; i < count; i++) {
            double value = ss_sample_figure(&measure->samples->items[i], figures_in_order[which]);
            if (!isnan(value))
                values[kept++] = value;
        }
        longest = fmax(longest, ss_block_length(values, kept));
    }
    for (kept = 0; kept < measure->completions; kept++)
        values[kept] = measure->gaps_s[kept + 1] - measure->gaps_s[kept];
    longest = fmax(longest, ss_block_length(values, kept));
    free(values);
    return longest;
}

#define FEWEST_BEHIND 10 /* requests at or above a percentile */
#define FEWEST_BLOCKS 5  /* blocks that they stand in */

int
ss_measure_supports(const struct ss_measure *measure, uint32_t metric, size_t length)
{
    double share = ss_metrics[metric].share;
    if (share <= 0)
        return 1;
    const struct ss_ranking *ranking = &measure->rankings[metric / 4];
    size_t behind = (size_t)((1 - share) * (double)ranking->count), blocks = 0;
    if (behind < FEWEST_BEHIND)
        return 0;
    memset(measure->weights, 0, (measure->samples->count + 1) * sizeof *measure->weights);
    for (size_t i = ranking->count - behind; i < ranking->count && blocks < FEWEST_BLOCKS; i++)
        blocks += measure->weights[ranking->order[i] / length]++ == 0;
    return blocks >= FEWEST_BLOCKS;
}
