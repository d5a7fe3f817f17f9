/*
 * row.c - what the readers say about bad rows.
 */
#include "row.h"

const char *
wl_shown(char *out, const char *text, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length && kept < 40; i++)
        out[kept++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    strcpy(out + kept, length > 40 ? "..." : "");
    return out;
}

static const char *
wrong_time(int wrong)
{
    switch (wrong) {
    case WL_NEGATIVE:
        return "which is negative; times start at 0";
    case WL_TOO_LARGE:
        return "which is past 10000000000 seconds; check the column's unit";
    default:
        return "not a time; write a number such as 12 or 12.5";
    }
}

static const char *
wrong_tokens(int wrong)
{
    switch (wrong) {
    case WL_NEGATIVE:
        return "which is negative; write a whole number from 0";
    case WL_TOO_LARGE:
        return "which is more than the 10000000 tokens that are believed; correct the row";
    case WL_NOT_WHOLE:
        return "not a whole number of tokens; write a whole number from 0";
    default:
        return "not a number of tokens; write a whole number from 0";
    }
}

int32_t
wl_bad_number(struct servsim_error *err, const char *path, uint64_t line, const char *name, const char *text,
              size_t length, int wrong, int is_time)
{
    char shown[48];
    return servsim_fail(err, EINVAL, "%s:%llu: %s is \"%s\", %s", path, (unsigned long long)line, name,
                        wl_shown(shown, text, length), is_time ? wrong_time(wrong) : wrong_tokens(wrong));
}

int32_t
wl_check_order(struct servsim_error *err, const char *path, uint64_t line, const char *name, int have_before,
               wl_wide before, wl_wide now)
{
    if (!have_before || now >= before)
        return 0;
    return servsim_fail(err, EINVAL,
                        "%s:%llu: out of order: %s is %.6f s, the row before has %.6f s; sort the rows by %s", path,
                        (unsigned long long)line, name, (double)now / 1e12, (double)before / 1e12, name);
}
