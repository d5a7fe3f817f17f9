/*
 * tokens.c - workload plugin: replays traces that say how many tokens each request had.
 *
 * The format is found in the file: JSON lines where it begins with '{', else a table with a header, separated by tabs
 * or commas. What becomes of the rows is common/replay.c.
 */
#include "workload/common/jsonl.h"
#include "workload/common/replay.h"
#include "workload/common/table.h"

static const struct servsim_option options[] = {
    WL_REPLAY_OPTIONS,
    {"hash_block_tokens", "tokens", "512", NULL, "prompt tokens that one of hash_ids stands for", 1, 1e6,
     SERVSIM_OPTION_INTEGER, 0},
};

/* The first name of a role is the one that messages ask for. */
static const struct wl_column columns[] = {
    {"inputtoks", "input_toks", WL_ROLE_PROMPT, 0},
    {"inputtokens", "input_tokens", WL_ROLE_PROMPT, 0},
    {"prompttokens", "prompt_tokens", WL_ROLE_PROMPT, 0},
    {"numprefilltokens", "num_prefill_tokens", WL_ROLE_PROMPT, 0},
    {"contexttokens", "ContextTokens", WL_ROLE_PROMPT, 0},
    {"inputlength", "input_length", WL_ROLE_PROMPT, 0},
    {"outputtoks", "output_toks", WL_ROLE_OUTPUT, 0},
    {"outputtokens", "output_tokens", WL_ROLE_OUTPUT, 0},
    {"completiontokens", "completion_tokens", WL_ROLE_OUTPUT, 0},
    {"numdecodetokens", "num_decode_tokens", WL_ROLE_OUTPUT, 0},
    {"generatedtokens", "GeneratedTokens", WL_ROLE_OUTPUT, 0},
    {"outputlength", "output_length", WL_ROLE_OUTPUT, 0},
    {"arrivaltimens", "arrival_time_ns", WL_ROLE_TIME, WL_UNIT_NS},
    {"arrivalns", "arrival_ns", WL_ROLE_TIME, WL_UNIT_NS},
    {"arrivalus", "arrival_us", WL_ROLE_TIME, WL_UNIT_US},
    {"arrivalms", "arrival_ms", WL_ROLE_TIME, WL_UNIT_MS},
    {"arrivals", "arrival_s", WL_ROLE_TIME, WL_UNIT_S},
    {"arrivaltimes", "arrival_time_s", WL_ROLE_TIME, WL_UNIT_S},
    {"arrivedat", "arrived_at", WL_ROLE_TIME, WL_UNIT_S},
    {"timestamp", "TIMESTAMP", WL_ROLE_TIME, WL_UNIT_CLOCK},
    {"sessionid", "session_id", WL_ROLE_SESSION, 0},
    {"clientid", "client_id", WL_ROLE_CLIENT, 0},
    {"promptid", "prompt_id", WL_ROLE_PROMPT_ID, 0},
};

static const struct wl_dialect dialect = {
    columns,
    sizeof columns / sizeof columns[0],
    1u << WL_ROLE_PROMPT | 1u << WL_ROLE_OUTPUT,
    "a token trace",
    "a header reads input_toks,output_toks,arrival_time_ns (`servsim plugins info tokens` lists the other names)",
};

struct tokens {
    struct wl_table_source table;
    struct wl_jsonl_source jsonl;
    struct wl_replay *replay;
    char path[]; /* of both sources */
};

static void
tokens_destroy(void *self)
{
    struct tokens *trace = self;
    if (trace != NULL)
        wl_replay_close(trace->replay);
    free(trace);
}

/* 1 where the first thing in the file is '{'. */
static int32_t
is_jsonl(const char *path, struct servsim_error *err)
{
    char head[512];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return servsim_fail(err, errno, "%s: cannot open: %s", path, strerror(errno));
    size_t length = fread(head, 1, sizeof head, file);
    (void)fclose(file);
    size_t at = length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < length && head[at] != '\0' && strchr(" \t\r\n", head[at]) != NULL)
        at++;
    return at < length && head[at] == '{';
}

static int32_t
tokens_create(const struct servsim_host *host, const struct servsim_create *args, void **self,
              struct servsim_error *err)
{
    const char *path = servsim_text(args, "path");
    struct tokens *trace = calloc(1, sizeof *trace + strlen(path) + 1);
    if (trace == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    strcpy(trace->path, path);
    trace->table.path = trace->jsonl.path = trace->path;
    trace->table.dialect = &dialect;
    trace->jsonl.hash_tokens = (uint32_t)servsim_integer(args, "hash_block_tokens");
    int32_t rc = is_jsonl(path, err);
    if (rc == 1)
        rc = wl_replay_open(&trace->replay, host, args, &wl_jsonl_ops, &trace->jsonl, trace->path, err);
    else if (rc == 0)
        rc = wl_replay_open(&trace->replay, host, args, &wl_table_ops, &trace->table, trace->path, err);
    if (rc < 0) {
        tokens_destroy(trace);
        return rc;
    }
    *self = trace;
    return 0;
}

static int32_t
tokens_next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    return wl_replay_next(((struct tokens *)self)->replay, out, err);
}

static int32_t
tokens_stats(void *self, struct servsim_workload_stats *out)
{
    return wl_replay_stats(((struct tokens *)self)->replay, out);
}

static int32_t
tokens_recognise(const char *head, uint64_t length)
{
    return wl_jsonl_recognise(head, length) ? 2 : wl_table_recognise(&dialect, head, length);
}

static const struct servsim_workload_ops ops = {
    .size = (uint32_t)sizeof ops,
    .next = tokens_next,
    .stats = tokens_stats,
    .recognise = tokens_recognise,
};

static const struct servsim_plugin plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, options),
    .name = "tokens",
    .version = "1.0",
    .summary = "replays traces of token counts: TSV, CSV, JSON lines, Azure, Mooncake, ShareGPT length tables",
    .licence = "Apache-2.0",
    .page =
        "Tables have a header; columns are found by name, whatever their case and order, and others are passed over. "
        "Prompt: input_toks, input_tokens, prompt_tokens, num_prefill_tokens, ContextTokens, input_length. Output: "
        "output_toks, output_tokens, completion_tokens, num_decode_tokens, GeneratedTokens, output_length. Arrival: "
        "arrival_time_ns, arrival_ns, arrival_us, arrival_ms, arrival_s, arrival_time_s, arrived_at (s), TIMESTAMP "
        "(a date with a time of day, or seconds). Also session_id, client_id, prompt_id, and in JSONL priority (lower "
        "is more urgent) and deadline_s "
        "(after the arrival).\n\n"
        "JSON lines hold one object each: input_toks or input_tokens, output_toks or output_tokens, arrival_time_ns or "
        "arrival_s, and where known input_tok_ids, prompt_id, hash_ids, session_id; or Mooncake's timestamp (always "
        "milliseconds there), input_length, output_length, hash_ids. Whole numbers are exact; of numbers with a point "
        "15 digits are kept.\n\n"
        "Arrivals must not fall, and count from the first row. A trace without arrival times needs rate and gets "
        "Poisson arrivals, the first at 0. 0 output tokens is a request that failed: counted, not simulated. "
        "time_scale: 10 makes the traffic ten times as fast. A sample is drawn before the run, rate without sample "
        "reads the trace twice.",
    .options = options,
    .create = tokens_create,
    .destroy = tokens_destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(plugin)
