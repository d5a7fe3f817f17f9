/*
 * fuzz/fuzz.c - what the fuzz targets share.
 */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servsim/plugin.h"

void
fuzz_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("fuzz: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    abort();
}

const struct ss_lookup *
fuzz_lookup(void)
{
    static struct ss_lookup lookup;
    static const char *const folder[] = {SERVSIM_BUILDDIR "/plugins/.libs"};
    struct servsim_error err = {.size = sizeof err};
    if (lookup.registry != NULL)
        return &lookup;
    lookup.models_dir = SERVSIM_SRCDIR "/configs/models";
    lookup.data_dir = SERVSIM_SRCDIR "/data";
    if (ss_registry_open(&lookup.registry, folder, 1, &err) != 0)
        fuzz_fail("%s", err.text);
    return &lookup;
}

static void
write_whole(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written <= 0)
            fuzz_fail("an input cannot be written to memory");
        data += written;
        size -= (size_t)written;
    }
}

const char *
fuzz_file(size_t number, const uint8_t *data, size_t size)
{
    static int fds[FUZZ_FILES]; /* plus one, so that 0 is none */
    static char paths[FUZZ_FILES][64];
    if (fds[number] > 0)
        (void)close(fds[number] - 1);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0600) != 0) /* others may not write to a plugin */
        fuzz_fail("no file in memory");
    fds[number] = fd + 1;
    write_whole(fd, data, size);
    (void)snprintf(paths[number], sizeof paths[number], "/proc/self/fd/%d", fd);
    return paths[number];
}

void
fuzz_check_answer(int rc, const struct servsim_error *err)
{
    if (getenv("FUZZ_SHOW") != NULL)
        (void)fprintf(stderr, "answer %d: %s\n", rc, rc != 0 ? err->text : "taken");
    if (rc > 0)
        fuzz_fail("answer %d is no error", rc);
    if (rc == 0)
        return;
    if (err->text[0] == '\0')
        fuzz_fail("answer %d without a word", rc);
    for (const char *at = err->text; *at != '\0'; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            fuzz_fail("an error text holds byte %d: %s", *at, err->text);
}
