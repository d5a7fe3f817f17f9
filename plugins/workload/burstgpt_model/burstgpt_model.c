/*
 * burstgpt_model.c - workload plugin: generated traffic with the statistics of BurstGPT file 1.
 *
 * An hour at a time: calendar.c says how many rows of each kind it has; conversations fall anywhere in it, API rows in
 * campaigns, each a stretch of requests at one rate with nearly the same lengths. The rows of the hour are put in order
 * and handed out; memory is that of the largest hour.
 */
#include <math.h>

#include "calendar.h"
#include "workload/common/lengths.h"
#include "workload/common/number.h"
#include "workload/common/random.h"
#include "workload/common/scale.h"

/* Assumed, and chosen so that the published figures come out (burstgpt_model_test.c). */
#define CAMPAIGN_ROWS 32.0 /* median */
#define CAMPAIGN_ROWS_SD 1.0
#define CAMPAIGN_RATE 0.4 /* requests/s, median */
#define CAMPAIGN_RATE_SD 1.7
#define PROMPT_JITTER 0.05
#define OUTPUT_JITTER 0.25

/* 15.3 % of all rows are GPT-4; of conversations about 20 %. */
#define GPT4_CONVERSATION 0.20
#define GPT4_API 0.1475

/* Failures come in stretches: 1.78 % of rows in all. */
#define FAIL_QUIET 0.002
#define FAIL_STRETCH 0.6
#define STRETCH_ROWS 50.0    /* mean */
#define STRETCH_SHARE 0.0264 /* of rows */

static const struct servsim_option options[] = {
    {"requests", "", "1429737", NULL, "rows of the trace, failed ones included", 1, 1e9, SERVSIM_OPTION_INTEGER, 0},
    {"days", "", "61", NULL, "days that the rows are laid over", 1, 3650, SERVSIM_OPTION_INTEGER, 0},
    {"time_scale", "", NULL, NULL, "divide every time by this: 10 makes the traffic ten times as fast; 1 unless given",
     1e-9, 1e9, SERVSIM_OPTION_NUMBER, 0},
    {"rate", "1/s", NULL, NULL, "choose the time_scale that gives this mean rate of rows", 1e-9, 1e9,
     SERVSIM_OPTION_NUMBER, 0},
    {"emit_failed", "", "false", NULL,
     "hand out failed rows too, as requests of 0 and 0 tokens: for writing traces only, an engine refuses them", 0, 0,
     SERVSIM_OPTION_FLAG, SERVSIM_OPTION_TOOLS},
};

struct row {
    uint32_t prompt_tokens, output_tokens;
    uint16_t second;
    uint8_t kind, gpt4;
};

/* A stretch of API requests of one kind. */
struct campaign {
    uint64_t rows;
    uint32_t begin, length; /* among the seconds of the hour that are open */
    double prompt_tokens, output_tokens;
    uint8_t gpt4;
};

struct model {
    struct wl_calendar calendar;
    struct wl_scale scale;
    int emit_failed, in_stretch, started;
    uint32_t hour, hours;
    uint64_t first_s;
    double spread_prompt, spread_output; /* positions of the evenly spread draws of campaigns */
    struct row *rows, *sorted;           /* of the hour */
    uint64_t row_count, row_at, row_capacity;
    struct servsim_random arrivals, lengths, failures;
    struct servsim_workload_stats stats;
};

/* ---- lengths of API requests ---- */

struct knot {
    double share, tokens;
};

/* Between the knots lengths are drawn linearly. Their means, 606 and 109, are what the published means of all rows
   (621.7 and 125.5) leave for API rows beside conversations; the shape follows the first 60,000 rows. */
static const struct knot prompt_knots[] = {{0, 5},      {.25, 24},   {.52, 62},    {.70, 460},
                                           {.85, 1290}, {.95, 2760}, {.985, 4000}, {1, 8000}};
static const struct knot output_knots[] = {{0, 1},     {.30, 5},   {.55, 12},   {.75, 97},
                                           {.90, 375}, {.97, 645}, {.995, 890}, {1, 1500}};

static double
at_share(const struct knot *knots, double share)
{
    while (share > knots[1].share)
        knots++;
    double part = (share - knots[0].share) / (knots[1].share - knots[0].share);
    return knots[0].tokens + part * (knots[1].tokens - knots[0].tokens);
}

/* The next of evenly spread numbers: a thousand campaigns have nearly the mean of all (additive recurrence with the
   plastic number's powers, so that prompts and outputs are spread over the square as well). */
static double
spread(double *position, double step)
{
    *position += step;
    *position -= floor(*position);
    return *position;
}

static uint32_t
jittered(double tokens, double jitter, struct servsim_random *random)
{
    double length = floor(tokens * (1 + jitter * (2 * servsim_random_unit(random) - 1)) + 0.5);
    return length < 1 ? 1 : (uint32_t)length;
}

/* ---- the rows of an hour ---- */

static struct campaign
draw_campaign(struct model *model, uint64_t left, uint32_t open_s)
{
    struct servsim_random *random = &model->arrivals;
    double rows = ceil(CAMPAIGN_ROWS * exp(CAMPAIGN_ROWS_SD * wl_random_normal(random)));
    double rate = CAMPAIGN_RATE * exp(CAMPAIGN_RATE_SD * wl_random_normal(random));
    struct campaign campaign = {.rows = rows < (double)left ? (uint64_t)rows : left};
    double length = ceil((double)campaign.rows / rate);
    campaign.length = length < open_s ? (uint32_t)length : open_s;
    campaign.begin = (uint32_t)wl_random_below(random, (uint64_t)open_s - campaign.length + 1);
    campaign.prompt_tokens = at_share(prompt_knots, spread(&model->spread_prompt, 0.7548776662466927));
    campaign.output_tokens = at_share(output_knots, spread(&model->spread_output, 0.5698402909980532));
    campaign.gpt4 = servsim_random_unit(&model->lengths) < GPT4_API;
    return campaign;
}

static void
add_campaigns(struct model *model, uint64_t left, uint32_t open_s)
{
    while (left > 0) {
        struct campaign campaign = draw_campaign(model, left, open_s);
        for (uint64_t i = 0; i < campaign.rows; i++) {
            uint32_t nth = campaign.begin + (uint32_t)wl_random_below(&model->arrivals, campaign.length);
            model->rows[model->row_count++] = (struct row){
                .second = (uint16_t)wl_calendar_second(&model->calendar, model->hour, nth),
                .kind = WL_API,
                .gpt4 = campaign.gpt4,
                .prompt_tokens = jittered(campaign.prompt_tokens, PROMPT_JITTER, &model->lengths),
                .output_tokens = jittered(campaign.output_tokens, OUTPUT_JITTER, &model->lengths),
            };
        }
        left -= campaign.rows;
    }
}

static void
add_conversations(struct model *model, uint64_t left, uint32_t open_s)
{
    for (; left > 0; left--) {
        uint32_t nth = (uint32_t)wl_random_below(&model->arrivals, open_s);
        model->rows[model->row_count++] = (struct row){
            .second = (uint16_t)wl_calendar_second(&model->calendar, model->hour, nth),
            .kind = WL_CONVERSATION,
            .gpt4 = servsim_random_unit(&model->lengths) < GPT4_CONVERSATION,
            .prompt_tokens = wl_table_draw(wl_burstgpt_prompt, &model->lengths),
            .output_tokens = wl_table_draw(wl_burstgpt_output, &model->lengths),
        };
    }
}

/* By the second; rows of one second stay in the order in which they were made. */
static void
sort_rows(struct model *model)
{
    uint64_t starts[3601] = {0};
    for (uint64_t i = 0; i < model->row_count; i++)
        starts[model->rows[i].second + 1]++;
    for (uint32_t second = 0; second < 3600; second++)
        starts[second + 1] += starts[second];
    for (uint64_t i = 0; i < model->row_count; i++)
        model->sorted[starts[model->rows[i].second]++] = model->rows[i];
}

static int32_t
make_room(struct model *model, uint64_t wanted)
{
    if (wanted <= model->row_capacity)
        return 0;
    free(model->rows);
    free(model->sorted);
    model->rows = malloc(wanted * sizeof *model->rows);
    model->sorted = malloc(wanted * sizeof *model->sorted);
    model->row_capacity = model->rows != NULL && model->sorted != NULL ? wanted : 0;
    return model->row_capacity > 0 ? 0 : -ENOMEM;
}

static int32_t
fill_hour(struct model *model)
{
    uint64_t api = model->calendar.rows[WL_API][model->hour];
    uint64_t conversations = model->calendar.rows[WL_CONVERSATION][model->hour];
    uint32_t open_s = wl_calendar_open_s(&model->calendar, model->hour);
    model->row_count = model->row_at = 0;
    if (make_room(model, api + conversations) < 0)
        return -ENOMEM;
    if (open_s == 0)
        return 0;
    add_conversations(model, conversations, open_s);
    add_campaigns(model, api, open_s);
    sort_rows(model);
    return 0;
}

/* ---- handing out ---- */

static int
draw_failure(struct model *model)
{
    double leave = 1 / STRETCH_ROWS, enter = leave * STRETCH_SHARE / (1 - STRETCH_SHARE);
    double u = servsim_random_unit(&model->failures);
    if (u < (model->in_stretch ? leave : enter))
        model->in_stretch = !model->in_stretch;
    return servsim_random_unit(&model->failures) < (model->in_stretch ? FAIL_STRETCH : FAIL_QUIET);
}

static void
deliver(struct model *model, const struct row *row, int failed, struct servsim_arrival *out)
{
    static const char *const labels[WL_CLASSES][2] = {{"ChatGPT API log", "GPT-4 API log"},
                                                      {"ChatGPT Conversation log", "GPT-4 Conversation log"}};
    uint64_t at_s = (uint64_t)model->hour * 3600 + row->second - model->first_s;
    wl_time_split(wl_scale_time(&model->scale, (wl_wide)at_s * WL_PS_PER_S), &out->arrival_s, &out->arrival_ps);
    out->prompt_tokens = failed ? 0 : row->prompt_tokens;
    out->output_tokens = failed ? 0 : row->output_tokens;
    strcpy(out->label, labels[row->kind][row->gpt4]);
}

static int32_t
model_next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct model *model = self;
    for (;;) {
        while (model->row_at == model->row_count) {
            if (model->hour + 1 == model->hours)
                return 0;
            model->hour++;
            if (fill_hour(model) < 0)
                return servsim_fail(err, ENOMEM, "out of memory for an hour's rows; ask for fewer requests");
        }
        const struct row *row = &model->sorted[model->row_at++];
        if (!model->started) {
            model->started = 1;
            model->first_s = (uint64_t)model->hour * 3600 + row->second;
        }
        model->stats.rows_read++;
        int failed = draw_failure(model);
        model->stats.rows_failed += (uint64_t)failed;
        if (failed && !model->emit_failed)
            continue;
        deliver(model, row, failed, out);
        return 1;
    }
}

static int32_t
model_stats(void *self, struct servsim_workload_stats *out)
{
    const struct model *model = self;
    out->rows_read = model->stats.rows_read;
    out->rows_failed = model->stats.rows_failed;
    return 0;
}

static void
model_destroy(void *self)
{
    struct model *model = self;
    if (model == NULL)
        return;
    wl_calendar_free(&model->calendar);
    free(model->rows);
    free(model->sorted);
    free(model);
}

static int32_t
read_speed(struct model *model, const struct servsim_create *args, double rows_per_s, struct servsim_error *err)
{
    double factor = servsim_present(args, "time_scale") ? servsim_number(args, "time_scale") : 1.0;
    if (servsim_present(args, "rate") && servsim_present(args, "time_scale"))
        return servsim_fail(err, EINVAL,
                            "rate and time_scale both set the speed of the traffic; leave one of them out");
    if (servsim_present(args, "rate"))
        factor = servsim_number(args, "rate") / rows_per_s;
    if (!(factor >= 1e-9 && factor <= 1e9))
        return servsim_fail(err, EINVAL, "rate is more than 10^9 times away from the model's own %g/s", rows_per_s);
    model->scale = wl_scale_of(factor);
    return 0;
}

static int32_t
model_create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    uint64_t requests = (uint64_t)servsim_integer(args, "requests");
    uint32_t days = (uint32_t)servsim_integer(args, "days");
    struct servsim_random calendar = {host->seed(host->ctx, "workload.calendar")};
    model->arrivals.state = host->seed(host->ctx, "workload.arrivals");
    model->lengths.state = host->seed(host->ctx, "workload.lengths");
    model->failures.state = host->seed(host->ctx, "workload.failures");
    model->spread_prompt = servsim_random_unit(&model->lengths);
    model->spread_output = servsim_random_unit(&model->lengths);
    model->emit_failed = servsim_integer(args, "emit_failed") != 0;
    model->hours = days * 24;
    model->hour = UINT32_MAX; /* before the first */
    int32_t rc = read_speed(model, args, (double)requests / (days * 86400.0), err);
    if (rc == 0 && (rc = wl_calendar_make(&model->calendar, requests, days, &calendar)) < 0)
        rc = servsim_fail(err, ENOMEM, "out of memory for %u days", days);
    if (rc < 0) {
        model_destroy(model);
        return rc;
    }
    *self = model;
    return 0;
}

static const struct servsim_workload_ops ops = {
    .size = (uint32_t)sizeof ops,
    .next = model_next,
    .stats = model_stats,
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, options),
    .name = "burstgpt_model",
    .version = "1.0",
    .summary = "generated traffic with the statistics of BurstGPT file 1, at any size",
    .licence = "Apache-2.0",
    .page =
        "Follows BurstGPT file 1 (HPMLL/BurstGPT, CC-BY-4.0; 1,429,737 rows over 61 days): whole seconds; 89.6 % API "
        "rows and 15.3 % GPT-4; the profile of the hours; daily totals from about 1,600 to 150,000 whose logarithm "
        "has a standard deviation of 1.13; conversation lengths from the full histograms; 1.78 % failed rows, in "
        "stretches. Gaps: mean 3.69 s, median 1 s, coefficient of variation about 13, 99 % below about 56 s, none "
        "above about 15,300 s; 44 % are 0, published 45.6 %. Mean 621.7 prompt and 125.5 output tokens. A test "
        "holds these figures.\n\n"
        "Assumed, since nothing is published: API requests come in campaigns with a rate and lengths of their own "
        "(median 32 rows and 0.4 requests/s); half of the nights have a silence of 0.8 to 4.2 hours; conversations "
        "drop to 55 % on weekends, and the first day is a Monday. The order of busy and quiet days is free.\n\n"
        "requests counts rows, failed ones included; those are counted and not handed out. With other numbers of "
        "requests or days the shape stays and the rate follows: 10,000 requests over 1 day are 0.12/s. Memory is "
        "that of the busiest hour's rows.",
    .options = options,
    .create = model_create,
    .destroy = model_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
