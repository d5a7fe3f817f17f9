/*
 * jsonl.c - see jsonl.h.
 */
#include "jsonl.h"

#include <jansson.h>

#include "scale.h"

#define PIECE_BYTES 65536
#define LINE_BYTES_MAX ((size_t)64 << 20) /* a prompt of millions of token ids */

/* A key that means a number, and the unit of a time. */
struct key {
    const char *name;
    int unit;
};

static const struct key time_keys[] = {{"arrival_time_ns", WL_UNIT_NS}, {"arrival_s", WL_UNIT_S},
                                       {"arrival_time_s", WL_UNIT_S},   {"arrival_ms", WL_UNIT_MS},
                                       {"timestamp", WL_UNIT_MS},       {NULL, 0}};
static const struct key prompt_keys[] = {
    {"input_toks", 0}, {"input_tokens", 0}, {"prompt_tokens", 0}, {"input_length", 0}, {NULL, 0}};
static const struct key output_keys[] = {
    {"output_toks", 0}, {"output_tokens", 0}, {"completion_tokens", 0}, {"output_length", 0}, {NULL, 0}};

struct reader {
    const struct wl_jsonl_source *source;
    FILE *file;
    char *data; /* bytes of the file that are not parsed yet: from `at`, `length` of them */
    size_t at, length, capacity;
    int file_ended, have_before, timed, have_first;
    uint64_t bytes, line;
    wl_wide before;
    uint64_t *hashes;
    int32_t *tokens;
    size_t hash_capacity, token_capacity;
    char names[2 * (WL_NAME_MAX + 1)]; /* of the row */
};

/* ---- lines ---- */

static int32_t
more(struct reader *reader, struct servsim_error *err)
{
    if (reader->at > 0) {
        memmove(reader->data, reader->data + reader->at, reader->length);
        reader->at = 0;
    }
    if (reader->length > LINE_BYTES_MAX)
        return servsim_fail(err, EINVAL, "%s:%llu: a line of more than 64 MiB; give one JSON object on each line",
                            reader->source->path, (unsigned long long)reader->line + 1);
    if (reader->capacity < reader->length + PIECE_BYTES) {
        size_t capacity = 2 * (reader->length + PIECE_BYTES);
        char *data = realloc(reader->data, capacity);
        if (data == NULL)
            return servsim_fail(err, ENOMEM, "%s: out of memory", reader->source->path);
        reader->data = data;
        reader->capacity = capacity;
    }
    errno = 0;
    size_t got = fread(reader->data + reader->length, 1, PIECE_BYTES, reader->file);
    if (got == 0 && ferror(reader->file))
        return servsim_fail(err, errno != 0 ? errno : EIO, "%s: cannot read: %s", reader->source->path,
                            strerror(errno));
    reader->file_ended = got == 0;
    reader->length += got;
    reader->bytes += got;
    return 0;
}

/* The next line that holds something, without its end; 0 at the end of the file. */
static int32_t
next_line(struct reader *reader, const char **text, size_t *length, struct servsim_error *err)
{
    for (size_t seen = 0;;) {
        char *start = reader->data + reader->at, *end = NULL;
        if (reader->length > seen)
            end = memchr(start + seen, '\n', reader->length - seen);
        if (end == NULL && !reader->file_ended) {
            seen = reader->length;
            int32_t rc = more(reader, err);
            if (rc < 0)
                return rc;
            continue;
        }
        size_t taken = end != NULL ? (size_t)(end - start) + 1 : reader->length;
        if (taken == 0)
            return 0;
        reader->at += taken;
        reader->length -= taken;
        reader->line++;
        size_t skip = reader->line == 1 && taken >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        *text = start + skip;
        *length = taken - skip - (end != NULL);
        for (size_t i = 0; i < *length; i++)
            if (strchr(" \t\r", (*text)[i]) == NULL || (*text)[i] == '\0')
                return 1;
        seen = 0;
    }
}

/* ---- one object ---- */

static int32_t
bad(const struct reader *reader, struct servsim_error *err, const char *what)
{
    return servsim_fail(err, EINVAL, "%s:%llu: %s", reader->source->path, (unsigned long long)reader->line, what);
}

/* The value of the first of `keys` that is there. */
static json_t *
find(json_t *object, const struct key *keys, const struct key **out)
{
    for (; keys->name != NULL; keys++) {
        json_t *value = json_object_get(object, keys->name);
        if (value != NULL && !json_is_null(value)) {
            *out = keys;
            return value;
        }
    }
    return NULL;
}

/* A number as decimal text; strings are taken as they are, so that "12.5" reads too and "NaN" is shown. */
static const char *
number_text(json_t *value, char *out, size_t size)
{
    if (json_is_integer(value))
        (void)snprintf(out, size, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(out, size, "%.15g", json_real_value(value));
    else if (json_is_string(value))
        (void)snprintf(out, size, "%s", json_string_value(value));
    else
        (void)snprintf(out, size, "%s", json_is_true(value) ? "true" : json_is_false(value) ? "false" : "a structure");
    return out;
}

static int32_t
read_tokens(const struct reader *reader, json_t *object, const struct key *keys, uint32_t *out,
            struct servsim_error *err)
{
    char text[64], what[160];
    const struct key *key = NULL;
    json_t *value = find(object, keys, &key);
    if (value == NULL) {
        (void)snprintf(what, sizeof what, "no key '%s' (or %s, %s, %s); add it to the line", keys[0].name, keys[1].name,
                       keys[2].name, keys[3].name);
        return bad(reader, err, what);
    }
    number_text(value, text, sizeof text);
    int wrong = wl_tokens_parse(text, strlen(text), out);
    if (wrong == WL_OK)
        return 0;
    return wl_bad_number(err, reader->source->path, reader->line, key->name, text, strlen(text), wrong, 0);
}

static int32_t
read_time(struct reader *reader, json_t *object, struct wl_row *row, struct servsim_error *err)
{
    char text[64];
    const struct key *key = NULL;
    json_t *value = find(object, time_keys, &key);
    int timed = value != NULL;
    if (reader->have_first && timed != reader->timed)
        return bad(reader, err,
                   timed ? "an arrival time, and the first line has none; give it on every line or on none"
                         : "no arrival time, and the first line has one; add 'arrival_s' or 'arrival_time_ns'");
    reader->have_first = 1;
    reader->timed = timed;
    if (!timed)
        return 0;
    number_text(value, text, sizeof text);
    int wrong = wl_time_parse(text, strlen(text), key->unit, &row->time_ps);
    if (wrong != WL_OK)
        return wl_bad_number(err, reader->source->path, reader->line, key->name, text, strlen(text), wrong, 1);
    row->flags |= WL_ROW_TIMED;
    int32_t rc = wl_check_order(err, reader->source->path, reader->line, key->name, reader->have_before, reader->before,
                                row->time_ps);
    reader->have_before = 1;
    reader->before = row->time_ps;
    return rc;
}

/* An identity out of a text or a whole number, and what it stands for, if that is short enough: `text` holds
   WL_NAME_MAX + 1 bytes. */
static int32_t
read_identity(const struct reader *reader, json_t *object, const char *name, uint64_t *out, char *text,
              struct servsim_error *err)
{
    char what[96];
    json_t *value = json_object_get(object, name);
    text[0] = '\0';
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value) && !json_is_integer(value)) {
        (void)snprintf(what, sizeof what, "%s is neither a text nor a whole number; write one of them", name);
        return bad(reader, err, what);
    }
    if (json_is_string(value)) {
        *out = wl_identity(json_string_value(value), json_string_length(value));
        if (json_string_length(value) <= WL_NAME_MAX)
            memcpy(text, json_string_value(value), json_string_length(value) + 1);
        return 0;
    }
    number_text(value, text, WL_NAME_MAX + 1);
    *out = wl_identity(text, strlen(text));
    return 0;
}

/* Who sent it, and which prompt it has. */
static int32_t
read_identities(struct reader *reader, json_t *object, struct wl_row *row, struct servsim_error *err)
{
    char session[WL_NAME_MAX + 1], prompt[WL_NAME_MAX + 1];
    int32_t rc = read_identity(reader, object, "session_id", &row->session, session, err);
    if (rc == 0)
        rc = read_identity(reader, object, "client_id", &row->client, reader->names, err);
    if (rc == 0)
        rc = read_identity(reader, object, "prompt_id", &row->prompt_id, prompt, err);
    if (rc == 0 && (reader->names[0] != '\0' || session[0] != '\0')) {
        strcpy(reader->names + strlen(reader->names) + 1, session);
        row->names = reader->names;
    }
    return rc;
}

/* priority: lower is more urgent. deadline_s: after the arrival. */
static int32_t
read_urgency(const struct reader *reader, json_t *object, struct wl_row *row, struct servsim_error *err)
{
    json_t *priority = json_object_get(object, "priority"), *deadline = json_object_get(object, "deadline_s");
    if (priority != NULL && !json_is_null(priority)) {
        json_int_t level = json_integer_value(priority);
        if (!json_is_integer(priority) || level < INT32_MIN || level > INT32_MAX)
            return bad(reader, err, "priority is not a whole number of 32 bits; write 0 or 1");
        row->priority = (int32_t)level;
    }
    if (deadline != NULL && !json_is_null(deadline)) {
        double seconds = json_number_value(deadline);
        if (!(seconds > 0 && seconds < 1e9))
            return bad(reader, err, "deadline_s is not a time above 0; write seconds, as 2.5");
        row->deadline_ps = wl_ps_of(seconds + 0.5e-12); /* nearest: 10.7 is a little less than that */
    }
    return 0;
}

static void *
room(void *memory, size_t *capacity, size_t count, size_t each)
{
    if (count <= *capacity && memory != NULL)
        return memory;
    void *grown = realloc(memory, (2 * count + 16) * each);
    if (grown != NULL)
        *capacity = 2 * count + 16;
    return grown;
}

static int32_t
read_hashes(struct reader *reader, json_t *object, struct wl_row *row, struct servsim_error *err)
{
    json_t *list = json_object_get(object, "hash_ids"), *value = NULL;
    size_t i = 0, count = json_array_size(list);
    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list) || count > WL_TOKENS_MAX)
        return bad(reader, err, "hash_ids is no list of whole numbers; write [1, 2, ...]");
    uint64_t *hashes = room(reader->hashes, &reader->hash_capacity, count, sizeof *hashes);
    if (hashes == NULL)
        return servsim_fail(err, ENOMEM, "%s: out of memory", reader->source->path);
    reader->hashes = hashes;
    json_array_foreach(list, i, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return bad(reader, err, "hash_ids is no list of whole numbers from 0; write [1, 2, ...]");
        hashes[i] = (uint64_t)json_integer_value(value);
    }
    row->hashes = hashes;
    row->hash_count = (uint32_t)count;
    row->hash_tokens = reader->source->hash_tokens;
    return 0;
}

static int32_t
read_token_ids(struct reader *reader, json_t *object, struct wl_row *row, struct servsim_error *err)
{
    json_t *list = json_object_get(object, "input_tok_ids"), *value = NULL;
    size_t i = 0, count = json_array_size(list);
    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list) || count != row->prompt_tokens)
        return bad(reader, err, "input_tok_ids does not hold one id for each prompt token; correct one of the two");
    int32_t *tokens = room(reader->tokens, &reader->token_capacity, count, sizeof *tokens);
    if (tokens == NULL)
        return servsim_fail(err, ENOMEM, "%s: out of memory", reader->source->path);
    reader->tokens = tokens;
    json_array_foreach(list, i, value)
    {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id > INT32_MAX)
            return bad(reader, err, "input_tok_ids holds something that is no whole number from 0 to 2147483647");
        tokens[i] = (int32_t)id;
    }
    row->tokens = tokens;
    return 0;
}

static int32_t
read_object(struct reader *reader, json_t *object, struct wl_row *row, struct servsim_error *err)
{
    memset(row, 0, sizeof *row);
    row->line = reader->line;
    int32_t rc = read_tokens(reader, object, prompt_keys, &row->prompt_tokens, err);
    if (rc == 0)
        rc = read_tokens(reader, object, output_keys, &row->output_tokens, err);
    if (rc == 0)
        rc = read_time(reader, object, row, err);
    if (rc == 0)
        rc = read_identities(reader, object, row, err);
    if (rc == 0)
        rc = read_urgency(reader, object, row, err);
    if (rc == 0)
        rc = read_hashes(reader, object, row, err);
    if (rc == 0)
        rc = read_token_ids(reader, object, row, err);
    if (row->output_tokens == 0)
        row->flags |= WL_ROW_FAILED;
    return rc;
}

/* ---- the reader ---- */

static int32_t
jsonl_next(void *self, struct wl_row *out, struct servsim_error *err)
{
    struct reader *reader = self;
    const char *text = NULL;
    size_t length = 0;
    json_error_t wrong;
    int32_t rc = next_line(reader, &text, &length, err);
    if (rc <= 0)
        return rc;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &wrong);
    if (object == NULL) {
        char what[sizeof wrong.text + 64];
        (void)snprintf(what, sizeof what, "not JSON: %s; give one JSON object on each line", wrong.text);
        for (char *at = what; *at != '\0'; at++)
            if (*at < ' ' || *at > '~')
                *at = '?';
        return bad(reader, err, what);
    }
    rc = json_is_object(object) ? read_object(reader, object, out, err)
                                : bad(reader, err, "not a JSON object; write {\"input_toks\": ..., ...} on each line");
    json_decref(object);
    return rc < 0 ? rc : 1;
}

static uint64_t
jsonl_bytes(const void *self)
{
    return ((const struct reader *)self)->bytes;
}

static void
jsonl_close(void *self)
{
    struct reader *reader = self;
    if (reader == NULL)
        return;
    if (reader->file != NULL)
        (void)fclose(reader->file);
    free(reader->data);
    free(reader->hashes);
    free(reader->tokens);
    free(reader);
}

static int32_t
jsonl_open(const void *context, void **out, struct servsim_error *err)
{
    const struct wl_jsonl_source *source = context;
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    reader->source = source;
    reader->file = fopen(source->path, "rb");
    int32_t rc = 0;
    if (reader->file == NULL)
        rc = servsim_fail(err, errno, "%s: cannot open: %s", source->path, strerror(errno));
    else
        rc = more(reader, err);
    if (rc < 0) {
        jsonl_close(reader);
        return rc;
    }
    *out = reader;
    return 0;
}

const struct wl_reader_ops wl_jsonl_ops = {jsonl_open, jsonl_next, jsonl_bytes, jsonl_close};

int
wl_jsonl_recognise(const char *head, uint64_t length)
{
    uint64_t at = length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < length && strchr(" \t\r\n", head[at]) != NULL && head[at] != '\0')
        at++;
    if (at == length || head[at] != '{')
        return 0;
    for (const struct key *key = prompt_keys; key->name != NULL; key++) {
        char quoted[40];
        uint64_t size = (uint64_t)snprintf(quoted, sizeof quoted, "\"%s\"", key->name);
        for (uint64_t i = at; i + size <= length && head[i] != '\n'; i++)
            if (memcmp(head + i, quoted, size) == 0)
                return 1;
    }
    return 0;
}
