/*
 * bursts.c - workload plugin: requests whose rate rises and falls around a mean that is stated and kept.
 *
 * Time is cut into phases, calm and burst by turns, each with a rate of its own. Gaps are drawn in requests, not in
 * seconds: a gap of one is over when the rate has summed up to one. So with one seed the same gaps, prompts and
 * outputs come in the same order as from the poisson plugin, and only the clock runs unevenly.
 */
#include "workload/common/lengths.h"
#include "workload/common/number.h"
#include "workload/common/prompts.h"
#include "workload/common/random.h"
#include "workload/common/scale.h"
#include "workload/common/who.h"

#define DISTRIBUTIONS "fixed|uniform|exponential|geometric|lognormal|sharegpt|burstgpt"

/* Phases must not outnumber requests by more than this, or a gap would walk through them without an end in sight. */
#define PHASES_PER_REQUEST 200

static const struct servsim_option options[] = {
    {"rate", "1/s", NULL, NULL, "mean rate of requests, bursts included", 1e-9, 1e9, SERVSIM_OPTION_NUMBER,
     SERVSIM_OPTION_REQUIRED},
    {"requests", "", NULL, NULL, "how many", 1, 1e12, SERVSIM_OPTION_INTEGER, SERVSIM_OPTION_REQUIRED},
    {"arrivals", "", "mmpp", "mmpp|periodic|gamma",
     "bursts at random, bursts at known times, or gamma gaps with cv and no phases", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"burst_factor", "", "5", NULL, "rate in a burst over the mean rate; times burst_share at most 1", 1, 1000,
     SERVSIM_OPTION_NUMBER, 0},
    {"burst_length", "s", "10", NULL, "mean length of a burst; with arrivals: periodic each one's", 1e-6, 1e4,
     SERVSIM_OPTION_NUMBER, 0},
    {"burst_share", "", "0.1", NULL, "share of time in bursts", 0.001, 0.999, SERVSIM_OPTION_NUMBER, 0},
    {"period", "s", NULL, NULL, "with arrivals: periodic, from burst to burst, in place of burst_share", 1e-6, 1e7,
     SERVSIM_OPTION_NUMBER, 0},
    {"cv", "", "3", NULL, "coefficient of variation of the gaps with arrivals: gamma; above 1 is bursty", 0.01, 100,
     SERVSIM_OPTION_NUMBER, 0},
    {"prompt_tokens", "tokens", "512", NULL, "mean prompt length", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    {"prompt_distribution", "", "fixed", DISTRIBUTIONS, "of prompt lengths", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"prompt_cv", "", "1", NULL, "coefficient of variation of a lognormal", 0.001, 100, SERVSIM_OPTION_NUMBER, 0},
    {"prompt_min", "tokens", "1", NULL, "shorter prompts get this length", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    {"prompt_max", "tokens", NULL, NULL, "longer prompts get this length", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    {"output_tokens", "tokens", "128", NULL, "mean output length", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    {"output_distribution", "", "fixed", DISTRIBUTIONS, "of output lengths", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"output_cv", "", "1", NULL, "coefficient of variation of a lognormal", 0.001, 100, SERVSIM_OPTION_NUMBER, 0},
    {"output_min", "tokens", "1", NULL, "shorter outputs get this length", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    {"output_max", "tokens", NULL, NULL, "longer outputs get this length", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
    WL_WHO_OPTIONS,
    WL_PROMPT_OPTIONS,
};

#define CALM 0
#define BURST 1

struct bursts {
    char arrivals; /* first letter of the choice */
    int phase;     /* CALM or BURST */
    double rate, shape;
    double rate_of[2];     /* of each phase */
    double length_s_of[2]; /* mean of each phase */
    wl_wide length_ps, period_ps, clock_ps, phase_end_ps;
    uint64_t requests, delivered;
    struct wl_lengths prompt, output;
    struct wl_who who;
    struct wl_prompts identity;
    struct servsim_random gaps, phases, prompts, outputs;
};

/* An option that would have no effect is a misunderstanding. */
static int32_t
check_use(const struct servsim_create *args, struct servsim_error *err)
{
    static const char *const used_by[][2] = {{"burst_factor", "mmpp or periodic"},
                                             {"burst_length", "mmpp or periodic"},
                                             {"burst_share", "mmpp or periodic"},
                                             {"period", "periodic"},
                                             {"cv", "gamma"}};
    const char *arrivals = servsim_text(args, "arrivals");
    for (size_t i = 0; i < sizeof used_by / sizeof used_by[0]; i++)
        if (servsim_present(args, used_by[i][0]) == 2 && strstr(used_by[i][1], arrivals) == NULL)
            return servsim_fail(err, EINVAL, "%s has an effect with arrivals: %s only; leave it out or write %s",
                                used_by[i][0], used_by[i][1], used_by[i][1]);
    if (servsim_present(args, "period") == 2 && servsim_present(args, "burst_share") == 2)
        return servsim_fail(err, EINVAL, "period and burst_share both set how often bursts come; leave one out");
    return 0;
}

/* From the stated mean rate, factor, length and share of time to the rates and lengths of the two phases. */
static int32_t
set_phases(struct bursts *traffic, const struct servsim_create *args, struct servsim_error *err)
{
    double factor = servsim_number(args, "burst_factor"), length = servsim_number(args, "burst_length");
    double share = servsim_number(args, "burst_share"), cycle = length / share;
    if (servsim_present(args, "period") == 2) {
        cycle = servsim_number(args, "period");
        share = length / cycle;
    }
    if (share >= 1)
        return servsim_fail(err, EINVAL, "burst_length %g s fills the period of %g s; write a shorter burst", length,
                            cycle);
    if (factor * share > 1 + 1e-9)
        return servsim_fail(err, EINVAL,
                            "bursts of %g times the mean rate in %g %% of the time are more than all requests; write "
                            "burst_factor %g or less, or rarer or shorter bursts",
                            factor, 100 * share, 1 / share);
    if (traffic->rate * cycle * PHASES_PER_REQUEST < 2)
        return servsim_fail(err, EINVAL,
                            "bursts come every %g s and requests every %g s; write a larger burst_length, or use "
                            "the poisson plugin",
                            cycle, 1 / traffic->rate);
    double calm = (1 - factor * share) / (1 - share);
    traffic->rate_of[CALM] = calm > 0 ? traffic->rate * calm : 0;
    traffic->rate_of[BURST] = traffic->rate * factor;
    traffic->length_s_of[CALM] = cycle - length;
    traffic->length_s_of[BURST] = length;
    traffic->length_ps = wl_ps_of(length);
    traffic->period_ps = wl_ps_of(cycle);
    return 0;
}

/* How long the phase that begins now is. Periods begin calm and end with their burst. */
static wl_wide
draw_phase_ps(struct bursts *traffic)
{
    if (traffic->arrivals == 'p')
        return traffic->phase == BURST ? traffic->length_ps : traffic->period_ps - traffic->length_ps;
    return wl_ps_of(traffic->length_s_of[traffic->phase] * wl_random_exponential(&traffic->phases));
}

/* Random bursts are under way already when the traffic begins: with the probability that they have at any time. */
static void
begin_phases(struct bursts *traffic)
{
    double share = traffic->length_s_of[BURST] / (traffic->length_s_of[BURST] + traffic->length_s_of[CALM]);
    if (traffic->arrivals == 'm')
        traffic->phase = servsim_random_unit(&traffic->phases) < share ? BURST : CALM;
    traffic->phase_end_ps = draw_phase_ps(traffic);
}

static int32_t
read_all(struct bursts *traffic, const struct servsim_host *host, const struct servsim_create *args,
         struct servsim_error *err)
{
    int32_t rc = check_use(args, err);
    if (rc == 0)
        rc = wl_lengths_read(&traffic->prompt, args, "prompt", err);
    if (rc == 0)
        rc = wl_lengths_read(&traffic->output, args, "output", err);
    if (rc == 0)
        rc = wl_who_read(&traffic->who, host, args, err);
    if (rc == 0 && traffic->arrivals != 'g')
        rc = set_phases(traffic, args, err);
    return rc;
}

static int32_t
bursts_create(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    struct bursts *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    double cv = servsim_number(args, "cv");
    traffic->arrivals = servsim_text(args, "arrivals")[0];
    traffic->rate = servsim_number(args, "rate");
    traffic->shape = 1.0 / (cv * cv);
    traffic->requests = (uint64_t)servsim_integer(args, "requests");
    traffic->identity = wl_prompts_read(args);
    traffic->gaps.state = host->seed(host->ctx, "workload.arrivals");
    traffic->phases.state = host->seed(host->ctx, "workload.bursts");
    traffic->prompts.state = host->seed(host->ctx, "workload.prompts");
    traffic->outputs.state = host->seed(host->ctx, "workload.outputs");
    int32_t rc = read_all(traffic, host, args, err);
    if (rc < 0) {
        free(traffic);
        return rc;
    }
    if (traffic->arrivals != 'g')
        begin_phases(traffic);
    *self = traffic;
    return 0;
}

static void
bursts_destroy(void *self)
{
    free(self);
}

/* Lets the clock run until the rate has summed up to `gap` requests. */
static void
advance(struct bursts *traffic, double gap)
{
    for (;;) {
        wl_wide left_ps = traffic->phase_end_ps - traffic->clock_ps;
        double rate = traffic->rate_of[traffic->phase], left = rate * ((double)left_ps * 1e-12);
        if (gap <= left) {
            wl_wide ahead_ps = wl_ps_of(gap / rate);
            traffic->clock_ps += ahead_ps < left_ps ? ahead_ps : left_ps;
            return;
        }
        gap -= left;
        traffic->clock_ps = traffic->phase_end_ps;
        traffic->phase = traffic->phase == BURST ? CALM : BURST;
        traffic->phase_end_ps += draw_phase_ps(traffic);
    }
}

static void
wait_for_next(struct bursts *traffic)
{
    if (traffic->arrivals == 'g')
        traffic->clock_ps += wl_ps_of(wl_random_gamma(&traffic->gaps, traffic->shape) / traffic->shape / traffic->rate);
    else
        advance(traffic, wl_random_exponential(&traffic->gaps));
}

static int32_t
bursts_next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct bursts *traffic = self;
    (void)err;
    if (traffic->delivered == traffic->requests)
        return 0;
    if (traffic->delivered++ > 0)
        wait_for_next(traffic);
    wl_time_split(traffic->clock_ps, &out->arrival_s, &out->arrival_ps);
    out->prompt_tokens = wl_lengths_draw(&traffic->prompt, &traffic->prompts);
    out->output_tokens = wl_lengths_draw(&traffic->output, &traffic->outputs);
    wl_who_fill(&traffic->who, out);
    wl_prompts_name(&traffic->identity, traffic->delivered - 1, out);
    if (traffic->arrivals != 'g')
        memcpy(out->label, traffic->phase == BURST ? "burst" : "calm", traffic->phase == BURST ? 6 : 5);
    return 1;
}

static int32_t
bursts_stats(void *self, struct servsim_workload_stats *out)
{
    out->rows_read = ((struct bursts *)self)->delivered;
    return 0;
}

static const struct servsim_workload_ops ops = {
    .size = (uint32_t)sizeof ops,
    .next = bursts_next,
    .stats = bursts_stats,
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, options),
    .name = "bursts",
    .version = "1.0",
    .summary = "generated requests in bursts of stated size, at a stated mean rate",
    .licence = "Apache-2.0",
    .page =
        "Phases, calm and burst by turns. In a burst requests come at burst_factor times the mean rate; the calm rate "
        "is rate x (1 - burst_factor x burst_share) / (1 - burst_share), so that the mean over both is exactly the "
        "rate that was asked for. Where burst_factor x burst_share is 1, all requests come in bursts. A burst brings "
        "burst_factor x rate x burst_length requests on average. Every arrival is labelled `burst` or `calm`, which "
        "trace generate writes as the Model of a BurstGPT trace.\n\n"
        "mmpp, a Markov-modulated Poisson process: the lengths of both phases are exponential, and time 0 falls into a "
        "burst with probability burst_share. The counts in long windows have the variance of a Poisson process times "
        "1 + 2 rate (burst_factor - 1)^2 burst_share burst_length.\n\n"
        "periodic: every period ends with a burst: burst k (from 1) lasts from k x period - burst_length to "
        "k x period, so that what comes after k x period is recovery. The period is burst_length / burst_share "
        "unless given.\n\n"
        "gamma: gaps from a Gamma distribution with cv, one by one; it has no phases and no labels.\n\n"
        "The first request arrives at 0. Gaps, phases, prompts and outputs are drawn from streams of their own. With "
        "one seed the lengths, request by request, are those of the poisson plugin, and the gaps are the same in "
        "units of 1 / rate: steady and bursty traffic differ in nothing but the bursts. Distributions of lengths are "
        "those of the poisson plugin.",
    .options = options,
    .create = bursts_create,
    .destroy = bursts_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
