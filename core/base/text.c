/*
 * base/text.c - growing texts, whole files in and out, and the nearest of some names.
 *
 * A text remembers a failed allocation, so that a writer of many pieces checks once. A file is written under a
 * temporary name beside its own and renamed when it is complete: a reader sees the old file or the new one.
 */
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LIMIT 64 /* longer names are not compared: nobody misspells those by a letter or two */

static int
text_reserve(struct ss_text *text, size_t more)
{
    if (text->failed)
        return -1;
    if (more < text->capacity - text->length)
        return 0;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (more >= capacity - text->length && capacity <= SIZE_MAX / 4)
        capacity *= 2;
    char *data = more < capacity - text->length ? realloc(text->data, capacity) : NULL;
    if (data == NULL) {
        text->failed = 1;
        return -1;
    }
    text->data = data;
    text->capacity = capacity;
    return 0;
}

void
ss_text_add(struct ss_text *text, const char *bytes, size_t length)
{
    if (text_reserve(text, length) != 0)
        return;
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void
ss_text_puts(struct ss_text *text, const char *string)
{
    ss_text_add(text, string, strlen(string));
}

void
ss_text_printf(struct ss_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = 1;
        return;
    }
    if (text_reserve(text, (size_t)length) != 0)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void
ss_text_free(struct ss_text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

void
ss_text_add_pattern(struct ss_text *text, const char *literal, int any_case)
{
    for (const char *at = literal; *at != '\0'; at++) {
        int lower = *at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at;
        if (any_case && lower >= 'a' && lower <= 'z')
            ss_text_printf(text, "[%c%c]", lower - 'a' + 'A', lower);
        else
            ss_text_printf(text, "%s%c", strchr(".[]{}()*+?^$|\\", *at) != NULL ? "\\" : "", *at);
    }
}

/* ---- reading ---- */

static int
read_all(int fd, const char *path, size_t limit, struct ss_text *text, struct servsim_error *err)
{
    char buffer[16384];
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return servsim_fail(err, errno, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return 0;
        ss_text_add(text, buffer, (size_t)got);
        if (text->failed)
            return servsim_fail(err, ENOMEM, "%s: out of memory while reading", path);
        if (text->length > limit)
            return servsim_fail(err, EFBIG, "%s: larger than the %zu bytes that such a file may have", path, limit);
    }
}

int
ss_file_read(const char *path, size_t limit, char **data, size_t *length, struct servsim_error *err)
{
    /* O_NONBLOCK: a FIFO must be refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return servsim_fail(err, errno, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat about;
    struct ss_text text = {0};
    int rc = 0;
    if (fstat(fd, &about) != 0)
        rc = servsim_fail(err, errno, "%s: cannot be read: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode))
        rc = servsim_fail(err, EINVAL, "%s: is %s; name a regular file", path,
                          S_ISDIR(about.st_mode) ? "a folder" : "no regular file");
    else
        rc = read_all(fd, path, limit, &text, err);
    (void)close(fd);
    if (rc == 0) {
        ss_text_add(&text, "", 0); /* an empty file is terminated, too */
        if (text.failed)
            rc = servsim_fail(err, ENOMEM, "%s: out of memory while reading", path);
    }
    if (rc != 0) {
        ss_text_free(&text);
        return rc;
    }
    *data = text.data;
    *length = text.length;
    return 0;
}

int
ss_is_file_of(const char *name, const char *ending)
{
    size_t length = strlen(name), end = strlen(ending);
    return name[0] != '.' && length > end && strcmp(name + length - end, ending) == 0;
}

int
ss_by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* ---- writing ---- */

static int
write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        data += put;
        length -= (size_t)put;
    }
    return 0;
}

int
ss_file_write(const char *path, const char *data, size_t length, struct servsim_error *err)
{
    struct ss_text name = {0};
    ss_text_printf(&name, "%s.%ld.tmp", path, (long)getpid());
    if (name.failed)
        return servsim_fail(err, ENOMEM, "%s: out of memory while writing", path);
    int rc = 0;
    int fd = open(name.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        rc = -errno;
    } else {
        rc = write_all(fd, data, length);
        if (close(fd) != 0 && rc == 0)
            rc = -errno;
        if (rc == 0 && rename(name.data, path) != 0)
            rc = -errno;
        if (rc != 0)
            (void)unlink(name.data);
    }
    ss_text_free(&name);
    if (rc != 0)
        return servsim_fail(err, -rc, "%s: cannot be written: %s", path, strerror(-rc));
    return 0;
}

/* ---- the nearest name ---- */

static size_t
smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b, case ignored. Both at most NAME_LIMIT long. */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    size_t rows[3][NAME_LIMIT + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++)
        above[j] = j;
    for (size_t i = 1; i <= m; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]) &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *next = before;
        before = above;
        above = row;
        row = next;
    }
    return above[n];
}

void
ss_make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

const char *
ss_nearest(const char *wrong, const char *const *names, size_t count)
{
    size_t length = strlen(wrong);
    if (length == 0 || length > NAME_LIMIT)
        return NULL;
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t other = names[i] != NULL ? strlen(names[i]) : 0;
        if (other == 0 || other > NAME_LIMIT)
            continue;
        size_t longer = length > other ? length : other;
        size_t distance = edit_distance(wrong, names[i]);
        /* One edit, and one more for every three letters; a name that shares nothing is no suggestion. */
        if (distance <= 1 + longer / 3 && distance < longer && distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
