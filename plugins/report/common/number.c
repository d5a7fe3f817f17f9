/*
 * report/common/number.c - numbers as text: exact ones for machines, rounded ones for people.
 */
#include "report/common/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rp_word
word(const char *text)
{
    struct rp_word out;
    (void)snprintf(out.text, sizeof out.text, "%s", text);
    return out;
}

struct rp_word
rp_exact(double value)
{
    struct rp_word out;
    if (value == 0)
        return word("0"); /* minus zero too */
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out.text, sizeof out.text, "%.*g", digits, value);
        if (strtod(out.text, NULL) == value)
            break;
    }
    return out;
}

/* Puts commas between the thousands of the digits before the point. */
static struct rp_word
separated(const char *digits)
{
    struct rp_word out;
    size_t used = 0;
    if (*digits == '-')
        out.text[used++] = *digits++;
    size_t whole = strcspn(digits, ".e");
    for (size_t i = 0; digits[i] != '\0' && used + 2 < sizeof out.text; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            out.text[used++] = ',';
        out.text[used++] = digits[i];
    }
    out.text[used] = '\0';
    return out;
}

static struct rp_word
rounded_to(double value, int figures)
{
    if (!isfinite(value))
        return word("–");
    if (value == 0)
        return word("0");
    char digits[48];
    double size = fabs(value);
    if (size >= 1e15 || size < 1e-4) {
        (void)snprintf(digits, sizeof digits, "%.*e", figures - 1, value);
        return word(digits);
    }
    /* Rounded through text once, so that 999.6 becomes 1,000 and not 999.6 printed with three digits. */
    (void)snprintf(digits, sizeof digits, "%.*e", figures - 1, value);
    double rounded = strtod(digits, NULL);
    int exponent = (int)floor(log10(fabs(rounded)) + 1e-9);
    (void)snprintf(digits, sizeof digits, "%.*f", exponent >= figures - 1 ? 0 : figures - 1 - exponent, rounded);
    return separated(digits);
}

struct rp_word
rp_human(double value)
{
    return rounded_to(value, 3);
}

struct rp_word
rp_rough(double value)
{
    return rounded_to(value, 2);
}

struct rp_word
rp_beside(double value, double half)
{
    const int least = 3, most = 9;
    if (!(half > 0) || !isfinite(half) || value == 0)
        return rp_human(value);
    int figures = (int)floor(log10(fabs(value))) - (int)floor(log10(half)) + 2;
    return rounded_to(value, figures < least ? least : figures > most ? most : figures);
}

struct rp_word
rp_count(double value)
{
    if (!isfinite(value))
        return word("–");
    if (fabs(value) >= 1e15)
        return rp_human(value);
    char digits[48];
    (void)snprintf(digits, sizeof digits, "%.0f", value);
    return separated(digits);
}

struct rp_word
rp_percent(double fraction)
{
    if (!isfinite(fraction))
        return word("–");
    double percent = 100 * fraction;
    if (percent < 100 && percent > 99.94) {
        if (percent >= 99.99)
            return word("> 99.99 %");
        struct rp_word near;
        (void)snprintf(near.text, sizeof near.text, "%.2f %%", floor(percent * 100) / 100);
        return near;
    }
    if (percent > 0 && percent < 0.01)
        return word("< 0.01 %");
    struct rp_word number = rp_human(percent), out;
    (void)snprintf(out.text, sizeof out.text, "%.40s %%", number.text);
    return out;
}

/* "4 min 5 s": both parts whole, the second left out when it is 0. */
static struct rp_word
two_units(double seconds, double large_s, const char *large, double small_s, const char *small)
{
    double whole = floor(seconds / large_s + 1e-9);
    double rest = floor((seconds - whole * large_s) / small_s + 0.5);
    if (rest * small_s >= large_s - small_s / 2) {
        whole++;
        rest = 0;
    }
    struct rp_word out;
    if (rest <= 0)
        (void)snprintf(out.text, sizeof out.text, "%.20s %s", rp_count(whole).text, large);
    else
        (void)snprintf(out.text, sizeof out.text, "%.20s %s %.0f %s", rp_count(whole).text, large, rest, small);
    return out;
}

struct rp_word
rp_duration(double seconds)
{
    if (!isfinite(seconds))
        return word("–");
    if (seconds >= 86400 - 30)
        return two_units(seconds, 86400, "d", 3600, "h");
    if (seconds >= 3600 - 0.5)
        return two_units(seconds, 3600, "h", 60, "min");
    if (seconds >= 99.95)
        return two_units(seconds, 60, "min", 1, "s");
    struct rp_word number = rp_human(seconds < 0.9995 ? seconds * 1e3 : seconds), out;
    (void)snprintf(out.text, sizeof out.text, "%.40s %s", number.text, seconds < 0.9995 && seconds != 0 ? "ms" : "s");
    return out;
}

struct rp_word
rp_milliseconds(double value)
{
    return rp_duration(value / 1e3);
}

struct rp_word
rp_times(double ratio)
{
    if (!isfinite(ratio))
        return word("–");
    struct rp_word number = rp_human(ratio), out;
    (void)snprintf(out.text, sizeof out.text, "%.40s×", number.text);
    return out;
}

struct rp_word
rp_index(double value)
{
    struct rp_word out;
    if (!isfinite(value))
        return word("–");
    (void)snprintf(out.text, sizeof out.text, "%.5f", value);
    return out;
}

struct rp_word
rp_tick(double value)
{
    char digits[48];
    double size = fabs(value);
    if (size > 0 && (size >= 1e7 || size < 1e-4)) {
        (void)snprintf(digits, sizeof digits, "%.3g", value);
        return word(digits);
    }
    (void)snprintf(digits, sizeof digits, "%.6f", value);
    size_t length = strlen(digits);
    while (digits[length - 1] == '0')
        digits[--length] = '\0';
    if (digits[length - 1] == '.')
        digits[length - 1] = '\0';
    return separated(digits[0] == '-' && digits[1] == '0' && digits[2] == '\0' ? "0" : digits);
}
