/*
 * cli/trace.c - servsim trace generate: runs a workload plugin without an engine, and writes its requests to a file.
 *
 * Seeds are those of a run, so that a trace written with --seed 42 holds the requests that a run with seed 42 sees.
 * The file appears whole or not at all.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seed.h"
#include "base/text.h"
#include "cli/cli.h"
#include "experiment/node.h"

static const char usage[] =
    "usage: servsim trace generate --workload NAME --output FILE [OPTIONS]\n"
    "\n"
    "Runs a workload plugin and writes its requests to FILE.\n"
    "\n"
    "  --workload NAME   plugin: burstgpt_model, poisson, burstgpt, tokens, or a path with a slash in it\n"
    "  --output FILE     where the trace goes\n"
    "  --requests N      stop after N rows; also the plugin's option 'requests' where it has one (default: all)\n"
    "  --set KEY=VALUE   an option of the plugin, as in --set rate=10; may be repeated\n"
    "  --seed N          seed (default 42)\n"
    "  --format NAME     burstgpt (default): the columns of a BurstGPT trace, Timestamp in seconds;\n"
    "                    tsv: input_toks, output_toks, arrival_time_ns; csv: arrival_s, input_tokens, output_tokens;\n"
    "                    jsonl: the same keys as tsv, and session, prompt and token ids where the traffic has them\n"
    "\n"
    "Requests without a class are written as ChatGPT, API log. Rows of failed requests have 0 output tokens; plugins\n"
    "that can give them have an option emit_failed, which is set here unless --set says otherwise.\n";

struct flags {
    const char *workload, *output, *format;
    const char **sets;
    size_t set_count;
    uint64_t requests; /* 0: all */
    uint64_t seed;
    int help;
};

/* A file that is being written, and the services of the host. */
struct writer {
    char *path; /* of the temporary file */
    int fd, error;
    size_t used;
    char *buffer;
    uint64_t seed;
};

#define BUFFER_BYTES ((size_t)1 << 20)
#define PIECE_BYTES ((size_t)512) /* most that is put between two looks at the room left */

/* ---- putting text ---- */

static void
flush(struct writer *writer)
{
    size_t done = 0;
    while (done < writer->used && writer->error == 0) {
        ssize_t wrote = write(writer->fd, writer->buffer + done, writer->used - done);
        if (wrote < 0 && errno != EINTR)
            writer->error = errno;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    writer->used = 0;
}

static void
reserve(struct writer *writer)
{
    if (writer->used + PIECE_BYTES > BUFFER_BYTES)
        flush(writer);
}

static void
put(struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    memcpy(writer->buffer + writer->used, text, length);
    writer->used += length;
}

static void
put_number(struct writer *writer, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        writer->buffer[writer->used++] = digits[--count];
}

/* Seconds with as many of 12 decimals as say something. */
static void
put_seconds(struct writer *writer, int64_t seconds, int64_t picoseconds)
{
    put_number(writer, (uint64_t)seconds);
    if (picoseconds == 0)
        return;
    writer->buffer[writer->used++] = '.';
    for (int64_t unit = 100000000000; picoseconds > 0; unit /= 10) {
        writer->buffer[writer->used++] = (char)('0' + picoseconds / unit);
        picoseconds %= unit;
    }
}

static void
put_nanoseconds(struct writer *writer, const struct servsim_arrival *row)
{
    put_number(writer, (uint64_t)row->arrival_s * 1000000000u + (uint64_t)row->arrival_ps / 1000u);
}

/* ---- formats ---- */

/* Part of a label as a field that needs no quotes. */
static void
put_field(struct writer *writer, const char *text, size_t length, const char *otherwise)
{
    if (length == 0)
        put(writer, otherwise);
    for (size_t i = 0; i < length; i++)
        writer->buffer[writer->used++] = strchr(",\"\r\n", text[i]) != NULL ? '_' : text[i];
}

static void
put_burstgpt(struct writer *writer, const struct servsim_arrival *row)
{
    size_t length = strnlen(row->label, sizeof row->label), model = 0;
    while (model < length && row->label[model] != ' ')
        model++;
    size_t type = model < length ? model + 1 : length;
    put_seconds(writer, row->arrival_s, row->arrival_ps);
    put(writer, ",");
    put_field(writer, row->label, model, "ChatGPT");
    put(writer, ",");
    put_number(writer, row->prompt_tokens);
    put(writer, ",");
    put_number(writer, row->output_tokens);
    put(writer, ",");
    put_number(writer, (uint64_t)row->prompt_tokens + row->output_tokens);
    put(writer, ",");
    put_field(writer, row->label + type, length - type, "API log");
    put(writer, "\n");
}

static void
put_tsv(struct writer *writer, const struct servsim_arrival *row)
{
    put_number(writer, row->prompt_tokens);
    put(writer, "\t");
    put_number(writer, row->output_tokens);
    put(writer, "\t");
    put_nanoseconds(writer, row);
    put(writer, "\n");
}

static void
put_csv(struct writer *writer, const struct servsim_arrival *row)
{
    put_seconds(writer, row->arrival_s, row->arrival_ps);
    put(writer, ",");
    put_number(writer, row->prompt_tokens);
    put(writer, ",");
    put_number(writer, row->output_tokens);
    put(writer, "\n");
}

static void
put_id(struct writer *writer, const char *key, uint64_t id)
{
    if (id == 0)
        return;
    put(writer, key);
    put_number(writer, id);
    put(writer, "\"");
}

static void
put_lists(struct writer *writer, const struct servsim_arrival *row)
{
    for (uint32_t i = 0; row->token_ids != NULL && i < row->prompt_tokens; i++) {
        reserve(writer);
        put(writer, i == 0 ? ",\"input_tok_ids\":[" : ",");
        put_number(writer, (uint64_t)row->token_ids[i]);
        put(writer, i + 1 == row->prompt_tokens ? "]" : "");
    }
    for (uint32_t i = 0; row->block_hashes != NULL && i < row->block_hash_count; i++) {
        reserve(writer);
        put(writer, i == 0 ? ",\"hash_ids\":[" : ",");
        put_number(writer, row->block_hashes[i]);
        put(writer, i + 1 == row->block_hash_count ? "]" : "");
    }
}

static void
put_jsonl(struct writer *writer, const struct servsim_arrival *row)
{
    put(writer, "{\"input_toks\":");
    put_number(writer, row->prompt_tokens);
    put(writer, ",\"output_toks\":");
    put_number(writer, row->output_tokens);
    put(writer, ",\"arrival_time_ns\":");
    put_nanoseconds(writer, row);
    put_id(writer, ",\"session_id\":\"", row->session);
    put_id(writer, ",\"prompt_id\":\"", row->prompt_id);
    put_lists(writer, row);
    reserve(writer);
    put(writer, "}\n");
}

struct format {
    const char *name, *header;
    void (*put_row)(struct writer *writer, const struct servsim_arrival *row);
};

static const struct format formats[] = {
    {"burstgpt", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n", put_burstgpt},
    {"tsv", "input_toks\toutput_toks\tarrival_time_ns\n", put_tsv},
    {"csv", "arrival_s,input_tokens,output_tokens\n", put_csv},
    {"jsonl", "", put_jsonl},
};

#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

static const struct format *
find_format(const char *name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (strcasecmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

/* ---- the workload ---- */

static uint64_t
seed_for(void *ctx, const char *purpose)
{
    return ss_seed_for(((const struct writer *)ctx)->seed, purpose);
}

static void
log_line(void *ctx, uint32_t level, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "servsim: %s%s\n", level == SERVSIM_LOG_WARNING ? "warning: " : "", text);
}

static int
declares(const struct servsim_plugin *plugin, const char *option)
{
    for (uint32_t i = 0; i < plugin->option_count; i++) {
        const struct servsim_option *row =
            (const void *)((const char *)(const void *)plugin->options + (size_t)i * plugin->option_size);
        if (strcmp(row->name, option) == 0)
            return 1;
    }
    return 0;
}

/* What the flags mean for options that nobody set. */
static int
set_presets(struct ss_node *map, const struct servsim_plugin *plugin, const struct flags *flags)
{
    char count[24];
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)flags->requests);
    if (flags->requests > 0 && declares(plugin, "requests") && ss_node_get(map, "requests") == NULL &&
        ss_node_set_text(map, "requests", count, "--requests") == NULL)
        return -ENOMEM;
    if (declares(plugin, "emit_failed") && ss_node_get(map, "emit_failed") == NULL &&
        ss_node_set_text(map, "emit_failed", "true", "trace generate") == NULL)
        return -ENOMEM;
    return 0;
}

static int
bind_options(struct ss_use *use, const struct flags *flags, const struct ss_lookup *lookup, struct servsim_error *err)
{
    struct ss_node *map = ss_node_new(SS_NODE_MAP, "--workload", 0);
    int rc = map == NULL ? servsim_fail(err, ENOMEM, "out of memory") : 0;
    for (size_t i = 0; i < flags->set_count && rc == 0; i++)
        rc = ss_node_apply_set(map, flags->sets[i], err);
    if (rc == 0 && (rc = set_presets(map, use->plugin->descriptor, flags)) != 0)
        rc = servsim_fail(err, ENOMEM, "out of memory");
    if (rc == 0)
        rc = ss_options_bind_in(&use->options, use->plugin->descriptor, map, NULL, ".", lookup->data_dir, err);
    ss_node_free(map);
    return rc;
}

/* ---- writing ---- */

static int
check_row(const struct servsim_arrival *row, const char *name, uint64_t count, struct servsim_error *err)
{
    if (row->arrival_s >= 0 && row->arrival_ps >= 0 && (row->prompt_tokens > 0 || row->output_tokens == 0))
        return 0;
    return servsim_fail(err, EPROTO, "workload plugin '%s': row %llu has no prompt, or comes before time 0", name,
                        (unsigned long long)count);
}

static int
write_rows(struct writer *writer, const struct ss_instance *workload, const struct format *format, uint64_t limit,
           uint64_t *count, struct servsim_error *err)
{
    const struct servsim_workload_ops *ops = workload->descriptor->ops;
    put(writer, format->header);
    for (*count = 0; (limit == 0 || *count < limit) && writer->error == 0; (*count)++) {
        struct servsim_arrival row = {.size = sizeof row, .deadline_s = SERVSIM_NEVER};
        int rc = ops->next(workload->self, &row, err);
        if (rc == 0)
            break;
        if (rc > 0)
            rc = check_row(&row, workload->descriptor->name, *count, err);
        if (rc < 0)
            return rc;
        reserve(writer);
        format->put_row(writer, &row);
    }
    flush(writer);
    return 0;
}

static int
writer_open(struct writer *writer, const char *output, struct servsim_error *err)
{
    struct stat about;
    if (lstat(output, &about) == 0 && !S_ISREG(about.st_mode))
        return servsim_fail(err, EINVAL, "%s: is no regular file; write --output FILE", output);
    struct ss_text path = {0};
    ss_text_printf(&path, "%s.%ld.tmp", output, (long)getpid());
    writer->path = path.data;
    writer->buffer = malloc(BUFFER_BYTES);
    if (path.failed || writer->buffer == NULL)
        return servsim_fail(err, ENOMEM, "out of memory");
    writer->fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (writer->fd < 0)
        return servsim_fail(err, errno, "%s: cannot be written: %s", output, strerror(errno));
    return 0;
}

/* Gives the file its name where all went well (rc 0), else takes it away. */
static int
writer_close(struct writer *writer, const char *output, int rc, struct servsim_error *err)
{
    if (writer->fd >= 0) {
        if (close(writer->fd) != 0 && writer->error == 0)
            writer->error = errno;
        if (rc == 0 && writer->error == 0 && rename(writer->path, output) != 0)
            writer->error = errno;
        if (rc != 0 || writer->error != 0)
            (void)unlink(writer->path);
        if (rc == 0 && writer->error != 0)
            rc = servsim_fail(err, writer->error, "%s: cannot be written: %s", output, strerror(writer->error));
    }
    free(writer->path);
    free(writer->buffer);
    return rc;
}

static int
generate(const struct flags *flags, const struct ss_lookup *lookup, struct servsim_error *err)
{
    struct writer writer = {.fd = -1, .seed = flags->seed};
    struct servsim_host host = {
        .size = sizeof host, .abi_minor = SERVSIM_ABI_MINOR, .ctx = &writer, .log = log_line, .seed = seed_for};
    struct ss_use use = {0};
    struct ss_instance workload = {0};
    uint64_t count = 0;
    int rc = ss_registry_find(lookup->registry, SERVSIM_KIND_WORKLOAD, flags->workload, ".", &use.plugin, err);
    if (rc != 0)
        return rc;
    rc = bind_options(&use, flags, lookup, err);
    if (rc == 0)
        rc = ss_instance_create(&workload, &use, &host, NULL, err);
    ss_options_free(&use.options);
    if (rc != 0)
        return rc;
    rc = writer_open(&writer, flags->output, err);
    if (rc == 0)
        rc = write_rows(&writer, &workload, find_format(flags->format), flags->requests, &count, err);
    rc = writer_close(&writer, flags->output, rc, err);
    ss_instance_destroy(&workload);
    if (rc == 0)
        (void)printf("%s: %llu rows\n", flags->output, (unsigned long long)count);
    return rc;
}

/* ---- flags ---- */

static int
read_whole(const char *flag, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
        return 0;
    return ss_complain_text("%s %s: not a whole number from 0; write digits only", flag, text);
}

static int
read_flag(int c, struct flags *flags)
{
    switch (c) {
    case 'w':
        flags->workload = optarg;
        return 0;
    case 'o':
        flags->output = optarg;
        return 0;
    case 'f':
        flags->format = optarg;
        return 0;
    case 's':
        flags->sets[flags->set_count++] = optarg;
        return 0;
    case 'n':
        if (read_whole("--requests", optarg, &flags->requests) != 0)
            return SS_EXIT_BAD;
        return flags->requests > 0 ? 0 : ss_complain_text("--requests 0: a trace has at least 1 row");
    case 'e':
        return read_whole("--seed", optarg, &flags->seed);
    case 'h':
        flags->help = 1;
        return 0;
    default:
        return ss_complain_text("servsim trace --help lists the flags");
    }
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        {"workload", required_argument, NULL, 'w'}, {"output", required_argument, NULL, 'o'},
        {"format", required_argument, NULL, 'f'},   {"set", required_argument, NULL, 's'},
        {"requests", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    while (status == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        status = read_flag(c, flags);
    if (status != 0 || flags->help)
        return status;
    if (optind < argc)
        return ss_complain_text("'%s' is not a flag; servsim trace --help lists them", argv[optind]);
    if (flags->workload == NULL || flags->output == NULL)
        return ss_complain_text("trace generate wants %s; write servsim trace generate --workload NAME --output FILE",
                                flags->workload == NULL ? "--workload NAME" : "--output FILE");
    if (find_format(flags->format) == NULL)
        return ss_complain_text("--format %s is not known; write burstgpt, tsv, csv or jsonl", flags->format);
    return 0;
}

int
ss_cmd_trace(int argc, char **argv, const struct ss_lookup *lookup)
{
    struct servsim_error err = {.size = sizeof err};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return SS_EXIT_DONE;
    }
    if (argc < 2 || strcmp(argv[1], "generate") != 0)
        return ss_complain_text("trace: '%s' is not understood; write servsim trace generate --workload NAME "
                                "--output FILE",
                                argc < 2 ? "" : argv[1]);
    struct flags flags = {.format = "burstgpt", .seed = 42};
    flags.sets = calloc((size_t)argc, sizeof *flags.sets);
    if (flags.sets == NULL)
        return ss_complain_text("out of memory");
    int status = read_flags(argc - 1, argv + 1, &flags);
    if (status == SS_EXIT_DONE && flags.help)
        (void)fputs(usage, stdout);
    else if (status == SS_EXIT_DONE && generate(&flags, lookup, &err) != 0)
        status = ss_complain(&err);
    free(flags.sets);
    return status;
}
