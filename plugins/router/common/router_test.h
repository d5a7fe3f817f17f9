/*
 * router_test.h - for tests of routers: a host whose replicas are what the test says, and the statistics of lots.
 */
#ifndef ROUTER_TEST_H
#define ROUTER_TEST_H

#include <math.h>

#include "tests/unit/fake_host.h"

#define ROUTER_TEST_MOST 256

/* A router and the replicas that its host tells of. */
struct routed {
    struct fake_plugin plugin; /* first: the host's ctx points to it */
    const struct servsim_router_ops *ops;
    struct servsim_replica_state replicas[ROUTER_TEST_MOST];
    uint32_t count;
    uint64_t looks;
};

FAKE_UNUSED static int32_t
told_state(void *ctx, uint32_t replica, struct servsim_replica_state *out)
{
    struct routed *routed = (struct routed *)ctx;
    uint32_t size = out->size;
    routed->looks++;
    if (replica >= routed->count)
        return -EINVAL;
    *out = routed->replicas[replica];
    out->size = size;
    return 0;
}

/* Loads the router without making it. */
FAKE_UNUSED static void
load_router(struct routed *routed, const char *name)
{
    memset(routed, 0, sizeof *routed);
    CU_ASSERT_EQUAL_FATAL(fake_open(&routed->plugin, "router", name), 0);
    routed->plugin.host.replica_state = told_state;
    routed->ops = routed->plugin.descriptor->ops;
}

FAKE_UNUSED static void
open_router(struct routed *routed, const char *name, uint32_t replicas, uint64_t seed, const char *option)
{
    struct servsim_router_context context = {.size = sizeof context, .replicas = replicas};
    load_router(routed, name);
    routed->count = replicas;
    routed->plugin.seed = seed;
    CU_ASSERT_EQUAL_FATAL(fake_create(&routed->plugin, &context, (const char *const[]){option, NULL}), 0);
}

/* UINT32_MAX where the router fails. */
FAKE_UNUSED static uint32_t
route_one(struct routed *routed, uint32_t prompt, uint32_t predicted)
{
    struct servsim_request request = {
        .size = sizeof request, .prompt_tokens = prompt, .predicted_output_tokens = predicted};
    uint32_t replica = UINT32_MAX - 1;
    return routed->ops->route(routed->plugin.self, &request, &replica, &routed->plugin.err) == 0 ? replica : UINT32_MAX;
}

FAKE_UNUSED static void
leave_one(struct routed *routed, uint32_t replica, uint32_t predicted)
{
    struct servsim_request request = {.size = sizeof request, .predicted_output_tokens = predicted};
    if (routed->ops->leave != NULL)
        routed->ops->leave(routed->plugin.self, &request, replica);
}

FAKE_UNUSED static void
close_router(struct routed *routed)
{
    fake_destroy(&routed->plugin);
}

/* Routes some requests, all of which must go to a replica with bit set in `up`; some leave again. */
FAKE_UNUSED static void
check_routes_to(struct routed *routed, uint32_t up)
{
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t replica = route_one(routed, 1 + i, i % 3);
        CU_ASSERT_FATAL(replica < routed->count);
        CU_ASSERT((up >> replica & 1) != 0);
        if (i % 2 == 0)
            leave_one(routed, replica, i % 3);
    }
}

/* Every set of five replicas that can be up, told in changes from one to the next; told twice is told once. */
FAKE_UNUSED static void
check_replica_up(const char *name)
{
    static struct routed routed;
    open_router(&routed, name, 5, 1, NULL);
    CU_ASSERT_FATAL(SERVSIM_COVERS(routed.ops, struct servsim_router_ops, replica_up) &&
                    routed.ops->replica_up != NULL);
    uint32_t known = 31;
    for (uint32_t i = 1; i < 32; i++) {
        uint32_t up = i * 13 % 32;
        for (uint32_t replica = 0; replica < 5; replica++)
            if (((up ^ known) >> replica & 1) != 0 || i % 4 == 0)
                routed.ops->replica_up(routed.plugin.self, replica, up >> replica & 1);
        known = up;
        check_routes_to(&routed, up);
    }
    routed.ops->replica_up(routed.plugin.self, 99, 0); /* there is none */
    check_routes_to(&routed, known);
    close_router(&routed);
}

/* No context, no replica: refused, with a reason. */
FAKE_UNUSED static void
check_refused(const char *name)
{
    static struct routed routed;
    struct servsim_router_context none = {.size = sizeof none, .replicas = 0};
    load_router(&routed, name);
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, &none, NULL), -EINVAL);
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, NULL, NULL), -EINVAL);
    CU_ASSERT(routed.plugin.err.text[0] != '\0');
}

/* A host that does not tell of replicas. */
FAKE_UNUSED static void
check_needs_state(const char *name)
{
    static struct routed routed;
    struct servsim_router_context two = {.size = sizeof two, .replicas = 2};
    load_router(&routed, name);
    routed.plugin.host.replica_state = NULL;
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, &two, NULL), -ENOTSUP);
    load_router(&routed, name);
    routed.plugin.host.size = offsetof(struct servsim_host, replica_state);
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, &two, NULL), -ENOTSUP);
    open_router(&routed, name, 2, 1, NULL);
    routed.count = 1;
    routed.replicas[0].waiting = routed.replicas[0].kv_blocks_used = routed.replicas[0].prefill_tokens_left = 1;
    CU_ASSERT_EQUAL(route_one(&routed, 1, 0), UINT32_MAX);
    CU_ASSERT(strstr(routed.plugin.err.text, "replica 1") != NULL);
    close_router(&routed);
}

/* Do `counts` follow `shares`? Chi-square, by the normal approximation of Wilson and Hilferty, at 4.5 sigma. */
FAKE_UNUSED static int
follows(const uint64_t *counts, const double *shares, uint32_t n)
{
    double total = 0, chi = 0, freedom = -1;
    for (uint32_t i = 0; i < n; i++)
        total += (double)counts[i];
    for (uint32_t i = 0; i < n; i++) {
        double expected = total * shares[i];
        if (expected == 0) {
            if (counts[i] != 0)
                return 0;
            continue;
        }
        chi += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
        freedom++;
    }
    if (freedom < 1)
        return 1;
    double width = 2.0 / (9.0 * freedom), sigma = (cbrt(chi / freedom) - (1 - width)) / sqrt(width);
    if (fabs(sigma) > 4.5)
        printf("# chi-square %g with %g degrees of freedom: %g sigma\n", chi, freedom, sigma);
    return fabs(sigma) <= 4.5;
}

/*
 * Queues of unit service rate under Poisson arrivals of `load` for each: on return tail[k] is the share of queues with
 * at least k requests, on average over time. Every event is an arrival or a chance of service at one queue.
 */
FAKE_UNUSED static void
queue_tails(struct routed *routed, double load, uint64_t events, double *tail, uint32_t depth)
{
    static uint32_t queue[ROUTER_TEST_MOST];
    static uint64_t at_least[64];
    struct servsim_random random = {99};
    memset(queue, 0, sizeof queue);
    memset(at_least, 0, sizeof at_least);
    double sums[64] = {0};
    at_least[0] = routed->count;
    for (uint64_t event = 0; event < 2 * events; event++) {
        uint32_t replica;
        if (servsim_random_unit(&random) < load / (1 + load)) {
            replica = route_one(routed, 1, 0);
            at_least[++queue[replica] < 63 ? queue[replica] : 63]++;
        } else {
            replica = (uint32_t)(servsim_random_u64(&random) >> 33) % routed->count;
            if (queue[replica] > 0) {
                at_least[queue[replica] < 63 ? queue[replica] : 63]--;
                queue[replica]--;
                leave_one(routed, replica, 0);
            }
        }
        for (uint32_t k = 0; event >= events && k < depth; k++)
            sums[k] += (double)at_least[k];
    }
    for (uint32_t k = 0; k < depth; k++)
        tail[k] = sums[k] / (double)events / (double)routed->count;
}

/* The fullest of `bins` bins after as many balls, on average over `trials` routers. */
FAKE_UNUSED static double
fullest_bin(const char *name, uint32_t bins, uint32_t trials)
{
    static struct routed routed;
    double sum = 0;
    for (uint32_t trial = 0; trial < trials; trial++) {
        uint32_t counts[ROUTER_TEST_MOST] = {0}, fullest = 0;
        open_router(&routed, name, bins, trial, NULL);
        for (uint32_t ball = 0; ball < bins; ball++) {
            uint32_t bin = route_one(&routed, 1, 0);
            fullest = ++counts[bin] > fullest ? counts[bin] : fullest;
        }
        close_router(&routed);
        sum += fullest;
    }
    return sum / trials;
}

#endif
