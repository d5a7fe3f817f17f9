/*
 * cli/trace_generate.c - servsim trace generate: runs a workload plugin without an engine, and writes its requests.
 */
#include <getopt.h>

#include "cli/trace.h"

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
    "                    jsonl: the same keys as tsv, and sessions, clients, prompt and token ids, priorities and\n"
    "                    deadlines where the traffic has them\n"
    "\n"
    "Requests without a class are written as ChatGPT, API log. Rows of failed requests have 0 output tokens; plugins\n"
    "that can give them have an option emit_failed, which is set here unless --set says otherwise. What the traffic "
    "has\n"
    "and the format has no place for (clients, priorities, ...) is said in one line on standard error.\n";

struct flags {
    struct ss_trace_wish wish;
    const char *output, *format;
    int help;
};

static int
read_flag(int c, struct flags *flags)
{
    switch (c) {
    case 'w':
        flags->wish.workload = optarg;
        return 0;
    case 'o':
        flags->output = optarg;
        return 0;
    case 'f':
        flags->format = optarg;
        return 0;
    case 's':
        flags->wish.sets[flags->wish.set_count++] = optarg;
        return 0;
    case 'n':
        if (ss_trace_read_whole("--requests", optarg, &flags->wish.requests) != 0)
            return SS_EXIT_BAD;
        return flags->wish.requests > 0 ? 0 : ss_complain_text("--requests 0: a trace has at least 1 row");
    case 'e':
        return ss_trace_read_whole("--seed", optarg, &flags->wish.seed);
    case 'h':
        flags->help = 1;
        return 0;
    default:
        return SS_EXIT_BAD;
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
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
        status = c == '?' || c == ':' ? ss_bad_flag(c, argv, options, "trace generate") : read_flag(c, flags);
    if (status != 0 || flags->help)
        return status;
    if (optind < argc)
        return ss_complain_text("'%s' is not a flag; servsim trace generate --help lists them", argv[optind]);
    if (flags->wish.workload == NULL || flags->output == NULL)
        return ss_complain_text("trace generate wants %s; write servsim trace generate --workload NAME --output FILE",
                                flags->wish.workload == NULL ? "--workload NAME" : "--output FILE");
    if (ss_trace_format_of(flags->format) == NULL)
        return ss_complain_text("--format %s is not known; write burstgpt, tsv, csv or jsonl", flags->format);
    return 0;
}

static int
generate(const struct flags *flags, const struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_trace_reader reader;
    struct ss_trace_writer writer;
    int rc = ss_trace_open(&reader, &flags->wish, cli, &err);
    if (rc == 0)
        rc = ss_trace_copy(&reader, &writer, flags->output, ss_trace_format_of(flags->format), flags->wish.requests,
                           &err);
    ss_trace_close(&reader);
    if (rc != 0)
        return ss_trace_failed(rc, &err);
    (void)printf("%s: %llu rows\n", flags->output, (unsigned long long)writer.rows);
    ss_trace_warn_losses(&writer, flags->output);
    return SS_EXIT_DONE;
}

int
ss_trace_generate(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.format = "burstgpt", .wish = {.seed = 42, .emit_failed = 1}};
    flags.wish.sets = calloc((size_t)argc, sizeof *flags.wish.sets);
    if (flags.wish.sets == NULL)
        return ss_complain_text("out of memory");
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help)
        (void)fputs(usage, stdout);
    else if (status == 0)
        status = generate(&flags, cli);
    free(flags.wish.sets);
    return status;
}
