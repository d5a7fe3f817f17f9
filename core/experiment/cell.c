/*
 * experiment/cell.c - one cell from its tree: every key checked, nothing left to chance.
 */
#include "experiment/build.h"
#include "experiment/keys.h"
#include "plugin/units.h"

/* A scalar at the top of an experiment. Absent: NULL in *text. */
static int
scalar_of(const struct ss_build *build, const struct ss_node *tree, const char *key, const char **text)
{
    const struct ss_node *node = ss_node_get(tree, key);
    *text = NULL;
    if (node == NULL)
        return 0;
    if (node->type != SS_NODE_SCALAR)
        return ss_node_fail(node, build->err, EINVAL, "%s takes one value, not a %s", key,
                            node->type == SS_NODE_LIST ? "list" : "map");
    *text = node->text;
    return 0;
}

static int
fail_value(const struct ss_build *build, const struct ss_node *tree, const char *key, const struct servsim_error *why)
{
    return ss_node_fail(ss_node_get(tree, key), build->err, EINVAL, "%s: %s", key, why->text);
}

static int
build_seed(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    const char *text;
    int64_t seed = 0;
    struct servsim_error why = {.size = sizeof why};
    int rc = scalar_of(build, tree, "seed", &text);
    if (rc != 0)
        return rc;
    if (ss_integer_parse(text != NULL ? text : ss_key_of("seed")->preset, "", &seed, &why) != 0)
        return fail_value(build, tree, "seed", &why);
    if (seed < 0)
        return ss_node_fail(ss_node_get(tree, "seed"), build->err, EINVAL, "seed: %s is negative; write 0 or more",
                            text);
    cell->seed = (uint64_t)seed + cell->replicate;
    return 0;
}

static int
build_stop(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    const char *text;
    struct servsim_error why = {.size = sizeof why};
    int rc = scalar_of(build, tree, "stop_after", &text);
    cell->stop_after = SS_NEVER;
    if (rc != 0 || text == NULL)
        return rc;
    if (ss_duration_parse(text, "s", &cell->stop_after, &why) != 0)
        return fail_value(build, tree, "stop_after", &why);
    if (cell->stop_after <= 0)
        return ss_node_fail(ss_node_get(tree, "stop_after"), build->err, EINVAL,
                            "stop_after: '%.60s' leaves no time; write a time above 0, as 60s", text);
    return 0;
}

/* ---- the model ---- */

static int
find_model(const struct ss_build *build, const struct ss_node *place, const char *name, struct ss_model *model)
{
    struct servsim_error why = {.size = sizeof why};
    int rc = ss_model_find(model, name, build->base_dir, build->lookup->models_dir, &why);
    if (rc != 0)
        return ss_node_fail(place, build->err, -rc, "%s", why.text);
    char *path = ss_path_absolute(NULL, model->path);
    if (path == NULL)
        return servsim_fail(build->err, ENOMEM, "out of memory");
    rc = strlen(path) < sizeof model->path
             ? 0
             : ss_node_fail(place, build->err, ENAMETOOLONG, "the path of this model is longer than %zu bytes",
                            sizeof model->path - 1);
    if (rc == 0)
        strcpy(model->path, path);
    free(path);
    return rc;
}

static int
apply_model_options(const struct ss_build *build, const struct ss_node *node, const struct ss_options *options,
                    struct ss_cell *cell)
{
    const struct servsim_value *dtype = ss_options_get(options, "dtype");
    const struct servsim_value *weights = ss_options_get(options, "weights");
    const struct servsim_value *length = ss_options_get(options, "max_model_len");
    if (dtype->present)
        cell->model.dtype = ss_dtype_of(dtype->text);
    if (weights->present)
        ss_model_set_weights(&cell->model, ss_dtype_of(weights->text));
    cell->max_model_len = cell->model.max_positions;
    if (!length->present)
        return 0;
    if (length->integer > (int64_t)cell->model.max_positions)
        return ss_node_fail(ss_node_get(node, "max_model_len"), build->err, EINVAL,
                            "max_model_len: %lld is above the %u positions of %.90s; write at most that many",
                            (long long)length->integer, cell->model.max_positions, cell->model.name);
    cell->max_model_len = (uint32_t)length->integer;
    return 0;
}

static int
build_model(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    const struct ss_node *node = ss_node_get(tree, "model");
    struct ss_options options;
    if (node != NULL && node->type == SS_NODE_LIST)
        return ss_node_fail(node, build->err, EINVAL,
                            "model takes one name; for several, write a matrix: {model: [...]}");
    if (node == NULL || node->type == SS_NODE_SCALAR) {
        int rc = find_model(build, node != NULL ? node : tree, node != NULL ? node->text : ss_key_of("model")->preset,
                            &cell->model);
        cell->max_model_len = cell->model.max_positions;
        return rc;
    }
    int rc = ss_map_bind(build, tree, "model", &ss_model_table, &options);
    if (rc != 0)
        return rc;
    const struct ss_node *name = ss_node_get(node, "name");
    rc = find_model(build, name != NULL ? name : node, ss_options_get(&options, "name")->text, &cell->model);
    if (rc == 0)
        rc = apply_model_options(build, node, &options, cell);
    ss_options_free(&options);
    return rc;
}

/* ---- scheduler limits, KV cache, SLO ---- */

static int
build_limits(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    struct ss_options options;
    int rc = ss_host_keys_bind(build, tree, "scheduler", SERVSIM_KIND_SCHEDULER, &options);
    if (rc != 0)
        return rc;
    cell->max_num_seqs = (uint32_t)ss_options_get(&options, "max_num_seqs")->integer;
    cell->max_num_batched_tokens = (uint32_t)ss_options_get(&options, "max_num_batched_tokens")->integer;
    ss_options_free(&options);
    if (cell->max_num_batched_tokens >= cell->max_num_seqs)
        return 0;
    const struct ss_node *map = ss_node_get(tree, "scheduler");
    const struct ss_node *place = ss_node_get(map, "max_num_batched_tokens");
    return ss_node_fail(place != NULL ? place : map, build->err, EINVAL,
                        "max_num_batched_tokens: %u is below max_num_seqs: %u, so that not every running request could "
                        "get its token; write max_num_batched_tokens: %u or more",
                        cell->max_num_batched_tokens, cell->max_num_seqs, cell->max_num_seqs);
}

/* A duration exactly as written, not through the table's double: the table has checked its form and its bounds. */
static int64_t
written_ps(const struct ss_node *map, const char *key, const char *unit, int64_t missing)
{
    const struct ss_node *node = map != NULL ? ss_node_get(map, key) : NULL;
    ss_time time;
    return node != NULL && ss_duration_parse(node->text, unit, &time, NULL) == 0 ? (int64_t)time : missing;
}

/* `load` is turned into a load_scale before the first cell starts; a resolved cell states the scale itself. */
static int
build_load(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    struct ss_options options;
    int rc = ss_host_keys_bind(build, tree, "workload", SERVSIM_KIND_WORKLOAD, &options);
    if (rc != 0)
        return rc;
    const struct servsim_value *load = ss_options_get(&options, "load");
    const struct servsim_value *scale = ss_options_get(&options, "load_scale");
    cell->load = load->present ? load->number : 0;
    cell->load_scale = scale->present ? scale->number : 0;
    const struct servsim_value *history = ss_options_get(&options, "history");
    cell->history_requests = history->present ? (uint64_t)history->integer : 0;
    cell->history_span = written_ps(ss_node_get(tree, "workload"), "history_span", "s", 0);
    ss_options_free(&options);
    if (cell->history_requests > 0 && cell->history_span > 0)
        return ss_node_fail(ss_node_get(ss_node_get(tree, "workload"), "history_span"), build->err, EINVAL,
                            "history and history_span are two measures of one thing; write one of the two");
    if (cell->load > 0 && cell->load_scale > 0)
        return ss_node_fail(ss_node_get(ss_node_get(tree, "workload"), "load_scale"), build->err, EINVAL,
                            "load_scale is what load finds; write one of the two");
    return 0;
}

/* None is named unless the experiment says so: `predictor: none` is the way to say that in a matrix. */
static int
build_predictor(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    struct ss_options options;
    const struct ss_node *node = ss_node_get(tree, "predictor");
    if (node == NULL || ss_use_is_none(node))
        return 0;
    int rc = ss_use_build(build, tree, "predictor", &cell->predictor);
    if (rc == 0)
        rc = ss_host_keys_bind(build, tree, "predictor", SERVSIM_KIND_PREDICTOR, &options);
    if (rc != 0)
        return rc;
    int64_t preset = (int64_t)(ss_options_get(&options, "interval")->number * 1e12);
    cell->predictor_interval_ps = written_ps(node, "interval", "s", preset);
    ss_options_free(&options);
    return 0;
}

static int
build_kv_cache(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    struct ss_options options;
    int rc = ss_map_bind(build, tree, "kv_cache", &ss_kv_cache_table, &options);
    if (rc != 0)
        return rc;
    cell->block_size = (uint32_t)ss_options_get(&options, "block_size")->integer;
    cell->memory_utilization = ss_options_get(&options, "memory_utilization")->number;
    cell->kv_blocks = (uint64_t)ss_options_get(&options, "blocks")->integer;
    cell->swap_space_bytes = ss_options_get(&options, "swap_space")->number;
    cell->swap_bytes_per_s = ss_options_get(&options, "swap_bandwidth")->number;
    cell->model.kv_dtype = ss_dtype_of(ss_options_get(&options, "dtype")->text); /* auto is none: 0 */
    cell->prefix_caching = ss_options_get(&options, "prefix_caching")->integer != 0;
    ss_options_free(&options);
    return 0;
}

static int
build_slo(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    struct ss_options options;
    const struct ss_node *map = ss_node_get(tree, "slo");
    int rc = ss_map_bind(build, tree, "slo", &ss_slo_table, &options);
    if (rc != 0)
        return rc;
    ss_options_free(&options);
    cell->slo_ttft_ps = written_ps(map, "ttft", "ms", -1);
    cell->slo_tpot_ps = written_ps(map, "tpot", "ms", -1);
    return 0;
}

int
ss_cell_build(const struct ss_build *build, const struct ss_node *tree, struct ss_cell *cell)
{
    static const char *const plugin_keys[] = {"hardware", "router", "scheduler", "workload"};
    struct ss_use *const uses[] = {&cell->hardware, &cell->router, &cell->scheduler, &cell->workload};
    int rc = build_seed(build, tree, cell);
    if (rc == 0)
        rc = build_model(build, tree, cell);
    if (rc == 0)
        rc = ss_layout_build(build, tree, cell);
    for (size_t i = 0; rc == 0 && i < sizeof uses / sizeof uses[0]; i++)
        rc = ss_use_build(build, tree, plugin_keys[i], uses[i]);
    if (rc == 0)
        rc = build_predictor(build, tree, cell);
    if (rc == 0)
        rc = build_limits(build, tree, cell);
    if (rc == 0)
        rc = build_load(build, tree, cell);
    if (rc == 0)
        rc = build_kv_cache(build, tree, cell);
    if (rc == 0)
        rc = ss_overhead_build(build, tree, &cell->overhead);
    if (rc == 0)
        rc = ss_failures_build(build, tree, cell->replicas, &cell->failures);
    if (rc == 0 && cell->prefill_replicas > 0 && (cell->failures.mtbf > 0 || cell->failures.schedule_count > 0))
        rc = ss_node_fail(ss_node_get(tree, "failures"), build->err, EINVAL,
                          "failures: with prefill_replicas no replica dies here; write stragglers alone, or failures: "
                          "none");
    if (rc == 0)
        rc = build_slo(build, tree, cell);
    if (rc == 0)
        rc = build_stop(build, tree, cell);
    if (rc == 0 && (cell->resolved = ss_cell_resolve(build, tree, cell)) == NULL)
        rc = servsim_fail(build->err, ENOMEM, "out of memory");
    return rc;
}

void
ss_cell_free(struct ss_cell *cell)
{
    for (size_t i = 0; i < cell->label_count; i++) {
        free(cell->labels[i].axis);
        free(cell->labels[i].value);
    }
    free(cell->labels);
    free(cell->name);
    free(cell->group);
    free(cell->resolved);
    ss_use_free(&cell->hardware);
    ss_use_free(&cell->router);
    ss_use_free(&cell->scheduler);
    ss_use_free(&cell->workload);
    ss_use_free(&cell->predictor);
    ss_failures_free(&cell->failures);
    memset(cell, 0, sizeof *cell);
}
