/*
 * drain.h - for tests of workload plugins: a trace in a temporary file, and all that a plugin makes of it.
 */
#ifndef WL_DRAIN_H
#define WL_DRAIN_H

#include <math.h>
#include <unistd.h>

#include "tests/unit/fake_host.h"

#define DRAIN_KEPT 4096

/* The outcome of one use of a plugin: rc and error of create() or of the last next(), and what came. */
struct drained {
    int32_t create_rc, rc; /* rc: 0 at a regular end */
    char error[1024], log[256];
    uint64_t count;
    double prompt_sum, output_sum;
    struct servsim_arrival first, last;
    struct servsim_arrival rows[DRAIN_KEPT]; /* the first ones; ids are not kept */
    struct servsim_workload_stats stats;
};

/* Called with each request, where a test wants to see them all. */
typedef void (*drain_each)(const struct servsim_arrival *row, void *context);

/* Arrivals must not fall, and requests must not be empty: a test that drains checks the ABI's law in passing. */
FAKE_UNUSED static void
drain_check(const struct drained *out, const struct servsim_arrival *row)
{
    int later = row->arrival_s > out->last.arrival_s ||
                (row->arrival_s == out->last.arrival_s && row->arrival_ps >= out->last.arrival_ps);
    if (out->count > 0 && !later)
        CU_FAIL("an arrival before the one before it");
    if (row->prompt_tokens == 0 || row->output_tokens == 0 || row->arrival_ps < 0 || row->arrival_ps >= 1000000000000)
        CU_FAIL("a request outside of the ABI's bounds");
}

/* Makes an instance with the "name=value" pairs and takes all requests. Returns `out`. */
FAKE_UNUSED static struct drained *
drain_each_with_seed(struct drained *out, const char *name, uint64_t seed, const char *const *pairs, drain_each each,
                     void *context)
{
    static struct fake_plugin plugin;
    memset(out, 0, sizeof *out);
    memset(&plugin, 0, sizeof plugin);
    plugin.seed = seed;
    if (fake_open(&plugin, "workload", name) != 0) {
        CU_FAIL_FATAL("the plugin does not load");
        return out;
    }
    out->create_rc = out->rc = fake_create(&plugin, NULL, pairs);
    snprintf(out->error, sizeof out->error, "%s", plugin.err.text);
    const struct servsim_workload_ops *ops = plugin.descriptor->ops;
    struct servsim_error err = {.size = sizeof err};
    while (out->create_rc == 0) {
        struct servsim_arrival row = {.size = sizeof row, .deadline_s = SERVSIM_NEVER};
        out->rc = ops->next(plugin.self, &row, &err);
        if (out->rc <= 0)
            break;
        drain_check(out, &row);
        if (each != NULL)
            each(&row, context);
        out->first = out->count == 0 ? row : out->first;
        out->last = row;
        if (out->count < DRAIN_KEPT)
            out->rows[out->count] = row;
        out->count++;
        out->prompt_sum += row.prompt_tokens;
        out->output_sum += row.output_tokens;
    }
    if (out->create_rc == 0) {
        if (out->rc < 0)
            snprintf(out->error, sizeof out->error, "%s", err.text);
        out->stats.size = (uint32_t)sizeof out->stats;
        ops->stats(plugin.self, &out->stats);
    }
    snprintf(out->log, sizeof out->log, "%s", plugin.last_log);
    fake_destroy(&plugin);
    return out;
}

#define DRAIN(out, name, ...) drain_each_with_seed(out, name, 42, (const char *const[]){__VA_ARGS__, NULL}, NULL, NULL)

/* Writes a temporary file; the path stays until the next call. */
FAKE_UNUSED static const char *
trace_file(const char *bytes, size_t length)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/servsim-trace-%ld", (long)getpid());
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        CU_FAIL_FATAL("a temporary file cannot be written");
    return path;
}

/* "path=..." of a temporary file with this text. */
FAKE_UNUSED static const char *
trace_path(const char *text)
{
    static char pair[80];
    snprintf(pair, sizeof pair, "path=%s", trace_file(text, strlen(text)));
    return pair;
}

FAKE_UNUSED static void
trace_gone(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/servsim-trace-%ld", (long)getpid());
    (void)unlink(path);
}

/* One line, no full stop at its end, and the words that a person needs. */
FAKE_UNUSED static void
check_complaint(const char *name, const char *error, const char *words)
{
    size_t length = strlen(error);
    if (strstr(error, words) == NULL || strchr(error, '\n') != NULL || length == 0 || error[length - 1] == '.') {
        printf("# %s: \"%s\" lacks \"%s\"\n", name, error, words);
        CU_FAIL("the wrong complaint");
    }
}

FAKE_UNUSED static int
within(double value, double target, double relative)
{
    int good = fabs(value - target) <= relative * fabs(target);
    if (!good)
        printf("# %g is not within %g of %g\n", value, relative, target);
    return good;
}

#endif
