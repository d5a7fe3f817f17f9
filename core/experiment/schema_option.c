/*
 * experiment/schema_option.c - declared options as JSON Schema: each as everything that may be written for it.
 *
 * The reader of experiments takes scalars as texts, and a schema sees them as YAML types: 64 is a number here and 64kB
 * a string. Bounds hold for numbers, which are in the option's unit; for strings the pattern tells the units.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "experiment/schema.h"
#include "plugin/units.h"

json_t *
ss_schema_pattern(struct ss_text *pattern)
{
    json_t *schema = json_object();
    (void)json_object_set_new(schema, "type", json_string("string"));
    if (!pattern->failed)
        (void)json_object_set_new(schema, "pattern", json_string(pattern->data));
    ss_text_free(pattern);
    return schema;
}

json_t *
ss_schema_names(const char *const *names, size_t count)
{
    struct ss_text pattern = {0};
    json_t *list = json_array();
    ss_text_puts(&pattern, "^(");
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, json_string(names[i]));
        ss_text_puts(&pattern, i > 0 ? "|" : "");
        ss_text_add_pattern(&pattern, names[i], 1);
    }
    ss_text_puts(&pattern, ")$");
    return json_pack("{s: [{s: o}, o]}", "anyOf", "enum", list, ss_schema_pattern(&pattern));
}

/* ---- one value ---- */

static void
set_bound(json_t *schema, const char *key, double bound)
{
    if (fabs(bound) >= 1e300)
        return;
    int whole = bound == floor(bound) && fabs(bound) < 1e15;
    (void)json_object_set_new(schema, key, whole ? json_integer((json_int_t)bound) : json_real(bound));
}

/* A number in the option's unit, or a text with a unit; with `list`, or several with commas between. */
static json_t *
quantity(const struct servsim_option *row, int list)
{
    struct ss_text pattern = {0};
    json_t *schema = json_object(), *types = json_array();
    (void)json_array_append_new(types, json_string(row->type == SERVSIM_OPTION_INTEGER ? "integer" : "number"));
    (void)json_array_append_new(types, json_string("string"));
    ss_text_puts(&pattern, list ? "^\\[?" : "^");
    ss_quantity_pattern(&pattern, row->unit);
    if (list) {
        ss_text_puts(&pattern, "(,");
        ss_quantity_pattern(&pattern, row->unit);
        ss_text_puts(&pattern, ")*\\]?");
    }
    ss_text_puts(&pattern, "$");
    (void)json_object_set_new(schema, "type", types);
    set_bound(schema, "minimum", row->minimum);
    set_bound(schema, "maximum", row->maximum);
    if (!pattern.failed)
        (void)json_object_set_new(schema, "pattern", json_string(pattern.data));
    ss_text_free(&pattern);
    return schema;
}

static json_t *
list_of_quantities(const struct servsim_option *row)
{
    json_t *schema = quantity(row, 1);
    (void)json_array_append_new(json_object_get(schema, "type"), json_string("array"));
    (void)json_object_set_new(schema, "items", quantity(row, 0));
    (void)json_object_set_new(schema, "minItems", json_integer(1));
    return schema;
}

static json_t *
flag(void)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};
    struct ss_text pattern = {0};
    ss_text_puts(&pattern, "^(");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        ss_text_puts(&pattern, i > 0 ? "|" : "");
        ss_text_add_pattern(&pattern, words[i], 1);
    }
    ss_text_puts(&pattern, ")$");
    json_t *schema = ss_schema_pattern(&pattern);
    (void)json_object_set_new(schema, "type", json_pack("[ss]", "boolean", "string"));
    return schema;
}

/* What YAML may take for something else than a text: a number, or yes and no. */
static json_t *
scalar_types(void)
{
    return json_pack("[sss]", "string", "number", "boolean");
}

#define CHOICES_LIMIT 64

static json_t *
choice(const struct servsim_option *row)
{
    const char *names[CHOICES_LIMIT] = {NULL};
    size_t count = 0;
    char *copy = strdup(row->choices), *rest = NULL;
    for (char *one = copy != NULL ? strtok_r(copy, "|", &rest) : NULL; one != NULL; one = strtok_r(NULL, "|", &rest)) {
        if (count == CHOICES_LIMIT) { /* too many to list: any text */
            free(copy);
            return json_pack("{s: o}", "type", scalar_types());
        }
        names[count++] = one;
    }
    json_t *schema = ss_schema_names(names, count);
    for (size_t i = 0; i < count; i++)
        if (strchr("0123456789.+-", names[i][0]) != NULL) { /* YAML may read it as a number */
            (void)json_array_append_new(json_object_get(schema, "anyOf"), json_pack("{s: s}", "type", "number"));
            break;
        }
    free(copy);
    return schema;
}

/* The default as YAML would read it. */
static json_t *
preset_of(const struct servsim_option *row)
{
    char *end = NULL;
    double number = strtod(row->default_text, &end);
    if (row->type == SERVSIM_OPTION_FLAG)
        return json_boolean(strchr("tyTY", row->default_text[0]) != NULL || strcasecmp(row->default_text, "on") == 0);
    if (!ss_option_is_numeric(row->type) || end == row->default_text || *end != '\0')
        return json_string(row->default_text);
    return number == floor(number) && fabs(number) < 1e15 ? json_integer((json_int_t)number) : json_real(number);
}

static json_t *
value_of(const struct servsim_option *row)
{
    switch (row->type) {
    case SERVSIM_OPTION_INTEGER:
    case SERVSIM_OPTION_NUMBER:
        return quantity(row, 0);
    case SERVSIM_OPTION_LIST:
        return list_of_quantities(row);
    case SERVSIM_OPTION_FLAG:
        return flag();
    case SERVSIM_OPTION_CHOICE:
        return choice(row);
    default:
        return json_pack("{s: o}", "type", scalar_types());
    }
}

json_t *
ss_schema_option(const struct servsim_option *row)
{
    struct ss_text help = {0};
    json_t *schema = value_of(row);
    ss_text_puts(&help, row->help);
    if (ss_option_is_numeric(row->type) && row->unit[0] != '\0')
        ss_text_printf(&help, "; a bare number is in %s", row->unit);
    if (!help.failed)
        (void)json_object_set_new(schema, "description", json_string(help.data));
    ss_text_free(&help);
    if (row->default_text != NULL)
        (void)json_object_set_new(schema, "default", preset_of(row));
    return schema;
}

/* ---- tables ---- */

json_t *
ss_schema_object(void)
{
    return json_pack("{s: s, s: {}, s: b}", "type", "object", "properties", "additionalProperties", 0);
}

/* Under `name`; one with a dot in it is taken, and not offered: the nested form is the one to write. */
static void
add_property(json_t *object, const char *name, json_t *schema)
{
    struct ss_text pattern = {0};
    if (strchr(name, '.') == NULL) {
        (void)json_object_set_new(json_object_get(object, "properties"), name, schema);
        return;
    }
    if (json_object_get(object, "patternProperties") == NULL)
        (void)json_object_set_new(object, "patternProperties", json_object());
    ss_text_puts(&pattern, "^");
    ss_text_add_pattern(&pattern, name, 0);
    ss_text_puts(&pattern, "$");
    if (!pattern.failed)
        (void)json_object_set_new(json_object_get(object, "patternProperties"), pattern.data, schema);
    else
        json_decref(schema);
    ss_text_free(&pattern);
}

void
ss_schema_add_rows(json_t *object, const struct ss_table *table, const char *prefix)
{
    size_t skip = strlen(prefix);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct servsim_option *row = ss_table_row(table, i);
        const char *name = row->name + skip;
        if (strncmp(row->name, prefix, skip) != 0)
            continue;
        add_property(object, name, ss_schema_option(row));
        for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
            char head[256], inside[256];
            (void)snprintf(head, sizeof head, "%.*s", (int)(dot - name), name);
            (void)snprintf(inside, sizeof inside, "%.*s", (int)(dot + 1 - row->name), row->name);
            if (json_object_get(json_object_get(object, "properties"), head) != NULL)
                continue;
            json_t *map = ss_schema_object();
            ss_schema_add_rows(map, table, inside);
            add_property(object, head, map);
        }
    }
}

/* `name` is there, be it nested or with dots. */
static json_t *
is_there(const char *name)
{
    json_t *ways = json_array();
    (void)json_array_append_new(ways, json_pack("{s: [s]}", "required", name));
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        char head[256];
        (void)snprintf(head, sizeof head, "%.*s", (int)(dot - name), name);
        (void)json_array_append_new(
            ways, json_pack("{s: [s], s: {s: o}}", "required", head, "properties", head, is_there(dot + 1)));
    }
    if (json_array_size(ways) > 1)
        return json_pack("{s: o}", "anyOf", ways);
    json_t *only = json_incref(json_array_get(ways, 0));
    json_decref(ways);
    return only;
}

json_t *
ss_schema_required(const struct ss_table *table)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < table->count; i++) {
        const struct servsim_option *row = ss_table_row(table, i);
        if (row->flags & SERVSIM_OPTION_REQUIRED)
            (void)json_array_append_new(list, is_there(row->name));
    }
    return list;
}
