/*
 * router/round_robin_test.c - turns, for several numbers of replicas.
 */
#include "plugins/router/common/router_test.h"

static void
test_turns(void)
{
    static const uint32_t counts[] = {1, 2, 3, 16, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct servsim_router_context context = {.size = sizeof context, .replicas = counts[i]};
        struct servsim_request request = {.size = sizeof request};
        struct fake_plugin router = {0};
        CU_ASSERT_EQUAL_FATAL(fake_open(&router, "router", "round_robin"), 0);
        CU_ASSERT_EQUAL_FATAL(fake_create(&router, &context, NULL), 0);
        const struct servsim_router_ops *ops = router.descriptor->ops;
        for (uint32_t n = 0; n < 3 * counts[i]; n++) {
            uint32_t replica = UINT32_MAX;
            CU_ASSERT_EQUAL(ops->route(router.self, &request, &replica, &router.err), 0);
            CU_ASSERT_EQUAL(replica, n % counts[i]);
        }
        fake_destroy(&router);
    }
}

static void
test_refused(void)
{
    struct servsim_router_context none = {.size = sizeof none, .replicas = 0};
    struct fake_plugin router = {0};
    CU_ASSERT_EQUAL_FATAL(fake_open(&router, "router", "round_robin"), 0);
    CU_ASSERT_EQUAL(fake_create(&router, &none, NULL), -EINVAL);
    CU_ASSERT_EQUAL(fake_create(&router, NULL, NULL), -EINVAL);
}

static void
test_replica_up(void)
{
    check_replica_up("round_robin");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"replicas that are down", test_replica_up}, {"turns", test_turns}, {"no replicas", test_refused}};
    return ss_run_cases("round_robin", cases, sizeof cases / sizeof cases[0]);
}
