/*
 * burstgpt.c - workload plugin: replays a BurstGPT trace.
 *
 * Reads every published layout by the names in its header: files 1 and 2 have six columns with whole seconds, file 3
 * has Session ID and Elapsed time as columns 2 and 3 and seconds with a decimal point; columns that are appended or
 * moved read as well. What becomes of the rows is common/replay.c.
 */
#include "workload/common/replay.h"
#include "workload/common/table.h"

static const struct servsim_option options[] = {
    WL_REPLAY_OPTIONS,
    {"model", "", "all", "all|ChatGPT|GPT-4", "requests to this model only", 0, 0, SERVSIM_OPTION_CHOICE, 0},
    {"log_type", "", "all", "all|api|conversation", "requests that came this way only", 0, 0, SERVSIM_OPTION_CHOICE, 0},
};

static const struct wl_column columns[] = {
    {"timestamp", "Timestamp", WL_ROLE_TIME, WL_UNIT_S},    {"model", "Model", WL_ROLE_MODEL, 0},
    {"requesttokens", "Request tokens", WL_ROLE_PROMPT, 0}, {"responsetokens", "Response tokens", WL_ROLE_OUTPUT, 0},
    {"logtype", "Log Type", WL_ROLE_LOG_TYPE, 0},           {"sessionid", "Session ID", WL_ROLE_SESSION, 0},
};

static const struct wl_dialect dialect = {
    columns,
    sizeof columns / sizeof columns[0],
    1u << WL_ROLE_TIME | 1u << WL_ROLE_MODEL | 1u << WL_ROLE_PROMPT | 1u << WL_ROLE_OUTPUT | 1u << WL_ROLE_LOG_TYPE,
    "a BurstGPT trace",
    "its header reads Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
};

struct burstgpt {
    struct wl_table_source source;
    struct wl_replay *replay;
    char path[]; /* the source's */
};

static void
burstgpt_destroy(void *self)
{
    struct burstgpt *trace = self;
    if (trace != NULL)
        wl_replay_close(trace->replay);
    free(trace);
}

/* A choice of the option table as a filter. */
static const char *
filter_of(const char *choice, const char *const *known)
{
    for (; *known != NULL; known++)
        if (strcmp(choice, *known) == 0)
            return *known;
    return NULL;
}

static int32_t
burstgpt_create(const struct servsim_host *host, const struct servsim_create *args, void **self,
                struct servsim_error *err)
{
    static const char *const models[] = {"ChatGPT", "GPT-4", NULL}, *const types[] = {"api", "conversation", NULL};
    const char *path = servsim_text(args, "path");
    struct burstgpt *trace = calloc(1, sizeof *trace + strlen(path) + 1);
    if (trace == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    strcpy(trace->path, path);
    trace->source.path = trace->path;
    trace->source.dialect = &dialect;
    trace->source.filter.model = filter_of(servsim_text(args, "model"), models);
    trace->source.filter.log_type = filter_of(servsim_text(args, "log_type"), types);
    int32_t rc = wl_replay_open(&trace->replay, host, args, &wl_table_ops, &trace->source, trace->path, err);
    if (rc < 0) {
        burstgpt_destroy(trace);
        return rc;
    }
    *self = trace;
    return 0;
}

static int32_t
burstgpt_next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    return wl_replay_next(((struct burstgpt *)self)->replay, out, err);
}

static int32_t
burstgpt_stats(void *self, struct servsim_workload_stats *out)
{
    return wl_replay_stats(((struct burstgpt *)self)->replay, out);
}

static int32_t
burstgpt_recognise(const char *head, uint64_t length)
{
    return wl_table_recognise(&dialect, head, length);
}

static const struct servsim_workload_ops ops = {
    .size = (uint32_t)sizeof ops,
    .next = burstgpt_next,
    .stats = burstgpt_stats,
    .recognise = burstgpt_recognise,
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, options),
    .name = "burstgpt",
    .version = "1.0",
    .summary = "replays a BurstGPT trace, in any of its published layouts",
    .licence = "Apache-2.0",
    .page =
        "BurstGPT (HPMLL/BurstGPT, CC-BY-4.0) is a trace of requests to an Azure OpenAI service: files 1 and 2 have "
        "the columns Timestamp, Model, Request tokens, Response tokens, Total tokens, Log Type; file 3 adds Session "
        "ID and Elapsed time as columns 2 and 3. Columns are found by name; case, blanks and order do not matter.\n\n"
        "Timestamp is in seconds, whole or decimal, and must not fall. Times count from the first row. A row with 0 "
        "response tokens is a request that failed: it is counted and not simulated. A request of 0 prompt tokens that "
        "was answered counts as 1 token. A session is its own client.\n\n"
        "limit counts requests, that is rows that are simulated. sample draws from the requests up to the limit. "
        "time_scale: 10 makes the traffic ten times as fast. rate sets the time_scale from the mean rate of the "
        "requests that are left, (requests - 1) / (last arrival - first arrival), and says so. A sample is drawn "
        "before the run, rate without sample reads the trace twice.",
    .options = options,
    .create = burstgpt_create,
    .destroy = burstgpt_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
