/*
 * analysis/samples.c - from rows of text to requests and bins.
 */
#include "analysis/samples.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/rows.h"

static struct ss_sample *
add_sample(struct ss_samples *samples)
{
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity ? samples->capacity * 2 : 1024;
        struct ss_sample *items = realloc(samples->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        samples->items = items;
        samples->capacity = capacity;
    }
    return &samples->items[samples->count++];
}

#define COLUMNS 11

struct columns {
    int replica, status, arrival, prompt, output, cached, preemptions, queue, ttft, tpot, latency;
    int prefill_replica; /* -1: the file has none */
};

static int
optional_column(const struct ss_rows *rows, const char *name)
{
    struct servsim_error unheard = {.size = sizeof unheard};
    int column = ss_rows_column(rows, name, &unheard);
    return column < 0 ? -1 : column;
}

static int
find_columns(const struct ss_rows *rows, struct columns *columns, struct servsim_error *err)
{
    const struct {
        const char *name;
        int *column;
    } wanted[COLUMNS] = {
        {"replica", &columns->replica},
        {"status", &columns->status},
        {"arrival_s", &columns->arrival},
        {"prompt_tokens", &columns->prompt},
        {"output_tokens", &columns->output},
        {"cached_tokens", &columns->cached},
        {"preemptions", &columns->preemptions},
        {"queue_ms", &columns->queue},
        {"ttft_ms", &columns->ttft},
        {"tpot_ms", &columns->tpot},
        {"latency_ms", &columns->latency},
    };
    for (size_t i = 0; i < COLUMNS; i++) {
        *wanted[i].column = ss_rows_column(rows, wanted[i].name, err);
        if (*wanted[i].column < 0)
            return *wanted[i].column;
    }
    columns->prefill_replica = optional_column(rows, "prefill_replica");
    return 0;
}

static int
read_status(const struct ss_rows *rows, int column, uint32_t *out, struct servsim_error *err)
{
    for (uint32_t status = SS_STATUS_UNFINISHED; status <= SS_STATUS_FAILED; status++) {
        if (strcmp(rows->fields[column], ss_status_name(status)) == 0) {
            *out = status;
            return 0;
        }
    }
    return servsim_fail(err, EINVAL, "%s:%llu: status '%.40s'; write finished, rejected, failed or unfinished",
                        rows->path, (unsigned long long)rows->line, rows->fields[column]);
}

static int
read_ms(const struct ss_rows *rows, int column, double *out, struct servsim_error *err)
{
    int64_t ns = 0;
    if (ss_rows_empty(rows, column)) {
        *out = NAN;
        return 0;
    }
    int rc = ss_rows_decimal(rows, column, 6, &ns, err);
    *out = (double)ns / 1e6;
    return rc;
}

static int
read_count(const struct ss_rows *rows, int column, uint32_t *out, struct servsim_error *err)
{
    int64_t value = 0;
    int rc = ss_rows_decimal(rows, column, 0, &value, err);
    if (rc == 0 && value > UINT32_MAX)
        rc = servsim_fail(err, EINVAL, "%s:%llu: %s is %lld, more than any request has; run the cell again", rows->path,
                          (unsigned long long)rows->line, rows->names[column], (long long)value);
    *out = (uint32_t)value;
    return rc;
}

static int
read_sample(const struct ss_rows *rows, const struct columns *at, struct ss_sample *out, struct servsim_error *err)
{
    *out = (struct ss_sample){.replica = UINT32_MAX};
    int rc = read_status(rows, at->status, &out->status, err);
    if (rc == 0)
        rc = ss_rows_decimal(rows, at->arrival, 9, &out->arrival_ns, err);
    if (rc == 0 && !ss_rows_empty(rows, at->replica))
        rc = read_count(rows, at->replica, &out->replica, err);
    out->queued_at = out->replica;
    if (rc == 0 && at->prefill_replica >= 0 && !ss_rows_empty(rows, at->prefill_replica))
        rc = read_count(rows, at->prefill_replica, &out->queued_at, err);
    if (rc == 0)
        rc = read_count(rows, at->prompt, &out->prompt_tokens, err);
    if (rc == 0)
        rc = read_count(rows, at->output, &out->output_tokens, err);
    if (rc == 0)
        rc = read_count(rows, at->cached, &out->cached_tokens, err);
    if (rc == 0)
        rc = read_count(rows, at->preemptions, &out->preemptions, err);
    if (rc == 0)
        rc = read_ms(rows, at->queue, &out->queue_ms, err);
    if (rc == 0)
        rc = read_ms(rows, at->ttft, &out->ttft_ms, err);
    if (rc == 0)
        rc = read_ms(rows, at->tpot, &out->tpot_ms, err);
    return rc != 0 ? rc : read_ms(rows, at->latency, &out->latency_ms, err);
}

/* What the rest relies on: a finished request has its times, and rows are in order of arrival. */
static int
check_sample(const struct ss_rows *rows, const struct ss_samples *samples, const struct ss_sample *sample,
             struct servsim_error *err)
{
    unsigned long long line = (unsigned long long)rows->line;
    if (sample->status == SS_STATUS_FINISHED &&
        (isnan(sample->queue_ms) || isnan(sample->ttft_ms) || isnan(sample->latency_ms)))
        return servsim_fail(err, EINVAL,
                            "%s:%llu: a finished request without queue_ms, ttft_ms or latency_ms; "
                            "run the cell again",
                            rows->path, line);
    if (samples->count > 0 && sample->arrival_ns < samples->items[samples->count - 1].arrival_ns)
        return servsim_fail(err, EINVAL, "%s:%llu: arrival_s is earlier than in the row before; run the cell again",
                            rows->path, line);
    return 0;
}

static int
read_samples(struct ss_samples *out, struct ss_rows *rows, struct servsim_error *err)
{
    struct columns columns;
    int rc = find_columns(rows, &columns, err);
    while (rc == 0 && (rc = ss_rows_next(rows, err)) == 1) {
        struct ss_sample sample;
        rc = read_sample(rows, &columns, &sample, err);
        if (rc == 0)
            rc = check_sample(rows, out, &sample, err);
        struct ss_sample *place = rc == 0 ? add_sample(out) : NULL;
        if (rc == 0 && place == NULL)
            rc = servsim_fail(err, ENOMEM, "%s: no memory for its requests", rows->path);
        if (rc == 0)
            *place = sample;
    }
    if (rc == 0 && out->count == 0)
        rc = servsim_fail(err, EINVAL, "%s: no requests in there; nothing to look at", rows->path);
    return rc;
}

int
ss_samples_read(struct ss_samples *out, const char *path, struct servsim_error *err)
{
    struct ss_rows rows;
    *out = (struct ss_samples){0};
    int rc = ss_rows_open(&rows, path, SS_ROWS_OF_A_RUN, err);
    if (rc != 0)
        return rc;
    rc = read_samples(out, &rows, err);
    ss_rows_close(&rows);
    if (rc != 0)
        ss_samples_free(out);
    return rc;
}

/* Half a nanosecond up, as the writer does. */
static double
ms_of(int64_t ps)
{
    return ps == SS_NO_PS ? NAN : (double)((ps + 500) / 1000 /* whole ns */) / 1e6;
}

int
ss_samples_of(struct ss_samples *out, const struct ss_records *records, struct servsim_error *err)
{
    *out = (struct ss_samples){0};
    for (size_t i = 0; i < records->count; i++) {
        const struct ss_record *record = &records->items[i];
        struct ss_sample *sample = add_sample(out);
        if (sample == NULL) {
            ss_samples_free(out);
            return servsim_fail(err, ENOMEM, "no memory for %zu requests", records->count);
        }
        *sample = (struct ss_sample){
            .arrival_ns = (int64_t)((record->arrival + 500) / 1000),
            .queue_ms = ms_of(record->queue_ps),
            .ttft_ms = ms_of(record->ttft_ps),
            .tpot_ms = ms_of(ss_record_tpot_ps(record)),
            .latency_ms = ms_of(record->latency_ps),
            .prompt_tokens = record->prompt_tokens,
            .output_tokens = record->output_tokens,
            .cached_tokens = record->cached_tokens,
            .preemptions = record->preemptions,
            .replica = record->replica,
            .queued_at = record->replica,
            .status = record->status,
        };
    }
    return 0;
}

void
ss_samples_free(struct ss_samples *samples)
{
    free(samples->items);
    *samples = (struct ss_samples){0};
}

double
ss_sample_figure(const struct ss_sample *sample, uint32_t figure)
{
    if (sample->status != SS_STATUS_FINISHED)
        return NAN;
    switch (figure) {
    case SS_FIGURE_QUEUE:
        return sample->queue_ms;
    case SS_FIGURE_TTFT:
        return sample->ttft_ms;
    case SS_FIGURE_TPOT:
        return sample->tpot_ms;
    default:
        return sample->latency_ms;
    }
}

double
ss_sample_arrival_s(const struct ss_sample *sample)
{
    return (double)sample->arrival_ns / 1e9;
}

/* ---- the series ---- */

static struct ss_bin *
add_bin(struct ss_bins *bins)
{
    if (bins->count == bins->capacity) {
        size_t capacity = bins->capacity ? bins->capacity * 2 : 512;
        struct ss_bin *items = realloc(bins->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        bins->items = items;
        bins->capacity = capacity;
    }
    return &bins->items[bins->count++];
}

static const struct {
    const char *name;
    size_t offset;
} series_columns[] = {
    {"t_s", offsetof(struct ss_bin, t_s)},
    {"arrivals", offsetof(struct ss_bin, arrivals)},
    {"finished", offsetof(struct ss_bin, finished)},
    {"output_tokens", offsetof(struct ss_bin, output_tokens)},
    {"prefill_tokens", offsetof(struct ss_bin, prefill_tokens)},
    {"preemptions", offsetof(struct ss_bin, preemptions)},
    {"waiting_mean", offsetof(struct ss_bin, waiting)},
    {"running_mean", offsetof(struct ss_bin, running)},
    {"kv_blocks_peak", offsetof(struct ss_bin, kv_blocks_peak)},
    {"busy_fraction", offsetof(struct ss_bin, busy_fraction)},
};

#define SERIES_COLUMNS (sizeof series_columns / sizeof series_columns[0])

static int
read_bins(struct ss_bins *out, struct ss_rows *rows, struct servsim_error *err)
{
    int columns[SERIES_COLUMNS], rc = 0;
    for (size_t i = 0; i < SERIES_COLUMNS && rc >= 0; i++)
        rc = columns[i] = ss_rows_column(rows, series_columns[i].name, err);
    if (rc < 0)
        return rc;
    while ((rc = ss_rows_next(rows, err)) == 1) {
        struct ss_bin *bin = add_bin(out);
        if (bin == NULL)
            return servsim_fail(err, ENOMEM, "%s: no memory for its bins", rows->path);
        for (size_t i = 0; i < SERIES_COLUMNS && rc >= 0; i++) {
            int64_t value = 0;
            rc = ss_rows_decimal(rows, columns[i], 9, &value, err);
            *(double *)(void *)((char *)bin + series_columns[i].offset) = (double)value / 1e9;
        }
        if (rc < 0)
            return rc;
    }
    return rc;
}

int
ss_bins_read(struct ss_bins *out, const char *path, struct servsim_error *err)
{
    struct ss_rows rows;
    *out = (struct ss_bins){0};
    int rc = ss_rows_open(&rows, path, SS_ROWS_OF_A_RUN, err);
    if (rc != 0)
        return rc;
    rc = read_bins(out, &rows, err);
    ss_rows_close(&rows);
    if (rc == 0 && out->count > 1)
        out->width_s = out->items[1].t_s - out->items[0].t_s;
    if (rc == 0 && out->width_s < 0)
        rc = servsim_fail(err, EINVAL, "%s: its bins are not in the order of time; run the cell again", path);
    if (rc != 0)
        ss_bins_free(out);
    return rc;
}

void
ss_bins_free(struct ss_bins *bins)
{
    free(bins->items);
    *bins = (struct ss_bins){0};
}
