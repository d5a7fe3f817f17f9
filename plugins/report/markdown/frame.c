/*
 * report/markdown/frame.c - what stands around the results: title, what was run, failures, definitions; and the making
 * of the whole text.
 *
 * The text is the report: the Markdown plugin writes it as it is, the HTML plugin turns it into a page.
 */
#include <math.h>

#include "report/markdown/markdown.h"

/* ---- what was run ---------------------------------------------------------------------------------------------- */

/* "a; b": the different values that the cells have. `of` gives a cell's value, "" for none. */
static size_t
put_distinct(struct md *md, const char *title, void (*of)(struct rp_text *, const struct rp_cell *))
{
    struct rp_text all = {0};
    size_t shown = 0;
    for (size_t i = 0; i < md->results.part_count; i++) {
        struct rp_text one = {0};
        of(&one, &md->results.parts[i]);
        int seen = one.length == 0;
        for (size_t j = 0; j < i && !seen; j++) {
            struct rp_text other = {0};
            of(&other, &md->results.parts[j]);
            seen = other.length == one.length && memcmp(other.data, one.data, one.length) == 0;
            rp_text_free(&other);
        }
        if (!seen && shown < 12)
            rp_printf(&all, "%s%s", shown > 0 ? "; " : "", one.data);
        shown += !seen;
        all.failed |= one.failed;
        rp_text_free(&one);
    }
    if (shown > 12)
        rp_printf(&all, "; and %zu more", shown - 12);
    if (shown > 0)
        rp_printf(&md->out, "| %s | %s |\n", title, all.data);
    md->out.failed |= all.failed;
    rp_text_free(&all);
    return shown;
}

static void
model_of(struct rp_text *out, const struct rp_cell *cell)
{
    md_escape(out, cell->model);
}

static void
device_of(struct rp_text *out, const struct rp_cell *cell)
{
    const char *name = rp_text_at(cell->summary, "device_name");
    if (!cell->done)
        return;
    double bytes_per_s = rp_figure(cell, "memory_bytes_per_s", NULL), flops = rp_figure(cell, "peak_flops", NULL);
    md_escape(out, name[0] != '\0' ? name : cell->hardware);
    if (bytes_per_s > 0 && flops > 0)
        rp_printf(out, ", %s TFLOP/s, %s GB/s (plugin ", rp_human(flops / 1e12).text, rp_human(bytes_per_s / 1e9).text);
    else
        rp_puts(out, " (plugin ");
    md_escape(out, cell->hardware);
    rp_puts(out, ")");
}

static void
hardware_of(struct rp_text *out, const struct rp_cell *cell)
{
    md_escape(out, cell->hardware);
}

static void
engine_of(struct rp_text *out, const struct rp_cell *cell)
{
    md_escape(out, cell->engine);
}

static void
scheduler_of(struct rp_text *out, const struct rp_cell *cell)
{
    md_escape(out, cell->scheduler);
    if (cell->max_num_seqs > 0)
        rp_printf(out, ", at most %s sequences", rp_count(cell->max_num_seqs).text);
    if (cell->max_num_batched_tokens > 0)
        rp_printf(out, " and %s tokens a step", rp_count(cell->max_num_batched_tokens).text);
}

static void
router_of(struct rp_text *out, const struct rp_cell *cell)
{
    md_escape(out, cell->router);
}

static void
workload_of(struct rp_text *out, const struct rp_cell *cell)
{
    char load[96];
    rp_load_text(load, cell);
    md_escape(out, cell->workload);
    if (cell->workload[0] != '\0')
        rp_printf(out, " at %s", load);
}

static void
offered_of(struct rp_text *out, const struct rp_cell *cell)
{
    double rate = rp_figure(cell, "arrivals_per_s", NULL);
    if (rate > 0)
        rp_printf(out, "%s requests/s", rp_human(rate).text);
}

static void
block_of(struct rp_text *out, const struct rp_cell *cell)
{
    if (cell->block_size > 0)
        rp_printf(out, "blocks of %s tokens", rp_count(cell->block_size).text);
}

static void
layout_of(struct rp_text *out, const struct rp_cell *cell)
{
    char layout[64];
    rp_layout(layout, cell);
    rp_printf(out, "%s GPU%s (%s)", rp_count(cell->gpus).text, cell->gpus == 1 ? "" : "s", layout);
}

/* A limit as its writer may have put it: "50 ms", "1.5 s". */
void
md_limit(struct rp_text *out, double limit_ms)
{
    if (limit_ms >= 1000)
        rp_printf(out, "%s s", rp_tick(limit_ms / 1000).text);
    else
        rp_printf(out, "%s ms", rp_tick(limit_ms).text);
}

static void
slo_of(struct rp_text *out, const struct rp_cell *cell)
{
    if (isfinite(cell->slo_ttft_ms)) {
        rp_puts(out, "TTFT ≤ ");
        md_limit(out, cell->slo_ttft_ms);
    }
    if (isfinite(cell->slo_tpot_ms)) {
        rp_puts(out, isfinite(cell->slo_ttft_ms) ? ", TPOT ≤ " : "TPOT ≤ ");
        md_limit(out, cell->slo_tpot_ms);
    }
}

static void
seed_of(struct rp_text *out, const struct rp_cell *cell)
{
    if (isfinite(cell->seed))
        rp_printf(out, "%.0f", cell->seed);
}

/* Each plugin once, whichever cells use it; two versions of one are two. */
static void
put_plugins(struct md *md)
{
    json_t *seen = json_object();
    for (size_t i = 0; i < md->results.part_count; i++) {
        const json_t *list = json_object_get(md->results.parts[i].run, "plugins"), *plugin;
        size_t index;
        json_array_foreach(list, index, plugin)
        {
            struct rp_text one = {0};
            md_escape(&one, rp_text_at(plugin, "kind"));
            rp_puts(&one, " ");
            md_escape(&one, rp_text_at(plugin, "name"));
            rp_puts(&one, " ");
            md_escape(&one, rp_text_at(plugin, "version"));
            if (!one.failed && json_object_get(seen, one.data) == NULL) {
                rp_printf(&md->out, "%s%s", json_object_size(seen) > 0 ? ", " : "| Plugin versions | ", one.data);
                md->out.failed |= json_object_set_new(seen, one.data, json_true()) != 0;
            }
            md->out.failed |= one.failed;
            rp_text_free(&one);
        }
    }
    rp_puts(&md->out, json_object_size(seen) > 0 ? " |\n" : "");
    json_decref(seen);
}

static void
put_axes(struct md *md)
{
    for (size_t a = 0; a < md->results.axis_count; a++) {
        const struct rp_axis *axis = &md->results.axes[a];
        rp_puts(&md->out, "| Axis ");
        md_escape(&md->out, axis->name);
        rp_puts(&md->out, " | ");
        for (size_t v = 0; v < axis->count; v++) {
            rp_puts(&md->out, v > 0 ? ", " : "");
            md_escape(&md->out, axis->values[v]);
        }
        rp_puts(&md->out, " |\n");
    }
}

void
md_what_was_run(struct md *md)
{
    double wall_s = 0, rows_failed = 0;
    for (size_t i = 0; i < md->results.part_count; i++) {
        double wall = rp_number_at(md->results.parts[i].run, "wall_s", NULL);
        wall_s += isfinite(wall) ? wall : 0;
        rows_failed = fmax(rows_failed, rp_figure(&md->results.parts[i], "trace_rows_failed", NULL));
    }
    rp_puts(&md->out, "## What was run\n\n| | |\n|---|---|\n");
    rp_printf(&md->out, "| Cells | %zu", md->results.part_count);
    if (md_replicated(md))
        rp_printf(&md->out, ": %zu configurations, %zu replicates of each", md->results.count,
                  rp_member_count(&md->results.cells[0]));
    if (wall_s > 0)
        rp_printf(&md->out, ", simulated in %s of wall-clock time in all", rp_duration(wall_s).text);
    rp_puts(&md->out, " |\n");
    put_axes(md);
    (void)put_distinct(md, "Model", model_of);
    if (put_distinct(md, "Device", device_of) == 0) /* no cell lived to tell its device's figures */
        (void)put_distinct(md, "Device", hardware_of);
    (void)put_distinct(md, "GPUs", layout_of);
    (void)put_distinct(md, "Engine overhead", engine_of);
    (void)put_distinct(md, "Scheduler", scheduler_of);
    (void)put_distinct(md, "Router", router_of);
    (void)put_distinct(md, "Workload", workload_of);
    (void)put_distinct(md, "Offered rate", offered_of);
    (void)put_distinct(md, "KV cache", block_of);
    (void)put_distinct(md, "Service level (SLO)", slo_of);
    (void)put_distinct(md, "Seed", seed_of);
    if (rows_failed > 0)
        rp_printf(&md->out, "| Rows of the trace left out | up to %s a cell: they record requests that failed |\n",
                  rp_count(rows_failed).text);
    rp_puts(&md->out, "| servsim | ");
    md_escape(&md->out, md->results.version[0] != '\0' ? md->results.version : "unknown");
    rp_puts(&md->out, ", plugin ABI ");
    md_escape(&md->out, md->results.abi[0] != '\0' ? md->results.abi : "unknown");
    rp_puts(&md->out, " |\n");
    put_plugins(md);
    rp_puts(&md->out, "\nThe complete configuration of each cell stands in `cells/CELL/run.json`.\n\n");
}

/* ---- the rest of the frame ------------------------------------------------------------------------------------- */

void
md_failures(struct md *md)
{
    const struct rp_cell *first = NULL;
    for (size_t i = 0; i < md->results.part_count; i++) {
        const struct rp_cell *cell = &md->results.parts[i];
        if (cell->done)
            continue;
        if (first == NULL)
            rp_puts(&md->out, "## Failures\n\n| Cell | Status | Seed | Reason |\n|---|---|---:|---|\n");
        first = first != NULL ? first : cell;
        rp_puts(&md->out, "| ");
        md_escape(&md->out, cell->name);
        rp_puts(&md->out, " | ");
        md_escape(&md->out, cell->status);
        rp_printf(&md->out, " | %s | ", isfinite(cell->seed) ? rp_exact(cell->seed).text : "–");
        md_escape(&md->out, cell->reason[0] != '\0' ? cell->reason : "not stated");
        rp_puts(&md->out, " |\n");
    }
    if (first == NULL)
        return;
    rp_puts(&md->out,
            "\nWith FILE, the file of this experiment, `servsim run FILE --resume` runs what is missing here and "
            "keeps every cell whose inputs are the same. To run the first of them alone: `servsim run FILE --cell '");
    rp_printf(&md->out, "%s'`.\n\n", first->name);
}

void
md_pictures_missing(struct md *md)
{
    size_t drawn = 0, index;
    const json_t *charts = json_object_get(md->plots, "charts"), *chart;
    json_array_foreach(charts, index, chart)
    {
        drawn += json_is_true(json_object_get(chart, "svg")) || json_is_true(json_object_get(chart, "png"));
    }
    size_t done = 0;
    for (size_t i = 0; i < md->results.count; i++)
        done += md->results.cells[i].done != 0;
    if (drawn > 0 || done == 0)
        return;
    rp_puts(&md->out, "## Pictures\n\n");
    if (json_array_size(charts) > 0)
        rp_puts(&md->out,
                "No pictures were drawn, since gnuplot was not found; their scripts and data are in `plots/`. "
                "Install it (Debian: `apt-get install gnuplot-nox fonts-dejavu-core`), then run `servsim "
                "report` on this folder.\n\n");
    else
        rp_puts(&md->out,
                "There are no pictures of these results: `plots` was not among the reports that were asked for. To get "
                "them, run `servsim report` on this folder, with gnuplot installed (Debian: `apt-get install "
                "gnuplot-nox fonts-dejavu-core`).\n\n");
}

void
md_definitions(struct md *md)
{
    rp_puts(
        &md->out,
        "## Definitions\n\n"
        "- **Latency**: from a request's arrival to its last token. **TTFT**: from arrival to the first token. "
        "**TPOT**: (last token - first token) / (output tokens - 1). **ITL**: gap between two tokens. **Queue**: "
        "from arrival until a request is first taken up. All over finished requests.\n"
        "- **P50, P90, P99**: nearest-rank percentiles; one in a hundred requests is slower than the P99.\n"
        "- **Throughput**: tokens or requests over the time from the first arrival to the last token. **Simulated** "
        "is that time; **wall-clock** is how long the simulation took.\n"
        "- **Speed-up**: throughput against the smallest configuration of the same series. **Efficiency**: speed-up "
        "over the ratio of GPUs.\n"
        "- **Scaling loss**: a GPU that gives y output tokens a second spends 1/y seconds on each, known by kind: "
        "idle, "
        "or busy with communication, dense kernels, attention, engine overhead; work lost to a preemption and done "
        "again takes its share, by tokens computed, of the dense and attention time. From the smallest configuration "
        "(y₁) to a larger one (y₂) the seconds of each kind change by d; since y₁ − y₂ = y₁ y₂ (sum of d), the part "
        "of one kind is y₁ y₂ d, and the parts add up to the loss exactly.\n"
        "- **SLO met**: share of all requests that finished within the stated limits. **Goodput**: such requests per "
        "second.\n"
        "- **Busy**: share of the simulated time in which an engine computes, mean over replicas. **MFU** and **memory "
        "bandwidth**: model FLOPs and bytes read, against what the GPUs could have done in the whole simulated time.\n"
        "- **Preemption**: a running request loses its KV blocks, and is computed again later, or finds them in the "
        "host's "
        "memory (swap). **Jain's index**: 1 when all replicas are equally busy, 1/n when one does everything.\n"
        "- **Prefill replicas** compute prompts, the others decode. After its first token a request waits for those "
        "that "
        "are sent ahead of it, is sent, and queues to decode: all of that is in its TPOT and its latency.\n"
        "- **Energy**: idle power for the time without work, and for the time with it busy power, arithmetic and "
        "memory traffic, on average at most the board's limit; with the rest of the servers where their power is "
        "stated. Devices that say nothing of their power have none.\n");
    if (md_replicated(md))
        rp_puts(&md->out,
                "- **±**: every figure of a configuration is the mean of that figure over its replicates, which differ "
                "in "
                "their seeds; behind ± stands half of the 95 % interval of that mean (Student's t), for speed-up and "
                "efficiency that of a ratio estimator over replicates with the same traffic. One configuration is "
                "called better than another only where Welch's t test tells them apart at the 5 % level; a figure in "
                "bold is not told apart from the best of its column. Replicates of one number serve the same traffic "
                "in every configuration, which the test does not make use of: it errs on the side of caution.\n");
    rp_puts(&md->out, "\nFigures are rounded to three digits here; `results.json` and `cells/` have all of them.\n");
}

static void
put_title(struct md *md)
{
    size_t done = 0;
    for (size_t i = 0; i < md->results.part_count; i++)
        done += md->results.parts[i].done != 0;
    rp_puts(&md->out, "# ");
    md_escape(&md->out, md->results.name[0] != '\0' ? md->results.name : "servsim results");
    rp_puts(&md->out, "\n\n");
    if (md->results.count == 0) {
        rp_puts(&md->out, "The experiment has no cells.\n\n");
        return;
    }
    const struct rp_cell *cell = &md->results.cells[0];
    rp_puts(&md->out, "A simulation of LLM serving: ");
    md_escape(&md->out, cell->model);
    rp_puts(&md->out, " on ");
    const char *device = "";
    for (size_t i = 0; i < md->results.count && device[0] == '\0'; i++)
        device = rp_text_at(md->results.cells[i].summary, "device_name");
    md_escape(&md->out, device[0] != '\0' ? device : cell->hardware);
    if (md_replicated(md))
        rp_printf(&md->out, ", %zu configurations (combinations of cluster, software and traffic) of %zu replicates, ",
                  md->results.count, rp_member_count(cell));
    if (md_replicated(md) && done == md->results.part_count)
        rp_printf(&md->out, "all %zu cells run to the end.\n\n", done);
    else if (md_replicated(md))
        rp_printf(&md->out, "%zu of %zu cells run to the end and %zu failed.\n\n", done, md->results.part_count,
                  md->results.part_count - done);
    else if (md->results.count == 1)
        rp_printf(&md->out, ", one cell, %s.\n\n", done == 1 ? "run to the end" : "which failed");
    else if (done == md->results.count)
        rp_printf(&md->out, ", %zu cells (combinations of cluster, software and traffic), all run to the end.\n\n",
                  done);
    else
        rp_printf(&md->out,
                  ", %zu cells (combinations of cluster, software and traffic), %zu run to the end and %zu "
                  "failed.\n\n",
                  md->results.count, done, md->results.count - done);
    if (rp_replicates_equal(&md->results))
        rp_puts(&md->out,
                "**The replicates are equal to the last digit**: nothing here is drawn by the seed (a trace that is "
                "replayed whole is always the same; `sample` draws from it), so the intervals say nothing.\n\n");
}

/* plots/index.json, if it is there and shows these results; anything else is as if there were no pictures. */
static void
read_plots(struct md *md)
{
    char fingerprint[24];
    struct servsim_error ignored = {.size = sizeof ignored};
    char *path = rp_join(md->folder, "plots/index.json");
    if (path == NULL || rp_json_read(&md->plots, path, NULL, &ignored) != 0)
        md->plots = NULL;
    free(path);
    (void)snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)md->results.fingerprint);
    if (md->plots != NULL && strcmp(rp_text_at(md->plots, "results"), fingerprint) != 0) {
        json_decref(md->plots);
        md->plots = NULL;
    }
}

static int
write_all(struct md *md, struct servsim_error *err)
{
    put_title(md);
    md_summary(md);
    if (md->results.count > 0)
        md_what_was_run(md);
    for (size_t g = 0; g < md->matrix.group_count; g++)
        md_group(md, g);
    int status = md_verify(md, err);
    md_failures(md);
    md_pictures_missing(md);
    md_advice(md);
    md_behaviours(md);
    md_definitions(md);
    return status;
}

int
md_make(struct md *md, const struct servsim_report_input *input, struct servsim_error *err)
{
    *md = (struct md){.folder = strdup(input->output_dir)};
    int status = md->folder != NULL ? rp_results_read(&md->results, input->results_path, err)
                                    : servsim_fail(err, ENOMEM, "%s: no memory for the report", input->output_dir);
    if (status == 0)
        status = rp_results_read_runs(&md->results, err);
    if (status == 0)
        status = rp_results_fold(&md->results, err);
    if (status == 0)
        status = rp_matrix_make(&md->matrix, &md->results, err);
    if (status == 0) {
        read_plots(md);
        status = write_all(md, err);
    }
    return status == 0 && md->out.failed ? servsim_fail(err, ENOMEM, "%s: no memory for the report", md->folder)
                                         : status;
}

void
md_free(struct md *md)
{
    if (md->matrix.results != NULL)
        rp_matrix_free(&md->matrix);
    json_decref(md->plots);
    rp_text_free(&md->out);
    free(md->folder);
    rp_results_free(&md->results);
}
