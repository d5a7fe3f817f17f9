/*
 * plugin/units.c - numbers with units.
 *
 * Every unit is a whole multiple of the smallest of its dimension, so that a conversion is one multiplication or one
 * division, rounded once: 12.5us is exactly 12,500,000 picoseconds, and 50ms is the double nearest to 0.05 s.
 */
#include "plugin/units.h"

#include <math.h>
#include <strings.h>

#include "base/text.h"

struct unit {
    const char *spelling;
    uint32_t dimension;
    uint32_t flags;
    double factor; /* in the smallest unit of the dimension: a whole number */
};

#define TIME 1u      /* picoseconds */
#define BYTES 2u     /* bytes */
#define BANDWIDTH 3u /* bytes per second */
#define FLOPS 4u     /* operations per second */
#define RATE 5u      /* per day */
#define PERCENT 6u   /* of hundred */
#define TOKENS 7u
#define POWER 9u    /* milliwatts */
#define ENERGY 10u  /* picojoules */
#define FRACTION 8u /* hundredths; what an option without a unit takes */

#define HIDDEN 1u   /* understood, not listed in messages */
#define ANY_CASE 2u /* no other meaning in another case */

#define KI 1024.0
#define MI (KI * KI)
#define GI (MI * KI)
#define TI (GI * KI)

static const struct unit units[] = {
    {"ps", TIME, 0, 1},
    {"ns", TIME, 0, 1e3},
    {"us", TIME, 0, 1e6},
    {"\xc2\xb5s", TIME, HIDDEN, 1e6}, /* micro sign */
    {"\xce\xbcs", TIME, HIDDEN, 1e6}, /* Greek mu */
    {"ms", TIME, 0, 1e9},
    {"s", TIME, 0, 1e12},
    {"sec", TIME, HIDDEN, 1e12},
    {"min", TIME, 0, 60e12},
    {"h", TIME, 0, 3600e12},
    {"d", TIME, 0, 86400e12},
    {"B", BYTES, 0, 1},
    {"bytes", BYTES, HIDDEN, 1},
    {"byte", BYTES, HIDDEN, 1},
    {"kB", BYTES, 0, 1e3},
    {"KB", BYTES, HIDDEN, 1e3},
    {"MB", BYTES, 0, 1e6},
    {"GB", BYTES, 0, 1e9},
    {"TB", BYTES, 0, 1e12},
    {"KiB", BYTES, 0, KI},
    {"MiB", BYTES, 0, MI},
    {"GiB", BYTES, 0, GI},
    {"TiB", BYTES, 0, TI},
    {"B/s", BANDWIDTH, 0, 1},
    {"bytes/s", BANDWIDTH, HIDDEN, 1},
    {"kB/s", BANDWIDTH, 0, 1e3},
    {"KB/s", BANDWIDTH, HIDDEN, 1e3},
    {"MB/s", BANDWIDTH, 0, 1e6},
    {"GB/s", BANDWIDTH, 0, 1e9},
    {"TB/s", BANDWIDTH, 0, 1e12},
    {"KiB/s", BANDWIDTH, 0, KI},
    {"MiB/s", BANDWIDTH, 0, MI},
    {"GiB/s", BANDWIDTH, 0, GI},
    {"TiB/s", BANDWIDTH, 0, TI},
    {"FLOP/s", FLOPS, ANY_CASE, 1},
    {"FLOPS", FLOPS, ANY_CASE | HIDDEN, 1},
    {"GFLOP/s", FLOPS, ANY_CASE, 1e9},
    {"GFLOPS", FLOPS, ANY_CASE | HIDDEN, 1e9},
    {"TFLOP/s", FLOPS, ANY_CASE, 1e12},
    {"TFLOPS", FLOPS, ANY_CASE | HIDDEN, 1e12},
    {"TFLOPs/s", FLOPS, ANY_CASE | HIDDEN, 1e12},
    {"PFLOP/s", FLOPS, ANY_CASE, 1e15},
    {"PFLOPS", FLOPS, ANY_CASE | HIDDEN, 1e15},
    {"/s", RATE, ANY_CASE, 86400},
    {"1/s", RATE, ANY_CASE | HIDDEN, 86400},
    {"Hz", RATE, ANY_CASE | HIDDEN, 86400},
    {"req/s", RATE, ANY_CASE | HIDDEN, 86400},
    {"requests/s", RATE, ANY_CASE | HIDDEN, 86400},
    {"/min", RATE, ANY_CASE, 1440},
    {"1/min", RATE, ANY_CASE | HIDDEN, 1440},
    {"/h", RATE, ANY_CASE, 24},
    {"1/h", RATE, ANY_CASE | HIDDEN, 24},
    {"/d", RATE, ANY_CASE, 1},
    {"1/d", RATE, ANY_CASE | HIDDEN, 1},
    {"%", PERCENT, 0, 1},
    {"tokens", TOKENS, ANY_CASE, 1},
    {"token", TOKENS, ANY_CASE | HIDDEN, 1},
    {"mW", POWER, 0, 1},
    {"W", POWER, 0, 1e3},
    {"kW", POWER, 0, 1e6},
    {"pJ", ENERGY, 0, 1},
    {"nJ", ENERGY, 0, 1e3},
    {"", FRACTION, HIDDEN, 100},
    {"%", FRACTION, HIDDEN, 1},
};

#define UNIT_COUNT (sizeof units / sizeof units[0])

/* `dimension` 0: the first of any dimension. */
static const struct unit *
unit_of(const char *spelling, uint32_t dimension)
{
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        const struct unit *unit = &units[i];
        if (dimension != 0 && unit->dimension != dimension)
            continue;
        if (strcmp(unit->spelling, spelling) == 0)
            return unit;
        if ((unit->flags & ANY_CASE) && strcasecmp(unit->spelling, spelling) == 0)
            return unit;
    }
    return NULL;
}

/* What to write: "ps, ns, us, ms, s, min, h or d; a bare number is in ms". */
static void
list_units(const struct unit *wanted, const char *unit, char *out, size_t size)
{
    size_t listed[UNIT_COUNT], count = 0;
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (wanted != NULL && units[i].dimension == wanted->dimension && !(units[i].flags & HIDDEN))
            listed[count++] = i;
    if (count == 0) {
        if (unit[0] == '\0')
            (void)snprintf(out, size, "write a plain number");
        else
            (void)snprintf(out, size, "write a plain number, it is in %s", unit);
        return;
    }
    size_t used = (size_t)snprintf(out, size, "write a number with ");
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 i == 0          ? ""
                                 : i + 1 < count ? ", "
                                                 : " or ",
                                 units[listed[i]].spelling);
    if (used < size)
        (void)snprintf(out + used, size - used, " behind it; a bare number is in %s", unit);
}

static const char *
digits(const char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The end of a decimal number at the start of `text`, or NULL. Not hexadecimal, no infinity, no NaN. */
static const char *
number_end(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    const char *whole = digits(at);
    const char *end = *whole == '.' ? digits(whole + 1) : whole;
    if (end - at - (*whole == '.') <= 0)
        return NULL;
    if (*end == 'e' || *end == 'E') {
        const char *power = end + 1 + (end[1] == '-' || end[1] == '+');
        if (digits(power) > power)
            end = digits(power);
    }
    return end;
}

static const char *
skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* A quantity in two halves: "24 GiB" -> 24, "GiB". */
struct halves {
    const char *number, *number_end;
    char unit[32]; /* "?" where it is longer than any unit is */
};

static int
split(const char *text, struct halves *out)
{
    out->number = skip_blanks(text);
    out->number_end = number_end(out->number);
    if (out->number_end == NULL)
        return -1;
    const char *unit = skip_blanks(out->number_end);
    size_t length = strlen(unit);
    while (length > 0 && (unit[length - 1] == ' ' || unit[length - 1] == '\t'))
        length--;
    if (length >= sizeof out->unit) {
        strcpy(out->unit, "?");
        return 0;
    }
    memcpy(out->unit, unit, length);
    out->unit[length] = '\0';
    return 0;
}

static int
fail_units(struct servsim_error *err, const char *text, const char *what, const struct unit *wanted, const char *unit)
{
    char mend[320];
    list_units(wanted, unit, mend, sizeof mend);
    return servsim_fail(err, EINVAL, "'%.60s' %s; %s", text, what, mend);
}

static int
number_of(const struct halves *halves, double *out)
{
    char digits_only[512];
    size_t length = (size_t)(halves->number_end - halves->number);
    if (length >= sizeof digits_only)
        return -1;
    memcpy(digits_only, halves->number, length);
    digits_only[length] = '\0';
    *out = strtod(digits_only, NULL);
    return isfinite(*out) ? 0 : -1;
}

static double
convert(double number, double from, double to)
{
    return from >= to ? number * (from / to) : number / (to / from);
}

int
ss_quantity_parse(const char *text, const char *unit, double *out, struct servsim_error *err)
{
    const struct unit *wanted = unit_of(unit, unit[0] == '\0' ? FRACTION : 0);
    struct halves halves;
    double number;
    if (split(text, &halves) != 0)
        return fail_units(err, text, text[0] == '\0' ? "is empty" : "is not a number", wanted, unit);
    if (number_of(&halves, &number) != 0)
        return fail_units(err, text, "is too large", wanted, unit);
    if (halves.unit[0] != '\0' && strcmp(halves.unit, unit) != 0) {
        const struct unit *written = wanted != NULL ? unit_of(halves.unit, wanted->dimension) : NULL;
        if (written == NULL)
            return fail_units(err, text,
                              unit_of(halves.unit, 0) ? "has the unit of something else" : "has no known unit", wanted,
                              unit);
        number = convert(number, written->factor, wanted->factor);
    }
    if (!isfinite(number))
        return fail_units(err, text, "is too large", wanted, unit);
    *out = number;
    return 0;
}

void
ss_quantity_pattern(struct ss_text *out, const char *unit)
{
    const struct unit *wanted = unit_of(unit, unit[0] == '\0' ? FRACTION : 0);
    size_t count = 0;
    ss_text_puts(out, "[ \t]*[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?([ \t]*(");
    for (size_t i = 0; wanted != NULL && i < UNIT_COUNT; i++) {
        if (units[i].dimension != wanted->dimension || units[i].spelling[0] == '\0')
            continue;
        ss_text_puts(out, count++ > 0 ? "|" : "");
        ss_text_add_pattern(out, units[i].spelling, (units[i].flags & ANY_CASE) != 0);
    }
    if (wanted == NULL)
        ss_text_add_pattern(out, unit, 0);
    ss_text_puts(out, "))?[ \t]*");
}

/* All digits: read without passing through a double. 1: done, 0: not of that form, -1: too large. */
static int
plain_integer(const char *text, int64_t *out)
{
    const char *at = skip_blanks(text);
    const char *end = digits(at + (*at == '-' || *at == '+'));
    if (end == at + (*at == '-' || *at == '+') || *skip_blanks(end) != '\0')
        return 0;
    errno = 0;
    long long value = strtoll(at, NULL, 10);
    if (errno == ERANGE)
        return -1;
    *out = value;
    return 1;
}

int
ss_integer_parse(const char *text, const char *unit, int64_t *out, struct servsim_error *err)
{
    int plain = plain_integer(text, out);
    if (plain > 0)
        return 0;
    double number = 0;
    if (plain == 0) {
        int rc = ss_quantity_parse(text, unit, &number, err);
        if (rc != 0)
            return rc;
    }
    if (plain < 0 || fabs(number) > 9007199254740992.0)
        return servsim_fail(err, EINVAL, "'%.60s' is too large; write a whole number below 2^63", text);
    if (number != floor(number))
        return servsim_fail(err, EINVAL, "'%.60s' is not a whole number; write digits, or 1e6", text);
    *out = (int64_t)number;
    return 0;
}

/* A decimal without an exponent as mantissa x 10^-decimals, exactly. 0: too many digits, or another form. */
static int
exact_decimal(const struct halves *halves, ss_time *mantissa, ss_time *scale)
{
    const char *at = halves->number;
    int negative = *at == '-', places = 0, point = 0;
    *mantissa = 0;
    *scale = 1;
    for (at += *at == '-' || *at == '+'; at < halves->number_end; at++) {
        if (*at == '.' && !point) {
            point = 1;
            continue;
        }
        if (*at < '0' || *at > '9' || ++places > 20)
            return 0;
        *mantissa = *mantissa * 10 + (*at - '0');
        *scale *= point ? 10 : 1;
    }
    if (negative)
        *mantissa = -*mantissa;
    return 1;
}

int
ss_duration_parse(const char *text, const char *unit, ss_time *out, struct servsim_error *err)
{
    double number, s;
    int rc = ss_quantity_parse(text, unit, &number, err);
    if (rc != 0)
        return rc;
    /* It has the form, so it is read again, in picoseconds: nothing is rounded on the way through `unit`. */
    struct halves halves;
    ss_time mantissa, scale;
    (void)split(text, &halves);
    (void)number_of(&halves, &number);
    const struct unit *written = unit_of(halves.unit[0] != '\0' ? halves.unit : unit, TIME);
    if (written == NULL)
        return servsim_fail(err, EINVAL, "'%.60s' is no time; write a number with ms or s behind it", text);
    s = number * written->factor / 1e12;
    if (!(fabs(s) < 1e8))
        return servsim_fail(err, EINVAL, "'%.60s' is too long; write a time below 1e8 s", text);
    if (exact_decimal(&halves, &mantissa, &scale)) {
        ss_time half = mantissa < 0 ? -(scale / 2) : scale / 2;
        *out = (mantissa * (ss_time)written->factor + half) / scale;
    } else {
        double ps = number * written->factor;
        *out = (ss_time)(ps < 0 ? ceil(ps - 0.5) : floor(ps + 0.5));
    }
    return 0;
}

void
ss_number_format(char out[32], double number)
{
    if (fabs(number) < 1e15 && number == floor(number)) {
        (void)snprintf(out, 32, "%.0f", number);
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(out, 32, "%.*g", precision, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

void
ss_duration_format(char out[64], ss_time time)
{
    static const struct {
        const char *unit;
        int decimals;
        int64_t ps;
    } forms[] = {{"s", 12, INT64_C(1000000000000)}, {"ms", 9, 1000000000}, {"us", 6, 1000000}};
    size_t form = 0;
    while (form < 2 && time < (ss_time)forms[form].ps)
        form++;
    long long whole = (long long)(time / forms[form].ps), part = (long long)(time % forms[form].ps);
    int used = snprintf(out, 64, "%lld.%0*lld", whole, forms[form].decimals, part);
    while (out[used - 1] == '0')
        used--;
    if (out[used - 1] == '.')
        used--;
    (void)snprintf(out + used, 64 - (size_t)used, "%s", forms[form].unit);
}
