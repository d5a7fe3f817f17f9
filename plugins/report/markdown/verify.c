/*
 * report/markdown/verify.c - sections that answer one question each, shown where an experiment asks it: what bursts do
 * (traffic with a value called steady beside others), what a tight KV cache does (an axis kv_cache), and what the
 * router does (an axis router over several replicas).
 */
#include <math.h>

#include "report/common/balance.h"
#include "report/common/bursts.h"
#include "report/common/table.h"
#include "report/markdown/markdown.h"

/* ---- what the sections share ------------------------------------------------------------------------------------ */

void
md_put_values(struct md *md, const struct rp_cell *cell, size_t first)
{
    const struct rp_results *results = &md->results;
    md_escape(&md->out, cell->values[first] != RP_NONE ? results->axes[first].values[cell->values[first]] : cell->name);
    for (size_t a = 0; a < results->axis_count; a++)
        if (a != first && results->axes[a].count > 1 && cell->values[a] != RP_NONE) {
            rp_puts(&md->out, " / ");
            md_escape(&md->out, results->axes[a].values[cell->values[a]]);
        }
}

int
md_twins(const struct md *md, const struct rp_cell *a, const struct rp_cell *b, size_t except)
{
    for (size_t i = 0; i < md->results.axis_count; i++)
        if (i != except && a->values[i] != b->values[i])
            return 0;
    return 1;
}

/* "P99 of TTFT from 251 ms to 12.2 s (48.8×)"; over replicates, whether that is more than noise. */
static void
put_rise(struct md *md, const struct rp_cell *from, const struct rp_cell *to, const char *what, const char *a,
         const char *b)
{
    struct rp_spread ratio = rp_figure_ratio(to, from, a, b);
    rp_printf(&md->out, "%s from %s to %s (%s", what, md_figure(from, a, b, AS_MS).text,
              md_figure(to, a, b, AS_MS).text, md_spread(&ratio, AS_TIMES).text);
    rp_puts(&md->out, from->members != NULL && !rp_differ(from, to, a, b) ? ", no difference larger than noise)" : ")");
}

static double
figure_of(const struct rp_spread *spreads, size_t at)
{
    return spreads[at].mean;
}

/* ---- bursts ----------------------------------------------------------------------------------------------------- */

#define SAME_RATE 0.05 /* how far two mean rates may be apart */

/* The axis of traffic that has a value "steady" and another; RP_NONE without one. */
static size_t
steady_axis(const struct md *md, size_t *value)
{
    for (size_t a = 0; a < md->results.axis_count; a++) {
        const struct rp_axis *axis = &md->results.axes[a];
        for (size_t v = 0; v < axis->count && axis->count > 1; v++)
            if (md->matrix.roles[a] == RP_ROLE_TRAFFIC && strncmp(axis->values[v], "steady", 6) == 0) {
                *value = v;
                return a;
            }
    }
    return RP_NONE;
}

struct burst_row {
    const struct rp_cell *cell, *steady; /* the cell itself, where it is the steady one */
    struct rp_spread figures[RP_BURST_FIGURES];
};

static int
collect_bursts(struct md *md, size_t axis, size_t value, struct burst_row *rows, size_t *count,
               struct servsim_error *err)
{
    for (size_t i = 0; i < md->results.count; i++) {
        const struct rp_cell *cell = &md->results.cells[i], *steady = NULL;
        for (size_t j = 0; j < md->results.count; j++)
            if (md->results.cells[j].values[axis] == value && md_twins(md, cell, &md->results.cells[j], axis))
                steady = &md->results.cells[j];
        if (!cell->done || steady == NULL || !steady->done)
            continue;
        rows[*count] = (struct burst_row){.cell = cell, .steady = steady};
        int status = rp_bursts_spread(rows[*count].figures, cell, err);
        if (status != 0)
            return status;
        (*count)++;
    }
    return 0;
}

static void
put_burst_row(struct md *md, const struct burst_row *row, size_t axis)
{
    const struct rp_cell *cell = row->cell, *steady = row->steady;
    const struct rp_spread *f = row->figures;
    struct rp_spread ttft = rp_figure_ratio(cell, steady, "ttft_ms", "p99");
    struct rp_spread latency = rp_figure_ratio(cell, steady, "latency_ms", "p99");
    rp_puts(&md->out, "| ");
    md_put_values(md, cell, axis);
    rp_printf(&md->out, " | %s | %s | %s |", md_spread(&f[RP_BURST_AT(rate_per_s)], AS_NUMBER).text,
              md_spread(&f[RP_BURST_AT(peak_rate_per_s)], AS_NUMBER).text,
              md_spread(&f[RP_BURST_AT(bursts)], AS_COUNT).text);
    rp_printf(&md->out, " %s | %s | %s | %s |", md_figure(cell, "ttft_ms", "p99", AS_NUMBER).text,
              md_spread(&ttft, AS_TIMES).text, md_figure(cell, "latency_ms", "p99", AS_NUMBER).text,
              md_spread(&latency, AS_TIMES).text);
    rp_printf(&md->out, " %s | %s | %s | %s |\n", md_spread(&f[RP_BURST_AT(peak_waiting)], AS_NUMBER).text,
              md_spread(&f[RP_BURST_AT(recovery_mean_s)], AS_NUMBER).text,
              md_spread(&f[RP_BURST_AT(recovery_max_s)], AS_NUMBER).text,
              md_spread(&f[RP_BURST_AT(unrecovered)], AS_COUNT).text);
}

static void
put_miss_table(struct md *md, const struct burst_row *rows, size_t count, size_t axis)
{
    int any = 0;
    for (size_t i = 0; i < count; i++)
        any |= isfinite(figure_of(rows[i].figures, RP_BURST_AT(missed[RP_BURST_CALM])));
    if (!any)
        return;
    rp_puts(&md->out, "Requests by the time of their arrival, and the share of them that missed the service level:\n\n"
                      "| Traffic | Inside bursts | Missed | After, until recovered | Missed | At other times | Missed "
                      "|\n|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++) {
        rp_puts(&md->out, "| ");
        md_put_values(md, rows[i].cell, axis);
        rp_puts(&md->out, " |");
        for (size_t t = 0; t < RP_BURST_TIMES; t++)
            rp_printf(&md->out, " %s | %s |", md_spread(&rows[i].figures[RP_BURST_AT(requests) + t], AS_COUNT).text,
                      md_spread(&rows[i].figures[RP_BURST_AT(missed) + t], AS_PERCENT).text);
        rp_puts(&md->out, "\n");
    }
    rp_puts(&md->out, "\n");
}

static void
say_burst(struct md *md, const struct burst_row *row, const struct burst_row *steady, size_t axis)
{
    const struct rp_spread *f = row->figures;
    double rate = figure_of(f, RP_BURST_AT(rate_per_s)), calm = figure_of(steady->figures, RP_BURST_AT(rate_per_s));
    rp_puts(&md->out, "- **");
    md_put_values(md, row->cell, axis);
    rp_puts(&md->out, "**");
    if (fabs(rate / calm - 1) > SAME_RATE)
        rp_printf(&md->out, " (at %s requests/s where steady has %s, so not bursts alone)", rp_human(rate).text,
                  rp_human(calm).text);
    rp_puts(&md->out, " moves ");
    put_rise(md, row->steady, row->cell, "the P99 of TTFT", "ttft_ms", "p99");
    put_rise(md, row->steady, row->cell, " and the P99 of latency", "latency_ms", "p99");
    if (figure_of(f, RP_BURST_AT(bursts)) > 0 && figure_of(f, RP_BURST_AT(peak_waiting)) >= 0.5) {
        rp_printf(&md->out,
                  "; the queue grows to %s requests and is back at its median %s after a peak on average, %s at "
                  "the longest",
                  rp_human(figure_of(f, RP_BURST_AT(peak_waiting))).text,
                  rp_duration(figure_of(f, RP_BURST_AT(recovery_mean_s))).text,
                  rp_duration(figure_of(f, RP_BURST_AT(recovery_max_s))).text);
        if (figure_of(f, RP_BURST_AT(unrecovered)) > 0)
            rp_printf(&md->out, ", and %s of %s bursts come before it has recovered from the one before",
                      rp_human(figure_of(f, RP_BURST_AT(unrecovered))).text,
                      rp_count(figure_of(f, RP_BURST_AT(bursts))).text);
    } else if (figure_of(f, RP_BURST_AT(bursts)) > 0) {
        rp_printf(&md->out, "; the queue never holds more than %s requests",
                  rp_human(figure_of(f, RP_BURST_AT(peak_waiting))).text);
    }
    rp_puts(&md->out, ".\n");
}

static void
put_bursts(struct md *md, const struct burst_row *rows, size_t count, size_t axis)
{
    rp_puts(&md->out,
            "## Bursts\n\nThe same mean rate, steadily and in bursts: what do bursts cost, and how long does the queue "
            "take to recover?\n\n| Traffic | Mean rate (requests/s) | Busiest window (requests/s) | Bursts | TTFT P99 "
            "(ms) | Against steady | Latency P99 (ms) | Against steady | Peak queue (requests) | Recovery mean (s) | "
            "Recovery longest (s) | Not recovered "
            "|\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++)
        put_burst_row(md, &rows[i], axis);
    rp_puts(&md->out, "\n");
    put_miss_table(md, rows, count, axis);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count && rows[i].cell != rows[i].steady; j++)
            if (rows[j].cell == rows[i].steady)
                say_burst(md, &rows[i], &rows[j], axis);
    rp_puts(
        &md->out,
        "\nA burst is found in `requests.csv`: windows in which a hundred requests arrive on average, and more than "
        "140 do. The queue is `waiting_mean` of `series.csv`; a recovery runs from its peak after a burst's "
        "beginning until it is back at its median over the run, or until the next burst (not recovered).\n\n");
}

static int
md_bursts(struct md *md, struct servsim_error *err)
{
    size_t value = 0, count = 0, axis = steady_axis(md, &value);
    if (axis == RP_NONE)
        return 0;
    struct burst_row *rows = calloc(md->results.count + 1, sizeof *rows);
    int status = rows != NULL ? collect_bursts(md, axis, value, rows, &count, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory for its bursts", md->folder);
    if (status == 0 && count > 1)
        put_bursts(md, rows, count, axis);
    free(rows);
    return status;
}

/* ---- KV cache --------------------------------------------------------------------------------------------------- */

/* Token places in the blocks of finished requests, and those of them that hold nothing when a request ends. */
struct waste {
    double places, empty;
};

static int
read_waste(struct waste *out, const struct rp_cell *cell, struct servsim_error *err)
{
    static const char *const columns[] = {"status", "prompt_tokens", "output_tokens"};
    struct rp_field fields[3];
    struct rp_table table;
    char *path = rp_join(cell->folder, "requests.csv");
    int status = path != NULL ? rp_table_open(&table, path, columns, 3, err)
                              : servsim_fail(err, ENOMEM, "%s: no memory to read it", cell->folder);
    free(path);
    if (status != 0)
        return status;
    while ((status = rp_table_next(&table, fields, err)) == 1) {
        double prompt, output;
        if ((status = rp_table_number(&table, fields[1], &prompt, err)) != 0 ||
            (status = rp_table_number(&table, fields[2], &output, err)) != 0)
            break;
        if (fields[0].length != 8 || memcmp(fields[0].text, "finished", 8) != 0 || !(prompt + output > 0))
            continue;
        double tokens = prompt + output - 1; /* the last token is answered, not stored */
        double places = ceil(tokens / cell->block_size) * cell->block_size;
        out->places += places;
        out->empty += places - tokens;
    }
    rp_table_close(&table);
    return status;
}

/* Share of places that hold nothing, over all replicates. */
static int
waste_of(double *share, const struct rp_cell *cell, struct servsim_error *err)
{
    struct waste waste = {0, 0};
    int status = 0;
    for (size_t i = 0; i < rp_member_count(cell) && status == 0 && cell->block_size > 0; i++)
        if (rp_member(cell, i)->done)
            status = read_waste(&waste, rp_member(cell, i), err);
    *share = waste.places > 0 ? waste.empty / waste.places : NAN;
    return status;
}

static double
capacity_of(const struct rp_cell *cell)
{
    return rp_figure(cell, "kv_blocks_total", NULL) * cell->block_size;
}

static void
put_cache_row(struct md *md, const struct rp_cell *cell, size_t axis, double waste)
{
    double prefill = rp_figure(cell, "prefill_tokens_computed", NULL);
    double prompts = rp_figure(cell, "prompt_tokens", NULL);
    rp_puts(&md->out, "| ");
    md_put_values(md, cell, axis);
    rp_printf(&md->out, " | %s | %s | %s | %s |", rp_count(capacity_of(cell)).text, rp_count(cell->block_size).text,
              md_figure(cell, "kv_usage_peak", NULL, AS_PERCENT).text, rp_percent(waste).text);
    rp_printf(&md->out, " %s | %s | %s | %s |", md_figure(cell, "preemptions", NULL, AS_COUNT).text,
              md_figure(cell, "recomputed_tokens", NULL, AS_COUNT).text,
              rp_percent(rp_figure(cell, "recomputed_tokens", NULL) / prefill).text,
              rp_percent(rp_figure(cell, "cached_tokens", NULL) / prompts).text);
    rp_printf(&md->out, " %s | %s | %s | %s |\n", md_figure(cell, "waiting_mean", NULL, AS_NUMBER).text,
              md_figure(cell, "ttft_ms", "p99", AS_NUMBER).text, md_figure(cell, "latency_ms", "mean", AS_NUMBER).text,
              md_figure(cell, "output_tokens_per_s", NULL, AS_NUMBER).text);
}

/* The cell with the largest (sign 1) or smallest cache among those that differ from `like` on this axis alone and have
   its block size. */
static const struct rp_cell *
cache_end(const struct md *md, const struct rp_cell *like, size_t axis, double sign)
{
    const struct rp_cell *best = like;
    for (size_t i = 0; i < md->results.count; i++) {
        const struct rp_cell *cell = &md->results.cells[i];
        if (cell->done && cell->block_size == like->block_size && md_twins(md, cell, like, axis) &&
            sign * capacity_of(cell) > sign * capacity_of(best))
            best = cell;
    }
    return best;
}

static void
say_pressure(struct md *md, const struct rp_cell *large, const struct rp_cell *small, size_t axis)
{
    rp_puts(&md->out, "- From **");
    md_put_values(md, large, axis);
    rp_puts(&md->out, "** to **");
    md_put_values(md, small, axis);
    rp_printf(
        &md->out,
        "** the cache shrinks by %s (%s to %s tokens); preemptions go from %s to %s and work done again "
        "from %s to %s of all prefill. That moves ",
        rp_percent(1 - capacity_of(small) / capacity_of(large)).text, rp_count(capacity_of(large)).text,
        rp_count(capacity_of(small)).text, md_figure(large, "preemptions", NULL, AS_COUNT).text,
        md_figure(small, "preemptions", NULL, AS_COUNT).text,
        rp_percent(rp_figure(large, "recomputed_tokens", NULL) / rp_figure(large, "prefill_tokens_computed", NULL))
            .text,
        rp_percent(rp_figure(small, "recomputed_tokens", NULL) / rp_figure(small, "prefill_tokens_computed", NULL))
            .text);
    put_rise(md, large, small, "the P99 of TTFT", "ttft_ms", "p99");
    put_rise(md, large, small, " and the mean latency", "latency_ms", "mean");
    rp_puts(&md->out, ".\n");
}

/* Larger blocks in as much memory: the cells that have about as many token places and the most different blocks. */
static void
say_blocks(struct md *md, const double *waste, size_t axis)
{
    const struct rp_results *results = &md->results;
    for (size_t i = 0; i < results->count; i++) {
        const struct rp_cell *fine = &results->cells[i], *coarse = NULL;
        size_t place = 0;
        for (size_t j = 0; j < results->count; j++) {
            const struct rp_cell *cell = &results->cells[j];
            if (fine->done && cell->done && md_twins(md, fine, cell, axis) && cell->block_size > fine->block_size &&
                fabs(capacity_of(cell) / capacity_of(fine) - 1) < 0.1 &&
                (coarse == NULL || cell->block_size > coarse->block_size)) {
                coarse = cell;
                place = j;
            }
        }
        int finest = coarse != NULL;
        for (size_t j = 0; j < results->count && finest; j++)
            finest = !(results->cells[j].done && results->cells[j].block_size < fine->block_size &&
                       md_twins(md, fine, &results->cells[j], axis));
        if (!finest)
            continue;
        rp_puts(&md->out, "- In about as much memory, blocks of ");
        rp_printf(&md->out, "%s tokens (**", rp_count(coarse->block_size).text);
        md_put_values(md, coarse, axis);
        rp_printf(&md->out,
                  "**) leave %s of the places in a request's blocks empty where blocks of %s leave %s. That "
                  "moves ",
                  rp_percent(waste[place]).text, rp_count(fine->block_size).text, rp_percent(waste[i]).text);
        put_rise(md, fine, coarse, "the P99 of TTFT", "ttft_ms", "p99");
        put_rise(md, fine, coarse, " and the mean latency", "latency_ms", "mean");
        rp_puts(&md->out, ".\n");
    }
}

static void
put_cache(struct md *md, const double *waste, size_t axis)
{
    rp_puts(
        &md->out,
        "## KV cache under pressure\n\nHow is the cache used, what is wasted, and what does it cost when it is "
        "short?\n\n| Configuration | Capacity of a replica (tokens) | Block (tokens) | Peak use | Wasted in blocks | "
        "Preemptions | Recomputed (tokens) | Recomputed of all prefill | Prompt found in the prefix cache | Waiting "
        "mean (requests) | TTFT P99 (ms) | Latency mean (ms) | Output (tokens/s) "
        "|\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < md->results.count; i++)
        if (md->results.cells[i].done)
            put_cache_row(md, &md->results.cells[i], axis, waste[i]);
    rp_puts(&md->out, "\n");
    for (size_t i = 0; i < md->results.count; i++) {
        const struct rp_cell *cell = &md->results.cells[i];
        const struct rp_cell *large = cell->done ? cache_end(md, cell, axis, 1) : NULL;
        const struct rp_cell *small = cell->done ? cache_end(md, cell, axis, -1) : NULL;
        if (cell == large && small != large && capacity_of(small) < 0.98 * capacity_of(large))
            say_pressure(md, large, small, axis);
    }
    say_blocks(md, waste, axis);
    rp_puts(&md->out,
            "\nWasted in blocks: of all token places in the blocks of finished requests, those that hold nothing "
            "when a request ends (prompt + output − 1 tokens are stored).\n\n");
}

static int
md_cache(struct md *md, struct servsim_error *err)
{
    size_t axis = RP_NONE;
    for (size_t a = 0; a < md->results.axis_count; a++)
        if (strncmp(md->results.axes[a].name, "kv_cache", 8) == 0 && md->results.axes[a].count > 1)
            axis = a;
    if (axis == RP_NONE)
        return 0;
    double *waste = calloc(md->results.count + 1, sizeof *waste);
    int status = waste != NULL ? 0 : servsim_fail(err, ENOMEM, "%s: no memory for its KV caches", md->folder);
    for (size_t i = 0; i < md->results.count && status == 0; i++)
        if (md->results.cells[i].done)
            status = waste_of(&waste[i], &md->results.cells[i], err);
    if (status == 0)
        put_cache(md, waste, axis);
    free(waste);
    return status;
}

/* ---- load balance ----------------------------------------------------------------------------------------------- */

/* Largest and smallest over the replicas, against their mean. */
static void
put_share(struct md *md, const struct rp_cell *cell, const char *key)
{
    const json_t *replica;
    size_t index, count = 0;
    double low = INFINITY, high = -INFINITY, sum = 0;
    json_array_foreach(json_object_get(cell->summary, "per_replica"), index, replica)
    {
        double value = rp_number_at(replica, key, NULL);
        low = fmin(low, value);
        high = fmax(high, value);
        sum += value;
        count++;
    }
    double mean = sum / (double)count;
    if (mean > 0)
        rp_printf(&md->out, " %s – %s |", rp_percent(low / mean).text, rp_percent(high / mean).text);
    else
        rp_puts(&md->out, " – |");
}

struct router_row {
    const struct rp_cell *cell;
    struct rp_spread figures[RP_BALANCE_FIGURES];
};

static void
say_routers(struct md *md, const struct rp_group *group, const char *what, const char *a, const char *b)
{
    const struct rp_cell *best = md_best(group, a, b, 1), *worst = md_best(group, a, b, -1);
    if (best == NULL || best == worst)
        return;
    rp_puts(&md->out, "- ");
    if (!rp_differ(best, worst, a, b)) {
        rp_printf(&md->out, "%s: no difference%s, from %s to %s.\n", what,
                  best->members != NULL ? " larger than noise" : "", md_figure(best, a, b, AS_MS).text,
                  md_figure(worst, a, b, AS_MS).text);
        return;
    }
    rp_printf(&md->out, "%s: lowest with **", what);
    md_label(md, best);
    rp_printf(&md->out, "**, %s; highest with ", md_figure(best, a, b, AS_MS).text);
    md_label(md, worst);
    rp_printf(&md->out, ", %s, %s as much", md_figure(worst, a, b, AS_MS).text,
              rp_times(rp_figure(worst, a, b) / rp_figure(best, a, b)).text);
    md_put_equals(md, group, best, a, b);
    rp_puts(&md->out, ".\n");
}

/* Even over the whole run, and from moment to moment? */
static void
say_evenness(struct md *md, const struct rp_group *group, const struct router_row *rows, size_t count)
{
    const struct rp_cell *even = md_best(group, "jain_index_busy", NULL, -1);
    const struct rp_cell *uneven = md_best(group, "jain_index_busy", NULL, 1);
    const struct router_row *least = NULL, *most = NULL;
    for (size_t i = 0; i < count; i++) {
        double avoidable_ms = rows[i].figures[RP_BALANCE_AT(avoidable_ms)].mean;
        if (isfinite(avoidable_ms) &&
            (least == NULL || avoidable_ms < least->figures[RP_BALANCE_AT(avoidable_ms)].mean))
            least = &rows[i];
        if (isfinite(avoidable_ms) && (most == NULL || avoidable_ms > most->figures[RP_BALANCE_AT(avoidable_ms)].mean))
            most = &rows[i];
    }
    if (even != NULL) {
        double low = rp_figure(uneven, "jain_index_busy", NULL), high = rp_figure(even, "jain_index_busy", NULL);
        rp_printf(&md->out, "- Busy time over the whole run: Jain's index from %s (", rp_index(low).text);
        md_label(md, uneven);
        rp_printf(&md->out, ") to %s (", rp_index(high).text);
        md_label(md, even);
        rp_printf(&md->out, ")%s.\n",
                  low > 0.999 ? ", so over the whole run every router spreads the work evenly" : "");
    }
    if (least == NULL || least == most)
        return;
    const struct rp_spread *low = &least->figures[RP_BALANCE_AT(avoidable_ms)];
    const struct rp_spread *high = &most->figures[RP_BALANCE_AT(avoidable_ms)];
    rp_puts(&md->out, "- From moment to moment: a request waits ");
    rp_printf(&md->out, "%s with ", md_spread(high, AS_MS).text);
    md_label(md, most->cell);
    rp_puts(&md->out, " while another replica has nobody waiting, and ");
    rp_printf(&md->out, "%s with **", md_spread(low, AS_MS).text);
    md_label(md, least->cell);
    rp_printf(&md->out, "**%s.\n",
              most->cell->members != NULL && !rp_spread_differ(low, high) ? " (no difference larger than noise)" : "");
}

static void
put_router_row(struct md *md, const struct router_row *row)
{
    const struct rp_cell *cell = row->cell;
    const struct rp_spread *f = row->figures;
    rp_puts(&md->out, "| ");
    md_label(md, cell);
    rp_printf(&md->out, " | %s | %s |", rp_count(cell->replicas).text,
              rp_index(rp_figure(cell, "jain_index_busy", NULL)).text);
    put_share(md, cell, "busy_s");
    put_share(md, cell, "requests");
    rp_printf(&md->out, " %s | %s | %s |", rp_index(f[RP_BALANCE_AT(jain_in_system)].mean).text,
              md_spread(&f[RP_BALANCE_AT(waiting_ms)], AS_NUMBER).text,
              md_spread(&f[RP_BALANCE_AT(avoidable_ms)], AS_NUMBER).text);
    rp_printf(&md->out, " %s | %s | %s |\n", md_figure(cell, "ttft_ms", "p99", AS_NUMBER).text,
              md_figure(cell, "latency_ms", "p99", AS_NUMBER).text,
              md_figure(cell, "slo_attainment", NULL, AS_PERCENT).text);
}

static void
put_routers(struct md *md, const struct rp_group *group, const struct router_row *rows, size_t count)
{
    if (md->matrix.group_count > 1) {
        rp_puts(&md->out, "### Traffic ");
        md_escape(&md->out, group->title);
        rp_puts(&md->out, "\n\n");
    }
    rp_puts(&md->out,
            "| Configuration | Replicas | Jain's index of busy time | Busy time, least – most of the mean | "
            "Requests, least – most of the mean | Jain's index of requests in the system | Waiting mean (ms) | "
            "While another replica has no queue (ms) | TTFT P99 (ms) | Latency P99 (ms) | SLO met "
            "|\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++)
        put_router_row(md, &rows[i]);
    rp_puts(&md->out, "\n");
    md_pictures(md, group, "balance");
    say_routers(md, group, "P99 of TTFT", "ttft_ms", "p99");
    say_routers(md, group, "P99 of latency", "latency_ms", "p99");
    say_evenness(md, group, rows, count);
    rp_puts(&md->out, "\n");
}

static int
router_group(struct md *md, const struct rp_group *group, struct servsim_error *err)
{
    struct router_row *rows = calloc(group->count + 1, sizeof *rows);
    size_t count = 0;
    int status = rows != NULL ? 0 : servsim_fail(err, ENOMEM, "%s: no memory for its routers", md->folder);
    for (size_t i = 0; i < group->count && status == 0; i++) {
        if (!group->cells[i]->done || group->cells[i]->replicas < 2)
            continue;
        rows[count].cell = group->cells[i];
        status = rp_balance_spread(rows[count++].figures, group->cells[i], err);
    }
    if (status == 0)
        put_routers(md, group, rows, count);
    free(rows);
    return status;
}

static int
md_routers(struct md *md, struct servsim_error *err)
{
    size_t axis = rp_router_axis(&md->results), titled = 0;
    int status = 0;
    for (size_t g = 0; g < md->matrix.group_count && axis != RP_NONE && status == 0; g++) {
        if (!rp_compares_routers(&md->matrix.groups[g], axis))
            continue;
        if (titled++ == 0)
            rp_puts(&md->out,
                    "## Load balance\n\nHow evenly does each router spread the work, and what do the tails say?\n\n");
        status = router_group(md, &md->matrix.groups[g], err);
    }
    if (titled > 0)
        rp_puts(&md->out,
                "Requests in the system: Jain's index of the requests at each replica, mean over time; waiting: "
                "from arrival until a request is first taken up, mean over requests. Both are computed from "
                "`requests.csv`. The report `trace` draws each replica over time.\n\n");
    return status;
}

int
md_verify(struct md *md, struct servsim_error *err)
{
    int status = md_bursts(md, err);
    if (status == 0)
        status = md_cache(md, err);
    if (status == 0)
        status = md_routers(md, err);
    if (status == 0)
        status = md_outages(md, err);
    if (status == 0)
        status = md_predictions(md, err);
    if (status == 0)
        md_errors(md);
    return status;
}
