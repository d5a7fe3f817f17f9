/*
 * unit/text_test.c - growing texts, files that appear whole or not at all, the nearest name.
 */
#include "base/text.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "tests/unit/scratch.h"

static void
test_growing(void)
{
    struct ss_text text = {0};
    int kept = 1;
    for (int i = 0; i < 10000; i++)
        ss_text_printf(&text, "%04d", i);
    CU_ASSERT_EQUAL_FATAL(text.length, 40000);
    for (int i = 0; i < 10000; i++) {
        char expected[16];
        (void)snprintf(expected, sizeof expected, "%04d", i);
        kept = kept && memcmp(text.data + 4 * i, expected, 4) == 0;
    }
    CU_ASSERT_TRUE(kept);
    ss_text_free(&text);
    ss_text_add(&text, "a\0b", 3);
    ss_text_puts(&text, "");
    CU_ASSERT_EQUAL(text.length, 3);
    CU_ASSERT_EQUAL(memcmp(text.data, "a\0b", 4), 0);
    ss_text_free(&text);
    ss_text_puts(&text, "");
    CU_ASSERT_STRING_EQUAL(text.data, "");
    ss_text_free(&text);
}

static void
test_no_memory(void)
{
    struct ss_text text = {0};
    ss_text_puts(&text, "kept");
    ss_text_add(&text, "x", SIZE_MAX / 2 + 1); /* never copied: there is no room for it */
    CU_ASSERT_TRUE(text.failed);
    ss_text_puts(&text, "more");
    ss_text_printf(&text, "%d", 5);
    CU_ASSERT_EQUAL(text.length, 4);
    CU_ASSERT_STRING_EQUAL(text.data, "kept");
    ss_text_free(&text);
    CU_ASSERT_FALSE(text.failed);
}

static void
expect_read(const char *path, size_t limit, const char *words)
{
    char *data = NULL;
    size_t length;
    struct servsim_error err = {.size = sizeof err};
    int rc = ss_file_read(path, limit, &data, &length, &err);
    CU_ASSERT_TRUE(rc < 0);
    CU_ASSERT_PTR_NULL(data);
    CU_ASSERT_TRUE(scratch_says(err.text, words));
    CU_ASSERT_TRUE(scratch_is_one_line(err.text));
}

static void
test_reading(void)
{
    char folder[256], *data;
    size_t length;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    CU_ASSERT_EQUAL(ss_file_read(scratch_puts(folder, "empty", ""), 0, &data, &length, &err), 0);
    CU_ASSERT_TRUE(length == 0 && data[0] == '\0');
    free(data);
    CU_ASSERT_EQUAL(ss_file_read(scratch_write(folder, "bytes", "a\0b", 3, 0644), 3, &data, &length, &err), 0);
    CU_ASSERT_TRUE(length == 3 && memcmp(data, "a\0b", 4) == 0);
    free(data);
    expect_read(scratch_path(folder, "bytes"), 2, "bytes|larger than the 2 bytes");
    expect_read(scratch_path(folder, "none"), 2, "none|No such file");
    expect_read(folder, 2, "folder");
    CU_ASSERT_EQUAL(mkfifo(scratch_path(folder, "fifo"), 0600), 0);
    expect_read(scratch_path(folder, "fifo"), 2, "fifo|no regular file"); /* and does not wait for a writer */
    expect_read("/dev/zero", 2, "no regular file");
    scratch_close(folder);
}

static size_t
entries(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

static void
test_writing(void)
{
    char folder[256], *data;
    size_t length;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    const char *path = scratch_path(folder, "out");
    CU_ASSERT_EQUAL(ss_file_write(path, "first", 5, &err), 0);
    CU_ASSERT_EQUAL(ss_file_write(path, "second", 6, &err), 0);
    CU_ASSERT_EQUAL(ss_file_read(path, 10, &data, &length, &err), 0);
    CU_ASSERT_STRING_EQUAL(data, "second");
    free(data);
    CU_ASSERT_EQUAL(entries(folder), 3); /* with . and .. */
    CU_ASSERT_EQUAL(mkdir(scratch_path(folder, "taken"), 0755), 0);
    CU_ASSERT_TRUE(ss_file_write(scratch_path(folder, "taken"), "x", 1, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "taken|cannot be written"));
    CU_ASSERT_TRUE(ss_file_write(scratch_path(folder, "no/such/folder"), "x", 1, &err) < 0);
    CU_ASSERT_EQUAL(entries(folder), 4);
    scratch_close(folder);
    if (access("/dev/full", W_OK) == 0)
        CU_ASSERT_TRUE(ss_file_write("/proc/none", "x", 1, &err) < 0);
}

static void
test_nearest(void)
{
    static const char *const names[] = {"fcfs", "max_num_seqs", "max_num_batched_tokens", "predictive", NULL, ""};
    static const struct {
        const char *wrong, *nearest;
    } cases[] = {
        {"fcsf", "fcfs"},
        {"FCF", "fcfs"},
        {"max_seqs", "max_num_seqs"},
        {"max-num-seqs", "max_num_seqs"},
        {"max_num_batch_tokens", "max_num_batched_tokens"},
        {"predictiv", "predictive"},
        {"zebra", NULL},
        {"", NULL},
        {"x", NULL},
        {"a name that is far longer than any name could be, so that no comparing is worth its while", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = ss_nearest(cases[i].wrong, names, sizeof names / sizeof names[0]);
        if (cases[i].nearest == NULL)
            CU_ASSERT_PTR_NULL(nearest);
        if (cases[i].nearest != NULL)
            CU_ASSERT_TRUE(nearest != NULL && strcmp(nearest, cases[i].nearest) == 0);
    }
    CU_ASSERT_PTR_NULL(ss_nearest("fcfs", NULL, 0));
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"a text grows, and may hold zero bytes", test_growing},
        {"a failed allocation is remembered", test_no_memory},
        {"files are read whole or refused", test_reading},
        {"files are written whole or not at all", test_writing},
        {"the nearest name is one that may have been meant", test_nearest},
    };
    return ss_run_cases("text", cases, sizeof cases / sizeof cases[0]);
}
