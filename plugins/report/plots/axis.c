/*
 * report/plots/axis.c - ranges and ticks of axes.
 *
 * Computed here and not left to gnuplot, so that charts with little data or a narrow logarithmic range have useful
 * ticks, and labels can be placed beside the data.
 */
#include <math.h>

#include "report/common/number.h"
#include "report/plots/chart.h"

static void
add_tick(struct chart_axis *axis, double value)
{
    if (axis->tick_count < AXIS_TICKS)
        axis->ticks[axis->tick_count++] = value;
}

/* The step of 1, 2, 2.5 or 5 times a power of ten that gives about `wanted` ticks over the range. */
static double
nice_step(double range, double wanted)
{
    double raw = range / wanted, power = pow(10, floor(log10(raw)));
    double part = raw / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 2.5 ? 2.5 : part <= 5 ? 5 : 10);
}

void
axis_exact(struct chart_axis *axis, double low, double high, double ticks)
{
    axis->log = 0;
    axis->low = low;
    axis->high = high > low ? high : low + 1;
    axis->tick_count = 0;
    double step = nice_step(axis->high - axis->low, ticks);
    for (double i = ceil(low / step - 1e-9); i * step <= axis->high * (1 + 1e-9); i++)
        add_tick(axis, i * step);
}

void
axis_from_zero(struct chart_axis *axis, double high, double ticks)
{
    axis_exact(axis, 0, high > 0 ? high * 1.06 : 1, ticks);
}

void
axis_log(struct chart_axis *axis, double low, double high)
{
    axis->log = 10;
    axis->low = low / 1.2;
    axis->high = high * 1.2;
    axis->tick_count = 0;
    double decades = log10(axis->high / axis->low);
    double every = decades > 8 ? ceil(decades / 8) : 1;
    for (double power = floor(log10(axis->low)); power <= log10(axis->high); power += every) {
        static const double narrow[] = {1, 1.5, 2, 3, 4, 5, 6, 8}, wide[] = {1, 2, 5};
        const double *steps = decades < 1 ? narrow : wide;
        for (size_t s = 0; s < (decades < 1 ? 8u : decades < 2.6 ? 3u : 1u); s++) {
            double value = steps[s] * pow(10, power);
            if (value >= axis->low * (1 - 1e-9) && value <= axis->high * (1 + 1e-9))
                add_tick(axis, value);
        }
    }
    if (axis->tick_count >= 2)
        return;
    /* A range so narrow that no two ticks fell inside: ticks as on a straight axis. */
    struct chart_axis straight = {0};
    axis_exact(&straight, axis->low, axis->high, 5);
    axis->tick_count = straight.tick_count;
    memcpy(axis->ticks, straight.ticks, sizeof axis->ticks);
}

int
axis_is_wide(double low, double high)
{
    return low > 0 && high > 12 * low;
}

void
axis_wide(struct chart_axis *axis, double low, double high)
{
    if (axis_is_wide(low, high))
        axis_log(axis, low, high);
    else
        axis_from_zero(axis, high, 7);
}

void
axis_gpus(struct chart_axis *axis, const double *gpus, size_t count)
{
    axis->log = 2;
    axis->low = gpus[0] / 1.19;
    axis->high = gpus[count - 1] * 1.19;
    axis->tick_count = 0;
    double last = -1;
    for (size_t i = 0; i < count; i++) {
        double place = axis_place(axis, gpus[i]);
        if (place - last < 0.055)
            continue; /* its number would touch the one before */
        add_tick(axis, gpus[i]);
        last = place;
    }
}

double
axis_place(const struct chart_axis *axis, double value)
{
    if (axis->log)
        return log(value / axis->low) / log(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

void
axis_categories(struct chart_axis *axis, char **texts, size_t count)
{
    axis->low = (double)count + 0.5;
    axis->high = 0.5;
    axis->log = 0;
    axis->categories = texts;
    axis->category_count = count;
}

double
axis_text_width(const struct chart_axis *axis)
{
    double widest = 0;
    for (size_t i = 0; i < axis->category_count; i++)
        widest = fmax(widest, axis->categories[i] != NULL ? chart_text_width(axis->categories[i], TEXT_SIZE) : 0);
    for (size_t i = 0; i < axis->tick_count && !axis->bare && axis->categories == NULL; i++)
        widest = fmax(widest, chart_text_width(rp_tick(axis->ticks[i]).text, TEXT_SIZE));
    return widest;
}
