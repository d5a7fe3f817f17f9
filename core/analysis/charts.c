/*
 * analysis/charts.c - writes scripts and data, and runs gnuplot on them without a shell.
 *
 * Pictures appear whole or not at all: gnuplot draws to a temporary name, and what is complete is renamed.
 */
#define _GNU_SOURCE
#include "analysis/charts.h"

#include <math.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

int
ss_charts_begin(struct ss_charts *charts, const char *folder, struct servsim_error *err)
{
    struct stat about;
    *charts = (struct ss_charts){.folder = folder};
    if (mkdir(folder, 0777) == 0)
        return 0;
    int code = errno;
    if (code == EEXIST && stat(folder, &about) == 0 && S_ISDIR(about.st_mode))
        return 0;
    return servsim_fail(err, code, "%s: cannot be made: %s; write another folder for --charts", folder, strerror(code));
}

void
ss_charts_end(struct ss_charts *charts)
{
    for (size_t i = 0; i < charts->count; i++)
        free(charts->names[i]);
    free(charts->names);
    *charts = (struct ss_charts){0};
}

/* ---- the script ---- */

void
ss_chart_quote(struct ss_text *out, const char *text)
{
    ss_text_puts(out, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            ss_text_puts(out, "''");
        else
            ss_text_add(out, (unsigned char)*text < 0x20 || *text == 0x7f ? " " : text, 1);
    }
    ss_text_puts(out, "'");
}

static double
screen_x(double pixels)
{
    return pixels / SS_CHART_WIDTH;
}

static double
screen_y(const struct ss_chart *chart, double pixels)
{
    return 1 - pixels / chart->height;
}

static void
put_label(struct ss_chart *chart, const char *text, double x, double y, const char *font, const char *colour)
{
    ss_text_puts(&chart->script, "  set label ");
    ss_chart_quote(&chart->script, text);
    ss_text_printf(&chart->script, " at screen %.5f,%.5f left font %s tc rgb '%s' front\n", screen_x(x),
                   screen_y(chart, y), font, colour);
}

void
ss_chart_open(struct ss_chart *chart, const char *name, double height, const char *title, const char *subtitle)
{
    *chart = (struct ss_chart){.height = height, .key_at = 16};
    (void)snprintf(chart->name, sizeof chart->name, "%s", name);
    for (char *at = chart->name; *at != '\0'; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *at) == NULL)
            *at = '_';
    if (chart->name[0] == '.')
        chart->name[0] = '_';
    ss_text_printf(&chart->script,
                   "# drawn with: gnuplot %s.gp (gives %s.png and %s.svg; needs gnuplot 5.2 or later)\n"
                   "set encoding utf8\n"
                   "if (!exists('stem')) stem = '%s'\n"
                   "do for [format in 'png svg'] {\n"
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
                   "  set tics nomirror scale 0.4 tc rgb '#444444'\n"
                   "  set grid lt 1 lw 0.6 lc rgb '#E2E2E2'\n",
                   chart->name, chart->name, chart->name, chart->name, 2 * SS_CHART_WIDTH, 2 * height, SS_CHART_WIDTH,
                   height);
    put_label(chart, title, 16, 24, "heading", "#222222");
    put_label(chart, subtitle, 16, 46, "',12.5'", "#666666");
}

void
ss_chart_key(struct ss_chart *chart, const char *label, const char *colour)
{
    double y = 72, left = chart->key_at;
    ss_text_printf(&chart->script, "  set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead lw 2.5 lc rgb '%s'\n",
                   screen_x(left), screen_y(chart, y), screen_x(left + 24), screen_y(chart, y), colour);
    put_label(chart, label, left + 31, y, "',12'", "#333333");
    chart->key_at += 31 + 7.4 * (double)strlen(label) + 22;
    chart->keys++;
}

struct ss_chart_axis
ss_chart_axis_of(const char *label, double least, double most)
{
    struct ss_chart_axis axis = {label, 0, most > 0 ? most * 1.05 : 1, 0};
    if (least > 0 && most / least > 12) {
        axis.low = pow(10, floor(log10(fmax(least, most / 1e6))));
        axis.high = most * 1.1;
        axis.log = 1;
    }
    return axis;
}

static void
put_axis(struct ss_chart *chart, char name, const struct ss_chart_axis *axis)
{
    ss_text_printf(&chart->script, "  set %crange [%.9g:%.9g]\n", name, axis->low, axis->high);
    ss_text_printf(&chart->script, axis->log ? "  set logscale %c 10\n" : "  unset logscale %c\n", name);
    ss_text_printf(&chart->script, "  set %ctics autofreq\n  set format %c '%s'\n", name, name,
                   axis->log && axis->high / axis->low > 1e7 ? "10^%T" : "%g");
    ss_text_printf(&chart->script, "  set %clabel ", name);
    ss_chart_quote(&chart->script, axis->label);
    ss_text_puts(&chart->script, " tc rgb '#444444'\n");
}

void
ss_chart_panel(struct ss_chart *chart, double left, double top, double width, double height, const char *title,
               const struct ss_chart_axis *x, const struct ss_chart_axis *y)
{
    if (chart->blocks > 0)
        ss_text_puts(&chart->script, "\n  unset label\n  unset arrow\n  unset object\n");
    ss_text_printf(&chart->script,
                   "  set lmargin at screen %.5f\n  set rmargin at screen %.5f\n"
                   "  set tmargin at screen %.5f\n  set bmargin at screen %.5f\n",
                   screen_x(left), screen_x(left + width), screen_y(chart, top), screen_y(chart, top + height));
    put_axis(chart, 'x', x);
    put_axis(chart, 'y', y);
    put_label(chart, title, left, top - 14, "',13'", "#222222");
    ss_text_puts(&chart->script, "  plot ");
}

void
ss_chart_command(struct ss_chart *chart, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    static const char plot[] = "  plot ";
    size_t tail = sizeof plot - 1, length = chart->script.length;
    if (chart->script.failed || length < tail || strcmp(chart->script.data + length - tail, plot) != 0)
        return; /* behind its first plot: too late */
    chart->script.length -= tail;
    ss_text_printf(&chart->script, "  %s\n%s", line, plot);
}

void
ss_chart_plot(struct ss_chart *chart, const char *columns, const char *how)
{
    const struct ss_text *script = &chart->script;
    int first = !script->failed && script->length > 5 && strcmp(script->data + script->length - 5, "plot ") == 0;
    ss_text_printf(&chart->script, "%s'%s.dat' index %zu using %s %s", first ? "" : ", \\\n       ", chart->name,
                   chart->blocks, columns, how);
    ss_text_puts(&chart->data, chart->blocks > 0 ? "\n\n" : "");
    chart->blocks++;
}

void
ss_chart_row(struct ss_chart *chart, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return;
    for (size_t i = 0; i < count; i++)
        ss_text_printf(&chart->data, "%s%.9g", i > 0 ? " " : "", values[i]);
    ss_text_puts(&chart->data, "\n");
}

void
ss_chart_point(struct ss_chart *chart, double x, double y)
{
    const double values[2] = {x, y};
    ss_chart_row(chart, values, 2);
}

static int
write_beside(const struct ss_charts *charts, const char *name, const char *ending, const struct ss_text *text,
             struct servsim_error *err)
{
    struct ss_text path = {0};
    ss_text_printf(&path, "%s/%s.%s", charts->folder, name, ending);
    int rc = path.failed || text->failed ? servsim_fail(err, ENOMEM, "no memory for a chart")
                                         : ss_file_write(path.data, text->data, text->length, err);
    ss_text_free(&path);
    return rc;
}

int
ss_chart_close(struct ss_chart *chart, struct ss_charts *charts, struct servsim_error *err)
{
    char **names = realloc(charts->names, (charts->count + 1) * sizeof *names);
    int rc = 0;
    ss_text_puts(&chart->script, "\n  unset multiplot\n  set output\n}\n");
    ss_text_puts(&chart->data, "");
    if (names == NULL) {
        rc = servsim_fail(err, ENOMEM, "no memory for a chart");
    } else {
        charts->names = names;
        rc = write_beside(charts, chart->name, "gp", &chart->script, err);
        if (rc == 0)
            rc = write_beside(charts, chart->name, "dat", &chart->data, err);
    }
    if (rc == 0) {
        charts->names[charts->count] = strdup(chart->name);
        charts->count += charts->names[charts->count] != NULL;
    }
    ss_text_free(&chart->script);
    ss_text_free(&chart->data);
    return rc;
}

/* ---- gnuplot ---- */

static int
spawn_gnuplot(const struct ss_charts *charts, const char *name, pid_t *pid)
{
    char setting[200], script[160], program[] = "gnuplot", plain[] = "-d", e[] = "-e";
    (void)snprintf(setting, sizeof setting, "stem='.drawing-%s'", name);
    (void)snprintf(script, sizeof script, "%s.gp", name);
    char *arguments[] = {program, plain, e, setting, script, NULL};
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code |= posix_spawn_file_actions_addchdir_np(&actions, charts->folder);
    code |= posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    code |= posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    code |= posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (code == 0)
        code = posix_spawnp(pid, program, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

static int
keep(const struct ss_charts *charts, const char *name, const char *ending)
{
    struct ss_text from = {0}, to = {0};
    struct stat about;
    ss_text_printf(&from, "%s/.drawing-%s.%s", charts->folder, name, ending);
    ss_text_printf(&to, "%s/%s.%s", charts->folder, name, ending);
    int kept = !from.failed && !to.failed && stat(from.data, &about) == 0 && about.st_size > 0 &&
               rename(from.data, to.data) == 0;
    if (!kept && !from.failed)
        (void)unlink(from.data);
    ss_text_free(&from);
    ss_text_free(&to);
    return kept;
}

/* 0, -ENOENT where there is no gnuplot, or another error. */
static int
draw(const struct ss_charts *charts, const char *name, struct servsim_error *err)
{
    pid_t pid = 0;
    int status = 0, code = spawn_gnuplot(charts, name, &pid);
    if (code == ENOENT || code == ENOTDIR || code == EACCES)
        return -ENOENT;
    if (code != 0)
        return servsim_fail(err, code, "gnuplot cannot be started: %s", strerror(code));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return servsim_fail(err, errno, "gnuplot: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return -ENOENT;
    int good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    int png = keep(charts, name, "png"), svg = keep(charts, name, "svg");
    if (good && (png || svg))
        return 0;
    return servsim_fail(err, EIO, "%s/%s.gp: gnuplot failed; run it by hand to see why", charts->folder, name);
}

int
ss_charts_draw(struct ss_charts *charts, struct servsim_error *err)
{
    for (size_t i = 0; i < charts->count; i++) {
        int rc = draw(charts, charts->names[i], err);
        if (rc == -ENOENT) {
            charts->gnuplot_absent = 1;
            return 0;
        }
        if (rc != 0)
            return rc;
        charts->drawn++;
    }
    return 0;
}
