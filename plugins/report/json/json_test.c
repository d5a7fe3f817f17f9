/*
 * Tests of report/json: the shape of results.json against its schema, and what broken folders are answered with.
 */
#include <jansson.h>
#include <math.h>
#include <unistd.h>

#include "report/common/report_test.h"

/* ---- as much of JSON Schema as results.schema.json uses ---- */

static int check(const json_t *root, const json_t *schema, const json_t *value, const char *where);

static int
complain(const char *where, const char *what)
{
    if (where[0] != '\0')
        printf("# %s: %s\n", where, what);
    return 0;
}

static int
is_type(const json_t *value, const char *type)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static int
check_type(const json_t *type, const json_t *value, const char *where)
{
    const json_t *one;
    size_t index;
    if (json_is_string(type) && !is_type(value, json_string_value(type)))
        return complain(where, "wrong type");
    int any = !json_is_array(type);
    json_array_foreach(type, index, one)
    {
        any |= is_type(value, json_string_value(one));
    }
    return any ? 1 : complain(where, "wrong type");
}

static int
check_bounds(const json_t *schema, const json_t *value, const char *where)
{
    const json_t *low = json_object_get(schema, "minimum"), *high = json_object_get(schema, "maximum");
    if (!json_is_number(value))
        return 1;
    if (low != NULL && json_number_value(value) < json_number_value(low))
        return complain(where, "too small");
    return high == NULL || json_number_value(value) <= json_number_value(high) ? 1 : complain(where, "too large");
}

static int
check_members(const json_t *root, const json_t *schema, const json_t *value, const char *where)
{
    const json_t *required = json_object_get(schema, "required"), *name,
                 *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *child;
    size_t index;
    int good = 1;
    json_array_foreach(required, index, name)
    {
        if (json_is_object(value) && json_object_get(value, json_string_value(name)) == NULL)
            good = complain(where, json_string_value(name));
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        char path[512];
        (void)snprintf(path, sizeof path, "%s%s%s", where, where[0] != '\0' ? "." : "", where[0] != '\0' ? key : "");
        const json_t *expected = json_object_get(properties, key);
        if (expected == NULL && json_is_object(others))
            expected = others;
        if (expected != NULL)
            good &= check(root, expected, child, path);
    }
    return good;
}

static int
check_alternatives(const json_t *root, const json_t *schema, const json_t *value, const char *where)
{
    const json_t *one, *any = json_object_get(schema, "anyOf"), *values = json_object_get(schema, "enum");
    const json_t *constant = json_object_get(schema, "const");
    size_t index;
    int good = any == NULL, listed = values == NULL;
    json_array_foreach(any, index, one)
    {
        good = good || check(root, one, value, ""); /* quietly */
    }
    if (!good)
        (void)check(root, json_array_get(any, json_array_size(any) - 1), value, where);
    json_array_foreach(values, index, one)
    {
        listed |= json_equal(one, value);
    }
    if (constant != NULL && !json_equal(constant, value))
        return complain(where, "not the constant");
    return good && listed ? 1 : complain(where, "none of the alternatives");
}

static int
check(const json_t *root, const json_t *schema, const json_t *value, const char *where)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    json_t *child;
    size_t index;
    int good = 1;
    if (reference != NULL)
        good &=
            check(root, json_object_get(json_object_get(root, "$defs"), reference + strlen("#/$defs/")), value, where);
    good &= check_type(json_object_get(schema, "type"), value, where) & check_bounds(schema, value, where);
    good &= check_alternatives(root, schema, value, where) & check_members(root, schema, value, where);
    const json_t *items = json_object_get(schema, "items");
    json_array_foreach(value, index, child)
    {
        if (items == NULL)
            break;

        char path[512];
        (void)snprintf(path, sizeof path, "%s[%zu]", where, index);
        good &= check(root, items, child, path);
    }
    return good;
}

static json_t *
parsed(const char *folder)
{
    char *text = fake_file_read(folder, "results.json");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    json_t *root = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    free(text);
    return root;
}

/* ---- cases ---- */

static void
shape(void)
{
    json_t *schema = json_load_file(ss_source_path("plugins/report/json/results.schema.json"), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    struct fake_options trees[5] = {fake_options_scaling(), fake_options_single(), fake_options_matrix(),
                                    fake_options_single(), fake_options_replicates()};
    trees[3].without_requests = 1;
    trees[3].without_slo = 1;
    for (size_t i = 0; i < 5; i++) {
        char *folder = fake_tree(&trees[i]);
        must_run("json", folder);
        json_t *root = parsed(folder);
        CU_ASSERT(check(schema, schema, root, "results"));
        json_decref(root);
        fake_folder_remove(folder);
    }
    json_decref(schema);
}

static void
schema_can_refuse(void)
{
    json_t *schema = json_load_file(ss_source_path("plugins/report/json/results.schema.json"), 0, NULL);
    struct fake_options options = fake_options_single();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    json_t *root = parsed(folder), *cell = json_array_get(json_object_get(root, "cells"), 0);
    json_t *summary = json_object_get(cell, "summary");
    printf("# complaints are meant:\n");
    (void)json_object_set_new(summary, "simulated_s", json_string("12"));
    CU_ASSERT_FALSE(check(schema, schema, root, "results"));
    (void)json_object_set_new(summary, "simulated_s", json_real(1));
    CU_ASSERT(check(schema, schema, root, "results"));
    (void)json_object_del(json_object_get(summary, "ttft_ms"), "p99");
    CU_ASSERT_FALSE(check(schema, schema, root, "results"));
    json_decref(root);
    json_decref(schema);
    fake_folder_remove(folder);
}

static void
summaries_as_they_were(void)
{
    struct fake_options options = fake_options_matrix();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    json_t *root = parsed(folder), *cells = json_object_get(root, "cells"), *cell;
    size_t index;
    CU_ASSERT_EQUAL(json_array_size(cells), 20);
    json_array_foreach(cells, index, cell)
    {
        char path[600];
        (void)snprintf(path, sizeof path, "%s/%s/summary.json", folder,
                       json_string_value(json_object_get(cell, "dir")));
        json_t *summary = json_load_file(path, 0, NULL);
        const json_t *here = json_object_get(cell, "summary");
        CU_ASSERT(index == 3 ? json_is_null(here) : summary != NULL && json_equal(summary, here));
        json_decref(summary);
    }
    json_decref(root);
    fake_folder_remove(folder);
}

static void
groups(void)
{
    struct fake_options options = fake_options_replicates();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    json_t *root = parsed(folder);
    const json_t *all = json_object_get(root, "groups"), *dual = json_array_get(all, 1);
    const json_t *p99 = json_object_get(json_object_get(dual, "figures"), "ttft_ms_p99");
    CU_ASSERT_EQUAL(json_array_size(all), 3);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(dual, "name")), "dual_gpu");
    CU_ASSERT_EQUAL(json_array_size(json_object_get(dual, "cells")), 4);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(dual, "n_done")), 3);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(p99, "n")), 3);
    double mean = json_number_value(json_object_get(p99, "mean"));
    CU_ASSERT(json_number_value(json_object_get(p99, "ci95_low")) < mean);
    CU_ASSERT(json_number_value(json_object_get(p99, "ci95_high")) > mean);
    CU_ASSERT(json_is_object(json_object_get(json_object_get(dual, "figures"), "busy_share_dense")));
    json_decref(root);
    fake_folder_remove(folder);
    options = fake_options_single(); /* one cell: a group of its own, whose interval nobody knows */
    folder = fake_tree(&options);
    must_run("json", folder);
    root = parsed(folder);
    dual = json_array_get(json_object_get(root, "groups"), 0);
    p99 = json_object_get(json_object_get(dual, "figures"), "ttft_ms_p99");
    CU_ASSERT(json_is_null(json_object_get(p99, "ci95_low")));
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(p99, "n")), 1);
    json_decref(root);
    fake_folder_remove(folder);
}

static void
same_bytes_twice(void)
{
    struct fake_options options = fake_options_matrix();
    char *folder = fake_tree(&options);
    must_run("json", folder);
    char *first = fake_file_read(folder, "results.json");
    must_run("json", folder);
    char *second = fake_file_read(folder, "results.json");
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_PTR_NULL(strstr(first, "nan"));
    CU_ASSERT_PTR_NULL(strstr(first, "wall_s"));
    free(first);
    free(second);
    fake_folder_remove(folder);
}

static void
hostile_folders(void)
{
    static const struct {
        const char *file, *text, *words;
    } cases[] = {
        {"cells/run/summary.json", "{\"requests_total\": 1, ", "cells/run/summary.json:1: not a whole JSON document"},
        {"cells/run/summary.json", "", "cells/run/summary.json:"},
        {"cells/run/summary.json", "[1]", "cells/run/summary.json: not an object"},
        {"cells/run/summary.json", "{\"mfu\": NaN}", "cells/run/summary.json:1:"},
        {"cells/run/summary.json", "{\"mfu\": 1e999}", "cells/run/summary.json:1:"},
        {"cells/run/summary.json", "{\"mfu\": 1, \"mfu\": 2}", "cells/run/summary.json:1:"},
        {"experiment.json", "{", "experiment.json:1: not a whole JSON document"},
        {"experiment.json", "[]", "experiment.json: not servsim results"},
        {"experiment.json", "{\"servsim_results\": 2}", "experiment.json: not servsim results of version 1"},
        {"experiment.json", "{\"servsim_results\": 1}", "experiment.json: cells must be a list"},
        {"experiment.json", "{\"servsim_results\": 1, \"cells\": [7]}", "cells[0] needs a name and a status"},
        {"experiment.json",
         "{\"servsim_results\": 1, \"cells\": [{\"name\": \"a\", \"status\": \"done\", \"dir\": \"../a\"}]}",
         "cells[0].dir must be a folder inside the results"},
        {"experiment.json",
         "{\"servsim_results\": 1, \"cells\": [{\"name\": \"a\", \"status\": \"done\", \"dir\": \"/a\"}]}",
         "cells[0].dir must be a folder inside the results"},
        {"experiment.json",
         "{\"servsim_results\": 1, \"cells\": [{\"name\": \"a\", \"status\": \"done\", \"dir\": \"a\", \"gpus\": -1}]}",
         "cells[0].gpus must be a whole number from 1"},
        {"experiment.json",
         "{\"servsim_results\": 1, \"cells\": [{\"name\": \"a\", \"status\": \"done\", \"dir\": \"a\"}]}",
         "a/summary.json: cannot be opened"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_options options = fake_options_single();
        char *folder = fake_tree(&options), path[4200];
        fake_file_write(folder, cases[i].file, cases[i].text);
        must_refuse("json", folder, cases[i].words);
        (void)snprintf(path, sizeof path, "%s/results.json", folder);
        CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
        fake_folder_remove(folder);
    }
    must_refuse("json", "/nonexistent", "/nonexistent/experiment.json: cannot be opened");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"shape", shape},
        {"the schema can refuse", schema_can_refuse},
        {"summaries as they were", summaries_as_they_were},
        {"groups", groups},
        {"same bytes twice", same_bytes_twice},
        {"hostile folders", hostile_folders},
    };
    return ss_run_cases("report_json", cases, sizeof cases / sizeof cases[0]);
}
