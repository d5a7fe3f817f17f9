/*
 * report/common/replicates.c - the replicates of a configuration as one cell, and its figures with their spread.
 */
#include <math.h>

#include "report/common/number.h"
#include "report/common/results.h"

int
rp_is_folded(const struct rp_results *results)
{
    return results->cells != NULL && results->cells != results->parts;
}

size_t
rp_member_count(const struct rp_cell *cell)
{
    return cell->members != NULL ? cell->member_count : 1;
}

const struct rp_cell *
rp_member(const struct rp_cell *cell, size_t index)
{
    return cell->members != NULL ? cell->members[index] : cell;
}

size_t
rp_members_done(const struct rp_cell *cell)
{
    size_t done = 0;
    for (size_t i = 0; i < rp_member_count(cell); i++)
        done += rp_member(cell, i)->done != 0;
    return done;
}

/* ---- folding ---------------------------------------------------------------------------------------------------- */

/* The mean of one value over several summaries: of numbers; member by member of objects and of equally long lists;
   anything else is the first's. */
static json_t *
merged(json_t *const *values, size_t count)
{
    json_t *first = NULL, **inner = calloc(count + 1, sizeof(json_t *));
    double sum = 0;
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++) {
        if (first == NULL || json_is_null(first))
            first = values[i];
        sum += json_is_number(values[i]) ? json_number_value(values[i]) : 0;
        numbers += json_is_number(values[i]) != 0;
    }
    json_t *out = json_is_number(first)   ? json_real(sum / (double)numbers)
                  : json_is_object(first) ? json_object()
                  : json_is_array(first)  ? json_array()
                                          : json_incref(first);
    const char *key;
    json_t *child;
    json_object_foreach(json_is_object(first) && inner != NULL ? first : NULL, key, child)
    {
        for (size_t i = 0; i < count; i++)
            inner[i] = json_object_get(values[i], key);
        (void)json_object_set_new(out, key, merged(inner, count));
    }
    int even = json_is_array(first) && inner != NULL;
    for (size_t i = 0; i < count && even; i++)
        even = json_array_size(values[i]) == json_array_size(first);
    for (size_t at = 0; even && at < json_array_size(first); at++) {
        for (size_t i = 0; i < count; i++)
            inner[i] = json_array_get(values[i], at);
        (void)json_array_append_new(out, merged(inner, count));
    }
    free(inner);
    return out;
}

static json_t *
mean_summary(const struct rp_cell *cell)
{
    json_t **summaries = calloc(cell->member_count + 1, sizeof(json_t *));
    size_t count = 0;
    for (size_t i = 0; summaries != NULL && i < cell->member_count; i++)
        if (cell->members[i]->done)
            summaries[count++] = cell->members[i]->summary;
    json_t *out = count > 0 ? merged(summaries, count) : NULL;
    free(summaries);
    return out;
}

/* The first replicate that is done, else the first, tells all that is not a figure. */
static int
finish_cell(struct rp_cell *cell)
{
    struct rp_cell **members = cell->members;
    size_t count = cell->member_count, done = 0;
    while (done < count && !members[done]->done)
        done++;
    *cell = *members[done < count ? done : 0];
    cell->members = members;
    cell->member_count = count;
    cell->name = cell->group;
    cell->run = NULL;
    cell->summary = done < count ? mean_summary(cell) : NULL;
    return done < count && cell->summary == NULL ? -ENOMEM : 0;
}

/* The folded cell that a part belongs to; they mostly come one after the other. */
static struct rp_cell *
cell_of(struct rp_cell *cells, size_t *count, const char *group)
{
    for (size_t i = *count; i-- > 0;)
        if (strcmp(cells[i].members[0]->group, group) == 0)
            return &cells[i];
    return &cells[(*count)++];
}

static int
fold(struct rp_results *results, struct rp_cell *cells, size_t *count)
{
    for (size_t i = 0; i < results->part_count; i++) {
        struct rp_cell *cell = cell_of(cells, count, results->parts[i].group);
        struct rp_cell **members = realloc(cell->members, (cell->member_count + 1) * sizeof(struct rp_cell *));
        if (members == NULL) {
            *count -= cell->member_count == 0;
            return -ENOMEM;
        }
        members[cell->member_count++] = &results->parts[i];
        cell->members = members;
    }
    return 0;
}

static int
has_replicates(const struct rp_results *results)
{
    for (size_t i = 0; i < results->part_count; i++)
        if (strcmp(results->parts[i].group, results->parts[i].name) != 0)
            return 1;
    return 0;
}

int
rp_results_fold(struct rp_results *results, struct servsim_error *err)
{
    size_t count = 0;
    if (rp_is_folded(results) || !has_replicates(results))
        return 0;
    struct rp_cell *cells = calloc(results->part_count + 1, sizeof *cells);
    int status = cells != NULL ? fold(results, cells, &count) : -ENOMEM;
    if (cells != NULL) {
        results->cells = cells;
        results->count = count;
    }
    for (size_t i = 0; i < count; i++) {
        int one = finish_cell(&cells[i]);
        status = status == 0 ? one : status;
    }
    return status == 0 ? 0 : servsim_fail(err, ENOMEM, "%s: no memory for its replicates", results->path);
}

/* ---- figures over replicates ------------------------------------------------------------------------------------ */

#define MOST_VALUES 64u /* without asking for memory */

/* The figure in each replicate. Returns `room`, or memory that the caller frees where that is too small. */
static double *
values_of(const struct rp_cell *cell, const char *a, const char *b, double room[MOST_VALUES])
{
    size_t count = rp_member_count(cell);
    double *values = count <= MOST_VALUES ? room : calloc(count, sizeof *values);
    for (size_t i = 0; values != NULL && i < count; i++)
        values[i] = rp_figure(rp_member(cell, i), a, b);
    return values;
}

struct rp_spread
rp_figure_spread(const struct rp_cell *cell, const char *a, const char *b)
{
    double room[MOST_VALUES], *values = values_of(cell, a, b, room);
    struct rp_spread out = rp_spread_over(values, values != NULL ? rp_member_count(cell) : 0);
    if (values != room)
        free(values);
    return out;
}

struct rp_spread
rp_figure_ratio(const struct rp_cell *above, const struct rp_cell *below, const char *a, const char *b)
{
    double up[MOST_VALUES], down[MOST_VALUES], *over = values_of(above, a, b, up),
                                               *under = values_of(below, a, b, down);
    size_t count = rp_member_count(above) < rp_member_count(below) ? rp_member_count(above) : rp_member_count(below);
    struct rp_spread out = rp_spread_ratio(over, under, over != NULL && under != NULL ? count : 0);
    if (over != up)
        free(over);
    if (under != down)
        free(under);
    return out;
}

static int
members_equal(const struct rp_cell *cell)
{
    double first = NAN;
    for (size_t i = 0; i < rp_member_count(cell); i++) {
        double latency_ms = rp_figure(rp_member(cell, i), "latency_ms", "mean");
        if (isfinite(first) && isfinite(latency_ms) && latency_ms != first)
            return 0;
        first = isfinite(latency_ms) ? latency_ms : first;
    }
    return 1;
}

int
rp_replicates_equal(const struct rp_results *results)
{
    size_t several = 0;
    for (size_t i = 0; i < results->count; i++) {
        if (!members_equal(&results->cells[i]))
            return 0;
        several += rp_members_done(&results->cells[i]) > 1;
    }
    return several > 0;
}

int
rp_differ(const struct rp_cell *x, const struct rp_cell *y, const char *a, const char *b)
{
    struct rp_spread of_x = rp_figure_spread(x, a, b), of_y = rp_figure_spread(y, a, b);
    if (x->members == NULL && y->members == NULL)
        return of_x.n == 1 && of_y.n == 1 && of_x.mean != of_y.mean;
    return rp_spread_differ(&of_x, &of_y);
}

double
rp_total(const struct rp_cell *cell, const char *key)
{
    double sum = 0;
    for (size_t i = 0; i < rp_member_count(cell); i++) {
        double value = rp_figure(rp_member(cell, i), key, NULL);
        sum += isfinite(value) ? value : 0;
    }
    return sum;
}

double
rp_wall_s(const struct rp_cell *cell)
{
    double sum = NAN;
    for (size_t i = 0; i < rp_member_count(cell); i++) {
        double wall_s = rp_number_at(rp_member(cell, i)->run, "wall_s", NULL);
        if (isfinite(wall_s))
            sum = (isfinite(sum) ? sum : 0) + wall_s;
    }
    return sum;
}

void
rp_load_text(char out[96], const struct rp_cell *cell)
{
    if (!(cell->load > 0))
        (void)snprintf(out, 96, "its own rate");
    else if (!(cell->load_scale > 0))
        (void)snprintf(out, 96, "%.16s× capacity", rp_tick(cell->load).text);
    else if (cell->load_scale >= 1)
        (void)snprintf(out, 96, "%.16s× capacity (times divided by %.24s)", rp_tick(cell->load).text,
                       rp_human(cell->load_scale).text);
    else
        (void)snprintf(out, 96, "%.16s× capacity (times multiplied by %.24s)", rp_tick(cell->load).text,
                       rp_human(1 / cell->load_scale).text);
}

int
rp_members_spread(struct rp_spread *out, size_t count,
                  int (*of)(double *out, const struct rp_cell *cell, struct servsim_error *err),
                  const struct rp_cell *cell, struct servsim_error *err)
{
    size_t members = rp_member_count(cell), done = 0;
    double *all = calloc((members + 1) * count, sizeof *all), *values = calloc(members + 1, sizeof *values);
    int status = all != NULL && values != NULL ? 0 : servsim_fail(err, ENOMEM, "%s: no memory", cell->folder);
    for (size_t i = 0; i < members && status == 0; i++)
        if (rp_member(cell, i)->done)
            status = of(&all[count * done++], rp_member(cell, i), err);
    for (size_t f = 0; f < count && status == 0; f++) {
        for (size_t i = 0; i < done; i++)
            values[i] = all[count * i + f];
        out[f] = rp_spread_over(values, done);
    }
    free(all);
    free(values);
    return status;
}
