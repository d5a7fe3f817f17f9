/*
 * report/plots/chart.c - building a chart: panels, marks, legend, and where they go.
 */
#include "report/plots/chart.h"

#include <math.h>

#include "report/common/number.h"

#define KEY_TOP 64.0 /* of the first row of the legend, below title and subtitle */
#define KEY_ROW 20.0
#define KEY_SWATCH 26.0
#define MARGIN 16.0

uint32_t
chart_colour(size_t index)
{
    static const uint32_t colours[CHART_COLOURS] = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7,
                                                    0xE69F00, 0x56B4E9, 0x000000, 0x8C510A};
    return colours[index % CHART_COLOURS];
}

uint32_t
chart_ramp(size_t index, size_t count)
{
    static const double stops[5][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {74, 190, 110}, {143, 205, 60}};
    double place = count > 1 ? 4.0 * (double)index / (double)(count - 1) : 1;
    size_t stop = place >= 4 ? 3 : (size_t)place;
    uint32_t colour = 0;
    for (size_t c = 0; c < 3; c++) {
        double value = stops[stop][c] + (place - (double)stop) * (stops[stop + 1][c] - stops[stop][c]);
        colour = colour << 8 | (uint32_t)(value + 0.5);
    }
    return colour;
}

char *
chart_copy(struct chart *chart, const char *text)
{
    char *copy = strdup(text);
    chart->failed |= copy == NULL;
    return copy;
}

/* Characters of a UTF-8 text; a continuation byte is none. */
static size_t
characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0u) != 0x80u;
    return count;
}

/* Bytes of the first `count` characters. */
static size_t
bytes_of(const char *text, size_t count)
{
    size_t at = 0;
    while (text[at] != '\0' && (count > 0 || ((unsigned char)text[at] & 0xC0u) == 0x80u))
        count -= ((unsigned char)text[at++] & 0xC0u) != 0x80u;
    return at;
}

char *
chart_shortened(struct chart *chart, const char *text, size_t limit)
{
    size_t length = characters(text), front = (limit - 1) / 2, back = limit - 1 - front;
    if (length <= limit)
        return chart_copy(chart, text);
    struct rp_text out = {0};
    rp_add(&out, text, bytes_of(text, front));
    rp_puts(&out, "…");
    rp_puts(&out, text + bytes_of(text, length - back));
    chart->failed |= out.failed;
    return out.data;
}

double
chart_text_width(const char *text, double size)
{
    return 0.61 * size * (double)characters(text);
}

struct chart_panel *
chart_add_panel(struct chart *chart, const char *title)
{
    if (chart->panel_count == CHART_PANELS) {
        chart->failed = 1;
        return &chart->panels[CHART_PANELS - 1];
    }
    struct chart_panel *panel = &chart->panels[chart->panel_count++];
    panel->title = chart_copy(chart, title);
    return panel;
}

struct chart_mark *
chart_add_mark(struct chart *chart, struct chart_panel *panel, uint32_t kind, uint32_t colour)
{
    if (panel->mark_count == CHART_MARKS) {
        chart->failed = 1;
        return &panel->marks[CHART_MARKS - 1];
    }
    struct chart_mark *mark = &panel->marks[panel->mark_count++];
    *mark = (struct chart_mark){.kind = kind, .colour = colour, .width = 2, .size = 1, .symbol = 7};
    return mark;
}

/* Room for `capacity` values at *values, which stays as it is when there is none. */
static int
make_room(double **values, size_t capacity)
{
    double *larger = realloc(*values, capacity * sizeof *larger);
    if (larger == NULL)
        return 0;
    *values = larger;
    return 1;
}

static void
add_point(struct chart *chart, struct chart_mark *mark, double x, double y, double low, double high)
{
    if (mark->count == mark->capacity) {
        size_t capacity = mark->capacity ? 2 * mark->capacity : 32;
        if (!make_room(&mark->x, capacity) || !make_room(&mark->y, capacity) || !make_room(&mark->low, capacity) ||
            !make_room(&mark->high, capacity)) {
            chart->failed = 1;
            return;
        }
        mark->capacity = capacity;
    }
    mark->x[mark->count] = x;
    mark->y[mark->count] = y;
    mark->low[mark->count] = low;
    mark->high[mark->count++] = high;
}

void
chart_add_point(struct chart *chart, struct chart_mark *mark, double x, double y)
{
    if (isfinite(x) && isfinite(y))
        add_point(chart, mark, x, y, 0, 0);
}

void
chart_add_range(struct chart *chart, struct chart_mark *mark, double x, double y, double low, double high)
{
    if (isfinite(x) && isfinite(y) && isfinite(low) && isfinite(high))
        add_point(chart, mark, x, y, low, high);
}

void
chart_break(struct chart *chart, struct chart_mark *mark)
{
    add_point(chart, mark, NAN, NAN, NAN, NAN);
}

void
chart_add_key(struct chart *chart, const char *label, uint32_t colour, uint32_t kind, int dashed, int symbol)
{
    if (chart->key_count == CHART_KEYS) {
        chart->failed = 1;
        return;
    }
    chart->keys[chart->key_count++] =
        (struct chart_key){chart_shortened(chart, label, 56), colour, kind, dashed, symbol};
}

/* Where key `index` stands: the legend is filled row by row. Returns the row. */
static size_t
key_place(const struct chart *chart, size_t index, double *left)
{
    size_t row = 0;
    double at = MARGIN;
    for (size_t i = 0;; i++) {
        double width = KEY_SWATCH + 8 + chart_text_width(chart->keys[i].label, TEXT_SIZE);
        if (at > MARGIN && at + width > CHART_WIDTH - MARGIN) {
            row++;
            at = MARGIN;
        }
        if (i == index)
            break;
        at += width + 18;
    }
    *left = at;
    return row;
}

void
chart_head(struct chart *chart)
{
    double left = 0;
    chart->head = KEY_TOP - 8;
    if (chart->key_count > 0 && !chart->failed)
        chart->head = KEY_TOP + KEY_ROW * (double)(1 + key_place(chart, chart->key_count - 1, &left));
}

/* Pixels right of a panel into which the number at the end of its axis reaches: half of it, less the margin. */
static double
tick_overhang(const struct chart_panel *panel)
{
    const struct chart_axis *axis = &panel->x;
    if (axis->bare || axis->categories != NULL || axis->tick_count == 0)
        return 0;
    double last = 0;
    for (size_t i = 0; i < axis->tick_count; i++)
        last = fmax(last, axis->ticks[i]);
    return axis_place(axis, last) > 0.97 ? fmax(0, chart_text_width(rp_tick(last).text, TEXT_SIZE) / 2 - MARGIN + 4)
                                         : 0;
}

/* Pixels right of a panel, beside the margin, that the labels at its lines' ends need, or its axis. */
static double
end_labels(const struct chart_panel *panel)
{
    double widest = tick_overhang(panel);
    for (size_t i = 0; i < panel->mark_count; i++)
        if (panel->marks[i].label != NULL)
            widest = fmax(widest, 10 + chart_text_width(panel->marks[i].label, TEXT_SIZE));
    return widest;
}

void
chart_place_row(struct chart *chart, double height)
{
    double taken = MARGIN;
    for (size_t i = 0; i < chart->panel_count; i++)
        taken += axis_text_width(&chart->panels[i].y) + 12 + end_labels(&chart->panels[i]) + MARGIN;
    double width = fmax(60, (CHART_WIDTH - taken) / (double)chart->panel_count), at = MARGIN;
    int labelled = 0;
    for (size_t i = 0; i < chart->panel_count; i++) {
        struct chart_panel *panel = &chart->panels[i];
        panel->left = at + axis_text_width(&panel->y) + 12;
        panel->right = panel->left + width;
        panel->top = chart->head + 30;
        panel->bottom = panel->top + height;
        at = panel->right + end_labels(panel) + MARGIN;
        labelled |= panel->x.label != NULL;
    }
    chart->height = chart->head + 30 + height + (labelled ? 56 : 36);
}

void
chart_place_column(struct chart *chart, double height)
{
    double widest = 0, at = chart->head;
    for (size_t i = 0; i < chart->panel_count; i++)
        widest = fmax(widest, axis_text_width(&chart->panels[i].y));
    for (size_t i = 0; i < chart->panel_count; i++) {
        struct chart_panel *panel = &chart->panels[i];
        panel->left = MARGIN + widest + 12;
        panel->right = CHART_WIDTH - 2 * MARGIN;
        panel->top = at + 28;
        panel->bottom = panel->top + height;
        at = panel->bottom + 8;
    }
    chart->height = at + 48;
}

void
chart_free(struct chart *chart)
{
    for (size_t p = 0; p < chart->panel_count; p++) {
        struct chart_panel *panel = &chart->panels[p];
        for (size_t m = 0; m < panel->mark_count; m++) {
            free(panel->marks[m].label);
            free(panel->marks[m].x);
            free(panel->marks[m].y);
            free(panel->marks[m].low);
            free(panel->marks[m].high);
        }
        for (size_t c = 0; c < panel->y.category_count; c++)
            free(panel->y.categories[c]);
        free(panel->y.categories);
        free(panel->title);
    }
    for (size_t k = 0; k < chart->key_count; k++)
        free(chart->keys[k].label);
    free(chart->title);
    free(chart->subtitle);
    free(chart->caption);
    *chart = (struct chart){0};
}

/* ---- the script ---------------------------------------------------------------------------------------------- */

/* A text in gnuplot's single quotes, where only the quote itself is special. Control characters become blanks. */
static void
put_quoted(struct rp_text *out, const char *text, int percent_twice)
{
    rp_puts(out, "'");
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '\'')
            rp_puts(out, "''");
        else if (c == '%' && percent_twice)
            rp_puts(out, "%%");
        else if ((unsigned char)c < 0x20 || c == 0x7f)
            rp_puts(out, " ");
        else
            rp_add(out, &c, 1);
    }
    rp_puts(out, "'");
}

static double
screen_x(double pixels)
{
    return pixels / CHART_WIDTH;
}

static double
screen_y(const struct chart *chart, double pixels)
{
    return 1 - pixels / chart->height;
}

static void
put_label(const struct chart *chart, struct rp_text *out, const char *text, double x, double y, const char *align,
          const char *font, uint32_t colour)
{
    rp_puts(out, "  set label ");
    put_quoted(out, text, 0);
    rp_printf(out, " at screen %.5f,%.5f %s font %s tc rgb '#%06X' front\n", screen_x(x), screen_y(chart, y), align,
              font, colour);
}

static void
put_key(const struct chart *chart, struct rp_text *out, size_t index)
{
    const struct chart_key *key = &chart->keys[index];
    double left = 0, y = KEY_TOP + KEY_ROW * (double)key_place(chart, index, &left) + 6;
    if (key->kind == MARK_BAR || key->kind == MARK_SPAN)
        rp_printf(out,
                  "  set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f fs solid noborder fc rgb '#%06X'\n",
                  screen_x(left + 8), screen_y(chart, y + 5), screen_x(left + KEY_SWATCH), screen_y(chart, y - 5),
                  key->colour);
    if (key->kind == MARK_LINE || key->kind == MARK_POINTS)
        rp_printf(out, "  set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead lw 2 dt %s lc rgb '#%06X'\n",
                  screen_x(left), screen_y(chart, y), screen_x(left + KEY_SWATCH), screen_y(chart, y),
                  key->dashed ? "'-'" : "solid", key->colour);
    if (key->kind == MARK_POINTS || key->kind == MARK_DOT)
        rp_printf(out, "  set label '' at screen %.5f,%.5f point pt %d ps 0.9 lc rgb '#%06X'\n",
                  screen_x(left + KEY_SWATCH / 2), screen_y(chart, y), key->symbol, key->colour);
    put_label(chart, out, key->label, left + KEY_SWATCH + 8, y, "left", "',12'", 0x333333);
}

static void
put_head(const struct chart *chart, struct rp_text *out)
{
    put_label(chart, out, chart->title, MARGIN, 24, "left", "heading", 0x222222);
    if (chart->subtitle != NULL)
        put_label(chart, out, chart->subtitle, MARGIN, 46, "left", "',12.5'", 0x666666);
    for (size_t i = 0; i < chart->key_count; i++)
        put_key(chart, out, i);
}

#define TICK_GAP 7.0 /* least pixels between two numbers */

/* Has its number room beside those that are shown? `width` is the axis's in pixels. */
static int
has_room(const struct chart_axis *axis, const char *shown, size_t index, double width)
{
    double middle = axis_place(axis, axis->ticks[index]) * width;
    double half = chart_text_width(rp_tick(axis->ticks[index]).text, TEXT_SIZE) / 2;
    for (size_t i = 0; i < axis->tick_count; i++) {
        double other = chart_text_width(rp_tick(axis->ticks[i]).text, TEXT_SIZE) / 2;
        if (shown[i] && fabs(axis_place(axis, axis->ticks[i]) * width - middle) < half + other + TICK_GAP)
            return 0;
    }
    return 1;
}

/* Numbers below a narrow axis must not touch: powers of ten come first. A width of 0: they stand above each other. */
static void
choose_numbers(const struct chart_axis *axis, double width, char shown[AXIS_TICKS])
{
    memset(shown, width > 0 ? 0 : 1, AXIS_TICKS);
    for (int pass = 0; pass < 2 && width > 0; pass++)
        for (size_t i = 0; i < axis->tick_count; i++) {
            double power = axis->ticks[i] > 0 ? log10(axis->ticks[i]) : 0.5;
            if (!shown[i] && (pass == 1 || fabs(power - rint(power)) < 1e-9))
                shown[i] = (char)has_room(axis, shown, i, width);
        }
}

static void
put_axis(struct rp_text *out, char name, const struct chart_axis *axis, double width)
{
    char shown[AXIS_TICKS];
    choose_numbers(axis, width, shown);
    rp_printf(out, "  set %crange [%.9g:%.9g]\n", name, axis->low, axis->high);
    if (axis->log)
        rp_printf(out, "  set logscale %c %d\n", name, axis->log);
    else
        rp_printf(out, "  unset logscale %c\n", name);
    rp_printf(out, "  set %ctics (", name);
    for (size_t i = 0; i < axis->tick_count && axis->categories == NULL; i++) {
        rp_puts(out, i > 0 ? ", " : "");
        put_quoted(out, axis->bare || !shown[i] ? "" : rp_tick(axis->ticks[i]).text, 1);
        rp_printf(out, " %.9g", axis->ticks[i]);
    }
    for (size_t i = 0; i < axis->category_count; i++) {
        rp_puts(out, i > 0 ? ", " : "");
        put_quoted(out, axis->categories[i] != NULL ? axis->categories[i] : "", 1);
        rp_printf(out, " %zu", i + 1);
    }
    rp_puts(out, ")\n");
    if (axis->label == NULL || axis->bare)
        rp_printf(out, "  unset %clabel\n", name);
    else {
        rp_printf(out, "  set %clabel ", name);
        put_quoted(out, axis->label, 0);
        rp_puts(out, " offset 0,0.1 tc rgb '#444444'\n");
    }
}

struct ending {
    const struct chart_mark *mark;
    double y; /* pixels */
};

static int
by_height(const void *a, const void *b)
{
    const struct ending *x = a, *y = b;
    if (x->y != y->y)
        return x->y < y->y ? -1 : 1;
    return x->mark < y->mark ? -1 : x->mark > y->mark;
}

/* Labels at the ends of lines, moved apart where they would overlap. */
static void
put_endings(const struct chart *chart, const struct chart_panel *panel, struct rp_text *out)
{
    struct ending endings[CHART_MARKS] = {{NULL, 0}};
    size_t count = 0;
    for (size_t i = 0; i < panel->mark_count; i++) {
        const struct chart_mark *mark = &panel->marks[i];
        if (mark->label == NULL || mark->count == 0)
            continue;
        double place = axis_place(&panel->y, mark->y[mark->count - 1]);
        endings[count++] = (struct ending){mark, panel->bottom - place * (panel->bottom - panel->top)};
    }
    qsort(endings, count, sizeof endings[0], by_height);
    for (size_t i = 1; i < count; i++)
        endings[i].y = fmax(endings[i].y, endings[i - 1].y + 16);
    double floor_y = panel->bottom - 2;
    for (size_t i = count; i-- > 0;) {
        endings[i].y = fmin(endings[i].y, floor_y);
        floor_y = endings[i].y - 16;
    }
    for (size_t i = 0; i < count; i++)
        put_label(chart, out, endings[i].mark->label, panel->right + 8, endings[i].y, "left", "',12'",
                  endings[i].mark->colour);
}

/* Where the error bar through (x, y) ends, else x. */
static double
error_end(const struct chart_panel *panel, double x, double y)
{
    for (size_t m = 0; m < panel->mark_count; m++) {
        const struct chart_mark *mark = &panel->marks[m];
        for (size_t i = 0; i < mark->count && mark->kind == MARK_ERROR && mark->across; i++)
            if (mark->x[i] == x && mark->y[i] == y)
                return mark->high[i];
    }
    return x;
}

/* The numbers beside the bars. */
static void
put_values(const struct chart *chart, const struct chart_panel *panel, struct rp_text *out)
{
    for (size_t m = 0; m < panel->mark_count; m++) {
        const struct chart_mark *mark = &panel->marks[m];
        for (size_t i = 0; i < mark->count && mark->values; i++) {
            double end = error_end(panel, mark->x[i], mark->y[i]);
            double x = panel->left + axis_place(&panel->x, end) * (panel->right - panel->left);
            double y = panel->bottom - axis_place(&panel->y, mark->y[i]) * (panel->bottom - panel->top);
            put_label(chart, out, rp_human(mark->x[i]).text, x + 5, y, "left", "',11'", 0x333333);
        }
    }
}

static void
put_mark(const struct chart *chart, struct rp_text *out, const struct chart_mark *mark, size_t index)
{
    rp_printf(out, "'%s.dat' index %zu using ", chart->name, index);
    const char *dash = mark->dashed ? "'-'" : "solid";
    if (mark->kind == MARK_BAR)
        rp_printf(out, "($1/2):2:($1/2):(%.4g) with boxxyerror fs solid noborder lc rgb '#%06X'", mark->size / 2,
                  mark->colour);
    else if (mark->kind == MARK_SPAN)
        rp_printf(out, "1:2:3:4:($2-%.4g):($2+%.4g) with boxxyerror fs solid noborder lc rgb '#%06X'", mark->size / 2,
                  mark->size / 2, mark->colour);
    else if (mark->kind == MARK_ERROR)
        rp_printf(out, "1:2:3:4 with %serrorbars pt -1 ps 0 lw %.3g lc rgb '#%06X'", mark->across ? "x" : "y",
                  mark->width, mark->colour);
    else if (mark->kind == MARK_AREA)
        rp_printf(out,
                  "1:2 with filledcurves y1=0 fs solid 0.22 noborder lc rgb '#%06X', '' index %zu using 1:2 with lines "
                  "lw %.3g lc rgb '#%06X'",
                  mark->colour, index, mark->width, mark->colour);
    else if (mark->kind == MARK_DOT)
        rp_printf(out, "1:2 with points pt %d ps %.3g lw 1.5 lc rgb '#%06X'", mark->symbol, mark->size, mark->colour);
    else
        rp_printf(out, "1:2 with lines lw %.3g dt %s lc rgb '#%06X'", mark->width, dash, mark->colour);
    if (mark->kind == MARK_POINTS)
        rp_printf(out, ", '' index %zu using 1:2 with points pt %d ps %.3g lw 1.5 lc rgb '#%06X'", index, mark->symbol,
                  mark->size, mark->colour);
}

static void
put_panel(const struct chart *chart, const struct chart_panel *panel, struct rp_text *out, size_t *index)
{
    rp_printf(out, "  set lmargin at screen %.5f\n  set rmargin at screen %.5f\n", screen_x(panel->left),
              screen_x(panel->right));
    rp_printf(out, "  set tmargin at screen %.5f\n  set bmargin at screen %.5f\n", screen_y(chart, panel->top),
              screen_y(chart, panel->bottom));
    put_axis(out, 'x', &panel->x, panel->right - panel->left);
    put_axis(out, 'y', &panel->y, 0);
    rp_printf(out, "  set grid xtics %s lt 1 lw 0.6 lc rgb '#E2E2E2'\n",
              panel->y.categories != NULL ? "noytics" : "ytics");
    put_label(chart, out, panel->title, panel->left, panel->top - 14, "left", "',13'", 0x222222);
    put_endings(chart, panel, out);
    put_values(chart, panel, out);
    const char *between = "  plot ";
    for (size_t m = 0; m < panel->mark_count; m++) {
        if (panel->marks[m].count == 0)
            continue;
        rp_puts(out, between);
        put_mark(chart, out, &panel->marks[m], (*index)++);
        between = ", \\\n       ";
    }
    if (between[2] == 'p') /* nothing to draw: the axes alone */
        rp_puts(out, "  plot 1/0");
    rp_puts(out, "\n  unset label\n  unset arrow\n  unset object\n");
}

void
chart_script(const struct chart *chart, struct rp_text *script)
{
    rp_printf(script,
              "# %s.gp - drawn with: gnuplot %s.gp (gives %s.png and %s.svg; needs gnuplot 5.2 or later)\n"
              "set encoding utf8\n"
              "if (!exists('stem')) stem = '%s'\n"
              "if (!exists('formats')) formats = 'png svg'\n"
              "do for [format in formats] {\n"
              "  if (format eq 'png') {\n"
              "    set terminal pngcairo noenhanced size %.0f,%.0f font 'sans-serif,12' fontscale 1.5 linewidth 2 "
              "pointscale 1.5 background rgb 'white'\n"
              "  } else {\n"
              "    set terminal svg noenhanced size %.0f,%.0f font 'sans-serif,12' background rgb 'white'\n"
              "  }\n"
              "  set output stem.'.'.format\n"
              "  heading = format eq 'png' ? 'sans-serif:Bold,17' : ',17'\n"
              "  set multiplot\n"
              "  unset key\n"
              "  set border 3 lw 0.8 lc rgb '#9A9A9A'\n"
              "  set tics nomirror scale 0.4 tc rgb '#444444'\n",
              chart->name, chart->name, chart->name, chart->name, chart->name, 2 * CHART_WIDTH, 2 * chart->height,
              CHART_WIDTH, chart->height);
    put_head(chart, script);
    size_t index = 0;
    for (size_t p = 0; p < chart->panel_count; p++)
        put_panel(chart, &chart->panels[p], script, &index);
    rp_puts(script, "  unset multiplot\n  set output\n}\n");
}

void
chart_data(const struct chart *chart, struct rp_text *data)
{
    for (size_t p = 0; p < chart->panel_count; p++)
        for (size_t m = 0; m < chart->panels[p].mark_count; m++) {
            const struct chart_mark *mark = &chart->panels[p].marks[m];
            if (mark->count == 0)
                continue;
            rp_puts(data, "# ");
            put_quoted(data, chart->panels[p].title, 0);
            if (mark->label != NULL) {
                rp_puts(data, " ");
                put_quoted(data, mark->label, 0);
            }
            rp_puts(data, "\n");
            for (size_t i = 0; i < mark->count; i++)
                if (isnan(mark->x[i]))
                    rp_puts(data, "\n");
                else if (mark->kind == MARK_ERROR || mark->kind == MARK_SPAN)
                    rp_printf(data, "%.9g %.9g %.9g %.9g\n", mark->x[i], mark->y[i], mark->low[i], mark->high[i]);
                else
                    rp_printf(data, "%.9g %.9g\n", mark->x[i], mark->y[i]);
            rp_puts(data, "\n\n");
        }
    rp_puts(data, "");
}
