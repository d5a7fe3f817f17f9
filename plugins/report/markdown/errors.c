/*
 * report/markdown/errors.c - the section on predictors: how far off they were, beside persistence on the same requests
 * and minutes.
 */
#include <math.h>

#include "report/markdown/markdown.h"

static int
has_predictor(const struct rp_cell *cell)
{
    return isfinite(rp_figure(cell, "predictor", "predictions"));
}

/* "the predictor's (persistence's)" */
static void
put_beside(struct md *md, const struct rp_cell *cell, const char *figure, uint32_t as)
{
    char yardstick[64];
    (void)snprintf(yardstick, sizeof yardstick, "persistence_%s", figure);
    rp_printf(&md->out, " | %s (%s)", md_figure(cell, "predictor", figure, as).text,
              md_figure(cell, "predictor", yardstick, as).text);
}

/* All that varies: groups are side by side here. */
static void
put_name(struct md *md, const struct rp_cell *cell)
{
    if (md->results.axis_count > 0)
        md_put_values(md, cell, 0);
    else
        md_label(md, cell);
}

static void
put_lengths_row(struct md *md, const struct rp_cell *cell)
{
    rp_puts(&md->out, "| ");
    put_name(md, cell);
    put_beside(md, cell, "lengths_mae", AS_NUMBER);
    put_beside(md, cell, "lengths_rmse", AS_NUMBER);
    put_beside(md, cell, "lengths_r2", AS_NUMBER);
    put_beside(md, cell, "lengths_bucket_accuracy", AS_PERCENT);
    rp_printf(&md->out, " | %s | %s | %s |\n", md_figure(cell, "predictor", "order", AS_NUMBER).text,
              md_figure(cell, "predictor", "predictions", AS_COUNT).text,
              md_figure(cell, "predictor", "history_requests", AS_COUNT).text);
}

static void
put_traffic_row(struct md *md, const struct rp_cell *cell)
{
    rp_puts(&md->out, "| ");
    put_name(md, cell);
    put_beside(md, cell, "requests_mae_1", AS_NUMBER);
    put_beside(md, cell, "requests_r2_1", AS_NUMBER);
    put_beside(md, cell, "requests_mae_3", AS_NUMBER);
    put_beside(md, cell, "prompt_tokens_mae_1", AS_NUMBER);
    put_beside(md, cell, "output_tokens_mae_1", AS_NUMBER);
    put_beside(md, cell, "burst_f1_1", AS_NUMBER);
    rp_printf(&md->out, " | %s |\n", md_figure(cell, "predictor", "forecasts", AS_COUNT).text);
}

static size_t
put_rows(struct md *md, const char *figure, void (*row)(struct md *md, const struct rp_cell *cell))
{
    size_t count = 0;
    for (size_t i = 0; i < md->results.count; i++)
        if (rp_figure(&md->results.cells[i], "predictor", figure) > 0) {
            if (row != NULL)
                row(md, &md->results.cells[i]);
            count++;
        }
    return count;
}

void
md_errors(struct md *md)
{
    size_t count = 0;
    for (size_t i = 0; i < md->results.count; i++)
        count += (size_t)has_predictor(&md->results.cells[i]);
    if (count == 0)
        return;
    rp_puts(&md->out,
            "## Predictors\n\nHow far off were they? In brackets persistence (the next is as the last), on the same "
            "requests and minutes.\n\n| Configuration | Length MAE (tokens) | RMSE (tokens) | R² | Right bucket | "
            "Order | Predictions | Learned before the run |\n|---|---:|---:|---:|---:|---:|---:|---:|\n");
    (void)put_rows(md, "predictions", put_lengths_row);
    if (put_rows(md, "forecasts", NULL) > 0) {
        rp_puts(&md->out,
                "\n| Configuration | Requests of the next minute, MAE | R² | of the third, MAE | Prompt tokens, MAE | "
                "Output tokens, MAE | Burst F1 | Forecasts |\n|---|---:|---:|---:|---:|---:|---:|---:|\n");
        (void)put_rows(md, "forecasts", put_traffic_row);
    }
    rp_puts(
        &md->out,
        "\nBuckets of lengths end at 16, 32, 64 and so on. The order is Kendall's over the last 256 outcomes: 1 when "
        "all pairs were predicted in their true order, 0 when no better than lots. A minute is a burst when more "
        "than twice as many requests come as on average over the 60 minutes before it. Every figure for each "
        "channel and each of the three minutes is in `results.json`; seconds that prediction took are in each "
        "cell's `run.json`.\n\n");
}
