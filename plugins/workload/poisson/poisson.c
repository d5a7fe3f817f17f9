/*
 * poisson.c - workload plugin: requests at a mean rate, with lengths drawn from a distribution.
 *
 * Arrivals, prompts and outputs have random streams of their own: another distribution of lengths leaves the arrivals
 * as they are. The first request arrives at 0.
 */
#include "workload/common/lengths.h"
#include "workload/common/number.h"
#include "workload/common/prompts.h"
#include "workload/common/random.h"
#include "workload/common/scale.h"
#include "workload/common/who.h"

#define DISTRIBUTIONS "fixed|uniform|exponential|geometric|lognormal|sharegpt|burstgpt"

static const struct servsim_option options[] = {
    {"rate", "1/s", NULL, NULL, "mean rate of requests", 1e-9, 1e9, SERVSIM_OPTION_NUMBER, SERVSIM_OPTION_REQUIRED},
    {"requests", "", NULL, NULL, "how many", 1, 1e12, SERVSIM_OPTION_INTEGER, SERVSIM_OPTION_REQUIRED},
    {"arrivals", "", "poisson", "poisson|gamma|constant", "gaps: exponential, gamma with cv, or all the same", 0, 0,
     SERVSIM_OPTION_CHOICE, 0},
    {"cv", "", "1", NULL, "coefficient of variation of the gaps with arrivals: gamma; above 1 is bursty", 0.01, 100,
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

struct poisson {
    char arrivals; /* first letter of the choice */
    double rate, shape;
    uint64_t requests, delivered;
    wl_wide clock_ps;
    struct wl_lengths prompt, output;
    struct wl_who who;
    struct wl_prompts identity;
    struct servsim_random gaps, prompts, outputs;
};

static int32_t
poisson_create(const struct servsim_host *host, const struct servsim_create *args, void **self,
               struct servsim_error *err)
{
    struct poisson *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    double cv = servsim_number(args, "cv");
    traffic->arrivals = servsim_text(args, "arrivals")[0];
    traffic->rate = servsim_number(args, "rate");
    traffic->shape = 1.0 / (cv * cv);
    traffic->requests = (uint64_t)servsim_integer(args, "requests");
    traffic->identity = wl_prompts_read(args);
    traffic->gaps.state = host->seed(host->ctx, "workload.arrivals");
    traffic->prompts.state = host->seed(host->ctx, "workload.prompts");
    traffic->outputs.state = host->seed(host->ctx, "workload.outputs");
    int32_t rc = wl_lengths_read(&traffic->prompt, args, "prompt", err);
    if (rc == 0)
        rc = wl_lengths_read(&traffic->output, args, "output", err);
    if (rc == 0)
        rc = wl_who_read(&traffic->who, host, args, err);
    if (rc == 0 && traffic->arrivals != 'g' && servsim_present(args, "cv") == 2)
        rc = servsim_fail(err, EINVAL, "cv has an effect with arrivals: gamma only; leave it out or write gamma");
    if (rc < 0) {
        free(traffic);
        return rc;
    }
    *self = traffic;
    return 0;
}

static void
poisson_destroy(void *self)
{
    free(self);
}

/* In mean gaps. */
static double
draw_gap(struct poisson *traffic)
{
    if (traffic->arrivals == 'g')
        return wl_random_gamma(&traffic->gaps, traffic->shape) / traffic->shape;
    return traffic->arrivals == 'p' ? wl_random_exponential(&traffic->gaps) : 1.0;
}

static int32_t
poisson_next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct poisson *traffic = self;
    (void)err;
    if (traffic->delivered == traffic->requests)
        return 0;
    if (traffic->delivered++ > 0)
        traffic->clock_ps += wl_ps_of(draw_gap(traffic) / traffic->rate);
    wl_time_split(traffic->clock_ps, &out->arrival_s, &out->arrival_ps);
    out->prompt_tokens = wl_lengths_draw(&traffic->prompt, &traffic->prompts);
    out->output_tokens = wl_lengths_draw(&traffic->output, &traffic->outputs);
    wl_who_fill(&traffic->who, out);
    wl_prompts_name(&traffic->identity, traffic->delivered - 1, out);
    return 1;
}

static int32_t
poisson_stats(void *self, struct servsim_workload_stats *out)
{
    out->rows_read = ((struct poisson *)self)->delivered;
    return 0;
}

static const struct servsim_workload_ops ops = {
    .size = (uint32_t)sizeof ops,
    .next = poisson_next,
    .stats = poisson_stats,
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, options),
    .name = "poisson",
    .version = "1.0",
    .summary = "generated requests at a mean rate, with distributions of gaps and lengths",
    .licence = "Apache-2.0",
    .page =
        "The first request arrives at 0. Gaps, prompts and outputs are drawn from streams of their own, so that "
        "other lengths leave the arrivals as they are.\n\n"
        "Lengths: fixed; uniform from min to max, or to 2 x mean - min where no max is given; exponential, rounded; "
        "geometric, whose mean is exact; lognormal with mean and cv, rounded; sharegpt and burstgpt, measured "
        "distributions whose mean is their own: ShareGPT 2340 prompt and 439 output tokens (30,731 requests of up "
        "to 8,192 tokens, Llama-2 tokenizer, sarathi-serve, Apache-2.0; prompt and output hardly depend on each "
        "other there and are drawn apart), BurstGPT 762 and 265 (145,707 conversation requests of file 1, "
        "HPMLL/BurstGPT, CC-BY-4.0).",
    .options = options,
    .create = poisson_create,
    .destroy = poisson_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
