/*
 * analysis/plausible.c - what must hold between the rows of a run and its summary, whatever was simulated.
 */
#include "analysis/plausible.h"

#include <math.h>

#define ROUNDING_MS 2e-6 /* times on disk have six places */
#define SAME 1e-6        /* relative; sums of rounded rows against figures of exact ones */

struct totals {
    size_t finished, rejected, failed, unfinished;
    double output_tokens, latency_ms, first_s, last_s;
};

static void
pass(struct ss_check *check, int passed)
{
    check->state = passed ? SS_CHECK_PASSED : SS_CHECK_FAILED;
}

static struct totals
add_up(const struct ss_samples *samples)
{
    struct totals totals = {.first_s = NAN, .last_s = NAN};
    for (size_t i = 0; i < samples->count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        totals.first_s = i == 0 ? ss_sample_arrival_s(sample) : totals.first_s;
        totals.rejected += sample->status == SS_STATUS_REJECTED;
        totals.failed += sample->status == SS_STATUS_FAILED;
        totals.unfinished += sample->status == SS_STATUS_UNFINISHED;
        if (sample->status != SS_STATUS_FINISHED)
            continue;
        totals.finished++;
        totals.output_tokens += sample->output_tokens;
        totals.latency_ms += sample->latency_ms;
        totals.last_s = fmax(totals.last_s, ss_sample_arrival_s(sample) + sample->latency_ms / 1e3);
    }
    return totals;
}

static void
check_order(const struct ss_samples *samples, struct ss_check *check)
{
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        if (sample->status != SS_STATUS_FINISHED ||
            (sample->queue_ms <= sample->ttft_ms + ROUNDING_MS && sample->ttft_ms <= sample->latency_ms + ROUNDING_MS))
            continue;
        first = wrong++ == 0 ? i : first;
    }
    pass(check, wrong == 0);
    if (wrong == 0)
        (void)snprintf(check->detail, sizeof check->detail, "%zu requests", samples->count);
    else
        (void)snprintf(check->detail, sizeof check->detail, "%zu of %zu requests break it, the first is request %zu",
                       wrong, samples->count, first);
}

static void
check_tpot(const struct ss_samples *samples, struct ss_check *check)
{
    size_t wrong = 0, seen = 0, first = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const struct ss_sample *sample = &samples->items[i];
        if (sample->status != SS_STATUS_FINISHED || isnan(sample->tpot_ms))
            continue;
        double gaps = (double)sample->output_tokens - 1;
        seen++;
        if (fabs(sample->latency_ms - sample->ttft_ms - gaps * sample->tpot_ms) > ROUNDING_MS * (gaps + 1))
            first = wrong++ == 0 ? i : first;
    }
    check->state = seen == 0 ? SS_CHECK_UNKNOWN : wrong == 0 ? SS_CHECK_PASSED : SS_CHECK_FAILED;
    if (wrong == 0)
        (void)snprintf(check->detail, sizeof check->detail, "%zu requests of more than one token", seen);
    else
        (void)snprintf(check->detail, sizeof check->detail, "%zu of %zu requests break it, the first is request %zu",
                       wrong, seen, first);
}

/* A figure of the summary against the same from the rows. */
static void
check_same(const struct ss_trial *trial, const char *a, const char *b, double rows, const char *unit,
           struct ss_check *check)
{
    double said = ss_trial_figure(trial, a, b);
    if (isnan(said) || isnan(rows)) {
        check->state = SS_CHECK_UNKNOWN;
        (void)snprintf(check->detail, sizeof check->detail, "%s",
                       trial->summary == NULL ? "no summary to hold it against" : "nothing finished");
        return;
    }
    pass(check, fabs(said - rows) <= SAME * fmax(fabs(said), fabs(rows)) + 1e-9);
    (void)snprintf(check->detail, sizeof check->detail, "%.9g %s in the summary, %.9g from the rows", said, unit, rows);
}

static void
check_counts(const struct ss_trial *trial, const struct totals *totals, struct ss_check *check)
{
    const double rows[] = {(double)totals->finished, (double)totals->rejected, (double)totals->failed,
                           (double)totals->unfinished};
    static const char *const names[] = {"requests_finished", "requests_rejected", "requests_failed",
                                        "requests_unfinished"};
    check->state = SS_CHECK_PASSED;
    (void)snprintf(check->detail, sizeof check->detail, "%zu finished, %zu rejected, %zu failed, %zu unfinished",
                   totals->finished, totals->rejected, totals->failed, totals->unfinished);
    for (size_t i = 0; i < 4; i++) {
        double said = ss_trial_figure(trial, names[i], NULL);
        if (isnan(said))
            check->state = SS_CHECK_UNKNOWN;
        else if (said != rows[i]) {
            check->state = SS_CHECK_FAILED;
            (void)snprintf(check->detail, sizeof check->detail, "%s is %.0f in the summary, %.0f in the rows", names[i],
                           said, rows[i]);
            return;
        }
    }
}

/* Requests in the system, over time, are the times in the system, over requests. */
static void
check_little(const struct ss_trial *trial, const struct totals *totals, struct ss_check *check)
{
    double span_s = totals->last_s - totals->first_s;
    if (totals->finished + totals->rejected < trial->samples.count) {
        check->state = SS_CHECK_UNKNOWN;
        (void)snprintf(check->detail, sizeof check->detail, "not every request finished");
        return;
    }
    check_same(trial, "requests_in_system_mean", NULL, span_s > 0 ? totals->latency_ms / 1e3 / span_s : NAN, "requests",
               check);
}

static void
check_shares(const struct ss_trial *trial, struct ss_check *check)
{
    static const char *const names[] = {"busy_fraction", "kv_usage_peak", "mfu", "bandwidth_utilisation"};
    size_t seen = 0;
    check->state = SS_CHECK_PASSED;
    check->detail[0] = '\0';
    for (size_t i = 0; i < 4; i++) {
        double value = ss_trial_figure(trial, names[i], NULL);
        size_t used = strlen(check->detail);
        if (isnan(value))
            continue;
        (void)snprintf(check->detail + used, sizeof check->detail - used, "%s%s %.4g", seen++ > 0 ? ", " : "", names[i],
                       value);
        if (value < 0 || value > 1 + SAME)
            check->state = SS_CHECK_FAILED;
    }
    if (seen == 0)
        check->state = SS_CHECK_UNKNOWN;
}

void
ss_plausible(const struct ss_trial *trial, struct ss_check checks[SS_CHECKS])
{
    static const char *const names[SS_CHECKS] = {
        "queue <= TTFT <= latency",
        "latency = TTFT + TPOT x (output tokens - 1)",
        "requests add up",
        "output tokens add up",
        "throughput = output tokens / makespan",
        "mean latency is that of the rows",
        "Little's law: requests in system = arrival rate x time in system",
        "shares lie between 0 and 1",
    };
    const struct totals totals = add_up(&trial->samples);
    double span_s = totals.last_s - totals.first_s, finished = (double)totals.finished;
    for (size_t i = 0; i < SS_CHECKS; i++)
        checks[i] = (struct ss_check){.name = names[i], .state = SS_CHECK_UNKNOWN};
    check_order(&trial->samples, &checks[0]);
    check_tpot(&trial->samples, &checks[1]);
    check_counts(trial, &totals, &checks[2]);
    check_same(trial, "output_tokens", NULL, totals.output_tokens, "tokens", &checks[3]);
    check_same(trial, "output_tokens_per_s", NULL, span_s > 0 ? totals.output_tokens / span_s : NAN, "tokens/s",
               &checks[4]);
    check_same(trial, "latency_ms", "mean", finished > 0 ? totals.latency_ms / finished : NAN, "ms", &checks[5]);
    check_little(trial, &totals, &checks[6]);
    check_shares(trial, &checks[7]);
}
