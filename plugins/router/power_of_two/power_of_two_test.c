/*
 * router/power_of_two_test.c - against closed forms: which replica is taken of a given load, and how long queues get.
 */
#include "plugins/router/common/router_test.h"

static struct routed routed;

/* Fills the replicas until number i holds `loads[i]`; what goes elsewhere leaves again. */
static void
fill(const uint32_t *loads, uint32_t n)
{
    uint32_t held[ROUTER_TEST_MOST] = {0}, missing = 0;
    for (uint32_t i = 0; i < n; i++)
        missing += loads[i];
    /* more everywhere than is wanted, then as many leave as must */
    while (missing > 0) {
        uint32_t replica = route_one(&routed, 1, 0);
        if (++held[replica] <= loads[replica])
            missing--;
    }
    for (uint32_t i = 0; i < n; i++)
        for (; held[i] > loads[i]; held[i]--)
            leave_one(&routed, i, 0);
}

static double
choose(uint32_t n, uint32_t k)
{
    double ways = k > n ? 0 : 1;
    for (uint32_t i = 0; i < k && k <= n; i++)
        ways *= (double)(n - i) / (double)(i + 1);
    return ways;
}

/* With loads 0, 1, 2 ... the replica of rank r is the least of d different ones in C(n-r-1, d-1) of C(n, d) draws. */
static void
test_ranks(void)
{
    static const struct {
        uint32_t replicas, choices;
        const char *option;
    } cases[] = {{2, 2, NULL},         {3, 2, NULL},        {8, 2, "choices=2"},
                 {8, 3, "choices=3"},  {8, 8, "choices=8"}, {8, 8, "choices=99"},
                 {16, 4, "choices=4"}, {1, 1, NULL},        {100, 2, "choices=2"}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        uint32_t n = cases[c].replicas, d = cases[c].choices, loads[128];
        uint64_t taken[128] = {0};
        double shares[128] = {0};
        for (uint32_t i = 0; i < n; i++) {
            loads[i] = i * 7 % n; /* ranks out of order; 7 has no factor in common with any n here */
            shares[loads[i]] = choose(n - loads[i] - 1, d - 1) / choose(n, d);
        }
        open_router(&routed, "power_of_two", n, 11 + c, cases[c].option);
        fill(loads, n);
        for (int draw = 0; draw < 100000; draw++) {
            uint32_t replica = route_one(&routed, 1, 0);
            taken[loads[replica]]++;
            leave_one(&routed, replica, 0);
        }
        CU_ASSERT(follows(taken, shares, n));
        close_router(&routed);
    }
}

/* All alike: every replica as often as every other. */
static void
test_ties(void)
{
    uint64_t taken[5] = {0};
    static const double even[5] = {.2, .2, .2, .2, .2};
    open_router(&routed, "power_of_two", 5, 3, NULL);
    for (int draw = 0; draw < 100000; draw++) {
        uint32_t replica = route_one(&routed, 1, 0);
        taken[replica]++;
        leave_one(&routed, replica, 0);
    }
    CU_ASSERT(follows(taken, even, 5));
    close_router(&routed);
}

/* As many choices as replicas: never one with more requests than another. */
static void
test_all_choices(void)
{
    struct servsim_random random = {4};
    uint32_t held[9] = {0}, bad = 0;
    open_router(&routed, "power_of_two", 9, 1, "choices=9");
    for (int event = 0; event < 20000; event++) {
        uint32_t replica = (uint32_t)(servsim_random_u64(&random) >> 40) % 9;
        if (event % 3 != 0 || held[replica] == 0) {
            replica = route_one(&routed, 1, 0);
            for (uint32_t i = 0; i < 9; i++)
                bad += held[i] < held[replica];
            held[replica]++;
        } else {
            leave_one(&routed, replica, 0);
            held[replica]--;
        }
    }
    CU_ASSERT_EQUAL(bad, 0);
    close_router(&routed);
}

/* A model of its own: the fullest bin where each ball takes the emptier of two bins. */
static double
fullest_by_hand(uint32_t bins, uint32_t trials)
{
    struct servsim_random random = {77};
    double sum = 0;
    for (uint32_t trial = 0; trial < trials; trial++) {
        uint32_t counts[ROUTER_TEST_MOST] = {0}, fullest = 0;
        for (uint32_t ball = 0; ball < bins; ball++) {
            uint32_t a = (uint32_t)(servsim_random_unit(&random) * bins), b;
            do
                b = (uint32_t)(servsim_random_unit(&random) * bins);
            while (b == a);
            uint32_t bin = counts[b] < counts[a] ? b : a;
            fullest = ++counts[bin] > fullest ? counts[bin] : fullest;
        }
        sum += fullest;
    }
    return sum / trials;
}

static void
test_fullest_bin(void)
{
    double two = fullest_bin("power_of_two", 256, 300), hand = fullest_by_hand(256, 300);
    double one = fullest_bin("random", 256, 300);
    printf("# fullest of 256 bins: %.3f, by hand %.3f, by single lots %.3f\n", two, hand, one);
    CU_ASSERT(fabs(two - hand) < 0.15); /* 4 sigma of 300 trials, a trial's sd being below 0.45 */
    CU_ASSERT(two < one - 1.5);
}

/* The supermarket model: load^((d^k - 1) / (d - 1)) of many queues hold k or more (Mitzenmacher 2001). */
static void
test_queues(void)
{
    for (uint32_t d = 2; d <= 3; d++) {
        double tail[8];
        open_router(&routed, "power_of_two", ROUTER_TEST_MOST, 3, d == 2 ? NULL : "choices=3");
        queue_tails(&routed, 0.9, 1000000, tail, 8);
        for (uint32_t k = 1; k < 6; k++) {
            double want = pow(0.9, (pow(d, k) - 1) / (d - 1));
            CU_ASSERT(fabs(tail[k] - want) < 0.02);
            if (fabs(tail[k] - want) >= 0.02)
                printf("# %u choices: %g of the queues hold %u or more, not %g\n", d, tail[k], k, want);
        }
        close_router(&routed);
    }
}

/* Departures that make no sense change nothing. */
static void
test_stray_departures(void)
{
    static struct routed other;
    uint32_t same = 0;
    open_router(&routed, "power_of_two", 7, 9, NULL);
    open_router(&other, "power_of_two", 7, 9, NULL);
    leave_one(&routed, 0, 0);
    leave_one(&routed, 7, 0);
    leave_one(&routed, UINT32_MAX, 0);
    for (int i = 0; i < 1000; i++)
        same += route_one(&routed, 1, 0) == route_one(&other, 1, 0);
    CU_ASSERT_EQUAL(same, 1000);
    close_router(&routed);
    close_router(&other);
}

static void
test_refused(void)
{
    struct servsim_router_context many = {.size = sizeof many, .replicas = UINT32_MAX};
    check_refused("power_of_two");
    load_router(&routed, "power_of_two");
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, &many, NULL), -EINVAL);
    many.replicas = 4;
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, &many, (const char *const[]){"choices=1", NULL}), -EINVAL);
}

static void
test_replica_up(void)
{
    check_replica_up("power_of_two");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"replicas that are down", test_replica_up},
        {"ranks", test_ranks},
        {"ties", test_ties},
        {"all choices", test_all_choices},
        {"the fullest bin", test_fullest_bin},
        {"the supermarket model", test_queues},
        {"stray departures", test_stray_departures},
        {"refused", test_refused},
    };
    return ss_run_cases("power_of_two", cases, sizeof cases / sizeof cases[0]);
}
