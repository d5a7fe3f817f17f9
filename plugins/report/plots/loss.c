/*
 * report/plots/loss.c - the chart of where the scaling loss goes: for each configuration a bar of its parts, those lost
 * right of zero and those gained left of it, and a point where both together end.
 */
#include "report/common/loss.h"

#include <math.h>

#include "report/plots/plots.h"

#define MOST_LOSSES 24u

static const uint32_t colours[RP_LOSS_PARTS] = {0xD55E00, 0x0072B2, 0x56B4E9, 0x8C510A, 0xCC79A7, 0xBDBDBD};

struct losses {
    struct rp_cell *cells[MOST_LOSSES];
    struct rp_loss loss[MOST_LOSSES];
    size_t count, left_out;
};

static void
collect(struct losses *losses, const struct rp_group *group)
{
    for (size_t s = 0; s < group->series_count; s++)
        for (size_t i = 1; i < group->series[s].count; i++) {
            struct rp_loss loss;
            if (!rp_loss_of(&loss, group->series[s].cells[0], group->series[s].cells[i]))
                continue;
            if (losses->count == MOST_LOSSES) {
                losses->left_out++;
                continue;
            }
            losses->cells[losses->count] = group->series[s].cells[i];
            losses->loss[losses->count++] = loss;
        }
}

/* One mark for each part, from where the part before it on the same side of zero ends. In percent of the ideal. */
static void
add_stack(struct chart *chart, struct chart_panel *panel, const struct losses *losses, double *low, double *high)
{
    double right[MOST_LOSSES] = {0}, left[MOST_LOSSES] = {0};
    for (size_t p = 0; p < RP_LOSS_PARTS; p++) {
        struct chart_mark *mark = chart_add_mark(chart, panel, MARK_SPAN, colours[p]);
        mark->size = 0.62;
        for (size_t i = 0; i < losses->count; i++) {
            double share = 100 * losses->loss[i].parts[p] / losses->loss[i].ideal;
            double *end = share < 0 ? &left[i] : &right[i], from = *end;
            *end += share;
            if (fabs(share) > 1e-3)
                chart_add_range(chart, mark, *end, (double)i + 1, fmin(from, *end), fmax(from, *end));
        }
    }
    for (size_t i = 0; i < losses->count; i++) {
        *low = fmin(*low, left[i]);
        *high = fmax(*high, right[i]);
    }
}

static void
add_net(struct chart *chart, struct chart_panel *panel, const struct losses *losses)
{
    struct chart_mark *zero = chart_add_mark(chart, panel, MARK_LINE, 0x666666);
    zero->width = 1;
    chart_add_point(chart, zero, 0, 0.5);
    chart_add_point(chart, zero, 0, (double)losses->count + 0.5);
    struct chart_mark *net = chart_add_mark(chart, panel, MARK_DOT, 0x000000);
    net->symbol = 13;
    net->size = 1.1;
    for (size_t i = 0; i < losses->count; i++)
        chart_add_point(chart, net, 100 * losses->loss[i].lost / losses->loss[i].ideal, (double)i + 1);
}

static void
add_names(struct plots *plots, struct chart *chart, struct chart_panel *panel, const struct losses *losses)
{
    char **names = calloc(losses->count + 1, sizeof *names);
    chart->failed |= names == NULL;
    for (size_t i = 0; i < losses->count && names != NULL; i++)
        names[i] = chart_shortened(chart, rp_label(&plots->matrix, losses->cells[i]), 40);
    axis_categories(&panel->y, names, names != NULL ? losses->count : 0);
}

void
plots_loss(struct plots *plots, size_t group)
{
    struct losses losses = {.count = 0};
    struct chart chart = {0};
    char note[128];
    double low = 0, high = 0;
    collect(&losses, &plots->matrix.groups[group]);
    if (losses.count == 0)
        return;
    (void)snprintf(note, sizeof note, "%zu of %zu configurations are shown", losses.count,
                   losses.count + losses.left_out);
    plots_name(chart.name, plots, group, "loss", NULL);
    plots_titles(plots, &chart, group, "Where the scaling loss goes", losses.left_out > 0 ? note : NULL);
    chart.caption = chart_copy(&chart, "Output per GPU that is lost against the smallest configuration, by kind of "
                                       "time. Left of zero: gained; the diamond is what remains of both.");
    for (size_t p = 0; p < RP_LOSS_PARTS; p++)
        chart_add_key(&chart, rp_loss_title(p), colours[p], MARK_SPAN, 0, 0);
    chart_add_key(&chart, "all together", 0x000000, MARK_DOT, 0, 13);
    chart_head(&chart);
    struct chart_panel *panel =
        chart_add_panel(&chart, "Output per GPU against the ideal (%): lost right of zero, gained left of it");
    add_stack(&chart, panel, &losses, &low, &high);
    add_net(&chart, panel, &losses);
    add_names(plots, &chart, panel, &losses);
    axis_exact(&panel->x, 1.05 * low, fmax(1.05 * high, 1), 8);
    chart_place_row(&chart, 14 + 28.0 * (double)losses.count);
    plots_add(plots, &chart, group, "loss", NULL);
}
