/*
 * cost/memory.c - KV blocks that fit beside weights, activations and runtime.
 */
#include <math.h>

#include "cost/internal.h"

/* Memory that the CUDA context and libraries hold, and bytes per logit that sampling needs at its peak (fp32 logits
   and their copies); fitted to the KV blocks that vLLM 0.19 reported. */
#define RUNTIME_CONTEXT_BYTES 0.936e9
#define SAMPLING_BYTES_PER_LOGIT 16.0

/* Columns of intermediate results for each token that enters one layer: gate, up and their product, in a dense MLP
   (what comes up and what is left of it, where there is no gate), or once for each expert that the token goes to, whose
   result is kept apart, too. */
static double
layer_columns(const struct ss_model *model, const struct ss_cut *cut, const struct ss_stage *stage)
{
    double dense =
        stage->expert_layers < stage->layers ? (double)ss_model_mlp_matrices(model) * model->ffn / cut->tp : 0.0;
    double each = 3.0 * ss_cut_expert_ffn(model, cut) + model->hidden;
    double routed = stage->expert_layers > 0 ? (double)cut->dp * model->top_k * each : 0.0;
    return fmax(dense, routed);
}

/* Weights, activation peak and runtime context of one GPU of a stage, in bytes. */
static double
fixed_bytes(const struct ss_cell *cell, const struct ss_cut *cut, const struct ss_stage *stage)
{
    const struct ss_model *model = &cell->model;
    double columns = layer_columns(model, cut, stage) + 4.0 * model->hidden;
    double activations = (double)cell->max_num_batched_tokens * columns * ss_dtype_bytes(model->dtype);
    double sampling = stage->samples ? (double)cell->max_num_seqs * model->vocab * SAMPLING_BYTES_PER_LOGIT : 0.0;
    return (double)ss_model_stage_bytes(model, cut, stage) + activations + sampling + RUNTIME_CONTEXT_BYTES;
}

static double
stage_block_bytes(const struct ss_cell *cell, const struct ss_cut *cut, const struct ss_stage *stage)
{
    return floor(stage->layers * ss_model_kv_bytes_per_layer(&cell->model, cut->tp)) * cell->block_size;
}

/* Blocks that the tightest stage has room for; below 1 where the model does not fit. *fixed: of that stage. */
static double
blocks_fitting(const struct ss_cell *cell, const struct ss_cut *cut, double usable, double *fixed)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < cut->pp; i++) {
        struct ss_stage stage;
        ss_model_stage(&cell->model, cut->pp, i, &stage);
        double bytes = fixed_bytes(cell, cut, &stage);
        double blocks = floor((usable - bytes) / stage_block_bytes(cell, cut, &stage));
        if (blocks < least) {
            least = blocks;
            *fixed = bytes;
        }
    }
    return least;
}

static int
does_not_fit(const struct ss_cost *cost, double usable, double fixed, struct servsim_error *err)
{
    const struct ss_cell *cell = cost->cell;
    const struct ss_model *model = &cell->model;
    char mend[96] = "write a larger device or a smaller model";
    for (uint32_t tp = cell->tp * 2; tp <= model->q_heads && model->q_heads % tp == 0; tp *= 2) {
        struct ss_cut cut = cost->cut;
        double unused;
        cut.tp = tp;
        if (blocks_fitting(cell, &cut, usable, &unused) >= 1) {
            uint32_t replicas = cell->prefill_replicas > 0 ? cell->prefill_replicas + 1 : 1;
            (void)snprintf(mend, sizeof mend, "write cluster: {gpus: %u, tp: %u} or more",
                           replicas * tp * cut.pp * cut.dp, tp);
            break;
        }
    }
    return servsim_fail(err, ENOMEM,
                        "cell '%s': %s does not fit: weights, activations and runtime need %.2f GiB per GPU, %s gives "
                        "%.2f GiB (memory_utilization %.2f); %s",
                        cell->name, model->name, fixed / 1073741824.0, cost->operators.about.name,
                        usable / 1073741824.0, cell->memory_utilization, mend);
}

int
ss_cost_kv_blocks(const struct ss_cost *cost, uint64_t *blocks, struct servsim_error *err)
{
    const struct ss_cell *cell = cost->cell;
    double usable = (double)cost->operators.about.memory_bytes * cell->memory_utilization, fixed = 0;
    double fit = blocks_fitting(cell, &cost->cut, usable, &fixed);
    if (fit < 1)
        return does_not_fit(cost, usable, fixed, err);
    *blocks = cell->kv_blocks != 0 ? cell->kv_blocks : (uint64_t)fit;
    return 0;
}

/* ---- swapping ---- */

/* Of the stage with the largest blocks: it takes longest, and its host memory is full first. */
static double
block_bytes(const struct ss_cost *cost)
{
    double largest = 0.0;
    for (uint32_t i = 0; i < cost->cut.pp; i++)
        largest = fmax(largest, stage_block_bytes(cost->cell, &cost->cut, &cost->stages[i].stage));
    return largest;
}

uint64_t
ss_cost_host_blocks(const struct ss_cost *cost)
{
    return (uint64_t)floor(cost->cell->swap_space_bytes / block_bytes(cost));
}

int64_t
ss_cost_swap_ps(const struct ss_cost *cost, uint64_t blocks)
{
    if (blocks == 0)
        return 0;
    double block_ps = block_bytes(cost) / cost->cell->swap_bytes_per_s * 1e12;
    return (int64_t)ceil(block_ps) * (int64_t)blocks;
}

/* ---- between replicas ---- */

/* The node's link where one node has all GPUs, else the network. */
static double
transfer_bytes_per_s(const struct ss_cost *cost)
{
    const struct ss_cell *cell = cost->cell;
    const struct servsim_device *device = &cost->operators.about;
    int one_node = device->gpus_per_node == 0 || cell->gpus <= device->gpus_per_node;
    if (cell->transfer_bytes_per_s > 0)
        return cell->transfer_bytes_per_s;
    if (one_node && device->link_bytes_per_s > 0)
        return device->link_bytes_per_s;
    if (cell->interconnect_bytes_per_s > 0)
        return cell->interconnect_bytes_per_s;
    return device->network_bytes_per_s;
}

int64_t
ss_cost_transfer_ps(const struct ss_cost *cost, uint64_t blocks)
{
    double bytes_per_s = transfer_bytes_per_s(cost);
    if (bytes_per_s <= 0)
        return -1;
    double ps = block_bytes(cost) * (double)blocks / bytes_per_s * 1e12;
    return cost->cell->transfer_latency_ps + llround(fmin(ps, SS_TRANSFER_LIMIT_PS));
}

double
ss_cost_transfer_bytes(const struct ss_cost *cost)
{
    return block_bytes(cost) * cost->cell->tp;
}
