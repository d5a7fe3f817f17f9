/*
 * unit/cost_test.c - which operators a step is made of, for every kind of model and cut, written down by hand; what a
 * step amounts to; and the KV blocks that memory leaves.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cost/cost.h"
#include "tests/unit/harness.h"

/* ---- a device that writes down what it is asked for, and prices everything at 1000 ps ---- */

static struct ss_text asked;
static struct servsim_hardware_context told;
static uint64_t memory_bytes;
static uint32_t gpus_per_node;
static double link_bytes_per_s, network_bytes_per_s;

static int32_t
describe(void *self, struct servsim_device *out, struct servsim_error *err)
{
    (void)self;
    (void)err;
    out->memory_bytes = memory_bytes;
    out->peak_flops = 1e15;
    out->memory_bytes_per_s = 1e12;
    out->gpus_per_node = gpus_per_node;
    out->link_bytes_per_s = link_bytes_per_s;
    out->network_bytes_per_s = network_bytes_per_s;
    (void)snprintf(out->name, sizeof out->name, "pen");
    return 0;
}

static const char *const gemms[] = {"?",        "qkv",       "out",       "gate_up",     "down",
                                    "lm_head",  "router",    "shared_gu", "shared_down", "latent_down",
                                    "latent_q", "latent_kv", "expert_gu", "expert_down"};

static int32_t
gemm(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)err;
    ss_text_printf(&asked, "%u %s %llux%llux%llu %s*%s\n", op->times, gemms[op->role], (unsigned long long)op->m,
                   (unsigned long long)op->n, (unsigned long long)op->k, ss_dtype_name(op->dtype),
                   ss_dtype_name(op->weight_dtype));
    *ps = 1000 * (int64_t)op->times;
    return 0;
}

static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    (void)self;
    (void)err;
    ss_text_printf(&asked,
                   "%u attention %u/%u %ux%u latent %u+%u window %u %s: %llu chunks %llu+%llu %llu pairs, "
                   "%llu decodes %llu settled %llu\n",
                   op->times, op->q_heads, op->kv_heads, op->head_dim, op->v_head_dim, op->latent_rank, op->rope_dim,
                   op->window, ss_dtype_name(op->kv_dtype), (unsigned long long)op->prefill_count,
                   (unsigned long long)op->prefill_context_tokens, (unsigned long long)op->prefill_new_tokens,
                   (unsigned long long)op->prefill_causal_pairs, (unsigned long long)op->decode_count,
                   (unsigned long long)op->decode_context_sum, (unsigned long long)op->decode_settled);
    *line = (struct servsim_line){1000 * op->times, (int64_t)(op->decode_count - op->decode_settled), 50};
    return 0;
}

static int32_t
collective(void *self, const struct servsim_collective *op, int64_t *ps, struct servsim_error *err)
{
    static const char *const names[] = {"?", "all_reduce", "all_gather", "reduce_scatter", "all_to_all"};
    (void)self;
    (void)err;
    ss_text_printf(&asked, "%u %s %llu bytes, %u ranks, %u a node\n", op->times, names[op->kind],
                   (unsigned long long)op->bytes, op->ranks, op->ranks_per_node);
    *ps = 1000 * (int64_t)op->times;
    return 0;
}

static int32_t
moe(void *self, const struct servsim_moe *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)err;
    ss_text_printf(&asked, "%u experts %u of %u, top %u, %ux%u %s*%s: %llu tokens %llu here %.4f hit\n", op->times,
                   op->experts_here, op->experts, op->top_k, op->hidden, op->ffn, ss_dtype_name(op->dtype),
                   ss_dtype_name(op->weight_dtype), (unsigned long long)op->tokens, (unsigned long long)op->tokens_here,
                   op->experts_hit);
    *ps = 1000 * (int64_t)op->times;
    return 0;
}

static int32_t
p2p(void *self, const struct servsim_p2p *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)err;
    ss_text_printf(&asked, "%u p2p %llu bytes%s\n", op->times, (unsigned long long)op->bytes,
                   op->between_nodes ? " between nodes" : "");
    *ps = 1000;
    return 0;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    (void)err;
    told = *(const struct servsim_hardware_context *)args->context;
    *self = &asked;
    return 0;
}

static void
destroy(void *self)
{
    (void)self;
}

static const struct servsim_hardware_ops full_ops = {.size = sizeof full_ops,
                                                     .describe = describe,
                                                     .gemm = gemm,
                                                     .attention = attention,
                                                     .collective = collective,
                                                     .moe = moe,
                                                     .p2p = p2p};

/* As a plugin that was built before moe() and p2p() were there. */
static const struct servsim_hardware_ops short_ops = {.size = offsetof(struct servsim_hardware_ops, moe),
                                                      .describe = describe,
                                                      .gemm = gemm,
                                                      .attention = attention,
                                                      .collective = collective};

static const struct servsim_hardware_ops lone_ops = {
    .size = sizeof lone_ops, .describe = describe, .gemm = gemm, .attention = attention};

static struct servsim_plugin descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_HARDWARE),
    .name = "pen",
    .version = "1",
    .summary = "pen",
    .licence = "Apache-2.0",
    .create = create,
    .destroy = destroy,
};

/* ---- cells ---- */

static struct ss_plugin plugin = {&descriptor, "pen"};

static void
make_cell(struct ss_cell *cell, const char *model, struct ss_cut cut)
{
    struct servsim_error err = {.size = sizeof err};
    static char name[] = "cell";
    char models[4096];
    (void)snprintf(models, sizeof models, "%s", ss_source_path("configs/models"));
    memset(cell, 0, sizeof *cell);
    CU_ASSERT_EQUAL_FATAL(ss_model_find(&cell->model, model, "/", models, &err), 0);
    cell->name = name;
    cell->tp = cut.tp;
    cell->pp = cut.pp;
    cell->dp = cut.dp;
    cell->ep = cut.ep;
    cell->gpus = cut.tp * cut.pp * cut.dp;
    cell->replicas = 1;
    cell->max_num_seqs = 256;
    cell->max_num_batched_tokens = 2048;
    cell->block_size = 16;
    cell->memory_utilization = 0.9;
    cell->hardware.plugin = &plugin;
    descriptor.ops = &full_ops;
    memory_bytes = UINT64_C(1) << 50;
    gpus_per_node = 8;
    link_bytes_per_s = network_bytes_per_s = 0;
}

static struct ss_cost *
make_cost(const struct ss_cell *cell)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_cost *cost = NULL;
    int rc = ss_cost_create(&cost, cell, NULL, &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return cost;
}

/* One decode behind 99 tokens, beside a chunk of 3 behind 5 that does not complete its prompt. */
static struct ss_step_shape
small_step(uint32_t window)
{
    struct ss_step_shape shape = {.tokens = 4, .sampled_rows = 1, .decode_count = 1, .decode_context_sum = 99};
    ss_shape_add_chunk(&shape, window, 3, 5);
    shape.window.decode_context_sum = window > 100 ? 99 : window > 0 ? window - 1 : 0;
    shape.window.decode_settled = window > 0 && window <= 100;
    shape.window.steps = window > 100 ? window - 99 : UINT64_MAX;
    return shape;
}

/* ---- what a step is made of ---- */

static const struct {
    const char *model;
    struct ss_cut cut;
    uint32_t weights, kv_dtype;
    const char *want;
} steps[] = {
    {"llama-3.1-8b",
     {1, 1, 1, 1},
     0,
     0,
     "32 qkv 4x6144x4096 bf16*bf16\n"
     "32 out 4x4096x4096 bf16*bf16\n"
     "32 gate_up 4x28672x4096 bf16*bf16\n"
     "32 down 4x4096x14336 bf16*bf16\n"
     "1 lm_head 1x128256x4096 bf16*bf16\n"
     "32 attention 32/8 128x128 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* KV heads are replicated: 16 GPUs, 8 heads; two nodes; an all-reduce behind the embedding, logits gathered */
    {"llama-3.1-8b",
     {16, 1, 1, 1},
     SERVSIM_DTYPE_FP8,
     SERVSIM_DTYPE_FP8,
     "32 qkv 4x512x4096 fp8*fp8\n"
     "32 out 4x4096x256 fp8*fp8\n"
     "32 gate_up 4x1792x4096 fp8*fp8\n"
     "32 down 4x4096x896 fp8*fp8\n"
     "65 all_reduce 32768 bytes, 16 ranks, 8 a node\n"
     "1 lm_head 1x8016x4096 bf16*bf16\n"
     "1 all_gather 256512 bytes, 16 ranks, 8 a node\n"
     "32 attention 2/1 128x128 latent 0+0 window 0 fp8: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* 8 (1 - 0.75^4) = 5.46875 experts */
    {"mixtral-8x7b",
     {2, 1, 1, 1},
     SERVSIM_DTYPE_INT4,
     0,
     "32 qkv 4x3072x4096 bf16*int4\n"
     "32 out 4x4096x2048 bf16*int4\n"
     "32 router 4x8x4096 bf16*bf16\n"
     "65 all_reduce 32768 bytes, 2 ranks, 2 a node\n"
     "32 experts 8 of 8, top 2, 4096x7168 bf16*int4: 4 tokens 8 here 5.4688 hit\n"
     "1 lm_head 1x16000x4096 bf16*bf16\n"
     "1 all_gather 64000 bytes, 2 ranks, 2 a node\n"
     "32 attention 16/4 128x128 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* experts spread over the tensor ranks: whole ones, a quarter of them; 32 (1 - 0.9375^4) = 7.2808 */
    {"qwen3-30b-a3b",
     {4, 1, 1, 4},
     0,
     0,
     "48 qkv 4x1280x2048 bf16*bf16\n"
     "48 out 4x2048x1024 bf16*bf16\n"
     "48 router 4x128x2048 bf16*bf16\n"
     "97 all_reduce 16384 bytes, 4 ranks, 4 a node\n"
     "48 experts 32 of 128, top 8, 2048x768 bf16*bf16: 4 tokens 11 here 9.7307 hit\n"
     "1 lm_head 1x37984x2048 bf16*bf16\n"
     "1 all_gather 303872 bytes, 4 ranks, 4 a node\n"
     "48 attention 8/1 128x128 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* three dense layers, latents whole on each GPU, 16 of 128 heads: 16 x 192, 16 x 256, 16 x 128 */
    {"deepseek-v3",
     {8, 1, 1, 8},
     0,
     0,
     "61 latent_down 4x2112x7168 fp8*fp8\n"
     "61 latent_q 4x3072x1536 fp8*fp8\n"
     "61 latent_kv 4x4096x512 fp8*fp8\n"
     "61 out 4x7168x2048 fp8*fp8\n"
     "3 gate_up 4x4608x7168 fp8*fp8\n"
     "3 down 4x7168x2304 fp8*fp8\n"
     "58 router 4x256x7168 bf16*bf16\n"
     "58 shared_gu 4x512x7168 fp8*fp8\n"
     "58 shared_down 4x7168x256 fp8*fp8\n"
     "123 all_reduce 57344 bytes, 8 ranks, 8 a node\n"
     "58 experts 32 of 256, top 8, 7168x2048 fp8*fp8: 4 tokens 7 here 6.4312 hit\n"
     "1 lm_head 1x16160x7168 bf16*bf16\n"
     "1 all_gather 258560 bytes, 8 ranks, 8 a node\n"
     "61 attention 16/1 192x128 latent 512+64 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* no query latent */
    {"deepseek-v2-lite",
     {1, 1, 1, 1},
     0,
     0,
     "27 latent_down 4x576x2048 bf16*bf16\n"
     "27 latent_q 4x3072x2048 bf16*bf16\n"
     "27 latent_kv 4x4096x512 bf16*bf16\n"
     "27 out 4x2048x2048 bf16*bf16\n"
     "1 gate_up 4x21888x2048 bf16*bf16\n"
     "1 down 4x2048x10944 bf16*bf16\n"
     "26 router 4x64x2048 bf16*bf16\n"
     "26 shared_gu 4x5632x2048 bf16*bf16\n"
     "26 shared_down 4x2048x2816 bf16*bf16\n"
     "26 experts 64 of 64, top 6, 2048x1408 bf16*bf16: 4 tokens 24 here 20.8310 hit\n"
     "1 lm_head 1x102400x2048 bf16*bf16\n"
     "27 attention 16/1 192x128 latent 512+64 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* half of the layers have a window of 128; experts in mxfp4, the rest in 16 bits; 201088 = 64 x 3142 */
    {"gpt-oss-20b",
     {1, 1, 1, 1},
     0,
     0,
     "24 qkv 4x5120x2880 bf16*bf16\n"
     "24 out 4x2880x4096 bf16*bf16\n"
     "24 router 4x32x2880 bf16*bf16\n"
     "24 experts 32 of 32, top 4, 2880x2880 bf16*mxfp4: 4 tokens 16 here 13.2422 hit\n"
     "1 lm_head 1x201088x2880 bf16*bf16\n"
     "12 attention 64/8 64x64 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"
     "12 attention 64/8 64x64 latent 0+0 window 128 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* dense and routed layers by turns, a shared expert, one expert of 128 */
    {"llama-4-maverick",
     {8, 1, 1, 1},
     SERVSIM_DTYPE_FP8,
     0,
     "48 qkv 4x896x5120 fp8*fp8\n"
     "48 out 4x5120x640 fp8*fp8\n"
     "24 gate_up 4x4096x5120 fp8*fp8\n"
     "24 down 4x5120x2048 fp8*fp8\n"
     "24 router 4x128x5120 bf16*bf16\n"
     "24 shared_gu 4x2048x5120 fp8*fp8\n"
     "24 shared_down 4x5120x1024 fp8*fp8\n"
     "97 all_reduce 40960 bytes, 8 ranks, 8 a node\n"
     "24 experts 128 of 128, top 1, 5120x1024 fp8*fp8: 4 tokens 4 here 3.9534 hit\n"
     "1 lm_head 1x25256x5120 bf16*bf16\n"
     "1 all_gather 404096 bytes, 8 ranks, 8 a node\n"
     "12 attention 5/1 128x128 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"
     "36 attention 5/1 128x128 latent 0+0 window 8192 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* experts and shared expert in fp8, attention as it was */
    {"llama-4-scout-fp8",
     {1, 1, 1, 1},
     0,
     0,
     "48 qkv 4x7168x5120 bf16*bf16\n"
     "48 out 4x5120x5120 bf16*bf16\n"
     "48 router 4x16x5120 bf16*bf16\n"
     "48 shared_gu 4x16384x5120 fp8*fp8\n"
     "48 shared_down 4x5120x8192 fp8*fp8\n"
     "48 experts 16 of 16, top 1, 5120x8192 fp8*fp8: 4 tokens 4 here 3.6404 hit\n"
     "1 lm_head 1x202048x5120 bf16*bf16\n"
     "12 attention 40/8 128x128 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"
     "36 attention 40/8 128x128 latent 0+0 window 8192 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
    /* two stages of 16 layers in one node, tied tables */
    {"llama-3.2-1b",
     {1, 2, 1, 1},
     0,
     0,
     "8 qkv 4x3072x2048 bf16*bf16\n"
     "8 out 4x2048x2048 bf16*bf16\n"
     "8 gate_up 4x16384x2048 bf16*bf16\n"
     "8 down 4x2048x8192 bf16*bf16\n"
     "1 p2p 16384 bytes\n"
     "8 attention 32/8 64x64 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"
     "8 qkv 4x3072x2048 bf16*bf16\n"
     "8 out 4x2048x2048 bf16*bf16\n"
     "8 gate_up 4x16384x2048 bf16*bf16\n"
     "8 down 4x2048x8192 bf16*bf16\n"
     "1 lm_head 1x128256x2048 bf16*bf16\n"
     "8 attention 32/8 64x64 latent 0+0 window 0 bf16: 1 chunks 5+3 21 pairs, 1 decodes 99 settled 0\n"},
};

static void
test_steps(void)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_cell cell;
        struct ss_step_price price, again;
        make_cell(&cell, steps[i].model, steps[i].cut);
        if (steps[i].weights != 0)
            ss_model_set_weights(&cell.model, steps[i].weights);
        cell.model.kv_dtype = steps[i].kv_dtype;
        struct ss_cost *cost = make_cost(&cell);
        struct ss_step_shape shape = small_step(cell.model.window);
        CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
        CU_ASSERT_STRING_EQUAL(asked.data, steps[i].want);
        if (strcmp(asked.data, steps[i].want) != 0)
            (void)printf("# %s:\n%s", steps[i].model, asked.data);
        ss_text_free(&asked);
        /* remembered: only attention is asked for again, once for each kind of layer of each stage */
        CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &again, &err), 0);
        CU_ASSERT_EQUAL(memcmp(&price, &again, sizeof price), 0);
        CU_ASSERT_PTR_NULL(strstr(asked.data, "qkv"));
        CU_ASSERT_PTR_NULL(strstr(asked.data, "experts"));
        CU_ASSERT_PTR_NULL(strstr(asked.data, "lm_head"));
        ss_text_free(&asked);
        ss_cost_destroy(cost);
    }
}

/* What a device is told when it is made. */
static void
test_context(void)
{
    struct ss_cell cell;
    make_cell(&cell, "deepseek-v3", (struct ss_cut){4, 2, 2, 8});
    cell.gpus_per_node = 4;
    cell.interconnect_bytes_per_s = 50e9;
    cell.interconnect_latency_us = 3;
    ss_cost_destroy(make_cost(&cell));
    CU_ASSERT_TRUE(told.tp == 4 && told.pp == 2 && told.dp == 2 && told.ep == 8);
    CU_ASSERT_TRUE(told.layers == 61 && told.moe_layers == 58 && told.first_dense_layers == 3);
    CU_ASSERT_TRUE(told.latent_rank == 512 && told.rope_dim == 64 && told.query_rank == 1536);
    CU_ASSERT_TRUE(told.head_dim == 192 && told.v_head_dim == 128 && told.kv_heads_per_gpu == 1);
    CU_ASSERT_TRUE(told.experts == 256 && told.top_k == 8 && told.experts_per_gpu == 32);
    CU_ASSERT_TRUE(told.expert_ffn == 2048 && told.expert_ffn_per_gpu == 2048 && told.shared_ffn_per_gpu == 512);
    CU_ASSERT_TRUE(told.dtype == SERVSIM_DTYPE_BF16 && told.weight_dtype == SERVSIM_DTYPE_FP8 &&
                   told.gemm_dtype == SERVSIM_DTYPE_FP8 && told.kv_dtype == SERVSIM_DTYPE_BF16);
    CU_ASSERT_TRUE(told.gpus_per_node == 4 && told.network_bytes_per_s == 50e9 && told.network_latency_us == 3);
    make_cell(&cell, "gpt-oss-20b", (struct ss_cut){1, 1, 1, 1});
    ss_cost_destroy(make_cost(&cell));
    CU_ASSERT_TRUE(told.window == 128 && told.window_layers == 12 && told.first_dense_layers == 0);
    CU_ASSERT_TRUE(told.attention_dtype == SERVSIM_DTYPE_BF16 && told.expert_dtype == SERVSIM_DTYPE_MXFP4);
    CU_ASSERT_TRUE(told.gpus_per_node == 0 && told.network_bytes_per_s == 0);
}

/* Two data-parallel ranks of 4 GPUs in nodes of 4, experts over all eight: their tokens are gathered over the network,
   six in all, of which this rank has four. */
static void
test_data_parallel(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_cell cell;
    struct ss_step_price price;
    make_cell(&cell, "qwen3-30b-a3b", (struct ss_cut){4, 1, 2, 8});
    gpus_per_node = 4;
    struct ss_cost *cost = make_cost(&cell);
    struct ss_step_shape shape = small_step(0);
    shape.expert_tokens = 6;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "48 qkv 4x1280x2048"));
    /* q = 0.9375^6, q2 = (0.9375 x 119/127)^6; 16 (1 - q) + 1.4236 sqrt(16 (q - q2)) = 7.8045 on the GPU with most, and
       6 + 1.4236 sqrt(6 x 120/127) pairs */
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "48 experts 16 of 128, top 8, 2048x768 bf16*bf16: 6 tokens 10 here "
                                              "7.8045 hit\n"
                                              "48 all_gather 24576 bytes, 2 ranks, 1 a node\n"
                                              "48 reduce_scatter 24576 bytes, 2 ranks, 1 a node\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "97 all_reduce 16384 bytes, 4 ranks, 4 a node\n"));
    ss_text_free(&asked);
    /* padded to eight rows, as the longest rank has them */
    shape.padded_tokens = 8;
    shape.expert_tokens = 16;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "48 qkv 8x1280x2048"));
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "16 tokens 22 here"));
    ss_text_free(&asked);
    /* five rows in a graph of eight, in both ranks: experts see all sixteen */
    cell.overhead.graph_padding = 1;
    ss_cost_destroy(cost);
    cost = make_cost(&cell);
    shape.padded_tokens = 5;
    shape.expert_tokens = 10;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "48 qkv 8x1280x2048"));
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "16 tokens 22 here"));
    ss_text_free(&asked);
    /* without a graph: four rows here, one there; the exchange takes as long as if both had four */
    ss_cost_destroy(cost);
    cell.overhead.graph_padding = 0;
    cost = make_cost(&cell);
    shape.padded_tokens = 0;
    shape.expert_tokens = 5;
    shape.gathered_tokens = 8;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    struct ss_step_price even;
    shape.expert_tokens = 8;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &even, &err), 0);
    CU_ASSERT_EQUAL(price.communication_ps, even.communication_ps);
    CU_ASSERT_TRUE(price.work.bytes < even.work.bytes);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "48 qkv 4x1280x2048"));
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "5 tokens 9 here"));
    ss_text_free(&asked);
    /* four rows of one rank stay four beside as many as a step may have of the other, and no table is left */
    cell.overhead.graph_padding = 1;
    ss_cost_destroy(cost);
    cost = make_cost(&cell);
    shape.tokens = 3;
    shape.expert_tokens = cell.max_num_batched_tokens + 3;
    shape.gathered_tokens = 2 * cell.max_num_batched_tokens;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "48 qkv 3x1280x2048"));
    ss_text_free(&asked);
    ss_cost_destroy(cost);
}

/* Graphs end at twice as many rows as requests may run: with 9 requests, 12 rows are padded to 16, and 17
   are computed as they are. */
static void
test_graphs(void)
{
    static const struct {
        uint32_t seqs, rows, tokens;
        const char *asks;
    } cases[] = {
        {256, 512, 300, "32 qkv 304x"}, {300, 512, 513, "32 qkv 513x"}, {128, 256, 256, "32 qkv 256x"},
        {128, 256, 257, "32 qkv 257x"}, {9, 16, 12, "32 qkv 16x"},      {9, 16, 17, "32 qkv 17x"},
        {3, 4, 4, "32 qkv 4x"},         {3, 4, 5, "32 qkv 5x"},         {1, 2, 1, "32 qkv 1x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_cell cell;
        struct ss_step_price price;
        make_cell(&cell, "llama-3.1-8b", (struct ss_cut){1, 1, 1, 1});
        cell.max_num_seqs = cases[i].seqs;
        cell.overhead.graph_padding = 1;
        struct ss_cost *cost = make_cost(&cell);
        struct ss_step_shape shape = {.tokens = cases[i].tokens, .sampled_rows = 1, .window.steps = UINT64_MAX};
        shape.prefill_count = 1;
        shape.prefill_new_tokens = cases[i].tokens;
        shape.prefill_causal_pairs = (uint64_t)cases[i].tokens * (cases[i].tokens + 1) / 2;
        CU_ASSERT_EQUAL(ss_cost_graph_rows(cost), cases[i].rows);
        CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, cases[i].asks));
        ss_text_free(&asked);
        ss_cost_destroy(cost);
    }
}

/* Stages of different kinds: a dense front, a middle that crosses nodes, an end with the LM head. */
static void
test_stages(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_cell cell;
    struct ss_step_price whole, sum = {0}, one;
    make_cell(&cell, "deepseek-v3", (struct ss_cut){4, 4, 1, 4});
    cell.overhead = (struct ss_overhead){.step_ps = 1000000, .layer_ps = 500};
    struct ss_cost *cost = make_cost(&cell);
    struct ss_step_shape shape = small_step(0);
    /* small kernels: nine a layer with latents, two more where experts are shared, of which there are none in the first
       three layers; 500 ps are those of four */
    static const int64_t small[] = {9 * 15 + 2 * 12, 11 * 15, 11 * 16, 11 * 15};
    static const char *const has[] = {"3 gate_up", "1 p2p 57344 bytes between nodes", "16 latent_down", "1 lm_head"};
    for (uint32_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(ss_cost_price_stage(cost, i, &shape, &one, &err), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, has[i]));
        CU_ASSERT_EQUAL(strstr(asked.data, "p2p") == NULL, i == 3);
        CU_ASSERT_EQUAL(strstr(asked.data, "between nodes") != NULL, i == 1);
        CU_ASSERT_EQUAL(one.overhead_ps, (i == 0 ? 1000000 : 0) + 500 * small[i] / 4);
        sum.line.base_ps += one.line.base_ps;
        sum.work.flops += one.work.flops;
        sum.work.bytes += one.work.bytes;
        ss_text_free(&asked);
    }
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &whole, &err), 0);
    CU_ASSERT_EQUAL(whole.line.base_ps, sum.line.base_ps);
    CU_ASSERT_EQUAL(whole.work.flops, sum.work.flops);
    CU_ASSERT_EQUAL(whole.work.bytes, sum.work.bytes);
    CU_ASSERT_EQUAL(whole.line.steps, 50);
    ss_text_free(&asked);
    ss_cost_destroy(cost);
}

/* Small kernels of a step, where a dense layer's four take 4 ps. */
static void
test_small_kernels(void)
{
    static const struct {
        const char *model;
        int64_t kernels;
    } cases[] = {{"llama-3.1-8b", 32 * 4}, {"qwen3-8b", 36 * 5},     {"gemma-2-9b", 42 * 6},
                 {"gemma-3-4b", 34 * 7},   {"mixtral-8x7b", 32 * 4}, {"deepseek-v2-lite", 27 * 8 + 26 * 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_cell cell;
        struct ss_step_price price;
        make_cell(&cell, cases[i].model, (struct ss_cut){1, 1, 1, 1});
        cell.overhead = (struct ss_overhead){.layer_ps = 4};
        struct ss_cost *cost = make_cost(&cell);
        struct ss_step_shape shape = small_step(cell.model.window);
        CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
        CU_ASSERT_EQUAL(price.overhead_ps, cases[i].kernels);
        ss_text_free(&asked);
        ss_cost_destroy(cost);
    }
}

/* An engine with several GPUs sends its workers messages, once a step; ranks are engines of one GPU each here. */
static void
test_workers(void)
{
    static const struct {
        struct ss_cut cut;
        int64_t overhead;
    } cases[] = {{{1, 1, 1, 1}, 3}, {{2, 1, 1, 1}, 10}, {{1, 2, 1, 1}, 10}, {{4, 2, 1, 1}, 10}, {{1, 1, 2, 2}, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_cell cell;
        struct ss_step_price price;
        make_cell(&cell, "mixtral-8x7b", cases[i].cut);
        cell.overhead = (struct ss_overhead){.step_ps = 3, .workers_ps = 7};
        struct ss_cost *cost = make_cost(&cell);
        struct ss_step_shape shape = small_step(0);
        CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
        CU_ASSERT_EQUAL(price.overhead_ps, cases[i].overhead);
        ss_text_free(&asked);
        ss_cost_destroy(cost);
    }
}

/* A model whose requests have neither top-p nor top-k takes the other figure: of 7 bytes for 32000 logits at 1 TB/s. */
static void
test_sampling(void)
{
    static const char *const models[] = {"llama-2-7b", "codellama-7b"};
    static const uint64_t logits[] = {32000, 32016};
    for (uint32_t plain = 0; plain < 2; plain++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_cell cell;
        struct ss_step_price price;
        make_cell(&cell, models[plain], (struct ss_cut){1, 1, 1, 1});
        cell.overhead = (struct ss_overhead){.sampling_bytes = 70, .plain_sampling_bytes = 7};
        struct ss_cost *cost = make_cost(&cell);
        struct ss_step_shape shape = small_step(0);
        CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
        CU_ASSERT_EQUAL(price.overhead_ps, (int64_t)((plain ? 7 : 70) * logits[plain]));
        ss_text_free(&asked);
        ss_cost_destroy(cost);
    }
}

/* A device without moe() and p2p(): experts as two GEMMs, a message as an all-gather of twice its bytes. */
static void
test_older_device(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_cell cell;
    struct ss_step_price price;
    make_cell(&cell, "mixtral-8x7b", (struct ss_cut){1, 2, 1, 1});
    descriptor.ops = &short_ops;
    struct ss_cost *cost = make_cost(&cell);
    struct ss_step_shape shape = small_step(0);
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    /* 8 pairs on 5.47 experts: two rows each */
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "16 expert_gu 2x143360x4096 bf16*bf16\n"
                                              "16 expert_down 2x20480x14336 bf16*bf16\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "1 all_gather 65536 bytes, 2 ranks, 2 a node\n"));
    ss_text_free(&asked);
    ss_cost_destroy(cost);
    descriptor.ops = &lone_ops;
    struct ss_cost *none = NULL;
    CU_ASSERT_EQUAL(ss_cost_create(&none, &cell, NULL, &err), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "write pp: 1"));
    make_cell(&cell, "mixtral-8x7b", (struct ss_cut){2, 1, 1, 1});
    descriptor.ops = &lone_ops;
    CU_ASSERT_EQUAL(ss_cost_create(&none, &cell, NULL, &err), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "write tp: 1"));
}

/* ---- windows ---- */

static void
test_window_pairs(void)
{
    uint64_t bad = 0;
    for (uint64_t window = 1; window < 9; window++)
        for (uint64_t context = 0; context < 12; context++)
            for (uint64_t tokens = 0; tokens < 12; tokens++) {
                uint64_t want = 0;
                for (uint64_t t = context; t < context + tokens; t++)
                    want += t + 1 < window ? t + 1 : window;
                bad += ss_window_pairs(window, tokens, context) != want;
            }
    CU_ASSERT_EQUAL(bad, 0);
}

/* gpt-oss-20b: a decode behind 99 tokens fills its window of 128 with the token behind 127, 29 steps on; then one has
   settled and costs no more there. */
static void
test_window_line(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_cell cell;
    struct ss_step_price price;
    make_cell(&cell, "gpt-oss-20b", (struct ss_cut){1, 1, 1, 1});
    struct ss_cost *cost = make_cost(&cell);
    struct ss_step_shape shape = {.tokens = 2, .sampled_rows = 2, .decode_count = 2, .decode_context_sum = 1099};
    shape.window = (struct ss_window_shape){.decode_context_sum = 99 + 127, .decode_settled = 1, .steps = 29};
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.data, "window 128 bf16: 0 chunks 0+0 0 pairs, 2 decodes 226 settled 1\n"));
    CU_ASSERT_EQUAL(price.line.steps, 29);
    CU_ASSERT_EQUAL(price.line.slope_ps, 2 + 1);
    /* 12 layers of 2 x 64 x 128 FLOPs a pair, 2 x 8 x 64 x 2 bytes a token */
    CU_ASSERT_EQUAL(price.work.flops_slope, 12 * UINT64_C(16384) * (2 + 1));
    CU_ASSERT_EQUAL(price.work.bytes_slope, 12 * UINT64_C(2048) * (2 + 1));
    ss_text_free(&asked);
    ss_cost_destroy(cost);
}

/* ---- what a step amounts to ---- */

static void
test_work(void)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_cell cell;
    struct ss_step_price price;
    struct ss_step_shape shape = small_step(0);
    make_cell(&cell, "llama-3.1-8b", (struct ss_cut){2, 1, 1, 1});
    struct ss_cost *cost = make_cost(&cell);
    const uint64_t head = UINT64_C(128256) * 4096, norms = 65 * 4096;
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    /* two for each parameter but the tables, for 4 tokens; the head for one; 4 x 32 x 128 x 32 for 21 + 100 pairs */
    CU_ASSERT_EQUAL(price.work.flops, 8 * (8030261248 - 2 * head) + 2 * head + 524288 * UINT64_C(121));
    CU_ASSERT_EQUAL(price.work.flops_slope, 524288);
    /* two GPUs read all weights but the embedding, norms twice; 131072 bytes for 5 + 100 tokens */
    CU_ASSERT_EQUAL(price.work.bytes, 2 * (8030261248 - head + norms) + 131072 * UINT64_C(105));
    CU_ASSERT_EQUAL(price.work.bytes_slope, 131072);
    ss_text_free(&asked);
    ss_cost_destroy(cost);

    make_cell(&cell, "mixtral-8x7b", (struct ss_cut){1, 1, 1, 1});
    cost = make_cost(&cell);
    CU_ASSERT_EQUAL(ss_cost_price(cost, &shape, &price, &err), 0);
    const uint64_t table = UINT64_C(32000) * 4096, expert = UINT64_C(3) * 4096 * 14336;
    /* a token meets two of eight experts; four tokens read 5.46875 of them */
    CU_ASSERT_EQUAL(price.work.flops,
                    8 * (46702792704 - 2 * table - 32 * 6 * expert) + 2 * table + 524288 * UINT64_C(121));
    CU_ASSERT_EQUAL(price.work.bytes, 2 * (46702792704 - table - 32 * 8 * expert) +
                                          (uint64_t)(5.46875 * 32 * 2 * (double)expert) + 131072 * UINT64_C(105));
    ss_text_free(&asked);
    ss_cost_destroy(cost);
}

/* ---- memory ---- */

static void
test_kv_blocks(void)
{
    static const struct {
        const char *model;
        struct ss_cut cut;
        uint32_t max_num_seqs, kv_dtype;
        double gib;
        uint64_t blocks;
    } cases[] = {
        /* as vLLM 0.19 reported for an RTX 4090, and two more than the 7463 of an H100 with 128 sequences */
        {"llama-3.1-8b", {1, 1, 1, 1}, 256, 0, 24, 2588},
        {"llama-2-7b", {1, 1, 1, 1}, 128, 0, 80, 7465},
        /* half the bytes a token */
        {"llama-3.1-8b", {1, 1, 1, 1}, 256, SERVSIM_DTYPE_FP8, 24, 5176},
        /* the last stage: 23192823398 - 8030265344 - 243269632 - 525336576 - 936000000 bytes, 16 x 65536 a block */
        {"llama-3.1-8b", {1, 2, 1, 1}, 256, 0, 24, 12834},
        /* 136259248128 - 85119478784 - 553648128 (8 experts of 3 x 2048 + 7168 and 4 x 7168 columns, 2048 rows) -
           529530880 - 936000000 bytes; 61 x 576 x 2 x 16 a block on every GPU */
        {"deepseek-v3", {8, 1, 1, 8}, 256, 0, 141, 43686},
        /* 23192823398 - 13761264768 - 235929600 - 823656448 - 936000000 bytes; 24 x 2 x 8 x 64 x 2 x 16 a block */
        {"gpt-oss-20b", {1, 1, 1, 1}, 256, 0, 24, 9455},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_cell cell;
        uint64_t blocks = 0;
        make_cell(&cell, cases[i].model, cases[i].cut);
        memory_bytes = (uint64_t)(cases[i].gib * 1073741824.0);
        cell.max_num_seqs = cases[i].max_num_seqs;
        cell.model.kv_dtype = cases[i].kv_dtype;
        struct ss_cost *cost = make_cost(&cell);
        CU_ASSERT_EQUAL(ss_cost_kv_blocks(cost, &blocks, &err), 0);
        CU_ASSERT_EQUAL(blocks, cases[i].blocks);
        if (blocks != cases[i].blocks)
            (void)printf("# %s: %llu blocks, %llu by hand\n", cases[i].model, (unsigned long long)blocks,
                         (unsigned long long)cases[i].blocks);
        ss_cost_destroy(cost);
    }
}

/* A block of llama-3.1-8b is 2 MiB, and half of that on each of two GPUs. */
static void
test_transfers(void)
{
    static const struct {
        uint32_t tp, gpus;
        double link, network, interconnect, own;
        int64_t latency_ps, wanted_ps; /* of ten blocks */
    } rows[] = {
        {1, 4, 0, 0, 0, 0, 0, -1},
        {1, 4, 100e9, 10e9, 0, 0, 0, 209715200},
        {2, 8, 100e9, 10e9, 0, 0, 0, 104857600},
        {1, 16, 100e9, 10e9, 0, 0, 0, 2097152000},
        {1, 16, 100e9, 10e9, 20e9, 0, 0, 1048576000},
        {1, 4, 0, 10e9, 0, 0, 5, 2097152005},
        {1, 4, 100e9, 10e9, 0, 4e9, 1000000, 5243880000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ss_cell cell;
        make_cell(&cell, "llama-3.1-8b", (struct ss_cut){rows[i].tp, 1, 1, 1});
        cell.gpus = rows[i].gpus;
        cell.interconnect_bytes_per_s = rows[i].interconnect;
        cell.transfer_bytes_per_s = rows[i].own;
        cell.transfer_latency_ps = rows[i].latency_ps;
        link_bytes_per_s = rows[i].link;
        network_bytes_per_s = rows[i].network;
        struct ss_cost *cost = make_cost(&cell);
        CU_ASSERT_EQUAL(ss_cost_transfer_ps(cost, 10), rows[i].wanted_ps);
        CU_ASSERT_EQUAL(ss_cost_transfer_bytes(cost), 2097152);
        ss_cost_destroy(cost);
    }
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"operators of a step", test_steps},
        {"what a device is told", test_context},
        {"data parallel ranks", test_data_parallel},
        {"CUDA graphs", test_graphs},
        {"pipeline stages", test_stages},
        {"small kernels", test_small_kernels},
        {"messages to workers", test_workers},
        {"filters of sampling", test_sampling},
        {"a device without the newer operators", test_older_device},
        {"pairs in a window", test_window_pairs},
        {"the line of a windowed model", test_window_line},
        {"what a step amounts to", test_work},
        {"KV blocks", test_kv_blocks},
        {"KV blocks between replicas", test_transfers},
    };
    return ss_run_cases("cost", cases, sizeof cases / sizeof cases[0]);
}
