/*
 * unit/units_test.c - numbers with units: what is read, what is refused, and what the refusal says.
 */
#include "plugin/units.h"

#include <math.h>
#include <regex.h>

#include "base/text.h"

#include "tests/unit/harness.h"
#include "tests/unit/scratch.h"

static void
test_quantities(void)
{
    static const struct {
        const char *text, *unit;
        double expected;
    } cases[] = {
        {"24GiB", "bytes", 24.0 * 1073741824.0},
        {"24 GB", "bytes", 24e9},
        {"1kB", "bytes", 1000},
        {"1KB", "bytes", 1000},
        {"1KiB", "bytes", 1024},
        {"0.5TiB", "GiB", 512},
        {"900GB/s", "bytes/s", 900e9},
        {"900GB/s", "GB/s", 900},
        {"1.5TB/s", "GB/s", 1500},
        {"936", "GB/s", 936},
        {"50ms", "s", 0.05},
        {"50ms", "ms", 50},
        {"0.75ms", "us", 750},
        {"12.5", "us", 12.5},
        {"12.5\xc2\xb5s", "us", 12.5},
        {"12.5\xce\xbcs", "us", 12.5},
        {"2min", "s", 120},
        {"1h", "s", 3600},
        {"61d", "s", 61 * 86400.0},
        {"71TFLOP/s", "TFLOP/s", 71},
        {"700W", "W", 700},
        {"0.7 kW", "W", 700},
        {"250mW", "W", 0.25},
        {"1.35pJ", "pJ", 1.35},
        {"0.09nJ", "pJ", 90},
        {"71 TFLOPS", "TFLOP/s", 71},
        {"71 tflops", "TFLOP/s", 71},
        {"2.25PFLOP/s", "TFLOP/s", 2250},
        {"71", "TFLOP/s", 71},
        {"2/s", "1/s", 2},
        {"120/min", "1/s", 2},
        {"120 /min", "1/s", 2},
        {"3600/h", "1/s", 1},
        {"2 req/s", "1/s", 2},
        {"90%", "%", 90},
        {"90", "%", 90},
        {"90%", "", 0.9},
        {"0.9", "", 0.9},
        {"100 tokens", "tokens", 100},
        {"1e6", "", 1e6},
        {"-1.5E-3", "", -1.5e-3},
        {"+.5", "", 0.5},
        {"5.", "", 5},
        {" \t 7 \t", "", 7},
        {"1.5 USD/h", "USD/h", 1.5},
        {"1e-400", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        double number = -1;
        int rc = ss_quantity_parse(cases[i].text, cases[i].unit, &number, &err);
        CU_ASSERT_EQUAL(rc, 0);
        CU_ASSERT_EQUAL(number, cases[i].expected);
        if (rc != 0 || number != cases[i].expected)
            printf("# '%s' in '%s': %.17g %s\n", cases[i].text, cases[i].unit, number, err.text);
    }
}

static void
test_refused(void)
{
    static const struct {
        const char *text, *unit, *words;
    } cases[] = {
        {"", "s", "is empty|ps, ns, us, ms, s, min, h or d|in s"},
        {"fast", "s", "'fast'|not a number"},
        {"nan", "s", "not a number"},
        {"NaN", "", "not a number"},
        {"inf", "", "not a number"},
        {"-inf", "", "not a number"},
        {"infinity", "", "not a number"},
        {"0x10", "", "'0x10'|no known unit"},
        {"0x1p3", "s", "no known unit"},
        {"1e400", "", "too large"},
        {"1e308TB", "bytes", "too large"},
        {"50 parsecs", "ms", "no known unit|ms"},
        {"50ms extra", "ms", "no known unit"},
        {"50ms50", "ms", "no known unit"},
        {"1_000", "", "no known unit|plain number"},
        {"1,000", "", "no known unit"},
        {"1e", "", "no known unit"},
        {"--1", "", "not a number"},
        {".", "", "not a number"},
        {"+", "", "not a number"},
        {"24GB", "s", "something else|ms"},
        {"50ms", "bytes", "something else|GiB"},
        {"24Gb", "bytes", "no known unit|GB"},
        {"24gb", "bytes", "no known unit"},
        {"5 Ms", "s", "no known unit"},
        {"90%", "s", "something else"},
        {"2/s", "s", "something else"},
        {"1.5 EUR/h", "USD/h", "no known unit|USD/h"},
        {"5 a unit that is longer than any that there is", "s", "no known unit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        double number = -77;
        CU_ASSERT_EQUAL(ss_quantity_parse(cases[i].text, cases[i].unit, &number, &err), -EINVAL);
        CU_ASSERT_EQUAL(number, -77);
        CU_ASSERT_TRUE(scratch_says(err.text, cases[i].words));
        CU_ASSERT_TRUE(scratch_is_one_line(err.text));
    }
}

static void
test_long_texts(void)
{
    struct servsim_error err = {.size = sizeof err};
    double number;
    char text[4096];
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    CU_ASSERT_EQUAL(ss_quantity_parse(text, "s", &number, &err), -EINVAL);
    memset(text, 'x', sizeof text - 1);
    CU_ASSERT_EQUAL(ss_quantity_parse(text, "s", &number, &err), -EINVAL);
    text[0] = '7';
    CU_ASSERT_EQUAL(ss_quantity_parse(text, "s", &number, &err), -EINVAL);
}

static void
test_integers(void)
{
    static const struct {
        const char *text, *unit;
        int64_t expected;
        const char *words; /* NULL: read */
    } cases[] = {
        {"42", "", 42, NULL},
        {"1e6", "", 1000000, NULL},
        {"24GiB", "bytes", INT64_C(25769803776), NULL},
        {"9223372036854775807", "", INT64_MAX, NULL},
        {"-9223372036854775808", "", INT64_MIN, NULL},
        {"9007199254740993", "", INT64_C(9007199254740993), NULL},
        {"9223372036854775808", "", 0, "too large"},
        {"99999999999999999999999", "", 0, "too large"},
        {"1e19", "", 0, "too large"},
        {"1.5", "", 0, "not a whole number"},
        {"1.5kB", "bytes", 1500, NULL},
        {"ten", "", 0, "not a number"},
        {"", "", 0, "is empty"},
        {"10 tokens", "tokens", 10, NULL},
        {"0x10", "", 0, "no known unit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        int64_t number = 0;
        int rc = ss_integer_parse(cases[i].text, cases[i].unit, &number, &err);
        CU_ASSERT_EQUAL(rc == 0, cases[i].words == NULL);
        if (cases[i].words == NULL)
            CU_ASSERT_EQUAL(number, cases[i].expected);
        if (cases[i].words != NULL)
            CU_ASSERT_TRUE(scratch_says(err.text, cases[i].words));
    }
}

static void
test_durations(void)
{
    static const struct {
        const char *text, *unit;
        int64_t seconds, ps;
    } cases[] = {
        {"12.5us", "s", 0, 12500000},
        {"0.75ms", "us", 0, 750000000},
        {"1", "s", 1, 0},
        {"1", "ms", 0, 1000000000},
        {"33.3ms", "s", 0, INT64_C(33300000000)},
        {"61d", "s", 5270400, 0},
        {"121d", "s", 10454400, 0},
        {"12345678.123456789012", "s", 12345678, INT64_C(123456789012)},
        {"0.4ps", "s", 0, 0},
        {"0.5ps", "s", 0, 1},
        {"1e3", "s", 1000, 0},
        {"0", "s", 0, 0},
    };
    struct servsim_error err = {.size = sizeof err};
    ss_time time;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(ss_duration_parse(cases[i].text, cases[i].unit, &time, &err), 0);
        CU_ASSERT_TRUE(time == ss_time_of(cases[i].seconds, cases[i].ps));
    }
    CU_ASSERT_EQUAL(ss_duration_parse("-2ms", "s", &time, &err), 0);
    CU_ASSERT_TRUE(time == -ss_time_of(0, 2000000000));
    CU_ASSERT_EQUAL(ss_duration_parse("1e8", "s", &time, &err), -EINVAL);
    CU_ASSERT_TRUE(scratch_says(err.text, "too long"));
    CU_ASSERT_EQUAL(ss_duration_parse("24GB", "s", &time, &err), -EINVAL);
    CU_ASSERT_EQUAL(ss_duration_parse("24", "bytes", &time, &err), -EINVAL);
}

/* What is written reads back as the same, over the whole range. */
static void
test_round_trips(void)
{
    struct servsim_random random = {7};
    struct servsim_error err = {.size = sizeof err};
    for (int i = 0; i < 20000; i++) {
        char text[64];
        double number = ldexp(servsim_random_unit(&random), (int)(servsim_random_u64(&random) % 600) - 300), back;
        ss_number_format(text, number);
        CU_ASSERT_EQUAL_FATAL(ss_quantity_parse(text, "", &back, &err), 0);
        CU_ASSERT_EQUAL_FATAL(number, back);
        ss_time time = (ss_time)(servsim_random_u64(&random) >> (servsim_random_u64(&random) % 64)) *
                       (1 + servsim_random_u64(&random) % 5),
                again;
        ss_duration_format(text, time);
        CU_ASSERT_EQUAL_FATAL(ss_duration_parse(text, "h", &again, &err), 0);
        CU_ASSERT_TRUE_FATAL(time == again);
    }
}

static void
test_formats(void)
{
    char text[64];
    static const struct {
        double number;
        const char *text;
    } numbers[] = {{10, "10"}, {0.9, "0.9"},    {0.1 + 0.2, "0.30000000000000004"},
                   {0, "0"},   {1e15, "1e+15"}, {-2.5, "-2.5"}};
    static const struct {
        int64_t ps;
        const char *text;
    } times[] = {{0, "0us"},           {1, "0.000001us"},     {12500000, "12.5us"},
                 {750000000, "750us"}, {1500000000, "1.5ms"}, {INT64_C(60000000000000), "60s"}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ss_number_format(text, numbers[i].number);
        CU_ASSERT_STRING_EQUAL(text, numbers[i].text);
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        ss_duration_format(text, times[i].ps);
        CU_ASSERT_STRING_EQUAL(text, times[i].text);
    }
}

/* The pattern that editors check with takes what is read, and nothing else. */
static void
test_patterns(void)
{
    static const char *const in[] = {"", "s", "ms", "bytes", "bytes/s", "TFLOP/s", "1/s", "%", "tokens", "USD/h"};
    static const char *const texts[] = {
        "1",     "-1.5E-3", "+.5",     "5.",     ".",        " 7 \t",      "1e",     "1e6x",
        "50ms",  "50 MS",   "50 mss",  "24GiB",  "24gib",    "24 GiB/s",   "71",     "71 tflops",
        "2/s",   "120/MIN", "2 req/s", "90%",    "90%%",     "100 Tokens", "a",      "12.5\xc2\xb5s",
        "0x10",  "inf",     "1,5",     "1 2",    "1.5USD/h", "1.5 usd/h",  "",       "3 h",
        "1.2.3", "--1",     "1.e3",    "60 sec", "5 bytes",  "5 byte",     "5 Bytes"};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        struct ss_text pattern = {0};
        regex_t compiled;
        ss_text_puts(&pattern, "^");
        ss_quantity_pattern(&pattern, in[i]);
        ss_text_puts(&pattern, "$");
        CU_ASSERT_FATAL(!pattern.failed && regcomp(&compiled, pattern.data, REG_EXTENDED | REG_NOSUB) == 0);
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++) {
            double number;
            int read = ss_quantity_parse(texts[j], in[i], &number, NULL) == 0;
            int matches = regexec(&compiled, texts[j], 0, NULL, 0) == 0;
            CU_ASSERT_EQUAL(read, matches);
            if (read != matches)
                printf("# '%s' in '%s' is %s, and the pattern says otherwise\n", texts[j], in[i],
                       read ? "read" : "refused");
        }
        regfree(&compiled);
        ss_text_free(&pattern);
    }
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"quantities with and without units", test_quantities},
        {"what is no quantity is refused with what to write", test_refused},
        {"very long texts", test_long_texts},
        {"whole numbers are exact", test_integers},
        {"times are whole picoseconds", test_durations},
        {"what is written reads back as the same", test_round_trips},
        {"numbers and times are written short", test_formats},
        {"patterns of quantities take what is read", test_patterns},
    };
    return ss_run_cases("units", cases, sizeof cases / sizeof cases[0]);
}
