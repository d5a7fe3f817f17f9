/*
 * hardware/measured_test.c - the devices against the kernels that were measured on them.
 *
 * For each device and family of kernels it prints a line such as "GEMM bf16: 2836 kernels, 7.1 %", the mean absolute
 * percentage error, and fails where the device's page does not hold that very line: what a page states is what comes
 * out here. tools/fit_kernels.py leaves out the same kernels.
 */
#include <math.h>

#include "tests/unit/fake_host.h"

#define COLUMNS 11

static const struct servsim_hardware_context context = {.size = sizeof context, .dtype = SERVSIM_DTYPE_BF16, .tp = 1};

/* One family of one device, and what it needs to know of the device. */
struct set {
    const char *device, *file, *family;
    int (*price)(const struct set *, const struct fake_plugin *, char **, double *);
    const char *dtype;  /* or routing of experts after it, "bf16 balanced" */
    const char *source; /* of rows that count, how it begins; NULL: all */
    double l2_bytes;    /* kernels that a warm cache serves are left out */
    double warm_bytes;  /* weights below are left out: they were measured beyond the memory's rate */
    double memory_gib;  /* layouts of experts that it does not hold are left out */
};

struct dtype {
    const char *name;
    uint32_t dtype;
    double bytes;
};

static struct dtype
dtype_of(const char *text)
{
    static const struct dtype known[] = {{"bf16", SERVSIM_DTYPE_BF16, 2.0},
                                         {"fp16", SERVSIM_DTYPE_BF16, 2.0},
                                         {"fp8", SERVSIM_DTYPE_FP8, 1.0},
                                         {"fp8_block", SERVSIM_DTYPE_FP8, 1.0},
                                         {"nvfp4", SERVSIM_DTYPE_NVFP4, 0.5625}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].name) == 0)
            return known[i];
    return known[0];
}

static const struct servsim_hardware_ops *
ops_of(const struct fake_plugin *device)
{
    return device->descriptor->ops;
}

/* ---- families: 1 and the price in us, or 0 for a kernel that is left out ---- */

/* source,dtype,m,n,k,us */
static int
price_gemm(const struct set *set, const struct fake_plugin *device, char **fields, double *us)
{
    struct dtype type = dtype_of(fields[1]);
    struct servsim_gemm op = {.size = sizeof op, .dtype = type.dtype, .times = 1};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps;
    op.m = strtoull(fields[2], NULL, 10);
    op.n = strtoull(fields[3], NULL, 10);
    op.k = strtoull(fields[4], NULL, 10);
    int serving = op.k >= 512 && op.m <= 8192 && op.k <= 32768 && op.n * op.k <= 65536 * 16384 &&
                  type.bytes * (double)(op.n * op.k) >= set->warm_bytes;
    int of_models = strncmp(fields[0], "llmservingsim", 13) == 0;
    if (type.dtype != dtype_of(set->dtype).dtype || op.n < 1024 || (!serving && !of_models))
        return 0;
    CU_ASSERT_EQUAL(ops_of(device)->gemm(device->self, &op, &ps, &err), 0);
    *us = (double)ps / 1e6;
    return 1;
}

static int
price_attention(const struct fake_plugin *device, const struct servsim_attention *op, double *us)
{
    struct servsim_error err = {.size = sizeof err};
    struct servsim_line line;
    CU_ASSERT_EQUAL(ops_of(device)->attention(device->self, op, &line, &err), 0);
    *us = (double)line.base_ps / 1e6;
    return 1;
}

static struct servsim_attention
attention_op(const char *kv_dtype, char **heads)
{
    return (struct servsim_attention){.size = sizeof(struct servsim_attention),
                                      .dtype = SERVSIM_DTYPE_BF16,
                                      .kv_dtype = dtype_of(kv_dtype).dtype,
                                      .times = 1,
                                      .q_heads = (uint32_t)atoi(heads[0]),
                                      .kv_heads = (uint32_t)atoi(heads[1]),
                                      .head_dim = (uint32_t)atoi(heads[2])};
}

/* source,kv_dtype,batch,ctx,q_heads,kv_heads,head_dim,us. A ctx there counts the token being computed. Sizes from 1 MB
   to 2.5 times the L2 are left out: repeated runs find them in a warm cache, which no step of an engine does. */
static int
price_decode(const struct set *set, const struct fake_plugin *device, char **fields, double *us)
{
    struct servsim_attention op = attention_op(fields[1], fields + 4);
    op.decode_count = strtoull(fields[2], NULL, 10);
    op.decode_context_sum = op.decode_count * (strtoull(fields[3], NULL, 10) - 1);
    double bytes =
        2.0 * dtype_of(fields[1]).bytes * op.kv_heads * op.head_dim * (double)(op.decode_context_sum + op.decode_count);
    int other = set->source != NULL && strncmp(fields[0], set->source, strlen(set->source)) != 0;
    if (other || strcmp(fields[1], set->dtype) != 0 || (bytes >= 1e6 && bytes <= 2.5 * set->l2_bytes))
        return 0;
    return price_attention(device, &op, us);
}

/* source,kv_dtype,batch,q_len,prior_ctx,q_heads,kv_heads,head_dim,us */
static int
price_prefill(const struct set *set, const struct fake_plugin *device, char **fields, double *us)
{
    struct servsim_attention op = attention_op(fields[1], fields + 5);
    uint64_t batch = strtoull(fields[2], NULL, 10), tokens = strtoull(fields[3], NULL, 10);
    uint64_t before = strtoull(fields[4], NULL, 10);
    op.prefill_count = batch;
    op.prefill_new_tokens = batch * tokens;
    op.prefill_context_tokens = batch * before;
    op.prefill_causal_pairs = batch * (tokens * before + tokens * (tokens + 1) / 2);
    if (strcmp(fields[1], set->dtype) != 0 || tokens < 16 || op.q_heads > 64 || batch * tokens > 16384 ||
        batch * (tokens + before) > 131072)
        return 0;
    return price_attention(device, &op, us);
}

/* prefill_chunk,kv_prefill,n_decode,kv_decode,us for 32 query heads and 8 KV heads of 128. Contexts without the token
   being computed. */
static int
price_mixed(const struct set *set, const struct fake_plugin *device, char **fields, double *us)
{
    char q[] = "32", kv[] = "8", dim[] = "128", *heads[] = {q, kv, dim};
    struct servsim_attention op = attention_op(set->dtype, heads);
    uint64_t decode_context = strtoull(fields[3], NULL, 10);
    op.prefill_count = 1;
    op.prefill_new_tokens = strtoull(fields[0], NULL, 10);
    op.prefill_context_tokens = strtoull(fields[1], NULL, 10);
    op.decode_count = strtoull(fields[2], NULL, 10);
    op.decode_context_sum = op.decode_count * decode_context;
    op.prefill_causal_pairs =
        op.prefill_new_tokens * op.prefill_context_tokens + op.prefill_new_tokens * (op.prefill_new_tokens + 1) / 2;
    if (op.prefill_new_tokens < 16 || op.decode_count < 2 || op.decode_count > 128 || decode_context > 4096 ||
        op.prefill_context_tokens > 4096)
        return 0;
    return price_attention(device, &op, us);
}

/* Does the memory hold all layers of the model with these experts, cut so? The shapes are those of Qwen3-30B-A3B,
   Mixtral-8x7B, Qwen3-235B-A22B, Mixtral-8x22B and DeepSeek-V3. Nobody serves them otherwise, and weights of many GB a
   layer were read more slowly. */
static int
fits_memory(const struct set *set, const uint32_t number[8], double bytes)
{
    uint32_t layers = number[2] == 2048   ? 48
                      : number[2] == 6144 ? 56
                      : number[2] == 7168 ? 58
                      : number[3] == 1536 ? 94
                                          : 32;
    double all = 3.0 * bytes * number[2] * number[3] * number[5] * layers;
    return all / (number[6] * number[7]) <= 0.9 * set->memory_gib * 1073741824.0;
}

/*
 * source,dtype,hidden,inter,topk,experts,tp,ep,routing,tokens,us. With balanced routing all experts get as many tokens;
 * of 256 only 128 do, as the times tell, and it is not known which. With the power law of the A100's rows it is not
 * told how many were hit, nor on which GPU: one token hits top_k, and eight tokens for each expert are taken to hit
 * all; what lies between is left out, and experts that are spread. So is what fits the L2, where it stays between
 * repetitions.
 */
static int
price_moe(const struct set *set, const struct fake_plugin *device, char **fields, double *us)
{
    char wanted[64];
    uint32_t number[8];
    for (size_t i = 2; i < 8; i++)
        number[i] = (uint32_t)atoi(fields[i]);
    double tokens = atof(fields[9]), pairs = tokens * number[4] / number[7];
    struct servsim_moe op = {.size = sizeof op, .dtype = dtype_of(fields[1]).dtype, .times = 1};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps;
    (void)snprintf(wanted, sizeof wanted, "%s %s", fields[1], fields[8]);
    int balanced = strcmp(fields[8], "balanced") == 0, known = tokens == 1.0 || tokens * number[4] >= 8.0 * number[5];
    if (strcmp(wanted, set->dtype) != 0 || tokens > 8192 || number[6] > 8 || number[7] > 16 || !(balanced || known) ||
        (number[7] > 1 && (!balanced || number[5] == 256)) || !fits_memory(set, number, dtype_of(fields[1]).bytes))
        return 0;
    op.hidden = number[2];
    op.ffn = number[3] / number[6];
    op.top_k = number[4];
    op.experts = number[5];
    op.ep = number[7];
    op.experts_here = balanced && op.experts == 256 ? 128 : (op.experts + op.ep - 1) / op.ep;
    op.tokens = (uint64_t)tokens;
    op.tokens_here = (uint64_t)fmax(1.0, pairs);
    op.experts_hit = fmin(op.experts_here, fmax(1.0, pairs));
    if (3.0 * dtype_of(fields[1]).bytes * op.hidden * op.ffn * op.experts_hit < set->l2_bytes)
        return 0;
    CU_ASSERT_EQUAL(ops_of(device)->moe(device->self, &op, &ps, &err), 0);
    *us = (double)ps / 1e6;
    return 1;
}

/* source,op,impl,ranks,bytes,us */
static int
price_collective(const struct set *set, const struct fake_plugin *device, char **fields, double *us)
{
    static const char *const kinds[] = {[SERVSIM_COLLECTIVE_ALL_REDUCE] = "all_reduce",
                                        [SERVSIM_COLLECTIVE_ALL_GATHER] = "all_gather",
                                        [SERVSIM_COLLECTIVE_REDUCE_SCATTER] = "reduce_scatter",
                                        [SERVSIM_COLLECTIVE_ALL_TO_ALL] = "all_to_all"};
    struct servsim_collective op = {.size = sizeof op, .times = 1, .kind = SERVSIM_COLLECTIVE_ALL_REDUCE};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps;
    while (op.kind < SERVSIM_COLLECTIVE_ALL_TO_ALL && strcmp(fields[1], kinds[op.kind]) != 0)
        op.kind++;
    op.ranks = (uint32_t)atoi(fields[3]);
    op.bytes = strtoull(fields[4], NULL, 10);
    int reduces = op.kind == SERVSIM_COLLECTIVE_ALL_REDUCE, in_graph = strcmp(set->dtype, "vllm_graph") == 0;
    if (reduces != in_graph || strncmp(fields[0], "aiconfigurator", 14) != 0 || strcmp(fields[2], set->dtype) != 0 ||
        op.bytes < 4096 || op.bytes > UINT64_C(256) << 20 || (double)op.ranks > set->warm_bytes)
        return 0;
    CU_ASSERT_EQUAL(ops_of(device)->collective(device->self, &op, &ps, &err), 0);
    *us = (double)ps / 1e6;
    return 1;
}

/* ---- sets ---- */

#define GEMM(device_, file_, label_, dtype_, warm_)                                                                    \
    {                                                                                                                  \
        .device = (device_), .file = "kernels/gemm_" file_ ".csv", .family = "GEMM " label_, .price = price_gemm,      \
        .dtype = (dtype_), .warm_bytes = (warm_)                                                                       \
    }
#define DECODE_OF(device_, file_, dtype_, l2_, source_)                                                                \
    {                                                                                                                  \
        .device = (device_), .file = "kernels/attn_decode_" file_ ".csv", .family = "Decode attention " dtype_ " KV",  \
        .price = price_decode, .dtype = (dtype_), .source = (source_), .l2_bytes = (l2_)                               \
    }
#define DECODE(device_, file_, dtype_, l2_) DECODE_OF(device_, file_, dtype_, l2_, NULL)
#define PREFILL(device_, file_)                                                                                        \
    {                                                                                                                  \
        .device = (device_), .file = "kernels/attn_prefill_" file_ ".csv", .family = "Prefill attention",              \
        .price = price_prefill, .dtype = "bf16"                                                                        \
    }
#define MOE(device_, file_, label_, dtype_, l2_, memory_gib_)                                                          \
    {                                                                                                                  \
        .device = (device_), .file = "kernels/moe_" file_ ".csv", .family = "Experts " label_, .price = price_moe,     \
        .dtype = (dtype_), .l2_bytes = (l2_), .memory_gib = (memory_gib_)                                              \
    }
#define COLLECTIVES(device_, file_, family_, implementation_, ranks_)                                                  \
    {                                                                                                                  \
        .device = (device_), .file = "kernels/collective_" file_ ".csv", .family = (family_),                          \
        .price = price_collective, .dtype = (implementation_), .warm_bytes = (ranks_)                                  \
    }
#define REDUCE(device_, file_, ranks_)                                                                                 \
    COLLECTIVES(device_, file_, "All-reduce in graphs", "vllm_graph", ranks_),                                         \
        COLLECTIVES(device_, file_, "All-gather, reduce-scatter and all-to-all by plain NCCL", "nccl", ranks_)

static const struct set sets[] = {
    GEMM("rtx3090", "RTX3090", "bf16", "bf16", 0),
    PREFILL("rtx3090", "RTX3090"),
    GEMM("rtx4090", "RTX4090", "bf16", "bf16", 0),
    DECODE("rtx4090", "RTX4090", "bf16", 72e6),
    PREFILL("rtx4090", "RTX4090"),
    GEMM("rtxpro6000", "RTXPRO6000", "bf16", "bf16", 32e6),
    GEMM("rtxpro6000", "RTXPRO6000", "fp8", "fp8", 32e6),
    GEMM("rtxpro6000", "RTXPRO6000", "nvfp4", "nvfp4", 32e6),
    DECODE_OF("rtxpro6000", "RTXPRO6000", "bf16", 128e6, "llmservingsim"),
    DECODE("rtxpro6000", "RTXPRO6000", "fp8", 128e6),
    PREFILL("rtxpro6000", "RTXPRO6000"),
    {.device = "rtxpro6000",
     .file = "kernels/attn_mixed_RTXPRO6000_llama31_8b_tp1.csv",
     .family = "Attention of mixed batches",
     .price = price_mixed,
     .dtype = "bf16"},
    MOE("rtxpro6000", "RTXPRO6000", "bf16", "bf16 balanced", 128e6, 96),
    MOE("rtxpro6000", "RTXPRO6000", "fp8", "fp8 balanced", 128e6, 96),
    REDUCE("rtxpro6000", "RTXPRO6000", 8),
    GEMM("a40", "A40", "fp16", "fp16", 0),
    GEMM("a6000", "A6000", "bf16", "bf16", 0),
    PREFILL("a6000", "A6000"),
    GEMM("a100", "A100-SXM4-80GB", "bf16 and fp16", "bf16", 0),
    DECODE("a100", "A100-SXM4-80GB", "bf16", 40e6),
    PREFILL("a100", "A100-SXM4-80GB"),
    MOE("a100", "A100-SXM4-80GB", "bf16", "bf16 power_law_1.01", 40e6, 80),
    REDUCE("a100", "A100-SXM4-80GB", 8),
    GEMM("h100", "H100-SXM-80GB", "bf16 and fp16", "bf16", 0),
    GEMM("h100", "H100-SXM-80GB", "fp8", "fp8", 0),
    DECODE("h100", "H100-SXM-80GB", "bf16", 50e6),
    DECODE("h100", "H100-SXM-80GB", "fp8", 50e6),
    PREFILL("h100", "H100-SXM-80GB"),
    MOE("h100", "H100-SXM-80GB", "bf16", "bf16 balanced", 50e6, 80),
    MOE("h100", "H100-SXM-80GB", "fp8 in blocks", "fp8_block balanced", 50e6, 80),
    REDUCE("h100", "H100-SXM-80GB", 8),
    GEMM("h200", "H200-SXM-141GB", "bf16", "bf16", 0),
    GEMM("h200", "H200-SXM-141GB", "fp8", "fp8", 0),
    DECODE("h200", "H200-SXM-141GB", "bf16", 50e6),
    DECODE("h200", "H200-SXM-141GB", "fp8", 50e6),
    PREFILL("h200", "H200-SXM-141GB"),
    MOE("h200", "H200-SXM-141GB", "bf16", "bf16 balanced", 50e6, 141),
    MOE("h200", "H200-SXM-141GB", "fp8 in blocks", "fp8_block balanced", 50e6, 141),
    REDUCE("h200", "H200-SXM-141GB", 8),
    GEMM("l40s", "L40S", "bf16", "bf16", 24e6),
    GEMM("l40s", "L40S", "fp8", "fp8", 24e6),
    DECODE("l40s", "L40S", "bf16", 96e6),
    DECODE("l40s", "L40S", "fp8", 96e6),
    PREFILL("l40s", "L40S"),
    MOE("l40s", "L40S", "bf16", "bf16 balanced", 96e6, 48),
    MOE("l40s", "L40S", "fp8", "fp8 balanced", 96e6, 48),
    REDUCE("l40s", "L40S", 2),
    GEMM("b200", "B200-SXM-180GB", "bf16", "bf16", 0),
    GEMM("b200", "B200-SXM-180GB", "fp8", "fp8", 0),
    GEMM("b200", "B200-SXM-180GB", "nvfp4", "nvfp4", 0),
    DECODE("b200", "B200-SXM-180GB", "bf16", 126e6),
    DECODE("b200", "B200-SXM-180GB", "fp8", 126e6),
    PREFILL("b200", "B200-SXM-180GB"),
    MOE("b200", "B200-SXM-180GB", "bf16", "bf16 balanced", 126e6, 180),
    MOE("b200", "B200-SXM-180GB", "fp8", "fp8 balanced", 126e6, 180),
    REDUCE("b200", "B200-SXM-180GB", 8),
};

/* ---- the test ---- */

/* One line of a CSV without quotes: texts of the columns. Returns how many. */
static size_t
split(char *line, char **fields, size_t limit)
{
    size_t count = 0;
    for (char *at = strtok(line, ",\n"); at != NULL && count < limit; at = strtok(NULL, ",\n"))
        fields[count++] = at;
    return count;
}

/* Mean absolute error as a share, over all kernels of the file that belong to the set. */
static double
error_of(const struct set *set, const struct fake_plugin *device, uint64_t *count)
{
    char line[512], *fields[COLUMNS + 1];
    double sum = 0.0, us;
    FILE *file = fopen(ss_measured_path(set->file), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)!fgets(line, sizeof line, file);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t columns = split(line, fields, COLUMNS + 1);
        CU_ASSERT_FATAL(columns >= 5 && columns <= COLUMNS);
        if (!set->price(set, device, fields, &us))
            continue;
        double measured = atof(fields[columns - 1]);
        sum += fabs(us - measured) / measured;
        ++*count;
    }
    (void)fclose(file);
    return *count > 0 ? sum / (double)*count : 0.0;
}

static void
check_set(const struct set *set)
{
    struct fake_plugin device = {0};
    uint64_t count = 0;
    char line[256];
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", set->device), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &context, NULL), 0);
    double error = error_of(set, &device, &count);
    (void)snprintf(line, sizeof line, "%s: %llu kernels, %.1f %%", set->family, (unsigned long long)count,
                   100.0 * error);
    int stated = strstr(device.descriptor->page, line) != NULL;
    printf("# %s: %s%s\n", set->device, line, stated ? "" : " (not what its page states)");
    CU_ASSERT_TRUE(stated);
    fake_destroy(&device);
}

static void
check_device(const char *name)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (strcmp(sets[i].device, name) == 0)
            check_set(&sets[i]);
}

#define DEVICE_TEST(name_)                                                                                             \
    static void test_##name_(void)                                                                                     \
    {                                                                                                                  \
        check_device(#name_);                                                                                          \
    }

DEVICE_TEST(rtx3090)
DEVICE_TEST(rtx4090)
DEVICE_TEST(rtxpro6000)
DEVICE_TEST(a40)
DEVICE_TEST(a6000)
DEVICE_TEST(a100)
DEVICE_TEST(h100)
DEVICE_TEST(h200)
DEVICE_TEST(l40s)
DEVICE_TEST(b200)

int
main(void)
{
    static const struct ss_case cases[] = {
        {"rtx3090", test_rtx3090}, {"rtx4090", test_rtx4090}, {"rtxpro6000", test_rtxpro6000},
        {"a40", test_a40},         {"a6000", test_a6000},     {"a100", test_a100},
        {"h100", test_h100},       {"h200", test_h200},       {"l40s", test_l40s},
        {"b200", test_b200},
    };
    return ss_run_cases("measured", cases, sizeof cases / sizeof cases[0]);
}
