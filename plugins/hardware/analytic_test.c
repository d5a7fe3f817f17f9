/*
 * hardware/analytic_test.c - the devices that share the analytic model: the worked check, and what must hold of any
 * price.
 */
#include <math.h>

#include "tests/unit/fake_host.h"

#define DEVICES (sizeof devices / sizeof devices[0])

/* The devices under test, custom with the RTX 4090's datasheet. */
static const char *const custom_pairs[] = {"peak_tflops.bf16=165.2", "memory=24GiB", "memory_bandwidth=1008GB/s", NULL};
static const struct {
    const char *name;
    const char *const *pairs;
} devices[] = {{"rtx3090", NULL}, {"rtx4090", NULL}, {"rtxpro6000", NULL},    {"a40", NULL},
               {"a6000", NULL},   {"a100", NULL},    {"h100", NULL},          {"h200", NULL},
               {"l40s", NULL},    {"b200", NULL},    {"custom", custom_pairs}};

/* The plain forms with the constants of a table that was composed by hand: launch + maximum of arithmetic and traffic.
 */
#define PLAIN "gemm.softness=0", "prefill_attention.memory_efficiency=0"
static const char *const plain_a100[] = {"peak_tflops.bf16=312",
                                         "memory=80GiB",
                                         "memory_bandwidth=2039GB/s",
                                         "gemm.launch=6.1",
                                         "gemm.compute_efficiency=0.83",
                                         "gemm.memory_efficiency=0.75",
                                         "decode_attention.launch=17.9",
                                         "decode_attention.memory_efficiency=0.73",
                                         "prefill_attention.launch=11.4",
                                         "prefill_attention.compute_efficiency=0.5",
                                         "all_reduce.ranks=[2, 4, 8]",
                                         "all_reduce.latency=[5us, 5.7us, 6.6us]",
                                         "all_reduce.bandwidth=[181GB/s, 117GB/s, 98GB/s]",
                                         PLAIN,
                                         NULL};
static const char *const plain_rtx3090[] = {"peak_tflops.bf16=71.2",
                                            "memory=24GiB",
                                            "memory_bandwidth=936GB/s",
                                            "gemm.launch=9.6",
                                            "gemm.compute_efficiency=0.86",
                                            "gemm.memory_efficiency=0.89",
                                            "decode_attention.launch=13.4",
                                            "decode_attention.memory_efficiency=0.88",
                                            "prefill_attention.launch=6.7",
                                            "prefill_attention.compute_efficiency=0.6",
                                            PLAIN,
                                            NULL};

static const struct servsim_hardware_context llama_8b = {
    .size = sizeof llama_8b,
    .dtype = SERVSIM_DTYPE_BF16,
    .model_name = "llama-3.1-8b",
    .layers = 32,
    .hidden = 4096,
    .q_heads = 32,
    .kv_heads = 8,
    .head_dim = 128,
    .ffn = 14336,
    .vocab = 128256,
    .tp = 1,
    .pp = 1,
    .q_heads_per_gpu = 32,
    .kv_heads_per_gpu = 8,
    .ffn_per_gpu = 14336,
};

static void
open_device(struct fake_plugin *device, const char *name, const char *const *pairs)
{
    int rc = fake_open(device, "hardware", name);
    if (rc == 0)
        rc = fake_create(device, &llama_8b, pairs);
    if (rc != 0)
        printf("# %s: %s\n", name, device->err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static const struct servsim_hardware_ops *
ops_of(const struct fake_plugin *device)
{
    return device->descriptor->ops;
}

static int64_t
gemm_ps(struct fake_plugin *device, uint32_t times, uint64_t m, uint64_t n, uint64_t k)
{
    struct servsim_gemm op = {.size = sizeof op, .dtype = SERVSIM_DTYPE_BF16, .times = times, .m = m, .n = n, .k = k};
    int64_t ps = -1;
    CU_ASSERT_EQUAL(ops_of(device)->gemm(device->self, &op, &ps, &device->err), 0);
    return ps;
}

static struct servsim_attention
attention_op(void)
{
    return (struct servsim_attention){.size = sizeof(struct servsim_attention),
                                      .dtype = SERVSIM_DTYPE_BF16,
                                      .kv_dtype = SERVSIM_DTYPE_BF16,
                                      .times = 32,
                                      .q_heads = 32,
                                      .kv_heads = 8,
                                      .head_dim = 128};
}

static struct servsim_line
line_of(struct fake_plugin *device, const struct servsim_attention *op)
{
    struct servsim_line line = {-1, -1, 0};
    CU_ASSERT_EQUAL(ops_of(device)->attention(device->self, op, &line, &device->err), 0);
    return line;
}

static struct servsim_line
decode_line(struct fake_plugin *device, uint64_t count, uint64_t context_sum)
{
    struct servsim_attention op = attention_op();
    op.decode_count = count;
    op.decode_context_sum = context_sum;
    return line_of(device, &op);
}

static int64_t
prefill_price(struct fake_plugin *device, uint64_t tokens, uint64_t context)
{
    struct servsim_attention op = attention_op();
    op.prefill_count = 1;
    op.prefill_new_tokens = tokens;
    op.prefill_context_tokens = context;
    op.prefill_causal_pairs = tokens * context + tokens * (tokens + 1) / 2;
    struct servsim_line line = line_of(device, &op);
    CU_ASSERT_EQUAL(line.slope_ps, 0);
    CU_ASSERT_EQUAL(line.steps, UINT64_MAX);
    return line.base_ps;
}

static int64_t
collective_ps(struct fake_plugin *device, uint32_t kind, uint32_t ranks, uint64_t bytes)
{
    struct servsim_collective op = {.size = sizeof op, .kind = kind, .ranks = ranks, .times = 1, .bytes = bytes};
    int64_t ps = -1;
    CU_ASSERT_EQUAL(ops_of(device)->collective(device->self, &op, &ps, &device->err), 0);
    return ps;
}

static int64_t
all_reduce_ps(struct fake_plugin *device, uint32_t ranks, uint64_t bytes)
{
    return collective_ps(device, SERVSIM_COLLECTIVE_ALL_REDUCE, ranks, bytes);
}

/* ---- the worked check ---- */

#define LAYERS 32
#define OVERHEAD_PS (INT64_C(12500000) * LAYERS + INT64_C(750000000))

/* All but attention: four GEMMs a layer, the LM head on one row, 12.5 us a layer and 0.75 ms a step around them. */
static int64_t
dense_step_ps(struct fake_plugin *device, uint64_t tokens)
{
    return gemm_ps(device, LAYERS, tokens, 6144, 4096) + gemm_ps(device, LAYERS, tokens, 4096, 4096) +
           gemm_ps(device, LAYERS, tokens, 28672, 4096) + gemm_ps(device, LAYERS, tokens, 4096, 14336) +
           gemm_ps(device, 1, 1, 128256, 4096) + OVERHEAD_PS;
}

/* Llama-3.1-8B bf16 on one idle GPU, 512 prompt and 128 output tokens. */
static void
test_worked_check(void)
{
    static const struct {
        const char *name;
        const char *const *pairs;
        double ttft_ms, tpot_ms;
    } cases[] = {{"a100", plain_a100, 31.0, 12.38}, {"rtx3090", plain_rtx3090, 122.2, 20.93}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_plugin device = {0};
        open_device(&device, "custom", cases[i].pairs);
        double ttft_ms = (double)(dense_step_ps(&device, 512) + prefill_price(&device, 512, 0)) / 1e9;
        double tpot_ms = 0.0;
        for (uint64_t context = 512; context < 512 + 127; context++)
            tpot_ms += (double)(dense_step_ps(&device, 1) + decode_line(&device, 1, context).base_ps) / 127e9;
        printf("# %s: TTFT %.3f ms, TPOT %.4f ms\n", cases[i].name, ttft_ms, tpot_ms);
        CU_ASSERT_DOUBLE_EQUAL(ttft_ms, cases[i].ttft_ms, 0.005 * cases[i].ttft_ms);
        CU_ASSERT_DOUBLE_EQUAL(tpot_ms, cases[i].tpot_ms, 0.005 * cases[i].tpot_ms);
        fake_destroy(&device);
    }
}

/* Single kernels of the A100 by hand. */
static void
test_by_hand(void)
{
    struct fake_plugin device = {0};
    open_device(&device, "custom", plain_a100);
    /* 2 x 4096^3 = 137.439 GFLOP at 0.83 x 312 TFLOP/s = 530.734 us, + 6.1 us */
    CU_ASSERT_DOUBLE_EQUAL((double)gemm_ps(&device, 1, 4096, 4096, 4096) / 1e6, 536.834, 0.001);
    /* 2 (4096 + 4096^2 + 4096) = 33.57 MB at 0.75 x 2039 GB/s = 21.953 us, + 6.1 us */
    CU_ASSERT_DOUBLE_EQUAL((double)gemm_ps(&device, 1, 1, 4096, 4096) / 1e6, 28.053, 0.001);
    CU_ASSERT_EQUAL(gemm_ps(&device, 1, 0, 4096, 4096), 0);
    /* one context token: 2 x 8 x 128 x 2 bytes x 32 layers at 0.73 x 2039 GB/s = 88.06 ns */
    CU_ASSERT_DOUBLE_EQUAL((double)decode_line(&device, 1, 0).slope_ps, 88059.0, 1.0);
    /* behind no context a decode still reads the token that it adds, and 16,384 bytes of queries and results:
       32 x (17.9 us + 11.0073 ns) + 88.059 ns */
    CU_ASSERT_DOUBLE_EQUAL((double)decode_line(&device, 1, 0).base_ps, 573240294.0, 3.0);
    /* 4 x 32 x 128 x 512 x 513 / 2 flops at 0.5 x 312 TFLOP/s = 13.793 us, + 11.4 us, 32 times */
    CU_ASSERT_DOUBLE_EQUAL((double)prefill_price(&device, 512, 0) / 1e6, 32 * 25.193, 0.1);
    fake_destroy(&device);
}

/* Weights in fewer bits than the activations, and types that the A100 cannot multiply in. */
static void
test_quantised_gemm(void)
{
    static const struct {
        uint32_t dtype, weight_dtype;
        double us;
    } cases[] = {
        /* activations and result 2 x 8192 bytes; weights 4096^2 x 1, 0.51953125, 0.53125, 0.5625 bytes */
        {SERVSIM_DTYPE_BF16, 0, 28.0526},
        {SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_BF16, 28.0526},
        {SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_FP8, 17.0817},
        {SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_INT4, 11.8105},
        {SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_MXFP4, 11.9391},
        {SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_NVFP4, 12.2819},
        /* activations of 4096 bytes, then multiplied in 16 bits */
        {SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, 17.0790},
    };
    struct fake_plugin device = {0};
    open_device(&device, "custom", plain_a100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_gemm op = {.size = sizeof op,
                                  .dtype = cases[i].dtype,
                                  .weight_dtype = cases[i].weight_dtype,
                                  .times = 1,
                                  .m = 1,
                                  .n = 4096,
                                  .k = 4096};
        int64_t ps = -1;
        CU_ASSERT_EQUAL(ops_of(&device)->gemm(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, cases[i].us, 0.0002);
        op.weight_dtype = 99;
        CU_ASSERT_TRUE(ops_of(&device)->gemm(device.self, &op, &ps, &device.err) < 0);
    }
    fake_destroy(&device);
}

/* Mixtral-8x7B's experts on one A100. */
static void
test_experts_by_hand(void)
{
    static const struct {
        uint64_t tokens, tokens_here;
        double experts_hit, us;
    } cases[] = {
        {0, 0, 0, 0},
        /* two experts of 3 x 4096 x 14336 x 2 bytes, and 2 rows of 2 (2 x 4096 + 3 x 14336) bytes, at 1529.25 GB/s:
           460.777 + 0.134 us, + 2 x 6.1 us of launches */
        {1, 2, 2.0, 473.111},
        /* all eight; 6 x 8192 x 4096 x 14336 = 2886.218 GFLOP at 0.83 x 312 TFLOP/s = 11145.42 us, + 12.2 us */
        {4096, 8192, 8.0, 11157.62},
    };
    struct fake_plugin device = {0};
    open_device(&device, "custom", plain_a100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_moe op = {.size = sizeof op,
                                 .dtype = SERVSIM_DTYPE_BF16,
                                 .times = 1,
                                 .experts = 8,
                                 .top_k = 2,
                                 .experts_here = 8,
                                 .hidden = 4096,
                                 .ffn = 14336,
                                 .ep = 1,
                                 .tokens = cases[i].tokens,
                                 .tokens_here = cases[i].tokens_here,
                                 .experts_hit = cases[i].experts_hit};
        int64_t ps = -1;
        CU_ASSERT_EQUAL(ops_of(&device)->moe(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, cases[i].us, 0.01);
    }
    fake_destroy(&device);
}

/* The same on the A100 as it was measured, one of two GPUs that share the experts: kernels that move rows move all of
   them. */
static void
test_spread_by_hand(void)
{
    struct fake_plugin device = {0};
    struct servsim_moe op = {.size = sizeof op,
                             .dtype = SERVSIM_DTYPE_BF16,
                             .times = 1,
                             .experts = 8,
                             .top_k = 2,
                             .experts_here = 4,
                             .hidden = 4096,
                             .ffn = 14336,
                             .ep = 2,
                             .tokens = 2048,
                             .tokens_here = 2048,
                             .experts_hit = 4.0};
    int64_t ps = -1;
    open_device(&device, "a100", NULL);
    CU_ASSERT_EQUAL(ops_of(&device)->moe(device.self, &op, &ps, &device.err), 0);
    /* 28.6 us; 721.554 GFLOP at 0.579 x 312 TFLOP/s, 3994.29 us; weights of 4 x 352.32 MB at 0.825 x 2039 GB/s, 837.79
       us; 1.71 times 4096 rows of 102400 bytes at 2039 GB/s, 351.76 us */
    double both = pow(pow(3994.29, 1.68) + pow(837.79, 1.68), 1.0 / 1.68);
    CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, 28.6 + both + 351.76, 0.1);
    fake_destroy(&device);
}

/* DeepSeek-V3's latent attention on one A100: 128 heads, 512 + 64 values a token, keys of 192 and values of 128. */
static void
test_latent_attention_by_hand(void)
{
    struct fake_plugin device = {0};
    struct servsim_attention op = attention_op();
    open_device(&device, "custom", plain_a100);
    op.times = 1;
    op.q_heads = 128;
    op.kv_heads = 1;
    op.head_dim = 192;
    op.v_head_dim = 128;
    op.latent_rank = 512;
    op.rope_dim = 64;
    op.decode_count = 1;
    op.decode_context_sum = 999;
    /* a context token: 2 x 128 x 1088 flops at 0.5 x 312 TFLOP/s = 1785.4 ps (reading 1152 bytes: 774 ps); queries and
       results: 278528 bytes at 0.73 x 2039 GB/s = 0.1871 us, + 17.9 us */
    struct servsim_line line = line_of(&device, &op);
    CU_ASSERT_EQUAL(line.slope_ps, 1785);
    CU_ASSERT_DOUBLE_EQUAL((double)line.base_ps / 1e6, 18.0871 + 1.785, 0.0002);
    op.decode_count = 0;
    op.prefill_count = 1;
    op.prefill_new_tokens = 100;
    op.prefill_context_tokens = 1000;
    op.prefill_causal_pairs = 105050;
    /* 2 x 128 x 320 x 105050 = 8.6057 GFLOP at 156 TFLOP/s = 55.165 us, + 11.4 us; keys and values of 1000 tokens:
       2 x 128 x 512 x 256 x 1000 = 33.554 GFLOP at 258.96 TFLOP/s = 129.574 us */
    CU_ASSERT_DOUBLE_EQUAL((double)line_of(&device, &op).base_ps / 1e6, 196.139, 0.001);
    fake_destroy(&device);
}

/* Where all that an engine runs between the GEMMs was measured: 16 heads of DeepSeek-V3 on an H200 of 132 SMs. */
static void
test_latent_modules_by_hand(void)
{
    struct fake_plugin device = {0};
    struct servsim_attention op = attention_op();
    open_device(&device, "h200", (const char *const[]){NULL});
    op.times = 1;
    op.q_heads = 16;
    op.kv_heads = 1;
    op.head_dim = 192;
    op.v_head_dim = 128;
    op.latent_rank = 512;
    op.rope_dim = 64;
    op.decode_count = 64;
    op.decode_context_sum = 64 * 999;
    /* a context token: 1152 bytes at 0.604 x 4800 GB/s = 397.35 ps (34816 flops take 42 ps); 51.5 us + 11.6 us x 64 /
       132 + 4.1 x 2228224 bytes at that rate, 3.1511 us */
    struct servsim_line line = line_of(&device, &op);
    CU_ASSERT_EQUAL(line.slope_ps, 64 * 397);
    CU_ASSERT_DOUBLE_EQUAL((double)line.base_ps / 1e6, 60.2753 + 64.0 * 0.397, 0.0002);
    double decodes_us = (double)line.base_ps / 1e6;
    op.q_heads = 65; /* and the 64 requests are 128 parts */
    CU_ASSERT_DOUBLE_EQUAL((double)line_of(&device, &op).base_ps / 1e6, 51.5 + 11.2485 + 12.8014 + 64.0 * 0.397,
                           0.0002);
    op.q_heads = 16;
    op.prefill_count = 1;
    op.prefill_new_tokens = 512;
    op.prefill_causal_pairs = 131328;
    /* 1344798720 flops at 0.711 x 989 TFLOP/s, 1.9125 us, + 12.7 us + 0.84 x 21012480 flops on an SM, 2.3558 us;
       5570560 bytes of queries, keys, values and results at 0.34 x 4800 GB/s, 3.4133 us; 0.1448 us for each token */
    double prompt_us = 12.7 + 1.9125 + 2.3558 + 3.4133 + 512.0 * 0.1448;
    CU_ASSERT_DOUBLE_EQUAL((double)line_of(&device, &op).base_ps / 1e6, decodes_us + prompt_us, 0.001);
    op.decode_count = 0;
    op.decode_context_sum = 0;
    CU_ASSERT_DOUBLE_EQUAL((double)line_of(&device, &op).base_ps / 1e6, 39.8 + prompt_us, 0.001);
    fake_destroy(&device);
}

/* Decodes that have settled in their window cost what they see, and no more in later steps. */
static void
test_window(void)
{
    struct fake_plugin device = {0};
    struct servsim_attention op = attention_op();
    open_device(&device, "custom", plain_a100);
    op.window = 128;
    op.decode_count = 10;
    op.decode_context_sum = 10 * 127;
    struct servsim_line growing = line_of(&device, &op);
    op.decode_settled = 4;
    struct servsim_line some = line_of(&device, &op);
    op.decode_settled = 10;
    struct servsim_line none = line_of(&device, &op);
    CU_ASSERT_EQUAL(some.base_ps, growing.base_ps);
    CU_ASSERT_EQUAL(none.base_ps, growing.base_ps);
    CU_ASSERT_EQUAL(some.slope_ps * 10, growing.slope_ps * 6);
    CU_ASSERT_EQUAL(none.slope_ps, 0);
    fake_destroy(&device);
}

/* One message of 1 MB: 12 us + 200 us through the host, 5 us + 80 us over the network of the RTX 3090. */
static void
test_p2p_by_hand(void)
{
    struct fake_plugin device = {0};
    struct servsim_p2p op = {.size = sizeof op, .times = 1, .bytes = 1000000};
    int64_t ps = -1;
    open_device(&device, "rtx3090", NULL);
    CU_ASSERT_EQUAL(ops_of(&device)->p2p(device.self, &op, &ps, &device.err), 0);
    CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, 212, 0.001);
    op.between_nodes = 1;
    CU_ASSERT_EQUAL(ops_of(&device)->p2p(device.self, &op, &ps, &device.err), 0);
    CU_ASSERT_EQUAL(ps, 85000000);
    fake_destroy(&device);
}

/* The experiment's cluster goes before the device's own nodes and network. */
static void
test_cluster_of_the_experiment(void)
{
    struct servsim_hardware_context context = llama_8b;
    struct servsim_p2p op = {.size = sizeof op, .times = 1, .bytes = 1000000, .between_nodes = 1};
    struct servsim_device about = {.size = sizeof about};
    struct fake_plugin device = {0};
    int64_t ps = -1;
    context.gpus_per_node = 4;
    context.network_bytes_per_s = 50e9;
    context.network_latency_us = 3.0;
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", "rtx3090"), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &context, NULL), 0);
    CU_ASSERT_EQUAL(ops_of(&device)->p2p(device.self, &op, &ps, &device.err), 0);
    CU_ASSERT_EQUAL(ps, 23000000);
    CU_ASSERT_EQUAL(ops_of(&device)->describe(device.self, &about, &device.err), 0);
    CU_ASSERT_EQUAL(about.gpus_per_node, 4);
    CU_ASSERT_EQUAL(about.network_bytes_per_s, 50e9);
    fake_destroy(&device);
}

/* Tiles on 108 SMs of 1 TFLOP/s each, without launch and with next to no traffic. */
static void
test_tiles_by_hand(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=108",
                                        "memory=80GiB",
                                        "memory_bandwidth=1000TB/s",
                                        "sms=108",
                                        "gemm.launch=0",
                                        "gemm.compute_efficiency=1",
                                        "gemm.memory_efficiency=1",
                                        "gemm.softness=0",
                                        "gemm.tile_loss=0.5",
                                        "gemm.fill=1",
                                        "gemm.max_split=2",
                                        NULL};
    static const struct {
        uint64_t m, n, k;
        uint32_t dtype, weight_dtype;
        double us;
    } cases[] = {
        /* 108 tiles of 256 x 128: one wave of 2 x 256 x 128 x 4096 / 1e6 us, loss 0, and a fill */
        {256, 128 * 108, 4096, SERVSIM_DTYPE_BF16, 0, 268.435456 + 1.0},
        /* one tile more: K in two parts makes 218 half tiles in three waves of 134.217728 + 1, which beats two waves of
           269.4; and one more fill, and the sums' traffic of 8 x 2 x 256 x 13952 / 4e15 s */
        {256, 128 * 109, 4096, SERVSIM_DTYPE_BF16, 0, 3.0 * (134.217728 + 1.0) + 1.0 + 0.014287},
        /* one tile of 64 x 64 (loss 1.25), K in two parts: 2 x 64 x 64 x 2048 / 1e6 x 2.25, and two fills; the sums'
           traffic is 8 x 2 x 64 x 64 / 4e15 s */
        {1, 64, 4096, SERVSIM_DTYPE_BF16, 0, 16.777216 * 2.25 + 2.0 + 1.6384e-5},
        /* weights that are widened: one of 16 x 64 (loss 4.25) does a quarter of that at 5.25 */
        {1, 64, 4096, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_INT4, 4.194304 * 5.25 + 2.0 + 1.6384e-5},
        /* 54 of 32 x 128 (loss 1.75), K in two parts, are one wave; the sums' traffic is 8 x 2 x 17 x 6912 / 4e15 s */
        {17, 64 * 108, 4096, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_INT4, 16.777216 * 2.75 + 2.0 + 4.7e-4},
        /* FP8 is, too, on a device that multiplies in 16 bits alone */
        {1, 64, 4096, SERVSIM_DTYPE_FP8, SERVSIM_DTYPE_FP8, 4.194304 * 5.25 + 2.0 + 1.6384e-5},
        /* of as many rows as a tile of 256 x 128 has, nothing changes */
        {256, 128 * 108, 4096, SERVSIM_DTYPE_BF16, SERVSIM_DTYPE_INT4, 268.435456 + 1.0},
    };
    struct fake_plugin device = {0};
    open_device(&device, "custom", pairs);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_gemm op = {.size = sizeof op,
                                  .dtype = cases[i].dtype,
                                  .weight_dtype = cases[i].weight_dtype,
                                  .times = 1,
                                  .m = cases[i].m,
                                  .n = cases[i].n,
                                  .k = cases[i].k};
        int64_t ps = -1;
        CU_ASSERT_EQUAL(ops_of(&device)->gemm(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, cases[i].us, 1e-3);
    }
    fake_destroy(&device);
}

/* A soft maximum of equal halves: 2^(1/s) times either. */
static void
test_soft_maximum(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=2",       "memory=80GiB",
                                        "memory_bandwidth=1GB/s",   "gemm.launch=0",
                                        "gemm.softness=2",          "gemm.compute_efficiency=1",
                                        "gemm.memory_efficiency=1", NULL};
    struct fake_plugin device = {0};
    open_device(&device, "custom", pairs);
    /* 2 n^3 flops at 2 TFLOP/s and 6 n^2 bytes at 1 GB/s are equal where n is 6,000: 216,000 us each */
    CU_ASSERT_DOUBLE_EQUAL((double)gemm_ps(&device, 1, 6000, 6000, 6000) / 1e6, 216000.0 * sqrt(2.0), 1.0);
    fake_destroy(&device);
}

/* 512 columns read the input again as if 4 x 0.25 of it came from memory: 1 MiB twice, 1 MiB of weights, 0.5 MiB of
   results at 1 GB/s. 256 columns read half of it again. */
static void
test_read_again(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=1000000", "memory=80GiB",
                                        "memory_bandwidth=1GB/s",   "gemm.launch=0",
                                        "gemm.softness=0",          "gemm.memory_efficiency=1",
                                        "gemm.reread=0.25",         NULL};
    struct fake_plugin device = {0};
    open_device(&device, "custom", pairs);
    CU_ASSERT_DOUBLE_EQUAL((double)gemm_ps(&device, 1, 512, 512, 1024) / 1e6, 2.0 * 1048.576 + 1048.576 + 524.288,
                           1e-3);
    CU_ASSERT_DOUBLE_EQUAL((double)gemm_ps(&device, 1, 512, 256, 1024) / 1e6, 1.5 * 1048.576 + 524.288 + 262.144, 1e-3);
    fake_destroy(&device);
}

/* Traffic of small kernels: at four times the bandwidth, and beyond half of the L2 at it; nothing without an L2. */
static void
test_small_kernels(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=100", "memory=80GiB", "memory_bandwidth=1000GB/s", "l2=40MB",
                                        NULL};
    static const struct {
        uint32_t role;
        uint64_t rows;
        double us;
    } cases[] = {
        /* 3 values of 2 bytes for each of 10,000 columns: 60 kB a row at 4 TB/s */
        {SERVSIM_ELEMENTWISE_ACTIVATION, 100, 1.5},
        /* 60 MB: all of it at 4 TB/s, and three quarters of what exceeds 20 MB at 1 TB/s, so that it pays 1 TB/s */
        {SERVSIM_ELEMENTWISE_ACTIVATION, 1000, 15.0 + 30.0},
        {SERVSIM_ELEMENTWISE_NORM, 100, 2.0},
        {SERVSIM_ELEMENTWISE_ROTARY, 100, 1.0},
        {SERVSIM_ELEMENTWISE_SAMPLER, 100, 2.0},
    };
    struct fake_plugin device = {0}, without = {0};
    open_device(&device, "custom", pairs);
    open_device(&without, "custom", plain_a100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_elementwise op = {.size = sizeof op,
                                         .role = cases[i].role,
                                         .dtype = SERVSIM_DTYPE_BF16,
                                         .times = 1,
                                         .rows = cases[i].rows,
                                         .columns = 10000};
        int64_t ps = -1;
        CU_ASSERT_EQUAL(ops_of(&device)->elementwise(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, cases[i].us, 1e-6);
        CU_ASSERT_EQUAL(ops_of(&without)->elementwise(without.self, &op, &ps, &without.err), 0);
        CU_ASSERT_EQUAL(ps, 0);
    }
    fake_destroy(&device);
    fake_destroy(&without);
}

/* Without shared heads the A100's kernel reads each KV head of each request in one block, at 22.4 GB/s: few of them do
   not use the memory, and the line stays a line. */
static void
test_unsplit_decode(void)
{
    struct fake_plugin device = {0};
    struct servsim_attention op = attention_op();
    open_device(&device, "a100", NULL);
    op.q_heads = op.kv_heads = 4;
    op.times = 1;
    op.decode_count = 2;
    op.decode_context_sum = 20000;
    struct servsim_line few = line_of(&device, &op);
    /* 2 x 4 x 128 x 2 bytes for each of two tokens a step, at 8 x 22.4 GB/s */
    CU_ASSERT_DOUBLE_EQUAL((double)few.slope_ps, 2.0 * 2048.0 / (8.0 * 22.4e9) * 1e12, 2.0);
    op.decode_count = 200;
    struct servsim_line many = line_of(&device, &op);
    CU_ASSERT_DOUBLE_EQUAL((double)many.slope_ps, 200.0 * 2048.0 / (0.747 * 2039e9) * 1e12, 200.0);
    fake_destroy(&device);
}

/* On an RTX 4090 of 128 SMs: 37.4 us from 2.3 heads of requests on each of them on, in proportion before. */
static void
test_ramp_of_decodes(void)
{
    static const struct {
        uint64_t count;
        double ramp_us;
    } cases[] = {{1, 37.4 * 8 / 128 / 2.3}, {16, 37.4 / 2.3}, {36, 37.4 * 2.25 / 2.3}, {37, 37.4}, {400, 37.4}};
    struct fake_plugin device = {0};
    struct servsim_attention op = attention_op();
    open_device(&device, "rtx4090", NULL);
    op.times = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op.decode_count = cases[i].count;
        op.decode_context_sum = 700 * cases[i].count;
        /* 4096 bytes for each of 701 keys; a query and a result of 32 x 128 values of 2 bytes */
        double bytes = (double)cases[i].count * (701.0 * 4096.0 + 4.0 * 32.0 * 128.0);
        double expected_us = 9.0 + cases[i].ramp_us + bytes / (0.942 * 1008e9) * 1e6;
        CU_ASSERT_DOUBLE_EQUAL((double)line_of(&device, &op).base_ps / 1e6, expected_us, 1e-3 * expected_us);
    }
    op.decode_count = 37; /* beside prefill they begin with its blocks */
    op.decode_context_sum = 37;
    double apart_us = (double)line_of(&device, &op).base_ps / 1e6;
    op.prefill_count = 1;
    op.prefill_new_tokens = 16;
    op.prefill_causal_pairs = 136;
    CU_ASSERT((double)line_of(&device, &op).base_ps / 1e6 < apart_us);
    fake_destroy(&device);
}

/* Of three contexts of 1,000, 1,000 and 4,000 tokens, skew adds 0.1 x (3 x 4000 - 6000) tokens; and as many behind
   further steps. */
static void
test_skew(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=100", "memory=80GiB", "memory_bandwidth=1000GB/s",
                                        "decode_attention.skew=0.1", NULL};
    struct fake_plugin device = {0};
    open_device(&device, "custom", pairs);
    struct servsim_attention op = attention_op();
    op.decode_count = 3;
    op.decode_context_sum = 6000;
    struct servsim_line even = line_of(&device, &op);
    op.decode_context_min = 1000;
    op.decode_context_max = 4000;
    struct servsim_line skewed = line_of(&device, &op);
    CU_ASSERT_EQUAL(skewed.slope_ps, even.slope_ps);
    CU_ASSERT_EQUAL(skewed.base_ps - even.base_ps, 200 * even.slope_ps); /* 600 tokens; a step adds three */
    op.decode_context_sum += 3 * 500;
    op.decode_context_max += 500;
    CU_ASSERT_EQUAL(line_of(&device, &op).base_ps, skewed.base_ps + 500 * skewed.slope_ps);
    fake_destroy(&device);
}

/* A short chunk behind a long context is bound by the chain of one tile over all of its keys. */
static void
test_prefill_chain(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=100",
                                        "memory=80GiB",
                                        "memory_bandwidth=1000GB/s",
                                        "sms=100",
                                        "prefill_attention.launch=5",
                                        "prefill_attention.compute_efficiency=0.5",
                                        "prefill_attention.chain=2",
                                        "prefill_attention.memory_efficiency=0.5",
                                        NULL};
    struct fake_plugin device = {0};
    open_device(&device, "custom", pairs);
    /* for one layer: 16 queries see 1008.5 keys on average, 16,136 pairs. 4 x 32 x 128 x 16136 flops at 50 TFLOP/s =
       5.287 us; 2 x 4 x 128 x 128 x 1008.5 at 1 TFLOP/s = 132.186 us; KV of 1,016 tokens (4,096 bytes) and queries and
       results of 16 (16,384 bytes) at 500 GB/s = 8.847 us */
    CU_ASSERT_DOUBLE_EQUAL((double)prefill_price(&device, 16, 1000) / 1e6 / 32.0, 5.0 + 5.2874 + 132.1861 + 8.8474,
                           0.01);
    fake_destroy(&device);
}

/* ---- what holds of any price ---- */

static uint64_t
below(struct servsim_random *random, uint64_t limit)
{
    return servsim_random_u64(random) % limit;
}

/* The line at step j is the line at step 0 moved by j, for any batch and any j, with and without prefill beside. */
static void
test_lines_split_exactly(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        struct servsim_random random = {42 + i};
        open_device(&device, devices[i].name, devices[i].pairs);
        uint64_t bad = 0;
        for (int trial = 0; trial < 5000; trial++) {
            struct servsim_attention op = attention_op();
            op.kv_heads = 1u << below(&random, 6);
            op.times = 1 + (uint32_t)below(&random, 128);
            op.decode_count = 1 + below(&random, 4096);
            op.decode_context_sum = below(&random, 1000000000);
            op.prefill_count = below(&random, 2);
            op.prefill_causal_pairs = below(&random, 1000000000);
            struct servsim_line start = line_of(&device, &op);
            uint64_t j = below(&random, 200000);
            op.decode_context_sum += j * op.decode_count;
            struct servsim_line later = line_of(&device, &op);
            bad += later.base_ps != start.base_ps + (int64_t)j * start.slope_ps || later.slope_ps != start.slope_ps ||
                   start.steps != UINT64_MAX || start.slope_ps <= 0 || start.base_ps <= 0;
        }
        CU_ASSERT_EQUAL(bad, 0);
        fake_destroy(&device);
    }
}

/* A larger operand never costs less, and everything that runs costs something. */
static void
test_gemm_is_monotone(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        struct servsim_random random = {7 + i};
        open_device(&device, devices[i].name, devices[i].pairs);
        uint64_t bad = 0;
        for (int trial = 0; trial < 5000; trial++) {
            uint64_t m = 1 + below(&random, 1u << (1 + trial % 14)), n = 1 + below(&random, 1u << (1 + trial % 17));
            uint64_t k = 1 + below(&random, 1u << (1 + trial % 15)), more = 1 + below(&random, 100);
            int64_t ps = gemm_ps(&device, 1, m, n, k);
            bad += ps <= 0 || gemm_ps(&device, 1, m + more, n, k) < ps || gemm_ps(&device, 1, m, n + more, k) < ps ||
                   gemm_ps(&device, 1, m, n, k + more) < ps || gemm_ps(&device, 2, m, n, k) <= ps;
            /* rounded once for all `times`: within one ps of as many single prices, but for their own rounding */
            bad += llabs(gemm_ps(&device, 100, m, n, k) - 100 * ps) > 51;
        }
        CU_ASSERT_EQUAL(bad, 0);
        fake_destroy(&device);
    }
}

static void
test_attention_is_monotone(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        struct servsim_random random = {11 + i};
        open_device(&device, devices[i].name, devices[i].pairs);
        uint64_t bad = 0;
        for (int trial = 0; trial < 5000; trial++) {
            uint64_t tokens = 1 + below(&random, 8192), context = below(&random, 100000);
            uint64_t count = 1 + below(&random, 512), sum = below(&random, 10000000);
            bad += prefill_price(&device, tokens + 1, context) < prefill_price(&device, tokens, context) ||
                   prefill_price(&device, tokens, context + 64) < prefill_price(&device, tokens, context) ||
                   decode_line(&device, count, sum + 1).base_ps <= decode_line(&device, count, sum).base_ps ||
                   decode_line(&device, count + 1, sum).base_ps <= decode_line(&device, count, sum).base_ps;
        }
        CU_ASSERT_EQUAL(bad, 0);
        fake_destroy(&device);
    }
}

/* Prefill and decode in one batch are two kernels, or one that takes no less than either; an empty batch is none. */
static void
test_mixed_batch(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        open_device(&device, devices[i].name, devices[i].pairs);
        struct servsim_attention op = attention_op();
        struct servsim_line none = line_of(&device, &op);
        CU_ASSERT_EQUAL(none.base_ps, 0);
        CU_ASSERT_EQUAL(none.slope_ps, 0);
        op.prefill_count = 2;
        op.prefill_new_tokens = 300;
        op.prefill_causal_pairs = 30000;
        struct servsim_line prefill = line_of(&device, &op);
        op.decode_count = 5;
        op.decode_context_sum = 5000;
        struct servsim_line both = line_of(&device, &op), decode = decode_line(&device, 5, 5000);
        CU_ASSERT_TRUE(both.base_ps > prefill.base_ps && both.base_ps > decode.base_ps);
        CU_ASSERT_TRUE(both.slope_ps >= decode.slope_ps);
        fake_destroy(&device);
    }
}

/* The sum of both kernels; and in a joint one, a launch less, and decodes as chunks of 64 queries. For one layer of 32
   heads of 128 and 8 KV heads, two decodes behind 1,000 tokens together. */
static void
test_joint_batch(void)
{
    static const char *const apart[] = {"peak_tflops.bf16=100",
                                        "memory=80GiB",
                                        "memory_bandwidth=1000GB/s",
                                        "decode_attention.launch=12",
                                        "decode_attention.memory_efficiency=1",
                                        "prefill_attention.launch=7",
                                        "prefill_attention.compute_efficiency=0.5",
                                        "prefill_attention.memory_efficiency=0",
                                        NULL};
    static const char *const joint[] = {"peak_tflops.bf16=100",
                                        "memory=80GiB",
                                        "memory_bandwidth=1000GB/s",
                                        "decode_attention.launch=12",
                                        "decode_attention.memory_efficiency=1",
                                        "prefill_attention.launch=7",
                                        "prefill_attention.compute_efficiency=0.5",
                                        "prefill_attention.memory_efficiency=0",
                                        "decode_attention.joint=true",
                                        "decode_attention.padded_rows=64",
                                        "decode_attention.padded_keys=100",
                                        NULL};
    static const struct {
        const char *const *pairs;
        double us;
    } cases[] = {
        /* prefill: 7 + 16384 x 1000 / 50e12 s = 7.32768; decode: 12 + 2 x 16384 bytes and 1002 x 4096 at 1 TB/s */
        {apart, 7.32768 + 12.0 + 0.032768 + 4.104192},
        /* a key under 64 queries takes 16384 x 64 / 50e12 s = 0.02097152 us: 1,002 of contexts and 200 more */
        {joint, 0.32768 + 12.0 + 0.032768 + 1202.0 * 0.02097152},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_plugin device = {0};
        open_device(&device, "custom", cases[i].pairs);
        struct servsim_attention op = attention_op();
        op.times = 1;
        op.prefill_count = 1;
        op.prefill_new_tokens = 100;
        op.prefill_causal_pairs = 1000;
        op.decode_count = 2;
        op.decode_context_sum = 1000;
        CU_ASSERT_DOUBLE_EQUAL((double)line_of(&device, &op).base_ps / 1e6, cases[i].us, 1e-3);
        fake_destroy(&device);
    }
}

static void
test_collectives(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        open_device(&device, devices[i].name, devices[i].pairs);
        for (uint32_t kind = SERVSIM_COLLECTIVE_ALL_REDUCE; kind <= SERVSIM_COLLECTIVE_ALL_TO_ALL; kind++) {
            CU_ASSERT_EQUAL(collective_ps(&device, kind, 1, 1 << 20), 0);
            for (uint32_t ranks = 2; ranks <= 64; ranks++) {
                int64_t last = 0;
                for (uint64_t bytes = 1; bytes < UINT64_C(1) << 40; bytes *= 4) {
                    int64_t ps = collective_ps(&device, kind, ranks, bytes);
                    CU_ASSERT_TRUE(ps > 0 && ps >= last);
                    last = ps;
                }
            }
        }
        struct servsim_collective op = {.size = sizeof op, .kind = 9, .ranks = 2, .times = 1, .bytes = 1};
        int64_t ps;
        CU_ASSERT_EQUAL(ops_of(&device)->collective(device.self, &op, &ps, &device.err), -ENOTSUP);
        fake_destroy(&device);
    }
}

/* us of an all-reduce, by hand. */
static void
test_all_reduce_figures(void)
{
    static const char *const bridge[] = {"link=nvlink_bridge", NULL}, *const one_node[] = {"gpus_per_node=16", NULL};
    static const char *const by_host[] = {"link_bandwidth=5GB/s", "link_latency=4us", NULL};
    static const char *const by_peers[] = {"link_bandwidth=25GB/s", "link_latency=1.5us", NULL};
    static const struct {
        const char *device;
        const char *const *pairs;
        uint32_t ranks;
        double bytes, us;
    } cases[] = {
        {"custom", plain_a100, 2, 1e6, 5.0 + 1e6 / 181e3},
        {"custom", plain_a100, 4, 1e6, 5.7 + 1e6 / 117e3},
        {"custom", plain_a100, 8, 1e6, 6.6 + 1e6 / 98e3},
        /* 16: within the nodes as 8, and a ring of two over the network on an eighth */
        {"custom", plain_a100, 16, 1e6, 6.6 + 1e6 / 98e3 + 2 * (5.0 + 1e6 / 8 / 2 / 25e3)},
        /* in one node: a ring of 30 steps, 136.6 / 236 us each, at the mean of 181, 175.5 and 171.5 GB/s */
        {"a100", one_node, 16, 1e6, 30 * (136.6 / 236 + 1e6 / 16 / 176e3)},
        /* between 512 KiB and 1 MiB of a table; below its first; beyond its last, 1091.0, after 577.4 */
        {"a100", NULL, 8, 1e6, 18.9 + (21.7 - 18.9) * (1e6 - 524288) / 524288},
        {"h100", NULL, 8, 1e6, 12.0 + (15.0 - 12.0) * (1e6 - 524288) / 524288},
        {"h100", by_host, 8, 1e6, 14 * (4.0 + 1e6 / 8 / 5e3)},
        {"h100", NULL, 8, 1000, 5.1},
        {"h100", NULL, 8, 1 << 29, 1091.0 + 2 * (1091.0 - 577.4)},
        /* GeForce cards through the host, the others by transfers between peers */
        {"rtx3090", NULL, 2, 1e6, 9 + 2 * (3.0 + 1e6 / 2 / 5e3)},
        {"rtx3090", NULL, 4, 1e6, 9 + 6 * (3.0 + 1e6 / 4 / 5e3)},
        {"rtx3090", by_peers, 4, 1e6, 6 * (1.5 + 1e6 / 4 / 25e3)},
        {"rtx4090", NULL, 4, 1e6, 9 + 6 * (3.0 + 1e6 / 4 / 5e3)},
        {"a40", NULL, 4, 1e6, 4.6 + 6 * (1.55 + 1e6 / 4 / 25e3)},
        {"a6000", NULL, 2, 1e6, 1.3 + 2 * (1.55 + 1e6 / 2 / 25e3)},
        {"rtx3090", bridge, 2, 1e6, 1.3 + 2 * (1.55 + 1e6 / 2 / 56.25e3)},
        {"a6000", bridge, 2, 1e6, 1.3 + 2 * (1.55 + 1e6 / 2 / 56.25e3)},
        /* 4: a ring of the link that two ranks show, 2.65 us a step at 19 GB/s */
        {"l40s", NULL, 4, 1e6, 6 * (5.3 / 2 + 1e6 / 4 / 19e3)},
        {"rtx3090", bridge, 4, 1e6, 9 + 6 * (3.0 + 1e6 / 4 / 5e3)},
        /* 12: not whole nodes, so one ring at the pace of its slowest hop: the network, or the host */
        {"a6000", NULL, 12, 1e6, 22 * (5.0 + 1e6 / 12 / 12.5e3)},
        {"rtx3090", NULL, 12, 1e6, 22 * (5.0 + 1e6 / 12 / 5e3)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_plugin device = {0};
        open_device(&device, cases[i].device, cases[i].pairs);
        double us = (double)all_reduce_ps(&device, cases[i].ranks, (uint64_t)cases[i].bytes) / 1e6;
        CU_ASSERT_DOUBLE_EQUAL(us, cases[i].us, 1e-5 * cases[i].us);
        fake_destroy(&device);
    }
}

/* Every form of communication by hand: 1 MB, a link of 100 GB/s and 2 us a step, a network of 25 GB/s and 5 us. */
static void
test_links_by_hand(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=100",      "memory=24GiB",
                                        "memory_bandwidth=1000GB/s", "link.bandwidth=100GB/s",
                                        "link.latency=2us",          "network.bandwidth=25GB/s",
                                        "network.latency=5us",       NULL};
    static const struct {
        uint32_t kind, ranks, ranks_per_node;
        double us;
    } cases[] = {
        /* a ring of quarters: 2 us + 2.5 us a step */
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 4, 4, 6 * 4.5},
        {SERVSIM_COLLECTIVE_ALL_GATHER, 4, 4, 3 * 4.5},
        {SERVSIM_COLLECTIVE_REDUCE_SCATTER, 4, 4, 3 * 4.5},
        {SERVSIM_COLLECTIVE_ALL_TO_ALL, 4, 4, 3 * 4.5},
        /* two nodes of four: the same within each, and eighths between two, 5 us + 5 us a step */
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 8, 4, 6 * 4.5 + 2 * 10},
        {SERVSIM_COLLECTIVE_ALL_GATHER, 8, 4, 3 * 4.5 + 10},
        {SERVSIM_COLLECTIVE_REDUCE_SCATTER, 8, 4, 3 * 4.5 + 10},
        /* half of the buffer leaves: 5 us + 20 us, longer than 3 (2 + 1.25) us within */
        {SERVSIM_COLLECTIVE_ALL_TO_ALL, 8, 4, 25},
        /* three GPUs, each in a node of its own */
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 3, 1, 4 * (5 + 40.0 / 3)},
        {SERVSIM_COLLECTIVE_ALL_GATHER, 3, 1, 2 * (5 + 40.0 / 3)},
        {SERVSIM_COLLECTIVE_ALL_TO_ALL, 3, 1, 2 * 5 + 80.0 / 3},
        /* four and two: one ring at the pace of the network */
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 6, 4, 10 * (5 + 40.0 / 6)},
        {SERVSIM_COLLECTIVE_ALL_TO_ALL, 6, 4, 5 * (5 + 40.0 / 6)},
        /* not stated: nodes of the device's eight */
        {SERVSIM_COLLECTIVE_ALL_REDUCE, 16, 0, 14 * (2 + 1.25) + 2 * (5 + 2.5)},
    };
    struct fake_plugin device = {0};
    open_device(&device, "custom", pairs);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_collective op = {.size = sizeof op,
                                        .kind = cases[i].kind,
                                        .ranks = cases[i].ranks,
                                        .ranks_per_node = cases[i].ranks_per_node,
                                        .times = 1,
                                        .bytes = 1000000};
        int64_t ps = -1;
        CU_ASSERT_EQUAL(ops_of(&device)->collective(device.self, &op, &ps, &device.err), 0);
        CU_ASSERT_DOUBLE_EQUAL((double)ps / 1e6, cases[i].us, 1e-5);
    }
    fake_destroy(&device);
    /* a bridge joins two cards, for every form: 6.15 us + 500 kB at 56.25 GB/s; 12 us and 5 GB/s without it */
    static const char *const bridge[] = {"link=nvlink_bridge", NULL};
    open_device(&device, "rtx3090", bridge);
    CU_ASSERT_DOUBLE_EQUAL((double)collective_ps(&device, SERVSIM_COLLECTIVE_ALL_GATHER, 2, 1000000) / 1e6,
                           4.6 + 1.55 + 500 / 56.25, 1e-5);
    fake_destroy(&device);
    open_device(&device, "rtx3090", NULL);
    CU_ASSERT_DOUBLE_EQUAL((double)collective_ps(&device, SERVSIM_COLLECTIVE_ALL_GATHER, 2, 1000000) / 1e6,
                           9.0 + 3.0 + 500 / 5.0, 1e-5);
    fake_destroy(&device);
}

static void
test_describe(void)
{
    static const struct {
        const char *name;
        double peak, bandwidth;
        uint64_t memory;
        double board_w;
    } want[] = {
        {"rtx3090", 71.2e12, 936e9, UINT64_C(24) << 30, 350},
        {"rtx4090", 165.2e12, 1008e9, UINT64_C(24) << 30, 450},
        {"rtxpro6000", 503.8e12, 1597e9, UINT64_C(96) << 30, 600},
        {"a40", 149.7e12, 696e9, UINT64_C(46068) << 20, 300},
        {"a6000", 154.8e12, 768e9, UINT64_C(48) << 30, 300},
        {"a100", 312e12, 2039e9, UINT64_C(80) << 30, 400},
        {"h100", 989e12, 3350e9, UINT64_C(80) << 30, 700},
        {"h200", 989e12, 4800e9, UINT64_C(141) << 30, 700},
        {"l40s", 362e12, 864e9, UINT64_C(46068) << 20, 350},
        {"b200", 2250e12, 7700e9, UINT64_C(180) << 30, 1000},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct fake_plugin device = {0};
        struct servsim_device about = {.size = sizeof about};
        open_device(&device, want[i].name, NULL);
        CU_ASSERT_EQUAL(ops_of(&device)->describe(device.self, &about, &device.err), 0);
        CU_ASSERT_EQUAL(about.peak_flops, want[i].peak);
        CU_ASSERT_EQUAL(about.memory_bytes_per_s, want[i].bandwidth);
        CU_ASSERT_EQUAL(about.memory_bytes, want[i].memory);
        CU_ASSERT_EQUAL(about.gpus_per_node, 8);
        CU_ASSERT_EQUAL(about.price_usd_per_hour, 0.0);
        CU_ASSERT_EQUAL(about.power_limit_w, want[i].board_w);
        CU_ASSERT(about.power_idle_w > 0 && about.power_idle_w <= about.power_busy_w);
        CU_ASSERT(about.power_busy_w < about.power_limit_w);
        CU_ASSERT(about.power_host_w == 0 && about.electricity_usd_per_kwh == 0);
        /* at the peak of both, beyond the limit; reading alone, below it */
        CU_ASSERT(about.energy_per_flop_pj * about.peak_flops > 1e12 * about.power_limit_w);
        CU_ASSERT(about.energy_per_byte_pj * about.memory_bytes_per_s < 1e12 * about.power_limit_w);
        CU_ASSERT_PTR_NOT_NULL(device.descriptor->page);
        fake_destroy(&device);
    }
}

/* ---- what is refused ---- */

static void
test_refused(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        struct servsim_hardware_context unknown = llama_8b;
        unknown.dtype = 77;
        CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", devices[i].name), 0);
        CU_ASSERT_EQUAL(fake_create(&device, &unknown, devices[i].pairs), -ENOTSUP);
        CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, "unknown type"));
        CU_ASSERT_EQUAL(fake_create(&device, NULL, devices[i].pairs), -EINVAL);
        open_device(&device, devices[i].name, devices[i].pairs);
        struct servsim_gemm gemm = {.size = sizeof gemm, .dtype = 77, .times = 1, .m = 1, .n = 1, .k = 1};
        int64_t ps;
        CU_ASSERT_EQUAL(ops_of(&device)->gemm(device.self, &gemm, &ps, &device.err), -ENOTSUP);
        gemm.dtype = SERVSIM_DTYPE_BF16;
        gemm.m = gemm.n = gemm.k = UINT64_MAX;
        CU_ASSERT_EQUAL(ops_of(&device)->gemm(device.self, &gemm, &ps, &device.err), -EOVERFLOW);
        struct servsim_attention op = attention_op();
        struct servsim_line line;
        op.decode_count = 1;
        op.decode_context_sum = UINT64_MAX;
        CU_ASSERT_EQUAL(ops_of(&device)->attention(device.self, &op, &line, &device.err), -EOVERFLOW);
        op.decode_context_sum = 1;
        op.kv_dtype = 0;
        CU_ASSERT_EQUAL(ops_of(&device)->attention(device.self, &op, &line, &device.err), -EINVAL);
        fake_destroy(&device);
    }
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"worked check", test_worked_check},
        {"kernels by hand", test_by_hand},
        {"quantised weights", test_quantised_gemm},
        {"experts by hand", test_experts_by_hand},
        {"experts whose rows are moved apart", test_spread_by_hand},
        {"latent attention by hand", test_latent_attention_by_hand},
        {"latent attention as a module", test_latent_modules_by_hand},
        {"a window", test_window},
        {"one message by hand", test_p2p_by_hand},
        {"the experiment's cluster", test_cluster_of_the_experiment},
        {"tiles by hand", test_tiles_by_hand},
        {"soft maximum", test_soft_maximum},
        {"input read again", test_read_again},
        {"small kernels", test_small_kernels},
        {"decode attention that does not split", test_unsplit_decode},
        {"many decodes begin later", test_ramp_of_decodes},
        {"unequal contexts", test_skew},
        {"prefill behind a context", test_prefill_chain},
        {"lines split exactly", test_lines_split_exactly},
        {"GEMM is monotone", test_gemm_is_monotone},
        {"attention is monotone", test_attention_is_monotone},
        {"mixed batch", test_mixed_batch},
        {"a joint kernel", test_joint_batch},
        {"collectives", test_collectives},
        {"all-reduce figures", test_all_reduce_figures},
        {"links by hand", test_links_by_hand},
        {"describe", test_describe},
        {"what is refused", test_refused},
    };
    return ss_run_cases("analytic", cases, sizeof cases / sizeof cases[0]);
}
