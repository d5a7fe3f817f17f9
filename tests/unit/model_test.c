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

/* Parameter counts as the model cards and the weight files of the published models give them. */
static const struct {
    const char *name;
    uint64_t parameters;
} published[] = {
    {"llama-2-7b", 6738415616},       {"llama-2-13b", 13015864320}, {"llama-2-70b", 68976648192},
    {"codellama-34b", 33743970304},   {"llama-3.1-8b", 8030261248}, {"llama-3.1-70b", 70553706496},
    {"llama-3.1-405b", 405853388800}, {"llama-3.2-1b", 1235814400}, {"llama-3.2-3b", 3212749824},
    {"mistral-7b", 7248023552},       {"qwen2.5-7b", 7615616512},   {"qwen2.5-14b", 14770033664},
    {"qwen2.5-32b", 32763876352},     {"qwen2.5-72b", 72706203648}, {"qwen3-8b", 8190735360},
    {"qwen3-14b", 14768307200},       {"qwen3-32b", 32762123264},
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

static void
test_dtypes(void)
{
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_BF16), 2.0);
    CU_ASSERT_EQUAL(ss_dtype_bytes(SERVSIM_DTYPE_FP16), 2.0);
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
    {"{" SHAPE ", \"num_experts\": 8}", "mixture of experts"},
    {"{" SHAPE ", \"num_local_experts\": 8}", "mixture of experts"},
    {"{" SHAPE ", \"n_routed_experts\": 64}", "mixture of experts"},
    {"{" SHAPE ", \"kv_lora_rank\": 512}", "latent"},
    {"{" SHAPE ", \"quantization_config\": {\"quant_method\": \"fp8\"}}", "quantised"},
    {"{" SHAPE ", \"text_config\": {}}", "modalities"},
    {"{" SHAPE ", \"mlp_bias\": true}", "mlp_bias"},
    {"{" SHAPE ", \"mlp_bias\": 1}", "true or false"},
    {"{" SHAPE ", \"tie_word_embeddings\": \"yes\"}", "true or false"},
    {"{" SHAPE ", \"model_type\": \"mixtral\"}", "\"mixtral\" is not known"},
    {"{" SHAPE ", \"model_type\": 7}", "model_type 7"},
    {"{" SHAPE ", \"sliding_window\": 128}", "sliding_window"},
    {"{" SHAPE ", \"sliding_window\": \"x\"}", "sliding_window"},
    {"{" SHAPE ", \"model_type\": \"qwen2\", \"sliding_window\": 128, \"use_sliding_window\": true}", "sliding_window"},
    {"{" SHAPE ", \"layer_types\": [\"full_attention\", \"sliding_attention\"]}", "layer_types"},
    {"{" SHAPE ", \"torch_dtype\": \"float32\"}", "float32"},
    {"{" SHAPE ", \"torch_dtype\": 16}", "torch_dtype is 16"},
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
        {"shapes of a model", test_shapes_of_a_model},
        {"weights per GPU", test_weights_per_gpu},
        {"KV bytes per token", test_kv_bytes},
        {"data types", test_dtypes},
        {"defaults of a short file", test_defaults},
        {"types and keys", test_variants},
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
