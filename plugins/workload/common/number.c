/*
 * number.c - see number.h.
 */
#include "number.h"

#include <string.h>

/* A decimal number as mantissa * 10^exponent. 36 digits fit 128 bits; later ones only move the exponent. */
struct decimal {
    wl_uwide mantissa;
    int digits, kept, exponent;
};

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *
scan_digits(const char *at, const char *end, struct decimal *number, int fraction)
{
    for (; at < end && is_digit(*at); at++) {
        number->digits++;
        if (number->kept < 36) {
            number->mantissa = number->mantissa * 10 + (unsigned)(*at - '0');
            number->kept += number->mantissa != 0;
            number->exponent -= fraction;
        } else {
            number->exponent += !fraction;
        }
    }
    return at;
}

static const char *
scan_exponent(const char *at, const char *end, struct decimal *number)
{
    if (at == end || (*at != 'e' && *at != 'E'))
        return at;
    const char *digits = at + 1;
    int sign = 1;
    if (digits < end && (*digits == '-' || *digits == '+'))
        sign = *digits++ == '-' ? -1 : 1;
    if (digits == end || !is_digit(*digits))
        return at;
    int exponent = 0;
    for (; digits < end && is_digit(*digits); digits++)
        exponent = exponent < 10000 ? exponent * 10 + (*digits - '0') : exponent;
    number->exponent += sign * exponent;
    return digits;
}

static int
scan_decimal(const char *text, size_t length, struct decimal *number)
{
    const char *at = text, *end = text + length;
    int negative = at < end && *at == '-';
    at += negative;
    *number = (struct decimal){0, 0, 0, 0};
    at = scan_digits(at, end, number, 0);
    if (at < end && *at == '.')
        at = scan_digits(at + 1, end, number, 1);
    if (number->digits == 0)
        return WL_NOT_A_NUMBER;
    at = scan_exponent(at, end, number);
    if (at != end)
        return WL_NOT_A_NUMBER;
    return negative ? WL_NEGATIVE : WL_OK;
}

/* mantissa * 10^power, cut off below 1. */
static int
scale_decimal(wl_uwide mantissa, int power, wl_uwide limit, wl_uwide *out)
{
    for (; power < 0 && mantissa != 0; power++)
        mantissa /= 10;
    for (; power > 0 && mantissa != 0; power--) {
        if (mantissa > limit)
            return WL_TOO_LARGE;
        mantissa *= 10;
    }
    *out = mantissa;
    return mantissa > limit ? WL_TOO_LARGE : WL_OK;
}

static int
two_digits(const char *text, int limit)
{
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return -1;
    int value = (text[0] - '0') * 10 + (text[1] - '0');
    return value <= limit ? value : -1;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t
days_of(int64_t year, int month, int day)
{
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t last = year - (month <= 2);
    return year * 365 + last / 4 - last / 100 + last / 400 + before[month - 1] + day - 1 - 719527;
}

/* "Z", "+00:00", "-0530" or nothing; the answer is seconds to subtract, or INT64_MIN. */
static int64_t
zone_of(const char *text, size_t length)
{
    if (length == 0 || (length == 1 && (*text == 'Z' || *text == 'z')))
        return 0;
    if ((*text != '+' && *text != '-') || (length != 3 && length != 5 && length != 6))
        return INT64_MIN;
    if (length == 6 && text[3] != ':')
        return INT64_MIN;
    int hours = two_digits(text + 1, 23), minutes = length > 3 ? two_digits(text + length - 2, 59) : 0;
    if (hours < 0 || minutes < 0)
        return INT64_MIN;
    return (*text == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
}

/* YYYY-MM-DD HH:MM:SS[.fraction][zone] */
static int
clock_parse(const char *text, size_t length, wl_wide *out_ps)
{
    if (length < 19 || text[4] != '-' || text[7] != '-' || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' ||
        text[16] != ':')
        return WL_NOT_A_NUMBER;
    int century = two_digits(text, 99), year = two_digits(text + 2, 99), month = two_digits(text + 5, 12);
    int day = two_digits(text + 8, 31), hour = two_digits(text + 11, 23), minute = two_digits(text + 14, 59);
    int second = two_digits(text + 17, 60);
    if (century < 19 || year < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0)
        return WL_NOT_A_NUMBER;
    size_t end = 19;
    wl_wide fraction = 0, unit = WL_PS_PER_S;
    if (end < length && text[end] == '.')
        for (end++; end < length && is_digit(text[end]); end++) {
            unit /= 10;
            fraction += unit * (text[end] - '0');
        }
    int64_t zone = zone_of(text + end, length - end);
    int64_t seconds =
        days_of(century * 100 + year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    if (zone == INT64_MIN)
        return WL_NOT_A_NUMBER;
    if (seconds - zone < 0)
        return WL_NEGATIVE;
    *out_ps = (wl_wide)(seconds - zone) * WL_PS_PER_S + fraction;
    return WL_OK;
}

/* "37274": what nearly every row of a trace in seconds holds. */
static int
whole_seconds(const char *text, size_t length, wl_wide *out_ps)
{
    uint64_t seconds = 0;
    if (length == 0 || length > 9)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return 0;
        seconds = seconds * 10 + (unsigned)(text[i] - '0');
    }
    *out_ps = (wl_wide)seconds * WL_PS_PER_S;
    return 1;
}

int
wl_time_parse(const char *text, size_t length, int unit, wl_wide *out_ps)
{
    if (unit == WL_UNIT_S && whole_seconds(text, length, out_ps))
        return WL_OK;
    if (unit == WL_UNIT_CLOCK && length > 4 && text[4] == '-')
        return clock_parse(text, length, out_ps);
    struct decimal number;
    int wrong = scan_decimal(text, length, &number);
    if (wrong != WL_OK)
        return wrong;
    int power = number.exponent + 12 + (unit == WL_UNIT_CLOCK ? 0 : unit);
    wl_uwide limit = (wl_uwide)WL_SECONDS_MAX * (wl_uwide)WL_PS_PER_S, value = 0;
    wrong = scale_decimal(number.mantissa, power, limit, &value);
    *out_ps = (wl_wide)value;
    return wrong;
}

/* "472.0", "1e3", and everything that is wrong. */
static int
tokens_parse_slowly(const char *text, size_t length, uint32_t *out)
{
    struct decimal number;
    wl_uwide value = 0;
    int wrong = scan_decimal(text, length, &number);
    if (wrong != WL_OK)
        return wrong;
    for (; number.exponent < 0 && number.mantissa % 10 == 0 && number.mantissa != 0; number.exponent++)
        number.mantissa /= 10;
    if (number.exponent < 0 && number.mantissa != 0)
        return WL_NOT_WHOLE;
    wrong = scale_decimal(number.mantissa, number.exponent, WL_TOKENS_MAX, &value);
    *out = (uint32_t)value;
    return wrong;
}

int
wl_tokens_parse(const char *text, size_t length, uint32_t *out)
{
    uint32_t value = 0;
    if (length == 0 || length > 7)
        return tokens_parse_slowly(text, length, out);
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return tokens_parse_slowly(text, length, out);
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *out = value;
    return WL_OK;
}

void
wl_time_split(wl_wide time_ps, int64_t *seconds, int64_t *picoseconds)
{
    if (time_ps <= INT64_MAX) { /* 106 days: a division of 64 bits is several times as fast */
        *seconds = (int64_t)time_ps / (int64_t)WL_PS_PER_S;
        *picoseconds = (int64_t)time_ps % (int64_t)WL_PS_PER_S;
        return;
    }
    *seconds = (int64_t)(time_ps / WL_PS_PER_S);
    *picoseconds = (int64_t)(time_ps % WL_PS_PER_S);
}

uint64_t
wl_identity(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash != 0 ? hash : 1;
}
