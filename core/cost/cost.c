/*
 * cost/cost.c - composing a step: per layer the four GEMMs, attention, the two all-reduces and the small kernels;
 * around the layers the embedding, the final norm, the LM head on the sampled rows, and the sampler.
 *
 * Everything but attention depends on the number of tokens or of sampled rows alone, so it is priced once per number
 * and remembered: a step costs one call of the device, whatever its batch.
 */
#include "cost/cost.h"

#include <math.h>
#include <stdlib.h>

#define UNKNOWN_PS (-1) /* not priced yet */

/* Memory that the CUDA context and libraries hold, and bytes per logit that sampling needs at its peak (fp32 logits
   and their copies); fitted to the KV blocks that vLLM 0.19 reported. */
#define RUNTIME_CONTEXT_BYTES 0.936e9
#define SAMPLING_BYTES_PER_LOGIT 16.0

struct dense_price {
    int64_t dense_ps, communication_ps;
};

struct ss_cost {
    const struct ss_cell *cell;
    struct ss_instance device;
    const struct servsim_hardware_ops *ops;
    struct servsim_device about;
    struct servsim_hardware_context shape;
    struct dense_price *by_tokens; /* [max_num_batched_tokens + 1] */
    int64_t *by_rows_ps;           /* [max_num_seqs + 1]: final norm, LM head, sampler */
};

static void
fill_context(struct servsim_hardware_context *out, const struct ss_cell *cell)
{
    const struct ss_model *model = &cell->model;
    *out = (struct servsim_hardware_context){
        .size = sizeof *out,
        .dtype = model->dtype,
        .model_name = model->name,
        .layers = model->layers,
        .hidden = model->hidden,
        .q_heads = model->q_heads,
        .kv_heads = model->kv_heads,
        .head_dim = model->head_dim,
        .ffn = model->ffn,
        .vocab = model->vocab,
        .tp = cell->tp,
        .pp = cell->pp,
        .q_heads_per_gpu = model->q_heads / cell->tp,
        .kv_heads_per_gpu = ss_model_kv_heads_per_gpu(model, cell->tp),
        .ffn_per_gpu = model->ffn / cell->tp,
        .weight_dtype = model->dtype,
        .gemm_dtype = model->dtype,
        .kv_dtype = model->dtype,
        .v_head_dim = model->head_dim,
        .dp = cell->dp,
        .ep = cell->ep,
    };
}

static int
describe(struct ss_cost *cost, struct servsim_error *err)
{
    const char *name = cost->device.descriptor->name;
    cost->about.size = sizeof cost->about;
    int rc = cost->ops->describe(cost->device.self, &cost->about, err);
    if (rc != 0)
        return rc;
    cost->about.name[sizeof cost->about.name - 1] = '\0';
    if (cost->about.memory_bytes == 0 || !(cost->about.peak_flops > 0) || !(cost->about.memory_bytes_per_s > 0))
        return servsim_fail(err, EPROTO, "hardware plugin '%s' describes a device without memory, peak or bandwidth",
                            name);
    int links = SERVSIM_COVERS(cost->ops, struct servsim_hardware_ops, collective) && cost->ops->collective != NULL;
    if (cost->cell->tp > 1 && !links)
        return servsim_fail(err, EINVAL, "hardware plugin '%s' prices no collectives; write tp: 1", name);
    return 0;
}

int
ss_cost_create(struct ss_cost **out, const struct ss_cell *cell, const struct servsim_host *host,
               struct servsim_error *err)
{
    struct ss_cost *cost = calloc(1, sizeof *cost);
    if (cost == NULL)
        return servsim_fail(err, ENOMEM, "no memory for the cost model");
    cost->cell = cell;
    fill_context(&cost->shape, cell);
    size_t tokens = (size_t)cell->max_num_batched_tokens + 1, rows = (size_t)cell->max_num_seqs + 1;
    cost->by_tokens = malloc(tokens * sizeof *cost->by_tokens);
    cost->by_rows_ps = malloc(rows * sizeof *cost->by_rows_ps);
    int rc = cost->by_tokens != NULL && cost->by_rows_ps != NULL
                 ? ss_instance_create(&cost->device, &cell->hardware, host, &cost->shape, err)
                 : servsim_fail(err, ENOMEM, "no memory for the cost model's tables");
    if (rc == 0) {
        for (size_t i = 0; i < tokens; i++)
            cost->by_tokens[i].dense_ps = UNKNOWN_PS;
        for (size_t i = 0; i < rows; i++)
            cost->by_rows_ps[i] = UNKNOWN_PS;
        cost->ops = cost->device.descriptor->ops;
        rc = describe(cost, err);
    }
    if (rc != 0) {
        ss_cost_destroy(cost);
        return rc;
    }
    *out = cost;
    return 0;
}

void
ss_cost_destroy(struct ss_cost *cost)
{
    if (cost == NULL)
        return;
    ss_instance_destroy(&cost->device);
    free(cost->by_tokens);
    free(cost->by_rows_ps);
    free(cost);
}

const struct servsim_device *
ss_cost_device(const struct ss_cost *cost)
{
    return &cost->about;
}

int
ss_cost_wants_context_range(const struct ss_cost *cost)
{
    return (cost->ops->flags & SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE) != 0;
}

/* A plugin's price is taken only when it is one. */
static int
checked(const struct ss_cost *cost, const char *what, int rc, int64_t ps, struct servsim_error *err)
{
    if (rc < 0) {
        char said[512];
        (void)snprintf(said, sizeof said, "%.500s", err->text);
        return servsim_fail(err, EPROTO, "hardware plugin '%s': %s: %s", cost->device.descriptor->name, what, said);
    }
    if (ps < 0 || ps > INT64_MAX / 16)
        return servsim_fail(err, EPROTO, "hardware plugin '%s' prices %s at %lld ps", cost->device.descriptor->name,
                            what, (long long)ps);
    return 0;
}

static int
add_gemm(struct ss_cost *cost, uint32_t role, uint32_t times, uint64_t m, uint64_t n, uint64_t k, int64_t *total_ps,
         struct servsim_error *err)
{
    struct servsim_gemm op = {
        .size = sizeof op, .role = role, .dtype = cost->shape.dtype, .times = times, .m = m, .n = n, .k = k};
    int64_t ps = 0;
    int rc = checked(cost, "a GEMM", cost->ops->gemm(cost->device.self, &op, &ps, err), ps, err);
    *total_ps += ps;
    return rc;
}

static int
add_elementwise(struct ss_cost *cost, uint32_t role, uint32_t times, uint64_t rows, uint64_t columns, int64_t *total_ps,
                struct servsim_error *err)
{
    if (!SERVSIM_COVERS(cost->ops, struct servsim_hardware_ops, elementwise) || cost->ops->elementwise == NULL)
        return 0;
    struct servsim_elementwise op = {
        .size = sizeof op, .role = role, .dtype = cost->shape.dtype, .times = times, .rows = rows, .columns = columns};
    int64_t ps = 0;
    int rc = checked(cost, "an elementwise kernel", cost->ops->elementwise(cost->device.self, &op, &ps, err), ps, err);
    *total_ps += ps;
    return rc;
}

/* The GEMMs of all layers: QKV, attention output, gate and up as one, down. */
static int
price_gemms(struct ss_cost *cost, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &cost->shape;
    uint64_t q = (uint64_t)s->q_heads_per_gpu * s->head_dim;
    uint64_t kv = (uint64_t)s->kv_heads_per_gpu * s->head_dim;
    int rc = add_gemm(cost, SERVSIM_GEMM_QKV, s->layers, tokens, q + 2 * kv, s->hidden, ps, err);
    if (rc == 0)
        rc = add_gemm(cost, SERVSIM_GEMM_ATTENTION_OUT, s->layers, tokens, s->hidden, q, ps, err);
    if (rc == 0)
        rc = add_gemm(cost, SERVSIM_GEMM_GATE_UP, s->layers, tokens, 2 * (uint64_t)s->ffn_per_gpu, s->hidden, ps, err);
    if (rc == 0)
        rc = add_gemm(cost, SERVSIM_GEMM_DOWN, s->layers, tokens, s->hidden, s->ffn_per_gpu, ps, err);
    return rc;
}

static int
price_small_kernels(struct ss_cost *cost, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &cost->shape;
    uint64_t rotated = ((uint64_t)s->q_heads_per_gpu + s->kv_heads_per_gpu) * s->head_dim;
    int rc = add_elementwise(cost, SERVSIM_ELEMENTWISE_EMBEDDING, 1, tokens, s->hidden, ps, err);
    if (rc == 0)
        rc = add_elementwise(cost, SERVSIM_ELEMENTWISE_NORM, 2 * s->layers, tokens, s->hidden, ps, err);
    if (rc == 0)
        rc = add_elementwise(cost, SERVSIM_ELEMENTWISE_ROTARY, s->layers, tokens, rotated, ps, err);
    if (rc == 0)
        rc = add_elementwise(cost, SERVSIM_ELEMENTWISE_ACTIVATION, s->layers, tokens, s->ffn_per_gpu, ps, err);
    if (rc == 0)
        rc = add_elementwise(cost, SERVSIM_ELEMENTWISE_FINAL_NORM, 1, tokens, s->hidden, ps, err);
    return rc;
}

/* Two all-reduces a layer of tokens x hidden. */
static int
price_communication(struct ss_cost *cost, uint64_t tokens, int64_t *ps, struct servsim_error *err)
{
    if (cost->cell->tp == 1)
        return 0;
    struct servsim_collective op = {.size = sizeof op,
                                    .kind = SERVSIM_COLLECTIVE_ALL_REDUCE,
                                    .ranks = cost->cell->tp,
                                    .times = 2 * cost->shape.layers};
    op.bytes = (uint64_t)((double)(tokens * cost->shape.hidden) * ss_dtype_bytes(cost->shape.dtype));
    int rc = cost->ops->collective(cost->device.self, &op, ps, err);
    return checked(cost, "an all-reduce", rc, *ps, err);
}

static int
price_tokens(struct ss_cost *cost, uint32_t tokens, struct servsim_error *err)
{
    struct dense_price price = {0, 0};
    int rc = price_gemms(cost, tokens, &price.dense_ps, err);
    if (rc == 0)
        rc = price_small_kernels(cost, tokens, &price.dense_ps, err);
    if (rc == 0)
        rc = price_communication(cost, tokens, &price.communication_ps, err);
    if (rc == 0)
        cost->by_tokens[tokens] = price;
    return rc;
}

static int
price_rows(struct ss_cost *cost, uint32_t rows, struct servsim_error *err)
{
    const struct servsim_hardware_context *s = &cost->shape;
    int64_t ps = 0;
    int rc = 0;
    if (rows > 0) {
        uint64_t columns = (s->vocab + s->tp - 1) / s->tp;
        rc = add_gemm(cost, SERVSIM_GEMM_LM_HEAD, 1, rows, columns, s->hidden, &ps, err);
        if (rc == 0)
            rc = add_elementwise(cost, SERVSIM_ELEMENTWISE_SAMPLER, 1, rows, s->vocab, &ps, err);
    }
    if (rc == 0)
        cost->by_rows_ps[rows] = ps;
    return rc;
}

static int
price_attention(struct ss_cost *cost, const struct ss_step_shape *shape, struct servsim_line *line,
                struct servsim_error *err)
{
    struct servsim_attention op = {
        .size = sizeof op,
        .dtype = cost->shape.dtype,
        .kv_dtype = cost->shape.dtype,
        .times = cost->shape.layers,
        .q_heads = cost->shape.q_heads_per_gpu,
        .kv_heads = cost->shape.kv_heads_per_gpu,
        .head_dim = cost->shape.head_dim,
        .prefill_count = shape->prefill_count,
        .prefill_new_tokens = shape->prefill_new_tokens,
        .prefill_context_tokens = shape->prefill_context_tokens,
        .prefill_causal_pairs = shape->prefill_causal_pairs,
        .decode_count = shape->decode_count,
        .decode_context_sum = shape->decode_context_sum,
        .decode_context_min = shape->decode_context_min,
        .decode_context_max = shape->decode_context_max,
    };
    *line = (struct servsim_line){0, 0, 0};
    int rc = cost->ops->attention(cost->device.self, &op, line, err);
    rc = checked(cost, "attention", rc, line->base_ps, err);
    if (rc == 0 && line->steps == 0)
        return servsim_fail(err, EPROTO, "hardware plugin '%s' gives a line of no steps for attention",
                            cost->device.descriptor->name);
    return rc;
}

int
ss_cost_price(struct ss_cost *cost, const struct ss_step_shape *shape, struct ss_step_price *out,
              struct servsim_error *err)
{
    int rc = 0;
    if (cost->by_tokens[shape->tokens].dense_ps == UNKNOWN_PS)
        rc = price_tokens(cost, shape->tokens, err);
    if (rc == 0 && cost->by_rows_ps[shape->sampled_rows] == UNKNOWN_PS)
        rc = price_rows(cost, shape->sampled_rows, err);
    if (rc == 0)
        rc = price_attention(cost, shape, &out->line, err);
    if (rc != 0)
        return rc;
    const struct ss_overhead *overhead = &cost->cell->overhead;
    out->dense_ps = cost->by_tokens[shape->tokens].dense_ps + cost->by_rows_ps[shape->sampled_rows];
    out->communication_ps = cost->by_tokens[shape->tokens].communication_ps;
    out->overhead_ps = overhead->step_ps + overhead->layer_ps * (int64_t)cost->shape.layers;
    out->line.base_ps += out->dense_ps + out->communication_ps + out->overhead_ps;
    if (out->line.base_ps <= 0)
        return servsim_fail(err, EPROTO, "hardware plugin '%s' prices a whole step at nothing",
                            cost->device.descriptor->name);
    return 0;
}

/* Weights, activation peak and runtime context of one GPU, in bytes, for tensor parallel `tp`. */
static double
fixed_bytes(const struct ss_cost *cost, uint32_t tp)
{
    const struct ss_cell *cell = cost->cell;
    const struct ss_model *model = &cell->model;
    double dtype_bytes = ss_dtype_bytes(model->dtype);
    double columns = 3.0 * model->ffn / tp + 4.0 * model->hidden;
    double activations = (double)cell->max_num_batched_tokens * columns * dtype_bytes;
    double sampling = (double)cell->max_num_seqs * model->vocab * SAMPLING_BYTES_PER_LOGIT;
    return (double)ss_model_weight_bytes_per_gpu(model, tp) + activations + sampling + RUNTIME_CONTEXT_BYTES;
}

static double
block_bytes(const struct ss_cost *cost, uint32_t tp)
{
    return (double)ss_model_kv_bytes_per_token_per_gpu(&cost->cell->model, tp) * cost->cell->block_size;
}

static int
does_not_fit(const struct ss_cost *cost, double usable, struct servsim_error *err)
{
    const struct ss_cell *cell = cost->cell;
    const struct ss_model *model = &cell->model;
    char mend[96] = "write a larger device or a smaller model";
    for (uint32_t tp = cell->tp * 2; tp <= model->q_heads && model->q_heads % tp == 0; tp *= 2) {
        if (fixed_bytes(cost, tp) + block_bytes(cost, tp) <= usable) {
            (void)snprintf(mend, sizeof mend, "write cluster: {gpus: %u, tp: %u} or more", tp, tp);
            break;
        }
    }
    return servsim_fail(err, ENOMEM,
                        "cell '%s': %s does not fit: weights, activations and runtime need %.2f GiB per GPU, %s gives "
                        "%.2f GiB (memory_utilization %.2f); %s",
                        cell->name, model->name, fixed_bytes(cost, cell->tp) / 1073741824.0, cost->about.name,
                        usable / 1073741824.0, cell->memory_utilization, mend);
}

int
ss_cost_kv_blocks(const struct ss_cost *cost, uint64_t *blocks, struct servsim_error *err)
{
    const struct ss_cell *cell = cost->cell;
    double usable = (double)cost->about.memory_bytes * cell->memory_utilization;
    double left = usable - fixed_bytes(cost, cell->tp);
    double fit = floor(left / block_bytes(cost, cell->tp));
    if (left < 0 || fit < 1)
        return does_not_fit(cost, usable, err);
    *blocks = cell->kv_blocks != 0 ? cell->kv_blocks : (uint64_t)fit;
    return 0;
}

uint64_t
ss_cost_host_blocks(const struct ss_cost *cost)
{
    return (uint64_t)floor(cost->cell->swap_space_bytes / block_bytes(cost, cost->cell->tp));
}

int64_t
ss_cost_swap_ps(const struct ss_cost *cost, uint64_t blocks)
{
    if (blocks == 0)
        return 0;
    double block_ps = block_bytes(cost, cost->cell->tp) / cost->cell->swap_bytes_per_s * 1e12;
    return (int64_t)ceil(block_ps) * (int64_t)blocks;
}

void
ss_cost_work_units(const struct ss_cost *cost, struct ss_work_units *out)
{
    const struct ss_model *model = &cost->cell->model;
    double head = (double)model->vocab * model->hidden;
    double tables = model->tied_embeddings ? head : 2 * head;
    double layers = (double)ss_model_parameters(model) - tables;
    double bytes = ss_dtype_bytes(model->dtype);
    out->flops_per_token = 2.0 * layers;
    out->flops_per_row = 2.0 * head;
    out->flops_per_pair = 4.0 * model->q_heads * model->head_dim * model->layers;
    /* the embedding table is looked up, not read */
    double unread = model->tied_embeddings ? 0.0 : head * bytes / cost->cell->tp;
    out->weight_bytes_per_step = (double)ss_model_weight_bytes_per_gpu(model, cost->cell->tp) - unread;
    out->kv_bytes_per_context_token = (double)ss_model_kv_bytes_per_token_per_gpu(model, cost->cell->tp);
}
