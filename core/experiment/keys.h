/*
 * experiment/keys.h - what an experiment may say: its keys, and the options of those that are maps of the host.
 */
#ifndef SS_EXPERIMENT_KEYS_H
#define SS_EXPERIMENT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/table.h"

#define SS_KEY_AXIS 1u /* may be an axis of the matrix */

struct ss_key {
    const char *name;
    uint32_t flags;
    uint32_t kind;      /* of the plugin that it names, or 0 */
    const char *bare;   /* what a value that is no map stands for: "plugin" or "name"; NULL: it is a value by itself */
    const char *preset; /* the plugin or name where none is given, or NULL */
    const char *help;   /* one line, for people who write an experiment */
};

extern const struct ss_key ss_keys[];
extern const size_t ss_key_count;

const struct ss_key *ss_key_of(const char *name);

/* "allowed: a, b, c" with "did you mean 'x'? " in front, of the keys that have `flags`. */
void ss_key_advice(const char *wrong, uint32_t flags, char *out, size_t size);

/* The map in which a key belongs that stands where no key of its name may: "cluster" for gpus. NULL: none. */
const char *ss_key_home(const char *key);

/* What a key asks for that is not modelled, in words ("speculative decoding"), or NULL. */
const char *ss_key_not_modelled(const char *key);

/* Options of the maps that belong to the host. */
extern const struct ss_table ss_model_table, ss_cluster_table, ss_kv_cache_table, ss_engine_table, ss_slo_table;
extern const struct ss_table ss_failures_table, ss_outage_table, ss_straggler_table;

#endif
