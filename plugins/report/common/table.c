/*
 * report/common/table.c - reads the bulk CSV files of a cell row by row.
 */
#include "report/common/table.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int
map_file(struct rp_table *table, struct servsim_error *err)
{
    int fd = open(table->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno;
        return servsim_fail(err, code, "%s: cannot be opened: %s", table->path, strerror(code));
    }
    struct stat info;
    void *data = MAP_FAILED;
    int code = fstat(fd, &info) != 0 ? errno : S_ISREG(info.st_mode) && info.st_size > 0 ? 0 : EINVAL;
    if (code == 0) {
        data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        code = data == MAP_FAILED ? errno : 0;
    }
    (void)close(fd);
    if (code != 0)
        return servsim_fail(err, code, "%s: %s; run the experiment again", table->path,
                            code == EINVAL ? "empty, or not a regular file" : strerror(code));
    table->data = data;
    table->at = table->data;
    table->mapped = (size_t)info.st_size;
    table->end = table->data + table->mapped;
    return 0;
}

/* The line at `at`, without its newline; NULL where the file ends in the middle of it. */
static const char *
line_end(const struct rp_table *table)
{
    return memchr(table->at, '\n', (size_t)(table->end - table->at));
}

static int
broken(const struct rp_table *table, struct servsim_error *err, const char *what)
{
    return servsim_fail(err, EINVAL, "%s:%zu: %s; run the experiment again", table->path, table->line, what);
}

static int
read_header(struct rp_table *table, const char *const *wanted, size_t count, struct servsim_error *err)
{
    const char *end = line_end(table), *at = table->at;
    table->line = 1;
    if (end == NULL)
        return broken(table, err, "the header is cut off");
    size_t found = 0;
    for (; at <= end; table->header_fields++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t length = (size_t)((comma != NULL ? comma : end) - at);
        if (length > 0 && at[length - 1] == '\r')
            length--;
        if (table->header_fields == RP_TABLE_COLUMNS)
            return broken(table, err, "too many columns");
        for (size_t w = 0; w < count; w++)
            if (strlen(wanted[w]) == length && memcmp(wanted[w], at, length) == 0) {
                table->place[table->header_fields] = w + 1;
                found |= (size_t)1 << w;
            }
        at += (size_t)((comma != NULL ? comma : end) - at) + 1;
    }
    for (size_t w = 0; w < count; w++)
        if (!(found >> w & 1u))
            return servsim_fail(err, EINVAL, "%s:1: no column '%s'; run the experiment again", table->path, wanted[w]);
    table->at = end + 1;
    return 0;
}

int
rp_table_open(struct rp_table *table, const char *path, const char *const *wanted, size_t count,
              struct servsim_error *err)
{
    *table = (struct rp_table){.path = strdup(path), .wanted_count = count};
    int status = table->path != NULL ? map_file(table, err) : servsim_fail(err, ENOMEM, "%s: no memory", path);
    if (status == 0)
        status = read_header(table, wanted, count, err);
    if (status != 0)
        rp_table_close(table);
    return status;
}

int
rp_table_next(struct rp_table *table, struct rp_field *fields, struct servsim_error *err)
{
    if (table->at == table->end)
        return 0;
    table->line++;
    const char *end = line_end(table);
    if (end == NULL)
        return broken(table, err, "the file ends in the middle of a row");
    const char *start = table->at;
    size_t field = 0;
    int quoted = 0; /* a comma between quotes is text */
    for (const char *at = start; at <= end; at++) {
        quoted ^= *at == '"';
        if ((*at != ',' || quoted) && at != end)
            continue;
        size_t place = field < RP_TABLE_COLUMNS ? table->place[field] : 0;
        if (place != 0)
            fields[place - 1] = (struct rp_field){start, (size_t)(at - start)};
        field++;
        start = at + 1;
    }
    if (field != table->header_fields)
        return servsim_fail(err, EINVAL, "%s:%zu: %zu fields where the header has %zu; run the experiment again",
                            table->path, table->line, field, table->header_fields);
    table->at = end + 1;
    return 1;
}

/* Plain decimals of up to 15 digits, the usual case: exact digits over an exact power of ten, so rounded once. */
static int
quick_number(struct rp_field field, double *out)
{
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t places = 0, seen = 0;
    int point = 0;
    for (size_t i = 0; i < field.length; i++) {
        char c = field.text[i];
        if (c == '.' && !point) {
            point = 1;
            continue;
        }
        if (c < '0' || c > '9' || ++seen > 15)
            return 0;
        digits = digits * 10 + (uint64_t)(c - '0');
        places += (size_t)point;
    }
    *out = (double)digits / power[places];
    return seen > 0;
}

int
rp_table_number(const struct rp_table *table, struct rp_field field, double *out, struct servsim_error *err)
{
    *out = NAN;
    if (field.length > 0 && field.text[field.length - 1] == '\r')
        field.length--;
    if (field.length == 0 || quick_number(field, out))
        return 0;
    char text[64] = "", *end = text;
    if (field.length < sizeof text) {
        memcpy(text, field.text, field.length);
        text[field.length] = '\0';
        *out = strtod(text, &end);
    }
    if (end == text || *end != '\0' || !isfinite(*out))
        return broken(table, err, "a field is no number");
    return 0;
}

void
rp_table_close(struct rp_table *table)
{
    if (table->mapped > 0)
        (void)munmap((void *)(uintptr_t)table->data, table->mapped);
    free(table->path);
    *table = (struct rp_table){0};
}
