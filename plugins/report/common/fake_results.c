/*
 * report/common/fake_results.c - for tests: a results folder from made-up but consistent numbers.
 */
#define _GNU_SOURCE
#include "report/common/fake_results.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 64
#define BLOCKS 2588
#define BINS 600

struct fake_request {
    int replica, prompt, output;
    double arrival_s, queue_ms, ttft_ms, tpot_ms, latency_ms;
};

struct fake_cell {
    char name[256], group[256], workload[64], scheduler[64], cluster[64];
    int index, gpus, tp, replicas, failed, rejected, replicate, drawn;
    struct fake_request *requests;
    int count;
    double simulated_s;
};

static double
uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

static double
rounded(double value)
{
    return floor(value * 1e6 + 0.5) / 1e6;
}

static void
make_requests(struct fake_cell *cell, const struct fake_options *options, int traffic)
{
    uint64_t state = 42 + (uint64_t)traffic * 1000 + (uint64_t)cell->drawn * 77777;
    double free_at[64][BATCH] = {{0}}, clock = 0;
    double speed = pow(cell->tp, 0.7);
    double fair = strcmp(cell->scheduler, "predictive") == 0 ? 0.8 : 1;
    cell->requests = calloc((size_t)cell->count + 1, sizeof *cell->requests);
    for (int i = 0; cell->requests != NULL && i < cell->count; i++) {
        struct fake_request *request = &cell->requests[i];
        clock += -log(uniform(&state)) / options->rate / (traffic + 1);
        request->arrival_s = rounded(clock);
        request->prompt = 20 + (int)(900 * uniform(&state) * uniform(&state));
        request->output = 1 + (int)(-180 * log(uniform(&state)));
        request->replica = i % cell->replicas;
        double *slots = free_at[request->replica], noise = 0.85 + 0.3 * uniform(&state);
        int slot = 0;
        for (int s = 1; s < BATCH; s++)
            slot = slots[s] < slots[slot] ? s : slot;
        double start = fmax(request->arrival_s, slots[slot]);
        request->queue_ms = rounded(1e3 * fair * (start - request->arrival_s));
        request->ttft_ms = rounded(request->queue_ms + noise * (12 + 0.25 * request->prompt) / speed);
        request->tpot_ms = rounded(noise * (18 / speed + 4));
        request->latency_ms = rounded(request->ttft_ms + request->tpot_ms * (request->output - 1));
        slots[slot] = start + (request->latency_ms - request->queue_ms) / 1e3;
        cell->simulated_s = fmax(cell->simulated_s, request->arrival_s + request->latency_ms / 1e3);
    }
    cell->simulated_s = rounded(cell->simulated_s - cell->requests[0].arrival_s);
}

static FILE *
open_in(const char *folder, const char *cell, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s%s%s/%s", folder, cell[0] != '\0' ? "/cells/" : "", cell, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        perror(path);
    return file;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Mean and nearest-rank percentiles of one column, as JSON. */
static void
put_figures(FILE *file, const char *name, const struct fake_cell *cell, size_t offset, int skip_single)
{
    double *values = calloc((size_t)cell->count + 1, sizeof *values), sum = 0;
    size_t count = 0;
    for (int i = cell->rejected; i < cell->count; i++) {
        if (skip_single && cell->requests[i].output < 2)
            continue;
        (void)memcpy(&values[count], (const char *)&cell->requests[i] + offset, sizeof(double));
        sum += values[count++];
    }
    qsort(values, count, sizeof *values, by_value);
    (void)fprintf(file, "  \"%s\": {\"mean\": ", name);
    if (count == 0)
        (void)fprintf(file, "null, \"p50\": null, \"p90\": null, \"p95\": null, \"p99\": null, \"max\": null},\n");
    else {
        (void)fprintf(file, "%.6f", sum / (double)count);
        static const int percent[] = {50, 90, 95, 99, 100};
        for (int p = 0; p < 5; p++) {
            size_t rank = (count * (size_t)percent[p] + 99) / 100;
            char key[8];
            (void)snprintf(key, sizeof key, p < 4 ? "p%d" : "max", percent[p]);
            (void)fprintf(file, ", \"%s\": %.6f", key, values[rank > 0 ? rank - 1 : 0]);
        }
        (void)fprintf(file, "},\n");
    }
    free(values);
}

static void
put_service(FILE *file, const struct fake_cell *cell, const struct fake_options *options)
{
    long met = 0;
    for (int i = cell->rejected; i < cell->count; i++)
        met += cell->requests[i].ttft_ms <= 1000 && cell->requests[i].tpot_ms <= 50;
    if (options->without_slo)
        (void)fprintf(file,
                      "  \"slo_met_requests\": null, \"slo_attainment\": null, \"goodput_requests_per_s\": null,\n");
    else
        (void)fprintf(file,
                      "  \"slo_met_requests\": %ld, \"slo_attainment\": %.9f, \"goodput_requests_per_s\": %.9f,\n", met,
                      cell->count > 0 ? (double)met / cell->count : 0, (double)met / cell->simulated_s);
}

/* What the queueing of the rows says of the machine: by Little's law, means over time are sums of times over time. */
struct load {
    double waiting, running, busy; /* busy: of replica 0; each further one is a percent less so, up to four */
    int blocks, blocks_peak, starved;
};

static struct load
load_of(const struct fake_cell *cell)
{
    struct load load = {.blocks = BLOCKS * cell->tp};
    for (int i = cell->rejected; i < cell->count; i++) {
        load.waiting += cell->requests[i].queue_ms / 1e3 / cell->simulated_s;
        load.running += (cell->requests[i].latency_ms - cell->requests[i].queue_ms) / 1e3 / cell->simulated_s;
    }
    load.busy = fmin(0.99, load.running / cell->replicas / 25);
    load.starved = load.waiting > 10 && cell->tp == 1;
    load.blocks_peak = load.starved ? load.blocks : (int)fmin(load.blocks, load.running * 60 / cell->replicas);
    return load;
}

static double
busy_of(const struct load *load, int replica)
{
    return load->busy * (1 - 0.01 * (replica % 5));
}

static void
put_machine(FILE *file, const struct fake_cell *cell)
{
    struct load load = load_of(cell);
    double communication = cell->tp > 1 ? 0.05 * log2(cell->tp) + 0.04 : 0, sum = 0, squares = 0;
    for (int r = 0; r < cell->replicas; r++) {
        sum += busy_of(&load, r);
        squares += busy_of(&load, r) * busy_of(&load, r);
    }
    (void)fprintf(file,
                  "  \"preemptions\": %d, \"prefill_tokens_computed\": 123456, \"recomputed_tokens\": %d, "
                  "\"cached_tokens\": 0,\n  \"requests_in_system_mean\": %.6f, \"waiting_mean\": %.6f, "
                  "\"running_mean\": %.6f,\n  \"kv_blocks_total\": %d, \"kv_blocks_peak\": %d, \"kv_usage_peak\": "
                  "%.9f,\n  \"gpus\": %d, \"replicas\": %d, \"busy_fraction\": %.9f,\n",
                  load.starved ? 17 : 0, load.starved ? 4321 : 0, load.waiting + load.running, load.waiting,
                  load.running, load.blocks, load.blocks_peak, (double)load.blocks_peak / load.blocks, cell->gpus,
                  cell->replicas, sum / cell->replicas);
    (void)fprintf(
        file, "  \"mfu\": %.6f, \"bandwidth_utilisation\": %.6f, \"decode_batch_mean\": %.6f,\n  \"busy_share\": ",
        0.08 * load.busy / pow(cell->tp, 0.3), 0.7 * load.busy / pow(cell->tp, 0.3), load.running / cell->replicas);
    if (load.busy > 0)
        (void)fprintf(file,
                      "{\"dense\": %.6f, \"attention\": 0.1, \"communication\": %.6f, \"overhead\": 0.12},\n  "
                      "\"jain_index_busy\": %.9f, ",
                      0.78 - communication, communication, sum * sum / cell->replicas / squares);
    else
        (void)fprintf(file, "null,\n  \"jain_index_busy\": null, ");
    (void)fprintf(file,
                  "\"energy\": {\"kwh\": %.9f, \"watts_per_gpu\": %.6f, \"watts_per_gpu_busy\": 300, "
                  "\"joules_per_output_token\": %.6f, \"joules_per_token\": %.6f, \"idle_share\": %.6f},\n  ",
                  1e-5 * cell->gpus * cell->simulated_s, 25 + 275 * load.busy, 1.5 * pow(cell->gpus, 0.4),
                  0.5 * pow(cell->gpus, 0.4), (1 - load.busy) / 4);
    (void)fprintf(file, "\"device_name\": \"NVIDIA GeForce RTX 3090\", \"peak_flops\": 7.12e13, "
                        "\"memory_bytes_per_s\": 9.36e11, \"price_usd_per_hour\": 0.22,\n");
}

static void
put_replicas(FILE *file, const struct fake_cell *cell)
{
    struct load load = load_of(cell);
    (void)fprintf(file, "  \"per_replica\": [");
    for (int r = 0; r < cell->replicas; r++) {
        double busy = busy_of(&load, r) * cell->simulated_s;
        long requests = 0, tokens = 0;
        for (int i = cell->rejected; i < cell->count; i++)
            if (cell->requests[i].replica == r) {
                requests++;
                tokens += cell->requests[i].output;
            }
        (void)fprintf(file,
                      "%s\n    {\"replica\": %d, \"requests\": %ld, \"output_tokens\": %ld, \"busy_s\": %.6f, "
                      "\"busy_fraction\": %.6f, \"idle_s\": %.6f, \"kv_blocks_peak\": %d, \"preemptions\": %d}",
                      r > 0 ? "," : "", r, requests, tokens, busy, busy / cell->simulated_s, cell->simulated_s - busy,
                      load.blocks_peak, r == 0 && load.starved ? 17 : 0);
    }
    (void)fprintf(file, "\n  ]\n");
}

static int
put_summary(const char *folder, const struct fake_cell *cell, const struct fake_options *options)
{
    FILE *file = open_in(folder, cell->name, "summary.json");
    if (file == NULL)
        return -1;
    int finished = cell->count - cell->rejected;
    long output = 0, prompt = 0;
    for (int i = cell->rejected; i < cell->count; i++) {
        output += cell->requests[i].output;
        prompt += cell->requests[i].prompt;
    }
    (void)fprintf(file,
                  "{\n  \"requests_total\": %d, \"requests_finished\": %d, \"requests_rejected\": %d, "
                  "\"requests_failed\": 0, \"requests_unfinished\": 0, \"trace_rows_failed\": 7,\n"
                  "  \"simulated_s\": %.6f, \"output_tokens\": %ld, \"prompt_tokens\": %ld,\n"
                  "  \"output_tokens_per_s\": %.9f, \"prompt_tokens_per_s\": %.9f,\n"
                  "  \"arrivals_per_s\": 60.0, \"requests_per_s\": %.9f,\n",
                  cell->count, finished, cell->rejected, cell->simulated_s, output, prompt,
                  (double)output / cell->simulated_s, (double)prompt / cell->simulated_s,
                  (double)finished / cell->simulated_s);
    put_figures(file, "ttft_ms", cell, offsetof(struct fake_request, ttft_ms), 0);
    put_figures(file, "tpot_ms", cell, offsetof(struct fake_request, tpot_ms), 1);
    put_figures(file, "itl_ms", cell, offsetof(struct fake_request, tpot_ms), 1);
    put_figures(file, "latency_ms", cell, offsetof(struct fake_request, latency_ms), 0);
    put_figures(file, "queue_ms", cell, offsetof(struct fake_request, queue_ms), 0);
    put_service(file, cell, options);
    (void)fprintf(file, "  \"output_tokens_per_s_per_gpu\": %.9f,\n", (double)output / cell->simulated_s / cell->gpus);
    put_machine(file, cell);
    put_replicas(file, cell);
    (void)fprintf(file, "}\n");
    return fclose(file);
}

static int
put_requests(const char *folder, const struct fake_cell *cell)
{
    FILE *file = open_in(folder, cell->name, "requests.csv");
    if (file == NULL)
        return -1;
    (void)fputs("request_id,replica,status,arrival_s,prompt_tokens,output_tokens,cached_tokens,preemptions,queue_ms,"
                "ttft_ms,tpot_ms,latency_ms\n",
                file);
    for (int i = 0; i < cell->count; i++) {
        const struct fake_request *request = &cell->requests[i];
        if (i < cell->rejected)
            (void)fprintf(file, "%d,,rejected,%.6f,%d,0,0,0,,,,\n", i, request->arrival_s, request->prompt);
        else if (request->output < 2)
            (void)fprintf(file, "%d,%d,finished,%.6f,%d,%d,0,0,%.6f,%.6f,,%.6f\n", i, request->replica,
                          request->arrival_s, request->prompt, request->output, request->queue_ms, request->ttft_ms,
                          request->latency_ms);
        else
            (void)fprintf(file, "%d,%d,finished,%.6f,%d,%d,0,0,%.6f,%.6f,%.6f,%.6f\n", i, request->replica,
                          request->arrival_s, request->prompt, request->output, request->queue_ms, request->ttft_ms,
                          request->tpot_ms, request->latency_ms);
    }
    return fclose(file);
}

/* How much of the bin [low, high) lies inside [from, to), as a share of the bin. */
static double
share(double low, double high, double from, double to)
{
    double overlap = fmin(high, to) - fmax(low, from);
    return overlap > 0 ? overlap / (high - low) : 0;
}

static int
put_series(const char *folder, const struct fake_cell *cell)
{
    FILE *file = open_in(folder, cell->name, "series.csv");
    if (file == NULL)
        return -1;
    (void)fputs("t_s,arrivals,finished,output_tokens,prefill_tokens,preemptions,waiting_mean,running_mean,"
                "kv_blocks_peak,busy_fraction\n",
                file);
    double width = cell->simulated_s / BINS;
    for (int b = 0; b < BINS; b++) {
        double low = b * width, high = low + width, waiting = 0, running = 0;
        int arrivals = 0;
        for (int i = 0; i < cell->count; i++) {
            const struct fake_request *request = &cell->requests[i];
            double arrival = request->arrival_s - cell->requests[0].arrival_s;
            double start = arrival + request->queue_ms / 1e3, end = arrival + request->latency_ms / 1e3;
            arrivals += arrival >= low && arrival < high;
            waiting += share(low, high, arrival, start);
            running += share(low, high, start, end);
        }
        (void)fprintf(file, "%.6f,%d,0,0,0,0,%.6f,%.6f,%d,%.6f\n", low, arrivals, waiting, running,
                      (int)fmin(BLOCKS * cell->tp, running * 60 / cell->replicas), running > 0 ? 0.9 : 0.0);
    }
    return fclose(file);
}

static int
put_run(const char *folder, const struct fake_cell *cell)
{
    FILE *file = open_in(folder, cell->name, "run.json");
    if (file == NULL)
        return -1;
    (void)fprintf(
        file,
        "{\"wall_s\": %.3f, \"cpu_s\": 0.1, \"events\": 1000, \"engine_steps\": 20000, \"peak_rss_bytes\": "
        "12345678, \"stepwise\": false, \"host\": \"testhost\", \"servsim_version\": \"0.1.0\", \"abi\": \"1.0\", "
        "\"plugins\": [{\"kind\": \"hardware\", \"name\": \"rtx3090\", \"version\": \"1.0\", \"path\": "
        "\"/p/hardware_rtx3090.so\"}, {\"kind\": \"scheduler\", \"name\": \"%s\", \"version\": \"1.0\", \"path\": "
        "\"/p/s.so\"}], \"configuration\": \"servsim: 1\\n\"}\n",
        0.1 + 0.05 * cell->gpus, cell->scheduler);
    return fclose(file);
}

static int
put_itl(const char *folder, const struct fake_cell *cell)
{
    FILE *file = open_in(folder, cell->name, "itl.csv");
    if (file == NULL)
        return -1;
    (void)fputs("itl_ms_low,itl_ms_high,count\n20,21,100\n", file);
    return fclose(file);
}

static int
put_cell(const char *folder, struct fake_cell *cell, const struct fake_options *options, int traffic)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/cells/%s", folder, cell->name);
    if (mkdir(path, 0755) != 0)
        return -1;
    if (cell->failed)
        return 0;
    cell->count = options->requests;
    cell->rejected = options->without_requests ? cell->count : cell->count / 100;
    make_requests(cell, options, traffic);
    int status = put_summary(folder, cell, options) | put_requests(folder, cell) | put_series(folder, cell) |
                 put_run(folder, cell) | put_itl(folder, cell);
    free(cell->requests);
    return status;
}

static void
put_manifest_cell(FILE *file, const struct fake_cell *cell, const struct fake_options *options, int first)
{
    (void)fprintf(file, "%s\n    {\"name\": \"%s\", \"group\": \"%s\", \"replicate\": %d, \"labels\": {",
                  first ? "" : ",", cell->name, cell->group, cell->replicate);
    const char *between = "";
    if (options->traffic_count > 1) {
        (void)fprintf(file, "\"workload\": \"%s\"", cell->workload);
        between = ", ";
    }
    if (options->gpus_count > 1) {
        (void)fprintf(file, "%s\"cluster\": \"%s\"", between, cell->cluster);
        between = ", ";
    }
    if (options->scheduler_count > 1)
        (void)fprintf(file, "%s\"%s\": \"%s\"", between,
                      options->third_axis != NULL ? options->third_axis : "scheduler", cell->scheduler);
    (void)fprintf(
        file, "}, \"status\": \"%s\", \"reason\": %s, \"dir\": \"cells/%s\",\n", cell->failed ? "failed" : "done",
        cell->failed ? "\"the scheduler | planned <a> batch of 300 sequences; the limit is 256\"" : "null", cell->name);
    (void)fprintf(
        file,
        "     \"model\": \"llama-3.1-8b\", \"hardware\": \"rtx3090\", \"scheduler\": \"%s\", \"router\": "
        "\"least_loaded\", \"workload\": \"burstgpt\", \"engine\": \"vllm-0.15\",\n     \"gpus\": %d, \"tp\": %d, "
        "\"pp\": 1, \"dp\": 1, \"ep\": 1, \"replicas\": %d, \"seed\": %d,\n     \"max_num_seqs\": 256, "
        "\"max_num_batched_tokens\": 2048, \"block_size\": 16,\n     \"slo\": {\"ttft_ms\": %s, \"tpot_ms\": %s}",
        cell->scheduler, cell->gpus, cell->tp, cell->replicas, 42 + cell->replicate,
        options->without_slo ? "null" : "1000.0", options->without_slo ? "null" : "50.0");
    if (options->load > 0)
        (void)fprintf(file, ",\n     \"load\": %.3f, \"load_scale\": 313.0}", options->load);
    else
        (void)fprintf(file, ",\n     \"load\": null, \"load_scale\": null}");
}

static void
put_axis(FILE *file, const char *name, const char *const *values, size_t count, int *first)
{
    (void)fprintf(file, "%s{\"name\": \"%s\", \"values\": [", *first ? "" : ", ", name);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(file, "%s\"%s\"", i > 0 ? ", " : "", values[i]);
    (void)fprintf(file, "]}");
    *first = 0;
}

static void
cluster_name(char out[64], int gpus, int replicated, int both)
{
    const char *word = gpus == 1 ? "single" : gpus == 2 ? "dual" : gpus == 4 ? "quad" : gpus == 8 ? "octa" : "hexadeca";
    (void)snprintf(out, 64, "%s_gpu%s", word, both && replicated ? "_replicas" : "");
}

static void
put_axes(FILE *file, const struct fake_options *options)
{
    char names[64][64];
    const char *values[64];
    size_t count = 0;
    int first = 1;
    if (options->traffic_count > 1)
        put_axis(file, "workload", options->traffics, options->traffic_count, &first);
    for (size_t g = 0; g < options->gpus_count; g++)
        for (int layout = 0; layout <= options->both && count < 64; layout++) {
            cluster_name(names[count], options->gpus[g], layout, options->both);
            values[count] = names[count];
            count++;
        }
    if (options->gpus_count > 1)
        put_axis(file, "cluster", values, count, &first);
    if (options->scheduler_count > 1)
        put_axis(file, options->third_axis != NULL ? options->third_axis : "scheduler", options->schedulers,
                 options->scheduler_count, &first);
}

static void
name_cell(struct fake_cell *cell, const struct fake_options *options)
{
    const char *parts[] = {options->traffic_count > 1 ? cell->workload : NULL,
                           options->gpus_count > 1 ? cell->cluster : NULL,
                           options->scheduler_count > 1 ? cell->scheduler : NULL};
    for (size_t i = 0; i < 3; i++)
        if (parts[i] != NULL) {
            size_t used = strlen(cell->name);
            (void)snprintf(cell->name + used, sizeof cell->name - used, "%s%s", used > 0 ? "-" : "", parts[i]);
        }
    if (cell->name[0] == '\0')
        (void)snprintf(cell->name, sizeof cell->name, "run");
    (void)snprintf(cell->group, sizeof cell->group, "%s", cell->name);
    if (options->replicates > 1) {
        size_t used = strlen(cell->name);
        (void)snprintf(cell->name + used, sizeof cell->name - used, ".r%d", cell->replicate + 1);
    }
}

/* One configuration: all of its replicates. */
static int
put_replicates(FILE *file, const char *folder, const struct fake_options *options, const struct fake_cell *like,
               int *index, int traffic)
{
    int status = 0;
    for (int r = 0; r < (options->replicates > 1 ? options->replicates : 1); r++, (*index)++) {
        struct fake_cell cell = *like;
        cell.index = *index;
        cell.replicate = r;
        cell.drawn = options->same_replicates ? 0 : r;
        cell.failed = *index == options->failed_cell;
        name_cell(&cell, options);
        put_manifest_cell(file, &cell, options, *index == 0);
        status |= put_cell(folder, &cell, options, traffic);
    }
    return status;
}

/* All cells, first axis slowest, the manifest's lines among them. */
static int
put_cells(FILE *file, const char *folder, const struct fake_options *options)
{
    int index = 0, status = 0;
    size_t schedulers = options->scheduler_count > 0 ? options->scheduler_count : 1;
    for (size_t t = 0; t < options->traffic_count; t++)
        for (size_t g = 0; g < options->gpus_count; g++)
            for (int layout = 0; layout <= options->both; layout++)
                for (size_t s = 0; s < schedulers; s++) {
                    int replicated = options->both ? layout : options->replicated, gpus = options->gpus[g];
                    struct fake_cell cell = {
                        .gpus = gpus, .tp = replicated ? 1 : gpus, .replicas = replicated ? gpus : 1};
                    (void)snprintf(cell.workload, sizeof cell.workload, "%s", options->traffics[t]);
                    (void)snprintf(cell.scheduler, sizeof cell.scheduler, "%s",
                                   options->schedulers != NULL ? options->schedulers[s] : "fcfs");
                    cluster_name(cell.cluster, gpus, replicated, options->both);
                    status |= put_replicates(file, folder, options, &cell, &index, (int)t);
                }
    return status;
}

int
fake_results_write(const char *folder, const struct fake_options *options)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/cells", folder);
    if (mkdir(path, 0755) != 0) {
        perror(path);
        return -1;
    }
    FILE *file = open_in(folder, "", "experiment.json");
    if (file == NULL)
        return -1;
    (void)fprintf(
        file,
        "{\"servsim_results\": 1, \"name\": \"%s\", \"seed\": 42, \"servsim_version\": \"0.1.0\", \"abi\": \"1.0\", "
        "\"replicates\": %d,\n  \"axes\": [",
        options->name, options->replicates > 1 ? options->replicates : 1);
    put_axes(file, options);
    (void)fprintf(file, "],\n  \"cells\": [");
    int status = put_cells(file, folder, options);
    (void)fprintf(file, "\n  ]\n}\n");
    return fclose(file) | status;
}

char *
fake_folder_make(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = NULL;
    if (asprintf(&folder, "%s/servsim-report.XXXXXX", base != NULL ? base : "/tmp") < 0 || mkdtemp(folder) == NULL) {
        perror("a folder for the test");
        exit(1);
    }
    return folder;
}

static void
remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        (void)unlink(path);
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char child[4096 + 256];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (lstat(child, &info) == 0 && S_ISDIR(info.st_mode))
            remove_tree(child);
        else
            (void)unlink(child);
    }
    (void)closedir(dir);
    (void)rmdir(path);
}

void
fake_folder_remove(char *folder)
{
    remove_tree(folder);
    free(folder);
}

char *
fake_file_read(const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t length = 0, size = 0;
    for (;;) {
        if (length + 4097 > size) {
            size = 2 * size + 8192;
            char *larger = realloc(text, size);
            if (larger == NULL)
                exit(1);
            text = larger;
        }
        size_t got = fread(text + length, 1, 4096, file);
        length += got;
        text[length] = '\0';
        if (got == 0)
            break;
    }
    (void)fclose(file);
    return text;
}

void
fake_file_write(const char *folder, const char *name, const char *text)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}
