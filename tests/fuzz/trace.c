/*
 * fuzz/trace.c - every reader of traces: BurstGPT, token tables (TSV, CSV, Azure), JSON lines (Mooncake).
 *
 * The first byte says how it is read: bits 0 and 1, by which plugin (the one that knows the file, or one by name); the
 * others, with which options. The rest is the file. Requests must come in order of arrival, with all that they point
 * to.
 */
#include <string.h>

#include "cli/trace.h"
#include "fuzz.h"

static volatile uint64_t sink; /* what is read must be there */

static void
check_row(const struct servsim_arrival *row, int with_failed)
{
    uint64_t sum = 0;
    if (row->prompt_tokens == 0 && !with_failed)
        fuzz_fail("a request without a prompt");
    for (uint32_t i = 0; row->token_ids != NULL && i < row->prompt_tokens; i++)
        sum += (uint64_t)(int64_t)row->token_ids[i];
    for (uint32_t i = 0; row->block_hashes != NULL && i < row->block_hash_count; i++)
        sum += row->block_hashes[i];
    if (memchr(row->label, '\0', sizeof row->label) == NULL)
        fuzz_fail("a label without an end");
    sink = sum;
}

/* All figures of `servsim trace info`, and all rows. 0 or the reader's answer. */
static int
read_all(struct ss_trace_reader *reader, struct ss_trace_figures *figures, int with_failed, struct servsim_error *err)
{
    struct servsim_arrival row;
    int rc;
    while ((rc = ss_trace_next(reader, &row, err)) > 0) {
        check_row(&row, with_failed);
        ss_trace_figures_add(figures, &row);
    }
    sink = (uint64_t)(ss_trace_rate(figures) + ss_trace_peak_rate(figures) + ss_trace_gap_cv(figures) > 0);
    return rc;
}

static void
read_trace(const struct ss_cli *cli, const struct ss_trace_wish *wish)
{
    static struct ss_trace_reader reader;
    static struct ss_trace_figures figures;
    struct servsim_error err = {.size = sizeof err};
    struct servsim_workload_stats counts;
    int rc = ss_trace_open(&reader, wish, cli, &err);
    fuzz_check_answer(rc, &err);
    if (rc == 0 && ss_trace_figures_open(&figures, &err) == 0) {
        rc = read_all(&reader, &figures, wish->emit_failed, &err);
        fuzz_check_answer(rc, &err);
        if (rc == -EPROTO)
            fuzz_fail("%s", err.text);
        if (rc == 0 && ss_trace_counts(&reader, &counts, &err) == 0 &&
            counts.rows_read < reader.rows + counts.rows_left_out)
            fuzz_fail("%llu rows were read, but %llu came and %llu were left out", (unsigned long long)counts.rows_read,
                      (unsigned long long)reader.rows, (unsigned long long)counts.rows_left_out);
        ss_trace_figures_free(&figures);
    }
    ss_trace_close(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {NULL, "burstgpt", "tokens", "tokens"};
    const char *sets[5];
    char path[128];
    struct ss_cli cli = {.lookup = *fuzz_lookup()};
    struct ss_trace_wish wish = {.seed = 1, .sets = sets};
    if (size == 0)
        return 0;
    const char *file = fuzz_file(0, data + 1, size - 1);
    (void)snprintf(path, sizeof path, "path=%s", file);
    wish.workload = names[data[0] % 4];
    wish.path = wish.workload == NULL ? file : NULL;
    if (wish.workload != NULL)
        sets[wish.set_count++] = path;
    if (data[0] & 4)
        wish.sample = 2;
    if (data[0] & 8)
        sets[wish.set_count++] = "time_scale=1e-9";
    if (data[0] & 16)
        sets[wish.set_count++] = "limit=3";
    if (data[0] & 32)
        sets[wish.set_count++] = "rate=2";
    wish.emit_failed = (data[0] & 128) != 0;
    read_trace(&cli, &wish);
    return 0;
}
