/*
 * Tests of the histogram: what it says before and after it has seen lengths, by class and by prompt.
 */
#include "plugins/predictor/predictor_test.h"

static struct asked asked;

static void
test_nothing_known(void)
{
    open_predictor(&asked, "histogram", NULL);
    CU_ASSERT_EQUAL(predicted(&asked, "", 100, 0).output_tokens, 0);
    seen(&asked, "", 100, 70);
    CU_ASSERT_EQUAL(predicted(&asked, "", 100, 0).output_tokens, 70);
    CU_ASSERT_EQUAL(predicted(&asked, "never seen", 9000, 0).output_tokens, 70);
    close_predictor(&asked);
}

/* Chats are long, calls are short; among calls, those with long prompts are longer. */
static void
test_classes(void)
{
    open_predictor(&asked, "histogram", (const char *const[]){"enough=10", NULL});
    for (uint32_t i = 0; i < 10; i++) {
        seen(&asked, "chat", 100, 500);
        seen(&asked, "call", 100, 10);
        seen(&asked, "call", 3000, 50);
    }
    static const struct {
        const char *label;
        uint32_t prompt, want;
    } cases[] = {
        {"chat", 100, 500}, {"chat", 64, 500}, {"chat", 9000, 500}, {"call", 127, 10},
        {"call", 2048, 50}, {"call", 8, 30},   {"other", 3000, 50}, {"other", 100, 255},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(predicted(&asked, cases[i].label, cases[i].prompt, 0).output_tokens, cases[i].want);
    CU_ASSERT_DOUBLE_EQUAL(predicted(&asked, "chat", 100, 0).confidence, 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(predicted(&asked, "other", 100, 0).confidence, 0.5, 1e-12);
    close_predictor(&asked);
}

/* The median is in a bin an eighth of an octave wide, wherever it lies. */
static void
test_median(void)
{
    for (uint32_t middle = 1; middle < 200000; middle = middle * 3 / 2 + 1) {
        open_predictor(&asked, "histogram", (const char *const[]){"figure=median", NULL});
        for (uint32_t i = 0; i < 3; i++) {
            seen(&asked, "", 5, middle);
            seen(&asked, "", 5, 1 + middle / 5);
            seen(&asked, "", 5, 9 * middle);
        }
        double said = predicted(&asked, "", 5, 0).output_tokens;
        CU_ASSERT(fabs(said - middle) <= middle / 8.0);
        close_predictor(&asked);
    }
}

/* What it is told as the true length does not reach it. */
static void
test_blind(void)
{
    open_predictor(&asked, "histogram", NULL);
    CU_ASSERT_EQUAL(asked.ops->flags & SERVSIM_PREDICTOR_SEES_FUTURE, 0);
    seen(&asked, "", 5, 40);
    CU_ASSERT_EQUAL(predicted(&asked, "", 5, 7).output_tokens, 40);
    close_predictor(&asked);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"nothing known", test_nothing_known},
        {"classes and prompts", test_classes},
        {"median", test_median},
        {"blind", test_blind},
    };
    return ss_run_cases("histogram", cases, sizeof cases / sizeof cases[0]);
}
