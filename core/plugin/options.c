/*
 * plugin/options.c - checks what an experiment wrote against a table of declared options.
 *
 * A plugin sees only values that exist, have the right type and lie within their bounds. A value that was written but
 * equals the default counts as the default, so that a resolved configuration, where every default is written out,
 * means the same as the one that it came from.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "experiment/node.h"
#include "plugin/table.h"

struct binding {
    struct ss_options *out;
    const struct ss_table *table;
    const struct ss_node *map; /* for messages; may be NULL */
    const char *const *reserved;
    const char *base_dir, *data_dir;
    struct servsim_error *err;
    int names_only; /* values are not looked at */
};

static int
out_of_memory(const struct binding *binding)
{
    return servsim_fail(binding->err, ENOMEM, "out of memory");
}

/* ---- paths ---- */

static int
check_readable(const char *path, struct servsim_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return servsim_fail(err, errno, "%.800s cannot be read: %s", path, strerror(errno));
    struct stat about;
    int rc = fstat(fd, &about) == 0 ? 0 : -errno;
    (void)close(fd);
    if (rc != 0)
        return servsim_fail(err, -rc, "%.800s cannot be read: %s", path, strerror(-rc));
    if (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        return servsim_fail(err, EINVAL, "%.800s is neither a file nor a folder; name a file", path);
    return 0;
}

/* Replaces value->text by the absolute path that it means. */
static int
resolve_path(const struct binding *binding, struct servsim_value *value, struct servsim_error *err)
{
    char *path;
    int rc = ss_path_shipped(value->text, binding->data_dir, &path, err);
    if (rc != 0)
        return rc;
    if (path == NULL && (path = ss_path_absolute(binding->base_dir, value->text)) == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    struct ss_options *out = binding->out;
    free(out->strings[out->string_count - 1]); /* the text as written, kept last by ss_option_parse() */
    out->strings[out->string_count - 1] = path;
    value->text = path;
    return check_readable(path, err);
}

/* ---- values ---- */

static int
parse_value(const struct binding *binding, const struct servsim_option *row, const char *text,
            struct servsim_value *value, struct servsim_error *err)
{
    int rc = ss_option_parse(binding->out, row, text, value, err);
    if (rc == 0 && row->type == SERVSIM_OPTION_PATH)
        rc = resolve_path(binding, value, err);
    return rc;
}

static int
same_value(const struct servsim_option *row, const struct servsim_value *a, const struct servsim_value *b)
{
    switch (row->type) {
    case SERVSIM_OPTION_INTEGER:
    case SERVSIM_OPTION_FLAG:
        return a->integer == b->integer;
    case SERVSIM_OPTION_NUMBER:
        return a->number == b->number;
    case SERVSIM_OPTION_LIST:
        return a->list_count == b->list_count && memcmp(a->list, b->list, a->list_count * sizeof *a->list) == 0;
    default:
        return strcmp(a->text, b->text) == 0;
    }
}

/* The text of a scalar or of a list of scalars, in the form that ss_option_parse() reads; the caller frees it. */
static int
node_text(const struct binding *binding, const struct servsim_option *row, const struct ss_node *node, char **out)
{
    struct ss_text text = {0};
    if (node->type == SS_NODE_SCALAR) {
        ss_text_puts(&text, node->text);
    } else if (node->type != SS_NODE_LIST || row->type != SERVSIM_OPTION_LIST) {
        return ss_node_fail(node, binding->err, EINVAL, "%s: %s takes one value, not a %s; write one %s",
                            binding->table->what, row->name, node->type == SS_NODE_LIST ? "list" : "map",
                            ss_option_type_name(row->type));
    } else {
        ss_text_puts(&text, "[");
        for (size_t i = 0; i < node->count; i++) {
            const struct ss_node *item = node->children[i];
            if (item->type != SS_NODE_SCALAR || strchr(item->text, ',') != NULL) {
                ss_text_free(&text);
                return ss_node_fail(item, binding->err, EINVAL, "%s: %s takes a list of numbers; write [1, 2, 3]",
                                    binding->table->what, row->name);
            }
            ss_text_puts(&text, i > 0 ? "," : "");
            ss_text_puts(&text, item->text);
        }
        ss_text_puts(&text, "]");
    }
    if (text.failed) {
        ss_text_free(&text);
        return out_of_memory(binding);
    }
    *out = text.data;
    return 0;
}

static int
bind_row(const struct binding *binding, uint32_t index, const struct ss_node *node)
{
    const struct servsim_option *row = ss_table_row(binding->table, index);
    struct servsim_value *value = &binding->out->values[index];
    struct servsim_value written = {.name = row->name};
    struct servsim_error why = {.size = sizeof why};
    char *text = NULL;
    if (value->present == 2)
        return ss_node_fail(node, binding->err, EINVAL, "%s: %s is given twice; remove one", binding->table->what,
                            row->name);
    int rc = node_text(binding, row, node, &text);
    if (rc != 0)
        return rc;
    rc = parse_value(binding, row, text, &written, &why);
    free(text);
    if (rc != 0)
        return ss_node_fail(node, binding->err, -rc, "%s: %s: %s", binding->table->what, row->name, why.text);
    written.present = 2;
    *value = written;
    return 0;
}

/* ---- names ---- */

static int
is_reserved(const struct binding *binding, const char *key)
{
    for (const char *const *name = binding->reserved; name != NULL && *name != NULL; name++)
        if (strcmp(*name, key) == 0)
            return 1;
    return 0;
}

/* Fills `names` (NULL: only counts) with all that may be written: the host's keys, then the table's. */
static size_t
allowed_names(const struct binding *binding, const char **names)
{
    size_t count = 0;
    for (const char *const *name = binding->reserved; name != NULL && *name != NULL; name++)
        if (strcmp(*name, "plugin") != 0) {
            if (names != NULL)
                names[count] = *name;
            count++;
        }
    for (uint32_t i = 0; i < binding->table->count; i++, count++)
        if (names != NULL)
            names[count] = ss_table_row(binding->table, i)->name;
    return count;
}

static int
fail_unknown(const struct binding *binding, const struct ss_node *node, const char *name)
{
    size_t count = allowed_names(binding, NULL);
    if (count == 0)
        return ss_node_fail(node, binding->err, EINVAL, "%s takes no options; remove '%.64s'", binding->table->what,
                            name);
    const char **names = calloc(count, sizeof *names);
    if (names == NULL)
        return out_of_memory(binding);
    (void)allowed_names(binding, names);
    struct ss_text text = {0};
    const char *nearest = ss_nearest(name, names, count);
    if (nearest != NULL)
        ss_text_printf(&text, "did you mean '%s'? ", nearest);
    ss_text_puts(&text, "allowed:");
    for (size_t i = 0; i < count; i++)
        ss_text_printf(&text, "%s %s", i > 0 ? "," : "", names[i]);
    int rc = text.failed ? out_of_memory(binding)
                         : ss_node_fail(node, binding->err, EINVAL, "%s has no option '%.64s'; %s",
                                        binding->table->what, name, text.data);
    free(names);
    ss_text_free(&text);
    return rc;
}

/* The row of this name; else, in *inside, a row whose name begins with "name.", or NULL. */
static const struct servsim_option *
row_named(const struct ss_table *table, const char *name, uint32_t *index, const struct servsim_option **inside)
{
    size_t length = strlen(name);
    *inside = NULL;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct servsim_option *row = ss_table_row(table, i);
        if (strcmp(row->name, name) == 0) {
            *index = i;
            return row;
        }
        if (*inside == NULL && strncmp(row->name, name, length) == 0 && row->name[length] == '.')
            *inside = row;
    }
    return NULL;
}

static int
bind_map(const struct binding *binding, const struct ss_node *map, const char *prefix)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct ss_node *child = map->children[i];
        if (prefix[0] == '\0' && is_reserved(binding, child->key))
            continue;
        char name[256];
        const struct servsim_option *inside;
        uint32_t index;
        int rc;
        int length = snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", child->key);
        if (length < 0 || (size_t)length >= sizeof name)
            rc = fail_unknown(binding, child, child->key);
        else if (row_named(binding->table, name, &index, &inside) != NULL)
            rc = binding->names_only ? 0 : bind_row(binding, index, child);
        else if (inside != NULL && child->type == SS_NODE_MAP)
            rc = bind_map(binding, child, name);
        else if (inside != NULL)
            rc = ss_node_fail(child, binding->err, EINVAL, "%s: %s takes a map; write %s: {%s: ...}",
                              binding->table->what, name, name, inside->name + strlen(name) + 1);
        else
            rc = fail_unknown(binding, child, name);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* After the map was read: defaults where nothing was written, and what is missing. */
static int
bind_default(const struct binding *binding, uint32_t index)
{
    const struct servsim_option *row = ss_table_row(binding->table, index);
    struct servsim_value *value = &binding->out->values[index];
    struct servsim_value preset = {.name = row->name};
    struct servsim_error why = {.size = sizeof why};
    if (value->present == 0 && (row->flags & SERVSIM_OPTION_REQUIRED))
        return ss_node_fail(binding->map, binding->err, EINVAL, "%s needs '%s' (%s); write %s: VALUE",
                            binding->table->what, row->name, row->help, row->name);
    if (row->default_text == NULL)
        return 0;
    int rc = parse_value(binding, row, row->default_text, &preset, &why);
    if (rc != 0 && value->present == 2)
        return 0; /* a default file that is not there does not matter when another is named */
    if (rc != 0)
        return ss_node_fail(binding->map, binding->err, -rc, "%s: the default of %s: %s", binding->table->what,
                            row->name, why.text);
    if (value->present == 0)
        *value = preset;
    if (same_value(row, value, &preset))
        value->present = 1;
    return 0;
}

int
ss_table_bind(struct ss_options *out, const struct ss_table *table, const struct ss_node *map,
              const char *const *reserved, const char *base_dir, const char *data_dir, struct servsim_error *err)
{
    memset(out, 0, sizeof *out);
    struct binding binding = {out, table, map, reserved, base_dir, data_dir, err, 0};
    if (map != NULL && map->type == SS_NODE_LIST)
        return ss_node_fail(map, err, EINVAL, "%s takes one map of options, not a list", table->what);
    out->values = calloc(table->count > 0 ? table->count : 1, sizeof *out->values);
    if (out->values == NULL)
        return out_of_memory(&binding);
    out->count = table->count;
    for (uint32_t i = 0; i < table->count; i++)
        out->values[i].name = ss_table_row(table, i)->name;
    int rc = map != NULL && map->type == SS_NODE_MAP ? bind_map(&binding, map, "") : 0;
    for (uint32_t i = 0; rc == 0 && i < table->count; i++)
        rc = bind_default(&binding, i);
    if (rc != 0)
        ss_options_free(out);
    return rc;
}

int
ss_table_check_names(const struct ss_table *table, const struct ss_node *map, const char *const *reserved,
                     struct servsim_error *err)
{
    struct binding binding = {NULL, table, map, reserved, NULL, NULL, err, 1};
    return map->type == SS_NODE_MAP ? bind_map(&binding, map, "") : 0;
}

int
ss_options_bind_in(struct ss_options *out, const struct servsim_plugin *plugin, const struct ss_node *map,
                   const char *const *reserved, const char *base_dir, const char *data_dir, struct servsim_error *err)
{
    char what[128];
    struct ss_table table = ss_table_of(plugin, what);
    return ss_table_bind(out, &table, map, reserved, base_dir, data_dir, err);
}

int
ss_options_bind(struct ss_options *out, const struct servsim_plugin *plugin, const struct ss_node *map,
                const char *const *reserved, const char *base_dir, struct servsim_error *err)
{
    return ss_options_bind_in(out, plugin, map, reserved, base_dir, NULL, err);
}

const struct servsim_value *
ss_options_get(const struct ss_options *options, const char *name)
{
    for (uint32_t i = 0; i < options->count; i++)
        if (strcmp(options->values[i].name, name) == 0)
            return &options->values[i];
    return NULL;
}

void
ss_options_free(struct ss_options *options)
{
    for (size_t i = 0; i < options->string_count; i++)
        free(options->strings[i]);
    for (size_t i = 0; i < options->list_count; i++)
        free(options->lists[i]);
    free(options->strings);
    free(options->lists);
    free(options->values);
    memset(options, 0, sizeof *options);
}
