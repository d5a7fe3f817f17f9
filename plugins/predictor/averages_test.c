/*
 * Tests of persistence and of moving averages.
 */
#include "plugins/predictor/predictor_test.h"

static struct asked asked;
static struct servsim_minute out[3];

static int32_t
forecast(uint32_t minutes)
{
    return asked.ops->forecast(asked.plugin.self, out, minutes, &asked.err);
}

static void
test_persistence(void)
{
    open_predictor(&asked, "persistence", NULL);
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 0).output_tokens, 0);
    CU_ASSERT_EQUAL(forecast(3), 0);
    seen(&asked, "", 5, 70);
    seen(&asked, "", 5, 9);
    minute(&asked, 4, 50, 60);
    minute(&asked, 2, 30, 10);
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 0).output_tokens, 9);
    CU_ASSERT_EQUAL(forecast(3), 3);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(out[i].requests, 2);
        CU_ASSERT_EQUAL(out[i].prompt_tokens, 30);
        CU_ASSERT_EQUAL(out[i].output_tokens, 10);
    }
    close_predictor(&asked);
}

static void
test_moving_average(void)
{
    open_predictor(&asked, "moving_average", (const char *const[]){"requests=3", "minutes=2", NULL});
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 0).output_tokens, 0);
    CU_ASSERT_EQUAL(forecast(3), 0);
    static const uint32_t lengths[] = {6, 10, 14, 30, 1}, means[] = {6, 8, 10, 18, 15};
    for (size_t i = 0; i < 5; i++) {
        seen(&asked, "", 5, lengths[i]);
        CU_ASSERT_EQUAL(predicted(&asked, "", 5, 0).output_tokens, means[i]);
    }
    minute(&asked, 100, 100, 100);
    minute(&asked, 4, 50, 60);
    minute(&asked, 2, 30, 10);
    CU_ASSERT_EQUAL(forecast(2), 2);
    CU_ASSERT_EQUAL(out[1].requests, 3);
    CU_ASSERT_EQUAL(out[1].prompt_tokens, 40);
    CU_ASSERT_EQUAL(out[1].output_tokens, 35);
    close_predictor(&asked);
}

int
main(void)
{
    static const struct ss_case cases[] = {{"persistence", test_persistence}, {"moving average", test_moving_average}};
    return ss_run_cases("averages", cases, sizeof cases / sizeof cases[0]);
}
