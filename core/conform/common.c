/*
 * conform/common.c - the laws of every plugin: a sane descriptor, instances that come and go without a trace, the same
 * answers to the same calls, however many instances there are.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "conform/exports.h"
#include "conform/imports.h"
#include "conform/laws.h"
#include "conform/options.h"
#include "plugin/table.h"

/* ---- the descriptor ---- */

static int
check_help(const struct servsim_plugin *plugin, struct servsim_error *err)
{
    char what[128];
    struct ss_table table = ss_table_of(plugin, what);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        if (row->help[0] == '\0')
            return servsim_fail(err, EPROTO, "option '%s' has no line of help", row->name);
        if ((row->flags & ~(SERVSIM_OPTION_REQUIRED | SERVSIM_OPTION_TOOLS)) != 0)
            return servsim_fail(err, EPROTO, "option '%s' has flags 0x%x, which nobody knows", row->name, row->flags);
        if ((row->flags & SERVSIM_OPTION_REQUIRED) != 0 && row->default_text != NULL)
            return servsim_fail(err, EPROTO, "option '%s' is required and has a default: it cannot be both", row->name);
    }
    return 0;
}

static int
descriptor(struct ss_trial *trial, struct servsim_error *err)
{
    int rc = check_help(trial->plugin.descriptor, err);
    return rc != 0 ? rc : ss_exports_check(trial->plugin.path, err);
}

/* ---- options ---- */

static int
creates_or_says_why(struct ss_trial *trial, const struct ss_use *use, const char *assignment, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    void *self = NULL;
    int rc = ss_trial_create(trial, use, &self, &why);
    if (rc >= 0)
        trial->plugin.descriptor->destroy(self);
    else if (why.text[0] == '\0' || memchr(why.text, '\0', sizeof why.text) == NULL)
        return servsim_fail(err, EPROTO, "create() with %s answers %d and leaves no text", assignment, rc);
    else if (strchr(why.text, '\n') != NULL)
        return servsim_fail(err, EPROTO, "create() with %s leaves an error text of several lines", assignment);
    return 0;
}

static int
try_value(struct ss_trial *trial, const char *assignment, struct servsim_error *err)
{
    struct servsim_error refused = {.size = sizeof refused};
    struct ss_use use = {.plugin = &trial->plugin};
    int rc = ss_trial_bind(trial->asked, &trial->plugin, assignment, &use.options, &refused);
    if (rc == 0)
        rc = creates_or_says_why(trial, &use, assignment, err);
    else
        rc = 0; /* the host refused it, so no plugin ever sees it */
    ss_options_free(&use.options);
    return rc;
}

/* Both ends of what the row allows, where they are within reason. */
static int
try_bounds(struct ss_trial *trial, const struct servsim_option *row, struct servsim_error *err)
{
    const double ends[] = {row->minimum, row->maximum};
    int rc = 0;
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        char assignment[160];
        if (!(ends[i] > -1e7 && ends[i] < 1e7))
            continue;
        (void)snprintf(assignment, sizeof assignment, "%s=%.10g", row->name, ends[i]);
        rc = try_value(trial, assignment, err);
    }
    return rc;
}

static int
options(struct ss_trial *trial, struct servsim_error *err)
{
    char what[128];
    struct ss_table table = ss_table_of(trial->plugin.descriptor, what);
    struct servsim_error why = {.size = sizeof why};
    void *self = NULL;
    int rc = ss_trial_create(trial, &trial->use, &self, &why);
    if (rc < 0)
        return servsim_fail(err, EPROTO, "create() refuses the options as they stand: %.800s",
                            why.text[0] != '\0' ? why.text : "without a text");
    trial->plugin.descriptor->destroy(self);
    ss_trial_add_variants(trial); /* crashes show, refusals are the plugin's right */
    rc = 0;
    for (uint32_t i = 0; i < table.count && rc == 0; i++) {
        const struct servsim_option *row = ss_table_row(&table, i);
        if (row->type == SERVSIM_OPTION_INTEGER || row->type == SERVSIM_OPTION_NUMBER)
            rc = try_bounds(trial, row, err);
    }
    return rc;
}

/* ---- memory ---- */

#define WINDOWS 64

struct held {
    size_t heap_bytes, address_bytes, files;
};

static size_t
open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

static size_t
address_bytes(void)
{
    char words[64] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    size_t length = fread(words, 1, sizeof words - 1, file);
    words[length] = '\0';
    (void)fclose(file);
    return strtoul(words, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static struct held
held_now(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (struct held){heap.uordblks + heap.hblkhd, address_bytes(), open_files()};
}

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t
grown(size_t before, size_t after)
{
    return after > before ? after - before : 0;
}

static int
is_steady(const struct held *leak, size_t rounds)
{
    return leak->heap_bytes < rounds && leak->address_bytes / rounds < 4096 && leak->files < rounds;
}

/*
 * What a plugin keeps once (a cache, a library's tables) is no leak; what it takes again in every window of rounds is.
 * malloc's own caches fill for some time, so one window without growth is enough to acquit.
 */
static int
steady(struct ss_trial *trial, ss_law_fn round, size_t rounds, const char *what, struct servsim_error *err)
{
    struct held leak = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    int rc = 0;
    for (size_t i = 0; i < rounds && rc == 0; i++)
        rc = round(trial, err);
    for (size_t window = 0; window < WINDOWS && rc == 0 && !is_steady(&leak, rounds); window++) {
        struct held before = held_now();
        for (size_t i = 0; i < rounds && rc == 0; i++)
            rc = round(trial, err);
        struct held after = held_now();
        leak.heap_bytes = smaller(leak.heap_bytes, grown(before.heap_bytes, after.heap_bytes));
        leak.address_bytes = smaller(leak.address_bytes, grown(before.address_bytes, after.address_bytes));
        leak.files = smaller(leak.files, grown(before.files, after.files));
    }
    if (rc != 0 || is_steady(&leak, rounds))
        return rc;
    if (leak.files >= rounds)
        return servsim_fail(err, EPROTO, "%s leaves %zu open files behind", what, leak.files / rounds);
    return servsim_fail(err, EPROTO, "%s leaves %zu bytes behind each time", what,
                        leak.heap_bytes >= rounds ? leak.heap_bytes / rounds : leak.address_bytes / rounds);
}

static int
come_and_go(struct ss_trial *trial, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    void *self = NULL;
    if (ss_trial_create(trial, &trial->use, &self, &why) < 0)
        return servsim_fail(err, EPROTO, "create() refuses the second time: %.800s", why.text);
    trial->plugin.descriptor->destroy(self);
    return 0;
}

static int
come_work_and_go(struct ss_trial *trial, struct servsim_error *err)
{
    struct ss_text text = {0};
    int rc = ss_laws_of(trial->plugin.descriptor->kind)->transcript(trial, &text, err);
    ss_text_free(&text);
    return rc;
}

static int
memory_is_counted(void)
{
    struct held before = held_now();
    void *volatile block = malloc(100000);
    struct held after = held_now();
    free(block);
    return grown(before.heap_bytes, after.heap_bytes) >= 100000;
}

static int
memory(struct ss_trial *trial, struct servsim_error *err)
{
    if (!memory_is_counted())
        return ss_not_tried(err, "this build's malloc does not count");
    int rc = steady(trial, come_and_go, 10, "an instance that comes and goes", err);
    if (rc == 0 && ss_laws_of(trial->plugin.descriptor->kind)->transcript != NULL)
        rc = steady(trial, come_work_and_go, 1, "an instance that comes, works and goes", err);
    return rc;
}

/* ---- determinism ---- */

/* Other addresses, and other bytes in memory that nobody has set. */
static void
disturb(void **blocks, size_t count)
{
    (void)mallopt(M_PERTURB, 0xa5);
    for (size_t i = 0; i < count; i++)
        blocks[i] = malloc(24 + i * 40 % 4000);
}

static int
same_answers(struct ss_trial *trial, struct servsim_error *err)
{
    const struct ss_kind_laws *laws = ss_laws_of(trial->plugin.descriptor->kind);
    struct ss_text first = {0}, second = {0};
    void *blocks[512];
    if (laws->transcript == NULL)
        return ss_not_tried(err, "its kind is tried in other ways");
    int rc = laws->transcript(trial, &first, err);
    disturb(blocks, 512);
    if (rc == 0)
        rc = laws->transcript(trial, &second, err);
    for (size_t i = 0; i < 512; i++)
        free(blocks[i]);
    if (rc == 0 && strcmp(first.data, second.data) != 0) {
        char where[400];
        ss_trial_difference(first.data, second.data, where, sizeof where);
        rc = servsim_fail(
            err, EPROTO,
            "the same calls are answered in two ways (%s): something unset, a clock, an address, a static variable or "
            "random numbers that are not from host->seed decide",
            where);
    }
    ss_text_free(&first);
    ss_text_free(&second);
    return rc;
}

struct within {
    struct ss_trial *trial;
    struct ss_text text;
    struct servsim_error err;
    int rc, calls;
};

static void
another(void *ctx)
{
    struct within *within = ctx;
    if (within->calls++ > 0)
        return;
    within->trial->midway = NULL;
    within->rc =
        ss_laws_of(within->trial->plugin.descriptor->kind)->transcript(within->trial, &within->text, &within->err);
}

/* One instance lives its whole life in the middle of another's: both must answer as one that is alone. */
static int
side_by_side(struct ss_trial *trial, struct servsim_error *err)
{
    const struct ss_kind_laws *laws = ss_laws_of(trial->plugin.descriptor->kind);
    struct ss_text alone = {0}, outer = {0};
    struct within within = {.trial = trial, .err = {.size = sizeof within.err}};
    char where[400];
    if (laws->transcript == NULL)
        return ss_not_tried(err, "its kind is tried in other ways");
    int rc = laws->transcript(trial, &alone, err);
    trial->midway = another;
    /* cppcheck-suppress autoVariables ; both are taken back before this returns */
    trial->midway_ctx = &within;
    if (rc == 0)
        rc = laws->transcript(trial, &outer, err);
    trial->midway = NULL;
    trial->midway_ctx = NULL;
    if (rc == 0 && within.calls == 0)
        rc = ss_not_tried(err, "instances of this kind do not live side by side");
    else if (rc == 0 && within.rc != 0)
        rc = servsim_fail(err, EPROTO, "a second instance fails beside the first: %.800s", within.err.text);
    else if (rc == 0 && (strcmp(alone.data, outer.data) != 0 || strcmp(alone.data, within.text.data) != 0)) {
        const char *other = strcmp(alone.data, outer.data) != 0 ? outer.data : within.text.data;
        ss_trial_difference(alone.data, other, where, sizeof where);
        rc = servsim_fail(err, EPROTO,
                          "an instance answers differently while another one lives (%s): keep state in *self", where);
    }
    ss_text_free(&alone);
    ss_text_free(&outer);
    ss_text_free(&within.text);
    return rc;
}

/* Reports look at clocks where they wait for gnuplot; nothing of a simulation depends on them. */
static int
asks_nobody(struct ss_trial *trial, struct servsim_error *err)
{
    if (trial->plugin.descriptor->kind == SERVSIM_KIND_REPORT)
        return ss_not_tried(err, "reports may ask");
    if (trial->beside_a_report)
        return ss_not_tried(err, "a report is in the same file, and reports may ask");
    int rc = ss_imports_check(trial->plugin.path, err);
    return rc > 0 ? SS_NOT_TRIED : rc;
}

const struct ss_law ss_common_laws[] = {
    {"descriptor", descriptor},
    {"options", options},
    {"reads its options", ss_reads_its_options},
    {"memory", memory},
    {"same answers", same_answers},
    {"side by side", side_by_side},
    {"asks nobody outside", asks_nobody},
};
const size_t ss_common_law_count = sizeof ss_common_laws / sizeof ss_common_laws[0];
