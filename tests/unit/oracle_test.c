/*
 * unit/oracle_test.c - scheduler, KV cache, engine and the profile device together, against another simulator.
 *
 * LLMServingSim 2 answered for 300 requests to Llama-3.1-8B on one RTX PRO 6000, from the same measured tables. With
 * the engine's own time left out, every request must come out the same. Nothing is fitted: what differs is a mistake.
 *
 * One habit of the reference is not physics: its clock moves in steps of 1 ms while its engine is idle, so the first
 * request, which alone finds it idle, starts late by less than that. The first request is therefore sent as late as
 * the reference started it, and its times still count from when it arrived.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/simulation.h"
#include "harness.h"

#define REQUESTS 300
#define TOLERANCE_PERCENT 0.1
#define SIMULATION_MS_MAX 20.0

#define REFERENCE "calibration/reference/llmservingsim2_rtxpro6000_llama31_8b.csv"
#define TRAFFIC "sharegpt/sharegpt-llama-3.1-8b-300-sps10.jsonl"
#define BUNDLE "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16"

struct answer {
    int64_t arrival_ns, latency_ns, ttft_ns;
};

struct oracle {
    struct answer answers[REQUESTS];
    char traffic[64]; /* a copy of the requests, the first one's arrival moved */
    struct ss_registry *registry;
    struct ss_experiment experiment;
};

/* ---- the reference ---- */

static void
read_answers(struct oracle *oracle)
{
    char *data = NULL, *rest = NULL;
    size_t length = 0, count = 0;
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(ss_file_read(ss_measured_path(REFERENCE), 1u << 24, &data, &length, &err), 0);
    for (char *line = strtok_r(data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        long long id, input, output, arrival, end, latency, queueing, ttft;
        if (sscanf(line, "%*d,%lld,%*[^,],%lld,%lld,%lld,%lld,%lld,%lld,%lld", &id, &input, &output, &arrival, &end,
                   &latency, &queueing, &ttft) != 8)
            continue;
        CU_ASSERT_FATAL(id >= 0 && id < REQUESTS);
        oracle->answers[id] = (struct answer){arrival, latency, ttft};
        count++;
    }
    free(data);
    CU_ASSERT_EQUAL_FATAL(count, REQUESTS);
}

/* ---- the run ---- */

/* The requests, with `late_ns` more in the first one's arrival. */
static void
write_traffic(struct oracle *oracle, int64_t late_ns)
{
    static const char key[] = "\"arrival_time_ns\": ";
    char *data = NULL;
    size_t length = 0;
    struct ss_text text = {NULL, 0, 0, 0};
    struct servsim_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(ss_file_read(ss_measured_path(TRAFFIC), 1u << 28, &data, &length, &err), 0);
    char *number = strstr(data, key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(number);
    number += sizeof key - 1;
    ss_text_add(&text, data, (size_t)(number - data));
    ss_text_printf(&text, "%lld", (long long)(oracle->answers[0].arrival_ns + late_ns));
    ss_text_puts(&text, number + strspn(number, "0123456789"));
    CU_ASSERT_EQUAL_FATAL(ss_file_write(oracle->traffic, text.data, text.length, &err), 0);
    ss_text_free(&text);
    free(data);
}

static void
read_experiment(struct oracle *oracle)
{
    char folder[4096], models[4096], file[96];
    struct ss_text yaml = {NULL, 0, 0, 0};
    struct servsim_error err = {.size = sizeof err};
    (void)snprintf(folder, sizeof folder, "%s", ss_build_path("plugins/.libs"));
    (void)snprintf(models, sizeof models, "%s", ss_source_path("configs/models"));
    (void)snprintf(file, sizeof file, "%s.yaml", oracle->traffic);
    const char *const paths[] = {folder};
    ss_text_printf(&yaml,
                   "servsim: 1\nname: oracle\nmodel: llama-3.1-8b\n"
                   "hardware: {plugin: profile, path: \"%s\", memory: 96GiB, memory_bandwidth: 1597GB/s, "
                   "peak_tflops: 503.8}\n",
                   ss_measured_path(BUNDLE));
    ss_text_printf(&yaml,
                   "scheduler: {plugin: fcfs, max_num_seqs: 128, max_num_batched_tokens: 2048}\n"
                   "kv_cache: {block_size: 16, blocks: 36578, prefix_caching: true}\nengine: ideal\n"
                   "workload: {plugin: tokens, path: \"%s\"}\n",
                   oracle->traffic);
    CU_ASSERT_EQUAL_FATAL(ss_file_write(file, yaml.data, yaml.length, &err), 0);
    CU_ASSERT_EQUAL_FATAL(ss_registry_open(&oracle->registry, paths, 1, &err), 0);
    const struct ss_lookup lookup = {.registry = oracle->registry, .models_dir = models};
    int rc = ss_experiment_read(&oracle->experiment, file, NULL, 0, &lookup, &err);
    (void)unlink(file);
    ss_text_free(&yaml);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static void
simulate(const struct oracle *oracle, int stepwise, struct ss_result *result)
{
    const struct ss_sim_options options = {.stepwise = stepwise};
    struct servsim_error err = {.size = sizeof err};
    int rc = ss_simulate(&oracle->experiment.cells[0], &options, result, &err);
    if (rc != 0)
        (void)printf("# %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(result->records.count, REQUESTS);
}

static void
oracle_open(struct oracle *oracle)
{
    memset(oracle, 0, sizeof *oracle);
    read_answers(oracle);
    (void)snprintf(oracle->traffic, sizeof oracle->traffic, "/tmp/servsim-oracle-XXXXXX");
    int fd = mkstemp(oracle->traffic);
    CU_ASSERT_FATAL(fd >= 0);
    (void)close(fd);
    write_traffic(oracle, 0);
    read_experiment(oracle);
}

static void
oracle_close(struct oracle *oracle)
{
    (void)unlink(oracle->traffic);
    ss_experiment_free(&oracle->experiment);
    ss_registry_close(oracle->registry);
}

/* By how much the reference started the first request late: nothing else runs beside its prefill, so its TTFT says. */
static int64_t
first_lateness_ns(const struct oracle *oracle, struct ss_result *result)
{
    simulate(oracle, 0, result);
    int64_t late_ns = oracle->answers[0].ttft_ns - result->records.items[0].ttft_ps / 1000;
    ss_result_free(result);
    (void)printf("# the reference starts the first request %.3f ms late\n", (double)late_ns / 1e6);
    CU_ASSERT(late_ns >= 0 && late_ns < 1000000);
    return late_ns;
}

/* ---- comparing ---- */

struct deviation {
    double worst_percent, sum_percent;
    size_t worst;
};

static void
add_deviation(struct deviation *deviation, size_t request, int64_t ours_ps, int64_t theirs_ns)
{
    double percent = fabs((double)ours_ps / 1e3 / (double)theirs_ns - 1.0) * 100.0;
    deviation->sum_percent += percent;
    if (percent > deviation->worst_percent) {
        deviation->worst_percent = percent;
        deviation->worst = request;
    }
}

static void
say(const char *what, const struct deviation *deviation)
{
    (void)printf("# %s: worst %.5f %% (request %zu), mean %.5f %%\n", what, deviation->worst_percent, deviation->worst,
                 deviation->sum_percent / REQUESTS);
}

static void
test_each_request(void)
{
    struct oracle oracle;
    struct deviation latency = {0}, ttft = {0};
    struct ss_result *result = malloc(sizeof *result);
    oracle_open(&oracle);
    int64_t late_ns = first_lateness_ns(&oracle, result);
    write_traffic(&oracle, late_ns);
    simulate(&oracle, 0, result);
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct ss_record *record = &result->records.items[i];
        int64_t late_ps = i == 0 ? late_ns * 1000 : 0;
        add_deviation(&latency, i, record->latency_ps + late_ps, oracle.answers[i].latency_ns);
        add_deviation(&ttft, i, record->ttft_ps + late_ps, oracle.answers[i].ttft_ns);
    }
    say("latency", &latency);
    say("TTFT", &ttft);
    CU_ASSERT(latency.worst_percent < TOLERANCE_PERCENT);
    CU_ASSERT(ttft.worst_percent < TOLERANCE_PERCENT);
    ss_result_free(result);
    free(result);
    oracle_close(&oracle);
}

static void
test_stepwise(void)
{
    struct oracle oracle;
    struct ss_result *fast = malloc(sizeof *fast), *stepwise = malloc(sizeof *stepwise);
    oracle_open(&oracle);
    simulate(&oracle, 0, fast);
    simulate(&oracle, 1, stepwise);
    CU_ASSERT_EQUAL(fast->engine_steps, stepwise->engine_steps);
    CU_ASSERT(fast->events * 2 < stepwise->events);
    for (size_t i = 0; i < REQUESTS; i++) {
        CU_ASSERT_EQUAL(fast->records.items[i].ttft_ps, stepwise->records.items[i].ttft_ps);
        CU_ASSERT_EQUAL(fast->records.items[i].latency_ps, stepwise->records.items[i].latency_ps);
    }
    ss_result_free(fast);
    ss_result_free(stepwise);
    free(fast);
    free(stepwise);
    oracle_close(&oracle);
}

/* ---- speed ---- */

static double
cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* CPU time of the simulation, less what reading the bundle and the traffic takes by itself. */
static void
test_speed(void)
{
    struct oracle oracle;
    struct ss_traffic_extent traffic;
    struct servsim_error err = {.size = sizeof err};
    struct ss_result *result = malloc(sizeof *result);
    double all_ms = INFINITY, parsing_ms = INFINITY;
    oracle_open(&oracle);
    for (int i = 0; i < 7; i++) {
        double start_ms = cpu_ms();
        CU_ASSERT_EQUAL(ss_simulation_preflight(&oracle.experiment.cells[0], &err), 0);
        CU_ASSERT_EQUAL(ss_measure_traffic(&oracle.experiment.cells[0], &traffic, &err), 0);
        double parsed_ms = cpu_ms();
        simulate(&oracle, 0, result);
        parsing_ms = fmin(parsing_ms, parsed_ms - start_ms);
        all_ms = fmin(all_ms, cpu_ms() - parsed_ms);
        ss_result_free(result);
    }
    (void)printf("# parsing %.1f ms, simulation %.1f ms\n", parsing_ms, all_ms - parsing_ms);
    /* A sanitizer's checks are not the program's time. */
    CU_ASSERT(getenv("SERVSIM_SANITIZED") != NULL || all_ms - parsing_ms < SIMULATION_MS_MAX);
    free(result);
    oracle_close(&oracle);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"each request as the reference has it", test_each_request},
        {"step by step, the same", test_stepwise},
        {"in milliseconds", test_speed},
    };
    return ss_run_cases("oracle", cases, sizeof cases / sizeof cases[0]);
}
