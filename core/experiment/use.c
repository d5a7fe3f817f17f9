/*
 * experiment/use.c - a plugin, or a map of the host, as an experiment names it.
 */
#include <strings.h>

#include "experiment/build.h"
#include "experiment/keys.h"

#define RESERVED_LIMIT 16

/* Puts the place in front of an error that has none yet. */
static int
at_place(const struct ss_build *build, const struct ss_node *place, int rc)
{
    if (rc == 0)
        return 0;
    char text[sizeof build->err->text];
    memcpy(text, build->err->text, sizeof text);
    text[sizeof text - 1] = '\0';
    return ss_node_fail(place, build->err, -rc, "%s", text);
}

static int
name_of(const struct ss_build *build, uint32_t kind, const struct ss_node *node, const char *preset,
        const struct ss_node *place, const char **name)
{
    const char *what = ss_kind_name(kind);
    const struct ss_node *named = node;
    *name = preset;
    if (node != NULL && node->type == SS_NODE_MAP)
        named = ss_node_get(node, "plugin");
    if (named != NULL && (named->type != SS_NODE_SCALAR || named->text[0] == '\0'))
        return ss_node_fail(named, build->err, EINVAL, "%s names no plugin; write %s: NAME or %s: {plugin: NAME, ...}",
                            what, what, what);
    if (named != NULL)
        *name = named->text;
    if (*name == NULL)
        return ss_node_fail(place, build->err, EINVAL, "no %s plugin is named; write %s: {plugin: NAME, ...}", what,
                            what);
    return 0;
}

/* What a plugin's map may hold beside its own options: "plugin", and the host's keys of the kind. */
static void
reserved_names(uint32_t kind, const char *names[RESERVED_LIMIT])
{
    struct ss_table host = ss_host_table(kind);
    size_t count = 0;
    names[count++] = "plugin";
    for (uint32_t i = 0; i < host.count && count + 1 < RESERVED_LIMIT; i++)
        names[count++] = ss_table_row(&host, i)->name;
    names[count] = NULL;
}

static int
find_plugin(const struct ss_build *build, uint32_t kind, const struct ss_node *node, const char *preset,
            const struct ss_node *place, const struct ss_plugin **out)
{
    const char *name;
    int rc = name_of(build, kind, node, preset, place, &name);
    if (rc != 0)
        return rc;
    const struct ss_node *named = node != NULL && node->type == SS_NODE_MAP ? ss_node_get(node, "plugin") : node;
    rc = ss_registry_find(build->lookup->registry, kind, name, build->base_dir, out, build->err);
    return at_place(build, named != NULL ? named : place, rc);
}

int
ss_use_from_node(const struct ss_build *build, uint32_t kind, const struct ss_node *node, const char *preset,
                 const struct ss_node *place, struct ss_use *out)
{
    const char *reserved[RESERVED_LIMIT];
    memset(out, 0, sizeof *out);
    int rc = find_plugin(build, kind, node, preset, place, &out->plugin);
    if (rc != 0)
        return rc;
    reserved_names(kind, reserved);
    return ss_options_bind_in(&out->options, out->plugin->descriptor, node != NULL ? node : place, reserved,
                              build->base_dir, build->lookup->data_dir, build->err);
}

int
ss_use_is_none(const struct ss_node *node)
{
    const struct ss_node *named = node != NULL && node->type == SS_NODE_MAP ? ss_node_get(node, "plugin") : node;
    return named != NULL && named->type == SS_NODE_SCALAR && strcasecmp(named->text, "none") == 0;
}

int
ss_use_check_names(const struct ss_build *build, const struct ss_node *node, const struct ss_key *key)
{
    const struct ss_plugin *plugin;
    const char *reserved[RESERVED_LIMIT];
    char what[128];
    if (key->kind == SERVSIM_KIND_PREDICTOR && ss_use_is_none(node))
        return 0;
    if (node->type == SS_NODE_MAP && key->preset == NULL && ss_node_get(node, "plugin") == NULL)
        return 0;
    int rc = find_plugin(build, key->kind, node, key->preset, node, &plugin);
    if (rc != 0)
        return rc;
    reserved_names(key->kind, reserved);
    struct ss_table table = ss_table_of(plugin->descriptor, what);
    return ss_table_check_names(&table, node, reserved, build->err);
}

int
ss_use_build(const struct ss_build *build, const struct ss_node *tree, const char *key, struct ss_use *out)
{
    const struct ss_key *about = ss_key_of(key);
    const struct ss_node *node = ss_node_get(tree, key);
    if (node != NULL)
        return ss_use_from_node(build, about->kind, node, about->preset, node, out);
    /* No options can be written where nothing is: the bare tree only lends its place. */
    struct ss_node place = {.type = SS_NODE_SCALAR, .line = tree->line, .origin = tree->origin};
    return ss_use_from_node(build, about->kind, NULL, about->preset, &place, out);
}

void
ss_use_free(struct ss_use *use)
{
    ss_options_free(&use->options);
    use->plugin = NULL;
}

int
ss_map_bind(const struct ss_build *build, const struct ss_node *tree, const char *key, const struct ss_table *table,
            struct ss_options *out)
{
    const struct ss_node *node = ss_node_get(tree, key);
    if (node != NULL && node->type != SS_NODE_MAP)
        return ss_node_fail(node, build->err, EINVAL, "%s takes a map; write %s: {%s: ...}", key, key,
                            ss_table_row(table, 0)->name);
    return ss_table_bind(out, table, node, NULL, build->base_dir, NULL, build->err);
}

/* The host's own keys in a plugin's map. */
int
ss_host_keys_bind(const struct ss_build *build, const struct ss_node *tree, const char *key, uint32_t kind,
                  struct ss_options *out)
{
    const struct ss_node *node = ss_node_get(tree, key);
    struct ss_table table = ss_host_table(kind);
    struct ss_node *own = ss_node_new(SS_NODE_MAP, node != NULL ? node->origin : NULL, node != NULL ? node->line : 0);
    int rc = own == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; rc == 0 && node != NULL && i < table.count; i++) {
        const char *name = ss_table_row(&table, i)->name;
        const struct ss_node *child = ss_node_get(node, name);
        if (child != NULL && ss_node_set(own, name, ss_node_copy(child)) == NULL)
            rc = -ENOMEM;
    }
    if (rc != 0)
        (void)servsim_fail(build->err, ENOMEM, "out of memory");
    else
        rc = ss_table_bind(out, &table, own, NULL, build->base_dir, NULL, build->err);
    ss_node_free(own);
    return rc;
}
