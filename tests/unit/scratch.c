/*
 * unit/scratch.c - see scratch.h.
 */
#define _GNU_SOURCE /* nftw() */
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit/harness.h"

void
scratch_open(char path[256])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, 256, "%.200s/servsim-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(path) == NULL) {
        CU_FAIL("no temporary folder");
        ss_skip("no temporary folder");
    }
}

static int
remove_one(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

void
scratch_close(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
scratch_path(const char *folder, const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *
scratch_write(const char *folder, const char *name, const void *data, size_t length, mode_t mode)
{
    const char *path = scratch_path(folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CU_ASSERT_TRUE(fd >= 0 && write(fd, data, length) == (ssize_t)length && fchmod(fd, mode) == 0);
    if (fd >= 0)
        (void)close(fd);
    return path;
}

const char *
scratch_puts(const char *folder, const char *name, const char *text)
{
    return scratch_write(folder, name, text, strlen(text), 0644);
}

const char *
scratch_plugin(const char *folder, const char *plugin, const char *file)
{
    char from[512], *data;
    size_t length;
    struct servsim_error err = {.size = sizeof err};
    (void)snprintf(from, sizeof from, "tests/broken/.libs/%s.so", plugin);
    if (ss_file_read(ss_build_path(from), 1 << 24, &data, &length, &err) != 0) {
        printf("# %s\n", err.text);
        CU_FAIL("a plugin of the tests is not built");
        ss_skip("a plugin of the tests is not built");
    }
    const char *path = scratch_write(folder, file, data, length, 0644);
    free(data);
    return path;
}

int
scratch_says(const char *text, const char *words)
{
    while (*words != '\0') {
        char word[256];
        size_t span = strcspn(words, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)span, words);
        if (strstr(text, word) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", text, word);
            return 0;
        }
        words += span + (words[span] == '|');
    }
    return 1;
}

int
scratch_is_one_line(const char *text)
{
    size_t length = strlen(text);
    int good = length > 0 && strpbrk(text, "\n\r") == NULL && text[length - 1] != '.';
    if (!good)
        printf("# not one line: \"%s\"\n", text);
    return good;
}
