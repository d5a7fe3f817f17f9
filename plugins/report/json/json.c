/*
 * report/json - results.json: the manifest of the experiment with every cell's summary in it.
 *
 * Runs before every other report, which all read what it writes. The order of keys and cells is the manifest's, numbers
 * are written with the fewest digits that read back as the same value, and nothing that differs between two equal runs
 * is added, so that two equal experiments give two equal files. The shape is results.schema.json.
 *
 * Behind the cells stand the groups: the replicates of one configuration taken together, every figure of a summary as
 * its mean over them and the 95 % interval of that mean.
 */
#include <math.h>

#include "report/common/number.h"
#include "report/common/results.h"
#include "report/common/text.h"

#define LINE_LIMIT 118u /* an object or a list of plain values that is no longer stays on one line */

static int
is_plain(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static void
write_plain(struct rp_text *out, const json_t *value)
{
    if (json_is_real(value)) {
        struct rp_word number = rp_exact(json_real_value(value));
        rp_puts(out, number.text);
        if (strpbrk(number.text, ".e") == NULL)
            rp_puts(out, ".0"); /* what was no integer does not become one */
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        rp_puts(out, text != NULL ? text : "null");
        out->failed |= text == NULL;
        free(text);
    }
}

static void
write_key(struct rp_text *out, const char *key)
{
    json_t *text = json_string(key);
    write_plain(out, text);
    rp_puts(out, ": ");
    json_decref(text);
}

static void
newline(struct rp_text *out, size_t depth)
{
    rp_puts(out, "\n");
    for (size_t i = 0; i < depth; i++)
        rp_puts(out, "  ");
}

/* Writes the value on one line, if all inside is plain and it fits; otherwise takes it back. */
static int
write_flat(struct rp_text *out, const json_t *value, size_t depth)
{
    size_t before = out->length, index;
    const char *key, *between = "";
    json_t *child;
    rp_puts(out, json_is_object(value) ? "{" : "[");
    json_array_foreach(value, index, child)
    {
        if (!is_plain(child))
            goto undo;
        rp_puts(out, between);
        write_plain(out, child);
        between = ", ";
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        if (!is_plain(child))
            goto undo;
        rp_puts(out, between);
        write_key(out, key);
        write_plain(out, child);
        between = ", ";
    }
    rp_puts(out, json_is_object(value) ? "}" : "]");
    if (2 * depth + out->length - before <= LINE_LIMIT)
        return 1;
undo:
    if (!out->failed)
        out->length = before;
    return 0;
}

static void
write_value(struct rp_text *out, const json_t *value, size_t depth)
{
    if (is_plain(value)) {
        write_plain(out, value);
        return;
    }
    if (write_flat(out, value, depth))
        return;
    size_t index;
    const char *key, *between = "";
    json_t *child;
    rp_puts(out, json_is_object(value) ? "{" : "[");
    json_array_foreach(value, index, child)
    {
        rp_puts(out, between);
        newline(out, depth + 1);
        write_value(out, child, depth + 1);
        between = ",";
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        rp_puts(out, between);
        newline(out, depth + 1);
        write_key(out, key);
        write_value(out, child, depth + 1);
        between = ",";
    }
    newline(out, depth);
    rp_puts(out, json_is_object(value) ? "}" : "]");
}

/* Puts the summary of one cell into it: null unless it is done. */
static int
add_summary(struct rp_cell *cell, struct servsim_error *err)
{
    json_t *summary = NULL;
    if (strcmp(cell->status, "done") == 0) {
        char *path = rp_join(cell->folder, "summary.json");
        if (path == NULL)
            return servsim_fail(err, ENOMEM, "%s: no memory to read its summary", cell->folder);
        int status = rp_json_read(&summary, path, NULL, err);
        if (status == 0 && !json_is_object(summary)) {
            json_decref(summary);
            status = servsim_fail(err, EINVAL, "%s: not an object; run the experiment again", path);
        }
        free(path);
        if (status != 0)
            return status;
    }
    cell->summary = summary;
    cell->done = summary != NULL;
    (void)json_object_del(cell->json, "summary"); /* so that it comes last */
    if (json_object_set_new(cell->json, "summary", summary != NULL ? summary : json_null()) != 0)
        return servsim_fail(err, ENOMEM, "%s: no memory for its summary", cell->folder);
    return 0;
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static json_t *
number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static int
add_figure(json_t *figures, const struct rp_cell *group, const char *a, const char *b)
{
    char name[256];
    struct rp_spread spread = rp_figure_spread(group, a, b);
    (void)snprintf(name, sizeof name, b != NULL ? "%.100s_%.100s" : "%.200s", a, b);
    json_t *figure = json_object();
    int status = json_object_set_new(figure, "mean", number_or_null(spread.mean)) |
                 json_object_set_new(figure, "ci95_low", number_or_null(spread.mean - spread.half)) |
                 json_object_set_new(figure, "ci95_high", number_or_null(spread.mean + spread.half)) |
                 json_object_set_new(figure, "n", json_integer((json_int_t)spread.n));
    return json_object_set_new(figures, name, figure) | status;
}

/* Every number of the summary, flattened as results.csv has them; what is null in all replicates is left out. */
static int
add_figures(json_t *figures, const struct rp_cell *group)
{
    const char *key, *inner_key;
    json_t *value, *inner;
    int status = 0;
    json_object_foreach(group->summary, key, value)
    {
        if (json_is_number(value))
            status |= add_figure(figures, group, key, NULL);
        json_object_foreach(value, inner_key, inner)
        {
            if (json_is_number(inner))
                status |= add_figure(figures, group, key, inner_key);
        }
    }
    return status;
}

static json_t *
group_json(const struct rp_cell *group)
{
    static const char *const shared[] = {"labels",     "model",  "hardware",   "scheduler",    "router",
                                         "workload",   "engine", "gpus",       "tp",           "pp",
                                         "dp",         "ep",     "replicas",   "max_num_seqs", "max_num_batched_tokens",
                                         "block_size", "load",   "load_scale", "slo"};
    json_t *object = json_object(), *cells = json_array(), *figures = json_object();
    int status = json_object_set_new(object, "name", json_string(group->group));
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        json_t *value = json_object_get(group->json, shared[i]);
        if (value != NULL)
            status |= json_object_set(object, shared[i], value);
    }
    for (size_t i = 0; i < rp_member_count(group); i++)
        status |= json_array_append_new(cells, json_string(rp_member(group, i)->name));
    status |= json_object_set_new(object, "cells", cells);
    status |= json_object_set_new(object, "n_done", json_integer((json_int_t)rp_members_done(group)));
    status |= add_figures(figures, group);
    status |= json_object_set_new(object, "figures", figures);
    if (status == 0)
        return object;
    json_decref(object);
    return NULL;
}

static int
add_groups(struct rp_results *results, struct servsim_error *err)
{
    json_t *groups = json_array();
    int status = rp_results_fold(results, err), bad = 0;
    for (size_t i = 0; i < results->count && status == 0; i++)
        bad |= json_array_append_new(groups, group_json(&results->cells[i]));
    (void)json_object_del(results->root, "groups"); /* so that they come last */
    bad |= json_object_set_new(results->root, "groups", groups);
    return status != 0 || bad == 0 ? status : servsim_fail(err, ENOMEM, "%s: no memory for its groups", results->path);
}

static int
write_results(const char *path, const json_t *root, struct servsim_error *err)
{
    struct rp_text text = {0};
    write_value(&text, root, 0);
    rp_puts(&text, "\n");
    int status = rp_file_write(path, &text, err);
    rp_text_free(&text);
    return status;
}

static int32_t
render(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    struct rp_results results = {0};
    char *manifest = rp_join(input->output_dir, "experiment.json");
    if (manifest == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory to read it", input->output_dir);
    int status = rp_results_read(&results, manifest, err);
    free(manifest);
    for (size_t i = 0; i < results.part_count && status == 0; i++)
        status = add_summary(&results.parts[i], err);
    if (status == 0)
        status = add_groups(&results, err);
    if (status == 0)
        status = write_results(input->results_path, results.root, err);
    rp_results_free(&results);
    return status;
}

static const struct servsim_report_ops ops = {.size = sizeof ops, .render = render};

static const struct servsim_plugin json_plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_REPORT),
    .name = "json",
    .version = "1.1",
    .summary = "results.json: every figure of every cell in one document",
    .licence = "Apache-2.0",
    .page = "Joins experiment.json and cells/*/summary.json. The summary of a cell that failed is null. Under groups, "
            "the replicates of each configuration are taken together: mean of every figure, with the 95 % interval of "
            "Student's t (null below two replicates). Numbers are numbers, and NaN never occurs. Every other report "
            "reads this file, so this one always runs first. Its "
            "shape is written down in results.schema.json (JSON Schema, draft 2020-12).",
    .create = servsim_create_nothing,
    .destroy = servsim_destroy_nothing,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(json_plugin)
