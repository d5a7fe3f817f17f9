/*
 * report/markdown/tables.c - the tables and pictures of one traffic.
 */
#include <math.h>

#include "report/markdown/markdown.h"

#define AS_NUMBER 0u
#define AS_COUNT 1u
#define AS_PERCENT 2u

/* One column of a table over cells: a figure, or a text made by a function. Left out where no cell has a value. */
struct column {
    const char *title, *a, *b;
    uint32_t as;
    int better; /* 1: higher, -1: lower; the best is set in bold; 0: neither */
    void (*text)(struct rp_text *, const struct rp_cell *);
};

static void
text_status(struct rp_text *out, const struct rp_cell *cell)
{
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
        rp_printf(out, "%s / %s", rp_count(rp_figure(cell, "requests_finished", NULL)).text,
                  rp_count(rp_figure(cell, "requests_total", NULL)).text);
}

static void
text_wall(struct rp_text *out, const struct rp_cell *cell)
{
    double wall_s = rp_number_at(cell->run, "wall_s", NULL);
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
    {"Status", NULL, NULL, 0, 0, text_status},
    {"GPUs", NULL, NULL, 0, 0, text_gpus},
    {"Requests finished / total", NULL, NULL, 0, 0, text_finished},
    {"Latency mean (ms)", "latency_ms", "mean", AS_NUMBER, -1, NULL},
    {"Latency P99 (ms)", "latency_ms", "p99", AS_NUMBER, -1, NULL},
    {"TTFT mean (ms)", "ttft_ms", "mean", AS_NUMBER, -1, NULL},
    {"TTFT P99 (ms)", "ttft_ms", "p99", AS_NUMBER, -1, NULL},
    {"TPOT mean (ms)", "tpot_ms", "mean", AS_NUMBER, -1, NULL},
    {"TPOT P99 (ms)", "tpot_ms", "p99", AS_NUMBER, -1, NULL},
    {"Output (tokens/s)", "output_tokens_per_s", NULL, AS_NUMBER, 1, NULL},
    {"Requests/s", "requests_per_s", NULL, AS_NUMBER, 1, NULL},
    {"SLO met", "slo_attainment", NULL, AS_PERCENT, 1, NULL},
    {"Goodput (requests/s)", "goodput_requests_per_s", NULL, AS_NUMBER, 1, NULL},
    {"Simulated (s)", "simulated_s", NULL, AS_NUMBER, 0, NULL},
    {"Wall-clock (s)", NULL, NULL, 0, 0, text_wall},
};

static const struct column tail_columns[] = {
    {"TTFT P50 (ms)", "ttft_ms", "p50", AS_NUMBER, -1, NULL},
    {"TTFT P90 (ms)", "ttft_ms", "p90", AS_NUMBER, -1, NULL},
    {"TTFT P99 (ms)", "ttft_ms", "p99", AS_NUMBER, -1, NULL},
    {"TPOT P50 (ms)", "tpot_ms", "p50", AS_NUMBER, -1, NULL},
    {"TPOT P90 (ms)", "tpot_ms", "p90", AS_NUMBER, -1, NULL},
    {"TPOT P99 (ms)", "tpot_ms", "p99", AS_NUMBER, -1, NULL},
    {"ITL P99 (ms)", "itl_ms", "p99", AS_NUMBER, -1, NULL},
    {"Latency P50 (ms)", "latency_ms", "p50", AS_NUMBER, -1, NULL},
    {"Latency P90 (ms)", "latency_ms", "p90", AS_NUMBER, -1, NULL},
    {"Latency P99 (ms)", "latency_ms", "p99", AS_NUMBER, -1, NULL},
    {"Latency max (ms)", "latency_ms", "max", AS_NUMBER, -1, NULL},
    {"Queue mean (ms)", "queue_ms", "mean", AS_NUMBER, -1, NULL},
    {"Queue P99 (ms)", "queue_ms", "p99", AS_NUMBER, -1, NULL},
};

static const struct column time_columns[] = {
    {"Busy", "busy_fraction", NULL, AS_PERCENT, 0, NULL},
    {"Dense (of busy)", "busy_share", "dense", AS_PERCENT, 0, NULL},
    {"Attention (of busy)", "busy_share", "attention", AS_PERCENT, 0, NULL},
    {"Communication (of busy)", "busy_share", "communication", AS_PERCENT, 0, NULL},
    {"Engine overhead (of busy)", "busy_share", "overhead", AS_PERCENT, 0, NULL},
    {"MFU", "mfu", NULL, AS_PERCENT, 0, NULL},
    {"Memory bandwidth", "bandwidth_utilisation", NULL, AS_PERCENT, 0, NULL},
    {"Decode batch mean (requests)", "decode_batch_mean", NULL, AS_NUMBER, 0, NULL},
};

static const struct column memory_columns[] = {
    {"KV blocks of a replica", "kv_blocks_total", NULL, AS_COUNT, 0, NULL},
    {"Peak (blocks)", "kv_blocks_peak", NULL, AS_COUNT, 0, NULL},
    {"Peak use", "kv_usage_peak", NULL, AS_PERCENT, 0, NULL},
    {"Preemptions", "preemptions", NULL, AS_COUNT, 0, NULL},
    {"Recomputed (tokens)", "recomputed_tokens", NULL, AS_COUNT, 0, NULL},
    {"Recomputed of all prefill", NULL, NULL, 0, 0, text_recomputed},
    {"Found in the prefix cache (tokens)", "cached_tokens", NULL, AS_COUNT, 0, NULL},
    {"Running mean (requests)", "running_mean", NULL, AS_NUMBER, 0, NULL},
    {"Waiting mean (requests)", "waiting_mean", NULL, AS_NUMBER, 0, NULL},
};

static struct rp_word
value_text(const struct column *column, double value)
{
    return column->as == AS_PERCENT ? rp_percent(value) : column->as == AS_COUNT ? rp_count(value) : rp_human(value);
}

static int
column_has_value(const struct column *column, const struct rp_group *group)
{
    if (column->text != NULL)
        return 1;
    for (size_t i = 0; i < group->count; i++)
        if (isfinite(rp_figure(group->cells[i], column->a, column->b)))
            return 1;
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
    struct rp_word top = value_text(column, rp_figure(best, column->a, column->b));
    struct rp_word low = value_text(column, rp_figure(worst, column->a, column->b));
    struct rp_word here = value_text(column, rp_figure(cell, column->a, column->b));
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
    rp_printf(&md->out, "%s%s%s", mark, value_text(column, rp_figure(cell, column->a, column->b)).text, mark);
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

/* Links every picture of one kind that shows this group. */
static void
put_pictures(struct md *md, const struct rp_group *group, const char *kind)
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
    double speed_up = rp_figure(cell, "output_tokens_per_s", NULL) / rp_figure(base, "output_tokens_per_s", NULL);
    double latency = rp_figure(cell, "latency_ms", "mean"), tail = rp_figure(cell, "latency_ms", "p99");
    rp_printf(&md->out, "| %s | %s | %s | %s | %s |", rp_count(cell->gpus).text, layout,
              rp_human(rp_figure(cell, "output_tokens_per_s", NULL)).text, rp_times(speed_up).text,
              rp_percent(speed_up * base->gpus / cell->gpus).text);
    rp_printf(&md->out, " %s | %s | %s | %s | %s | %s |\n",
              rp_human(rp_figure(cell, "output_tokens_per_s_per_gpu", NULL)).text, rp_human(latency).text,
              rp_times(latency / rp_figure(base, "latency_ms", "mean")).text, rp_human(tail).text,
              rp_percent(rp_figure(cell, "busy_fraction", NULL)).text,
              rp_percent(rp_figure(cell, "busy_share", "communication")).text);
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
    put_pictures(md, group, "throughput");
    put_pictures(md, group, "latency");
    put_pictures(md, group, "throughput_per_gpu");
    put_pictures(md, group, "execution_time");
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
        if (json_array_size(replicas) < 2)
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
        rp_printf(&md->out, " | %s | %s – %s |", rp_human(rp_figure(cell, "jain_index_busy", NULL)).text,
                  rp_percent(busy.low).text, rp_percent(busy.high).text);
        rp_printf(&md->out, " %s – %s | %s – %s | %s – %s |\n", rp_count(requests.low).text,
                  rp_count(requests.high).text, rp_count(output.low).text, rp_count(output.high).text,
                  rp_count(blocks.low).text, rp_count(blocks.high).text);
    }
    if (titled)
        rp_puts(&md->out, "\n");
}

/* ---- one traffic ------------------------------------------------------------------------------------------------ */

static void
put_completion(struct md *md, const struct rp_group *group)
{
    double total = md_sum(group, "requests_total"), finished = md_sum(group, "requests_finished");
    rp_printf(&md->out, "%zu of %zu cells ran to the end", md_done(group), group->count);
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

void
md_group(struct md *md, size_t index)
{
    const struct rp_group *group = &md->matrix.groups[index];
    rp_puts(&md->out, "## Results: ");
    md_escape(&md->out, group->title);
    rp_puts(&md->out, "\n\n");
    PUT_TABLE(md, group, main_columns, 1);
    put_completion(md, group);
    if (md_done(group) == 0)
        return;
    if (group->series_count == 0) {
        put_pictures(md, group, "throughput");
        put_pictures(md, group, "latency");
        put_pictures(md, group, "throughput_per_gpu");
        put_pictures(md, group, "execution_time");
    }
    put_scaling(md, group);
    if (md_sum(group, "requests_finished") > 0) {
        rp_puts(&md->out, "### Tails\n\n");
        PUT_TABLE(md, group, tail_columns, 0);
        put_pictures(md, group, "tails");
        put_pictures(md, group, "cdf");
    }
    rp_puts(&md->out, "### Where the time goes\n\n");
    PUT_TABLE(md, group, time_columns, 0);
    rp_puts(&md->out, "### KV cache and preemptions\n\n");
    PUT_TABLE(md, group, memory_columns, 0);
    put_balance(md, group);
    if (json_array_size(json_object_get(md->plots, "charts")) > 0) {
        size_t before = md->out.length;
        rp_puts(&md->out, "### Over time\n\n");
        size_t titled = md->out.length;
        put_pictures(md, group, "timeline");
        if (md->out.length == titled && !md->out.failed)
            md->out.length = before; /* no timeline of this group: no title */
    }
}
