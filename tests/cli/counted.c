/*
 * cli/counted.c - a workload that says in a file how often it is read, and may fail half-way: what cells share.
 */
#include <signal.h>
#include <unistd.h>

#include "servsim/plugin.h"

#define REQUESTS 200

struct counted {
    char log[512], how[16];
    uint32_t sent;
};

/* The log counts instances that were asked for a row. */
static int32_t
note(const struct counted *counted, struct servsim_error *err)
{
    FILE *log = fopen(counted->log, "a");
    if (log == NULL)
        return servsim_fail(err, errno, "%s: %s", counted->log, strerror(errno));
    (void)fputs("read\n", log);
    return fclose(log) == 0 ? 0 : servsim_fail(err, EIO, "%s cannot be written", counted->log);
}

static int32_t
next(void *self, struct servsim_arrival *out, struct servsim_error *err)
{
    struct counted *counted = (struct counted *)self;
    if (counted->sent == 0 && note(counted, err) != 0)
        return -EIO;
    if (counted->sent == REQUESTS / 2 && strcmp(counted->how, "segfault") == 0)
        (void)raise(SIGSEGV);
    while (counted->sent == REQUESTS / 2 && strcmp(counted->how, "loop") == 0)
        (void)usleep(1000);
    if (counted->sent == REQUESTS)
        return 0;
    out->arrival_s = counted->sent / 8;
    out->prompt_tokens = 100 + counted->sent % 7;
    out->output_tokens = 50 + counted->sent % 11;
    out->client = counted->sent % 3;
    counted->sent++;
    return 1;
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **self, struct servsim_error *err)
{
    struct counted *counted = (struct counted *)calloc(1, sizeof *counted);
    (void)host;
    if (counted == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    (void)snprintf(counted->log, sizeof counted->log, "%s", servsim_text(args, "log"));
    (void)snprintf(counted->how, sizeof counted->how, "%s", servsim_text(args, "how"));
    *self = counted;
    return 0;
}

static const struct servsim_option options[] = {
    {"path", "", NULL, NULL, "a trace; not looked into", 0, 0, SERVSIM_OPTION_PATH, SERVSIM_OPTION_REQUIRED},
    {"log", "", NULL, NULL, "file that gets a line for each reading", 0, 0, SERVSIM_OPTION_TEXT,
     SERVSIM_OPTION_REQUIRED},
    {"how", "", "well", "well|segfault|loop", "what happens half-way", 0, 0, SERVSIM_OPTION_CHOICE, 0},
};

static const struct servsim_workload_ops ops = {.size = sizeof ops, .next = next};

static const struct servsim_plugin counted_plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_WORKLOAD, options),
    .name = "counted",
    .version = "1.0",
    .summary = "says how often it is read",
    .licence = "Apache-2.0",
    .options = options,
    .create = create,
    .destroy = free,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(counted_plugin)
