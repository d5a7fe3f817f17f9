/*
 * experiment/resolved.c - one cell written out as a complete experiment: every default stated, every path absolute, so
 * that reading it again gives the same cell wherever it is read.
 */
#include "base/text.h"
#include "experiment/build.h"
#include "experiment/keys.h"
#include "plugin/units.h"

static void
put_quoted(struct ss_text *text, const char *string)
{
    ss_text_puts(text, "\"");
    for (; *string != '\0'; string++) {
        if (*string == '"' || *string == '\\')
            ss_text_puts(text, "\\");
        ss_text_add(text, string, 1);
    }
    ss_text_puts(text, "\"");
}

static void
put_value(struct ss_text *text, const struct servsim_option *row, const struct servsim_value *value)
{
    char number[32];
    switch (row->type) {
    case SERVSIM_OPTION_INTEGER:
        ss_text_printf(text, "%lld", (long long)value->integer);
        break;
    case SERVSIM_OPTION_NUMBER:
        ss_number_format(number, value->number);
        ss_text_puts(text, number);
        break;
    case SERVSIM_OPTION_FLAG:
        ss_text_puts(text, value->integer ? "true" : "false");
        break;
    case SERVSIM_OPTION_LIST:
        for (uint32_t i = 0; i < value->list_count; i++) {
            ss_number_format(number, value->list[i]);
            ss_text_printf(text, "%s%s", i > 0 ? ", " : "[", number);
        }
        ss_text_puts(text, "]");
        break;
    default:
        put_quoted(text, value->text);
    }
}

/* A plugin named by its path goes by that path, made absolute. */
static void
put_use(struct ss_text *text, const struct ss_node *node, const struct ss_use *use, const char *indent)
{
    const struct servsim_plugin *plugin = use->plugin->descriptor;
    const struct ss_node *named = node != NULL && node->type == SS_NODE_MAP ? ss_node_get(node, "plugin") : node;
    int by_path = named != NULL && named->type == SS_NODE_SCALAR && strchr(named->text, '/') != NULL;
    char what[128];
    struct ss_table table = ss_table_of(plugin, what);
    ss_text_puts(text, "plugin: ");
    put_quoted(text, by_path ? use->plugin->path : plugin->name);
    ss_text_puts(text, "\n");
    for (uint32_t i = 0; i < use->options.count; i++) {
        if (!use->options.values[i].present)
            continue;
        ss_text_printf(text, "%s%s: ", indent, use->options.values[i].name);
        put_value(text, ss_table_row(&table, i), &use->options.values[i]);
        ss_text_puts(text, "\n");
    }
}

static void
put_use_at(struct ss_text *text, const struct ss_node *tree, const char *key, const struct ss_use *use)
{
    ss_text_printf(text, "%s:\n  ", key);
    put_use(text, ss_node_get(tree, key), use, "  ");
}

static void
put_time(struct ss_text *text, const char *before, ss_time time, const char *behind)
{
    char written[64];
    ss_duration_format(written, time);
    ss_text_printf(text, "%s%s%s", before, written, behind);
}

static void
put_model(struct ss_text *text, const struct ss_node *tree, const struct ss_cell *cell)
{
    const struct ss_node *node = ss_node_get(tree, "model");
    const struct ss_node *name = node != NULL && node->type == SS_NODE_MAP ? ss_node_get(node, "name") : node;
    const char *written = name != NULL ? name->text : ss_key_of("model")->preset;
    size_t length = strlen(written);
    int by_path = strchr(written, '/') != NULL || (length > 5 && strcmp(written + length - 5, ".json") == 0);
    ss_text_puts(text, "model:\n  name: ");
    put_quoted(text, by_path ? cell->model.path : written);
    const char *dtype = ss_dtype_name(cell->model.dtype);
    if (dtype != NULL)
        ss_text_printf(text, "\n  dtype: %s", dtype);
    if (cell->model.asked_weights != 0)
        ss_text_printf(text, "\n  weights: %s", ss_dtype_name(cell->model.asked_weights));
    ss_text_printf(text, "\n  max_model_len: %u\n", cell->max_model_len);
}

static void
put_name(struct ss_text *text, const struct ss_experiment *experiment, const struct ss_cell *cell)
{
    struct ss_text name = {0};
    if (strlen(experiment->name) + 1 + strlen(cell->name) <= SS_NAME_LIMIT)
        ss_text_printf(&name, "%s%s", experiment->name, cell->label_count > 0 ? "-" : "");
    if (cell->label_count > 0 || name.length == 0)
        ss_text_puts(&name, cell->name);
    ss_text_puts(text, "servsim: 1\nname: ");
    if (name.failed)
        text->failed = 1;
    else
        put_quoted(text, name.data);
    ss_text_printf(text, "\nseed: %llu\n", (unsigned long long)cell->seed);
    ss_text_free(&name);
}

static void
put_reports(struct ss_text *text, const struct ss_experiment *experiment, const struct ss_node *reports)
{
    ss_text_puts(text, experiment->report_count > 0 ? "report:\n" : "report: []\n");
    for (size_t i = 0; i < experiment->report_count; i++) {
        const struct ss_node *node = reports != NULL && reports->type == SS_NODE_LIST ? reports->children[i] : reports;
        ss_text_puts(text, "  - ");
        put_use(text, node, &experiment->reports[i], "    ");
    }
    ss_text_puts(text, "output: ");
    put_quoted(text, experiment->output);
    ss_text_puts(text, "\n");
}

/* Only what was written: the rest is the device's. */
static void
put_nodes(struct ss_text *text, const struct ss_cell *cell)
{
    char number[32];
    if (cell->gpus_per_node > 0)
        ss_text_printf(text, ", gpus_per_node: %u", cell->gpus_per_node);
    if (cell->interconnect_bytes_per_s > 0) {
        ss_number_format(number, cell->interconnect_bytes_per_s);
        ss_text_printf(text, ", interconnect.bandwidth: %s", number);
    }
    if (cell->interconnect_latency_us > 0) {
        ss_number_format(number, cell->interconnect_latency_us);
        ss_text_printf(text, ", interconnect.latency: %s", number);
    }
}

static void
put_prefill(struct ss_text *text, const struct ss_cell *cell)
{
    char number[32];
    if (cell->prefill_replicas == 0)
        return;
    ss_text_printf(text, ", prefill_replicas: %u", cell->prefill_replicas);
    if (cell->transfer_bytes_per_s > 0) {
        ss_number_format(number, cell->transfer_bytes_per_s);
        ss_text_printf(text, ", kv_transfer.bandwidth: %s", number);
    }
    ss_number_format(number, (double)cell->transfer_latency_ps / 1e6);
    ss_text_printf(text, ", kv_transfer.latency: %s", number);
}

static void
put_cluster(struct ss_text *text, const struct ss_cell *cell)
{
    char number[32];
    ss_text_printf(text, "cluster: {gpus: %u, tp: %u, pp: %u, dp: %u, ep: %u", cell->gpus, cell->tp, cell->pp, cell->dp,
                   cell->ep);
    put_nodes(text, cell);
    put_prefill(text, cell);
    ss_text_puts(text, "}\n");
    ss_number_format(number, cell->memory_utilization);
    ss_text_printf(text, "kv_cache: {block_size: %u, memory_utilization: %s, prefix_caching: %s", cell->block_size,
                   number, cell->prefix_caching ? "true" : "false");
    if (cell->model.kv_dtype != 0)
        ss_text_printf(text, ", dtype: %s", ss_dtype_name(cell->model.kv_dtype));
    if (cell->kv_blocks > 0)
        ss_text_printf(text, ", blocks: %llu", (unsigned long long)cell->kv_blocks);
    ss_number_format(number, cell->swap_space_bytes);
    ss_text_printf(text, ", swap_space: %s", number);
    ss_number_format(number, cell->swap_bytes_per_s);
    ss_text_printf(text, ", swap_bandwidth: %s", number);
    ss_text_puts(text, "}\nengine: {name: ");
    put_quoted(text, cell->overhead.name);
    ss_overhead_put(text, &cell->overhead);
    ss_text_puts(text, "}\n");
}

static void
put_limits(struct ss_text *text, const struct ss_cell *cell)
{
    if (cell->slo_ttft_ps >= 0 || cell->slo_tpot_ps >= 0)
        ss_text_puts(text, "slo:\n");
    if (cell->slo_ttft_ps >= 0)
        put_time(text, "  ttft: ", cell->slo_ttft_ps, "\n");
    if (cell->slo_tpot_ps >= 0)
        put_time(text, "  tpot: ", cell->slo_tpot_ps, "\n");
    if (cell->stop_after != SS_NEVER)
        put_time(text, "stop_after: ", cell->stop_after, "\n");
}

#define LOAD_LINE "  load: "
#define LOAD_SCALE_LINE "  load_scale: "

static void
put_load(struct ss_text *text, const struct ss_cell *cell)
{
    char number[32];
    double value = cell->load_scale > 0 ? cell->load_scale : cell->load;
    if (value <= 0)
        return;
    ss_number_format(number, value);
    ss_text_printf(text, "%s%s\n", cell->load_scale > 0 ? LOAD_SCALE_LINE : LOAD_LINE, number);
}

int
ss_cell_set_load_scale(struct ss_cell *cell, double scale)
{
    struct ss_text text = {0};
    const char *line = strstr(cell->resolved, "\n" LOAD_LINE);
    cell->load_scale = scale;
    if (line == NULL)
        return 0;
    ss_text_add(&text, cell->resolved, (size_t)(line + 1 - cell->resolved));
    put_load(&text, cell);
    ss_text_puts(&text, strchr(line + 1, '\n') + 1);
    if (text.failed) {
        ss_text_free(&text);
        return -ENOMEM;
    }
    free(cell->resolved);
    cell->resolved = text.data;
    return 0;
}

static void
put_history(struct ss_text *text, const struct ss_cell *cell)
{
    if (cell->history_requests > 0)
        ss_text_printf(text, "  history: %llu\n", (unsigned long long)cell->history_requests);
    if (cell->history_span > 0)
        put_time(text, "  history_span: ", cell->history_span, "\n");
}

static void
put_predictor(struct ss_text *text, const struct ss_node *tree, const struct ss_cell *cell)
{
    if (cell->predictor.plugin == NULL)
        return;
    put_use_at(text, tree, "predictor", &cell->predictor);
    put_time(text, "  interval: ", cell->predictor_interval_ps, "\n");
}

char *
ss_cell_resolve(const struct ss_build *build, const struct ss_node *tree, const struct ss_cell *cell)
{
    struct ss_text text = {0};
    put_name(&text, build->out, cell);
    put_model(&text, tree, cell);
    put_use_at(&text, tree, "hardware", &cell->hardware);
    put_cluster(&text, cell);
    put_use_at(&text, tree, "router", &cell->router);
    put_use_at(&text, tree, "scheduler", &cell->scheduler);
    ss_text_printf(&text, "  max_num_seqs: %u\n  max_num_batched_tokens: %u\n", cell->max_num_seqs,
                   cell->max_num_batched_tokens);
    put_use_at(&text, tree, "workload", &cell->workload);
    put_load(&text, cell);
    put_history(&text, cell);
    put_predictor(&text, tree, cell);
    ss_failures_put(&text, &cell->failures);
    put_limits(&text, cell);
    put_reports(&text, build->out, build->report_nodes);
    if (text.failed)
        ss_text_free(&text);
    return text.data;
}
