/*
 * conform/conform.c - each law of each plugin in a process of its own, several at a time.
 */
#include "conform/conform.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/team.h"
#include "conform/laws.h"
#include "plugin/file.h"
#include "plugin/table.h"

#define MEMORY_LIMIT_BYTES ((rlim_t)1 << 30)
#define JOBS 2
#define LOAD_TIMEOUT_S 10.0

static const struct ss_kind_laws no_laws;

const struct ss_kind_laws *
ss_laws_of(uint32_t kind)
{
    static const struct ss_kind_laws *const all[] = {&ss_hardware_laws, &ss_scheduler_laws, &ss_workload_laws,
                                                     &ss_router_laws,   &ss_report_laws,    &ss_predictor_laws};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i]->kind == kind)
            return all[i];
    return &no_laws;
}

static const struct ss_law *
law_at(uint32_t kind, size_t index)
{
    const struct ss_kind_laws *own = ss_laws_of(kind);
    if (index < ss_common_law_count)
        return &ss_common_laws[index];
    index -= ss_common_law_count;
    return index < own->count ? &own->laws[index] : NULL;
}

const char *
ss_conform_law(uint32_t kind, size_t index)
{
    const struct ss_law *law = law_at(kind, index);
    return law != NULL ? law->name : NULL;
}

/* ---- in the child ---- */

/* Sanitizers reserve all the addresses there are. */
static void
limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit limit = {MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES};
    (void)setrlimit(RLIMIT_AS, &limit);
#endif
    const struct rlimit no_dumps = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_dumps);
}

/* What the plugin prints goes to a file without a name, and is looked at afterwards. */
static int
divert_output(void)
{
    FILE *file = tmpfile();
    int fd = file != NULL ? dup(fileno(file)) : -1;
    if (file != NULL)
        (void)fclose(file);
    (void)fflush(stdout);
    if (fd >= 0)
        (void)dup2(fd, STDOUT_FILENO);
    return fd;
}

static int
check_silence(int fd, uint32_t kind, struct servsim_error *err)
{
    char said[81] = "";
    (void)fflush(stdout);
    ssize_t length = fd >= 0 ? pread(fd, said, sizeof said - 1, 0) : 0;
    if (length <= 0)
        return 0;
    said[strcspn(said, "\n")] = '\0';
    return servsim_fail(err, EPROTO, "it writes to standard output ('%s'); print nothing: %s", said,
                        kind == SERVSIM_KIND_SCHEDULER ? "say errors through err or host->fail (host->log is NULL for "
                                                         "schedulers)"
                                                       : "say it through host->log, and errors through err");
}

struct errand {
    const struct ss_conform_request *asked;
    uint32_t plugin; /* within the file */
    uint32_t kind;
    const struct ss_law *law;
    struct listing *listing;
};

static int
holds_report(const struct ss_file *file)
{
    for (uint32_t i = 0; i < file->count; i++)
        if (file->found[i] != NULL && file->found[i]->kind == SERVSIM_KIND_REPORT)
            return 1;
    return 0;
}

static int
try_law(void *ctx, struct servsim_error *err)
{
    const struct errand *errand = ctx;
    struct ss_trial *trial = calloc(1, sizeof *trial);
    struct ss_file file;
    if (trial == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    int fd = divert_output();
    limit_memory();
    int rc = ss_file_load(&file, errand->asked->file, err);
    if (rc == 0)
        rc = ss_trial_begin(trial, errand->asked, file.found[errand->plugin], err);
    if (rc == 0)
        trial->beside_a_report = holds_report(&file);
    if (rc == 0)
        rc = errand->law->holds(trial, err);
    ss_trial_end(trial);
    free(trial);
    return rc != 0 ? rc : check_silence(fd, errand->kind, err);
}

/* ---- what the file holds ---- */

/* Filled by a child, in memory that it shares. */
struct listing {
    uint32_t count;
    struct {
        uint32_t kind;
        char name[65], version[64];
    } plugins[SS_FILE_PLUGINS];
};

static int
is_asked_for(const struct ss_conform_request *asked, const struct servsim_plugin *plugin)
{
    return (asked->kind == 0 || asked->kind == plugin->kind) &&
           (asked->name == NULL || strcasecmp(asked->name, plugin->name) == 0);
}

static int
list_one(const struct ss_conform_request *asked, struct ss_file *file, uint32_t index, struct listing *out,
         struct servsim_error *err)
{
    const struct servsim_plugin *plugin = file->found[index];
    struct servsim_error why = {.size = sizeof why};
    struct ss_trial trial;
    if (ss_descriptor_check(plugin, &why) != 0)
        return servsim_fail(err, EINVAL, "%.600s: plugin %u in it: %.300s", asked->file, index, why.text);
    out->plugins[index].kind = plugin->kind;
    (void)snprintf(out->plugins[index].name, sizeof out->plugins[index].name, "%s", plugin->name);
    (void)snprintf(out->plugins[index].version, sizeof out->plugins[index].version, "%.60s", plugin->version);
    if (!is_asked_for(asked, plugin)) {
        out->plugins[index].kind = 0;
        return 0;
    }
    int rc = ss_trial_begin(&trial, asked, plugin, &why);
    ss_trial_end(&trial);
    return rc == 0 ? 0 : servsim_fail(err, -rc, "%.600s; give it as --set OPTION=VALUE", why.text);
}

static int
list_file(void *ctx, struct servsim_error *err)
{
    const struct errand *errand = ctx;
    const struct ss_conform_request *asked = errand->asked;
    struct servsim_error why = {.size = sizeof why};
    struct ss_file file;
    (void)divert_output();
    limit_memory();
    int rc = ss_file_load(&file, asked->file, &why);
    if (rc != 0)
        return servsim_fail(err, -rc, "%.600s: %.300s", asked->file, why.text);
    for (uint32_t i = 0; i < file.count && rc == 0; i++)
        rc = list_one(asked, &file, i, errand->listing, err);
    errand->listing->count = file.count;
    return rc;
}

static int
list_apart(const struct ss_conform_request *asked, struct listing **out, struct servsim_error *err)
{
    struct ss_last_word word;
    struct listing *listing = mmap(NULL, sizeof *listing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (listing == MAP_FAILED)
        return servsim_fail(err, ENOMEM, "no memory");
    struct errand errand = {.asked = asked, .listing = listing};
    int rc = 0;
    if (!ss_child_run(list_file, &errand, LOAD_TIMEOUT_S, NULL, &word))
        rc = servsim_fail(err, EINVAL, "%.600s: loading it: %.300s", asked->file, word.text);
    else if (word.code != 0)
        rc = servsim_fail(err, -word.code, "%s", word.text);
    if (rc == 0)
        *out = listing;
    else
        (void)munmap(listing, sizeof *listing);
    return rc;
}

/* ---- all laws ---- */

struct slot {
    struct ss_child child;
    struct errand errand;
    struct ss_verdict *verdict;
};

struct court {
    const struct ss_conform_request *asked;
    struct ss_conformance *plugins;
    uint32_t indices[SS_FILE_PLUGINS]; /* of each plugin within the file */
    size_t count, plugin, law;         /* the next to be tried */
    struct slot slots[JOBS];
};

static void
judge(struct slot *slot, uint32_t status, const char *text)
{
    slot->verdict->status = status;
    slot->verdict->seconds = ss_clock_s() - slot->child.begun_s;
    (void)snprintf(slot->verdict->text, sizeof slot->verdict->text, "%s", text);
}

/* A call of a service that the kind has not is a jump to NULL. */
static const char *
absent_services(uint32_t kind)
{
    switch (kind) {
    case SERVSIM_KIND_SCHEDULER:
        return "schedulers have not are NULL: log, seed, replica_state";
    case SERVSIM_KIND_ROUTER:
        return "routers have not are NULL: generated_tokens";
    default:
        return "only schedulers and routers have are NULL here: replica_state, generated_tokens, fail, "
               "prediction_quality, forecast";
    }
}

static void
hear(struct slot *slot)
{
    struct ss_last_word word;
    char text[sizeof word.text];
    int spoke = ss_child_end(&slot->child, &word);
    if (!spoke && strstr(word.text, "SIGSEGV") != NULL) {
        (void)snprintf(text, sizeof text, "%.600s; services that %s", word.text, absent_services(slot->errand.kind));
        judge(slot, SS_LAW_BROKEN, text);
    } else if (spoke && word.code >= 0)
        judge(slot, word.code == 0 ? SS_LAW_KEPT : SS_LAW_LEFT_OUT, word.text);
    else
        judge(slot, SS_LAW_BROKEN, word.text[0] != '\0' ? word.text : "failed, and does not say why");
}

/* The n-th law of those that are asked for. */
static const struct ss_law *
asked_law(const struct ss_conform_request *asked, uint32_t kind, size_t n)
{
    const struct ss_law *law;
    for (size_t i = 0; (law = law_at(kind, i)) != NULL; i++)
        if ((asked->law == NULL || strstr(law->name, asked->law) != NULL) && n-- == 0)
            break;
    return law;
}

static struct ss_child *
child(void *ctx, uint32_t slot)
{
    return &((struct court *)ctx)->slots[slot].child;
}

static int
begin(void *ctx, uint32_t number, struct servsim_error *err)
{
    struct court *court = ctx;
    struct slot *slot = &court->slots[number];
    struct ss_conformance *plugin = &court->plugins[court->plugin];
    if (court->plugin == court->count)
        return 0;
    slot->verdict = &plugin->verdicts[court->law];
    slot->errand = (struct errand){.asked = court->asked,
                                   .plugin = court->indices[court->plugin],
                                   .kind = plugin->kind,
                                   .law = asked_law(court->asked, plugin->kind, court->law)};
    slot->verdict->law = slot->errand.law->name;
    if (++court->law == plugin->count) {
        court->law = 0;
        court->plugin++;
    }
    int rc = ss_child_start(&slot->child, try_law, &slot->errand, err);
    return rc != 0 ? rc : 1;
}

static int
is_late(void *ctx, uint32_t slot)
{
    const struct court *court = ctx;
    return ss_clock_s() - court->slots[slot].child.begun_s > court->asked->timeout_s;
}

static int
end(void *ctx, uint32_t number, enum ss_team_end how, struct servsim_error *err)
{
    struct court *court = ctx;
    char text[96];
    (void)err;
    hear(&court->slots[number]);
    if (how != SS_TEAM_LATE)
        return 0;
    (void)snprintf(text, sizeof text, "did not come back within %g s", court->asked->timeout_s);
    judge(&court->slots[number], SS_LAW_BROKEN, text);
    return 0;
}

static int
try_all(struct court *court, struct servsim_error *err)
{
    static const struct ss_team_ops ops = {.child = child, .begin = begin, .end = end, .is_late = is_late};
    const struct ss_team team = {.ops = &ops, .ctx = court, .slots = JOBS};
    for (uint32_t i = 0; i < JOBS; i++)
        court->slots[i].child.pipe = -1;
    return ss_team_run(&team, err);
}

static size_t
laws_of(const struct ss_conform_request *asked, uint32_t kind)
{
    size_t count = 0;
    while (asked_law(asked, kind, count) != NULL)
        count++;
    return count;
}

/* The listed plugins that are asked for, with room for their verdicts. */
static int
summon(struct court *court, const struct listing *listing, struct servsim_error *err)
{
    court->plugins = calloc(listing->count + 1, sizeof *court->plugins);
    if (court->plugins == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    for (uint32_t i = 0; i < listing->count; i++) {
        struct ss_conformance *plugin = &court->plugins[court->count];
        if (listing->plugins[i].kind == 0)
            continue;
        plugin->kind = listing->plugins[i].kind;
        memcpy(plugin->name, listing->plugins[i].name, sizeof plugin->name);
        memcpy(plugin->version, listing->plugins[i].version, sizeof plugin->version);
        plugin->count = laws_of(court->asked, plugin->kind);
        plugin->verdicts = calloc(plugin->count + 1, sizeof *plugin->verdicts);
        court->indices[court->count++] = i;
        if (plugin->verdicts == NULL)
            return servsim_fail(err, ENOMEM, "no memory");
        if (plugin->count == 0)
            return servsim_fail(err, ENOENT, "no law of %s plugins has '%.100s' in its name",
                                ss_kind_name(plugin->kind), court->asked->law);
    }
    if (court->count == 0)
        return servsim_fail(err, ENOENT, "%.900s holds no such plugin", court->asked->file);
    return 0;
}

int
ss_conform(const struct ss_conform_request *request, struct ss_conformance **out, size_t *count,
           struct servsim_error *err)
{
    struct court court = {.asked = request};
    struct listing *listing = NULL;
    int rc = list_apart(request, &listing, err);
    if (rc != 0)
        return rc;
    rc = summon(&court, listing, err);
    if (rc == 0)
        rc = try_all(&court, err);
    (void)munmap(listing, sizeof *listing);
    if (rc != 0) {
        ss_conform_free(court.plugins, court.count);
        return rc;
    }
    *out = court.plugins;
    *count = court.count;
    return 0;
}

void
ss_conform_free(struct ss_conformance *plugins, size_t count)
{
    for (size_t i = 0; plugins != NULL && i < count; i++)
        free(plugins[i].verdicts);
    free(plugins);
}
