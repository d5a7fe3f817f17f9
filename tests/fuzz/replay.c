/*
 * fuzz/replay.c - main() of a fuzz target without libFuzzer: hands each file of its corpus to the target once.
 *
 * Without arguments, the corpus of the source tree that goes by the program's name, a test in TAP; else the files that
 * are named. A law that is broken ends the program, and the test harness reports that.
 */
#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"

static int
replay(const char *path)
{
    struct servsim_error err = {.size = sizeof err};
    char *data = NULL;
    size_t length = 0;
    if (ss_file_read(path, (size_t)1 << 26, &data, &length, &err) != 0) {
        (void)printf("# %s\n", err.text);
        return 0;
    }
    /* a copy of just that size, so that a byte read past the end is one too many */
    uint8_t *exact = malloc(length > 0 ? length : 1);
    if (exact != NULL && length > 0)
        memcpy(exact, data, length);
    free(data);
    if (exact != NULL)
        (void)LLVMFuzzerTestOneInput(exact, length);
    free(exact);
    return exact != NULL;
}

static int
replay_folder(const char *folder)
{
    struct dirent **entries;
    char path[4096];
    int number = 0, count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%.3000s/%.255s", folder, entries[i]->d_name);
            (void)printf("# %s\n", entries[i]->d_name);
            (void)fflush(stdout);
            int fine = replay(path);
            (void)printf("%s %d - %s\n", fine ? "ok" : "not ok", ++number, entries[i]->d_name);
            (void)fflush(stdout);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    (void)printf("1..%d\n", number);
    return number > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    char folder[4096];
    int status = 0;
    if (argc == 1) {
        const char *name = basename(argv[0]);
        int length = (int)strcspn(name, "_");
        const char *end = strstr(name, "_fuzz");
        if (end != NULL)
            length = (int)(end - name);
        (void)snprintf(folder, sizeof folder, "%.3000s/tests/fuzz/corpus/%.*s", SERVSIM_SRCDIR, length, name);
        return replay_folder(folder);
    }
    for (int i = 1; i < argc; i++)
        status |= !replay(argv[i]);
    return status;
}
