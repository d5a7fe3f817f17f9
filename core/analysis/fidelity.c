/*
 * analysis/fidelity.c - pairing requests and taking differences.
 */
#include "analysis/fidelity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/statistics.h"

static const double shares[SS_FIDELITY_POINTS] = {0, 0.5, 0.9, 0.99};

/* Times of one request on one side, in seconds and ms. */
struct times {
    double start_s, figures[SS_FIDELITY_FIGURES];
    uint32_t output_tokens;
};

static double
tpot_ms(double ttft_ms, double latency_ms, uint32_t output_tokens)
{
    return output_tokens > 1 ? (latency_ms - ttft_ms) / (output_tokens - 1) : NAN;
}

static struct times
real_times(const struct ss_measured_request *request)
{
    double tpot = tpot_ms(request->ttft_ms, request->latency_ms, request->output_tokens);
    return (struct times){request->start_s, {request->ttft_ms, tpot, request->latency_ms}, request->output_tokens};
}

static struct times
simulated_times(const struct ss_record *record)
{
    double ttft = (double)record->ttft_ps / 1e9, latency = (double)record->latency_ps / 1e9;
    double tpot = tpot_ms(ttft, latency, record->output_tokens);
    return (struct times){(double)record->arrival / 1e12, {ttft, tpot, latency}, record->output_tokens};
}

/* ---- figures ---- */

static void
points_of(double *values, size_t count, double *out)
{
    out[0] = ss_mean(values, count);
    ss_sort(values, count);
    for (size_t i = 1; i < SS_FIDELITY_POINTS; i++)
        out[i] = ss_nearest_rank(values, count, shares[i]);
}

struct pairs {
    struct times *real, *simulated;
    size_t count;
};

static int
take_figure(const struct pairs *pairs, size_t which, struct ss_fidelity_figure *out)
{
    double *real = malloc((pairs->count + 1) * sizeof *real);
    double *simulated = malloc((pairs->count + 1) * sizeof *simulated);
    double errors = 0;
    size_t count = 0;
    for (size_t i = 0; real != NULL && simulated != NULL && i < pairs->count; i++) {
        double a = pairs->real[i].figures[which], b = pairs->simulated[i].figures[which];
        if (!isfinite(a) || !isfinite(b) || a <= 0)
            continue;
        real[count] = a;
        simulated[count++] = b;
        errors += fabs(b / a - 1);
    }
    int rc = real != NULL && simulated != NULL ? 0 : -ENOMEM;
    if (rc == 0) {
        points_of(real, count, out->real);
        points_of(simulated, count, out->simulated);
        out->request_error = count > 0 ? errors / (double)count : NAN;
        out->requests = count;
    }
    free(real);
    free(simulated);
    return rc;
}

/* ---- the run as a whole ---- */

static double
end_s(const struct times *times)
{
    return times->start_s + times->figures[2] / 1e3;
}

static double
makespan_s(const struct times *times, size_t count)
{
    double end = 0, begin = times[0].start_s;
    for (size_t i = 0; i < count; i++) {
        end = fmax(end, end_s(&times[i]));
        begin = fmin(begin, times[i].start_s);
    }
    return end - begin;
}

/* A request's tokens are spread evenly from its first to its last. Adds them to bins of a second. */
static void
spread(const struct times *times, double begin_s, double sign, double *bins, size_t count)
{
    double first = times->start_s + times->figures[0] / 1e3 - begin_s, last = end_s(times) - begin_s;
    double rate = times->output_tokens / fmax(last - first, 1e-9);
    for (size_t bin = (size_t)fmax(first, 0); bin < count && (double)bin < last; bin++)
        bins[bin] += sign * rate * (fmin(last, (double)bin + 1) - fmax(first, (double)bin));
}

static int
take_throughput(const struct pairs *pairs, struct ss_fidelity *out)
{
    double tokens_real = 0, tokens_simulated = 0, difference = 0;
    size_t count = (size_t)fmax(out->makespan_real_s, out->makespan_simulated_s) + 2;
    double *bins = calloc(count, sizeof *bins);
    if (bins == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < pairs->count; i++) {
        tokens_real += pairs->real[i].output_tokens;
        tokens_simulated += pairs->simulated[i].output_tokens;
        spread(&pairs->real[i], pairs->real[0].start_s, 1, bins, count);
        spread(&pairs->simulated[i], pairs->simulated[0].start_s, -1, bins, count);
    }
    for (size_t i = 0; i < count; i++)
        difference += fabs(bins[i]);
    free(bins);
    out->throughput_real = tokens_real / out->makespan_real_s;
    out->throughput_simulated = tokens_simulated / out->makespan_simulated_s;
    out->throughput_error = difference / tokens_real;
    return 0;
}

static int
compare_pairs(const struct pairs *pairs, struct ss_fidelity *out)
{
    int rc = 0;
    out->requests = pairs->count;
    for (size_t i = 0; i < SS_FIDELITY_FIGURES && rc == 0; i++)
        rc = take_figure(pairs, i, &out->figures[i]);
    if (rc != 0 || pairs->count == 0)
        return rc;
    out->makespan_real_s = makespan_s(pairs->real, pairs->count);
    out->makespan_simulated_s = makespan_s(pairs->simulated, pairs->count);
    return take_throughput(pairs, out);
}

/* Means of a stretch of traffic against all requests of the simulation. */
static int
compare_means(const struct ss_measured *measured, struct pairs *pairs, struct ss_fidelity *out)
{
    const double real[SS_FIDELITY_FIGURES][SS_FIDELITY_POINTS] = {
        {measured->ttft_ms, NAN, measured->ttft_p90_ms, measured->ttft_p99_ms},
        {measured->tpot_ms, NAN, NAN, NAN},
        {measured->latency_ms, NAN, measured->latency_p90_ms, measured->latency_p99_ms},
    };
    int rc = 0;
    out->requests = pairs->count;
    memcpy(pairs->real, pairs->simulated, pairs->count * sizeof *pairs->real);
    for (size_t i = 0; i < SS_FIDELITY_FIGURES && rc == 0; i++) {
        rc = take_figure(pairs, i, &out->figures[i]);
        memcpy(out->figures[i].real, real[i], sizeof real[i]);
        out->figures[i].request_error = NAN;
    }
    out->makespan_real_s = out->makespan_simulated_s = NAN;
    out->throughput_real = out->throughput_simulated = out->throughput_error = NAN;
    return rc;
}

int
ss_fidelity_make(struct ss_fidelity *out, const struct ss_measured *measured, const struct ss_result *result,
                 int64_t stage, size_t from, size_t to, struct servsim_error *err)
{
    const struct ss_records *records = &result->records;
    *out = (struct ss_fidelity){.stage = stage};
    if (!measured->means_only && records->count != measured->count)
        return servsim_fail(err, EINVAL, "%zu requests were measured and %zu simulated", measured->count,
                            records->count);
    struct pairs pairs = {malloc((records->count + 1) * sizeof(struct times)),
                          malloc((records->count + 1) * sizeof(struct times)), 0};
    int rc = pairs.real != NULL && pairs.simulated != NULL ? 0 : -ENOMEM;
    for (size_t i = from; rc == 0 && i < records->count && i < to; i++) {
        if (!measured->means_only && stage >= 0 && measured->items[i].stage != stage)
            continue;
        if (records->items[i].status != SS_STATUS_FINISHED) {
            out->unserved++;
            continue;
        }
        pairs.simulated[pairs.count] = simulated_times(&records->items[i]);
        if (!measured->means_only)
            pairs.real[pairs.count] = real_times(&measured->items[i]);
        pairs.count++;
    }
    if (rc == 0)
        rc = measured->means_only ? compare_means(measured, &pairs, out) : compare_pairs(&pairs, out);
    free(pairs.real);
    free(pairs.simulated);
    return rc == 0 ? 0 : servsim_fail(err, ENOMEM, "no memory to compare %zu requests", records->count);
}

static int
several_stages(const struct ss_measured *measured)
{
    for (size_t i = 1; i < measured->count; i++)
        if (measured->items[i].stage != measured->items[0].stage)
            return 1;
    return 0;
}

static int
add(struct ss_fidelities *out, const struct ss_measured *measured, const struct ss_result *result, int64_t stage,
    struct servsim_error *err)
{
    struct ss_fidelity *items = realloc(out->items, (out->count + 1) * sizeof *items);
    if (items == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a stage");
    out->items = items;
    return ss_fidelity_make(&items[out->count++], measured, result, stage, 0, SIZE_MAX, err);
}

static int
has_stage(const struct ss_fidelities *fidelities, int64_t stage)
{
    for (size_t i = 0; i < fidelities->count; i++)
        if (fidelities->items[i].stage == stage)
            return 1;
    return 0;
}

int
ss_fidelities_make(struct ss_fidelities *out, const struct ss_measured *measured, const struct ss_result *result,
                   struct servsim_error *err)
{
    int rc = 0;
    *out = (struct ss_fidelities){0};
    for (size_t i = 0; rc == 0 && several_stages(measured) && i < measured->count; i++)
        if (!has_stage(out, measured->items[i].stage))
            rc = add(out, measured, result, measured->items[i].stage, err);
    return rc == 0 ? add(out, measured, result, -1, err) : rc;
}

void
ss_fidelities_free(struct ss_fidelities *fidelities)
{
    free(fidelities->items);
    *fidelities = (struct ss_fidelities){0};
}

double
ss_fidelity_error(const struct ss_fidelity_figure *figure, uint32_t point)
{
    return figure->simulated[point] / figure->real[point] - 1;
}

/* ---- several simulations ---- */

static void
errors_of(const struct ss_fidelity *fidelity, double errors[SS_FIDELITY_ERRORS])
{
    for (uint32_t i = 0; i < SS_FIDELITY_FIGURES; i++) {
        const struct ss_fidelity_figure *figure = &fidelity->figures[i];
        for (uint32_t point = 0; point < SS_FIDELITY_POINTS; point++)
            errors[i * SS_FIDELITY_EACH + point] = ss_fidelity_error(figure, point);
        errors[i * SS_FIDELITY_EACH + SS_FIDELITY_POINTS] = figure->request_error;
    }
    errors[SS_FIDELITY_MAKESPAN] = fidelity->makespan_simulated_s / fidelity->makespan_real_s - 1;
    errors[SS_FIDELITY_MAKESPAN + 1] = fidelity->throughput_simulated / fidelity->throughput_real - 1;
    errors[SS_FIDELITY_MAKESPAN + 2] = fidelity->throughput_error;
}

/* Welford (1962): one by one, and nothing is lost where errors are much alike. */
void
ss_fidelity_spread_add(struct ss_fidelity_spread *spread, const struct ss_fidelity *fidelity)
{
    double errors[SS_FIDELITY_ERRORS];
    errors_of(fidelity, errors);
    spread->runs++;
    for (uint32_t i = 0; i < SS_FIDELITY_ERRORS; i++) {
        double before = errors[i] - spread->mean[i];
        spread->mean[i] += before / (double)spread->runs;
        spread->squares[i] += before * (errors[i] - spread->mean[i]);
    }
}

double
ss_fidelity_deviation(const struct ss_fidelity_spread *spread, size_t error)
{
    return spread->runs > 1 ? sqrt(spread->squares[error] / (double)(spread->runs - 1)) : NAN;
}
