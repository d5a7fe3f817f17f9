/*
 * report/markdown/outages.c - the section on failures inside of the simulation, shown where a configuration has them:
 * how much of the time replicas were up, what became of requests, and what that cost against the same without failures;
 * what it costs to notice a death late; and which router suffers least from a straggler.
 */
#include <math.h>

#include "report/markdown/markdown.h"

/* A configuration with failures, and the same without: NULL where there is none. */
struct outage_row {
    const struct rp_cell *cell, *sound;
};

/* What is compared with the sound configuration; goodput only where a service level is stated. */
static const struct figure {
    const char *a, *b, *words;
} figures[] = {
    {"goodput_requests_per_s", NULL, "goodput"},
    {"latency_ms", "mean", "mean latency"},
    {"ttft_ms", "p99", "P99 of TTFT"},
};
#define FIGURES (sizeof figures / sizeof figures[0])

static double
count_of(const struct rp_cell *cell, const char *name)
{
    return rp_figure(cell, "failures", name);
}

/* Over replicates a count may be a fraction. */
static struct rp_word
word_of(const struct rp_cell *cell, const char *name)
{
    double count = count_of(cell, name);
    return md_figure(cell, "failures", name, count == floor(count) ? AS_COUNT : AS_NUMBER);
}

/* The axis along which failures change: the one by that name, or RP_NONE. */
static size_t
axis_of_failures(const struct md *md)
{
    for (size_t a = 0; a < md->results.axis_count; a++)
        if (strncmp(md->results.axes[a].name, "failures", 8) == 0)
            return a;
    return RP_NONE;
}

static const struct rp_cell *
sound_twin(const struct md *md, const struct rp_cell *cell, size_t axis)
{
    for (size_t i = 0; axis != RP_NONE && i < md->results.count; i++) {
        const struct rp_cell *other = &md->results.cells[i];
        if (other->done && !isfinite(count_of(other, "deaths")) && md_twins(md, cell, other, axis))
            return other;
    }
    return NULL;
}

static size_t
find_rows(const struct md *md, struct outage_row *rows, size_t axis)
{
    size_t count = 0;
    for (size_t i = 0; i < md->results.count; i++) {
        const struct rp_cell *cell = &md->results.cells[i];
        if (cell->done && isfinite(count_of(cell, "deaths")))
            rows[count++] = (struct outage_row){cell, sound_twin(md, cell, axis)};
    }
    return count;
}

static void
put_name(struct md *md, const struct rp_cell *cell, size_t axis)
{
    if (axis != RP_NONE)
        md_put_values(md, cell, axis);
    else
        md_label(md, cell);
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static void
put_row(struct md *md, const struct outage_row *row, size_t axis)
{
    const struct rp_cell *cell = row->cell;
    rp_puts(&md->out, "| ");
    put_name(md, cell, axis);
    rp_printf(&md->out, " | %s | %s | %s |", md_figure(cell, "failures", "availability", AS_PERCENT).text,
              word_of(cell, "deaths").text, md_figure(cell, "failures", "unnoticed_s", AS_NUMBER).text);
    rp_printf(&md->out, " %s | %s | %s |", word_of(cell, "stragglers").text, word_of(cell, "requests_retried").text,
              word_of(cell, "requests_failed").text);
    for (size_t f = 0; f < FIGURES; f++) {
        struct rp_spread ratio = {NAN, NAN, NAN, 0};
        if (row->sound != NULL)
            ratio = rp_figure_ratio(cell, row->sound, figures[f].a, figures[f].b);
        rp_printf(&md->out, " %s | %s |", md_figure(cell, figures[f].a, figures[f].b, AS_NUMBER).text,
                  md_spread(&ratio, AS_TIMES).text);
    }
    rp_puts(&md->out, "\n");
}

/* ---- sentences -------------------------------------------------------------------------------------------------- */

/* "goodput is 0.94× and mean latency 1.29× what it is without failures" */
static void
say_cost(struct md *md, const struct rp_cell *cell, const struct rp_cell *before, const char *whose)
{
    size_t said = 0;
    for (size_t f = 0; f < FIGURES; f++) {
        struct rp_spread ratio = rp_figure_ratio(cell, before, figures[f].a, figures[f].b);
        if (!isfinite(ratio.mean))
            continue;
        rp_printf(&md->out, "%s%s %s", said++ > 0 ? ", " : "", figures[f].words, md_spread(&ratio, AS_TIMES).text);
    }
    rp_printf(&md->out, " of what it is %s.\n", whose);
}

static void
say_row(struct md *md, const struct outage_row *row, size_t axis)
{
    const struct rp_cell *cell = row->cell;
    rp_puts(&md->out, "- **");
    put_name(md, cell, axis);
    rp_puts(&md->out, "**: ");
    if (count_of(cell, "deaths") > 0)
        rp_printf(&md->out, "deaths: %s, replicas are up %s of the time; requests sent again: %s, failed: %s; ",
                  word_of(cell, "deaths").text, md_figure(cell, "failures", "availability", AS_PERCENT).text,
                  word_of(cell, "requests_retried").text, word_of(cell, "requests_failed").text);
    say_cost(md, cell, row->sound, "without failures");
}

/* The same but for how long deaths went unnoticed: they are as many, and as many requests fail. */
static int
is_noticed_later(const struct md *md, const struct rp_cell *late, const struct rp_cell *early, size_t axis)
{
    return md_twins(md, late, early, axis) && count_of(early, "deaths") > 0 &&
           count_of(early, "deaths") == count_of(late, "deaths") &&
           count_of(early, "requests_failed") == count_of(late, "requests_failed") &&
           count_of(early, "stragglers") == count_of(late, "stragglers") &&
           count_of(early, "unnoticed_s") < count_of(late, "unnoticed_s");
}

static void
say_detection(struct md *md, const struct outage_row *rows, size_t count, size_t axis)
{
    for (size_t i = 0; i < count && axis != RP_NONE; i++)
        for (size_t j = 0; j < count; j++) {
            const struct rp_cell *late = rows[i].cell, *early = rows[j].cell;
            if (!is_noticed_later(md, late, early, axis))
                continue;
            rp_puts(&md->out, "- To notice deaths late, as **");
            put_name(md, late, axis);
            rp_printf(&md->out, "** does (a death goes unnoticed for %s on average, against %s): ",
                      rp_duration(count_of(late, "unnoticed_s") / count_of(late, "deaths")).text,
                      rp_duration(count_of(early, "unnoticed_s") / count_of(early, "deaths")).text);
            say_cost(md, late, early, "when they are noticed earlier");
        }
}

/* Of the configurations that differ in their router alone, the one that a straggler costs least, and the one most. */
static void
say_stragglers(struct md *md, const struct outage_row *rows, size_t count, size_t axis, size_t routers)
{
    const struct figure *figure = &figures[1];
    for (size_t i = 0; i < count && routers != RP_NONE; i++) {
        const struct outage_row *best = NULL, *worst = NULL;
        int first = 1;
        for (size_t j = 0; j < count; j++) {
            const struct outage_row *row = &rows[j];
            int same = row->sound != NULL && md_twins(md, rows[i].cell, row->cell, routers);
            if (!same || !(count_of(row->cell, "stragglers") > 0) || count_of(row->cell, "deaths") > 0)
                continue;
            first = first && j >= i;
            double ratio = rp_figure_ratio(row->cell, row->sound, figure->a, figure->b).mean;
            if (best == NULL || ratio < rp_figure_ratio(best->cell, best->sound, figure->a, figure->b).mean)
                best = row;
            if (worst == NULL || ratio > rp_figure_ratio(worst->cell, worst->sound, figure->a, figure->b).mean)
                worst = row;
        }
        if (!first || best == worst || best == NULL)
            continue;
        struct rp_spread low = rp_figure_ratio(best->cell, best->sound, figure->a, figure->b);
        struct rp_spread high = rp_figure_ratio(worst->cell, worst->sound, figure->a, figure->b);
        rp_puts(&md->out, "- A straggler costs **");
        put_name(md, best->cell, axis);
        rp_printf(&md->out, "** least: %s %s of what it is without, against %s in **", figure->words,
                  md_spread(&low, AS_TIMES).text, md_spread(&high, AS_TIMES).text);
        put_name(md, worst->cell, axis);
        rp_puts(&md->out, "**.\n");
    }
}

static void
put_section(struct md *md, const struct outage_row *rows, size_t count, size_t axis)
{
    rp_puts(
        &md->out,
        "## Failures of replicas\n\nHow much of the time are replicas up, what becomes of requests, and what does it "
        "cost against the same configuration without failures?\n\n| Configuration | Replicas up | Deaths "
        "| Dead and unnoticed (s) | Stragglers | Requests sent again | Failed | Goodput (requests/s) | "
        "Without failures | Latency mean (ms) | Without failures | TTFT P99 (ms) | Without failures "
        "|\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++)
        put_row(md, &rows[i], axis);
    rp_puts(&md->out, "\n");
    for (size_t i = 0; i < count; i++)
        if (rows[i].sound != NULL)
            say_row(md, &rows[i], axis);
    say_detection(md, rows, count, axis);
    say_stragglers(md, rows, count, axis, rp_router_axis(&md->results));
    rp_puts(&md->out,
            "\nLatencies are of requests that finish: where many fail, those that are left may be faster than "
            "without failures. Each death is a row of the cell's `failures.csv`.\n\n");
}

int
md_outages(struct md *md, struct servsim_error *err)
{
    size_t axis = axis_of_failures(md);
    struct outage_row *rows = calloc(md->results.count + 1, sizeof *rows);
    if (rows == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory for its failures", md->folder);
    size_t count = find_rows(md, rows, axis);
    if (count > 0)
        put_section(md, rows, count, axis);
    free(rows);
    return 0;
}
