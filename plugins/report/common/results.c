/*
 * report/common/results.c - reads and checks results.json.
 */
#include "report/common/results.h"

#include <math.h>

#include "report/common/text.h"

#define LARGEST_JSON ((size_t)256 << 20)
#define MOST_CELLS 100000u

int
rp_json_read(json_t **out, const char *path, uint64_t *fingerprint, struct servsim_error *err)
{
    struct rp_text text = {0};
    int status = rp_file_read(&text, path, LARGEST_JSON, err);
    if (status != 0)
        return status;
    json_error_t problem;
    *out = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &problem);
    if (fingerprint != NULL)
        *fingerprint = rp_fingerprint(text.data, text.length);
    rp_text_free(&text);
    if (*out == NULL)
        return servsim_fail(err, EINVAL, "%s:%d: not a whole JSON document: %s; run the experiment again", path,
                            problem.line, problem.text);
    return 0;
}

double
rp_number_at(const json_t *object, const char *a, const char *b)
{
    const json_t *value = json_object_get(object, a);
    if (b != NULL)
        value = json_object_get(value, b);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *
rp_text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

double
rp_figure(const struct rp_cell *cell, const char *a, const char *b)
{
    return rp_number_at(cell->summary, a, b);
}

/* A count that must be a whole number from 1, when it is there at all. */
static int
read_count(double *out, const json_t *json, const char *key, const char *path, size_t index, struct servsim_error *err)
{
    *out = rp_number_at(json, key, NULL);
    if (json_object_get(json, key) == NULL)
        *out = 1;
    if (*out >= 1 && *out <= 1e9 && *out == floor(*out))
        return 0;
    return servsim_fail(err, EINVAL, "%s: cells[%zu].%s must be a whole number from 1", path, index, key);
}

/* A relative path without ".." and without an empty part: a result must not point out of its own folder. */
static int
is_inside(const char *dir)
{
    if (dir[0] == '\0' || dir[0] == '/')
        return 0;
    for (const char *part = dir; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && part[0] == '.' && part[1] == '.'))
            return 0;
    }
    return 1;
}

static int
read_shape(struct rp_cell *cell, const char *path, size_t index, struct servsim_error *err)
{
    const struct {
        const char *key;
        double *out;
    } counts[] = {{"gpus", &cell->gpus}, {"tp", &cell->tp}, {"pp", &cell->pp},
                  {"dp", &cell->dp},     {"ep", &cell->ep}, {"replicas", &cell->replicas}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int status = read_count(counts[i].out, cell->json, counts[i].key, path, index, err);
        if (status != 0)
            return status;
    }
    cell->max_num_seqs = rp_number_at(cell->json, "max_num_seqs", NULL);
    cell->max_num_batched_tokens = rp_number_at(cell->json, "max_num_batched_tokens", NULL);
    cell->block_size = rp_number_at(cell->json, "block_size", NULL);
    cell->seed = rp_number_at(cell->json, "seed", NULL);
    cell->slo_ttft_ms = rp_number_at(cell->json, "slo", "ttft_ms");
    cell->slo_tpot_ms = rp_number_at(cell->json, "slo", "tpot_ms");
    cell->load = rp_number_at(cell->json, "load", NULL);
    cell->load_scale = rp_number_at(cell->json, "load_scale", NULL);
    return 0;
}

static int
read_cell(struct rp_results *out, json_t *json, size_t index, struct servsim_error *err)
{
    struct rp_cell *cell = &out->parts[index];
    cell->json = json;
    cell->name = rp_text_at(json, "name");
    cell->status = rp_text_at(json, "status");
    cell->reason = rp_text_at(json, "reason");
    cell->dir = rp_text_at(json, "dir");
    cell->model = rp_text_at(json, "model");
    cell->hardware = rp_text_at(json, "hardware");
    cell->scheduler = rp_text_at(json, "scheduler");
    cell->router = rp_text_at(json, "router");
    cell->workload = rp_text_at(json, "workload");
    cell->engine = rp_text_at(json, "engine");
    cell->group = rp_text_at(json, "group");
    if (cell->group[0] == '\0')
        cell->group = cell->name;
    if (cell->name[0] == '\0' || cell->status[0] == '\0')
        return servsim_fail(err, EINVAL, "%s: cells[%zu] needs a name and a status", out->path, index);
    if (!is_inside(cell->dir))
        return servsim_fail(err, EINVAL, "%s: cells[%zu].dir must be a folder inside the results", out->path, index);
    cell->folder = rp_join(out->folder, cell->dir);
    cell->values = calloc(out->axis_count + 1, sizeof *cell->values);
    if (cell->folder == NULL || cell->values == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory for its cells", out->path);
    json_t *summary = json_object_get(json, "summary");
    if (summary != NULL && !json_is_null(summary) && !json_is_object(summary))
        return servsim_fail(err, EINVAL, "%s: cells[%zu].summary must be an object or null", out->path, index);
    cell->done = strcmp(cell->status, "done") == 0 && json_is_object(summary);
    cell->summary = cell->done ? summary : NULL;
    return read_shape(cell, out->path, index, err);
}

/* Number of `value` in the axis, added when it is new there. RP_NONE without memory. */
static size_t
axis_value(struct rp_axis *axis, const char *value)
{
    for (size_t i = 0; i < axis->count; i++)
        if (strcmp(axis->values[i], value) == 0)
            return i;
    const char **values = realloc(axis->values, (axis->count + 1) * sizeof *values);
    if (values == NULL)
        return RP_NONE;
    axis->values = values;
    values[axis->count] = value;
    return axis->count++;
}

static void
read_labels(struct rp_results *out)
{
    for (size_t i = 0; i < out->part_count; i++) {
        const json_t *labels = json_object_get(out->parts[i].json, "labels");
        for (size_t a = 0; a < out->axis_count; a++) {
            const char *value = json_string_value(json_object_get(labels, out->axes[a].name));
            out->parts[i].values[a] = value != NULL ? axis_value(&out->axes[a], value) : RP_NONE;
        }
    }
}

static int
read_axes(struct rp_results *out, struct servsim_error *err)
{
    const json_t *axes = json_object_get(out->root, "axes");
    if (axes != NULL && !json_is_array(axes))
        return servsim_fail(err, EINVAL, "%s: axes must be a list", out->path);
    out->axes = calloc(json_array_size(axes) + 1, sizeof *out->axes);
    if (out->axes == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory for its axes", out->path);
    for (size_t i = 0; i < json_array_size(axes); i++) {
        out->axes[i].name = rp_text_at(json_array_get(axes, i), "name");
        if (out->axes[i].name[0] == '\0')
            return servsim_fail(err, EINVAL, "%s: axes[%zu] needs a name", out->path, i);
        out->axis_count++;
    }
    return 0;
}

static int
read_cells(struct rp_results *out, struct servsim_error *err)
{
    const json_t *cells = json_object_get(out->root, "cells");
    if (!json_is_array(cells))
        return servsim_fail(err, EINVAL, "%s: cells must be a list", out->path);
    if (json_array_size(cells) > MOST_CELLS)
        return servsim_fail(err, EINVAL, "%s: more than %u cells", out->path, MOST_CELLS);
    out->parts = calloc(json_array_size(cells) + 1, sizeof *out->parts);
    if (out->parts == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory for its cells", out->path);
    for (size_t i = 0; i < json_array_size(cells); i++) {
        out->part_count++;
        int status = read_cell(out, json_array_get(cells, i), i, err);
        if (status != 0)
            return status;
    }
    read_labels(out);
    out->cells = out->parts;
    out->count = out->part_count;
    return 0;
}

static int
read_document(struct rp_results *out, struct servsim_error *err)
{
    const char *path = out->path;
    if (!json_is_object(out->root) || json_integer_value(json_object_get(out->root, "servsim_results")) != 1)
        return servsim_fail(err, EINVAL, "%s: not servsim results of version 1 (\"servsim_results\": 1 is missing)",
                            path);
    out->name = rp_text_at(out->root, "name");
    out->version = rp_text_at(out->root, "servsim_version");
    out->abi = rp_text_at(out->root, "abi");
    out->seed = rp_number_at(out->root, "seed", NULL);
    int status = read_axes(out, err);
    return status != 0 ? status : read_cells(out, err);
}

int
rp_results_of(struct rp_results *out, json_t *root, const char *path, struct servsim_error *err)
{
    *out = (struct rp_results){.root = root, .name = "", .version = "", .abi = ""};
    const char *slash = strrchr(path, '/');
    out->path = strdup(path);
    out->folder = slash != NULL ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    int status = out->path == NULL || out->folder == NULL ? servsim_fail(err, ENOMEM, "%s: no memory to read it", path)
                                                          : read_document(out, err);
    if (status != 0)
        rp_results_free(out);
    return status;
}

int
rp_results_read(struct rp_results *out, const char *path, struct servsim_error *err)
{
    json_t *root = NULL;
    uint64_t fingerprint = 0;
    int status = rp_json_read(&root, path, &fingerprint, err);
    if (status == 0)
        status = rp_results_of(out, root, path, err);
    if (status == 0)
        out->fingerprint = fingerprint;
    return status;
}

int
rp_results_read_runs(struct rp_results *results, struct servsim_error *err)
{
    for (size_t i = 0; i < results->part_count; i++) {
        struct rp_cell *cell = &results->parts[i];
        char *path = rp_join(cell->folder, "run.json");
        if (path == NULL)
            return servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
        int status = cell->run == NULL ? rp_json_read(&cell->run, path, NULL, err) : 0;
        free(path);
        if (status != 0 && status != -ENOENT && status != -ENOTDIR)
            return status;
    }
    return 0;
}

/* What folding made. A folded cell borrows all but its summary and its list from its replicates. */
static void
free_folded(struct rp_results *results)
{
    if (!rp_is_folded(results))
        return;
    for (size_t i = 0; i < results->count; i++) {
        json_decref(results->cells[i].summary);
        free(results->cells[i].members);
    }
    free(results->cells);
}

void
rp_results_free(struct rp_results *results)
{
    free_folded(results);
    for (size_t i = 0; i < results->part_count; i++) {
        free(results->parts[i].folder);
        free(results->parts[i].values);
        json_decref(results->parts[i].run);
    }
    for (size_t a = 0; results->axes != NULL && a < results->axis_count; a++)
        free(results->axes[a].values);
    free(results->parts);
    free(results->axes);
    free(results->path);
    free(results->folder);
    json_decref(results->root);
    *results = (struct rp_results){0};
}
