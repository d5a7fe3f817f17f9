/*
 * tokens_test.c - the tokens plugin: every format and name, hostile files, and the measured traces.
 */
#include "plugins/workload/common/drain.h"

static struct drained got;

static void
test_formats(void)
{
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"TSV", "input_toks\toutput_toks\tarrival_time_ns\n10\t70\t46926808\n22\t104\t1546926808\n"},
        {"CSV in ns", "input_toks,output_toks,arrival_time_ns\n10,70,46926808\n22,104,1546926808\n"},
        {"CSV in s", "arrival_s,input_tokens,output_tokens\n0.046926808,10,70\n1.546926808,22,104\n"},
        {"CSV in ms", "arrival_ms,prompt_tokens,completion_tokens\n46,10,70\n1546,22,104\n"},
        {"CSV in us", "arrival_us,prompt_tokens,completion_tokens\n1,10,70\n1500001,22,104\n"},
        {"Azure", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,10,70\n"
                  "2023-11-17 00:00:01.0000000,22,104\n"},
        {"Azure 2024", "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-12 00:00:00.25+00:00,10,70\n"
                       "2024-05-12 00:00:01.75+00:00,22,104\n"},
        {"Vidur", "arrived_at,num_prefill_tokens,num_decode_tokens\n1.5,10,70\n3.0,22,104\n"},
        {"other columns, byte order mark", "\xef\xbb\xbfx,Input Tokens,OUTPUT_TOKENS,y,timestamp\r\na,10,70,b,3\r\n"
                                           "c,22,104,d,4.5\r\n"},
        {"JSON lines in ns", "{\"input_toks\":10,\"output_toks\":70,\"arrival_time_ns\":46926808}\n"
                             "{\"input_toks\":22,\"output_toks\":104,\"arrival_time_ns\":1546926808}\n"},
        {"JSON lines in s, no last newline",
         "\n{\"arrival_s\": 0.25, \"input_tokens\": 10, \"output_tokens\": 70}\r\n\n"
         "{\"output_tokens\": 104, \"input_tokens\": 22, \"arrival_s\": 1.75}"},
        {"JSON lines, numbers as texts", "{\"arrival_s\":\"0\",\"input_tokens\":\"10\",\"output_tokens\":\"70\"}\n"
                                         "{\"arrival_s\":\"1.5\",\"input_tokens\":22.0,\"output_tokens\":104}\n"},
        {"Mooncake", "{\"timestamp\": 27482, \"input_length\": 10, \"output_length\": 70, \"hash_ids\": [1]}\n"
                     "{\"timestamp\": 28982, \"input_length\": 22, \"output_length\": 104, \"hash_ids\": [2]}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DRAIN(&got, "tokens", trace_path(cases[i].text));
        int good = got.rc == 0 && got.count == 2 && got.first.prompt_tokens == 10 && got.first.output_tokens == 70 &&
                   got.last.prompt_tokens == 22 && got.last.output_tokens == 104 && got.first.arrival_s == 0 &&
                   got.first.arrival_ps == 0 && got.last.arrival_s == 1 && got.last.arrival_ps == 500000000000;
        if (!good)
            printf("# %s: %s %lld\n", cases[i].name, got.error, (long long)got.last.arrival_ps);
        CU_ASSERT(good);
    }
}

/* What only prefix caching uses is delivered all the same. */
static void
check_ids(const struct servsim_arrival *row, void *context)
{
    uint64_t *seen = context;
    if (seen[0] == 0) {
        CU_ASSERT_FATAL(row->token_ids != NULL && row->block_hashes != NULL);
        CU_ASSERT(row->token_ids[0] == 5 && row->token_ids[2] == 2147483647);
        CU_ASSERT(row->block_hash_count == 2 && row->block_hashes[0] == 0 && row->block_hashes[1] == 14);
        CU_ASSERT(row->block_hash_tokens == 16 && row->session != 0 && row->prompt_id != 0);
    } else {
        CU_ASSERT(row->token_ids == NULL && row->block_hashes == NULL && row->block_hash_count == 0);
    }
    seen[seen[0] == 0 ? 1 : 2] = row->session;
    seen[0]++;
}

static void
test_ids(void)
{
    static const char text[] = "{\"input_toks\":3,\"output_toks\":2,\"arrival_s\":0,\"input_tok_ids\":[5,6,2147483647],"
                               "\"hash_ids\":[0,14],\"session_id\":\"7\",\"prompt_id\":0}\n"
                               "{\"input_toks\":3,\"output_toks\":2,\"arrival_s\":1,\"session_id\":7}\n";
    static const char *const options[] = {"", "sample=2", "sample=50"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        uint64_t seen[3] = {0};
        const char *const pairs[] = {trace_path(text), "hash_block_tokens=16", options[i][0] ? options[i] : NULL, NULL};
        drain_each_with_seed(&got, "tokens", 1, pairs, check_ids, seen);
        CU_ASSERT(got.rc == 0 && got.count == 2 && seen[1] == seen[2]); /* "7" and 7 are one session */
    }
}

/* How urgent a request is, and until when: after its arrival, however time is scaled. */
static void
test_urgency(void)
{
    static const char text[] = "{\"input_toks\":3,\"output_toks\":2,\"arrival_s\":0,\"priority\":-4}\n"
                               "{\"input_toks\":3,\"output_toks\":2,\"arrival_s\":10,\"deadline_s\":2.5}\n";
    static const char *const wrong[][2] = {
        {"{\"input_toks\":3,\"output_toks\":2,\"arrival_s\":0,\"priority\":1.5}\n", "priority is not a whole number"},
        {"{\"input_toks\":3,\"output_toks\":2,\"arrival_s\":0,\"deadline_s\":-1}\n", "deadline_s is not a time"},
    };
    DRAIN(&got, "tokens", trace_path(text), "time_scale=2");
    CU_ASSERT(got.rc == 0 && got.count == 2 && got.first.priority == -4 && got.first.deadline_s == SERVSIM_NEVER);
    CU_ASSERT(got.last.priority == 0 && got.last.arrival_s == 5);
    CU_ASSERT(got.last.deadline_s == 7 && got.last.deadline_ps == 500000000000);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        DRAIN(&got, "tokens", trace_path(wrong[i][0]));
        check_complaint("urgency", got.error, wrong[i][1]);
    }
}

/* distinct_prompts is in place of the ids of the trace, by the number of the request in it, sampled or not. */
static void
test_distinct_prompts(void)
{
    static const char text[] = "input_toks,output_toks,arrival_time_ns,prompt_id\n5,1,1,x\n6,0,2,x\n7,1,3,x\n8,1,4,x\n"
                               "9,1,5,x\n10,1,6,x\n11,1,7,x\n";
    DRAIN(&got, "tokens", trace_path(text));
    CU_ASSERT(got.count == 6 && got.first.prompt_id != 0 && got.first.prompt_id == got.last.prompt_id);
    for (int sampled = 0; sampled < 2; sampled++) {
        DRAIN(&got, "tokens", trace_path(text), "distinct_prompts=4", sampled ? "sample=3" : "limit=6");
        CU_ASSERT_EQUAL_FATAL(got.count, sampled ? 3 : 6);
        for (uint64_t i = 0; i < got.count; i++) {
            uint64_t number = got.rows[i].prompt_tokens == 5 ? 0 : got.rows[i].prompt_tokens - 6u; /* row 2 failed */
            CU_ASSERT_EQUAL(got.rows[i].prompt_id, 1 + number % 4);
        }
    }
}

static void
test_without_arrivals(void)
{
    static const char *const texts[] = {
        "input_tokens,output_tokens\n10,70\n22,104\n5,5\n",
        "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n10,70,80,0.1\n22,104,126,0.2\n5,5,10,1.0\n",
        ("{\"input_toks\":10,\"output_toks\":70}\n{\"input_toks\":22,\"output_toks\":104}\n"
         "{\"input_toks\":5,\"output_toks\":5}\n"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        DRAIN(&got, "tokens", trace_path(texts[i]));
        check_complaint("no arrivals", got.error, "lengths and no arrival times; set rate");
        DRAIN(&got, "tokens", trace_path(texts[i]), "rate=2");
        CU_ASSERT(got.rc == 0 && got.count == 3 && got.first.arrival_s == 0 && got.first.arrival_ps == 0);
        CU_ASSERT(got.rows[1].arrival_ps > 0 && got.last.prompt_tokens == 5);
    }
}

/* Poisson arrivals at the rate: mean and standard deviation of the gaps. */
static void
sum_gaps(const struct servsim_arrival *row, void *context)
{
    double *sums = context, now = (double)row->arrival_s + (double)row->arrival_ps / 1e12;
    sums[0] += (now - sums[2]);
    sums[1] += (now - sums[2]) * (now - sums[2]);
    sums[2] = now;
}

static void
test_poisson_arrivals(void)
{
    size_t length = 0, capacity = 1 << 20;
    char *text = malloc(capacity);
    length += (size_t)snprintf(text, capacity, "input_tokens,output_tokens\n");
    for (int i = 0; i < 40000; i++)
        length += (size_t)snprintf(text + length, capacity - length, "1,1\n");
    double sums[3] = {0};
    const char *const pairs[] = {trace_path(text), "rate=4", NULL};
    drain_each_with_seed(&got, "tokens", 3, pairs, sum_gaps, sums);
    free(text);
    double mean = sums[0] / 39999, deviation = sqrt(sums[1] / 39999 - mean * mean);
    CU_ASSERT(got.count == 40000 && within(mean, 0.25, 0.02) && within(deviation, 0.25, 0.03));
}

static const struct {
    const char *name, *text, *words;
} hostile[] = {
    {"empty", "", "the file is empty"},
    {"header only", "input_toks,output_toks,arrival_time_ns\n", "no request below it"},
    {"no output", "input_toks,arrival_s\n1,2\n", ":1: a token trace needs a column 'output_toks'"},
    {"two inputs", "input_toks,input_tokens,output_toks\n1,2,3\n", ":1: a second column for input_tokens"},
    {"NaN", "input_toks\toutput_toks\tarrival_time_ns\n1\tNaN\t3\n", ":2: output_toks is \"NaN\""},
    {"empty TSV field", "input_toks\toutput_toks\tarrival_time_ns\n1\t\t3\n", ":2: output_toks is \"\""},
    {"out of order", "arrival_s,input_tokens,output_tokens\n2,1,1\n1.999999999,1,1\n", ":3: out of order: arrival_s"},
    {"bad date", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-99-16 18:17:03,1,1\n", ":2: TIMESTAMP is"},
    {"huge", "input_toks,output_toks,arrival_s\n1,1e99,0\n", "more than the 10000000 tokens"},
    {"all failed", "input_toks,output_toks,arrival_s\n1,0,0\n", "no request to simulate"},
    {"JSON: broken", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":0}\n{\"input_toks\":1,\n", ":2: not JSON:"},
    {"JSON: a list", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":0}\n[1]\n", ":2: not a JSON object"},
    {"JSON: NaN", "{\"input_toks\":NaN,\"output_toks\":1,\"arrival_s\":0}\n", ":1: not JSON"},
    {"JSON: missing", "{\"input_toks\":1,\"arrival_s\":0}\n", ":1: no key 'output_toks'"},
    {"JSON: negative", "{\"input_toks\":-4,\"output_toks\":1,\"arrival_s\":0}\n", ":1: input_toks is \"-4\""},
    {"JSON: bool", "{\"input_toks\":true,\"output_toks\":1,\"arrival_s\":0}\n", ":1: input_toks is \"true\""},
    {"JSON: huge", "{\"input_toks\":1e300,\"output_toks\":1,\"arrival_s\":0}\n", "more than the 10000000 tokens"},
    {"JSON: too big an integer", "{\"input_toks\":99999999999999999999,\"output_toks\":1}\n", ":1: not JSON"},
    {"JSON: twice", "{\"input_toks\":1,\"input_toks\":2,\"output_toks\":1,\"arrival_s\":0}\n", ":1: not JSON"},
    {"JSON: out of order",
     "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":5}\n"
     "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":4}\n",
     ":2: out of order: arrival_s"},
    {"JSON: time lost", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":5}\n{\"input_toks\":1,\"output_toks\":1}\n",
     ":2: no arrival time"},
    {"JSON: time found", "{\"input_toks\":1,\"output_toks\":1}\n{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":5}\n",
     ":2: an arrival time, and the first line has none"},
    {"JSON: ids do not fit", "{\"input_toks\":2,\"output_toks\":1,\"arrival_s\":0,\"input_tok_ids\":[1]}\n",
     ":1: input_tok_ids does not hold one id for each prompt token"},
    {"JSON: id too large", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":0,\"input_tok_ids\":[2147483648]}\n",
     ":1: input_tok_ids holds something"},
    {"JSON: hashes", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":0,\"hash_ids\":[-1]}\n", ":1: hash_ids"},
    {"JSON: hashes are no list", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":0,\"hash_ids\":7}\n",
     ":1: hash_ids"},
    {"JSON: session", "{\"input_toks\":1,\"output_toks\":1,\"arrival_s\":0,\"session_id\":[]}\n",
     ":1: session_id is neither"},
    {"JSON: one brace", "{", ":1: not JSON"},
};

static void
test_hostile(void)
{
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        DRAIN(&got, "tokens", trace_path(hostile[i].text), "rate=1");
        if (strstr(hostile[i].name, "no output") == NULL)
            CU_ASSERT(got.create_rc < 0);
        check_complaint(hostile[i].name, got.error, hostile[i].words);
    }
}

/* Whatever a few changed bytes make of a trace, it is read or refused with one line. */
static void
test_mutations(void)
{
    static const char *const seeds[] = {
        "input_toks\toutput_toks\tarrival_time_ns\n10\t70\t46926808\n22\t104\t1546926808\n",
        ("{\"input_toks\":2,\"output_toks\":70,\"arrival_s\":0.5,\"input_tok_ids\":[1,2],\"session_id\":\"x\"}\n"
         "{\"input_toks\":22,\"output_toks\":104,\"arrival_s\":1.5,\"hash_ids\":[1,2,3]}\n"),
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,10,70\n",
    };
    struct servsim_random random = {11};
    char text[512], pair[96];
    for (int round = 0; round < 3000; round++) {
        const char *seed = seeds[round % 3];
        size_t length = strlen(seed);
        memcpy(text, seed, length);
        for (uint64_t edits = 1 + servsim_random_u64(&random) % 4; edits > 0; edits--)
            text[servsim_random_u64(&random) % length] = (char)servsim_random_u64(&random);
        if (round % 7 == 0)
            length = 1 + servsim_random_u64(&random) % length;
        snprintf(pair, sizeof pair, "path=%s", trace_file(text, length));
        DRAIN(&got, "tokens", pair, "rate=1");
        if (got.rc != 0)
            check_complaint("mutation", got.error, "/tmp/servsim-trace-");
    }
}

static void
test_recognise(void)
{
    static const struct {
        const char *head;
        int yes;
    } cases[] = {
        {"input_toks\toutput_toks\tarrival_time_ns\n10\t7", 1},
        {"arrival_s,input_tokens,output_tokens\n", 1},
        {"num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n", 1},
        {"TIMESTAMP,ContextTokens,GeneratedTokens\n", 1},
        {"\xef\xbb\xbfinput_toks,output_toks", 1},
        {"{\"input_toks\": 2358, \"output_toks\"", 1},
        {"\xef\xbb\xbf\n {\"arrival_s\": 2, \"input_tokens\": 5", 1},
        {"{\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500", 1},
        {"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n", 0},
        {"{\"name\": \"x\"}\n{\"input_toks\": 1}", 0},
        {"servsim: 1\n", 0},
        {"", 0},
    };
    struct fake_plugin plugin = {0};
    CU_ASSERT_FATAL(fake_open(&plugin, "workload", "tokens") == 0);
    const struct servsim_workload_ops *ops = plugin.descriptor->ops;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (ops->recognise(cases[i].head, strlen(cases[i].head)) != 2 * cases[i].yes)
            printf("# %s\n", cases[i].head);
        CU_ASSERT(ops->recognise(cases[i].head, strlen(cases[i].head)) == 2 * cases[i].yes);
    }
}

static void
test_measured(void)
{
    static const struct {
        const char *file, *option;
        uint64_t count;
        double prompt, output, last_s;
    } cases[] = {
        {"sharegpt/share-gpt-req100-rate10.tsv", NULL, 100, 22.4, 68.1, 9.100553582},
        {"calibration/workload_iiswc_share-gpt-req100-rate10.csv", NULL, 100, 22.4, 68.1, 9.100553582},
        {"sharegpt/sharegpt-llama-3.1-8b-300-sps10.jsonl", NULL, 300, 857.5, 652.5, 29.136836395},
        {"sharegpt/sharegpt_8k_filtered_stats_llama2_tokenizer.csv", "rate=10", 30731, 2340.03, 438.71, 3073},
        {"azure/AzureLLMInferenceTrace_code.csv", NULL, 8819, 2047.8, 27.9, 3435.948056},
        {"azure/AzureLLMInferenceTrace_conv.csv", NULL, 19366, 1154.7, 211.1, 3501.721937},
        {"mooncake/conversation_trace.jsonl", NULL, 12031, 12035.1, 342.6, 3536.999},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char pair[512];
        snprintf(pair, sizeof pair, "path=%s", ss_measured_path(cases[i].file));
        DRAIN(&got, "tokens", pair, cases[i].option);
        CU_ASSERT(got.rc == 0 && got.count == cases[i].count && got.stats.rows_failed == 0);
        CU_ASSERT(within(got.prompt_sum / (double)got.count, cases[i].prompt, 1e-3));
        CU_ASSERT(within(got.output_sum / (double)got.count, cases[i].output, 1e-3));
        double last_s = (double)got.last.arrival_s + (double)got.last.arrival_ps / 1e12;
        CU_ASSERT(within(last_s, cases[i].last_s, cases[i].option != NULL ? 0.03 : 1e-10));
    }
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"every format", test_formats},
        {"ids", test_ids},
        {"urgency", test_urgency},
        {"distinct_prompts", test_distinct_prompts},
        {"traces without arrivals", test_without_arrivals},
        {"Poisson arrivals", test_poisson_arrivals},
        {"hostile traces", test_hostile},
        {"mutated traces", test_mutations},
        {"recognise", test_recognise},
        {"the measured traces", test_measured},
    };
    int status = ss_run_cases("tokens", cases, sizeof cases / sizeof cases[0]);
    trace_gone();
    return status;
}
