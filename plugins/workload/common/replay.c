/*
 * replay.c - see replay.h.
 */
#include "replay.h"

#include <math.h>

#include "random.h"
#include "scale.h"

/* How much of a trace is checked before the run starts, where nothing else reads the whole of it. */
#define CHECK_BYTES (UINT64_C(1) << 20)

struct wl_replay {
    const struct servsim_host *host;
    const struct wl_reader_ops *ops;
    const void *context;
    const char *path; /* the context's */
    void *reader;
    uint64_t limit, sample; /* 0: none */
    double rate;            /* 0: as in the trace */
    struct wl_scale scale;

    int have_first, timed;
    wl_wide first_ps; /* of the first row, kept or not */
    struct servsim_workload_stats stats;
    uint64_t requests; /* of the trace so far, delivered or not */
    uint64_t delivered, empty_prompts;
    struct wl_prompts identity;

    struct wl_row *rows; /* the sample, in order of arrival */
    uint64_t row_count, row_at;

    struct servsim_random arrivals; /* for traces without arrival times */
    wl_wide clock_ps;
};

/* What one pass over the requests of a trace finds. */
struct survey {
    uint64_t rows, failed, requests;
    int timed, whole;
    wl_wide first_ps, last_ps; /* of requests */
};

static int
is_request(const struct wl_row *row)
{
    return (row->flags & (WL_ROW_FAILED | WL_ROW_FILTERED)) == 0;
}

static void
say(const struct wl_replay *replay, uint32_t level, const char *text)
{
    if (replay->host != NULL && replay->host->log != NULL)
        replay->host->log(replay->host->ctx, level, text);
}

/* ---- reading rows ---- */

/* The next row of the file, counted; the first one sets the origin of time. */
static int32_t
pull(struct wl_replay *replay, struct wl_row *row, struct servsim_error *err)
{
    int32_t rc = replay->ops->next(replay->reader, row, err);
    if (rc <= 0)
        return rc;
    replay->stats.rows_read++;
    if (!replay->have_first) {
        replay->have_first = 1;
        replay->timed = (row->flags & WL_ROW_TIMED) != 0;
        replay->first_ps = row->time_ps;
    }
    if ((row->flags & WL_ROW_FILTERED) != 0)
        replay->stats.rows_left_out++;
    else if ((row->flags & WL_ROW_FAILED) != 0)
        replay->stats.rows_failed++;
    if (replay->timed && row->time_ps - replay->first_ps > WL_SPAN_MAX_S * WL_PS_PER_S)
        return servsim_fail(err, EINVAL, "%s:%llu: more than 2000000000 s after the first row; check the unit of time",
                            replay->path, (unsigned long long)row->line);
    return 1;
}

/* The next row that is a request. */
static int32_t
pull_request(struct wl_replay *replay, struct wl_row *row, struct servsim_error *err)
{
    for (;;) {
        int32_t rc = pull(replay, row, err);
        if (rc <= 0)
            return rc;
        if (is_request(row)) {
            row->number = replay->requests++;
            return rc;
        }
    }
}

static int32_t
no_request(const char *path, uint64_t rows, uint64_t failed, struct servsim_error *err)
{
    if (rows == 0)
        return servsim_fail(err, EINVAL, "%s: a header and no request below it; give a trace with at least one row",
                            path);
    return servsim_fail(err, EINVAL,
                        "%s: no request to simulate: %llu rows, %llu of them failed (0 output tokens), the rest of "
                        "other classes; give another trace or filter",
                        path, (unsigned long long)rows, (unsigned long long)failed);
}

/* Reads ahead with a reader of its own: `budget` bytes, or up to the limit. */
static int32_t
survey_trace(const struct wl_replay *replay, uint64_t budget, struct survey *out, struct servsim_error *err)
{
    struct wl_replay ahead = *replay;
    struct wl_row row;
    memset(out, 0, sizeof *out);
    int32_t rc = ahead.ops->open(ahead.context, &ahead.reader, err);
    if (rc < 0)
        return rc;
    rc = 1;
    while (ahead.ops->bytes(ahead.reader) <= budget && (replay->limit == 0 || out->requests < replay->limit)) {
        rc = pull_request(&ahead, &row, err);
        if (rc <= 0)
            break;
        if (out->requests++ == 0)
            out->first_ps = row.time_ps;
        out->last_ps = row.time_ps;
    }
    out->rows = ahead.stats.rows_read;
    out->failed = ahead.stats.rows_failed;
    out->timed = ahead.timed;
    out->whole = rc == 0;
    ahead.ops->close(ahead.reader);
    if (rc == 0 && out->requests == 0)
        return no_request(replay->path, out->rows, out->failed, err);
    return rc < 0 ? rc : 0;
}

/* ---- the sample ---- */

static void
drop_row(struct wl_row *row)
{
    free((void *)(uintptr_t)row->names);
    free((void *)(uintptr_t)row->hashes);
    free((void *)(uintptr_t)row->tokens);
}

static size_t
names_bytes(const char *names)
{
    size_t client = strlen(names) + 1;
    return client + strlen(names + client) + 1;
}

static void *
copy_of(const void *bytes, size_t length)
{
    void *copy = malloc(length + 1);
    if (copy != NULL)
        memcpy(copy, bytes, length);
    return copy;
}

/* The row outlives the reader's next: its ids and names are copied. */
static int32_t
keep_row(struct wl_row *kept, const struct wl_row *row)
{
    int failed = 0;
    *kept = *row;
    if (row->names != NULL)
        failed |= (kept->names = copy_of(row->names, names_bytes(row->names))) == NULL;
    if (row->hashes != NULL)
        failed |= (kept->hashes = copy_of(row->hashes, row->hash_count * sizeof *row->hashes)) == NULL;
    if (row->tokens != NULL)
        failed |= (kept->tokens = copy_of(row->tokens, (size_t)row->prompt_tokens * sizeof *row->tokens)) == NULL;
    if (!failed)
        return 0;
    drop_row(kept);
    memset(kept, 0, sizeof *kept);
    return -ENOMEM;
}

static int
by_line(const void *a, const void *b)
{
    uint64_t left = ((const struct wl_row *)a)->line, right = ((const struct wl_row *)b)->line;
    return left < right ? -1 : left > right;
}

static int32_t
grow_sample(struct wl_replay *replay, uint64_t *capacity)
{
    if (replay->row_count < *capacity)
        return 0;
    uint64_t wanted = *capacity > 0 ? *capacity * 2 : 1024;
    if (wanted > replay->sample)
        wanted = replay->sample;
    struct wl_row *rows = realloc(replay->rows, wanted * sizeof *rows);
    if (rows == NULL)
        return -ENOMEM;
    replay->rows = rows;
    *capacity = wanted;
    return 0;
}

/* One row of Algorithm R (Waterman; Vitter 1985): the n-th request replaces a kept one with chance sample / n. */
static int32_t
offer_row(struct wl_replay *replay, struct servsim_random *random, uint64_t seen, uint64_t *capacity,
          const struct wl_row *row)
{
    if (replay->row_count < replay->sample) {
        int32_t rc = grow_sample(replay, capacity);
        if (rc == 0)
            rc = keep_row(&replay->rows[replay->row_count], row);
        replay->row_count += rc == 0;
        return rc;
    }
    uint64_t at = wl_random_below(random, seen);
    if (at >= replay->sample)
        return 0;
    drop_row(&replay->rows[at]);
    memset(&replay->rows[at], 0, sizeof replay->rows[at]);
    return keep_row(&replay->rows[at], row);
}

static int32_t
draw_sample(struct wl_replay *replay, struct servsim_error *err)
{
    struct servsim_random random = {replay->host->seed(replay->host->ctx, "workload.sample")};
    struct wl_row row;
    uint64_t seen = 0, capacity = 0;
    int32_t rc = 0;
    while (replay->limit == 0 || seen < replay->limit) {
        rc = pull_request(replay, &row, err);
        if (rc <= 0)
            break;
        if (offer_row(replay, &random, ++seen, &capacity, &row) != 0)
            return servsim_fail(err, ENOMEM, "%s: out of memory for a sample of %llu rows", replay->path,
                                (unsigned long long)replay->sample);
    }
    if (rc < 0)
        return rc;
    if (seen == 0)
        return no_request(replay->path, replay->stats.rows_read, replay->stats.rows_failed, err);
    qsort(replay->rows, replay->row_count, sizeof *replay->rows, by_line);
    replay->stats.rows_left_out += seen - replay->row_count;
    if (seen < replay->sample) {
        char text[128];
        (void)snprintf(text, sizeof text, "sample: %llu wanted, the trace has %llu requests: all are taken",
                       (unsigned long long)replay->sample, (unsigned long long)seen);
        say(replay, SERVSIM_LOG_WARNING, text);
    }
    return 0;
}

/* ---- rate ---- */

static int32_t
set_rate(struct wl_replay *replay, uint64_t requests, wl_wide first_ps, wl_wide last_ps, struct servsim_error *err)
{
    if (requests < 2 || last_ps <= first_ps)
        return servsim_fail(err, EINVAL,
                            "%s: rate needs requests at two times at least, to know the trace's own rate; "
                            "leave rate out",
                            replay->path);
    double own = (double)(requests - 1) / ((double)(last_ps - first_ps) / 1e12);
    double factor = replay->rate / own;
    if (!(factor >= 1e-9 && factor <= 1e9))
        return servsim_fail(err, EINVAL, "%s: rate %g/s is more than 10^9 times away from the trace's %g/s",
                            replay->path, replay->rate, own);
    replay->scale = wl_scale_of(factor);
    char text[160];
    (void)snprintf(text, sizeof text, "rate: %g requests/s in place of the trace's %g, by time_scale %.9g",
                   replay->rate, own, factor);
    say(replay, SERVSIM_LOG_INFO, text);
    return 0;
}

/* ---- opening ---- */

static int32_t
read_options(struct wl_replay *replay, const struct servsim_create *args, struct servsim_error *err)
{
    double factor = servsim_present(args, "time_scale") ? servsim_number(args, "time_scale") : 1.0;
    replay->limit = servsim_present(args, "limit") ? (uint64_t)servsim_integer(args, "limit") : 0;
    replay->sample = servsim_present(args, "sample") ? (uint64_t)servsim_integer(args, "sample") : 0;
    replay->rate = servsim_present(args, "rate") ? servsim_number(args, "rate") : 0.0;
    if (replay->rate > 0.0 && servsim_present(args, "time_scale") && factor != 1.0)
        return servsim_fail(err, EINVAL,
                            "rate and time_scale both set the speed of the traffic; leave one of them out");
    replay->scale = wl_scale_of(factor);
    replay->identity = wl_prompts_read(args);
    return 0;
}

static int32_t
prepare(struct wl_replay *replay, struct servsim_error *err)
{
    struct survey survey;
    int whole = replay->rate > 0.0 && replay->sample == 0;
    int32_t rc = survey_trace(replay, whole ? UINT64_MAX : CHECK_BYTES, &survey, err);
    if (rc == 0)
        rc = replay->ops->open(replay->context, &replay->reader, err);
    if (rc == 0 && replay->sample > 0)
        rc = draw_sample(replay, err);
    if (rc < 0)
        return rc;
    if (!survey.timed && replay->rate <= 0.0)
        return servsim_fail(err, EINVAL,
                            "%s: the trace has lengths and no arrival times; set rate (requests/s, Poisson arrivals)",
                            replay->path);
    if (!survey.timed || replay->rate <= 0.0)
        return 0;
    if (replay->sample == 0)
        return set_rate(replay, survey.requests, survey.first_ps, survey.last_ps, err);
    return set_rate(replay, replay->row_count, replay->rows[0].time_ps, replay->rows[replay->row_count - 1].time_ps,
                    err);
}

int32_t
wl_replay_open(struct wl_replay **out, const struct servsim_host *host, const struct servsim_create *args,
               const struct wl_reader_ops *ops, const void *context, const char *path, struct servsim_error *err)
{
    struct wl_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    replay->host = host;
    replay->ops = ops;
    replay->context = context;
    replay->path = path;
    replay->stats.size = (uint32_t)sizeof replay->stats;
    int32_t rc = read_options(replay, args, err);
    if (rc == 0) {
        replay->arrivals.state = host->seed(host->ctx, "workload.arrivals");
        rc = prepare(replay, err);
    }
    if (rc < 0) {
        wl_replay_close(replay);
        return rc;
    }
    *out = replay;
    return 0;
}

void
wl_replay_close(struct wl_replay *replay)
{
    if (replay == NULL)
        return;
    for (uint64_t i = 0; i < replay->row_count; i++)
        drop_row(&replay->rows[i]);
    free(replay->rows);
    if (replay->reader != NULL)
        replay->ops->close(replay->reader);
    free(replay);
}

/* ---- delivering ---- */

/* Poisson arrivals: the first request comes at 0. */
static wl_wide
drawn_arrival(struct wl_replay *replay)
{
    if (replay->delivered > 0)
        replay->clock_ps += wl_ps_of(wl_random_exponential(&replay->arrivals) / replay->rate);
    return replay->clock_ps;
}

/* As the ids: a session without a client is its own. */
static void
put_names(const struct wl_row *row, struct servsim_arrival *out)
{
    if (!SERVSIM_COVERS(out, struct servsim_arrival, session_name))
        return;
    out->session_name = wl_session_name(row);
    out->client_name = row->client != 0 ? wl_client_name(row) : out->session_name;
}

static void
deliver(struct wl_replay *replay, const struct wl_row *row, struct servsim_arrival *out)
{
    wl_wide time_ps =
        replay->timed ? wl_scale_time(&replay->scale, row->time_ps - replay->first_ps) : drawn_arrival(replay);
    wl_time_split(time_ps, &out->arrival_s, &out->arrival_ps);
    out->prompt_tokens = row->prompt_tokens > 0 ? row->prompt_tokens : 1; /* an engine adds the beginning of text */
    replay->empty_prompts += row->prompt_tokens == 0;
    out->output_tokens = row->output_tokens;
    out->client = row->client != 0 ? row->client : row->session;
    out->session = row->session;
    put_names(row, out);
    out->priority = row->priority;
    if (row->deadline_ps > 0)
        wl_time_split(time_ps + row->deadline_ps, &out->deadline_s, &out->deadline_ps);
    out->prompt_id = row->prompt_id;
    out->block_hashes = row->hashes;
    out->block_hash_count = row->hash_count;
    out->block_hash_tokens = row->hash_tokens;
    out->token_ids = row->prompt_tokens > 0 ? row->tokens : NULL;
    memcpy(out->label, row->label, sizeof out->label);
    wl_prompts_name(&replay->identity, row->number, out);
    replay->delivered++;
}

static int32_t
at_end(struct wl_replay *replay, struct servsim_error *err)
{
    if (replay->delivered == 0)
        return no_request(replay->path, replay->stats.rows_read, replay->stats.rows_failed, err);
    if (replay->empty_prompts > 0) {
        char text[128];
        (void)snprintf(text, sizeof text, "%llu requests without prompt tokens count as 1 prompt token each",
                       (unsigned long long)replay->empty_prompts);
        say(replay, SERVSIM_LOG_INFO, text);
        replay->empty_prompts = 0;
    }
    return 0;
}

int32_t
wl_replay_next(struct wl_replay *replay, struct servsim_arrival *out, struct servsim_error *err)
{
    struct wl_row row;
    if (replay->sample > 0) {
        if (replay->row_at == replay->row_count)
            return at_end(replay, err);
        deliver(replay, &replay->rows[replay->row_at++], out);
        return 1;
    }
    if (replay->limit > 0 && replay->delivered == replay->limit)
        return at_end(replay, err);
    int32_t rc = pull_request(replay, &row, err);
    if (rc == 0)
        return at_end(replay, err);
    if (rc > 0)
        deliver(replay, &row, out);
    return rc;
}

int32_t
wl_replay_stats(const struct wl_replay *replay, struct servsim_workload_stats *out)
{
    out->rows_read = replay->stats.rows_read;
    out->rows_failed = replay->stats.rows_failed;
    out->rows_left_out = replay->stats.rows_left_out;
    return 0;
}
