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

static void
put_char(struct csv *csv, char c)
{
    csv->buffer[csv->used++] = c;
}

static void
put_text(struct csv *csv, const char *text)
{
    while (*text != '\0')
        put_char(csv, *text++);
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

/* Numbers are made from their end, two digits at a time. */
static void
put_integer(struct csv *csv, uint64_t value)
{
    size_t count = digits_of(value);
    char *end = csv->buffer + csv->used + count;
    csv->used += count;
    for (; value >= 100; value /= 100)
        memcpy(end -= 2, pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(end - 2, pairs + 2 * value, 2);
    else
        end[-1] = (char)('0' + value);
}

/* `value` in units of 10^-places, of which there are 6 or 9: a division by what is known is far cheaper. */
static void
put_decimal(struct csv *csv, uint64_t value, size_t places)
{
    uint64_t whole = places == 6 ? value / 1000000 : value / 1000000000;
    uint32_t rest = (uint32_t)(places == 6 ? value - whole * 1000000 : value - whole * 1000000000);
    put_integer(csv, whole);
    put_char(csv, '.');
    char *begin = csv->buffer + csv->used, *end = begin + places;
    csv->used += places;
    for (; end - begin >= 2; rest /= 100)
        memcpy(end -= 2, pairs + (size_t)2 * (rest % 100), 2);
    if (end > begin)
        *begin = (char)('0' + rest);
}

/* Picoseconds as ns-exact decimals: seconds with 9 places, milliseconds with 6. */
static uint64_t
nanoseconds(ss_time ps)
{
    return (uint64_t)ss_time_divide(ps + 500, 125, 3); /* 1000 = 125 * 2^3 */
}

static void
put_ms(struct csv *csv, int64_t ps)
{
    put_char(csv, ',');
    if (ps != SS_NO_PS)
        put_decimal(csv, nanoseconds(ps), 6);
}

static void
end_row(struct csv *csv)
{
    put_char(csv, '\n');
    if (csv->used > BUFFER_BYTES - ROW_BYTES)
        flush(csv);
}

/* A name as one field, quoted where it must be. */
static void
put_name(struct csv *csv, const char *name)
{
    if (strpbrk(name, ",\"\r\n") == NULL) {
        put_text(csv, name);
        return;
    }
    put_char(csv, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"')
            put_char(csv, '"');
        put_char(csv, *name);
    }
    put_char(csv, '"');
}

/* Nothing where nobody is known to have sent it. */
static void
put_client(struct csv *csv, const struct ss_records *records, uint64_t client)
{
    const char *name = ss_names_find(&records->client_names, client);
    if (name != NULL)
        put_name(csv, name);
    else if (client != 0)
        put_integer(csv, client);
}

/* Columns that only some cells have, behind the others. */
static void
put_more_columns(struct csv *csv, const struct ss_result *result, size_t id)
{
    const struct ss_records *records = &result->records;
    if (records->has_clients) {
        put_char(csv, ',');
        put_client(csv, records, records->senders[id].client);
    }
    if (records->has_priorities) {
        int64_t priority = records->senders[id].priority;
        put_text(csv, priority < 0 ? ",-" : ",");
        put_integer(csv, (uint64_t)(priority < 0 ? -priority : priority));
    }
    if (result->failures.retries > 0) {
        put_char(csv, ',');
        put_integer(csv, records->items[id].retries);
    }
}

static void
put_request(struct csv *csv, const struct ss_result *result, size_t id)
{
    const struct ss_record *record = &result->records.items[id];
    put_integer(csv, id);
    put_char(csv, ',');
    if (record->replica != UINT32_MAX)
        put_integer(csv, record->replica);
    put_char(csv, ',');
    put_text(csv, ss_status_name(record->status));
    put_char(csv, ',');
    put_decimal(csv, nanoseconds(record->arrival), 9);
    const uint32_t counts[] = {record->prompt_tokens, record->output_tokens, record->cached_tokens,
                               record->preemptions};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        put_char(csv, ',');
        put_integer(csv, counts[i]);
    }
    put_ms(csv, record->queue_ps);
    put_ms(csv, record->ttft_ps);
    put_ms(csv, ss_record_tpot_ps(record));
    put_ms(csv, record->latency_ps);
    put_more_columns(csv, result, id);
    end_row(csv);
}

int
ss_write_requests_csv(const struct ss_result *result, const char *path, struct servsim_error *err)
{
    struct csv csv;
    char header[256];
    (void)snprintf(header, sizeof header,
                   "request_id,replica,status,arrival_s,prompt_tokens,output_tokens,cached_tokens,preemptions,queue_ms,"
                   "ttft_ms,tpot_ms,latency_ms%s%s%s\n",
                   result->records.has_clients ? ",client" : "", result->records.has_priorities ? ",priority" : "",
                   result->failures.retries > 0 ? ",retries" : "");
    int rc = csv_open(&csv, path, header, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < result->records.count; i++)
        put_request(&csv, result, i);
    return csv_close(&csv, path, err);
}

/* ---- the columns of LLMServingSim ---- */

static void
put_ns(struct csv *csv, int64_t ps)
{
    put_char(csv, ',');
    if (ps != SS_NO_PS)
        put_integer(csv, nanoseconds(ps));
}

static void
put_old_request(struct csv *csv, size_t id, const char *model, const struct ss_record *record)
{
    uint64_t arrival_ns = nanoseconds(record->arrival);
    put_integer(csv, id);
    put_char(csv, ',');
    put_name(csv, model);
    const uint64_t numbers[] = {record->prompt_tokens, record->output_tokens, arrival_ns,
                                arrival_ns + nanoseconds(record->latency_ps)};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put_char(csv, ',');
        put_integer(csv, numbers[i]);
    }
    put_ns(csv, record->latency_ps);
    put_ns(csv, record->queue_ps);
    put_ns(csv, record->ttft_ps);
    put_ns(csv, ss_record_tpot_ps(record));
    end_row(csv);
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
static void
put_mean(struct csv *csv, ss_wide area, ss_time width)
{
    put_char(csv, ',');
    put_decimal(csv, (uint64_t)((area * 1000000 + width / 2) / width), 6);
}

static void
put_bin(struct csv *csv, const struct ss_series *series, uint32_t index, uint32_t parts)
{
    const struct ss_series_bin *bin = &series->bins[index];
    put_decimal(csv, nanoseconds(series->width * index), 9);
    for (uint32_t i = 0; i < SS_SERIES_COUNTS; i++) {
        put_char(csv, ',');
        put_integer(csv, bin->counts[i]);
    }
    put_mean(csv, bin->areas[SS_SERIES_WAITING], series->width);
    put_mean(csv, bin->areas[SS_SERIES_RUNNING], series->width);
    put_char(csv, ',');
    put_integer(csv, bin->kv_blocks_peak);
    put_mean(csv, bin->areas[SS_SERIES_BUSY], series->width * parts);
    end_row(csv);
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
        put_decimal(&csv, (uint64_t)ss_itl_bin_low_ps(i), 9);
        put_char(&csv, ',');
        put_decimal(&csv, (uint64_t)ss_itl_bin_high_ps(i), 9);
        put_char(&csv, ',');
        put_integer(&csv, result->itl.counts[i]);
        end_row(&csv);
    }
    return csv_close(&csv, path, err);
}

static void
put_slice(struct csv *csv, const struct ss_slice *slice)
{
    put_integer(csv, slice->replica);
    put_char(csv, ',');
    put_decimal(csv, nanoseconds(slice->start), 9);
    put_char(csv, ',');
    put_decimal(csv, nanoseconds(slice->end), 9);
    const uint64_t counts[] = {slice->steps,   slice->prefill_tokens, slice->decodes, slice->waiting,
                               slice->running, slice->kv_blocks,      slice->rank,    slice->stage};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        put_char(csv, ',');
        put_integer(csv, counts[i]);
    }
    end_row(csv);
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

static void
put_moment(struct csv *csv, ss_time time)
{
    put_char(csv, ',');
    if (time != SS_NEVER)
        put_decimal(csv, nanoseconds(time), 9);
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
        put_integer(&csv, outage->replica);
        put_moment(&csv, outage->down);
        put_moment(&csv, outage->detected);
        put_moment(&csv, outage->up);
        end_row(&csv);
    }
    return csv_close(&csv, path, err);
}
