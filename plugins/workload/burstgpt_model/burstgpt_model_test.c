/*
 * burstgpt_model_test.c - the full-size generated trace against the published statistics of BurstGPT file 1.
 *
 * Tolerances are what different seeds make of them, with room; the published figure is one draw as well.
 */
#include "plugins/workload/common/drain.h"

#define ROWS 1429737u
#define MOST_TOKENS 32768u

/* Published rows of each hour of the day over the mean. */
static const double profile[24] = {.96,  .91,  .59,  .53,  .38,  .35,  .20,  .16,  .18,  .43,  .90,  1.32,
                                   1.79, 1.54, 1.84, 1.43, 1.51, 1.39, 1.21, 1.61, 1.39, 1.20, 1.16, 1.05};

struct figures {
    uint64_t rows, failed, api, gpt4, answered, whole_seconds, after_failure, failed_pairs;
    double prompt, output;
    int64_t before_s;
    int before_failed;
    uint64_t gaps[20001]; /* by seconds */
    double gap_sum, gap_squares;
    int64_t longest_gap;
    uint64_t days[64], hours[24], minute, minute_rows, busiest_minute;
    uint64_t prompts[MOST_TOKENS], outputs[MOST_TOKENS], conversations; /* of answered conversations */
};

static struct figures f;
static struct drained got;

static void
take_gap(int64_t now_s)
{
    int64_t gap = now_s - f.before_s;
    f.gaps[gap < 20000 ? gap : 20000]++;
    f.gap_sum += (double)gap;
    f.gap_squares += (double)gap * (double)gap;
    f.longest_gap = gap > f.longest_gap ? gap : f.longest_gap;
}

static void
take_time(const struct servsim_arrival *row)
{
    if (f.rows > 0)
        take_gap(row->arrival_s);
    f.before_s = row->arrival_s;
    f.whole_seconds += row->arrival_ps == 0;
    f.days[row->arrival_s / 86400]++; /* the first row falls in the first minutes of the first day */
    f.hours[row->arrival_s / 3600 % 24]++;
    uint64_t minute = (uint64_t)row->arrival_s / 60;
    f.minute_rows = minute == f.minute ? f.minute_rows + 1 : 1;
    f.minute = minute;
    f.busiest_minute = f.minute_rows > f.busiest_minute ? f.minute_rows : f.busiest_minute;
}

static void
take_failed(int failed)
{
    f.failed += (uint64_t)failed;
    f.after_failure += (uint64_t)f.before_failed;
    f.failed_pairs += (uint64_t)(failed && f.before_failed);
    f.before_failed = failed;
}

static void
take(const struct servsim_arrival *row, void *context)
{
    (void)context;
    int api = strstr(row->label, " API log") != NULL, failed = row->output_tokens == 0;
    take_time(row);
    take_failed(failed);
    f.rows++;
    f.api += (uint64_t)api;
    f.gpt4 += strncmp(row->label, "GPT-4 ", 6) == 0;
    if (failed)
        return;
    f.answered++;
    f.prompt += row->prompt_tokens;
    f.output += row->output_tokens;
    if (!api && row->prompt_tokens < MOST_TOKENS && row->output_tokens < MOST_TOKENS) {
        f.conversations++;
        f.prompts[row->prompt_tokens]++;
        f.outputs[row->output_tokens]++;
    }
}

/* The drain's own check does not know of failed rows: this one takes them with emit_failed. */
static void
generate(uint64_t seed)
{
    static struct fake_plugin plugin;
    memset(&f, 0, sizeof f);
    memset(&plugin, 0, sizeof plugin);
    plugin.seed = seed;
    CU_ASSERT_FATAL(fake_open(&plugin, "workload", "burstgpt_model") == 0);
    CU_ASSERT_FATAL(fake_create(&plugin, NULL, (const char *const[]){"emit_failed=true", NULL}) == 0);
    const struct servsim_workload_ops *ops = plugin.descriptor->ops;
    for (;;) {
        struct servsim_arrival row = {.size = sizeof row};
        if (ops->next(plugin.self, &row, &plugin.err) != 1)
            break;
        take(&row, NULL);
    }
    fake_destroy(&plugin);
}

static double
quantile(const uint64_t *counts, size_t size, uint64_t total, double share)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        if ((double)(sum += counts[i]) >= share * (double)total)
            return (double)i;
    return (double)size;
}

static double
day_log_deviation(void)
{
    double sum = 0, squares = 0, count = 0;
    for (size_t i = 0; i < 64; i++) {
        double value = f.days[i] > 0 ? log((double)f.days[i]) : 0;
        sum += value;
        squares += value * value;
        count += f.days[i] > 0;
    }
    CU_ASSERT(count == 61);
    return sqrt(squares / count - sum / count * (sum / count));
}

static void
check_gaps(void)
{
    double count = (double)(f.rows - 1), mean = f.gap_sum / count;
    double cv = sqrt(f.gap_squares / count - mean * mean) / mean;
    CU_ASSERT(f.whole_seconds == f.rows);
    CU_ASSERT(within(mean, 3.69, 0.01));
    CU_ASSERT(quantile(f.gaps, 20001, f.rows - 1, 0.5) == 1);
    CU_ASSERT(within(quantile(f.gaps, 20001, f.rows - 1, 0.99), 52, 0.15));
    CU_ASSERT(within(cv, 13.3, 0.2));
    CU_ASSERT(within((double)f.gaps[0] / count, 0.456, 0.06)); /* rows that share the second of the one before */
    CU_ASSERT(within((double)f.longest_gap, 15240, 0.1));
    CU_ASSERT(f.busiest_minute > 60 * 9 && f.busiest_minute < 60 * 40); /* 20.8/s published */
}

static void
check_calendar(void)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t day = 0; day < 61; day++) {
        least = f.days[day] < least ? f.days[day] : least;
        most = f.days[day] > most ? f.days[day] : most;
    }
    CU_ASSERT(within((double)least, 1576, 0.35));
    CU_ASSERT(within((double)most, 149520, 0.1));
    CU_ASSERT(within(day_log_deviation(), 1.13, 0.1));
    for (size_t hour = 0; hour < 24; hour++)
        CU_ASSERT(within((double)f.hours[hour] * 24 / (double)f.rows, profile[hour], 0.06));
}

static void
check_classes_and_lengths(void)
{
    static const struct {
        int output;
        double share, want, tolerance;
    } quantiles[] = {{0, .5, 547, .03}, {0, .9, 1732, .03}, {0, .99, 3048, .05},
                     {1, .5, 232, .03}, {1, .95, 657, .03}, {1, .99, 953, .03}};
    CU_ASSERT(within((double)f.api / (double)f.rows, 0.896, 0.001));
    CU_ASSERT(within((double)f.gpt4 / (double)f.rows, 0.153, 0.08));
    CU_ASSERT(within(f.prompt / (double)f.answered, 621.7, 0.05));
    CU_ASSERT(within(f.output / (double)f.answered, 125.5, 0.05));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        const uint64_t *counts = quantiles[i].output ? f.outputs : f.prompts;
        CU_ASSERT(within(quantile(counts, MOST_TOKENS, f.conversations, quantiles[i].share), quantiles[i].want,
                         quantiles[i].tolerance));
    }
    CU_ASSERT(quantile(f.outputs, MOST_TOKENS, f.conversations, 1.0) <= 2048);
}

static void
check_failures(void)
{
    CU_ASSERT(within((double)f.failed / (double)f.rows, 0.0178, 0.2));
    /* clustered: after a failure another is far more likely than 1.78 % */
    CU_ASSERT((double)f.failed_pairs / (double)f.after_failure > 0.3);
}

static void
test_published(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        generate(seed);
        CU_ASSERT_FATAL(f.rows == ROWS);
        check_gaps();
        check_calendar();
        check_classes_and_lengths();
        check_failures();
    }
}

static void
test_sizes(void)
{
    static const struct {
        const char *requests, *days;
        uint64_t rows;
    } cases[] = {{"requests=1", "days=1", 1},
                 {"requests=10000", "days=1", 10000},
                 {"requests=777", "days=365", 777},
                 {"requests=24", "days=2", 24},
                 {"requests=300000", "days=1", 300000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DRAIN(&got, "burstgpt_model", cases[i].requests, cases[i].days);
        CU_ASSERT(got.rc == 0 && got.stats.rows_read == cases[i].rows);
        CU_ASSERT(got.count + got.stats.rows_failed == cases[i].rows);
    }
}

/* Failed rows are left out of the traffic and change nothing else. */
static void
test_failures_left_out(void)
{
    DRAIN(&got, "burstgpt_model", "requests=20000", "days=2");
    uint64_t failed = got.stats.rows_failed;
    CU_ASSERT(failed > 0 && got.count == 20000 - failed);
    DRAIN(&got, "burstgpt_model", "requests=20000", "days=2", "time_scale=100");
    CU_ASSERT(got.count == 20000 - failed && got.last.arrival_s < 2 * 864);
    DRAIN(&got, "burstgpt_model", "requests=20000", "days=2", "rate=50");
    double seconds = (double)got.last.arrival_s + (double)got.last.arrival_ps / 1e12;
    CU_ASSERT(within((double)got.stats.rows_read / seconds, 50, 0.02));
    DRAIN(&got, "burstgpt_model", "rate=50", "time_scale=3");
    check_complaint("rate and time_scale", got.error, "leave one of them out");
}

static void
test_seed(void)
{
    static struct drained other;
    DRAIN(&got, "burstgpt_model", "requests=3000", "days=3");
    DRAIN(&other, "burstgpt_model", "requests=3000", "days=3");
    CU_ASSERT(got.count == other.count && memcmp(got.rows, other.rows, got.count * sizeof got.rows[0]) == 0);
    drain_each_with_seed(&other, "burstgpt_model", 1, (const char *const[]){"requests=3000", "days=3", NULL}, NULL,
                         NULL);
    CU_ASSERT(got.prompt_sum != other.prompt_sum);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"the published statistics", test_published},
        {"other sizes", test_sizes},
        {"failures are left out", test_failures_left_out},
        {"seeds", test_seed},
    };
    return ss_run_cases("burstgpt_model", cases, sizeof cases / sizeof cases[0]);
}
