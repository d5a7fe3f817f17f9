/*
 * servsim/plugin.h - all that a servsim plugin needs.
 *
 * A plugin is a shared object that exports one symbol, servsim_plugin_at(), which hands out one or more
 * descriptors. A descriptor says what the plugin is (kind, name, version, licence), which options it takes, and
 * where its operations are. The host parses, checks and documents the options; the plugin links with nothing of
 * ours and reaches the host only through the tables that it is handed.
 *
 * Rules of the ABI:
 *  - Every table begins with its size in bytes, as the side that filled it saw it. Tables only grow at the end. The
 *    reader looks at a member only where `size` covers it. An optional entry that is NULL or not covered means that
 *    the host does the plain thing itself; what that is stands beside the entry.
 *  - Same major: compatible in both directions. Another major: refused when the file is loaded.
 *  - Fixed-width integers, doubles, pointers and sized structs only. No enum, bool, bit-field, long, variadic
 *    function or struct by value crosses the border.
 *  - An entry that can fail returns 0 or a positive answer when it worked, and a negative errno when it did not, with
 *    a sentence in the error text. The host adds which plugin and which cell it was.
 *  - What the host passes belongs to the host and lives until the call returns, unless stated otherwise beside it.
 *  - One instance is never entered by two threads at a time. The host may hold many instances side by side.
 *  - Determinism: the same calls must give the same answers. No clock, no address, no environment may decide.
 *
 * Quantities carry their unit in the name. Simulated time is {seconds, picoseconds}, 0 <= picoseconds < 10^12, and
 * counts from the first row of the traffic; prices of one step are 64-bit picoseconds.
 *
 * Compiles alone, without warnings, as C11 and as C++17.
 */
#ifndef SERVSIM_PLUGIN_H
#define SERVSIM_PLUGIN_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SERVSIM_ABI_MAJOR 1u
#define SERVSIM_ABI_MINOR 0u

/* Put before the enumerator, so that it stays visible under -fvisibility=hidden. */
#define SERVSIM_EXPORT __attribute__((visibility("default")))

/* True where the table that `p` points to is large enough to hold `member`. */
#define SERVSIM_COVERS(p, type, member)                                                                                \
    ((p)->size >= (uint32_t)(offsetof(type, member) + sizeof(((const type *)0)->member)))

/* ---- kinds ------------------------------------------------------------------------------------------------- */

#define SERVSIM_KIND_HARDWARE 1u  /* prices operators on one GPU and on the link between GPUs */
#define SERVSIM_KIND_SCHEDULER 2u /* composes each engine step of one replica */
#define SERVSIM_KIND_WORKLOAD 3u  /* streams requests in order of arrival */
#define SERVSIM_KIND_ROUTER 4u    /* sends each request to a replica */
#define SERVSIM_KIND_PREDICTOR 5u /* says how long answers will be, and how much traffic comes */
#define SERVSIM_KIND_REPORT 6u    /* turns results on disk into something for people or scripts */

/* ---- errors ------------------------------------------------------------------------------------------------ */

/* Error text, owned by the caller of the entry that fills it. One line, no full stop, what to write instead. */
struct servsim_error {
    uint32_t size;
    uint32_t reserved;
    char text[1016];
};

/* Writes a formatted text and returns -code, so that a plugin says: return servsim_fail(err, EINVAL, "..."). */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4), unused))
#endif
static inline int32_t
servsim_fail(struct servsim_error *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(err->text, sizeof err->text, format, arguments);
        va_end(arguments);
    }
    return -(int32_t)code;
}

/* ---- options ----------------------------------------------------------------------------------------------- */

#define SERVSIM_OPTION_INTEGER 1u /* -> value.integer; digits, or 1e6 */
#define SERVSIM_OPTION_NUMBER 2u  /* -> value.number, in the option's unit ("50ms" for unit "s" gives 0.05) */
#define SERVSIM_OPTION_TEXT 3u    /* -> value.text */
#define SERVSIM_OPTION_FLAG 4u    /* -> value.integer 0 or 1; true/false/yes/no/on/off */
#define SERVSIM_OPTION_CHOICE 5u  /* -> value.text, one of choices ("a|b|c"), as spelled there */
#define SERVSIM_OPTION_PATH 6u    /* -> value.text, absolute, resolved against the experiment file; must be readable */
#define SERVSIM_OPTION_LIST 7u    /* -> value.list, numbers in the option's unit */

/* flags */
#define SERVSIM_OPTION_REQUIRED 1u /* an experiment that does not give it is refused */
#define SERVSIM_OPTION_TOOLS 2u    /* for tools that read the plugin's output: no law holds for an engine */

/* One row of a plugin's option table. Static data of the plugin. */
struct servsim_option {
    const char *name;         /* "peak_tflops.bf16" is written peak_tflops: {bf16: ...} in YAML */
    const char *unit;         /* "" or "s" "ms" "us" "bytes" "bytes/s" "1/s" "TFLOP/s" "GB/s" "tokens" "%" "W" "pJ" */
    const char *default_text; /* as a person would write it; NULL: none, value.present is 0 unless given */
    const char *choices;      /* CHOICE only, else NULL */
    const char *help;         /* one line */
    double minimum, maximum;  /* INTEGER, NUMBER, LIST: inclusive bounds, in the option's unit */
    uint32_t type;
    uint32_t flags;
};

/* One checked option, as handed to create(). */
struct servsim_value {
    const char *name;
    const char *text;
    const double *list;
    int64_t integer;
    double number; /* INTEGER options fill it too */
    uint32_t list_count;
    uint32_t present; /* 0: neither given nor defaulted; 1: the default; 2: another value, written by the user */
};

/* What create() is given. Valid during create() only; copy what must stay. */
struct servsim_create {
    uint32_t size;
    uint32_t value_count;
    uint32_t value_size; /* bytes from one value to the next */
    uint32_t reserved;
    const struct servsim_value *values; /* one for each row of the plugin's option table */
    const void *context;                /* by kind: struct servsim_<kind>_context; NULL where a kind has none */
};

/* The value of a declared option, or NULL when no such row exists (a mistake in the plugin). */
static inline const struct servsim_value *
servsim_value_of(const struct servsim_create *args, const char *name)
{
    for (uint32_t i = 0; i < args->value_count; i++) {
        const struct servsim_value *value =
            (const struct servsim_value *)(const void *)((const char *)args->values + (size_t)i * args->value_size);
        if (strcmp(value->name, name) == 0)
            return value;
    }
    return NULL;
}

static inline int64_t
servsim_integer(const struct servsim_create *args, const char *name)
{
    const struct servsim_value *value = servsim_value_of(args, name);
    return value != NULL ? value->integer : 0;
}

static inline double
servsim_number(const struct servsim_create *args, const char *name)
{
    const struct servsim_value *value = servsim_value_of(args, name);
    return value != NULL ? value->number : 0.0;
}

static inline const char *
servsim_text(const struct servsim_create *args, const char *name)
{
    const struct servsim_value *value = servsim_value_of(args, name);
    return value != NULL ? value->text : NULL;
}

static inline uint32_t
servsim_present(const struct servsim_create *args, const char *name)
{
    const struct servsim_value *value = servsim_value_of(args, name);
    return value != NULL ? value->present : 0;
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

#define SERVSIM_NEVER INT64_MAX /* seconds of a deadline that does not exist */

/*
 * One request in flight, as schedulers and routers see it. The host owns it from arrival to finish(); the pointer
 * stays the same in between. Everything but `slot` and `slot_key` is for reading. The true output length is not here:
 * a real engine does not know it.
 */
struct servsim_request {
    uint32_t size;
    int32_t priority; /* lower is more urgent; 0 unless the traffic says otherwise */
    uint64_t id;      /* order of arrival, from 0 */
    uint64_t client;  /* who sent it; 0 unless the traffic says otherwise */
    int64_t arrival_s, arrival_ps;
    int64_t deadline_s, deadline_ps; /* SERVSIM_NEVER: none */
    uint32_t prompt_tokens;
    uint32_t predicted_output_tokens; /* set before it is routed; 0: no predictor is named, or it does not know */
    uint32_t preemptions;
    uint32_t slot_key;           /* the scheduler's own; 0 at first */
    void *slot;                  /* the scheduler's own; NULL at first */
    double predicted_confidence; /* the predictor's own word for it, 0 to 1; prediction_quality() tells how it fares */
};

/* Totals of one minute of simulated time (or of the predictor's `interval`): measured ones are whole numbers. */
struct servsim_minute {
    double requests;      /* that arrived in it */
    double prompt_tokens; /* of those */
    double output_tokens; /* of requests that finished in it; in the history, of those that arrived in it */
};

/*
 * How predictions fared, as the host measures it: over the last outcomes (at most 256), those of the history included.
 * A predictor has no say in it.
 */
struct servsim_quality {
    uint32_t size;
    uint32_t outcomes; /* that it rests on; 0: nothing is known yet, and the rest is 0 */
    /* Of pairs of requests with different lengths, those that were predicted in the right order less those in the
       wrong one (Kendall): 1: all in order, 0: no better than lots, below: against it. */
    double order;
    double close; /* share of outcomes whose prediction was right within a factor of two */
    double bias;  /* sum of predicted lengths over sum of true ones; 1: neither too long nor too short */
};

/* ---- services of the host ---------------------------------------------------------------------------------- */

#define SERVSIM_LOG_WARNING 1u
#define SERVSIM_LOG_INFO 2u

/* A replica at one instant, after the step ends and before the planning of that instant. The router sets `size` to
   sizeof of it before it asks; the host fills in no more than that, and refuses 0. */
struct servsim_replica_state {
    uint32_t size;
    uint32_t waiting; /* requests that do not run: new ones, and ones preempted */
    uint32_t running;
    uint32_t block_size; /* tokens of one KV block */
    uint64_t kv_blocks_used, kv_blocks_total;
    uint64_t
        prefill_tokens_left; /* prompt tokens (and tokens to compute again) not yet computed, waiting ones included */
};

/* Handed to create(), valid until destroy() has returned. */
struct servsim_host {
    uint32_t size;
    uint32_t abi_minor;
    void *ctx; /* first argument of each service */
    /* All but schedulers, for which it is NULL. */
    void (*log)(void *ctx, uint32_t level, const char *text);
    /* A seed that depends on the experiment's seed and `purpose` alone. NULL for schedulers, too: they draw nothing. */
    uint64_t (*seed)(void *ctx, const char *purpose);
    /* Routers only, else NULL. */
    int32_t (*replica_state)(void *ctx, uint32_t replica, struct servsim_replica_state *out);
    /* Schedulers only, else NULL: output tokens that the request has by now. */
    uint32_t (*generated_tokens)(void *ctx, const struct servsim_request *request);
    /* Schedulers and routers, else NULL: what an entry that answers nothing (finish, advance, leave) could not do. The
       cell ends with the first such text, as with an error. */
    void (*fail)(void *ctx, const char *text);
    /*
     * Schedulers and routers, else NULL: what is known of predictions. Without a predictor both answer 0. They change
     * with arrivals and finishes anywhere in the cluster and when a minute ends, so ask in route(), arrive() or
     * finish() and keep the answer: plan() is not called in every step, and must not depend on when it is.
     */
    /* 1 and the quality of predictions so far. */
    int32_t (*prediction_quality)(void *ctx, struct servsim_quality *out);
    /* Totals expected of the minute under way and those after it: how many of `minutes` were filled in. `usual` (or
       NULL): the mean of the minutes before, at most 60, to which a burst compares. */
    int32_t (*forecast)(void *ctx, struct servsim_minute *out, uint32_t minutes, struct servsim_minute *usual);
};

/* The state of a replica: 0, or -EINVAL where there is no such replica, -ENOSYS where there is no such service. */
static inline int32_t
servsim_replica_state_of(const struct servsim_host *host, uint32_t replica, struct servsim_replica_state *out)
{
    memset(out, 0, sizeof *out);
    out->size = (uint32_t)sizeof *out;
    if (!SERVSIM_COVERS(host, struct servsim_host, replica_state) || host->replica_state == NULL)
        return -ENOSYS;
    return host->replica_state(host->ctx, replica, out);
}

/* What prediction_quality() answers, and zeroes where there is no such service. */
static inline int32_t
servsim_prediction_quality(const struct servsim_host *host, struct servsim_quality *out)
{
    memset(out, 0, sizeof *out);
    out->size = (uint32_t)sizeof *out;
    if (!SERVSIM_COVERS(host, struct servsim_host, prediction_quality) || host->prediction_quality == NULL)
        return 0;
    return host->prediction_quality(host->ctx, out);
}

/* What forecast() answers, likewise. */
static inline int32_t
servsim_forecast(const struct servsim_host *host, struct servsim_minute *out, uint32_t minutes,
                 struct servsim_minute *usual)
{
    if (!SERVSIM_COVERS(host, struct servsim_host, forecast) || host->forecast == NULL)
        return 0;
    return host->forecast(host->ctx, out, minutes, usual);
}

/* ---- the descriptor ---------------------------------------------------------------------------------------- */

/* Static data of the plugin, valid for ever. */
struct servsim_plugin {
    uint32_t size;
    uint16_t abi_major, abi_minor; /* SERVSIM_ABI_MAJOR, SERVSIM_ABI_MINOR of the header it was built with */
    uint32_t kind;
    uint32_t option_count;
    uint32_t option_size; /* sizeof(struct servsim_option) as the plugin saw it */
    uint32_t reserved;
    const char *name;    /* letters, digits, '_', '-', '.'; names ignore case; unique within its kind */
    const char *version; /* the plugin's own */
    const char *summary; /* one line */
    const char *licence; /* SPDX identifier */
    const char *page;    /* NULL, or paragraphs: where the figures come from, what is assumed */
    const struct servsim_option *options;
    int32_t (*create)(const struct servsim_host *host, const struct servsim_create *args, void **self,
                      struct servsim_error *err);
    void (*destroy)(void *self);
    const void *ops; /* struct servsim_<kind>_ops of its kind */
};

/* Sets the members that are the same in every descriptor. */
#define SERVSIM_PLUGIN_HEAD(kind_, option_table_)                                                                      \
    .size = (uint32_t)sizeof(struct servsim_plugin), .abi_major = SERVSIM_ABI_MAJOR, .abi_minor = SERVSIM_ABI_MINOR,   \
    .kind = (kind_), .option_count = (uint32_t)(sizeof(option_table_) / sizeof((option_table_)[0])),                   \
    .option_size = (uint32_t)sizeof(struct servsim_option), .reserved = 0

/* For a plugin without options. */
#define SERVSIM_PLUGIN_HEAD_PLAIN(kind_)                                                                               \
    .size = (uint32_t)sizeof(struct servsim_plugin), .abi_major = SERVSIM_ABI_MAJOR, .abi_minor = SERVSIM_ABI_MINOR,   \
    .kind = (kind_), .option_count = 0, .option_size = (uint32_t)sizeof(struct servsim_option), .reserved = 0

/* create() and destroy() of a plugin without options that keeps nothing between calls, as a report may. */
static inline int32_t
servsim_create_nothing(const struct servsim_host *host, const struct servsim_create *args, void **self,
                       struct servsim_error *err)
{
    (void)host;
    (void)args;
    (void)err;
    *self = NULL;
    return 0;
}

static inline void
servsim_destroy_nothing(void *self)
{
    (void)self;
}

/*
 * The one symbol of a plugin. Stores descriptor number `index` and returns 1; returns 0 past the last. Must have no
 * effect of its own: the host calls it for listings, too.
 */
typedef int32_t (*servsim_plugin_at_fn)(uint32_t index, const struct servsim_plugin **out);
SERVSIM_EXPORT int32_t servsim_plugin_at(uint32_t index, const struct servsim_plugin **out);

/* The enumerator of a file that holds one plugin. */
#define SERVSIM_ONE_PLUGIN(descriptor_)                                                                                \
    SERVSIM_EXPORT int32_t servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)                        \
    {                                                                                                                  \
        if (index != 0)                                                                                                \
            return 0;                                                                                                  \
        *out = &(descriptor_);                                                                                         \
        return 1;                                                                                                      \
    }

/* The enumerator of a file that holds an array of them. */
#define SERVSIM_PLUGINS(descriptors_)                                                                                  \
    SERVSIM_EXPORT int32_t servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)                        \
    {                                                                                                                  \
        if (index >= sizeof(descriptors_) / sizeof((descriptors_)[0]))                                                 \
            return 0;                                                                                                  \
        *out = &(descriptors_)[index];                                                                                 \
        return 1;                                                                                                      \
    }

/* ---- hardware ---------------------------------------------------------------------------------------------- */

#define SERVSIM_DTYPE_BF16 1u
#define SERVSIM_DTYPE_FP16 2u
#define SERVSIM_DTYPE_FP8 3u
#define SERVSIM_DTYPE_INT4 4u  /* AWQ and GPTQ: groups of 128 with a 16-bit scale and a 4-bit zero */
#define SERVSIM_DTYPE_MXFP4 5u /* blocks of 32 with an 8-bit scale */
#define SERVSIM_DTYPE_NVFP4 6u /* blocks of 16 with an 8-bit scale */

#define SERVSIM_GEMM_QKV 1u
#define SERVSIM_GEMM_ATTENTION_OUT 2u
#define SERVSIM_GEMM_GATE_UP 3u
#define SERVSIM_GEMM_DOWN 4u
#define SERVSIM_GEMM_LM_HEAD 5u
#define SERVSIM_GEMM_ROUTER 6u         /* scores of all experts, in the activations' type */
#define SERVSIM_GEMM_SHARED_GATE_UP 7u /* experts that every token goes through */
#define SERVSIM_GEMM_SHARED_DOWN 8u
#define SERVSIM_GEMM_LATENT_DOWN 9u     /* latent attention: hidden to query latent, KV latent and rotary key */
#define SERVSIM_GEMM_LATENT_QUERY 10u   /* query latent (or hidden) to query heads */
#define SERVSIM_GEMM_LATENT_KV 11u      /* KV latent to key and value heads; absorbed in decodes, at the same cost */
#define SERVSIM_GEMM_EXPERT_GATE_UP 12u /* only where the device has no moe(): all hit experts as one GEMM */
#define SERVSIM_GEMM_EXPERT_DOWN 13u

#define SERVSIM_ELEMENTWISE_EMBEDDING 1u
#define SERVSIM_ELEMENTWISE_NORM 2u
#define SERVSIM_ELEMENTWISE_ROTARY 3u
#define SERVSIM_ELEMENTWISE_ACTIVATION 4u
#define SERVSIM_ELEMENTWISE_FINAL_NORM 5u
#define SERVSIM_ELEMENTWISE_SAMPLER 6u
#define SERVSIM_ELEMENTWISE_QK_NORM 7u /* rows of all heads' queries and keys */

#define SERVSIM_COLLECTIVE_ALL_REDUCE 1u
#define SERVSIM_COLLECTIVE_ALL_GATHER 2u
#define SERVSIM_COLLECTIVE_REDUCE_SCATTER 3u
#define SERVSIM_COLLECTIVE_ALL_TO_ALL 4u

#define SERVSIM_LINK_UNKNOWN 0u
#define SERVSIM_LINK_PCIE 1u
#define SERVSIM_LINK_NVLINK 2u  /* a mesh or a switch: every pair of GPUs of a node at full rate */
#define SERVSIM_LINK_BRIDGES 3u /* pairs joined by a bridge, PCIe between pairs */

/*
 * The model and the sharding that the device prices for; create's context. Shapes are per GPU where said so.
 *
 * Layers are of two kinds: `moe_layers` of them route tokens to experts, the others are dense with `ffn`. Attention is
 * plain (latent_rank 0) or latent (MLA). `window_layers` layers look back `window` tokens only.
 */
struct servsim_hardware_context {
    uint32_t size;
    uint32_t dtype; /* of activations between kernels, embedding, norms, router and LM head */
    const char *model_name;
    uint32_t layers, hidden, q_heads, kv_heads, head_dim, ffn, vocab; /* head_dim: of queries and keys */
    uint32_t tp, pp;
    uint32_t q_heads_per_gpu, kv_heads_per_gpu, ffn_per_gpu;
    uint32_t weight_dtype;       /* of the matrices of dense layers and shared experts, as they lie in memory */
    uint32_t expert_dtype;       /* of the experts' matrices, as they lie in memory */
    uint32_t gemm_dtype;         /* in which quantised ones multiply: fp8 where activations are, too; else dtype */
    uint32_t kv_dtype;           /* of the KV cache */
    uint32_t v_head_dim;         /* of values and attention's results */
    uint32_t latent_rank;        /* MLA: values of a token's KV latent; 0: plain attention */
    uint32_t rope_dim;           /* MLA: values of a token's rotary key, beside the latent */
    uint32_t query_rank;         /* MLA: rank of the query latent; 0: queries come straight from hidden */
    uint32_t window;             /* tokens that a windowed layer sees, the query's own included; 0: none */
    uint32_t window_layers;      /* of `layers` */
    uint32_t qk_norm;            /* norms on queries and keys */
    uint32_t moe_layers;         /* of `layers` */
    uint32_t first_dense_layers; /* dense ones before the first with experts */
    uint32_t experts, top_k;     /* routed experts of a layer, and how many a token goes to */
    uint32_t experts_per_gpu;    /* experts / ep, rounded up */
    uint32_t expert_ffn;         /* width of one expert */
    uint32_t expert_ffn_per_gpu; /* expert_ffn / (tp x dp / ep), rounded up */
    uint32_t shared_ffn_per_gpu; /* width of all shared experts together / tp; 0: none */
    uint32_t dp, ep;             /* data-parallel ranks of one replica; GPUs that the experts are spread over */
    uint32_t gpus_per_node;      /* as the experiment's cluster has it; 0: the device's own */
    uint32_t attention_dtype;    /* of the matrices of attention, as they lie in memory */
    double network_bytes_per_s;  /* between nodes, for each GPU, one direction; 0: the device's own */
    double network_latency_us;   /* of one message between nodes; 0: the device's own */
};

/* What the host must know of a device beside prices. */
struct servsim_device {
    uint32_t size;
    uint32_t gpus_per_node; /* GPUs that the link joins; 0: all that there are */
    uint64_t memory_bytes;
    double peak_flops;         /* dense, per second, for the context's gemm_dtype */
    double memory_bytes_per_s; /* datasheet */
    double price_usd_per_hour; /* 0: not stated */
    char name[64];             /* as its maker writes it */
    uint32_t link;             /* SERVSIM_LINK_* */
    uint32_t reserved;
    double link_bytes_per_s;    /* between two GPUs of a node, one direction; 0: not stated */
    double network_bytes_per_s; /* between nodes, for each GPU, one direction; 0: not stated */
    /* Power. While a step runs, a GPU draws power_busy_w and what arithmetic and memory traffic take on top, on average
       no more than the limit; else power_idle_w. The host counts the energy once a run is over; prices know nothing of
       it. */
    double power_limit_w; /* of the board; 0: nothing is known of its power, and no energy is counted */
    double power_idle_w;  /* with a model loaded and nothing to do */
    double power_busy_w;
    double energy_per_flop_pj;      /* of the model's operations, for the context's gemm_dtype */
    double energy_per_byte_pj;      /* of weights and KV cache that are read */
    double power_host_w;            /* of the rest of the server, for each GPU, all the time; 0: not counted */
    double electricity_usd_per_kwh; /* 0: not stated */
};

/*
 * Multiplies m x k (activations) by k x n (weights), `times` times in one step. The product comes out in 16 bits.
 * Weights that lie in fewer bits than `dtype` are widened on the way. A device that cannot multiply in `dtype` does so
 * in 16 bits, and still reads weights as they lie.
 */
struct servsim_gemm {
    uint32_t size;
    uint32_t role;         /* SERVSIM_GEMM_* */
    uint32_t dtype, times; /* dtype: of the activations, in which it multiplies */
    uint64_t m, n, k;
    uint32_t weight_dtype; /* as weights lie in memory; 0: dtype */
    uint32_t reserved;
};

/*
 * The routed experts of `times` layers: gate, up, activation and down of the experts that this GPU holds, for the
 * tokens that chose them, and the weighted sum of the results. The router's GEMM, shared experts and communication are
 * apart. Every expert is as likely as every other.
 */
struct servsim_moe {
    uint32_t size;
    uint32_t dtype, weight_dtype, times; /* dtype: in which it multiplies */
    uint32_t experts, top_k;             /* of the layer, wherever they are */
    uint32_t experts_here;               /* on this GPU */
    uint32_t hidden, ffn;                /* of one expert; ffn as this GPU holds it */
    uint32_t ep;                         /* GPUs that the experts are spread over */
    uint64_t tokens;                     /* that enter the layer on all GPUs that share these experts */
    uint64_t tokens_here;                /* pairs of a token and an expert that this GPU computes: likewise (below) */
    /* experts here that some token chose: experts_here (1 - (1 - k/E)^tokens), and, where there are several GPUs with
       experts, so many more as the one with most of them is expected to have: it is the one that is waited for */
    double experts_hit;
};

/* Traffic-bound kernels on `rows` rows of `columns`, `times` times in one step. */
struct servsim_elementwise {
    uint32_t size;
    uint32_t role; /* SERVSIM_ELEMENTWISE_* */
    uint32_t dtype, times;
    uint64_t rows, columns;
};

/*
 * A message among `ranks` GPUs, `times` times in one step. `bytes` is the whole buffer: what an all-reduce reduces,
 * what comes out of an all-gather, what goes into a reduce-scatter or an all-to-all on one GPU.
 */
struct servsim_collective {
    uint32_t size;
    uint32_t kind; /* SERVSIM_COLLECTIVE_* */
    uint32_t ranks, times;
    uint64_t bytes;
    uint32_t ranks_per_node; /* GPUs of the group that share a node; `ranks` where none is elsewhere; 0: not stated */
    uint32_t reserved;
};

/* One GPU sends `bytes` to another, `times` times in one step. */
struct servsim_p2p {
    uint32_t size;
    uint32_t times;
    uint64_t bytes;
    uint32_t between_nodes; /* 0: both are in one node */
    uint32_t reserved;
};

/*
 * Attention of one whole batch, `times` layers of one kind. Prefill chunk i computes q_i new tokens behind c_i tokens
 * of prior context. Decode i computes one token behind d_i tokens that are in the KV cache before this step.
 *
 * Layers with a window w come in a call of their own. There token t sees min(t + 1, w) tokens, and every sum is over
 * what is seen: decode i counts with min(d_i, w - 1), chunk i with min(c_i, w - 1) and with the pairs inside the
 * window. Decodes that see a whole window no longer grow: decode_settled of them, so that contexts together grow by
 * decode_count - decode_settled a step. The host ends the line's steps where the next one settles.
 * decode_context_min and _max are cut to w - 1, too.
 *
 * Latent attention (latent_rank > 0) keeps one latent and one rotary key a token, latent_rank + rope_dim values that
 * all heads read. Decodes work on the latent itself: 2 (2 latent_rank + rope_dim) operations for each head and pair of
 * tokens. Prefill works on keys and values of head_dim and v_head_dim, and first makes those of its prior context from
 * the latent (2 latent_rank (head_dim - rope_dim + v_head_dim) operations for each head and prior token); what makes
 * those of new tokens is a GEMM of its own.
 */
struct servsim_attention {
    uint32_t size;
    uint32_t dtype, kv_dtype, times;
    uint32_t q_heads, kv_heads, head_dim; /* per GPU; kv_heads is 1 where attention is latent */
    uint32_t v_head_dim;                  /* of values; 0: head_dim */
    uint64_t prefill_count;               /* chunks */
    uint64_t prefill_new_tokens;          /* sum of q_i */
    uint64_t prefill_context_tokens;      /* sum of c_i */
    uint64_t prefill_causal_pairs;        /* sum of q_i c_i + q_i (q_i + 1) / 2 */
    uint64_t decode_count;
    uint64_t decode_context_sum;                     /* sum of d_i */
    uint64_t decode_context_min, decode_context_max; /* each 0 unless the device's flags ask for it */
    uint64_t decode_settled; /* decodes that see a whole window and grow no more; 0 where there is no window */
    uint32_t window;         /* 0: none */
    uint32_t latent_rank, rope_dim;
    uint32_t reserved;
};

/*
 * The price of a step and of the steps that follow it while every growing decode grows by one token a step and nothing
 * else changes: step j (0 <= j < steps) costs base_ps + j slope_ps.
 *
 * A run must cost the same however it is split: the line asked for at step j must be the line asked for at step 0,
 * moved by j. So slopes are whole picoseconds, rounded once and anchored at fixed points (a table's entries, zero),
 * never at the context where a run happens to begin.
 */
struct servsim_line {
    int64_t base_ps;
    int64_t slope_ps;
    uint64_t steps; /* at least 1 */
};

#define SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE 1u   /* fill decode_context_min and _max (costs a little per request) */
#define SERVSIM_HARDWARE_MEASURED 2u              /* prices from measured tables: exempt from monotonicity checks */
#define SERVSIM_HARDWARE_WANTS_LONGEST_CONTEXT 4u /* fill decode_context_max alone: half of what the range costs */

/* Every price is for one GPU of the group and for all `times` together, rounded to whole picoseconds once. The same
   question has the same answer: the host remembers those that come again and again. */
struct servsim_hardware_ops {
    uint32_t size;
    uint32_t flags; /* SERVSIM_HARDWARE_* */
    /* required */
    int32_t (*describe)(void *self, struct servsim_device *out, struct servsim_error *err);
    int32_t (*gemm)(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err);
    int32_t (*attention)(void *self, const struct servsim_attention *op, struct servsim_line *line,
                         struct servsim_error *err);
    /* optional: NULL means that small kernels are part of the engine's overhead per layer */
    int32_t (*elementwise)(void *self, const struct servsim_elementwise *op, int64_t *ps, struct servsim_error *err);
    /* optional: NULL means that the device runs alone (tp = 1) */
    int32_t (*collective)(void *self, const struct servsim_collective *op, int64_t *ps, struct servsim_error *err);
    /* optional: NULL means that experts are two GEMMs of tokens_here / experts_hit rows, as wide as all hit experts */
    int32_t (*moe)(void *self, const struct servsim_moe *op, int64_t *ps, struct servsim_error *err);
    /* optional: NULL means that it costs what an all-gather of twice the bytes by two GPUs does */
    int32_t (*p2p)(void *self, const struct servsim_p2p *op, int64_t *ps, struct servsim_error *err);
};

/* ---- schedulers -------------------------------------------------------------------------------------------- */

/* create's context: the limits that the host enforces. */
struct servsim_scheduler_context {
    uint32_t size;
    uint32_t replica;
    uint32_t max_num_seqs, max_num_batched_tokens;
    uint32_t block_size, max_model_len;
    uint64_t kv_blocks_total;
};

/* Answers of the step's services. A negative errno is a broken rule: return it from plan() as it is. */
#define SERVSIM_OK 0
#define SERVSIM_NO_BLOCKS 1      /* the KV cache has not enough free blocks */
#define SERVSIM_NO_BUDGET 2      /* max_num_batched_tokens is used up (or too small for an un-chunked prompt) */
#define SERVSIM_NO_SLOT 3        /* max_num_seqs requests are running */
#define SERVSIM_NO_HOST_BLOCKS 4 /* the host's memory (kv_cache: swap_space) has not enough free blocks */

/* flags of admit() */
#define SERVSIM_WHOLE_PROMPT 1u /* all of its tokens in this step, or none */
#define SERVSIM_HOLD_PLACE                                                                                             \
    2u /* when it is done, it keeps its place, its blocks and a row of each step until all that */
       /* run are done; only then does it finish (static batching) */

/* ways of preempt() */
#define SERVSIM_RECOMPUTE 0u /* give the blocks back, compute all again later */
#define SERVSIM_SWAP 1u      /* copy the blocks to the host's memory; the next step waits for the copy */
#define SERVSIM_PAUSE 2u     /* keep the blocks where they are; only its place among those running is given up */

#define SERVSIM_FOREVER UINT64_MAX
#define SERVSIM_NO_CAP UINT32_MAX

/* Services while a step is composed. `ctx` is that of the step. */
struct servsim_step_ops {
    uint32_t size;
    uint32_t reserved;
    /*
     * Gives every running request what comes next, where it has not got it in this step already: one token for each
     * that decodes, then prefill chunks of at most `cap` tokens, in running order (that of admission), while the budget
     * lasts. NO_BLOCKS: nothing was given; preempt one (somebody runs, so last_running() is not NULL), and call again.
     */
    int32_t (*serve_running)(void *ctx, uint32_t cap);
    /* The decoding part of serve_running alone. A step without it computes prompts while the decodes stand still. */
    int32_t (*decode_all)(void *ctx);
    /* The prefill part for one running request: at most `cap` tokens. */
    int32_t (*prefill)(void *ctx, struct servsim_request *request, uint32_t cap);
    /*
     * Starts a request that waits, any of them, with at most `cap` prefill tokens. It becomes the last in running
     * order. Refused with NO_BLOCKS where the blocks for its whole current length are not free, even when the chunk
     * would fit. One that was swapped or paused comes back with what it has, whatever `flags` says: it goes on with
     * its prompt, or decodes with the others of this step (NO_BLOCKS: its blocks and that of its next token are not
     * free).
     */
    int32_t (*admit)(void *ctx, struct servsim_request *request, uint32_t cap, uint32_t flags);
    /*
     * A running request, any of them, loses its place and what this step has given it; it waits, and the scheduler
     * queues it. `how` says what becomes of its blocks. NO_HOST_BLOCKS: it was not swapped and runs on. One that is
     * paused may be preempted further (swap, recompute), one that is swapped too (recompute).
     */
    int32_t (*preempt)(void *ctx, struct servsim_request *request, uint32_t how);
    /* The request admitted last among those running, or NULL. Requests that are done but hold their place do not
       count. */
    struct servsim_request *(*last_running)(void *ctx);
    uint32_t (*running)(void *ctx); /* places taken */
    uint32_t (*budget_left)(void *ctx);
    uint64_t (*free_blocks)(void *ctx);
    /* No more than so many tokens in this step, decodes included; decodes fit all the same. Only ever lowers. */
    int32_t (*limit)(void *ctx, uint32_t tokens);
    /* The one admitted before it among those running, or NULL: with last_running(), a walk from the tail. */
    struct servsim_request *(*running_before)(void *ctx, const struct servsim_request *request);
    /* Tokens still to be computed before the next output token, less what this step computes; 0 where it decodes. */
    uint32_t (*prefill_left)(void *ctx, const struct servsim_request *request);
    /* KV blocks of the GPU that it holds. */
    uint64_t (*blocks_of)(void *ctx, const struct servsim_request *request);
    uint64_t (*free_host_blocks)(void *ctx);
};

/* One step being composed. */
struct servsim_step {
    uint32_t size;
    uint32_t reserved;
    void *ctx;
    const struct servsim_step_ops *ops;
    int64_t now_s, now_ps;
    /*
     * Set by the plugin: for how many steps, this one included, it would decide the same if no request arrived or
     * finished and every decode found its block. 1 unless set; the host uses more only where the step is nothing but
     * decodes and nobody was admitted or preempted: after such a step it asks again whatever stands here, so that
     * SERVSIM_FOREVER is right there, too.
     */
    uint64_t horizon_steps;
    /* Set by the plugin: and only for steps that begin before this. {SERVSIM_NEVER, 0} unless set. */
    int64_t until_s, until_ps;
};

/* What arrive() answers. */
#define SERVSIM_ASK_AGAIN 0      /* plan at the next step's end */
#define SERVSIM_DECISION_HOLDS 1 /* the newcomer changes nothing until something else does */
#define SERVSIM_REJECT 2         /* this request can never be served; the scheduler has forgotten it */

/* Under steady overload some requests may wait for ever: the page says which. Without it, nobody may. */
#define SERVSIM_SCHEDULER_MAY_STARVE 1u

struct servsim_scheduler_ops {
    uint32_t size;
    uint32_t flags; /* SERVSIM_SCHEDULER_* */
    /* required: a request joins the queue. May be called while a step runs. */
    int32_t (*arrive)(void *self, struct servsim_request *request, struct servsim_error *err);
    /* required: compose the next step. An empty step means: nothing to do until something arrives. */
    int32_t (*plan)(void *self, struct servsim_step *step, struct servsim_error *err);
    /* optional: a running request is done (and its batch is, where it holds its place); it disappears after the call.
       NULL: the scheduler does not care. */
    void (*finish)(void *self, struct servsim_request *request);
    /* optional: `steps` further steps went by, each as the last plan; equal to as many calls of plan(). NULL: plan()
       keeps no count of steps. */
    void (*advance)(void *self, uint64_t steps);
};

static inline int32_t
servsim_serve_running(struct servsim_step *step, uint32_t cap)
{
    return step->ops->serve_running(step->ctx, cap);
}

static inline int32_t
servsim_admit(struct servsim_step *step, struct servsim_request *request, uint32_t cap, uint32_t flags)
{
    return step->ops->admit(step->ctx, request, cap, flags);
}

static inline int32_t
servsim_preempt(struct servsim_step *step, struct servsim_request *request, uint32_t how)
{
    return step->ops->preempt(step->ctx, request, how);
}

static inline struct servsim_request *
servsim_last_running(struct servsim_step *step)
{
    return step->ops->last_running(step->ctx);
}

static inline struct servsim_request *
servsim_running_before(struct servsim_step *step, const struct servsim_request *request)
{
    return step->ops->running_before(step->ctx, request);
}

static inline int32_t
servsim_limit(struct servsim_step *step, uint32_t tokens)
{
    return step->ops->limit(step->ctx, tokens);
}

/* ---- routers ----------------------------------------------------------------------------------------------- */

struct servsim_router_context {
    uint32_t size;
    uint32_t replicas; /* at least 1 */
};

struct servsim_router_ops {
    uint32_t size;
    uint32_t reserved;
    /* required: stores 0 <= *replica < replicas */
    int32_t (*route)(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err);
    /* optional: the request left `replica`: finished, rejected or lost there */
    void (*leave)(void *self, const struct servsim_request *request, uint32_t replica);
    /*
     * optional: `replica` is known to be down (`up` 0), or back (1), empty; all are up at the start. route() must not
     * name one that is down, and is not called while all are. Requests that were there leave() after this, and are
     * routed again. NULL: what route() sends to a replica that is down goes to the next one that is up, round about;
     * leave() tells of the one that route() named.
     */
    void (*replica_up)(void *self, uint32_t replica, uint32_t up);
};

/* ---- predictors -------------------------------------------------------------------------------------------- */

/* A request as predictors see it. Its true output length is not here. */
struct servsim_sample {
    uint32_t size;
    uint32_t prompt_tokens;
    uint64_t client;
    int64_t arrival_s, arrival_ps; /* in the history before the run: below 0 s */
    int32_t priority;
    uint32_t reserved;
    const char *label; /* of the traffic, "" where it has none; lives as long as the instance, one pointer for each */
};

struct servsim_prediction {
    uint32_t size;
    uint32_t output_tokens; /* 0: do not know */
    double confidence;      /* 0 to 1 */
};

/*
 * The predictor is told true_output_tokens of the request that it predicts. It is named as seeing the future wherever
 * it is shown. Without this flag nothing reaches a predictor before it has happened.
 */
#define SERVSIM_PREDICTOR_SEES_FUTURE 1u

/*
 * One instance serves the whole cluster. First comes the history, where the experiment has one (workload: {history:
 * N}): predict(), then learn(), for each of its requests, minute() for each of its whole minutes, and train() at its
 * end. Then the run: predict() at each arrival before it is routed, observe() at each finish, minute() before the first
 * of these after a minute has ended. The same calls with the same values come in the same order in every mode.
 */
struct servsim_predictor_ops {
    uint32_t size;
    uint32_t flags; /* SERVSIM_PREDICTOR_* */
    /* required: the host zeroes *out and sets its size; true_output_tokens is 0 unless the predictor sees the future */
    int32_t (*predict)(void *self, const struct servsim_sample *sample, uint32_t true_output_tokens,
                       struct servsim_prediction *out, struct servsim_error *err);
    /* optional: a request has finished with so many tokens */
    int32_t (*observe)(void *self, const struct servsim_sample *sample, uint32_t output_tokens,
                       struct servsim_error *err);
    /* optional: a request of the history; NULL: observe() is called */
    int32_t (*learn)(void *self, const struct servsim_sample *sample, uint32_t output_tokens,
                     struct servsim_error *err);
    /* optional: the history is complete. Not called where there is none. */
    int32_t (*train)(void *self, struct servsim_error *err);
    /* optional: a minute has ended, and this was in it. Minutes without traffic are told, too. */
    int32_t (*minute)(void *self, const struct servsim_minute *totals, struct servsim_error *err);
    /* optional: the minutes that follow the last one that ended. Answers how many of `minutes` it has filled in, 0 when
       it cannot tell yet; the host calls it at most once a minute. */
    int32_t (*forecast)(void *self, struct servsim_minute *out, uint32_t minutes, struct servsim_error *err);
};

/* ---- workloads --------------------------------------------------------------------------------------------- */

/* One request of the traffic. The host zeroes it and sets size before each next(). */
struct servsim_arrival {
    uint32_t size;
    int32_t priority;
    int64_t arrival_s, arrival_ps; /* from the first row of the traffic; never earlier than the one before */
    uint32_t prompt_tokens;        /* at least 1 */
    uint32_t output_tokens;        /* at least 1 */
    uint64_t client;
    uint64_t session;             /* 0: none */
    uint64_t prompt_id;           /* requests with equal ids have equal prompts, as far as both go; 0: unknown */
    uint64_t prefix_id;           /* the first prefix_tokens of the prompt are those of all with this id */
    const uint64_t *block_hashes; /* chained ids of prompt blocks, or NULL; the plugin's, until the next call */
    const int32_t *token_ids;     /* of the prompt, prompt_tokens of them, or NULL; likewise */
    uint32_t block_hash_count;
    uint32_t block_hash_tokens; /* tokens that one id stands for */
    uint32_t prefix_tokens;     /* 0: no beginning is shared */
    uint32_t reserved;
    int64_t deadline_s, deadline_ps; /* preset to SERVSIM_NEVER, 0 */
    char label[32];                  /* "ChatGPT API" or the like; for traces that are written again */
    /* What the source of the traffic calls the two whose ids stand above, or NULL: the id is all there is. For people
       who read results, and for traces that are written again; the plugin's, until the next call. */
    const char *client_name, *session_name;
};

struct servsim_workload_stats {
    uint32_t size;
    uint32_t reserved;
    uint64_t rows_read;     /* rows of the source so far */
    uint64_t rows_failed;   /* rows that stand for failed requests: not simulated, but counted */
    uint64_t rows_left_out; /* rows that sampling or a limit left out */
};

struct servsim_workload_ops {
    uint32_t size;
    uint32_t reserved;
    /* required: 1 and a request, 0 at the end, or a negative errno (text with file, line and mend) */
    int32_t (*next)(void *self, struct servsim_arrival *out, struct servsim_error *err);
    /* optional: counts up to now; NULL: none failed */
    int32_t (*stats)(void *self, struct servsim_workload_stats *out);
    /* optional, called without an instance: are the first bytes of a file in this plugin's format? 2: yes; 1: nearly,
       and opening it says what is wrong; 0: no */
    int32_t (*recognise)(const char *head, uint64_t length);
};

/* ---- reports ----------------------------------------------------------------------------------------------- */

/* Everything is on disk: a report can be made again at any time. Paths are absolute. */
struct servsim_report_input {
    uint32_t size;
    uint32_t reserved;
    const char *output_dir;   /* where the report writes */
    const char *results_path; /* results.json, complete */
};

#define SERVSIM_REPORT_LAST 1u           /* shows what other reports leave (pictures), so it runs after them */
#define SERVSIM_REPORT_WANTS_TIMELINE 2u /* needs cells/CELL/timeline.csv, a row for each run of each replica */

struct servsim_report_ops {
    uint32_t size;
    uint32_t flags; /* SERVSIM_REPORT_* */
    /* required. Writes each file whole or not at all (a temporary name, then rename). */
    int32_t (*render)(void *self, const struct servsim_report_input *input, struct servsim_error *err);
};

/* ---- helpers: a deque and a heap of requests ---------------------------------------------------------------- */

/* A double-ended queue of requests. Zero-initialise; servsim_deque_free() at the end. */
struct servsim_deque {
    struct servsim_request **items; /* ring; capacity is a power of two */
    uint64_t capacity, first, count;
};

static inline int32_t
servsim_deque_grow(struct servsim_deque *queue)
{
    uint64_t capacity = queue->capacity ? queue->capacity * 2 : 16;
    struct servsim_request **items = (struct servsim_request **)malloc((size_t)capacity * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->first + i) & (queue->capacity - 1)];
    free(queue->items);
    queue->items = items;
    queue->capacity = capacity;
    queue->first = 0;
    return 0;
}

static inline int32_t
servsim_deque_push_back(struct servsim_deque *queue, struct servsim_request *request)
{
    if (queue->count == queue->capacity && servsim_deque_grow(queue) != 0)
        return -ENOMEM;
    queue->items[(queue->first + queue->count++) & (queue->capacity - 1)] = request;
    return 0;
}

static inline int32_t
servsim_deque_push_front(struct servsim_deque *queue, struct servsim_request *request)
{
    if (queue->count == queue->capacity && servsim_deque_grow(queue) != 0)
        return -ENOMEM;
    queue->first = (queue->first - 1) & (queue->capacity - 1);
    queue->items[queue->first] = request;
    queue->count++;
    return 0;
}

static inline struct servsim_request *
servsim_deque_front(const struct servsim_deque *queue)
{
    return queue->count > 0 ? queue->items[queue->first] : NULL;
}

static inline struct servsim_request *
servsim_deque_pop_front(struct servsim_deque *queue)
{
    struct servsim_request *request = servsim_deque_front(queue);
    if (request != NULL) {
        queue->first = (queue->first + 1) & (queue->capacity - 1);
        queue->count--;
    }
    return request;
}

static inline void
servsim_deque_free(struct servsim_deque *queue)
{
    free(queue->items);
    memset(queue, 0, sizeof *queue);
}

/*
 * A heap of requests: smallest key first, ties by order of arrival. Zero-initialise; servsim_heap_free() at the end.
 * With `indexed` set while it is empty, requests know where they stand (in their slot_key), and any can be removed.
 */
struct servsim_heap_item {
    int64_t key;
    struct servsim_request *request;
};

struct servsim_heap {
    struct servsim_heap_item *items;
    uint64_t capacity, count;
    uint64_t indexed;
};

static inline int
servsim_heap_before(const struct servsim_heap_item *a, const struct servsim_heap_item *b)
{
    return a->key != b->key ? a->key < b->key : a->request->id < b->request->id;
}

static inline void
servsim_heap_put(struct servsim_heap *heap, uint64_t at, struct servsim_heap_item item)
{
    heap->items[at] = item;
    if (heap->indexed)
        item.request->slot_key = (uint32_t)at;
}

/* Puts an item where it belongs on the way from `at` to the top. */
static inline void
servsim_heap_rise(struct servsim_heap *heap, uint64_t at, struct servsim_heap_item item)
{
    while (at > 0 && servsim_heap_before(&item, &heap->items[(at - 1) / 2])) {
        servsim_heap_put(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    servsim_heap_put(heap, at, item);
}

/* Puts an item where it belongs below `at`. */
static inline void
servsim_heap_sink(struct servsim_heap *heap, uint64_t at, struct servsim_heap_item item)
{
    for (uint64_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && servsim_heap_before(&heap->items[child + 1], &heap->items[child]))
            child++;
        if (!servsim_heap_before(&heap->items[child], &item))
            break;
        servsim_heap_put(heap, at, heap->items[child]);
    }
    servsim_heap_put(heap, at, item);
}

static inline int32_t
servsim_heap_push(struct servsim_heap *heap, int64_t key, struct servsim_request *request)
{
    if (heap->count == heap->capacity) {
        uint64_t capacity = heap->capacity ? heap->capacity * 2 : 16;
        void *items = realloc(heap->items, (size_t)capacity * sizeof *heap->items);
        if (items == NULL)
            return -ENOMEM;
        heap->items = (struct servsim_heap_item *)items;
        heap->capacity = capacity;
    }
    struct servsim_heap_item item = {key, request};
    servsim_heap_rise(heap, heap->count++, item);
    return 0;
}

static inline struct servsim_request *
servsim_heap_first(const struct servsim_heap *heap)
{
    return heap->count > 0 ? heap->items[0].request : NULL;
}

static inline struct servsim_request *
servsim_heap_pop(struct servsim_heap *heap)
{
    struct servsim_request *first = servsim_heap_first(heap);
    if (first != NULL && --heap->count > 0)
        servsim_heap_sink(heap, 0, heap->items[heap->count]);
    return first;
}

/* Is the request in this indexed heap? */
static inline int
servsim_heap_holds(const struct servsim_heap *heap, const struct servsim_request *request)
{
    return request->slot_key < heap->count && heap->items[request->slot_key].request == request;
}

/* Takes a request out of an indexed heap, where it is in it. */
static inline void
servsim_heap_remove(struct servsim_heap *heap, const struct servsim_request *request)
{
    uint64_t at = request->slot_key;
    if (!servsim_heap_holds(heap, request) || at == --heap->count)
        return;
    struct servsim_heap_item last = heap->items[heap->count];
    if (at > 0 && servsim_heap_before(&last, &heap->items[(at - 1) / 2]))
        servsim_heap_rise(heap, at, last);
    else
        servsim_heap_sink(heap, at, last);
}

static inline void
servsim_heap_free(struct servsim_heap *heap)
{
    free(heap->items);
    memset(heap, 0, sizeof *heap);
}

/* ---- helpers: random numbers -------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014): one word of state, passes BigCrush, the same on every machine. Seed it with
   host->seed(host->ctx, "what it is for"). */
struct servsim_random {
    uint64_t state;
};

static inline uint64_t
servsim_random_u64(struct servsim_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in (0, 1): never 0, never 1, so that its logarithm is finite. */
static inline double
servsim_random_unit(struct servsim_random *random)
{
    return ((double)(servsim_random_u64(random) >> 12) + 0.5) * (1.0 / 4503599627370496.0);
}

#ifdef __cplusplus
}
#endif

#endif
