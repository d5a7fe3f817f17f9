/*
 * report/common/report_test.h - for the tests of the report plugins: running one on a made-up results folder.
 */
#ifndef REPORT_COMMON_REPORT_TEST_H
#define REPORT_COMMON_REPORT_TEST_H

#include "report/common/fake_results.h"
#include "tests/unit/fake_host.h"

static const char *const traffic_one[] = {"burstgpt"};
static const char *const traffic_two[] = {"burstgpt_full", "sharegpt"};
static const char *const schedulers_two[] = {"fcfs", "predictive"};
static const int gpus_five[] = {1, 2, 4, 8, 16};

/* Five numbers of GPUs, one traffic that overloads the smallest, one scheduler. */
FAKE_UNUSED static struct fake_options
fake_options_scaling(void)
{
    return (struct fake_options){.name = "scaling",
                                 .traffics = traffic_one,
                                 .traffic_count = 1,
                                 .gpus = gpus_five,
                                 .gpus_count = 5,
                                 .requests = 1000,
                                 .rate = 40,
                                 .failed_cell = -1};
}

/* A single cell. */
FAKE_UNUSED static struct fake_options
fake_options_single(void)
{
    struct fake_options options = fake_options_scaling();
    options.gpus_count = 1;
    options.requests = 200;
    return options;
}

/* Two traffics, five numbers of GPUs, two schedulers; the fourth cell failed. */
FAKE_UNUSED static struct fake_options
fake_options_matrix(void)
{
    struct fake_options options = fake_options_scaling();
    options.name = "matrix";
    options.traffics = traffic_two;
    options.traffic_count = 2;
    options.schedulers = schedulers_two;
    options.scheduler_count = 2;
    options.requests = 300;
    options.failed_cell = 3;
    return options;
}

/* Three numbers of GPUs, four replicates of each; one of them failed. */
FAKE_UNUSED static struct fake_options
fake_options_replicates(void)
{
    struct fake_options options = fake_options_scaling();
    options.name = "replicated";
    options.gpus_count = 3;
    options.requests = 200;
    options.replicates = 4;
    options.failed_cell = 5;
    options.load = 1.2;
    return options;
}

FAKE_UNUSED static char *
fake_tree(const struct fake_options *options)
{
    char *folder = fake_folder_make();
    CU_ASSERT_EQUAL_FATAL(fake_results_write(folder, options), 0);
    return folder;
}

/* Runs a report with the given options ("name=value", NULL-terminated, or NULL). `plugin` gets its error and log. */
FAKE_UNUSED static int
run_report(struct fake_plugin *plugin, const char *name, const char *folder, const char *const *pairs)
{
    char results[4200];
    *plugin = (struct fake_plugin){0};
    if (fake_open(plugin, "report", name) != 0 || fake_create(plugin, NULL, pairs) != 0) {
        printf("# %s\n", plugin->err.text);
        CU_FAIL_FATAL("the plugin cannot be loaded");
    }
    (void)snprintf(results, sizeof results, "%s/results.json", folder);
    const struct servsim_report_input input = {
        .size = (uint32_t)sizeof input, .output_dir = folder, .results_path = results};
    const struct servsim_report_ops *ops = plugin->descriptor->ops;
    plugin->err.text[0] = '\0';
    int status = ops->render(plugin->self, &input, &plugin->err);
    /* Not through fake_destroy(): a report may have no state, and still wants to be told. */
    plugin->descriptor->destroy(plugin->self);
    plugin->self = NULL;
    return status;
}

/* The same where it must work. */
FAKE_UNUSED static void
must_run(const char *name, const char *folder)
{
    struct fake_plugin plugin;
    int status = run_report(&plugin, name, folder, NULL);
    if (status != 0)
        printf("# %s: %s\n", name, plugin.err.text);
    CU_ASSERT_EQUAL(status, 0);
}

/* The same where it must refuse, in one line that contains `words`. */
FAKE_UNUSED static void
must_refuse(const char *name, const char *folder, const char *words)
{
    struct fake_plugin plugin;
    int status = run_report(&plugin, name, folder, NULL);
    int good = status < 0 && strstr(plugin.err.text, words) != NULL && strchr(plugin.err.text, '\n') == NULL;
    if (!good)
        printf("# %s: %d, '%s' does not say '%s'\n", name, status, plugin.err.text, words);
    CU_ASSERT(good);
}

FAKE_UNUSED static int
contains(const char *text, const char *words)
{
    int found = text != NULL && strstr(text, words) != NULL;
    if (!found)
        printf("# missing: %s\n", words);
    return found;
}

#endif
