/*
 * Tests of report/trace: valid JSON in the shape that timeline viewers read, every run once, and broken timelines
 * refused.
 */
#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/common/report_test.h"

#define HEADER "replica,start_s,end_s,steps,prefill_tokens,decodes,waiting,running,kv_blocks,rank,stage\n"

static char *
folder_with(const char *timeline)
{
    struct fake_options options = fake_options_single();
    options.requests = 20;
    char *folder = fake_tree(&options);
    must_run("json", folder);
    if (timeline != NULL)
        fake_file_write(folder, "cells/run/timeline.csv", timeline);
    return folder;
}

static json_t *
trace_of(const char *folder)
{
    char path[4200];
    json_error_t problem;
    (void)snprintf(path, sizeof path, "%s/trace/run.json", folder);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL)
        printf("# %s:%d: %s\n", path, problem.line, problem.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    return root;
}

static const char *
text_at(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text != NULL ? text : "";
}

static double
number_at(const json_t *event, const char *key)
{
    return json_number_value(json_object_get(event, key));
}

/* Slice number `index` of the trace. */
static const json_t *
slice(const json_t *root, size_t index)
{
    const json_t *event;
    size_t i;
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        if (strcmp(text_at(event, "ph"), "X") == 0 && index-- == 0)
            return event;
    }
    return NULL;
}

/* The value of a replica's counter after the events of one instant; -1 without one. */
static double
counter(const json_t *root, double pid, const char *name, double ts)
{
    double value = -1;
    const json_t *event;
    size_t i;
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        if (strcmp(text_at(event, "ph"), "C") == 0 && number_at(event, "pid") == pid &&
            strcmp(text_at(event, "name"), name) == 0 && number_at(event, "ts") <= ts)
            value = number_at(json_object_get(event, "args"), "value");
    }
    return value;
}

static void
shape(void)
{
    char *folder = folder_with(HEADER "0,0.000000000,0.010000000,1,512,0,2,1,32,0,0\n"
                                      "1,0.005000000,0.015000000,1,100,3,0,4,40,0,0\n"
                                      "0,0.010000000,2.010000000,100,0,1,0,1,39,0,0\n"
                                      "0,5.000000001,5.000000003,1,7,0,0,1,1,0,0\n"
                                      "0,10454400.123456789,10454400.123456790,1,7,0,0,1,1,0,0\n");
    must_run("trace", folder);
    json_t *root = trace_of(folder);
    CU_ASSERT_STRING_EQUAL(text_at(json_object_get(root, "otherData"), "cell"), "run");
    const json_t *first = slice(root, 0), *second = slice(root, 1), *third = slice(root, 2), *fourth = slice(root, 3);
    CU_ASSERT_PTR_NULL(slice(root, 5));
    CU_ASSERT_STRING_EQUAL(text_at(first, "name"), "prefill");
    CU_ASSERT_STRING_EQUAL(text_at(second, "name"), "mixed");
    CU_ASSERT_STRING_EQUAL(text_at(third, "name"), "decode");
    CU_ASSERT_EQUAL(number_at(second, "pid"), 2);
    CU_ASSERT_EQUAL(number_at(third, "ts"), 10000);
    CU_ASSERT_EQUAL(number_at(third, "dur"), 2000000);
    CU_ASSERT_EQUAL(number_at(json_object_get(third, "args"), "steps"), 100);
    CU_ASSERT_EQUAL(number_at(json_object_get(third, "args"), "ms_per_step"), 20);
    CU_ASSERT_EQUAL(number_at(fourth, "ts"), 5000000.001);
    CU_ASSERT_EQUAL(number_at(fourth, "dur"), 0.002);
    CU_ASSERT_EQUAL(number_at(slice(root, 4), "dur"), 0.001); /* after 121 days, to the nanosecond */
    CU_ASSERT_EQUAL(counter(root, 1, "waiting (requests)", 0), 2);
    CU_ASSERT_EQUAL(counter(root, 1, "waiting (requests)", 10000), 0);
    CU_ASSERT_EQUAL(counter(root, 1, "KV blocks", 10000), 39);
    CU_ASSERT_EQUAL(counter(root, 1, "KV blocks", 3e6), 0); /* idle */
    CU_ASSERT_EQUAL(counter(root, 1, "running (requests)", 5000000.001), 1);
    CU_ASSERT_EQUAL(counter(root, 1, "running (requests)", 1e15), 0);
    CU_ASSERT_EQUAL(counter(root, 2, "running (requests)", 1e15), 0);
    json_decref(root);
    fake_folder_remove(folder);
}

/* Two stages of a second rank: a track each with its name, and the rank's counters once. */
static void
stages(void)
{
    char *folder = folder_with(HEADER "0,0,1,1,4,0,2,1,3,1,0\n"
                                      "0,1,2,1,4,0,2,1,3,1,1\n");
    must_run("trace", folder);
    json_t *root = trace_of(folder);
    const json_t *first = slice(root, 0), *second = slice(root, 1), *event;
    size_t i, named = 0, counted = 0;
    CU_ASSERT_EQUAL(number_at(first, "pid"), number_at(second, "pid"));
    CU_ASSERT_NOT_EQUAL(number_at(first, "tid"), number_at(second, "tid"));
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        const char *name = text_at(json_object_get(event, "args"), "name");
        named += strcmp(name, "rank 1, stage 0") == 0 && number_at(event, "tid") == number_at(first, "tid");
        named += strcmp(name, "rank 1, stage 1") == 0 && number_at(event, "tid") == number_at(second, "tid");
        counted += strcmp(text_at(event, "name"), "KV blocks of rank 1") == 0;
    }
    CU_ASSERT_EQUAL(named, 2);
    CU_ASSERT_EQUAL(counted, 2); /* up, and at the end down */
    json_decref(root);
    fake_folder_remove(folder);
}

static void
no_runs(void)
{
    char *folder = folder_with(HEADER);
    must_run("trace", folder);
    json_t *root = trace_of(folder);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "traceEvents")), 0);
    json_decref(root);
    fake_folder_remove(folder);
}

static void
hostile(void)
{
    static const struct {
        const char *timeline, *words;
    } cases[] = {
        {NULL, "no cell has a timeline.csv"},
        {"", "timeline.csv: empty"},
        {"replica,start_s\n", "timeline.csv:1: no column 'end_s'"},
        {HEADER "0,0,1,1,0,1,0,1,0,0\n", "timeline.csv:2: 10 fields where the header has 11"},
        {HEADER "0,0,1,1,0,1,0,1,1,0,0\n0,2,1,1,0,1,0,1,1,0,0\n", "timeline.csv:3: these are no start and end"},
        {HEADER "0,-1,1,1,0,1,0,1,1,0,0\n", "timeline.csv:2: start_s must be a number from 0"},
        {HEADER "0,1e3,2e3,1,0,1,0,1,1,0,0\n", "timeline.csv:2: these are no start and end"},
        {HEADER "0,0.0000000001,1,1,0,1,0,1,1,0,0\n", "timeline.csv:2: these are no start and end"},
        {HEADER "0,99999999999999,99999999999999,1,0,1,0,1,1,0,0\n", "timeline.csv:2: these are no start and end"},
        {HEADER "70000,0,1,1,0,1,0,1,1,0,0\n", "timeline.csv:2: no replica has this number"},
        {HEADER "0.5,0,1,1,0,1,0,1,1,0,0\n", "timeline.csv:2: no replica has this number"},
        {HEADER "0,0,1,1,0,1,0,1,1,2000,0\n", "timeline.csv:2: no rank or stage has this number"},
        {HEADER "0,0,1,1,0,1,0,1,1,0,0.5\n", "timeline.csv:2: no rank or stage has this number"},
        {HEADER ",0,1,1,0,1,0,1,1,0,0\n", "timeline.csv:2: replica must be a number"},
        {HEADER "0,0,1,x,0,1,0,1,1,0,0\n", "timeline.csv:2: a field is no number"},
        {HEADER "0,0,1,1,0,1,0,1,1,0,0", "timeline.csv:2: the file ends in the middle"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = folder_with(cases[i].timeline), path[4200];
        must_refuse("trace", folder, cases[i].words);
        (void)snprintf(path, sizeof path, "%s/trace", folder); /* nothing is left of it */
        CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
        fake_folder_remove(folder);
    }
}

/* Some cells without a timeline, and more cells than are wanted. */
static void
several(void)
{
    static const char *const one[] = {"cells=1", NULL};
    struct fake_plugin plugin;
    struct fake_options options = fake_options_scaling();
    options.requests = 20;
    char *folder = fake_tree(&options), path[4200];
    must_run("json", folder);
    fake_file_write(folder, "cells/dual_gpu/timeline.csv", HEADER "0,0,1,1,0,1,0,1,1,0,0\n");
    fake_file_write(folder, "cells/octa_gpu/timeline.csv", HEADER "0,0,1,1,0,1,0,1,1,0,0\n");
    CU_ASSERT_EQUAL(run_report(&plugin, "trace", folder, NULL), 0);
    CU_ASSERT(contains(plugin.last_log, "3 cells have no timeline.csv"));
    (void)snprintf(path, sizeof path, "%s/trace/octa_gpu.json", folder);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(run_report(&plugin, "trace", folder, one), 0);
    CU_ASSERT(contains(plugin.last_log, "cells have a trace"));
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    fake_folder_remove(folder);
}

static void
wants_a_timeline(void)
{
    struct fake_plugin plugin = {0};
    CU_ASSERT_EQUAL_FATAL(fake_open(&plugin, "report", "trace"), 0);
    const struct servsim_report_ops *ops = plugin.descriptor->ops;
    CU_ASSERT(ops->flags & SERVSIM_REPORT_WANTS_TIMELINE);
}

int
main(void)
{
    static const struct ss_case cases[] = {{"shape", shape},           {"stages of ranks", stages},
                                           {"no runs", no_runs},       {"hostile timelines", hostile},
                                           {"several cells", several}, {"wants a timeline", wants_a_timeline}};
    return ss_run_cases("report_trace", cases, sizeof cases / sizeof cases[0]);
}
