/*
 * Tests of what the report plugins share: numbers as text, tables, and how cells belong together.
 */
#include <math.h>
#include <unistd.h>

#include "report/common/balance.h"
#include "report/common/bursts.h"
#include "report/common/loss.h"
#include "report/common/matrix.h"
#include "report/common/number.h"
#include "report/common/order.h"
#include "report/common/report_test.h"
#include "report/common/table.h"
#include "report/common/text.h"

static void
numbers_for_people(void)
{
    static const struct {
        double value;
        const char *human, *count, *percent, *duration;
    } cases[] = {
        {0, "0", "0", "0 %", "0 s"},
        {1, "1.00", "1", "100 %", "1.00 s"},
        {0.5, "0.500", "0", "50.0 %", "500 ms"},
        {0.99999, "1.00", "1", "> 99.99 %", "1.00 s"},
        {0.9996, "1.00", "1", "99.96 %", "1.00 s"},
        {0.00001, "1.00e-05", "0", "< 0.01 %", "0.0100 ms"},
        {999.6, "1,000", "1,000", "100,000 %", "16 min 40 s"},
        {12345, "12,300", "12,345", "1,230,000 %", "3 h 26 min"},
        {1429737, "1,430,000", "1,429,737", "143,000,000 %", "16 d 13 h"},
        {-1234, "-1,230", "-1,234", "-123,000 %", "-1,230,000 ms"},
        {59.96, "60.0", "60", "6,000 %", "60.0 s"},
        {3599.7, "3,600", "3,600", "360,000 %", "1 h"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_STRING_EQUAL(rp_human(cases[i].value).text, cases[i].human);
        CU_ASSERT_STRING_EQUAL(rp_count(cases[i].value).text, cases[i].count);
        CU_ASSERT_STRING_EQUAL(rp_percent(cases[i].value).text, cases[i].percent);
        CU_ASSERT_STRING_EQUAL(rp_duration(cases[i].value).text, cases[i].duration);
    }
    CU_ASSERT_STRING_EQUAL(rp_human(NAN).text, "–");
    static const struct {
        double value, half;
        const char *text;
    } beside[] = {
        {2587.8, 0.56, "2,587.80"}, {44321, 3200, "44,300"}, {1.7104, 0.054, "1.710"}, {0.36218, 0.026, "0.362"},
        {12.5, 77, "12.5"},         {0, 0.5, "0"},           {451.2, 0, "451"},        {1.5, INFINITY, "1.50"},
    };
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
        CU_ASSERT_STRING_EQUAL(rp_beside(beside[i].value, beside[i].half).text, beside[i].text);
    CU_ASSERT_STRING_EQUAL(rp_percent(INFINITY).text, "–");
    CU_ASSERT_STRING_EQUAL(rp_tick(20000).text, "20,000");
    CU_ASSERT_STRING_EQUAL(rp_tick(0.05).text, "0.05");
    CU_ASSERT_STRING_EQUAL(rp_tick(2.5).text, "2.5");
}

static void
numbers_for_machines(void)
{
    static const double values[] = {0.1, 1.0 / 3, 1e300, 5e-324, 123456789.125, -2.5, 9007199254740993.0, 1e22};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        CU_ASSERT_EQUAL(strtod(rp_exact(values[i]).text, NULL), values[i]);
    CU_ASSERT_STRING_EQUAL(rp_exact(0.1).text, "0.1");
    CU_ASSERT_STRING_EQUAL(rp_exact(-0.0).text, "0");
    CU_ASSERT_STRING_EQUAL(rp_exact(12).text, "12");
}

static void
safe_names(void)
{
    char slug[65];
    rp_slug(slug, "../../etc/passwd");
    CU_ASSERT_STRING_EQUAL(slug, "_._.._etc_passwd");
    rp_slug(slug, "");
    CU_ASSERT_STRING_EQUAL(slug, "_");
    rp_slug(slug, "tp=4 'x' `id`");
    CU_ASSERT_STRING_EQUAL(slug, "tp_4__x___id_");
}

/* Rows read, or the answer of the call that refused. */
static int
read_table(const char *folder, const char *text, double *sum, struct servsim_error *err)
{
    static const char *const wanted[] = {"a", "c"};
    char path[4200];
    struct rp_table table;
    struct rp_field fields[2];
    fake_file_write(folder, "t.csv", text);
    (void)snprintf(path, sizeof path, "%s/t.csv", folder);
    int status = rp_table_open(&table, path, wanted, 2, err), rows = 0;
    if (status != 0)
        return status;
    *sum = 0;
    while ((status = rp_table_next(&table, fields, err)) == 1) {
        double value = 0;
        if ((status = rp_table_number(&table, fields[1], &value, err)) != 0)
            break;
        *sum += isnan(value) ? 1000 : value;
        rows++;
    }
    rp_table_close(&table);
    return status < 0 ? status : rows;
}

static void
tables(void)
{
    static const struct {
        const char *text;
        int answer;
        double sum;
        const char *words;
    } cases[] = {
        {"a,b,c\n1,2,3\n4,5,6.5\n", 2, 9.5, NULL},
        {"c,a\n1e3,x\n", 1, 1000, NULL},
        {"a,c\r\n1,0.1\r\n", 1, 0.1, NULL},
        {"a,b,c\n,,\n", 1, 1000, NULL},
        {"a,b,c\n", 0, 0, NULL},
        {"", -EINVAL, 0, "t.csv: empty"},
        {"a,b", -EINVAL, 0, "t.csv:1: the header is cut off"},
        {"a,b\n", -EINVAL, 0, "t.csv:1: no column 'c'"},
        {"a,b,c\n1,2\n", -EINVAL, 0, "t.csv:2: 2 fields where the header has 3"},
        {"a,b,c\n1,2,3\n1,2,3,4\n", -EINVAL, 0, "t.csv:3: 4 fields"},
        {"a,b,c\n1,2,3\n4,5,6", -EINVAL, 0, "t.csv:3: the file ends in the middle"},
        {"a,b,c\n1,2,nan\n", -EINVAL, 0, "t.csv:2: a field is no number"},
        {"a,b,c\n1,2,1e999\n", -EINVAL, 0, "t.csv:2: a field is no number"},
        {"a,b,c\n1,2,3x\n", -EINVAL, 0, "t.csv:2: a field is no number"},
        {"a,b,c\n1,2,.\n", -EINVAL, 0, "t.csv:2: a field is no number"},
    };
    char *folder = fake_folder_make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        double sum = 0;
        CU_ASSERT_EQUAL(read_table(folder, cases[i].text, &sum, &err), cases[i].answer);
        if (cases[i].words != NULL) {
            CU_ASSERT(contains(err.text, cases[i].words));
        } else {
            CU_ASSERT_DOUBLE_EQUAL(sum, cases[i].sum, 0);
        }
    }
    fake_folder_remove(folder);
}

/* Writes the tree, runs `json`, and sorts its cells. */
static char *
sorted(const struct fake_options *options, struct rp_results *results, struct rp_matrix *matrix)
{
    struct servsim_error err = {.size = sizeof err};
    char path[4200], *folder = fake_tree(options);
    must_run("json", folder);
    (void)snprintf(path, sizeof path, "%s/results.json", folder);
    CU_ASSERT_EQUAL_FATAL(rp_results_read(results, path, &err), 0);
    CU_ASSERT_EQUAL_FATAL(rp_matrix_make(matrix, results, &err), 0);
    return folder;
}

static void
done_with(char *folder, struct rp_results *results, struct rp_matrix *matrix)
{
    rp_matrix_free(matrix);
    rp_results_free(results);
    fake_folder_remove(folder);
}

static void
groups_and_series(void)
{
    struct rp_results results;
    struct rp_matrix matrix;
    struct fake_options options = fake_options_matrix();
    char *folder = sorted(&options, &results, &matrix);
    CU_ASSERT_EQUAL_FATAL(matrix.group_count, 2);
    CU_ASSERT_STRING_EQUAL(matrix.groups[1].title, "sharegpt");
    CU_ASSERT_EQUAL(matrix.groups[0].count, 10);
    CU_ASSERT_EQUAL_FATAL(matrix.groups[0].series_count, 2);
    CU_ASSERT_STRING_EQUAL(matrix.groups[0].series[1].label, "predictive");
    CU_ASSERT_EQUAL(matrix.groups[0].series[0].count, 5);
    CU_ASSERT_EQUAL(matrix.groups[0].series[1].count, 4); /* one cell failed */
    CU_ASSERT_EQUAL(matrix.groups[1].series[1].count, 5);
    CU_ASSERT_STRING_EQUAL(rp_label(&matrix, &results.cells[3]), "dual_gpu / predictive");
    done_with(folder, &results, &matrix);
}

static void
layouts_with_equally_many_gpus(void)
{
    struct rp_results results;
    struct rp_matrix matrix;
    struct fake_options options = fake_options_scaling();
    options.both = 1;
    options.requests = 50;
    char *folder = sorted(&options, &results, &matrix);
    CU_ASSERT_EQUAL_FATAL(matrix.groups[0].series_count, 2);
    CU_ASSERT_STRING_EQUAL(matrix.groups[0].series[0].label, "one engine");
    CU_ASSERT_STRING_EQUAL(matrix.groups[0].series[1].label, "1-GPU replicas");
    for (size_t s = 0; s < 2; s++) {
        const struct rp_series *series = &matrix.groups[0].series[s];
        CU_ASSERT_EQUAL_FATAL(series->count, 5);
        for (size_t i = 0; i < 5; i++)
            CU_ASSERT_EQUAL(series->cells[i]->gpus, gpus_five[i]);
    }
    done_with(folder, &results, &matrix);
}

static void
single_cells(void)
{
    struct rp_results results;
    struct rp_matrix matrix;
    struct fake_options options = fake_options_single();
    char *folder = sorted(&options, &results, &matrix);
    CU_ASSERT_EQUAL(matrix.group_count, 1);
    CU_ASSERT_EQUAL(matrix.groups[0].series_count, 0);
    CU_ASSERT_STRING_EQUAL(rp_label(&matrix, &results.cells[0]), "run");
    done_with(folder, &results, &matrix);
    options.traffics = traffic_two; /* nothing but the traffic varies: one group, marked so */
    options.traffic_count = 2;
    folder = sorted(&options, &results, &matrix);
    CU_ASSERT_EQUAL(matrix.group_count, 1);
    CU_ASSERT_EQUAL(matrix.groups[0].mixed, 1);
    CU_ASSERT_STRING_EQUAL(rp_label(&matrix, &results.cells[1]), "sharegpt");
    done_with(folder, &results, &matrix);
}

/* Figures of the printed tables of Student's t, and of examples worked by hand. */
static void
intervals(void)
{
    static const struct {
        double freedom, t;
    } cases[] = {{1, 12.7062}, {2, 4.3027}, {4, 2.7764}, {9, 2.2622}, {29, 2.0452}, {120, 1.9799}, {1e6, 1.95997}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_DOUBLE_EQUAL(rp_student_95(cases[i].freedom), cases[i].t, 1e-4);
        CU_ASSERT_DOUBLE_EQUAL(rp_student_tails(cases[i].t, cases[i].freedom), 0.05, 1e-5);
    }
    CU_ASSERT_DOUBLE_EQUAL(rp_student_tails(1, 1), 0.5, 1e-12); /* Cauchy: arctan */
    CU_ASSERT_DOUBLE_EQUAL(rp_student_tails(0, 7), 1, 1e-12);
    const double five[] = {10, 12, 9, 11, 13}, holes[] = {10, NAN, 12};
    struct rp_spread spread = rp_spread_over(five, 5);
    CU_ASSERT_DOUBLE_EQUAL(spread.mean, 11, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(spread.half, 2.7764 * sqrt(2.5 / 5), 1e-3);
    spread = rp_spread_over(holes, 3);
    CU_ASSERT_EQUAL(spread.n, 2);
    CU_ASSERT_DOUBLE_EQUAL(spread.half, 12.7062, 1e-3);
    spread = rp_spread_over(five, 1);
    CU_ASSERT(isnan(spread.half));
    spread = rp_spread_over(holes + 1, 1);
    CU_ASSERT(isnan(spread.mean) && spread.n == 0);
    const double double_of[] = {20, 24, 18, 22, 26};
    spread = rp_spread_ratio(double_of, five, 5); /* the same traffic twice as fast: no doubt, however it varies */
    CU_ASSERT_DOUBLE_EQUAL(spread.mean, 2, 1e-12);
    CU_ASSERT_EQUAL(spread.half, 0);
}

static void
differences(void)
{
    /* Equal spreads, eight degrees of freedom: t must be beyond 2.306. */
    static const struct {
        double a[5], b[5];
        size_t count;
        int differ;
    } cases[] = {
        {{10, 12, 9, 11, 13}, {13, 15, 12, 14, 16}, 5, 1},           /* t = 3.0 */
        {{10, 12, 9, 11, 13}, {12, 14, 11, 13, 15}, 5, 0},           /* t = 2.0 */
        {{10, 12, 9, 11, 13}, {12.4, 14.4, 11.4, 13.4, 15.4}, 5, 1}, /* t = 2.4 */
        {{5, 5, 5}, {5, 5, 5}, 3, 0},
        {{5, 5, 5}, {5.001, 5.001, 5.001}, 3, 1}, /* nothing varies: it is no noise */
        {{1}, {100}, 1, 0},
        {{NAN, NAN}, {1, 2}, 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rp_spread a = rp_spread_over(cases[i].a, cases[i].count);
        struct rp_spread b = rp_spread_over(cases[i].b, cases[i].count);
        CU_ASSERT_EQUAL(rp_spread_differ(&a, &b), cases[i].differ);
        CU_ASSERT_EQUAL(rp_spread_differ(&b, &a), cases[i].differ);
    }
}

/* Two handfuls from one source differ in about 5 of 100 cases. */
static void
false_alarms(void)
{
    struct servsim_random random = {7};
    int alarms = 0;
    for (int pair = 0; pair < 4000; pair++) {
        double values[2][5];
        for (size_t i = 0; i < 10; i++)
            values[i / 5][i % 5] = sqrt(-2 * log(servsim_random_unit(&random))) *
                                   cos(6.283185307179586 * servsim_random_unit(&random)) * (i < 5 ? 1 : 3);
        struct rp_spread a = rp_spread_over(values[0], 5), b = rp_spread_over(values[1], 5);
        alarms += rp_spread_differ(&a, &b);
    }
    printf("# %d alarms in 4000\n", alarms);
    CU_ASSERT(alarms > 140 && alarms < 250);
}

/* The parts of the loss add up to it, and idle engines are called idle. */
static void
losses(void)
{
    struct rp_results results;
    struct rp_matrix matrix;
    struct fake_options options = fake_options_scaling();
    options.both = 1;
    char *folder = sorted(&options, &results, &matrix);
    for (size_t s = 0; s < matrix.groups[0].series_count; s++)
        for (size_t i = 0; i < matrix.groups[0].series[s].count; i++) {
            const struct rp_series *series = &matrix.groups[0].series[s];
            struct rp_loss loss;
            CU_ASSERT_FATAL(rp_loss_of(&loss, series->cells[0], series->cells[i]));
            double sum = 0;
            for (size_t p = 0; p < RP_LOSS_PARTS; p++)
                sum += loss.parts[p];
            CU_ASSERT_DOUBLE_EQUAL(sum, loss.lost, 1e-6 * loss.ideal);
            CU_ASSERT_DOUBLE_EQUAL(loss.lost, loss.ideal - loss.actual, 1e-9);
            CU_ASSERT_EQUAL(rp_loss_largest(&loss) == RP_LOSS_PARTS, i == 0);
            if (s == 1 && i == 4) /* sixteen replicas for a load that four could serve */
                CU_ASSERT_EQUAL(rp_loss_largest(&loss), RP_LOSS_IDLE);
            if (s == 1)
                CU_ASSERT_EQUAL(loss.parts[RP_LOSS_COMMUNICATION], 0);
            if (s == 0 && i == 4)
                CU_ASSERT(loss.parts[RP_LOSS_COMMUNICATION] > 0 && loss.parts[RP_LOSS_RECOMPUTED] < 0);
        }
    done_with(folder, &results, &matrix);
    options.without_requests = 1;
    folder = sorted(&options, &results, &matrix);
    struct rp_loss loss;
    CU_ASSERT_FALSE(rp_loss_of(&loss, &results.cells[0], &results.cells[1]));
    done_with(folder, &results, &matrix);
}

static void
replicates(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct rp_results results;
    struct rp_matrix matrix;
    struct fake_options options = fake_options_replicates();
    char *folder = sorted(&options, &results, &matrix), load[96];
    CU_ASSERT_EQUAL(results.count, 12);
    rp_matrix_free(&matrix);
    CU_ASSERT_EQUAL_FATAL(rp_results_fold(&results, &err), 0);
    CU_ASSERT_EQUAL_FATAL(rp_matrix_make(&matrix, &results, &err), 0);
    CU_ASSERT_EQUAL_FATAL(results.count, 3);
    CU_ASSERT_EQUAL(results.part_count, 12);
    const struct rp_cell *cell = &results.cells[1];
    CU_ASSERT_STRING_EQUAL(cell->name, "dual_gpu");
    CU_ASSERT_STRING_EQUAL(rp_label(&matrix, cell), "dual_gpu");
    CU_ASSERT_EQUAL(rp_member_count(cell), 4);
    CU_ASSERT_EQUAL(rp_members_done(cell), 3);
    double sum = 0;
    for (size_t i = 0; i < 4; i++)
        sum += i == 1 ? 0 : rp_figure(rp_member(cell, i), "ttft_ms", "p99");
    CU_ASSERT_DOUBLE_EQUAL(rp_figure(cell, "ttft_ms", "p99"), sum / 3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rp_figure_spread(cell, "ttft_ms", "p99").mean, sum / 3, 1e-9);
    CU_ASSERT_EQUAL(rp_figure_spread(cell, "ttft_ms", "p99").n, 3);
    CU_ASSERT_EQUAL(rp_total(cell, "requests_total"), 600);
    CU_ASSERT_EQUAL_FATAL(matrix.group_count, 1);
    CU_ASSERT_EQUAL_FATAL(matrix.groups[0].series_count, 1);
    CU_ASSERT_EQUAL(matrix.groups[0].series[0].count, 3);
    rp_load_text(load, cell);
    CU_ASSERT_STRING_EQUAL(load, "1.2× capacity (times divided by 313)");
    done_with(folder, &results, &matrix);
}

/* A folder with one done cell on two replicas, whose files are the given ones. */
static char *
one_cell(struct rp_results *results, const char *requests, const char *series)
{
    struct servsim_error err = {.size = sizeof err};
    char path[4200], *folder = fake_folder_make();
    fake_file_write(
        folder, "results.json",
        "{\"servsim_results\": 1, \"axes\": [], \"cells\": [{\"name\": \"c\", \"status\": \"done\", \"dir\": "
        "\".\", \"gpus\": 2, \"replicas\": 2, \"slo\": {\"ttft_ms\": 100, \"tpot_ms\": null}, \"summary\": "
        "{\"requests_finished\": 4}}]}");
    fake_file_write(folder, "requests.csv", requests);
    if (series != NULL)
        fake_file_write(folder, "series.csv", series);
    (void)snprintf(path, sizeof path, "%s/results.json", folder);
    CU_ASSERT_EQUAL_FATAL(rp_results_read(results, path, &err), 0);
    return folder;
}

/* 1 request a second for 4,000 s, in which 1,000 more come within 100 s from 2,000 s on, 600 more at 3,200 s. The
   queue peaks at 2,150 and 3,250 s. */
static void
bursts(void)
{
    struct rp_results results;
    struct servsim_error err = {.size = sizeof err};
    struct rp_text requests = {0}, series = {0};
    rp_puts(&requests, "status,arrival_s,ttft_ms,tpot_ms\n");
    for (int i = 0; i < 4000; i++) {
        int more = i >= 2000 && i < 2100 ? 10 : i >= 3200 && i < 3300 ? 6 : 0;
        for (int extra = 0; extra <= more; extra++)
            rp_printf(&requests, "%s,%.3f,%d,1\n", i == 3990 ? "rejected" : "finished", i + 0.05 * extra,
                      more > 0 || (i >= 2100 && i < 2150) ? 101 : 99);
    }
    rp_puts(&series, "t_s,waiting_mean\n");
    for (int t = 0; t < 4000; t += 50)
        rp_printf(&series, "%d,%d\n", t, t == 2050 ? 30 : t == 2150 ? 40 : t == 2200 ? 2 : t >= 3250 ? 5 : 0);
    char *folder = one_cell(&results, requests.data, series.data);
    struct rp_bursts found;
    CU_ASSERT_EQUAL(rp_bursts_of(&found, &results.cells[0], &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(found.rate_per_s, 5599 / 3999.0, 1e-6);
    CU_ASSERT_EQUAL(found.bursts, 2);
    CU_ASSERT(found.peak_rate_per_s > 10 && found.peak_rate_per_s < 11.1);
    CU_ASSERT_EQUAL(found.peak_waiting, 40);
    CU_ASSERT_EQUAL(found.unrecovered, 1); /* the second never ends: its peak is at 3,250 s */
    CU_ASSERT_EQUAL(found.recovery_max_s, 3950 - 3250);
    CU_ASSERT_EQUAL(found.recovery_mean_s, (100 + 700) / 2); /* the first: from 2,150 to 2,250 s */
    CU_ASSERT_EQUAL(found.requests[0] + found.requests[1] + found.requests[2], 5600);
    CU_ASSERT(found.missed[RP_BURST_INSIDE] > 0.9);
    CU_ASSERT(found.missed[RP_BURST_CALM] == 0 && found.missed[RP_BURST_AFTER] > 0);
    rp_results_free(&results);
    fake_folder_remove(folder);
    folder = one_cell(&results, "status,arrival_s,ttft_ms,tpot_ms\nfinished,1,2,3\n", "t_s,waiting_mean\n");
    CU_ASSERT_EQUAL(rp_bursts_of(&found, &results.cells[0], &err), 0);
    CU_ASSERT(isnan(found.bursts) && isnan(found.rate_per_s) && isnan(found.peak_waiting));
    rp_results_free(&results);
    fake_folder_remove(folder);
    rp_text_free(&requests);
    rp_text_free(&series);
}

/* Two at replica 0 from 0 to 2 s, of which one waits for a second; one at replica 1 from 1 to 2 s. */
static void
balance(void)
{
    struct rp_results results;
    struct servsim_error err = {.size = sizeof err};
    struct rp_balance found;
    static const char header[] = "status,replica,arrival_s,queue_ms,latency_ms\n";
    char rows[400];
    (void)snprintf(rows, sizeof rows,
                   "%sfinished,0,0,0,2000\nfinished,0,0,1000,2000\nfinished,1,1,500,1000\nrejected,,,,\n", header);
    char *folder = one_cell(&results, rows, NULL);
    CU_ASSERT_EQUAL(rp_balance_of(&found, &results.cells[0], &err), 0);
    /* First second: 2 and 0, index 0.5; second: 2 and 1, index 9/10. */
    CU_ASSERT_DOUBLE_EQUAL(found.jain_in_system, (0.5 + 0.9) / 2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.waiting_ms, 1500.0 / 3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.avoidable_ms, 1500.0 / 3, 1e-9); /* one replica at a time has a queue */
    rp_results_free(&results);
    fake_folder_remove(folder);
    (void)snprintf(rows, sizeof rows, "%sfinished,0,0,1000,2000\nfinished,1,0,600,2000\n", header);
    folder = one_cell(&results, rows, NULL);
    CU_ASSERT_EQUAL(rp_balance_of(&found, &results.cells[0], &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(found.jain_in_system, 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.waiting_ms, 800, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.avoidable_ms, 200, 1e-9); /* both wait for 0.6 s, then one for 0.4 s */
    fake_file_write(folder, "requests.csv", "status,replica,arrival_s,queue_ms,latency_ms\nfinished,,0,1,2\n");
    CU_ASSERT_EQUAL(rp_balance_of(&found, &results.cells[0], &err), -EINVAL);
    CU_ASSERT(contains(err.text, "requests.csv:2: a finished request without replica"));
    rp_results_free(&results);
    fake_folder_remove(folder);
}

/* Twenty requests of 10, 20 ... 200 tokens, of which the nth shortest waits n squared milliseconds. */
static void
order(void)
{
    struct rp_results results;
    struct servsim_error err = {.size = sizeof err};
    struct rp_spread found[RP_ORDER_FIGURES];
    struct rp_text rows = {0};
    rp_puts(&rows, "status,prompt_tokens,output_tokens,queue_ms\nrejected,1,,\n");
    for (int i = 0; i < 20; i++) {
        int nth = i * 7 % 20 + 1; /* in no order */
        rp_printf(&rows, "finished,%d,%d,%d\n", 10 * nth - 5, 5, nth * nth);
    }
    char *folder = one_cell(&results, rows.data, NULL);
    CU_ASSERT_EQUAL(rp_order_spread(found, &results.cells[0], &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(found[RP_ORDER_SHORT].mean, 385.0 / 10, 1e-9); /* 1 + 4 + ... + 100 */
    CU_ASSERT_DOUBLE_EQUAL(found[RP_ORDER_LONG].mean, (361 + 400) / 2.0, 1e-9);
    fake_file_write(folder, "requests.csv", "status,prompt_tokens,output_tokens,queue_ms\nrejected,1,,\n");
    CU_ASSERT_EQUAL(rp_order_spread(found, &results.cells[0], &err), 0);
    CU_ASSERT(isnan(found[RP_ORDER_SHORT].mean) && isnan(found[RP_ORDER_LONG].mean));
    fake_file_write(folder, "requests.csv", "status,prompt_tokens,output_tokens,queue_ms\nfinished,1,x,2\n");
    CU_ASSERT_EQUAL(rp_order_spread(found, &results.cells[0], &err), -EINVAL);
    rp_results_free(&results);
    rp_text_free(&rows);
    fake_folder_remove(folder);
}

static void
files_whole_or_not_at_all(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct rp_text text = {0};
    rp_puts(&text, "x");
    CU_ASSERT_EQUAL(rp_file_write("/nonexistent/folder/file", &text, &err), -ENOENT);
    CU_ASSERT(contains(err.text, "/nonexistent/folder/file: cannot be written"));
    text.failed = 1;
    char *folder = fake_folder_make(), path[4200];
    (void)snprintf(path, sizeof path, "%s/file", folder);
    CU_ASSERT_EQUAL(rp_file_write(path, &text, &err), -ENOMEM);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    rp_text_free(&text);
    CU_ASSERT_EQUAL(rp_file_read(&text, folder, 10, &err), -EINVAL);
    fake_file_write(folder, "file", "0123456789ab");
    CU_ASSERT_EQUAL(rp_file_read(&text, path, 10, &err), -EFBIG);
    fake_folder_remove(folder);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"numbers for people", numbers_for_people},
        {"numbers for machines", numbers_for_machines},
        {"safe names", safe_names},
        {"tables", tables},
        {"groups and series", groups_and_series},
        {"layouts with equally many GPUs", layouts_with_equally_many_gpus},
        {"single cells", single_cells},
        {"intervals", intervals},
        {"differences", differences},
        {"false alarms", false_alarms},
        {"losses", losses},
        {"replicates", replicates},
        {"bursts", bursts},
        {"balance", balance},
        {"order", order},
        {"files whole or not at all", files_whole_or_not_at_all},
    };
    return ss_run_cases("report_common", cases, sizeof cases / sizeof cases[0]);
}
