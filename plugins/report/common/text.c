/*
 * report/common/text.c - a growing text, and files that appear whole or not at all.
 */
#include "report/common/text.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for `more` bytes and the terminator. Returns 0 when there is none. */
static int
reserve(struct rp_text *text, size_t more)
{
    if (text->failed)
        return 0;
    if (more < text->capacity - text->length)
        return 1;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->length <= more)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = 1;
        return 0;
    }
    text->data = data;
    text->capacity = capacity;
    return 1;
}

void
rp_add(struct rp_text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void
rp_puts(struct rp_text *text, const char *string)
{
    rp_add(text, string, strlen(string));
}

void
rp_printf(struct rp_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0)
        text->failed = 1;
    else if (reserve(text, (size_t)length)) {
        (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void
rp_text_free(struct rp_text *text)
{
    free(text->data);
    *text = (struct rp_text){0};
}

char *
rp_join(const char *folder, const char *name)
{
    size_t length = strlen(folder) + strlen(name) + 2;
    char *path = malloc(length);
    if (path != NULL)
        (void)snprintf(path, length, "%s/%s", folder, name);
    return path;
}

static int
read_all(struct rp_text *out, int fd, const char *path, size_t limit, struct servsim_error *err)
{
    for (;;) {
        if (out->length > limit)
            return servsim_fail(err, EFBIG, "%s: larger than %zu bytes, which no run of servsim writes", path, limit);
        if (!reserve(out, 65536))
            return servsim_fail(err, ENOMEM, "%s: no memory to read it", path);
        ssize_t got = read(fd, out->data + out->length, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return servsim_fail(err, errno, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            break;
        out->length += (size_t)got;
    }
    out->data[out->length] = '\0';
    return 0;
}

int
rp_file_read(struct rp_text *out, const char *path, size_t limit, struct servsim_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno;
        return servsim_fail(err, code, "%s: cannot be opened: %s", path, strerror(code));
    }
    struct stat info;
    int status = 0;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = servsim_fail(err, EINVAL, "%s: not a regular file", path);
    else
        status = read_all(out, fd, path, limit, err);
    (void)close(fd);
    if (status != 0)
        rp_text_free(out);
    return status;
}

static int
write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data += put;
        length -= (size_t)put;
    }
    return 0;
}

int
rp_file_write(const char *path, const struct rp_text *text, struct servsim_error *err)
{
    if (text->failed)
        return servsim_fail(err, ENOMEM, "%s: no memory to write it", path);
    size_t size = strlen(path) + 8;
    char *temporary = malloc(size);
    if (temporary == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory to write it", path);
    (void)snprintf(temporary, size, "%s.XXXXXX", path);
    int fd = mkstemp(temporary);
    int code = fd < 0 ? errno : write_all(fd, text->data, text->length);
    if (fd >= 0) {
        if (code == 0 && fchmod(fd, 0644) != 0)
            code = errno;
        if (close(fd) != 0 && code == 0)
            code = errno;
        if (code == 0 && rename(temporary, path) != 0)
            code = errno;
        if (code != 0)
            (void)unlink(temporary);
    }
    free(temporary);
    return code == 0 ? 0 : servsim_fail(err, code, "%s: cannot be written: %s", path, strerror(code));
}

int
rp_folder_make(const char *path, struct servsim_error *err)
{
    struct stat info;
    if (mkdir(path, 0755) == 0 || (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
        return 0;
    int code = errno;
    return servsim_fail(err, code, "%s: this folder cannot be made: %s", path, strerror(code));
}

uint64_t
rp_fingerprint(const char *data, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)data[i]) * 1099511628211u;
    return hash;
}

void
rp_slug(char out[65], const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = 0;
    for (; length < 64 && name[length] != '\0'; length++)
        out[length] = strchr(allowed, name[length]) != NULL ? name[length] : '_';
    if (length == 0)
        out[length++] = '_';
    out[length] = '\0';
    if (out[0] == '.')
        out[0] = '_';
}
