/*
 * model/model.h - a transformer's architecture: shapes, parameters, bytes.
 *
 * Reads Hugging Face config.json files of decoder models: dense ones and mixtures of experts, with grouped-query or
 * latent attention, with and without sliding windows, in 16 bits or quantised. Knows nothing of devices or time.
 *
 * A struct whose members are 0 beside the shapes is a dense model with full attention in 16 bits.
 */
#ifndef SS_MODEL_H
#define SS_MODEL_H

#include <stdint.h>

#include "servsim/plugin.h"

#define SS_BIAS_NONE 0u
#define SS_BIAS_QKV 1u  /* on queries, keys and values, as Qwen2 has them */
#define SS_BIAS_QKVO 2u /* and on the output, as Llama has them where attention_bias is true */

#define SS_LAYERS_LIMIT 4096u
#define SS_LAYER_EXPERTS 1u /* routes tokens to experts */
#define SS_LAYER_WINDOW 2u  /* looks back `window` tokens only */

struct ss_model {
    char name[96];   /* the file's stem, or its folder's name where the file is called config.json */
    char path[4096]; /* the config.json it came from */
    uint32_t layers, hidden, q_heads, kv_heads, head_dim, vocab; /* head_dim: of queries and keys */
    uint32_t ffn;                                                /* of dense layers; 0 where there are none */
    uint32_t max_positions;                                      /* longest context */
    uint32_t dtype; /* SERVSIM_DTYPE_* of activations, and of weights that are not quantised: bf16 or fp16 */
    uint32_t tied_embeddings;
    uint32_t qk_norm;        /* norms with weights, of one head's width, on queries and keys */
    uint32_t attention_bias; /* SS_BIAS_* */
    uint32_t mlp_bias;       /* on gate, up and down of dense layers */
    uint32_t ungated;        /* dense layers have two matrices, up and down */
    uint32_t norm_bias;      /* norms have as many biases as weights */
    uint32_t position_rows;  /* of a learned table in place of the rotary embedding; 0: none */
    uint32_t sinks;          /* a learned score for each query head */
    uint32_t norms;          /* of a layer; 0: two */
    uint32_t plain_sampling; /* 1: requests that say nothing of it sample with neither top-p nor top-k */
    uint32_t v_head_dim;     /* of values; 0: head_dim */
    /* latent attention (MLA) */
    uint32_t latent_rank; /* values of a token's KV latent; 0: plain attention */
    uint32_t rope_dim;    /* values of its rotary key */
    uint32_t query_rank;  /* rank of the query latent; 0: none */
    /* windows */
    uint32_t window; /* tokens that a windowed layer sees; 0: none */
    /* experts */
    uint32_t experts, top_k; /* routed experts of a layer; how many a token goes to */
    uint32_t expert_ffn;     /* width of one */
    uint32_t shared_ffn;     /* width of the experts that every token goes through, together; 0: none */
    uint32_t shared_gate;    /* a gate of `hidden` weights on their result */
    uint32_t router_bias;    /* a value for each expert */
    uint32_t expert_bias;    /* on gate, up and down of each expert */
    /* quantisation: SERVSIM_DTYPE_*; 0: dtype */
    uint32_t attention_dtype;       /* matrices of attention */
    uint32_t weight_dtype;          /* matrices of dense layers and shared experts */
    uint32_t expert_dtype;          /* matrices of routed experts */
    uint32_t gemm_dtype;            /* in which those of them that are quantised multiply */
    uint32_t kv_dtype;              /* KV cache */
    uint32_t asked_weights;         /* what the experiment asked for in place of the file's own; 0: nothing */
    uint8_t kinds[SS_LAYERS_LIMIT]; /* SS_LAYER_* of each layer */
};

/* ---- types ---- */

/* Bytes of one value of `dtype`, scales of its group included: 2 for bf16 and fp16. */
double ss_dtype_bytes(uint32_t dtype);

/* "bf16" and the like; NULL for an unknown one. ss_dtype_of() gives 0 for an unknown name. */
const char *ss_dtype_name(uint32_t dtype);
uint32_t ss_dtype_of(const char *name);

uint32_t ss_model_attention_dtype(const struct ss_model *model);
uint32_t ss_model_weight_dtype(const struct ss_model *model);
uint32_t ss_model_expert_dtype(const struct ss_model *model);
uint32_t ss_model_gemm_dtype(const struct ss_model *model);
uint32_t ss_model_kv_dtype(const struct ss_model *model);

/*
 * Weights in another type than the file says. bf16, fp16: nothing is quantised. fp8 and nvfp4: weights and activations
 * of all matrices but embedding, router and LM head. int4: weights alone. mxfp4: the experts' weights alone, or, where
 * there are none, all.
 */
void ss_model_set_weights(struct ss_model *model, uint32_t dtype);

/* ---- reading ---- */

/* Reads a config.json. Errors name the file, the key and what is expected there. Returns 0 or -errno. */
int ss_model_read(struct ss_model *out, const char *path, struct servsim_error *err);

/*
 * Finds a model: a name with a slash or ending in .json is a path (relative to `base_dir`; a folder means the
 * config.json in it); anything else is a name, case ignored, among `models_dir`/NAME.json. An unknown name is answered
 * with the nearest one.
 */
int ss_model_find(struct ss_model *out, const char *name, const char *base_dir, const char *models_dir,
                  struct servsim_error *err);

/* ---- what it is made of ---- */

/* Layers of one pipeline stage, by kind. */
struct ss_stage {
    uint32_t first, layers;
    uint32_t expert_layers, window_layers;
    uint32_t embeds, samples; /* holds the embedding; holds final norm and LM head */
};

/* Stage `index` of `pp`. Layers that are left over go to the last stages but one, as vLLM has it. */
void ss_model_stage(const struct ss_model *model, uint32_t pp, uint32_t index, struct ss_stage *out);

/* Matrices of a dense layer's MLP: gate, up and down, or up and down. */
uint32_t ss_model_mlp_matrices(const struct ss_model *model);

/* Width of values in one head. */
uint32_t ss_model_value_dim(const struct ss_model *model);

/* All parameters, embeddings and norms included; and those that one token meets. */
uint64_t ss_model_parameters(const struct ss_model *model);
uint64_t ss_model_active_parameters(const struct ss_model *model);

/* Weights of a whole copy, in bytes. */
uint64_t ss_model_weight_bytes(const struct ss_model *model);

/* Parameters of a stage's layers and final norm that one token meets: tables and experts that it does not go to left
   out. */
uint64_t ss_model_stage_active(const struct ss_model *model, const struct ss_stage *stage);

/* How one copy of the model is cut. Experts are spread over `ep` of the tp x dp GPUs of a stage; each is cut over the
   others. */
struct ss_cut {
    uint32_t tp, pp, dp, ep;
};

/* One share of an expert's width, and how many experts one GPU holds. */
uint32_t ss_cut_expert_ffn(const struct ss_model *model, const struct ss_cut *cut);
uint32_t ss_cut_experts(const struct ss_model *model, const struct ss_cut *cut);

/* Rows of embedding and LM head on one GPU: the vocabulary is padded to a multiple of 64. */
uint64_t ss_model_vocab_per_gpu(const struct ss_model *model, uint32_t tp);

/* Weights of one GPU of a stage, in bytes: all of them; and of one routed expert of one layer, as that GPU holds it. */
uint64_t ss_model_stage_bytes(const struct ss_model *model, const struct ss_cut *cut, const struct ss_stage *stage);
double ss_model_expert_bytes(const struct ss_model *model, const struct ss_cut *cut);

/* The same under tensor parallel alone. */
uint64_t ss_model_weight_bytes_per_gpu(const struct ss_model *model, uint32_t tp);

/* KV heads of one GPU: heads are replicated, not split, where tp > kv_heads. */
uint32_t ss_model_kv_heads_per_gpu(const struct ss_model *model, uint32_t tp);

/* KV cache of one token on one GPU: of one layer, and of all. Latents are not split. Windowed layers count like others:
   what leaves the window is not given back. */
double ss_model_kv_bytes_per_layer(const struct ss_model *model, uint32_t tp);
uint64_t ss_model_kv_bytes_per_token_per_gpu(const struct ss_model *model, uint32_t tp);

#endif
