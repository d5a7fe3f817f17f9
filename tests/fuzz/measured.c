/*
 * fuzz/measured.c - a measured run, as `servsim validate` reads it, and the trace that is made of it to be replayed.
 *
 * The first byte says with which options it is read; the rest is the file. Of a run that is taken, requests must be in
 * order, and the trace must hold just them.
 */
#include <string.h>
#include <unistd.h>

#include "analysis/measured.h"
#include "cli/trace.h"
#include "fuzz.h"

static void
check_trace(const struct ss_measured *measured, const char *path)
{
    static struct ss_trace_reader reader;
    char set[128];
    const char *sets[] = {set};
    struct ss_cli cli = {.lookup = *fuzz_lookup()};
    const struct ss_trace_wish wish = {.workload = "tokens", .seed = 1, .sets = sets, .set_count = 1};
    struct servsim_error err = {.size = sizeof err};
    struct servsim_arrival row;
    size_t count = 0;
    (void)snprintf(set, sizeof set, "path=%s", path);
    int rc = ss_trace_open(&reader, &wish, &cli, &err);
    while (rc >= 0 && (rc = ss_trace_next(&reader, &row, &err)) > 0) {
        if (count == measured->count || row.prompt_tokens != measured->items[count].prompt_tokens ||
            row.output_tokens != measured->items[count].output_tokens)
            fuzz_fail("request %zu of the trace is another one", count);
        count++;
    }
    if (rc != 0)
        fuzz_fail("the trace of a measured run is refused: %s", err.text);
    if (count != measured->count)
        fuzz_fail("%zu requests, and %zu in their trace", measured->count, count);
    ss_trace_close(&reader);
}

static void
check_requests(const struct ss_measured *measured, uint32_t distinct_prompts)
{
    struct servsim_error err = {.size = sizeof err};
    char path[] = "/tmp/servsim-fuzz-XXXXXX";
    for (size_t i = 1; i < measured->count; i++)
        if (!(measured->items[i].start_s >= measured->items[i - 1].start_s))
            fuzz_fail("request %zu starts before the one before it", i);
    int fd = mkstemp(path);
    if (fd < 0)
        fuzz_fail("%s cannot be made", path);
    (void)close(fd);
    if (ss_measured_write_trace(measured, distinct_prompts, path, &err) != 0)
        fuzz_fail("%s", err.text);
    check_trace(measured, path);
    (void)unlink(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_measured measured;
    if (size == 0)
        return 0;
    const struct ss_measured_options options = {.start = data[0] & 1 ? SS_START_QUEUED : SS_START_ARRIVAL,
                                                .output_tokens = data[0] & 2 ? 16 : 0,
                                                .stage = data[0] & 4 ? 1 : -1};
    int rc = ss_measured_read(&measured, fuzz_file(0, data + 1, size - 1), &options, &err);
    fuzz_check_answer(rc, &err);
    if (rc != 0)
        return 0;
    if (!measured.means_only)
        check_requests(&measured, data[0] & 8 ? 3 : 0);
    ss_measured_free(&measured);
    return 0;
}
