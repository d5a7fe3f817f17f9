/*
 * model/model.h - a transformer's architecture: shapes, parameters, bytes.
 *
 * Reads Hugging Face config.json files of dense decoder models with grouped-query attention. Knows nothing of devices
 * or time.
 */
#ifndef SS_MODEL_H
#define SS_MODEL_H

#include <stdint.h>

#include "servsim/plugin.h"

#define SS_BIAS_NONE 0u
#define SS_BIAS_QKV 1u  /* on queries, keys and values, as Qwen2 has them */
#define SS_BIAS_QKVO 2u /* and on the output, as Llama has them where attention_bias is true */

struct ss_model {
    char name[96];   /* the file's stem, or its folder's name where the file is called config.json */
    char path[4096]; /* the config.json it came from */
    uint32_t layers, hidden, q_heads, kv_heads, head_dim, ffn, vocab;
    uint32_t max_positions; /* longest context */
    uint32_t dtype;         /* SERVSIM_DTYPE_* of weights and activations */
    uint32_t tied_embeddings, qk_norm;
    uint32_t attention_bias; /* SS_BIAS_* */
};

/* Bytes of one value of `dtype`: 2 for bf16 and fp16. */
double ss_dtype_bytes(uint32_t dtype);

/* "bf16" and the like; NULL for an unknown one. ss_dtype_of() gives 0 for an unknown name. */
const char *ss_dtype_name(uint32_t dtype);
uint32_t ss_dtype_of(const char *name);

/* Reads a config.json. Errors name the file, the key and what is expected there. Returns 0 or -errno. */
int ss_model_read(struct ss_model *out, const char *path, struct servsim_error *err);

/*
 * Finds a model: a name with a slash or ending in .json is a path (relative to `base_dir`; a folder means the
 * config.json in it); anything else is a name, case ignored, among `models_dir`/NAME.json. An unknown name is answered
 * with the nearest one.
 */
int ss_model_find(struct ss_model *out, const char *name, const char *base_dir, const char *models_dir,
                  struct servsim_error *err);

/* All parameters, embeddings and norms included. */
uint64_t ss_model_parameters(const struct ss_model *model);

/* KV heads of one GPU: heads are replicated, not split, where tp > kv_heads. */
uint32_t ss_model_kv_heads_per_gpu(const struct ss_model *model, uint32_t tp);

/* Weights of one GPU under tensor parallel tp (pipeline parallel is not there yet). */
uint64_t ss_model_weight_bytes_per_gpu(const struct ss_model *model, uint32_t tp);

/* KV cache of one token on one GPU: 2 x layers x kv heads per GPU x head_dim x bytes. */
uint64_t ss_model_kv_bytes_per_token_per_gpu(const struct ss_model *model, uint32_t tp);

#endif
