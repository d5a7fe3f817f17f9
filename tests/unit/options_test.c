/*
 * unit/options_test.c - what an experiment wrote against a plugin's table of options.
 */
#include <unistd.h>

#include "experiment/node.h"
#include "plugin/table.h"
#include "tests/unit/harness.h"
#include "tests/unit/scratch.h"

static const struct servsim_option rows[] = {
    {"rate", "1/s", "1", NULL, "arrivals", 0.001, 1000, SERVSIM_OPTION_NUMBER, 0},
    {"requests", "", "100", NULL, "how many", 1, 1e9, SERVSIM_OPTION_INTEGER, 0},
    {"gap", "s", NULL, NULL, "a time", 0, 10, SERVSIM_OPTION_NUMBER, 0},
    {"note", "", "", NULL, "any text", 0, 0, SERVSIM_OPTION_TEXT, 0},
    {"eager", "", "no", NULL, "a flag", 0, 0, SERVSIM_OPTION_FLAG, 0},
    {"link", "", "pcie", "pcie|NVLink|none", "a choice", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"path", "", NULL, NULL, "a file", 0, 0, SERVSIM_OPTION_PATH, 0},
    {"alphas", "us", "[1, 2.5ms]", NULL, "a list", 0, 1e6, SERVSIM_OPTION_LIST, 0},
    {"peak.bf16", "TFLOP/s", NULL, NULL, "inside a map", 0, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"peak.fp8.dense", "TFLOP/s", NULL, NULL, "deeper", 0, 1e6, SERVSIM_OPTION_NUMBER, 0},
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, rows),
    .name = "steady",
    .options = rows,
};

static const char *const reserved[] = {"plugin", "limit", NULL};

static int
bind(const char *yaml, const char *base, const char *data, struct ss_options *out, struct servsim_error *err)
{
    struct ss_node *map = NULL;
    memset(out, 0, sizeof *out);
    if (yaml != NULL && ss_node_parse(&map, yaml, strlen(yaml), "x.yaml", err) != 0)
        return -EINVAL;
    int rc = ss_options_bind_in(out, &plugin, map, reserved, base, data, err);
    ss_node_free(map);
    return rc;
}

static void
test_defaults(void)
{
    struct ss_options options;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(bind(NULL, ".", NULL, &options, &err), 0);
    CU_ASSERT_EQUAL(options.count, 10);
    struct servsim_create args = {sizeof args, options.count, sizeof(struct servsim_value), 0, options.values, NULL};
    CU_ASSERT_EQUAL(servsim_number(&args, "rate"), 1);
    CU_ASSERT_EQUAL(servsim_integer(&args, "requests"), 100);
    CU_ASSERT_EQUAL(servsim_number(&args, "requests"), 100);
    CU_ASSERT_EQUAL(servsim_present(&args, "requests"), 1);
    CU_ASSERT_EQUAL(servsim_present(&args, "gap"), 0);
    CU_ASSERT_STRING_EQUAL(servsim_text(&args, "note"), "");
    CU_ASSERT_STRING_EQUAL(servsim_text(&args, "link"), "pcie");
    CU_ASSERT_PTR_NULL(servsim_text(&args, "path"));
    const struct servsim_value *list = servsim_value_of(&args, "alphas");
    CU_ASSERT_TRUE(list->list_count == 2 && list->list[0] == 1 && list->list[1] == 2500);
    CU_ASSERT_PTR_NULL(servsim_value_of(&args, "nothing"));
    ss_options_free(&options);
    CU_ASSERT_EQUAL(options.count, 0);
}

static void
test_written(void)
{
    struct ss_options options;
    struct servsim_error err = {.size = sizeof err};
    const char *yaml = "{plugin: steady, limit: 5, rate: 120/min, requests: 1e3, gap: 50ms, note: a b, eager: YES,\n"
                       " link: nvlink, alphas: [3, 4ms], peak: {bf16: 71, fp8: {dense: 2PFLOP/s}}}";
    CU_ASSERT_EQUAL_FATAL(bind(yaml, ".", NULL, &options, &err), 0);
    CU_ASSERT_EQUAL(ss_options_get(&options, "rate")->number, 2);
    CU_ASSERT_EQUAL(ss_options_get(&options, "rate")->present, 2);
    CU_ASSERT_EQUAL(ss_options_get(&options, "requests")->integer, 1000);
    CU_ASSERT_EQUAL(ss_options_get(&options, "gap")->number, 0.05);
    CU_ASSERT_STRING_EQUAL(ss_options_get(&options, "note")->text, "a b");
    CU_ASSERT_EQUAL(ss_options_get(&options, "eager")->integer, 1);
    CU_ASSERT_STRING_EQUAL(ss_options_get(&options, "link")->text, "NVLink");
    CU_ASSERT_EQUAL(ss_options_get(&options, "alphas")->list[1], 4000);
    CU_ASSERT_EQUAL(ss_options_get(&options, "peak.bf16")->number, 71);
    CU_ASSERT_EQUAL(ss_options_get(&options, "peak.fp8.dense")->number, 2000);
    ss_options_free(&options);
    CU_ASSERT_EQUAL_FATAL(bind("{peak.bf16: 5, alphas: 7, rate: 1}", ".", NULL, &options, &err), 0);
    CU_ASSERT_EQUAL(ss_options_get(&options, "peak.bf16")->number, 5);
    CU_ASSERT_EQUAL(ss_options_get(&options, "alphas")->list_count, 1);
    /* A default that is written out is still the default: resolved configurations write them all. */
    CU_ASSERT_EQUAL(ss_options_get(&options, "rate")->present, 1);
    ss_options_free(&options);
}

static void
test_refused(void)
{
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        {"ratio: 2", "x.yaml:1: |workload plugin 'steady'|no option 'ratio'|did you mean 'rate'?|allowed:|limit, rate"},
        {"a: 1\nrate: 3", "x.yaml:1: |no option 'a'|allowed:"},
        {"rate: 3\nreqests: 3", "x.yaml:2: |did you mean 'requests'?"},
        {"rate: fast", "rate: 'fast' is not a number|/s, /min, /h or /d"},
        {"rate: 5s", "rate: '5s'|something else"},
        {"rate: .nan", "not a number"},
        {"rate: .inf", "not a number"},
        {"rate: 0", "'0' is out of bounds; write 0.001 to 1000 1/s"},
        {"rate: 1e6", "out of bounds"},
        {"rate: -1", "out of bounds"},
        {"rate: ''", "is empty"},
        {"rate:", "is empty"},
        {"requests: 1.5", "not a whole number"},
        {"requests: 1e30", "too large"},
        {"requests: 99999999999999999999", "too large"},
        {"rate: [1, 2]", "takes one value, not a list"},
        {"rate: {a: 1}", "takes one value, not a map"},
        {"eager: maybe", "neither true nor false"},
        {"eager: 1", "neither true nor false"},
        {"link: infiniband", "no choice here; write one of pcie"},
        {"link: ''", "no choice here"},
        {"link: pcie|NVLink", "no choice here"},
        {"path: ''", "path: is empty"},
        {"path: no/such/file.csv", "/base/no/such/file.csv cannot be read: No such file"},
        {"path: data:x.csv", "no data that ship"},
        {"alphas: [1, two]", "'two' is not a number"},
        {"alphas: [1, [2]]", "list of numbers"},
        {"alphas: ['1,2']", "list of numbers"},
        {"alphas: []", "is empty"},
        {"alphas: [1, -5]", "out of bounds"},
        {"peak: 71", "peak takes a map; write peak: {bf16: ...}"},
        {"peak: {fp16: 71}", "no option 'peak.fp16'|did you mean 'peak.bf16'?"},
        {"peak: {fp8: 5}", "peak.fp8 takes a map; write peak.fp8: {dense: ...}"},
        {"{peak.bf16: 1, peak: {bf16: 2}}", "peak.bf16 is given twice"},
        {"[rate]", "one map of options, not a list"},
        {"peak: {plugin: 71}", "no option 'peak.plugin'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ss_options options;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_TRUE(bind(cases[i].yaml, "/base", NULL, &options, &err) < 0);
        CU_ASSERT_TRUE(scratch_says(err.text, cases[i].words));
        CU_ASSERT_TRUE(scratch_is_one_line(err.text));
        CU_ASSERT_PTR_NULL(options.values);
        ss_options_free(&options);
    }
}

static void
test_required(void)
{
    static const struct servsim_option needed[] = {
        {"path", "", NULL, NULL, "the trace", 0, 0, SERVSIM_OPTION_PATH, SERVSIM_OPTION_REQUIRED},
    };
    static const struct servsim_plugin needy = {SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, needed), .name = "needy",
                                                .options = needed};
    struct ss_options options;
    struct servsim_error err = {.size = sizeof err};
    struct ss_node place = {.type = SS_NODE_SCALAR, .line = 9, .origin = "y.yaml"};
    CU_ASSERT_EQUAL(ss_options_bind(&options, &needy, &place, reserved, ".", &err), -EINVAL);
    CU_ASSERT_TRUE(scratch_says(err.text, "y.yaml:9: |'needy' needs 'path' (the trace)|path: VALUE"));
    CU_ASSERT_EQUAL(ss_options_bind(&options, &needy, NULL, NULL, ".", &err), -EINVAL);
    CU_ASSERT_TRUE(scratch_says(err.text, "workload plugin 'needy' needs 'path'"));
}

static void
test_paths(void)
{
    char folder[256], expected[600];
    struct ss_options options;
    struct servsim_error err = {.size = sizeof err};
    scratch_open(folder);
    (void)scratch_puts(folder, "trace.csv", "x");
    (void)snprintf(expected, sizeof expected, "%s/trace.csv", folder);
    const char *const good[] = {"path: trace.csv", "path: ./trace.csv", "path: data:trace.csv"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(bind(good[i], i == 2 ? "/" : folder, i == 2 ? folder : "/", &options, &err), 0);
        CU_ASSERT_STRING_EQUAL(ss_options_get(&options, "path")->text, expected);
        ss_options_free(&options);
    }
    char yaml[700];
    (void)snprintf(yaml, sizeof yaml, "path: %s", expected);
    CU_ASSERT_EQUAL_FATAL(bind(yaml, "/nowhere", NULL, &options, &err), 0);
    CU_ASSERT_STRING_EQUAL(ss_options_get(&options, "path")->text, expected);
    ss_options_free(&options);
    CU_ASSERT_TRUE(bind("path: /dev/null", "/", NULL, &options, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "/dev/null is neither a file nor a folder"));
    const char *const bad[] = {"path: 'data:'", "path: data:../trace.csv", "path: data:/etc/passwd"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_TRUE(bind(bad[i], "/", folder, &options, &err) < 0);
        CU_ASSERT_TRUE(scratch_says(err.text, "no name of a file that ships"));
    }
    CU_ASSERT_TRUE(bind("path: data:other.csv", "/", folder, &options, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "other.csv cannot be read"));
    scratch_close(folder);
}

static void
test_absolute(void)
{
    static const struct {
        const char *base, *path, *expected;
    } cases[] = {
        {"/a/b", "c", "/a/b/c"},   {"/a/b/", "./c", "/a/b/c"}, {"/a", "/c//d/./e", "/c/d/e"},
        {"/a", "../c", "/a/../c"}, {"/", "c", "/c"},           {"/", ".", "/"},
        {NULL, "/x", "/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = ss_path_absolute(cases[i].base, cases[i].path);
        CU_ASSERT_STRING_EQUAL(path, cases[i].expected);
        free(path);
    }
    char *here = getcwd(NULL, 0), *path = ss_path_absolute("./sub", "file");
    CU_ASSERT_TRUE(here != NULL && strncmp(path, here, strlen(here)) == 0);
    CU_ASSERT_STRING_EQUAL(path + strlen(here), "/sub/file");
    free(here);
    free(path);
}

static void
test_bounds(void)
{
    struct servsim_option row = {"x", "ms", NULL, NULL, "", -1e308, 10, SERVSIM_OPTION_NUMBER, 0};
    char text[128];
    ss_option_bounds(&row, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "at most 10 ms");
    row.minimum = 0.5;
    ss_option_bounds(&row, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "0.5 to 10 ms");
    row.maximum = 1e308;
    ss_option_bounds(&row, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "at least 0.5 ms");
    row.minimum = -1e308;
    ss_option_bounds(&row, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"defaults", test_defaults},
        {"values in every form", test_written},
        {"what does not fit is refused with what to write", test_refused},
        {"what is missing is named", test_required},
        {"paths are absolute and readable", test_paths},
        {"relative paths", test_absolute},
        {"bounds in words", test_bounds},
    };
    return ss_run_cases("options", cases, sizeof cases / sizeof cases[0]);
}
