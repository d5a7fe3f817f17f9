/*
 * conform/toy.c - the small cell, the device and the traffic; toy_policy.c has its scheduler and its router.
 *
 * A toy plugin finds its parameters through an option whose text is a pointer: there is nothing global, so cells may
 * run side by side, and one within another.
 */
#include "conform/toy.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "conform/toy_policy.h"
#include "metrics/summary.h"

/* ---- the device ---- */

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
    const struct ss_toy_device *device = self;
    (void)err;
    *ps = op->role == SERVSIM_GEMM_QKV ? device->step_ps + (device->constant ? 0 : (int64_t)op->m * 7) : 0;
    return 0;
}

/* Exact for any split: a bend is a function of the mean context's cell, and every line ends where its cell ends. */
static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    const struct ss_toy_device *device = self;
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
    const struct ss_toy_traffic *traffic;
    struct servsim_random random;
    uint64_t sent;
    ss_time now;
};

static uint32_t
between(struct servsim_random *random, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(servsim_random_u64(random) % (high - low + 1));
}

static void
draw_caller(struct stream *stream, struct servsim_arrival *out)
{
    out->client = between(&stream->random, 0, 3);
    out->priority = (int32_t)between(&stream->random, 0, 2) - 1;
    out->session = between(&stream->random, 0, 5);
    if (between(&stream->random, 0, 3) > 0) {
        out->deadline_s = out->arrival_s + between(&stream->random, 0, 20);
        out->deadline_ps = out->arrival_ps;
    }
}

static void
draw_row(struct stream *stream, struct servsim_arrival *out)
{
    const struct ss_toy_traffic *traffic = stream->traffic;
    if (stream->sent > 0 && (traffic->burst == 0 || stream->sent % traffic->burst == 0)) {
        double gap_s = -log(servsim_random_unit(&stream->random)) * traffic->gap_s;
        stream->now += traffic->every_ps > 0 ? (ss_time)traffic->every_ps : (ss_time)(gap_s * 1e12);
    }
    ss_time now = traffic->tick_ps > 0 ? stream->now / traffic->tick_ps * traffic->tick_ps : stream->now;
    ss_time_split(now, &out->arrival_s, &out->arrival_ps);
    out->prompt_tokens = between(&stream->random, traffic->prompt_min, traffic->prompt_max);
    out->output_tokens = between(&stream->random, traffic->output_min, traffic->output_max);
    if (traffic->exponential_output)
        out->output_tokens = 1 + (uint32_t)(-log(servsim_random_unit(&stream->random)) * traffic->output_max);
    if (traffic->callers)
        draw_caller(stream, out);
    if (traffic->tell != NULL)
        traffic->tell(traffic, stream->sent, &stream->random, out);
}

static int32_t
next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct stream *stream = self;
    const struct ss_toy_traffic *traffic = stream->traffic;
    (void)err;
    if (traffic->midway != NULL && stream->sent == traffic->midway_at)
        traffic->midway(traffic->ctx);
    if (traffic->row != NULL)
        return traffic->row(traffic, stream->sent++, out);
    if (stream->sent == traffic->requests)
        return 0;
    draw_row(stream, out);
    stream->sent++;
    return 1;
}

static const struct servsim_workload_ops traffic_ops = {.size = sizeof traffic_ops, .next = next};

/* ---- making them ---- */

static const struct ss_toy *
toy_of(const struct servsim_create *args)
{
    return (const struct ss_toy *)(const void *)args->values[0].text;
}

static int32_t
create_device(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    (void)host;
    (void)err;
    *self = (void *)(uintptr_t)&toy_of(args)->device;
    return 0;
}

static void
destroy_none(void *self)
{
    (void)self;
}

static int32_t
create_traffic(const struct servsim_host *host, const struct servsim_create *args, void **self,
               struct servsim_error *err)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    stream->traffic = &toy_of(args)->traffic;
    stream->random.state = host->seed(host->ctx, "toy");
    *self = stream;
    return 0;
}

#define ABOUT .version = "1", .summary = "toy", .licence = "Apache-2.0"

static const struct servsim_plugin device_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_HARDWARE),
    .name = "toy",
    ABOUT,
    .create = create_device,
    .destroy = destroy_none,
    .ops = &device_ops,
};

static const struct servsim_plugin ranged_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_HARDWARE),
    .name = "toy_ranged",
    ABOUT,
    .create = create_device,
    .destroy = destroy_none,
    .ops = &ranged_ops,
};

static const struct servsim_plugin traffic_descriptor = {
    SERVSIM_PLUGIN_HEAD_PLAIN(SERVSIM_KIND_WORKLOAD),
    .name = "toy",
    ABOUT,
    .create = create_traffic,
    .destroy = free,
    .ops = &traffic_ops,
};

static const struct ss_plugin device_plugin = {&device_descriptor, "toy"};
static const struct ss_plugin ranged_plugin = {&ranged_descriptor, "toy"};
static const struct ss_plugin traffic_plugin = {&traffic_descriptor, "toy"};

/* ---- the cell ---- */

void
ss_toy_init(struct ss_toy *toy)
{
    static char name[] = "toy", resolved[] = "";
    *toy = (struct ss_toy){
        .device = {.step_ps = 1000000000, .token_ps = 1000},
        .traffic =
            {.requests = 100, .gap_s = 0.01, .prompt_min = 1, .prompt_max = 200, .output_min = 1, .output_max = 100},
    };
    toy->cell = (struct ss_cell){
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

static void
stand_in(struct ss_use *use, const struct ss_plugin *plugin, struct servsim_value *value)
{
    if (use->plugin == NULL)
        *use = (struct ss_use){.plugin = plugin, .options = {.values = value, .count = 1}};
}

struct ss_cell
ss_toy_cell(const struct ss_toy *toy, struct servsim_value *value)
{
    struct ss_cell cell = toy->cell;
    *value = (struct servsim_value){.name = "toy", .text = (const char *)(const void *)toy, .present = 2};
    stand_in(&cell.hardware, toy->device.wants_range ? &ranged_plugin : &device_plugin, value);
    stand_in(&cell.workload, &traffic_plugin, value);
    stand_in(&cell.scheduler, &ss_toy_scheduler, value);
    stand_in(&cell.router, &ss_toy_router, value);
    return cell;
}

int
ss_toy_run(const struct ss_toy *toy, int stepwise, struct ss_result *result, struct servsim_error *err)
{
    const struct ss_sim_options options = {.stepwise = stepwise, .verify = 1};
    struct servsim_value value;
    const struct ss_cell cell = ss_toy_cell(toy, &value);
    return ss_simulate(&cell, &options, result, err);
}

/* ---- the files of a result ---- */

static int
add_file(struct ss_text *out, const char *path, struct servsim_error *err)
{
    char *data = NULL;
    size_t length = 0;
    int rc = ss_file_read(path, (size_t)1 << 28, &data, &length, err);
    if (rc == 0)
        ss_text_add(out, data, length);
    free(data);
    return rc;
}

int
ss_toy_text(const struct ss_result *result, const struct ss_cell *cell, struct ss_text *out, struct servsim_error *err)
{
    int (*const writers[])(const struct ss_result *, const char *,
                           struct servsim_error *) = {ss_write_requests_csv, ss_write_series_csv, ss_write_itl_csv};
    const struct ss_summary_input input = {cell->gpus, cell->replicas, cell->slo_ttft_ps, cell->slo_tpot_ps};
    char path[] = "/tmp/servsim-toy-XXXXXX";
    int rc = 0, fd = mkstemp(path);
    if (fd < 0)
        return servsim_fail(err, errno, "%s: %s", path, strerror(errno));
    (void)close(fd);
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        rc = writers[i](result, path, err);
        if (rc == 0)
            rc = add_file(out, path, err);
    }
    (void)unlink(path);
    if (rc == 0)
        rc = ss_summary_json(result, &input, out, err);
    return rc == 0 && out->failed ? servsim_fail(err, ENOMEM, "no memory for the files of a result") : rc;
}
