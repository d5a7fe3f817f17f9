/*
 * number.h - exact numbers out of the fields of a trace.
 *
 * Times never pass through a double: "37274", "19440110.0", "46926808" ns and "2023-11-16 18:17:03.9799600" become
 * whole picoseconds. No libc conversion, hence no locale, and fast enough for millions of rows.
 */
#ifndef WL_NUMBER_H
#define WL_NUMBER_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 wl_wide;
__extension__ typedef unsigned __int128 wl_uwide;

#define WL_PS_PER_S ((wl_wide)1000000000000)

/* Largest values that are believed: no context window is near the first; the second is 317 years. */
#define WL_TOKENS_MAX 10000000u
#define WL_SECONDS_MAX INT64_C(10000000000)

/* Units of a time, as powers of ten of a second. */
#define WL_UNIT_S 0
#define WL_UNIT_MS (-3)
#define WL_UNIT_US (-6)
#define WL_UNIT_NS (-9)
#define WL_UNIT_CLOCK 1 /* a date with a time of day, or seconds */

/* What is wrong with a field. */
#define WL_OK 0
#define WL_NOT_A_NUMBER 1
#define WL_NEGATIVE 2
#define WL_TOO_LARGE 3
#define WL_NOT_WHOLE 4

/* A time in picoseconds. Digits below a picosecond are dropped. */
int wl_time_parse(const char *text, size_t length, int unit, wl_wide *out_ps);

/* A number of tokens, 0 to WL_TOKENS_MAX; "472" or "472.0". */
int wl_tokens_parse(const char *text, size_t length, uint32_t *out);

/* For the ABI: {seconds, picoseconds} of a time from 0. */
void wl_time_split(wl_wide time_ps, int64_t *seconds, int64_t *picoseconds);

/* An identity out of any text, never 0: equal texts, equal ids (FNV-1a, 64 bits, Fowler, Noll, Vo). */
uint64_t wl_identity(const char *text, size_t length);

#endif
