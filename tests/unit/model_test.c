/*
 * unit/model_test.c - shapes, parameters and bytes of models, and what becomes of bad config.json files.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "tests/unit/harness.h"

/* One line, no full stop, names what it is about. */
static int
is_one_line(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && strchr(text, '\n') == NULL && text[length - 1] != '.';
}

static int
find_shipped(struct ss_model *model, const char *name, struct servsim_error *err)
{
    char models[4096];
    snprintf(models, sizeof models, "%s", ss_source_path("configs/models"));
    return ss_model_find(model, name, "/", models, err);
}

/* Exact parameter counts of published weights: what huggingface.co shows for each model, summed over the tensors of its
   safetensors files. */
static const struct {
    const char *name;
    uint64_t parameters;
} published[] = {
    {"llama-2-7b", 6738415616},
    {"llama-2-13b", 13015864320},
    {"llama-2-70b", 68976648192},
    {"llama-30b", 32528943616},
    {"codellama-7b", 6738546688},
    {"codellama-13b", 13016028160},
    {"codellama-34b", 33743970304},
    {"llama-3.1-8b", 8030261248},
    {"llama-3.1-70b", 70553706496},
    {"llama-3.1-405b", 405853388800},
    {"llama-3.2-1b", 1235814400},
    {"llama-3.2-3b", 3212749824},
    {"yi-6b", 6061035520},
    {"yi-34b", 34388917248},
    {"mistral-7b-v0.1", 7241732096},
    {"mistral-7b", 7248023552},
    {"mistral-nemo-12b", 12247782400},
    {"mistral-small-24b", 23572403200},
    {"qwen2.5-0.5b", 494032768},
    {"qwen2.5-1.5b", 1543714304},
    {"qwen2.5-3b", 3085938688},
    {"qwen2.5-7b", 7615616512},
    {"qwen2.5-14b", 14770033664},
    {"qwen2.5-32b", 32763876352},
    {"qwen2.5-72b", 72706203648},
    {"qwen3-8b", 8190735360},
    {"qwen3-14b", 14768307200},
    {"qwen3-32b", 32762123264},
    {"opt-6.7b", 6658473984},
    {"opt-13b", 12853473280},
    {"opt-30b", 29974540288},
    {"gpt2-xl", 1557611200},
    {"phi-3-mini", 3821079552},
    {"phi-3-medium", 13960238080},
    {"phi-4", 14659507200},
    {"gemma-2b", 2506172416},
    {"gemma-7b", 8537680896},
    {"gemma-2-2b", 2614341888},
    {"gemma-2-9b", 9241705984},
    {"gemma-2-27b", 27227128320},
    {"gemma-3-1b", 999885952},
    {"mixtral-8x7b", 46702792704},
    {"mixtral-8x22b", 140620634112},
    {"qwen1.5-moe-a2.7b", 14315784192},
    {"qwen3-30b-a3b", 30532122624},
    {"qwen3-235b-a22b", 235093634560},
    {"deepseek-v2-lite", 15706484224},
    {"deepseek-v2", 235741434880},
    /* those of the files less the vision tower and its projector: 108641793536, 401583781376, 4300079472, 12187325040
       and 27432406640 */
    {"llama-4-scout", 108641793536 - 871932416},
    {"llama-4-maverick", 401583781376 - 871932416},
    {"gemma-3-4b", 4300079472 - 419816304},
    {"gemma-3-12b", 12187325040 - 421290864},
    {"gemma-3-27b", 27432406640 - 423060336},
};

static void
test_published_counts(void)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        int rc = find_shipped(&model, published[i].name, &err);
        CU_ASSERT_EQUAL(rc, 0);
        if (rc != 0) {
            printf("# %s\n", err.text);
            continue;
        }
        CU_ASSERT_STRING_EQUAL(model.name, published[i].name);
        CU_ASSERT_EQUAL(ss_model_parameters(&model), published[i].parameters);
        if (ss_model_parameters(&model) != published[i].parameters)
            printf("# %s: %" PRIu64 ", published %" PRIu64 "\n", model.name, ss_model_parameters(&model),
                   published[i].parameters);
    }
}

/* Models whose makers publish rounded figures: all parameters, and those that one token meets, in 10^9. The makers of
   gpt-oss count a token's without the embedding (0.58), those of Qwen1.5-MoE say 2.7. */
static const struct {
    const char *name;
    double all, active, bytes;
} rounded[] = {
    {"deepseek-v3", 671.0, 37.6, 673.0},       {"deepseek-r1", 671.0, 37.6, 673.0},
    {"gpt-oss-20b", 20.91, 3.61 + 0.58, 13.8}, {"gpt-oss-120b", 116.83, 5.13 + 0.58, 65.2},
    {"mixtral-8x7b", 46.7, 12.9, 93.4},        {"mixtral-8x22b", 140.6, 39.2, 281.2},
    {"llama-4-scout", 107.8, 17.2, 215.5},     {"qwen3-30b-a3b", 30.5, 3.35, 61.06},
    {"qwen3-235b-a22b", 235.1, 22.2, 470.2},   {"deepseek-v2", 235.7, 21.4, 471.5},
    {"qwen1.5-moe-a2.7b", 14.3, 2.69, 28.6},   {"llama-3.1-8b", 8.03, 8.03, 16.06},
};

static void
test_rounded_counts(void)
{
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        CU_ASSERT_EQUAL_FATAL(find_shipped(&model, rounded[i].name, &err), 0);
        CU_ASSERT_DOUBLE_EQUAL((double)ss_model_parameters(&model) / 1e9, rounded[i].all, rounded[i].all * 0.003);
        CU_ASSERT_DOUBLE_EQUAL((double)ss_model_active_parameters(&model) / 1e9, rounded[i].active,
                               rounded[i].active * 0.005);
        CU_ASSERT_DOUBLE_EQUAL((double)ss_model_weight_bytes(&model) / 1e9, rounded[i].bytes, rounded[i].bytes * 0.003);
    }
}

/* Which layers are of which kind. */
static void
test_layers(void)
{
    static const struct {
        const char *name;
        uint32_t experts, windows, window, ffn, first_kind, last_kind;
    } cases[] = {
        {"llama-3.1-8b", 0, 0, 0, 14336, 0, 0},
        {"mistral-7b-v0.1", 0, 32, 4096, 14336, SS_LAYER_WINDOW, SS_LAYER_WINDOW},
        {"mistral-nemo-12b", 0, 0, 0, 14336, 0, 0},
        {"gemma-2-9b", 0, 21, 4096, 14336, SS_LAYER_WINDOW, 0},
        {"gemma-3-27b", 0, 52, 1024, 21504, SS_LAYER_WINDOW, SS_LAYER_WINDOW},
        {"mixtral-8x7b", 32, 0, 0, 0, SS_LAYER_EXPERTS, SS_LAYER_EXPERTS},
        {"deepseek-v3", 58, 0, 0, 18432, 0, SS_LAYER_EXPERTS},
        {"llama-4-scout", 48, 36, 8192, 0, SS_LAYER_EXPERTS | SS_LAYER_WINDOW, SS_LAYER_EXPERTS},
        {"llama-4-maverick", 24, 36, 8192, 16384, SS_LAYER_WINDOW, SS_LAYER_EXPERTS},
        {"gpt-oss-20b", 24, 12, 128, 0, SS_LAYER_EXPERTS | SS_LAYER_WINDOW, SS_LAYER_EXPERTS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        struct ss_stage whole;
        CU_ASSERT_EQUAL_FATAL(find_shipped(&model, cases[i].name, &err), 0);
        ss_model_stage(&model, 1, 0, &whole);
        CU_ASSERT_EQUAL(whole.expert_layers, cases[i].experts);
        CU_ASSERT_EQUAL(whole.window_layers, cases[i].windows);
        CU_ASSERT_EQUAL(model.window, cases[i].window);
        CU_ASSERT_EQUAL(model.ffn, cases[i].ffn);
        CU_ASSERT_EQUAL(model.kinds[0], cases[i].first_kind);
        CU_ASSERT_EQUAL(model.kinds[model.layers - 1], cases[i].last_kind);
    }
}

/* Stages hold every layer once; left-over layers go to the last but one and those before it. */
static void
test_stages(void)
{
    static const uint32_t want[4] = {15, 15, 16, 15};
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    struct ss_stage stage, whole;
    uint32_t first = 0, experts = 0;
    const struct ss_cut cut = {.tp = 1, .pp = 4, .dp = 1, .ep = 1};
    uint64_t bytes = 0;
    CU_ASSERT_EQUAL_FATAL(find_shipped(&model, "deepseek-v3", &err), 0);
    for (uint32_t i = 0; i < 4; i++) {
        ss_model_stage(&model, 4, i, &stage);
        CU_ASSERT_EQUAL(stage.first, first);
        CU_ASSERT_EQUAL(stage.layers, want[i]);
        CU_ASSERT_EQUAL(stage.embeds, i == 0);
        CU_ASSERT_EQUAL(stage.samples, i == 3);
        first += stage.layers;
        experts += stage.expert_layers;
        bytes += ss_model_stage_bytes(&model, &cut, &stage);
    }
    ss_model_stage(&model, 1, 0, &whole);
    CU_ASSERT_EQUAL(experts, whole.expert_layers);
    CU_ASSERT_DOUBLE_EQUAL((double)bytes, (double)ss_model_weight_bytes(&model), 8.0);
}

/* Experts spread over GPUs, or cut across them: DeepSeek-V3 and Mixtral. */
static void
test_experts_per_gpu(void)
{
    static const struct {
        struct ss_cut cut;
        uint32_t experts, ffn;
    } cases[] = {
        {{1, 1, 1, 1}, 256, 2048}, {{8, 1, 1, 1}, 256, 256}, {{8, 1, 1, 8}, 32, 2048},  {{1, 1, 8, 8}, 32, 2048},
        {{4, 1, 2, 8}, 32, 2048},  {{4, 1, 2, 2}, 128, 512}, {{1, 1, 2, 1}, 256, 1024},
    };
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    struct ss_stage whole;
    CU_ASSERT_EQUAL_FATAL(find_shipped(&model, "deepseek-v3", &err), 0);
    ss_model_stage(&model, 1, 0, &whole);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(ss_cut_experts(&model, &cases[i].cut), cases[i].experts);
        CU_ASSERT_EQUAL(ss_cut_expert_ffn(&model, &cases[i].cut), cases[i].ffn);
        CU_ASSERT_EQUAL(ss_model_expert_bytes(&model, &cases[i].cut), 3.0 * 7168 * cases[i].ffn);
    }
    /* eight GPUs, attention and shared experts whole on each, experts spread: what is left of one copy's bytes */
    const struct ss_cut spread = {1, 1, 8, 8};
    double experts = 58.0 * 256 * 3 * 7168 * 2048, all = (double)ss_model_weight_bytes(&model);
    CU_ASSERT_DOUBLE_EQUAL((double)ss_model_stage_bytes(&model, &spread, &whole), all - experts * 7 / 8, 2.0);
}

/* What the experiment asks for goes before what the file says. */
static void
test_asked_weights(void)
{
    static const struct {
        const char *name;
        uint32_t asked, weights, experts, gemm;
        double gigabytes;
    } cases[] = {
        {"llama-3.1-8b", SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, 9.08},
        {"llama-3.1-8b", SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_BF16, 5.73},
        {"llama-3.1-8b", SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_BF16, 5.81},
        {"llama-3.1-8b", SERVSIM_DTYPE_FP16, SERVSIM_DTYPE_FP16, SERVSIM_DTYPE_FP16, SERVSIM_DTYPE_FP16, 16.06},
        {"deepseek-v3", SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, 1342.05},
        {"mixtral-8x7b", SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_BF16, 27.17},
        {"gpt-oss-20b", SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, 41.83},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        CU_ASSERT_EQUAL_FATAL(find_shipped(&model, cases[i].name, &err), 0);
        ss_model_set_weights(&model, cases[i].asked);
        CU_ASSERT_EQUAL(ss_model_weight_dtype(&model), cases[i].weights);
        CU_ASSERT_EQUAL(ss_model_expert_dtype(&model), cases[i].experts);
        CU_ASSERT_EQUAL(ss_model_gemm_dtype(&model), cases[i].gemm);
        CU_ASSERT_DOUBLE_EQUAL((double)ss_model_weight_bytes(&model) / 1e9, cases[i].gigabytes, 0.01);
    }
}

static void
test_shapes_of_a_model(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    CU_ASSERT_EQUAL_FATAL(find_shipped(&model, "LLAMA-3.1-8B", &err), 0);
    CU_ASSERT_STRING_EQUAL(model.name, "llama-3.1-8b");
    CU_ASSERT_EQUAL(model.layers, 32);
    CU_ASSERT_EQUAL(model.hidden, 4096);
    CU_ASSERT_EQUAL(model.q_heads, 32);
    CU_ASSERT_EQUAL(model.kv_heads, 8);
    CU_ASSERT_EQUAL(model.head_dim, 128);
    CU_ASSERT_EQUAL(model.ffn, 14336);
    CU_ASSERT_EQUAL(model.vocab, 128256);
    CU_ASSERT_EQUAL(model.max_positions, 131072);
    CU_ASSERT_EQUAL(model.dtype, SERVSIM_DTYPE_BF16);
}

/* Norms (2 x 32 + 1) x 4096 stay whole on each GPU, all the rest of llama-3.1-8b divides by 2, 4 and 8. */
static void
test_weights_per_gpu(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    CU_ASSERT_EQUAL_FATAL(find_shipped(&model, "llama-3.1-8b", &err), 0);
    const uint64_t all = 8030261248, norms = 65 * 4096;
    CU_ASSERT_EQUAL(ss_model_weight_bytes_per_gpu(&model, 1), 2 * all);
    for (uint32_t tp = 2; tp <= 8; tp *= 2)
        CU_ASSERT_EQUAL(ss_model_weight_bytes_per_gpu(&model, tp), 2 * ((all - norms) / tp + norms));
    /* 16 GPUs: 8 KV heads, so each GPU keeps one whole where a split would have left a half. */
    const uint64_t half_kv_heads = 32 * UINT64_C(4096) * 128;
    CU_ASSERT_EQUAL(ss_model_weight_bytes_per_gpu(&model, 16), 2 * ((all - norms) / 16 + norms + half_kv_heads));
}

static void
test_kv_bytes(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    CU_ASSERT_EQUAL_FATAL(find_shipped(&model, "llama-3.1-8b", &err), 0);
    static const struct {
        uint32_t tp, heads;
        uint64_t bytes;
    } cases[] = {{1, 8, 131072}, {2, 4, 65536}, {4, 2, 32768}, {8, 1, 16384}, {16, 1, 16384}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(ss_model_kv_heads_per_gpu(&model, cases[i].tp), cases[i].heads);
        CU_ASSERT_EQUAL(ss_model_kv_bytes_per_token_per_gpu(&model, cases[i].tp), cases[i].bytes);
    }
}

/* Latents are kept once for all heads and not cut; a narrow cache halves it; all 62 layers of Gemma count in full. */
static void
test_kv_bytes_of_kinds(void)
{
    static const struct {
        const char *name;
        uint32_t kv_dtype, tp;
        uint64_t bytes;
    } cases[] = {
        {"deepseek-v3", 0, 1, 61 * (512 + 64) * 2},
        {"deepseek-v3", 0, 8, 61 * (512 + 64) * 2},
        {"deepseek-v3", SERVSIM_DTYPE_FP8, 1, 61 * (512 + 64)},
        {"llama-3.1-8b", SERVSIM_DTYPE_FP8, 1, 65536},
        {"gemma-3-27b", 0, 2, 62 * 2 * 8 * 128 * 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        CU_ASSERT_EQUAL_FATAL(find_shipped(&model, cases[i].name, &err), 0);
        model.kv_dtype = cases[i].kv_dtype;
        CU_ASSERT_EQUAL(ss_model_kv_bytes_per_token_per_gpu(&model, cases[i].tp), cases[i].bytes);
    }
}

/* 151936 = 64 x 2374 rows; 32016 are padded to 32064 before they are cut. */
static void
test_vocabulary(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    CU_ASSERT_EQUAL_FATAL(find_shipped(&model, "codellama-7b", &err), 0);
    CU_ASSERT_EQUAL(ss_model_vocab_per_gpu(&model, 1), 32064);
    CU_ASSERT_EQUAL(ss_model_vocab_per_gpu(&model, 4), 8016);
    CU_ASSERT_EQUAL(ss_model_weight_bytes_per_gpu(&model, 1), 2 * (ss_model_parameters(&model) + 2 * 48 * 4096));
}

static void
test_dtypes(void)
{
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_BF16), 2.0);
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_FP16), 2.0);
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_FP8), 1.0);
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_INT4), 0.51953125);
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_MXFP4), 0.53125);
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_NVFP4), 0.5625);
    CU_ASSERT_STRING_EQUAL(ss_dtype_name(SERVSIM_DTYPE_FP8), "fp8");
    CU_ASSERT_PTR_NULL(ss_dtype_name(99));
    CU_ASSERT_EQUAL(ss_dtype_of("BF16"), SERVSIM_DTYPE_BF16);
    CU_ASSERT_EQUAL(ss_dtype_of("bf17"), 0);
}

/* ---- files that the tests write ---- */

static char folder[] = "/tmp/servsim-model-XXXXXX";

static const char *
file_with(const char *text, size_t length)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0)
        CU_FAIL_FATAL("cannot write a file for the test");
    return path;
}

#define SHAPE                                                                                                          \
    "\"hidden_size\": 64, \"intermediate_size\": 256, \"num_hidden_layers\": 2, \"num_attention_heads\": 8, "          \
    "\"vocab_size\": 1000, \"max_position_embeddings\": 512"

/* The smallest file, and the defaults that it gets: heads of hidden / heads, as many KV heads as heads, bf16. */
static void
test_defaults(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    const char text[] = "{" SHAPE "}";
    CU_ASSERT_EQUAL_FATAL(ss_model_read(&model, file_with(text, sizeof text - 1), &err), 0);
    CU_ASSERT_EQUAL(model.kv_heads, 8);
    CU_ASSERT_EQUAL(model.head_dim, 8);
    CU_ASSERT_EQUAL(model.dtype, SERVSIM_DTYPE_BF16);
    CU_ASSERT_EQUAL(model.tied_embeddings, 0);
    /* 2 x 1000 x 64 + 2 x (4 x 64 x 64 + 3 x 64 x 256 + 2 x 64) + 64 */
    CU_ASSERT_EQUAL(ss_model_parameters(&model), 128000 + 2 * (16384 + 49152 + 128) + 64);
    CU_ASSERT_STRING_EQUAL(model.name, strrchr(folder, '/') + 1);
}

/* What a type or a key adds to the parameters of the smallest file. */
static const struct {
    const char *keys;
    int64_t more;
} variants[] = {
    {"\"model_type\": \"llama\"", 0},
    {"\"model_type\": \"qwen2\"", 2 * 3 * 64},
    {"\"model_type\": \"qwen2\", \"attention_bias\": false", 2 * 3 * 64},
    {"\"model_type\": \"qwen3\"", 2 * 2 * 8},
    {"\"model_type\": \"llama\", \"attention_bias\": true", 2 * 4 * 64},
    {"\"tie_word_embeddings\": true", -64000},
    {"\"model_type\": \"gemma\"", -64000},
    {"\"model_type\": \"gemma\", \"tie_word_embeddings\": false", 0},
    {"\"num_key_value_heads\": 2", -2 * 2 * 48 * 64},
    {"\"num_key_value_heads\": null, \"head_dim\": null", 0},
    {"\"head_dim\": 16", 2 * 4 * 64 * 64},
    {"\"torch_dtype\": \"float16\"", 0},
    {"\"dtype\": \"bfloat16\"", 0},
    {"\"sliding_window\": null", 0},
    {"\"sliding_window\": 512", 0},
    {"\"sliding_window\": 128", 0},
    {"\"layer_types\": [\"full_attention\", \"sliding_attention\"], \"sliding_window\": 128", 0},
    {"\"mlp_bias\": true", 2 * (2 * 256 + 64)},
    {"\"model_type\": \"gemma2\", \"head_dim\": 8, \"sliding_window\": 128", -64000 + 2 * 2 * 64},
    /* a router of 4 x 64 and four experts of 3 x 64 x 32, for 3 x 64 x 256 */
    {"\"num_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 32", 2 * (256 + 24576 - 49152)},
    {"\"num_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 32, \"mlp_only_layers\": [1]",
     256 + 24576 - 49152},
    {"\"num_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 32, \"decoder_sparse_step\": 2",
     256 + 24576 - 49152},
    {"\"n_routed_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 32, \"n_shared_experts\": 2, "
     "\"first_k_dense_replace\": 1",
     256 + 24576 + 2 * 6144 - 49152},
    {"\"num_local_experts\": 2, \"num_experts_per_tok\": 1", 2 * (128 + 49152)},
    {"\"num_experts\": 0", 0},
    /* one table fewer; 514 positions; in each layer no gate, biases of 4 x 64, 256 + 64 and 2 x 64; one more at the end
     */
    {"\"model_type\": \"opt\", \"ffn_dim\": 256, \"word_embed_proj_dim\": 64",
     -64000 + 514 * 64 + 2 * (-16384 + 256 + 320 + 128) + 64},
    /* a row for each of 512 positions, and four times 64 without n_inner */
    {"\"model_type\": \"gpt2\", \"n_layer\": 2, \"n_embd\": 64, \"n_head\": 8, \"n_positions\": 512, \"n_inner\": null",
     -64000 + 512 * 64 + 2 * (-16384 + 256 + 320 + 128) + 64},
    /* latents of 16 + 4, heads of 8 + 4 and 8: 64 x 20 + 64 x 96 + 16 x 128 + 64 x 64 and a norm of 16 */
    {"\"kv_lora_rank\": 16, \"qk_rope_head_dim\": 4, \"qk_nope_head_dim\": 8, \"v_head_dim\": 8", 2 * (13584 - 16384)},
    /* and queries by a latent of 8: 64 x 8 + 8 x 96 and a norm of 8 for 64 x 96 */
    {"\"kv_lora_rank\": 16, \"qk_rope_head_dim\": 4, \"qk_nope_head_dim\": 8, \"v_head_dim\": 8, \"q_lora_rank\": 8",
     2 * (13584 - 16384 + 1288 - 6144)},
    {"\"quantization_config\": {\"quant_method\": \"fp8\"}", 0},
    {"\"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4}", 0},
    {"\"model_type\": \"qwen2\", \"sliding_window\": 128, \"use_sliding_window\": false", 2 * 3 * 64},
    {"\"layer_types\": [\"full_attention\", \"full_attention\"]", 0},
    {"\"quantization_config\": null, \"rope_scaling\": {\"factor\": 8.0}, \"id2label\": {\"0\": [[[{}]]]}", 0},
};

static void
test_variants(void)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        char text[1024];
        int length = snprintf(text, sizeof text, "{" SHAPE ", %s}", variants[i].keys);
        int rc = ss_model_read(&model, file_with(text, (size_t)length), &err);
        CU_ASSERT_EQUAL(rc, 0);
        int64_t want = 128000 + 2 * (16384 + 49152 + 128) + 64 + variants[i].more;
        CU_ASSERT_EQUAL((int64_t)ss_model_parameters(&model), want);
        if (rc != 0 || (int64_t)ss_model_parameters(&model) != want)
            printf("# %s: %s\n", variants[i].keys, err.text);
    }
}

/* Whether requests sample without a filter: only where the file says so. */
static void
test_sampling(void)
{
    static const struct {
        const char *keys;
        uint32_t plain;
    } cases[] = {{"\"top_p\": null", 0},
                 {"\"top_p\": 0.9", 0},
                 {"\"top_p\": 1.0", 1},
                 {"\"top_p\": 1, \"top_k\": 0", 1},
                 {"\"top_p\": 1.0, \"top_k\": 50", 0},
                 {"\"top_k\": 0", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        char text[1024];
        int length = snprintf(text, sizeof text, "{" SHAPE ", %s}", cases[i].keys);
        CU_ASSERT_EQUAL_FATAL(ss_model_read(&model, file_with(text, (size_t)length), &err), 0);
        CU_ASSERT_EQUAL(model.plain_sampling, cases[i].plain);
    }
}

/* Types that a quantization_config gives to the matrices of attention, of dense layers, and to arithmetic. */
static const struct {
    const char *keys;
    uint32_t attention, weights, gemm;
} quantised[] = {
    {"\"quant_method\": \"fp8\"", SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8},
    {"\"quant_method\": \"awq\", \"bits\": 4", SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_BF16},
    {"\"quant_method\": \"gptq\", \"bits\": 8", SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_BF16},
    {"\"quant_method\": \"mxfp4\"", SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_MXFP4, SERVSIM_DTYPE_BF16},
    {"\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"", SERVSIM_DTYPE_NVFP4, SERVSIM_DTYPE_NVFP4,
     SERVSIM_DTYPE_NVFP4},
    {"\"quant_method\": \"modelopt\", \"quantization\": {\"quant_algo\": \"FP8\"}", SERVSIM_DTYPE_FP8,
     SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8},
    {"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"weights\": {\"num_bits\": 4}}}",
     SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_INT4, SERVSIM_DTYPE_BF16},
    {"\"quant_method\": \"compressed-tensors\", \"format\": \"nvfp4-pack-quantized\", \"config_groups\": {\"g\": "
     "{\"weights\": {\"num_bits\": 4}, \"input_activations\": {\"num_bits\": 4}}}",
     SERVSIM_DTYPE_NVFP4, SERVSIM_DTYPE_NVFP4, SERVSIM_DTYPE_NVFP4},
    {"\"quant_method\": \"compressed-tensors\", \"ignore\": [\"re:.*self_attn\"], \"config_groups\": {\"g\": "
     "{\"weights\": {\"num_bits\": 8}, \"input_activations\": {}}}",
     SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8},
    {"\"quant_method\": \"fp8\", \"modules_to_not_convert\": [\"lm_head\", 7]", SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8,
     SERVSIM_DTYPE_FP8},
};

static void
test_quantised(void)
{
    for (size_t i = 0; i < sizeof quantised / sizeof quantised[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        char text[1024];
        int length = snprintf(text, sizeof text, "{" SHAPE ", \"quantization_config\": {%s}}", quantised[i].keys);
        int rc = ss_model_read(&model, file_with(text, (size_t)length), &err);
        CU_ASSERT_EQUAL_FATAL(rc, 0);
        CU_ASSERT_EQUAL(ss_model_attention_dtype(&model), quantised[i].attention);
        CU_ASSERT_EQUAL(ss_model_weight_dtype(&model), quantised[i].weights);
        CU_ASSERT_EQUAL(ss_model_gemm_dtype(&model), quantised[i].gemm);
        /* tables, norms in 16 bits; 2 x 16384 of attention and 2 x 49152 of MLPs in their types */
        double want = 2 * (1024 * 64 * 2 + 5 * 64) + 2 * 16384 * ss_dtype_bytes(quantised[i].attention) +
                      2 * 49152 * ss_dtype_bytes(quantised[i].weights);
        CU_ASSERT_DOUBLE_EQUAL((double)ss_model_weight_bytes_per_gpu(&model, 1), want, 1.0);
    }
}

/* Whole texts that are refused, and a word that the message must have. */
static const struct {
    const char *text;
    const char *word;
} refused[] = {
    {"", "not JSON"},
    {"\xff\xfe\x00junk", "not JSON"},
    {"{", "not JSON"},
    {"{\"hidden_size\": 64, \"hidden_size\": 65}", "duplicate"},
    {"{\"a\": \"\\u0000\n\"}", "not JSON"},
    {"{} {}", "not JSON"},
    {"[]", "not a JSON object"},
    {"{}", "num_hidden_layers"},
    {"\"text\"", "JSON"},
    {"null", "JSON"},
    {"{\"num_hidden_layers\": \"32\"}", "num_hidden_layers is \"32\""},
    {"{\"num_hidden_layers\": 32.0}", "32.0"},
    {"{\"num_hidden_layers\": 0}", "num_hidden_layers is 0"},
    {"{\"num_hidden_layers\": -1}", "-1"},
    {"{\"num_hidden_layers\": 4294967297}", "4294967297"},
    {"{\"num_hidden_layers\": 99999999999999999999999}", "not JSON"},
    {"{\"num_hidden_layers\": 1e999}", "not JSON"},
    {"{\"num_hidden_layers\": NaN}", "not JSON"},
    {"{\"num_hidden_layers\": [[1, \"a\\nb\"]]}", "num_hidden_layers is [[1"},
    {"{\"num_hidden_layers\": true}", "true"},
    {"{" SHAPE ", \"num_key_value_heads\": 3}", "divisor"},
    {"{" SHAPE ", \"num_key_value_heads\": 16}", "divisor"},
    {"{" SHAPE ", \"num_key_value_heads\": 0}", "num_key_value_heads is 0"},
    {"{" SHAPE ", \"head_dim\": 1000000}", "head_dim"},
    {"{" SHAPE ", \"num_experts\": 8}", "a token goes to 0 of 8 experts"},
    {"{" SHAPE ", \"num_local_experts\": 8, \"num_experts_per_tok\": 9}", "9 of 8"},
    {"{" SHAPE ", \"n_routed_experts\": -1}", "n_routed_experts is -1"},
    {"{" SHAPE ", \"num_experts\": 8, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 0}", "0 wide"},
    {"{" SHAPE ", \"num_experts\": 8, \"num_experts_per_tok\": 2, \"moe_layer_freq\": 0}", "moe_layer_freq is 0"},
    {"{" SHAPE ", \"kv_lora_rank\": 512}", "qk_rope_head_dim"},
    {"{" SHAPE ", \"kv_lora_rank\": \"512\"}", "kv_lora_rank is \"512\""},
    {"{" SHAPE ", \"quantization_config\": {\"quant_method\": \"bitsandbytes\"}}", "'bitsandbytes' is not known"},
    {"{" SHAPE ", \"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 3}}", "bits of 4 or 8"},
    {"{" SHAPE ", \"quantization_config\": {\"quant_method\": \"modelopt\", \"quant_algo\": \"W4A8\"}}", "NVFP4"},
    {"{" SHAPE ", \"quantization_config\": {\"quant_method\": \"compressed-tensors\"}}", "num_bits"},
    {"{" SHAPE ", \"quantization_config\": [1]}", "quantization_config is [1]"},
    {"{" SHAPE ", \"text_config\": {}}", "num_hidden_layers"},
    {"{" SHAPE ", \"model_type\": \"opt\"}", "no key 'ffn_dim'"},
    {"{" SHAPE ", \"model_type\": \"gpt2\"}", "no key 'n_layer'"},
    {"{" SHAPE ", \"model_type\": \"opt\", \"ffn_dim\": 256, \"word_embed_proj_dim\": 32}", "only hidden_size, 64"},
    {"{" SHAPE ", \"mlp_bias\": 1}", "true or false"},
    {"{" SHAPE ", \"tie_word_embeddings\": \"yes\"}", "true or false"},
    {"{" SHAPE ", \"model_type\": \"mamba\"}", "\"mamba\" is not known"},
    {"{" SHAPE ", \"model_type\": \"gemma3\"}", "\"gemma3\" is not known"},
    {"{" SHAPE ", \"model_type\": 7}", "model_type 7"},
    {"{" SHAPE ", \"sliding_window\": \"x\"}", "sliding_window"},
    {"{" SHAPE ", \"layer_types\": [\"full_attention\"]}", "layer_types has 1 entries"},
    {"{" SHAPE ", \"layer_types\": [\"full_attention\", \"linear_attention\"]}", "linear_attention"},
    {"{" SHAPE ", \"layer_types\": [\"full_attention\", \"sliding_attention\"]}", "write sliding_window"},
    {"{" SHAPE ", \"torch_dtype\": \"float32\"}", "float32"},
    {"{" SHAPE ", \"torch_dtype\": 16}", "torch_dtype is 16"},
    {"{" SHAPE ", \"top_p\": 1.5}", "top_p is 1.5"},
    {"{" SHAPE ", \"top_p\": \"all\"}", "above 0 and at most 1"},
    {"{" SHAPE ", \"top_p\": 1, \"top_k\": 0.5}", "top_k is 0.5"},
};

static void
test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_model model;
        size_t length = i == 1 ? 7 : strlen(refused[i].text);
        int rc = ss_model_read(&model, file_with(refused[i].text, length), &err);
        int good = rc < 0 && is_one_line(err.text) && strstr(err.text, refused[i].word) != NULL &&
                   strstr(err.text, "config.json") != NULL && strlen(err.text) < 400;
        CU_ASSERT_TRUE(good);
        if (!good)
            printf("# case %zu: rc %d, %s\n", i, rc, err.text);
    }
}

/* Nesting without end must neither crash nor be taken. */
static void
test_deep_nesting(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    size_t length = 1000000;
    char *text = malloc(length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '[', length);
    CU_ASSERT_TRUE(ss_model_read(&model, file_with(text, length), &err) < 0);
    CU_ASSERT_TRUE(is_one_line(err.text));
    free(text);
}

/* The largest shapes that pass the bounds are still counted without wrapping round. */
static void
test_largest(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    const char text[] = "{\"hidden_size\": 262144, \"intermediate_size\": 2097152, \"num_hidden_layers\": 4096, "
                        "\"num_attention_heads\": 4096, \"head_dim\": 4096, \"vocab_size\": 16777216, "
                        "\"max_position_embeddings\": 1073741824}";
    CU_ASSERT_EQUAL_FATAL(ss_model_read(&model, file_with(text, sizeof text - 1), &err), 0);
    double want = 4096.0 * (4.0 * 262144 * 16777216 + 3.0 * 262144 * 2097152) + 2.0 * 16777216 * 262144;
    CU_ASSERT_DOUBLE_EQUAL((double)ss_model_parameters(&model), want, want * 1e-6);
    CU_ASSERT_DOUBLE_EQUAL((double)ss_model_weight_bytes_per_gpu(&model, 1), 2 * want, want * 1e-6);
}

static void
test_find(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    char text[] = "{" SHAPE "}", name[128];
    file_with(text, sizeof text - 1);
    CU_ASSERT_EQUAL(ss_model_find(&model, folder, "/nowhere", "/nowhere", &err), 0);
    CU_ASSERT_STRING_EQUAL(model.name, strrchr(folder, '/') + 1);
    snprintf(name, sizeof name, "%s/", folder);
    CU_ASSERT_EQUAL(ss_model_find(&model, name, "/nowhere", "/nowhere", &err), 0);
    CU_ASSERT_EQUAL(ss_model_find(&model, "config.json", folder, "/nowhere", &err), 0);
    snprintf(name, sizeof name, "%s/config.json", folder);
    CU_ASSERT_STRING_EQUAL(model.path, name);
    CU_ASSERT_EQUAL(ss_model_find(&model, "./config.json", folder, "/nowhere", &err), 0);
    CU_ASSERT_STRING_EQUAL(model.name, strrchr(folder, '/') + 1);
    CU_ASSERT_EQUAL(ss_model_find(&model, ".", folder, "/nowhere", &err), -ENOENT);
    CU_ASSERT_EQUAL(ss_model_find(&model, "./config.jso", folder, "/nowhere", &err), -ENOENT);
    CU_ASSERT_TRUE(is_one_line(err.text));
}

static void
test_unknown_names(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_model model;
    CU_ASSERT_EQUAL(find_shipped(&model, "llama-3.1-8", &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'llama-3.1-8b'"));
    CU_ASSERT_TRUE(is_one_line(err.text));
    CU_ASSERT_EQUAL(find_shipped(&model, "zzzzzzzzzzzzzzzz", &err), -ENOENT);
    CU_ASSERT_PTR_NULL(strstr(err.text, "did you mean"));
    CU_ASSERT_TRUE(find_shipped(&model, "", &err) < 0);
    CU_ASSERT_TRUE(ss_model_find(&model, "llama-3.1-8b", "/", "/nowhere", &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere"));
    char *longest = calloc(1, 20001);
    CU_ASSERT_PTR_NOT_NULL_FATAL(longest);
    memset(longest, 'a', 20000);
    CU_ASSERT_TRUE(find_shipped(&model, longest, &err) < 0);
    longest[0] = '/';
    CU_ASSERT_TRUE(find_shipped(&model, longest, &err) < 0);
    free(longest);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"published parameter counts", test_published_counts},
        {"published rounded counts", test_rounded_counts},
        {"kinds of layers", test_layers},
        {"pipeline stages", test_stages},
        {"experts per GPU", test_experts_per_gpu},
        {"weights that are asked for", test_asked_weights},
        {"vocabulary", test_vocabulary},
        {"shapes of a model", test_shapes_of_a_model},
        {"weights per GPU", test_weights_per_gpu},
        {"KV bytes per token", test_kv_bytes},
        {"KV bytes of latents and narrow caches", test_kv_bytes_of_kinds},
        {"data types", test_dtypes},
        {"defaults of a short file", test_defaults},
        {"types and keys", test_variants},
        {"filters of sampling", test_sampling},
        {"quantised weights", test_quantised},
        {"files that are refused", test_refused},
        {"deep nesting", test_deep_nesting},
        {"largest shapes", test_largest},
        {"finding by path", test_find},
        {"unknown names", test_unknown_names},
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    int rc = ss_run_cases("model", cases, sizeof cases / sizeof cases[0]);
    char path[64];
    snprintf(path, sizeof path, "%s/config.json", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    return rc;
}
