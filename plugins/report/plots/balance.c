/*
 * report/plots/balance.c - the chart of what a router costs: how long requests wait with each, and how much of that
 * while another replica had nobody waiting.
 */
#include "report/common/balance.h"

#include <math.h>

#include "report/plots/plots.h"

struct waits {
    struct rp_cell *cells[MOST_BARS];
    struct rp_spread waiting[MOST_BARS], avoidable[MOST_BARS];
    size_t count;
};

static int
collect(struct waits *waits, const struct rp_group *group, struct servsim_error *err)
{
    for (size_t i = 0; i < group->count && waits->count < MOST_BARS; i++) {
        struct rp_cell *cell = group->cells[i];
        struct rp_spread figures[RP_BALANCE_FIGURES];
        if (!cell->done || cell->replicas < 2)
            continue;
        int status = rp_balance_spread(figures, cell, err);
        if (status != 0)
            return status;
        if (!isfinite(figures[RP_BALANCE_AT(waiting_ms)].mean))
            continue;
        waits->cells[waits->count] = cell;
        waits->waiting[waits->count] = figures[RP_BALANCE_AT(waiting_ms)];
        waits->avoidable[waits->count++] = figures[RP_BALANCE_AT(avoidable_ms)];
    }
    return 0;
}

/* Both parts of each bar, and the interval of the whole. */
static void
add_waits(struct chart *chart, struct chart_panel *panel, const struct waits *waits, double scale)
{
    struct chart_mark *avoidable = chart_add_mark(chart, panel, MARK_SPAN, 0xD55E00);
    struct chart_mark *rest = chart_add_mark(chart, panel, MARK_SPAN, 0xBDBDBD);
    struct chart_mark *error = chart_add_mark(chart, panel, MARK_ERROR, 0x888888);
    avoidable->size = rest->size = 0.6;
    error->across = 1;
    error->width = 1.2;
    for (size_t i = 0; i < waits->count; i++) {
        double place = (double)i + 1, middle = scale * waits->avoidable[i].mean, end = scale * waits->waiting[i].mean;
        double half = scale * waits->waiting[i].half;
        chart_add_range(chart, avoidable, middle, place, 0, middle);
        chart_add_range(chart, rest, end, place, middle, end);
        if (half > 0)
            chart_add_range(chart, error, end, place, fmax(0, end - half), end + half);
    }
}

static void
draw(struct plots *plots, size_t group, const struct waits *waits, double high_ms)
{
    struct chart chart = {0};
    struct plots_unit unit = plots_unit_of(high_ms);
    char title[96];
    (void)snprintf(title, sizeof title, "From arrival to the first step, mean over requests (%s)", unit.name);
    plots_name(chart.name, plots, group, "balance", NULL);
    plots_titles(plots, &chart, group, "Waiting with each router", NULL);
    chart.caption = plots_caption(plots, &chart,
                                  "How long a request waits before it is first taken up, and how much of "
                                  "that while another replica had nobody waiting.");
    chart_add_key(&chart, "while another replica has nobody waiting", 0xD55E00, MARK_SPAN, 0, 0);
    chart_add_key(&chart, "while all have", 0xBDBDBD, MARK_SPAN, 0, 0);
    chart_head(&chart);
    struct chart_panel *panel = chart_add_panel(&chart, title);
    add_waits(&chart, panel, waits, unit.per_ms);
    char **names = calloc(waits->count + 1, sizeof *names);
    chart.failed |= names == NULL;
    for (size_t i = 0; i < waits->count && names != NULL; i++)
        names[i] = chart_shortened(&chart, rp_label(&plots->matrix, waits->cells[i]), 40);
    axis_categories(&panel->y, names, names != NULL ? waits->count : 0);
    axis_from_zero(&panel->x, unit.per_ms * high_ms, 7);
    chart_place_row(&chart, 14 + 28.0 * (double)waits->count);
    plots_add(plots, &chart, group, "balance", NULL);
}

void
plots_balance(struct plots *plots, size_t group)
{
    struct waits waits = {.count = 0};
    struct servsim_error err = {.size = sizeof err};
    size_t axis = rp_router_axis(&plots->results);
    double high_ms = 0;
    if (axis == RP_NONE || !rp_compares_routers(&plots->matrix.groups[group], axis))
        return;
    int status = collect(&waits, &plots->matrix.groups[group], &err);
    if (status != 0)
        plots_problem(plots, status, &err);
    for (size_t i = 0; i < waits.count; i++)
        high_ms = fmax(high_ms, waits.waiting[i].mean + fmax(0, waits.waiting[i].half));
    if (status == 0 && waits.count > 1 && high_ms > 0)
        draw(plots, group, &waits, high_ms);
}
