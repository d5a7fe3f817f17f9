/*
 * Tests of the oracle: true, noisy by as much as it says, and wrong in the order of all pairs.
 */
#include "plugins/predictor/predictor_test.h"

static struct asked asked;

static void
test_true(void)
{
    open_predictor(&asked, "oracle", NULL);
    CU_ASSERT(asked.ops->flags & SERVSIM_PREDICTOR_SEES_FUTURE);
    for (uint32_t truth = 1; truth < 100000; truth = 2 * truth + 1)
        CU_ASSERT_EQUAL(predicted(&asked, "", 5, truth).output_tokens, truth);
    close_predictor(&asked);
}

/* The longer, the shorter it says. */
static void
test_wrong(void)
{
    open_predictor(&asked, "oracle", (const char *const[]){"wrong=true", "pivot=100", NULL});
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 100).output_tokens, 100);
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 10).output_tokens, 1000);
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 1000).output_tokens, 10);
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 1000000).output_tokens, 1);
    close_predictor(&asked);
}

static void
test_noise(void)
{
    enum { COUNT = 20000 };
    double sum = 0, squares = 0;
    open_predictor(&asked, "oracle", (const char *const[]){"noise=0.5", NULL});
    for (int i = 0; i < COUNT; i++) {
        double z = log(predicted(&asked, "", 5, 100000).output_tokens / 1e5);
        sum += z;
        squares += z * z;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / COUNT, 0, 4 * 0.5 / sqrt(COUNT));
    CU_ASSERT_DOUBLE_EQUAL(sqrt(squares / COUNT), 0.5, 4 * 0.5 / sqrt(2.0 * COUNT));
    close_predictor(&asked);
}

int
main(void)
{
    static const struct ss_case cases[] = {{"true", test_true}, {"wrong", test_wrong}, {"noise", test_noise}};
    return ss_run_cases("oracle", cases, sizeof cases / sizeof cases[0]);
}
