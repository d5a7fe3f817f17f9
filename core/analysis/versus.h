/*
 * analysis/versus.h - servsim compare: which runs belong together, whether they can be compared at all, and what comes
 * out.
 */
#ifndef SS_ANALYSIS_VERSUS_H
#define SS_ANALYSIS_VERSUS_H

#include "analysis/charts.h"
#include "analysis/compare.h"
#include "analysis/plausible.h"
#include "base/text.h"

struct ss_versus_side {
    const char *path;         /* as given */
    const char *name;         /* of the cell, or of its group when it has replicates */
    struct ss_trial **trials; /* its replicates */
    size_t count;
    struct ss_check checks[SS_CHECKS]; /* of the worst replicate */
};

/* A held against one other. */
struct ss_versus {
    struct ss_versus_side a, b;
    char *unlike; /* what differs that should not; NULL: nothing */
    struct ss_comparison result;
};

struct ss_versus_options {
    const char *cell; /* NULL: all that have the same name */
    double level;
    uint32_t metrics;         /* which are judged: SS_ALL_METRICS */
    int force;                /* compare unlike things, too */
    struct ss_charts *charts; /* NULL: none */
};

struct ss_versus_set {
    struct ss_versus *items;
    size_t count;
    struct ss_text unmatched; /* names of cells that have no counterpart, ", " between; data NULL: none */
};

/* runs[0] is A. -EINVAL where nothing matches, or where unlike things were given and not forced. */
int ss_versus_all(struct ss_trials *runs, size_t count, const struct ss_versus_options *options,
                  struct ss_versus_set *out, struct servsim_error *err);
void ss_versus_free(struct ss_versus_set *set);

/* Joules per output token, mean over the side's replicates; NAN where the device says nothing of its power. */
double ss_versus_energy(const struct ss_versus_side *side);

/* For people; for scripts. */
void ss_versus_text(const struct ss_versus_set *set, const struct ss_versus_options *options, struct ss_text *out);
json_t *ss_versus_json(const struct ss_versus_set *set, const struct ss_versus_options *options);

/* ---- alike.c ---- */

/* What makes the two unlike, "; " between; empty where nothing does. Both are loaded. */
void ss_unlike(const struct ss_trial *a, const struct ss_trial *b, struct ss_text *out);

/* ---- versus_charts.c ---- */

int ss_versus_chart_curves(struct ss_charts *charts, const struct ss_versus *versus, size_t index,
                           struct servsim_error *err);
int ss_versus_chart_differences(struct ss_charts *charts, const struct ss_versus_set *set,
                                const struct ss_versus_options *options, struct servsim_error *err);

#endif
