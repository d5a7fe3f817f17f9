/*
 * report/markdown/tables.c - the tables and pictures of one traffic.
 */
#include <math.h>

#include "report/markdown/markdown.h"

/* One column of a table over cells: a figure, or a text made by a function. Left out where no cell has a value. */
struct column {
    const char *title, *a, *b;
    uint32_t as;
    int better; /* 1: higher, -1: lower; the best is set in bold; 0: neither */
    void (*text)(struct rp_text *, const struct rp_cell *);
    int rare; /* left out, too, where all of its values are 0 */
};

static void
text_status(struct rp_text *out, const struct rp_cell *cell)
{
    size_t count = rp_member_count(cell);
    if (count > 1)
        rp_printf(out, "%zu of %zu done", rp_members_done(cell), count);
    else
        md_escape(out, cell->status);
}

static void
text_gpus(struct rp_text *out, const struct rp_cell *cell)
{
    char layout[64];
    rp_layout(layout, cell);
    rp_printf(out, "%s (%s)", rp_count(cell->gpus).text, layout);
}

static void
text_finished(struct rp_text *out, const struct rp_cell *cell)
{
    if (cell->done)
        rp_printf(out, "%s / %s", rp_count(rp_total(cell, "requests_finished")).text,
                  rp_count(rp_total(cell, "requests_total")).text);
}

static void
text_wall(struct rp_text *out, const struct rp_cell *cell)
{
    double wall_s = rp_wall_s(cell);
    if (isfinite(wall_s))
        rp_puts(out, rp_human(wall_s).text);
}

static void
text_recomputed(struct rp_text *out, const struct rp_cell *cell)
{
    double share = rp_figure(cell, "recomputed_tokens", NULL) / rp_figure(cell, "prefill_tokens_computed", NULL);
    if (isfinite(share))
        rp_puts(out, rp_percent(share).text);
}

static const struct column main_columns[] = {
    {"Status", NULL, NULL, 0, 0, text_status, 0},
    {"GPUs", NULL, NULL, 0, 0, text_gpus, 0},
    {"Requests finished / total", NULL, NULL, 0, 0, text_finished, 0},
    {"Latency mean (ms)", "latency_ms", "mean", AS_NUMBER, -1, NULL, 0},
    {"Latency P99 (ms)", "latency_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"TTFT mean (ms)", "ttft_ms", "mean", AS_NUMBER, -1, NULL, 0},
    {"TTFT P99 (ms)", "ttft_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"TPOT mean (ms)", "tpot_ms", "mean", AS_NUMBER, -1, NULL, 0},
    {"TPOT P99 (ms)", "tpot_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"Output (tokens/s)", "output_tokens_per_s", NULL, AS_NUMBER, 1, NULL, 0},
    {"Requests/s", "requests_per_s", NULL, AS_NUMBER, 1, NULL, 0},
    {"SLO met", "slo_attainment", NULL, AS_PERCENT, 1, NULL, 0},
    {"Goodput (requests/s)", "goodput_requests_per_s", NULL, AS_NUMBER, 1, NULL, 0},
    {"Simulated (s)", "simulated_s", NULL, AS_NUMBER, 0, NULL, 0},
    {"Wall-clock (s)", NULL, NULL, 0, 0, text_wall, 0},
};

static const struct column tail_columns[] = {
    {"TTFT P50 (ms)", "ttft_ms", "p50", AS_NUMBER, -1, NULL, 0},
    {"TTFT P90 (ms)", "ttft_ms", "p90", AS_NUMBER, -1, NULL, 0},
    {"TTFT P99 (ms)", "ttft_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"TPOT P50 (ms)", "tpot_ms", "p50", AS_NUMBER, -1, NULL, 0},
    {"TPOT P90 (ms)", "tpot_ms", "p90", AS_NUMBER, -1, NULL, 0},
    {"TPOT P99 (ms)", "tpot_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"ITL P99 (ms)", "itl_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"Latency P50 (ms)", "latency_ms", "p50", AS_NUMBER, -1, NULL, 0},
    {"Latency P90 (ms)", "latency_ms", "p90", AS_NUMBER, -1, NULL, 0},
    {"Latency P99 (ms)", "latency_ms", "p99", AS_NUMBER, -1, NULL, 0},
    {"Latency max (ms)", "latency_ms", "max", AS_NUMBER, -1, NULL, 0},
    {"Queue mean (ms)", "queue_ms", "mean", AS_NUMBER, -1, NULL, 0},
    {"Queue P99 (ms)", "queue_ms", "p99", AS_NUMBER, -1, NULL, 0},
};

static const struct column time_columns[] = {
    {"Busy", "busy_fraction", NULL, AS_PERCENT, 0, NULL, 0},
    {"Dense (of busy)", "busy_share", "dense", AS_PERCENT, 0, NULL, 0},
    {"Attention (of busy)", "busy_share", "attention", AS_PERCENT, 0, NULL, 0},
    {"Communication (of busy)", "busy_share", "communication", AS_PERCENT, 0, NULL, 0},
    {"Engine overhead (of busy)", "busy_share", "overhead", AS_PERCENT, 0, NULL, 0},
    {"Swap (of busy)", "busy_share", "swap", AS_PERCENT, 0, NULL, 1},
    {"MFU", "mfu", NULL, AS_PERCENT, 0, NULL, 0},
    {"Memory bandwidth", "bandwidth_utilisation", NULL, AS_PERCENT, 0, NULL, 0},
    {"Decode batch mean (requests)", "decode_batch_mean", NULL, AS_NUMBER, 0, NULL, 0},
};

static const struct column energy_columns[] = {
    {"Per GPU (W)", "energy", "watts_per_gpu", AS_NUMBER, 0, NULL, 0},
    {"Per GPU while busy (W)", "energy", "watts_per_gpu_busy", AS_NUMBER, 0, NULL, 0},
    {"Idle (of the GPUs' energy)", "energy", "idle_share", AS_PERCENT, 0, NULL, 0},
    {"Above the limit (of the power wanted)", "energy", "cut_share", AS_PERCENT, 0, NULL, 0},
    {"Energy (kWh)", "energy", "kwh", AS_NUMBER, 0, NULL, 0},
    {"Per output token (J)", "energy", "joules_per_output_token", AS_NUMBER, -1, NULL, 0},
    {"Per token (J)", "energy", "joules_per_token", AS_NUMBER, 0, NULL, 0},
    {"Rest of the servers (kWh)", "energy", "host_kwh", AS_NUMBER, 0, NULL, 0},
    {"Electricity (USD)", "energy", "usd", AS_NUMBER, 0, NULL, 0},
};

static const struct column role_columns[] = {
    {"Prefill replicas", "disaggregation", "prefill_replicas", AS_COUNT, 0, NULL, 0},
    {"Busy, prefill", "disaggregation", "prefill_busy_fraction", AS_PERCENT, 0, NULL, 0},
    {"Busy, decode", "disaggregation", "decode_busy_fraction", AS_PERCENT, 0, NULL, 0},
    {"Jain's index, prefill", "disaggregation", "jain_index_prefill", AS_NUMBER, 0, NULL, 0},
    {"Jain's index, decode", "disaggregation", "jain_index_decode", AS_NUMBER, 0, NULL, 0},
    {"Wait for the link, mean (ms)", "disaggregation", "transfer_wait_ms_mean", AS_NUMBER, -1, NULL, 0},
    {"On the link, mean (ms)", "disaggregation", "transfer_ms_mean", AS_NUMBER, -1, NULL, 0},
    {"Queue to decode, mean (ms)", "disaggregation", "decode_queue_ms_mean", AS_NUMBER, -1, NULL, 0},
};

static const struct column memory_columns[] = {
    {"KV blocks of a replica", "kv_blocks_total", NULL, AS_COUNT, 0, NULL, 0},
    {"Peak (blocks)", "kv_blocks_peak", NULL, AS_COUNT, 0, NULL, 0},
    {"Peak use", "kv_usage_peak", NULL, AS_PERCENT, 0, NULL, 0},
    {"Preemptions", "preemptions", NULL, AS_COUNT, 0, NULL, 0},
    {"Recomputed (tokens)", "recomputed_tokens", NULL, AS_COUNT, 0, NULL, 0},
    {"Recomputed of all prefill", NULL, NULL, 0, 0, text_recomputed, 0},
    {"Swapped out (blocks)", "swapped_out_blocks", NULL, AS_COUNT, 0, NULL, 1},
    {"Swapped in (blocks)", "swapped_in_blocks", NULL, AS_COUNT, 0, NULL, 1},
    {"Found in the prefix cache (tokens)", "cached_tokens", NULL, AS_COUNT, 0, NULL, 0},
    {"Evicted from it (blocks)", "kv_evictions", NULL, AS_COUNT, 0, NULL, 1},
    {"Running mean (requests)", "running_mean", NULL, AS_NUMBER, 0, NULL, 0},
    {"Waiting mean (requests)", "waiting_mean", NULL, AS_NUMBER, 0, NULL, 0},
};

static int
column_has_value(const struct column *column, const struct rp_group *group)
{
    if (column->text != NULL)
        return 1;
    for (size_t i = 0; i < group->count; i++) {
        double value = rp_figure(group->cells[i], column->a, column->b);
        if (isfinite(value) && !(column->rare && value == 0))
            return 1;
    }
    return 0;
}

/* Whether this cell's text is the best of the column while another's is not: a tie of all is no distinction. */
static int
is_best(const struct column *column, const struct rp_group *group, const struct rp_cell *cell)
{
    if (column->better == 0 || group->mixed)
        return 0;
    const struct rp_cell *best = md_best(group, column->a, column->b, -column->better);
    const struct rp_cell *worst = md_best(group, column->a, column->b, column->better);
    if (best == NULL)
        return 0;
    if (best->members != NULL) /* those that noise does not tell from the best */
        return rp_differ(best, worst, column->a, column->b) && cell->done &&
               !rp_differ(best, cell, column->a, column->b);
    struct rp_word top = md_word(rp_figure(best, column->a, column->b), column->as);
    struct rp_word low = md_word(rp_figure(worst, column->a, column->b), column->as);
    struct rp_word here = md_word(rp_figure(cell, column->a, column->b), column->as);
    return strcmp(top.text, low.text) != 0 && strcmp(top.text, here.text) == 0;
}

static void
put_value(struct md *md, const struct column *column, const struct rp_group *group, const struct rp_cell *cell)
{
    if (column->text != NULL) {
        size_t before = md->out.length;
        column->text(&md->out, cell);
        if (md->out.length == before)
            rp_puts(&md->out, "–");
        return;
    }
    const char *mark = is_best(column, group, cell) ? "**" : "";
    rp_printf(&md->out, "%s%s%s", mark, md_figure(cell, column->a, column->b, column->as).text, mark);
}

static void
put_table(struct md *md, const struct rp_group *group, const struct column *columns, size_t count, int failed_too)
{
    rp_puts(&md->out, "| Configuration |");
    for (size_t c = 0; c < count; c++)
        if (column_has_value(&columns[c], group))
            rp_printf(&md->out, " %s |", columns[c].title);
    rp_puts(&md->out, "\n|---|");
    for (size_t c = 0; c < count; c++)
        if (column_has_value(&columns[c], group))
            rp_puts(&md->out, columns[c].text == text_status || columns[c].text == text_gpus ? "---|" : "---:|");
    rp_puts(&md->out, "\n");
    for (size_t i = 0; i < group->count; i++) {
        if (!group->cells[i]->done && !failed_too)
            continue;
        rp_puts(&md->out, "| ");
        md_label(md, group->cells[i]);
        rp_puts(&md->out, " |");
        for (size_t c = 0; c < count; c++)
            if (column_has_value(&columns[c], group)) {
                rp_puts(&md->out, " ");
                put_value(md, &columns[c], group, group->cells[i]);
                rp_puts(&md->out, " |");
            }
        rp_puts(&md->out, "\n");
    }
    rp_puts(&md->out, "\n");
}

#define PUT_TABLE(md, group, columns, failed_too)                                                                      \
    put_table(md, group, columns, sizeof(columns) / sizeof((columns)[0]), failed_too)

/* ---- pictures --------------------------------------------------------------------------------------------------- */

void
md_pictures(struct md *md, const struct rp_group *group, const char *kind)
{
    const json_t *chart;
    size_t index;
    json_array_foreach(json_object_get(md->plots, "charts"), index, chart)
    {
        const char *name = rp_text_at(chart, "name");
        int svg = json_is_true(json_object_get(chart, "svg")), png = json_is_true(json_object_get(chart, "png"));
        char slug[65];
        rp_slug(slug, name);
        if (strcmp(rp_text_at(chart, "kind"), kind) != 0 || strcmp(rp_text_at(chart, "group"), group->title) != 0 ||
            (!svg && !png) || strspn(name, slug) != strlen(name))
            continue;
        rp_puts(&md->out, "![");
        md_escape(&md->out, rp_text_at(chart, "title"));
        rp_printf(&md->out, "](plots/%s.%s)\n\n", name, svg ? "svg" : "png");
        if (strcmp(kind, "timeline") != 0) {
            rp_puts(&md->out, "*");
            md_escape(&md->out, rp_text_at(chart, "caption"));
            rp_puts(&md->out, "*\n\n");
        }
    }
}

/* ---- scaling ---------------------------------------------------------------------------------------------------- */

static void
put_scaling_row(struct md *md, const struct rp_cell *base, const struct rp_cell *cell)
{
    char layout[64];
    rp_layout(layout, cell);
    struct rp_spread speed_up = rp_figure_ratio(cell, base, "output_tokens_per_s", NULL), efficiency = speed_up;
    struct rp_spread slower = rp_figure_ratio(cell, base, "latency_ms", "mean");
    efficiency.mean *= base->gpus / cell->gpus;
    efficiency.half *= base->gpus / cell->gpus;
    rp_printf(&md->out, "| %s | %s | %s | %s | %s |", rp_count(cell->gpus).text, layout,
              md_figure(cell, "output_tokens_per_s", NULL, AS_NUMBER).text, md_spread(&speed_up, AS_TIMES).text,
              md_spread(&efficiency, AS_PERCENT).text);
    rp_printf(&md->out, " %s | %s | %s | %s | %s | %s |\n",
              md_figure(cell, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text,
              md_figure(cell, "latency_ms", "mean", AS_NUMBER).text, md_spread(&slower, AS_TIMES).text,
              md_figure(cell, "latency_ms", "p99", AS_NUMBER).text,
              md_figure(cell, "busy_fraction", NULL, AS_PERCENT).text,
              md_figure(cell, "busy_share", "communication", AS_PERCENT).text);
}

static void
put_scaling(struct md *md, const struct rp_group *group)
{
    if (group->series_count == 0 || !(md_sum(group, "output_tokens") > 0))
        return;
    rp_puts(&md->out, "### Scaling with GPUs\n\nAgainst the smallest configuration of each series.\n\n");
    for (size_t s = 0; s < group->series_count; s++) {
        const struct rp_series *series = &group->series[s];
        if (series->count < 2)
            continue;
        if (series->label[0] != '\0' && group->series_count > 1) {
            rp_puts(&md->out, "**");
            md_escape(&md->out, series->label);
            rp_puts(&md->out, "**\n\n");
        }
        rp_puts(&md->out,
                "| GPUs | Layout | Output (tokens/s) | Speed-up | Efficiency | Output per GPU (tokens/s) | Latency "
                "mean (ms) | Against smallest | Latency P99 (ms) | Busy | Communication (of busy) |\n"
                "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        for (size_t i = 0; i < series->count; i++)
            put_scaling_row(md, series->cells[0], series->cells[i]);
        rp_puts(&md->out, "\n");
    }
    md_pictures(md, group, "throughput");
    md_pictures(md, group, "latency");
    md_pictures(md, group, "throughput_per_gpu");
    md_pictures(md, group, "execution_time");
    if (md_loss_table(md, group))
        md_pictures(md, group, "loss");
}

/* ---- balance ---------------------------------------------------------------------------------------------------- */

struct range {
    double low, high, sum;
};

static struct range
range_of(const json_t *replicas, const char *key)
{
    struct range range = {INFINITY, -INFINITY, 0};
    const json_t *replica;
    size_t index;
    json_array_foreach(replicas, index, replica)
    {
        double value = rp_number_at(replica, key, NULL);
        range.low = fmin(range.low, value);
        range.high = fmax(range.high, value);
        range.sum += value;
    }
    return range;
}

static void
put_balance(struct md *md, const struct rp_group *group)
{
    int titled = 0;
    for (size_t i = 0; i < group->count; i++) {
        const struct rp_cell *cell = group->cells[i];
        const json_t *replicas = json_object_get(cell->summary, "per_replica");
        /* prefill and decode replicas have a table of their own */
        if (json_array_size(replicas) < 2 || rp_prefill_replicas(cell) > 0)
            continue;
        if (!titled)
            rp_puts(
                &md->out,
                "### Balance between replicas\n\n| Configuration | Replicas | Router | Jain's index of busy time | "
                "Busy "
                "least – most | Requests least – most | Output least – most (tokens) | KV peak least – most (blocks) "
                "|\n|---|---:|---|---:|---:|---:|---:|---:|\n");
        titled = 1;
        struct range busy = range_of(replicas, "busy_fraction"), requests = range_of(replicas, "requests");
        struct range output = range_of(replicas, "output_tokens"), blocks = range_of(replicas, "kv_blocks_peak");
        rp_puts(&md->out, "| ");
        md_label(md, cell);
        rp_printf(&md->out, " | %zu | ", json_array_size(replicas));
        md_escape(&md->out, cell->router);
        rp_printf(&md->out, " | %s | %s – %s |", rp_index(rp_figure(cell, "jain_index_busy", NULL)).text,
                  rp_percent(busy.low).text, rp_percent(busy.high).text);
        rp_printf(&md->out, " %s – %s | %s – %s | %s – %s |\n", rp_count(requests.low).text,
                  rp_count(requests.high).text, rp_count(output.low).text, rp_count(output.high).text,
                  rp_count(blocks.low).text, rp_count(blocks.high).text);
    }
    if (titled)
        rp_puts(&md->out, "\n");
}

/* ---- energy ----------------------------------------------------------------------------------------------------- */

static int
has_energy(const struct rp_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (isfinite(rp_figure(group->cells[i], "energy", "kwh")))
            return 1;
    return 0;
}

static void
put_energy(struct md *md, const struct rp_group *group)
{
    if (!has_energy(group))
        return;
    rp_puts(&md->out, "### Energy\n\n");
    PUT_TABLE(md, group, energy_columns, 0);
    md_pictures(md, group, "energy");
}

/* ---- prefill and decode replicas --------------------------------------------------------------------------------- */

static void
put_roles(struct md *md, const struct rp_group *group)
{
    int apart = 0;
    for (size_t i = 0; i < group->count; i++)
        apart |= rp_prefill_replicas(group->cells[i]) > 0;
    if (!apart)
        return;
    rp_puts(&md->out, "### Prefill and decode on replicas of their own\n\n");
    PUT_TABLE(md, group, role_columns, 0);
}

/* ---- one traffic ------------------------------------------------------------------------------------------------ */

static void
put_completion(struct md *md, const struct rp_group *group)
{
    double total = md_sum(group, "requests_total"), finished = md_sum(group, "requests_finished");
    rp_printf(&md->out, "%zu of %zu cells ran to the end", md_cells(group, 1), md_cells(group, 0));
    if (total > 0) {
        rp_printf(&md->out, "; %s of their %s requests finished (%s)", rp_count(finished).text, rp_count(total).text,
                  rp_percent(finished / total).text);
        const char *keys[] = {"requests_rejected", "requests_failed", "requests_unfinished"};
        const char *words[] = {"rejected", "failed", "unfinished"};
        for (size_t k = 0; k < 3; k++)
            if (md_sum(group, keys[k]) > 0)
                rp_printf(&md->out, ", %s %s", rp_count(md_sum(group, keys[k])).text, words[k]);
    }
    rp_puts(&md->out, group->mixed ? ".\nThe cells served different traffic.\n\n" : ".\n\n");
}

/* At which load: said where it is not the same everywhere, or where it was asked for. */
static void
put_traffic(struct md *md, const struct rp_group *group)
{
    char load[96];
    int asked = 0;
    for (size_t i = 0; i < md->results.count; i++)
        asked |= md->results.cells[i].load > 0;
    if (!asked || group->mixed)
        return;
    rp_load_text(load, group->cells[0]);
    rp_puts(&md->out, "Traffic: ");
    md_escape(&md->out, group->cells[0]->workload);
    rp_printf(&md->out, " at %s.", load);
    if (group->cells[0]->load > 0)
        rp_puts(&md->out,
                " The capacity is that of the largest configuration, measured with the same requests at once.");
    rp_puts(&md->out, "\n\n");
}

void
md_group(struct md *md, size_t index)
{
    const struct rp_group *group = &md->matrix.groups[index];
    rp_puts(&md->out, "## Results: ");
    md_escape(&md->out, group->title);
    rp_puts(&md->out, "\n\n");
    put_traffic(md, group);
    PUT_TABLE(md, group, main_columns, 1);
    put_completion(md, group);
    if (md_done(group) == 0)
        return;
    if (group->series_count == 0) {
        md_pictures(md, group, "throughput");
        md_pictures(md, group, "latency");
        md_pictures(md, group, "throughput_per_gpu");
        md_pictures(md, group, "execution_time");
    }
    put_scaling(md, group);
    if (md_sum(group, "requests_finished") > 0) {
        rp_puts(&md->out, "### Tails\n\n");
        PUT_TABLE(md, group, tail_columns, 0);
        md_pictures(md, group, "tails");
        md_pictures(md, group, "cdf");
    }
    rp_puts(&md->out, "### Where the time goes\n\n");
    PUT_TABLE(md, group, time_columns, 0);
    put_roles(md, group);
    put_energy(md, group);
    rp_puts(&md->out, "### KV cache and preemptions\n\n");
    PUT_TABLE(md, group, memory_columns, 0);
    put_balance(md, group);
    if (json_array_size(json_object_get(md->plots, "charts")) > 0) {
        size_t before = md->out.length;
        rp_puts(&md->out, "### Over time\n\n");
        size_t titled = md->out.length;
        md_pictures(md, group, "timeline");
        if (md->out.length == titled && !md->out.failed)
            md->out.length = before; /* no timeline of this group: no title */
    }
}
