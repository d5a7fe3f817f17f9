/*
 * report/markdown/sentences.c - what the sentences of the summary, of the advice and of the verdicts share.
 */
#include "report/markdown/sentences.h"

#include <math.h>

double
md_output_rate(const struct rp_cell *cell)
{
    return rp_figure(cell, "output_tokens_per_s", NULL);
}

double
md_latency_mean(const struct rp_cell *cell)
{
    return rp_figure(cell, "latency_ms", "mean");
}

struct rp_word
md_output_text(const struct rp_cell *cell)
{
    return md_figure(cell, "output_tokens_per_s", NULL, AS_NUMBER);
}

struct rp_word
md_latency_text(const struct rp_cell *cell)
{
    return md_figure(cell, "latency_ms", "mean", AS_MS);
}

struct rp_word
md_share_text(const struct rp_cell *cell, const char *key)
{
    return md_figure(cell, key, NULL, AS_PERCENT);
}

const char *
md_plural(double count)
{
    return count == 1 ? "" : "s";
}

void
md_put_subject(struct md *md, const struct rp_cell *cell)
{
    rp_puts(&md->out, "**");
    md_label(md, cell);
    rp_puts(&md->out, "**");
}

int
md_meets(const struct rp_cell *cell)
{
    struct rp_spread met = rp_figure_spread(cell, "slo_attainment", NULL);
    return met.mean - (isfinite(met.half) ? met.half : 0) >= SLO_TARGET;
}

void
md_put_equals(struct md *md, const struct rp_group *group, const struct rp_cell *best, const char *a, const char *b)
{
    size_t named = 0, others = 0;
    for (size_t i = 0; i < group->count && best->members != NULL; i++) {
        const struct rp_cell *cell = group->cells[i];
        if (cell == best || !cell->done || rp_differ(best, cell, a, b))
            continue;
        others++;
        if (named >= 4)
            continue;
        rp_puts(&md->out, named == 0 ? "; no difference larger than noise from " : ", ");
        md_label(md, cell);
        rp_printf(&md->out, " (%s)", md_figure(cell, a, b, b != NULL ? AS_MS : AS_NUMBER).text);
        named++;
    }
    if (others > named)
        rp_printf(&md->out, " and %zu more", others - named);
}

const struct rp_cell *
md_smallest_meeting(const struct rp_group *group)
{
    const struct rp_cell *best = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const struct rp_cell *cell = group->cells[i];
        double met = rp_figure(cell, "slo_attainment", NULL);
        if (md_meets(cell) && (best == NULL || cell->gpus < best->gpus ||
                               (cell->gpus == best->gpus && met > rp_figure(best, "slo_attainment", NULL))))
            best = cell;
    }
    return best;
}

int
md_sizes_differ(const struct rp_group *group)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->cells[i]->done) {
            least = fmin(least, group->cells[i]->gpus);
            most = fmax(most, group->cells[i]->gpus);
        }
    return !group->mixed && least < most;
}

const struct rp_cell *
md_largest(const struct rp_group *group, double (*of)(const struct rp_cell *), double from)
{
    const struct rp_cell *best = NULL;
    for (size_t i = 0; i < group->count; i++) {
        double value = group->cells[i]->done ? of(group->cells[i]) : NAN;
        if (value >= from) {
            best = group->cells[i];
            from = value * (1 + 1e-12);
        }
    }
    return best;
}

void
md_put_traffic_name(struct md *md, const struct rp_group *group)
{
    char load[96];
    rp_puts(&md->out, "**Traffic ");
    md_escape(&md->out, group->title);
    rp_puts(&md->out, "**");
    if (group->cells[0]->load > 0) {
        rp_load_text(load, group->cells[0]);
        rp_printf(&md->out, ", %s", load);
    }
    rp_puts(&md->out, "\n\n");
}
