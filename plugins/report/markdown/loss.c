/*
 * report/markdown/loss.c - the table and the sentences on where the scaling loss goes.
 */
#include "report/common/loss.h"

#include <math.h>

#include "report/markdown/markdown.h"

#define IDLE_IS_THE_LIMIT 0.5 /* share of the loss from which idleness is its main part */

/* "312 (20.1 %)"; what is gained has a minus. */
static void
put_part(struct md *md, double part, double ideal)
{
    double share = fabs(part) / ideal;
    const char *sign = part < 0 ? "−" : "";
    if (share < 1e-4)
        rp_puts(&md->out, " 0 |");
    else
        rp_printf(&md->out, " %s%s (%s%s) |", sign, rp_human(fabs(part)).text, sign, rp_percent(share).text);
}

static void
put_row(struct md *md, const struct rp_cell *cell, const struct rp_loss *loss)
{
    rp_puts(&md->out, "| ");
    md_label(md, cell);
    rp_printf(&md->out, " | %s | %s | %s |", rp_count(cell->gpus).text, rp_human(loss->ideal).text,
              rp_human(loss->actual).text);
    put_part(md, loss->lost, loss->ideal);
    for (size_t i = 0; i < RP_LOSS_PARTS; i++)
        put_part(md, loss->parts[i], loss->ideal);
    rp_puts(&md->out, "\n");
}

static size_t
put_rows(struct md *md, const struct rp_group *group)
{
    struct rp_loss loss;
    size_t rows = 0;
    for (size_t s = 0; s < group->series_count; s++)
        for (size_t i = 1; i < group->series[s].count; i++) {
            const struct rp_cell *cell = group->series[s].cells[i];
            if (!rp_loss_of(&loss, group->series[s].cells[0], cell))
                continue;
            if (rows++ == 0) {
                rp_puts(&md->out, "| Configuration | GPUs | Ideal | Delivered | Lost |");
                for (size_t p = 0; p < RP_LOSS_PARTS; p++)
                    rp_printf(&md->out, " %s |", rp_loss_title(p));
                rp_puts(&md->out, "\n|---|---:|---:|---:|---:|");
                for (size_t p = 0; p < RP_LOSS_PARTS; p++)
                    rp_puts(&md->out, "---:|");
                rp_puts(&md->out, "\n");
            }
            put_row(md, cell, &loss);
        }
    return rows;
}

/* Idle engines: is it the traffic that brings no work, or do requests wait elsewhere? */
static void
say_idle(struct md *md, const struct rp_cell *cell)
{
    double waiting = md_queue_share(cell);
    struct rp_word busy = md_figure(cell, "busy_fraction", NULL, AS_PERCENT);
    if (!(waiting > QUEUE_SHARE)) {
        rp_printf(&md->out,
                  " **The traffic is the limit**: the engines are busy %s of the time and requests wait for %s of "
                  "their latency, so there is no more work to do.",
                  busy.text, rp_percent(isfinite(waiting) ? waiting : 0).text);
    } else {
        rp_printf(&md->out,
                  " Though the engines are busy only %s of the time, requests wait for %s of their latency: the "
                  "load comes in bursts, or ends unevenly.",
                  busy.text, rp_percent(waiting).text);
    }
}

/* One sentence for the largest configuration of a series. */
static void
say_loss(struct md *md, const struct rp_group *group, const struct rp_series *series)
{
    struct rp_loss loss;
    const struct rp_cell *cell = series->cells[series->count - 1];
    if (series->count < 2 || !rp_loss_of(&loss, series->cells[0], cell))
        return;
    size_t largest = rp_loss_largest(&loss);
    rp_puts(&md->out, "- ");
    if (group->series_count > 1 && series->label[0] != '\0') {
        rp_puts(&md->out, "(");
        md_escape(&md->out, series->label);
        rp_puts(&md->out, ") ");
    }
    rp_printf(&md->out, "At %s GPUs a GPU gives ", rp_count(cell->gpus).text);
    if (cell->members != NULL && !rp_differ(cell, series->cells[0], "output_tokens_per_s_per_gpu", NULL)) {
        rp_puts(&md->out, "as much as in the smallest configuration: there is no loss larger than noise.\n");
        return;
    }
    if (loss.lost > 0 && loss.lost < 0.02 * loss.ideal) {
        rp_printf(&md->out, "%s output tokens/s of an ideal %s: next to nothing is lost.\n", rp_human(loss.actual).text,
                  rp_human(loss.ideal).text);
        return;
    }
    if (largest == RP_LOSS_PARTS) {
        rp_printf(&md->out, "%s output tokens/s, no less than the %s of the smallest configuration.\n",
                  rp_human(loss.actual).text, rp_human(loss.ideal).text);
        return;
    }
    rp_printf(&md->out, "%s output tokens/s of an ideal %s; most of what is lost goes to **%s**, %s of the ideal",
              rp_human(loss.actual).text, rp_human(loss.ideal).text, rp_loss_name(largest),
              rp_percent(loss.parts[largest] / loss.ideal).text);
    double gain = 0;
    for (size_t i = 0; i < RP_LOSS_PARTS; i++)
        gain -= fmin(0, loss.parts[i]);
    if (gain > 0.01 * loss.ideal)
        rp_printf(&md->out, " (other kinds of time gain %s)", rp_percent(gain / loss.ideal).text);
    rp_puts(&md->out, ".");
    if (largest == RP_LOSS_IDLE && loss.parts[largest] >= IDLE_IS_THE_LIMIT * loss.lost)
        say_idle(md, cell);
    rp_puts(&md->out, "\n");
}

int
md_loss_table(struct md *md, const struct rp_group *group)
{
    size_t before = md->out.length;
    rp_puts(&md->out, "### Where the scaling loss goes\n\nOutput tokens/s per GPU, and in brackets the share of the "
                      "ideal: what a GPU of the smallest configuration gives. A minus is a gain.\n\n");
    if (put_rows(md, group) == 0) {
        if (!md->out.failed)
            md->out.length = before;
        return 0;
    }
    rp_puts(&md->out, "\n");
    for (size_t s = 0; s < group->series_count; s++)
        say_loss(md, group, &group->series[s]);
    rp_puts(&md->out, "\n");
    return 1;
}
