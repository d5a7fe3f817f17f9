/*
 * report/csv - results.csv: one row per cell, every figure of its summary in a column; groups.csv: one row per
 * configuration, the means over its replicates with their 95 % intervals; and replicas.csv: one row per replica of each
 * cell.
 *
 * Nested figures are joined by '_' (ttft_ms_p99), the units stay in the names. The columns that every summary has come
 * first and are always there, also when no cell was finished; anything that a summary has beside them follows in order
 * of first appearance. Empty means that there is no value. RFC 4180, but lines end with a newline alone.
 */
#include <math.h>

#include "report/common/number.h"
#include "report/common/results.h"
#include "report/common/text.h"

/* What a summary holds, in the order of the columns. */
static const char *const known[] = {
    "requests_total",
    "requests_finished",
    "requests_rejected",
    "requests_failed",
    "requests_unfinished",
    "trace_rows_failed",
    "simulated_s",
    "output_tokens",
    "prompt_tokens",
    "output_tokens_per_s",
    "prompt_tokens_per_s",
    "arrivals_per_s",
    "requests_per_s",
    "ttft_ms_mean",
    "ttft_ms_p50",
    "ttft_ms_p90",
    "ttft_ms_p95",
    "ttft_ms_p99",
    "ttft_ms_max",
    "tpot_ms_mean",
    "tpot_ms_p50",
    "tpot_ms_p90",
    "tpot_ms_p95",
    "tpot_ms_p99",
    "tpot_ms_max",
    "itl_ms_mean",
    "itl_ms_p50",
    "itl_ms_p90",
    "itl_ms_p95",
    "itl_ms_p99",
    "itl_ms_max",
    "latency_ms_mean",
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p95",
    "latency_ms_p99",
    "latency_ms_max",
    "queue_ms_mean",
    "queue_ms_p50",
    "queue_ms_p90",
    "queue_ms_p95",
    "queue_ms_p99",
    "queue_ms_max",
    "slo_met_requests",
    "slo_attainment",
    "goodput_requests_per_s",
    "preemptions",
    "prefill_tokens_computed",
    "recomputed_tokens",
    "swapped_out_blocks",
    "swapped_in_blocks",
    "pauses",
    "cached_tokens",
    "prefix_hit_rate",
    "kv_evictions",
    "requests_in_system_mean",
    "waiting_mean",
    "running_mean",
    "kv_blocks_total",
    "kv_blocks_peak",
    "kv_usage_peak",
    "busy_fraction",
    "output_tokens_per_s_per_gpu",
    "mfu",
    "bandwidth_utilisation",
    "decode_batch_mean",
    "busy_share_dense",
    "busy_share_attention",
    "busy_share_communication",
    "busy_share_overhead",
    "busy_share_swap",
    "jain_index_busy",
    "device_name",
    "peak_flops",
    "memory_bytes_per_s",
    "price_usd_per_hour",
};

static const char *const about_cell[] = {
    "status",     "reason", "model", "hardware",  "engine", "scheduler", "router",       "workload",
    "gpus",       "tp",     "pp",    "dp",        "ep",     "replicas",  "max_num_seqs", "max_num_batched_tokens",
    "block_size", "seed",   "load",  "load_scale"};

static const char *const of_replica[] = {"replica",       "requests", "output_tokens",  "busy_s",
                                         "busy_fraction", "idle_s",   "kv_blocks_peak", "preemptions"};

struct columns {
    char **names;
    size_t count;
};

static int
add_column(struct columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return 0;
    char **names = realloc(columns->names, (columns->count + 1) * sizeof(char *));
    if (names == NULL)
        return -ENOMEM;
    columns->names = names;
    names[columns->count] = strdup(name);
    return names[columns->count++] != NULL ? 0 : -ENOMEM;
}

static void
free_columns(struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        free(columns->names[i]);
    free(columns->names);
}

/* Collects the flattened names of a summary, or, with `values`, the value for each column. Lists are left out. */
static int
flatten(struct columns *columns, const json_t **values, const json_t *object, const char *prefix)
{
    const char *key;
    json_t *child;
    int status = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, child)
    {
        struct rp_text name = {0};
        rp_printf(&name, "%s%s%s", prefix, prefix[0] != '\0' ? "_" : "", key);
        if (name.failed)
            return -ENOMEM;
        if (json_is_object(child) && strlen(prefix) < 200)
            status = flatten(columns, values, child, name.data);
        else if (values == NULL && !json_is_array(child) && !json_is_null(child))
            status = add_column(columns, name.data);
        for (size_t i = 0; values != NULL && i < columns->count; i++)
            if (strcmp(columns->names[i], name.data) == 0)
                values[i] = child;
        rp_text_free(&name);
        if (status != 0)
            return status;
    }
    return 0;
}

static void
write_text(struct rp_text *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        rp_puts(out, text);
        return;
    }
    rp_puts(out, "\"");
    for (; *text != '\0'; text++)
        rp_add(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    rp_puts(out, "\"");
}

static void
write_value(struct rp_text *out, const json_t *value)
{
    if (json_is_string(value))
        write_text(out, json_string_value(value));
    else if (json_is_integer(value))
        rp_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        rp_puts(out, rp_exact(json_real_value(value)).text);
    else if (json_is_boolean(value))
        rp_puts(out, json_is_true(value) ? "1" : "0");
}

static void
write_axes(struct rp_text *out, const struct rp_results *results)
{
    for (size_t a = 0; a < results->axis_count; a++) {
        struct rp_text name = {0};
        rp_printf(&name, ",axis_%s", results->axes[a].name);
        rp_add(out, ",", 1);
        if (!name.failed)
            write_text(out, name.data + 1);
        out->failed |= name.failed;
        rp_text_free(&name);
    }
}

static void
write_labels(struct rp_text *out, const struct rp_results *results, const struct rp_cell *cell)
{
    for (size_t a = 0; a < results->axis_count; a++) {
        rp_add(out, ",", 1);
        if (cell->values[a] != RP_NONE)
            write_text(out, results->axes[a].values[cell->values[a]]);
    }
}

static void
write_header(struct rp_text *out, const struct rp_results *results, const struct columns *columns)
{
    rp_puts(out, "cell");
    write_axes(out, results);
    for (size_t i = 0; i < sizeof about_cell / sizeof about_cell[0]; i++)
        rp_printf(out, ",%s", about_cell[i]);
    rp_puts(out, ",slo_ttft_ms,slo_tpot_ms");
    for (size_t i = 0; i < columns->count; i++) {
        rp_add(out, ",", 1);
        write_text(out, columns->names[i]);
    }
    rp_puts(out, "\n");
}

static void
write_row(struct rp_text *out, const struct rp_results *results, const struct rp_cell *cell,
          const struct columns *columns)
{
    write_text(out, cell->name);
    write_labels(out, results, cell);
    for (size_t i = 0; i < sizeof about_cell / sizeof about_cell[0]; i++) {
        rp_add(out, ",", 1);
        write_value(out, json_object_get(cell->json, about_cell[i]));
    }
    const json_t *slo = json_object_get(cell->json, "slo");
    rp_add(out, ",", 1);
    write_value(out, json_object_get(slo, "ttft_ms"));
    rp_add(out, ",", 1);
    write_value(out, json_object_get(slo, "tpot_ms"));
    const json_t **values = calloc(columns->count + 1, sizeof(json_t *));
    if (values == NULL || flatten((struct columns *)(uintptr_t)columns, values, cell->summary, "") != 0)
        out->failed = 1;
    for (size_t i = 0; values != NULL && i < columns->count; i++) {
        rp_add(out, ",", 1);
        write_value(out, values[i]);
    }
    free(values);
    rp_puts(out, "\n");
}

/* The summary's own columns, but not those that the cell's description gives already. */
static int
collect_columns(struct columns *columns, const struct rp_results *results)
{
    struct columns all = {0};
    int status = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0] && status == 0; i++)
        status = add_column(columns, known[i]);
    for (size_t i = 0; i < results->count && status == 0; i++)
        status = flatten(&all, NULL, results->cells[i].summary, "");
    for (size_t i = 0; i < all.count && status == 0; i++) {
        int described = 0;
        for (size_t k = 0; k < sizeof about_cell / sizeof about_cell[0]; k++)
            described |= strcmp(all.names[i], about_cell[k]) == 0;
        if (!described)
            status = add_column(columns, all.names[i]);
    }
    free_columns(&all);
    return status;
}

static int
write_file(const struct servsim_report_input *input, const char *name, const struct rp_text *text,
           struct servsim_error *err)
{
    char *path = rp_join(input->output_dir, name);
    if (path == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory to write %s", input->output_dir, name);
    int status = rp_file_write(path, text, err);
    free(path);
    return status;
}

static int
write_cells(const struct servsim_report_input *input, const struct rp_results *results, struct servsim_error *err)
{
    struct columns columns = {0};
    struct rp_text text = {0};
    text.failed = collect_columns(&columns, results) != 0;
    write_header(&text, results, &columns);
    for (size_t i = 0; i < results->count; i++)
        write_row(&text, results, &results->cells[i], &columns);
    free_columns(&columns);
    int status = write_file(input, "results.csv", &text, err);
    rp_text_free(&text);
    return status;
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static void
write_number(struct rp_text *out, double value)
{
    rp_add(out, ",", 1);
    if (isfinite(value))
        rp_puts(out, rp_exact(value).text);
}

/* The figure of the flattened name: "ttft_ms" and "p99" of "ttft_ms_p99". */
static struct rp_spread
spread_of(const struct rp_cell *group, const char *name)
{
    for (const char *at = strchr(name, '_'); at != NULL; at = strchr(at + 1, '_')) {
        char outer[200];
        (void)snprintf(outer, sizeof outer, "%.*s", (int)(at - name), name);
        if (isfinite(rp_figure(group, outer, at + 1)))
            return rp_figure_spread(group, outer, at + 1);
    }
    return rp_figure_spread(group, name, NULL);
}

static int
is_figure(const struct rp_results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++)
        if (spread_of(&results->cells[i], name).n > 0)
            return 1;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i], name) == 0)
            return strcmp(name, "device_name") != 0;
    return 0;
}

/* The columns that hold numbers. */
static int
collect_figures(struct columns *columns, const struct rp_results *results)
{
    struct columns all = {0};
    int status = collect_columns(&all, results);
    for (size_t i = 0; i < all.count && status == 0; i++)
        if (is_figure(results, all.names[i]))
            status = add_column(columns, all.names[i]);
    free_columns(&all);
    return status;
}

static void
write_group(struct rp_text *out, const struct rp_results *results, const struct rp_cell *group,
            const struct columns *columns)
{
    write_text(out, group->group);
    write_labels(out, results, group);
    rp_printf(out, ",%zu,%zu", rp_member_count(group), rp_members_done(group));
    for (size_t i = 2; i < sizeof about_cell / sizeof about_cell[0]; i++) {
        if (strcmp(about_cell[i], "seed") == 0)
            continue;
        rp_add(out, ",", 1);
        write_value(out, json_object_get(group->json, about_cell[i]));
    }
    for (size_t i = 0; i < columns->count; i++) {
        struct rp_spread spread = spread_of(group, columns->names[i]);
        write_number(out, spread.mean);
        write_number(out, spread.mean - spread.half);
        write_number(out, spread.mean + spread.half);
    }
    rp_puts(out, "\n");
}

static void
write_figure_names(struct rp_text *out, const char *name)
{
    static const char *const endings[] = {"", "_ci95_low", "_ci95_high"};
    for (size_t i = 0; i < 3; i++) {
        char whole[256];
        (void)snprintf(whole, sizeof whole, "%.230s%s", name, endings[i]);
        rp_add(out, ",", 1);
        write_text(out, whole);
    }
}

static int
write_groups(const struct servsim_report_input *input, struct rp_results *results, struct servsim_error *err)
{
    struct columns columns = {0};
    struct rp_text text = {0};
    int status = rp_results_fold(results, err);
    if (status != 0)
        return status;
    text.failed = collect_figures(&columns, results) != 0;
    rp_puts(&text, "group");
    write_axes(&text, results);
    rp_puts(&text, ",cells,cells_done");
    for (size_t i = 2; i < sizeof about_cell / sizeof about_cell[0]; i++)
        if (strcmp(about_cell[i], "seed") != 0)
            rp_printf(&text, ",%s", about_cell[i]);
    for (size_t i = 0; i < columns.count; i++)
        write_figure_names(&text, columns.names[i]);
    rp_puts(&text, "\n");
    for (size_t i = 0; i < results->count; i++)
        write_group(&text, results, &results->cells[i], &columns);
    free_columns(&columns);
    status = write_file(input, "groups.csv", &text, err);
    rp_text_free(&text);
    return status;
}

/* ---- replicas --------------------------------------------------------------------------------------------------- */

static int
write_replicas(const struct servsim_report_input *input, const struct rp_results *results, struct servsim_error *err)
{
    struct rp_text text = {0};
    rp_puts(&text, "cell");
    for (size_t i = 0; i < sizeof of_replica / sizeof of_replica[0]; i++)
        rp_printf(&text, ",%s", of_replica[i]);
    rp_puts(&text, "\n");
    for (size_t c = 0; c < results->count; c++) {
        const json_t *list = json_object_get(results->cells[c].summary, "per_replica"), *replica;
        size_t index;
        json_array_foreach(list, index, replica)
        {
            write_text(&text, results->cells[c].name);
            for (size_t i = 0; i < sizeof of_replica / sizeof of_replica[0]; i++) {
                rp_add(&text, ",", 1);
                write_value(&text, json_object_get(replica, of_replica[i]));
            }
            rp_puts(&text, "\n");
        }
    }
    int status = write_file(input, "replicas.csv", &text, err);
    rp_text_free(&text);
    return status;
}

static int32_t
render(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    struct rp_results results;
    int status = rp_results_read(&results, input->results_path, err);
    if (status != 0)
        return status;
    status = write_cells(input, &results, err);
    if (status == 0)
        status = write_replicas(input, &results, err);
    if (status == 0)
        status = write_groups(input, &results, err);
    rp_results_free(&results);
    return status;
}

static const struct servsim_report_ops ops = {.size = sizeof ops, .render = render};

static const struct servsim_plugin csv_plugin = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_REPORT),
    .name = "csv",
    .version = "1.1",
    .summary = "results.csv: a row per cell, a column per figure; groups.csv: means over replicates; replicas.csv",
    .licence = "Apache-2.0",
    .page =
        "The labels of the matrix are the columns axis_NAME. Figures keep the names of summary.json, parts joined by "
        "an underscore: ttft_ms_p99. In groups.csv, a row is one configuration: the mean of each figure over its "
        "replicates, and the 95 % interval of that mean in FIGURE_ci95_low and _high. An empty field means that there "
        "is no value: the cell failed, or nothing "
        "finished.",
    .create = servsim_create_nothing,
    .destroy = servsim_destroy_nothing,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(csv_plugin)
