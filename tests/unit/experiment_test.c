/*
 * unit/experiment_test.c - whole experiments: defaults, the matrix, resolved cells, and what is refused with which
 * words.
 */
#include "experiment/experiment.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "experiment/node.h"
#include "plugin/table.h"
#include "tests/unit/harness.h"
#include "tests/unit/scratch.h"

/* One registry with plugins of every kind, a trace, and shipped data; each case opens and closes its own. */
struct bench {
    char folder[256], plugins[300], models[4096], data[300];
    struct ss_lookup lookup;
};

static void
bench_open(struct bench *bench)
{
    struct servsim_error err = {.size = sizeof err};
    const char *paths[1];
    memset(bench, 0, sizeof *bench);
    scratch_open(bench->folder);
    (void)snprintf(bench->plugins, sizeof bench->plugins, "%s/plugins", bench->folder);
    (void)snprintf(bench->data, sizeof bench->data, "%s/data", bench->folder);
    (void)snprintf(bench->models, sizeof bench->models, "%s", ss_source_path("configs/models"));
    CU_ASSERT_EQUAL(mkdir(bench->plugins, 0755), 0);
    CU_ASSERT_EQUAL(mkdir(bench->data, 0755), 0);
    (void)scratch_plugin(bench->plugins, "sound", "sound.so");
    (void)scratch_plugin(bench->folder, "newer_minor", "newer.so");
    (void)scratch_puts(bench->data, "shipped.csv", "x");
    (void)scratch_puts(bench->folder, "trace.csv", "x");
    paths[0] = bench->plugins;
    CU_ASSERT_EQUAL_FATAL(ss_registry_open(&bench->lookup.registry, paths, 1, &err), 0);
    bench->lookup.models_dir = bench->models;
    bench->lookup.data_dir = bench->data;
}

static void
bench_close(struct bench *bench)
{
    ss_registry_close(bench->lookup.registry);
    scratch_close(bench->folder);
}

/* Reads a text as the file x.yaml in the bench's folder. */
static int
read_text(struct bench *bench, const char *yaml, const char *const *sets, size_t set_count, struct ss_experiment *out,
          struct servsim_error *err)
{
    const char *path = scratch_path(bench->folder, "x.yaml");
    (void)unlink(path);
    path = scratch_puts(bench->folder, "x.yaml", yaml);
    int rc = ss_experiment_read(out, path, sets, set_count, &bench->lookup, err);
    if (rc != 0)
        printf("# %s\n", err->text);
    return rc;
}

#define POISSON "workload: poisson\n"
#define HEAD "servsim: 1\n" POISSON

static void
test_defaults(void)
{
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, HEAD, NULL, 0, &experiment, &err), 0);
    CU_ASSERT_STRING_EQUAL(experiment.name, "x");
    CU_ASSERT_STRING_EQUAL(experiment.output, "output/x");
    CU_ASSERT_TRUE(strstr(experiment.file, "/x.yaml") != NULL);
    CU_ASSERT_EQUAL(experiment.seed, 42);
    CU_ASSERT_EQUAL(experiment.axis_count, 0);
    CU_ASSERT_EQUAL(experiment.report_count, 4);
    CU_ASSERT_EQUAL_FATAL(experiment.cell_count, 1);
    const struct ss_cell *cell = &experiment.cells[0];
    CU_ASSERT_STRING_EQUAL(cell->name, "run");
    CU_ASSERT_EQUAL(cell->label_count, 0);
    CU_ASSERT_EQUAL(cell->seed, 42);
    CU_ASSERT_STRING_EQUAL(cell->model.name, "llama-3.1-8b");
    CU_ASSERT_TRUE(cell->gpus == 1 && cell->tp == 1 && cell->pp == 1 && cell->dp == 1 && cell->ep == 1);
    CU_ASSERT_EQUAL(cell->replicas, 1);
    CU_ASSERT_STRING_EQUAL(cell->hardware.plugin->descriptor->name, "rtx3090");
    CU_ASSERT_STRING_EQUAL(cell->scheduler.plugin->descriptor->name, "fcfs");
    CU_ASSERT_STRING_EQUAL(cell->router.plugin->descriptor->name, "least_loaded");
    CU_ASSERT_TRUE(cell->max_num_seqs == 256 && cell->max_num_batched_tokens == 2048);
    CU_ASSERT_EQUAL(cell->max_model_len, 131072);
    CU_ASSERT_TRUE(cell->block_size == 16 && cell->memory_utilization == 0.9 && cell->kv_blocks == 0);
    CU_ASSERT_STRING_EQUAL(cell->overhead.name, "vllm-0.15");
    CU_ASSERT_TRUE(cell->overhead.step_ps == 430000000 && cell->overhead.asynchronous == 1);
    CU_ASSERT_TRUE(cell->slo_ttft_ps == -1 && cell->slo_tpot_ps == -1 && cell->stop_after == SS_NEVER);
    ss_experiment_free(&experiment);
    bench_close(&bench);
}

static const char full[] =
    "servsim: 1\n"
    "name: all of it\n"
    "seed: 7\n"
    "model: {name: LLAMA-2-7B, dtype: FP16, weights: fp8, max_model_len: 2e3}\n"
    "hardware:\n"
    "  plugin: CUSTOM\n"
    "  peak_tflops: {bf16: 0.31PFLOP/s}\n"
    "  memory: 80GiB\n"
    "  link: nvlink\n"
    "  eager: on\n"
    "  alphas: [5.5, 6us, 0.1ms]\n"
    "cluster: {gpus: 8, tp: 4, gpus_per_node: 2, interconnect: {bandwidth: 50GB/s, latency: 3us}}\n"
    "router: ./newer.so\n"
    "scheduler: {plugin: predictive, max_num_seqs: 64, max_num_batched_tokens: 512, horizon: 0.1}\n"
    "kv_cache: {block_size: 32, memory_utilization: 85%, prefix_caching: off, blocks: 1000, dtype: fp8,\n"
    "  swap_space: 16GiB, swap_bandwidth: 12.5GB/s}\n"
    "engine: {name: sglang \"0.5\", step: 0.3ms, layer: 7}\n"
    "workload: {plugin: burstgpt, path: trace.csv, sample: 10000}\n"
    "slo: {ttft: 1.5s, tpot: 50ms}\n"
    "stop_after: 1.7h\n"
    "report: [csv, {plugin: json}]\n"
    "output: some/where\n";

static void
test_everything(void)
{
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    char path[600];
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, full, NULL, 0, &experiment, &err), 0);
    const struct ss_cell *cell = &experiment.cells[0];
    CU_ASSERT_STRING_EQUAL(experiment.name, "all of it");
    CU_ASSERT_STRING_EQUAL(experiment.output, "some/where");
    CU_ASSERT_EQUAL(experiment.report_count, 2);
    CU_ASSERT_EQUAL(cell->seed, 7);
    CU_ASSERT_EQUAL(cell->model.dtype, SERVSIM_DTYPE_FP16);
    CU_ASSERT_EQUAL(ss_model_weight_dtype(&cell->model), SERVSIM_DTYPE_FP8);
    CU_ASSERT_EQUAL(cell->model.kv_dtype, SERVSIM_DTYPE_FP8);
    CU_ASSERT_TRUE(cell->gpus_per_node == 2 && cell->interconnect_bytes_per_s == 50e9 &&
                   cell->interconnect_latency_us == 3);
    CU_ASSERT_EQUAL(cell->max_model_len, 2000);
    CU_ASSERT_EQUAL(ss_options_get(&cell->hardware.options, "peak_tflops.bf16")->number, 310);
    CU_ASSERT_EQUAL(ss_options_get(&cell->hardware.options, "memory")->integer, INT64_C(80) << 30);
    CU_ASSERT_TRUE(cell->gpus == 8 && cell->tp == 4 && cell->replicas == 2);
    CU_ASSERT_STRING_EQUAL(cell->router.plugin->descriptor->name, "newer");
    CU_ASSERT_TRUE(cell->max_num_seqs == 64 && cell->max_num_batched_tokens == 512);
    CU_ASSERT_EQUAL(ss_options_get(&cell->scheduler.options, "horizon")->number, 0.1);
    CU_ASSERT_TRUE(cell->block_size == 32 && cell->memory_utilization == 0.85 && cell->kv_blocks == 1000);
    CU_ASSERT_TRUE(cell->swap_space_bytes == 16 * 0x1p30 && cell->swap_bytes_per_s == 12.5e9);
    CU_ASSERT_STRING_EQUAL(cell->overhead.name, "sglang \"0.5\"");
    CU_ASSERT_TRUE(cell->overhead.step_ps == 300000000 && cell->overhead.layer_ps == 7000000);
    (void)snprintf(path, sizeof path, "%s/trace.csv", bench.folder);
    CU_ASSERT_STRING_EQUAL(ss_options_get(&cell->workload.options, "path")->text, path);
    CU_ASSERT_EQUAL(cell->slo_ttft_ps, INT64_C(1500000000000));
    CU_ASSERT_EQUAL(cell->slo_tpot_ps, INT64_C(50000000000));
    CU_ASSERT_TRUE(cell->stop_after == 6120 * SS_PS_PER_S);
    ss_experiment_free(&experiment);
    bench_close(&bench);
}

/* ---- resolved ---- */

static int
same_uses(const struct ss_use *a, const struct ss_use *b)
{
    int same = a->plugin == b->plugin && a->options.count == b->options.count;
    for (uint32_t i = 0; same && i < a->options.count; i++) {
        const struct servsim_value *x = &a->options.values[i], *y = &b->options.values[i];
        same = x->present == y->present && x->integer == y->integer && x->number == y->number &&
               x->list_count == y->list_count && (x->text == NULL) == (y->text == NULL) &&
               (x->text == NULL || strcmp(x->text, y->text) == 0);
        for (uint32_t j = 0; same && j < x->list_count; j++)
            same = x->list[j] == y->list[j];
        if (!same)
            printf("# %s differs\n", x->name);
    }
    return same;
}

static int
same_cells(const struct ss_cell *a, const struct ss_cell *b)
{
    return a->seed == b->seed && strcmp(a->model.name, b->model.name) == 0 &&
           strcmp(a->model.path, b->model.path) == 0 && a->model.dtype == b->model.dtype &&
           a->model.asked_weights == b->model.asked_weights && a->model.weight_dtype == b->model.weight_dtype &&
           a->model.kv_dtype == b->model.kv_dtype && a->gpus_per_node == b->gpus_per_node &&
           a->interconnect_bytes_per_s == b->interconnect_bytes_per_s &&
           a->interconnect_latency_us == b->interconnect_latency_us && a->max_model_len == b->max_model_len &&
           a->gpus == b->gpus && a->tp == b->tp && a->pp == b->pp && a->dp == b->dp && a->ep == b->ep &&
           a->replicas == b->replicas && same_uses(&a->hardware, &b->hardware) &&
           same_uses(&a->scheduler, &b->scheduler) && same_uses(&a->router, &b->router) &&
           same_uses(&a->workload, &b->workload) && a->max_num_seqs == b->max_num_seqs &&
           a->max_num_batched_tokens == b->max_num_batched_tokens && a->block_size == b->block_size &&
           a->memory_utilization == b->memory_utilization && a->kv_blocks == b->kv_blocks &&
           a->swap_space_bytes == b->swap_space_bytes && a->swap_bytes_per_s == b->swap_bytes_per_s &&
           memcmp(&a->overhead, &b->overhead, sizeof a->overhead) == 0 && a->slo_ttft_ps == b->slo_ttft_ps &&
           a->slo_tpot_ps == b->slo_tpot_ps && a->stop_after == b->stop_after;
}

/* Reads the resolved text of each cell, from another folder, and compares. */
static void
check_resolved(struct bench *bench, const struct ss_experiment *experiment)
{
    for (size_t i = 0; i < experiment->cell_count; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_experiment again;
        struct ss_node *root;
        const char *text = experiment->cells[i].resolved;
        CU_ASSERT_EQUAL_FATAL(ss_node_parse(&root, text, strlen(text), "resolved", &err), 0);
        int rc = ss_experiment_build(&again, root, "/", &bench->lookup, &err);
        CU_ASSERT_EQUAL(rc, 0);
        if (rc != 0)
            printf("# %s\n%s", err.text, text);
        ss_node_free(root);
        if (rc != 0)
            continue;
        CU_ASSERT_EQUAL(again.cell_count, 1);
        CU_ASSERT_TRUE(same_cells(&experiment->cells[i], &again.cells[0]));
        CU_ASSERT_STRING_EQUAL(again.output, experiment->output);
        CU_ASSERT_EQUAL(again.report_count, experiment->report_count);
        CU_ASSERT_STRING_EQUAL(again.cells[0].resolved, text);
        ss_experiment_free(&again);
    }
}

static void
test_resolved(void)
{
    static const char *const texts[] = {
        full,
        HEAD,
        HEAD "engine: {name: all, step: 1ms, layer: 2us, prefill_layer: 3us, workers: 8us, request: 4ns, wake: 5ms, "
             "arrival: 6ms, sampling: 7, plain_sampling: 5, asynchronous: true, graph_padding: true}\n",
        HEAD "report: []\nslo: {tpot: 0.033333s}\nstop_after: 12345.6789h\nengine: {name: vllm-0.15, layer: 1ns}\n",
        "servsim: 1\nworkload: {plugin: poisson, rate: 0.333333333333, note: 'a \"b\" \\ #c: {d'}\nengine: ideal\n",
        HEAD "matrix: {cluster: {a: {gpus: 1}, b: {gpus: 4, tp: 2}}, seed: [1, 2], hardware: [custom, rtx3090]}\n",
    };
    struct bench bench;
    bench_open(&bench);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ss_experiment experiment;
        struct servsim_error err = {.size = sizeof err};
        CU_ASSERT_EQUAL_FATAL(read_text(&bench, texts[i], NULL, 0, &experiment, &err), 0);
        check_resolved(&bench, &experiment);
        ss_experiment_free(&experiment);
    }
    bench_close(&bench);
}

static void
test_model_by_path(void)
{
    static const char config[] =
        "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 256, "
        "\"intermediate_size\": 512, \"num_hidden_layers\": 2, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, "
        "\"vocab_size\": 1000, \"max_position_embeddings\": 512, \"torch_dtype\": \"bfloat16\"}";
    static const char *const ways[] = {"model: mine/config.json\n", "model: ./mine\n",
                                       "model: {name: mine/config.json}\n"};
    struct bench bench;
    char folder[300], text[400];
    bench_open(&bench);
    (void)snprintf(folder, sizeof folder, "%s/mine", bench.folder);
    CU_ASSERT_EQUAL(mkdir(folder, 0755), 0);
    (void)scratch_puts(folder, "config.json", config);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct ss_experiment experiment;
        struct servsim_error err = {.size = sizeof err};
        (void)snprintf(text, sizeof text, HEAD "%s", ways[i]);
        CU_ASSERT_EQUAL_FATAL(read_text(&bench, text, NULL, 0, &experiment, &err), 0);
        CU_ASSERT_EQUAL(experiment.cells[0].model.layers, 2);
        CU_ASSERT_EQUAL(experiment.cells[0].model.path[0], '/');
        CU_ASSERT_EQUAL(experiment.cells[0].max_model_len, 512);
        check_resolved(&bench, &experiment);
        ss_experiment_free(&experiment);
    }
    bench_close(&bench);
}

/* ---- the matrix ---- */

static void
test_cells(void)
{
    static const char yaml[] = HEAD "matrix:\n"
                                    "  cluster: {single_gpu: {gpus: 1}, dual gpu: {gpus: 2, tp: 2}}\n"
                                    "  scheduler: [fcfs, {plugin: Predictive, label: ../p/1}, {max_num_seqs: 9}]\n"
                                    "  seed: [1, 2]\n";
    static const char *const names[] = {
        "single_gpu-fcfs-1",
        "single_gpu-fcfs-2",
        "single_gpu-.._p_1-1",
        "single_gpu-.._p_1-2",
        "single_gpu-max_num_seqs_9-1",
        "single_gpu-max_num_seqs_9-2",
        "dual_gpu-fcfs-1",
        "dual_gpu-fcfs-2",
        "dual_gpu-.._p_1-1",
        "dual_gpu-.._p_1-2",
        "dual_gpu-max_num_seqs_9-1",
        "dual_gpu-max_num_seqs_9-2",
    };
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, yaml, NULL, 0, &experiment, &err), 0);
    CU_ASSERT_EQUAL_FATAL(experiment.cell_count, 12);
    CU_ASSERT_EQUAL_FATAL(experiment.axis_count, 3);
    CU_ASSERT_STRING_EQUAL(experiment.axes[0].name, "cluster");
    CU_ASSERT_STRING_EQUAL(experiment.axes[0].values[1], "dual gpu");
    CU_ASSERT_STRING_EQUAL(experiment.axes[1].values[1], "../p/1");
    CU_ASSERT_STRING_EQUAL(experiment.axes[1].values[2], "max_num_seqs=9");
    CU_ASSERT_EQUAL(experiment.axes[2].value_count, 2);
    for (size_t i = 0; i < 12; i++)
        CU_ASSERT_STRING_EQUAL(experiment.cells[i].name, names[i]);
    CU_ASSERT_EQUAL(experiment.cells[6].tp, 2);
    CU_ASSERT_EQUAL(experiment.cells[4].max_num_seqs, 9);
    CU_ASSERT_EQUAL(experiment.cells[3].seed, 2);
    CU_ASSERT_STRING_EQUAL(experiment.cells[2].scheduler.plugin->descriptor->name, "predictive");
    CU_ASSERT_STRING_EQUAL(experiment.cells[11].labels[0].value, "dual gpu");
    CU_ASSERT_STRING_EQUAL(experiment.cells[11].labels[2].axis, "seed");
    ss_experiment_free(&experiment);
    bench_close(&bench);
}

/* The rule of merging: see matrix.c. */
static void
test_merging(void)
{
    static const char yaml[] =
        HEAD "scheduler: {plugin: predictive, max_num_seqs: 64, horizon: 9}\n"
             "hardware: {plugin: custom, peak_tflops: {bf16: 100, fp8: 200}, memory: 10GB}\n"
             "engine: {name: vllm-0.15, layer: 1us}\n"
             "model: {name: llama-2-7b, max_model_len: 1000}\n"
             "matrix:\n"
             "  scheduler: [fcfs, PREDICTIVE, {horizon: 3, label: three}]\n"
             "  hardware: [{peak_tflops: {bf16: 50}, label: half}, rtx3090, {plugin: custom, label: same}]\n"
             "  engine: [ideal, {step: 2us, label: two}]\n"
             "  model: [llama-2-7b, llama-3.1-8b]\n";
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, yaml, NULL, 0, &experiment, &err), 0);
    CU_ASSERT_EQUAL_FATAL(experiment.cell_count, 36);
    const struct ss_cell *fcfs = &experiment.cells[0], *same = &experiment.cells[12], *three = &experiment.cells[24];
    CU_ASSERT_TRUE(fcfs->max_num_seqs == 64 && same->max_num_seqs == 64 && three->max_num_seqs == 64);
    CU_ASSERT_EQUAL(fcfs->scheduler.options.count, 0); /* the other plugin's horizon went */
    CU_ASSERT_EQUAL(ss_options_get(&same->scheduler.options, "horizon")->number, 9);
    CU_ASSERT_EQUAL(ss_options_get(&three->scheduler.options, "horizon")->number, 3);
    const struct ss_options *half = &experiment.cells[0].hardware.options,
                            *as_is = &experiment.cells[8].hardware.options;
    CU_ASSERT_EQUAL(ss_options_get(half, "peak_tflops.bf16")->number, 50);
    CU_ASSERT_EQUAL(ss_options_get(half, "peak_tflops.fp8")->number, 200);
    CU_ASSERT_EQUAL(ss_options_get(half, "memory")->integer, INT64_C(10000000000));
    CU_ASSERT_EQUAL(ss_options_get(as_is, "peak_tflops.bf16")->number, 100);
    CU_ASSERT_EQUAL(experiment.cells[4].hardware.options.count, 0);
    CU_ASSERT_EQUAL(experiment.cells[0].overhead.layer_ps, 0); /* ideal is ideal */
    CU_ASSERT_STRING_EQUAL(experiment.cells[0].overhead.name, "ideal");
    CU_ASSERT_TRUE(experiment.cells[2].overhead.layer_ps == 1000000 && experiment.cells[2].overhead.step_ps == 2000000);
    CU_ASSERT_STRING_EQUAL(experiment.cells[2].overhead.name, "custom");
    CU_ASSERT_EQUAL(experiment.cells[1].max_model_len, 1000);
    CU_ASSERT_STRING_EQUAL(experiment.cells[1].model.name, "llama-3.1-8b");
    ss_experiment_free(&experiment);
    bench_close(&bench);
}

/* A cluster that says gpus is a layout of its own, in the same network; one that does not changes the one underneath.
 */
static void
test_layouts(void)
{
    static const char yaml[] =
        HEAD "cluster: {gpus: 4, tp: 4, gpus_per_node: 2}\n"
             "matrix: {cluster: {single_gpu: {gpus: 1}, quad: {gpus: 4, tp: 2}, pair: {tp: 2}}}\n";
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, yaml, NULL, 0, &experiment, &err), 0);
    static const uint32_t gpus[] = {1, 4, 4}, tp[] = {1, 2, 2}, replicas[] = {1, 2, 2};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(experiment.cells[i].gpus, gpus[i]);
        CU_ASSERT_EQUAL(experiment.cells[i].tp, tp[i]);
        CU_ASSERT_EQUAL(experiment.cells[i].replicas, replicas[i]);
        CU_ASSERT_EQUAL(experiment.cells[i].gpus_per_node, 2);
    }
    ss_experiment_free(&experiment);
    bench_close(&bench);
}

static void
test_unique_names(void)
{
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    struct ss_text yaml = {0};
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(
        read_text(&bench, HEAD "matrix: {seed: {a b: 1, a_b: 2, a/b: 3, .x: 4, '-': 5}}", NULL, 0, &experiment, &err),
        0);
    static const char *const names[] = {"a_b", "a_b-2", "a_b-3", "_x", "_"};
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_STRING_EQUAL(experiment.cells[i].name, names[i]);
    ss_experiment_free(&experiment);
    ss_text_puts(&yaml, HEAD "name: ");
    for (int i = 0; i < 255; i++)
        ss_text_puts(&yaml, "n");
    ss_text_puts(&yaml, "\nmatrix: {");
    const char *const axes[] = {"seed", "stop_after", "cluster", "kv_cache"};
    for (int i = 0; i < 4; i++) {
        ss_text_printf(&yaml, "%s: {", axes[i]);
        for (int j = 0; j < 100; j++)
            ss_text_puts(&yaml, "y");
        ss_text_printf(&yaml, ": %s, z: %s}, ", i < 2 ? "1" : "{}", i < 2 ? "2" : "{}");
    }
    ss_text_puts(&yaml, "}\n");
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, yaml.data, NULL, 0, &experiment, &err), 0);
    CU_ASSERT_EQUAL(experiment.cell_count, 16);
    for (size_t i = 0; i < experiment.cell_count; i++) {
        CU_ASSERT_TRUE(strlen(experiment.cells[i].name) < 250);
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(experiment.cells[i].name, experiment.cells[j].name);
    }
    check_resolved(&bench, &experiment);
    ss_experiment_free(&experiment);
    ss_text_free(&yaml);
    bench_close(&bench);
}

static void
test_many_cells(void)
{
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    struct ss_text yaml = {0};
    bench_open(&bench);
    ss_text_puts(&yaml, HEAD "matrix:\n  stop_after: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n  seed: [0");
    for (int i = 1; i < 1000; i++)
        ss_text_printf(&yaml, ", %d", i);
    ss_text_puts(&yaml, "]\n");
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, yaml.data, NULL, 0, &experiment, &err), 0);
    CU_ASSERT_EQUAL_FATAL(experiment.cell_count, 10000);
    CU_ASSERT_STRING_EQUAL(experiment.cells[9999].name, "10-999");
    ss_experiment_free(&experiment);
    yaml.data[yaml.length -= 2] = '\0';
    ss_text_puts(&yaml, ", 1000]\n");
    CU_ASSERT_EQUAL(read_text(&bench, yaml.data, NULL, 0, &experiment, &err), -E2BIG);
    CU_ASSERT_TRUE(scratch_says(err.text, "x.yaml:3: matrix: more than 10000 cells"));
    ss_text_free(&yaml);
    bench_close(&bench);
}

/* ---- --set ---- */

static void
test_sets(void)
{
    static const char *const sets[] = {"scheduler.max_num_seqs=64", "cluster.gpus=2",  "name=other", "report=[csv]",
                                       "workload.rate=5/s",         "model.dtype=fp16"};
    static const char *const wrong[] = {"scheduler.max_seqs=64"};
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    bench_open(&bench);
    CU_ASSERT_EQUAL_FATAL(read_text(&bench, HEAD "scheduler: fcfs\nmodel: llama-2-7b\n", sets, 6, &experiment, &err),
                          0);
    CU_ASSERT_EQUAL(experiment.cells[0].max_num_seqs, 64);
    CU_ASSERT_EQUAL(experiment.cells[0].replicas, 2);
    CU_ASSERT_EQUAL(experiment.report_count, 1);
    CU_ASSERT_STRING_EQUAL(experiment.output, "output/other");
    CU_ASSERT_EQUAL(experiment.cells[0].model.dtype, SERVSIM_DTYPE_FP16);
    CU_ASSERT_EQUAL(ss_options_get(&experiment.cells[0].workload.options, "rate")->number, 5);
    ss_experiment_free(&experiment);
    CU_ASSERT_TRUE(read_text(&bench, HEAD, wrong, 1, &experiment, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "--set scheduler.max_seqs=64: |'max_seqs'|did you mean 'max_num_seqs'?"));
    bench_close(&bench);
}

/* A tree that a command builds: no file, no lines. */
static void
test_built(void)
{
    struct bench bench;
    struct ss_experiment experiment;
    struct servsim_error err = {.size = sizeof err};
    struct ss_node *root = ss_node_new(SS_NODE_MAP, "simulate", 0);
    bench_open(&bench);
    (void)ss_node_set_text(root, "servsim", "1", "simulate");
    (void)ss_node_set_text(root, "workload", "poisson", "--dataset");
    (void)ss_node_set_text(root, "hardware", "RTX3090", "--hardware");
    (void)ss_node_set(root, "report", ss_node_new(SS_NODE_LIST, "simulate", 0));
    CU_ASSERT_EQUAL_FATAL(ss_experiment_build(&experiment, root, ".", &bench.lookup, &err), 0);
    CU_ASSERT_STRING_EQUAL(experiment.name, "experiment");
    CU_ASSERT_EQUAL(experiment.report_count, 0);
    ss_experiment_free(&experiment);
    (void)ss_node_set_text(root, "hardware", "rtx3091", "--hardware");
    CU_ASSERT_TRUE(ss_experiment_build(&experiment, root, ".", &bench.lookup, &err) < 0);
    CU_ASSERT_TRUE(scratch_says(err.text, "--hardware: unknown hardware plugin 'rtx3091'|did you mean 'rtx3090'?"));
    CU_ASSERT_TRUE(ss_experiment_build(&experiment, root, ".", &bench.lookup, NULL) < 0);
    ss_node_free(root);
    bench_close(&bench);
}

/* ---- what is refused ---- */

static const struct {
    const char *yaml, *words;
} wrong[] = {
    {"", "x.yaml:1: nothing in it"},
    {"- 1", "x.yaml:1: no map of keys"},
    {POISSON, "x.yaml:1: the version of the format is missing; begin with servsim: 1"},
    {"servsim: 2\n" POISSON, "x.yaml:1: servsim: 2 is no version"},
    {"servsim: [1]\n" POISSON, "x.yaml:1: servsim: (no number)"},
    {"servsim: 1\n", "x.yaml:1: no workload plugin is named; write workload: {plugin: NAME, ...}"},
    {HEAD "schedular: fcfs\n",
     "x.yaml:3: unknown key 'schedular'; did you mean 'scheduler'?|allowed: servsim, name, seed"},
    {HEAD "zzz: 1\n", "unknown key 'zzz'; allowed:"},
    {HEAD "replicates: 0\n", "x.yaml:3: replicates: not a number of seeds; write 1 to 1000"},
    {HEAD "replicates: many\n", "x.yaml:3: replicates: not a number of seeds; write 1 to 1000"},
    {HEAD "timeout: -1s\n", "x.yaml:3: timeout"},
    {HEAD "timeout: 0\n", "x.yaml:3: timeout: '0' leaves no time; write a time above 0, as 600s"},
    {HEAD "timeout: [1]\n", "x.yaml:3: timeout: no time; write one, as 600s"},
    {HEAD "seed:\n", "x.yaml:3: seed has no value"},
    {HEAD "seed: -1\n", "x.yaml:3: seed: -1 is negative"},
    {HEAD "seed: 1.5\n", "x.yaml:3: seed: '1.5' is not a whole number"},
    {HEAD "seed: 99999999999999999999\n", "seed: '99999999999999999999' is too large"},
    {HEAD "seed: [1]\n", "x.yaml:3: seed takes one value, not a list"},
    {HEAD "name: [a]\n", "x.yaml:3: name takes one text"},
    {HEAD "output: {a: b}\n", "x.yaml:3: output takes one text"},
    {HEAD "output: ''\n", "x.yaml:3: output has no value"},
    {HEAD "stop_after: 0\n", "x.yaml:3: stop_after: '0' leaves no time"},
    {HEAD "stop_after: -5s\n", "leaves no time"},
    {HEAD "stop_after: soon\n", "x.yaml:3: stop_after: 'soon' is not a number"},
    {HEAD "stop_after: 1e20\n", "too long"},
    {HEAD "model: llama-3.1-9b\n", "x.yaml:3: |llama-3.1-9b|llama-3.1-8b"},
    {HEAD "model: ./none.json\n", "x.yaml:3: |none.json"},
    {HEAD "model: [a, b]\n", "x.yaml:3: model takes one name"},
    {HEAD "model: {name: llama-2-7b, dtype: int7}\n", "x.yaml:3: model: dtype: 'int7' is no choice here"},
    {HEAD "model:\n  name: llama-2-7b\n  max_model_len: 5000\n", "x.yaml:5: max_model_len: 5000 is above the 4096"},
    {HEAD "model: {max_model_len: 0}\n", "max_model_len: '0' is out of bounds"},
    {HEAD "model: {nam: x}\n", "x.yaml:3: model has no option 'nam'; did you mean 'name'?"},
    {HEAD "hardware: rtx3091\n",
     "x.yaml:3: unknown hardware plugin 'rtx3091'|did you mean 'rtx3090'?|known: custom, rtx3090"},
    {HEAD "hardware: [rtx3090]\n", "x.yaml:3: hardware names no plugin"},
    {HEAD "hardware: {plugin: {a: b}}\n", "hardware names no plugin"},
    {HEAD "hardware: {plugin: ''}\n", "hardware names no plugin"},
    {HEAD "hardware:\n  plugin: custom\n  memory: 24GW\n", "x.yaml:5: hardware plugin 'custom': memory: '24GW'|GiB"},
    {HEAD "hardware: {plugin: custom, memory: -1}\n", "memory: '-1' is out of bounds"},
    {HEAD "hardware: {plugin: rtx3090, memory: 1}\n", "hardware plugin 'rtx3090' takes no options; remove 'memory'"},
    {HEAD "hardware: ./trace.csv\n", "x.yaml:3: plugin file |trace.csv: is no shared object"},
    {HEAD "hardware: ./newer.so\n", "x.yaml:3: |newer.so holds no hardware plugin, but the router 'newer'"},
    {HEAD "scheduler: {plugin: fcfs, horizon: 5}\n",
     "scheduler plugin 'fcfs' has no option 'horizon'; |allowed: max_num_seqs, max_num_batched_tokens"},
    {HEAD "scheduler: {max_seqs: 5}\n", "'max_seqs'; did you mean 'max_num_seqs'?"},
    {HEAD "scheduler: {max_num_seqs: 0}\n", "x.yaml:3: scheduler: max_num_seqs: '0' is out of bounds; write 1 to"},
    {HEAD "scheduler: {max_num_seqs: many}\n", "max_num_seqs: 'many' is not a number"},
    {HEAD "scheduler:\n  max_num_seqs: 64\n  max_num_batched_tokens: 32\n",
     "x.yaml:5: max_num_batched_tokens: 32 is below max_num_seqs: 64|write max_num_batched_tokens: 64 or more"},
    {HEAD "scheduler: {max_num_seqs: 4096}\n", "max_num_batched_tokens: 2048 is below max_num_seqs: 4096"},
    {HEAD "router: nowhere\n", "x.yaml:3: unknown router plugin 'nowhere'"},
    {"servsim: 1\nworkload: burstgpt\n",
     "x.yaml:2: workload plugin 'burstgpt' needs 'path' (the trace); write path: VALUE"},
    {"servsim: 1\nworkload:\n  plugin: burstgpt\n  path: none.csv\n",
     "x.yaml:4: |path: |none.csv cannot be read: No such file"},
    {"servsim: 1\nworkload: {plugin: burstgpt, path: data:none.csv}\n", "data/none.csv cannot be read"},
    {"servsim: 1\nworkload: {sample: 5}\n", "no workload plugin is named"},
    {"servsim: 1\nworkload: {plugin: poisson, rate: 5 parsecs}\n", "rate: '5 parsecs' has no known unit|/s, /min"},
    {HEAD "cluster: 4\n", "x.yaml:3: cluster takes a map; write cluster: {gpus: ...}"},
    {HEAD "cluster: {gpu: 4}\n", "cluster has no option 'gpu'; did you mean 'gpus'?"},
    {HEAD "cluster: {gpus: 0}\n", "gpus: '0' is out of bounds"},
    {HEAD "cluster: {gpus: -4}\n", "gpus: '-4' is out of bounds"},
    {HEAD "cluster: {gpus: 1e9}\n", "gpus: '1e9' is out of bounds"},
    {HEAD "cluster:\n  gpus: 6\n  tp: 4\n",
     "x.yaml:4: gpus: 6 is no multiple of tp x pp x dp = 4 x 1 x 1 = 4|write gpus: 4 or 8"},
    {HEAD "cluster: {gpus: 2, tp: 4}\n", "gpus: 2 is no multiple|write gpus: 4"},
    {HEAD "cluster: {tp: 2}\n", "gpus: 1 is no multiple"},
    {HEAD "cluster:\n  gpus: 3\n  tp: 3\n",
     "x.yaml:5: tp: 3 does not fit the 32 query heads of llama-3.1-8b; write one of 1, 2, 4, 8, 16, 32"},
    {HEAD "cluster: {gpus: 64, tp: 64}\n", "tp: 64 does not fit the 32 query heads"},
    {HEAD "cluster:\n  gpus: 33\n  pp: 33\n",
     "x.yaml:5: pp: 33 stages are more than the 32 layers of llama-3.1-8b; write pp: 32 or less"},
    {HEAD "cluster: {gpus: 6, tp: 2, pp: 2}\n", "tp x pp x dp = 2 x 2 x 1 = 4 GPUs of one replica; write gpus: 4 or 8"},
    {HEAD "cluster: {gpus: 4, pp: 2, dp: 3}\n", "gpus: 4 is no multiple of tp x pp x dp = 1 x 2 x 3 = 6|write gpus: 6"},
    {HEAD "cluster: {gpus: 2, dp: 2, ep: 2}\n",
     "x.yaml:3: ep: 2 spreads experts over GPUs, and llama-3.1-8b has none; write ep: 1"},
    {HEAD "model: mixtral-8x7b\ncluster: {gpus: 2, tp: 2, ep: 4}\n",
     "ep: 4 does not divide tp x dp (tp x dp = 2 x 1 = 2|mixtral-8x7b); write ep: 1, 2"},
    {HEAD "model: mixtral-8x7b\ncluster: {gpus: 4, pp: 2, dp: 2, ep: 4}\n",
     "ep: 4 does not divide tp x dp|write ep: 1, 2"},
    {HEAD "model: mixtral-8x7b\ncluster: {gpus: 16, dp: 16, ep: 16}\n",
     "ep: 16 does not divide the experts|8 experts of 14336 columns|write ep: 1, 2, 4, 8"},
    {HEAD "model: mixtral-8x7b\ncluster: {gpus: 3, dp: 3}\n",
     "ep: 1 leaves more GPUs to share an expert than its columns divide by|write another tp or dp"},
    {HEAD "kv_cache: {prefix_caching: sometimes}\n", "prefix_caching: 'sometimes' is neither true nor false"},
    {HEAD "kv_cache: {block_size: 0}\n", "block_size: '0' is out of bounds"},
    {HEAD "kv_cache: {memory_utilization: 1.1}\n", "memory_utilization: '1.1' is out of bounds; write 0.01 to 1"},
    {HEAD "kv_cache: {blocks: 0}\n", "blocks: '0' is out of bounds"},
    {HEAD "kv_cache: {blocks: nan}\n", "blocks: 'nan' is not a number"},
    {HEAD "engine: vllm-0.14\n", "x.yaml:3: unknown engine 'vllm-0.14'; did you mean 'vllm-0.15'?|step: 0.75ms"},
    {HEAD "engine: {name: own}\n", "unknown engine 'own'"},
    {HEAD "engine: {step: 1ms}\n", "needs both numbers"},
    {HEAD "engine: {name: ideal, asynchronous: 2}\n", "asynchronous: '2'"},
    {HEAD "engine: {name: ideal, sampling: -1}\n", "sampling: '-1' is out of bounds"},
    {HEAD "engine: [ideal]\n", "engine takes a map"},
    {HEAD "engine: {name: own, step: -1, layer: 0}\n", "step: '-1' is out of bounds"},
    {HEAD "engine: {name: 0123456789012345678901234567890123456789012345678901234567890123, step: 1, layer: 0}\n",
     "engine: name has 64 bytes"},
    {HEAD "slo: 5\n", "slo takes a map; write slo: {ttft: ...}"},
    {HEAD "slo: {tpot: 0}\n", "tpot: '0' is out of bounds"},
    {HEAD "slo: {ttft: 1GB}\n", "ttft: '1GB' has the unit of something else"},
    {HEAD "slo: {itl: 5}\n", "slo has no option 'itl'"},
    {HEAD "report: [csv, cvs]\n", "x.yaml:3: unknown report plugin 'cvs'; did you mean 'csv'?"},
    {HEAD "report: [csv, CSV]\n", "x.yaml:3: report: 'csv' is named twice"},
    {HEAD "report: [[csv]]\n", "report names no plugin"},
    {HEAD "report: {plugin: csv, wide: 1}\n", "report plugin 'csv' takes no options"},
    {HEAD "report: ''\n", "report has no value"},
    {HEAD "matrix: 5\n", "x.yaml:3: matrix takes a map of axes"},
    {HEAD "matrix: {}\n", "matrix takes a map of axes"},
    {HEAD "matrix: {schedulers: [fcfs]}\n", "'schedulers' cannot be an axis; did you mean 'scheduler'?|allowed: seed"},
    {HEAD "matrix: {report: [csv]}\n", "'report' cannot be an axis"},
    {HEAD "matrix: {seed: 5}\n", "matrix: seed has no values; write seed: [A, B]"},
    {HEAD "matrix: {seed: []}\n", "seed has no values"},
    {HEAD "matrix: {seed: [[1]]}\n", "a value of seed is a list"},
    {HEAD "matrix: {seed: [1, 1]}\n", "two values of seed are called '1'; give one of them label: NAME"},
    {HEAD "matrix:\n  scheduler:\n    - fcfs\n    - {plugin: fcfs, max_num_seqs: 5}\n",
     "x.yaml:6: |two values of scheduler are called 'fcfs'"},
    {HEAD "matrix: {seed: ['']}\n", "a value of seed has no name"},
    {HEAD "matrix: {cluster: [{}]}\n", "a value of cluster has no name"},
    {HEAD "matrix: {scheduler: [{label: [a]}]}\n", "a value of scheduler is a list"},
    {HEAD "matrix:\n  cluster:\n    one: {gpus: 1}\n    odd: {gpus: 3, tp: 2}\n", "x.yaml:6: gpus: 3 is no multiple"},
    {HEAD "matrix:\n  scheduler: [fcfs, sjf]\n", "x.yaml:4: unknown scheduler plugin 'sjf'"},
    {HEAD "matrix: {slo: [5, 6]}\n", "slo takes a map"},
    {HEAD "matrix: {hardware: [{plugin: rtx3090, memory: 5}]}\n", "takes no options; remove 'memory'"},
    {HEAD "scheduler:\n  max_seqs: 9\nmatrix: {scheduler: [predictive]}\n", "x.yaml:4: |no option 'max_seqs'"},
    {HEAD "cluster: {gpu: 4}\nmatrix: {cluster: {a: {gpus: 1}}}\n", "x.yaml:3: cluster has no option 'gpu'"},
    {HEAD "engine: {name: ideal, steps: 4}\nmatrix: {engine: [vllm-0.15]}\n", "x.yaml:3: engine has no option 'steps'"},
    {HEAD "scheduler: fcsf\nmatrix: {scheduler: [predictive]}\n", "x.yaml:3: unknown scheduler plugin 'fcsf'"},
    {HEAD "scheduler: {plugin: fcfs, label: x}\n", "has no option 'label'"},
};

static void
test_wrong(void)
{
    struct bench bench;
    bench_open(&bench);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct servsim_error err = {.size = sizeof err};
        struct ss_experiment experiment;
        const char *path = scratch_path(bench.folder, "x.yaml");
        (void)unlink(path);
        path = scratch_puts(bench.folder, "x.yaml", wrong[i].yaml);
        CU_ASSERT_TRUE(ss_experiment_read(&experiment, path, NULL, 0, &bench.lookup, &err) < 0);
        CU_ASSERT_TRUE(scratch_says(err.text, wrong[i].words));
        CU_ASSERT_TRUE(scratch_is_one_line(err.text));
        CU_ASSERT_TRUE(strncmp(err.text, path, strlen(path)) == 0);
        CU_ASSERT_PTR_NULL(experiment.cells);
    }
    bench_close(&bench);
}

/* Every single piece cut out of a good file, and every byte of it changed: no crash, no leak, one line. */
static void
test_mutations(void)
{
    struct bench bench;
    struct servsim_random random = {5};
    bench_open(&bench);
    for (int i = 0; i < 3000; i++) {
        char text[sizeof full];
        struct servsim_error err = {.size = sizeof err};
        struct ss_experiment experiment;
        struct ss_node *root;
        memcpy(text, full, sizeof full);
        size_t at = servsim_random_u64(&random) % (sizeof full - 1);
        size_t span = servsim_random_u64(&random) % 12;
        if (i % 2 == 0)
            text[at] = (char)(servsim_random_u64(&random) % 128);
        else if (at + span < sizeof full)
            memmove(text + at, text + at + span, sizeof full - at - span);
        if (ss_node_parse(&root, text, strlen(text), "m", &err) == 0) {
            if (ss_experiment_build(&experiment, root, bench.folder, &bench.lookup, &err) == 0)
                ss_experiment_free(&experiment);
            else
                CU_ASSERT_TRUE_FATAL(strlen(err.text) > 0 && strpbrk(err.text, "\n\r") == NULL);
            ss_node_free(root);
        }
    }
    bench_close(&bench);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"what is not written has its default", test_defaults},
        {"every key", test_everything},
        {"a resolved cell is the cell", test_resolved},
        {"models by path", test_model_by_path},
        {"cells and their names", test_cells},
        {"values of an axis are laid over", test_merging},
        {"a cluster with gpus is a whole layout", test_layouts},
        {"names of cells are unique and fit for folders", test_unique_names},
        {"ten thousand cells and no more", test_many_cells},
        {"--set", test_sets},
        {"trees that commands build", test_built},
        {"what is wrong is named with its place", test_wrong},
        {"mutations", test_mutations},
    };
    return ss_run_cases("experiment", cases, sizeof cases / sizeof cases[0]);
}
