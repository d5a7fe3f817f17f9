/*
 * profile/rows.c - see rows.h.
 *
 * libcsv in strict mode pushes fields; a row goes out when its line ends. The first error ends the reading.
 */
#include "hardware/profile/rows.h"

#include <csv.h>
#include <math.h>

#define PIECE_BYTES 32768
#define FILE_BYTES_MAX (UINT64_C(512) << 20)
#define COUNT_MAX (INT64_C(1) << 40)
#define ABSENT UINT32_MAX

struct reader {
    const struct rows_column *columns;
    struct rows_field fields[ROWS_COLUMNS_MAX];
    uint32_t where[ROWS_COLUMNS_MAX]; /* position of each column in the file */
    uint32_t count;                   /* of columns that were asked for */
    uint32_t at, width;               /* position in the line; fields of the header */
    int32_t rc;
    int header_done, last_was_cr;
    uint64_t line; /* that is being read */
    uint64_t bytes;
    struct rows_place place; /* of the row */
    rows_take take;
    void *context;
    struct servsim_error *err;
};

static int32_t
row_fail(const struct reader *reader, const char *what, const char *text)
{
    return servsim_fail(reader->err, EINVAL, "%s:%llu: %s%s%s", reader->place.path,
                        (unsigned long long)reader->place.line, what, text != NULL ? " " : "",
                        text != NULL ? text : "");
}

/* ---- fields ---- */

static int32_t
bad_field(const struct reader *reader, const struct rows_column *column, const char *shown, const char *wanted)
{
    return servsim_fail(reader->err, EINVAL, "%s:%llu: %s is '%.40s'; write %s", reader->place.path,
                        (unsigned long long)reader->place.line, column->name, shown, wanted);
}

/* Digits, sign, point and exponent alone: "nan", "inf" and "0x10" are no measurements. */
static int
parse_number(const char *text, double *out)
{
    char *end;
    if (text[0] == '\0' || strspn(text, "0123456789.eE+-") != strlen(text))
        return 0;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

static int32_t
take_field(struct reader *reader, uint32_t index, const char *text, size_t length)
{
    const struct rows_column *column = &reader->columns[index];
    struct rows_field *field = &reader->fields[index];
    size_t kept = length < sizeof field->text - 1 ? length : sizeof field->text - 1;
    memcpy(field->text, text, kept);
    field->text[kept] = '\0';
    if (kept < length || strlen(field->text) != length)
        return bad_field(reader, column, field->text, "less than 48 characters of plain text");
    if (column->type == ROWS_TEXT)
        return length > 0 ? 0 : bad_field(reader, column, "", "a name");
    if (!parse_number(field->text, &field->number))
        return bad_field(reader, column, field->text, "a number");
    if (column->type == ROWS_TIME && !(field->number > 0.0 && field->number <= 1e12))
        return bad_field(reader, column, field->text, "microseconds, above 0 and at most 1e12");
    if (column->type == ROWS_COUNT) {
        if (!(field->number >= 0.0 && field->number <= (double)COUNT_MAX && floor(field->number) == field->number))
            return bad_field(reader, column, field->text, "a whole number from 0 to 2^40");
        field->count = (int64_t)field->number;
    }
    return 0;
}

static int32_t
header_field(struct reader *reader, const char *text, size_t length)
{
    for (uint32_t i = 0; i < reader->count; i++) {
        if (strlen(reader->columns[i].name) != length || memcmp(reader->columns[i].name, text, length) != 0)
            continue;
        if (reader->where[i] != ABSENT)
            return row_fail(reader, "leave out the second column", reader->columns[i].name);
        reader->where[i] = reader->at;
    }
    return 0;
}

static void
on_field(void *text, size_t length, void *context)
{
    struct reader *reader = context;
    reader->last_was_cr = 0;
    if (reader->rc != 0)
        return;
    if (!reader->header_done) {
        reader->rc = header_field(reader, text, length);
    } else {
        for (uint32_t i = 0; i < reader->count && reader->rc == 0; i++)
            if (reader->where[i] == reader->at)
                reader->rc = take_field(reader, i, text, length);
    }
    reader->at++;
}

/* ---- lines ---- */

static int32_t
end_header(struct reader *reader)
{
    reader->header_done = 1;
    reader->width = reader->at;
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->where[i] == ABSENT)
            return row_fail(reader, "the header has no column", reader->columns[i].name);
    return 0;
}

static int32_t
end_row(struct reader *reader)
{
    if (reader->at != reader->width)
        return servsim_fail(reader->err, EINVAL, "%s:%llu: %u fields where the header has %u; complete the row",
                            reader->place.path, (unsigned long long)reader->place.line, (unsigned)reader->at,
                            (unsigned)reader->width);
    return reader->take(reader->context, reader->fields, &reader->place, reader->err);
}

/* Called at each end of a line, empty ones too, and once more for the second half of CR LF. */
static void
on_end(int c, void *context)
{
    struct reader *reader = context;
    if (reader->rc == 0 && reader->at > 0)
        reader->rc = reader->header_done ? end_row(reader) : end_header(reader);
    if (c == '\r' || (c == '\n' && !reader->last_was_cr))
        reader->line++;
    reader->last_was_cr = c == '\r';
    reader->place.line = reader->line;
    reader->at = 0;
}

/* ---- the file ---- */

static int32_t
quote_fail(const struct reader *reader)
{
    return row_fail(reader, "a double quote that is not closed, or stands inside a field", NULL);
}

static int32_t
read_pieces(struct reader *reader, FILE *file, struct csv_parser *parser)
{
    char piece[PIECE_BYTES];
    size_t length;
    while ((length = fread(piece, 1, sizeof piece, file)) > 0) {
        size_t skip = reader->bytes == 0 && length >= 3 && memcmp(piece, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        reader->bytes += length;
        if (reader->bytes > FILE_BYTES_MAX)
            return servsim_fail(reader->err, EFBIG, "%s: more than 512 MiB; this is no table of a bundle",
                                reader->place.path);
        if (memchr(piece, '\0', length) != NULL)
            return row_fail(reader, "binary data, not a CSV table", NULL);
        size_t parsed = csv_parse(parser, piece + skip, length - skip, on_field, on_end, reader);
        if (reader->rc != 0)
            return reader->rc;
        if (parsed != length - skip)
            return quote_fail(reader);
    }
    if (ferror(file))
        return servsim_fail(reader->err, EIO, "%s: cannot be read: %s", reader->place.path, strerror(errno));
    if (csv_fini(parser, on_field, on_end, reader) != 0 && reader->rc == 0)
        return quote_fail(reader);
    if (reader->rc == 0 && !reader->header_done)
        return servsim_fail(reader->err, EINVAL, "%s: the table is empty; it begins with a header", reader->place.path);
    return reader->rc;
}

int32_t
rows_read(const char *path, const struct rows_column *columns, uint32_t count, rows_take take, void *context,
          struct servsim_error *err)
{
    struct csv_parser parser;
    struct reader reader = {.columns = columns, .count = count, .take = take, .context = context, .err = err};
    reader.line = reader.place.line = 1;
    reader.place.path = path;
    for (uint32_t i = 0; i < count; i++)
        reader.where[i] = ABSENT;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return servsim_fail(err, errno, "%s: cannot be opened: %s", path, strerror(errno));
    int32_t rc = csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) == 0
                     ? read_pieces(&reader, file, &parser)
                     : servsim_fail(err, ENOMEM, "%s: out of memory", path);
    csv_free(&parser);
    (void)fclose(file);
    return rc;
}
