/*
 * plugin/registry.c - the plugins that were found, those that were refused, and finding one by name.
 *
 * Files are opened when they may hold what is asked for, and stay open. Which plugin has a name does not depend on what
 * was asked for before: the first folder on the search path decides, in it the file that is named for the plugin, then
 * the first by name. Plugins named by a path are found by that path only.
 */
#include "plugin/registry.h"

#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "plugin/file.h"
#include "plugin/search.h"
#include "plugin/table.h"

struct entry {
    struct ss_plugin plugin;
    uint32_t rank; /* of its name the lowest counts: two for each folder, the odd one for files of another name */
    int unnamed;   /* no name finds it: loaded by an explicit path, or another one has the name */
};

struct ss_registry {
    struct ss_search search;
    struct entry **entries; /* pointers: handed out, so they must not move; those that names find come first, sorted */
    size_t count, searchable;
    struct ss_refusal *refusals;
    size_t refusal_count;
    char **strings;
    size_t string_count;
    int *fds;
    size_t fd_count;
};

static const char *const kind_names[] = {NULL, "hardware", "scheduler", "workload", "router", "predictor", "report"};

#define KIND_COUNT (sizeof kind_names / sizeof kind_names[0])
#define BY_PATH UINT32_MAX /* in place of a rank */

const char *
ss_kind_name(uint32_t kind)
{
    return kind < KIND_COUNT ? kind_names[kind] : NULL;
}

uint32_t
ss_kind_of(const char *name)
{
    for (uint32_t kind = 1; kind < KIND_COUNT; kind++)
        if (strcasecmp(name, kind_names[kind]) == 0)
            return kind;
    return 0;
}

/* ---- lists ---- */

/* Makes room for one more item; NULL without memory. */
static void *
grow(void *items, size_t count, size_t size)
{
    if (count & (count - 1)) /* room is a power of two, and is full when the count is one */
        return items;
    return realloc(items, (count > 0 ? count * 2 : 1) * size);
}

static const char *
keep(struct ss_registry *registry, const char *text)
{
    char **strings = grow(registry->strings, registry->string_count, sizeof *strings);
    if (strings == NULL)
        return NULL;
    registry->strings = strings;
    char *copy = strdup(text);
    if (copy != NULL)
        strings[registry->string_count++] = copy;
    return copy;
}

static int
out_of_memory(struct servsim_error *err)
{
    return servsim_fail(err, ENOMEM, "out of memory while loading plugins");
}

static int
refuse(struct ss_registry *registry, const char *path, const char *reason, struct servsim_error *err)
{
    struct ss_refusal *refusals = grow(registry->refusals, registry->refusal_count, sizeof *refusals);
    if (refusals == NULL)
        return out_of_memory(err);
    registry->refusals = refusals;
    struct ss_refusal refusal = {keep(registry, path), keep(registry, reason)};
    if (refusal.path == NULL || refusal.reason == NULL)
        return out_of_memory(err);
    refusals[registry->refusal_count++] = refusal;
    return 0;
}

static int
add_entry(struct ss_registry *registry, const struct servsim_plugin *descriptor, const char *path, uint32_t rank)
{
    struct entry **entries = grow(registry->entries, registry->count, sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    registry->entries = entries;
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    *entry = (struct entry){{descriptor, path}, rank, rank == BY_PATH};
    entries[registry->count++] = entry;
    return 0;
}

static int
keep_fd(struct ss_registry *registry, int fd)
{
    int *fds = grow(registry->fds, registry->fd_count, sizeof *fds);
    if (fds == NULL) {
        (void)close(fd);
        return -ENOMEM;
    }
    registry->fds = fds;
    fds[registry->fd_count++] = fd;
    return 0;
}

/* The plugin of this kind and name among those that names find. */
static struct entry *
find_named(const struct ss_registry *registry, uint32_t kind, const char *name)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct servsim_plugin *descriptor = registry->entries[i]->plugin.descriptor;
        if (!registry->entries[i]->unnamed && descriptor->kind == kind && strcasecmp(descriptor->name, name) == 0)
            return registry->entries[i];
    }
    return NULL;
}

/* ---- files ---- */

static uint32_t
rank_of(const struct ss_candidate *from, const struct servsim_plugin *descriptor)
{
    if (from == NULL)
        return BY_PATH;
    return 2 * from->folder + !ss_file_is_named_for(from->file, descriptor->kind, descriptor->name);
}

/* Takes a descriptor that is fit, unless another one has the name by right. */
static int
take_plugin(struct ss_registry *registry, const struct servsim_plugin *descriptor, const char *path,
            const struct ss_candidate *from)
{
    uint32_t rank = rank_of(from, descriptor);
    struct entry *other = from != NULL ? find_named(registry, descriptor->kind, descriptor->name) : NULL;
    if (other != NULL && other->rank <= rank)
        return 0;
    if (other != NULL)
        other->unnamed = 1;
    return add_entry(registry, descriptor, path, rank);
}

/* Takes the descriptors of a file that are fit. Others are refused one by one; *refused is the last reason. */
static int
take_file(struct ss_registry *registry, const struct ss_file *file, const char *path, const struct ss_candidate *from,
          struct servsim_error *refused, struct servsim_error *err)
{
    const char *kept = keep(registry, path);
    if (kept == NULL)
        return out_of_memory(err);
    for (uint32_t i = 0; i < file->count; i++) {
        struct servsim_error why = {.size = sizeof why};
        if (ss_descriptor_check(file->found[i], &why) != 0) {
            (void)servsim_fail(refused, EINVAL, "plugin %u in it: %.900s", i, why.text);
            if (file->count == 1)
                (void)servsim_fail(refused, EINVAL, "%s", why.text);
            if (refuse(registry, path, refused->text, err) != 0)
                return -ENOMEM;
            continue;
        }
        if (take_plugin(registry, file->found[i], kept, from) != 0)
            return out_of_memory(err);
    }
    return 0;
}

static int
by_kind_and_name(const void *a, const void *b)
{
    const struct entry *left = *(struct entry *const *)a, *right = *(struct entry *const *)b;
    const struct servsim_plugin *x = left->plugin.descriptor, *y = right->plugin.descriptor;
    if (left->unnamed != right->unnamed)
        return left->unnamed - right->unnamed;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcasecmp(x->name, y->name);
}

static void
sort_entries(struct ss_registry *registry)
{
    if (registry->count > 0)
        qsort(registry->entries, registry->count, sizeof *registry->entries, by_kind_and_name);
    registry->searchable = 0;
    while (registry->searchable < registry->count && !registry->entries[registry->searchable]->unnamed)
        registry->searchable++;
}

/* `from` is NULL for a file that was named by its path. */
static int
load_file(struct ss_registry *registry, const char *path, const struct ss_candidate *from,
          struct servsim_error *refused, struct servsim_error *err)
{
    struct ss_file file;
    if (ss_file_load(&file, path, refused) != 0)
        return refuse(registry, path, refused->text, err);
    if (keep_fd(registry, file.fd) != 0)
        return out_of_memory(err);
    int rc = take_file(registry, &file, path, from, refused, err);
    sort_entries(registry);
    return rc;
}

/* ---- folders ---- */

static int
scan_folder(struct ss_registry *registry, const char *folder, struct servsim_error *err)
{
    int rc = ss_search_add(&registry->search, folder);
    if (rc == 0)
        return 0;
    char reason[160];
    (void)snprintf(reason, sizeof reason, "no folder of plugins: %s", strerror(-rc));
    return rc == -ENOMEM ? out_of_memory(err) : refuse(registry, folder, reason, err);
}

static int
scan_list(struct ss_registry *registry, const char *list, struct servsim_error *err)
{
    int rc = 0;
    while (rc == 0 && list != NULL && *list != '\0') {
        size_t span = strcspn(list, ":");
        char *folder = strndup(list, span);
        if (folder == NULL)
            return out_of_memory(err);
        if (span > 0)
            rc = scan_folder(registry, folder, err);
        free(folder);
        list += span + (list[span] == ':');
    }
    return rc;
}

int
ss_registry_open(struct ss_registry **out, const char *const *paths, size_t path_count, struct servsim_error *err)
{
    struct ss_registry *registry = calloc(1, sizeof *registry);
    *out = NULL;
    if (registry == NULL)
        return out_of_memory(err);
    for (size_t i = 0; i < path_count; i++) {
        int rc = scan_list(registry, paths[i], err);
        if (rc != 0) {
            ss_registry_close(registry);
            return rc;
        }
    }
    *out = registry;
    return 0;
}

/* Those in this folder that are named for the kind (0: any) and the name (NULL: any). */
static int
open_files(struct ss_registry *registry, uint32_t folder, uint32_t kind, const char *name, struct servsim_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < registry->search.count && rc == 0; i++) {
        struct ss_candidate *file = &registry->search.files[i];
        if (file->opened || file->folder != folder || (kind != 0 && !ss_file_is_named_for(file->file, kind, name)))
            continue;
        struct servsim_error refused = {.size = sizeof refused};
        file->opened = 1;
        rc = load_file(registry, file->path, file, &refused, err);
    }
    return rc;
}

int
ss_registry_complete(struct ss_registry *registry, uint32_t kind, struct servsim_error *err)
{
    int rc = 0;
    for (uint32_t folder = 0; folder < registry->search.folders && rc == 0; folder++)
        rc = open_files(registry, folder, kind, NULL, err);
    return rc;
}

void
ss_registry_close(struct ss_registry *registry)
{
    if (registry == NULL)
        return;
    for (size_t i = 0; i < registry->count; i++)
        free(registry->entries[i]);
    for (size_t i = 0; i < registry->string_count; i++)
        free(registry->strings[i]);
    for (size_t i = 0; i < registry->fd_count; i++)
        (void)close(registry->fds[i]);
    ss_search_free(&registry->search);
    free(registry->entries);
    free(registry->refusals);
    free(registry->strings);
    free(registry->fds);
    free(registry);
}

/* ---- finding ---- */

/* The plugin of this kind that the file holds, when it holds exactly one. */
static int
pick_from_file(const struct ss_registry *registry, uint32_t kind, const char *path, const struct ss_plugin **out,
               struct servsim_error *err)
{
    size_t of_kind = 0, of_file = 0;
    const struct servsim_plugin *other = NULL;
    for (size_t i = registry->searchable; i < registry->count; i++) {
        const struct ss_plugin *plugin = &registry->entries[i]->plugin;
        if (registry->entries[i]->rank != BY_PATH || strcmp(plugin->path, path) != 0)
            continue;
        of_file++;
        other = plugin->descriptor;
        if (plugin->descriptor->kind == kind && of_kind++ == 0)
            *out = plugin;
    }
    if (of_kind == 1)
        return 0;
    if (of_kind > 1)
        return servsim_fail(err, EINVAL, "%.700s holds %zu %s plugins; put its folder into --plugin-path and name one",
                            path, of_kind, ss_kind_name(kind));
    if (of_file > 0)
        return servsim_fail(err, EINVAL, "%.700s holds no %s plugin, but the %s '%s'", path, ss_kind_name(kind),
                            ss_kind_name(other->kind), other->name);
    return -ENOENT;
}

static int
find_file(struct ss_registry *registry, uint32_t kind, const char *name, const char *base_dir,
          const struct ss_plugin **out, struct servsim_error *err)
{
    struct servsim_error refused = {.size = sizeof refused};
    char *path = ss_path_absolute(base_dir, name);
    if (path == NULL)
        return out_of_memory(err);
    int rc = pick_from_file(registry, kind, path, out, err);
    if (rc == -ENOENT) {
        rc = load_file(registry, path, NULL, &refused, err);
        if (rc == 0)
            rc = pick_from_file(registry, kind, path, out, err);
        if (rc == -ENOENT)
            rc = servsim_fail(err, EINVAL, "plugin file %.500s: %.400s", path, refused.text);
    }
    free(path);
    return rc;
}

/* A refused file whose name holds the wanted one: the likeliest reason why it is unknown. */
static const struct ss_refusal *
refused_for(const struct ss_registry *registry, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < registry->refusal_count; i++) {
        const char *file = strrchr(registry->refusals[i].path, '/');
        for (file = file != NULL ? file : registry->refusals[i].path; *file != '\0'; file++)
            if (strncasecmp(file, name, length) == 0)
                return &registry->refusals[i];
    }
    return NULL;
}

/* Everything was opened by now. */
static int
fail_unknown(const struct ss_registry *registry, uint32_t kind, const char *what, const char *name,
             const char *base_dir, struct servsim_error *err)
{
    char file[SS_FILE_NEAR_BYTES];
    struct ss_text text = {0};
    const char **names = calloc(registry->count + 1, sizeof *names);
    if (names == NULL)
        return out_of_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < registry->searchable; i++)
        if (registry->entries[i]->plugin.descriptor->kind == kind)
            names[count++] = registry->entries[i]->plugin.descriptor->name;
    const char *nearest = ss_nearest(name, names, count);
    const struct ss_refusal *refusal = name[0] != '\0' ? refused_for(registry, name) : NULL;
    ss_text_printf(&text, "unknown %s plugin '%.64s'; ", what, name);
    if (refusal != NULL)
        ss_text_printf(&text, "%.300s was refused (%.300s); ", refusal->path, refusal->reason);
    if (ss_file_near(what, name, base_dir, file))
        ss_text_printf(&text, "a file is named with a slash: write %s; ", file);
    else if (nearest != NULL)
        ss_text_printf(&text, "did you mean '%s'? ", nearest);
    ss_text_puts(&text, count > 0 ? "known:" : "none is installed; check --plugin-path and SERVSIM_PLUGIN_PATH");
    for (size_t i = 0; i < count; i++)
        ss_text_printf(&text, "%s %s", i > 0 ? "," : "", names[i]);
    int rc = text.failed ? out_of_memory(err) : servsim_fail(err, ENOENT, "%s", text.data);
    ss_text_free(&text);
    free(names);
    return rc;
}

/* Folder by folder: first the file that is named for it, then all of them. NULL: there is none. */
static int
find_by_name(struct ss_registry *registry, uint32_t kind, const char *name, const struct entry **out,
             struct servsim_error *err)
{
    for (uint32_t rank = 0; rank < 2 * registry->search.folders; rank++) {
        int rc = open_files(registry, rank / 2, rank % 2 == 0 ? kind : 0, name, err);
        if (rc != 0)
            return rc;
        *out = find_named(registry, kind, name);
        if (*out != NULL && (*out)->rank <= rank)
            return 0;
    }
    *out = NULL;
    return 0;
}

int
ss_registry_find(struct ss_registry *registry, uint32_t kind, const char *name, const char *base_dir,
                 const struct ss_plugin **out, struct servsim_error *err)
{
    const struct entry *entry = NULL;
    const char *what = ss_kind_name(kind);
    if (what == NULL)
        return servsim_fail(err, EINVAL, "plugin kind %u is unknown", kind);
    if (strchr(name, '/') != NULL)
        return find_file(registry, kind, name, base_dir, out, err);
    int rc = find_by_name(registry, kind, name, &entry, err);
    if (rc == 0 && entry == NULL)
        return fail_unknown(registry, kind, what, name, base_dir, err);
    if (rc == 0)
        *out = &entry->plugin;
    return rc;
}

size_t
ss_registry_count(const struct ss_registry *registry)
{
    return registry->searchable;
}

const struct ss_plugin *
ss_registry_at(const struct ss_registry *registry, size_t index)
{
    return index < registry->searchable ? &registry->entries[index]->plugin : NULL;
}

size_t
ss_registry_refusal_count(const struct ss_registry *registry)
{
    return registry->refusal_count;
}

const struct ss_refusal *
ss_registry_refusal_at(const struct ss_registry *registry, size_t index)
{
    return index < registry->refusal_count ? &registry->refusals[index] : NULL;
}
