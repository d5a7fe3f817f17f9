/*
 * Tests of report/plots: which charts an experiment gets, what stands in them, and what happens without gnuplot.
 *
 * What they look like must be judged by eye.
 */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/common/report_test.h"

static const char *const svg_alone[] = {"formats=svg", NULL};

static int
has_gnuplot(void)
{
    const char *path = getenv("PATH");
    char *copy = strdup(path != NULL ? path : ""), *rest = copy, *folder, file[4200];
    int found = 0;
    while ((folder = strtok_r(rest, ":", &rest)) != NULL) {
        (void)snprintf(file, sizeof file, "%s/gnuplot", folder);
        found |= access(file, X_OK) == 0;
    }
    free(copy);
    return found;
}

static void
need_gnuplot(void)
{
    if (!has_gnuplot())
        ss_skip("gnuplot is not installed");
}

static long
size_of(const char *folder, const char *name, const char *ending)
{
    char path[4300];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/plots/%s.%s", folder, name, ending);
    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

static char *
part_of(const char *folder, const char *name, const char *ending)
{
    char path[300];
    (void)snprintf(path, sizeof path, "plots/%s.%s", name, ending);
    return fake_file_read(folder, path);
}

/* Files in plots/ whose names end so, temporary ones included. */
static size_t
count_files(const char *folder, const char *ending)
{
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/plots", folder);
    DIR *dir = opendir(path);
    size_t count = 0, length = strlen(ending);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t name = strlen(entry->d_name);
        count += name > length && strcmp(entry->d_name + name - length, ending) == 0;
    }
    (void)closedir(dir);
    return count;
}

static void
check_chart(const char *folder, const char *name, const char *title)
{
    char *svg = part_of(folder, name, "svg");
    CU_ASSERT(size_of(folder, name, "svg") > 2000);
    CU_ASSERT(size_of(folder, name, "svg") < 600000);
    CU_ASSERT(size_of(folder, name, "dat") > 20);
    CU_ASSERT(contains(svg, title));
    free(svg);
}

#define DIGIT_PX 7.5 /* of a number of 12 pixels */

/* The numbers of one axis, from `at`, its "xtics (": none reaches into the next one or out of the picture. */
static void
check_numbers(const char *at, double low, double high, double left, double right)
{
    double end = -1;
    char number[32];
    double value;
    int length;
    while (sscanf(at, "%*[ (,]'%31[^']' %lf%n", number, &value, &length) == 2 ||
           sscanf(at, "%*[ (,]'' %lf%n", &value, &length) == 1) {
        double place = 900 * (left + (right - left) * log(value / low) / log(high / low));
        double half = at[strcspn(at, "'") + 1] != '\'' ? DIGIT_PX * (double)strlen(number) / 2 : 0;
        if (half > 0 && place - half < end)
            printf("# %s begins before the number before it ends\n", number);
        CU_ASSERT(half == 0 || (place - half >= end && place + half <= 900));
        end = half > 0 ? place + half : end;
        at += length;
    }
}

/* Of all logarithmic x axes of a chart whose ticks are in order. */
static void
check_axes(const char *folder, const char *name)
{
    char *text = part_of(folder, name, "gp");
    double left = 0, right = 1, low = 1, high = 2;
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (const char *at = text; (at = strstr(at, "set ")) != NULL; at++) {
        (void)(sscanf(at, "set lmargin at screen %lf", &left) || sscanf(at, "set rmargin at screen %lf", &right) ||
               sscanf(at, "set xrange [%lf:%lf]", &low, &high));
        if (strncmp(at, "set xtics (", 11) == 0 && low > 0)
            check_numbers(at + 10, low, high, left, right);
    }
    free(text);
}

static void
charts_over_gpus(void)
{
    need_gnuplot();
    struct fake_options options = fake_options_scaling();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    must_run("plots", folder);
    check_chart(folder, "latency", "Latency against the number of GPUs");
    check_chart(folder, "throughput", "Throughput against the number of GPUs");
    check_chart(folder, "throughput_per_gpu", "Throughput per GPU against the number of GPUs");
    check_chart(folder, "execution_time", "Execution time (simulated) against the number of GPUs");
    check_chart(folder, "loss", "Preempted and recomputed work");
    check_chart(folder, "tails", "Time to first token");
    check_chart(folder, "cdf", "Share of requests at or below a value (%)");
    check_chart(folder, "timeline-hexadeca_gpu", "KV cache: blocks in use, peak (%)");
    check_axes(folder, "tails");
    check_axes(folder, "cdf");
    char *svg = part_of(folder, "throughput", "svg"), *png = part_of(folder, "latency", "png");
    CU_ASSERT(contains(svg, "<text>ideal</text>"));
    CU_ASSERT(contains(svg, "<text>GPUs</text>"));
    CU_ASSERT(contains(svg, "<text>16</text>"));
    CU_ASSERT_EQUAL(memcmp(png, "\x89PNG", 4), 0);
    CU_ASSERT(size_of(folder, "latency", "png") > 20000);
    CU_ASSERT(size_of(folder, "timeline-quad_gpu", "png") > 20000);
    CU_ASSERT_EQUAL(count_files(folder, ".gp"), 8 + 5);
    CU_ASSERT_EQUAL(count_files(folder, ".png"), 8 + 5); /* and no temporary one */
    free(svg);
    free(png);
    fake_folder_remove(folder);
}

static void
ideal_line(void)
{
    static const char *const absent[] = {"gnuplot=/nonexistent", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_scaling();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, absent), 0);
    char *data = part_of(folder, "throughput", "dat");
    CU_ASSERT(contains(data, "'Output tokens/s' 'ideal'\n"));
    double x1, y1, x2, y2;
    CU_ASSERT_EQUAL(sscanf(strchr(data, '\n'), "%lf %lf %lf %lf", &x1, &y1, &x2, &y2), 4);
    CU_ASSERT_EQUAL(x1, 1);
    CU_ASSERT_EQUAL(x2, 16);
    CU_ASSERT_DOUBLE_EQUAL(y2 / y1, 16, 1e-6);
    free(data);
    fake_folder_remove(folder);
}

static void
cdf_data(void)
{
    static const char *const absent[] = {"gnuplot=/nonexistent", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_single();
    options.requests = 30000; /* enough for the sort by bits, more than a curve has points */
    options.rate = 5;
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, absent), 0);
    char *data = part_of(folder, "cdf", "dat"), *rest = data, *line;
    char *summary = fake_file_read(folder, "cells/run/summary.json");
    double p99 = strtod(strstr(strstr(summary, "\"ttft_ms\""), "\"p99\": ") + 7, NULL), x, y, last_x = 0, last_y = 0;
    size_t points = 0, seen = 0;
    (void)strtok_r(rest, "\n", &rest);
    while (*rest != '\n' && (line = strtok_r(rest, "\n", &rest)) != NULL && line[0] != '#') {
        CU_ASSERT_EQUAL(sscanf(line, "%lf %lf", &x, &y), 2);
        CU_ASSERT(x >= last_x && y > last_y);
        if (fabs(y - 99) < 1e-6) {
            CU_ASSERT_DOUBLE_EQUAL(x, p99, 1e-5 * p99);
            seen++;
        }
        last_x = x;
        last_y = y;
        points++;
    }
    CU_ASSERT_EQUAL(last_y, 100);
    CU_ASSERT_EQUAL(points, 400);
    CU_ASSERT_EQUAL(seen, 1);
    free(data);
    free(summary);
    fake_folder_remove(folder);
}

static void
charts_of_cells(void)
{
    struct fake_plugin plugin;
    need_gnuplot();
    static const char *const names[] = {"fcfs", "50% of {it}", "it's `touch pwned` $(id)", "x\\ny"};
    struct fake_options options = fake_options_single();
    options.schedulers = names;
    options.scheduler_count = 4;
    char *folder = fake_folder_make();
    (void)fake_results_write(folder, &options); /* names like these make no folders, but labels they can be */
    char manifest[4000] = "{\"servsim_results\": 1, \"name\": \"`id`\", \"axes\": [{\"name\": \"s\", \"values\": []}], "
                          "\"cells\": [";
    static const char *const labels[] = {"fcfs", "50% of {it}", "it's `touch pwned` $(id)", "x_y @file"};
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(
            manifest + strlen(manifest), sizeof manifest - strlen(manifest),
            "%s{\"name\": \"c%zu\", \"labels\": {\"s\": \"%s\"}, \"status\": \"done\", \"dir\": \"cells/fcfs\"}",
            i > 0 ? ", " : "", i, labels[i]);
    (void)snprintf(manifest + strlen(manifest), sizeof manifest - strlen(manifest), "]}");
    fake_file_write(folder, "experiment.json", manifest);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, svg_alone), 0);
    check_chart(folder, "latency", "<text>50% of {it}</text>");
    check_chart(folder, "tails", "<text>it's `touch pwned` $(id)</text>");
    check_chart(folder, "cdf", "<text>x_y @file</text>");
    char *svg = part_of(folder, "latency", "svg"), *pwned = fake_file_read(folder, "plots/pwned");
    CU_ASSERT(contains(svg, "Latency of each configuration"));
    CU_ASSERT_PTR_NULL(pwned);
    free(svg);
    check_axes(folder, "tails");
    check_axes(folder, "cdf");
    fake_folder_remove(folder);
}

/* Lines carry intervals, distributions hold the requests of all replicates. */
static void
replicated(void)
{
    static const char *const absent[] = {"gnuplot=/nonexistent", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_replicates();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, absent), 0);
    char *script = part_of(folder, "latency", "gp"), *data = part_of(folder, "latency", "dat");
    char *index = part_of(folder, "index", "json");
    CU_ASSERT(contains(script, "with yerrorbars"));
    CU_ASSERT(contains(index, "Means over 4 replicates; thin bars are their 95 % intervals."));
    double x, y, low, high;
    CU_ASSERT_EQUAL(sscanf(strchr(data, '\n'), "%lf %lf %lf %lf", &x, &y, &low, &high), 4);
    CU_ASSERT(low < y && y < high);
    CU_ASSERT_EQUAL(count_files(folder, ".gp"), 8 + 3);
    free(script);
    free(data);
    free(index);
    if (has_gnuplot()) {
        CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, svg_alone), 0);
        check_chart(folder, "tails", "4 replicates");
    }
    fake_folder_remove(folder);
}

static void
several_traffics(void)
{
    static const char *const absent[] = {"gnuplot=/nonexistent", "timelines=3", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_matrix();
    options.requests = 50;
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, absent), 0);
    CU_ASSERT(size_of(folder, "latency-burstgpt_full", "gp") > 0);
    CU_ASSERT(size_of(folder, "latency-sharegpt", "gp") > 0);
    CU_ASSERT_EQUAL(count_files(folder, ".gp"), 2 * 8 + 2); /* three timelines make one for each traffic */
    static const char *const none[] = {"gnuplot=/nonexistent", "timelines=0", NULL};
    fake_file_write(folder, "plots/mine.gp", "");
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, none), 0);
    CU_ASSERT_EQUAL(count_files(folder, ".gp"), 2 * 8 + 1); /* its own old charts go, a stranger's file stays */
    fake_folder_remove(folder);
}

static void
without_gnuplot(void)
{
    static const char *const absent[] = {"gnuplot=/nonexistent/gnuplot", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_single();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    fake_file_write(folder, "cells/run/itl.csv", "");
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, absent), 0);
    CU_ASSERT(contains(plugin.last_log, "warning: /nonexistent/gnuplot was not found"));
    CU_ASSERT(size_of(folder, "tails", "gp") > 500);
    CU_ASSERT(size_of(folder, "tails", "dat") > 20);
    CU_ASSERT_EQUAL(size_of(folder, "tails", "png"), -1);
    char *index = part_of(folder, "index", "json");
    CU_ASSERT(contains(index, "\"svg\": false"));
    free(index);
    fake_folder_remove(folder);
}

static void
gnuplot_that_fails(void)
{
    static const char *const broken[] = {"gnuplot=/bin/false", NULL}, *const idle[] = {"gnuplot=/bin/true", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_single();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, broken), -EIO);
    CU_ASSERT(contains(plugin.err.text, ".gp: gnuplot failed"));
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, idle), -EIO); /* says it is well, and draws nothing */
    CU_ASSERT_EQUAL(count_files(folder, ".png"), 0);
    fake_folder_remove(folder);
}

static void
hostile_folders(void)
{
    static const struct {
        const char *file, *text, *words;
    } cases[] = {
        {"cells/run/requests.csv", "request_id,status\n", "cells/run/requests.csv:1: no column 'ttft_ms'"},
        {"cells/run/requests.csv", "status,ttft_ms,tpot_ms,latency_ms\nfinished,1,2,3\nfinished,1", "requests.csv:3: "},
        {"cells/run/requests.csv", "status,ttft_ms,tpot_ms,latency_ms\nfinished,1,2,x\n",
         "requests.csv:2: a field is no"},
        {"cells/run/series.csv", "", "cells/run/series.csv: empty"},
        {"cells/run/series.csv", "t_s,arrivals,waiting_mean,running_mean,kv_blocks_peak\n1,2\n",
         "series.csv:2: 2 fields"},
        {"results.json", "{}", "results.json: not servsim results"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_options options = fake_options_single();
        char *folder = fake_tree(&options);
        must_run("json", folder);
        fake_file_write(folder, cases[i].file, cases[i].text);
        must_refuse("plots", folder, cases[i].words);
        if (i < 5) /* what could be drawn is there */
            CU_ASSERT(size_of(folder, "tails", "gp") > 0);
        fake_folder_remove(folder);
    }
    struct fake_options options = fake_options_single();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    fake_file_write(folder, "plots", "in the way");
    must_refuse("plots", folder, "plots: this folder cannot be made");
    fake_folder_remove(folder);
}

static void
many_cells(void)
{
    struct fake_plugin plugin;
    need_gnuplot();
    struct fake_options options = fake_options_scaling();
    static const char *const schedulers[] = {"a", "b", "c", "d", "e"};
    options.schedulers = schedulers;
    options.scheduler_count = 5;
    options.both = 1;
    options.requests = 30;
    char *folder = fake_tree(&options);
    must_run("json", folder);
    CU_ASSERT_EQUAL(run_report(&plugin, "plots", folder, svg_alone), 0);
    check_chart(folder, "latency", "8 of 10 series are shown");
    check_chart(folder, "cdf", "8 of 50 cells are shown");
    check_chart(folder, "tails", "16 of 50 cells are shown");
    check_axes(folder, "tails");
    check_axes(folder, "cdf");
    CU_ASSERT_EQUAL(count_files(folder, ".gp"), 8 + 8);
    fake_folder_remove(folder);
}

/* From 20 to 2,600 in a third of a picture: 2,000 stands too near to 1,000. */
static void
crowded_numbers(void)
{
    need_gnuplot();
    struct fake_options options = fake_options_single();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    fake_file_write(folder, "cells/run/requests.csv",
                    "status,ttft_ms,tpot_ms,latency_ms\nfinished,20000,20,20000\nfinished,50000,50,50000\n"
                    "finished,2600000,2600,2600000\n");
    must_run("plots", folder);
    check_axes(folder, "cdf");
    fake_folder_remove(folder);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"charts over GPUs", charts_over_gpus},
        {"ideal line", ideal_line},
        {"data of distributions", cdf_data},
        {"charts of cells, odd labels", charts_of_cells},
        {"replicates", replicated},
        {"several traffics", several_traffics},
        {"without gnuplot", without_gnuplot},
        {"a gnuplot that fails", gnuplot_that_fails},
        {"hostile folders", hostile_folders},
        {"many cells", many_cells},
        {"crowded numbers", crowded_numbers},
    };
    return ss_run_cases("report_plots", cases, sizeof cases / sizeof cases[0]);
}
