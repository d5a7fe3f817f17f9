/*
 * profile/bundle.h - a folder of measured tables, for one model, data type and tensor parallel, in memory.
 */
#ifndef PROFILE_BUNDLE_H
#define PROFILE_BUNDLE_H

#include "hardware/profile/curve.h"
#include "hardware/profile/grid.h"
#include "hardware/profile/messages.h"
#include "hardware/profile/meta.h"
#include "hardware/profile/skew.h"

/* Layers of dense.csv, over tokens, and of per_sequence.csv, over sampled rows. */
#define LAYER_EMBEDDING 0u
#define LAYER_NORM 1u
#define LAYER_QKV 2u
#define LAYER_QK_NORM 3u
#define LAYER_ROTARY 4u
#define LAYER_ATTENTION_OUT 5u
#define LAYER_GATE_UP 6u
#define LAYER_ACTIVATION 7u
#define LAYER_DOWN 8u
#define LAYER_FINAL_NORM 9u
#define LAYER_ROUTER 10u
#define LAYER_SHARED_GATE_UP 11u
#define LAYER_SHARED_DOWN 12u
#define LAYER_LM_HEAD 13u
#define LAYER_SAMPLER 14u
#define LAYERS 15u

#define FIRST_SEQUENCE_LAYER LAYER_LM_HEAD

struct bundle {
    char *path; /* .../<hardware>/<model>/<dtype> */
    uint32_t tp;
    struct meta meta;
    struct curve layers[LAYERS]; /* count 0: not measured */
    struct grid attention;
    struct skew skew;
    struct messages messages;
    struct grid moe; /* tokens as `decodes`, experts as `kv_decode`; no chunks: not measured */
};

const char *bundle_layer_name(uint32_t layer);

/* Reads it for the model and the sharding of `context`, and checks that it fits them. `any_model` skips the check of
   the model's name. */
int32_t bundle_read(struct bundle *bundle, const char *path, const struct servsim_hardware_context *context,
                    int any_model, struct servsim_error *err);
void bundle_free(struct bundle *bundle);

#endif
