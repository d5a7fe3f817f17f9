/*
 * calendar.c - see calendar.h.
 *
 * Figures are those of BurstGPT file 1 (HPMLL/BurstGPT, CC-BY-4.0): 89.6 % API rows, the profile of the hours, daily
 * totals. Quiet nights are there for the gaps: their longest is
 * 15,240 s, and gaps have a coefficient of variation of 13, which no rate that only follows the hours gives.
 */
#include "calendar.h"

#include <math.h>

#include "workload/common/random.h"

#define CONVERSATION_SHARE 0.104
#define DAY_SD_API 1.9           /* of the logarithm, before the busiest days are flattened */
#define DAY_FULL 23.0            /* times the median day, which a day can only approach */
#define DAY_SD_CONVERSATION 0.35 /* assumed; the trace shows their weeks, not this figure */
#define WEEKEND 0.55             /* of a working day's conversations; assumed */
#define HOUR_SD 0.5              /* of the logarithm of an API hour around its day and the profile; assumed */
#define QUIET_NIGHTS 0.5
#define SILENCE_MIN_S 3000u
#define SILENCE_MAX_S 15200u
#define RAKING_ROUNDS 40

/* Rows of each hour of the day over the mean. */
static const double profile[24] = {.96,  .91,  .59,  .53,  .38,  .35,  .20,  .16,  .18,  .43,  .90,  1.32,
                                   1.79, 1.54, 1.84, 1.43, 1.51, 1.39, 1.21, 1.61, 1.39, 1.20, 1.16, 1.05};

/* The standard normal value below which a share `p` lies, by halving. */
static double
normal_quantile(double p)
{
    double low = -9, high = 9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle * 0.70710678118654752440) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/*
 * Day totals that have their shape whatever the seed: the quantiles of a flattened lognormal, in an order that the seed
 * gives (61 free draws would make anything between 5 and 40 times the mean of the largest day). Together with the
 * conversations the totals of 61 days then run from about 1,600 to 146,000, and their logarithm has a standard
 * deviation of 1.13; published: 1,576, 149,520, 1.13.
 */
static void
draw_days(double *out, uint32_t days, double sd, struct servsim_random *random)
{
    for (uint32_t i = 0; i < days; i++)
        out[i] = exp(sd * normal_quantile((i + 0.625) / (days + 0.25)));
    for (uint32_t i = 0; i < days; i++)
        out[i] /= 1 + out[i] / DAY_FULL;
    for (uint32_t i = days - 1; i > 0; i--) {
        uint32_t j = (uint32_t)wl_random_below(random, i + 1);
        double kept = out[i];
        out[i] = out[j];
        out[j] = kept;
    }
}

static void
draw_silences(struct wl_calendar *calendar, struct servsim_random *random)
{
    for (uint32_t day = 0; day < calendar->days; day++) {
        double quiet = servsim_random_unit(random), length = servsim_random_unit(random);
        double start = servsim_random_unit(random);
        if (quiet >= QUIET_NIGHTS || calendar->days == 1)
            continue;
        uint32_t length_s = SILENCE_MIN_S + (uint32_t)(length * (SILENCE_MAX_S - SILENCE_MIN_S));
        uint32_t begin_s = 2 * 3600 + (uint32_t)(start * (9 * 3600 - 2 * 3600 - length_s)); /* within 2 to 9 h */
        calendar->silences[day] = (struct wl_silence){begin_s, begin_s + length_s};
    }
}

/* The part of an hour that is silent, in seconds of the hour. */
static struct wl_silence
silent_part(const struct wl_calendar *calendar, uint32_t hour)
{
    struct wl_silence day = calendar->silences[hour / 24];
    uint32_t from = hour % 24 * 3600, to = from + 3600;
    uint32_t begin = day.begin_s > from ? day.begin_s : from, end = day.end_s < to ? day.end_s : to;
    return begin < end ? (struct wl_silence){begin - from, end - from} : (struct wl_silence){0, 0};
}

uint32_t
wl_calendar_open_s(const struct wl_calendar *calendar, uint32_t hour)
{
    struct wl_silence silent = silent_part(calendar, hour);
    return 3600 - (silent.end_s - silent.begin_s);
}

uint32_t
wl_calendar_second(const struct wl_calendar *calendar, uint32_t hour, uint32_t nth)
{
    struct wl_silence silent = silent_part(calendar, hour);
    return nth < silent.begin_s ? nth : nth + (silent.end_s - silent.begin_s);
}

/* Scales rows and columns in turn until days have their totals and hours of the day their profile. */
static void
rake(double *weights, const double *day_totals, uint32_t days)
{
    double total = 0;
    for (uint32_t day = 0; day < days; day++)
        total += day_totals[day];
    for (int round = 0; round < RAKING_ROUNDS; round++) {
        for (uint32_t hour = 0; hour < 24; hour++) {
            double sum = 0;
            for (uint32_t day = 0; day < days; day++)
                sum += weights[day * 24 + hour];
            for (uint32_t day = 0; day < days && sum > 0; day++)
                weights[day * 24 + hour] *= profile[hour] / 24 * total / sum;
        }
        for (uint32_t day = 0; day < days; day++) {
            double sum = 0;
            for (uint32_t hour = 0; hour < 24; hour++)
                sum += weights[day * 24 + hour];
            for (uint32_t hour = 0; hour < 24 && sum > 0; hour++)
                weights[day * 24 + hour] *= day_totals[day] / sum;
        }
    }
}

/* Whole rows in proportion to the weights, `total` in all: the rounding of the sum so far. */
static void
apportion(uint64_t *rows, const double *weights, uint32_t hours, uint64_t total)
{
    double sum = 0, so_far = 0;
    uint64_t given = 0;
    for (uint32_t hour = 0; hour < hours; hour++)
        sum += weights[hour];
    for (uint32_t hour = 0; hour < hours; hour++) {
        so_far += weights[hour];
        uint64_t until = hour + 1 == hours ? total : (uint64_t)((double)total * (so_far / sum) + 0.5);
        until = until > total ? total : until;
        rows[hour] = until > given ? until - given : 0;
        given += rows[hour];
    }
}

static int32_t
lay_class(struct wl_calendar *calendar, int kind, uint64_t total, struct servsim_random *random)
{
    uint32_t days = calendar->days;
    double *day_totals = calloc(days, sizeof *day_totals), *weights = calloc((size_t)days * 24, sizeof *weights);
    if (day_totals != NULL && weights != NULL) {
        draw_days(day_totals, days, kind == WL_API ? DAY_SD_API : DAY_SD_CONVERSATION, random);
        for (uint32_t day = 0; day < days && kind == WL_CONVERSATION; day++)
            day_totals[day] *= day % 7 >= 5 ? WEEKEND : 1.0; /* the first day is a Monday */
        for (uint32_t hour = 0; hour < days * 24; hour++) {
            double noise = kind == WL_API ? exp(HOUR_SD * wl_random_normal(random)) : 1.0;
            weights[hour] = profile[hour % 24] * noise * wl_calendar_open_s(calendar, hour);
        }
        rake(weights, day_totals, days);
        apportion(calendar->rows[kind], weights, days * 24, total);
    }
    int32_t rc = day_totals != NULL && weights != NULL ? 0 : -ENOMEM;
    free(day_totals);
    free(weights);
    return rc;
}

int32_t
wl_calendar_make(struct wl_calendar *out, uint64_t requests, uint32_t days, struct servsim_random *random)
{
    out->days = days;
    out->silences = calloc(days, sizeof *out->silences);
    for (int kind = 0; kind < WL_CLASSES; kind++)
        out->rows[kind] = calloc((size_t)days * 24, sizeof *out->rows[kind]);
    if (out->silences == NULL || out->rows[WL_API] == NULL || out->rows[WL_CONVERSATION] == NULL)
        return -ENOMEM;
    draw_silences(out, random);
    uint64_t conversations = (uint64_t)((double)requests * CONVERSATION_SHARE + 0.5);
    int32_t rc = lay_class(out, WL_API, requests - conversations, random);
    return rc < 0 ? rc : lay_class(out, WL_CONVERSATION, conversations, random);
}

void
wl_calendar_free(struct wl_calendar *calendar)
{
    for (int kind = 0; kind < WL_CLASSES; kind++)
        free(calendar->rows[kind]);
    free(calendar->silences);
}
