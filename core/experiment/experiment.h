/*
 * experiment/experiment.h - an experiment as plain structs: every option already checked by its plugin.
 *
 * Filled from YAML (servsim.yaml(5)) by ss_experiment_read(), or from a tree that a command builds. Nothing here is
 * of libyaml.
 */
#ifndef SS_EXPERIMENT_H
#define SS_EXPERIMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "model/model.h"
#include "plugin/registry.h"

struct ss_packed_traffic;

/* The engine's own time, apart from kernels: a property of the serving engine, not of the device. */
struct ss_overhead {
    char name[64];            /* "vllm-0.15", "ideal", or "custom" */
    int64_t step_ps;          /* per engine step */
    int64_t layer_ps;         /* per layer and step: small kernels, unless the device's are measured */
    int64_t prefill_layer_ps; /* further, in steps that compute prompts: outside full CUDA graphs */
    int64_t workers_ps;       /* per step of an engine with several GPUs: messages to their workers */
    int64_t request_ps;       /* per request that a step serves */
    int64_t wake_ps;          /* of a step that finds the engine idle: nothing overlaps its preparation */
    int64_t arrival_ps;       /* to the engine and of the answer's way back, once per request */
    int64_t sampling_bytes;   /* memory traffic of sampling per logit with top-p or top-k, likewise */
    int64_t asynchronous;     /* 1: composes a step while the one before runs */
    int64_t refresh_ps;       /* how often the front end of data-parallel ranks hears of their queues; 0: always */
    int64_t graph_padding;    /* 1: rows of a step are padded to the sizes of CUDA graphs */
    /* as sampling_bytes, for models whose requests have neither unless they say so */
    int64_t plain_sampling_bytes;
};

/* A replica is down from a time on, by the experiment's word. */
struct ss_scheduled_failure {
    uint32_t replica;
    ss_time at, length;
};

/* A replica whose kernels take `slowdown` times as long, in millionths. */
struct ss_straggler {
    uint32_t replica;
    uint64_t slowdown_millionths;
};

/* What goes wrong inside of the simulation. */
struct ss_failures {
    int present;                           /* 0: nothing fails, and no result speaks of it */
    ss_time mtbf;                          /* mean time that a replica is up until it fails; 0: none fails by chance */
    ss_time repair;                        /* from a failure to the engine that takes the failed one's place */
    ss_time detect;                        /* from a failure to the router's knowing */
    uint32_t retries;                      /* how often a request is sent again before it counts as failed */
    struct ss_scheduled_failure *schedule; /* by replica, then by time */
    size_t schedule_count;
    struct ss_straggler *stragglers;
    size_t straggler_count;
};

struct ss_label {
    char *axis;  /* key of the matrix: "cluster" */
    char *value; /* "single_gpu", "fcfs" */
};

/* One cell of the matrix: all that one simulation needs. */
struct ss_cell {
    char *name;         /* unique, safe as a folder's name: values of the axes joined by '-'; "run" without a matrix */
    char *group;        /* the same without its replicate */
    uint32_t replicate; /* from 0: the seed is the experiment's plus this */
    struct ss_label *labels; /* one per axis, in the order of the file */
    size_t label_count;
    uint64_t seed;
    struct ss_model model;
    uint32_t gpus, tp, pp, dp, ep, replicas;                  /* pp, dp, ep are 1 until they are there */
    uint32_t gpus_per_node;                                   /* 0: the device's own */
    double interconnect_bytes_per_s, interconnect_latency_us; /* between nodes; 0: the device's own */
    uint32_t prefill_replicas;   /* the first ones compute prompts, the others decode; 0: all do both */
    double transfer_bytes_per_s; /* of KV cache between those, for each GPU; 0: the device's own */
    int64_t transfer_latency_ps;
    struct ss_use hardware, scheduler, router, workload;
    const struct ss_packed_traffic *packed_traffic; /* what to read in the workload's place; not the cell's; or NULL */
    struct ss_use predictor;                        /* its plugin is NULL where none is named */
    int64_t predictor_interval_ps;                  /* what it takes for a minute */
    uint64_t history_requests;                      /* of the traffic, before the run; 0: none */
    ss_time history_span;                           /* the same as a time of the traffic; 0: none */
    uint32_t max_num_seqs, max_num_batched_tokens;  /* host's keys under `scheduler:` */
    uint32_t max_model_len;                         /* the model's, unless the experiment says less */
    uint32_t block_size;
    double memory_utilization;
    uint64_t kv_blocks; /* 0: from the memory */
    int prefix_caching;
    double swap_space_bytes, swap_bytes_per_s; /* of each GPU: host memory for swapped KV blocks, and the link to it */
    struct ss_overhead overhead;
    double
        load; /* offered load over the capacity of the experiment's largest configuration; 0: the traffic's own rate */
    double load_scale; /* what times are divided by to reach it: found before the first cell starts; 0: not asked for */
    struct ss_failures failures;
    int64_t slo_ttft_ps, slo_tpot_ps; /* -1: none */
    ss_time stop_after;               /* SS_NEVER: until the traffic is served */
    char *resolved; /* this cell alone as a complete YAML experiment, every default written out; paths absolute */
};

struct ss_axis {
    char *name;
    char **values;
    size_t value_count;
};

struct ss_experiment {
    char *name;
    char *file;   /* as given */
    char *output; /* folder; relative to the current one */
    uint64_t seed;
    struct ss_axis *axes;
    size_t axis_count;
    struct ss_cell *cells; /* first axis slowest */
    size_t cell_count;
    struct ss_use *reports;
    size_t report_count;
    uint32_t replicates; /* cells of each group, one after another */
    double timeout_s;    /* of each cell, on the wall; 0: none */
};

/* Where things are looked up. */
struct ss_lookup {
    struct ss_registry *registry;
    const char *models_dir; /* shipped models */
    const char *data_dir;   /* shipped data: a path "data:NAME" means NAME in there */
};

struct ss_node;

/* Reads and checks a whole file. `sets` are "key.key=value" overrides. Errors: FILE:LINE: what; what to write instead.
 */
int ss_experiment_read(struct ss_experiment *out, const char *file, const char *const *sets, size_t set_count,
                       const struct ss_lookup *lookup, struct servsim_error *err);

/* The same from a tree; takes no ownership of it. `base_dir` is what input paths are relative to. */
int ss_experiment_build(struct ss_experiment *out, const struct ss_node *root, const char *base_dir,
                        const struct ss_lookup *lookup, struct servsim_error *err);

/* The scale that `load` asked for is known: the cell, and its resolved text, state it from now on. 0 or -ENOMEM. */
int ss_cell_set_load_scale(struct ss_cell *cell, double scale);

void ss_experiment_free(struct ss_experiment *experiment);

#endif
