/*
 * broken/kit_others.c - devices, routers, traffic and reports that look sound when they are loaded, and are not: the
 * conformance kit must find each.
 */
#include <time.h>
#include <unistd.h>

#include "servsim/plugin.h"

/* ---- devices ---- */

static int32_t
describe(void *self, struct servsim_device *out, struct servsim_error *err)
{
    (void)self;
    (void)err;
    out->memory_bytes = UINT64_C(1) << 36;
    out->peak_flops = 1e14;
    out->memory_bytes_per_s = 1e12;
    (void)snprintf(out->name, sizeof out->name, "broken");
    return 0;
}

static int32_t
describe_nameless(void *self, struct servsim_device *out, struct servsim_error *err)
{
    int32_t rc = describe(self, out, err);
    memset(out->name, 'x', sizeof out->name);
    return rc;
}

/* Idle, it draws more than the board may. */
static int32_t
describe_hot(void *self, struct servsim_device *out, struct servsim_error *err)
{
    int32_t rc = describe(self, out, err);
    out->power_limit_w = 300;
    out->power_idle_w = 301;
    return rc;
}

static int32_t
describe_generating(void *self, struct servsim_device *out, struct servsim_error *err)
{
    int32_t rc = describe(self, out, err);
    out->power_limit_w = 300;
    out->energy_per_byte_pj = -1;
    return rc;
}

static int32_t
gemm(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)err;
    /* a pass over the weights, in 16 bits or in 4 */
    *ps = op->times * (int64_t)(1000000 + op->m * 100 - (op->weight_dtype == SERVSIM_DTYPE_INT4 ? 50 : 0));
    return 0;
}

/* All weights are taken to have 16 bits. */
static int32_t
gemm_wide(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    struct servsim_gemm wide = *op;
    wide.weight_dtype = op->dtype;
    return gemm(self, &wide, ps, err);
}

static int32_t
gemm_negative(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    int32_t rc = gemm(self, op, ps, err);
    *ps = op->m > 4000 ? -*ps : *ps;
    return rc;
}

static int32_t
gemm_shrinking(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    int32_t rc = gemm(self, op, ps, err);
    *ps = op->m > 512 ? *ps / 3 : *ps;
    return rc;
}

static int32_t
gemm_once(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    int32_t rc = gemm(self, op, ps, err);
    *ps /= op->times;
    return rc;
}

static int32_t
gemm_silent(void *self, const struct servsim_gemm *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)ps;
    (void)err;
    return op->m > 100 ? -ERANGE : gemm(self, op, ps, err);
}

static int32_t
attention(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    (void)self;
    (void)err;
    line->base_ps = op->times * (int64_t)(1000 + op->prefill_causal_pairs + 10 * op->decode_context_sum);
    line->slope_ps = op->times * 10 * (int64_t)(op->decode_count - op->decode_settled);
    line->steps = UINT64_MAX;
    return 0;
}

/* Decodes that fill their window are taken to grow on. */
static int32_t
attention_unsettled(void *self, const struct servsim_attention *op, struct servsim_line *line,
                    struct servsim_error *err)
{
    int32_t rc = attention(self, op, line, err);
    line->slope_ps = op->times * 10 * (int64_t)op->decode_count;
    return rc;
}

/* The more experts are hit, the less. */
static int32_t
moe_shrinking(void *self, const struct servsim_moe *op, int64_t *ps, struct servsim_error *err)
{
    (void)self;
    (void)err;
    *ps = op->times * (int64_t)(1000000.0 * op->experts_here / op->experts_hit);
    return 0;
}

/* The slope is rounded at where the run begins. */
static int32_t
attention_split(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    int32_t rc = attention(self, op, line, err);
    line->slope_ps += (int64_t)(op->decode_context_sum % 3);
    return rc;
}

static int32_t
attention_stepless(void *self, const struct servsim_attention *op, struct servsim_line *line, struct servsim_error *err)
{
    int32_t rc = attention(self, op, line, err);
    line->steps = op->decode_count > 0 ? op->decode_context_sum % 50 : 1;
    return rc;
}

static const struct servsim_hardware_ops devices[] = {
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm_negative, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm_shrinking, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm_once, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm_silent, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm, .attention = attention_split},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm, .attention = attention_stepless},
    {.size = sizeof devices[0], .describe = describe_nameless, .gemm = gemm, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm, .attention = attention_unsettled},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm_wide, .attention = attention},
    {.size = sizeof devices[0], .describe = describe, .gemm = gemm, .attention = attention, .moe = moe_shrinking},
    {.size = sizeof devices[0], .describe = describe_hot, .gemm = gemm, .attention = attention},
    {.size = sizeof devices[0], .describe = describe_generating, .gemm = gemm, .attention = attention},
};

/* ---- what all share ---- */

struct instance {
    const struct servsim_host *host;
    uint32_t replicas, longest;
    uint64_t calls;
    char *kept;
};

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct instance *instance = (struct instance *)calloc(1, sizeof *instance);
    const struct servsim_router_context *context = (const struct servsim_router_context *)args->context;
    if (instance == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    instance->host = host;
    instance->replicas = context != NULL ? context->replicas : 1;
    *self = instance;
    return 0;
}

static void
destroy(void *self)
{
    free(self);
}

/* ---- routers ---- */

static int32_t
one_too_far(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct instance *instance = (struct instance *)self;
    (void)err;
    *replica = (uint32_t)(request->id % (instance->replicas + (instance->replicas > 50)));
    return 0;
}

static int32_t
by_all_calls(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    static uint32_t calls;
    (void)request;
    (void)err;
    *replica = calls++ % ((struct instance *)self)->replicas;
    return 0;
}

static int32_t
by_clock(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    struct timespec now;
    (void)request;
    (void)err;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    *replica = (uint32_t)now.tv_nsec / 100 % ((struct instance *)self)->replicas;
    return 0;
}

static int32_t
in_turn(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    (void)err;
    *replica = (uint32_t)(request->id % ((struct instance *)self)->replicas);
    return 0;
}

static void
hears_nothing(void *self, uint32_t replica, uint32_t up)
{
    (void)self;
    (void)replica;
    (void)up;
}

/* Asks for states without saying how large they are. */
static int32_t
without_size(void *self, const struct servsim_request *request, uint32_t *replica, struct servsim_error *err)
{
    const struct servsim_host *host = ((struct instance *)self)->host;
    struct servsim_replica_state state = {.size = 0};
    (void)request;
    (void)err;
    (void)host->replica_state(host->ctx, 0, &state);
    *replica = 0;
    return 0;
}

static const struct servsim_router_ops routers[] = {
    {.size = sizeof routers[0], .route = one_too_far},
    {.size = sizeof routers[0], .route = by_all_calls},
    {.size = sizeof routers[0], .route = by_clock},
    {.size = sizeof routers[0], .route = in_turn, .replica_up = hears_nothing},
    {.size = sizeof routers[0], .route = without_size},
};

/* ---- traffic ---- */

static int32_t
next_with(void *self, struct servsim_arrival *out, uint64_t requests)
{
    struct instance *instance = (struct instance *)self;
    if (instance->calls == requests)
        return 0;
    out->arrival_s = (int64_t)instance->calls++;
    out->prompt_tokens = 10;
    out->output_tokens = 10;
    return 1;
}

static int32_t
backward(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    int32_t rc = next_with(self, out, 100);
    (void)err;
    out->arrival_s = out->arrival_s == 77 ? 70 : out->arrival_s;
    return rc;
}

static int32_t
without_tokens(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    int32_t rc = next_with(self, out, 100);
    (void)err;
    out->output_tokens = out->arrival_s == 50 ? 0 : 10;
    return rc;
}

static int32_t
without_end(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    (void)err;
    return next_with(self, out, UINT64_MAX);
}

static int32_t
goes_on(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct instance *instance = (struct instance *)self;
    (void)err;
    int32_t rc = next_with(self, out, 100);
    instance->calls += rc == 0;
    return rc;
}

static int32_t
silent(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    (void)err;
    int32_t rc = next_with(self, out, 100);
    return rc == 0 ? -EIO : rc;
}

static int32_t
counts_too_few(void *self, struct servsim_workload_stats *out)
{
    out->rows_read = ((struct instance *)self)->calls / 2;
    return 0;
}

static int32_t
plain(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    (void)err;
    return next_with(self, out, 100);
}

/* Outputs up to `longest` - 1, which leaves nothing where that is 1. */
static int32_t
below_longest(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    (void)err;
    int32_t rc = next_with(self, out, 100);
    out->output_tokens = ((struct instance *)self)->longest - 1;
    return rc;
}

static int32_t
create_longest(const struct servsim_host *host, const struct servsim_create *args, void **self,
               struct servsim_error *err)
{
    int32_t rc = create(host, args, self, err);
    if (rc == 0)
        ((struct instance *)*self)->longest = (uint32_t)servsim_integer(args, "longest");
    return rc;
}

static const struct servsim_option longest[] = {
    {"longest", "tokens", "100", NULL, "longest output", 1, 1e6, SERVSIM_OPTION_INTEGER, 0},
};

static const struct servsim_workload_ops traffics[] = {
    {.size = sizeof traffics[0], .next = backward},
    {.size = sizeof traffics[0], .next = without_tokens},
    {.size = sizeof traffics[0], .next = without_end},
    {.size = sizeof traffics[0], .next = goes_on},
    {.size = sizeof traffics[0], .next = silent},
    {.size = sizeof traffics[0], .next = plain, .stats = counts_too_few},
    {.size = sizeof traffics[0], .next = below_longest},
};

/* ---- reports ---- */

static int
write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -1;
    int wrong = fputs(text, file) < 0;
    return fclose(file) != 0 || wrong ? -1 : 0;
}

static int32_t
render_to(const struct servsim_report_input *input, const char *text, struct servsim_error *err)
{
    char part[4096], path[4096];
    (void)snprintf(part, sizeof part, "%s/broken.txt.part", input->output_dir);
    (void)snprintf(path, sizeof path, "%s/broken.txt", input->output_dir);
    if (access(input->results_path, R_OK) != 0)
        return servsim_fail(err, ENOENT, "no results");
    if (write_text(part, text) != 0 || rename(part, path) != 0) {
        (void)unlink(part);
        return servsim_fail(err, EIO, "%s: cannot be written", path);
    }
    return 0;
}

static int32_t
beside(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    (void)write_text("broken.tmp", "here I was");
    return render_to(input, "a report", err);
}

static int32_t
changing(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    static int calls;
    char text[32];
    (void)self;
    (void)snprintf(text, sizeof text, "report number %d", calls++);
    return render_to(input, text, err);
}

/* Straight to its name. */
static int32_t
in_part(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    char path[4096];
    (void)self;
    (void)snprintf(path, sizeof path, "%s/broken.txt", input->output_dir);
    if (write_text(path, "a report, half of which may be lost") != 0)
        return servsim_fail(err, EIO, "%s: cannot be written", path);
    return 0;
}

static int32_t
blind(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    (void)self;
    return render_to(input, "all is well", err);
}

static const struct servsim_report_ops reports[] = {
    {.size = sizeof reports[0], .render = beside},
    {.size = sizeof reports[0], .render = changing},
    {.size = sizeof reports[0], .render = in_part},
    {.size = sizeof reports[0], .render = blind},
};

#define PLUGIN(kind_, name_, ops_)                                                                                     \
    {                                                                                                                  \
        SERVSIM_PLUGIN_HEAD_PLAIN(kind_), .name = (name_), .version = "1", .summary = "broken",                        \
                                          .licence = "Apache-2.0", .create = create, .destroy = destroy, .ops = (ops_) \
    }

static const struct servsim_plugin plugins[] = {
    PLUGIN(SERVSIM_KIND_HARDWARE, "negative", &devices[0]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "shrinking", &devices[1]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "once", &devices[2]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "silent", &devices[3]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "split", &devices[4]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "stepless", &devices[5]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "nameless", &devices[6]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "sound", &devices[7]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "unsettled", &devices[8]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "wide", &devices[9]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "hit", &devices[10]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "hot", &devices[11]),
    PLUGIN(SERVSIM_KIND_HARDWARE, "generating", &devices[12]),
    PLUGIN(SERVSIM_KIND_ROUTER, "too_far", &routers[0]),
    PLUGIN(SERVSIM_KIND_ROUTER, "shares", &routers[1]),
    PLUGIN(SERVSIM_KIND_ROUTER, "clock", &routers[2]),
    PLUGIN(SERVSIM_KIND_ROUTER, "deaf", &routers[3]),
    PLUGIN(SERVSIM_KIND_WORKLOAD, "backward", &traffics[0]),
    PLUGIN(SERVSIM_KIND_WORKLOAD, "tokenless", &traffics[1]),
    PLUGIN(SERVSIM_KIND_WORKLOAD, "endless", &traffics[2]),
    PLUGIN(SERVSIM_KIND_WORKLOAD, "goes_on", &traffics[3]),
    PLUGIN(SERVSIM_KIND_WORKLOAD, "silent", &traffics[4]),
    PLUGIN(SERVSIM_KIND_WORKLOAD, "miscounts", &traffics[5]),
    PLUGIN(SERVSIM_KIND_REPORT, "beside", &reports[0]),
    PLUGIN(SERVSIM_KIND_REPORT, "changing", &reports[1]),
    PLUGIN(SERVSIM_KIND_REPORT, "in_part", &reports[2]),
    PLUGIN(SERVSIM_KIND_REPORT, "blind", &reports[3]),
    PLUGIN(SERVSIM_KIND_ROUTER, "sizeless", &routers[4]),
    {SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, longest), .name = "shortest", .version = "1", .summary = "broken",
     .licence = "Apache-2.0", .options = longest, .create = create_longest, .destroy = destroy, .ops = &traffics[6]},
};

SERVSIM_EXPORT int32_t
servsim_plugin_at(uint32_t index, const struct servsim_plugin **out)
{
    if (index >= sizeof plugins / sizeof plugins[0])
        return 0;
    *out = &plugins[index];
    return 1;
}

/* A second symbol, which every plugin of this file is refused for. */
SERVSIM_EXPORT int32_t broken_other_symbol(void);
SERVSIM_EXPORT int32_t
broken_other_symbol(void)
{
    return 0;
}
