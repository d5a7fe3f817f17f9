/*
 * analysis/charts.h - charts of analyze and compare: gnuplot scripts with their data beside them, and the pictures,
 * when gnuplot is there.
 *
 * A chart is a script that the callers write with the helpers here: places in pixels at the width of a README, one
 * block of data for each line, colours that colour-blind people can tell apart.
 */
#ifndef SS_ANALYSIS_CHARTS_H
#define SS_ANALYSIS_CHARTS_H

#include "base/text.h"

#define SS_CHART_WIDTH 900.0
#define SS_CHART_BLUE "#0072B2"
#define SS_CHART_ORANGE "#D55E00"
#define SS_CHART_GREEN "#009E73"
#define SS_CHART_PINK "#CC79A7"
#define SS_CHART_GREY "#8A8A8A"

struct ss_charts {
    const char *folder;
    char **names;
    size_t count;
    size_t drawn;       /* pictures of charts that are there */
    int gnuplot_absent; /* scripts and data are there without pictures */
};

/* Makes the folder. Zero-initialised otherwise; the name must outlive it. */
int ss_charts_begin(struct ss_charts *charts, const char *folder, struct servsim_error *err);
void ss_charts_end(struct ss_charts *charts);

/* Draws all, one PNG and one SVG each. A missing gnuplot is no error. */
int ss_charts_draw(struct ss_charts *charts, struct servsim_error *err);

/* A chart under way. Zero-initialise; the texts are freed by ss_chart_close(). */
struct ss_chart {
    char name[128];
    double height; /* pixels */
    size_t blocks; /* of data so far */
    size_t keys;   /* entries of the legend so far */
    double key_at; /* pixels from the left */
    struct ss_text script, data;
};

/* `name` becomes a file's: anything but letters, digits, '.', '-' and '_' in it turns into '_'. */
void ss_chart_open(struct ss_chart *chart, const char *name, double height, const char *title, const char *subtitle);

/* An entry of the legend, in the line below the subtitle. */
void ss_chart_key(struct ss_chart *chart, const char *label, const char *colour);

struct ss_chart_axis {
    const char *label;
    double low, high;
    int log;
};

/* From 0, or logarithmic where small values would not be seen. `least` is the smallest value above 0. */
struct ss_chart_axis ss_chart_axis_of(const char *label, double least, double most);

/* A panel; x and y from the chart's left and top edge. Ends the panel before it. */
void ss_chart_panel(struct ss_chart *chart, double left, double top, double width, double height, const char *title,
                    const struct ss_chart_axis *x, const struct ss_chart_axis *y);

/* One plot clause: `how` is what follows "using ... "; columns are those of the data block. */
void ss_chart_plot(struct ss_chart *chart, const char *columns, const char *how);
/* Its points, at once behind it: "x y\n". */
void ss_chart_point(struct ss_chart *chart, double x, double y);
void ss_chart_row(struct ss_chart *chart, const double *values, size_t count);

/* Any further command of gnuplot's for the panel, before its first plot. */
void ss_chart_command(struct ss_chart *chart, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In single quotes, as gnuplot wants them. */
void ss_chart_quote(struct ss_text *out, const char *text);

/* Writes script and data and notes the chart for drawing. */
int ss_chart_close(struct ss_chart *chart, struct ss_charts *charts, struct servsim_error *err);

#endif
