/*
 * cli/trace_write.c - traffic as a file, in the formats that the shipped plugins read. The file appears whole or not at
 * all; what a format has no place for is counted.
 */
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/trace.h"
#include "metrics/names.h"

#define BUFFER_BYTES ((size_t)1 << 20)
#define PIECE_BYTES ((size_t)4096) /* most that is put between two looks at the room left: two names, escaped */
#define HASH_TOKENS 512u           /* that one prefix block id stands for, unless the reader is told otherwise */

static const char *const part_names[SS_TRACE_PARTS] = {"classes (model and log type)",
                                                       "sessions",
                                                       "clients",
                                                       "ids of equal prompts",
                                                       "token ids",
                                                       "prefix block ids",
                                                       "priorities",
                                                       "deadlines",
                                                       "time below a nanosecond",
                                                       "beginnings that prompts share"};

/* ---- putting text ---- */

static void
flush(struct ss_trace_writer *writer)
{
    size_t done = 0;
    while (done < writer->used && writer->error == 0) {
        ssize_t wrote = write(writer->fd, writer->buffer + done, writer->used - done);
        if (wrote < 0 && errno != EINTR)
            writer->error = errno;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    writer->used = 0;
}

static void
reserve(struct ss_trace_writer *writer)
{
    if (writer->used + PIECE_BYTES > BUFFER_BYTES)
        flush(writer);
}

static void
put(struct ss_trace_writer *writer, const char *text)
{
    size_t length = strlen(text);
    memcpy(writer->buffer + writer->used, text, length);
    writer->used += length;
}

static void
put_number(struct ss_trace_writer *writer, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        writer->buffer[writer->used++] = digits[--count];
}

/* Seconds with as many of 12 decimals as say something. */
static void
put_seconds(struct ss_trace_writer *writer, int64_t seconds, int64_t picoseconds)
{
    put_number(writer, (uint64_t)seconds);
    if (picoseconds == 0)
        return;
    writer->buffer[writer->used++] = '.';
    for (int64_t unit = 100000000000; picoseconds > 0; unit /= 10) {
        writer->buffer[writer->used++] = (char)('0' + picoseconds / unit);
        picoseconds %= unit;
    }
}

static void
put_nanoseconds(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    put_number(writer, (uint64_t)row->arrival_s * 1000000000u + (uint64_t)row->arrival_ps / 1000u);
}

static void
put_three(struct ss_trace_writer *writer, const char *before, const char *text, const char *after)
{
    put(writer, before);
    put(writer, text);
    put(writer, after);
}

/* ---- formats ---- */

static int
has_name(const char *name)
{
    return name != NULL && name[0] != '\0' && strnlen(name, SS_NAME_MAX + 1) <= SS_NAME_MAX;
}

/* Is it the same in every format, without quotes and escapes? */
static int
is_plain(const char *name)
{
    size_t length = strlen(name);
    if (name[0] == ' ' || name[length - 1] == ' ')
        return 0;
    for (size_t i = 0; i < length; i++)
        if (name[i] < ' ' || name[i] > '~' || strchr(",\"\\", name[i]) != NULL)
            return 0;
    return 1;
}

/* Part of a label as a field that needs no quotes. */
static void
put_field(struct ss_trace_writer *writer, const char *text, size_t length, const char *otherwise)
{
    if (length == 0)
        put(writer, otherwise);
    for (size_t i = 0; i < length; i++)
        writer->buffer[writer->used++] = strchr(",\"\r\n", text[i]) != NULL ? '_' : text[i];
}

static void
put_burstgpt(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    size_t length = strnlen(row->label, sizeof row->label), model = 0;
    while (model < length && row->label[model] != ' ')
        model++;
    size_t type = model < length ? model + 1 : length;
    put_seconds(writer, row->arrival_s, row->arrival_ps);
    put(writer, ",");
    if (writer->sessions) {
        if (has_name(row->session_name) && is_plain(row->session_name))
            put(writer, row->session_name);
        else if (row->session != 0)
            put_number(writer, row->session);
        put(writer, ",");
    }
    put_field(writer, row->label, model, "ChatGPT");
    put(writer, ",");
    put_number(writer, row->prompt_tokens);
    put(writer, ",");
    put_number(writer, row->output_tokens);
    put(writer, ",");
    put_number(writer, (uint64_t)row->prompt_tokens + row->output_tokens);
    put(writer, ",");
    put_field(writer, row->label + type, length - type, "API log");
    put(writer, "\n");
    writer->unclassed += length == 0;
}

static void
put_tsv(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    put_number(writer, row->prompt_tokens);
    put(writer, "\t");
    put_number(writer, row->output_tokens);
    put(writer, "\t");
    put_nanoseconds(writer, row);
    put(writer, "\n");
}

static void
put_csv(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    put_seconds(writer, row->arrival_s, row->arrival_ps);
    put(writer, ",");
    put_number(writer, row->prompt_tokens);
    put(writer, ",");
    put_number(writer, row->output_tokens);
    put(writer, "\n");
}

static void
put_id(struct ss_trace_writer *writer, const char *key, uint64_t id)
{
    if (id == 0)
        return;
    put(writer, key);
    put_number(writer, id);
    put(writer, "\"");
}

/* In JSON. What is no UTF-8 has no place there: its id is written. */
static void
put_quoted(struct ss_trace_writer *writer, const char *name, uint64_t id)
{
    json_t *text = json_string(name);
    char *quoted = text != NULL ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    json_decref(text);
    if (quoted != NULL)
        put(writer, quoted);
    else
        put_id(writer, "\"", id);
    free(quoted);
}

/* As the trace had it, where that is known: a name or, without one, the id. */
static void
put_who(struct ss_trace_writer *writer, const char *key, uint64_t id, const char *name)
{
    if (id == 0)
        return;
    put(writer, key);
    if (!has_name(name))
        put_id(writer, "\"", id);
    else if (is_plain(name))
        put_three(writer, "\"", name, "\"");
    else
        put_quoted(writer, name, id);
}

static void
put_lists(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    for (uint32_t i = 0; row->token_ids != NULL && i < row->prompt_tokens; i++) {
        reserve(writer);
        put(writer, i == 0 ? ",\"input_tok_ids\":[" : ",");
        put_number(writer, (uint64_t)row->token_ids[i]);
        put(writer, i + 1 == row->prompt_tokens ? "]" : "");
    }
    for (uint32_t i = 0; row->block_hashes != NULL && i < row->block_hash_count; i++) {
        reserve(writer);
        put(writer, i == 0 ? ",\"hash_ids\":[" : ",");
        put_number(writer, row->block_hashes[i]);
        put(writer, i + 1 == row->block_hash_count ? "]" : "");
    }
}

/* Lower is more urgent; the deadline counts from the arrival. */
static void
put_urgency(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    int64_t priority = row->priority;
    if (priority != 0) {
        put(writer, priority < 0 ? ",\"priority\":-" : ",\"priority\":");
        put_number(writer, (uint64_t)(priority < 0 ? -priority : priority));
    }
    ss_time left = ss_time_of(row->deadline_s, row->deadline_ps) - ss_time_of(row->arrival_s, row->arrival_ps);
    if (row->deadline_s == SERVSIM_NEVER || left <= 0)
        return;
    put(writer, ",\"deadline_s\":");
    put_seconds(writer, (int64_t)(left / SS_PS_PER_S), (int64_t)(left % SS_PS_PER_S));
}

static void
put_jsonl(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    put(writer, "{\"input_toks\":");
    put_number(writer, row->prompt_tokens);
    put(writer, ",\"output_toks\":");
    put_number(writer, row->output_tokens);
    put(writer, ",\"arrival_time_ns\":");
    put_nanoseconds(writer, row);
    put_who(writer, ",\"session_id\":", row->session, row->session_name);
    if (row->client != row->session)
        put_who(writer, ",\"client_id\":", row->client, row->client_name);
    put_id(writer, ",\"prompt_id\":\"", row->prompt_id);
    put_urgency(writer, row);
    put_lists(writer, row);
    reserve(writer);
    put(writer, "}\n");
}

struct ss_trace_format {
    const char *name, *header;
    const char *header_with_sessions; /* NULL: the same */
    uint32_t parts;                   /* SS_TRACE_*: what it has a place for */
    void (*put_row)(struct ss_trace_writer *writer, const struct servsim_arrival *row);
};

static const struct ss_trace_format formats[] = {
    {"burstgpt", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
     "Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log Type\n",
     SS_TRACE_CLASS | SS_TRACE_SESSION | SS_TRACE_BELOW_NS, put_burstgpt},
    {"tsv", "input_toks\toutput_toks\tarrival_time_ns\n", NULL, 0, put_tsv},
    {"csv", "arrival_s,input_tokens,output_tokens\n", NULL, SS_TRACE_BELOW_NS, put_csv},
    {"jsonl", "", NULL,
     SS_TRACE_SESSION | SS_TRACE_CLIENT | SS_TRACE_PROMPT | SS_TRACE_TOKEN_IDS | SS_TRACE_HASHES | SS_TRACE_PRIORITY |
         SS_TRACE_DEADLINE,
     put_jsonl},
};

const struct ss_trace_format *
ss_trace_format_of(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcasecmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

const char *
ss_trace_format_name(const struct ss_trace_format *format)
{
    return format->name;
}

/* ---- rows ---- */

static uint32_t
parts_of(const struct servsim_arrival *row)
{
    uint32_t parts = 0;
    parts |= row->label[0] != '\0' ? SS_TRACE_CLASS : 0;
    parts |= row->session != 0 ? SS_TRACE_SESSION : 0;
    parts |= row->client != 0 && row->client != row->session ? SS_TRACE_CLIENT : 0;
    parts |= row->prompt_id != 0 ? SS_TRACE_PROMPT : 0;
    parts |= row->token_ids != NULL ? SS_TRACE_TOKEN_IDS : 0;
    parts |= row->block_hashes != NULL ? SS_TRACE_HASHES : 0;
    parts |= row->prefix_tokens > 0 ? SS_TRACE_PREFIX : 0;
    parts |= row->priority != 0 ? SS_TRACE_PRIORITY : 0;
    parts |= row->deadline_s != SERVSIM_NEVER ? SS_TRACE_DEADLINE : 0;
    parts |= row->arrival_ps % 1000 != 0 ? SS_TRACE_BELOW_NS : 0;
    return parts;
}

static void
put_header(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    writer->sessions = row->session != 0 && writer->format->header_with_sessions != NULL;
    put(writer, writer->sessions ? writer->format->header_with_sessions : writer->format->header);
}

void
ss_trace_write(struct ss_trace_writer *writer, const struct servsim_arrival *row)
{
    if (writer->rows++ == 0)
        put_header(writer, row);
    uint32_t places = writer->format->parts;
    if (writer->format->header_with_sessions != NULL && !writer->sessions)
        places &= ~SS_TRACE_SESSION;
    uint32_t lost = parts_of(row) & ~places;
    for (uint32_t part = 0; lost != 0 && part < SS_TRACE_PARTS; part++)
        writer->lost[part] += lost >> part & 1u;
    if (row->block_hashes != NULL)
        writer->hash_tokens = row->block_hash_tokens;
    reserve(writer);
    writer->format->put_row(writer, row);
}

void
ss_trace_tell_losses(const struct ss_trace_writer *writer)
{
    for (uint32_t part = 0; part < SS_TRACE_PARTS; part++)
        if (writer->lost[part] > 0)
            (void)printf("lost: %s of %llu rows; %s has no place for them\n", part_names[part],
                         (unsigned long long)writer->lost[part], writer->format->name);
    if ((writer->format->parts & SS_TRACE_HASHES) != 0 && writer->hash_tokens != 0 &&
        writer->hash_tokens != HASH_TOKENS)
        (void)printf("lost: that a prefix block holds %u tokens; read the file with hash_block_tokens: %u\n",
                     writer->hash_tokens, writer->hash_tokens);
    if (writer->unclassed > 0)
        (void)printf("added: %llu rows without a class are written as ChatGPT, API log\n",
                     (unsigned long long)writer->unclassed);
}

/* ", clients of 5 rows": those of `parts` that were lost, the first without a comma. */
static void
list_lost(struct ss_text *text, const struct ss_trace_writer *writer, uint32_t parts, int with_rows)
{
    const char *comma = "";
    for (uint32_t part = 0; part < SS_TRACE_PARTS; part++) {
        if (writer->lost[part] == 0 || (parts >> part & 1u) == 0)
            continue;
        ss_text_printf(text, "%s%s", comma, part_names[part]);
        if (with_rows)
            ss_text_printf(text, " of %llu rows", (unsigned long long)writer->lost[part]);
        comma = ", ";
    }
}

void
ss_trace_warn_losses(const struct ss_trace_writer *writer, const char *output)
{
    const struct ss_trace_format *roomy = ss_trace_format_of("jsonl");
    struct ss_text lost = {0}, kept = {0};
    list_lost(&lost, writer, ~0u, 1);
    list_lost(&kept, writer, roomy->parts, 0);
    if (!lost.failed && !kept.failed && lost.length > 0)
        (void)ss_complain_text("%.300s: lost: %s; %s has no place for them%s%s", output, lost.data,
                               writer->format->name, kept.length > 0 ? "; --format jsonl keeps " : "",
                               kept.length > 0 ? kept.data : "");
    ss_text_free(&lost);
    ss_text_free(&kept);
}

/* ---- files ---- */

int
ss_trace_writer_open(struct ss_trace_writer *writer, const char *output, const struct ss_trace_format *format,
                     struct servsim_error *err)
{
    struct stat about;
    *writer = (struct ss_trace_writer){.fd = -1, .format = format};
    if (lstat(output, &about) == 0 && !S_ISREG(about.st_mode))
        return servsim_fail(err, EINVAL, "%s: is no regular file; write --output FILE", output);
    struct ss_text path = {0};
    ss_text_printf(&path, "%s.%ld.tmp", output, (long)getpid());
    writer->path = path.data;
    writer->buffer = malloc(BUFFER_BYTES);
    if (path.failed || writer->buffer == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    writer->fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (writer->fd < 0)
        return servsim_fail(err, errno, "%s: cannot be written: %s", output, strerror(errno));
    return 0;
}

int
ss_trace_writer_close(struct ss_trace_writer *writer, const char *output, int rc, struct servsim_error *err)
{
    if (writer->fd >= 0) {
        if (rc == 0 && writer->rows == 0)
            put(writer, writer->format->header);
        if (rc == 0)
            flush(writer);
        if (close(writer->fd) != 0 && writer->error == 0)
            writer->error = errno;
        if (rc == 0 && writer->error == 0 && rename(writer->path, output) != 0)
            writer->error = errno;
        if (rc != 0 || writer->error != 0)
            (void)unlink(writer->path);
        if (rc == 0 && writer->error != 0)
            rc = servsim_fail(err, writer->error, "%s: cannot be written: %s", output, strerror(writer->error));
    }
    free(writer->path);
    free(writer->buffer);
    writer->path = NULL;
    writer->buffer = NULL;
    return rc;
}

int
ss_trace_copy(struct ss_trace_reader *reader, struct ss_trace_writer *writer, const char *output,
              const struct ss_trace_format *format, uint64_t limit, struct servsim_error *err)
{
    int rc = ss_trace_writer_open(writer, output, format, err);
    while (rc == 0 && (limit == 0 || writer->rows < limit) && writer->error == 0) {
        struct servsim_arrival row;
        int got = ss_trace_next(reader, &row, err);
        if (got == 0)
            break;
        rc = got < 0 ? got : 0;
        if (rc == 0)
            ss_trace_write(writer, &row);
    }
    return ss_trace_writer_close(writer, output, rc, err);
}
