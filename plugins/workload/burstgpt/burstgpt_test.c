/*
 * burstgpt_test.c - the burstgpt plugin on small traces, hostile ones, and the real rows.
 */
#include "plugins/workload/common/drain.h"

#define HEADER "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"

static struct drained got;

static void
test_layouts(void)
{
    static const struct {
        const char *name, *text;
        int sessions;
    } cases[] = {
        {"files 1 and 2", HEADER "5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,230,1317,API log\n", 0},
        {"file 3",
         "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
         "19440110.0,1722ac82-0a46,43,ChatGPT,472,18,490,Conversation log\n"
         "19440150.0,,2,GPT-4,1087,230,1317,API log\n",
         1},
        {"columns appended",
         "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type,Session ID,Elapsed time\n"
         "5,ChatGPT,472,18,490,Conversation log,a,43\n45,GPT-4,1087,230,1317,API log,,2\n",
         1},
        {"other order and an index",
         ",log type,RESPONSE TOKENS, request_tokens ,SessionID,model,timestamp\n"
         "0,Conversation log,18,472,a,ChatGPT,5\n1,API log,230,1087,,GPT-4,45\n",
         1},
        {"quotes",
         "\"Timestamp\",\"Model\",\"Request tokens\",\"Response tokens\",\"Total tokens\",\"Log Type\"\n"
         "\"5\",\"ChatGPT\",\"472\",\"18\",\"490\",\"Conversation log\"\n45,\"GPT-4\",1087,230,1317,\"API log\"\n",
         0},
        {"byte order mark, CR LF, blanks, blank lines, no last newline",
         "\xef\xbb\xbfTimestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\r\n\r\n"
         " 5 , ChatGPT,472 ,18,490,Conversation log\r\n\r\n45,GPT-4,1087,230,1317,API log",
         0},
        {"tabs",
         "Timestamp\tModel\tRequest tokens\tResponse tokens\tTotal tokens\tLog Type\n"
         "5\tChatGPT\t472\t18\t490\tConversation log\n45\tGPT-4\t1087\t230\t1317\tAPI log\n",
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DRAIN(&got, "burstgpt", trace_path(cases[i].text));
        if (got.rc != 0 || got.count != 2)
            printf("# %s: %s\n", cases[i].name, got.error);
        CU_ASSERT(got.rc == 0 && got.count == 2);
        CU_ASSERT(got.first.arrival_s == 0 && got.first.arrival_ps == 0 && got.last.arrival_s == 40);
        CU_ASSERT(got.first.prompt_tokens == 472 && got.first.output_tokens == 18);
        CU_ASSERT(got.last.prompt_tokens == 1087 && got.last.output_tokens == 230);
        CU_ASSERT_STRING_EQUAL(got.first.label, "ChatGPT Conversation log");
        CU_ASSERT_STRING_EQUAL(got.last.label, "GPT-4 API log");
        CU_ASSERT((got.first.session != 0) == cases[i].sessions && got.last.session == 0);
        CU_ASSERT(got.first.client == got.first.session);
    }
}

static void
test_times_and_failures(void)
{
    DRAIN(&got, "burstgpt",
          trace_path(HEADER "100,ChatGPT,0,0,0,API log\n100.25,ChatGPT,7,3,10,API log\n100.25,ChatGPT,9,0,9,API log\n"
                            "103,ChatGPT,0,5,5,API log\n"));
    CU_ASSERT(got.rc == 0 && got.count == 2);
    CU_ASSERT(got.first.arrival_s == 0 && got.first.arrival_ps == 250000000000); /* the failed first row is time 0 */
    CU_ASSERT(got.last.arrival_s == 3 && got.last.prompt_tokens == 1);
    CU_ASSERT(got.stats.rows_read == 4 && got.stats.rows_failed == 2 && got.stats.rows_left_out == 0);
    CU_ASSERT(strstr(got.log, "1 requests without prompt tokens") != NULL);
}

static void
test_filters_and_limit(void)
{
    static const char text[] = HEADER "0,ChatGPT,1,1,2,Conversation log\n1,GPT-4,2,1,3,API log\n2,GPT-4,3,1,4,"
                                      "Conversation log\n3,ChatGPT,4,1,5,API log\n4,GPT-4,5,0,5,API log\n"
                                      "5,GPT-4,6,1,7,API log\n";
    static const struct {
        const char *options[3];
        uint64_t count, failed, left_out;
        double prompts;
    } cases[] = {
        {{"model=all"}, 5, 1, 0, 16},
        {{"model=GPT-4"}, 3, 1, 2, 11},
        {{"model=ChatGPT"}, 2, 0, 4, 5},
        {{"log_type=api"}, 3, 1, 2, 12},
        {{"log_type=conversation"}, 2, 0, 4, 4},
        {{"model=GPT-4", "log_type=api"}, 2, 1, 3, 8},
        {{"limit=2"}, 2, 0, 0, 3},
        {{"limit=2", "model=GPT-4"}, 2, 0, 1, 5},
        {{"limit=100"}, 5, 1, 0, 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DRAIN(&got, "burstgpt", trace_path(text), cases[i].options[0], cases[i].options[1]);
        CU_ASSERT(got.rc == 0 && got.count == cases[i].count && got.prompt_sum == cases[i].prompts);
        CU_ASSERT(got.stats.rows_failed == cases[i].failed && got.stats.rows_left_out == cases[i].left_out);
    }
}

static void
test_speed(void)
{
    static const char text[] = HEADER "10,ChatGPT,1,1,2,API log\n20,ChatGPT,1,1,2,API log\n50,ChatGPT,1,1,2,API log\n";
    DRAIN(&got, "burstgpt", trace_path(text), "time_scale=10");
    CU_ASSERT(got.count == 3 && got.rows[1].arrival_s == 1 && got.rows[1].arrival_ps == 0 && got.last.arrival_s == 4);
    DRAIN(&got, "burstgpt", trace_path(text), "time_scale=0.5");
    CU_ASSERT(got.count == 3 && got.last.arrival_s == 80);
    DRAIN(&got, "burstgpt", trace_path(text), "rate=4");
    CU_ASSERT(got.count == 3 && got.last.arrival_s == 0 && got.last.arrival_ps == 500000000000);
    CU_ASSERT(strstr(got.log, "info: rate: 4 requests/s in place of the trace's 0.05, by time_scale 80") != NULL);
    DRAIN(&got, "burstgpt", trace_path(text), "rate=4", "time_scale=2");
    check_complaint("rate and time_scale", got.error, "leave one of them out");
    DRAIN(&got, "burstgpt", trace_path(HEADER "1,ChatGPT,1,1,2,API log\n"), "rate=4");
    check_complaint("rate of one row", got.error, "rate needs requests at two times");
}

/* Rows 0..n-1 with their number as prompt tokens; every fifth has failed. */
static const char *
many_rows(uint32_t count)
{
    size_t length = 0, capacity = (size_t)count * 48 + 256;
    char *text = malloc(capacity);
    length += (size_t)snprintf(text, capacity, HEADER);
    for (uint32_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, capacity - length, "%u,ChatGPT,%u,%u,9,API log\n", i, i + 1,
                                   i % 5 == 4 ? 0u : 2u);
    const char *pair = trace_path(text);
    free(text);
    return pair;
}

static void
test_sample(void)
{
    DRAIN(&got, "burstgpt", many_rows(5000), "sample=100");
    CU_ASSERT(got.rc == 0 && got.count == 100);
    CU_ASSERT(got.stats.rows_read == 5000 && got.stats.rows_failed == 1000 && got.stats.rows_left_out == 3900);
    for (uint64_t i = 0; i < got.count; i++) /* a row keeps its own time, from the first row of the trace */
        CU_ASSERT((uint32_t)got.rows[i].arrival_s + 1 == got.rows[i].prompt_tokens);
    double sum = got.prompt_sum;
    DRAIN(&got, "burstgpt", many_rows(5000), "sample=100");
    CU_ASSERT(got.prompt_sum == sum); /* the same seed, the same rows */
    drain_each_with_seed(&got, "burstgpt", 43, (const char *const[]){many_rows(5000), "sample=100", NULL}, NULL, NULL);
    CU_ASSERT(got.prompt_sum != sum);
    DRAIN(&got, "burstgpt", many_rows(5000), "sample=100", "limit=200");
    CU_ASSERT(got.count == 100 && got.last.prompt_tokens <= 250);
    DRAIN(&got, "burstgpt", many_rows(50), "sample=100");
    CU_ASSERT(got.count == 40 && strstr(got.log, "warning: sample: 100 wanted") != NULL);
    DRAIN(&got, "burstgpt", many_rows(5000), "sample=100", "rate=7");
    double seconds = (double)(got.last.arrival_s - got.first.arrival_s) +
                     (double)(got.last.arrival_ps - got.first.arrival_ps) / 1e12;
    CU_ASSERT(within(99 / seconds, 7, 1e-6));
}

/* Each row has the same chance: 200 samples of 10 out of 100 rows, chi-square of tenths against its 0.9999 quantile. */
static void
test_sample_is_fair(void)
{
    double tenths[10] = {0}, chi = 0;
    char text[8192];
    size_t length = (size_t)snprintf(text, sizeof text, HEADER);
    for (int i = 0; i < 100; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%d,ChatGPT,%d,2,9,API log\n", i, i + 1);
    for (uint64_t seed = 0; seed < 200; seed++) {
        drain_each_with_seed(&got, "burstgpt", seed, (const char *const[]){trace_path(text), "sample=10", NULL}, NULL,
                             NULL);
        CU_ASSERT(got.count == 10);
        for (int i = 0; i < 10; i++)
            tenths[(got.rows[i].prompt_tokens - 1) / 10]++;
    }
    for (int i = 0; i < 10; i++)
        chi += (tenths[i] - 200) * (tenths[i] - 200) / 200;
    CU_ASSERT(chi < 33.7);
}

/* Longer than several pieces of the file, so that rows cross their borders. */
static void
test_pieces(void)
{
    DRAIN(&got, "burstgpt", many_rows(30000));
    CU_ASSERT(got.rc == 0 && got.count == 24000 && got.last.arrival_s == 29998);
    CU_ASSERT(got.prompt_sum == 30000.0 * 30001 / 2 - 5 * (6000.0 * 6001 / 2));
}

static const struct {
    const char *name, *text, *words;
} hostile[] = {
    {"empty", "", "the file is empty"},
    {"blank lines only", "\n\n\n", "the file is empty"},
    {"header only", HEADER, "no request below it"},
    {"all failed", HEADER "1,ChatGPT,5,0,5,API log\n", "no request to simulate: 1 rows, 1 of them failed"},
    {"no header", "5,ChatGPT,472,18,490,Conversation log\n", ":1: a BurstGPT trace needs a column 'Timestamp'"},
    {"missing column", "Timestamp,Model,Request tokens,Total tokens,Log Type\n5,ChatGPT,1,2,API log\n",
     ":1: a BurstGPT trace needs a column 'Response tokens'"},
    {"column twice", "Timestamp,Timestamp,Model,Request tokens,Response tokens,Log Type\n",
     ":1: a second column for Timestamp"},
    {"not a table", "servsim: 1\nname: x\n", "needs a column 'Timestamp'"},
    {"NaN tokens", HEADER "1,ChatGPT,5,1,6,API log\n2,ChatGPT,NaN,1,6,API log\n", ":3: Request tokens is \"NaN\""},
    {"NaN time", HEADER "nan,ChatGPT,5,1,6,API log\n", ":2: Timestamp is \"nan\""},
    {"empty field", HEADER "1,ChatGPT,,1,6,API log\n", ":2: Request tokens is \"\""},
    {"negative", HEADER "1,ChatGPT,5,-1,6,API log\n", ":2: Response tokens is \"-1\", which is negative"},
    {"negative time", HEADER "-1,ChatGPT,5,1,6,API log\n", ":2: Timestamp is \"-1\", which is negative"},
    {"words", HEADER "1,ChatGPT,many,1,6,API log\n", ":2: Request tokens is \"many\""},
    {"half a token", HEADER "1,ChatGPT,5.5,1,6,API log\n", "not a whole number"},
    {"absurd tokens", HEADER "1,ChatGPT,99999999999999999999,1,6,API log\n", "more than the 10000000 tokens"},
    {"absurd time", HEADER "1e30,ChatGPT,5,1,6,API log\n", "past 10000000000 seconds"},
    {"milliseconds as seconds", HEADER "1,ChatGPT,5,1,6,API log\n9000000000,ChatGPT,5,1,6,API log\n",
     ":3: more than 2000000000 s after the first row"},
    {"out of order", HEADER "\n5,ChatGPT,5,1,6,API log\n3,ChatGPT,5,1,6,API log\n", ":4: out of order: Timestamp"},
    {"too few fields", HEADER "1,ChatGPT,5,1\n", ":2: 4 fields, the header has 6"},
    {"too many fields", HEADER "1,ChatGPT,5,1,6,API log,7\n", ":2: 7 fields, the header has 6"},
    {"open quote", HEADER "1,\"ChatGPT,5,1,6,API log\n2,ChatGPT,5,1,6,API log\n", ":2: a double quote"},
    {"quote inside", HEADER "1,Chat\"GPT,5,1,6,API log\n", ":2: a double quote"},
    {"text after a quote", HEADER "1,\"Chat\"GPT,5,1,6,API log\n", ":2: a double quote"},
    {"line numbers past quoted newlines", HEADER "1,\"Chat\nGPT\",5,1,6,API log\n2,ChatGPT,x,1,6,API log\n",
     ":4: Request tokens is \"x\""},
    {"control characters are not echoed", HEADER "1,ChatGPT,\033[31m5,1,6,API log\n", "\"?[31m5\""},
};

static void
test_hostile(void)
{
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        DRAIN(&got, "burstgpt", trace_path(hostile[i].text));
        CU_ASSERT(got.create_rc < 0); /* before the run starts: these are small */
        check_complaint(hostile[i].name, got.error, hostile[i].words);
        CU_ASSERT(strstr(got.error, "/tmp/servsim-trace-") == got.error);
    }
}

static void
test_binary(void)
{
    static char junk[300000];
    struct servsim_random random = {7};
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < sizeof junk; i++) {
            uint8_t byte = (uint8_t)servsim_random_u64(&random);
            junk[i] = (char)(pass == 0 ? byte : pass == 1 ? byte | 1 : 'a');
        }
        char pair[96];
        snprintf(pair, sizeof pair, "path=%s", trace_file(junk, sizeof junk));
        DRAIN(&got, "burstgpt", pair);
        CU_ASSERT(got.create_rc < 0);
        check_complaint("binary", got.error, "a BurstGPT trace");
    }
}

/* A row without an end must not grow without bound. */
static void
test_endless_row(void)
{
    size_t length = 3 << 20;
    char *text = malloc(length + 1), pair[96];
    memset(text, 'x', length);
    memcpy(text, HEADER "1,\"", strlen(HEADER "1,\""));
    text[length] = '\0';
    snprintf(pair, sizeof pair, "path=%s", trace_file(text, length));
    free(text);
    DRAIN(&got, "burstgpt", pair);
    CU_ASSERT(got.create_rc < 0);
    check_complaint("endless row", got.error, ":2: a row of more than 1 MiB");
}

static void
test_missing_file(void)
{
    DRAIN(&got, "burstgpt", "path=/nowhere/at/all.csv");
    CU_ASSERT(got.create_rc == -ENOENT);
    check_complaint("missing", got.error, "/nowhere/at/all.csv: cannot open: No such file");
    DRAIN(&got, "burstgpt", "path=/tmp");
    CU_ASSERT(got.create_rc == -EISDIR);
}

/* Errors beyond what create() checks are met in their place, after the rows before them. */
static void
test_late_error(void)
{
    size_t length = 0, capacity = 4 << 20;
    char *text = malloc(capacity);
    length += (size_t)snprintf(text, capacity, HEADER);
    for (int i = 0; i < 60000; i++)
        length += (size_t)snprintf(text + length, capacity - length, "%d,ChatGPT,5,1,6,Conversation log\n", i);
    snprintf(text + length, capacity - length, "60000,ChatGPT,5,x,6,API log\n");
    const char *pair = trace_path(text);
    free(text);
    DRAIN(&got, "burstgpt", pair);
    CU_ASSERT(got.create_rc == 0 && got.rc == -EINVAL && got.count == 60000);
    check_complaint("late", got.error, ":60002: Response tokens is \"x\"");
    DRAIN(&got, "burstgpt", pair, "sample=10");
    CU_ASSERT(got.create_rc == -EINVAL);
}

static void
test_recognise(void)
{
    static const struct {
        const char *head;
        int sure;
    } cases[] = {
        {HEADER "5,", 2},
        {"\xef\xbb\xbf" HEADER, 2},
        {"Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\r\n1", 2},
        {"Timestamp,Model,Request tokens,Total tokens,Log Type\n", 1},
        {"input_toks\toutput_toks\tarrival_time_ns\n", 0},
        {"TIMESTAMP,ContextTokens,GeneratedTokens\n", 0},
        {"{\"input_toks\": 1}", 0},
        {"", 0},
        {"\n\n", 0},
    };
    struct fake_plugin plugin = {0};
    CU_ASSERT_FATAL(fake_open(&plugin, "workload", "burstgpt") == 0);
    const struct servsim_workload_ops *ops = plugin.descriptor->ops;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT(ops->recognise(cases[i].head, strlen(cases[i].head)) == cases[i].sure);
}

/* The first 400 rows of the real file. */
static void
test_measured(void)
{
    char pair[512];
    snprintf(pair, sizeof pair, "path=%s", ss_measured_path("burstgpt/BurstGPT_1_head400.csv"));
    DRAIN(&got, "burstgpt", pair);
    CU_ASSERT(got.rc == 0 && got.count == 383 && got.stats.rows_failed == 17 && got.stats.rows_read == 400);
    CU_ASSERT(got.first.prompt_tokens == 472 && got.rows[1].arrival_s == 40 && got.last.arrival_s == 37269);
    DRAIN(&got, "burstgpt", pair, "model=GPT-4");
    CU_ASSERT(got.count + got.stats.rows_failed == 80);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"every published layout", test_layouts},
        {"times and failures", test_times_and_failures},
        {"filters and limit", test_filters_and_limit},
        {"time_scale and rate", test_speed},
        {"sample", test_sample},
        {"sample is fair", test_sample_is_fair},
        {"pieces of the file", test_pieces},
        {"hostile traces", test_hostile},
        {"binary junk", test_binary},
        {"a row without an end", test_endless_row},
        {"missing file", test_missing_file},
        {"a late error", test_late_error},
        {"recognise", test_recognise},
        {"the real rows", test_measured},
    };
    int status = ss_run_cases("burstgpt", cases, sizeof cases / sizeof cases[0]);
    trace_gone();
    return status;
}
