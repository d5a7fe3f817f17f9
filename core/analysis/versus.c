/*
 * analysis/versus.c - pairs the cells of A with those of each other run and compares pair by pair, so that no more than
 * two cells (or groups of replicates) are in memory.
 */
#include "analysis/versus.h"

#include <math.h>
#include <stdlib.h>

/* ---- which belong together ---- */

/* The first cell of each group; those chosen by --cell alone, when it is given. Returns how many. */
static size_t
list_groups(const struct ss_trials *trials, const char *cell, struct ss_trial **out)
{
    size_t count = 0;
    for (size_t i = 0; i < trials->count; i++) {
        struct ss_trial *trial = &trials->items[i];
        int seen = 0;
        if (cell != NULL && strcmp(trial->group, cell) != 0 && strcmp(trial->name, cell) != 0 &&
            trials->manifest != NULL)
            continue;
        for (size_t g = 0; g < count; g++)
            seen |= strcmp(out[g]->group, trial->group) == 0;
        if (!seen)
            out[count++] = trial;
    }
    return count;
}

/* All replicates of a group, or the one cell where --cell names it by its replicate. */
static int
gather(const struct ss_trials *trials, const struct ss_trial *first, const char *cell, struct ss_versus_side *out,
       struct servsim_error *err)
{
    int alone = cell != NULL && strcmp(first->name, cell) == 0 && strcmp(first->group, cell) != 0;
    out->path = trials->path;
    out->trials = calloc(trials->count, sizeof *out->trials);
    if (out->trials == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the cells of %s", trials->path);
    for (size_t i = 0; i < trials->count; i++) {
        struct ss_trial *trial = &trials->items[i];
        if (alone ? trial == first : strcmp(trial->group, first->group) == 0)
            out->trials[out->count++] = trial;
    }
    out->name = out->count > 1 ? first->group : out->trials[0]->name;
    return 0;
}

static int
add_pair(struct ss_versus_set *out, const struct ss_trials *a, const struct ss_trial *first_a,
         const struct ss_trials *b, const struct ss_trial *first_b, const char *cell, struct servsim_error *err)
{
    struct ss_versus *items = realloc(out->items, (out->count + 1) * sizeof *items);
    if (items == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the comparisons");
    out->items = items;
    struct ss_versus *versus = &items[out->count++];
    memset(versus, 0, sizeof *versus);
    int rc = gather(a, first_a, cell, &versus->a, err);
    return rc != 0 ? rc : gather(b, first_b, cell, &versus->b, err);
}

static void
note_unmatched(struct ss_versus_set *out, const struct ss_trials *of, const char *name)
{
    ss_text_printf(&out->unmatched, "%s%s of %s", out->unmatched.length > 0 ? ", " : "", name, of->path);
}

static struct ss_trial *
counterpart(struct ss_trial **groups, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(groups[i]->group, name) == 0)
            return groups[i];
    return NULL;
}

static int
pair_groups(struct ss_versus_set *out, const struct ss_trials *a, struct ss_trial **groups_a, size_t count_a,
            const struct ss_trials *b, struct ss_trial **groups_b, size_t count_b, const char *cell,
            struct servsim_error *err)
{
    size_t before = out->count;
    int rc = 0;
    if (count_a == 1 && count_b == 1)
        return add_pair(out, a, groups_a[0], b, groups_b[0], cell, err);
    for (size_t i = 0; i < count_a && rc == 0; i++) {
        const struct ss_trial *other = counterpart(groups_b, count_b, groups_a[i]->group);
        if (other != NULL)
            rc = add_pair(out, a, groups_a[i], b, other, cell, err);
        else
            note_unmatched(out, a, groups_a[i]->group);
    }
    for (size_t i = 0; i < count_b; i++)
        if (counterpart(groups_a, count_a, groups_b[i]->group) == NULL)
            note_unmatched(out, b, groups_b[i]->group);
    if (rc == 0 && out->count == before)
        rc = servsim_fail(err, EINVAL,
                          "%s and %s have no cell of the same name (%s%s; %s%s); write the folders of two cells, such "
                          "as %s/cells/%s",
                          a->path, b->path, groups_a[0]->group, count_a > 1 ? ", ..." : "", groups_b[0]->group,
                          count_b > 1 ? ", ..." : "", a->path, groups_a[0]->name);
    return rc;
}

static int
pair_runs(struct ss_versus_set *out, const struct ss_trials *a, const struct ss_trials *b, const char *cell,
          struct servsim_error *err)
{
    struct ss_trial **groups_a = calloc(a->count, sizeof *groups_a), **groups_b = calloc(b->count, sizeof *groups_b);
    int rc = 0;
    if (groups_a == NULL || groups_b == NULL) {
        rc = servsim_fail(err, ENOMEM, "no memory for the comparisons");
    } else {
        size_t count_a = list_groups(a, cell, groups_a), count_b = list_groups(b, cell, groups_b);
        if (count_a == 0 || count_b == 0) {
            (void)ss_trials_find(count_a == 0 ? a : b, cell, err);
            rc = -EINVAL;
        } else {
            rc = pair_groups(out, a, groups_a, count_a, b, groups_b, count_b, cell, err);
        }
    }
    free(groups_a);
    free(groups_b);
    return rc;
}

/* ---- comparing a pair ---- */

static int
load_side(struct ss_versus_side *side, struct servsim_error *err)
{
    for (size_t i = 0; i < side->count; i++) {
        struct ss_check checks[SS_CHECKS];
        int rc = ss_trial_load(side->trials[i], err);
        if (rc != 0)
            return rc;
        ss_plausible(side->trials[i], checks);
        for (size_t c = 0; c < SS_CHECKS; c++)
            if (i == 0 || (checks[c].state == SS_CHECK_FAILED && side->checks[c].state != SS_CHECK_FAILED))
                side->checks[c] = checks[c];
    }
    return 0;
}

static void
unload_side(struct ss_versus_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        ss_trial_unload(side->trials[i]);
}

/* Its folder, and the cell in it where there is one to choose. */
static const char *
title(char out[400], const struct ss_versus_side *side)
{
    if (strcmp(side->path, side->name) != 0)
        (void)snprintf(out, 400, "%.200s (%.150s)", side->path, side->name);
    else
        (void)snprintf(out, 400, "%.300s", side->path);
    return out;
}

static int
refuse(const struct ss_versus *versus, struct servsim_error *err)
{
    char a[400], b[400];
    return servsim_fail(err, EINVAL,
                        "%s and %s are unlike: %s; compare runs of the same model, traffic and SLO, or write --force",
                        title(a, &versus->a), title(b, &versus->b), versus->unlike);
}

/* A run held against itself would look like a pair: paired, all equal. */
static int
check_alike(struct ss_versus *versus, const struct ss_versus_options *options, struct servsim_error *err)
{
    struct ss_text unlike = {0};
    ss_unlike(versus->a.trials[0], versus->b.trials[0], &unlike);
    if (unlike.failed)
        return servsim_fail(err, ENOMEM, "no memory for a comparison");
    versus->unlike = unlike.data;
    return versus->unlike != NULL && !options->force ? refuse(versus, err) : 0;
}

static struct ss_side *
sides_of(const struct ss_versus_side *side)
{
    struct ss_side *sides = calloc(side->count, sizeof *sides);
    for (size_t i = 0; i < side->count && sides != NULL; i++)
        sides[i] =
            (struct ss_side){&side->trials[i]->samples, side->trials[i]->slo_ttft_ms, side->trials[i]->slo_tpot_ms};
    return sides;
}

static int
compare_loaded(struct ss_versus *versus, const struct ss_versus_options *options, uint32_t family,
               struct servsim_error *err)
{
    const struct ss_compare_options how = {options->level, options->metrics, family};
    int rc = check_alike(versus, options, err);
    if (rc != 0)
        return rc;
    struct ss_side *a = sides_of(&versus->a), *b = sides_of(&versus->b);
    rc = a != NULL && b != NULL ? ss_compare(a, versus->a.count, b, versus->b.count, &how, &versus->result, err)
                                : servsim_fail(err, ENOMEM, "no memory for a comparison");
    free(a);
    free(b);
    return rc;
}

static int
compare_pair(struct ss_versus *versus, size_t index, const struct ss_versus_options *options, uint32_t family,
             struct servsim_error *err)
{
    int rc = load_side(&versus->a, err);
    if (rc == 0)
        rc = load_side(&versus->b, err);
    if (rc == 0)
        rc = compare_loaded(versus, options, family, err);
    if (rc == 0 && options->charts != NULL)
        rc = ss_versus_chart_curves(options->charts, versus, index, err);
    unload_side(&versus->a);
    unload_side(&versus->b);
    return rc;
}

int
ss_versus_all(struct ss_trials *runs, size_t count, const struct ss_versus_options *options, struct ss_versus_set *out,
              struct servsim_error *err)
{
    int rc = 0;
    *out = (struct ss_versus_set){0};
    for (size_t i = 1; i < count && rc == 0; i++)
        rc = pair_runs(out, &runs[0], &runs[i], options->cell, err);
    for (size_t i = 0; i < out->count && rc == 0; i++)
        rc = compare_pair(&out->items[i], i, options, (uint32_t)out->count, err);
    if (rc == 0 && options->charts != NULL)
        rc = ss_versus_chart_differences(options->charts, out, options, err);
    if (rc != 0)
        ss_versus_free(out);
    return rc;
}

void
ss_versus_free(struct ss_versus_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->items[i].a.trials);
        free(set->items[i].b.trials);
        free(set->items[i].unlike);
    }
    free(set->items);
    ss_text_free(&set->unmatched);
    *set = (struct ss_versus_set){0};
}

double
ss_versus_energy(const struct ss_versus_side *side)
{
    double sum = 0;
    for (size_t i = 0; i < side->count; i++)
        sum += ss_trial_figure(side->trials[i], "energy", "joules_per_output_token");
    return side->count > 0 ? sum / (double)side->count : NAN;
}
