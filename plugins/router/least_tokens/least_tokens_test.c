/*
 * router/least_tokens_test.c - against a model that keeps a list of every request in the system.
 */
#include "plugins/router/common/router_test.h"

#define IN_FLIGHT 512

static struct routed routed;

struct flying {
    uint32_t replica, predicted;
};

/* By adding up all requests there are, each time. */
static uint32_t
scan(const struct flying *flying, uint32_t count, uint32_t replicas, uint64_t guess)
{
    uint64_t tokens[ROUTER_TEST_MOST];
    uint32_t best = 0;
    for (uint32_t i = 0; i < replicas; i++)
        tokens[i] = routed.replicas[i].prefill_tokens_left;
    for (uint32_t i = 0; i < count; i++)
        tokens[flying[i].replica] += flying[i].predicted > 0 ? flying[i].predicted : guess;
    for (uint32_t i = 1; i < replicas; i++)
        best = tokens[i] < tokens[best] ? i : best;
    return best;
}

/* Prompts are computed, requests come and go; every third has no prediction. */
static void
compare(uint32_t replicas, uint64_t seed, uint64_t guess, const char *option)
{
    static struct flying flying[IN_FLIGHT];
    struct servsim_random random = {seed};
    uint32_t count = 0, bad = 0;
    open_router(&routed, "least_tokens", replicas, 1, option);
    for (int event = 0; event < 4000; event++) {
        uint64_t draw = servsim_random_u64(&random);
        struct servsim_replica_state *state = &routed.replicas[(draw >> 32) % replicas];
        state->prefill_tokens_left -= state->prefill_tokens_left * (draw % 3) / 2;
        int arrives = (draw >> 8) % 100 < ((event / 700) % 2 == 0 ? 65u : 35u);
        if (count < IN_FLIGHT && (count == 0 || arrives)) {
            uint32_t want = scan(flying, count, replicas, guess), prompt = (uint32_t)(draw >> 20) % 4000;
            uint32_t predicted = (draw >> 16) % 3 == 0 ? 0 : 1 + (uint32_t)(draw >> 40) % 900;
            bad += route_one(&routed, prompt, predicted) != want;
            routed.replicas[want].prefill_tokens_left += prompt;
            flying[count++] = (struct flying){want, predicted};
        } else {
            uint32_t at = (uint32_t)(draw >> 24) % count;
            leave_one(&routed, flying[at].replica, flying[at].predicted);
            flying[at] = flying[--count];
        }
    }
    CU_ASSERT_EQUAL(bad, 0);
    close_router(&routed);
}

static void
test_against_model(void)
{
    static const uint32_t counts[] = {1, 2, 3, 8, 33, ROUTER_TEST_MOST};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        compare(counts[i], 1 + i, 256, NULL);
        compare(counts[i], 9 + i, 0, "output_tokens=0");
        compare(counts[i], 17 + i, 100000, "output_tokens=100000");
    }
}

/* The meaning, by hand: a long prompt weighs more than several short requests, until it is computed. */
static void
test_by_hand(void)
{
    open_router(&routed, "least_tokens", 2, 1, "output_tokens=100");
    CU_ASSERT_EQUAL(route_one(&routed, 1000, 0), 0);
    routed.replicas[0].prefill_tokens_left = 1000;
    for (uint32_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(route_one(&routed, 100, 0), 1);
        routed.replicas[1].prefill_tokens_left += 100;
    }
    routed.replicas[0].prefill_tokens_left = 0; /* 100 expected there against 500 + 500 */
    CU_ASSERT_EQUAL(route_one(&routed, 100, 700), 0);
    routed.replicas[1].prefill_tokens_left = 0; /* 100 + 700 against 500 */
    CU_ASSERT_EQUAL(route_one(&routed, 100, 0), 1);
    leave_one(&routed, 0, 700);
    CU_ASSERT_EQUAL(route_one(&routed, 100, 0), 0);
    close_router(&routed);
}

/* Departures that make no sense change nothing, and nothing falls below zero. */
static void
test_stray_departures(void)
{
    open_router(&routed, "least_tokens", 3, 1, NULL);
    leave_one(&routed, 0, 0);
    leave_one(&routed, 3, 5);
    leave_one(&routed, UINT32_MAX, 5);
    for (uint32_t n = 0; n < 6; n++)
        CU_ASSERT_EQUAL(route_one(&routed, 1, 0), n % 3);
    close_router(&routed);
}

static void
test_refused(void)
{
    check_refused("least_tokens");
    check_needs_state("least_tokens");
}

static void
test_replica_up(void)
{
    check_replica_up("least_tokens");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"replicas that are down", test_replica_up},
        {"against a model", test_against_model},
        {"by hand", test_by_hand},
        {"stray departures", test_stray_departures},
        {"refused", test_refused},
    };
    return ss_run_cases("least_tokens", cases, sizeof cases / sizeof cases[0]);
}
