/*
 * unit/toy.c - toy devices and traffic.
 */
#include "toy.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "experiment/node.h"
#include "harness.h"
#include "metrics/summary.h"

/* ---- the device ---- */

static const struct toy_device *
device_of(void *self)
{
    return self;
}

static int32_t
describe(void *self, struct servsim_device *out, struct servsim_error *err)
{
    (void)self;
    (void)err;
    out->memory_bytes = UINT64_C(1) << 36;
    out->peak_flops = 1e14;
    out->memory_bytes_per_s = 1e12;
    (void)snprintf(out->name, sizeof out->name, "toy");
    return 0;
}

static int32_t
gemm(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    (void)err;
    *ps = op->role == SERVSIM_GEMM_QKV ? device_of(self)->step_ps + (device_of(self)->constant ? 0 : (int64_t)op->m * 7)
                                       : 0;
    return 0;
}

/* Exact for any split: a bend is a function of the mean context's cell, and every line ends where its cell ends. */
static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    const struct toy_device *device = device_of(self);
    uint64_t sum = op->decode_context_sum, count = op->decode_count;
    (void)err;
    /* in a window the range of contexts narrows as they settle, which is no line */
    uint64_t range = op->window == 0 ? op->decode_context_max - op->decode_context_min : 0;
    line->base_ps = (device->constant ? 0 : (int64_t)op->prefill_causal_pairs) + (int64_t)range * 11;
    line->slope_ps = 0;
    line->steps = UINT64_MAX;
    if (count == 0)
        return 0;
    uint64_t mean = sum / count, cell = device->grid ? mean / device->grid : 0;
    int64_t token_ps = device->token_ps + (int64_t)(cell % 3) * 5;
    line->base_ps += token_ps * (int64_t)sum + (int64_t)cell * 1001;
    line->slope_ps = token_ps * (int64_t)(count - op->decode_settled);
    if (device->grid)
        line->steps = (cell + 1) * device->grid - mean;
    return 0;
}

static int32_t
collective(void *self, const struct servsim_collective *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)err;
    *ps = (int64_t)op->bytes;
    return 0;
}

static const struct servsim_hardware_ops device_ops = {
    .size = sizeof device_ops, .describe = describe, .gemm = gemm, .attention = attention, .collective = collective};
static const struct servsim_hardware_ops ranged_ops = {.size = sizeof ranged_ops,
                                                       .flags = SERVSIM_HARDWARE_WANTS_CONTEXT_RANGE,
                                                       .describe = describe,
                                                       .gemm = gemm,
                                                       .attention = attention,
                                                       .collective = collective};

/* ---- the traffic ---- */

struct stream {
    const struct toy_traffic *traffic;
    struct servsim_random random;
    struct toy_storage storage;
    uint64_t sent;
    ss_time now;
};

static uint32_t
between(struct servsim_random *random, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(servsim_random_u64(random) % (high - low + 1));
}

/* Two prompts have the same pieces up to the first at which they differ, in one of three ways. */
static void
identify_pieces(struct servsim_arrival *arrival, struct servsim_random *random, uint64_t *pieces)
{
    const uint32_t piece = 24;
    uint64_t chain = 1;
    arrival->block_hashes = pieces;
    arrival->block_hash_tokens = piece;
    arrival->block_hash_count = (arrival->prompt_tokens + piece - 1) / piece;
    for (uint32_t i = 0; i < arrival->block_hash_count; i++)
        pieces[i] = chain = chain * 4 + (servsim_random_u64(random) % 8 < 6 ? 0 : between(random, 1, 2));
}

static void
identify_tokens(struct servsim_arrival *arrival, struct servsim_random *random, int32_t *tokens)
{
    uint32_t common = between(random, 0, arrival->prompt_tokens);
    arrival->token_ids = tokens;
    for (uint32_t i = 0; i < arrival->prompt_tokens; i++)
        tokens[i] = i < common ? (int32_t)(i % 7) : (int32_t)between(random, 0, 1);
}

void
toy_identify(struct servsim_arrival *arrival, const struct toy_traffic *traffic, struct servsim_random *random,
             struct toy_storage *storage)
{
    if (traffic->identity == TOY_TOKENS)
        identify_tokens(arrival, random, storage->tokens);
    else if (traffic->identity == TOY_PIECES)
        identify_pieces(arrival, random, storage->pieces);
    else
        arrival->prompt_id = between(random, traffic->identity == TOY_SHARED ? 0 : 1, traffic->distinct);
    if (traffic->identity == TOY_SHARED) {
        arrival->prefix_id = 1 + arrival->prompt_id % 2;
        arrival->prefix_tokens = traffic->prefix_tokens;
    }
}

static int32_t
next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct stream *stream = self;
    const struct toy_traffic *traffic = stream->traffic;
    (void)err;
    if (stream->sent == traffic->requests)
        return 0;
    if (stream->sent > 0 && (traffic->burst == 0 || stream->sent % traffic->burst == 0)) {
        double gap_s = -log(servsim_random_unit(&stream->random)) * traffic->gap_s;
        stream->now += traffic->every_ps > 0 ? (ss_time)traffic->every_ps : (ss_time)(gap_s * 1e12);
    }
    stream->sent++;
    ss_time now = traffic->tick_ps > 0 ? stream->now / traffic->tick_ps * traffic->tick_ps : stream->now;
    ss_time_split(now, &out->arrival_s, &out->arrival_ps);
    out->prompt_tokens = between(&stream->random, traffic->prompt_min, traffic->prompt_max);
    out->output_tokens = between(&stream->random, traffic->output_min, traffic->output_max);
    out->client = 1 + stream->sent * 7 % 3;
    out->priority = stream->sent % 4 == 0;
    out->deadline_s = out->arrival_s + (int64_t)(stream->sent % 5);
    out->deadline_ps = out->arrival_ps;
    if (traffic->exponential_output)
        out->output_tokens = 1 + (uint32_t)(-log(servsim_random_unit(&stream->random)) * traffic->output_max);
    if (traffic->identity != TOY_UNKNOWN)
        toy_identify(out, traffic, &stream->random, &stream->storage);
    return 1;
}

static const struct servsim_workload_ops traffic_ops = {.size = sizeof traffic_ops, .next = next};

static void
destroy_none(void *self)
{
    (void)self;
}

/* The tests run one toy at a time; its parameters reach create() this way. */
static struct toy *current;

static int32_t
create_toy_device(const struct servsim_host *host, const struct servsim_create *args, void **self,
                  struct servsim_error *err)
{
    (void)host;
    (void)args;
    (void)err;
    *self = &current->device;
    return 0;
}

static int32_t
create_toy_traffic(const struct servsim_host *host, const struct servsim_create *args, void **self,
                   struct servsim_error *err)
{
    struct stream *stream = calloc(1, sizeof *stream);
    (void)args;
    (void)err;
    stream->traffic = &current->traffic;
    stream->random.state = host->seed(host->ctx, "toy");
    *self = stream;
    return 0;
}

static const struct servsim_plugin device_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_HARDWARE),
    .name = "toy",
    .version = "1",
    .summary = "toy",
    .licence = "Apache-2.0",
    .create = create_toy_device,
    .destroy = destroy_none,
    .ops = &device_ops,
};

static const struct servsim_plugin ranged_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_HARDWARE),
    .name = "toy_ranged",
    .version = "1",
    .summary = "toy",
    .licence = "Apache-2.0",
    .create = create_toy_device,
    .destroy = destroy_none,
    .ops = &ranged_ops,
};

static const struct servsim_plugin traffic_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_WORKLOAD),
    .name = "toy",
    .version = "1",
    .summary = "toy",
    .licence = "Apache-2.0",
    .create = create_toy_traffic,
    .destroy = free,
    .ops = &traffic_ops,
};

/* ---- the cell ---- */

static void
fill_cell(struct ss_cell *cell)
{
    static char name[] = "toy", resolved[] = "";
    *cell = (struct ss_cell){
        .name = name,
        .seed = 1,
        .model = {.name = "toy",
                  .layers = 2,
                  .hidden = 64,
                  .q_heads = 4,
                  .kv_heads = 2,
                  .head_dim = 16,
                  .ffn = 128,
                  .vocab = 1000,
                  .max_positions = 100000,
                  .dtype = SERVSIM_DTYPE_BF16},
        .gpus = 1,
        .tp = 1,
        .pp = 1,
        .dp = 1,
        .ep = 1,
        .replicas = 1,
        .max_num_seqs = 16,
        .max_num_batched_tokens = 128,
        .max_model_len = 100000,
        .block_size = 16,
        .memory_utilization = 0.9,
        .kv_blocks = 1000,
        .swap_space_bytes = 1 << 20,
        .swap_bytes_per_s = 1e9,
        .overhead = {.name = "ideal"},
        .slo_ttft_ps = -1,
        .slo_tpot_ps = -1,
        .stop_after = SS_NEVER,
        .resolved = resolved,
    };
}

void
toy_init(struct toy *toy)
{
    struct servsim_error err = {.size = sizeof err};
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s", ss_build_path("plugins/.libs"));
    const char *const paths[] = {folder};
    memset(toy, 0, sizeof *toy);
    toy->device = (struct toy_device){.step_ps = 1000000000, .token_ps = 1000};
    toy->traffic = (struct toy_traffic){
        .requests = 100, .gap_s = 0.01, .prompt_min = 1, .prompt_max = 200, .output_min = 1, .output_max = 100};
    toy->traffic_plugin = (struct ss_plugin){&traffic_descriptor, "toy"};
    fill_cell(&toy->cell);
    CU_ASSERT_EQUAL_FATAL(ss_registry_open(&toy->registry, paths, 1, &err), 0);
    toy_use(toy, SERVSIM_KIND_SCHEDULER, "fcfs", NULL);
    toy_use(toy, SERVSIM_KIND_ROUTER, "round_robin", NULL);
}

void
toy_experts(struct toy *toy)
{
    struct ss_model *model = &toy->cell.model;
    model->experts = 8;
    model->top_k = 2;
    model->expert_ffn = 64;
    for (uint32_t i = 0; i < model->layers; i++)
        model->kinds[i] = SS_LAYER_EXPERTS;
}

void
toy_free(struct toy *toy)
{
    ss_options_free(&toy->cell.scheduler.options);
    ss_options_free(&toy->cell.router.options);
    ss_options_free(&toy->cell.hardware.options);
    ss_registry_close(toy->registry);
}

void
toy_use(struct toy *toy, uint32_t kind, const char *name, const char *options)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_use *use = kind == SERVSIM_KIND_SCHEDULER  ? &toy->cell.scheduler
                         : kind == SERVSIM_KIND_HARDWARE ? &toy->cell.hardware
                                                         : &toy->cell.router;
    struct ss_node *map = NULL;
    ss_options_free(&use->options);
    int rc = ss_registry_find(toy->registry, kind, name, ".", &use->plugin, &err);
    if (rc == 0 && options != NULL)
        rc = ss_node_parse(&map, options, strlen(options), "test", &err);
    if (rc == 0)
        rc = ss_options_bind(&use->options, use->plugin->descriptor, map, NULL, ".", &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    ss_node_free(map);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

void
toy_place(struct toy *toy)
{
    current = toy;
    toy->device_plugin = (struct ss_plugin){toy->device.wants_range ? &ranged_descriptor : &device_descriptor, "toy"};
    if (toy->cell.hardware.options.count == 0)
        toy->cell.hardware.plugin = &toy->device_plugin;
    toy->cell.workload.plugin = &toy->traffic_plugin;
}

int
toy_run(struct toy *toy, int stepwise, struct ss_result *result)
{
    struct servsim_error err = {.size = sizeof err};
    const struct ss_sim_options options = {.stepwise = stepwise, .verify = 1};
    toy_place(toy);
    int rc = ss_simulate(&toy->cell, &options, result, &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    return rc;
}

char *
toy_text(const struct ss_result *result, const struct ss_cell *cell)
{
    int (*const writers[])(const struct ss_result *, const char *,
                           struct servsim_error *) = {ss_write_requests_csv, ss_write_series_csv, ss_write_itl_csv};
    const struct ss_summary_input input = {cell->gpus, cell->replicas, cell->slo_ttft_ps, cell->slo_tpot_ps};
    struct servsim_error err = {.size = sizeof err};
    struct ss_text all = {0};
    char path[] = "/tmp/servsim-toy-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    (void)close(fd);
    for (size_t i = 0; i < 3; i++) {
        char *data = NULL;
        size_t length = 0;
        CU_ASSERT_EQUAL_FATAL(writers[i](result, path, &err), 0);
        CU_ASSERT_EQUAL_FATAL(ss_file_read(path, 1u << 28, &data, &length, &err), 0);
        ss_text_add(&all, data, length);
        free(data);
    }
    (void)unlink(path);
    CU_ASSERT_EQUAL_FATAL(ss_summary_json(result, &input, &all, &err), 0);
    return all.data;
}
