/*
 * experiment/schema.c - the keys of an experiment as JSON Schema.
 *
 * Under $defs stand `KIND.NAME`, the map of one plugin; `KIND.any`, one that does not name its plugin, as the values of
 * an axis may; `KIND.names`; and for each key that may be an axis its value, as it may stand in the matrix. What the
 * key takes outside of the matrix is that without a label. Only a key that is no axis must be complete.
 */
#include "experiment/schema.h"

#include <string.h>

#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"

#define NAMES_LIMIT 1024

struct writer {
    const struct ss_registry *registry;
    const char *const *models;
    size_t model_count;
    json_t *defs;
};

/* Keys that take one value, as rows of a table. The reader checks them by itself: experiment.c and cell.c. */
static const struct servsim_option scalar_rows[] = {
    {"name", "", NULL, NULL, "", 0, 0, SERVSIM_OPTION_TEXT, 0},
    {"seed", "", "42", NULL, "", 0, 9223372036854775807.0, SERVSIM_OPTION_INTEGER, 0},
    {"stop_after", "s", NULL, NULL, "", 1e-12, 1e8, SERVSIM_OPTION_NUMBER, 0},
    {"output", "", NULL, NULL, "", 0, 0, SERVSIM_OPTION_TEXT, 0},
    {"replicates", "", "1", NULL, "", 1, SS_REPLICATES_LIMIT, SERVSIM_OPTION_INTEGER, 0},
    {"timeout", "s", NULL, NULL, "", 1e-12, 1e8, SERVSIM_OPTION_NUMBER, 0},
};

static json_t *
reference(const char *name)
{
    char text[256];
    (void)snprintf(text, sizeof text, "#/$defs/%.200s", name);
    return json_pack("{s: s}", "$ref", text);
}

static void
define(const struct writer *writer, const char *name, json_t *schema)
{
    (void)json_object_set_new(writer->defs, name, schema);
}

/* {"if": {"type": "object", ...condition}, "then": ...} */
static json_t *
where_map(json_t *condition, json_t *then)
{
    (void)json_object_set_new(condition, "type", json_string("object"));
    return json_pack("{s: o, s: o}", "if", condition, "then", then);
}

static json_t *
where_text(json_t *then)
{
    return json_pack("{s: {s: s}, s: o}", "if", "type", "string", "then", then);
}

/* {"required": [KEY], "properties": {KEY: a name in any case}} */
static json_t *
names_this(const char *key, const char *name)
{
    struct ss_text pattern = {0};
    ss_text_puts(&pattern, "^");
    ss_text_add_pattern(&pattern, name, 1);
    ss_text_puts(&pattern, "$");
    return json_pack("{s: [s], s: {s: o}}", "required", key, "properties", key, ss_schema_pattern(&pattern));
}

static json_t *
names_nothing(const char *key)
{
    return json_pack("{s: {s: [s]}}", "not", "required", key);
}

/* ---- plugins ---- */

static void
def_name(char out[256], uint32_t kind, const char *rest)
{
    (void)snprintf(out, 256, "%s.%.200s", ss_kind_name(kind), rest);
}

/* The plugins of a kind, at most NAMES_LIMIT. */
static size_t
plugins_of(const struct writer *writer, uint32_t kind, const struct servsim_plugin *out[NAMES_LIMIT])
{
    size_t count = 0;
    for (size_t i = 0; i < ss_registry_count(writer->registry) && count < NAMES_LIMIT; i++)
        if (ss_registry_at(writer->registry, i)->descriptor->kind == kind)
            out[count++] = ss_registry_at(writer->registry, i)->descriptor;
    return count;
}

/* A name that is known, or a file. */
static json_t *
plugin_names(const struct writer *writer, uint32_t kind)
{
    const struct servsim_plugin *plugins[NAMES_LIMIT];
    const char *names[NAMES_LIMIT + 1] = {NULL};
    size_t count = plugins_of(writer, kind, plugins);
    for (size_t i = 0; i < count; i++)
        names[i] = plugins[i]->name;
    if (kind == SERVSIM_KIND_PREDICTOR)
        names[count++] = "none";
    json_t *schema = ss_schema_names(names, count);
    (void)json_array_append_new(json_object_get(schema, "anyOf"),
                                json_pack("{s: s, s: s}", "type", "string", "pattern", "/"));
    return schema;
}

/* The map of one plugin; `label` is for the matrix. */
static json_t *
plugin_map(const struct servsim_plugin *plugin)
{
    char what[128], names[256];
    struct ss_table own = ss_table_of(plugin, what), host = ss_host_table(plugin->kind);
    json_t *map = ss_schema_object(), *properties = json_object_get(map, "properties");
    def_name(names, plugin->kind, "names");
    (void)json_object_set_new(map, "description", json_string(plugin->summary));
    (void)json_object_set_new(properties, "plugin", reference(names));
    (void)json_object_set_new(properties, "label", json_object());
    ss_schema_add_rows(map, &host, "");
    ss_schema_add_rows(map, &own, "");
    return map;
}

/* Adds to each of `into` what `from` has: as it is, or, where another plugin has something else there, as one of two.
 */
static void
merge_properties(json_t *into, json_t *from)
{
    const char *key;
    json_t *schema;
    json_object_foreach(from, key, schema)
    {
        json_t *present = json_object_get(into, key), *ways = json_object_get(present, "anyOf"), *way;
        size_t index;
        int known = present != NULL && json_equal(present, schema);
        json_array_foreach(ways, index, way) known |= json_equal(way, schema);
        if (present == NULL)
            (void)json_object_set(into, key, schema);
        else if (!known && ways != NULL && json_object_get(present, "description") == NULL)
            (void)json_array_append(ways, schema);
        else if (!known)
            (void)json_object_set_new(into, key, json_pack("{s: [O, O]}", "anyOf", present, schema));
    }
}

/* A map without its plugin's name: an option of any of them. */
static json_t *
any_map(const struct writer *writer, uint32_t kind)
{
    const struct servsim_plugin *plugins[NAMES_LIMIT];
    size_t count = plugins_of(writer, kind, plugins);
    json_t *map = ss_schema_object(), *patterns = json_object();
    (void)json_object_set_new(json_object_get(map, "properties"), "label", json_object());
    for (size_t i = 0; i < count; i++) {
        json_t *one = plugin_map(plugins[i]);
        merge_properties(json_object_get(map, "properties"), json_object_get(one, "properties"));
        merge_properties(patterns, json_object_get(one, "patternProperties"));
        json_decref(one);
    }
    (void)json_object_set_new(map, "patternProperties", patterns);
    return map;
}

/* `KIND.NAME` of each, `KIND.any`, `KIND.names`, and KIND: a name or a map. */
static void
define_kind(const struct writer *writer, uint32_t kind)
{
    const struct servsim_plugin *plugins[NAMES_LIMIT];
    size_t count = plugins_of(writer, kind, plugins);
    char name[256];
    json_t *rules = json_array();
    def_name(name, kind, "names");
    define(writer, name, plugin_names(writer, kind));
    (void)json_array_append_new(rules, where_text(reference(name)));
    (void)json_array_append_new(
        rules, where_map(json_object(), json_pack("{s: {s: o}}", "properties", "plugin", reference(name))));
    def_name(name, kind, "any");
    define(writer, name, any_map(writer, kind));
    (void)json_array_append_new(rules, where_map(names_nothing("plugin"), reference(name)));
    for (size_t i = 0; i < count; i++) {
        def_name(name, kind, plugins[i]->name);
        define(writer, name, plugin_map(plugins[i]));
        (void)json_array_append_new(rules, where_map(names_this("plugin", plugins[i]->name), reference(name)));
    }
    define(writer, ss_kind_name(kind), json_pack("{s: [s, s], s: o}", "type", "string", "object", "allOf", rules));
}

/* What a plugin's key needs where no axis can add to it, or NULL. */
static json_t *
complete_use(const struct writer *writer, const struct ss_key *key)
{
    const struct servsim_plugin *plugins[NAMES_LIMIT];
    size_t count = plugins_of(writer, key->kind, plugins);
    json_t *rules = json_array();
    if (key->preset == NULL)
        (void)json_array_append_new(rules, where_map(json_object(), json_pack("{s: [s]}", "required", "plugin")));
    for (size_t i = 0; i < count; i++) {
        char what[128];
        struct ss_table own = ss_table_of(plugins[i], what);
        json_t *required = ss_schema_required(&own);
        if (json_array_size(required) == 0) {
            json_decref(required);
            continue;
        }
        struct ss_text pattern = {0}; /* a bare name brings no options */
        ss_text_puts(&pattern, "^");
        ss_text_add_pattern(&pattern, plugins[i]->name, 1);
        ss_text_puts(&pattern, "$");
        (void)json_array_append_new(rules, where_text(json_pack("{s: o}", "not", ss_schema_pattern(&pattern))));
        (void)json_array_append_new(
            rules, where_map(names_this("plugin", plugins[i]->name), json_pack("{s: o}", "allOf", required)));
    }
    if (json_array_size(rules) > 0)
        return json_pack("{s: o}", "allOf", rules);
    json_decref(rules);
    return NULL;
}

/* ---- maps of the host ---- */

static json_t *
host_map(const struct ss_table *table)
{
    json_t *map = ss_schema_object();
    (void)json_object_set_new(json_object_get(map, "properties"), "label", json_object());
    ss_schema_add_rows(map, table, "");
    return map;
}

static json_t *
items(const struct ss_table *table)
{
    json_t *item = ss_schema_object();
    ss_schema_add_rows(item, table, "");
    (void)json_object_set_new(item, "allOf", ss_schema_required(table));
    return json_pack("{s: s, s: i, s: o}", "type", "array", "minItems", 1, "items", item);
}

/* A text that `text` describes, or a map. */
static json_t *
text_or(json_t *text, json_t *map)
{
    return json_pack("{s: [s, s], s: [o, o]}", "type", "string", "object", "allOf", where_text(text),
                     where_map(json_object(), map));
}

static json_t *
model_names(const struct writer *writer)
{
    json_t *schema = ss_schema_names(writer->models, writer->model_count);
    (void)json_array_append_new(
        json_object_get(schema, "anyOf"),
        json_pack("{s: s, s: s}", "type", "string", "pattern", "/|.\\.[Jj][Ss][Oo][Nn]$")); /* a file or folder */
    return schema;
}

static json_t *
model(const struct writer *writer)
{
    json_t *map = host_map(&ss_model_table);
    json_t *name = json_object_get(json_object_get(map, "properties"), "name");
    define(writer, "model.names", model_names(writer));
    (void)json_object_del(name, "type");
    (void)json_object_set_new(name, "$ref", json_string("#/$defs/model.names"));
    return text_or(reference("model.names"), map);
}

static json_t *
engine_names(void)
{
    const char *names[16];
    size_t count = 0;
    while (count < sizeof names / sizeof names[0] && (names[count] = ss_overhead_name(count)) != NULL)
        count++;
    return ss_schema_names(names, count);
}

static json_t *
engine(void)
{
    return text_or(engine_names(), host_map(&ss_engine_table));
}

/* One of the known engines, or both numbers. */
static json_t *
complete_engine(void)
{
    return where_map(json_object(), json_pack("{s: [{s: [s], s: {s: o}}, {s: [s, s]}]}", "anyOf", "required", "name",
                                              "properties", "name", engine_names(), "required", "step", "layer"));
}

static json_t *
failures(void)
{
    static const char *const none = "none";
    json_t *map = host_map(&ss_failures_table), *properties = json_object_get(map, "properties");
    (void)json_object_set_new(properties, "schedule", items(&ss_outage_table));
    (void)json_object_set_new(properties, "stragglers", items(&ss_straggler_table));
    return text_or(ss_schema_names(&none, 1), map);
}

static json_t *
complete_failures(void)
{
    return where_map(json_object(), json_pack("{s: [{s: [s]}, {s: [s]}, {s: [s]}]}", "anyOf", "required", "mtbf",
                                              "required", "schedule", "required", "stragglers"));
}

/* ---- keys ---- */

static json_t *
scalar_of(const struct ss_key *key)
{
    for (size_t i = 0; i < sizeof scalar_rows / sizeof scalar_rows[0]; i++)
        if (strcmp(scalar_rows[i].name, key->name) == 0)
            return ss_schema_option(&scalar_rows[i]);
    return json_object(); /* a key without a rule here takes anything */
}

/* What a key may be, label and all. */
static json_t *
value_of(const struct writer *writer, const struct ss_key *key)
{
    if (strcmp(key->name, "cluster") == 0)
        return host_map(&ss_cluster_table);
    if (strcmp(key->name, "kv_cache") == 0)
        return host_map(&ss_kv_cache_table);
    if (strcmp(key->name, "slo") == 0)
        return host_map(&ss_slo_table);
    if (strcmp(key->name, "model") == 0)
        return model(writer);
    if (strcmp(key->name, "engine") == 0)
        return engine();
    if (strcmp(key->name, "failures") == 0)
        return failures();
    return scalar_of(key);
}

/* What it needs where no axis can add to it, or NULL. */
static json_t *
complete(const struct writer *writer, const struct ss_key *key)
{
    if (key->kind != 0)
        return complete_use(writer, key);
    if (strcmp(key->name, "engine") == 0)
        return complete_engine();
    return strcmp(key->name, "failures") == 0 ? complete_failures() : NULL;
}

/* Values of an axis: a list, or a map of labels. */
static json_t *
axis(const char *name)
{
    return json_pack("{s: [s, s], s: i, s: o, s: i, s: o}", "type", "array", "object", "minItems", 1, "items",
                     reference(name), "minProperties", 1, "additionalProperties", reference(name));
}

static json_t *
matrix(void)
{
    json_t *map = ss_schema_object();
    (void)json_object_set_new(map, "minProperties", json_integer(1));
    for (size_t i = 0; i < ss_key_count; i++)
        if (ss_keys[i].flags & SS_KEY_AXIS)
            (void)json_object_set_new(json_object_get(map, "properties"), ss_keys[i].name, axis(ss_keys[i].name));
    return map;
}

/* One report, or a list of them. */
static json_t *
reports(void)
{
    return json_pack("{s: [s, s, s], s: o, s: {s: {s: s}}, s: o}", "type", "string", "object", "array", "items",
                     reference("report"), "if", "not", "type", "array", "then", reference("report"));
}

/* A key outside of the matrix: no label, and the plugin that counts where none is named. */
static json_t *
outside(const struct ss_key *key)
{
    json_t *rules = json_pack("[o, {s: {s: b}}]", reference(key->name), "properties", "label", 0);
    if (key->kind != 0 && key->preset != NULL) {
        char name[256];
        def_name(name, key->kind, key->preset);
        (void)json_array_append_new(rules, where_map(names_nothing("plugin"), reference(name)));
    }
    return json_pack("{s: o}", "allOf", rules);
}

static json_t *
key_schema(const struct writer *writer, const struct ss_key *key)
{
    json_t *schema;
    if (strcmp(key->name, "servsim") == 0)
        schema = json_pack("{s: [i, s]}", "enum", 1, "1");
    else if (strcmp(key->name, "matrix") == 0)
        schema = matrix();
    else if (strcmp(key->name, "report") == 0)
        schema = reports();
    else if (!(key->flags & SS_KEY_AXIS))
        schema = scalar_of(key);
    else {
        if (key->kind == 0)
            define(writer, key->name, value_of(writer, key));
        schema = outside(key);
    }
    (void)json_object_set_new(schema, "description", json_string(key->help));
    return schema;
}

/* {"if": no axis of this key, "then": ...} */
static json_t *
where_no_axis(const char *key, json_t *then)
{
    return json_pack("{s: {s: {s: [s], s: {s: {s: [s]}}}}, s: o}", "if", "not", "required", "matrix", "properties",
                     "matrix", "required", key, "then", then);
}

static json_t *
completeness(const struct writer *writer)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < ss_key_count; i++) {
        const struct ss_key *key = &ss_keys[i];
        json_t *needs = (key->flags & SS_KEY_AXIS) ? complete(writer, key) : NULL;
        if (needs == NULL)
            continue;
        json_t *then = json_pack("{s: {s: o}}", "properties", key->name, needs);
        if (key->kind == SERVSIM_KIND_WORKLOAD)
            (void)json_object_set_new(then, "required", json_pack("[s]", key->name));
        (void)json_array_append_new(rules, where_no_axis(key->name, then));
    }
    return rules;
}

json_t *
ss_experiment_schema(const struct ss_registry *registry, const char *const *models, size_t model_count)
{
    struct writer writer = {registry, models, model_count, json_object()};
    json_t *schema = json_pack("{s: s, s: s, s: s, s: [s]}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                               "title", "servsim experiment", "type", "object", "required", "servsim");
    json_t *properties = json_object();
    for (uint32_t kind = 1; ss_kind_name(kind) != NULL; kind++)
        define_kind(&writer, kind);
    for (size_t i = 0; i < ss_key_count; i++)
        (void)json_object_set_new(properties, ss_keys[i].name, key_schema(&writer, &ss_keys[i]));
    (void)json_object_set_new(schema, "properties", properties);
    (void)json_object_set_new(schema, "additionalProperties", json_false());
    (void)json_object_set_new(schema, "allOf", completeness(&writer));
    (void)json_object_set_new(schema, "$defs", writer.defs);
    return schema;
}
