/*
 * report/common/matrix.c - groups of cells with the same traffic, and series over the number of GPUs.
 */
#include "report/common/matrix.h"

#include <math.h>

#include "report/common/number.h"
#include "report/common/text.h"

/* True when two cells have the same label on every axis but `except` (and but those of role `skip`). */
static int
agree(const struct rp_matrix *matrix, const struct rp_cell *a, const struct rp_cell *b, size_t except, uint32_t skip)
{
    for (size_t i = 0; i < matrix->results->axis_count; i++)
        if (i != except && (skip == 0 || matrix->roles[i] != skip) && a->values[i] != b->values[i])
            return 0;
    return 1;
}

static int
workload_differs(const struct rp_cell *a, const struct rp_cell *b)
{
    return strcmp(a->workload, b->workload) != 0;
}

static int
gpus_differ(const struct rp_cell *a, const struct rp_cell *b)
{
    return a->gpus != b->gpus;
}

/* True when there are two cells that differ on this axis alone and `differs` says so. */
static int
varies(const struct rp_matrix *matrix, size_t axis, int (*differs)(const struct rp_cell *, const struct rp_cell *))
{
    const struct rp_results *results = matrix->results;
    for (size_t i = 0; i < results->count; i++)
        for (size_t j = i + 1; j < results->count; j++) {
            const struct rp_cell *a = &results->cells[i], *b = &results->cells[j];
            if (differs(a, b) && a->values[axis] != b->values[axis] && agree(matrix, a, b, axis, 0))
                return 1;
        }
    return 0;
}

static void
find_roles(struct rp_matrix *matrix)
{
    for (size_t a = 0; a < matrix->results->axis_count; a++) {
        const char *name = matrix->results->axes[a].name;
        if (strncmp(name, "workload", 8) == 0 || varies(matrix, a, workload_differs))
            matrix->roles[a] = RP_ROLE_TRAFFIC;
        else if (varies(matrix, a, gpus_differ))
            matrix->roles[a] = RP_ROLE_SCALE;
    }
}

/* Joins the cell's values on the axes whose role is in `roles` (a bit per role), leaving out axes of one value. */
static char *
joined(const struct rp_matrix *matrix, const struct rp_cell *cell, uint32_t roles)
{
    struct rp_text text = {0};
    for (size_t a = 0; a < matrix->results->axis_count; a++) {
        const struct rp_axis *axis = &matrix->results->axes[a];
        if (!(roles >> matrix->roles[a] & 1u) || axis->count < 2 || cell->values[a] == RP_NONE)
            continue;
        if (text.length > 0)
            rp_puts(&text, " / ");
        /* The value of a dotted axis says little alone: "rate=4". */
        const char *dot = strrchr(axis->name, '.');
        if (dot != NULL)
            rp_printf(&text, "%s=", dot + 1);
        rp_puts(&text, axis->values[cell->values[a]]);
    }
    rp_puts(&text, "");
    if (text.failed)
        rp_text_free(&text);
    return text.data;
}

static int
push_cell(struct rp_cell ***list, size_t *count, struct rp_cell *cell)
{
    struct rp_cell **cells = realloc(*list, (*count + 1) * sizeof(struct rp_cell *));
    if (cells == NULL)
        return -ENOMEM;
    cells[(*count)++] = cell;
    *list = cells;
    return 0;
}

static int
same_traffic(const struct rp_matrix *matrix, const struct rp_cell *a, const struct rp_cell *b)
{
    for (size_t i = 0; i < matrix->results->axis_count; i++)
        if (matrix->roles[i] == RP_ROLE_TRAFFIC && a->values[i] != b->values[i])
            return 0;
    return 1;
}

static struct rp_group *
group_of(struct rp_matrix *matrix, const struct rp_cell *cell, int one_group)
{
    for (size_t g = 0; g < matrix->group_count; g++)
        if (one_group || same_traffic(matrix, matrix->groups[g].cells[0], cell))
            return &matrix->groups[g];
    struct rp_group *groups = realloc(matrix->groups, (matrix->group_count + 1) * sizeof *groups);
    if (groups == NULL)
        return NULL;
    matrix->groups = groups;
    groups[matrix->group_count] = (struct rp_group){.mixed = one_group};
    return &groups[matrix->group_count++];
}

static void
free_groups(struct rp_matrix *matrix)
{
    for (size_t g = 0; g < matrix->group_count; g++) {
        struct rp_group *group = &matrix->groups[g];
        for (size_t s = 0; s < group->series_count; s++) {
            free(group->series[s].label);
            free(group->series[s].cells);
        }
        free(group->series);
        free(group->cells);
        free(group->title);
    }
    free(matrix->groups);
    matrix->groups = NULL;
    matrix->group_count = 0;
}

static int
fill_groups(struct rp_matrix *matrix, struct rp_results *results, int one_group)
{
    for (size_t i = 0; i < results->count; i++) {
        struct rp_group *group = group_of(matrix, &results->cells[i], one_group);
        if (group == NULL || push_cell(&group->cells, &group->count, &results->cells[i]) != 0)
            return -ENOMEM;
    }
    return 0;
}

static int
make_groups(struct rp_matrix *matrix, struct rp_results *results)
{
    int status = fill_groups(matrix, results, 0);
    size_t largest = 0;
    for (size_t g = 0; g < matrix->group_count; g++)
        largest = matrix->groups[g].count > largest ? matrix->groups[g].count : largest;
    if (status != 0 || matrix->group_count < 2 || largest > 1)
        return status;
    /* A sweep over the traffic alone: one table with all of it reads better than a table for each cell. */
    free_groups(matrix);
    return fill_groups(matrix, results, 1);
}

static int
name_groups(struct rp_matrix *matrix)
{
    for (size_t g = 0; g < matrix->group_count; g++) {
        struct rp_group *group = &matrix->groups[g];
        char *title = group->mixed ? NULL : joined(matrix, group->cells[0], 1u << RP_ROLE_TRAFFIC);
        if (title == NULL || title[0] == '\0') {
            free(title);
            title = strdup(group->cells[0]->workload[0] != '\0' ? group->cells[0]->workload : "traffic");
        }
        if (title == NULL)
            return -ENOMEM;
        group->title = title;
        for (size_t i = 0; i < group->count; i++) {
            size_t index = (size_t)(group->cells[i] - matrix->results->cells);
            uint32_t roles = 1u << RP_ROLE_SCALE | 1u << RP_ROLE_OTHER | (group->mixed ? 1u << RP_ROLE_TRAFFIC : 0u);
            char *label = joined(matrix, group->cells[i], roles);
            if (label != NULL && label[0] == '\0') {
                free(label);
                label = strdup(group->cells[i]->name);
            }
            if (label == NULL)
                return -ENOMEM;
            matrix->labels[index] = label;
        }
    }
    return 0;
}

/* Layout families: the GPUs of one engine, and what share of the replicas only computes prompts. Where two layouts of a
   series use equally many GPUs, or share their replicas out otherwise, they are two lines. */
static double
engine_gpus(const struct rp_cell *cell)
{
    return cell->gpus / cell->replicas;
}

double
rp_prefill_replicas(const struct rp_cell *cell)
{
    double prefill = rp_figure(cell, "disaggregation", "prefill_replicas");
    return isfinite(prefill) ? prefill : 0;
}

static double
prefill_share(const struct rp_cell *cell)
{
    return rp_prefill_replicas(cell) / cell->replicas;
}

static int
same_family(const struct rp_cell *a, const struct rp_cell *b)
{
    return engine_gpus(a) == engine_gpus(b) && prefill_share(a) == prefill_share(b);
}

static int
by_gpus(const void *a, const void *b)
{
    const struct rp_cell *x = *(struct rp_cell *const *)a, *y = *(struct rp_cell *const *)b;
    if (x->gpus != y->gpus)
        return x->gpus < y->gpus ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int
has_twins(const struct rp_series *series)
{
    for (size_t i = 1; i < series->count; i++)
        if (series->cells[i]->gpus == series->cells[i - 1]->gpus ||
            prefill_share(series->cells[i]) != prefill_share(series->cells[0]))
            return 1;
    return 0;
}

static int
add_series(struct rp_group *group, struct rp_series series)
{
    struct rp_series *all = realloc(group->series, (group->series_count + 1) * sizeof *all);
    if (all == NULL || series.label == NULL) {
        free(series.label);
        free(series.cells);
        group->series = all != NULL ? all : group->series;
        return -ENOMEM;
    }
    group->series = all;
    all[group->series_count++] = series;
    return 0;
}

static char *
family_label(const char *label, const struct rp_cell *of)
{
    struct rp_text text = {0};
    if (label[0] != '\0')
        rp_printf(&text, "%s / ", label);
    if (of == NULL)
        rp_puts(&text, "one engine");
    else
        rp_printf(&text, "%s-GPU replicas", rp_count(engine_gpus(of)).text);
    if (of != NULL && prefill_share(of) > 0)
        rp_printf(&text, ", %.0f %% prefill", 100 * prefill_share(of));
    if (text.failed)
        rp_text_free(&text);
    return text.data;
}

/* The cells of one family, later twins left out: NULL means one engine over all GPUs, else replicas as those of a cell.
 */
static int
add_family(struct rp_group *group, const struct rp_series *all, const struct rp_cell *of)
{
    struct rp_series family = {.label = family_label(all->label, of)};
    for (size_t i = 0; i < all->count; i++) {
        struct rp_cell *cell = all->cells[i];
        int belongs = of == NULL ? cell->replicas == 1 : same_family(cell, of);
        int twin = family.count > 0 && family.cells[family.count - 1]->gpus == cell->gpus;
        if (belongs && !twin && push_cell(&family.cells, &family.count, cell) != 0) {
            free(family.label);
            free(family.cells);
            return -ENOMEM;
        }
    }
    if (family.count > 0)
        return add_series(group, family);
    free(family.label);
    return 0;
}

static int
split_families(struct rp_group *group, const struct rp_series *all)
{
    int status = add_family(group, all, NULL);
    for (size_t i = 0; i < all->count && status == 0; i++) {
        int seen = all->cells[i]->replicas == 1;
        for (size_t j = 0; j < i; j++)
            seen |= all->cells[j]->replicas > 1 && same_family(all->cells[j], all->cells[i]);
        if (!seen)
            status = add_family(group, all, all->cells[i]);
    }
    return status;
}

/* Collects the series that `cell` opens, unless an earlier cell of the group has opened it. */
static int
open_series(struct rp_matrix *matrix, struct rp_group *group, size_t first)
{
    struct rp_series series = {0};
    for (size_t i = 0; i < first; i++)
        if (group->cells[i]->done && agree(matrix, group->cells[i], group->cells[first], RP_NONE, RP_ROLE_SCALE))
            return 0;
    for (size_t i = first; i < group->count; i++)
        if (group->cells[i]->done && agree(matrix, group->cells[i], group->cells[first], RP_NONE, RP_ROLE_SCALE) &&
            push_cell(&series.cells, &series.count, group->cells[i]) != 0) {
            free(series.cells);
            return -ENOMEM;
        }
    qsort(series.cells, series.count, sizeof(struct rp_cell *), by_gpus);
    uint32_t roles = 1u << RP_ROLE_OTHER | (group->mixed ? 1u << RP_ROLE_TRAFFIC : 0u);
    series.label = joined(matrix, group->cells[first], roles);
    if (series.label == NULL || !has_twins(&series))
        return add_series(group, series);
    int status = split_families(group, &series);
    free(series.label);
    free(series.cells);
    return status;
}

static int
make_series(struct rp_matrix *matrix)
{
    for (size_t g = 0; g < matrix->group_count; g++) {
        struct rp_group *group = &matrix->groups[g];
        double low = 0, high = 0;
        for (size_t i = 0; i < group->count; i++) {
            double gpus = group->cells[i]->gpus;
            if (!group->cells[i]->done)
                continue;
            low = low == 0 || gpus < low ? gpus : low;
            high = gpus > high ? gpus : high;
        }
        if (low == high)
            continue;
        for (size_t i = 0; i < group->count; i++)
            if (group->cells[i]->done && open_series(matrix, group, i) != 0)
                return -ENOMEM;
        /* Lines need two points somewhere; where every series has one, the cells are categories. */
        size_t longest = 0;
        for (size_t s = 0; s < group->series_count; s++)
            longest = group->series[s].count > longest ? group->series[s].count : longest;
        for (size_t s = 0; s < group->series_count && longest < 2; s++) {
            free(group->series[s].label);
            free(group->series[s].cells);
        }
        if (longest < 2)
            group->series_count = 0;
    }
    return 0;
}

int
rp_matrix_make(struct rp_matrix *out, struct rp_results *results, struct servsim_error *err)
{
    *out = (struct rp_matrix){.results = results};
    out->roles = calloc(results->axis_count + 1, sizeof *out->roles);
    out->labels = calloc(results->count + 1, sizeof *out->labels);
    int status = out->roles != NULL && out->labels != NULL ? 0 : -ENOMEM;
    if (status == 0) {
        find_roles(out);
        status = make_groups(out, results);
    }
    if (status == 0)
        status = name_groups(out);
    if (status == 0)
        status = make_series(out);
    if (status == 0)
        return 0;
    rp_matrix_free(out);
    return servsim_fail(err, ENOMEM, "%s: no memory to sort its cells", results->path);
}

void
rp_matrix_free(struct rp_matrix *matrix)
{
    free_groups(matrix);
    for (size_t i = 0; matrix->labels != NULL && i < matrix->results->count; i++)
        free(matrix->labels[i]);
    free(matrix->labels);
    free(matrix->roles);
    *matrix = (struct rp_matrix){0};
}

const char *
rp_label(const struct rp_matrix *matrix, const struct rp_cell *cell)
{
    return matrix->labels[cell - matrix->results->cells];
}

size_t
rp_router_axis(const struct rp_results *results)
{
    for (size_t a = 0; a < results->axis_count; a++)
        if (strcmp(results->axes[a].name, "router") == 0)
            return a;
    return RP_NONE;
}

int
rp_compares_routers(const struct rp_group *group, size_t axis)
{
    const struct rp_cell *first = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const struct rp_cell *cell = group->cells[i];
        if (!cell->done || cell->replicas < 2)
            continue;
        if (first != NULL && cell->values[axis] != first->values[axis])
            return 1;
        first = first != NULL ? first : cell;
    }
    return 0;
}

void
rp_layout(char out[64], const struct rp_cell *cell)
{
    int length = snprintf(out, 64, "tp %.0f", cell->tp);
    if (cell->pp > 1)
        length += snprintf(out + length, 64 - (size_t)length, ", pp %.0f", cell->pp);
    if (cell->dp > 1)
        length += snprintf(out + length, 64 - (size_t)length, ", dp %.0f", cell->dp);
    if (cell->ep > 1)
        length += snprintf(out + length, 64 - (size_t)length, ", ep %.0f", cell->ep);
    double prefill = rp_prefill_replicas(cell);
    if (prefill > 0)
        (void)snprintf(out + length, 64 - (size_t)length, " × %.0f prefill + %.0f decode replicas", prefill,
                       cell->replicas - prefill);
    else if (cell->replicas > 1)
        (void)snprintf(out + length, 64 - (size_t)length, " × %.0f replicas", cell->replicas);
}
