/*
 * cli/trace.h - what the trace commands share: traffic that is read through its plugin, and files that it is written
 * to.
 */
#ifndef SS_CLI_TRACE_H
#define SS_CLI_TRACE_H

#include "cli/cli.h"

/* ---- trace_read.c: the requests of a workload plugin, without an engine ---- */

/* Which plugin, and its options. Either `workload` names the plugin, or the file `path` tells. */
struct ss_trace_wish {
    const char *workload, *path;
    const char **sets; /* KEY=VALUE for the plugin's options */
    size_t set_count;
    uint64_t requests; /* the option `requests`, where there is one; 0: not set */
    uint64_t sample;   /* the option `sample`; 0: not set */
    uint64_t seed;
    int emit_failed; /* ask for failed requests, where the plugin can give them */
};

/* Must not move while it is open: the plugin holds its address. */
struct ss_trace_reader {
    const struct servsim_plugin *descriptor;
    struct ss_instance instance;
    struct servsim_host host;
    const volatile sig_atomic_t *interrupted;
    uint64_t seed, rows;
    ss_time before;
};

int ss_trace_open(struct ss_trace_reader *reader, const struct ss_trace_wish *wish, const struct ss_cli *cli,
                  struct servsim_error *err);
/* 1 and a request, 0 at the end, or a negative errno; -EINTR once the user wants to stop. A failed request has no
   output tokens. */
int ss_trace_next(struct ss_trace_reader *reader, struct servsim_arrival *row, struct servsim_error *err);
/* What the plugin counted; zeros where it does not count. */
int ss_trace_counts(const struct ss_trace_reader *reader, struct servsim_workload_stats *out,
                    struct servsim_error *err);
void ss_trace_close(struct ss_trace_reader *reader);

/* ---- trace_write.c: files that appear whole or not at all ---- */

struct ss_trace_format;

/* What a request may carry beside its arrival and its lengths; bit n is ss_trace_part_names[n]. */
#define SS_TRACE_PARTS 10u
#define SS_TRACE_CLASS (1u << 0)
#define SS_TRACE_SESSION (1u << 1)
#define SS_TRACE_CLIENT (1u << 2)
#define SS_TRACE_PROMPT (1u << 3)
#define SS_TRACE_TOKEN_IDS (1u << 4)
#define SS_TRACE_HASHES (1u << 5)
#define SS_TRACE_PRIORITY (1u << 6)
#define SS_TRACE_DEADLINE (1u << 7)
#define SS_TRACE_BELOW_NS (1u << 8)
#define SS_TRACE_PREFIX (1u << 9)

struct ss_trace_writer {
    const struct ss_trace_format *format;
    char *path; /* of the temporary file */
    int fd, error;
    size_t used;
    char *buffer;
    uint64_t rows, unclassed;
    uint64_t lost[SS_TRACE_PARTS]; /* rows whose part the format has no place for */
    uint32_t hash_tokens;          /* of one prefix block id; 0: there were none */
    int sessions;                  /* the first row has one */
};

/* "burstgpt", "tsv", "csv", "jsonl", case ignored; NULL for another name. */
const struct ss_trace_format *ss_trace_format_of(const char *name);
const char *ss_trace_format_name(const struct ss_trace_format *format);

int ss_trace_writer_open(struct ss_trace_writer *writer, const char *output, const struct ss_trace_format *format,
                         struct servsim_error *err);
void ss_trace_write(struct ss_trace_writer *writer, const struct servsim_arrival *row);
/* Gives the file its name where all went well (rc 0), else takes it away. Returns rc, or what went wrong here. */
int ss_trace_writer_close(struct ss_trace_writer *writer, const char *output, int rc, struct servsim_error *err);
/* Prints what the format had no place for, a line each. */
void ss_trace_tell_losses(const struct ss_trace_writer *writer);
/* The same as one line on standard error, with the format that has a place for some of it; nothing where all is kept.
 */
void ss_trace_warn_losses(const struct ss_trace_writer *writer, const char *output);

/* Writes what the reader gives, at most `limit` rows (0: all). Opens and closes the writer. */
int ss_trace_copy(struct ss_trace_reader *reader, struct ss_trace_writer *writer, const char *output,
                  const struct ss_trace_format *format, uint64_t limit, struct servsim_error *err);

/* ---- trace_measure.c: figures of a trace, in constant memory ---- */

/* Values are exact below 4,096, and up to 1 / 2,048 apart above; a bin that saw one value only knows it exactly. */
struct ss_spread {
    struct ss_spread_bin *bins;
    uint64_t count, max;
    ss_wide sum;
};

uint64_t ss_spread_percentile(const struct ss_spread *spread, uint32_t percent); /* nearest rank; 0 where empty */
double ss_spread_mean(const struct ss_spread *spread);

/* At most `limit` points of the cumulative distribution, ascending. Returns their number. */
size_t ss_spread_curve(const struct ss_spread *spread, double *values, double *shares, size_t limit);

/* Counts of requests in equal windows from the first request on. */
struct ss_windows {
    int64_t width_s, index; /* of the window that is being filled */
    uint64_t now, peak;
    double windows, mean, squares; /* of whole windows (Welford) */
};

/* Variance over mean of the counts: 1 for Poisson arrivals; NAN below ten whole windows. */
double ss_windows_dispersion(const struct ss_windows *windows);

#define SS_TRACE_CLASSES 32u /* further ones are taken together */
#define SS_TRACE_BINS 8192u

struct ss_trace_class {
    char name[32];
    uint64_t requests, prompt_tokens, output_tokens;
};

struct ss_trace_figures {
    uint64_t requests, rows, rows_failed, rows_left_out;
    ss_time first, last;
    struct ss_spread gaps_ns, prompts, outputs;
    uint64_t zero_gaps;
    double gap_mean_s, gap_squares; /* Welford */
    struct ss_windows per_second, per_minute, per_hour;
    struct ss_trace_class classes[SS_TRACE_CLASSES + 1]; /* the last one: all others */
    size_t class_count;
    uint64_t hours[24]; /* requests by hour of the day, days counted from the trace's first row */
    uint64_t *bins;     /* SS_TRACE_BINS counts from the trace's first row, bin_ms wide; the widths double and more */
    uint32_t bins_used, bin_step;
    uint64_t bin_ms;
};

int ss_trace_figures_open(struct ss_trace_figures *figures, struct servsim_error *err);
void ss_trace_figures_add(struct ss_trace_figures *figures, const struct servsim_arrival *row);
void ss_trace_figures_free(struct ss_trace_figures *figures);

double ss_trace_span_s(const struct ss_trace_figures *figures);
double ss_trace_rate(const struct ss_trace_figures *figures);      /* (requests - 1) / span; NAN where there is none */
double ss_trace_peak_rate(const struct ss_trace_figures *figures); /* over the fullest minute; NAN below a minute */
double ss_trace_gap_cv(const struct ss_trace_figures *figures);    /* NAN where there is none */
/* Rate in each hour of the day, mean 1. Returns 0 where the trace is shorter than a day. */
int ss_trace_hour_profile(const struct ss_trace_figures *figures, double profile[24]);
/* Widens the bins until there are at most `limit`. */
void ss_trace_widen_bins(struct ss_trace_figures *figures, uint32_t limit);

/* ---- trace_charts.c ---- */

/* Scripts, data, and where gnuplot is present pictures, in `folder`, which is made. *drawn: 0 where gnuplot is absent.
 */
int ss_trace_charts(struct ss_trace_figures *figures, const char *subtitle, const char *folder,
                    const volatile sig_atomic_t *interrupted, int *drawn, struct servsim_error *err);

/* ---- commands: argv[0] is the command's name; each returns an exit status ---- */

int ss_trace_generate(int argc, char **argv, struct ss_cli *cli);
int ss_trace_info(int argc, char **argv, struct ss_cli *cli);
int ss_trace_convert(int argc, char **argv, struct ss_cli *cli);
int ss_trace_sample(int argc, char **argv, struct ss_cli *cli);

/* The exit status of a failed command; prints the error. */
int ss_trace_failed(int rc, const struct servsim_error *err);

/* A whole number after a flag: 0, or SS_EXIT_BAD with a complaint. */
int ss_trace_read_whole(const char *flag, const char *text, uint64_t *out);

#endif
