/*
 * report/markdown/behaviours.c - a verdict, with its figure, on four behaviours that an ideal cluster shows.
 */
#include <math.h>

#include "report/markdown/sentences.h"

#define LINEAR_FROM 0.9    /* efficiency at every number of GPUs */
#define EFFICIENT_FROM 0.8 /* output of a GPU against the best */
#define REJECTED_UPTO 0.01 /* of a cell's requests: a few that are too long for its engine */

static void
begin_verdict(struct md *md, const struct rp_group *group, const struct rp_series *series, const char *behaviour,
              int judged, int yes)
{
    rp_printf(&md->out, "| %s | ", behaviour);
    if (md->matrix.group_count > 1)
        md_escape(&md->out, group->title);
    if (series != NULL && series->label[0] != '\0')
        rp_puts(&md->out, md->matrix.group_count > 1 ? ": " : "");
    if (series != NULL)
        md_escape(&md->out, series->label);
    if (md->matrix.group_count == 1 && (series == NULL || series->label[0] == '\0'))
        rp_puts(&md->out, "all");
    rp_printf(&md->out, " | %s | ", !judged ? "not judged" : yes ? "**yes**" : "**no**");
}

static void
judge_linear(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    const struct rp_cell *base = series->cells[0], *worst = base;
    double least = INFINITY;
    for (size_t i = 1; i < series->count; i++) {
        double efficiency =
            md_output_rate(series->cells[i]) / md_output_rate(base) * base->gpus / series->cells[i]->gpus;
        if (efficiency < least) {
            least = efficiency;
            worst = series->cells[i];
        }
    }
    int judged = isfinite(least);
    struct rp_spread speed_up = rp_figure_ratio(worst, base, "output_tokens_per_s", NULL);
    begin_verdict(md, group, series, "Linear scaling", judged, least >= LINEAR_FROM);
    if (!judged)
        rp_puts(&md->out, "no throughput to compare |\n");
    else
        rp_printf(&md->out, "%s the throughput at %s GPUs where %s would be linear%s |\n",
                  md_spread(&speed_up, AS_TIMES).text, rp_count(worst->gpus).text,
                  rp_times(worst->gpus / base->gpus).text,
                  md_traffic_bound(series) ? "; the traffic brings no more" : "");
}

static void
judge_latency(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    const struct rp_cell *first = series->cells[0], *last = series->cells[series->count - 1], *rise = NULL;
    double worst = 1.005; /* half a percent is level */
    for (size_t i = 1; i < series->count; i++) {
        double ratio = md_latency_mean(series->cells[i]) / md_latency_mean(series->cells[i - 1]);
        if (ratio > worst && rp_differ(series->cells[i], series->cells[i - 1], "latency_ms", "mean")) {
            worst = ratio;
            rise = series->cells[i];
        }
    }
    int judged = isfinite(md_latency_mean(last) / md_latency_mean(first));
    int falls = rise == NULL && md_latency_mean(last) < 0.98 * md_latency_mean(first) &&
                rp_differ(first, last, "latency_ms", "mean");
    begin_verdict(md, group, series, "Latency falls with GPUs", judged, falls);
    if (!judged)
        rp_puts(&md->out, "no latency to compare |\n");
    else if (rise != NULL)
        rp_printf(&md->out, "mean latency rises to %s at %s GPUs, %s of the one before |\n", md_latency_text(rise).text,
                  rp_count(rise->gpus).text, rp_times(worst).text);
    else
        rp_printf(&md->out, "mean latency %s at %s, %s at %s GPUs%s |\n", md_latency_text(first).text,
                  rp_count(first->gpus).text, md_latency_text(last).text, rp_count(last->gpus).text,
                  falls                                          ? ""
                  : rp_differ(first, last, "latency_ms", "mean") ? ", less than 2 % apart"
                                                                 : ", no more apart than noise");
}

static void
judge_efficiency(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    const struct rp_cell *last = series->cells[series->count - 1];
    double most = 0, here = rp_figure(last, "output_tokens_per_s_per_gpu", NULL);
    for (size_t i = 0; i < series->count; i++)
        most = fmax(most, rp_figure(series->cells[i], "output_tokens_per_s_per_gpu", NULL));
    int judged = most > 0 && isfinite(here);
    begin_verdict(md, group, series, "High efficiency", judged, here >= EFFICIENT_FROM * most);
    if (!judged)
        rp_puts(&md->out, "no throughput to compare |\n");
    else
        rp_printf(&md->out, "%s output tokens/s per GPU at %s GPUs, %s of the best (%s); busy %s of the time |\n",
                  md_figure(last, "output_tokens_per_s_per_gpu", NULL, AS_NUMBER).text, rp_count(last->gpus).text,
                  rp_percent(here / most).text, rp_human(most).text, md_share_text(last, "busy_fraction").text);
}

static double
rejected_share(const struct rp_cell *cell)
{
    return rp_figure(cell, "requests_rejected", NULL) / rp_figure(cell, "requests_total", NULL);
}

static void
judge_stability(struct md *md, const struct rp_group *group)
{
    const struct rp_cell *waiting = md_largest(group, md_queue_share, 0);
    double lost = md_sum(group, "requests_failed") + md_sum(group, "requests_unfinished");
    const struct rp_cell *rejecting = md_largest(group, rejected_share, 0);
    double rejected = md_sum(group, "requests_rejected"), most = rejecting != NULL ? rejected_share(rejecting) : 0;
    size_t done = md_cells(group, 1), cells = md_cells(group, 0);
    double share = waiting != NULL ? md_queue_share(waiting) : 0;
    begin_verdict(md, group, NULL, "Stable", 1,
                  done == cells && lost == 0 && most <= REJECTED_UPTO && share <= QUEUE_SHARE &&
                      md_sum(group, "requests_finished") > 0);
    rp_printf(&md->out, "%zu of %zu cells ended, %s of their %s requests failed%s or did not finish", done, cells,
              rp_count(lost).text, rp_count(md_sum(group, "requests_total")).text,
              rejected > 0 ? "" : ", were rejected");
    if (rejected > 0) {
        rp_printf(&md->out, ", %s %s rejected, at most %s of a cell's (", rp_count(rejected).text,
                  rejected > 1 ? "were" : "was", rp_percent(most).text);
        md_label(md, rejecting);
        rp_puts(&md->out, ")");
    }
    if (waiting != NULL && share == 0) {
        rp_puts(&md->out, ", and no request waits");
    } else if (waiting != NULL) {
        rp_printf(&md->out, ", waiting is at most %s of the mean latency (", rp_percent(share).text);
        md_label(md, waiting);
        rp_puts(&md->out, ")");
    }
    rp_puts(&md->out, " |\n");
}

void
md_behaviours(struct md *md)
{
    size_t judged = 0;
    if (md->matrix.group_count == 0)
        return;
    rp_puts(&md->out, "## Four ideal behaviours\n\n| Behaviour | Of | Shown | Figure |\n|---|---|---|---|\n");
    for (size_t g = 0; g < md->matrix.group_count; g++) {
        const struct rp_group *group = &md->matrix.groups[g];
        for (size_t s = 0; s < group->series_count; s++) {
            if (group->series[s].count < 2)
                continue;
            judge_linear(md, group, &group->series[s]);
            judge_latency(md, group, &group->series[s]);
            judge_efficiency(md, group, &group->series[s]);
            judged++;
        }
        judge_stability(md, group);
    }
    rp_puts(&md->out, "\n");
    if (judged == 0)
        rp_puts(&md->out,
                "Linear scaling, latency that falls with GPUs, and high efficiency need cells that differ in their "
                "number of GPUs alone; here there are none.\n\n");
    rp_puts(&md->out,
            "Linear: at least 90 % efficiency at every number of GPUs. Falling: each step lowers the mean latency "
            "or keeps it within 0.5 %, and the largest has at least 2 % less than the smallest, by more than noise. "
            "Efficient: at the largest, a GPU gives at least 80 % of the best. Stable: "
            "every cell ended, at least one request finished, none was lost and at most 1 % of a cell's were rejected, "
            "and waiting is at most 20 % of the mean latency.\n\n");
}
