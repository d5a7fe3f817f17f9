/*
 * cli/trace_measure.c - figures of a trace, gathered as its requests go by. Memory does not grow with the trace.
 */
#include <math.h>

#include "cli/trace.h"

/* ---- spreads: histograms with bins of one value below 4,096, and of equal relative width above ---- */

#define SUB_BITS 11u
#define SPREAD_BINS ((64u - SUB_BITS) << SUB_BITS)

struct ss_spread_bin {
    uint64_t count, low, high; /* the smallest and the largest value that fell into it */
};

static size_t
bin_of(uint64_t value)
{
    if (value >> (SUB_BITS + 1) == 0)
        return (size_t)value;
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - SUB_BITS;
    return ((size_t)shift << SUB_BITS) + (size_t)(value >> shift);
}

static void
spread_add(struct ss_spread *spread, uint64_t value)
{
    struct ss_spread_bin *bin = &spread->bins[bin_of(value)];
    if (bin->count == 0 || value < bin->low)
        bin->low = value;
    if (bin->count++ == 0 || value > bin->high)
        bin->high = value;
    if (value > spread->max)
        spread->max = value;
    spread->sum += value;
    spread->count++;
}

double
ss_spread_mean(const struct ss_spread *spread)
{
    return spread->count > 0 ? (double)spread->sum / (double)spread->count : 0.0;
}

/* The value of rank `rank` (from 1) within a bin, as if its values were evenly spaced. */
static uint64_t
value_in(const struct ss_spread_bin *bin, uint64_t rank)
{
    if (bin->count == 1 || bin->low == bin->high)
        return bin->low;
    return bin->low + (uint64_t)((ss_wide)(bin->high - bin->low) * (rank - 1) / (bin->count - 1));
}

uint64_t
ss_spread_percentile(const struct ss_spread *spread, uint32_t percent)
{
    uint64_t rank = (uint64_t)(((ss_wide)spread->count * percent + 99) / 100), below = 0;
    for (size_t i = 0; i < SPREAD_BINS; i++) {
        const struct ss_spread_bin *bin = &spread->bins[i];
        if (bin->count > 0 && below + bin->count >= rank)
            return value_in(bin, rank > below ? rank - below : 1);
        below += bin->count;
    }
    return 0;
}

size_t
ss_spread_curve(const struct ss_spread *spread, double *values, double *shares, size_t limit)
{
    uint64_t below = 0;
    size_t points = 0;
    double last = 0.0; /* share of the last point that was kept */
    for (size_t i = 0; i < SPREAD_BINS && points < limit; i++) {
        const struct ss_spread_bin *bin = &spread->bins[i];
        below += bin->count;
        double share = (double)below / (double)spread->count;
        if (bin->count == 0 || (share - last < 1.0 / (double)limit && below < spread->count))
            continue;
        values[points] = (double)bin->high;
        shares[points++] = last = share;
    }
    return points;
}

/* ---- windows ---- */

static void
window_ends(struct ss_windows *windows, double count)
{
    double change = count - windows->mean;
    windows->windows += 1.0;
    windows->mean += change / windows->windows;
    windows->squares += change * (count - windows->mean);
}

/* `many` empty windows at once: two groups of counts are joined (Chan et al.). */
static void
empty_windows(struct ss_windows *windows, double many)
{
    double all = windows->windows + many;
    if (many <= 0.0)
        return;
    windows->squares += windows->mean * windows->mean * windows->windows * many / all;
    windows->mean *= windows->windows / all;
    windows->windows = all;
}

static void
windows_add(struct ss_windows *windows, ss_time since_first)
{
    int64_t index = (int64_t)(since_first / (windows->width_s * SS_PS_PER_S));
    if (index > windows->index) {
        window_ends(windows, (double)windows->now);
        empty_windows(windows, (double)(index - windows->index - 1));
        windows->index = index;
        windows->now = 0;
    }
    if (++windows->now > windows->peak)
        windows->peak = windows->now;
}

double
ss_windows_dispersion(const struct ss_windows *windows)
{
    if (windows->windows < 10.0 || windows->mean <= 0.0)
        return NAN;
    return windows->squares / (windows->windows - 1.0) / windows->mean;
}

/* ---- arrivals over time ---- */

/* Widths of a bin, ms; each divides the next. */
static const uint64_t bin_widths_ms[] = {1,      10,      100,      1000,     10000,     60000,
                                         600000, 3600000, 21600000, 86400000, 864000000, 8640000000};

#define BIN_WIDTHS ((uint32_t)(sizeof bin_widths_ms / sizeof bin_widths_ms[0]))

static void
widen(struct ss_trace_figures *figures)
{
    uint64_t factor = bin_widths_ms[figures->bin_step + 1] / bin_widths_ms[figures->bin_step];
    uint32_t used = 0;
    for (uint32_t i = 0; i < figures->bins_used; i++) {
        uint64_t count = figures->bins[i];
        used = (uint32_t)(i / factor);
        figures->bins[i] = 0;
        figures->bins[used] += count;
    }
    figures->bins_used = figures->bins_used > 0 ? used + 1 : 0;
    figures->bin_ms = bin_widths_ms[++figures->bin_step];
}

void
ss_trace_widen_bins(struct ss_trace_figures *figures, uint32_t limit)
{
    while (figures->bins_used > limit && figures->bin_step + 1 < BIN_WIDTHS)
        widen(figures);
}

static void
count_bin(struct ss_trace_figures *figures, const struct servsim_arrival *row)
{
    uint64_t ms = (uint64_t)row->arrival_s * 1000u + (uint64_t)row->arrival_ps / 1000000000u;
    while (ms / figures->bin_ms >= SS_TRACE_BINS && figures->bin_step + 1 < BIN_WIDTHS)
        widen(figures);
    uint64_t bin = ms / figures->bin_ms;
    if (bin >= SS_TRACE_BINS) /* more than two thousand years */
        bin = SS_TRACE_BINS - 1;
    figures->bins[bin]++;
    if (bin >= figures->bins_used)
        figures->bins_used = (uint32_t)bin + 1;
}

/* ---- one request ---- */

static void
count_class(struct ss_trace_figures *figures, const struct servsim_arrival *row)
{
    size_t length = strnlen(row->label, sizeof row->label - 1), i = 0;
    while (i < figures->class_count &&
           (strncmp(figures->classes[i].name, row->label, length) != 0 || figures->classes[i].name[length] != '\0'))
        i++;
    struct ss_trace_class *class = &figures->classes[i];
    if (i == figures->class_count && i < SS_TRACE_CLASSES) {
        memcpy(class->name, row->label, length);
        figures->class_count++;
    }
    class->requests++;
    class->prompt_tokens += row->prompt_tokens;
    class->output_tokens += row->output_tokens;
}

static void
count_gap(struct ss_trace_figures *figures, ss_time gap)
{
    double gap_s = ss_time_seconds(gap), change = gap_s - figures->gap_mean_s;
    ss_time gap_ns = (gap + 500) / 1000;
    spread_add(&figures->gaps_ns, gap_ns < INT64_MAX ? (uint64_t)gap_ns : INT64_MAX);
    figures->zero_gaps += gap == 0;
    figures->gap_mean_s += change / (double)figures->gaps_ns.count;
    figures->gap_squares += change * (gap_s - figures->gap_mean_s);
}

void
ss_trace_figures_add(struct ss_trace_figures *figures, const struct servsim_arrival *row)
{
    if (row->output_tokens == 0) { /* a generator that gives failed requests */
        figures->rows_failed++;
        return;
    }
    ss_time now = ss_time_of(row->arrival_s, row->arrival_ps);
    if (figures->requests++ == 0)
        figures->first = now;
    else
        count_gap(figures, now - figures->last);
    figures->last = now;
    windows_add(&figures->per_second, now - figures->first);
    windows_add(&figures->per_minute, now - figures->first);
    windows_add(&figures->per_hour, now - figures->first);
    figures->hours[row->arrival_s / 3600 % 24]++;
    spread_add(&figures->prompts, row->prompt_tokens);
    spread_add(&figures->outputs, row->output_tokens);
    count_class(figures, row);
    count_bin(figures, row);
}

/* ---- the whole ---- */

int
ss_trace_figures_open(struct ss_trace_figures *figures, struct servsim_error *err)
{
    *figures = (struct ss_trace_figures){.per_second = {.width_s = 1},
                                         .per_minute = {.width_s = 60},
                                         .per_hour = {.width_s = 3600},
                                         .bin_ms = bin_widths_ms[0]};
    figures->gaps_ns.bins = calloc(SPREAD_BINS, sizeof *figures->gaps_ns.bins);
    figures->prompts.bins = calloc(SPREAD_BINS, sizeof *figures->prompts.bins);
    figures->outputs.bins = calloc(SPREAD_BINS, sizeof *figures->outputs.bins);
    figures->bins = calloc(SS_TRACE_BINS, sizeof *figures->bins);
    if (figures->gaps_ns.bins != NULL && figures->prompts.bins != NULL && figures->outputs.bins != NULL &&
        figures->bins != NULL)
        return 0;
    ss_trace_figures_free(figures);
    return servsim_fail(err, ENOMEM, "out of memory");
}

void
ss_trace_figures_free(struct ss_trace_figures *figures)
{
    free(figures->gaps_ns.bins);
    free(figures->prompts.bins);
    free(figures->outputs.bins);
    free(figures->bins);
    *figures = (struct ss_trace_figures){0};
}

double
ss_trace_span_s(const struct ss_trace_figures *figures)
{
    return ss_time_seconds(figures->last - figures->first);
}

double
ss_trace_rate(const struct ss_trace_figures *figures)
{
    double span_s = ss_trace_span_s(figures);
    return span_s > 0.0 ? (double)(figures->requests - 1) / span_s : NAN;
}

double
ss_trace_peak_rate(const struct ss_trace_figures *figures)
{
    return ss_trace_span_s(figures) >= 60.0 ? (double)figures->per_minute.peak / 60.0 : NAN;
}

double
ss_trace_gap_cv(const struct ss_trace_figures *figures)
{
    if (figures->gap_mean_s <= 0.0)
        return NAN;
    return sqrt(figures->gap_squares / (double)figures->gaps_ns.count) / figures->gap_mean_s;
}

/* An hour counts for as long as the trace was on in it, so that a last day that is cut off does no harm. */
int
ss_trace_hour_profile(const struct ss_trace_figures *figures, double profile[24])
{
    double end_s = ss_time_seconds(figures->last), rest_s = fmod(end_s, 86400.0), sum = 0.0;
    if (end_s < 86400.0)
        return 0;
    for (int h = 0; h < 24; h++) {
        double on_s = floor(end_s / 86400.0) * 3600.0 + fmin(fmax(rest_s - h * 3600.0, 0.0), 3600.0);
        profile[h] = (double)figures->hours[h] / on_s;
        sum += profile[h];
    }
    for (int h = 0; h < 24; h++)
        profile[h] *= 24.0 / sum;
    return 1;
}
