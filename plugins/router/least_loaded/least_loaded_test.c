/*
 * router/least_loaded_test.c - against a scan of all replicas, over random arrivals and departures.
 */
#include "plugins/router/common/router_test.h"

#define MOST 1024

static const struct servsim_router_ops *
open_least_loaded(struct fake_plugin *router, uint32_t replicas)
{
    struct servsim_router_context context = {.size = sizeof context, .replicas = replicas};
    CU_ASSERT_EQUAL_FATAL(fake_open(router, "router", "least_loaded"), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(router, &context, NULL), 0);
    return router->descriptor->ops;
}

/* What a scan answers: the lowest index of the smallest load. */
static uint32_t
scan(const uint64_t *load, uint32_t replicas)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < replicas; i++)
        if (load[i] < load[best])
            best = i;
    return best;
}

static void
compare(uint32_t replicas, uint64_t seed)
{
    struct fake_plugin router = {0};
    const struct servsim_router_ops *ops = open_least_loaded(&router, replicas);
    struct servsim_request request = {.size = sizeof request};
    struct servsim_random random = {seed};
    uint64_t load[MOST] = {0}, in_system = 0, bad = 0;
    for (int event = 0; event < 5000; event++) {
        uint64_t draw = servsim_random_u64(&random);
        uint32_t replica = (uint32_t)(draw >> 32) % replicas;
        /* arrivals and departures take turns at being more frequent, so that loads rise and fall */
        int arrives = draw % 100 < ((event / 1000) % 2 == 0 ? 65u : 35u);
        if (in_system == 0 || arrives) {
            uint32_t want = scan(load, replicas);
            bad += ops->route(router.self, &request, &replica, &router.err) != 0 || replica != want;
            load[want]++;
            in_system++;
        } else {
            while (load[replica] == 0)
                replica = (replica + 1) % replicas;
            ops->leave(router.self, &request, replica);
            load[replica]--;
            in_system--;
        }
    }
    CU_ASSERT_EQUAL(bad, 0);
    fake_destroy(&router);
}

static void
test_against_scan(void)
{
    static const uint32_t counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 100, 1000, MOST};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            compare(counts[i], seed);
}

/* Idle replicas fill in order of index, and one that is freed is next. */
static void
test_ties(void)
{
    struct fake_plugin router = {0};
    const struct servsim_router_ops *ops = open_least_loaded(&router, 6);
    struct servsim_request request = {.size = sizeof request};
    uint32_t replica;
    for (uint32_t n = 0; n < 12; n++) {
        CU_ASSERT_EQUAL(ops->route(router.self, &request, &replica, &router.err), 0);
        CU_ASSERT_EQUAL(replica, n % 6);
    }
    ops->leave(router.self, &request, 4);
    ops->leave(router.self, &request, 2);
    (void)ops->route(router.self, &request, &replica, &router.err);
    CU_ASSERT_EQUAL(replica, 2);
    (void)ops->route(router.self, &request, &replica, &router.err);
    CU_ASSERT_EQUAL(replica, 4);
    fake_destroy(&router);
}

/* Departures that make no sense change nothing. */
static void
test_stray_departures(void)
{
    struct fake_plugin router = {0};
    const struct servsim_router_ops *ops = open_least_loaded(&router, 3);
    struct servsim_request request = {.size = sizeof request};
    uint32_t replica;
    ops->leave(router.self, &request, 0);
    ops->leave(router.self, &request, 3);
    ops->leave(router.self, &request, UINT32_MAX);
    for (uint32_t n = 0; n < 6; n++) {
        (void)ops->route(router.self, &request, &replica, &router.err);
        CU_ASSERT_EQUAL(replica, n % 3);
    }
    fake_destroy(&router);
}

static void
test_refused(void)
{
    struct servsim_router_context bad = {.size = sizeof bad, .replicas = 0};
    struct fake_plugin router = {0};
    CU_ASSERT_EQUAL_FATAL(fake_open(&router, "router", "least_loaded"), 0);
    CU_ASSERT_EQUAL(fake_create(&router, &bad, NULL), -EINVAL);
    CU_ASSERT_EQUAL(fake_create(&router, NULL, NULL), -EINVAL);
    bad.replicas = UINT32_MAX;
    CU_ASSERT_EQUAL(fake_create(&router, &bad, NULL), -EINVAL);
}

static void
test_replica_up(void)
{
    check_replica_up("least_loaded");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"replicas that are down", test_replica_up}, {"against a scan", test_against_scan}, {"ties", test_ties},
        {"stray departures", test_stray_departures}, {"numbers of replicas", test_refused},
    };
    return ss_run_cases("least_loaded", cases, sizeof cases / sizeof cases[0]);
}
