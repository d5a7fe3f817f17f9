/*
 * hardware/measured_test.c - the devices against the kernels that were measured on them: mean absolute percentage
 * errors, which must be those that the devices' pages state, within one point.
 */
#include <math.h>

#include "tests/unit/fake_host.h"

#define COLUMNS 8

static const struct servsim_hardware_context context = {.size = sizeof context, .dtype = SERVSIM_DTYPE_BF16, .tp = 1};

/* One line of a CSV without quotes: texts of the columns. Returns how many. */
static size_t
split(char *line, char **fields, size_t limit)
{
    size_t count = 0;
    for (char *at = strtok(line, ",\n"); at != NULL && count < limit; at = strtok(NULL, ",\n"))
        fields[count++] = at;
    return count;
}

struct errors {
    double sum;
    uint64_t count;
};

static void
add_error(struct errors *errors, int64_t ps, double measured_us)
{
    errors->sum += fabs((double)ps / 1e6 - measured_us) / measured_us;
    errors->count++;
}

/* source,dtype,m,n,k,us */
static void
read_gemm(struct errors *errors, const struct fake_plugin *device, char **fields, double smallest)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    struct servsim_gemm op = {.dtype = SERVSIM_DTYPE_BF16, .times = 1};
    struct servsim_error err = {.size = sizeof err};
    int64_t ps;
    op.m = strtoull(fields[2], NULL, 10);
    op.n = strtoull(fields[3], NULL, 10);
    op.k = strtoull(fields[4], NULL, 10);
    if (strcmp(fields[1], "bf16") != 0 || (double)op.n < smallest)
        return;
    CU_ASSERT_EQUAL(ops->gemm(device->self, &op, &ps, &err), 0);
    add_error(errors, ps, atof(fields[5]));
}

/* source,kv_dtype,batch,ctx,q_heads,kv_heads,head_dim,us. A ctx there counts the token being computed. Sizes from 1 MB
   to 2.5 times the 40 MB of L2 are left out: repeated runs find them in a warm cache. */
static void
read_decode(struct errors *errors, const struct fake_plugin *device, char **fields, double smallest)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    struct servsim_attention op = {.dtype = SERVSIM_DTYPE_BF16, .kv_dtype = SERVSIM_DTYPE_BF16, .times = 1};
    struct servsim_error err = {.size = sizeof err};
    struct servsim_line line;
    op.decode_count = strtoull(fields[2], NULL, 10);
    op.decode_context_sum = op.decode_count * (strtoull(fields[3], NULL, 10) - 1);
    op.q_heads = (uint32_t)atoi(fields[4]);
    op.kv_heads = (uint32_t)atoi(fields[5]);
    op.head_dim = (uint32_t)atoi(fields[6]);
    double bytes = 4.0 * op.kv_heads * op.head_dim * (double)(op.decode_context_sum + op.decode_count);
    if (strcmp(fields[1], "bf16") != 0 || (bytes >= smallest && bytes <= 100e6))
        return;
    CU_ASSERT_EQUAL(ops->attention(device->self, &op, &line, &err), 0);
    add_error(errors, line.base_ps, atof(fields[7]));
}

/* source,kv_dtype,batch,q_len,prior_ctx,q_heads,kv_heads,head_dim,us */
static void
read_prefill(struct errors *errors, const struct fake_plugin *device, char **fields, double smallest)
{
    const struct servsim_hardware_ops *ops = device->descriptor->ops;
    struct servsim_attention op = {.dtype = SERVSIM_DTYPE_BF16, .kv_dtype = SERVSIM_DTYPE_BF16, .times = 1};
    struct servsim_error err = {.size = sizeof err};
    struct servsim_line line;
    uint64_t batch = strtoull(fields[2], NULL, 10), tokens = strtoull(fields[3], NULL, 10);
    uint64_t context_tokens = strtoull(fields[4], NULL, 10);
    op.q_heads = (uint32_t)atoi(fields[5]);
    op.kv_heads = (uint32_t)atoi(fields[6]);
    op.head_dim = (uint32_t)atoi(fields[7]);
    op.prefill_count = batch;
    op.prefill_new_tokens = batch * tokens;
    op.prefill_context_tokens = batch * context_tokens;
    op.prefill_causal_pairs = batch * (tokens * context_tokens + tokens * (tokens + 1) / 2);
    if (strcmp(fields[1], "bf16") != 0 || (double)tokens < smallest)
        return;
    CU_ASSERT_EQUAL(ops->attention(device->self, &op, &line, &err), 0);
    add_error(errors, line.base_ps, atof(fields[8]));
}

/*
 * `smallest` is the filter of each kind: outputs of a GEMM, bytes at which the warm cache begins, tokens of a prefill.
 * The errors and counts are those of the published fits (FIT_*.csv beside the data), but for two: decode of the A100,
 * whose published fit has 1,012 points and 12.6 %; and its prefill, 16.7 % with the byte term that the device leaves
 * out.
 */
static const struct {
    const char *device, *file;
    void (*read)(struct errors *, const struct fake_plugin *, char **, double);
    size_t columns;
    double smallest;
    uint64_t count;
    double mape;
} sets[] = {
    {"rtx3090", "kernels/gemm_RTX3090.csv", read_gemm, 6, 1024, 168, 9.3},
    {"rtx3090", "kernels/attn_prefill_RTX3090.csv", read_prefill, 9, 64, 12, 17.2},
    {"a100", "kernels/gemm_A100-SXM4-80GB.csv", read_gemm, 6, 0, 1680, 8.5},
    {"a100", "kernels/attn_decode_A100-SXM4-80GB.csv", read_decode, 8, 1e6, 1103, 12.6},
    {"a100", "kernels/attn_prefill_A100-SXM4-80GB.csv", read_prefill, 9, 64, 3543, 23.2},
};

static void
check_set(size_t which)
{
    struct fake_plugin device = {0};
    struct errors errors = {0};
    char line[512], *fields[COLUMNS + 2];
    const char *path = ss_measured_path(sets[which].file);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fake_open(&device, "hardware", sets[which].device), 0);
    CU_ASSERT_EQUAL_FATAL(fake_create(&device, &context, NULL), 0);
    (void)!fgets(line, sizeof line, file);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t count = split(line, fields, COLUMNS + 2);
        CU_ASSERT_EQUAL(count, sets[which].columns);
        if (count == sets[which].columns)
            sets[which].read(&errors, &device, fields, sets[which].smallest);
    }
    (void)fclose(file);
    fake_destroy(&device);
    double mape = errors.count > 0 ? 100.0 * errors.sum / (double)errors.count : 0.0;
    printf("# %s: %llu kernels, %.2f %%, stated %.1f %%\n", sets[which].file, (unsigned long long)errors.count, mape,
           sets[which].mape);
    CU_ASSERT_EQUAL(errors.count, sets[which].count);
    CU_ASSERT_DOUBLE_EQUAL(mape, sets[which].mape, 1.0);
}

static void
test_rtx3090_gemm(void)
{
    check_set(0);
}

static void
test_rtx3090_prefill(void)
{
    check_set(1);
}

static void
test_a100_gemm(void)
{
    check_set(2);
}

static void
test_a100_decode(void)
{
    check_set(3);
}

static void
test_a100_prefill(void)
{
    check_set(4);
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"rtx3090 GEMM", test_rtx3090_gemm},
        {"rtx3090 prefill attention", test_rtx3090_prefill},
        {"a100 GEMM", test_a100_gemm},
        {"a100 decode attention", test_a100_decode},
        {"a100 prefill attention", test_a100_prefill},
    };
    return ss_run_cases("measured", cases, sizeof cases / sizeof cases[0]);
}
