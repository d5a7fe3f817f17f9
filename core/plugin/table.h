/*
 * plugin/table.h - tables of declared options: those of plugins, and the host's own keys, which are declared in the
 * same way so that they are parsed, bounded and documented by the same code.
 */
#ifndef SS_PLUGIN_TABLE_H
#define SS_PLUGIN_TABLE_H

#include <stdint.h>

#include "plugin/registry.h"
#include "servsim/plugin.h"

struct ss_table {
    const char *what; /* who takes these options, for messages: "scheduler plugin 'fcfs'", "cluster" */
    const struct servsim_option *rows;
    uint32_t count;
    uint32_t stride; /* bytes from one row to the next */
};

/* The table of a plugin; `what` is the caller's and is filled here. */
struct ss_table ss_table_of(const struct servsim_plugin *plugin, char what[128]);

/* The keys that the host itself takes beside a plugin's options, by kind; none: count 0. */
struct ss_table ss_host_table(uint32_t kind);

const struct servsim_option *ss_table_row(const struct ss_table *table, uint32_t index);

/* "integer" and the like; NULL for an unknown type. */
const char *ss_option_type_name(uint32_t type);

/* True where `type` has bounds and a unit. */
int ss_option_is_numeric(uint32_t type);

/* "1 to 100", "at least 1", "" where there are no bounds; in the option's unit. */
void ss_option_bounds(const struct servsim_option *row, char *out, size_t size);

/* Checks `map` against a table; see ss_options_bind(). `data_dir` NULL: "data:" paths are refused. */
int ss_table_bind(struct ss_options *out, const struct ss_table *table, const struct ss_node *map,
                  const char *const *reserved, const char *base_dir, const char *data_dir, struct servsim_error *err);

/* Only whether every key of `map` is known; a map that is not used as it stands may lack what is required. */
int ss_table_check_names(const struct ss_table *table, const struct ss_node *map, const char *const *reserved,
                         struct servsim_error *err);

/* The parsed value of a bound table, by name. The name must exist. */
const struct servsim_value *ss_options_get(const struct ss_options *options, const char *name);

/* Reads one value in its text form. Paths are not resolved: value.text is as written. `out` owns what value points to.
 */
int ss_option_parse(struct ss_options *out, const struct servsim_option *row, const char *text,
                    struct servsim_value *value, struct servsim_error *err);

/*
 * `path` as an absolute one: relative to `base_dir`, which is relative to the current folder; the caller frees it. NULL
 * without memory or a current folder. Symbolic links stay as they are.
 */
char *ss_path_absolute(const char *base_dir, const char *path);

/* What "data:NAME" means: a file that ships, in `data_dir`. *out is the caller's; NULL where `path` is no such name. An
   error where nothing ships, or NAME leads out of there. */
int ss_path_shipped(const char *path, const char *data_dir, char **out, struct servsim_error *err);

/* Is this descriptor fit for use? Says what is wrong with it. */
int ss_descriptor_check(const struct servsim_plugin *plugin, struct servsim_error *err);

#endif
