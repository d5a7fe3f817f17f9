/*
 * Tests of dlinear: it learns what is linear in the last minutes, beats persistence there, and says when it cannot.
 */
#include "plugins/predictor/predictor_test.h"

static struct asked asked;

/* A wave over a ramp: an exact linear map of any four of its values. */
static double
requests_at(int minute_number)
{
    return 500 + 0.25 * minute_number + 100 * sin(minute_number * 0.21);
}

static void
tell(int from, int to)
{
    for (int i = from; i < to; i++)
        minute(&asked, requests_at(i), 10 * requests_at(i), 3000);
}

static void
test_linear_series(void)
{
    struct servsim_minute out[3];
    double worst = 0, persistence = 0;
    open_predictor(&asked, "dlinear", (const char *const[]){"window=40", "average=9", NULL});
    tell(0, 600);
    CU_ASSERT_EQUAL(asked.ops->train(asked.plugin.self, &asked.err), 0);
    CU_ASSERT_STRING_EQUAL(asked.plugin.last_log, "");
    for (int at = 600; at < 700; at++) {
        CU_ASSERT_EQUAL_FATAL(asked.ops->forecast(asked.plugin.self, out, 3, &asked.err), 3);
        for (int i = 0; i < 3; i++) {
            worst = fmax(worst, fabs(out[i].requests - requests_at(at + i)));
            worst = fmax(worst, fabs(out[i].prompt_tokens - 10 * requests_at(at + i)) / 10);
            worst = fmax(worst, fabs(out[i].output_tokens - 3000));
            persistence = fmax(persistence, fabs(requests_at(at - 1) - requests_at(at + i)));
        }
        tell(at, at + 1);
    }
    printf("# worst error %g, persistence %g\n", worst, persistence);
    CU_ASSERT(worst < 0.05 * persistence);
    close_predictor(&asked);
}

/* Means of the last five minutes, and a word about it. */
static void
test_short_history(void)
{
    struct servsim_minute out[3];
    open_predictor(&asked, "dlinear", NULL);
    tell(0, 152);
    CU_ASSERT_EQUAL(asked.ops->train(asked.plugin.self, &asked.err), 0);
    CU_ASSERT(strstr(asked.plugin.last_log, "warning: the history has 152 whole minutes and 153 are needed") != NULL);
    CU_ASSERT_EQUAL(asked.ops->forecast(asked.plugin.self, out, 3, &asked.err), 3);
    double mean = 0;
    for (int i = 147; i < 152; i++)
        mean += requests_at(i) / 5;
    CU_ASSERT_DOUBLE_EQUAL(out[2].requests, mean, 1e-9);
    close_predictor(&asked);
}

/* What comes behind the history changes no map: two that saw the same history say the same of the same window. */
static void
test_history_alone(void)
{
    struct servsim_minute out[2];
    for (int other = 0; other < 2; other++) {
        open_predictor(&asked, "dlinear", (const char *const[]){"window=8", "average=3", NULL});
        tell(0, 100);
        CU_ASSERT_EQUAL(asked.ops->train(asked.plugin.self, &asked.err), 0);
        for (int i = 0; i < 50 * other; i++)
            minute(&asked, 9e6, 1, 0);
        tell(100, 108);
        CU_ASSERT_EQUAL(asked.ops->forecast(asked.plugin.self, &out[other], 1, &asked.err), 1);
        close_predictor(&asked);
    }
    CU_ASSERT_EQUAL(out[0].requests, out[1].requests);
}

static void
test_refused(void)
{
    CU_ASSERT_EQUAL_FATAL(fake_open(&asked.plugin, "predictor", "dlinear"), 0);
    CU_ASSERT_EQUAL(fake_create(&asked.plugin, NULL, (const char *const[]){"window=8", "average=9", NULL}), -EINVAL);
    CU_ASSERT(strstr(asked.plugin.err.text, "write 8 or less") != NULL);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"a linear series", test_linear_series},
        {"a short history", test_short_history},
        {"the history alone", test_history_alone},
        {"refused", test_refused},
    };
    return ss_run_cases("dlinear", cases, sizeof cases / sizeof cases[0]);
}
