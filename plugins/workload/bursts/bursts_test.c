/*
 * bursts_test.c - the bursts plugin against theory: the mean rate, the variance of counts, the share of time in bursts,
 * and where periodic bursts lie.
 */
#include "plugins/workload/common/drain.h"

static struct drained got;

#define WINDOWS 200000

/* What came, by time. */
struct tally {
    double window_s, before_s, gaps, gaps_squared;
    uint64_t count, in_burst, unlabelled;
    uint64_t runs;               /* unbroken runs of arrivals in bursts */
    double run_from_s, bursts_s; /* from the first to the last arrival of each run */
    uint32_t windows[WINDOWS];   /* arrivals in each window of window_s */
    uint64_t arrivals_hash, prompts_hash, outputs_hash;
    double period_s, length_s; /* periodic: where bursts must lie */
    uint64_t misplaced;
};

static struct tally tally;

static double
seconds_of(const struct servsim_arrival *row)
{
    return (double)row->arrival_s + (double)row->arrival_ps * 1e-12;
}

static uint64_t
hashed(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

static void
take(const struct servsim_arrival *row, void *context)
{
    struct tally *t = context;
    double now_s = seconds_of(row), gap = now_s - t->before_s;
    int burst = strcmp(row->label, "burst") == 0, calm = strcmp(row->label, "calm") == 0;
    if (t->window_s > 0 && now_s / t->window_s < WINDOWS)
        t->windows[(size_t)(now_s / t->window_s)]++;
    if (burst && t->run_from_s < 0) {
        t->run_from_s = now_s;
        t->runs++;
    } else if (!burst && t->run_from_s >= 0) {
        t->bursts_s += t->before_s - t->run_from_s;
        t->run_from_s = -1;
    }
    if (t->period_s > 0)
        t->misplaced += burst != (fmod(now_s, t->period_s) >= t->period_s - t->length_s);
    t->in_burst += (uint64_t)burst;
    t->unlabelled += !burst && !calm;
    t->gaps += gap;
    t->gaps_squared += gap * gap;
    t->before_s = now_s;
    t->count++;
    t->arrivals_hash = hashed(hashed(t->arrivals_hash, (uint64_t)row->arrival_ps), (uint64_t)row->arrival_s);
    t->prompts_hash = hashed(t->prompts_hash, row->prompt_tokens);
    t->outputs_hash = hashed(t->outputs_hash, row->output_tokens);
}

/* Fills `tally`. */
static void
run(const char *name, uint64_t seed, double window_s, const char *const *pairs)
{
    memset(&tally, 0, sizeof tally);
    tally.window_s = window_s;
    tally.run_from_s = -1;
    drain_each_with_seed(&got, name, seed, pairs, take, &tally);
    if (got.rc != 0)
        printf("# %s\n", got.error);
    CU_ASSERT(got.rc == 0);
}

#define RUN(seed, window_s, ...) run("bursts", seed, window_s, (const char *const[]){__VA_ARGS__, NULL})

/* Variance over mean of the counts in whole windows. */
static double
dispersion(void)
{
    size_t windows = (size_t)(tally.before_s / tally.window_s);
    double sum = 0, squares = 0;
    windows = windows < WINDOWS ? windows : WINDOWS;
    for (size_t i = 0; i < windows; i++) {
        sum += tally.windows[i];
        squares += (double)tally.windows[i] * tally.windows[i];
    }
    double mean = sum / (double)windows;
    return (squares / (double)windows - mean * mean) / mean;
}

struct shape {
    double rate, factor, length_s, share;
};

/* Of a two-state modulated Poisson process at equilibrium: 1 + 2 p (1 - p) (b - c)^2 / (m r) (1 - (1 - e^-rt) / rt),
   with the rates b and c, the mean m, and r the sum of the rates at which the states end (Fischer, Meier-Hellstern
   1993). */
static double
dispersion_in_theory(const struct shape *shape, double window_s)
{
    double p = shape->share, b = shape->rate * shape->factor, c = (shape->rate - p * b) / (1 - p);
    double r = 1 / shape->length_s + p / (shape->length_s * (1 - p)), x = r * window_s;
    return 1 + 2 * p * (1 - p) * (b - c) * (b - c) / (shape->rate * r) * (1 - (1 - exp(-x)) / x);
}

/* Over runs of many seeds: the mean of something and its standard error. */
struct estimate {
    double sum, squares;
    int count;
};

static void
add(struct estimate *estimate, double value)
{
    estimate->sum += value;
    estimate->squares += value * value;
    estimate->count++;
}

/* Within four standard errors, and the standard error small enough for that to mean something. */
static int
agrees(const struct estimate *estimate, double want, double resolution, const char *what)
{
    double n = estimate->count, mean = estimate->sum / n;
    double error = sqrt(fmax(0, estimate->squares / n - mean * mean) / (n - 1));
    int good = fabs(mean - want) <= 4 * error + 1e-4 * want && error <= resolution * want;
    printf("# %s: %.5g +- %.2g, in theory %.5g\n", what, mean, error, want);
    return good;
}

static const struct shape shapes[] = {{20, 5, 10, 0.1}, {20, 2, 5, 0.4}, {20, 10, 2, 0.1}, {20, 1, 3, 0.3}};

static void
test_mmpp(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];
        struct estimate rate = {0}, spread = {0}, in_burst = {0};
        double window_s = 7;
        char factor[40], length[40], share[40];
        snprintf(factor, sizeof factor, "burst_factor=%g", s->factor);
        snprintf(length, sizeof length, "burst_length=%g", s->length_s);
        snprintf(share, sizeof share, "burst_share=%g", s->share);
        for (uint64_t seed = 1; seed <= 24; seed++) {
            RUN(seed, window_s, "rate=20", "requests=100000", factor, length, share);
            add(&rate, 1 / ((tally.before_s) / (double)(tally.count - 1))); /* the first one came at 0 */
            add(&spread, dispersion());
            add(&in_burst, (double)tally.in_burst / (double)tally.count);
        }
        printf("# factor %g, bursts of %g s in %g of the time\n", s->factor, s->length_s, s->share);
        CU_ASSERT(agrees(&rate, s->rate, 0.02, "rate"));
        CU_ASSERT(agrees(&spread, dispersion_in_theory(s, window_s), 0.06, "index of dispersion"));
        CU_ASSERT(agrees(&in_burst, s->share * s->factor, 0.04, "share of requests in bursts"));
    }
}

/* What the manual says of long windows is the limit of the formula. */
static void
test_limit(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];
        double limit = 1 + 2 * s->rate * (s->factor - 1) * (s->factor - 1) * s->share * s->length_s;
        CU_ASSERT(within(dispersion_in_theory(s, 1e9), limit, 1e-6));
    }
}

/* With a thousand requests a second the labels show where bursts begin and end. */
static void
test_time_in_bursts(void)
{
    struct estimate share = {0}, length = {0};
    for (uint64_t seed = 1; seed <= 12; seed++) {
        RUN(seed, 0, "rate=1000", "requests=1000000", "burst_factor=3", "burst_length=2", "burst_share=0.2");
        add(&share, tally.bursts_s / tally.before_s);
        add(&length, tally.bursts_s / (double)tally.runs);
    }
    CU_ASSERT(agrees(&share, 0.2, 0.05, "share of time in bursts"));
    CU_ASSERT(agrees(&length, 2.0, 0.05, "length of a burst in s"));
}

/* Periodic bursts lie where they should, to the picosecond that a double can tell, and bring what they should. */
static void
test_periodic(void)
{
    static const struct {
        const char *length, *cycle;
        double length_s, period_s, want_burst;
    } cases[] = {
        {"burst_length=20", "period=200", 20, 200, 0.5},
        {"burst_length=5", "burst_share=0.2", 5, 25, 1.0},
        {"burst_length=10", NULL, 10, 100, 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const pairs[] = {"rate=50",       "requests=500000", "arrivals=periodic",
                                     cases[i].length, cases[i].cycle,    NULL};
        memset(&tally, 0, sizeof tally);
        tally.run_from_s = -1;
        tally.window_s = cases[i].period_s;
        tally.period_s = cases[i].period_s;
        tally.length_s = cases[i].length_s;
        drain_each_with_seed(&got, "bursts", 5, pairs, take, &tally);
        CU_ASSERT(got.rc == 0 && tally.count == 500000);
        CU_ASSERT(tally.misplaced <= (cases[i].want_burst == 1.0)); /* the first request comes at 0, in or out */
        CU_ASSERT(within((double)tally.in_burst / 500000, cases[i].want_burst, 0.01));
        CU_ASSERT(within(499999 / tally.before_s, 50, 0.01));
        /* whole periods: the counts of a Poisson process */
        CU_ASSERT(fabs(dispersion() - 1) < 5 * sqrt(2 * cases[i].period_s / tally.before_s));
    }
}

static void
test_gamma(void)
{
    static const struct {
        const char *cv;
        double want;
    } cases[] = {{NULL, 3}, {"cv=0.5", 0.5}, {"cv=5", 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RUN(3, 0, "rate=4", "requests=300000", "arrivals=gamma", cases[i].cv);
        double n = (double)tally.count - 1, mean = tally.gaps / n;
        CU_ASSERT(within(mean, 0.25, 4 * cases[i].want / sqrt(n)));
        CU_ASSERT(within(sqrt(tally.gaps_squared / n - mean * mean) / mean, cases[i].want, 0.05));
        CU_ASSERT(tally.unlabelled == tally.count);
    }
}

/* The same requests as from the poisson plugin; a factor of 1 has the same arrivals, too. */
static void
test_like_poisson(void)
{
    static const char *const flat[] = {"rate=3",
                                       "requests=20000",
                                       "burst_factor=1",
                                       "prompt_distribution=exponential",
                                       "output_distribution=geometric",
                                       NULL};
    static const char *const bursty[] = {"rate=3",
                                         "requests=20000",
                                         "burst_factor=9",
                                         "prompt_distribution=exponential",
                                         "output_distribution=geometric",
                                         NULL};
    static const char *const poisson[] = {"rate=3", "requests=20000", "prompt_distribution=exponential",
                                          "output_distribution=geometric", NULL};
    run("poisson", 7, 0, poisson);
    struct tally steady = tally;
    run("bursts", 7, 0, flat);
    CU_ASSERT(tally.prompts_hash == steady.prompts_hash && tally.outputs_hash == steady.outputs_hash);
    CU_ASSERT(fabs(tally.before_s - steady.before_s) < 1e-6);
    run("bursts", 7, 0, bursty);
    CU_ASSERT(tally.prompts_hash == steady.prompts_hash && tally.outputs_hash == steady.outputs_hash);
    CU_ASSERT(tally.arrivals_hash != steady.arrivals_hash);
    uint64_t arrivals_hash = tally.arrivals_hash;
    run("bursts", 7, 0, bursty);
    CU_ASSERT(tally.arrivals_hash == arrivals_hash);
    run("bursts", 8, 0, bursty);
    CU_ASSERT(tally.arrivals_hash != arrivals_hash && tally.prompts_hash != steady.prompts_hash);
}

static void
test_labels(void)
{
    RUN(1, 0, "rate=10", "requests=4000", "burst_factor=10", "burst_share=0.1");
    CU_ASSERT(tally.unlabelled == 0);
    /* everything comes in bursts; only the request at 0 may be outside of one */
    CU_ASSERT(tally.in_burst >= 3999);
    RUN(1, 0, "rate=10", "requests=4000", "arrivals=periodic", "burst_factor=10", "burst_share=0.1");
    CU_ASSERT(tally.in_burst == 3999 && strcmp(got.first.label, "calm") == 0);
    CU_ASSERT(got.first.arrival_s == 0 && got.first.arrival_ps == 0 && got.rows[1].arrival_s >= 90);
    CU_ASSERT(got.stats.rows_read == 4000);
}

static void
test_refused(void)
{
    static const struct {
        const char *options[3], *words;
    } cases[] = {
        {{"burst_factor=11", "burst_share=0.1"}, "write burst_factor 10 or less"},
        {{"burst_factor=5", "burst_length=10", "arrivals=periodic"}, NULL},
        {{"cv=2"}, "cv has an effect with arrivals: gamma only"},
        {{"cv=2", "arrivals=periodic"}, "cv has an effect with arrivals: gamma only"},
        {{"burst_factor=2", "arrivals=gamma"}, "burst_factor has an effect with arrivals: mmpp or periodic only"},
        {{"burst_share=0.2", "arrivals=gamma"}, "burst_share has an effect"},
        {{"burst_length=2", "arrivals=gamma"}, "burst_length has an effect"},
        {{"period=100"}, "period has an effect with arrivals: periodic only"},
        {{"period=100", "burst_share=0.2", "arrivals=periodic"}, "leave one out"},
        {{"period=10", "burst_length=10", "arrivals=periodic"}, "fills the period"},
        {{"period=10", "burst_length=11", "arrivals=periodic"}, "write a shorter burst"},
        {{"period=10", "burst_length=5", "arrivals=periodic"}, "write burst_factor 2 or less"},
        {{"burst_length=1e-6"}, "write a larger burst_length"},
        {{"prompt_distribution=sharegpt", "prompt_tokens=5"}, "prompt_tokens has no effect"},
        {{"output_min=9", "output_max=8"}, "output_min 9 is more than output_max 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *o = cases[i].options;
        DRAIN(&got, "bursts", "rate=1", "requests=5", o[0], o[1], o[2]);
        CU_ASSERT(got.create_rc == (cases[i].words != NULL ? -EINVAL : 0));
        if (cases[i].words != NULL)
            check_complaint(o[0], got.error, cases[i].words);
    }
}

/* Far ends of the bounds: no overflow, no endless walk, no arrival out of order. */
static void
test_extremes(void)
{
    RUN(1, 0, "rate=1e9", "requests=50000", "burst_factor=1000", "burst_share=0.001", "burst_length=1e-6");
    CU_ASSERT(got.count == 50000);
    RUN(1, 0, "rate=1e9", "requests=50000", "burst_length=1e4", "burst_share=0.001", "burst_factor=1000");
    RUN(1, 0, "rate=1e-9", "requests=1000", "burst_length=1e4", "burst_share=0.001", "burst_factor=1000");
    CU_ASSERT(got.count == 1000);
    RUN(1, 0, "rate=1", "requests=10000", "burst_length=1e-3", "burst_share=0.1", "burst_factor=10");
    CU_ASSERT(got.count == 10000);
    RUN(1, 0, "rate=1e-9", "requests=50", "arrivals=gamma", "cv=100");
    RUN(1, 0, "rate=1e9", "requests=50000", "arrivals=gamma", "cv=0.01");
    RUN(1, 0, "rate=10", "requests=50000", "burst_share=0.999", "burst_factor=1", "burst_length=1e4");
    RUN(1, 0, "rate=1000", "requests=50000", "arrivals=periodic", "period=1e-3", "burst_length=1e-6");
    CU_ASSERT(got.count == 50000);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"modulated arrivals against theory", test_mmpp},
        {"long windows", test_limit},
        {"time in bursts", test_time_in_bursts},
        {"periodic bursts", test_periodic},
        {"gamma gaps", test_gamma},
        {"the requests of the poisson plugin", test_like_poisson},
        {"labels", test_labels},
        {"refused", test_refused},
        {"extremes", test_extremes},
    };
    return ss_run_cases("bursts", cases, sizeof cases / sizeof cases[0]);
}
