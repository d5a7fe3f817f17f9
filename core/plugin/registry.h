/*
 * plugin/registry.h - finding, checking and loading plugins, and making instances of them.
 *
 * A registry is opened once by main() and handed down. Files are never unloaded before exit.
 */
#ifndef SS_PLUGIN_REGISTRY_H
#define SS_PLUGIN_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

struct ss_plugin {
    const struct servsim_plugin *descriptor;
    const char *path; /* the file it came from; the registry's */
};

struct ss_registry;

/* A file that was not taken, and why. */
struct ss_refusal {
    const char *path;
    const char *reason;
};

/*
 * Lists the folders in order: each of `paths` (colon-separated lists, NULL entries skipped: --plugin-path,
 * SERVSIM_PLUGIN_PATH, the installed folder). Files are opened only when they may hold what is looked for. Of a kind
 * and name the first folder's plugin wins, in a folder the one in KIND_NAME.so, then the first file by name. A file
 * that is refused is kept as a refusal, and is no error here.
 */
int ss_registry_open(struct ss_registry **out, const char *const *paths, size_t path_count, struct servsim_error *err);

/* Opens all files; or, with a kind, those named KIND_*.so. Lists below are of what was opened so far. */
int ss_registry_complete(struct ss_registry *registry, uint32_t kind, struct servsim_error *err);
void ss_registry_close(struct ss_registry *registry); /* frees the lists; files stay mapped */

/*
 * The plugin of a kind by name, case ignored; a name with a slash is a file to load (relative to `base_dir`), which
 * must hold one plugin of that kind. Unknown: an error that gives the nearest name, the known names, and any refused
 * file that may have been meant.
 */
int ss_registry_find(struct ss_registry *registry, uint32_t kind, const char *name, const char *base_dir,
                     const struct ss_plugin **out, struct servsim_error *err);

/* Sorted by kind, then name. */
size_t ss_registry_count(const struct ss_registry *registry);
const struct ss_plugin *ss_registry_at(const struct ss_registry *registry, size_t index);
size_t ss_registry_refusal_count(const struct ss_registry *registry);
const struct ss_refusal *ss_registry_refusal_at(const struct ss_registry *registry, size_t index);

/* "hardware" and the like; NULL / 0 for an unknown one. */
const char *ss_kind_name(uint32_t kind);
uint32_t ss_kind_of(const char *name);

/* ---- instances ---- */

struct ss_node;

/* Checked options of one use of a plugin, ready for create(). Owns everything that it points to. */
struct ss_options {
    struct servsim_value *values;
    uint32_t count;
    char **strings; /* storage of texts */
    double **lists;
    size_t string_count, list_count;
};

/*
 * Checks `map` (a YAML map, or NULL for none) against the plugin's table. Keys in `reserved` (NULL-terminated: "plugin"
 * and the host's own keys of the kind) are left to the caller. Nested maps give dotted names. Errors: file, line, the
 * key, the allowed names, the nearest.
 */
int ss_options_bind(struct ss_options *out, const struct servsim_plugin *plugin, const struct ss_node *map,
                    const char *const *reserved, const char *base_dir, struct servsim_error *err);

/* The same where files that ship are known: a path "data:NAME" means NAME in `data_dir`. */
int ss_options_bind_in(struct ss_options *out, const struct servsim_plugin *plugin, const struct ss_node *map,
                       const char *const *reserved, const char *base_dir, const char *data_dir,
                       struct servsim_error *err);
void ss_options_free(struct ss_options *options);

/* One use of a plugin in a cell. */
struct ss_use {
    const struct ss_plugin *plugin;
    struct ss_options options;
};

/* The same plugin with the same options? */
int ss_use_equal(const struct ss_use *left, const struct ss_use *right);

/* The file or folder that option number `index` names, or NULL: it is of another type, or not given. */
const char *ss_use_path(const struct ss_use *use, uint32_t index);

/* Does an option name a file or a folder? */
int ss_use_names_file(const struct ss_use *use);

/* A live instance. */
struct ss_instance {
    const struct servsim_plugin *descriptor;
    void *self;
};

/*
 * Calls create(). `host` must outlive the instance. The error text gains "KIND plugin 'NAME': " in front.
 */
int ss_instance_create(struct ss_instance *out, const struct ss_use *use, const struct servsim_host *host,
                       const void *context, struct servsim_error *err);
void ss_instance_destroy(struct ss_instance *instance);

#endif
