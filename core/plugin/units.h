/*
 * plugin/units.h - numbers with units, as people write them: 24GiB, 50ms, 900GB/s, 71 TFLOP/s, 2/s, 120/min, 90%.
 *
 * A bare number is in the unit asked for. Decimal prefixes are powers of ten, binary ones (KiB, MiB, GiB, TiB) powers
 * of two.
 */
#ifndef SS_PLUGIN_UNITS_H
#define SS_PLUGIN_UNITS_H

#include <stdint.h>

#include "base/time.h"
#include "servsim/plugin.h"

/*
 * Reads `text` as a quantity in `unit` ("" "s" "ms" "bytes" "GB/s" "%" ...). A unit that is unknown here is taken by
 * its own spelling only. Finite, never a NaN. The error says what was written and what to write instead, without the
 * place. Returns 0 or -EINVAL.
 */
int ss_quantity_parse(const char *text, const char *unit, double *out, struct servsim_error *err);

/* The same for a whole number. Digits are exact over all 64 bits. */
int ss_integer_parse(const char *text, const char *unit, int64_t *out, struct servsim_error *err);

/* The same for a time, rounded to whole picoseconds; a bare number is in `unit`. Below 10^8 s (three years). */
int ss_duration_parse(const char *text, const char *unit, ss_time *out, struct servsim_error *err);

/* Appends a regular expression (POSIX extended, ECMA 262; without ^ and $) of the texts that ss_quantity_parse() reads
   in `unit`. */
struct ss_text;
void ss_quantity_pattern(struct ss_text *out, const char *unit);

/* The shortest decimal that reads back as `number`. */
void ss_number_format(char out[32], double number);

/* A time as ss_duration_parse() reads it back: "1.5ms", "50s". Not negative. */
void ss_duration_format(char out[64], ss_time time);

#endif
