/*
 * hardware/profile_test.c - the profile device on small bundles: what it reads, what lies between entries, lines that
 * do not depend on where they are asked for, and what it refuses.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_host.h"

#define FILES 8

static const struct servsim_hardware_context context = {.size = sizeof context,
                                                        .dtype = SERVSIM_DTYPE_BF16,
                                                        .model_name = "toy-model",
                                                        .layers = 2,
                                                        .tp = 1,
                                                        .q_heads_per_gpu = 4,
                                                        .kv_heads_per_gpu = 2,
                                                        .head_dim = 64};

/* ---- bundles in a temporary folder ---- */

struct file {
    const char *name, *text;
};

static const struct file toy[FILES] = {
    {"meta.yaml", "gpu: Toy\nmodel: maker/Toy-Model-Instruct\ndtype: bf16\ntp_degrees: [1, 2]\n"
                  "device: {memory_bytes: 8000000000, memory_bytes_per_s: 1e12, peak_flops: 1e14}\n"},
    {"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,8,40\nqkv_proj,1,10\nqkv_proj,4,16\no_proj,1,5\n"
                      "gate_up_proj,1,6\ndown_proj,1,7\nlayernorm,1,1\nsomething_else,3,9\n"},
    {"tp1/per_sequence.csv", "sequences,layer,time_us\n1,lm_head,100\n4,lm_head,130\n"},
    {"tp1/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"
                          "0,0,1,16,8\n0,0,1,64,20\n0,0,4,16,12\n0,0,4,64,60\n"
                          "16,0,0,0,30\n32,0,0,0,70\n16,32,0,0,50\n16,0,1,16,34\n16,0,1,64,46\n32,0,1,16,80\n"},
    {"tp2/dense.csv", "layer,tokens,time_us\nqkv_proj,1,4\no_proj,1,5\ngate_up_proj,1,6\ndown_proj,1,7\n"
                      "layernorm,1,99\n"},
    {"tp2/per_sequence.csv", "layer,sequences,time_us\nlm_head,1,50\n"},
    {"tp2/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,16,8\n16,0,0,0,30\n"},
    {NULL, NULL},
};

#define SKEW_META                                                                                                      \
    "model: toy-model\ndtype: bf16\n"                                                                                  \
    "device: {memory_bytes: 8000000000, memory_bytes_per_s: 1e12, peak_flops: 1e14}\n"                                 \
    "skew_fit:\n  enabled: true\n  bucket_axes:\n    n_bins: [0, 2, 100]\n    n_labels: [few, many]\n"                 \
    "    skew_rate_bins: [-0.01, 0.5, 1.01]\n    skew_rate_labels: [low, high]\n"                                      \
    "    kv_big_bins: [0, 40, 1000]\n    kv_big_labels: [short, long]\n"                                               \
    "    kp_bins: [-1, 0, 1000]\n    kp_labels: [none, some]\n"                                                        \
    "  per_tp: {1: {alpha_default: 0.5}}\n"

#define SKEW_HEADER "pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha\n"

static char folder[64];

static void
write_file(const char *name, const char *text, size_t length)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, length, file), length);
    fclose(file);
}

/* The toy bundle, with `other` (may be NULL) instead of or beside its files. */
static void
write_bundle(const struct file *other)
{
    static const char *const folders[] = {"tp1", "tp2"};
    char path[256];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        (void)mkdir(path, 0755);
    }
    static const char *const extra[] = {"tp1/skew_fit.csv", "tp1/moe.csv", "collective.csv"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, extra[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; toy[i].name != NULL; i++)
        write_file(toy[i].name, toy[i].text, strlen(toy[i].text));
    if (other != NULL)
        write_file(other->name, other->text, strlen(other->text));
}

static int32_t
open_bundle(struct fake_plugin *device, const struct servsim_hardware_context *wanted, const char *option)
{
    char path[128];
    snprintf(path, sizeof path, "path=%s", folder);
    const char *const pairs[] = {path, option, NULL};
    CU_ASSERT_EQUAL_FATAL(fake_open(device, "hardware", "profile"), 0);
    return fake_create(device, wanted, pairs);
}

static void
open_toy(struct fake_plugin *device, const struct servsim_hardware_context *wanted)
{
    int32_t rc = open_bundle(device, wanted, NULL);
    if (rc != 0)
        printf("# %s\n", device->err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

/* ---- prices ---- */

static int64_t
price_gemm(const struct fake_plugin *device, uint32_t role, uint64_t m)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    const struct servsim_gemm op = {.size = sizeof op, .role = role, .dtype = SERVSIM_DTYPE_BF16, .times = 2, .m = m};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps = -1;
    return ops->gemm(device->self, &op, &ps, &err) == 0 ? ps : -1;
}

static int64_t
price_small(const struct fake_plugin *device, uint32_t role, uint64_t rows)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    const struct servsim_elementwise op = {
        .size = sizeof op, .role = role, .dtype = SERVSIM_DTYPE_BF16, .times = 4, .rows = rows};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps = -1;
    return ops->elementwise(device->self, &op, &ps, &err) == 0 ? ps : -1;
}

/* Decodes with contexts from `smallest` to `largest` that add up to `sum`; `times` 2. */
static struct servsim_line
price_attention(const struct fake_plugin *device, uint64_t chunk, uint64_t prior, uint64_t decodes, uint64_t sum,
                uint64_t smallest, uint64_t largest)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    const struct servsim_attention op = {.size = sizeof op,
                                         .dtype = SERVSIM_DTYPE_BF16,
                                         .kv_dtype = SERVSIM_DTYPE_BF16,
                                         .times = 2,
                                         .prefill_count = chunk > 0,
                                         .prefill_new_tokens = chunk,
                                         .prefill_context_tokens = prior,
                                         .decode_count = decodes,
                                         .decode_context_sum = sum,
                                         .decode_context_min = smallest,
                                         .decode_context_max = largest};
    struct servsim_error err = {.size = sizeof err};
    struct servsim_line line = {-1, -1, 0};
    if (ops->attention(device->self, &op, &line, &err) != 0) {
        line = (struct servsim_line){-1, -1, 0};
        printf("# %s\n", err.text);
    }
    return line;
}

/* Microseconds of one of two layers, from picoseconds of both. */
static double
layer_us(int64_t ps)
{
    return (double)ps / 2e6;
}

static void
test_layers(void)
{
    static const struct {
        uint64_t m;
        double us;
    } cases[] = {{0, 0}, {1, 10}, {2, 12}, {4, 16}, {6, 28}, {8, 40}, {10, 52}};
    struct fake_plugin device = {0};
    write_bundle(NULL);
    open_toy(&device, &context);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_DOUBLE_EQUAL(layer_us(price_gemm(&device, SERVSIM_GEMM_QKV, cases[i].m)), cases[i].us, 1e-6);
    CU_ASSERT_EQUAL(price_gemm(&device, SERVSIM_GEMM_LM_HEAD, 2), 220000000);
    CU_ASSERT_EQUAL(price_gemm(&device, SERVSIM_GEMM_DOWN, 1000), 14000000);
    CU_ASSERT_EQUAL(price_gemm(&device, 99, 1), -1);
    CU_ASSERT_EQUAL(price_small(&device, SERVSIM_ELEMENTWISE_NORM, 7), 4000000);
    CU_ASSERT_EQUAL(price_small(&device, SERVSIM_ELEMENTWISE_ROTARY, 7), 0); /* not measured: free */
    CU_ASSERT_EQUAL(price_small(&device, 99, 7), -1);
    fake_destroy(&device);
}

/* tp 2 has matrices of its own, and the norms of tp 1. */
static void
test_tp(void)
{
    struct servsim_hardware_context two = context;
    struct fake_plugin device = {0};
    two.tp = 2;
    write_bundle(NULL);
    open_toy(&device, &two);
    CU_ASSERT_EQUAL(price_gemm(&device, SERVSIM_GEMM_QKV, 1), 8000000);
    CU_ASSERT_EQUAL(price_small(&device, SERVSIM_ELEMENTWISE_NORM, 1), 4000000);
    fake_destroy(&device);
}

static void
test_attention(void)
{
    static const struct {
        uint64_t chunk, prior, decodes, mean;
        double us;
    } cases[] = {
        {0, 0, 1, 16, 8},                    /* an entry */
        {0, 0, 1, 0, 8},                     /* below the first context */
        {0, 0, 1, 40, 14},                   /* between contexts */
        {0, 0, 1, 100, 29},                  /* above the last */
        {0, 0, 2, 16, 8 + 4.0 / 3},          /* between numbers of decodes */
        {0, 0, 2, 40, 14 + 22.0 / 3},        /* between both */
        {0, 0, 8, 16, 12 + 4 * 4.0 / 3},     /* above the largest number of decodes */
        {16, 0, 0, 0, 30},                   /* a prefill alone */
        {8, 0, 0, 0, 30},                    /* below the smallest */
        {24, 0, 0, 0, 50},                   /* between */
        {48, 0, 0, 0, 110},                  /* above */
        {16, 16, 0, 0, 40},                  /* prior context */
        {16, 64, 0, 0, 70},                  /* beyond it */
        {16, 0, 1, 16, 34},                  /* both */
        {16, 0, 1, 40, 40},                  /* between contexts */
        {24, 0, 1, 16, 57},                  /* between chunks */
        {8, 0, 1, 16, 21},                   /* between decodes alone and the smallest chunk */
        {16, 0, 4, 16, 46},                  /* more decodes than were measured with a chunk */
        {24, 0, 1, 64, 0.5 * 46 + 0.5 * 80}, /* a corner that has one context only */
    };
    struct fake_plugin device = {0};
    write_bundle(NULL);
    open_toy(&device, &context);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t mean = cases[i].mean;
        struct servsim_line line = price_attention(&device, cases[i].chunk, cases[i].prior, cases[i].decodes,
                                                   mean * cases[i].decodes, mean, mean);
        CU_ASSERT_DOUBLE_EQUAL(layer_us(line.base_ps), cases[i].us, 1e-6);
        if (layer_us(line.base_ps) < cases[i].us - 1e-6 || layer_us(line.base_ps) > cases[i].us + 1e-6)
            printf("# case %zu: %.9f\n", i, layer_us(line.base_ps));
    }
    CU_ASSERT_EQUAL(price_attention(&device, 0, 0, 0, 0, 0, 0).base_ps, 0);
    /* 1.75 entries of context a decode count as one */
    CU_ASSERT_EQUAL(price_attention(&device, 0, 0, 4, 4 * 20 + 3, 20, 21).base_ps,
                    price_attention(&device, 0, 0, 4, 4 * 20, 20, 20).base_ps);
    fake_destroy(&device);
}

static void
test_lines(void)
{
    struct fake_plugin device = {0};
    write_bundle(NULL);
    open_toy(&device, &context);
    struct servsim_line line = price_attention(&device, 0, 0, 1, 10, 10, 10);
    CU_ASSERT_EQUAL(line.slope_ps, 0);
    CU_ASSERT_EQUAL(line.steps, 6); /* up to the first entry */
    line = price_attention(&device, 0, 0, 1, 20, 20, 20);
    CU_ASSERT_EQUAL(line.slope_ps, 500000);
    CU_ASSERT_EQUAL(line.steps, 44);
    line = price_attention(&device, 0, 0, 1, 64, 64, 64);
    CU_ASSERT_EQUAL(line.steps, SERVSIM_FOREVER);
    line = price_attention(&device, 16, 0, 1, 20, 20, 20);
    CU_ASSERT_EQUAL(line.steps, 1);
    fake_destroy(&device);
}

static void
test_skew(void)
{
    const struct file meta = {"meta.yaml", SKEW_META};
    struct fake_plugin device = {0};
    write_bundle(&meta);
    write_file("tp1/skew_fit.csv",
               SKEW_HEADER "0,few,high,short,none,0.25\n0,few,high,long,none,9\n0,many,low,short,none,-3\n",
               strlen(SKEW_HEADER "0,few,high,short,none,0.25\n0,few,high,long,none,9\n0,many,low,short,none,-3\n"));
    open_toy(&device, &context);
    /* two decodes: a third between 1 and 4. Means 20 and largest 22: rate (20 - 10) / (22 - 10) is high */
    struct servsim_line line = price_attention(&device, 0, 0, 2, 40, 10, 22);
    double mean = (8 + 1.0) + ((12 + 4.0) - (8 + 1.0)) / 3;
    double largest = (8 + 1.5) + ((12 + 6.0) - (8 + 1.5)) / 3;
    CU_ASSERT_DOUBLE_EQUAL(layer_us(line.base_ps), mean + 0.25 * (largest - mean), 1e-6);
    CU_ASSERT_EQUAL(line.steps, 19);                                         /* while the largest is at most 40 */
    line = price_attention(&device, 0, 0, 2, 40 + 2 * 19, 10 + 19, 22 + 19); /* alpha 9 counts as 1 */
    largest = (8 + 25 * 0.25) + ((12 + 25.0) - (8 + 25 * 0.25)) / 3;
    CU_ASSERT_DOUBLE_EQUAL(layer_us(line.base_ps), largest, 1e-6);
    /* equal contexts need no correction, and a chunk that was not measured has the default */
    CU_ASSERT_EQUAL(price_attention(&device, 0, 0, 1, 40, 40, 40).base_ps, 28000000);
    double plain = layer_us(price_attention(&device, 16, 0, 2, 40, 20, 20).base_ps);
    double high = layer_us(price_attention(&device, 16, 0, 2, 60, 30, 30).base_ps);
    double both = layer_us(price_attention(&device, 16, 0, 2, 40, 10, 30).base_ps);
    CU_ASSERT_DOUBLE_EQUAL(both, plain + 0.5 * (high - plain), 1e-6);
    fake_destroy(&device);
    CU_ASSERT_EQUAL_FATAL(open_bundle(&device, &context, "skew=false"), 0);
    line = price_attention(&device, 0, 0, 2, 40, 10, 22);
    CU_ASSERT_DOUBLE_EQUAL(layer_us(line.base_ps), mean, 1e-6);
    fake_destroy(&device);
}

static void
test_moe(void)
{
    struct servsim_hardware_context experts = context;
    struct fake_plugin device = {0};
    const struct file moe = {"tp1/moe.csv",
                             "tokens,activated_experts,time_us\n1,8,50\n2,8,56\n2,16,134\n4,8,60\n4,16,140\n"};
    struct servsim_moe op = {.size = sizeof op, .times = 2, .experts = 64, .top_k = 8};
    experts.moe_layers = 2;
    write_bundle(&moe);
    open_toy(&device, &experts);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    static const struct {
        uint64_t tokens, pairs;
        double hit, us;
    } cases[] = {
        {0, 0, 0, 0},
        {1, 8, 8, 50},
        {2, 16, 8, 56},
        {2, 16, 12, 95},
        {2, 15, 12, 95},
        {3, 24, 16, 137},
        {4, 32, 16.5, 145},
        /* experts on two GPUs: the tiles are those of all tokens */
        {2, 8, 8, 56},
        {4, 16, 16, 140},
        /* one expert here, whose rows fill a tile at 16 tokens: 60 + 2 x 12 beyond the table; more pairs count */
        {1000, 8, 1, 84},
        {1000, 160, 1, 92}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ps = -1;
        op.tokens = cases[i].tokens;
        op.tokens_here = cases[i].pairs;
        op.experts_hit = cases[i].hit;
        CU_ASSERT_EQUAL(ops->moe(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL(layer_us(ps), cases[i].us, 1e-6);
    }
    fake_destroy(&device);
}

static double
price_part_of_experts(const struct fake_plugin *device, uint64_t tokens, double hit, uint32_t ffn)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    const struct servsim_moe op = {.size = sizeof op,
                                   .times = 2,
                                   .experts = 64,
                                   .top_k = 8,
                                   .ffn = ffn,
                                   .tokens = tokens,
                                   .tokens_here = tokens * 8,
                                   .experts_hit = hit};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps = -1;
    return ops->moe(device->self, &op, &ps, &err) == 0 ? layer_us(ps) : -1;
}

static double
price_experts(const struct fake_plugin *device, uint64_t tokens, double hit)
{
    return price_part_of_experts(device, tokens, hit, 333);
}

/* Experts of 1 MB each. At 4 tokens 16 and 32 take 6 us each more, and 8 were found in the L2: 140 - 8 x 6. The rows of
   1 and 2 tokens are too short to tell, and gain as much. Of 512 MB nothing is in a cache. */
static void
test_warm_experts(void)
{
    struct servsim_hardware_context experts = context;
    struct fake_plugin device = {0};
    const struct file moe = {"tp1/moe.csv", "tokens,activated_experts,time_us\n1,8,50\n2,8,56\n2,16,134\n"
                                            "4,8,60\n4,16,140\n4,32,236\n9,512,500\n9,1024,900\n9,2048,1200\n"};
    experts.moe_layers = 2;
    experts.hidden = 500;
    experts.expert_ffn = 333;
    experts.expert_dtype = SERVSIM_DTYPE_BF16;
    write_bundle(&moe);
    open_toy(&device, &experts);
    CU_ASSERT_DOUBLE_EQUAL(price_experts(&device, 4, 16), 140, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(price_experts(&device, 4, 8), 92, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(price_experts(&device, 2, 16), 134, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(price_experts(&device, 2, 8), 88, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(price_experts(&device, 1, 8), 82, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(price_experts(&device, 9, 512), 500, 1e-6);
    /* a third of each: 42 us are launches and the like (at 2 tokens, 88 - 8 x 46 / 8) */
    CU_ASSERT_DOUBLE_EQUAL(price_part_of_experts(&device, 4, 16, 111), 42 + (140 - 42) / 3.0, 1e-6);
    fake_destroy(&device);
}

/* The head reads 2 MB in 100 us: 200 KB in no less than 10, whatever o_proj's table says; in fp8 half of that. */
static void
test_warm_weights(void)
{
    struct servsim_hardware_context wide = context;
    struct fake_plugin device = {0};
    struct servsim_gemm op = {
        .size = sizeof op, .role = SERVSIM_GEMM_ATTENTION_OUT, .dtype = SERVSIM_DTYPE_BF16, .times = 2, .m = 1};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps = -1;
    wide.hidden = 100;
    wide.vocab = 10000;
    op.n = 100;
    op.k = 1000;
    write_bundle(NULL);
    open_toy(&device, &wide);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    CU_ASSERT_EQUAL(ops->gemm(device.self, &op, &ps, &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(layer_us(ps), 10, 1e-6);
    op.weight_dtype = SERVSIM_DTYPE_FP8;
    op.k = 1200;
    CU_ASSERT_EQUAL(ops->gemm(device.self, &op, &ps, &err), 0);
    CU_ASSERT_DOUBLE_EQUAL(layer_us(ps), 6, 1e-6);
    fake_destroy(&device);
}

/* Three decodes in layers with a window of 50: one sees all of it and grows no more. */
static void
test_windows(void)
{
    struct fake_plugin device = {0};
    struct servsim_line line, later;
    struct servsim_attention op = {.size = sizeof op,
                                   .times = 2,
                                   .window = 50,
                                   .decode_count = 4,
                                   .decode_context_sum = 49 + 49 + 20 + 21,
                                   .decode_settled = 2};
    write_bundle(NULL);
    open_toy(&device, &context);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    CU_ASSERT_EQUAL(ops->attention(device.self, &op, &line, &device.err), 0);
    CU_ASSERT_DOUBLE_EQUAL(layer_us(line.base_ps), 12 + 139.0 / 4 - 16, 1e-6);
    CU_ASSERT_EQUAL(line.slope_ps, 1000000); /* two tokens a step, a quarter of a microsecond each, twice */
    CU_ASSERT_EQUAL(line.steps, 59);         /* while 139 + 2 j is below 4 x 64 */
    for (uint64_t j = 1; j < 59; j += 19) {
        op.decode_context_sum = 139 + 2 * j;
        CU_ASSERT_EQUAL(ops->attention(device.self, &op, &later, &device.err), 0);
        CU_ASSERT_EQUAL(later.base_ps, line.base_ps + (int64_t)j * line.slope_ps);
        CU_ASSERT_EQUAL(later.slope_ps, line.slope_ps);
        CU_ASSERT_EQUAL(later.steps, line.steps - j);
    }
    op.decode_settled = 4;
    CU_ASSERT_EQUAL(ops->attention(device.self, &op, &line, &device.err), 0);
    CU_ASSERT_EQUAL(line.slope_ps, 0);
    CU_ASSERT_EQUAL(line.steps, SERVSIM_FOREVER);
    fake_destroy(&device);
}

static void
test_messages(void)
{
    static const struct {
        uint32_t kind, ranks, ranks_per_node;
        uint64_t bytes;
        double us;
    } cases[] = {
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 2, 2, 100, 5},
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 2, 0, 1500, 7.5},
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 4, 4, 77, 9},
        {SERVSIM_COLLECTIVE_ALL_GATHER, 2, 2, 50000, 4.6 + 1.55 + 1}, /* not measured: half the buffer at 25 GB/s */
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 2, 1, 50000, 2 * (5 + 1)},    /* between nodes */
    };
    const struct file table = {"collective.csv", "kind,ranks,bytes,time_us\nall_reduce,2,1000,5\nall_reduce,2,2000,10\n"
                                                 "all_reduce,4,1000,9\nsend,2,100,3\n"};
    struct fake_plugin device = {0};
    struct servsim_p2p send = {.size = sizeof send, .times = 2, .bytes = 1};
    int64_t ps;
    write_bundle(&table);
    open_toy(&device, &context);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct servsim_collective op = {.size = sizeof op,
                                              .kind = cases[i].kind,
                                              .ranks = cases[i].ranks,
                                              .times = 2,
                                              .bytes = cases[i].bytes,
                                              .ranks_per_node = cases[i].ranks_per_node};
        CU_ASSERT_EQUAL(ops->collective(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL(layer_us(ps), cases[i].us, 1e-6);
    }
    CU_ASSERT_EQUAL(ops->p2p(device.self, &send, &ps, &device.err), 0);
    CU_ASSERT_EQUAL(ps, 6000000);
    fake_destroy(&device);
}

static void
test_describe(void)
{
    struct servsim_device about = {.size = sizeof about};
    struct fake_plugin device = {0};
    write_bundle(NULL);
    CU_ASSERT_EQUAL_FATAL(open_bundle(&device, &context, "memory=24GiB"), 0);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    CU_ASSERT_EQUAL(ops->describe(device.self, &about, &device.err), 0);
    CU_ASSERT_STRING_EQUAL(about.name, "Toy");
    CU_ASSERT_EQUAL(about.memory_bytes, UINT64_C(24) << 30);
    CU_ASSERT_EQUAL(about.peak_flops, 1e14);
    const struct servsim_collective op = {
        .size = sizeof op, .kind = SERVSIM_COLLECTIVE_ALL_REDUCE, .ranks = 2, .times = 1, .bytes = 25000000};
    int64_t ps = 0;
    CU_ASSERT_EQUAL(ops->collective(device.self, &op, &ps, &device.err), 0);
    CU_ASSERT_DOUBLE_EQUAL((double)ps, 1e9 + 1.3e6 + 2 * 1.55e6, 1); /* a ring of two: the whole buffer at 25 GB/s */
    fake_destroy(&device);
}

/* ---- the law of lines, on the bundle that ships ---- */

/* Asked for at any later step, the line is that of the first step, moved. */
static void
check_moved(const struct fake_plugin *device, uint64_t decodes, uint64_t sum, uint64_t smallest, uint64_t largest)
{
    struct servsim_line first = price_attention(device, 0, 0, decodes, sum, smallest, largest);
    uint64_t last = first.steps < 20000 ? first.steps - 1 : 20000;
    const uint64_t steps[] = {1, 2, 7, last / 3, last / 2, last - 1, last};
    CU_ASSERT(first.steps > 0);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        uint64_t j = steps[i];
        if (j >= first.steps || last == 0)
            continue;
        struct servsim_line line = price_attention(device, 0, 0, decodes, sum + decodes * j, smallest + j, largest + j);
        CU_ASSERT_EQUAL(line.base_ps, first.base_ps + (int64_t)j * first.slope_ps);
        CU_ASSERT_EQUAL(line.slope_ps, first.slope_ps);
        CU_ASSERT_EQUAL(line.steps, first.steps == SERVSIM_FOREVER ? SERVSIM_FOREVER : first.steps - j);
    }
}

static void
test_law(void)
{
    struct servsim_hardware_context llama = context;
    struct fake_plugin device = {0};
    char path[4096];
    llama.model_name = "llama-3.1-8b";
    llama.hidden = 4096;
    llama.q_heads = 32;
    llama.kv_heads = 8;
    llama.head_dim = 128;
    llama.ffn = 14336;
    llama.vocab = 128256;
    snprintf(path, sizeof path, "path=%s", ss_source_path("data/synthetic_gpu/llama-3.1-8b/bf16"));
    const char *const pairs[] = {path, NULL};
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", "profile"), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &llama, pairs), 0);
    struct servsim_random random = {7};
    for (int i = 0; i < 3000; i++) {
        uint64_t decodes = 1 + servsim_random_u64(&random) % (i % 2 ? 400 : 6);
        uint64_t smallest = servsim_random_u64(&random) % 9000;
        uint64_t largest = decodes > 1 ? smallest + servsim_random_u64(&random) % 9000 : smallest;
        uint64_t sum = decodes * smallest;
        if (decodes > 1)
            sum += largest - smallest;
        for (uint64_t j = 2; j < decodes; j++)
            sum += servsim_random_u64(&random) % (largest - smallest + 1);
        check_moved(&device, decodes, sum, smallest, largest);
    }
    fake_destroy(&device);
}

/* ---- what is refused ---- */

static void
check_refused(const struct file *file, const struct servsim_hardware_context *wanted, const char *words)
{
    struct fake_plugin device = {0};
    write_bundle(file);
    CU_ASSERT(open_bundle(&device, wanted, NULL) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, words));
    CU_ASSERT_PTR_NULL(strchr(device.err.text, '\n'));
    if (strstr(device.err.text, words) == NULL)
        printf("# wanted '%s', got '%s'\n", words, device.err.text);
    fake_destroy(&device);
}

static void
test_hostile_tables(void)
{
    static const struct {
        struct file file;
        const char *words;
    } cases[] = {
        {{"tp1/dense.csv", ""}, "dense.csv: the table is empty"},
        {{"tp1/dense.csv", "\n\n"}, "dense.csv: the table is empty"},
        {{"tp1/dense.csv", "layer,tokens\n"}, "dense.csv:1: the header has no column time_us"},
        {{"tp1/dense.csv", "layer,tokens,time_us,tokens\n"}, "dense.csv:1: leave out the second column tokens"},
        {{"tp1/dense.csv", "layer,tokens,time_us\n"}, "dense.csv: no rows of qkv_proj, which toy-model needs"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1\n"}, "dense.csv:2: 2 fields where the header has 3"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1,nan\n"}, "dense.csv:2: time_us is 'nan'; write a number"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1,inf\n"}, "time_us is 'inf'"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1,0x10\n"}, "time_us is '0x10'"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1,1e999\n"}, "time_us is '1e999'"},
        {{"tp1/dense.csv", "layer,tokens,time_us\n\nqkv_proj,1,-3\n"}, "dense.csv:3: time_us is '-3'; write micro"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1,0\n"}, "time_us is '0'"},
        {{"tp1/dense.csv", "layer,tokens,time_us\r\nqkv_proj,-1,3\r\n"}, "dense.csv:2: tokens is '-1'; write a whole"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1.5,3\n"}, "tokens is '1.5'"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1e30,3\n"}, "tokens is '1e30'"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,,3\n"}, "tokens is ''"},
        {{"tp1/dense.csv", "layer,tokens,time_us\n,1,3\n"}, "layer is ''; write a name"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,7,3\no_proj,7,3\nqkv_proj,7,4\n"},
         "dense.csv:4: qkv_proj at tokens of 7 stands in line 2 already"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,\"7,3\n"}, "a double quote that is not closed"},
        {{"tp1/dense.csv", "layer,tokens,time_us\nan_endless_name_of_a_layer_that_nobody_would_ever_write_down,7,3\n"},
         "dense.csv:2: layer is 'an_endless"},
        {{"tp1/per_sequence.csv", "layer,sequences,time_us\nsampler,1,2\n"}, "per_sequence.csv: no rows of lm_head"},
        {{"tp1/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"}, "attention.csv: no rows"},
        {{"tp1/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,0,0,3\n"},
         "attention.csv:2: neither a prefill nor a decode"},
        {{"tp1/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,16,3\n"},
         "attention.csv: no rows of prefills"},
        {{"tp1/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n16,0,0,0,3\n"},
         "attention.csv: no rows of decodes alone"},
        {{"tp1/attention.csv",
          "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n16,0,0,0,3\n0,0,1,16,3\n16,0,0,0,4\n"},
         "attention.csv:4: this combination stands in line 2 already"},
        {{"tp1/attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,3e9,3\n"},
         "attention.csv:2: kv_decode is 3000000000; write at most 2^31"},
        {{"collective.csv", "kind,ranks,bytes,time_us\nall_sum,2,1,1\n"}, "collective.csv:2: kind is 'all_sum'"},
        {{"collective.csv", "kind,ranks,bytes,time_us\nall_reduce,1,1,1\n"}, "collective.csv:2: ranks is 1"},
        {{"collective.csv", "kind,ranks,bytes,time_us\nsend,4,1,1\n"}, "ranks is 4; write 2 to 1024, and 2 for send"},
        {{"collective.csv", "kind,ranks,bytes,time_us\nsend,2,8,1\nsend,2,8,2\n"}, "collective.csv:3: send of 2 ra"},
        {{"meta.yaml", ""}, "meta.yaml:1: a bundle's meta.yaml is a map"},
        {{"meta.yaml", "[1, 2]\n"}, "meta.yaml:1: a bundle's meta.yaml is a map"},
        {{"meta.yaml", "a: 1\nb: [2\n"}, "meta.yaml:3: no valid YAML"},
        {{"meta.yaml", "a: 1\n---\nb: 2\n"}, "a second document"},
        {{"meta.yaml", "dtype: bf16\nbundle_version: 2\n"}, "bundle_version 2 is newer"},
        {{"meta.yaml", "model: llama-3.1-8b\n"}, "was measured with llama-3.1-8b, and the experiment's model is toy-"},
        {{"meta.yaml", "dtype: fp8\n"}, "was measured in fp8, and the experiment's model has weights in bf16"},
        {{"meta.yaml", "model: toy-model\n"}, "was measured in "},
        {{"meta.yaml", "dtype: bf16\nmodel_shape: {head_dim: 128}\n"}, "meta.yaml:2: model_shape.head_dim is 128, and"},
        {{"meta.yaml", "dtype: bf16\nmodel_shape: {head_dim: many}\n"}, "model_shape.head_dim is 'many'; write a numb"},
        {{"meta.yaml", "dtype: bf16\n"}, "does not say device.memory_bytes: write memory of the GPU"},
        {{"meta.yaml", "dtype: bf16\ntp_stable: [layernorm, norm]\n"}, "meta.yaml:2: tp_stable names 'norm'"},
        {{"meta.yaml", "dtype: bf16\nskew_fit: {enabled: perhaps}\n"}, "skew_fit.enabled is 'perhaps'"},
        {{"meta.yaml", "dtype: bf16\nskew_fit: {enabled: true, per_tp: {1: {alpha_default: 7}}}\n"},
         "skew_fit.per_tp.1.alpha_default is '7'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(&cases[i].file, &context, cases[i].words);
}

static void
test_hostile_skew(void)
{
    static const struct {
        const char *rows, *words;
    } cases[] = {
        {"0,few,high,short,none\n", "skew_fit.csv:2: 5 fields"},
        {"0,some,high,short,none,0\n",
         "skew_fit.csv:2: n_label 'some' is not among those of meta.yaml, 'few' to 'many'"},
        {"0,few,high,short,none,0\n0,few,high,short,none,0\n", "skew_fit.csv:3: this bucket stands above already"},
        {"0,few,high,short,none,nan\n", "alpha is 'nan'"},
    };
    const struct file meta = {"meta.yaml", SKEW_META};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct fake_plugin device = {0};
        snprintf(text, sizeof text, SKEW_HEADER "%s", cases[i].rows);
        write_bundle(&meta);
        write_file("tp1/skew_fit.csv", text, strlen(text));
        CU_ASSERT(open_bundle(&device, &context, NULL) < 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, cases[i].words));
        if (strstr(device.err.text, cases[i].words) == NULL)
            printf("# %s\n", device.err.text);
    }
}

static void
test_refused_experiments(void)
{
    struct servsim_hardware_context wanted = context;
    struct fake_plugin device = {0};
    wanted.tp = 4;
    check_refused(NULL, &wanted, "was measured with tp 1, 2, not 4: write cluster: {tp: 1}, or measure tp4");
    wanted = context;
    wanted.dtype = SERVSIM_DTYPE_FP16;
    check_refused(NULL, &wanted, "was measured in bf16, and the experiment's model has weights in fp16");
    wanted = context;
    wanted.model_name = "qwen3-8b";
    check_refused(NULL, &wanted, "write any_model: true");
    write_bundle(NULL);
    CU_ASSERT_EQUAL(open_bundle(&device, &wanted, "any_model=true"), 0);
    fake_destroy(&device);
    wanted = context;
    wanted.qk_norm = 1;
    check_refused(NULL, &wanted, "no rows of qk_norm");
    wanted = context;
    wanted.moe_layers = 1;
    check_refused(NULL, &wanted, "moe.csv: cannot be opened");
    CU_ASSERT_EQUAL(fake_open(&device, "hardware", "profile"), 0);
    const char *const file[] = {"path=/dev/null", NULL}, *const none[] = {"path=/", NULL};
    CU_ASSERT(fake_create(&device, &context, file) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, "is no folder"));
    CU_ASSERT(fake_create(&device, &context, none) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, "a bundle needs it"));
    char path[160];
    write_file("tp1/dense.csv", "layer,tokens,time_us\nqkv_proj,1,\0\n", 34);
    snprintf(path, sizeof path, "path=%s", folder);
    const char *const pairs[] = {path, NULL};
    CU_ASSERT(fake_create(&device, &context, pairs) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, "binary data"));
}

/* ---- damaged bundles ---- */

/* Flips bytes, cuts the end off, doubles a piece, or writes something odd over a number. */
static size_t
damage(char *data, size_t length, size_t capacity, struct servsim_random *random)
{
    static const char *const odd[] = {"nan", "-1", "1e308", "99999999999999999999", "\"", ",", "\n", "\r", "", "0"};
    size_t at = length > 0 ? servsim_random_u64(random) % length : 0;
    size_t piece = servsim_random_u64(random) % 200;
    switch (servsim_random_u64(random) % 4) {
    case 0:
        if (length > 0)
            data[at] = (char)servsim_random_u64(random);
        return length;
    case 1:
        return at;
    case 2:
        if (at + piece > length || length + piece > capacity)
            return length;
        memmove(data + at + piece, data + at, length - at);
        return length + piece;
    default:
        break;
    }
    const char *text = odd[servsim_random_u64(random) % (sizeof odd / sizeof odd[0])];
    size_t room = strlen(text) < length - at ? strlen(text) : length - at;
    memcpy(data + at, text, room);
    return length;
}

/* Whatever is in the files: a bundle that is taken prices, and one that is refused says where in one line. */
static void
check_damaged(const struct file *file)
{
    struct fake_plugin device = {0};
    write_file(file->name, file->text, strlen(file->text));
    int32_t rc = open_bundle(&device, &context, NULL);
    if (rc == 0) {
        (void)price_gemm(&device, SERVSIM_GEMM_QKV, 77);
        for (uint64_t decodes = 1; decodes < 300; decodes *= 5) {
            struct servsim_line line = price_attention(&device, 0, 0, decodes, decodes * 90, 50, 800);
            CU_ASSERT(line.base_ps == -1 || line.steps > 0);
            (void)price_attention(&device, 100, 30, decodes, decodes * 90, 50, 800);
        }
    } else {
        CU_ASSERT(rc < 0);
        CU_ASSERT(strlen(device.err.text) > 20);
        CU_ASSERT_PTR_NULL(strchr(device.err.text, '\n'));
        CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, folder));
    }
    fake_destroy(&device);
}

static void
test_damaged(void)
{
    static char data[8192];
    struct servsim_random random = {11};
    int files = 0;
    while (toy[files].name != NULL)
        files++;
    for (int i = 0; i < 2000; i++) {
        struct file file = toy[servsim_random_u64(&random) % (uint64_t)files];
        const char *text = strcmp(file.name, "meta.yaml") == 0 && i % 2 ? SKEW_META : file.text;
        size_t length = strlen(text);
        memcpy(data, text, length);
        for (uint64_t n = 1 + servsim_random_u64(&random) % 3; n > 0; n--)
            length = damage(data, length, sizeof data - 1, &random);
        data[length] = '\0';
        write_bundle(NULL);
        file.text = data;
        check_damaged(&file);
    }
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"layers", test_layers},
        {"tensor parallel", test_tp},
        {"attention", test_attention},
        {"lines", test_lines},
        {"unequal contexts", test_skew},
        {"experts", test_moe},
        {"experts that were measured in a warm L2", test_warm_experts},
        {"weights that were measured in a warm L2", test_warm_weights},
        {"windows", test_windows},
        {"messages", test_messages},
        {"describe", test_describe},
        {"lines moved along", test_law},
        {"hostile tables", test_hostile_tables},
        {"hostile skew tables", test_hostile_skew},
        {"experiments that do not fit", test_refused_experiments},
        {"damaged bundles", test_damaged},
    };
    char template[] = "/tmp/servsim-profile-XXXXXX", command[128];
    if (mkdtemp(template) == NULL)
        return 1;
    snprintf(folder, sizeof folder, "%s", template);
    int rc = ss_run_cases("profile", cases, sizeof cases / sizeof cases[0]);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? rc : 1;
}
