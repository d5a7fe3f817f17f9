/*
 * report/plots - charts of an experiment, drawn by gnuplot from scripts and data that stay beside the pictures.
 *
 * Writes plots/NAME.{gp,dat} and, where gnuplot is there, plots/NAME.{png,svg}; plots/index.json lists them with their
 * captions and with the fingerprint of the results that they show, so that other reports can tell old pictures from
 * new ones. Does not judge anything: that is the Markdown report's part.
 */
#include "report/plots/plots.h"

#include <math.h>
#include <unistd.h>

#include "report/common/number.h"

struct plots_self {
    char *program, *formats;
    int timelines;
    const struct servsim_host *host;
};

struct ranked {
    struct rp_cell *cell;
    double latency;
};

static int
by_latency(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->latency != y->latency)
        return x->latency < y->latency ? -1 : 1;
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static int
by_place(const void *a, const void *b)
{
    const struct rp_cell *x = *(struct rp_cell *const *)a, *y = *(struct rp_cell *const *)b;
    return x < y ? -1 : x > y;
}

size_t
plots_select(struct rp_cell *const *cells, size_t count, size_t limit, struct rp_cell **out)
{
    struct ranked *ranked = calloc(count + 1, sizeof *ranked);
    size_t done = 0, chosen = 0;
    for (size_t i = 0; i < count && ranked != NULL; i++)
        if (cells[i]->done) {
            double latency = rp_figure(cells[i], "latency_ms", "mean");
            ranked[done++] = (struct ranked){cells[i], isnan(latency) ? INFINITY : latency};
        }
    if (done > limit)
        qsort(ranked, done, sizeof *ranked, by_latency);
    for (size_t i = 0; i < done && i < limit; i++)
        out[chosen++] = ranked[done > limit && limit > 1 ? i * (done - 1) / (limit - 1) : i].cell;
    if (chosen > 0)
        qsort(out, chosen, sizeof(struct rp_cell *), by_place);
    free(ranked);
    return chosen;
}

void
plots_name(char out[160], const struct plots *plots, size_t group, const char *name, const char *part)
{
    char slug[65];
    int length = snprintf(out, 160, "%s", name);
    if (part != NULL) {
        rp_slug(slug, part);
        length += snprintf(out + length, 160 - (size_t)length, "-%s", slug);
    } else if (plots->matrix.group_count > 1) {
        rp_slug(slug, plots->matrix.groups[group].title);
        length += snprintf(out + length, 160 - (size_t)length, "-%s", slug);
    }
    /* Two names that differ in odd characters alone must not share a file. */
    for (size_t i = 0; i < plots->count; i++)
        if (strcmp(plots->entries[i].name, out) == 0) {
            (void)snprintf(out + length, 160 - (size_t)length, "-%zu", plots->count);
            break;
        }
}

void
plots_titles(struct plots *plots, struct chart *chart, size_t group, const char *title, const char *note)
{
    const struct rp_cell *cell = plots->matrix.groups[group].cells[0];
    struct rp_text subtitle = {0};
    rp_puts(&subtitle, cell->model);
    for (size_t i = 1; i < plots->results.count; i++)
        if (strcmp(plots->results.cells[i].model, cell->model) != 0) {
            rp_text_free(&subtitle);
            rp_puts(&subtitle, "several models");
            break;
        }
    rp_printf(&subtitle, " · traffic: %s", plots->matrix.groups[group].title);
    if (cell->load > 0 && !plots->matrix.groups[group].mixed)
        rp_printf(&subtitle, " (%s× capacity)", rp_tick(cell->load).text);
    if (plots->results.name[0] != '\0')
        rp_printf(&subtitle, " · %s", plots->results.name);
    if (rp_is_folded(&plots->results))
        rp_printf(&subtitle, " · %zu replicates", rp_member_count(&plots->results.cells[0]));
    if (note != NULL)
        rp_printf(&subtitle, " · %s", note);
    chart->title = chart_shortened(chart, title, 80);
    chart->subtitle = subtitle.failed ? NULL : chart_shortened(chart, subtitle.data, 112);
    rp_text_free(&subtitle);
}

char *
plots_caption(const struct plots *plots, struct chart *chart, const char *caption)
{
    struct rp_text text = {0};
    rp_puts(&text, caption);
    if (rp_is_folded(&plots->results))
        rp_printf(&text, " Means over %zu replicates; thin bars are their 95 %% intervals.",
                  rp_member_count(&plots->results.cells[0]));
    char *out = text.failed ? NULL : chart_copy(chart, text.data);
    chart->failed |= out == NULL;
    rp_text_free(&text);
    return out;
}

void
plots_problem(struct plots *plots, int status, const struct servsim_error *err)
{
    if (plots->status != 0)
        return;
    plots->status = status;
    plots->problem = *err;
}

static int
write_part(const struct plots *plots, const struct chart *chart, const char *ending, const struct rp_text *text,
           struct servsim_error *err)
{
    struct rp_text path = {0};
    rp_printf(&path, "%s/%s.%s", plots->folder, chart->name, ending);
    int status = path.failed ? servsim_fail(err, ENOMEM, "%s: no memory for a chart", plots->folder)
                             : rp_file_write(path.data, text, err);
    rp_text_free(&path);
    return status;
}

static int
note_entry(struct plots *plots, const struct chart *chart, size_t group, const char *kind, const char *cell)
{
    struct plots_entry *entries = realloc(plots->entries, (plots->count + 1) * sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    plots->entries = entries;
    entries[plots->count] = (struct plots_entry){.name = strdup(chart->name),
                                                 .title = strdup(chart->title),
                                                 .caption = strdup(chart->caption),
                                                 .kind = kind,
                                                 .cell = cell,
                                                 .group = group};
    const struct plots_entry *entry = &entries[plots->count++];
    return entry->name != NULL && entry->title != NULL && entry->caption != NULL ? 0 : -ENOMEM;
}

void
plots_add(struct plots *plots, struct chart *chart, size_t group, const char *kind, const char *cell)
{
    struct servsim_error err = {.size = sizeof err};
    struct rp_text script = {0}, data = {0};
    int status = chart->failed ? servsim_fail(&err, ENOMEM, "%s: no memory for a chart", plots->folder) : 0;
    if (status == 0) {
        chart_data(chart, &data);
        status = write_part(plots, chart, "dat", &data, &err);
    }
    if (status == 0) {
        chart_script(chart, &script);
        status = write_part(plots, chart, "gp", &script, &err);
    }
    if (status == 0 && note_entry(plots, chart, group, kind, cell) != 0)
        status = servsim_fail(&err, ENOMEM, "%s: no memory for a chart", plots->folder);
    if (status != 0)
        plots_problem(plots, status, &err);
    rp_text_free(&script);
    rp_text_free(&data);
    chart_free(chart);
}

static int
write_index(const struct plots *plots, struct servsim_error *err)
{
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)plots->results.fingerprint);
    json_t *root = json_pack("{s:i, s:s, s:[]}", "servsim_plots", 1, "results", fingerprint, "charts");
    json_t *charts = json_object_get(root, "charts");
    for (size_t i = 0; i < plots->count; i++) {
        const struct plots_entry *entry = &plots->entries[i];
        json_t *chart = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s, s:b, s:b}", "name", entry->name, "kind", entry->kind,
                                  "cell", entry->cell, "group", plots->matrix.groups[entry->group].title, "title",
                                  entry->title, "caption", entry->caption, "png", entry->png, "svg", entry->svg);
        (void)json_array_append_new(charts, chart);
    }
    char *dump = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    struct rp_text text = {.failed = dump == NULL};
    rp_puts(&text, dump != NULL ? dump : "");
    rp_puts(&text, "\n");
    char *path = rp_join(plots->folder, "index.json");
    int status = path != NULL ? rp_file_write(path, &text, err) : servsim_fail(err, ENOMEM, "no memory");
    free(path);
    free(dump);
    rp_text_free(&text);
    json_decref(root);
    return status;
}

/* Is the file of this name one that is written now? */
static int
is_current(const struct plots *plots, const char *name)
{
    for (size_t i = 0; i < plots->count; i++)
        if (strcmp(plots->entries[i].name, name) == 0)
            return 1;
    return 0;
}

/* Removes the charts of an earlier index that these results have no more. */
static void
remove_old(const struct plots *plots)
{
    static const char *const endings[] = {"gp", "dat", "png", "svg"};
    struct servsim_error ignored = {.size = sizeof ignored};
    json_t *old = NULL, *chart;
    size_t index;
    char *path = rp_join(plots->folder, "index.json");
    if (path == NULL || rp_json_read(&old, path, NULL, &ignored) != 0)
        old = NULL;
    free(path);
    json_array_foreach(json_object_get(old, "charts"), index, chart)
    {
        const char *name = rp_text_at(chart, "name");
        if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || is_current(plots, name))
            continue;
        for (size_t e = 0; e < sizeof endings / sizeof endings[0]; e++) {
            struct rp_text file = {0};
            rp_printf(&file, "%s/%s.%s", plots->folder, name, endings[e]);
            if (!file.failed)
                (void)unlink(file.data);
            rp_text_free(&file);
        }
    }
    json_decref(old);
}

static void
make_charts(struct plots *plots)
{
    for (size_t g = 0; g < plots->matrix.group_count; g++) {
        if (plots->matrix.groups[g].series_count > 0) {
            plots_scaling(plots, g);
            plots_loss(plots, g);
        } else
            plots_bars(plots, g);
        plots_balance(plots, g);
        plots_tails(plots, g);
        plots_curves(plots, g);
        plots_timelines(plots, g);
    }
}

static int
draw(struct plots *plots, const struct plots_self *self, struct servsim_error *err)
{
    int status = plots->count > 0 ? gnuplot_draw(plots, self->program, self->formats, err) : 0;
    if (status != GNUPLOT_ABSENT)
        return status;
    struct rp_text hint = {0};
    rp_printf(&hint,
              "%s was not found, so no pictures were drawn; install it (Debian: apt-get install gnuplot-nox "
              "fonts-dejavu-core), then: cd %s && gnuplot *.gp",
              self->program, plots->folder);
    if (!hint.failed && SERVSIM_COVERS(self->host, struct servsim_host, log) && self->host->log != NULL)
        self->host->log(self->host->ctx, SERVSIM_LOG_WARNING, hint.data);
    rp_text_free(&hint);
    return 0;
}

static void
free_plots(struct plots *plots)
{
    for (size_t i = 0; i < plots->count; i++) {
        free(plots->entries[i].name);
        free(plots->entries[i].title);
        free(plots->entries[i].caption);
    }
    free(plots->entries);
    free(plots->folder);
    if (plots->matrix.results != NULL)
        rp_matrix_free(&plots->matrix);
    rp_results_free(&plots->results);
}

static int32_t
render(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    const struct plots_self *plugin = self;
    struct plots plots = {.timelines = plugin->timelines, .problem = {.size = sizeof plots.problem}};
    int status = rp_results_read(&plots.results, input->results_path, err);
    if (status == 0)
        status = rp_results_fold(&plots.results, err);
    if (status == 0)
        status = rp_matrix_make(&plots.matrix, &plots.results, err);
    if (status == 0 && (plots.folder = rp_join(input->output_dir, "plots")) == NULL)
        status = servsim_fail(err, ENOMEM, "%s: no memory for charts", input->output_dir);
    if (status == 0)
        status = rp_folder_make(plots.folder, err);
    if (status == 0) {
        make_charts(&plots);
        remove_old(&plots);
        status = draw(&plots, plugin, err);
        struct servsim_error later = {.size = sizeof later};
        int written = write_index(&plots, status == 0 ? err : &later);
        status = status == 0 ? written : status;
    }
    if (status == 0 && plots.status != 0)
        status = servsim_fail(err, -plots.status, "%s", plots.problem.text);
    free_plots(&plots);
    return status;
}

static void
destroy(void *self)
{
    struct plots_self *plugin = self;
    free(plugin->program);
    free(plugin->formats);
    free(plugin);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **out, struct servsim_error *err)
{
    struct plots_self *self = calloc(1, sizeof *self);
    if (self == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    const char *formats = servsim_text(args, "formats");
    self->host = host;
    self->timelines = (int)servsim_integer(args, "timelines");
    self->program = strdup(servsim_text(args, "gnuplot"));
    self->formats = strdup(strcmp(formats, "both") == 0 ? "png svg" : formats);
    if (self->program == NULL || self->formats == NULL) {
        destroy(self);
        return servsim_fail(err, ENOMEM, "no memory");
    }
    *out = self;
    return 0;
}

static const struct servsim_option options[] = {
    {.name = "formats",
     .unit = "",
     .default_text = "both",
     .choices = "both|png|svg",
     .help = "which pictures to draw",
     .type = SERVSIM_OPTION_CHOICE},
    {.name = "timelines",
     .unit = "",
     .default_text = "8",
     .help = "cells that get a timeline, at most",
     .minimum = 0,
     .maximum = 1000,
     .type = SERVSIM_OPTION_INTEGER},
    {.name = "gnuplot",
     .unit = "",
     .default_text = "gnuplot",
     .help = "the gnuplot program, a name to look up or a path",
     .type = SERVSIM_OPTION_TEXT},
};

static const struct servsim_report_ops ops = {.size = sizeof ops, .render = render};

static const struct servsim_plugin plots_plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_REPORT, options),
    .name = "plots",
    .version = "1.0",
    .summary = "charts as PNG and SVG, with the gnuplot scripts and data that they were drawn from",
    .licence = "Apache-2.0",
    .page = "Latency, throughput with the ideal line, throughput per GPU and execution time against the number of GPUs "
            "(bars of each cell where that does not vary), tails, cumulative distributions, and timelines of load, "
            "queue, batch and KV use. Everything is in plots/; 'gnuplot NAME.gp' there draws one chart again. Without "
            "gnuplot the scripts and data are written all the same. Colours are those of Okabe and Ito.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plots_plugin)
