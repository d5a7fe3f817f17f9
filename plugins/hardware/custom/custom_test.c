/*
 * hardware/custom_test.c - the custom device: it equals the plugins that have its numbers, and refuses bad ones.
 */
#include "tests/unit/fake_host.h"

#define SHEET "peak_tflops.bf16=312", "memory=80GiB", "memory_bandwidth=2039GB/s"

static const struct servsim_hardware_context context = {.size = sizeof context, .dtype = SERVSIM_DTYPE_BF16, .tp = 1};

static void
open_device(struct fake_plugin *device, const char *name, const char *const *pairs)
{
    int rc = fake_open(device, "hardware", name);
    if (rc == 0)
        rc = fake_create(device, &context, pairs);
    if (rc != 0)
        printf("# %s: %s\n", name, device->err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static int64_t
price(const struct fake_plugin *device, int which, uint64_t size)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    struct servsim_error err = {.size = sizeof err};
    struct servsim_gemm gemm = {.dtype = SERVSIM_DTYPE_BF16, .times = 3, .m = size, .n = 4096, .k = 512};
    struct servsim_attention attention = {.dtype = SERVSIM_DTYPE_BF16,
                                          .kv_dtype = SERVSIM_DTYPE_BF16,
                                          .times = 2,
                                          .q_heads = 8,
                                          .kv_heads = 2,
                                          .head_dim = 64};
    struct servsim_collective collective = {.kind = SERVSIM_COLLECTIVE_ALL_REDUCE, .times = 1, .bytes = size << 10};
    struct servsim_line line;
    int64_t ps = -1;
    if (which == 0)
        return ops->gemm(device->self, &gemm, &ps, &err) == 0 ? ps : -1;
    collective.ranks = (uint32_t)which;
    if (which > 2)
        return ops->collective(device->self, &collective, &ps, &err) == 0 ? ps : -1;
    attention.prefill_count = attention.prefill_causal_pairs = which == 1 ? size : 0;
    attention.decode_count = attention.decode_context_sum = which == 2 ? size : 0;
    return ops->attention(device->self, &attention, &line, &err) == 0 ? line.base_ps : -1;
}

/* With the A100's numbers written out, every price but those of its tables of all-reduces is the A100's, to the
   picosecond: those of 2, 4 and 8 GPUs, and of whole nodes of 8. */
static void
test_equals_a100(void)
{
    static const char *const pairs[] = {SHEET,
                                        "sms=108",
                                        "l2=40MB",
                                        "gemm.launch=3.0",
                                        "gemm.compute_efficiency=0.862",
                                        "gemm.memory_efficiency=0.765",
                                        "gemm.softness=3.2",
                                        "gemm.tile_loss=0.064",
                                        "gemm.fill=1.74us",
                                        "gemm.max_split=4",
                                        "decode_attention.launch=17.7us",
                                        "decode_attention.memory_efficiency=0.747",
                                        "decode_attention.block_bandwidth=22.4GB/s",
                                        "decode_attention.skew=0.054",
                                        "decode_attention.joint=true",
                                        "decode_attention.padded_rows=77",
                                        "decode_attention.padded_keys=115",
                                        "prefill_attention.launch=10.7",
                                        "prefill_attention.compute_efficiency=0.611",
                                        "prefill_attention.chain=1.51",
                                        "prefill_attention.memory_efficiency=0.46",
                                        "all_reduce.ranks=[2, 4, 8]",
                                        "all_reduce.latency=[5us, 5.7us, 6.6us]",
                                        "all_reduce.bandwidth=[181GB/s, 117GB/s, 98GB/s]",
                                        NULL};
    struct fake_plugin custom = {0}, a100 = {0};
    open_device(&custom, "custom", pairs);
    open_device(&a100, "a100", NULL);
    for (int which = 0; which <= 23; which++)
        for (uint64_t size = 1; size < 100000 && which != 4 && which % 8 != 0; size *= 3)
            CU_ASSERT_EQUAL(price(&custom, which, size), price(&a100, which, size));
    for (uint64_t size = 1; size < 100000; size *= 3)
        CU_ASSERT_EQUAL(price(&custom, 0, size), price(&a100, 0, size));
    fake_destroy(&custom);
    fake_destroy(&a100);
}

/* Decodes of a card with a ramp: 9 us and 37.4 more with 2.3 heads of requests on each SM are the RTX 4090's. */
static void
test_ramp(void)
{
    static const char *const pairs[] = {"peak_tflops.bf16=165.2",
                                        "memory=24GiB",
                                        "memory_bandwidth=1008GB/s",
                                        "sms=128",
                                        "decode_attention.launch=9us",
                                        "decode_attention.ramp=37.4us",
                                        "decode_attention.ramp_blocks=2.3",
                                        "decode_attention.memory_efficiency=0.942",
                                        "decode_attention.block_bandwidth=24.6GB/s",
                                        "decode_attention.skew=0.054",
                                        NULL};
    struct fake_plugin custom = {0}, rtx4090 = {0};
    open_device(&custom, "custom", pairs);
    open_device(&rtx4090, "rtx4090", NULL);
    for (uint64_t size = 1; size < 100000; size *= 3)
        CU_ASSERT_EQUAL(price(&custom, 2, size), price(&rtx4090, 2, size));
    fake_destroy(&custom);
    fake_destroy(&rtx4090);
}

/* A card of the same chip with other memory: what reads memory takes as much longer. */
static void
test_other_memory(void)
{
    static const char *const pairs[] = {"memory=40GiB", "memory_bandwidth=1019.5GB/s", NULL};
    struct servsim_device about = {.size = sizeof about};
    struct fake_plugin half = {0}, whole = {0};
    open_device(&half, "a100", pairs);
    open_device(&whole, "a100", NULL);
    const struct servsim_hardware_ops *ops = half.descriptor->ops;
    CU_ASSERT_EQUAL(ops->describe(half.self, &about, &half.err), 0);
    CU_ASSERT_EQUAL(about.memory_bytes, UINT64_C(40) << 30);
    CU_ASSERT_EQUAL(about.memory_bytes_per_s, 1019.5e9);
    CU_ASSERT_TRUE(price(&half, 2, 100000) > price(&whole, 2, 100000) * 19 / 10);
    CU_ASSERT_EQUAL(price(&half, 4, 100000), price(&whole, 4, 100000));
    fake_destroy(&half);
    fake_destroy(&whole);
}

/* Each number moves what it is for and nothing else: GEMM, prefill, decode, all-reduce of 4 and of 16. */
static void
test_each_option(void)
{
    static const struct {
        const char *pair;
        int moves[5];
    } cases[] = {
        {"gemm.launch=50", {1, 0, 0, 0, 0}},
        {"gemm.compute_efficiency=0.01", {1, 0, 0, 0, 0}},
        {"gemm.memory_efficiency=0.01", {1, 0, 0, 0, 0}},
        {"decode_attention.launch=50", {0, 0, 1, 0, 0}},
        {"decode_attention.memory_efficiency=0.2", {0, 0, 1, 0, 0}},
        {"gemm.softness=1", {1, 0, 0, 0, 0}},
        {"gemm.reread=0.9", {1, 0, 0, 0, 0}},
        {"sms=100", {1, 0, 0, 0, 0}},
        {"gemm.tile_loss=0.5", {0, 0, 0, 0, 0}},       /* no tiles without sms */
        {"decode_attention.ramp=50", {0, 0, 0, 0, 0}}, /* nor SMs to begin on */
        {"l2=40MB", {0, 0, 0, 0, 0}},
        {"gemm_fp8.launch=50", {0, 0, 0, 0, 0}},
        {"moe.launch=50", {0, 0, 0, 0, 0}},
        {"decode_attention.block_bandwidth=1MB/s", {0, 0, 0, 0, 0}}, /* heads are shared */
        {"decode_attention_fp8.launch=50", {0, 0, 0, 0, 0}},
        {"prefill_attention.launch=50", {0, 1, 0, 0, 0}},
        {"prefill_attention.compute_efficiency=0.1", {0, 1, 0, 0, 0}},
        {"link.bandwidth=50GB/s", {0, 0, 0, 1, 1}},
        {"link.latency=3us", {0, 0, 0, 1, 1}},
        {"network.bandwidth=50GB/s", {0, 0, 0, 0, 1}},
        {"network.latency=9us", {0, 0, 0, 0, 1}},
        {"gpus_per_node=16", {0, 0, 0, 0, 1}},
        {"name=Fast One", {0, 0, 0, 0, 0}},
        {"peak_tflops.fp16=1", {0, 0, 0, 0, 0}},
        {"price_per_hour=2.5", {0, 0, 0, 0, 0}},
        {"power.limit=300", {0, 0, 0, 0, 0}},
    };
    static const char *const sheet[] = {SHEET, NULL};
    static const int prices[5] = {0, 1, 2, 4, 16};
    struct fake_plugin plain = {0};
    open_device(&plain, "custom", sheet);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const pairs[] = {SHEET, cases[i].pair, NULL};
        struct fake_plugin device = {0};
        open_device(&device, "custom", pairs);
        for (size_t j = 0; j < 5; j++) {
            int moved = price(&device, prices[j], 10000) != price(&plain, prices[j], 10000);
            CU_ASSERT_EQUAL(moved, cases[i].moves[j]);
            if (moved != cases[i].moves[j])
                printf("# %s, price %d\n", cases[i].pair, prices[j]);
        }
        fake_destroy(&device);
    }
    fake_destroy(&plain);
}

static void
test_describe(void)
{
    static const char *const pairs[] = {SHEET, "name=Fast One", "peak_tflops.fp16=100", "price_per_hour=2.5", NULL};
    struct servsim_hardware_context fp16 = context;
    struct servsim_device about = {.size = sizeof about};
    struct fake_plugin device = {0};
    fp16.dtype = SERVSIM_DTYPE_FP16;
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", "custom"), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &fp16, pairs), 0);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    CU_ASSERT_EQUAL(ops->describe(device.self, &about, &device.err), 0);
    CU_ASSERT_STRING_EQUAL(about.name, "Fast One");
    CU_ASSERT_EQUAL(about.peak_flops, 100e12);
    CU_ASSERT_EQUAL(about.memory_bytes, UINT64_C(80) << 30);
    CU_ASSERT_EQUAL(about.price_usd_per_hour, 2.5);
    fake_destroy(&device);
}

static void
describe_with(const char *const *pairs, uint32_t gemm_dtype, struct servsim_device *about)
{
    struct servsim_hardware_context model = context;
    struct fake_plugin device = {0};
    model.gemm_dtype = gemm_dtype;
    *about = (struct servsim_device){.size = sizeof *about};
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", "custom"), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &model, pairs), 0);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    CU_ASSERT_EQUAL(ops->describe(device.self, about, &device.err), 0);
    fake_destroy(&device);
}

/* Nothing is said of power unless its limit is; the rest follows from that, or is what was given. */
static void
test_power(void)
{
    static const char *const none[] = {SHEET, "power.idle=50", NULL};
    static const char *const limit[] = {SHEET, "power.limit=500", "peak_tflops.fp8=624", NULL};
    static const char *const given[] = {
        SHEET, "power.limit=500", "power.idle=50", "power.busy=90", "power.per_flop=2", "power.per_byte=100", NULL};
    struct servsim_device about, narrow;
    describe_with(none, SERVSIM_DTYPE_BF16, &about);
    CU_ASSERT(about.power_limit_w == 0 && about.power_idle_w == 0 && about.energy_per_flop_pj == 0);
    describe_with(limit, SERVSIM_DTYPE_BF16, &about);
    CU_ASSERT_EQUAL(about.power_limit_w, 500);
    CU_ASSERT_DOUBLE_EQUAL(about.power_idle_w, 85.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(about.power_busy_w, 178.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(about.energy_per_flop_pj * about.peak_flops * 1e-12, 1.907 * 500, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(about.energy_per_byte_pj * about.memory_bytes_per_s * 1e-12, 0.431 * 500, 1e-6);
    describe_with(limit, SERVSIM_DTYPE_FP8, &narrow); /* twice the rate, half the energy each */
    CU_ASSERT_DOUBLE_EQUAL(narrow.energy_per_flop_pj * 2, about.energy_per_flop_pj, 1e-9);
    describe_with(given, SERVSIM_DTYPE_BF16, &about);
    CU_ASSERT(about.power_idle_w == 50 && about.power_busy_w == 90 && about.energy_per_flop_pj == 2);
    CU_ASSERT_DOUBLE_EQUAL(about.energy_per_byte_pj, 100, 1e-9);
}

/* A host that was built before there was power hands out a smaller table, and nothing is written beyond it. */
static void
test_older_host(void)
{
    static const char *const pairs[] = {SHEET, "power.limit=500", NULL};
    struct servsim_device about = {.size = offsetof(struct servsim_device, power_limit_w), .power_limit_w = -7};
    struct fake_plugin device = {0};
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", "custom"), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &context, pairs), 0);
    const struct servsim_hardware_ops *ops = device.descriptor->ops;
    CU_ASSERT_EQUAL(ops->describe(device.self, &about, &device.err), 0);
    CU_ASSERT(about.memory_bytes > 0 && about.power_limit_w == -7);
    fake_destroy(&device);
}

static void
test_refused(void)
{
    static const struct {
        const char *pair;
        const char *word;
    } cases[] = {
        {"all_reduce.ranks=[2, 4]", "as many of each"},
        {"name=", "name has 0 bytes"},
        {"name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "64 bytes"},
        {"gemm.compute_efficiency=0", "no good"},
        {"gemm.memory_efficiency=1.6", "no good"},
        {"memory_bandwith=1", "not declared"},
    };
    struct fake_plugin device = {0};
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", "custom"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const pairs[] = {SHEET, cases[i].pair, NULL};
        CU_ASSERT_EQUAL(fake_create(&device, &context, pairs), -EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(device.err.text, cases[i].word));
    }
    static const char *const lists[][8] = {
        {SHEET, "all_reduce.ranks=4,2", "all_reduce.latency=1,1", "all_reduce.bandwidth=1e9,1e9"},
        {SHEET, "all_reduce.ranks=2.5", "all_reduce.latency=1", "all_reduce.bandwidth=1e9"},
        {"memory=1e9", "memory_bandwidth=1e9"},
        {SHEET, "power.limit=300", "power.idle=301"},
        {SHEET, "power.limit=300", "power.busy=301"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        CU_ASSERT_EQUAL(fake_create(&device, &context, lists[i]), -EINVAL);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"with the A100's numbers", test_equals_a100},
        {"a ramp of decodes", test_ramp},
        {"a card with other memory", test_other_memory},
        {"each option alone", test_each_option},
        {"describe", test_describe},
        {"power", test_power},
        {"an older host", test_older_host},
        {"what is refused", test_refused},
    };
    return ss_run_cases("custom", cases, sizeof cases / sizeof cases[0]);
}
