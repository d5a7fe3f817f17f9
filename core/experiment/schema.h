/*
 * experiment/schema.h - the experiment file as a JSON Schema (draft 2020-12), for editors: made from the tables that
 * the file is checked with, and from the options of the plugins that are found.
 *
 * It refuses no experiment that servsim takes. It takes some that servsim refuses: what hangs together (gpus and tp),
 * what must exist (paths), and bounds of numbers with a unit are checked by servsim alone.
 */
#ifndef SS_EXPERIMENT_SCHEMA_H
#define SS_EXPERIMENT_SCHEMA_H

#include <jansson.h>

#include "plugin/table.h"

/* The whole schema; the caller's. `registry` is complete; `models` are the shipped models' names, or NULL. */
json_t *ss_experiment_schema(const struct ss_registry *registry, const char *const *models, size_t model_count);

/* ---- schema_option.c: tables of options ---- */

/* One value, as ss_option_parse() reads it. */
json_t *ss_schema_option(const struct servsim_option *row);

/* An object without properties that takes no others. */
json_t *ss_schema_object(void);

/* Adds the rows of a table whose names begin with `prefix` to an object; dots in names are nested maps. */
void ss_schema_add_rows(json_t *object, const struct ss_table *table, const char *prefix);

/* What has to be there, as a list of schemas; empty where nothing has to. */
json_t *ss_schema_required(const struct ss_table *table);

/* {"type": "string", "pattern": "^...$"}; takes the text. */
struct ss_text;
json_t *ss_schema_pattern(struct ss_text *pattern);

/* A text that is one of these, case ignored: the names are offered as they are written, and taken in any case. */
json_t *ss_schema_names(const char *const *names, size_t count);

#endif
