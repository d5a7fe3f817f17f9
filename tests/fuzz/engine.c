/*
 * fuzz/engine.c - the engine against itself: bytes become a small experiment, which is run twice under verify, with
 * runs of steps in one event and step by step. Every figure of the two results must be the same.
 *
 * Every byte is one choice, so that a small change of the input is a small change of the experiment; where bytes end,
 * the first choice is taken. Six bytes are a request.
 */
#include <string.h>

#include "both_ways.h"
#include "experiment/node.h"
#include "fuzz.h"

#define REQUESTS 48
#define OUTPUT_TOKENS 3000u /* of all requests: each may be a step of its own */
#define DEATHS 3u
#define PROMPT_PIECE 8u /* tokens that one block id stands for */
#define PROMPT_PIECES 256u

struct bytes {
    const uint8_t *at, *end;
};

struct scene {
    struct ss_toy toy;
    struct ss_scheduled_failure deaths[DEATHS];
    struct ss_straggler straggler;
    struct servsim_arrival rows[REQUESTS];
    uint64_t row_count;
    uint64_t hashes[3][PROMPT_PIECES];
};

static uint32_t
take(struct bytes *bytes)
{
    return bytes->at < bytes->end ? *bytes->at++ : 0;
}

static uint32_t
pick(struct bytes *bytes, const uint32_t *values, size_t count)
{
    return values[take(bytes) % count];
}

#define PICK(bytes, ...)                                                                                               \
    pick((bytes), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* ---- plugins ---- */

struct choice {
    const char *name, *options; /* as in YAML, or NULL */
};

static const struct choice schedulers[] = {
    {"fcfs", NULL},
    {"fcfs", "{preemption: swap}"},
    {"fcfs", "{chunked_prefill: false}"},
    {"fcfs", "{long_prefill_threshold: 5}"},
    {"static", NULL},
    {"orca", "{preemption: swap}"},
    {"vllm_v0", NULL},
    {"vllm_v0", "{preemption: swap, watermark: 0.1}"},
    {"sarathi", "{token_budget: 20}"},
    {"sjf", "{ageing: 100}"},
    {"sjf", "{ageing: 0, chunked_prefill: false}"},
    {"srpt", "{ageing: 0}"},
    {"srpt", "{preemption: swap, long_prefill_threshold: 7}"},
    {"priority", NULL},
    {"priority", "{level: 20ms, preemption: swap}"},
    {"mlfq", "{quantum: 2, prefill: 20}"},
    {"mlfq", "{quantum: 5, levels: 3, ageing: 1000, preemption: swap}"},
    {"fair", NULL},
    {"fair", "{preemption: swap, output_weight: 0.5}"},
    {"slo", "{target: 100ms, prompt_token: 0.01ms}"},
    {"slo", "{target: 2s, preemption: swap}"},
    {"predictive", NULL},
    {"predictive", "{preemption: swap, ageing: 100}"},
};

static const struct choice routers[] = {
    {"round_robin", NULL},  {"least_loaded", NULL}, {"random", NULL},     {"power_of_two", NULL},
    {"least_tokens", NULL}, {"least_kv", NULL},     {"predictive", NULL},
};

static const struct choice predictors[] = {
    {NULL, NULL},
    {"oracle", NULL},
    {"oracle", "{noise: 0.5}"},
    {"histogram", NULL},
    {"persistence", NULL},
    {"moving_average", NULL},
    {"dlinear", "{window: 8, average: 3}"},
};

/* A device that is NULL is the toy's. The last one prices its own model only. */
static const struct choice devices[] = {
    {NULL, NULL},      {NULL, NULL},   {NULL, NULL},
    {"rtx3090", NULL}, {"h100", NULL}, {"profile", "{path: \"data:synthetic_gpu/llama-3.1-8b/bf16\"}"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
use(struct ss_use *out, uint32_t kind, const struct choice *choice)
{
    const struct ss_lookup *lookup = fuzz_lookup();
    struct servsim_error err = {.size = sizeof err};
    struct ss_node *map = NULL;
    if (choice->name == NULL)
        return;
    int rc = ss_registry_find(lookup->registry, kind, choice->name, ".", &out->plugin, &err);
    if (rc == 0 && choice->options != NULL)
        rc = ss_node_parse(&map, choice->options, strlen(choice->options), "engine", &err);
    if (rc == 0)
        rc = ss_options_bind_in(&out->options, out->plugin->descriptor, map, NULL, ".", lookup->data_dir, &err);
    if (rc != 0)
        fuzz_fail("%s", err.text);
    ss_node_free(map);
}

static void
draw_plugins(struct bytes *bytes, struct ss_cell *cell)
{
    const struct choice *device = &devices[take(bytes) % COUNT(devices)];
    struct servsim_error err = {.size = sizeof err};
    use(&cell->scheduler, SERVSIM_KIND_SCHEDULER, &schedulers[take(bytes) % COUNT(schedulers)]);
    use(&cell->router, SERVSIM_KIND_ROUTER, &routers[take(bytes) % COUNT(routers)]);
    use(&cell->predictor, SERVSIM_KIND_PREDICTOR, &predictors[take(bytes) % COUNT(predictors)]);
    use(&cell->hardware, SERVSIM_KIND_HARDWARE, device);
    if (device == &devices[COUNT(devices) - 1] &&
        ss_model_find(&cell->model, "llama-3.1-8b", ".", fuzz_lookup()->models_dir, &err) != 0)
        fuzz_fail("%s", err.text);
    cell->predictor_interval_ps = PICK(bytes, 125, 10, 1000) * SS_PS_PER_MS;
    cell->history_requests = cell->predictor.plugin != NULL ? PICK(bytes, 0, 1, 10) : 0;
}

/* ---- the cell ---- */

static void
draw_model(struct bytes *bytes, struct ss_cell *cell)
{
    uint32_t experts = PICK(bytes, 0, 0, 1), window = PICK(bytes, 0, 0, 2, 17, 64, 300);
    cell->model.layers = 4;
    cell->model.window = window;
    cell->model.experts = experts ? 8 : 0;
    cell->model.top_k = experts ? 2 : 0;
    cell->model.expert_ffn = experts ? 64 : 0;
    for (uint32_t i = 0; i < cell->model.layers; i++)
        cell->model.kinds[i] =
            (experts && i > 0 ? SS_LAYER_EXPERTS : 0) | (window > 0 && i % 2 == 1 ? SS_LAYER_WINDOW : 0);
}

static void
draw_layout(struct bytes *bytes, struct ss_cell *cell, int own_model)
{
    cell->replicas = PICK(bytes, 1, 1, 2, 3, 7);
    cell->pp = PICK(bytes, 1, 1, 1, 2, 4);
    cell->dp = PICK(bytes, 1, 1, 1, 2, 3);
    cell->tp = PICK(bytes, 1, 1, 2);
    cell->ep = own_model && cell->model.experts > 0 && PICK(bytes, 0, 1) ? cell->tp * cell->dp : 1;
    cell->gpus = cell->replicas * cell->pp * cell->dp * cell->tp;
}

static void
draw_limits(struct bytes *bytes, struct ss_cell *cell)
{
    cell->block_size = PICK(bytes, 16, 1, 2, 3, 32, 100);
    cell->max_num_seqs = PICK(bytes, 16, 1, 2, 3, 5, 64);
    cell->max_num_batched_tokens = cell->max_num_seqs + PICK(bytes, 64, 0, 1, 16, 512);
    cell->max_model_len = PICK(bytes, 100000, 100000, 400, 50);
    cell->kv_blocks = 1 + take(bytes) * PICK(bytes, 1, 1, 4, 16);
    cell->prefix_caching = (int)PICK(bytes, 0, 1);
    cell->swap_space_bytes = PICK(bytes, 1 << 20, 0, 8192, 65536);
    cell->swap_bytes_per_s = PICK(bytes, 1000000000, 1000000, 123456789);
    if (PICK(bytes, 0, 0, 0, 1))
        cell->stop_after = (ss_time)PICK(bytes, 0, 1, 50, 500, 3000) * SS_PS_PER_MS;
}

static void
draw_overhead(struct bytes *bytes, struct ss_overhead *overhead)
{
    overhead->step_ps = PICK(bytes, 0, 1, 750000000);
    overhead->layer_ps = PICK(bytes, 0, 3333);
    overhead->prefill_layer_ps = PICK(bytes, 0, 12345);
    overhead->request_ps = PICK(bytes, 0, 999, 1000000);
    overhead->wake_ps = PICK(bytes, 0, 2000000000, 777);
    overhead->arrival_ps = PICK(bytes, 0, 1000000000, 1234567);
    overhead->sampling_bytes = PICK(bytes, 0, 4);
    overhead->plain_sampling_bytes = overhead->sampling_bytes;
    overhead->asynchronous = PICK(bytes, 0, 1);
    overhead->graph_padding = PICK(bytes, 0, 1);
    overhead->refresh_ps = PICK(bytes, 0, 100, 1, 10) * INT64_C(1000000000);
}

static void
draw_device(struct bytes *bytes, struct ss_toy_device *device)
{
    device->step_ps = PICK(bytes, 1000000000, 1000000, 7777777, 1);
    device->token_ps = PICK(bytes, 0, 1, 1000, 123457);
    device->grid = PICK(bytes, 0, 0, 1, 7, 64);
    device->wants_range = PICK(bytes, 0, 1);
    device->constant = PICK(bytes, 0, 1);
}

/* Where nothing else forbids it; by the seed, so that inputs stay what they are. */
static void
draw_roles(struct ss_cell *cell)
{
    uint64_t lot = cell->seed / 3;
    if (cell->seed % 3 != 0 || cell->replicas < 2 || cell->pp > 1 || cell->dp > 1 || cell->failures.mtbf > 0 ||
        cell->failures.schedule_count > 0)
        return;
    cell->prefill_replicas = 1 + (uint32_t)(lot % (cell->replicas - 1));
    cell->transfer_bytes_per_s = lot % 2 == 0 ? 1e9 : 1e6;
    cell->transfer_latency_ps = lot % 5 == 0 ? 1000000000 : 0;
}

/* Replicas that die, by chance and as scheduled (by replica, then by time), and one that is slow. */
static void
draw_failures(struct bytes *bytes, struct scene *scene)
{
    struct ss_failures *failures = &scene->toy.cell.failures;
    uint32_t deaths = PICK(bytes, 0, 0, 1, 2, 3), replica = 0;
    ss_time at = 0;
    failures->mtbf = (ss_time)PICK(bytes, 0, 0, 500, 20000) * SS_PS_PER_MS;
    failures->repair = (ss_time)PICK(bytes, 100, 1, 3000) * SS_PS_PER_MS;
    failures->detect = (ss_time)PICK(bytes, 0, 1, 50, 500) * SS_PS_PER_MS;
    failures->retries = PICK(bytes, 3, 0, 1);
    for (uint32_t i = 0; i < deaths; i++) {
        uint32_t on = take(bytes), when = take(bytes);
        if (on >= 128 && replica + 1 < scene->toy.cell.replicas) {
            replica++;
            at = 0;
        }
        ss_time length = (ss_time)PICK(bytes, 1, 30, 1000) * SS_PS_PER_MS;
        at += 1 + (ss_time)when * when * SS_PS_PER_MS / 8;
        scene->deaths[i] = (struct ss_scheduled_failure){replica, at, length};
        at += length;
    }
    scene->straggler = (struct ss_straggler){0, PICK(bytes, 2000000, 1000001, 3333333)};
    failures->schedule = scene->deaths;
    failures->schedule_count = deaths;
    failures->stragglers = &scene->straggler;
    failures->straggler_count = PICK(bytes, 0, 0, 1);
    failures->present = failures->mtbf > 0 || deaths > 0 || failures->straggler_count > 0;
}

/* ---- the traffic ---- */

static int
next_row(const struct ss_toy_traffic *traffic, uint64_t index, struct servsim_arrival *out)
{
    const struct scene *scene = traffic->ctx;
    if (index >= scene->row_count)
        return 0;
    *out = scene->rows[index];
    return 1;
}

/* Prompts of one chain begin alike, and part where the pieces of the other two differ. */
static void
draw_chains(struct scene *scene)
{
    for (uint32_t chain = 0; chain < 3; chain++)
        for (uint32_t i = 0; i < PROMPT_PIECES; i++)
            scene->hashes[chain][i] = 1 + i + (i >= 3 * chain ? 1000 * (chain + 1) : 0);
}

static void
identify(const struct scene *scene, struct servsim_arrival *row, uint32_t way)
{
    uint32_t pieces = (row->prompt_tokens + PROMPT_PIECE - 1) / PROMPT_PIECE;
    if (way % 4 == 1)
        row->prompt_id = 1 + way / 4 % 4;
    if (way % 4 == 2) {
        row->prompt_id = way / 8 % 4;
        row->prefix_id = 1 + way / 4 % 2;
        row->prefix_tokens = 1 + way / 2;
    }
    if (way % 4 == 3 && pieces <= PROMPT_PIECES) {
        row->block_hashes = scene->hashes[way / 4 % 3];
        row->block_hash_count = pieces;
        row->block_hash_tokens = PROMPT_PIECE;
    }
}

static void
draw_traffic(struct bytes *bytes, struct scene *scene)
{
    static const int64_t ticks_ps[] = {1000000000, 1, 1000000, 12345678, 100000000000};
    int64_t tick_ps = ticks_ps[take(bytes) % COUNT(ticks_ps)];
    uint32_t prompt_scale = PICK(bytes, 1, 3, 16), output_scale = PICK(bytes, 1, 1, 7), left = OUTPUT_TOKENS;
    ss_time now = 0;
    draw_chains(scene);
    while (bytes->end - bytes->at >= 6 && scene->row_count < REQUESTS) {
        struct servsim_arrival *row = &scene->rows[scene->row_count++];
        uint32_t gap = take(bytes), caller;
        *row = (struct servsim_arrival){.size = sizeof *row, .deadline_s = SERVSIM_NEVER};
        now += (ss_time)(gap < 200 ? gap : (gap - 199) * 100) * tick_ps;
        ss_time_split(now, &row->arrival_s, &row->arrival_ps);
        row->prompt_tokens = 1 + take(bytes) * prompt_scale;
        row->output_tokens = 1 + take(bytes) * output_scale;
        row->output_tokens = row->output_tokens < left ? row->output_tokens : left > 0 ? left : 1;
        left -= row->output_tokens < left ? row->output_tokens : left;
        identify(scene, row, take(bytes));
        caller = take(bytes);
        row->client = caller % 4;
        row->session = caller / 4 % 4;
        row->priority = (int32_t)(caller / 16 % 4) - 1;
        uint32_t deadline = take(bytes);
        if (deadline > 0) {
            row->deadline_s = row->arrival_s + deadline / 16;
            row->deadline_ps = row->arrival_ps;
        }
    }
    scene->toy.traffic.row = next_row;
    scene->toy.traffic.ctx = scene;
}

/* ---- the whole ---- */

static void
draw(struct scene *scene, const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, data + size};
    struct ss_cell *cell = &scene->toy.cell;
    ss_toy_init(&scene->toy);
    cell->seed = 1 + take(&bytes);
    draw_plugins(&bytes, cell);
    int own_model = cell->hardware.plugin == NULL || cell->model.layers < 8;
    if (own_model)
        draw_model(&bytes, cell);
    draw_layout(&bytes, cell, own_model);
    draw_limits(&bytes, cell);
    draw_overhead(&bytes, &cell->overhead);
    draw_device(&bytes, &scene->toy.device);
    draw_failures(&bytes, scene);
    draw_roles(cell);
    draw_traffic(&bytes, scene);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL)
        fuzz_fail("no memory");
    draw(scene, data, size);
    (void)fuzz_both_ways(&scene->toy);
    ss_options_free(&scene->toy.cell.scheduler.options);
    ss_options_free(&scene->toy.cell.router.options);
    ss_options_free(&scene->toy.cell.predictor.options);
    ss_options_free(&scene->toy.cell.hardware.options);
    free(scene);
    return 0;
}
