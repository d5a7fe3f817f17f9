/*
 * analysis/trial.h - finished runs on disk: the cells of an output folder, or one requests.csv of `simulate`.
 *
 * Opening reads who the runs are (manifest, summary, resolved configuration); requests and series are read when they
 * are asked for, and can be let go again, so that a folder of large cells is never in memory as a whole.
 */
#ifndef SS_ANALYSIS_TRIAL_H
#define SS_ANALYSIS_TRIAL_H

#include <jansson.h>

#include "analysis/samples.h"
#include "experiment/node.h"

struct ss_trial {
    char *name;                                             /* of the cell, or the file's as given */
    char *requests;                                         /* path of requests.csv */
    char *series;                                           /* path of series.csv, or NULL */
    char *group;                                            /* the cell's name without its replicate, or its name */
    int64_t replicate;                                      /* -1: the cell has no replicates */
    json_t *cell;                                           /* of the manifest; NULL for a requests.csv */
    json_t *summary;                                        /* NULL: not there */
    struct ss_node *configuration;                          /* resolved, from run.json; NULL: not there */
    char *model, *hardware, *scheduler, *router, *workload; /* "" where unknown */
    uint32_t gpus, tp, pp, replicas, block_size;            /* 0 where unknown */
    double slo_ttft_ms, slo_tpot_ms;                        /* NAN: none */
    struct ss_samples samples;                              /* empty until loaded */
    struct ss_bins bins;                                    /* empty until loaded, or without a series.csv */
};

struct ss_trials {
    char *path; /* as given */
    json_t *manifest;
    struct ss_trial *items; /* cells that are done */
    size_t count;
    size_t left_out; /* cells that failed */
};

/* `path` is the output folder of an experiment, a folder of one cell, or a requests.csv. */
int ss_trials_open(struct ss_trials *out, const char *path, struct servsim_error *err);
void ss_trials_free(struct ss_trials *trials);

/* The cell of that name, or NULL with the nearest name in the error. */
struct ss_trial *ss_trials_find(const struct ss_trials *trials, const char *name, struct servsim_error *err);

int ss_trial_load(struct ss_trial *trial, struct servsim_error *err);
void ss_trial_unload(struct ss_trial *trial);

/* A figure of the summary, NAN where there is none: ss_trial_figure(trial, "ttft_ms", "mean"); `b` may be NULL. */
double ss_trial_figure(const struct ss_trial *trial, const char *a, const char *b);

/* A value of the configuration as text ("workload", "rate"), NULL where there is none; `b` may be NULL. */
const char *ss_trial_setting(const struct ss_trial *trial, const char *a, const char *b);

#endif
