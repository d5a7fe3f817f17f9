/*
 * report/markdown/words.c - the small change of the report: user's texts made harmless, figures as people read them,
 * and figures over the cells of a group.
 */
#include <math.h>

#include "report/markdown/markdown.h"

void
md_escape(struct rp_text *out, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        char c = text[i];
        /* An underscore inside a word is plain text; at its border it would begin or end emphasis. */
        int border = c == '_' && (i == 0 || text[i - 1] == ' ' || text[i + 1] == '\0' || text[i + 1] == ' ');
        if ((unsigned char)c < 0x20 || c == 0x7f)
            rp_puts(out, " ");
        else if (c == '<')
            rp_puts(out, "&lt;");
        else if (c == '>')
            rp_puts(out, "&gt;");
        else if (c == '&')
            rp_puts(out, "&amp;");
        else if (border || strchr("\\|`*[]~#$", c) != NULL)
            rp_printf(out, "\\%c", c);
        else
            rp_add(out, &c, 1);
    }
}

void
md_label(struct md *md, const struct rp_cell *cell)
{
    md_escape(&md->out, rp_label(&md->matrix, cell));
}

size_t
md_done(const struct rp_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        count += group->cells[i]->done != 0;
    return count;
}

size_t
md_cells(const struct rp_group *group, int done)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        count += done ? rp_members_done(group->cells[i]) : rp_member_count(group->cells[i]);
    return count;
}

int
md_replicated(const struct md *md)
{
    return rp_is_folded(&md->results);
}

struct rp_word
md_word(double value, uint32_t as)
{
    return as == AS_PERCENT ? rp_percent(value)
           : as == AS_COUNT ? rp_count(value)
           : as == AS_TIMES ? rp_times(value)
           : as == AS_MS    ? rp_milliseconds(value)
                            : rp_human(value);
}

struct rp_word
md_spread(const struct rp_spread *spread, uint32_t as)
{
    struct rp_word mean = md_word(spread->mean, as), out;
    int in_ms = as == AS_MS && spread->mean < 999.5 && spread->mean != 0;
    const char *unit = as == AS_PERCENT ? " %" : as == AS_TIMES ? "×" : as != AS_MS ? "" : in_ms ? " ms" : " s";
    double scale = as == AS_PERCENT ? 100 : as == AS_MS && !in_ms ? 1e-3 : 1, half = scale * spread->half;
    if (!isfinite(half) || spread->half < 1e-4 * fabs(spread->mean)) /* less than the digits shown */
        return mean;
    if (as == AS_MS && spread->mean >= 99.95e3)
        (void)snprintf(out.text, sizeof out.text, "%.22s ± %.20s", mean.text, rp_milliseconds(spread->half).text);
    else
        (void)snprintf(out.text, sizeof out.text, "%.20s ± %.18s%.4s", rp_beside(scale * spread->mean, half).text,
                       rp_rough(half).text, unit);
    return out;
}

struct rp_word
md_figure(const struct rp_cell *cell, const char *a, const char *b, uint32_t as)
{
    struct rp_spread spread = rp_figure_spread(cell, a, b);
    return md_spread(&spread, as);
}

const struct rp_cell *
md_best(const struct rp_group *group, const char *a, const char *b, double sign)
{
    const struct rp_cell *best = NULL;
    double value = INFINITY;
    for (size_t i = 0; i < group->count; i++) {
        double here = sign * rp_figure(group->cells[i], a, b);
        if (here < value) {
            value = here;
            best = group->cells[i];
        }
    }
    return best;
}

double
md_queue_share(const struct rp_cell *cell)
{
    double latency_ms = rp_figure(cell, "latency_ms", "mean");
    return latency_ms > 0 ? rp_figure(cell, "queue_ms", "mean") / latency_ms : NAN;
}

double
md_sum(const struct rp_group *group, const char *key)
{
    double sum = 0;
    for (size_t i = 0; i < group->count; i++)
        sum += rp_total(group->cells[i], key);
    return sum;
}

int
md_traffic_bound(const struct rp_series *series)
{
    double first = rp_figure(series->cells[0], "output_tokens_per_s", NULL);
    double last = rp_figure(series->cells[series->count - 1], "output_tokens_per_s", NULL);
    return series->count > 1 && last < 1.1 * first && rp_figure(series->cells[0], "busy_fraction", NULL) < 0.9;
}
