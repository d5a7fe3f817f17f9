/*
 * report/common/results.h - results.json as plain structs, and any figure of a cell by its name.
 *
 * Results on disk may be truncated, edited or hostile: whatever is used is checked here, and every error is one line
 * that names the file. Strings belong to the JSON document, which lives as long as the results.
 */
#ifndef REPORT_COMMON_RESULTS_H
#define REPORT_COMMON_RESULTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

#define RP_NONE SIZE_MAX

struct rp_cell {
    const char *name, *status, *reason; /* "" where there is nothing to say */
    const char *dir;                    /* relative to the folder of the results, no ".." in it */
    const char *model, *hardware, *scheduler, *router, *workload, *engine;
    double gpus, tp, pp, dp, ep, replicas;
    double max_num_seqs, max_num_batched_tokens, block_size, seed; /* NAN: unknown */
    double slo_ttft_ms, slo_tpot_ms;                               /* NAN: none */
    size_t *values; /* for each axis: number of this cell's value among the axis' values, RP_NONE without a label */
    char *folder;   /* absolute path of its files */
    int done;       /* finished, with a summary */
    json_t *json, *summary, *run; /* summary NULL unless done; run (run.json) NULL until read, or where it is missing */
};

struct rp_axis {
    const char *name;
    const char **values; /* in order of first use */
    size_t count;
};

struct rp_results {
    json_t *root;
    char *path, *folder;
    const char *name, *version, *abi;
    double seed;
    struct rp_axis *axes;
    size_t axis_count;
    struct rp_cell *cells;
    size_t count;
    uint64_t fingerprint; /* of the file's bytes */
};

/* Reads a JSON document of any kind; *text_out may be NULL, else it gets the file's fingerprint. */
int rp_json_read(json_t **out, const char *path, uint64_t *fingerprint, struct servsim_error *err);

/* Reads results.json (or an experiment.json, whose cells have no summary yet). */
int rp_results_read(struct rp_results *out, const char *path, struct servsim_error *err);

/* Checks a document that is in memory already; takes over `root`, also on failure. `path` names it in errors. */
int rp_results_of(struct rp_results *out, json_t *root, const char *path, struct servsim_error *err);

/* Reads the run.json of every cell that has one. A missing one is no error: it is not part of the results proper. */
int rp_results_read_runs(struct rp_results *results, struct servsim_error *err);

void rp_results_free(struct rp_results *results);

/* A number at a.b of an object; NAN where it is missing, null or no number. `b` may be NULL. */
double rp_number_at(const json_t *object, const char *a, const char *b);

/* A text, "" where it is missing. */
const char *rp_text_at(const json_t *object, const char *key);

/* A figure of a cell's summary, as rp_number_at(); NAN for a cell that is not done. */
double rp_figure(const struct rp_cell *cell, const char *a, const char *b);

#endif
