/*
 * Tests of the measure of predictions: errors, bursts, and the quality of the last outcomes.
 */
#include "metrics/prediction.h"

#include <math.h>

#include "tests/unit/harness.h"

static void
test_errors(void)
{
    struct ss_errors errors = {0};
    CU_ASSERT(isnan(ss_errors_mae(&errors)) && isnan(ss_errors_rmse(&errors)) && isnan(ss_errors_r2(&errors)));
    ss_errors_add(&errors, 3, 1);
    ss_errors_add(&errors, 3, 5);
    ss_errors_add(&errors, 9, 9);
    CU_ASSERT_DOUBLE_EQUAL(ss_errors_mae(&errors), 4.0 / 3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(ss_errors_rmse(&errors), sqrt(8.0 / 3), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(ss_errors_r2(&errors), 1 - 8.0 / 32, 1e-12);
    struct ss_errors flat = {0};
    ss_errors_add(&flat, 3, 7);
    ss_errors_add(&flat, 3, 7);
    CU_ASSERT(isnan(ss_errors_r2(&flat)));
}

static void
test_bursts(void)
{
    CU_ASSERT(isnan(ss_bursts_f1(&(struct ss_bursts){0, 0, 0})));
    CU_ASSERT_DOUBLE_EQUAL(ss_bursts_f1(&(struct ss_bursts){3, 1, 2}), 6.0 / 9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(ss_bursts_f1(&(struct ss_bursts){0, 1, 0}), 0, 1e-12);
}

static void
test_buckets(void)
{
    static const struct {
        uint32_t tokens, bucket;
    } cases[] = {{1, 0}, {15, 0}, {16, 1}, {31, 1}, {32, 2}, {1023, 6}, {1024, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(ss_length_bucket(cases[i].tokens), cases[i].bucket);
}

/* The order over the last 256, pair by pair. */
static double
order_by_hand(const uint32_t *predicted, const uint32_t *truth, int count)
{
    int64_t agreement = 0, pairs = 0;
    for (int i = count > 256 ? count - 256 : 0; i < count; i++)
        for (int j = i + 1; j < count; j++) {
            int a = (truth[i] > truth[j]) - (truth[i] < truth[j]);
            int b = (predicted[i] > predicted[j]) - (predicted[i] < predicted[j]);
            pairs += a != 0;
            agreement += predicted[i] > 0 && predicted[j] > 0 ? a * b : 0;
        }
    return pairs > 0 ? (double)agreement / (double)pairs : 0;
}

static void
test_order(void)
{
    enum { COUNT = 700 };
    static uint32_t predicted[COUNT], truth[COUNT];
    static struct ss_quality_window window;
    struct servsim_random random = {7};
    struct servsim_quality quality = {.size = sizeof quality};
    for (int i = 0; i < COUNT; i++) {
        truth[i] = 1 + (uint32_t)(servsim_random_u64(&random) % 30);
        predicted[i] = (uint32_t)(servsim_random_u64(&random) % 3) * truth[i];
        ss_quality_add(&window, predicted[i], truth[i]);
        ss_quality_tell(&window, &quality);
        CU_ASSERT_DOUBLE_EQUAL(quality.order, order_by_hand(predicted, truth, i + 1), 1e-12);
        CU_ASSERT_EQUAL(quality.outcomes, (uint32_t)(i < 256 ? i + 1 : 256));
    }
}

static void
test_quality(void)
{
    static struct ss_quality_window right, wrong;
    struct servsim_quality quality = {.size = sizeof quality};
    ss_quality_tell(&right, &quality);
    CU_ASSERT(quality.outcomes == 0 && quality.order == 0 && quality.close == 0 && quality.bias == 0);
    for (uint32_t i = 1; i <= 300; i++) {
        ss_quality_add(&right, 2 * i, i);
        ss_quality_add(&wrong, 100000 / i, i);
    }
    ss_quality_tell(&right, &quality);
    CU_ASSERT(quality.order == 1 && quality.close == 1 && quality.bias == 2);
    ss_quality_tell(&wrong, &quality);
    CU_ASSERT(quality.order < -0.99 && quality.close < 0.5);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"errors", test_errors}, {"bursts", test_bursts},   {"buckets", test_buckets},
        {"order", test_order},   {"quality", test_quality},
    };
    return ss_run_cases("prediction", cases, sizeof cases / sizeof cases[0]);
}
