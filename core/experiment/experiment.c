/*
 * experiment/experiment.c - a whole experiment: its keys, its reports, its cells.
 *
 * Everything is checked here, before anything runs: all cells are built at once, so a mistake that only the last cell
 * would meet is found now.
 */
#include "experiment/experiment.h"

#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"
#include "plugin/units.h"

#define CELL_NAME_LIMIT 200 /* bytes; a folder's name, with room for a suffix */

static int
out_of_memory(const struct ss_build *build)
{
    return servsim_fail(build->err, ENOMEM, "out of memory");
}

/* ---- the keys at the top ---- */

static int
check_keys(const struct ss_build *build, const struct ss_node *root)
{
    char advice[512];
    if (root->type != SS_NODE_MAP)
        return ss_node_fail(root, build->err, EINVAL, "no map of keys; an experiment begins with servsim: 1");
    for (size_t i = 0; i < root->count; i++) {
        const struct ss_node *node = root->children[i];
        const struct ss_key *key = ss_key_of(node->key);
        const char *missing = key == NULL ? ss_key_not_modelled(node->key) : NULL;
        if (missing != NULL)
            return ss_node_fail(node, build->err, EINVAL, "'%.64s': %s is not modelled; leave the key out", node->key,
                                missing);
        const char *home = key == NULL ? ss_key_home(node->key) : NULL;
        if (home != NULL)
            return ss_node_fail(node, build->err, EINVAL, "unknown key '%.64s'; it belongs in a map: %s: {%.64s: ...}",
                                node->key, home, node->key);
        if (key == NULL) {
            ss_key_advice(node->key, 0, advice, sizeof advice);
            return ss_node_fail(node, build->err, EINVAL, "unknown key '%.64s'; %s", node->key, advice);
        }
        if (node->type == SS_NODE_SCALAR && node->text[0] == '\0')
            return ss_node_fail(node, build->err, EINVAL, "%s has no value; write one or leave the key out", key->name);
    }
    return 0;
}

static int
check_version(const struct ss_build *build, const struct ss_node *root)
{
    const struct ss_node *node = ss_node_get(root, "servsim");
    if (node == NULL)
        return ss_node_fail(root, build->err, EINVAL, "the version of the format is missing; begin with servsim: 1");
    if (node->type != SS_NODE_SCALAR || strcmp(node->text, "1") != 0)
        return ss_node_fail(node, build->err, EINVAL,
                            "servsim: %.40s is no version that is read here; write servsim: 1",
                            node->type == SS_NODE_SCALAR ? node->text : "(no number)");
    return 0;
}

/* A text at the top, or `otherwise`; the caller frees it. */
static int
text_of(const struct ss_build *build, const struct ss_node *root, const char *key, size_t limit, const char *otherwise,
        char **out)
{
    const struct ss_node *node = ss_node_get(root, key);
    if (node != NULL && (node->type != SS_NODE_SCALAR || strlen(node->text) > limit))
        return ss_node_fail(node, build->err, EINVAL, "%s takes one text of at most %zu bytes", key, limit);
    *out = strdup(node != NULL ? node->text : otherwise);
    return *out != NULL ? 0 : out_of_memory(build);
}

/* "configs/multi_gpu.yaml" -> "multi_gpu" */
static char *
stem_of(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file, *dot = strrchr(name, '.');
    size_t length = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    char *stem = length > 0 ? strndup(name, length < SS_NAME_LIMIT ? length : SS_NAME_LIMIT) : strdup("experiment");
    return stem;
}

static int
build_names(const struct ss_build *build, const struct ss_node *root)
{
    struct ss_experiment *out = build->out;
    struct ss_text folder = {0};
    char *stem = stem_of(root->line > 0 ? root->origin : "experiment");
    out->file = strdup(root->origin != NULL ? root->origin : "");
    if (stem == NULL || out->file == NULL) {
        free(stem);
        return out_of_memory(build);
    }
    int rc = text_of(build, root, "name", SS_NAME_LIMIT, stem, &out->name);
    free(stem);
    if (rc != 0)
        return rc;
    ss_text_printf(&folder, "output/%s", out->name);
    if (folder.failed)
        return out_of_memory(build);
    ss_folder_safe(folder.data + strlen("output/"));
    rc = text_of(build, root, "output", 4000, folder.data, &out->output);
    ss_text_free(&folder);
    return rc;
}

/* ---- how it is run ---- */

static int
build_timeout(const struct ss_build *build, const struct ss_node *root)
{
    const struct ss_node *node = ss_node_get(root, "timeout");
    struct servsim_error why = {.size = sizeof why};
    ss_time timeout = 0;
    if (node == NULL)
        return 0;
    if (node->type != SS_NODE_SCALAR || ss_duration_parse(node->text, "s", &timeout, &why) != 0)
        return ss_node_fail(node, build->err, EINVAL, "timeout: %s",
                            why.text[0] != '\0' ? why.text : "no time; write one, as 600s");
    if (timeout <= 0)
        return ss_node_fail(node, build->err, EINVAL, "timeout: '%.60s' leaves no time; write a time above 0, as 600s",
                            node->text);
    build->out->timeout_s = ss_time_seconds(timeout);
    return 0;
}

static int
build_replicates(const struct ss_build *build, const struct ss_node *root)
{
    const struct ss_node *node = ss_node_get(root, "replicates");
    struct servsim_error why = {.size = sizeof why};
    int64_t count = 1;
    int rc = node == NULL || (node->type == SS_NODE_SCALAR && ss_integer_parse(node->text, "", &count, &why) == 0);
    if (!rc || count < 1 || count > SS_REPLICATES_LIMIT)
        return ss_node_fail(node, build->err, EINVAL, "replicates: not a number of seeds; write 1 to %d",
                            SS_REPLICATES_LIMIT);
    build->out->replicates = (uint32_t)count;
    return 0;
}

/* ---- reports ---- */

static int
add_report(const struct ss_build *build, const struct ss_node *node, const char *preset, const struct ss_node *place)
{
    struct ss_experiment *out = build->out;
    struct ss_use *use = &out->reports[out->report_count];
    int rc = ss_use_from_node(build, SERVSIM_KIND_REPORT, node, preset, place, use);
    if (rc != 0)
        return rc;
    out->report_count++;
    for (size_t i = 0; i + 1 < out->report_count; i++)
        if (out->reports[i].plugin == use->plugin)
            return ss_node_fail(place, build->err, EINVAL, "report: '%s' is named twice; remove one",
                                use->plugin->descriptor->name);
    return 0;
}

static int
build_reports(const struct ss_build *build, const struct ss_node *root)
{
    static const char *const preset[] = {"csv", "json", "markdown", "plots"};
    const struct ss_node *node = ss_node_get(root, "report");
    size_t count = node == NULL ? sizeof preset / sizeof preset[0] : node->type == SS_NODE_LIST ? node->count : 1;
    struct ss_node place = {.type = SS_NODE_SCALAR, .line = root->line, .origin = root->origin};
    build->out->reports = calloc(count > 0 ? count : 1, sizeof *build->out->reports);
    if (build->out->reports == NULL)
        return out_of_memory(build);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct ss_node *item = node != NULL && node->type == SS_NODE_LIST ? node->children[i] : node;
        rc = add_report(build, item, item == NULL ? preset[i] : NULL, item != NULL ? item : &place);
    }
    return rc;
}

/* ---- cells ---- */

static int
copy_axes(const struct ss_build *build, const struct ss_matrix *matrix)
{
    struct ss_experiment *out = build->out;
    out->axes = calloc(matrix->axis_count > 0 ? matrix->axis_count : 1, sizeof *out->axes);
    if (out->axes == NULL)
        return out_of_memory(build);
    for (; out->axis_count < matrix->axis_count; out->axis_count++) {
        const struct ss_axis_values *from = &matrix->axes[out->axis_count];
        struct ss_axis *axis = &out->axes[out->axis_count];
        axis->name = strdup(from->key->name);
        axis->values = calloc(from->count, sizeof *axis->values);
        for (; axis->values != NULL && axis->value_count < from->count; axis->value_count++)
            if ((axis->values[axis->value_count] = strdup(from->labels[axis->value_count])) == NULL)
                break;
        if (axis->name == NULL || axis->value_count < from->count) {
            out->axis_count++;
            return out_of_memory(build);
        }
    }
    return 0;
}

static int
label_cell(const struct ss_build *build, const struct ss_matrix *matrix, size_t index, struct ss_cell *cell)
{
    cell->labels = calloc(matrix->axis_count > 0 ? matrix->axis_count : 1, sizeof *cell->labels);
    if (cell->labels == NULL)
        return out_of_memory(build);
    for (; cell->label_count < matrix->axis_count; cell->label_count++) {
        const struct ss_axis_values *axis = &matrix->axes[cell->label_count];
        struct ss_label *label = &cell->labels[cell->label_count];
        label->axis = strdup(axis->key->name);
        label->value = strdup(axis->labels[ss_matrix_choice(matrix, index, cell->label_count)]);
        if (label->axis == NULL || label->value == NULL) {
            cell->label_count++;
            return out_of_memory(build);
        }
    }
    return 0;
}

static int
name_taken(const struct ss_experiment *experiment, const char *name)
{
    for (size_t i = 0; i < experiment->cell_count; i++)
        if (experiment->cells[i].group != NULL && strcmp(experiment->cells[i].group, name) == 0)
            return 1;
    return 0;
}

/* Values of the axes joined by '-', as a folder's name; a number behind it where that is taken. The cell being named is
   not among the experiment's yet. */
static int
name_cell(const struct ss_build *build, struct ss_cell *cell)
{
    struct ss_text text = {0};
    for (size_t i = 0; i < cell->label_count; i++)
        ss_text_printf(&text, "%s%s", i > 0 ? "-" : "", cell->labels[i].value);
    if (cell->label_count == 0)
        ss_text_puts(&text, "run");
    if (text.failed) {
        ss_text_free(&text);
        return out_of_memory(build);
    }
    ss_folder_safe(text.data);
    if (text.length > CELL_NAME_LIMIT)
        text.data[text.length = CELL_NAME_LIMIT] = '\0';
    size_t length = text.length;
    for (unsigned again = 2; !text.failed && name_taken(build->out, text.data); again++) {
        text.data[text.length = length] = '\0';
        ss_text_printf(&text, "-%u", again);
    }
    if (text.failed) {
        ss_text_free(&text);
        return out_of_memory(build);
    }
    cell->group = text.data;
    return 0;
}

/* A cell that stands for its group alone has the group's name; replicates are numbered from 1. */
static int
name_replicate(const struct ss_build *build, const char *group, uint32_t replicate, struct ss_cell *cell)
{
    struct ss_text text = {0};
    ss_text_puts(&text, group);
    if (build->out->replicates > 1)
        ss_text_printf(&text, ".r%u", replicate + 1);
    cell->replicate = replicate;
    cell->name = text.data;
    if (cell->group == NULL)
        cell->group = strdup(group);
    return text.failed || cell->group == NULL ? out_of_memory(build) : 0;
}

/* All replicates of cell number `index` of the matrix: the same but for their seeds. */
static int
build_group(const struct ss_build *build, const struct ss_matrix *matrix, const struct ss_node *root, size_t index)
{
    struct ss_experiment *out = build->out;
    struct ss_cell *first = &out->cells[out->cell_count];
    struct ss_node *tree = ss_matrix_tree(matrix, root, index);
    int rc = tree != NULL ? 0 : out_of_memory(build);
    for (uint32_t i = 0; rc == 0 && i < out->replicates; i++) {
        struct ss_cell *cell = &first[i];
        rc = label_cell(build, matrix, index, cell);
        if (rc == 0 && i == 0)
            rc = name_cell(build, cell);
        out->cell_count++;
        if (rc == 0)
            rc = name_replicate(build, first->group, i, cell);
        if (rc == 0)
            rc = ss_cell_build(build, tree, cell);
    }
    ss_node_free(tree);
    return rc;
}

/* What lies under an axis may be used by no cell at all; a misspelt key in it is a mistake all the same. */
static int
check_underneath(const struct ss_build *build, const struct ss_node *root, const struct ss_key *key)
{
    const struct ss_node *node = ss_node_get(root, key->name);
    if (node == NULL)
        return 0;
    if (key->kind != 0)
        return ss_use_check_names(build, node, key);
    if (strcmp(key->name, "cluster") == 0)
        return ss_table_check_names(&ss_cluster_table, node, NULL, build->err);
    if (strcmp(key->name, "engine") == 0)
        return ss_table_check_names(&ss_engine_table, node, NULL, build->err);
    return 0; /* the other maps are in every cell */
}

static int
build_cells(const struct ss_build *build, const struct ss_node *root)
{
    struct ss_matrix matrix;
    int rc = ss_matrix_read(build, root, &matrix);
    for (size_t i = 0; rc == 0 && i < matrix.axis_count; i++)
        rc = check_underneath(build, root, matrix.axes[i].key);
    if (rc == 0)
        rc = ss_matrix_check_sets(build, &matrix, root);
    if (rc == 0)
        rc = copy_axes(build, &matrix);
    size_t cells = matrix.cell_count * build->out->replicates;
    if (rc == 0 && (build->out->cells = calloc(cells, sizeof *build->out->cells)) == NULL)
        rc = out_of_memory(build);
    for (size_t i = 0; rc == 0 && i < matrix.cell_count; i++)
        rc = build_group(build, &matrix, root, i);
    ss_matrix_free(&matrix);
    if (rc == 0)
        build->out->seed = build->out->cells[0].seed;
    return rc;
}

/* ---- the whole ---- */

int
ss_experiment_build(struct ss_experiment *out, const struct ss_node *root, const char *base_dir,
                    const struct ss_lookup *lookup, struct servsim_error *err)
{
    memset(out, 0, sizeof *out);
    struct servsim_error unheard;
    struct ss_build build = {out, lookup, base_dir, ss_node_get(root, "report"), err != NULL ? err : &unheard};
    int rc = check_keys(&build, root);
    if (rc == 0)
        rc = check_version(&build, root);
    if (rc == 0)
        rc = build_names(&build, root);
    if (rc == 0)
        rc = build_timeout(&build, root);
    if (rc == 0)
        rc = build_replicates(&build, root);
    if (rc == 0)
        rc = build_reports(&build, root);
    if (rc == 0)
        rc = build_cells(&build, root);
    if (rc != 0)
        ss_experiment_free(out);
    return rc;
}

static char *
folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(file, slash == file ? 1 : (size_t)(slash - file));
}

int
ss_experiment_read(struct ss_experiment *out, const char *file, const char *const *sets, size_t set_count,
                   const struct ss_lookup *lookup, struct servsim_error *err)
{
    struct ss_node *root;
    memset(out, 0, sizeof *out);
    int rc = ss_node_read_file(&root, file, err);
    for (size_t i = 0; rc == 0 && i < set_count; i++)
        rc = ss_node_apply_set(root, sets[i], err);
    char *folder = rc == 0 ? folder_of(file) : NULL;
    if (rc == 0 && folder == NULL)
        rc = servsim_fail(err, ENOMEM, "out of memory");
    if (rc == 0)
        rc = ss_experiment_build(out, root, folder, lookup, err);
    free(folder);
    ss_node_free(root);
    return rc;
}

void
ss_experiment_free(struct ss_experiment *experiment)
{
    for (size_t i = 0; i < experiment->cell_count; i++)
        ss_cell_free(&experiment->cells[i]);
    for (size_t i = 0; i < experiment->report_count; i++)
        ss_use_free(&experiment->reports[i]);
    for (size_t i = 0; i < experiment->axis_count; i++) {
        for (size_t j = 0; j < experiment->axes[i].value_count; j++)
            free(experiment->axes[i].values[j]);
        free(experiment->axes[i].values);
        free(experiment->axes[i].name);
    }
    free(experiment->cells);
    free(experiment->reports);
    free(experiment->axes);
    free(experiment->name);
    free(experiment->file);
    free(experiment->output);
    memset(experiment, 0, sizeof *experiment);
}
