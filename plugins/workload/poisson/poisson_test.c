/*
 * poisson_test.c - the poisson plugin: moments of gaps and lengths, and streams that do not disturb each other.
 */
#include "plugins/workload/common/drain.h"

static struct drained got;

/* Moments of what came. */
struct moments {
    double before_s, gaps, gaps_squared, prompt, prompt_squared, output, count;
    uint32_t shortest, longest;
    uint64_t arrivals_hash, prompts_hash, outputs_hash;
};

static void
take(const struct servsim_arrival *row, void *context)
{
    struct moments *m = context;
    double now_s = (double)row->arrival_s + (double)row->arrival_ps / 1e12, gap = now_s - m->before_s;
    m->before_s = now_s;
    m->gaps += gap;
    m->gaps_squared += gap * gap;
    m->prompt += row->prompt_tokens;
    m->prompt_squared += (double)row->prompt_tokens * row->prompt_tokens;
    m->output += row->output_tokens;
    m->count++;
    m->shortest = m->count == 1 || row->prompt_tokens < m->shortest ? row->prompt_tokens : m->shortest;
    m->longest = row->prompt_tokens > m->longest ? row->prompt_tokens : m->longest;
    m->arrivals_hash = (m->arrivals_hash ^ (uint64_t)row->arrival_ps) * UINT64_C(0x100000001b3);
    m->prompts_hash = (m->prompts_hash ^ row->prompt_tokens) * UINT64_C(0x100000001b3);
    m->outputs_hash = (m->outputs_hash ^ row->output_tokens) * UINT64_C(0x100000001b3);
}

static struct moments
run(uint64_t seed, const char *const *pairs)
{
    struct moments m = {0};
    drain_each_with_seed(&got, "poisson", seed, pairs, take, &m);
    if (got.rc != 0)
        printf("# %s\n", got.error);
    CU_ASSERT(got.rc == 0);
    return m;
}

#define RUN(seed, ...) run(seed, (const char *const[]){__VA_ARGS__, NULL})

static void
test_gaps(void)
{
    static const struct {
        const char *arrivals, *cv;
        double want_cv;
    } cases[] = {
        {"arrivals=poisson", NULL, 1.0}, {"arrivals=gamma", "cv=3", 3.0},  {"arrivals=gamma", "cv=0.5", 0.5},
        {"arrivals=gamma", NULL, 1.0},   {"arrivals=constant", NULL, 0.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct moments m = RUN(7, "rate=4", "requests=200000", cases[i].arrivals, cases[i].cv);
        double mean = m.gaps / (m.count - 1), cv = sqrt(fmax(0, m.gaps_squared / (m.count - 1) - mean * mean)) / mean;
        CU_ASSERT(m.count == 200000 && got.first.arrival_s == 0 && got.first.arrival_ps == 0);
        CU_ASSERT(within(mean, 0.25, 0.03));
        CU_ASSERT(fabs(cv - cases[i].want_cv) < 0.02 + 0.03 * cases[i].want_cv);
    }
}

static void
test_lengths(void)
{
    static const struct {
        const char *options[4];
        double mean, cv;
        uint32_t at_least, at_most;
    } cases[] = {
        {{"prompt_tokens=300"}, 300, 0, 300, 300},
        {{"prompt_tokens=300", "prompt_distribution=uniform"}, 300, 0.5764, 1, 599},
        {{"prompt_distribution=uniform", "prompt_min=100", "prompt_max=200"}, 150, 0.1944, 100, 200},
        {{"prompt_tokens=300", "prompt_distribution=exponential"}, 300, 1.0, 1, 10000},
        {{"prompt_tokens=300", "prompt_distribution=geometric"}, 300, 0.998, 1, 10000},
        {{"prompt_tokens=1", "prompt_distribution=geometric"}, 1, 0, 1, 1},
        {{"prompt_tokens=300", "prompt_distribution=lognormal", "prompt_cv=0.5"}, 300, 0.5, 1, 10000},
        {{"prompt_distribution=sharegpt"}, 2340, 0.892, 1, 8142},
        {{"prompt_distribution=burstgpt"}, 761, 1.016, 1, 29667},
        {{"prompt_distribution=sharegpt", "prompt_max=1000", "prompt_min=900"}, 963, 0.05, 900, 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *o = cases[i].options;
        struct moments m = RUN(3, "rate=1", "requests=300000", o[0], o[1], o[2], o[3]);
        double mean = m.prompt / m.count, cv = sqrt(fmax(0, m.prompt_squared / m.count - mean * mean)) / mean;
        int good = within(mean, cases[i].mean, 0.01) && fabs(cv - cases[i].cv) < 0.01 + 0.02 * cases[i].cv &&
                   m.shortest >= cases[i].at_least && m.longest <= cases[i].at_most;
        if (!good)
            printf("# %s: mean %g cv %g from %u to %u\n", o[0], mean, cv, m.shortest, m.longest);
        CU_ASSERT(good);
    }
}

/* Quantiles of the measured distributions against the published ones. */
static uint32_t *sorted_prompts, *sorted_outputs;
static size_t sorted_count;

static void
collect(const struct servsim_arrival *row, void *context)
{
    (void)context;
    sorted_prompts[sorted_count] = row->prompt_tokens;
    sorted_outputs[sorted_count++] = row->output_tokens;
}

static int
ascending(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static void
test_measured_quantiles(void)
{
    static const struct {
        const char *distribution;
        int output;
        double share, want;
    } cases[] = {
        {"burstgpt", 0, .5, 547},  {"burstgpt", 0, .90, 1732}, {"burstgpt", 0, .963, 2048}, {"burstgpt", 0, .99, 3048},
        {"burstgpt", 1, .05, 12},  {"burstgpt", 1, .25, 81},   {"burstgpt", 1, .5, 232},    {"burstgpt", 1, .75, 389},
        {"burstgpt", 1, .95, 657}, {"burstgpt", 1, .99, 953},  {"sharegpt", 0, .5, 1730},   {"sharegpt", 1, .5, 415},
    };
    size_t count = 300000;
    sorted_prompts = malloc(count * sizeof *sorted_prompts);
    sorted_outputs = malloc(count * sizeof *sorted_outputs);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char prompt[64], output[64];
        snprintf(prompt, sizeof prompt, "prompt_distribution=%s", cases[i].distribution);
        snprintf(output, sizeof output, "output_distribution=%s", cases[i].distribution);
        const char *const pairs[] = {"rate=1", "requests=300000", prompt, output, NULL};
        sorted_count = 0;
        drain_each_with_seed(&got, "poisson", 5, pairs, collect, NULL);
        uint32_t *sorted = cases[i].output ? sorted_outputs : sorted_prompts;
        qsort(sorted, sorted_count, sizeof *sorted, ascending);
        CU_ASSERT(sorted_count == count);
        CU_ASSERT(
            within(sorted[(size_t)((double)count * cases[i].share)], cases[i].want, cases[i].want < 100 ? 0.1 : 0.03));
    }
    free(sorted_prompts);
    free(sorted_outputs);
}

static void
test_streams(void)
{
    struct moments plain =
        RUN(7, "rate=4", "requests=1000", "prompt_distribution=exponential", "output_distribution=geometric");
    struct moments again =
        RUN(7, "rate=4", "requests=1000", "prompt_distribution=exponential", "output_distribution=geometric");
    struct moments other_prompts =
        RUN(7, "rate=4", "requests=1000", "prompt_distribution=lognormal", "output_distribution=geometric");
    struct moments other_arrivals = RUN(7, "rate=4", "requests=1000", "prompt_distribution=exponential",
                                        "output_distribution=geometric", "arrivals=gamma", "cv=2");
    struct moments other_seed =
        RUN(8, "rate=4", "requests=1000", "prompt_distribution=exponential", "output_distribution=geometric");
    CU_ASSERT(memcmp(&plain, &again, sizeof plain) == 0);
    CU_ASSERT(plain.arrivals_hash == other_prompts.arrivals_hash && plain.outputs_hash == other_prompts.outputs_hash);
    CU_ASSERT(plain.prompts_hash != other_prompts.prompts_hash);
    CU_ASSERT(plain.prompts_hash == other_arrivals.prompts_hash && plain.outputs_hash == other_arrivals.outputs_hash);
    CU_ASSERT(plain.arrivals_hash != other_arrivals.arrivals_hash);
    CU_ASSERT(plain.arrivals_hash != other_seed.arrivals_hash && plain.prompts_hash != other_seed.prompts_hash);
}

static void
test_refused(void)
{
    static const struct {
        const char *options[3], *words;
    } cases[] = {
        {{"cv=2"}, "cv has an effect with arrivals: gamma only"},
        {{"prompt_distribution=sharegpt", "prompt_tokens=5"}, "prompt_tokens has no effect"},
        {{"prompt_cv=2"}, "prompt_cv has an effect with prompt_distribution lognormal only"},
        {{"output_min=9", "output_max=8"}, "output_min 9 is more than output_max 8"},
        {{"output_distribution=uniform", "output_min=300"}, "output_min 300 is more than output_max"},
        {{"output_distribution=uniform", "output_tokens=5", "output_max=9"}, "both set the mean"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *o = cases[i].options;
        DRAIN(&got, "poisson", "rate=1", "requests=5", o[0], o[1], o[2]);
        CU_ASSERT(got.create_rc == -EINVAL);
        check_complaint(o[0], got.error, cases[i].words);
    }
}

/* Far ends of the bounds: no overflow, no arrival out of order. */
static void
test_extremes(void)
{
    RUN(1, "rate=1e-9", "requests=50", "arrivals=gamma", "cv=100");
    RUN(1, "rate=1e9", "requests=50000", "arrivals=gamma", "cv=0.01");
    RUN(1, "rate=1", "requests=50000", "prompt_tokens=1e6", "prompt_distribution=lognormal", "prompt_cv=100");
    CU_ASSERT(got.count == 50000);
}

struct who {
    uint64_t clients[4], priorities[3], soon, later, count;
};

static void
tell_who(const struct servsim_arrival *row, void *context)
{
    struct who *who = context;
    if (row->client > 3 || row->priority < 0 || row->priority > 2)
        return;
    double after_s = (double)(row->deadline_s - row->arrival_s) + (double)(row->deadline_ps - row->arrival_ps) / 1e12;
    who->clients[row->client]++;
    who->priorities[row->priority]++;
    who->soon += fabs(after_s - 0.25) < 1e-9;
    who->later += fabs(after_s - 20) < 1e-9;
    who->count++;
}

/* Clients, priorities and deadlines by lot, and everything else as without them. */
static void
test_who(void)
{
    static const char *const pairs[] = {"rate=4",           "requests=100000",       "clients=[6,3,1]",
                                        "priorities=[1,3]", "deadlines=[250ms,20s]", NULL};
    struct who who = {0};
    drain_each_with_seed(&got, "poisson", 7, pairs, tell_who, &who);
    CU_ASSERT(got.rc == 0 && who.count == 100000);
    CU_ASSERT(who.clients[0] == 0 && who.clients[1] > 59000 && who.clients[1] < 61000);
    CU_ASSERT(who.clients[2] > 29000 && who.clients[2] < 31000 && who.clients[3] > 9000);
    CU_ASSERT(who.priorities[0] > 24000 && who.priorities[0] < 26000 && who.priorities[2] == 0);
    CU_ASSERT(who.soon + who.later == 100000 && who.soon > 49000 && who.soon < 51000);
    struct moments with = run(7, pairs), without = RUN(7, "rate=4", "requests=100000");
    CU_ASSERT(with.arrivals_hash == without.arrivals_hash && with.outputs_hash == without.outputs_hash);
    DRAIN(&got, "poisson", "rate=4", "requests=10", "clients=[0,0]");
    CU_ASSERT(got.rc < 0 && strstr(got.error, "clients: nobody has a share") != NULL);
}

/* Request i has prompt i modulo distinct_prompts; lengths and arrivals stay what they are. */
static void
test_prompts(void)
{
    static struct drained plain, named;
    DRAIN(&plain, "poisson", "rate=4", "requests=50", "prompt_distribution=exponential");
    DRAIN(&named, "poisson", "rate=4", "requests=50", "prompt_distribution=exponential", "distinct_prompts=7",
          "shared_prefix_tokens=30");
    CU_ASSERT_EQUAL_FATAL(named.count, 50);
    for (uint64_t i = 0; i < 50; i++) {
        const struct servsim_arrival *a = &plain.rows[i], *b = &named.rows[i];
        CU_ASSERT(a->prompt_id == 0 && a->prefix_tokens == 0);
        CU_ASSERT(b->prompt_id == 1 + i % 7 && b->prefix_tokens == 30);
        CU_ASSERT(a->prompt_tokens == b->prompt_tokens && a->arrival_ps == b->arrival_ps);
    }
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"gaps", test_gaps},
        {"lengths", test_lengths},
        {"quantiles of the measured distributions", test_measured_quantiles},
        {"streams of their own", test_streams},
        {"clients, priorities and deadlines", test_who},
        {"names of prompts", test_prompts},
        {"refused", test_refused},
        {"extremes", test_extremes},
    };
    return ss_run_cases("poisson", cases, sizeof cases / sizeof cases[0]);
}
