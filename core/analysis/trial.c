/*
 * analysis/trial.c - opens results on disk. Nothing of them is trusted: every JSON value is checked for its type, and a
 * cell's folder must lie inside the results.
 */
#include "analysis/trial.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "plugin/units.h"

#define LARGEST_JSON ((size_t)256 << 20)
#define MOST_CELLS 100000u

static int
is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static char *
joined(const char *folder, const char *rest)
{
    struct ss_text text = {0};
    ss_text_printf(&text, "%s/%s", folder, rest);
    return text.data;
}

static int
read_json(json_t **out, const char *path, struct servsim_error *err)
{
    char *data = NULL;
    size_t length = 0;
    json_error_t problem;
    *out = NULL;
    int rc = ss_file_read(path, LARGEST_JSON, &data, &length, err);
    if (rc != 0)
        return rc;
    *out = json_loadb(data, length, JSON_REJECT_DUPLICATES, &problem);
    free(data);
    if (json_is_object(*out))
        return 0;
    if (*out != NULL) {
        json_decref(*out);
        *out = NULL;
        return servsim_fail(err, EINVAL, "%s: not a JSON object; run the experiment again", path);
    }
    return servsim_fail(err, EINVAL, "%s:%d: not a whole JSON document: %s; run the experiment again", path,
                        problem.line, problem.text);
}

static char *
copy_of(const char *text)
{
    return strdup(text != NULL ? text : "");
}

static double
number_at(const json_t *object, const char *a, const char *b)
{
    const json_t *value = json_object_get(object, a);
    if (b != NULL)
        value = json_object_get(value, b);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static uint32_t
count_at(const json_t *object, const char *key)
{
    double value = number_at(object, key, NULL);
    return value >= 1 && value <= 1e9 ? (uint32_t)value : 0;
}

/* ---- one run ---- */

static const struct ss_node *
setting(const struct ss_trial *trial, const char *a, const char *b)
{
    const struct ss_node *node = trial->configuration;
    node = node != NULL && node->type == SS_NODE_MAP ? ss_node_get(node, a) : NULL;
    if (b == NULL || node == NULL)
        return node;
    return node->type == SS_NODE_MAP ? ss_node_get(node, b) : NULL;
}

const char *
ss_trial_setting(const struct ss_trial *trial, const char *a, const char *b)
{
    const struct ss_node *node = setting(trial, a, b);
    return node != NULL && node->type == SS_NODE_SCALAR ? node->text : NULL;
}

double
ss_trial_figure(const struct ss_trial *trial, const char *a, const char *b)
{
    return trial->summary != NULL ? number_at(trial->summary, a, b) : NAN;
}

/* run.json holds the resolved configuration as text. It may be missing: then the run is less well known. */
static int
read_configuration(struct ss_trial *trial, const char *path, struct servsim_error *err)
{
    json_t *run = NULL;
    if (!is_file(path))
        return 0;
    int rc = read_json(&run, path, err);
    if (rc != 0)
        return rc;
    const char *text = json_string_value(json_object_get(run, "configuration"));
    if (text != NULL)
        rc = ss_node_parse(&trial->configuration, text, strlen(text), trial->requests, err);
    json_decref(run);
    return rc;
}

static uint32_t
count_setting(const struct ss_trial *trial, const char *a, const char *b)
{
    const char *text = ss_trial_setting(trial, a, b);
    struct servsim_error ignored = {.size = sizeof ignored};
    int64_t value = 0;
    if (text == NULL || ss_integer_parse(text, "", &value, &ignored) != 0 || value < 1 || value > UINT32_MAX)
        return 0;
    return (uint32_t)value;
}

static double
limit_setting(const struct ss_trial *trial, const char *name)
{
    const char *text = ss_trial_setting(trial, "slo", name);
    struct servsim_error ignored = {.size = sizeof ignored};
    ss_time ps = 0;
    if (text == NULL || ss_duration_parse(text, "s", &ps, &ignored) != 0)
        return NAN;
    return (double)ps / 1e9;
}

/* What a requests.csv alone cannot say is taken from the configuration. */
static void
identify_by_configuration(struct ss_trial *trial)
{
    trial->model = copy_of(ss_trial_setting(trial, "model", "name"));
    trial->hardware = copy_of(ss_trial_setting(trial, "hardware", "plugin"));
    trial->scheduler = copy_of(ss_trial_setting(trial, "scheduler", "plugin"));
    trial->router = copy_of(ss_trial_setting(trial, "router", "plugin"));
    trial->workload = copy_of(ss_trial_setting(trial, "workload", "plugin"));
    trial->gpus = count_setting(trial, "cluster", "gpus");
    trial->tp = count_setting(trial, "cluster", "tp");
    trial->pp = count_setting(trial, "cluster", "pp");
    trial->block_size = count_setting(trial, "kv_cache", "block_size");
    double replicas = ss_trial_figure(trial, "replicas", NULL);
    trial->replicas = replicas >= 1 && replicas < 1e9 ? (uint32_t)replicas : 0;
    trial->slo_ttft_ms = limit_setting(trial, "ttft");
    trial->slo_tpot_ms = limit_setting(trial, "tpot");
}

static void
identify_by_manifest(struct ss_trial *trial)
{
    const json_t *cell = trial->cell, *replicate = json_object_get(cell, "replicate");
    const char *group = json_string_value(json_object_get(cell, "group"));
    trial->model = copy_of(json_string_value(json_object_get(cell, "model")));
    trial->hardware = copy_of(json_string_value(json_object_get(cell, "hardware")));
    trial->scheduler = copy_of(json_string_value(json_object_get(cell, "scheduler")));
    trial->router = copy_of(json_string_value(json_object_get(cell, "router")));
    trial->workload = copy_of(json_string_value(json_object_get(cell, "workload")));
    trial->gpus = count_at(cell, "gpus");
    trial->tp = count_at(cell, "tp");
    trial->pp = count_at(cell, "pp");
    trial->replicas = count_at(cell, "replicas");
    trial->block_size = count_at(cell, "block_size");
    trial->slo_ttft_ms = number_at(cell, "slo", "ttft_ms");
    trial->slo_tpot_ms = number_at(cell, "slo", "tpot_ms");
    trial->replicate = json_is_integer(replicate) && group != NULL ? json_integer_value(replicate) : -1;
    trial->group = copy_of(trial->replicate >= 0 ? group : trial->name);
}

static int
finish_trial(struct ss_trial *trial, const char *summary, const char *run, struct servsim_error *err)
{
    int rc = 0;
    if (trial->requests == NULL || summary == NULL || run == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the names of results");
    if (is_file(summary))
        rc = read_json(&trial->summary, summary, err);
    if (rc == 0)
        rc = read_configuration(trial, run, err);
    if (rc != 0)
        return rc;
    if (trial->cell != NULL)
        identify_by_manifest(trial);
    else
        identify_by_configuration(trial);
    if (trial->group == NULL)
        trial->group = copy_of(trial->name);
    if (trial->series != NULL && !is_file(trial->series)) {
        free(trial->series);
        trial->series = NULL;
    }
    if (trial->name == NULL || trial->group == NULL || trial->model == NULL || trial->hardware == NULL ||
        trial->scheduler == NULL || trial->router == NULL || trial->workload == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the names of results");
    return 0;
}

static int
open_in_folder(struct ss_trial *trial, const char *folder, struct servsim_error *err)
{
    trial->requests = joined(folder, "requests.csv");
    trial->series = joined(folder, "series.csv");
    char *summary = joined(folder, "summary.json"), *run = joined(folder, "run.json");
    int rc = finish_trial(trial, summary, run, err);
    free(summary);
    free(run);
    return rc;
}

/* R.csv with R.summary.json and R.run.json beside it, as `simulate` leaves them. */
static int
open_beside(struct ss_trial *trial, const char *path, struct servsim_error *err)
{
    size_t stem = strlen(path);
    struct ss_text summary = {0}, run = {0}, series = {0};
    if (stem > 4 && strcmp(path + stem - 4, ".csv") == 0)
        stem -= 4;
    ss_text_printf(&summary, "%.*s.summary.json", (int)stem, path);
    ss_text_printf(&run, "%.*s.run.json", (int)stem, path);
    ss_text_printf(&series, "%.*s.series.csv", (int)stem, path);
    trial->requests = strdup(path);
    trial->series = series.data;
    int rc = finish_trial(trial, summary.data, run.data, err);
    ss_text_free(&summary);
    ss_text_free(&run);
    return rc;
}

static int
open_file(struct ss_trials *out, const char *path, const char *name, struct servsim_error *err)
{
    static const char usual[] = "requests.csv";
    size_t length = strlen(path), ending = sizeof usual - 1;
    out->items = calloc(1, sizeof *out->items);
    if (out->items == NULL)
        return servsim_fail(err, ENOMEM, "no memory for %s", path);
    out->count = 1;
    struct ss_trial *trial = &out->items[0];
    trial->name = strdup(name);
    trial->replicate = -1;
    int in_folder = length >= ending && strcmp(path + length - ending, usual) == 0 &&
                    (length == ending || path[length - ending - 1] == '/');
    if (!in_folder)
        return open_beside(trial, path, err);
    struct ss_text folder = {0};
    ss_text_printf(&folder, "%.*s", (int)(length > ending ? length - ending - 1 : 0), path);
    if (length <= ending)
        ss_text_puts(&folder, ".");
    int rc = folder.failed ? servsim_fail(err, ENOMEM, "no memory for %s", path)
                           : open_in_folder(trial, folder.data[0] != '\0' ? folder.data : "/", err);
    ss_text_free(&folder);
    return rc;
}

/* ---- an experiment ---- */

/* A relative path without "..": results must not point out of their own folder. */
static int
is_inside(const char *dir)
{
    if (dir == NULL || dir[0] == '\0' || dir[0] == '/')
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
open_cell(struct ss_trials *out, json_t *cell, size_t index, struct servsim_error *err)
{
    const char *name = json_string_value(json_object_get(cell, "name"));
    const char *status = json_string_value(json_object_get(cell, "status"));
    const char *dir = json_string_value(json_object_get(cell, "dir"));
    if (name == NULL || status == NULL || !is_inside(dir))
        return servsim_fail(err, EINVAL,
                            "%s/experiment.json: cells[%zu] needs a name, a status and a dir inside the "
                            "results; run the experiment again",
                            out->path, index);
    if (strcmp(status, "done") != 0) {
        out->left_out++;
        return 0;
    }
    struct ss_trial *trial = &out->items[out->count++];
    trial->name = strdup(name);
    trial->cell = cell;
    char *folder = joined(out->path, dir);
    int rc = folder != NULL && trial->name != NULL ? open_in_folder(trial, folder, err)
                                                   : servsim_fail(err, ENOMEM, "no memory for %s", out->path);
    free(folder);
    return rc;
}

static int
open_folder(struct ss_trials *out, const char *manifest, struct servsim_error *err)
{
    int rc = read_json(&out->manifest, manifest, err);
    if (rc != 0)
        return rc;
    json_t *cells = json_object_get(out->manifest, "cells");
    size_t count = json_array_size(cells);
    if (count == 0 || count > MOST_CELLS)
        return servsim_fail(err, EINVAL, "%s: no list of cells in there; write the output folder of servsim run",
                            manifest);
    out->items = calloc(count, sizeof *out->items);
    if (out->items == NULL)
        return servsim_fail(err, ENOMEM, "no memory for %s", manifest);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = open_cell(out, json_array_get(cells, i), i, err);
    if (rc == 0 && out->count == 0)
        rc = servsim_fail(err, EINVAL, "%s: none of its %zu cells is done; run the experiment again", out->path, count);
    return rc;
}

static int
open_any(struct ss_trials *out, const char *path, struct servsim_error *err)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return servsim_fail(err, errno, "%s: %s; write the output folder of a finished experiment, or a requests.csv",
                            path, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return open_file(out, path, path, err);
    char *manifest = joined(path, "experiment.json"), *requests = joined(path, "requests.csv");
    int rc;
    if (manifest == NULL || requests == NULL)
        rc = servsim_fail(err, ENOMEM, "no memory for %s", path);
    else if (is_file(manifest))
        rc = open_folder(out, manifest, err);
    else if (is_file(requests))
        rc = open_file(out, requests, path, err);
    else
        rc = servsim_fail(err, ENOENT,
                          "%s: no experiment.json in there; write the output folder of a finished experiment, or a "
                          "requests.csv",
                          path);
    free(manifest);
    free(requests);
    return rc;
}

int
ss_trials_open(struct ss_trials *out, const char *path, struct servsim_error *err)
{
    *out = (struct ss_trials){.path = strdup(path)};
    int rc = out->path != NULL ? open_any(out, path, err) : servsim_fail(err, ENOMEM, "no memory for %s", path);
    if (rc != 0)
        ss_trials_free(out);
    return rc;
}

void
ss_trials_free(struct ss_trials *trials)
{
    for (size_t i = 0; i < trials->count; i++) {
        struct ss_trial *trial = &trials->items[i];
        char *texts[] = {trial->name,     trial->requests,  trial->series, trial->group,   trial->model,
                         trial->hardware, trial->scheduler, trial->router, trial->workload};
        ss_trial_unload(trial);
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
            free(texts[t]);
        json_decref(trial->summary);
        ss_node_free(trial->configuration);
    }
    free(trials->items);
    json_decref(trials->manifest);
    free(trials->path);
    *trials = (struct ss_trials){0};
}

struct ss_trial *
ss_trials_find(const struct ss_trials *trials, const char *name, struct servsim_error *err)
{
    const char **names = calloc(trials->count + 1, sizeof *names);
    struct ss_trial *found = NULL;
    for (size_t i = 0; i < trials->count; i++) {
        if (strcmp(trials->items[i].name, name) == 0)
            found = &trials->items[i];
        if (names != NULL)
            names[i] = trials->items[i].name;
    }
    if (found == NULL) {
        const char *nearest = names != NULL ? ss_nearest(name, names, trials->count) : NULL;
        (void)servsim_fail(err, EINVAL, "%s: no finished cell '%s'; write --cell %s", trials->path, name,
                           nearest != NULL ? nearest : trials->items[0].name);
    }
    free(names);
    return found;
}

int
ss_trial_load(struct ss_trial *trial, struct servsim_error *err)
{
    if (trial->samples.count > 0)
        return 0;
    int rc = ss_samples_read(&trial->samples, trial->requests, err);
    if (rc == 0 && trial->series != NULL)
        rc = ss_bins_read(&trial->bins, trial->series, err);
    if (rc != 0)
        ss_trial_unload(trial);
    return rc;
}

void
ss_trial_unload(struct ss_trial *trial)
{
    ss_samples_free(&trial->samples);
    ss_bins_free(&trial->bins);
}
