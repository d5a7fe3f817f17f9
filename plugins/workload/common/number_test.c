/*
 * number_test.c - exact numbers and exact division of times.
 */
#include "plugins/workload/common/number.h"
#include "plugins/workload/common/scale.h"
#include "tests/unit/harness.h"

#include <string.h>

static void
test_times(void)
{
    static const struct {
        const char *text;
        int unit, wrong;
        int64_t s, ps;
    } cases[] = {
        {"0", WL_UNIT_S, WL_OK, 0, 0},
        {"37274", WL_UNIT_S, WL_OK, 37274, 0},
        {"19440110.0", WL_UNIT_S, WL_OK, 19440110, 0},
        {"0.1", WL_UNIT_S, WL_OK, 0, 100000000000},
        {"0.000000000001", WL_UNIT_S, WL_OK, 0, 1},
        {"0.0000000000019", WL_UNIT_S, WL_OK, 0, 1},
        {"12345678.123456789012", WL_UNIT_S, WL_OK, 12345678, 123456789012},
        {"1.5e3", WL_UNIT_S, WL_OK, 1500, 0},
        {"25E-1", WL_UNIT_S, WL_OK, 2, 500000000000},
        {"5.", WL_UNIT_S, WL_OK, 5, 0},
        {".5", WL_UNIT_S, WL_OK, 0, 500000000000},
        {"000000000000000000000000000000000000000000007", WL_UNIT_S, WL_OK, 7, 0},
        {"0.00000000000000000000000000000000000000000000001", WL_UNIT_S, WL_OK, 0, 0},
        {"46926808", WL_UNIT_NS, WL_OK, 0, 46926808000},
        {"9223372036854775807", WL_UNIT_NS, WL_OK, 9223372036, 854775807000},
        {"1500", WL_UNIT_MS, WL_OK, 1, 500000000000},
        {"1", WL_UNIT_US, WL_OK, 0, 1000000},
        {"1970-01-01 00:00:00", WL_UNIT_CLOCK, WL_OK, 0, 0},
        {"2023-11-16 18:17:03.9799600", WL_UNIT_CLOCK, WL_OK, 1700158623, 979960000000},
        {"2024-05-12T00:00:10.5+00:00", WL_UNIT_CLOCK, WL_OK, 1715472010, 500000000000},
        {"2024-02-29 12:00:00Z", WL_UNIT_CLOCK, WL_OK, 1709208000, 0},
        {"2024-02-29 12:00:00-0530", WL_UNIT_CLOCK, WL_OK, 1709227800, 0},
        {"2000-03-01 00:00:00", WL_UNIT_CLOCK, WL_OK, 951868800, 0},
        {"12.25", WL_UNIT_CLOCK, WL_OK, 12, 250000000000},
        {"", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {".", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"NaN", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"nan", WL_UNIT_NS, WL_NOT_A_NUMBER, 0, 0},
        {"inf", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"0x10", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"1,5", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"1 2", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"1e", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"--1", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"-1", WL_UNIT_S, WL_NEGATIVE, 0, 0},
        {"-", WL_UNIT_S, WL_NOT_A_NUMBER, 0, 0},
        {"1e99999999999", WL_UNIT_S, WL_TOO_LARGE, 0, 0},
        {"10000000001", WL_UNIT_S, WL_TOO_LARGE, 0, 0},
        {"99999999999999999999999999999999999999999999999999", WL_UNIT_S, WL_TOO_LARGE, 0, 0},
        {"2023-13-16 18:17:03", WL_UNIT_CLOCK, WL_NOT_A_NUMBER, 0, 0},
        {"2023-11-16 25:17:03", WL_UNIT_CLOCK, WL_NOT_A_NUMBER, 0, 0},
        {"2023-11-16", WL_UNIT_CLOCK, WL_NOT_A_NUMBER, 0, 0},
        {"2023-11-16 18:17:03 UTC", WL_UNIT_CLOCK, WL_NOT_A_NUMBER, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wl_wide ps = -1;
        int wrong = wl_time_parse(cases[i].text, strlen(cases[i].text), cases[i].unit, &ps);
        int good = wrong == cases[i].wrong && (wrong != WL_OK || ps == (wl_wide)cases[i].s * WL_PS_PER_S + cases[i].ps);
        if (!good)
            printf("# %s: %d\n", cases[i].text, wrong);
        CU_ASSERT(good);
    }
}

static void
test_tokens(void)
{
    static const struct {
        const char *text;
        int wrong;
        uint32_t value;
    } cases[] = {
        {"0", WL_OK, 0},
        {"472", WL_OK, 472},
        {"472.0", WL_OK, 472},
        {"1e3", WL_OK, 1000},
        {"12000e-1", WL_OK, 1200},
        {"0.0", WL_OK, 0},
        {"9999999", WL_OK, 9999999},
        {"10000000", WL_OK, 10000000},
        {"10000001", WL_TOO_LARGE, 0},
        {"4294967297", WL_TOO_LARGE, 0},
        {"18446744073709551617", WL_TOO_LARGE, 0},
        {"1e300", WL_TOO_LARGE, 0},
        {"472.5", WL_NOT_WHOLE, 0},
        {"1e-3", WL_NOT_WHOLE, 0},
        {"-3", WL_NEGATIVE, 0},
        {"", WL_NOT_A_NUMBER, 0},
        {"NaN", WL_NOT_A_NUMBER, 0},
        {"12a", WL_NOT_A_NUMBER, 0},
        {"+5", WL_NOT_A_NUMBER, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t value = 0;
        int wrong = wl_tokens_parse(cases[i].text, strlen(cases[i].text), &value);
        if (wrong != cases[i].wrong || (wrong == WL_OK && value != cases[i].value))
            printf("# %s: %d %u\n", cases[i].text, wrong, value);
        CU_ASSERT(wrong == cases[i].wrong && (wrong != WL_OK || value == cases[i].value));
    }
}

static void
test_scale_exact(void)
{
    static const struct {
        double factor;
        int64_t time_s, s, ps;
    } cases[] = {
        {1.0, 5000000, 5000000, 0},
        {10.0, 37269, 3726, 900000000000},
        {3.0, 1, 0, 333333333333},
        {1.5, 1, 0, 666666666667},
        {2.5, 5000000, 2000000, 0},
        {0.5, 7, 14, 0},
        {0.1, 1, 10, 0},
        {0.001, 5000000, 5000000000, 0},
        {1e9, 1000000000, 1, 0},
        {1e-9, 1, 1000000000, 0},
        {1048576.0, 1048576, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wl_scale scale = wl_scale_of(cases[i].factor);
        wl_wide scaled = wl_scale_time(&scale, (wl_wide)cases[i].time_s * WL_PS_PER_S);
        wl_wide off = scaled - ((wl_wide)cases[i].s * WL_PS_PER_S + cases[i].ps);
        /* Factors that need many binary digits keep 10 significant ones at the far end of the range. */
        wl_wide allowed = cases[i].factor < 1e-3 ? scaled / 10000000 : scaled / 1000000000000;
        if (off < -allowed || off > allowed)
            printf("# %g: %lld.%012lld\n", cases[i].factor, (long long)(scaled / WL_PS_PER_S),
                   (long long)(scaled % WL_PS_PER_S));
        CU_ASSERT(off >= -allowed && off <= allowed);
    }
}

/* A later time never becomes earlier, whatever the factor; and 1 changes nothing. */
static void
test_scale_order(void)
{
    static const double factors[] = {1e-9, 0.3, 1.0, 1511.10204, 7.25, 123456.789, 1e9};
    for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
        struct wl_scale scale = wl_scale_of(factors[f]);
        for (int i = 0; i < 2000; i++) {
            wl_wide time = (wl_wide)WL_SPAN_MAX_S * WL_PS_PER_S - (2000 - i) * ((wl_wide)1 << (i % 40));
            wl_wide low = wl_scale_time(&scale, time - 1), high = wl_scale_time(&scale, time);
            CU_ASSERT(low <= high && low >= 0);
            if (factors[f] == 1.0)
                CU_ASSERT(high == time);
        }
    }
}

static void
test_identity(void)
{
    CU_ASSERT(wl_identity("abc", 3) == wl_identity("abcd", 3));
    CU_ASSERT(wl_identity("abc", 3) != wl_identity("abd", 3));
    CU_ASSERT(wl_identity("", 0) != 0);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"times are exact", test_times},      {"numbers of tokens", test_tokens},
        {"dividing times", test_scale_exact}, {"dividing keeps the order", test_scale_order},
        {"identities", test_identity},
    };
    return ss_run_cases("workload numbers", cases, sizeof cases / sizeof cases[0]);
}
