/*
 * experiment/matrix.c - the axes of an experiment, and what each cell says once their values are merged in.
 *
 * The rule of merging, for an axis KEY and one of its values:
 *  - a value that is a map is laid over the map under KEY outside of the matrix: it wins key by key, maps within maps
 *    likewise, and what it does not mention stays;
 *  - a bare name counts as {plugin: NAME} (model and engine: {name: NAME}), so it is laid over in the same way;
 *  - where that names another plugin (or engine) than the one underneath, the options underneath were meant for that
 *    other one and are dropped; the host's own keys of the kind (max_num_seqs and the like) stay;
 *  - a cluster that says `gpus` is a whole layout: nothing of the one underneath stays ({gpus: 1} over {gpus: 4, tp: 4}
 *    is one GPU, tp 1) but the network between nodes;
 *  - any other bare value replaces.
 * A value's label is what its `label:` says, else its name (its own where a path names a plugin or a model), else its
 * keys and values.
 */
#include <strings.h>

#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"

#define CELL_LIMIT 10000
#define LABEL_LIMIT 100

/* ---- labels ---- */

static void
describe(struct ss_text *text, const struct ss_node *map, const char *prefix)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct ss_node *child = map->children[i];
        if (child->type == SS_NODE_MAP) {
            describe(text, child, child->key);
            continue;
        }
        ss_text_printf(text, "%s%s%s%s", text->length > 0 ? "," : "", prefix, prefix[0] != '\0' ? "." : "", child->key);
        if (child->type == SS_NODE_SCALAR)
            ss_text_printf(text, "=%s", child->text);
    }
}

/* What a plugin or a model is called that is named by its path; the path where it cannot be read, which is said later.
 */
static void
put_own_name(const struct ss_build *build, const struct ss_key *key, const char *name, struct ss_text *out)
{
    const struct ss_plugin *plugin;
    struct ss_model model;
    struct servsim_error unheard = {.size = sizeof unheard};
    if (strchr(name, '/') != NULL && key->kind != 0 &&
        ss_registry_find(build->lookup->registry, key->kind, name, build->base_dir, &plugin, &unheard) == 0)
        ss_text_puts(out, plugin->descriptor->name);
    else if (strchr(name, '/') != NULL && strcmp(key->name, "model") == 0 &&
             ss_model_find(&model, name, build->base_dir, build->lookup->models_dir, &unheard) == 0)
        ss_text_puts(out, model.name);
    else
        ss_text_puts(out, name);
}

/* The label of a value in a list; the caller frees it. */
static int
label_of(const struct ss_build *build, const struct ss_key *key, const struct ss_node *value, char **out)
{
    struct ss_text text = {0};
    const struct ss_node *given = value->type == SS_NODE_MAP ? ss_node_get(value, "label") : NULL;
    const struct ss_node *name =
        value->type == SS_NODE_MAP ? (key->bare != NULL ? ss_node_get(value, key->bare) : NULL) : value;
    if (value->type == SS_NODE_LIST || (given != NULL && given->type != SS_NODE_SCALAR))
        return ss_node_fail(value, build->err, EINVAL, "matrix: a value of %s is a list; write names or maps",
                            key->name);
    if (given != NULL)
        ss_text_puts(&text, given->text);
    else if (name != NULL && name->type == SS_NODE_SCALAR)
        put_own_name(build, key, name->text, &text);
    else
        describe(&text, value, "");
    if (!text.failed && (text.length == 0 || text.length > LABEL_LIMIT)) {
        ss_text_free(&text);
        return ss_node_fail(value, build->err, EINVAL,
                            "matrix: a value of %s has no name of 1 to %d bytes; add label: NAME to it", key->name,
                            LABEL_LIMIT);
    }
    if (text.failed) {
        ss_text_free(&text);
        return servsim_fail(build->err, ENOMEM, "out of memory");
    }
    *out = text.data;
    return 0;
}

static int
add_value(const struct ss_build *build, struct ss_axis_values *axis, const struct ss_node *value, char *label)
{
    for (size_t i = 0; i < axis->count; i++)
        if (strcmp(axis->labels[i], label) == 0) {
            int rc = ss_node_fail(value, build->err, EINVAL,
                                  "matrix: two values of %s are called '%s'; give one of them label: NAME",
                                  axis->key->name, label);
            free(label);
            return rc;
        }
    axis->nodes[axis->count] = value;
    axis->labels[axis->count++] = label;
    return 0;
}

/* ---- reading ---- */

static int
read_label(const struct ss_build *build, const struct ss_axis_values *axis, const struct ss_node *values,
           const struct ss_node *value, char **label)
{
    if (values->type == SS_NODE_LIST)
        return label_of(build, axis->key, value, label);
    if (strlen(value->key) > LABEL_LIMIT)
        return ss_node_fail(value, build->err, EINVAL, "matrix: a label of more than %d bytes; write a shorter one",
                            LABEL_LIMIT);
    *label = strdup(value->key);
    return *label != NULL ? 0 : servsim_fail(build->err, ENOMEM, "out of memory");
}

static int
read_axis(const struct ss_build *build, const struct ss_node *values, struct ss_axis_values *axis)
{
    axis->key = ss_key_of(values->key);
    if (axis->key == NULL || !(axis->key->flags & SS_KEY_AXIS)) {
        char advice[512];
        const char *home = axis->key == NULL ? ss_key_home(values->key) : NULL;
        if (home != NULL)
            return ss_node_fail(values, build->err, EINVAL,
                                "matrix: '%.64s' cannot be an axis; write %s: {LABEL: {%.64s: ...}, ...}", values->key,
                                home, values->key);
        ss_key_advice(values->key, SS_KEY_AXIS, advice, sizeof advice);
        return ss_node_fail(values, build->err, EINVAL, "matrix: '%.64s' cannot be an axis; %s", values->key, advice);
    }
    if (values->type == SS_NODE_SCALAR || values->count == 0)
        return ss_node_fail(values, build->err, EINVAL,
                            "matrix: %s has no values; write %s: [A, B] or %s: {LABEL: VALUE, ...}", values->key,
                            values->key, values->key);
    axis->nodes = calloc(values->count, sizeof(struct ss_node *));
    axis->labels = calloc(values->count, sizeof *axis->labels);
    if (axis->nodes == NULL || axis->labels == NULL)
        return servsim_fail(build->err, ENOMEM, "out of memory");
    if (values->count > CELL_LIMIT) /* each label is compared with all before it */
        return ss_node_fail(values, build->err, E2BIG, "matrix: more than %d cells; leave values out", CELL_LIMIT);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < values->count; i++) {
        char *label = NULL;
        rc = read_label(build, axis, values, values->children[i], &label);
        if (rc == 0)
            rc = add_value(build, axis, values->children[i], label);
    }
    return rc;
}

int
ss_matrix_read(const struct ss_build *build, const struct ss_node *root, struct ss_matrix *out)
{
    const struct ss_node *matrix = ss_node_get(root, "matrix");
    memset(out, 0, sizeof *out);
    out->cell_count = 1;
    if (matrix == NULL)
        return 0;
    if (matrix->type != SS_NODE_MAP || matrix->count == 0)
        return ss_node_fail(matrix, build->err, EINVAL, "matrix takes a map of axes; write matrix: {cluster: {...}}");
    out->axes = calloc(matrix->count, sizeof *out->axes);
    if (out->axes == NULL)
        return servsim_fail(build->err, ENOMEM, "out of memory");
    for (size_t i = 0; i < matrix->count; i++) {
        struct ss_axis_values *axis = &out->axes[out->axis_count++];
        int rc = read_axis(build, matrix->children[i], axis);
        if (rc != 0)
            return rc;
        out->cell_count *= axis->count; /* both at most CELL_LIMIT */
        if (out->cell_count > CELL_LIMIT)
            return ss_node_fail(matrix, build->err, E2BIG, "matrix: more than %d cells; leave values out", CELL_LIMIT);
    }
    return 0;
}

void
ss_matrix_free(struct ss_matrix *matrix)
{
    for (size_t i = 0; i < matrix->axis_count; i++) {
        for (size_t j = 0; j < matrix->axes[i].count; j++)
            free(matrix->axes[i].labels[j]);
        free(matrix->axes[i].labels);
        free((void *)matrix->axes[i].nodes);
    }
    free(matrix->axes);
    memset(matrix, 0, sizeof *matrix);
}

size_t
ss_matrix_choice(const struct ss_matrix *matrix, size_t cell, size_t axis)
{
    for (size_t i = matrix->axis_count - 1; i > axis; i--)
        cell /= matrix->axes[i].count;
    return cell % matrix->axes[axis].count;
}

/* ---- merging ---- */

/* A copy of a value as a map where its key takes names; the label is left out. NULL without memory. */
static struct ss_node *
as_map(const struct ss_key *key, const struct ss_node *value)
{
    int is_map = value->type == SS_NODE_MAP;
    if (!is_map && (key->bare == NULL || value->type != SS_NODE_SCALAR))
        return ss_node_copy(value);
    struct ss_node *map = ss_node_new(SS_NODE_MAP, value->origin, value->line);
    if (map == NULL)
        return NULL;
    for (size_t i = 0; i < (is_map ? value->count : 1); i++) {
        const struct ss_node *child = is_map ? value->children[i] : value;
        if (is_map && strcmp(child->key, "label") == 0)
            continue;
        if (ss_node_set(map, is_map ? child->key : key->bare, ss_node_copy(child)) == NULL) {
            ss_node_free(map);
            return NULL;
        }
    }
    return map;
}

/* Lays `over` over `map`. 0, or -ENOMEM. */
static int
overlay(struct ss_node *map, const struct ss_node *over)
{
    for (size_t i = 0; i < over->count; i++) {
        const struct ss_node *child = over->children[i];
        struct ss_node *under = ss_node_get(map, child->key);
        if (under != NULL && under->type == SS_NODE_MAP && child->type == SS_NODE_MAP) {
            if (overlay(under, child) != 0)
                return -ENOMEM;
        } else if (ss_node_set(map, child->key, ss_node_copy(child)) == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static const char *
name_in(const struct ss_key *key, const struct ss_node *map, const char *preset)
{
    const struct ss_node *name = ss_node_get(map, key->bare);
    return name != NULL && name->type == SS_NODE_SCALAR ? name->text : preset;
}

/* Does the value name something else than what lies under it, so that the options there are not meant for it? The
   model's options are the host's and stay. */
static int
names_another(const struct ss_key *key, const struct ss_node *base, const struct ss_node *value)
{
    if (key->bare == NULL || (key->kind == 0 && strcmp(key->name, "engine") != 0))
        return 0;
    const char *wanted = name_in(key, value, NULL), *present = name_in(key, base, key->preset);
    return wanted != NULL && (present == NULL || strcasecmp(wanted, present) != 0);
}

static int
is_whole_layout(const struct ss_key *key, const struct ss_node *value)
{
    return strcmp(key->name, "cluster") == 0 && ss_node_get(value, "gpus") != NULL;
}

/* Is it the host's own key of a plugin's map, or of the cluster's what is not its layout? */
static int
outlives(const struct ss_key *key, const char *name)
{
    struct ss_table host = ss_host_table(key->kind);
    for (uint32_t i = 0; i < host.count; i++)
        if (strcmp(ss_table_row(&host, i)->name, name) == 0)
            return 1;
    return strcmp(key->name, "cluster") == 0 &&
           (strcmp(name, "gpus_per_node") == 0 || strcmp(name, "interconnect") == 0);
}

/* Keeps what another plugin, or another layout, leaves as it is. 0, or -ENOMEM. */
static int
drop_options(const struct ss_key *key, struct ss_node **map)
{
    struct ss_node *kept = ss_node_new(SS_NODE_MAP, (*map)->origin, (*map)->line);
    for (size_t i = 0; kept != NULL && i < (*map)->count; i++) {
        const struct ss_node *child = (*map)->children[i];
        if (outlives(key, child->key) && ss_node_set(kept, child->key, ss_node_copy(child)) == NULL) {
            ss_node_free(kept);
            kept = NULL;
        }
    }
    if (kept == NULL)
        return -ENOMEM;
    ss_node_free(*map);
    *map = kept;
    return 0;
}

/* The value of an axis laid over what the experiment says outside of the matrix. NULL without memory. */
static struct ss_node *
merge(const struct ss_key *key, const struct ss_node *base, const struct ss_node *value)
{
    struct ss_node *over = as_map(key, value);
    struct ss_node *map = over != NULL && base != NULL ? as_map(key, base) : NULL;
    if (over == NULL || map == NULL || over->type != SS_NODE_MAP || map->type != SS_NODE_MAP) {
        ss_node_free(map);
        return over != NULL && base != NULL && map == NULL ? (ss_node_free(over), NULL) : over;
    }
    map->line = over->line; /* the value in the matrix is where one looks first */
    int rc = names_another(key, map, over) || is_whole_layout(key, over) ? drop_options(key, &map) : 0;
    if (rc == 0)
        rc = overlay(map, over);
    ss_node_free(over);
    if (rc != 0) {
        ss_node_free(map);
        return NULL;
    }
    return map;
}

struct ss_node *
ss_matrix_tree(const struct ss_matrix *matrix, const struct ss_node *root, size_t cell)
{
    struct ss_node *tree = ss_node_new(SS_NODE_MAP, root->origin, root->line);
    int failed = tree == NULL;
    for (size_t i = 0; !failed && i < root->count; i++) {
        const struct ss_key *key = ss_key_of(root->children[i]->key);
        if (key != NULL && (key->flags & SS_KEY_AXIS))
            failed = ss_node_set(tree, key->name, ss_node_copy(root->children[i])) == NULL;
    }
    for (size_t i = 0; !failed && i < matrix->axis_count; i++) {
        const struct ss_axis_values *axis = &matrix->axes[i];
        const struct ss_node *value = axis->nodes[ss_matrix_choice(matrix, cell, i)];
        struct ss_node *merged = merge(axis->key, ss_node_get(root, axis->key->name), value);
        failed = ss_node_set(tree, axis->key->name, merged) == NULL;
    }
    if (failed) {
        ss_node_free(tree);
        return NULL;
    }
    return tree;
}

/* ---- --set ---- */

/* A value, not a map, that --set has written. */
static int
is_set(const struct ss_node *node)
{
    return node->type != SS_NODE_MAP && node->line == 0 && strncmp(node->origin, "--set ", 6) == 0;
}

static int
holds_origin(const struct ss_node *node, const char *origin)
{
    int found = is_set(node) && strcmp(node->origin, origin) == 0;
    for (size_t i = 0; node->type == SS_NODE_MAP && i < node->count && !found; i++)
        found = holds_origin(node->children[i], origin);
    return found;
}

/* Does it stay beside, or in the place of nothing in, any value of the axis? Without memory it does. */
static int
is_felt(const struct ss_axis_values *axis, const struct ss_node *base, const char *origin)
{
    int felt = 0;
    for (size_t i = 0; i < axis->count && !felt; i++) {
        struct ss_node *merged = merge(axis->key, base, axis->nodes[i]);
        felt = merged == NULL || holds_origin(merged, origin);
        ss_node_free(merged);
    }
    return felt;
}

static int
check_sets_in(const struct ss_build *build, const struct ss_axis_values *axis, const struct ss_node *base,
              const struct ss_node *node)
{
    int rc = 0;
    for (size_t i = 0; node->type == SS_NODE_MAP && i < node->count && rc == 0; i++)
        rc = check_sets_in(build, axis, base, node->children[i]);
    if (!is_set(node) || is_felt(axis, base, node->origin))
        return rc;
    const char *key = axis->key->name;
    if (axis->nodes[0]->key == NULL)
        return ss_node_fail(node, build->err, EINVAL,
                            "no cell would feel it: every value of the axis '%s' says otherwise; set the whole axis: "
                            "--set 'matrix.%s=[...]'",
                            key, key);
    return ss_node_fail(node, build->err, EINVAL,
                        "no cell would feel it: every value of the axis '%s' says otherwise; set a value of the axis: "
                        "--set matrix.%s.%s...",
                        key, key, axis->labels[0]);
}

int
ss_matrix_check_sets(const struct ss_build *build, const struct ss_matrix *matrix, const struct ss_node *root)
{
    int rc = 0;
    for (size_t i = 0; i < matrix->axis_count && rc == 0; i++) {
        const struct ss_node *base = ss_node_get(root, matrix->axes[i].key->name);
        rc = base != NULL ? check_sets_in(build, &matrix->axes[i], base, base) : 0;
    }
    return rc;
}

void
ss_folder_safe(char *name)
{
    for (char *at = name; *at != '\0'; at++) {
        int letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (!letter && *at != '_' && (at == name || (*at != '.' && *at != '-')))
            *at = '_';
    }
}
