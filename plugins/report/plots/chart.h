/*
 * report/plots/chart.h - a chart as data, and its gnuplot script.
 *
 * A chart is a title, a legend and some panels; a panel has two axes and marks (lines, points, areas, bars). All
 * placing is done here in pixels at the width of a README, so that titles, legends and labels at the ends of lines
 * never meet the data. A chart becomes NAME.gp and NAME.dat, and `gnuplot NAME.gp` draws NAME.png and NAME.svg from
 * them.
 */
#ifndef REPORT_PLOTS_CHART_H
#define REPORT_PLOTS_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "report/common/text.h"

#define CHART_WIDTH 900.0
#define CHART_PANELS 4u
#define CHART_MARKS 24u
#define CHART_KEYS 12u
#define AXIS_TICKS 32u

#define TITLE_SIZE 17.0
#define SUBTITLE_SIZE 12.5
#define PANEL_SIZE 13.0
#define TEXT_SIZE 12.0

/* Okabe and Ito's colours, told apart by colour-blind people too; a dark brown instead of their yellow, which does not
   show on white. */
#define CHART_COLOURS 8u
uint32_t chart_colour(size_t index);
#define CHART_GREY 0x808080u

/* Colour of step `index` of `count` ordered things, dark blue to green (viridis without its yellow end). */
uint32_t chart_ramp(size_t index, size_t count);

struct chart_axis {
    double low, high;  /* low > high turns the axis round */
    int log;           /* 0, or the base: 10, or 2 for numbers of GPUs */
    const char *label; /* with its unit, below the axis; NULL: none */
    int bare;          /* ticks without numbers */
    size_t tick_count;
    double ticks[AXIS_TICKS];
    char **categories; /* instead of ticks: texts at 1, 2, 3 ...; NULL: none */
    size_t category_count;
};

/* From zero to a bit above `high`, with about so many ticks. */
void axis_from_zero(struct chart_axis *axis, double high, double ticks);
/* From `low` to `high` exactly, ticks inside. */
void axis_exact(struct chart_axis *axis, double low, double high, double ticks);
/* Logarithmic, a bit wider than [low, high], which are positive. */
void axis_log(struct chart_axis *axis, double low, double high);
/* Logarithmic where the range is wide (more than 12 to 1), else from zero. */
void axis_wide(struct chart_axis *axis, double low, double high);
int axis_is_wide(double low, double high);
/* Powers of two: a tick for each number of GPUs, sorted ascending. */
void axis_gpus(struct chart_axis *axis, const double *gpus, size_t count);
/* Categories 1..count from top to bottom. The texts become the axis' own. */
void axis_categories(struct chart_axis *axis, char **texts, size_t count);
/* Where a value lies, 0 at `low` and 1 at `high`. */
double axis_place(const struct chart_axis *axis, double value);
/* Width of the widest text at its ticks, in pixels. */
double axis_text_width(const struct chart_axis *axis);

#define MARK_LINE 1u
#define MARK_POINTS 2u /* points joined by a line */
#define MARK_AREA 3u   /* a line, filled down to zero */
#define MARK_BAR 4u    /* horizontal: x is the length, y the place, `size` the thickness */
#define MARK_DOT 5u    /* points alone */
#define MARK_ERROR 6u  /* a bar from `low` to `high` up through (x, y), or across where `across` is set */
#define MARK_SPAN 7u   /* horizontal: from `low` to `high` at the place y, `size` the thickness */

struct chart_mark {
    uint32_t kind, colour;
    int dashed;
    int symbol;         /* gnuplot's point type; 7 is a filled circle */
    double width, size; /* of the line in pixels; of points, or the thickness of bars */
    char *label;        /* at the end of the line, NULL: none */
    int values;         /* bars: a number beside each */
    int across;
    double *x, *y, *low, *high; /* low and high: of errors and spans */
    size_t count, capacity;
};

struct chart_panel {
    double left, right, top, bottom; /* of the axes' box, in pixels from the top left corner */
    char *title;
    struct chart_axis x, y;
    struct chart_mark marks[CHART_MARKS];
    size_t mark_count;
};

struct chart_key {
    char *label;
    uint32_t colour, kind;
    int dashed, symbol;
};

struct chart {
    char name[160];
    char *title, *subtitle, *caption;
    double height;
    double head; /* pixels that title, subtitle and legend take; valid after chart_head() */
    struct chart_panel panels[CHART_PANELS];
    size_t panel_count;
    struct chart_key keys[CHART_KEYS];
    size_t key_count;
    int failed; /* no memory, or more panels, marks or keys than there is room for */
};

void chart_free(struct chart *chart);
struct chart_panel *chart_add_panel(struct chart *chart, const char *title);
struct chart_mark *chart_add_mark(struct chart *chart, struct chart_panel *panel, uint32_t kind, uint32_t colour);
void chart_add_point(struct chart *chart, struct chart_mark *mark, double x, double y);
/* A point of an error bar or a span. */
void chart_add_range(struct chart *chart, struct chart_mark *mark, double x, double y, double low, double high);
/* Ends the line here; the next point begins another. */
void chart_break(struct chart *chart, struct chart_mark *mark);
void chart_add_key(struct chart *chart, const char *label, uint32_t colour, uint32_t kind, int dashed, int symbol);

/* A copy of the text, NULL with `failed` set without memory. */
char *chart_copy(struct chart *chart, const char *text);
/* The same with at most `limit` characters, the middle replaced by an ellipsis. */
char *chart_shortened(struct chart *chart, const char *text, size_t limit);

/* Works out `head` from title, subtitle and keys; panels are placed below it. */
void chart_head(struct chart *chart);

/* Width of a text in pixels at a font size, rather too wide than too narrow. */
double chart_text_width(const char *text, double size);

/* Puts the panels side by side below the head, `height` pixels high, and sets the chart's height. */
void chart_place_row(struct chart *chart, double height);
/* Puts them one below the other on one x axis. */
void chart_place_column(struct chart *chart, double height);

/* Both files of the chart. */
void chart_script(const struct chart *chart, struct rp_text *script);
void chart_data(const struct chart *chart, struct rp_text *data);

#endif
