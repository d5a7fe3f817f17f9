/*
 * table.c - see table.h.
 *
 * libcsv pushes fields, a workload is pulled: each piece of the file is parsed whole, its rows wait in a queue. An
 * error waits behind the rows that came before it, so that it is met where it stands.
 */
#include "table.h"

#include <csv.h>
#include <strings.h>

#define PIECE_BYTES 32768
#define ROW_BYTES_MAX (UINT64_C(1) << 20)
#define COLUMNS_MAX 256u

struct reader {
    const struct wl_table_source *source;
    FILE *file;
    struct csv_parser parser;
    int parser_ready, header_done, ended;
    uint64_t bytes, bytes_at_row; /* taken in all; and when the last row ended */

    const struct wl_column *columns[COLUMNS_MAX]; /* of the file, by position; NULL: not ours */
    uint32_t column_count;
    uint32_t roles; /* present, bit 1 << role */

    uint64_t line, row_line; /* current; where the row began */
    int last_was_cr;
    int has_quotes; /* there was a quote: fields may hold ends of lines */
    uint32_t column;
    struct wl_row row;
    char model[24], log_type[24];
    size_t model_length, log_type_length;
    char client[WL_NAME_MAX + 1], session[WL_NAME_MAX + 1]; /* of the row that is being read */
    int have_before;
    wl_wide before;

    struct wl_row *rows;
    size_t row_count, row_capacity, row_at;
    /* Names of the rows in the queue. They are no longer than the piece that they stand in, but for those of a row that
       began in the piece before. */
    char names[PIECE_BYTES + 2 * (WL_NAME_MAX + 1)];
    size_t names_used;
    int32_t failed; /* 0, or the errno that waits behind the rows */
    struct servsim_error error;
};

void
wl_squeeze(char *out, size_t size, const char *text, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length && kept + 1 < size; i++) {
        char c = text[i];
        if (c == ' ' || c == '\t' || c == '_' || c == '-' || c == '\r' || c == '"')
            continue;
        out[kept++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[kept] = '\0';
}

static const struct wl_column *
column_of(const struct wl_dialect *dialect, const char *text, size_t length)
{
    char squeezed[40];
    wl_squeeze(squeezed, sizeof squeezed, text, length);
    for (size_t i = 0; i < dialect->column_count; i++)
        if (strcmp(dialect->columns[i].squeezed, squeezed) == 0)
            return &dialect->columns[i];
    return NULL;
}

static void
reader_fail(struct reader *reader, int code)
{
    if (reader->failed == 0)
        reader->failed = -code;
}

/* ---- the header ---- */

static void
header_field(struct reader *reader, const char *text, size_t length)
{
    const struct wl_table_source *source = reader->source;
    if (reader->column >= COLUMNS_MAX) {
        servsim_fail(&reader->error, EINVAL, "%s:%llu: more than %u columns; this is not %s", source->path,
                     (unsigned long long)reader->line, COLUMNS_MAX, source->dialect->what);
        reader_fail(reader, EINVAL);
        return;
    }
    const struct wl_column *column = column_of(source->dialect, text, length);
    if (column != NULL && (reader->roles & (1u << column->role)) != 0) {
        servsim_fail(&reader->error, EINVAL, "%s:%llu: a second column for %s; leave one of them out", source->path,
                     (unsigned long long)reader->line, column->shown);
        reader_fail(reader, EINVAL);
        return;
    }
    if (column != NULL)
        reader->roles |= 1u << column->role;
    reader->columns[reader->column] = column;
}

static void
header_end(struct reader *reader)
{
    const struct wl_table_source *source = reader->source;
    const struct wl_dialect *dialect = source->dialect;
    reader->header_done = 1;
    reader->column_count = reader->column;
    for (uint32_t role = 1; role < WL_ROLE_COUNT; role++) {
        if ((dialect->required & (1u << role)) == 0 || (reader->roles & (1u << role)) != 0)
            continue;
        const char *name = "";
        for (size_t i = dialect->column_count; i-- > 0;)
            if (dialect->columns[i].role == role)
                name = dialect->columns[i].shown;
        servsim_fail(&reader->error, EINVAL, "%s:%llu: %s needs a column '%s', and the header has none; %s",
                     source->path, (unsigned long long)reader->row_line, dialect->what, name, dialect->mend);
        reader_fail(reader, EINVAL);
        return;
    }
}

/* ---- rows ---- */

static void
number_field(struct reader *reader, const struct wl_column *column, const char *text, size_t length)
{
    int wrong = WL_OK;
    if (column->role == WL_ROLE_TIME)
        wrong = wl_time_parse(text, length, column->unit, &reader->row.time_ps);
    else if (column->role == WL_ROLE_PROMPT)
        wrong = wl_tokens_parse(text, length, &reader->row.prompt_tokens);
    else
        wrong = wl_tokens_parse(text, length, &reader->row.output_tokens);
    if (wrong == WL_OK)
        return;
    reader_fail(reader, -wl_bad_number(&reader->error, reader->source->path, reader->row_line, column->shown, text,
                                       length, wrong, column->role == WL_ROLE_TIME));
}

/* A few bytes, in eights or fours where there are as many: the last ones may be copied twice. memcpy of a length that
   is not known is a loop over single bytes where configure asks for plain stores. */
static inline void
copy_short(char *out, const char *text, size_t length)
{
    size_t at = 0;
    for (; at + 8 < length; at += 8)
        memcpy(out + at, text + at, 8);
    if (length >= 8) {
        memcpy(out + length - 8, text + length - 8, 8);
    } else if (length >= 4) {
        memcpy(out, text, 4);
        memcpy(out + length - 4, text + length - 4, 4);
    } else {
        for (; at < length; at++)
            out[at] = text[at];
    }
}

static void
keep_text(char *out, size_t *out_length, const char *text, size_t length)
{
    *out_length = length < 23 ? length : 23;
    copy_short(out, text, *out_length);
    out[*out_length] = '\0';
}

/* An id, and the text that it stands for. */
static uint64_t
identity_field(char *name, const char *text, size_t length)
{
    if (length <= WL_NAME_MAX)
        memcpy(name, text, length);
    name[length <= WL_NAME_MAX ? length : 0] = '\0';
    return length > 0 ? wl_identity(text, length) : 0;
}

static void
row_field(struct reader *reader, const char *text, size_t length)
{
    const struct wl_column *column = reader->column < reader->column_count ? reader->columns[reader->column] : NULL;
    uint32_t role = column != NULL ? column->role : WL_ROLE_NONE;
    switch (role) {
    case WL_ROLE_TIME:
    case WL_ROLE_PROMPT:
    case WL_ROLE_OUTPUT:
        number_field(reader, column, text, length);
        return;
    case WL_ROLE_MODEL:
        keep_text(reader->model, &reader->model_length, text, length);
        break;
    case WL_ROLE_LOG_TYPE:
        keep_text(reader->log_type, &reader->log_type_length, text, length);
        break;
    case WL_ROLE_SESSION:
        reader->row.session = identity_field(reader->session, text, length);
        break;
    case WL_ROLE_CLIENT:
        reader->row.client = identity_field(reader->client, text, length);
        break;
    case WL_ROLE_PROMPT_ID:
        reader->row.prompt_id = length > 0 ? wl_identity(text, length) : 0;
        break;
    default:
        break;
    }
    if (!reader->has_quotes)
        return;
    for (const char *at = text; length > 0 && (at = memchr(at, '\n', length - (size_t)(at - text))) != NULL; at++)
        reader->line++;
}

/* "ChatGPT" and "Conversation log" become "ChatGPT Conversation log". */
static void
make_label(struct reader *reader)
{
    char *label = reader->row.label;
    size_t length = reader->model_length;
    copy_short(label, reader->model, length);
    if (reader->log_type_length > 0) {
        size_t room = sizeof reader->row.label - 2 - length;
        size_t kept = reader->log_type_length < room ? reader->log_type_length : room;
        if (length > 0)
            label[length++] = ' ';
        copy_short(label + length, reader->log_type, kept);
        length += kept;
    }
    label[length] = '\0';
}

static int
filtered_out(const struct reader *reader)
{
    const struct wl_filter *filter = &reader->source->filter;
    if (filter->model != NULL && strcasecmp(filter->model, reader->model) != 0)
        return 1;
    return filter->log_type != NULL && strncasecmp(filter->log_type, reader->log_type, strlen(filter->log_type)) != 0;
}

static void
keep_names(struct reader *reader)
{
    if (reader->client[0] == '\0' && reader->session[0] == '\0')
        return;
    size_t client = strlen(reader->client) + 1, session = strlen(reader->session) + 1;
    if (client + session > sizeof reader->names - reader->names_used)
        return;
    char *names = reader->names + reader->names_used;
    memcpy(names, reader->client, client);
    memcpy(names + client, reader->session, session);
    reader->row.names = names;
    reader->names_used += client + session;
}

static int32_t
push_row(struct reader *reader)
{
    if (reader->row_count == reader->row_capacity) {
        size_t capacity = reader->row_capacity > 0 ? reader->row_capacity * 2 : 1024;
        struct wl_row *rows = realloc(reader->rows, capacity * sizeof *rows);
        if (rows == NULL)
            return servsim_fail(&reader->error, ENOMEM, "%s: out of memory", reader->source->path);
        reader->rows = rows;
        reader->row_capacity = capacity;
    }
    reader->rows[reader->row_count++] = reader->row;
    return 0;
}

/* Not before the row ahead of it. */
static int32_t
check_order(struct reader *reader)
{
    const struct wl_row *row = &reader->row;
    const char *name = "the arrival time";
    if (!reader->have_before || row->time_ps >= reader->before)
        return 0;
    for (uint32_t i = 0; i < reader->column_count; i++)
        if (reader->columns[i] != NULL && reader->columns[i]->role == WL_ROLE_TIME)
            name = reader->columns[i]->shown;
    return wl_check_order(&reader->error, reader->source->path, row->line, name, 1, reader->before, row->time_ps);
}

static int32_t
row_end(struct reader *reader)
{
    const char *path = reader->source->path;
    struct wl_row *row = &reader->row;
    if (reader->column != reader->column_count)
        return servsim_fail(&reader->error, EINVAL, "%s:%llu: %u fields, the header has %u; correct the row", path,
                            (unsigned long long)reader->row_line, reader->column, reader->column_count);
    row->line = reader->row_line;
    if ((reader->roles & (1u << WL_ROLE_TIME)) != 0) {
        int32_t rc = check_order(reader);
        if (rc < 0)
            return rc;
        reader->have_before = 1;
        reader->before = row->time_ps;
        row->flags |= WL_ROW_TIMED;
    }
    if (row->output_tokens == 0)
        row->flags |= WL_ROW_FAILED;
    if (filtered_out(reader))
        row->flags |= WL_ROW_FILTERED;
    make_label(reader);
    keep_names(reader);
    return push_row(reader);
}

/* ---- libcsv's callbacks ---- */

static void
begin_row(struct reader *reader)
{
    reader->column = 0;
    reader->row_line = reader->line;
    reader->model_length = reader->log_type_length = 0;
    reader->model[0] = reader->log_type[0] = reader->client[0] = reader->session[0] = '\0';
    memset(&reader->row, 0, offsetof(struct wl_row, label));
}

static void
on_field(void *text, size_t length, void *context)
{
    struct reader *reader = context;
    reader->last_was_cr = 0;
    if (reader->failed != 0)
        return;
    if (reader->header_done)
        row_field(reader, text, length);
    else
        header_field(reader, text, length);
    reader->column++;
}

/* Called at each end of a line, empty ones too, and once more for the second half of CR LF. */
static void
on_end(int c, void *context)
{
    struct reader *reader = context;
    if (reader->failed == 0 && reader->column > 0) {
        int32_t rc = 0;
        if (reader->header_done)
            rc = row_end(reader);
        else
            header_end(reader);
        if (rc < 0)
            reader_fail(reader, -rc);
        reader->bytes_at_row = reader->bytes;
    }
    if (c == '\r' || (c == '\n' && !reader->last_was_cr))
        reader->line++;
    reader->last_was_cr = c == '\r';
    begin_row(reader);
}

/* ---- the file ---- */

static int
is_blank_not_tab(unsigned char c)
{
    return c == ' ';
}

static int32_t
file_error(struct reader *reader, const char *doing)
{
    int code = errno != 0 ? errno : EIO;
    return servsim_fail(&reader->error, code, "%s: cannot %s: %s", reader->source->path, doing, strerror(code));
}

static int32_t
csv_wrong(struct reader *reader)
{
    int code = csv_error(&reader->parser);
    if (code == CSV_ENOMEM || code == CSV_ETOOBIG)
        return servsim_fail(&reader->error, ENOMEM, "%s:%llu: out of memory", reader->source->path,
                            (unsigned long long)reader->row_line);
    return servsim_fail(&reader->error, EINVAL,
                        "%s:%llu: a double quote that is not closed, or stands inside a field; close it, or write two",
                        reader->source->path, (unsigned long long)reader->row_line);
}

/* What can be said of a file from its first piece: that it is text, and a tab where its first line holds one. */
static int32_t
first_piece(struct reader *reader, const char *piece, size_t length)
{
    if (memchr(piece, '\0', length) != NULL)
        return servsim_fail(&reader->error, EINVAL, "%s:1: binary data, not text; give %s", reader->source->path,
                            reader->source->dialect->what);
    const char *end = memchr(piece, '\n', length);
    if (memchr(piece, '\t', end != NULL ? (size_t)(end - piece) : length) != NULL) {
        csv_set_delim(&reader->parser, '\t');
        csv_set_space_func(&reader->parser, is_blank_not_tab);
    }
    return 0;
}

/* Parses the next piece of the file into the queue. */
static int32_t
read_piece(struct reader *reader)
{
    char piece[PIECE_BYTES];
    errno = 0;
    size_t length = fread(piece, 1, sizeof piece, reader->file);
    if (length == 0 && ferror(reader->file))
        return file_error(reader, "read");
    size_t skip = reader->bytes == 0 && length >= 3 && memcmp(piece, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    int32_t rc = reader->bytes == 0 ? first_piece(reader, piece, length) : 0;
    if (rc < 0)
        return rc;
    reader->bytes += length;
    if (length == 0) {
        reader->ended = 1;
        if (csv_fini(&reader->parser, on_field, on_end, reader) != 0 && reader->failed == 0)
            return csv_wrong(reader);
        return reader->failed;
    }
    reader->has_quotes |= memchr(piece, '"', length) != NULL;
    size_t parsed = csv_parse(&reader->parser, piece + skip, length - skip, on_field, on_end, reader);
    if (parsed != length - skip && reader->failed == 0)
        return csv_wrong(reader);
    if (reader->failed == 0 && reader->bytes - reader->bytes_at_row > ROW_BYTES_MAX)
        return servsim_fail(&reader->error, EINVAL, "%s:%llu: a row of more than 1 MiB; close the quote, or give %s",
                            reader->source->path, (unsigned long long)reader->row_line, reader->source->dialect->what);
    return reader->failed;
}

/* Reads on until a row or an end is there. */
static void
fill(struct reader *reader)
{
    reader->row_count = reader->row_at = reader->names_used = 0;
    while (reader->row_count == 0 && !reader->ended && reader->failed == 0) {
        int32_t rc = read_piece(reader);
        if (rc < 0 && reader->failed == 0)
            reader->failed = rc;
    }
}

static int32_t
take_error(const struct reader *reader, struct servsim_error *err)
{
    return servsim_fail(err, -reader->failed, "%s", reader->error.text);
}

static int32_t
table_next(void *self, struct wl_row *out, struct servsim_error *err)
{
    struct reader *reader = self;
    if (reader->row_at == reader->row_count)
        fill(reader);
    if (reader->row_at < reader->row_count) {
        *out = reader->rows[reader->row_at++];
        return 1;
    }
    return reader->failed != 0 ? take_error(reader, err) : 0;
}

static uint64_t
table_bytes(const void *self)
{
    return ((const struct reader *)self)->bytes;
}

static void
table_close(void *self)
{
    struct reader *reader = self;
    if (reader == NULL)
        return;
    if (reader->parser_ready)
        csv_free(&reader->parser);
    if (reader->file != NULL)
        (void)fclose(reader->file);
    free(reader->rows);
    free(reader);
}

static int32_t
start_parser(struct reader *reader)
{
    if (csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0)
        return servsim_fail(&reader->error, ENOMEM, "%s: out of memory", reader->source->path);
    reader->parser_ready = 1;
    fill(reader);
    if (reader->failed != 0 && reader->row_count == 0)
        return reader->failed;
    if (!reader->header_done)
        return servsim_fail(&reader->error, EINVAL, "%s: the file is empty; give %s, beginning with its header",
                            reader->source->path, reader->source->dialect->what);
    return 0;
}

static int32_t
table_open(const void *context, void **out, struct servsim_error *err)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    reader->source = context;
    reader->line = 1;
    reader->error.size = (uint32_t)sizeof reader->error;
    begin_row(reader);
    reader->file = fopen(reader->source->path, "rb");
    int32_t rc = reader->file != NULL ? start_parser(reader) : file_error(reader, "open");
    if (rc < 0) {
        rc = servsim_fail(err, -rc, "%s", reader->error.text);
        table_close(reader);
        return rc;
    }
    *out = reader;
    return 0;
}

const struct wl_reader_ops wl_table_ops = {table_open, table_next, table_bytes, table_close};

int
wl_table_recognise(const struct wl_dialect *dialect, const char *head, uint64_t length)
{
    uint64_t at = length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < length && (head[at] == '\n' || head[at] == '\r'))
        at++;
    uint64_t end = at;
    while (end < length && head[end] != '\n' && head[end] != '\r')
        end++;
    char delimiter = memchr(head + at, '\t', (size_t)(end - at)) != NULL ? '\t' : ',';
    uint32_t roles = 0;
    while (at < end) {
        uint64_t stop = at;
        while (stop < end && head[stop] != delimiter)
            stop++;
        const struct wl_column *column = column_of(dialect, head + at, (size_t)(stop - at));
        if (column != NULL)
            roles |= 1u << column->role;
        at = stop + 1;
    }
    uint32_t missing = dialect->required & ~roles;
    if (missing == 0)
        return 2;
    /* one column short of several: opening the file will say which */
    return __builtin_popcount(missing) == 1 && __builtin_popcount(dialect->required) > 2;
}
