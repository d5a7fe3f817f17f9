/*
 * experiment/keys.c - the vocabulary of an experiment, as data.
 */
#include "experiment/keys.h"

#include "base/text.h"

const struct ss_key ss_keys[] = {
    {"servsim", 0, 0, NULL, NULL, "version of the format: 1"},
    {"name", 0, 0, NULL, NULL, "what the experiment is called; the file's name unless given"},
    {"seed", SS_KEY_AXIS, 0, NULL, "42", "what random streams begin with"},
    {"model", SS_KEY_AXIS, 0, "name", "llama-3.1-8b", "a shipped model, or the path of a Hugging Face config.json"},
    {"hardware", SS_KEY_AXIS, SERVSIM_KIND_HARDWARE, "plugin", "rtx3090", "the GPU, a plugin"},
    {"cluster", SS_KEY_AXIS, 0, NULL, NULL, "GPUs and how a replica uses them; replicas = gpus / (tp x pp x dp)"},
    {"router", SS_KEY_AXIS, SERVSIM_KIND_ROUTER, "plugin", "least_loaded", "sends requests to replicas, a plugin"},
    {"scheduler", SS_KEY_AXIS, SERVSIM_KIND_SCHEDULER, "plugin", "fcfs",
     "composes the steps of each replica, a plugin"},
    {"predictor", SS_KEY_AXIS, SERVSIM_KIND_PREDICTOR, "plugin", NULL,
     "says how long answers will be and how much traffic comes, a plugin; none: nobody"},
    {"kv_cache", SS_KEY_AXIS, 0, NULL, NULL, "memory for keys and values"},
    {"engine", SS_KEY_AXIS, 0, "name", "vllm-0.15",
     "the serving engine's own time beside the kernels: a name, or numbers"},
    {"workload", SS_KEY_AXIS, SERVSIM_KIND_WORKLOAD, "plugin", NULL, "the traffic, a plugin"},
    {"failures", SS_KEY_AXIS, 0, NULL, NULL, "replicas that die, come back, or are slow"},
    {"slo", SS_KEY_AXIS, 0, NULL, NULL, "limits that a good request keeps"},
    {"stop_after", SS_KEY_AXIS, 0, NULL, NULL,
     "simulated time at which to stop; until all traffic is served unless given"},
    {"matrix", 0, 0, NULL, NULL, "axes: every combination of their values is one cell"},
    {"report", 0, SERVSIM_KIND_REPORT, "plugin", NULL, "one report or a list, each a plugin"},
    {"output", 0, 0, NULL, NULL, "folder of the results; output/ and the name unless given"},
    {"replicates", 0, 0, NULL, "1", "seeds that each cell is run with"},
    {"timeout", 0, 0, NULL, NULL, "time on the wall after which a cell is given up"},
};

const size_t ss_key_count = sizeof ss_keys / sizeof ss_keys[0];

const struct ss_key *
ss_key_of(const char *name)
{
    for (size_t i = 0; i < ss_key_count; i++)
        if (strcmp(ss_keys[i].name, name) == 0)
            return &ss_keys[i];
    return NULL;
}

void
ss_key_advice(const char *wrong, uint32_t flags, char *out, size_t size)
{
    const char *names[sizeof ss_keys / sizeof ss_keys[0]];
    size_t count = 0;
    for (size_t i = 0; i < ss_key_count; i++)
        if ((ss_keys[i].flags & flags) == flags)
            names[count++] = ss_keys[i].name;
    const char *nearest = ss_nearest(wrong, names, count);
    size_t used = 0;
    if (nearest != NULL)
        used = (size_t)snprintf(out, size, "did you mean '%s'? ", nearest);
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, "allowed:");
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s %s", i > 0 ? "," : "", names[i]);
}

/* What others' simulators have and people ask for: better said than guessed at. */
const char *
ss_key_not_modelled(const char *key)
{
    static const struct {
        const char *part, *what;
    } rows[] = {
        {"speculat", "speculative decoding"},
        {"draft", "speculative decoding"},
        {"offload", "memory tiers beyond swap"},
        {"lora", "adapters (LoRA)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strstr(key, rows[i].part) != NULL)
            return rows[i].what;
    return NULL;
}

/* ---- maps of the host ---- */

#define ROW_INTEGER SERVSIM_OPTION_INTEGER, 0
#define ROW_NUMBER SERVSIM_OPTION_NUMBER, 0
#define ROW_TEXT SERVSIM_OPTION_TEXT, 0
#define ROW_FLAG SERVSIM_OPTION_FLAG, 0
#define ROW_CHOICE SERVSIM_OPTION_CHOICE, 0

static const struct servsim_option model_rows[] = {
    {"name", "", "llama-3.1-8b", NULL, "a shipped model, or the path of a Hugging Face config.json", 0, 0, ROW_TEXT},
    {"dtype", "", NULL, "bf16|fp16", "type of activations and of weights in 16 bits; the model's own unless given", 0,
     0, ROW_CHOICE},
    {"weights", "", NULL, "bf16|fp16|fp8|int4|mxfp4|nvfp4", "type of weights; the model's own unless given", 0, 0,
     ROW_CHOICE},
    {"max_model_len", "tokens", NULL, NULL, "longest context; the model's own unless given", 1, 4294967295.0,
     ROW_INTEGER},
};

static const struct servsim_option cluster_rows[] = {
    {"gpus", "", "1", NULL, "GPUs in all", 1, 1048576, ROW_INTEGER},
    {"tp", "", "1", NULL, "GPUs that share each layer (tensor parallel)", 1, 1048576, ROW_INTEGER},
    {"pp", "", "1", NULL, "pipeline stages", 1, 1048576, ROW_INTEGER},
    {"dp", "", "1", NULL, "data-parallel ranks of one replica", 1, 1048576, ROW_INTEGER},
    {"ep", "", "1", NULL, "GPUs that share the experts", 1, 1048576, ROW_INTEGER},
    {"gpus_per_node", "", NULL, NULL, "GPUs that share a node's link; the device's own unless given", 1, 1048576,
     ROW_INTEGER},
    {"interconnect.bandwidth", "bytes/s", NULL, NULL,
     "between nodes, for each GPU, one direction; the device's own unless given", 1e6, 1e15, ROW_NUMBER},
    {"interconnect.latency", "us", NULL, NULL, "of one message between nodes; the device's own unless given", 1e-3, 1e6,
     ROW_NUMBER},
    {"prefill_replicas", "", "0", NULL, "so many replicas compute prompts, and the others decode; 0: each does both", 0,
     1048575, ROW_INTEGER},
    {"kv_transfer.bandwidth", "bytes/s", NULL, NULL,
     "from a prefill to a decode replica, for each GPU; the device's own unless given", 1e6, 1e15, ROW_NUMBER},
    {"kv_transfer.latency", "us", "0us", NULL, "of sending one prompt's KV cache", 0, 1e9, ROW_NUMBER},
};

static const struct servsim_option kv_cache_rows[] = {
    {"block_size", "tokens", "16", NULL, "tokens of one KV block", 1, 65536, ROW_INTEGER},
    {"memory_utilization", "", "0.9", NULL, "share of the GPU's memory that servsim may fill", 0.01, 1, ROW_NUMBER},
    {"prefix_caching", "", "false", NULL, "keep the blocks of finished requests for equal prefixes", 0, 0, ROW_FLAG},
    {"dtype", "", "auto", "auto|bf16|fp16|fp8", "type of keys and values; auto: that of activations", 0, 0, ROW_CHOICE},
    {"blocks", "", NULL, NULL, "KV blocks of one replica, in place of what the memory holds", 1, 1e12, ROW_INTEGER},
    {"swap_space", "bytes", "4GiB", NULL, "host memory of each GPU for the KV blocks of swapped requests", 0, 1e15,
     ROW_NUMBER},
    {"swap_bandwidth", "bytes/s", "25GB/s", NULL, "of the link between each GPU and its host", 1, 1e15, ROW_NUMBER},
};

static const struct servsim_option engine_rows[] = {
    {"name", "", NULL, NULL, "vllm-0.15, vllm-0.19, eager, ideal, or a name of your own with step and layer", 0, 0,
     ROW_TEXT},
    {"step", "us", NULL, NULL, "time of each engine step beside its kernels", 0, 1e9, ROW_NUMBER},
    {"layer", "us", NULL, NULL, "time of each dense layer in each step beside its large kernels", 0, 1e8, ROW_NUMBER},
    {"prefill_layer", "us", NULL, NULL, "further time of each layer in a step that computes prompts", 0, 1e9,
     ROW_NUMBER},
    {"workers", "us", NULL, NULL, "further time of each step where an engine has more than one GPU", 0, 1e9,
     ROW_NUMBER},
    {"request", "us", NULL, NULL, "time of each request that a step serves", 0, 1e9, ROW_NUMBER},
    {"wake", "us", NULL, NULL, "further time of a step that finds the engine idle", 0, 1e9, ROW_NUMBER},
    {"arrival", "us", NULL, NULL, "time from the client to the engine and back, once per request", 0, 1e9, ROW_NUMBER},
    {"sampling", "", NULL, NULL, "bytes that sampling with top-p or top-k moves per logit", 0, 1e6, ROW_INTEGER},
    {"plain_sampling", "", NULL, NULL, "the same of models whose requests have neither", 0, 1e6, ROW_INTEGER},
    {"refresh", "us", NULL, NULL, "how often data-parallel ranks' queues are reported to whoever sends them requests",
     0, 1e9, ROW_NUMBER},
    {"asynchronous", "", NULL, NULL, "compose a step while the one before it runs", 0, 0, ROW_FLAG},
    {"graph_padding", "", NULL, NULL, "pad the rows of a step to the sizes of CUDA graphs", 0, 0, ROW_FLAG},
};

static const struct servsim_option failures_rows[] = {
    {"mtbf", "s", NULL, NULL, "mean time that a replica is up until it fails; none fails by chance unless given", 1e-3,
     9e7, ROW_NUMBER},
    {"repair", "s", "60s", NULL, "from a failure to the replica's being back, empty", 1e-6, 9e7, ROW_NUMBER},
    {"detect", "s", "0s", NULL, "from a failure to the router's knowing of it", 0, 9e7, ROW_NUMBER},
    {"retries", "", "3", NULL, "how often a request is sent again before it counts as failed", 0, 1000, ROW_INTEGER},
};

static const struct servsim_option outage_rows[] = {
    {"replica", "", NULL, NULL, "number of the replica, from 0", 0, 1048575, SERVSIM_OPTION_INTEGER,
     SERVSIM_OPTION_REQUIRED},
    {"at", "s", NULL, NULL, "when it fails", 0, 9e7, SERVSIM_OPTION_NUMBER, SERVSIM_OPTION_REQUIRED},
    {"for", "s", NULL, NULL, "for how long it is down; the time of `repair` unless given", 1e-6, 9e7, ROW_NUMBER},
    {"until", "s", NULL, NULL, "when it is back, in place of `for`", 0, 9e7, ROW_NUMBER},
};

static const struct servsim_option straggler_rows[] = {
    {"replica", "", NULL, NULL, "number of the replica, from 0", 0, 1048575, SERVSIM_OPTION_INTEGER,
     SERVSIM_OPTION_REQUIRED},
    {"slowdown", "", NULL, NULL, "how many times as long its kernels take", 1, 1000, SERVSIM_OPTION_NUMBER,
     SERVSIM_OPTION_REQUIRED},
};

static const struct servsim_option slo_rows[] = {
    {"ttft", "ms", NULL, NULL, "longest time to the first token that is good", 1e-6, 1e9, ROW_NUMBER},
    {"tpot", "ms", NULL, NULL, "longest time per further token that is good", 1e-6, 1e9, ROW_NUMBER},
};

#define TABLE(what_, rows_)                                                                                            \
    {                                                                                                                  \
        (what_), (rows_), sizeof(rows_) / sizeof((rows_)[0]), sizeof(struct servsim_option)                            \
    }

const struct ss_table ss_model_table = TABLE("model", model_rows);
const struct ss_table ss_cluster_table = TABLE("cluster", cluster_rows);
const struct ss_table ss_kv_cache_table = TABLE("kv_cache", kv_cache_rows);
const struct ss_table ss_engine_table = TABLE("engine", engine_rows);
const struct ss_table ss_failures_table = TABLE("failures", failures_rows);
const struct ss_table ss_outage_table = TABLE("failures: schedule", outage_rows);
const struct ss_table ss_straggler_table = TABLE("failures: stragglers", straggler_rows);
const struct ss_table ss_slo_table = TABLE("slo", slo_rows);

const char *
ss_key_home(const char *key)
{
    static const struct {
        const char *map;
        const struct ss_table *table;
    } tables[] = {{"cluster", &ss_cluster_table}, {"model", &ss_model_table},       {"kv_cache", &ss_kv_cache_table},
                  {"engine", &ss_engine_table},   {"failures", &ss_failures_table}, {"slo", &ss_slo_table}};
    /* of plugins, and maps inside of others */
    static const struct {
        const char *map, *key;
    } others[] = {{"scheduler", "max_num_seqs"}, {"scheduler", "max_num_batched_tokens"},
                  {"hardware", "power"},         {"cluster", "kv_transfer"},
                  {"cluster", "interconnect"},   {"workload", "rate"},
                  {"workload", "requests"},      {"workload", "load"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(key, others[i].key) == 0)
            return others[i].map;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (size_t i = 0; i < tables[t].table->count; i++)
            if (strcmp(key, tables[t].table->rows[i].name) == 0)
                return tables[t].map;
    return NULL;
}
