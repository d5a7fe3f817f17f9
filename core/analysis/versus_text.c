/*
 * analysis/versus_text.c - a comparison for people: who was compared and how, the table, the verdict, whether the runs
 * can be believed.
 */
#include <math.h>

#include "analysis/versus.h"

/* Four significant digits, and a sign where it is a difference. */
static const char *
number(char out[32], double value, int with_sign)
{
    if (isnan(value)) {
        (void)snprintf(out, 32, "-");
        return out;
    }
    int digits = value == 0 ? 0 : (int)floor(log10(fabs(value)));
    int places = digits >= 3 ? 0 : digits < -3 ? 6 : 3 - digits;
    (void)snprintf(out, 32, with_sign ? "%+.*f" : "%.*f", places, value);
    return out;
}

static const char *
probability(char out[32], double p)
{
    if (isnan(p))
        (void)snprintf(out, 32, "-");
    else if (p < 0.0001)
        (void)snprintf(out, 32, "<0.0001");
    else
        (void)snprintf(out, 32, "%.4f", p);
    return out;
}

/* With two decimals, or none where it is tenfold: it stands in a column. */
static void
percent(char out[32], double share)
{
    if (isnan(share))
        (void)snprintf(out, 32, "-");
    else
        (void)snprintf(out, 32, "%+.*f%%", fabs(share) < 10 ? 2 : 0, 100 * share);
}

static void
put_side(const char *letter, const struct ss_versus_side *side, struct ss_text *out)
{
    const struct ss_trial *trial = side->trials[0];
    ss_text_printf(out, "%s  %s", letter, side->path);
    if (strcmp(side->path, side->name) != 0)
        ss_text_printf(out, ", cell %s", side->name);
    if (side->count > 1)
        ss_text_printf(out, " (%zu replicates)", side->count);
    ss_text_puts(out, ":");
    if (trial->model[0] != '\0')
        ss_text_printf(out, " %s on %u x %s (tp %u),", trial->model, trial->gpus, trial->hardware, trial->tp);
    if (trial->scheduler[0] != '\0')
        ss_text_printf(out, " %s, %s,", trial->scheduler, trial->workload);
    double requests = ss_trial_figure(trial, "requests_total", NULL);
    if (!isnan(requests))
        ss_text_printf(out, " %.0f requests", requests);
    ss_text_puts(out, "\n");
}

/* ---- how it was compared ---- */

static void
put_replicates(const struct ss_versus *versus, struct ss_text *out)
{
    const struct ss_comparison *result = &versus->result;
    ss_text_printf(
        out,
        "The replicates are the observations: %zu of A and %zu of B, %s. P-values are adjusted for %.0f looks "
        "(Holm).\n",
        versus->a.count, versus->b.count,
        result->paired ? "paired, since each pair served the same traffic" : "of different traffic", result->looks);
}

static void
put_blocks(const struct ss_comparison *result, struct ss_text *out)
{
    ss_text_puts(out, result->paired ? "Paired by request: both served the same traffic, row by row.\n"
                                     : "Not paired: arrivals or lengths of the requests differ.\n");
    if (result->blocks == 0) {
        ss_text_printf(out, "%zu requests are too few to tell a difference from noise; figures only.\n",
                       result->requests);
        return;
    }
    ss_text_printf(out,
                   "Neighbouring requests depend on each other, so intervals come from %zu resamples of blocks of %zu\n"
                   "requests (%zu blocks a run).",
                   result->resamples, result->block_length, result->blocks);
    if (result->judged > 0)
        ss_text_printf(out, " P-values are adjusted for %u looks that hang together and count as %.1f.", result->judged,
                       result->looks);
    ss_text_puts(out, result->judged > 0 ? "\n" : " No figure differs.\n");
    if (result->short_of_data)
        ss_text_puts(out,
                     "CAUTION: neighbours depend on each other over more than a tenth of the run (overload, or long "
                     "bursts).\nThe intervals are too narrow; use replicates or a longer run.\n");
}

static void
put_method(const struct ss_versus *versus, struct ss_text *out)
{
    if (versus->unlike != NULL)
        ss_text_printf(out, "FORCED, though the runs are unlike: %s.\n", versus->unlike);
    if (versus->result.replicates > 1)
        put_replicates(versus, out);
    else
        put_blocks(&versus->result, out);
}

/* ---- the table ---- */

static void
put_row(uint32_t index, const struct ss_difference *metric, struct ss_text *out)
{
    char a[32], b[32], difference[32], relative[32], low[32], high[32], p[32], interval[72] = "-", title[64];
    percent(relative, metric->relative);
    if (!isnan(metric->low))
        (void)snprintf(interval, sizeof interval, "%s to %s", number(low, metric->low, 1),
                       number(high, metric->high, 1));
    (void)snprintf(title, sizeof title, "%s%s%s", ss_metrics[index].title, ss_metrics[index].unit[0] != '\0' ? " " : "",
                   ss_metrics[index].unit);
    ss_text_printf(out, "  %-20s %10s %10s %10s %22s %9s %8s  %s\n", title, number(a, metric->a, 0),
                   number(b, metric->b, 0), number(difference, metric->difference, 1), interval, relative,
                   probability(p, metric->p_adjusted), ss_verdict_text(index, metric->verdict));
}

static void
put_table(const struct ss_comparison *result, const struct ss_versus_options *options, struct ss_text *out)
{
    char interval[32];
    (void)snprintf(interval, sizeof interval, "%.4g%% interval", 100 * options->level);
    ss_text_printf(out, "\n  %-20s %10s %10s %10s %22s %9s %8s  %s\n", "", "A", "B", "B - A", interval, "of A", "p",
                   "B is");
    for (uint32_t m = 0; m < SS_METRICS; m++)
        put_row(m, &result->metrics[m], out);
}

/* Beside the verdict, not in it: it follows from the run as a whole, and is not resampled. */
static void
put_energy(const struct ss_versus *versus, struct ss_text *out)
{
    double a = ss_versus_energy(&versus->a), b = ss_versus_energy(&versus->b);
    char text_a[32], text_b[32], relative[32];
    if (isnan(a) && isnan(b))
        return;
    if (isnan(a) || isnan(b)) {
        ss_text_printf(out, "\nEnergy: known of %s alone; not compared.\n", isnan(a) ? "B" : "A");
        return;
    }
    percent(relative, a > 0 ? b / a - 1 : NAN);
    ss_text_printf(out, "\nEnergy: A takes %s J an output token, B %s (%s); not judged.\n", number(text_a, a, 0),
                   number(text_b, b, 0), relative);
}

/* ---- the verdict ---- */

/* Mean latency where it is judged, else what is surest. */
static uint32_t
headline(const struct ss_comparison *result)
{
    uint32_t best = SS_METRIC_LATENCY_MEAN;
    if (result->metrics[best].verdict >= SS_VERDICT_LESS)
        return best;
    for (uint32_t m = 0; m < SS_METRICS; m++)
        if (result->metrics[m].verdict >= SS_VERDICT_LESS &&
            (result->metrics[best].verdict < SS_VERDICT_LESS || result->metrics[m].p < result->metrics[best].p))
            best = m;
    return best;
}

static void
count_verdicts(const struct ss_comparison *result, size_t *better, size_t *worse)
{
    *better = *worse = 0;
    for (uint32_t m = 0; m < SS_METRICS; m++) {
        uint32_t verdict = result->metrics[m].verdict;
        if (verdict < SS_VERDICT_LESS)
            continue;
        if (ss_metrics[m].higher_is_better == (verdict == SS_VERDICT_MORE))
            ++*better;
        else
            ++*worse;
    }
}

static void
put_difference(const struct ss_comparison *result, const struct ss_versus_options *options, struct ss_text *out)
{
    char figure[32], low[32], high[32];
    size_t better, worse;
    uint32_t index = headline(result);
    const struct ss_difference *metric = &result->metrics[index];
    count_verdicts(result, &better, &worse);
    ss_text_printf(out, "\nVerdict: B %s. ",
                   better > 0 && worse > 0 ? "differs from A, for better and for worse"
                   : better > 0            ? "is better than A"
                                           : "is worse than A");
    ss_text_printf(out, "%s changes by %s%s%s", ss_metrics[index].title, number(figure, metric->difference, 1),
                   ss_metrics[index].unit[0] != '\0' ? " " : "", ss_metrics[index].unit);
    if (!isnan(metric->relative))
        ss_text_printf(out, " (%+.2f %%)", 100 * metric->relative);
    ss_text_printf(out, ",\n%.4g %% interval %s to %s. ", 100 * options->level, number(low, metric->low, 1),
                   number(high, metric->high, 1));
    ss_text_printf(out, "Of %u figures, %zu are better and %zu worse by more than noise.\n", result->judged, better,
                   worse);
}

static int
is_identical(const struct ss_comparison *result)
{
    for (uint32_t m = 0; m < SS_METRICS; m++)
        if (result->metrics[m].verdict != SS_VERDICT_EQUAL && result->metrics[m].verdict != SS_VERDICT_ABSENT)
            return 0;
    return 1;
}

static void
put_verdict(const struct ss_comparison *result, const struct ss_versus_options *options, struct ss_text *out)
{
    char p[32];
    if (result->differs)
        put_difference(result, options, out);
    else if (is_identical(result))
        ss_text_puts(out, "\nVerdict: the figures of A and B are equal.\n");
    else if (result->judged == 0)
        ss_text_puts(out, "\nVerdict: none; there is too little to judge by.\n");
    else
        ss_text_printf(out,
                       "\nVerdict: no difference larger than noise at the %.4g %% level (smallest adjusted p %s).\n",
                       100 * options->level, probability(p, result->p_overall));
}

/* ---- can they be true? ---- */

static void
put_plausibility(const char *letter, const struct ss_versus_side *side, struct ss_text *out)
{
    size_t passed = 0, unknown = 0;
    for (size_t i = 0; i < SS_CHECKS; i++) {
        passed += side->checks[i].state == SS_CHECK_PASSED;
        unknown += side->checks[i].state == SS_CHECK_UNKNOWN;
    }
    ss_text_printf(out, "Plausibility of %s: %zu of %u checks passed", letter, passed, SS_CHECKS);
    if (unknown > 0)
        ss_text_printf(out, ", %zu could not be made", unknown);
    ss_text_puts(out, ".\n");
    for (size_t i = 0; i < SS_CHECKS; i++)
        if (side->checks[i].state == SS_CHECK_FAILED)
            ss_text_printf(out, "  NOT PLAUSIBLE: %s: %s\n", side->checks[i].name, side->checks[i].detail);
}

/* A line for each of several comparisons. */
static void
put_overview(const struct ss_versus_set *set, struct ss_text *out)
{
    ss_text_puts(out, "\nAll comparisons\n");
    for (size_t i = 0; i < set->count; i++) {
        const struct ss_versus *versus = &set->items[i];
        const struct ss_difference *latency = &versus->result.metrics[SS_METRIC_LATENCY_MEAN];
        size_t better, worse;
        char what[64] = "-", p[32];
        count_verdicts(&versus->result, &better, &worse);
        if (!isnan(latency->relative))
            (void)snprintf(what, sizeof what, "%+.2f %%", 100 * latency->relative);
        ss_text_printf(out, "  %-24s %-24s mean latency %10s, %2zu figures better, %2zu worse, p %s\n", versus->a.name,
                       versus->b.path, what, better, worse, probability(p, versus->result.p_overall));
    }
}

void
ss_versus_text(const struct ss_versus_set *set, const struct ss_versus_options *options, struct ss_text *out)
{
    size_t different = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct ss_versus *versus = &set->items[i];
        ss_text_puts(out, i > 0 ? "\n" : "");
        put_side("A", &versus->a, out);
        put_side("B", &versus->b, out);
        put_method(versus, out);
        put_table(&versus->result, options, out);
        put_energy(versus, out);
        put_verdict(&versus->result, options, out);
        put_plausibility("A", &versus->a, out);
        put_plausibility("B", &versus->b, out);
        different += (size_t)versus->result.differs;
    }
    if (set->count > 1)
        put_overview(set, out);
    if (set->count > 1)
        ss_text_printf(
            out,
            "\nIn all: %zu of %zu comparisons show a difference. P-values allow for all of them: equal systems "
            "would show\none anywhere in at most %.3g %% of all cases.\n",
            different, set->count, 100 * (1 - options->level));
    if (set->unmatched.length > 0)
        ss_text_printf(out, "\nNot compared, since the other side has no such cell: %s.\n", set->unmatched.data);
}
