/*
 * Tests of report/csv: one row per cell, and every figure where its column says.
 */
#include <csv.h>
#include <jansson.h>

#include "report/common/report_test.h"

#define COLUMNS 400u
#define ROWS 64u

/* A CSV file, read back with libcsv in strict mode. */
struct sheet {
    char *cells[ROWS][COLUMNS];
    size_t counts[ROWS], rows;
};

static void
on_field(void *text, size_t length, void *data)
{
    struct sheet *sheet = data;
    if (sheet->rows < ROWS && sheet->counts[sheet->rows] < COLUMNS)
        sheet->cells[sheet->rows][sheet->counts[sheet->rows]++] = strndup(text != NULL ? text : "", length);
}

static void
on_row(int end, void *data)
{
    (void)end;
    ((struct sheet *)data)->rows++;
}

static void
read_sheet(struct sheet *sheet, const char *folder, const char *name)
{
    struct csv_parser parser;
    char *text = fake_file_read(folder, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    *sheet = (struct sheet){0};
    CU_ASSERT_EQUAL(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI), 0);
    CU_ASSERT_EQUAL(csv_parse(&parser, text, strlen(text), on_field, on_row, sheet), strlen(text));
    CU_ASSERT_EQUAL(csv_fini(&parser, on_field, on_row, sheet), 0);
    csv_free(&parser);
    free(text);
}

static void
free_sheet(struct sheet *sheet)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < sheet->counts[r]; c++)
            free(sheet->cells[r][c]);
}

static const char *
at(const struct sheet *sheet, size_t row, const char *column)
{
    for (size_t c = 0; c < sheet->counts[0]; c++)
        if (strcmp(sheet->cells[0][c], column) == 0)
            return sheet->cells[row][c];
    printf("# no column %s\n", column);
    return "no such column";
}

static void
every_figure(void)
{
    struct fake_options options = fake_options_matrix();
    char *folder = fake_tree(&options), path[4200];
    struct sheet sheet;
    must_run("json", folder);
    must_run("csv", folder);
    read_sheet(&sheet, folder, "results.csv");
    CU_ASSERT_EQUAL(sheet.rows, 21);
    for (size_t r = 0; r < sheet.rows; r++)
        CU_ASSERT_EQUAL(sheet.counts[r], sheet.counts[0]);
    (void)snprintf(path, sizeof path, "%s/results.json", folder);
    json_t *root = json_load_file(path, 0, NULL), *cell, *value, *inner;
    size_t index;
    const char *key, *inner_key;
    json_array_foreach(json_object_get(root, "cells"), index, cell)
    {
        CU_ASSERT_STRING_EQUAL(at(&sheet, index + 1, "cell"), json_string_value(json_object_get(cell, "name")));
        CU_ASSERT_STRING_EQUAL(at(&sheet, index + 1, "status"), index == 3 ? "failed" : "done");
        json_object_foreach(json_object_get(cell, "summary"), key, value)
        {
            if (json_is_number(value))
                CU_ASSERT_EQUAL(strtod(at(&sheet, index + 1, key), NULL), json_number_value(value));
            json_object_foreach(value, inner_key, inner)
            {
                char name[100];
                (void)snprintf(name, sizeof name, "%s_%s", key, inner_key);
                CU_ASSERT_EQUAL(strtod(at(&sheet, index + 1, name), NULL), json_number_value(inner));
            }
        }
    }
    CU_ASSERT_STRING_EQUAL(at(&sheet, 4, "ttft_ms_p99"), "");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 4, "axis_scheduler"), "predictive");
    CU_ASSERT(contains(at(&sheet, 4, "reason"), "| planned <a> batch"));
    CU_ASSERT_STRING_EQUAL(at(&sheet, 1, "slo_ttft_ms"), "1000");
    json_decref(root);
    free_sheet(&sheet);
    fake_folder_remove(folder);
}

static void
odd_texts(void)
{
    char *folder = fake_folder_make();
    struct sheet sheet;
    fake_file_write(
        folder, "results.json",
        "{\"servsim_results\": 1, \"axes\": [{\"name\": \"a,\\\"b\", \"values\": [\"x\"]}], \"cells\": [{\"name\": "
        "\"one, \\\"two\\\"\", \"status\": \"failed\", \"reason\": \"line\\nline\", \"dir\": \"c\", \"labels\": "
        "{\"a,\\\"b\": \"x\"}, \"summary\": null}]}");
    must_run("csv", folder);
    read_sheet(&sheet, folder, "results.csv");
    CU_ASSERT_EQUAL(sheet.rows, 2);
    CU_ASSERT_STRING_EQUAL(at(&sheet, 1, "cell"), "one, \"two\"");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 1, "axis_a,\"b"), "x");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 1, "reason"), "line\nline");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 1, "latency_ms_mean"), "");
    free_sheet(&sheet);
    fake_folder_remove(folder);
}

static void
replicas(void)
{
    struct fake_options options = fake_options_scaling();
    options.replicated = 1;
    options.requests = 100;
    char *folder = fake_tree(&options);
    struct sheet sheet;
    must_run("json", folder);
    must_run("csv", folder);
    read_sheet(&sheet, folder, "replicas.csv");
    CU_ASSERT_EQUAL(sheet.rows, 1 + 1 + 2 + 4 + 8 + 16);
    CU_ASSERT_STRING_EQUAL(at(&sheet, 31, "replica"), "15");
    free_sheet(&sheet);
    fake_folder_remove(folder);
}

static void
groups(void)
{
    struct fake_options options = fake_options_replicates();
    char *folder = fake_tree(&options);
    struct sheet cells, sheet;
    must_run("json", folder);
    must_run("csv", folder);
    read_sheet(&cells, folder, "results.csv");
    read_sheet(&sheet, folder, "groups.csv");
    CU_ASSERT_EQUAL(cells.rows, 13);
    CU_ASSERT_EQUAL_FATAL(sheet.rows, 4);
    CU_ASSERT_STRING_EQUAL(at(&sheet, 2, "group"), "dual_gpu");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 2, "cells"), "4");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 2, "cells_done"), "3");
    CU_ASSERT_STRING_EQUAL(at(&sheet, 2, "load"), "1.2");
    double sum = 0;
    for (size_t row = 1; row <= 4; row++)
        sum += strtod(at(&cells, row, "ttft_ms_p99"), NULL);
    double mean = strtod(at(&sheet, 1, "ttft_ms_p99"), NULL);
    double low = strtod(at(&sheet, 1, "ttft_ms_p99_ci95_low"), NULL);
    double high = strtod(at(&sheet, 1, "ttft_ms_p99_ci95_high"), NULL);
    CU_ASSERT_DOUBLE_EQUAL(mean, sum / 4, 1e-6);
    CU_ASSERT(low < mean && mean < high);
    CU_ASSERT_DOUBLE_EQUAL(mean - low, high - mean, 1e-6);
    free_sheet(&cells);
    free_sheet(&sheet);
    fake_folder_remove(folder);
}

static void
hostile(void)
{
    char *folder = fake_folder_make();
    must_refuse("csv", folder, "results.json: cannot be opened");
    fake_file_write(folder, "results.json", "{\"servsim_results\": 1, \"cells\": [{");
    must_refuse("csv", folder, "results.json:1: not a whole JSON document");
    char *left = fake_file_read(folder, "results.csv");
    CU_ASSERT_PTR_NULL(left);
    free(left);
    fake_folder_remove(folder);
}

int
main(void)
{
    static const struct ss_case cases[] = {{"every figure", every_figure},
                                           {"odd texts", odd_texts},
                                           {"replicas", replicas},
                                           {"groups", groups},
                                           {"hostile", hostile}};
    return ss_run_cases("report_csv", cases, sizeof cases / sizeof cases[0]);
}
