/*
 * hardware/analytic_test.c - the devices that share the analytic model: the worked check, and what must hold of any
 * price.
 */
#include <math.h>

#include "tests/unit/fake_host.h"

#define DEVICES 3

/* The devices under test, custom with the RTX 4090's datasheet. */
static const char *const custom_pairs[] = {"peak_tflops.bf16=165.2", "memory=24GiB", "memory_bandwidth=1008GB/s", NULL};
static const struct {
    const char *name;
    const char *const *pairs;
} devices[DEVICES] = {{"rtx3090", NULL}, {"a100", NULL}, {"custom", custom_pairs}};

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
        double ttft_ms, tpot_ms;
    } cases[] = {{"a100", 31.0, 12.38}, {"rtx3090", 122.2, 20.93}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_plugin device = {0};
        open_device(&device, cases[i].name, NULL);
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
    open_device(&device, "a100", NULL);
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
        for (int trial = 0; trial < 20000; trial++) {
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
        for (int trial = 0; trial < 20000; trial++) {
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
        for (int trial = 0; trial < 20000; trial++) {
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

/* Prefill and decode in one batch are two kernels; an empty batch is none. */
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
        CU_ASSERT_TRUE(llabs(both.base_ps - prefill.base_ps - decode.base_ps) <= 1);
        CU_ASSERT_EQUAL(both.slope_ps, decode.slope_ps);
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
    static const struct {
        const char *device;
        const char *const *pairs;
        uint32_t ranks;
        double bytes, us;
    } cases[] = {
        {"a100", NULL, 2, 1e6, 5.0 + 1e6 / 181e3},
        {"a100", NULL, 4, 1e6, 5.7 + 1e6 / 117e3},
        {"a100", NULL, 8, 1e6, 6.6 + 1e6 / 98e3},
        /* 16: within the nodes as 8, and a ring of two over the network on an eighth */
        {"a100", NULL, 16, 1e6, 6.6 + 1e6 / 98e3 + 2 * (5.0 + 1e6 / 8 / 2 / 25e3)},
        /* in one node: a ring of 30 steps, 136.6 / 236 us each, at the mean of 181, 175.5 and 171.5 GB/s */
        {"a100", one_node, 16, 1e6, 30 * (136.6 / 236 + 1e6 / 16 / 176e3)},
        {"rtx3090", NULL, 2, 1e6, 2 * (453.8 / 236 + 1e6 / 2 / 25e3)},
        {"rtx3090", NULL, 4, 1e6, 6 * (453.8 / 236 + 1e6 / 4 / 25e3)},
        {"rtx3090", bridge, 2, 1e6, 2 * (453.8 / 236 + 1e6 / 2 / 56.25e3)},
        {"rtx3090", bridge, 4, 1e6, 6 * (453.8 / 236 + 1e6 / 4 / 25e3)},
        /* 12: not whole nodes, so one ring at the pace of the network */
        {"rtx3090", NULL, 12, 1e6, 22 * (5.0 + 1e6 / 12 / 12.5e3)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_plugin device = {0};
        open_device(&device, cases[i].device, cases[i].pairs);
        double us = (double)all_reduce_ps(&device, cases[i].ranks, (uint64_t)cases[i].bytes) / 1e6;
        CU_ASSERT_DOUBLE_EQUAL(us, cases[i].us, 1e-5 * cases[i].us);
        fake_destroy(&device);
    }
}

static void
test_describe(void)
{
    static const struct {
        const char *name;
        double peak, bandwidth;
        uint64_t memory;
    } want[] = {{"rtx3090", 71.2e12, 936e9, UINT64_C(24) << 30}, {"a100", 312e12, 2039e9, UINT64_C(80) << 30}};
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
        CU_ASSERT_PTR_NOT_NULL(device.descriptor->page);
        CU_ASSERT_PTR_NULL(ops_of(&device)->elementwise);
        fake_destroy(&device);
    }
}

/* ---- what is refused ---- */

static void
test_refused(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct fake_plugin device = {0};
        struct servsim_hardware_context fp8 = llama_8b;
        fp8.dtype = SERVSIM_DTYPE_FP8;
        CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", devices[i].name), 0);
        CU_ASSERT_EQUAL(fake_create(&device, &fp8, devices[i].pairs), -ENOTSUP);
        CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, "fp8"));
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
        {"lines split exactly", test_lines_split_exactly},
        {"GEMM is monotone", test_gemm_is_monotone},
        {"attention is monotone", test_attention_is_monotone},
        {"mixed batch", test_mixed_batch},
        {"collectives", test_collectives},
        {"all-reduce figures", test_all_reduce_figures},
        {"describe", test_describe},
        {"what is refused", test_refused},
    };
    return ss_run_cases("analytic", cases, sizeof cases / sizeof cases[0]);
}
