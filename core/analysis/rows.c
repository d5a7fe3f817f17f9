/*
 * analysis/rows.c - reading our own CSV. A million rows are read by a hand-written scan: strtod would take longer than
 * the simulation that wrote them.
 */
#include "analysis/rows.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Where a field ends: at a comma, but for one between quotes; NULL: at the end of the line. */
static char *
field_end(char *at)
{
    if (*at != '"')
        return strchr(at, ',');
    int quoted = 0;
    for (; *at != '\0' && (quoted || *at != ','); at++)
        quoted ^= *at == '"';
    return *at == ',' ? at : NULL;
}

/* Splits a line at its commas, in place. Returns the number of fields, or 0 for more than there is room for. */
static size_t
split(char *line, char **fields)
{
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; count < SS_ROWS_COLUMNS; at++) {
        fields[count++] = at;
        at = field_end(at);
        if (at == NULL)
            return count;
        *at = '\0';
    }
    return 0;
}

/* Control characters, a tab aside, are no text; messages quote what they find. */
static int
is_binary(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        length--;
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return 1;
    return 0;
}

static int
cannot_open(const char *path, const char *instead, struct servsim_error *err)
{
    return servsim_fail(err, errno, "%s: cannot be opened: %s; write %s", path, strerror(errno), instead);
}

int
ss_rows_open(struct ss_rows *rows, const char *path, const char *instead, struct servsim_error *err)
{
    struct stat about;
    *rows = (struct ss_rows){.path = path, .line = 1};
    if (stat(path, &about) != 0) /* before opening it: a FIFO would make us wait */
        return cannot_open(path, instead, err);
    if (!S_ISREG(about.st_mode))
        return servsim_fail(err, EINVAL, "%s: is no regular file; write %s", path, instead);
    rows->file = fopen(path, "re");
    if (rows->file == NULL)
        return cannot_open(path, instead, err);
    ssize_t length = getline(&rows->header, &rows->header_room, rows->file);
    if (length <= 0 || is_binary(rows->header, (size_t)length)) {
        ss_rows_close(rows);
        return servsim_fail(err, EINVAL, "%s:1: %s; write %s", path, length <= 0 ? "the file is empty" : "binary data",
                            instead);
    }
    rows->columns = split(rows->header, rows->names);
    if (rows->columns == 0) {
        ss_rows_close(rows);
        return servsim_fail(err, EINVAL, "%s:1: more than %d columns; write %s", path, SS_ROWS_COLUMNS, instead);
    }
    return 0;
}

void
ss_rows_close(struct ss_rows *rows)
{
    if (rows->file != NULL)
        (void)fclose(rows->file);
    free(rows->header);
    free(rows->text);
    *rows = (struct ss_rows){0};
}

int
ss_rows_column(const struct ss_rows *rows, const char *name, struct servsim_error *err)
{
    for (size_t i = 0; i < rows->columns; i++)
        if (strcmp(rows->names[i], name) == 0)
            return (int)i;
    return servsim_fail(err, EINVAL, "%s:1: no column '%s'; write a file that servsim wrote", rows->path, name);
}

int
ss_rows_next(struct ss_rows *rows, struct servsim_error *err)
{
    ssize_t length = getline(&rows->text, &rows->text_room, rows->file);
    if (length < 0 && ferror(rows->file))
        return servsim_fail(err, EIO, "%s: cannot be read", rows->path);
    if (length < 0)
        return 0;
    rows->line++;
    if (is_binary(rows->text, (size_t)length))
        return servsim_fail(err, EINVAL, "%s:%llu: binary data; not a file of servsim's", rows->path,
                            (unsigned long long)rows->line);
    size_t count = split(rows->text, rows->fields);
    if (count != rows->columns)
        return servsim_fail(err, EINVAL,
                            "%s:%llu: %zu fields where the header has %zu; was the file cut short? "
                            "Run the cell again",
                            rows->path, (unsigned long long)rows->line, count, rows->columns);
    return 1;
}

static int
not_a_number(const struct ss_rows *rows, int column, struct servsim_error *err)
{
    return servsim_fail(err, EINVAL, "%s:%llu: %s is '%.40s', not a number of 0 or more; run the cell again",
                        rows->path, (unsigned long long)rows->line, rows->names[column], rows->fields[column]);
}

int
ss_rows_decimal(const struct ss_rows *rows, int column, int places, int64_t *out, struct servsim_error *err)
{
    const char *at = rows->fields[column];
    int64_t value = 0;
    int behind = -1; /* digits behind the point; -1: none yet seen */
    if (*at < '0' || *at > '9')
        return not_a_number(rows, column, err);
    for (; *at != '\0'; at++) {
        if (*at == '.' && behind < 0) {
            behind = 0;
            continue;
        }
        if (*at < '0' || *at > '9')
            return not_a_number(rows, column, err);
        if (behind >= places)
            continue;
        behind += behind >= 0;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return not_a_number(rows, column, err);
    }
    for (behind = behind < 0 ? 0 : behind; behind < places; behind++)
        if (__builtin_mul_overflow(value, 10, &value))
            return not_a_number(rows, column, err);
    *out = value;
    return 0;
}

int
ss_rows_empty(const struct ss_rows *rows, int column)
{
    return rows->fields[column][0] == '\0';
}
