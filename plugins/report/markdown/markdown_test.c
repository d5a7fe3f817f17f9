/*
 * Tests of report/markdown: the whole text of one report against a golden file, its figures against the rows that they
 * come from, and a sensible report for every odd shape of an experiment.
 *
 * SERVSIM_UPDATE_GOLDEN=1 in the environment writes the golden file anew; look at the difference before you keep it.
 */
#include <math.h>
#include <unistd.h>

#include "report/common/number.h"
#include "report/common/report_test.h"

#define GOLDEN "plugins/report/markdown/report.golden.md"

static char *
report_of(const char *folder)
{
    must_run("json", folder);
    must_run("markdown", folder);
    char *text = fake_file_read(folder, "report.md");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    return text;
}

static char *
report_for(const struct fake_options *options)
{
    char *folder = fake_tree(options), *text = report_of(folder);
    fake_folder_remove(folder);
    return text;
}

/* No column without a unit where it needs one, all rows of a table equally long, nothing that is not a number. */
static void
check_form(const char *text)
{
    size_t bars = 0;
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n"), here = 0;
        for (size_t i = 0; i < length; i++)
            here += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
        if (line[0] == '|' && bars != 0 && here != bars) {
            printf("# %.*s\n", (int)length, line);
            CU_FAIL("a row of a table has not as many fields as its header");
        }
        bars = line[0] == '|' ? here : 0;
        line += length + (line[length] == '\n');
    }
    CU_ASSERT_PTR_NULL(strstr(text, "nan"));
    CU_ASSERT_PTR_NULL(strstr(text, "inf "));
    CU_ASSERT_PTR_NULL(strstr(text, "(null)"));
}

static void
golden(void)
{
    struct fake_options options = fake_options_scaling();
    options.both = 1;
    char *text = report_for(&options);
    check_form(text);
    if (getenv("SERVSIM_UPDATE_GOLDEN") != NULL)
        fake_file_write(ss_source_path("."), GOLDEN, text);
    char *expected = fake_file_read(ss_source_path("."), GOLDEN);
    CU_ASSERT_PTR_NOT_NULL_FATAL(expected);
    if (strcmp(text, expected) != 0) {
        size_t at = 0, start = 0;
        for (; text[at] == expected[at]; at++)
            start = text[at] == '\n' ? at + 1 : start;
        printf("# is:     %.*s\n# wanted: %.*s\n", (int)strcspn(text + start, "\n"), text + start,
               (int)strcspn(expected + start, "\n"), expected + start);
        CU_FAIL("the report is not the golden one");
    }
    free(expected);
    free(text);
}

/* Mean latency, P99 and count of the finished rows of one cell, from requests.csv alone. */
static int
by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static size_t
recompute(const char *folder, const char *cell, double *mean, double *p99)
{
    char name[256];
    (void)snprintf(name, sizeof name, "cells/%s/requests.csv", cell);
    char *text = fake_file_read(folder, name), *rest = text, *line;
    double *values = calloc(5000, sizeof *values), sum = 0;
    size_t count = 0;
    while ((line = strtok_r(rest, "\n", &rest)) != NULL)
        if (strstr(line, ",finished,") != NULL) {
            values[count] = strtod(strrchr(line, ',') + 1, NULL);
            sum += values[count++];
        }
    qsort(values, count, sizeof *values, by_number);
    *mean = sum / (double)count;
    *p99 = values[(size_t)ceil(0.99 * (double)count) - 1];
    free(values);
    free(text);
    return count;
}

static void
figures(void)
{
    struct fake_options options = fake_options_scaling();
    char *folder = fake_tree(&options), *text = report_of(folder), row[256];
    static const char *const names[] = {"single_gpu", "dual_gpu", "quad_gpu", "octa_gpu", "hexadeca_gpu"};
    for (size_t i = 0; i < 5; i++) {
        double mean, p99;
        size_t count = recompute(folder, names[i], &mean, &p99);
        const char *bold = i == 4 ? "**" : "";
        (void)snprintf(row, sizeof row, "| %s | done | %d (tp %d) | %s / 1,000 | %s%s%s | %s%s%s |", names[i],
                       gpus_five[i], gpus_five[i], rp_count((double)count).text, bold, rp_human(mean).text, bold, bold,
                       rp_human(p99).text, bold);
        CU_ASSERT(contains(text, row));
    }
    free(text);
    fake_folder_remove(folder);
}

static void
sections(void)
{
    static const char *const wanted[] = {"# matrix\n",
                                         "\n## Summary\n",
                                         "\n## What was run\n",
                                         "\n## Results: burstgpt_full\n",
                                         "\n### Scaling with GPUs\n",
                                         "\n### Where the scaling loss goes\n",
                                         "\n### Tails\n",
                                         "\n### Where the time goes\n",
                                         "\n### KV cache and preemptions\n",
                                         "\n## Results: sharegpt\n",
                                         "\n## Failures\n",
                                         "\n## Pictures\n",
                                         "\n## Advice\n",
                                         "\n## Four ideal behaviours\n",
                                         "\n## Definitions\n"};
    struct fake_options options = fake_options_matrix();
    char *text = report_for(&options);
    const char *from = text;
    check_form(text);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *here = strstr(from, wanted[i]);
        if (here == NULL)
            printf("# missing, or out of order: %s\n", wanted[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(here);
        from = here;
    }
    /* The reason came from a plugin: it must not break the table nor become HTML. */
    CU_ASSERT(contains(
        text, "| burstgpt_full-dual_gpu-predictive | failed | 42 | the scheduler \\| planned &lt;a&gt; batch of "
              "300 sequences; the limit is 256 |"));
    CU_ASSERT(contains(text, "| dual_gpu / predictive | failed | 2 (tp 2) | – |"));
    CU_ASSERT(contains(text, "**1 of 10 cells failed**"));
    CU_ASSERT(contains(text, "`servsim run FILE --resume` runs what is missing"));
    CU_ASSERT(contains(text, "`servsim run FILE --cell '"));
    free(text);
}

/* What one cell has and no other makes a column; what all have none of makes none. */
static void
rare_columns(void)
{
    struct fake_options options = fake_options_scaling();
    char *folder = fake_tree(&options), *text = report_of(folder);
    CU_ASSERT_PTR_NULL(strstr(text, "Swap"));
    CU_ASSERT_PTR_NULL(strstr(text, "Evicted"));
    free(text);
    char *summary = fake_file_read(folder, "cells/dual_gpu/summary.json"), *at, changed[20000];
    CU_ASSERT_PTR_NOT_NULL_FATAL(summary);
    at = strstr(summary, "\"preemptions\": ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    (void)snprintf(changed, sizeof changed,
                   "%.*s\"swapped_out_blocks\": 3456, \"swapped_in_blocks\": 3400, \"kv_evictions\": 0, %s",
                   (int)(at - summary), summary, at);
    at = strstr(changed, "\"overhead\": 0.12");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, "\"swap\":     0.12", strlen("\"overhead\": 0.12"));
    fake_file_write(folder, "cells/dual_gpu/summary.json", changed);
    text = report_of(folder);
    check_form(text);
    CU_ASSERT(contains(text, " Recomputed of all prefill | Swapped out (blocks) | Swapped in (blocks) | Found in the"));
    CU_ASSERT(contains(text, "% | 3,456 | 3,400 |"));
    CU_ASSERT(contains(text, " | Swap (of busy) | MFU |"));
    CU_ASSERT_PTR_NULL(strstr(text, "Evicted"));
    free(summary);
    free(text);
    fake_folder_remove(folder);
}

static void
replicated(void)
{
    struct fake_options options = fake_options_replicates();
    char *text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "3 configurations (combinations of cluster, software and traffic) of 4 replicates, 11 of "
                             "12 cells run to the end and 1 failed"));
    CU_ASSERT(contains(text, "| dual_gpu | 3 of 4 done | 2 (tp 2) |"));
    CU_ASSERT(contains(text, "| Workload | burstgpt at 1.2× capacity (times divided by 313) |"));
    CU_ASSERT(contains(text, " ± "));
    CU_ASSERT(contains(text, "| dual_gpu.r2 | failed |"));
    CU_ASSERT(contains(text, "- **±**: "));
    CU_ASSERT(!contains(text, "replicates are equal"));
    CU_ASSERT(contains(text, "## Results: burstgpt\n\nTraffic: burstgpt at 1.2× capacity (times divided by 313)."));
    free(text);
}

static void
equal_replicates(void)
{
    struct fake_options options = fake_options_replicates();
    options.same_replicates = 1;
    char *text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "**The replicates are equal to the last digit**: nothing here is drawn by the seed"));
    free(text);
}

/* Schedulers that serve the same traffic: the fake's "predictive" is faster than fcfs where requests wait; the third
   is fcfs under another name. */
static void
noise(void)
{
    static const char *const names[] = {"fcfs", "twin"};
    struct fake_options options = fake_options_replicates();
    options.gpus_count = 1;
    options.schedulers = names;
    options.scheduler_count = 2;
    options.failed_cell = -1;
    char *text = report_for(&options);
    CU_ASSERT(contains(text, "**Throughput** is the same everywhere"));
    CU_ASSERT(contains(text, "**Latency** shows no difference larger than noise"));
    CU_ASSERT_PTR_NULL(strstr(text, "Lowest latency"));
    free(text);
    options.schedulers = schedulers_two;
    options.rate = 400;
    text = report_for(&options);
    CU_ASSERT(contains(text, "- **Lowest latency**: **predictive**"));
    free(text);
}

/* The sections that answer one question, each where its axis is there, and not elsewhere. */
static void
verification(void)
{
    static const char *const traffics[] = {"steady", "bursty"}, *const routers[] = {"random", "least_loaded"};
    static const char *const caches[] = {"large", "small"};
    struct fake_options options = fake_options_single();
    options.traffics = traffics;
    options.traffic_count = 2;
    options.requests = 2000;
    char *text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "\n## Bursts\n"));
    CU_ASSERT(contains(text, "| steady | "));
    CU_ASSERT(contains(text, "- **bursty** (at "));
    CU_ASSERT(contains(text, "so not bursts alone) moves the P99 of TTFT from "));
    CU_ASSERT_PTR_NULL(strstr(text, "## KV cache under"));
    CU_ASSERT_PTR_NULL(strstr(text, "## Load balance"));
    free(text);
    options = fake_options_single();
    options.schedulers = routers;
    options.scheduler_count = 2;
    options.third_axis = "router";
    static const int four[] = {4};
    options.gpus = four;
    options.replicated = 1;
    text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "\n## Load balance\n"));
    CU_ASSERT(contains(text, "| least_loaded | 4 | 0."));
    CU_ASSERT(contains(text, "- Busy time over the whole run: Jain's index from "));
    CU_ASSERT_PTR_NULL(strstr(text, "## Bursts"));
    free(text);
    options.schedulers = caches;
    options.third_axis = "kv_cache";
    options.replicated = 0;
    text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "\n## KV cache under pressure\n"));
    CU_ASSERT(contains(text, "| large | 165,632 | 16 | "));
    CU_ASSERT_PTR_NULL(strstr(text, "## Load balance"));
    CU_ASSERT_PTR_NULL(strstr(text, "## Predictive scheduling"));
    free(text);
}

/* predictive beside fcfs: each traffic is a row, and each sentence says a figure that moved. */
static void
predictions(void)
{
    static const char *const schedulers[] = {"fcfs", "sjf", "predictive"}, *const traffics[] = {"calm", "full"};
    struct fake_options options = fake_options_single();
    options.schedulers = schedulers;
    options.scheduler_count = 3;
    options.traffics = traffics;
    options.traffic_count = 2;
    options.rate = 400;
    for (int replicates = 1; replicates <= 3; replicates += 2) {
        options.replicates = replicates;
        char *text = report_for(&options);
        check_form(text);
        CU_ASSERT(contains(text, "\n## Predictive scheduling\n"));
        CU_ASSERT(contains(text, "\n| calm | "));
        CU_ASSERT(contains(text, "\n| full | "));
        CU_ASSERT(
            contains(text, "\n- The mean TTFT is lower than with fcfs in 2 of 2 configurations and higher in 0.\n"));
        CU_ASSERT(contains(text, "\n- **full** gains: mean TTFT from "));
        CU_ASSERT(contains(text, " In the queue, the half of the requests with the fewest tokens waits "));
        CU_ASSERT_EQUAL(contains(text, " ± "), replicates > 1);
        free(text);
    }
    options.scheduler_count = 2;
    char *text = report_for(&options);
    CU_ASSERT_PTR_NULL(strstr(text, "## Predictive scheduling"));
    free(text);
}

static void
one_cell(void)
{
    struct fake_options options = fake_options_single();
    options.without_slo = 1;
    char *text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "one cell, run to the end"));
    CU_ASSERT(contains(text, "**run** gives "));
    CU_ASSERT(contains(text, "here there are none"));
    CU_ASSERT_PTR_NULL(strstr(text, "### Scaling"));
    CU_ASSERT_PTR_NULL(strstr(text, "| SLO met"));
    CU_ASSERT_PTR_NULL(strstr(text, "Service level"));
    free(text);
}

static void
nothing_finished(void)
{
    struct fake_options options = fake_options_scaling();
    options.requests = 20;
    options.without_requests = 1;
    char *text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "0 of 100 requests finished (0 %)"));
    CU_ASSERT(contains(text, "rejected 20 of 20 requests (100 %)"));
    CU_ASSERT(contains(text, "| Stable | all | **no** | 5 of 5 cells ended, 0 of their 100 requests failed or did not "
                             "finish, 100 were rejected, at most 100 % of a cell's ("));
    free(text);
}

static void
all_failed(void)
{
    struct fake_options options = fake_options_single();
    options.failed_cell = 0;
    char *text = report_for(&options);
    check_form(text);
    CU_ASSERT(contains(text, "one cell, which failed"));
    CU_ASSERT(contains(text, "| Device | rtx3090 |"));
    free(text);
    char *folder = fake_folder_make();
    fake_file_write(folder, "experiment.json", "{\"servsim_results\": 1, \"cells\": []}");
    text = report_of(folder);
    CU_ASSERT(contains(text, "Nothing was run."));
    free(text);
    fake_folder_remove(folder);
}

static void
verdicts(void)
{
    struct fake_options options = fake_options_scaling();
    options.rate = 0.5; /* nobody is loaded: throughput cannot grow, latency falls */
    options.requests = 300;
    char *text = report_for(&options);
    CU_ASSERT(contains(text, "| Linear scaling | all | **no** |"));
    CU_ASSERT(contains(text, "; the traffic brings no more |"));
    CU_ASSERT(contains(text, "| Latency falls with GPUs | all | **yes** |"));
    CU_ASSERT(contains(text, "The traffic, not the GPUs, sets the throughput"));
    CU_ASSERT(contains(text, "| Stable | all | **yes** | 5 of 5 cells ended"));
    free(text);
    options.rate = 1000; /* overload: more replicas, more throughput; requests wait */
    options.replicated = 1;
    options.requests = 3000;
    text = report_for(&options);
    CU_ASSERT(contains(text, "| Stable | all | **no** |"));
    CU_ASSERT(contains(text, "a request waits"));
    CU_ASSERT(contains(text, "### Balance between replicas"));
    free(text);
}

static void
missing_and_broken_files(void)
{
    struct fake_options options = fake_options_single();
    char *folder = fake_tree(&options), path[4200];
    must_run("json", folder);
    (void)snprintf(path, sizeof path, "%s/cells/run/run.json", folder);
    CU_ASSERT_EQUAL(unlink(path), 0);
    char *text = report_of(folder); /* wall-clock time is not known, the rest is */
    CU_ASSERT(contains(text, "| run | done |"));
    free(text);
    fake_file_write(folder, "cells/run/run.json", "{\"wall_s\": 1.0,");
    must_refuse("markdown", folder, "cells/run/run.json:1: not a whole JSON document");
    fake_file_write(folder, "cells/run/run.json", "{}");
    fake_file_write(folder, "plots-are-a-file", "");
    fake_file_write(folder, "results.json", "{\"servsim_results\": 1, \"cells\": [{\"name\"");
    must_refuse("markdown", folder, "results.json:1: not a whole JSON document");
    fake_folder_remove(folder);
}

static void
sparse_summary(void)
{
    char *folder = fake_folder_make();
    fake_file_write(
        folder, "results.json",
        "{\"servsim_results\": 1, \"name\": \"a|b\\n*c*\", \"axes\": [], \"cells\": [{\"name\": \"_x_\", \"status\": "
        "\"done\", \"dir\": \"c\", \"summary\": {\"latency_ms\": null, \"busy_share\": null, \"requests_total\": "
        "\"many\", \"per_replica\": 7}}]}");
    must_run("markdown", folder);
    char *text = fake_file_read(folder, "report.md");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT(contains(text, "# a\\|b \\*c\\*\n"));
    CU_ASSERT(contains(text, "| \\_x\\_ | done |"));
    check_form(text);
    free(text);
    fake_folder_remove(folder);
}

static void
pictures(void)
{
    struct fake_plugin plugin;
    struct fake_options options = fake_options_scaling();
    options.requests = 100;
    char *folder = fake_tree(&options);
    static const char *const absent[] = {"gnuplot=/nonexistent/gnuplot", NULL}, *const svg[] = {"formats=svg", NULL};
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, absent), 0);
    must_run("markdown", folder);
    char *text = fake_file_read(folder, "report.md");
    CU_ASSERT(contains(text, "gnuplot was not found"));
    CU_ASSERT(contains(text, "apt-get install gnuplot-nox"));
    free(text);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, svg), 0);
    must_run("markdown", folder);
    text = fake_file_read(folder, "report.md");
    if (strstr(text, "gnuplot was not found") == NULL) {
        CU_ASSERT(contains(text, "](plots/throughput.svg)"));
        CU_ASSERT(contains(text, "](plots/timeline-single_gpu.svg)"));
        fake_file_write(folder, "cells/single_gpu/summary.json", "{\"requests_total\": 1}");
        free(text);
        text = report_of(folder); /* other results: the pictures that lie there are not theirs */
        CU_ASSERT_PTR_NULL(strstr(text, "](plots/"));
        CU_ASSERT(contains(text, "There are no pictures of these results"));
    }
    free(text);
    fake_folder_remove(folder);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"golden report", golden},
        {"figures", figures},
        {"sections", sections},
        {"rare columns", rare_columns},
        {"replicates", replicated},
        {"replicates that do not differ", equal_replicates},
        {"noise", noise},
        {"verification", verification},
        {"predictions", predictions},
        {"one cell", one_cell},
        {"nothing finished", nothing_finished},
        {"all failed", all_failed},
        {"verdicts", verdicts},
        {"missing and broken files", missing_and_broken_files},
        {"sparse summary", sparse_summary},
        {"pictures", pictures},
    };
    return ss_run_cases("report_markdown", cases, sizeof cases / sizeof cases[0]);
}
