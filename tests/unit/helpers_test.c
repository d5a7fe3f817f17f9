/*
 * unit/helpers_test.c - the heap of servsim/plugin.h and the keys of servsim/scheduler.h, as plugins compile them.
 */
#include <stdlib.h>

#include "harness.h"
#include "servsim/scheduler.h"

#define MOST 200u

/* The one that must come first, found by looking at all of them. */
static uint32_t
first_of(const struct servsim_request *requests, const int64_t *keys, const int *in)
{
    uint32_t first = MOST;
    for (uint32_t i = 0; i < MOST; i++)
        if (in[i] &&
            (first == MOST || keys[i] < keys[first] || (keys[i] == keys[first] && requests[i].id < requests[first].id)))
            first = i;
    return first;
}

/* Pushes, pops and removals by lot, against a list without any order. */
static void
test_heap(void)
{
    static struct servsim_request requests[MOST];
    static int64_t keys[MOST];
    static int in[MOST];
    struct servsim_random random = {3};
    struct servsim_heap heap = {.indexed = 1};
    uint64_t removed = 0, count = 0;
    for (uint32_t i = 0; i < MOST; i++)
        requests[i].id = i;
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t at = (uint32_t)(servsim_random_u64(&random) % MOST);
        uint64_t lot = servsim_random_u64(&random) % 4;
        CU_ASSERT_EQUAL(servsim_heap_holds(&heap, &requests[at]), in[at]);
        if (lot == 0 && count > 0) {
            uint32_t first = first_of(requests, keys, in);
            CU_ASSERT_PTR_EQUAL(servsim_heap_first(&heap), &requests[first]);
            CU_ASSERT_PTR_EQUAL(servsim_heap_pop(&heap), &requests[first]);
            in[first] = 0;
            count--;
        } else if (lot == 1) {
            servsim_heap_remove(&heap, &requests[at]);
            count -= (uint64_t)in[at];
            removed += (uint64_t)in[at];
            in[at] = 0;
        } else if (!in[at]) {
            keys[at] = (int64_t)(servsim_random_u64(&random) % 50) - 25;
            CU_ASSERT_EQUAL(servsim_heap_push(&heap, keys[at], &requests[at]), 0);
            in[at] = 1;
            count++;
        }
        CU_ASSERT_EQUAL(heap.count, count);
    }
    CU_ASSERT(removed > 1000);
    servsim_heap_free(&heap);
}

/* A second of waiting is worth `rate` tokens, whenever it is looked at. */
static void
test_aged_key(void)
{
    struct servsim_request early = {.arrival_s = 10}, late = {.arrival_s = 12, .arrival_ps = 500000000000};
    CU_ASSERT_EQUAL(servsim_aged_key(125, 10, &early) - servsim_aged_key(100, 10, &late), 0);
    CU_ASSERT(servsim_aged_key(124, 10, &early) < servsim_aged_key(100, 10, &late));
    CU_ASSERT(servsim_aged_key(126, 10, &early) > servsim_aged_key(100, 10, &late));
    CU_ASSERT(servsim_aged_key(1000, 0, &early) > servsim_aged_key(999, 0, &late));
}

/* The prediction where there is one. */
static void
test_expected_tokens(void)
{
    struct servsim_request request = {.prompt_tokens = 70};
    CU_ASSERT_EQUAL(servsim_expected_tokens(&request), 70);
    request.predicted_output_tokens = 9;
    CU_ASSERT_EQUAL(servsim_expected_tokens(&request), 9);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"a heap that can be removed from", test_heap},
        {"ageing", test_aged_key},
        {"expected lengths", test_expected_tokens},
    };
    return ss_run_cases("helpers", cases, sizeof cases / sizeof cases[0]);
}
