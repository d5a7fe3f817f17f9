/*
 * model/config_keys.h - reading single keys of a config.json, with texts that say what is expected.
 *
 * A key that is absent and one that is null mean the same in these files.
 */
#ifndef SS_MODEL_CONFIG_KEYS_H
#define SS_MODEL_CONFIG_KEYS_H

#include <jansson.h>

#include "model/model.h"

/* A file being read. */
struct ss_config {
    const char *path;
    const json_t *root;  /* the whole file */
    const json_t *model; /* the part that describes the language model: the root, or its text_config */
    struct servsim_error *err;
};

json_t *ss_config_value(const json_t *object, const char *key);

/* The value as it stands in the file, for error texts: at most 40 printable characters. */
void ss_config_show(char *out, size_t size, const json_t *value);

/* Fails with "PATH: KEY is VALUE: write MEND". */
int ss_config_fail(const struct ss_config *config, const char *key, const json_t *value, const char *mend);

/* A whole number from 1 to `maximum`. Leaves what is there where the key is absent, unless it is `required`. */
int ss_config_count(const struct ss_config *config, const char *key, uint32_t maximum, int required, uint32_t *out);

/* The same, where 0 means that there is none, and the first of several keys counts. */
int ss_config_first(const struct ss_config *config, const char *const *keys, uint32_t maximum, uint32_t *out);

/* A flag, or what is there where the key is absent. */
int ss_config_flag(const struct ss_config *config, const char *key, uint32_t *out);

/* ---- parts ---- */

/* What a model_type fixes, or assumes where the file is silent. */
struct ss_model_type {
    const char *name;
    uint32_t bias;        /* SS_BIAS_*: biases that the type always has */
    uint32_t qk_norm;     /* norms on queries and keys */
    uint32_t tied;        /* tie_word_embeddings where it is not written */
    uint32_t norms;       /* of a layer; 0: two */
    uint32_t window_off;  /* sliding_window counts only where use_sliding_window is true */
    uint32_t window_each; /* every n-th layer sees everything, the others a window; 0: all have it */
    uint32_t router_bias, shared_gate;
    uint32_t sinks;         /* and biases on experts */
    uint32_t shared_always; /* one shared expert as wide as a routed one */
    uint32_t ffn_times;     /* width of the MLP where the file has none, in widths of the model */
    uint32_t learned;       /* 0: rotary embedding; else layers of GPT: biases on all matrices and norms, MLPs without a
                               gate, and a table of positions, `learned` - 1 rows longer than the longest context */
};

/* config_layers.c: experts, and which layers have them; windows, and which layers have those. */
int ss_config_experts(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model);
int ss_config_windows(const struct ss_config *config, const struct ss_model_type *type, struct ss_model *model);

/* config_quantised.c: quantization_config. */
int ss_config_quantisation(const struct ss_config *config, struct ss_model *model);

#endif
