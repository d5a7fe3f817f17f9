/*
 * report/plots/plots.h - what the parts of the plugin share.
 */
#ifndef REPORT_PLOTS_PLOTS_H
#define REPORT_PLOTS_PLOTS_H

#include "report/common/matrix.h"
#include "report/plots/chart.h"

#define MOST_LINES 8u  /* lines or curves in one chart */
#define MOST_BARS 30u  /* cells in a chart of bars */
#define MOST_TAILS 16u /* cells in the chart of tails */

/* A chart that was written, for index.json. */
struct plots_entry {
    char *name, *title, *caption;
    const char *kind, *cell; /* cell: only for those of one cell, else NULL */
    size_t group;
    int png, svg; /* picture made */
};

/* One making of all charts. */
struct plots {
    struct rp_results results;
    struct rp_matrix matrix;
    char *folder;
    int timelines;
    struct plots_entry *entries;
    size_t count;
    /* What went wrong with one chart while the others were still to come. */
    int status;
    struct servsim_error problem;
};

/* Milliseconds as a chart wants them. */
struct plots_unit {
    double per_ms;
    const char *name;
};

struct plots_unit plots_unit_of(double largest_ms);

/* The unit for an axis from `low_ms` to `high_ms`: of the middle where the axis will be logarithmic. */
struct plots_unit plots_unit_over(double low_ms, double high_ms);

/* The cells to show where there are more than `limit`: evenly over their ranks by mean latency, best and worst among
   them, in the order of the experiment. Returns their number. */
size_t plots_select(struct rp_cell *const *cells, size_t count, size_t limit, struct rp_cell **out);

/* "NAME", or "NAME-GROUP" where there are several groups; `part` (a cell) may be NULL. */
void plots_name(char out[160], const struct plots *plots, size_t group, const char *name, const char *part);

/* Title and subtitle; `note` may be NULL. */
void plots_titles(struct plots *plots, struct chart *chart, size_t group, const char *title, const char *note);

/* The caption and, over replicates, what the thin bars mean. */
char *plots_caption(const struct plots *plots, struct chart *chart, const char *caption);

/* Writes script and data of a finished chart, notes it in the index, frees the chart. */
void plots_add(struct plots *plots, struct chart *chart, size_t group, const char *kind, const char *cell);

/* Keeps the first problem. */
void plots_problem(struct plots *plots, int status, const struct servsim_error *err);

/* Each adds its charts of one group. */
void plots_scaling(struct plots *plots, size_t group);
void plots_balance(struct plots *plots, size_t group);
void plots_loss(struct plots *plots, size_t group);
void plots_bars(struct plots *plots, size_t group);
void plots_tails(struct plots *plots, size_t group);
void plots_curves(struct plots *plots, size_t group);
void plots_timelines(struct plots *plots, size_t group);

#define GNUPLOT_ABSENT 1 /* answer of gnuplot_draw() */

/* Draws every entry. Returns 0, GNUPLOT_ABSENT, or -errno. */
int gnuplot_draw(struct plots *plots, const char *program, const char *formats, struct servsim_error *err);

#endif
