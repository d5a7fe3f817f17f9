/*
 * conform/workload.c - the laws of traffic: in order, whole, finite, the same for the same seed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/seed.h"
#include "conform/laws.h"
#include "plugin/table.h"

#define MOST_REQUESTS 3000000
#define SHOWN_REQUESTS 400   /* of a transcript */
#define BOUND_REQUESTS 20000 /* with an option at its end */

/* ---- streaming ---- */

struct drain {
    const struct servsim_workload_ops *ops;
    void *self;
    struct servsim_arrival row;
    uint64_t count;
    ss_time previous;
};

/* Reads what the pointers of a row promise, so that a wrong one shows here. */
static uint64_t
touch(const struct servsim_arrival *row)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; row->block_hashes != NULL && i < row->block_hash_count; i++)
        sum += row->block_hashes[i];
    for (uint32_t i = 0; row->token_ids != NULL && i < row->prompt_tokens; i++)
        sum += (uint32_t)row->token_ids[i];
    for (const char *at = row->client_name; at != NULL && *at != '\0'; at++)
        sum = sum * 31 + (unsigned char)*at;
    for (const char *at = row->session_name; at != NULL && *at != '\0'; at++)
        sum = sum * 31 + (unsigned char)*at;
    return sum;
}

static int
check_row(const struct drain *drain, struct servsim_error *err)
{
    const struct servsim_arrival *row = &drain->row;
    unsigned long long number = (unsigned long long)drain->count;
    if (row->prompt_tokens == 0 || row->output_tokens == 0)
        return servsim_fail(err, EPROTO, "request %llu has %u prompt and %u output tokens; both are at least 1", number,
                            row->prompt_tokens, row->output_tokens);
    if (row->arrival_s < 0 || row->arrival_ps < 0 || row->arrival_ps >= SS_PS_PER_S)
        return servsim_fail(err, EPROTO, "request %llu arrives at {%lld s, %lld ps}; write 0 <= ps < 10^12", number,
                            (long long)row->arrival_s, (long long)row->arrival_ps);
    if (drain->count > 0 && ss_time_of(row->arrival_s, row->arrival_ps) < drain->previous)
        return servsim_fail(err, EPROTO, "request %llu arrives before the one ahead of it: sort them", number);
    if (memchr(row->label, '\0', sizeof row->label) == NULL)
        return servsim_fail(err, EPROTO, "the label of request %llu does not end", number);
    if (row->block_hashes != NULL && (row->block_hash_count == 0 || row->block_hash_tokens == 0))
        return servsim_fail(err, EPROTO, "request %llu has block hashes, and not how many or of how many tokens",
                            number);
    return 0;
}

static int
failed(int32_t rc, const char *where, struct servsim_error *err)
{
    if (err->text[0] == '\0')
        return servsim_fail(err, EPROTO, "%s answers %d and leaves no text", where, rc);
    char said[900];
    (void)snprintf(said, sizeof said, "%.890s", err->text);
    return servsim_fail(err, EPROTO, "%s fails: %s", where, said);
}

/* 1 and a row, 0 at the end, or what is wrong. *refused (or NULL): it failed, with a text. */
static int
take(struct drain *drain, int *refused, struct servsim_error *err)
{
    drain->row = (struct servsim_arrival){.size = sizeof drain->row, .deadline_s = SERVSIM_NEVER};
    err->text[0] = '\0';
    int32_t rc = drain->ops->next(drain->self, &drain->row, err);
    if (rc < 0 && refused != NULL)
        *refused = err->text[0] != '\0';
    if (rc < 0)
        return failed(rc, "next()", err);
    if (rc > 1)
        return servsim_fail(err, EPROTO, "next() answers %d; 1 is a request and 0 the end", rc);
    if (rc == 0)
        return 0;
    rc = check_row(drain, err);
    if (rc != 0)
        return rc;
    volatile uint64_t sum = touch(&drain->row);
    (void)sum;
    drain->previous = ss_time_of(drain->row.arrival_s, drain->row.arrival_ps);
    drain->count++;
    return 1;
}

static int
begin(struct ss_trial *trial, const struct ss_use *use, struct drain *drain, struct servsim_error *err)
{
    *drain = (struct drain){.ops = trial->plugin.descriptor->ops};
    int32_t rc = ss_trial_create(trial, use, &drain->self, err);
    return rc < 0 ? failed(rc, "create()", err) : 0;
}

/* ---- order, and an end ---- */

static int
check_stats(const struct drain *drain, struct servsim_error *err)
{
    struct servsim_workload_stats stats = {.size = sizeof stats};
    if (!SERVSIM_COVERS(drain->ops, struct servsim_workload_ops, stats) || drain->ops->stats == NULL)
        return 0;
    if (drain->ops->stats(drain->self, &stats) < 0)
        return servsim_fail(err, EPROTO, "stats() fails");
    if (stats.rows_failed + stats.rows_left_out > stats.rows_read)
        return servsim_fail(err, EPROTO, "stats() counts %llu rows, and %llu failed and %llu left out among them",
                            (unsigned long long)stats.rows_read, (unsigned long long)stats.rows_failed,
                            (unsigned long long)stats.rows_left_out);
    if (stats.rows_read - stats.rows_failed - stats.rows_left_out < drain->count)
        return servsim_fail(err, EPROTO, "stats() says that %llu rows are requests, and %llu were delivered",
                            (unsigned long long)(stats.rows_read - stats.rows_failed - stats.rows_left_out),
                            (unsigned long long)drain->count);
    return 0;
}

static int
drain_all(struct ss_trial *trial, const struct ss_use *use, struct servsim_error *err)
{
    struct drain drain;
    int rc = begin(trial, use, &drain, err);
    if (rc != 0)
        return rc;
    while ((rc = take(&drain, NULL, err)) > 0 && drain.count < MOST_REQUESTS)
        continue;
    if (rc > 0)
        rc = servsim_fail(err, EPROTO, "%d requests and no end; give options that make it shorter", MOST_REQUESTS);
    if (rc == 0 && drain.count == 0)
        rc = servsim_fail(err, EPROTO, "it ends before its first request, and does not say why");
    if (rc == 0 && take(&drain, NULL, err) != 0)
        rc = servsim_fail(err, EPROTO, "next() answers 0 and then goes on");
    if (rc == 0)
        rc = check_stats(&drain, err);
    trial->plugin.descriptor->destroy(drain.self);
    return rc;
}

static int
order(struct ss_trial *trial, struct servsim_error *err)
{
    return drain_all(trial, &trial->use, err);
}

/* Other settings, other seeds: the same laws. */
static uint64_t
another_seed(void *ctx, const char *purpose)
{
    (void)ctx;
    return ss_seed_for(UINT64_C(0xfeedfacecafef00d), purpose);
}

/* The first requests with an option at one of its ends. There it may fail with a text, or have no request to give. */
static int
drain_some(struct ss_trial *trial, const struct ss_use *use, struct servsim_error *err)
{
    struct drain drain = {.ops = trial->plugin.descriptor->ops};
    int rc = ss_trial_create(trial, use, &drain.self, err), refused = rc < 0;
    if (refused)
        return err->text[0] != '\0' ? 0 : failed(rc, "create()", err);
    while (!refused && (rc = take(&drain, &refused, err)) > 0 && drain.count < BOUND_REQUESTS)
        continue;
    trial->plugin.descriptor->destroy(drain.self);
    return refused || rc > 0 ? 0 : rc;
}

static int
at_bounds(struct ss_trial *trial, const struct servsim_option *row, struct servsim_error *err)
{
    const double ends[] = {row->minimum, row->maximum};
    int rc = 0;
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        struct ss_use use = {.plugin = &trial->plugin};
        struct servsim_error why = {.size = sizeof why};
        char assignment[160];
        (void)snprintf(assignment, sizeof assignment, "%.100s=%.10g", row->name, ends[i]);
        if (!(ends[i] > -1e7 && ends[i] < 1e7)) /* within reason */
            continue;
        if (ss_trial_bind(trial->asked, &trial->plugin, assignment, &use.options, &why) == 0)
            rc = drain_some(trial, &use, &why);
        if (rc != 0)
            rc = servsim_fail(err, EPROTO, "with %s: %.800s", assignment, why.text);
        ss_options_free(&use.options);
    }
    return rc;
}

static int
settings(struct ss_trial *trial, struct servsim_error *err)
{
    char what[128];
    struct servsim_error why = {.size = sizeof why};
    struct ss_table table = ss_table_of(trial->plugin.descriptor, what);
    int rc = 0;
    ss_trial_add_variants(trial);
    for (size_t i = 1; i < trial->variant_count; i++)
        if (drain_all(trial, &trial->variants[i], &why) != 0)
            return servsim_fail(err, EPROTO, "with %s: %.900s", trial->settings[i], why.text);
    for (uint32_t i = 0; i < table.count && rc == 0; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        if (row->type == SERVSIM_OPTION_INTEGER || row->type == SERVSIM_OPTION_NUMBER)
            rc = at_bounds(trial, row, err);
    }
    if (rc != 0)
        return rc;
    trial->host.seed = another_seed;
    rc = drain_all(trial, &trial->use, &why);
    return rc == 0 ? 0 : servsim_fail(err, EPROTO, "with another seed: %.900s", why.text);
}

/* ---- files that are no good ---- */

struct junk {
    const char *what, *bytes;
    size_t length;
    int hopeless; /* no format begins so */
};

static const struct junk junk[] = {
    {"an empty file", "", 0, 1},
    {"a file of zero bytes", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 1},
    {"an ELF file's head", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16, 1},
    {"a line without an end", "1,2", 3, 0},
    {"quotes that never close", "\"a\n1,\"2\n", 8, 0},
    {"numbers that are none", "Timestamp,Model,Request tokens\nx,y,z\n", 37, 0},
    {"half a JSON object", "{\"input_toks\": ", 15, 0},
};

/* Opening it fails with a text, or the first requests do, or it holds no request. */
static int
refuses(struct ss_trial *trial, const struct ss_use *use, const char *what, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    struct drain drain = {.ops = trial->plugin.descriptor->ops};
    int rc = ss_trial_create(trial, use, &drain.self, &why);
    if (rc < 0)
        return why.text[0] != '\0' ? 0 : servsim_fail(err, EPROTO, "create() with %s leaves no text", what);
    do {
        drain.row = (struct servsim_arrival){.size = sizeof drain.row, .deadline_s = SERVSIM_NEVER};
        rc = drain.ops->next(drain.self, &drain.row, &why);
    } while (rc > 0 && ++drain.count < 1000);
    trial->plugin.descriptor->destroy(drain.self);
    if (rc < 0 && why.text[0] == '\0')
        return servsim_fail(err, EPROTO, "next() with %s leaves no text", what);
    return drain.count == 0
               ? 0
               : servsim_fail(err, EPROTO, "%s gives %llu requests", what, (unsigned long long)drain.count);
}

static int
try_junk(struct ss_trial *trial, const struct servsim_option *row, const struct junk *each, const char *path,
         struct servsim_error *err)
{
    char assignment[320];
    struct ss_use use = {.plugin = &trial->plugin};
    struct servsim_error why = {.size = sizeof why};
    (void)snprintf(assignment, sizeof assignment, "%.100s=%s", row->name, path);
    int rc = ss_file_write(path, each->bytes, each->length, err);
    if (rc == 0 && ss_trial_bind(trial->asked, &trial->plugin, assignment, &use.options, &why) == 0)
        rc = refuses(trial, &use, each->what, err);
    ss_options_free(&use.options);
    return rc;
}

static int
bad_files(struct ss_trial *trial, struct servsim_error *err)
{
    char what[128], path[] = "/tmp/servsim-junk-XXXXXX";
    struct ss_table table = ss_table_of(trial->plugin.descriptor, what);
    size_t paths = 0;
    int rc = 0, fd = mkstemp(path);
    if (fd < 0)
        return servsim_fail(err, errno, "%s: %s", path, strerror(errno));
    (void)close(fd);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        if (row->type != SERVSIM_OPTION_PATH)
            continue;
        paths++;
        for (size_t k = 0; k < sizeof junk / sizeof junk[0] && rc == 0; k++)
            rc = try_junk(trial, row, &junk[k], path, err);
    }
    (void)unlink(path);
    return rc == 0 && paths == 0 ? ss_not_tried(err, "it reads no file") : rc;
}

static int
recognises(struct ss_trial *trial, struct servsim_error *err)
{
    const struct servsim_workload_ops *ops = trial->plugin.descriptor->ops;
    if (!SERVSIM_COVERS(ops, struct servsim_workload_ops, recognise) || ops->recognise == NULL)
        return ss_not_tried(err, "it has no recognise()");
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        char *exact = malloc(junk[i].length + 1); /* no byte beyond: a sanitizer sees who reads on */
        if (exact == NULL)
            return servsim_fail(err, ENOMEM, "no memory");
        memcpy(exact, junk[i].bytes, junk[i].length);
        int32_t answer = ops->recognise(exact, junk[i].length);
        free(exact);
        if (answer < 0 || answer > 2)
            return servsim_fail(err, EPROTO, "recognise() answers %d to %s; 0, 1 and 2 are answers", answer,
                                junk[i].what);
        if (answer == 2 && junk[i].hopeless)
            return servsim_fail(err, EPROTO, "recognise() is sure of %s", junk[i].what);
    }
    return 0;
}

/* ---- a transcript ---- */

static void
write_row(const struct drain *drain, struct ss_text *out)
{
    const struct servsim_arrival *row = &drain->row;
    ss_text_printf(out, "%lld.%012lld %u %u %llu %llu %llu %d %lld %.32s %llu\n", (long long)row->arrival_s,
                   (long long)row->arrival_ps, row->prompt_tokens, row->output_tokens, (unsigned long long)row->client,
                   (unsigned long long)row->session, (unsigned long long)row->prompt_id, row->priority,
                   (long long)row->deadline_s, row->label, (unsigned long long)touch(row));
}

static int
transcript(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err)
{
    struct drain drain;
    int rc = begin(trial, &trial->use, &drain, err);
    if (rc != 0)
        return rc;
    while ((rc = take(&drain, NULL, err)) > 0 && drain.count < SHOWN_REQUESTS) {
        write_row(&drain, out);
        if (drain.count == 10 && trial->midway != NULL)
            trial->midway(trial->midway_ctx);
    }
    trial->plugin.descriptor->destroy(drain.self);
    ss_text_printf(out, "%llu\n", (unsigned long long)drain.count);
    return rc > 0 ? 0 : rc;
}

static const struct ss_law laws[] = {
    {"whole requests, in order, with an end", order},
    {"other settings, other seeds", settings},
    {"refuses files that are no good", bad_files},
    {"recognises with care", recognises},
};

const struct ss_kind_laws ss_workload_laws = {SERVSIM_KIND_WORKLOAD, laws, sizeof laws / sizeof laws[0], transcript};
