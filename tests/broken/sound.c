/*
 * broken/sound.c - not broken: small plugins of every kind, by the names that an experiment takes when it names none,
 * and options of every type. Tests of the registry and of experiments use them.
 */
#include "servsim/plugin.h"

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    (void)host;
    *self = NULL;
    if (servsim_present(args, "fail") != 0 && servsim_text(args, "fail") != NULL)
        return servsim_fail(err, EDOM, "told to fail:\n%s", servsim_text(args, "fail"));
    return 0;
}

static void
destroy(void *self)
{
    (void)self;
}

/* Nothing here is ever run: one function stands for each required operation. */
static int32_t
unused(void)
{
    return -ENOSYS;
}

#define OPERATION(type_) ((type_)(void (*)(void))unused)

static const struct servsim_hardware_ops hardware_ops = {
    .size = sizeof hardware_ops,
    .describe = OPERATION(int32_t(*)(void *, struct servsim_device *, struct servsim_error *)),
    .gemm = OPERATION(int32_t(*)(void *, const struct servsim_gemm *, int64_t *, struct servsim_error *)),
    .attention =
        OPERATION(int32_t(*)(void *, const struct servsim_attention *, struct servsim_line *, struct servsim_error *)),
};
static const struct servsim_scheduler_ops scheduler_ops = {
    .size = sizeof scheduler_ops,
    .arrive = OPERATION(int32_t(*)(void *, struct servsim_request *, struct servsim_error *)),
    .plan = OPERATION(int32_t(*)(void *, struct servsim_step *, struct servsim_error *)),
};
static const struct servsim_workload_ops workload_ops = {
    .size = sizeof workload_ops,
    .next = OPERATION(int32_t(*)(void *, struct servsim_arrival *, struct servsim_error *)),
};
static const struct servsim_router_ops router_ops = {
    .size = sizeof router_ops,
    .route = OPERATION(int32_t(*)(void *, const struct servsim_request *, uint32_t *, struct servsim_error *)),
};
static const struct servsim_report_ops report_ops = {
    .size = sizeof report_ops,
    .render = OPERATION(int32_t(*)(void *, const struct servsim_report_input *, struct servsim_error *)),
};

static const struct servsim_option custom_options[] = {
    {"peak_tflops.bf16", "TFLOP/s", "71", NULL, "dense peak", 0.001, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"peak_tflops.fp8", "TFLOP/s", NULL, NULL, "dense peak", 0.001, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"memory", "bytes", "24GiB", NULL, "memory", 1, 1e15, SERVSIM_OPTION_INTEGER, 0},
    {"bandwidth", "GB/s", "936", NULL, "memory bandwidth", 1, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"launch", "us", "9.6", NULL, "start of a kernel", 0, 1e6, SERVSIM_OPTION_NUMBER, 0},
    {"link", "", "pcie", "pcie|NVLink", "between GPUs", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"eager", "", "no", NULL, "without graphs", 0, 0, SERVSIM_OPTION_FLAG, 0},
    {"alphas", "us", "1, 2.5, 4", NULL, "per rank count", 0, 1e6, SERVSIM_OPTION_LIST, 0},
    {"fail", "", NULL, NULL, "makes create() fail with this text", 0, 0, SERVSIM_OPTION_TEXT, 0},
};

static const struct servsim_option predictive_options[] = {
    {"horizon", "s", "5", NULL, "how far it looks ahead", 0, 3600, SERVSIM_OPTION_NUMBER, 0},
    {"max_num_guesses", "", "4", NULL, "guesses for each request", 1, 100, SERVSIM_OPTION_INTEGER, 0},
};

static const struct servsim_option trace_options[] = {
    {"path", "", NULL, NULL, "the trace", 0, 0, SERVSIM_OPTION_PATH, SERVSIM_OPTION_REQUIRED},
    {"sample", "", NULL, NULL, "requests to draw", 1, 1e12, SERVSIM_OPTION_INTEGER, 0},
};

static const struct servsim_option poisson_options[] = {
    {"rate", "1/s", "1", NULL, "mean arrivals", 1e-9, 1e9, SERVSIM_OPTION_NUMBER, 0},
    {"requests", "", "1000", NULL, "how many", 1, 1e12, SERVSIM_OPTION_INTEGER, 0},
    {"note", "", "", NULL, "any text", 0, 0, SERVSIM_OPTION_TEXT, 0},
};

#define ABOUT(name_, ops_)                                                                                             \
    .name = (name_), .version = "1.0", .summary = "for tests", .licence = "Apache-2.0", .create = create,              \
    .destroy = destroy, .ops = (ops_)
#define PLAIN(kind_, name_, ops_)                                                                                      \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD_PLAIN(kind_), ABOUT(name_, ops_)                                                           \
    }
#define OPTIONS(kind_, name_, ops_, rows_)                                                                             \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD(kind_, rows_), .options = (rows_), ABOUT(name_, ops_)                                      \
    }

static const struct servsim_plugin plugins[] = {
    OPTIONS(SERVSIM_KIND_HARDWARE, "custom", &hardware_ops, custom_options),
    PLAIN(SERVSIM_KIND_HARDWARE, "rtx3090", &hardware_ops),
    PLAIN(SERVSIM_KIND_SCHEDULER, "fcfs", &scheduler_ops),
    OPTIONS(SERVSIM_KIND_SCHEDULER, "predictive", &scheduler_ops, predictive_options),
    OPTIONS(SERVSIM_KIND_WORKLOAD, "burstgpt", &workload_ops, trace_options),
    OPTIONS(SERVSIM_KIND_WORKLOAD, "poisson", &workload_ops, poisson_options),
    PLAIN(SERVSIM_KIND_ROUTER, "least_loaded", &router_ops),
    PLAIN(SERVSIM_KIND_ROUTER, "Round_Robin", &router_ops),
    PLAIN(SERVSIM_KIND_REPORT, "csv", &report_ops),
    PLAIN(SERVSIM_KIND_REPORT, "json", &report_ops),
    PLAIN(SERVSIM_KIND_REPORT, "markdown", &report_ops),
    PLAIN(SERVSIM_KIND_REPORT, "plots", &report_ops),
};

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    if (index >= sizeof plugins / sizeof plugins[0])
        return 0;
    *out = &plugins[index];
    return 1;
}
