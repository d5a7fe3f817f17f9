/*
 * report/markdown/predict.c - the section on predictive scheduling, shown where an experiment has the scheduler
 * predictive beside fcfs: where it gains, where it loses, by how much, and what is behind it.
 */
#include <math.h>

#include "report/common/order.h"
#include "report/markdown/markdown.h"

/* A configuration with predictive, and what fcfs does in its place. */
struct pair {
    const struct rp_cell *cell, *fcfs;
    const struct pair *perfect; /* the same with perfect predictions; itself where it has them; NULL: there is none */
    struct rp_spread order[RP_ORDER_FIGURES], fcfs_order[RP_ORDER_FIGURES];
};

struct pairs {
    struct pair *items;
    size_t count;
    size_t schedulers, predictors; /* axes; RP_NONE: there is none */
};

/* What is compared. */
static const struct figure {
    const char *a, *b, *words;
} figures[] = {
    {"ttft_ms", "mean", "mean TTFT"},         {"latency_ms", "mean", "mean latency"},
    {"ttft_ms", "p99", "P99 of TTFT"},        {"latency_ms", "p99", "P99 of latency"},
    {"latency_ms", "max", "longest latency"},
};
#define FIGURES (sizeof figures / sizeof figures[0])

static size_t
axis_named(const struct md *md, const char *name)
{
    for (size_t a = 0; a < md->results.axis_count; a++)
        if (strncmp(md->results.axes[a].name, name, strlen(name)) == 0 && md->results.axes[a].count > 1)
            return a;
    return RP_NONE;
}

/* ---- the pairs -------------------------------------------------------------------------------------------------- */

static const struct rp_cell *
fcfs_for(const struct md *md, const struct rp_cell *cell, size_t schedulers)
{
    for (size_t i = 0; i < md->results.count; i++) {
        const struct rp_cell *other = &md->results.cells[i];
        if (other->done && strcmp(other->scheduler, "fcfs") == 0 && md_twins(md, cell, other, schedulers))
            return other;
    }
    return NULL;
}

static int
is_perfect(const struct md *md, const struct pairs *pairs, const struct pair *pair)
{
    size_t value = pairs->predictors != RP_NONE ? pair->cell->values[pairs->predictors] : RP_NONE;
    return value != RP_NONE && strncmp(md->results.axes[pairs->predictors].values[value], "perfect", 7) == 0;
}

static void
find_perfect(const struct md *md, struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        for (size_t j = 0; j < pairs->count; j++)
            if (is_perfect(md, pairs, &pairs->items[j]) &&
                md_twins(md, pairs->items[i].cell, pairs->items[j].cell, pairs->predictors))
                pairs->items[i].perfect = &pairs->items[j];
}

static int
find_pairs(struct md *md, struct pairs *pairs, struct servsim_error *err)
{
    for (size_t i = 0; i < md->results.count; i++) {
        const struct rp_cell *cell = &md->results.cells[i], *fcfs = NULL;
        if (cell->done && strcmp(cell->scheduler, "predictive") == 0)
            fcfs = fcfs_for(md, cell, pairs->schedulers);
        if (fcfs == NULL)
            continue;
        struct pair *pair = &pairs->items[pairs->count++];
        *pair = (struct pair){.cell = cell, .fcfs = fcfs};
        int status = rp_order_spread(pair->order, cell, err);
        if (status == 0)
            status = rp_order_spread(pair->fcfs_order, fcfs, err);
        if (status != 0)
            return status;
    }
    find_perfect(md, pairs);
    return 0;
}

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static struct rp_spread
ratio_of(const struct pair *pair, const struct figure *figure)
{
    return rp_figure_ratio(pair->cell, pair->fcfs, figure->a, figure->b);
}

/* -1: lower than with fcfs, 1: higher, 0: not told apart; by the interval of the ratio, where there is one. */
static int
direction_of(const struct pair *pair, const struct figure *figure)
{
    struct rp_spread ratio = ratio_of(pair, figure);
    double half = isfinite(ratio.half) ? ratio.half : 0;
    return ratio.mean + half < 1 ? -1 : ratio.mean - half > 1 ? 1 : 0;
}

/* Of what perfect predictions gain in a mean, how much does this one gain? Replicate by replicate. */
static struct rp_spread
kept_of(const struct pair *pair, const struct figure *figure)
{
    struct rp_spread kept = {NAN, NAN, NAN, 0};
    size_t members = rp_member_count(pair->cell), count = 0;
    double *gains = calloc(2 * members + 1, sizeof *gains);
    for (size_t i = 0; i < members && gains != NULL; i++) {
        double fcfs = rp_figure(rp_member(pair->fcfs, i), figure->a, figure->b);
        double gain = fcfs - rp_figure(rp_member(pair->cell, i), figure->a, figure->b);
        double most = fcfs - rp_figure(rp_member(pair->perfect->cell, i), figure->a, figure->b);
        if (!isfinite(gain + most))
            continue;
        gains[count] = gain;
        gains[members + count++] = most;
    }
    if (count > 0)
        kept = rp_spread_ratio(gains, gains + members, count);
    free(gains);
    return kept;
}

static double
redone(const struct rp_cell *cell)
{
    return rp_figure(cell, "recomputed_tokens", NULL) / rp_figure(cell, "prefill_tokens_computed", NULL);
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/* "oracle / load_08": all values but the scheduler's, since that is the same in every row. */
static void
put_name(struct md *md, const struct pairs *pairs, const struct pair *pair)
{
    size_t put = 0;
    for (size_t a = 0; a < md->results.axis_count; a++) {
        size_t axis = md->results.axis_count - 1 - a;
        if (axis == pairs->schedulers || md->results.axes[axis].count < 2 || pair->cell->values[axis] == RP_NONE)
            continue;
        rp_puts(&md->out, put++ > 0 ? " / " : "");
        md_escape(&md->out, md->results.axes[axis].values[pair->cell->values[axis]]);
    }
    if (put == 0)
        md_label(md, pair->cell);
}

static void
put_gain_row(struct md *md, const struct pairs *pairs, const struct pair *pair)
{
    rp_puts(&md->out, "| ");
    put_name(md, pairs, pair);
    rp_puts(&md->out, " |");
    for (size_t f = 0; f < FIGURES; f++) {
        struct rp_spread ratio = ratio_of(pair, &figures[f]);
        if (f < 2)
            rp_printf(&md->out, " %s | %s |", md_figure(pair->fcfs, figures[f].a, figures[f].b, AS_NUMBER).text,
                      md_figure(pair->cell, figures[f].a, figures[f].b, AS_NUMBER).text);
        rp_printf(&md->out, " %s |", md_spread(&ratio, AS_TIMES).text);
    }
    rp_puts(&md->out, "\n");
}

static void
put_reason_row(struct md *md, const struct pairs *pairs, const struct pair *pair)
{
    const struct rp_cell *cell = pair->cell, *fcfs = pair->fcfs;
    rp_puts(&md->out, "| ");
    put_name(md, pairs, pair);
    rp_printf(&md->out, " | %s | %s | %s | %s |", md_figure(fcfs, "preemptions", NULL, AS_COUNT).text,
              md_figure(cell, "preemptions", NULL, AS_COUNT).text, rp_percent(redone(fcfs)).text,
              rp_percent(redone(cell)).text);
    rp_printf(&md->out, " %s | %s | %s | %s |", md_figure(fcfs, "waiting_mean", NULL, AS_NUMBER).text,
              md_figure(cell, "waiting_mean", NULL, AS_NUMBER).text,
              md_figure(fcfs, "output_tokens_per_s", NULL, AS_NUMBER).text,
              md_figure(cell, "output_tokens_per_s", NULL, AS_NUMBER).text);
    for (size_t f = 0; f < RP_ORDER_FIGURES; f++)
        rp_printf(&md->out, " %s | %s |", md_spread(&pair->fcfs_order[f], AS_NUMBER).text,
                  md_spread(&pair->order[f], AS_NUMBER).text);
    rp_puts(&md->out, "\n");
}

/* ---- sentences -------------------------------------------------------------------------------------------------- */

/* "the mean TTFT is lower than with fcfs in 11 of 12 configurations and higher in none" */
static void
say_count(struct md *md, const struct pairs *pairs, const struct figure *figure)
{
    size_t lower = 0, higher = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        lower += direction_of(&pairs->items[i], figure) < 0;
        higher += direction_of(&pairs->items[i], figure) > 0;
    }
    rp_printf(&md->out, "- The %s is lower than with fcfs in %zu of %zu configurations and higher in %zu.\n",
              figure->words, lower, pairs->count, higher);
}

/* All figures that move one way: "gains: mean TTFT from 3 s to 1 s (0.33×), ...". */
static size_t
say_moves(struct md *md, const struct pair *pair, int direction, const char *word)
{
    size_t said = 0;
    for (size_t f = 0; f < FIGURES; f++)
        if (direction_of(pair, &figures[f]) == direction) {
            struct rp_spread ratio = ratio_of(pair, &figures[f]);
            rp_printf(&md->out, "%s%s from %s to %s (%s)", said++ > 0 ? ", " : word, figures[f].words,
                      md_figure(pair->fcfs, figures[f].a, figures[f].b, AS_MS).text,
                      md_figure(pair->cell, figures[f].a, figures[f].b, AS_MS).text, md_spread(&ratio, AS_TIMES).text);
        }
    return said;
}

static void
say_reasons(struct md *md, const struct pair *pair)
{
    const struct rp_cell *cell = pair->cell, *fcfs = pair->fcfs;
    if (rp_figure(fcfs, "preemptions", NULL) + rp_figure(cell, "preemptions", NULL) > 0)
        rp_printf(&md->out,
                  " Preemptions go from %s to %s and work done again from %s to %s of all prefill, output from %s to "
                  "%s tokens/s.",
                  md_figure(fcfs, "preemptions", NULL, AS_COUNT).text,
                  md_figure(cell, "preemptions", NULL, AS_COUNT).text, rp_percent(redone(fcfs)).text,
                  rp_percent(redone(cell)).text, md_figure(fcfs, "output_tokens_per_s", NULL, AS_NUMBER).text,
                  md_figure(cell, "output_tokens_per_s", NULL, AS_NUMBER).text);
    if (isfinite(pair->order[RP_ORDER_LONG].mean))
        rp_printf(&md->out,
                  " In the queue, the half of the requests with the fewest tokens waits %s instead of %s, the tenth "
                  "with the most %s instead of %s.",
                  md_spread(&pair->order[RP_ORDER_SHORT], AS_MS).text,
                  md_spread(&pair->fcfs_order[RP_ORDER_SHORT], AS_MS).text,
                  md_spread(&pair->order[RP_ORDER_LONG], AS_MS).text,
                  md_spread(&pair->fcfs_order[RP_ORDER_LONG], AS_MS).text);
}

static void
say_kept(struct md *md, const struct pair *pair)
{
    size_t said = 0;
    for (size_t f = 0; f < 2 && pair->perfect != NULL && pair->perfect != pair; f++) {
        struct rp_spread kept = kept_of(pair, &figures[f]);
        if (direction_of(pair->perfect, &figures[f]) >= 0 || !isfinite(kept.mean))
            continue;
        rp_puts(&md->out, said++ > 0 ? ", and " : " Of what perfect predictions gain it has ");
        rp_printf(&md->out, "%s in %s", md_spread(&kept, AS_PERCENT).text, figures[f].words);
    }
    rp_puts(&md->out, said > 0 ? "." : "");
}

/* Every figure the same, in every replicate. */
static int
is_same(const struct pair *pair)
{
    for (size_t f = 0; f < FIGURES; f++) {
        struct rp_spread ratio = ratio_of(pair, &figures[f]);
        if (fabs(ratio.mean - 1) > 1e-12 || ratio.half > 1e-12)
            return 0;
    }
    return 1;
}

static void
say_pair(struct md *md, const struct pairs *pairs, const struct pair *pair)
{
    rp_puts(&md->out, "- **");
    put_name(md, pairs, pair);
    if (is_same(pair)) {
        rp_puts(&md->out, "** does what fcfs does: each of these figures is the same.\n");
        return;
    }
    rp_puts(&md->out, "**");
    size_t gains = say_moves(md, pair, -1, " gains: ");
    size_t losses = say_moves(md, pair, 1, gains > 0 ? "; it loses: " : " loses: ");
    rp_puts(&md->out, gains + losses > 0 ? "." : " does no better and no worse beyond noise.");
    say_kept(md, pair);
    say_reasons(md, pair);
    rp_puts(&md->out, "\n");
}

static void
put_predictions(struct md *md, const struct pairs *pairs)
{
    rp_puts(&md->out,
            "## Predictive scheduling\n\nWhat does ordering and admitting by predicted work gain over first come, "
            "first served; where does it lose, and why?\n\n| Configuration | TTFT mean, fcfs (ms) | predictive (ms) | "
            "Against fcfs | Latency mean, fcfs (ms) | predictive (ms) | Against fcfs | TTFT P99 against fcfs | Latency "
            "P99 against fcfs | Longest latency against fcfs |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < pairs->count; i++)
        put_gain_row(md, pairs, &pairs->items[i]);
    rp_puts(
        &md->out,
        "\nWhat is behind it:\n\n| Configuration | Preemptions, fcfs | predictive | Recomputed of all prefill, fcfs "
        "| predictive | Waiting mean, fcfs (requests) | predictive | Output, fcfs (tokens/s) | predictive (tokens/s) "
        "| Short half waits, fcfs (ms) | predictive (ms) | Longest tenth waits, fcfs (ms) | predictive (ms) "
        "|\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < pairs->count; i++)
        put_reason_row(md, pairs, &pairs->items[i]);
    rp_puts(&md->out, "\n");
    for (size_t f = 0; f < FIGURES; f++)
        say_count(md, pairs, &figures[f]);
    for (size_t i = 0; i < pairs->count; i++)
        say_pair(md, pairs, &pairs->items[i]);
    rp_puts(&md->out,
            "\nThe short half are the finished requests with the fewest prompt and output tokens, the longest tenth "
            "those with the most; their times in the queue are computed from `requests.csv`. With replicates, a figure "
            "is lower or higher where the 95 % interval of the ratio, replicate by replicate, leaves out 1.\n\n");
}

int
md_predictions(struct md *md, struct servsim_error *err)
{
    struct pairs pairs = {.schedulers = axis_named(md, "scheduler"), .predictors = axis_named(md, "predictor")};
    if (pairs.schedulers == RP_NONE)
        return 0;
    pairs.items = calloc(md->results.count + 1, sizeof *pairs.items);
    int status = pairs.items != NULL ? find_pairs(md, &pairs, err)
                                     : servsim_fail(err, ENOMEM, "%s: no memory for its schedulers", md->folder);
    if (status == 0 && pairs.count > 0)
        put_predictions(md, &pairs);
    free(pairs.items);
    return status;
}
