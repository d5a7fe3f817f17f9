/*
 * router/least_kv_test.c - against sorting, over replicas that the test makes up.
 */
#include "plugins/router/common/router_test.h"

static struct routed routed;

/* Few different values, so that ties of every depth come up. */
static void
make_up(struct servsim_random *random, uint32_t n, uint32_t values)
{
    for (uint32_t i = 0; i < n; i++) {
        struct servsim_replica_state *state = &routed.replicas[i];
        state->kv_blocks_used = servsim_random_u64(random) % values;
        state->waiting = (uint32_t)(servsim_random_u64(random) % values);
        state->running = (uint32_t)(servsim_random_u64(random) % values);
        state->prefill_tokens_left = servsim_random_u64(random); /* not looked at */
        state->kv_blocks_total = 1000000;
    }
}

static uint32_t
scan(uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        const struct servsim_replica_state *a = &routed.replicas[i], *b = &routed.replicas[best];
        uint32_t mine = a->waiting + a->running, theirs = b->waiting + b->running;
        if (a->kv_blocks_used < b->kv_blocks_used ||
            (a->kv_blocks_used == b->kv_blocks_used && (mine < theirs || (mine == theirs && i < best))))
            best = i;
    }
    return best;
}

static void
test_against_scan(void)
{
    static const uint32_t counts[] = {1, 2, 3, 8, 50, ROUTER_TEST_MOST};
    struct servsim_random random = {1};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint32_t bad = 0;
        open_router(&routed, "least_kv", counts[c], 1, NULL);
        for (uint32_t round = 0; round < 3000; round++) {
            make_up(&random, counts[c], 1 + round % 40);
            bad += route_one(&routed, 1, 0) != scan(counts[c]);
        }
        CU_ASSERT_EQUAL(bad, 0);
        close_router(&routed);
    }
}

/* An idle replica ends the search. */
static void
test_idle_is_enough(void)
{
    open_router(&routed, "least_kv", 100, 1, NULL);
    for (uint32_t i = 0; i < 100; i++)
        routed.replicas[i].running = i != 30;
    for (uint32_t i = 0; i < 100; i++)
        routed.replicas[i].kv_blocks_used = i != 30 ? 5 : 0;
    CU_ASSERT_EQUAL(route_one(&routed, 1, 0), 30);
    CU_ASSERT_EQUAL(routed.looks, 31);
    routed.replicas[30].waiting = 1;
    CU_ASSERT_EQUAL(route_one(&routed, 1, 0), 30);
    CU_ASSERT_EQUAL(routed.looks, 131);
    close_router(&routed);
}

static void
test_refused(void)
{
    check_refused("least_kv");
    check_needs_state("least_kv");
}

static void
test_replica_up(void)
{
    check_replica_up("least_kv");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"replicas that are down", test_replica_up},
        {"against a scan", test_against_scan},
        {"an idle replica is enough", test_idle_is_enough},
        {"refused", test_refused},
    };
    return ss_run_cases("least_kv", cases, sizeof cases / sizeof cases[0]);
}
