/*
 * analysis/measured.c - reading what benchmarks of real engines leave, by the names of their columns.
 */
#include "analysis/measured.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/rows.h"
#include "base/text.h"

#define NAMES 4

/* What is believed, as the readers of traces have it: such a run is replayed as a trace. */
#define TOKENS_MAX 1e7
#define SECONDS_MAX 1e10
#define SPAN_MAX_S 1e9 /* half of what the reader of the trace believes that is made of a run */
#define STAGE_MAX 1e6

/* One figure under the names that files give it; the first that is there counts. */
struct lookup {
    const char *names[NAMES];
    int column; /* -1: none */
};

enum { ARRIVAL, QUEUED, PROMPT, OUTPUT, TTFT, LATENCY, FIRST, LAST, ERROR, STAGE, STATUS, LOOKUPS };

static void
find_columns(const struct ss_rows *rows, struct lookup *lookups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lookups[i].column = -1;
        for (size_t n = 0; n < NAMES && lookups[i].names[n] != NULL && lookups[i].column < 0; n++)
            for (size_t c = 0; c < rows->columns; c++)
                if (strcmp(rows->names[c], lookups[i].names[n]) == 0)
                    lookups[i].column = (int)c;
    }
}

/* NAN where the file has no such column or the field is empty. */
static int
read_number(const struct ss_rows *rows, const struct lookup *lookup, double *out, struct servsim_error *err)
{
    *out = NAN;
    if (lookup->column < 0 || ss_rows_empty(rows, lookup->column))
        return 0;
    const char *text = rows->fields[lookup->column];
    char *end;
    *out = strtod(text, &end);
    if (*end == '\0' && isfinite(*out) && *out >= 0)
        return 0;
    return servsim_fail(err, EINVAL, "%s:%llu: %s is '%.40s', not a number of 0 or more", rows->path,
                        (unsigned long long)rows->line, lookup->names[0], text);
}

static int
lacks(const struct ss_rows *rows, const char *what, struct servsim_error *err)
{
    return servsim_fail(err, EINVAL,
                        "%s:%llu: no %s; a row needs arrival_s, input_tokens, output_tokens, ttft_ms and "
                        "latency_ms (or first_token_s and last_token_s)",
                        rows->path, (unsigned long long)rows->line, what);
}

static int
too_large(const struct ss_rows *rows, const char *what, double limit, struct servsim_error *err)
{
    return servsim_fail(err, EINVAL, "%s:%llu: a %s above %.0f, the most that is believed; correct the row", rows->path,
                        (unsigned long long)rows->line, what, limit);
}

/* Times from the start that counts: as they are given for it, else from the moments of the first and last token. */
static int
fill(const struct ss_rows *rows, const double *v, uint32_t start, struct ss_measured_request *out,
     struct servsim_error *err)
{
    out->start_s = start == SS_START_QUEUED && !isnan(v[QUEUED]) ? v[QUEUED] : v[ARRIVAL];
    out->ttft_ms = !isnan(v[FIRST]) ? (v[FIRST] - out->start_s) * 1e3 : v[TTFT];
    out->latency_ms = !isnan(v[LAST]) ? (v[LAST] - out->start_s) * 1e3 : v[LATENCY];
    if (isnan(out->start_s))
        return lacks(rows, "arrival", err);
    if (out->start_s > SECONDS_MAX)
        return too_large(rows, "time", SECONDS_MAX, err);
    if (!(v[PROMPT] >= 1) || !(v[OUTPUT] >= 1))
        return lacks(rows, "number of input or output tokens", err);
    if (v[PROMPT] > TOKENS_MAX || v[OUTPUT] > TOKENS_MAX)
        return too_large(rows, "number of tokens", TOKENS_MAX, err);
    if (v[STAGE] > STAGE_MAX)
        return too_large(rows, "stage", STAGE_MAX, err);
    out->stage = isnan(v[STAGE]) ? 0 : (int64_t)v[STAGE];
    if (!(out->ttft_ms > 0) || !(out->latency_ms >= out->ttft_ms))
        return lacks(rows, "time to the first token, or none before the last,", err);
    out->prompt_tokens = (uint32_t)v[PROMPT];
    out->output_tokens = (uint32_t)v[OUTPUT];
    return 0;
}

static int
failed_row(const struct ss_rows *rows, const struct lookup *lookups, const double *v)
{
    if (!isnan(v[ERROR]) && v[ERROR] != 0)
        return 1;
    return lookups[STATUS].column >= 0 && strcmp(rows->fields[lookups[STATUS].column], "finished") != 0;
}

static int
add(struct ss_measured *out, size_t *room, const struct ss_measured_request *request)
{
    if (out->count == *room) {
        size_t capacity = *room > 0 ? *room * 2 : 1024;
        struct ss_measured_request *items = realloc(out->items, capacity * sizeof *items);
        if (items == NULL)
            return -ENOMEM;
        out->items = items;
        *room = capacity;
    }
    out->items[out->count++] = *request;
    return 0;
}

static int
by_start(const void *a, const void *b)
{
    const struct ss_measured_request *left = a, *right = b;
    if (left->start_s != right->start_s)
        return left->start_s < right->start_s ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

/* Requests in order of their start. */
static int
check_span(const struct ss_measured *measured, const struct ss_rows *rows, struct servsim_error *err)
{
    const struct ss_measured_request *first = measured->items, *last = first + measured->count - 1;
    if (last->start_s - first->start_s <= SPAN_MAX_S)
        return 0;
    return servsim_fail(err, EINVAL,
                        "%s: the last request starts %.0f s after the first, more than the %.0f that are believed; "
                        "times are in seconds",
                        rows->path, last->start_s - first->start_s, SPAN_MAX_S);
}

static int
read_requests(struct ss_measured *out, struct ss_rows *rows, const struct ss_measured_options *options,
              struct servsim_error *err)
{
    struct lookup lookups[LOOKUPS] = {
        [ARRIVAL] = {{"arrival_s"}, 0},
        [QUEUED] = {{"queued_s"}, 0},
        [PROMPT] = {{"input_tokens", "prompt_tokens", "input_toks"}, 0},
        [OUTPUT] = {{"output_tokens", "output_toks"}, 0},
        [TTFT] = {{"ttft_ms", "ttft_from_arrival_ms"}, 0},
        [LATENCY] = {{"latency_ms", "latency_from_arrival_ms"}, 0},
        [FIRST] = {{"first_token_s"}, 0},
        [LAST] = {{"last_token_s"}, 0},
        [ERROR] = {{"has_error"}, 0},
        [STAGE] = {{"stage"}, 0},
        [STATUS] = {{"status"}, 0},
    };
    double values[LOOKUPS];
    size_t room = 0;
    uint64_t number = 0;
    int rc;
    find_columns(rows, lookups, LOOKUPS);
    while ((rc = ss_rows_next(rows, err)) > 0) {
        struct ss_measured_request request = {.number = number};
        number++;
        for (size_t i = 0; i < STATUS && rc >= 0; i++)
            rc = read_number(rows, &lookups[i], &values[i], err);
        if (rc < 0)
            return rc;
        if (options->output_tokens > 0)
            values[OUTPUT] = options->output_tokens;
        if (failed_row(rows, lookups, values)) {
            out->left_out++;
            continue;
        }
        rc = fill(rows, values, options->start, &request, err);
        if (rc == 0 && (options->stage < 0 || options->stage == request.stage) && add(out, &room, &request) != 0)
            rc = servsim_fail(err, ENOMEM, "no memory for the requests of %s", rows->path);
        if (rc != 0)
            return rc;
    }
    if (rc == 0 && out->count == 0)
        rc = servsim_fail(err, EINVAL, "%s: no request is left to compare with", rows->path);
    if (rc != 0)
        return rc;
    qsort(out->items, out->count, sizeof *out->items, by_start);
    return check_span(out, rows, err);
}

static int
read_means(struct ss_measured *out, struct ss_rows *rows, struct servsim_error *err)
{
    struct lookup lookups[] = {
        {{"ttft_mean_ms"}, 0},    {{"tpot_mean_ms", "tpot_from_latency_ms"}, 0},
        {{"latency_mean_ms"}, 0}, {{"ttft_p90_ms"}, 0},
        {{"ttft_p99_ms"}, 0},     {{"latency_p90_ms"}, 0},
        {{"latency_p99_ms"}, 0},
    };
    double *const figures[] = {&out->ttft_ms,     &out->tpot_ms,        &out->latency_ms,    &out->ttft_p90_ms,
                               &out->ttft_p99_ms, &out->latency_p90_ms, &out->latency_p99_ms};
    find_columns(rows, lookups, sizeof lookups / sizeof lookups[0]);
    int rc = ss_rows_next(rows, err);
    if (rc == 0)
        return servsim_fail(err, EINVAL, "%s: no row below the header", rows->path);
    for (size_t i = 0; rc >= 0 && i < sizeof lookups / sizeof lookups[0]; i++)
        rc = read_number(rows, &lookups[i], figures[i], err);
    if (rc == 0 && (!(out->ttft_ms > 0) || !(out->latency_ms > 0) || !(out->tpot_ms > 0)))
        rc = servsim_fail(err, EINVAL, "%s:2: ttft_mean_ms, tpot_mean_ms and latency_mean_ms are needed", rows->path);
    if (rc == 0 && (rc = ss_rows_next(rows, err)) > 0)
        rc = servsim_fail(err, EINVAL, "%s:3: a second row; a file of means has one, for one experiment", rows->path);
    return rc;
}

int
ss_measured_read(struct ss_measured *out, const char *path, const struct ss_measured_options *options,
                 struct servsim_error *err)
{
    struct ss_rows rows;
    struct lookup means = {{"ttft_mean_ms"}, 0};
    *out = (struct ss_measured){0};
    int rc = ss_rows_open(&rows, path, "a CSV of what was measured, with a header and a row for each request", err);
    if (rc != 0)
        return rc;
    find_columns(&rows, &means, 1);
    out->means_only = means.column >= 0;
    rc = out->means_only ? read_means(out, &rows, err) : read_requests(out, &rows, options, err);
    ss_rows_close(&rows);
    if (rc != 0)
        ss_measured_free(out);
    return rc;
}

void
ss_measured_free(struct ss_measured *measured)
{
    free(measured->items);
    *measured = (struct ss_measured){0};
}

int
ss_measured_write_trace(const struct ss_measured *measured, uint32_t distinct_prompts, const char *path,
                        struct servsim_error *err)
{
    struct ss_text text = {0};
    ss_text_puts(&text, distinct_prompts > 0 ? "arrival_s,input_tokens,output_tokens,prompt_id\n"
                                             : "arrival_s,input_tokens,output_tokens\n");
    for (size_t i = 0; i < measured->count; i++) {
        const struct ss_measured_request *request = &measured->items[i];
        double start_s = request->start_s > 0 ? request->start_s : 0; /* 0 may have a sign */
        ss_text_printf(&text, "%.9f,%u,%u", start_s, request->prompt_tokens, request->output_tokens);
        if (distinct_prompts > 0)
            ss_text_printf(&text, ",%llu", (unsigned long long)(request->number % distinct_prompts + 1));
        ss_text_puts(&text, "\n");
    }
    int rc = text.failed ? servsim_fail(err, ENOMEM, "no memory for a trace") : 0;
    if (rc == 0)
        rc = ss_file_write(path, text.data, text.length, err);
    ss_text_free(&text);
    return rc;
}
