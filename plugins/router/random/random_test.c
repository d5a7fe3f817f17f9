/*
 * router/random_test.c - lots that are even, independent, and the seed's alone.
 */
#include "plugins/router/common/router_test.h"

static struct routed routed;

/* Each replica as often as every other, and each after each. */
static void
test_even(void)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 16};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint32_t n = counts[i], before = 0, bad = 0;
        uint64_t seen[16] = {0}, pairs[256] = {0};
        double shares[16] = {0}, pair_shares[256] = {0};
        open_router(&routed, "random", n, 5 + i, NULL);
        for (int draw = 0; draw < 200000; draw++) {
            uint32_t replica = route_one(&routed, 1, 0);
            bad += replica >= n;
            replica %= n;
            seen[replica]++;
            pairs[before * n + replica]++;
            before = replica;
        }
        for (uint32_t k = 0; k < n; k++)
            shares[k] = 1.0 / n;
        for (uint32_t k = 0; k < n * n; k++)
            pair_shares[k] = 1.0 / n / n;
        CU_ASSERT_EQUAL(bad, 0);
        CU_ASSERT(follows(seen, shares, n));
        CU_ASSERT(follows(pairs, pair_shares, n * n));
        close_router(&routed);
    }
}

/* What another seed draws, or a fleet under load. */
static void
test_seeds(void)
{
    static struct routed other;
    uint32_t same_seed = 0, other_seed = 0;
    open_router(&routed, "random", 100, 7, NULL);
    open_router(&other, "random", 100, 7, NULL);
    for (int i = 0; i < 1000; i++) {
        other.replicas[i % 100].waiting = 1000; /* nobody looks */
        same_seed += route_one(&routed, 1, 0) == route_one(&other, 5000, 9);
    }
    CU_ASSERT_EQUAL(same_seed, 1000);
    CU_ASSERT_EQUAL(other.looks, 0);
    close_router(&other);
    open_router(&other, "random", 100, 8, NULL);
    for (int i = 0; i < 1000; i++)
        other_seed += route_one(&routed, 1, 0) == route_one(&other, 1, 0);
    CU_ASSERT(other_seed < 40);
    close_router(&other);
    close_router(&routed);
}

/* Each queue on its own is M/M/1: load^k of them hold k or more. */
static void
test_queues(void)
{
    double tail[12];
    open_router(&routed, "random", 200, 3, NULL);
    queue_tails(&routed, 0.7, 600000, tail, 12);
    for (uint32_t k = 1; k < 8; k++) {
        CU_ASSERT(fabs(tail[k] - pow(0.7, k)) < 0.03);
        if (fabs(tail[k] - pow(0.7, k)) >= 0.03)
            printf("# %g of the queues hold %u or more, not %g\n", tail[k], k, pow(0.7, k));
    }
    close_router(&routed);
}

static void
test_refused(void)
{
    check_refused("random");
}

static void
test_replica_up(void)
{
    check_replica_up("random");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"replicas that are down", test_replica_up}, {"even and independent", test_even}, {"seeds", test_seeds},
        {"queues are M/M/1", test_queues},           {"refused", test_refused},
    };
    return ss_run_cases("random", cases, sizeof cases / sizeof cases[0]);
}
