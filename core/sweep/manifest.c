/*
 * sweep/manifest.c - experiment.json: what was run, and what became of each cell. No wall-clock time stands in it: it
 * is compared byte for byte between runs.
 */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/text.h"
#include "servsim/version.h"
#include "sweep/sweep.h"

static void
put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static json_t *
milliseconds(int64_t ps)
{
    return ps < 0 ? json_null() : json_real((double)ps / 1e9);
}

static json_t *
name_of(const struct ss_use *use)
{
    return json_string(use->plugin->descriptor->name);
}

static void
put_layout(json_t *object, const struct ss_cell *cell)
{
    const struct {
        const char *name;
        uint32_t value;
    } counts[] = {
        {"gpus", cell->gpus},
        {"tp", cell->tp},
        {"pp", cell->pp},
        {"dp", cell->dp},
        {"ep", cell->ep},
        {"replicas", cell->replicas},
        {"max_num_seqs", cell->max_num_seqs},
        {"max_num_batched_tokens", cell->max_num_batched_tokens},
        {"block_size", cell->block_size},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        put(object, counts[i].name, json_integer(counts[i].value));
}

static json_t *
cell_json(const struct ss_cell *cell, const struct ss_outcome *outcome)
{
    json_t *object = json_object(), *labels = json_object(), *slo = json_object();
    int done = outcome->state == SS_CELL_DONE;
    char dir[512];
    (void)snprintf(dir, sizeof dir, "cells/%s", cell->name);
    for (size_t i = 0; i < cell->label_count; i++)
        put(labels, cell->labels[i].axis, json_string(cell->labels[i].value));
    put(object, "name", json_string(cell->name));
    put(object, "group", json_string(cell->group));
    put(object, "replicate", json_integer(cell->replicate));
    put(object, "labels", labels);
    put(object, "status", json_string(done ? "done" : "failed"));
    put(object, "reason", done ? json_null() : json_string(outcome->reason));
    put(object, "dir", json_string(dir));
    put(object, "model", json_string(cell->model.name));
    put(object, "hardware", name_of(&cell->hardware));
    put(object, "scheduler", name_of(&cell->scheduler));
    put(object, "router", name_of(&cell->router));
    put(object, "workload", name_of(&cell->workload));
    put(object, "predictor", cell->predictor.plugin != NULL ? name_of(&cell->predictor) : json_null());
    put(object, "engine", json_string(cell->overhead.name));
    put_layout(object, cell);
    put(object, "seed", json_integer((json_int_t)cell->seed));
    put(object, "load", cell->load > 0 ? json_real(cell->load) : json_null());
    put(object, "load_scale", cell->load_scale > 0 ? json_real(cell->load_scale) : json_null());
    put(slo, "ttft_ms", milliseconds(cell->slo_ttft_ps));
    put(slo, "tpot_ms", milliseconds(cell->slo_tpot_ps));
    put(object, "slo", slo);
    return object;
}

static json_t *
axis_json(const struct ss_axis *axis)
{
    json_t *values = json_array();
    for (size_t i = 0; i < axis->value_count; i++)
        (void)json_array_append_new(values, json_string(axis->values[i]));
    json_t *object = json_object();
    put(object, "name", json_string(axis->name));
    put(object, "values", values);
    return object;
}

static json_t *
manifest_json(const struct ss_experiment *experiment, const struct ss_outcome *outcomes)
{
    char abi[32];
    json_t *object = json_object(), *axes = json_array(), *cells = json_array();
    (void)snprintf(abi, sizeof abi, "%u.%u", SERVSIM_ABI_MAJOR, SERVSIM_ABI_MINOR);
    put(object, "servsim_results", json_integer(1));
    put(object, "name", json_string(experiment->name));
    put(object, "seed", json_integer((json_int_t)experiment->seed));
    put(object, "servsim_version", json_string(SERVSIM_VERSION));
    put(object, "abi", json_string(abi));
    put(object, "replicates", json_integer(experiment->replicates));
    for (size_t i = 0; i < experiment->axis_count; i++)
        (void)json_array_append_new(axes, axis_json(&experiment->axes[i]));
    for (size_t i = 0; i < experiment->cell_count; i++)
        if (outcomes[i].state != SS_CELL_LEFT_OUT)
            (void)json_array_append_new(cells, cell_json(&experiment->cells[i], &outcomes[i]));
    put(object, "axes", axes);
    put(object, "cells", cells);
    return object;
}

int
ss_manifest_write(const struct ss_experiment *experiment, const struct ss_outcome *outcomes, const char *path,
                  struct servsim_error *err)
{
    json_t *object = manifest_json(experiment, outcomes);
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (text == NULL)
        return servsim_fail(err, ENOMEM, "no memory for %s", path);
    int rc = ss_file_write(path, text, strlen(text), err);
    free(text);
    return rc;
}
