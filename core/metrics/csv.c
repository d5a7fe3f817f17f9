/*
 * metrics/csv.c - bulk CSV. A million rows through printf would take longer than simulating them, so numbers are
 * formatted here: integers, and picoseconds as decimals with a fixed number of digits, rounded half up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "metrics/summary.h"

#define BUFFER_BYTES (1u << 18)
#define ROW_BYTES 2048u /* more than any row takes */

struct csv {
    int fd;
    int error; /* errno of the first failure */
    size_t used;
    char *buffer;
};

static void
flush(struct csv *csv)
{
    size_t done = 0;
    while (done < csv->used && csv->error == 0) {
        ssize_t wrote = write(csv->fd, csv->buffer + done, csv->used - done);
        if (wrote < 0 && errno != EINTR)
            csv->error = errno;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    csv->used = 0;
}

static int
csv_open(struct csv *csv, const char *path, const char *header, struct servsim_error *err)
{
    *csv = (struct csv){.fd = -1, .buffer = malloc(BUFFER_BYTES)};
    if (csv->buffer == NULL)
        return servsim_fail(err, ENOMEM, "no memory to write %s", path);
    csv->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (csv->fd < 0) {
        free(csv->buffer);
        return servsim_fail(err, errno, "%s: cannot be written: %s", path, strerror(errno));
    }
    csv->used = strlen(header);
    memcpy(csv->buffer, header, csv->used);
    return 0;
}

static int
csv_close(struct csv *csv, const char *path, struct servsim_error *err)
{
    flush(csv);
    free(csv->buffer);
    if (close(csv->fd) != 0 && csv->error == 0)
        csv->error = errno;
    if (csv->error == 0)
        return 0;
    (void)unlink(path);
    return servsim_fail(err, csv->error, "%s: cannot be written: %s", path, strerror(csv->error));
}

/* A row is put where the buffer ends, piece by piece: each is put at `at`, and answers where it ends itself. */
static char *
row_of(const struct csv *csv)
{
    return csv->buffer + csv->used;
}

static void
end_row(struct csv *csv, char *at)
{
    *at++ = '\n';
    csv->used = (size_t)(at - csv->buffer);
    if (csv->used > BUFFER_BYTES - ROW_BYTES)
        flush(csv);
}

static inline char *
put_char(char *at, char c)
{
    *at = c;
    return at + 1;
}

static char *
put_text(char *at, const char *text)
{
    return stpcpy(at, text); /* the end of the text is written over by what follows */
}

static const char pairs[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

static size_t
digits_of(uint64_t value)
{
    size_t count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

static inline char *
put_pair(char *end, uint32_t pair)
{
    memcpy(end - 2, pairs + (size_t)2 * pair, 2);
    return end - 2;
}

/* Numbers are made from their end, two digits at a time, in 32 bits as soon as that is enough. */
static char *
put_larger(char *at, uint64_t value)
{
    size_t count = digits_of(value);
    char *end = at + count;
    for (; value > UINT32_MAX; value /= 100)
        end = put_pair(end, (uint32_t)(value % 100));
    uint32_t rest = (uint32_t)value;
    for (; rest >= 100; rest /= 100)
        end = put_pair(end, rest % 100);
    if (rest >= 10)
        (void)put_pair(end, rest);
    else
        end[-1] = (char)('0' + rest);
    return at + count;
}

static inline char *
put_integer(char *at, uint64_t value)
{
    return value < 10 ? put_char(at, (char)('0' + value)) : put_larger(at, value);
}

/* `value` in units of 10^-places, of which there are 6 or 9: a division by what is known is far cheaper. */
static inline char *
put_decimal(char *at, uint64_t value, size_t places)
{
    uint64_t whole = places == 6 ? value / 1000000 : value / 1000000000;
    uint32_t rest = (uint32_t)(places == 6 ? value - whole * 1000000 : value - whole * 1000000000);
    at = put_integer(at, whole);
    at = put_char(at, '.');
    for (size_t left = places; left >= 2; left -= 2, rest /= 100)
        (void)put_pair(at + left, rest % 100);
    if (places % 2 != 0)
        *at = (char)('0' + rest);
    return at + places;
}

/* Picoseconds as ns-exact decimals: seconds with 9 places, milliseconds with 6. */
static uint64_t
nanoseconds(ss_time ps)
{
    return (uint64_t)ss_time_divide(ps + 500, 125, 3); /* 1000 = 125 * 2^3 */
}

static char *
put_ms(char *at, int64_t ps)
{
    at = put_char(at, ',');
    if (ps != SS_NO_PS)
        at = put_decimal(at, nanoseconds(ps), 6);
    return at;
}

/* A name as one field, quoted where it must be. */
static char *
put_name(char *at, const char *name)
{
    if (strpbrk(name, ",\"\r\n") == NULL)
        return put_text(at, name);
    at = put_char(at, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"')
            at = put_char(at, '"');
        at = put_char(at, *name);
    }
    return put_char(at, '"');
}

/* Nothing where nobody is known to have sent it. */
static char *
put_client(char *at, const struct ss_records *records, uint64_t client)
{
    const char *name = ss_names_find(&records->client_names, client);
    if (name != NULL)
        return put_name(at, name);
    return client != 0 ? put_integer(at, client) : at;
}

/* Nothing where the request was not handed over. */
static char *
put_transfer(char *at, const struct ss_transfer *transfer)
{
    at = put_char(at, ',');
    if (transfer == NULL)
        return put_text(at, ",,,");
    at = put_integer(at, transfer->prefill_replica);
    at = put_ms(at, transfer->wait_ps);
    at = put_ms(at, transfer->transfer_ps);
    return put_ms(at, transfer->queue_ps);
}

/* Columns that only some cells have, behind the others. */
static char *
put_more_columns(char *at, const struct ss_result *result, size_t id)
{
    const struct ss_records *records = &result->records;
    if (records->has_clients) {
        at = put_char(at, ',');
        at = put_client(at, records, records->senders[id].client);
    }
    if (records->has_priorities) {
        int64_t priority = records->senders[id].priority;
        at = put_text(at, priority < 0 ? ",-" : ",");
        at = put_integer(at, (uint64_t)(priority < 0 ? -priority : priority));
    }
    if (result->failures.retries > 0) {
        at = put_char(at, ',');
        at = put_integer(at, records->items[id].retries);
    }
    return result->transfers.prefill_replicas > 0 ? put_transfer(at, ss_transfer_find(&result->transfers, id)) : at;
}

static void
put_request(struct csv *csv, const struct ss_result *result, size_t id)
{
    const struct ss_record *record = &result->records.items[id];
    char *at = put_integer(row_of(csv), id);
    at = put_char(at, ',');
    if (record->replica != UINT32_MAX)
        at = put_integer(at, record->replica);
    at = put_char(at, ',');
    at = put_text(at, ss_status_name(record->status));
    at = put_char(at, ',');
    at = put_decimal(at, nanoseconds(record->arrival), 9);
    const uint32_t counts[] = {record->prompt_tokens, record->output_tokens, record->cached_tokens,
                               record->preemptions};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        at = put_char(at, ',');
        at = put_integer(at, counts[i]);
    }
    at = put_ms(at, record->queue_ps);
    at = put_ms(at, record->ttft_ps);
    at = put_ms(at, ss_record_tpot_ps(record));
    at = put_ms(at, record->latency_ps);
    end_row(csv, put_more_columns(at, result, id));
}

int
ss_write_requests_csv(const struct ss_result *result, const char *path, struct servsim_error *err)
{
    struct csv csv;
    char header[320];
    (void)snprintf(
        header, sizeof header,
        "request_id,replica,status,arrival_s,prompt_tokens,output_tokens,cached_tokens,preemptions,queue_ms,"
        "ttft_ms,tpot_ms,latency_ms%s%s%s%s\n",
        result->records.has_clients ? ",client" : "", result->records.has_priorities ? ",priority" : "",
        result->failures.retries > 0 ? ",retries" : "",
        result->transfers.prefill_replicas > 0 ? ",prefill_replica,transfer_wait_ms,transfer_ms,decode_queue_ms" : "");
    int rc = csv_open(&csv, path, header, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < result->records.count; i++)
        put_request(&csv, result, i);
    return csv_close(&csv, path, err);
}

/* ---- the columns of LLMServingSim ---- */

static char *
put_ns(char *at, int64_t ps)
{
    at = put_char(at, ',');
    if (ps != SS_NO_PS)
        at = put_integer(at, nanoseconds(ps));
    return at;
}

static void
put_old_request(struct csv *csv, size_t id, const char *model, const struct ss_record *record)
{
    uint64_t arrival_ns = nanoseconds(record->arrival);
    char *at = put_integer(row_of(csv), id);
    at = put_char(at, ',');
    at = put_name(at, model);
    const uint64_t numbers[] = {record->prompt_tokens, record->output_tokens, arrival_ns,
                                arrival_ns + nanoseconds(record->latency_ps)};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        at = put_char(at, ',');
        at = put_integer(at, numbers[i]);
    }
    at = put_ns(at, record->latency_ps);
    at = put_ns(at, record->queue_ps);
    at = put_ns(at, record->ttft_ps);
    end_row(csv, put_ns(at, ss_record_tpot_ps(record)));
}

int
ss_write_llmservingsim_csv(const struct ss_result *result, const char *model, const char *path,
                           struct servsim_error *err)
{
    struct csv csv;
    int rc =
        csv_open(&csv, path, "request id,model,input,output,arrival,end_time,latency,queuing_delay,TTFT,TPOT\n", err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < result->records.count; i++)
        if (result->records.items[i].status == SS_STATUS_FINISHED)
            put_old_request(&csv, i, model, &result->records.items[i]);
    return csv_close(&csv, path, err);
}

/* A time mean: area over width, with 6 places, rounded half up. */
static char *
put_mean(char *at, ss_wide area, ss_time width)
{
    return put_decimal(put_char(at, ','), (uint64_t)((area * 1000000 + width / 2) / width), 6);
}

static void
put_bin(struct csv *csv, const struct ss_series *series, uint32_t index, uint32_t parts)
{
    const struct ss_series_bin *bin = &series->bins[index];
    char *at = put_decimal(row_of(csv), nanoseconds(series->width * index), 9);
    for (uint32_t i = 0; i < SS_SERIES_COUNTS; i++) {
        at = put_char(at, ',');
        at = put_integer(at, bin->counts[i]);
    }
    at = put_mean(at, bin->areas[SS_SERIES_WAITING], series->width);
    at = put_mean(at, bin->areas[SS_SERIES_RUNNING], series->width);
    at = put_char(at, ',');
    at = put_integer(at, bin->kv_blocks_peak);
    end_row(csv, put_mean(at, bin->areas[SS_SERIES_BUSY], series->width * parts));
}

int
ss_write_series_csv(const struct ss_result *result, const char *path, struct servsim_error *err)
{
    struct csv csv;
    int rc = csv_open(&csv, path,
                      "t_s,arrivals,finished,output_tokens,prefill_tokens,preemptions,waiting_mean,running_mean,"
                      "kv_blocks_peak,busy_fraction\n",
                      err);
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < result->series.used; i++)
        put_bin(&csv, &result->series, i, result->replica_count * result->parts);
    return csv_close(&csv, path, err);
}

int
ss_write_itl_csv(const struct ss_result *result, const char *path, struct servsim_error *err)
{
    struct csv csv;
    int rc = csv_open(&csv, path, "itl_ms_low,itl_ms_high,count\n", err);
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < SS_ITL_BINS; i++) {
        if (result->itl.counts[i] == 0)
            continue;
        char *at = put_decimal(row_of(&csv), (uint64_t)ss_itl_bin_low_ps(i), 9);
        at = put_char(at, ',');
        at = put_decimal(at, (uint64_t)ss_itl_bin_high_ps(i), 9);
        at = put_char(at, ',');
        end_row(&csv, put_integer(at, result->itl.counts[i]));
    }
    return csv_close(&csv, path, err);
}

static void
put_slice(struct csv *csv, const struct ss_slice *slice)
{
    char *at = put_integer(row_of(csv), slice->replica);
    at = put_char(at, ',');
    at = put_decimal(at, nanoseconds(slice->start), 9);
    at = put_char(at, ',');
    at = put_decimal(at, nanoseconds(slice->end), 9);
    const uint64_t counts[] = {slice->steps,   slice->prefill_tokens, slice->decodes, slice->waiting,
                               slice->running, slice->kv_blocks,      slice->rank,    slice->stage};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        at = put_char(at, ',');
        at = put_integer(at, counts[i]);
    }
    end_row(csv, at);
}

int
ss_write_timeline_csv(const struct ss_result *result, const char *path, struct servsim_error *err)
{
    struct csv csv;
    int rc = csv_open(&csv, path,
                      "replica,start_s,end_s,steps,prefill_tokens,decodes,waiting,running,kv_blocks,"
                      "rank,stage\n",
                      err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < result->timeline.count; i++)
        put_slice(&csv, &result->timeline.slices[i]);
    return csv_close(&csv, path, err);
}

static char *
put_moment(char *at, ss_time time)
{
    at = put_char(at, ',');
    if (time != SS_NEVER)
        at = put_decimal(at, nanoseconds(time), 9);
    return at;
}

int
ss_write_failures_csv(const struct ss_result *result, const char *path, struct servsim_error *err)
{
    struct csv csv;
    int rc = csv_open(&csv, path, "replica,down_s,detected_s,up_s\n", err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < result->failures.outage_count; i++) {
        const struct ss_outage *outage = &result->failures.outages[i];
        char *at = put_integer(row_of(&csv), outage->replica);
        at = put_moment(at, outage->down);
        at = put_moment(at, outage->detected);
        end_row(&csv, put_moment(at, outage->up));
    }
    return csv_close(&csv, path, err);
}
