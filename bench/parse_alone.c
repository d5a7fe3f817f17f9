/*
 * bench/parse_alone.c - the yardstick of the benchmarks: libcsv alone over a BurstGPT trace, and each number in it
 * converted. No program that reads the trace with libcsv can be faster.
 *
 *   parse_alone TRACE.csv
 */
#include <csv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES 32768
#define COLUMNS 6

/* Sums, so that no conversion can be left out. */
struct tally {
    uint64_t rows, sums[COLUMNS];
    uint32_t column;
};

static void
on_field(void *text, size_t length, void *context)
{
    struct tally *tally = context;
    const char *digits = text;
    uint64_t value = 0;
    for (size_t i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(digits[i] - '0');
    if (tally->column < COLUMNS)
        tally->sums[tally->column] += value;
    tally->column++;
}

static void
on_row(int end, void *context)
{
    struct tally *tally = context;
    (void)end;
    tally->column = 0;
    tally->rows++;
}

static int
parse(FILE *file, struct tally *tally)
{
    static char piece[PIECE_BYTES];
    struct csv_parser parser;
    size_t got;
    int rc = csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    while (rc == 0 && (got = fread(piece, 1, sizeof piece, file)) > 0)
        rc = csv_parse(&parser, piece, got, on_field, on_row, tally) != got;
    if (rc == 0)
        rc = csv_fini(&parser, on_field, on_row, tally);
    csv_free(&parser);
    return rc;
}

int
main(int argc, char **argv)
{
    struct tally tally = {0};
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL || parse(file, &tally) != 0) {
        (void)fprintf(stderr, "parse_alone: cannot read %s\n", argc == 2 ? argv[1] : "without a TRACE.csv");
        return EXIT_FAILURE;
    }
    (void)fclose(file);
    (void)printf("%llu rows, sums", (unsigned long long)tally.rows);
    for (int i = 0; i < COLUMNS; i++)
        (void)printf(" %llu", (unsigned long long)tally.sums[i]);
    (void)printf("\n");
    return EXIT_SUCCESS;
}
