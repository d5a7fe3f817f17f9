/*
 * report/common/results.h - results.json as plain structs, and any figure of a cell by its name.
 *
 * Results on disk may be truncated, edited or hostile: whatever is used is checked here, and every error is one line
 * that names the file. Strings belong to the JSON document, which lives as long as the results.
 *
 * Where an experiment has replicates, rp_results_fold() makes one cell of all replicates of a configuration, whose
 * figures are the means of theirs; `parts` keeps the cells as they stand in the file.
 */
#ifndef REPORT_COMMON_RESULTS_H
#define REPORT_COMMON_RESULTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "report/common/spread.h"
#include "servsim/plugin.h"

#define RP_NONE SIZE_MAX

struct rp_cell {
    const char *name, *status, *reason; /* "" where there is nothing to say */
    const char *dir;                    /* relative to the folder of the results, no ".." in it */
    const char *group;                  /* the name without its replicate */
    const char *model, *hardware, *scheduler, *router, *workload, *engine;
    double gpus, tp, pp, dp, ep, replicas;
    double max_num_seqs, max_num_batched_tokens, block_size, seed; /* NAN: unknown */
    double slo_ttft_ms, slo_tpot_ms;                               /* NAN: none */
    double load,
        load_scale; /* traffic as a multiple of the capacity, and how often faster it runs for it; NAN: as is */
    size_t *values; /* for each axis: number of this cell's value among the axis' values, RP_NONE without a label */
    char *folder;   /* absolute path of its files */
    int done;       /* finished, with a summary; of a folded cell: one of its replicates did */
    struct rp_cell **members; /* the replicates of a folded cell, in order; NULL for a plain one */
    size_t member_count;
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
    struct rp_cell *cells; /* the same as `parts` unless folded */
    size_t count;
    struct rp_cell *parts; /* as they stand in the file */
    size_t part_count;
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

/* From now on `cells` has one cell for each configuration, all of its replicates in it. Nothing happens where no
   configuration has two. */
int rp_results_fold(struct rp_results *results, struct servsim_error *err);
int rp_is_folded(const struct rp_results *results);

void rp_results_free(struct rp_results *results);

/* A number at a.b of an object; NAN where it is missing, null or no number. `b` may be NULL. */
double rp_number_at(const json_t *object, const char *a, const char *b);

/* A text, "" where it is missing. */
const char *rp_text_at(const json_t *object, const char *key);

/* A figure of a cell's summary, as rp_number_at(); NAN for a cell that is not done. Of a folded cell: the mean. */
double rp_figure(const struct rp_cell *cell, const char *a, const char *b);

/* The replicates of a cell, done or not; a plain cell is its own only one. */
size_t rp_member_count(const struct rp_cell *cell);
const struct rp_cell *rp_member(const struct rp_cell *cell, size_t index);
/* True where there are replicates of some cell, and those that are done are equal: nothing in them depends on the seed.
 */
int rp_replicates_equal(const struct rp_results *results);
/* Those that are done. */
size_t rp_members_done(const struct rp_cell *cell);

/* A figure over the replicates of a cell: its mean, and how well it is known. */
struct rp_spread rp_figure_spread(const struct rp_cell *cell, const char *a, const char *b);

/* The ratio of one figure in two cells, replicate by replicate: those of one number served the same traffic. */
struct rp_spread rp_figure_ratio(const struct rp_cell *above, const struct rp_cell *below, const char *a,
                                 const char *b);

/*
 * Figures that are not in the summary, over the replicates of a cell that are done: `of` computes those of one of them,
 * `count` doubles; out has a spread for each.
 */
int rp_members_spread(struct rp_spread *out, size_t count,
                      int (*of)(double *out, const struct rp_cell *cell, struct servsim_error *err),
                      const struct rp_cell *cell, struct servsim_error *err);

/* True where a figure of two cells differs by more than noise. Without replicates there is no noise: any difference
   is one. */
int rp_differ(const struct rp_cell *x, const struct rp_cell *y, const char *a, const char *b);

/* A count summed over the replicates. */
double rp_total(const struct rp_cell *cell, const char *key);

/* Wall-clock seconds of all replicates whose run.json is known; NAN where none is. */
double rp_wall_s(const struct rp_cell *cell);

/* "1.2× capacity (times divided by 313)", or "its own rate": what the workload's name does not tell of its load. */
void rp_load_text(char out[96], const struct rp_cell *cell);

#endif
