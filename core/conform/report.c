/*
 * conform/report.c - the laws of reports, over small experiments that are run for them with the plugins that are
 * installed.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "conform/laws.h"
#include "conform/tree.h"
#include "experiment/node.h"
#include "sweep/sweep.h"

#define PATH_BYTES 4096

static const char several[] = "servsim: 1\n"
                              "name: conformance\n"
                              "kv_cache: {blocks: 120}\n"
                              "workload: {plugin: poisson, rate: 8, requests: 40}\n"
                              "matrix:\n"
                              "  cluster: {one: {gpus: 1}, two: {gpus: 2}}\n"
                              "replicates: 2\n"
                              "report: []\n";
static const char single[] = "servsim: 1\n"
                             "name: conformance\n"
                             "workload: {plugin: poisson, rate: 8, requests: 5}\n"
                             "report: []\n";

/* A folder of results: ROOT/out. ROOT/elsewhere is where the report finds itself. */
struct desk {
    char root[64], out[80], elsewhere[80];
};

/* A report that does nothing but ask for all that any report may want. */
static int32_t
render_nothing(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    (void)input;
    (void)err;
    return 0;
}

static int32_t
create_nothing(const struct servsim_host *host, const struct servsim_create *args, void **self,
               struct servsim_error *err)
{
    (void)host;
    (void)args;
    (void)self;
    (void)err;
    return 0;
}

static void
destroy_nothing(void *self)
{
    (void)self;
}

static const struct servsim_report_ops wanting_ops = {
    .size = sizeof wanting_ops, .flags = SERVSIM_REPORT_WANTS_TIMELINE, .render = render_nothing};

static const struct servsim_plugin wanting_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_REPORT),
    .name = "wanting",
    .version = "1",
    .summary = "wanting",
    .licence = "Apache-2.0",
    .create = create_nothing,
    .destroy = destroy_nothing,
    .ops = &wanting_ops,
};

static const struct ss_plugin wanting_plugin = {&wanting_descriptor, "wanting"};

static int
run_experiment(struct ss_trial *trial, const char *yaml, const char *output, struct servsim_error *err)
{
    struct ss_experiment experiment = {0};
    struct ss_node *tree = NULL;
    struct ss_outcome outcomes[8] = {0};
    struct ss_use wanting = {.plugin = &wanting_plugin};
    const struct ss_sweep_options options = {.jobs = 1, .quiet = 1};
    int rc = ss_node_parse(&tree, yaml, strlen(yaml), "conformance", err);
    if (rc == 0 && ss_node_set_text(tree, "output", output, "conformance") == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        rc = ss_experiment_build(&experiment, tree, ".", trial->asked->lookup, err);
    if (rc == 0) {
        const struct ss_experiment own = experiment;
        experiment.reports = &wanting;
        experiment.report_count = 1;
        rc = ss_sweep(&experiment, &options, trial->asked->lookup, outcomes, err) == SS_SWEEP_DONE ? 0 : -EIO;
        experiment.reports = own.reports;
        experiment.report_count = own.report_count;
    }
    ss_experiment_free(&experiment);
    ss_node_free(tree);
    return rc;
}

static int
lay(struct ss_trial *trial, const char *yaml, struct desk *desk, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    (void)snprintf(desk->root, sizeof desk->root, "/tmp/servsim-report-XXXXXX");
    if (mkdtemp(desk->root) == NULL)
        return servsim_fail(err, errno, "%s: %s", desk->root, strerror(errno));
    (void)snprintf(desk->out, sizeof desk->out, "%s/out", desk->root);
    (void)snprintf(desk->elsewhere, sizeof desk->elsewhere, "%s/elsewhere", desk->root);
    (void)mkdir(desk->elsewhere, 0755);
    int rc = run_experiment(trial, yaml, desk->out, &why);
    if (rc == 0 && chdir(desk->elsewhere) != 0)
        rc = -errno;
    if (rc == 0)
        return 0;
    ss_tree_remove(desk->root);
    return ss_not_tried(err, "no results to show it: %.900s", why.text);
}

static void
clear(const struct desk *desk)
{
    if (chdir("/") == 0)
        ss_tree_remove(desk->root);
}

/* The report's own answer. */
static int
render(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    const struct servsim_report_ops *ops = trial->plugin.descriptor->ops;
    char results[PATH_BYTES];
    void *self = NULL;
    (void)snprintf(results, sizeof results, "%s/results.json", desk->out);
    const struct servsim_report_input input = {.size = sizeof input, .output_dir = desk->out, .results_path = results};
    int rc = ss_trial_create(trial, &trial->use, &self, err);
    if (rc < 0)
        return rc;
    rc = ops->render(self, &input, err);
    trial->plugin.descriptor->destroy(self);
    return rc;
}

static int
render_well(struct ss_trial *trial, const struct desk *desk, const char *of, struct servsim_error *err)
{
    struct servsim_error why = {.size = sizeof why};
    int rc = render(trial, desk, &why);
    if (rc == 0)
        return 0;
    return servsim_fail(err, EPROTO, "render() of %s answers %d: %.900s", of, rc,
                        why.text[0] != '\0' ? why.text : "without a text");
}

/* ---- where it writes ---- */

static int
changes_nothing_else(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    char cells[PATH_BYTES], line[300];
    struct ss_text cells_before = {0}, cells_after = {0}, outside = {0}, outside_after = {0}, out = {0};
    (void)snprintf(cells, sizeof cells, "%s/cells", desk->out);
    int rc = ss_tree_list(cells, NULL, &cells_before, err);
    if (rc == 0)
        rc = ss_tree_list(desk->root, "out", &outside, err);
    if (rc == 0)
        rc = render_well(trial, desk, "an experiment", err);
    if (rc == 0)
        rc = ss_tree_list(cells, NULL, &cells_after, err);
    if (rc == 0)
        rc = ss_tree_list(desk->root, "out", &outside_after, err);
    if (rc == 0)
        rc = ss_tree_list(desk->out, "cells", &out, err);
    if (rc == 0 && strcmp(cells_before.data, cells_after.data) != 0)
        rc = servsim_fail(err, EPROTO, "it changes the results themselves, under cells/");
    if (rc == 0 && ss_tree_new_line(outside.data, outside_after.data, line, sizeof line))
        rc = servsim_fail(err, EPROTO, "it writes outside of output_dir: %s", line);
    ss_text_free(&cells_before);
    ss_text_free(&cells_after);
    ss_text_free(&outside);
    ss_text_free(&outside_after);
    ss_text_free(&out);
    return rc;
}

static int
on_desk(struct ss_trial *trial, const char *yaml,
        int (*law)(struct ss_trial *, const struct desk *, struct servsim_error *), struct servsim_error *err)
{
    struct desk desk;
    int rc = lay(trial, yaml, &desk, err);
    if (rc != 0)
        return rc;
    rc = law(trial, &desk, err);
    clear(&desk);
    return rc;
}

static int
stays_inside(struct ss_trial *trial, struct servsim_error *err)
{
    return on_desk(trial, several, changes_nothing_else, err);
}

/* ---- the same bytes ---- */

static int
same_twice(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    struct ss_text first = {0}, second = {0};
    char line[300];
    int rc = render_well(trial, desk, "an experiment", err);
    if (rc == 0)
        rc = ss_tree_list(desk->out, "cells", &first, err);
    if (rc == 0)
        rc = render_well(trial, desk, "an experiment, for the second time,", err);
    if (rc == 0)
        rc = ss_tree_list(desk->out, "cells", &second, err);
    if (rc == 0 && ss_tree_new_line(first.data, second.data, line, sizeof line))
        rc = servsim_fail(err, EPROTO, "the second time it writes something else: %s", line);
    ss_text_free(&first);
    ss_text_free(&second);
    return rc;
}

static int
same_bytes(struct ss_trial *trial, struct servsim_error *err)
{
    return on_desk(trial, single, same_twice, err);
}

/* ---- thin results ---- */

/* As the manifest has it where a cell did not finish. */
static int
fail_cells(struct ss_trial *trial, const struct desk *desk, size_t count, struct servsim_error *err)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/experiment.json", desk->out);
    json_t *manifest = json_load_file(path, 0, NULL), *cells = json_object_get(manifest, "cells");
    for (size_t i = 0; i < count && i < json_array_size(cells); i++) {
        json_t *cell = json_array_get(cells, i);
        (void)snprintf(folder, sizeof folder, "%s/cells/%s", desk->out,
                       json_string_value(json_object_get(cell, "name")));
        ss_tree_remove(folder);
        (void)json_object_set_new(cell, "status", json_string("failed"));
        (void)json_object_set_new(cell, "reason", json_string("killed by signal 11 (Segmentation fault)"));
    }
    int rc = json_dump_file(manifest, path, JSON_INDENT(2)) == 0 ? 0 : servsim_fail(err, EIO, "%s: not written", path);
    json_decref(manifest);
    return rc != 0 ? rc : ss_sweep_reports(NULL, 0, trial->asked->lookup, desk->out, err);
}

static int
after_failures(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    int rc = fail_cells(trial, desk, 1, err);
    if (rc == 0)
        rc = render_well(trial, desk, "an experiment with a cell that failed", err);
    if (rc == 0)
        rc = fail_cells(trial, desk, 4, err);
    if (rc != 0)
        return rc;
    struct servsim_error why = {.size = sizeof why}; /* it may have nothing to show, and say so */
    if (render(trial, desk, &why) < 0 && why.text[0] == '\0')
        return servsim_fail(err, EPROTO, "render() of an experiment whose cells all failed leaves no text");
    return 0;
}

static int
one_cell(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    return render_well(trial, desk, "an experiment of one cell", err);
}

static int
thin_results(struct ss_trial *trial, struct servsim_error *err)
{
    int rc = on_desk(trial, single, one_cell, err);
    return rc != 0 ? rc : on_desk(trial, several, after_failures, err);
}

static int
without_results(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    char path[PATH_BYTES];
    struct servsim_error why = {.size = sizeof why};
    (void)snprintf(path, sizeof path, "%s/results.json", desk->out);
    int rc = ss_file_write(path, "{\"cells\": [", 11, err);
    if (rc != 0)
        return rc;
    (void)snprintf(path, sizeof path, "%s/experiment.json", desk->out); /* which `json` reads instead */
    rc = ss_file_write(path, "{\"cells\": [", 11, err);
    if (rc != 0)
        return rc;
    if (render(trial, desk, &why) >= 0)
        return servsim_fail(err, EPROTO, "render() of half a file answers 0; report what is wrong with it");
    return why.text[0] != '\0' ? 0 : servsim_fail(err, EPROTO, "render() of half a file fails without a text");
}

static int
bad_results(struct ss_trial *trial, struct servsim_error *err)
{
    return on_desk(trial, single, without_results, err);
}

/* ---- whole or not at all ---- */

/* Every line of `some` must be in `whole`: a file is as it should be, or it is not there. */
static int
all_whole(const struct ss_text *whole, const struct ss_text *some, struct servsim_error *err)
{
    char line[300];
    if (!ss_tree_new_line(whole->data, some->data, line, sizeof line))
        return 0;
    return servsim_fail(
        err, EPROTO, "where the disk is full it leaves part of a file: %s; write under a temporary name, then rename",
        line);
}

static int
full_disk(struct ss_trial *trial, const struct desk *desk, struct servsim_error *err)
{
    struct ss_text before = {0}, whole = {0}, some = {0};
    struct servsim_error why = {.size = sizeof why};
    struct rlimit limit = {0, RLIM_INFINITY};
    int rc = ss_tree_list(desk->out, "cells", &before, err);
    if (rc == 0)
        rc = render_well(trial, desk, "an experiment", err);
    if (rc == 0)
        rc = ss_tree_list(desk->out, "cells", &whole, err);
    ss_text_puts(&whole, before.data != NULL ? before.data : "");
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    const struct rlimit none = {0, limit.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &none);
    int answer = rc == 0 ? render(trial, desk, &why) : 0;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    if (rc == 0)
        rc = ss_tree_list(desk->out, "cells", &some, err);
    if (rc == 0)
        rc = all_whole(&whole, &some, err);
    if (rc == 0 && answer >= 0)
        rc = servsim_fail(err, EPROTO, "render() answers 0 although nothing could be written");
    if (rc == 0 && why.text[0] == '\0')
        rc = servsim_fail(err, EPROTO, "render() leaves no text where nothing could be written");
    ss_text_free(&before);
    ss_text_free(&whole);
    ss_text_free(&some);
    return rc;
}

static int
whole_or_nothing(struct ss_trial *trial, struct servsim_error *err)
{
    return on_desk(trial, single, full_disk, err);
}

static const struct ss_law laws[] = {
    {"writes in its folder alone", stays_inside},       {"the same bytes the second time", same_bytes},
    {"one cell, failed cells, no cells", thin_results}, {"says what is wrong with results", bad_results},
    {"whole files or none", whole_or_nothing},
};

const struct ss_kind_laws ss_report_laws = {SERVSIM_KIND_REPORT, laws, sizeof laws / sizeof laws[0], NULL};
