/*
 * router/predictive_test.c - against a scan of all replicas, over random arrivals and departures: by tokens where they
 * are predicted, by requests where they are not.
 */
#include "plugins/router/common/router_test.h"

#define MOST_HELD 400

static struct routed routed;

/* What the host says of predictions. */
static struct servsim_quality quality;

static int32_t
tell_quality(void *ctx, struct servsim_quality *out)
{
    (void)ctx;
    *out = quality;
    return 1;
}

static void
open_told(uint32_t replicas)
{
    struct servsim_router_context context = {.size = sizeof context, .replicas = replicas};
    load_router(&routed, "predictive");
    routed.plugin.host.prediction_quality = tell_quality;
    CU_ASSERT_EQUAL_FATAL(fake_create(&routed.plugin, &context, NULL), 0);
}

/* What the test knows of the replicas, and the requests in them. */
struct known {
    uint64_t requests[ROUTER_TEST_MOST], tokens[ROUTER_TEST_MOST];
    struct servsim_request held[MOST_HELD];
    uint32_t where[MOST_HELD], count;
};

static uint32_t
scan(const uint64_t *loads, uint32_t replicas)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < replicas; i++)
        if (loads[i] < loads[best])
            best = i;
    return best;
}

static uint32_t
arrive(struct known *known, uint32_t replicas, uint64_t draw)
{
    struct servsim_request request = {.size = sizeof request, .prompt_tokens = 1 + (uint32_t)(draw % 5)};
    request.predicted_output_tokens = draw % 3 == 0 ? 0 : 1 + (uint32_t)(draw >> 32) % 9;
    uint32_t want = scan(request.predicted_output_tokens > 0 ? known->tokens : known->requests, replicas), replica = 0;
    if (routed.ops->route(routed.plugin.self, &request, &replica, &routed.plugin.err) != 0 || replica != want)
        return 1;
    known->requests[want]++;
    known->tokens[want] += request.prompt_tokens + request.predicted_output_tokens;
    known->held[known->count] = request;
    known->where[known->count++] = want;
    return 0;
}

static void
leave(struct known *known, uint64_t draw)
{
    uint32_t at = (uint32_t)(draw % known->count), replica = known->where[at];
    const struct servsim_request *request = &known->held[at];
    routed.ops->leave(routed.plugin.self, request, replica);
    known->requests[replica]--;
    known->tokens[replica] -= request->prompt_tokens + request->predicted_output_tokens;
    known->held[at] = known->held[--known->count];
    known->where[at] = known->where[known->count];
}

static void
test_against_scan(void)
{
    static const uint32_t counts[] = {1, 2, 3, 5, 8, 31, ROUTER_TEST_MOST};
    static struct known known;
    struct servsim_random random = {1};
    quality = (struct servsim_quality){.size = sizeof quality, .outcomes = 256, .order = 0.5};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint32_t bad = 0;
        memset(&known, 0, sizeof known);
        open_told(counts[c]);
        for (int event = 0; event < 20000; event++) {
            uint64_t draw = servsim_random_u64(&random);
            /* arrivals and departures take turns at being more frequent, so that loads rise and fall */
            int arrives = draw % 100 < ((event / 1000) % 2 == 0 ? 60u : 40u);
            if (known.count == 0 || (arrives && known.count < MOST_HELD))
                bad += arrive(&known, counts[c], draw / 100);
            else
                leave(&known, draw / 100);
        }
        CU_ASSERT_EQUAL(bad, 0);
        close_router(&routed);
    }
}

/* With an untrusted prediction the long request at replica 0 counts as one, and so the next two go to 1 and to 0. */
static void
test_trust(void)
{
    static const struct {
        uint32_t outcomes;
        double order;
        uint32_t third;
    } cases[] = {{256, 1, 1}, {20, -0.1, 1}, {19, 1, 0}, {256, -0.11, 0}, {0, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        quality =
            (struct servsim_quality){.size = sizeof quality, .outcomes = cases[i].outcomes, .order = cases[i].order};
        open_told(2);
        CU_ASSERT_EQUAL(route_one(&routed, 10, 900), 0);
        CU_ASSERT_EQUAL(route_one(&routed, 10, 9), 1);
        CU_ASSERT_EQUAL(route_one(&routed, 10, 9), cases[i].third);
        close_router(&routed);
    }
    open_router(&routed, "predictive", 2, 1, NULL); /* a host that does not tell */
    CU_ASSERT_EQUAL(route_one(&routed, 10, 900), 0);
    CU_ASSERT_EQUAL(route_one(&routed, 10, 9), 1);
    CU_ASSERT_EQUAL(route_one(&routed, 10, 9), 0);
    close_router(&routed);
}

static void
test_refused(void)
{
    struct servsim_router_context many = {.size = sizeof many, .replicas = UINT32_MAX};
    check_refused("predictive");
    load_router(&routed, "predictive");
    CU_ASSERT_EQUAL(fake_create(&routed.plugin, &many, NULL), -EINVAL);
}

static void
test_replica_up(void)
{
    check_replica_up("predictive");
}

int
main(void)
{
    static const struct ss_case cases[] = {{"replicas that are down", test_replica_up},
                                           {"against a scan", test_against_scan},
                                           {"trust", test_trust},
                                           {"refused", test_refused}};
    return ss_run_cases("predictive", cases, sizeof cases / sizeof cases[0]);
}
