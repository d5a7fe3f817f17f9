/*
 * analysis/compare.c - the test itself. Everything random is seeded with constants: the same files give the same words.
 */
#include "analysis/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/statistics.h"

#define MOST_RESAMPLES 999u
#define FEWEST_RESAMPLES 199u
#define WALKS 4e8          /* steps through rankings that one run may take: about a second */
#define FEWEST_REQUESTS 50 /* below, one run is not judged */
#define FEWEST_BLOCKS 10
#define EQUAL_SHARE 1e-9 /* closer than this is rounding */
#define FINEST_P 1e-6    /* of a difference that is the same in all replicates */

int
ss_same_traffic(const struct ss_samples *a, const struct ss_samples *b)
{
    if (a->count != b->count)
        return 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct ss_sample *x = &a->items[i], *y = &b->items[i];
        int served = x->status == SS_STATUS_FINISHED && y->status == SS_STATUS_FINISHED;
        if (x->arrival_ns != y->arrival_ns || x->prompt_tokens != y->prompt_tokens ||
            (served && x->output_tokens != y->output_tokens))
            return 0;
    }
    return 1;
}

const char *
ss_verdict_text(uint32_t metric, uint32_t verdict)
{
    switch (verdict) {
    case SS_VERDICT_ABSENT:
        return "no figure";
    case SS_VERDICT_FEW:
        return "too few requests to judge";
    case SS_VERDICT_EQUAL:
        return "equal";
    case SS_VERDICT_LESS:
        return ss_metrics[metric].if_less;
    case SS_VERDICT_MORE:
        return ss_metrics[metric].if_more;
    default:
        return "within noise";
    }
}

/* ---- figures side by side ---- */

static void
put_figures(struct ss_comparison *out, const double *a, const double *b)
{
    for (size_t m = 0; m < SS_METRICS; m++) {
        double difference = b[m] - a[m];
        int equal = fabs(difference) <= EQUAL_SHARE * fmax(fabs(a[m]), fabs(b[m]));
        out->metrics[m] = (struct ss_difference){
            .a = a[m],
            .b = b[m],
            .difference = equal ? 0 : difference,
            .relative = a[m] > 0 ? (equal ? 0 : difference / a[m]) : NAN,
            .low = NAN,
            .high = NAN,
            .p = NAN,
            .p_adjusted = NAN,
            .verdict = isnan(difference) ? SS_VERDICT_ABSENT : SS_VERDICT_FEW,
        };
    }
}

/* Interval and p-value from a standard error. `finest` is the p-value of a difference without any spread. */
static void
judge(struct ss_difference *metric, double error, double df, double level, double finest)
{
    double scale = fmax(fabs(metric->a), fabs(metric->b));
    int still = !(error > EQUAL_SHARE * scale);
    if (still && metric->difference == 0) {
        metric->low = metric->high = 0;
        metric->verdict = SS_VERDICT_EQUAL;
        return;
    }
    double reach = still ? 0 : ss_student_critical(level, df) * error;
    metric->low = metric->difference - reach;
    metric->high = metric->difference + reach;
    metric->p = still ? finest : ss_student_two_sided(metric->difference / error, df);
    metric->verdict = SS_VERDICT_NOISE;
}

static void
decide(struct ss_comparison *out, const struct ss_compare_options *options)
{
    out->p_overall = NAN;
    out->judged = 0;
    for (size_t m = 0; m < SS_METRICS; m++) {
        struct ss_difference *metric = &out->metrics[m];
        if (isnan(metric->p_adjusted))
            continue;
        out->judged++;
        out->p_overall = isnan(out->p_overall) ? metric->p_adjusted : fmin(out->p_overall, metric->p_adjusted);
        if (metric->p_adjusted < 1 - options->level)
            metric->verdict = metric->difference < 0 ? SS_VERDICT_LESS : SS_VERDICT_MORE;
    }
    out->differs = out->p_overall < 1 - options->level;
}

static int
is_looked_at(const struct ss_comparison *out, const struct ss_compare_options *options, size_t metric)
{
    return (options->metrics >> metric & 1u) && !isnan(out->metrics[metric].p);
}

/* ---- one run each ---- */

/* Resampled figures of A, B and their difference, row by row. */
struct resamples {
    size_t count;
    double *a, *b; /* [count][SS_METRICS] */
};

struct spread {
    double error_a, error_b, error, df; /* standard errors */
};

static void
draw(double *draws, size_t count, struct servsim_random *random)
{
    for (size_t i = 0; i < count; i++)
        draws[i] = servsim_random_unit(random);
}

static int
resample(struct ss_measure *a, struct ss_measure *b, const struct ss_comparison *out, struct resamples *resamples,
         struct servsim_error *err)
{
    struct servsim_random random_a = {1}, random_b = {2};
    size_t blocks_a = ss_measure_blocks(a, out->block_length), blocks_b = ss_measure_blocks(b, out->block_length);
    size_t most = blocks_a > blocks_b ? blocks_a : blocks_b;
    double *draws = malloc(most * sizeof *draws);
    resamples->count = out->resamples;
    resamples->a = malloc(out->resamples * SS_METRICS * sizeof(double));
    resamples->b = malloc(out->resamples * SS_METRICS * sizeof(double));
    if (draws == NULL || resamples->a == NULL || resamples->b == NULL) {
        free(draws);
        return servsim_fail(err, ENOMEM, "no memory for %zu resamples", out->resamples);
    }
    for (size_t r = 0; r < out->resamples; r++) {
        draw(draws, blocks_a, &random_a);
        ss_measure_resample(a, draws, out->block_length, resamples->a + r * SS_METRICS);
        if (!out->paired)
            draw(draws, blocks_b, &random_b);
        ss_measure_resample(b, draws, out->block_length, resamples->b + r * SS_METRICS);
    }
    free(draws);
    return 0;
}

/* Standard deviation over the resamples of b - a, or of one of them where the other is NULL. */
static double
deviation(const struct resamples *resamples, size_t metric, const double *a, const double *b)
{
    double mean = 0, sum = 0;
    size_t count = 0;
    for (size_t r = 0; r < resamples->count; r++) {
        double value = (b != NULL ? b[r * SS_METRICS + metric] : 0) - (a != NULL ? a[r * SS_METRICS + metric] : 0);
        if (isnan(value))
            continue;
        count++;
        double step = value - mean; /* Welford's sums: no cancellation */
        mean += step / (double)count;
        sum += step * (value - mean);
    }
    return count > 1 ? sqrt(sum / (double)(count - 1)) : NAN;
}

/* Blocks cut from one run vary about its own mean, which takes a share of one block in all blocks from the variance. */
static double
inflation(size_t requests, size_t length)
{
    return sqrt((double)requests / (double)(requests - length));
}

static struct spread
spread_of(const struct resamples *resamples, size_t metric, const struct ss_comparison *out, size_t count_a,
          size_t count_b)
{
    double grow_a = inflation(count_a, out->block_length), grow_b = inflation(count_b, out->block_length);
    double df_a = 1.5 * ((double)count_a / (double)out->block_length - 1);
    double df_b = 1.5 * ((double)count_b / (double)out->block_length - 1);
    struct spread spread = {
        .error_a = grow_a * deviation(resamples, metric, resamples->a, NULL),
        .error_b = grow_b * deviation(resamples, metric, NULL, resamples->b),
        .error = fmax(grow_a, grow_b) * deviation(resamples, metric, resamples->a, resamples->b),
        .df = fmin(df_a, df_b),
    };
    double a = spread.error_a * spread.error_a, b = spread.error_b * spread.error_b;
    if (!out->paired && a + b > 0)
        spread.df = (a + b) * (a + b) / (a * a / df_a + b * b / df_b);
    return spread;
}

struct ranked {
    double size;
    size_t resample;
};

static int
by_size(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->resample > y->resample) - (x->resample < y->resample);
}

/* For each resample, the share of resamples that stray at least as far in this metric, where it is the smallest. */
static void
lower_to_rank(const struct resamples *resamples, size_t metric, struct ranked *scratch, double *rarest)
{
    double mean = 0;
    size_t count = 0;
    for (size_t r = 0; r < resamples->count; r++) {
        double value = resamples->b[r * SS_METRICS + metric] - resamples->a[r * SS_METRICS + metric];
        if (isnan(value))
            continue;
        scratch[count++] = (struct ranked){value, r};
        mean += (value - mean) / (double)count;
    }
    for (size_t i = 0; i < count; i++)
        scratch[i].size = fabs(scratch[i].size - mean);
    qsort(scratch, count, sizeof *scratch, by_size);
    for (size_t i = 0; i < count; i++)
        rarest[scratch[i].resample] = fmin(rarest[scratch[i].resample], ((double)i + 0.5) / (double)count);
}

/*
 * Of how many independent looks the rarest stray of each resample is typical. Ranks and not sizes are compared, so that
 * only what the metrics have in common counts, and not how each is distributed.
 */
static double
count_looks(const struct ss_comparison *out, const struct ss_compare_options *options,
            const struct resamples *resamples)
{
    struct ranked *scratch = malloc(resamples->count * sizeof *scratch);
    double *rarest = malloc(resamples->count * sizeof *rarest), most = 0, looks = 1;
    for (size_t r = 0; r < resamples->count && rarest != NULL; r++)
        rarest[r] = 1;
    for (size_t m = 0; m < SS_METRICS && scratch != NULL && rarest != NULL; m++) {
        if (!is_looked_at(out, options, m) || !(deviation(resamples, m, resamples->a, resamples->b) > 0))
            continue;
        most++;
        lower_to_rank(resamples, m, scratch, rarest);
    }
    if (most > 0) {
        ss_sort(rarest, resamples->count);
        looks = log(options->level) / log1p(-ss_nearest_rank(rarest, resamples->count, 1 - options->level));
    }
    free(scratch);
    free(rarest);
    return fmax(1, fmin(looks, most));
}

static void
adjust_for_looks(struct ss_comparison *out, const struct ss_compare_options *options)
{
    for (size_t m = 0; m < SS_METRICS; m++)
        if (is_looked_at(out, options, m))
            out->metrics[m].p_adjusted = fmin(1, options->family * -expm1(out->looks * log1p(-out->metrics[m].p)));
}

static int
is_supported(struct ss_measure *a, struct ss_measure *b, uint32_t metric, size_t length)
{
    return ss_measure_supports(a, metric, length) && ss_measure_supports(b, metric, length);
}

static void
choose_blocks(struct ss_comparison *out, const struct ss_measure *a, const struct ss_measure *b)
{
    size_t count = a->samples->count < b->samples->count ? a->samples->count : b->samples->count;
    size_t larger = a->samples->count > b->samples->count ? a->samples->count : b->samples->count;
    double wanted = 2 * fmax(ss_measure_block_length(a), ss_measure_block_length(b));
    double most = floor((double)count / FEWEST_BLOCKS);
    wanted = ceil(fmax(wanted, cbrt((double)count)));
    out->short_of_data = wanted > most;
    out->block_length = (size_t)fmin(wanted, most);
    out->blocks = (a->samples->count + out->block_length - 1) / out->block_length;
    double affordable = WALKS / (4.0 * (double)larger);
    out->resamples = (size_t)fmin(MOST_RESAMPLES, fmax(FEWEST_RESAMPLES, affordable));
}

static int
compare_runs(struct ss_measure *a, struct ss_measure *b, const struct ss_compare_options *options,
             struct ss_comparison *out, struct servsim_error *err)
{
    size_t count_a = a->samples->count, count_b = b->samples->count;
    struct resamples resamples = {0};
    if (count_a < FEWEST_REQUESTS || count_b < FEWEST_REQUESTS) {
        for (size_t m = 0; m < SS_METRICS; m++)
            if (out->metrics[m].verdict == SS_VERDICT_FEW && out->paired && out->metrics[m].difference == 0)
                out->metrics[m].verdict = SS_VERDICT_EQUAL;
        return 0;
    }
    choose_blocks(out, a, b);
    int rc = resample(a, b, out, &resamples, err);
    for (uint32_t m = 0; m < SS_METRICS && rc == 0; m++) {
        if (out->metrics[m].verdict == SS_VERDICT_ABSENT || !is_supported(a, b, m, out->block_length))
            continue;
        struct spread spread = spread_of(&resamples, m, out, count_a, count_b);
        judge(&out->metrics[m], spread.error, spread.df, options->level, 1.0 / (double)(out->resamples + 1));
    }
    if (rc == 0) {
        out->looks = count_looks(out, options, &resamples);
        adjust_for_looks(out, options);
    }
    free(resamples.a);
    free(resamples.b);
    return rc;
}

/* ---- replicates ---- */

/* Figures of each replicate: [count][SS_METRICS]. */
static int
measure_all(const struct ss_side *sides, size_t count, double *figures, struct servsim_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct ss_measure measure;
        int rc = ss_measure_make(&measure, sides[i].samples, sides[i].slo_ttft_ms, sides[i].slo_tpot_ms, err);
        if (rc != 0)
            return rc;
        ss_measure_figures(&measure, figures + i * SS_METRICS);
        ss_measure_free(&measure);
    }
    return 0;
}

static double
column(const double *figures, size_t count, size_t metric, double *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = figures[i * SS_METRICS + metric];
    return ss_mean(out, count);
}

/* `scratch` has room for count_a. */
static void
judge_replicates(struct ss_difference *metric, const double *a, size_t count_a, const double *b, size_t count_b,
                 double *scratch, int paired, double level)
{
    double df = (double)count_a - 1, error;
    if (paired) {
        for (size_t i = 0; i < count_a; i++)
            scratch[i] = b[i] - a[i];
        error = sqrt(ss_variance(scratch, count_a) / (double)count_a);
    } else {
        double x = ss_variance(a, count_a) / (double)count_a, y = ss_variance(b, count_b) / (double)count_b;
        error = sqrt(x + y);
        if (x + y > 0)
            df = (x + y) * (x + y) / (x * x / ((double)count_a - 1) + y * y / ((double)count_b - 1));
    }
    if (!isnan(error))
        judge(metric, error, df, level, FINEST_P);
}

/* Holm: the smallest p-value counts as often as there are looks, the next once less, and none less than one before. */
static void
adjust_by_holm(struct ss_comparison *out, const struct ss_compare_options *options)
{
    size_t left = 0;
    double before = 0;
    for (size_t m = 0; m < SS_METRICS; m++)
        left += (size_t)is_looked_at(out, options, m);
    out->looks = (double)left;
    for (; left > 0; left--) {
        struct ss_difference *smallest = NULL;
        for (size_t m = 0; m < SS_METRICS; m++)
            if (is_looked_at(out, options, m) && isnan(out->metrics[m].p_adjusted) &&
                (smallest == NULL || out->metrics[m].p < smallest->p))
                smallest = &out->metrics[m];
        if (smallest == NULL)
            return;
        before = fmax(before, fmin(1, (double)left * options->family * smallest->p));
        smallest->p_adjusted = before;
    }
}

static void
compare_columns(const double *figures_a, size_t count_a, const double *figures_b, size_t count_b, double *scratch,
                const struct ss_compare_options *options, struct ss_comparison *out)
{
    double mean_a[SS_METRICS], mean_b[SS_METRICS];
    for (size_t m = 0; m < SS_METRICS; m++) {
        mean_a[m] = column(figures_a, count_a, m, scratch);
        mean_b[m] = column(figures_b, count_b, m, scratch + count_a);
    }
    put_figures(out, mean_a, mean_b);
    for (size_t m = 0; m < SS_METRICS; m++) {
        (void)column(figures_a, count_a, m, scratch);
        (void)column(figures_b, count_b, m, scratch + count_a);
        if (out->metrics[m].verdict != SS_VERDICT_ABSENT)
            judge_replicates(&out->metrics[m], scratch, count_a, scratch + count_a, count_b,
                             scratch + count_a + count_b, out->paired, options->level);
    }
    adjust_by_holm(out, options);
}

static int
compare_replicates(const struct ss_side *a, size_t count_a, const struct ss_side *b, size_t count_b,
                   const struct ss_compare_options *options, struct ss_comparison *out, struct servsim_error *err)
{
    double *figures = malloc((count_a + count_b) * SS_METRICS * sizeof *figures);
    double *scratch = malloc((2 * count_a + count_b) * sizeof *scratch);
    int rc = figures == NULL || scratch == NULL ? servsim_fail(err, ENOMEM, "no memory for the replicates") : 0;
    if (rc == 0)
        rc = measure_all(a, count_a, figures, err);
    if (rc == 0)
        rc = measure_all(b, count_b, figures + count_a * SS_METRICS, err);
    if (rc == 0)
        compare_columns(figures, count_a, figures + count_a * SS_METRICS, count_b, scratch, options, out);
    free(figures);
    free(scratch);
    return rc;
}

static int
compare_singles(const struct ss_side *a, const struct ss_side *b, const struct ss_compare_options *options,
                struct ss_comparison *out, struct servsim_error *err)
{
    struct ss_measure measure_a, measure_b;
    double figures_a[SS_METRICS], figures_b[SS_METRICS];
    int rc = ss_measure_make(&measure_a, a->samples, a->slo_ttft_ms, a->slo_tpot_ms, err);
    if (rc != 0)
        return rc;
    rc = ss_measure_make(&measure_b, b->samples, b->slo_ttft_ms, b->slo_tpot_ms, err);
    if (rc == 0) {
        ss_measure_figures(&measure_a, figures_a);
        ss_measure_figures(&measure_b, figures_b);
        put_figures(out, figures_a, figures_b);
        rc = compare_runs(&measure_a, &measure_b, options, out, err);
        ss_measure_free(&measure_b);
    }
    ss_measure_free(&measure_a);
    return rc;
}

int
ss_compare(const struct ss_side *a, size_t count_a, const struct ss_side *b, size_t count_b,
           const struct ss_compare_options *options, struct ss_comparison *out, struct servsim_error *err)
{
    memset(out, 0, sizeof *out);
    int single = count_a == 1 || count_b == 1;
    out->requests = a->samples->count;
    out->paired = single || count_a == count_b;
    for (size_t i = 0; i < (single ? 1 : count_a) && out->paired; i++)
        out->paired = ss_same_traffic(a[i].samples, b[i].samples);
    out->replicates = single ? 1 : count_a;
    int rc = single ? compare_singles(a, b, options, out, err)
                    : compare_replicates(a, count_a, b, count_b, options, out, err);
    if (rc == 0)
        decide(out, options);
    return rc;
}
