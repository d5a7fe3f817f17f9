/*
 * cli/trace_convert.c - servsim trace convert and servsim trace sample: a trace that is read, and written again.
 *
 * The plugin of the trace draws the sample itself, so that a sample written with a seed holds the requests that a run
 * with that seed and `sample: N` sees.
 */
#include <getopt.h>

#include "base/text.h"
#include "cli/trace.h"
#include "plugin/table.h"

static const char convert_usage[] =
    "usage: servsim trace convert IN --output OUT --format burstgpt|tsv|csv|jsonl [OPTIONS]\n"
    "\n"
    "Writes the requests of the trace IN to OUT in another format, and says what is lost on the way. The format of IN\n"
    "is recognised. OUT appears whole or not at all, and may be IN.\n"
    "\n"
    "  --output OUT      where the trace goes\n"
    "  --format NAME     burstgpt: the columns of a BurstGPT trace, Timestamp in seconds, Session ID where IN\n"
    "                    has one;\n"
    "                    tsv: input_toks, output_toks, arrival_time_ns; csv: arrival_s, input_tokens, output_tokens;\n"
    "                    jsonl: the keys of tsv, and sessions, clients, prompt ids, token ids, prefix block ids,\n"
    "                    priorities, deadlines\n"
    "  --set KEY=VALUE   an option of the plugin that reads IN, as in --set model=GPT-4; may be repeated\n"
    "  --seed N          seed of options that draw, as --set rate for a trace without arrival times (default 42)\n"
    "\n"
    "Rows of failed requests (0 output tokens) are left out, and counted. Times count from the first row of IN, so\n"
    "that dates and offsets are gone. A prompt without tokens counts as 1 token. Ids of prompts become numbers.\n";

static const char sample_usage[] =
    "usage: servsim trace sample IN --output OUT --requests N [--seed S] [OPTIONS]\n"
    "\n"
    "Draws N of the requests of the trace IN, each with equal chance, and writes them to OUT in order of arrival, at\n"
    "the times at which they came. A run with this seed and the workload option sample: N sees the same requests.\n"
    "OUT appears whole or not at all, and may be IN.\n"
    "\n"
    "  --output OUT      where the sample goes\n"
    "  --requests N      how many; all where the trace has no more\n"
    "  --seed S          seed (default 42)\n"
    "  --format NAME     burstgpt, tsv, csv or jsonl (see convert --help); default: that of IN\n"
    "  --set KEY=VALUE   an option of the plugin that reads IN, as in --set model=GPT-4; may be repeated\n"
    "\n"
    "Rows of failed requests (0 output tokens) are not drawn, and are counted. The rate falls with the share that is\n"
    "drawn; --set rate=R sets another. What the format cannot hold is said.\n";

struct flags {
    struct ss_trace_wish wish;
    const char *output, *format;
    int help, sampling;
};

static int
read_flag(int c, struct flags *flags)
{
    switch (c) {
    case 'o':
        flags->output = optarg;
        return 0;
    case 'f':
        flags->format = optarg;
        return ss_trace_format_of(optarg) != NULL
                   ? 0
                   : ss_complain_text("--format %s is not known; write burstgpt, tsv, csv or jsonl", optarg);
    case 's':
        flags->wish.sets[flags->wish.set_count++] = optarg;
        return 0;
    case 'n':
        if (ss_trace_read_whole("--requests", optarg, &flags->wish.sample) != 0)
            return SS_EXIT_BAD;
        return flags->wish.sample > 0 ? 0 : ss_complain_text("--requests 0: a sample has at least 1 request");
    case 'e':
        return ss_trace_read_whole("--seed", optarg, &flags->wish.seed);
    default:
        flags->help = 1;
        return 0;
    }
}

static int
check_flags(int argc, char **argv, struct flags *flags)
{
    const char *missing = NULL;
    if (optind + 1 < argc)
        return ss_complain_text("'%s': one trace at a time; servsim trace %s --help tells more", argv[optind + 1],
                                argv[0]);
    flags->wish.path = argv[optind];
    if (flags->wish.path == NULL)
        missing = "a trace IN";
    else if (flags->output == NULL)
        missing = "--output OUT";
    else if (flags->sampling && flags->wish.sample == 0)
        missing = "--requests N";
    else if (!flags->sampling && flags->format == NULL)
        missing = "--format burstgpt, tsv, csv or jsonl";
    if (missing != NULL)
        return ss_complain_text("trace %s wants %s; write servsim trace %s IN --output OUT %s", argv[0], missing,
                                argv[0], flags->sampling ? "--requests N" : "--format NAME");
    return 0;
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option of_convert[] = {
        {"output", required_argument, NULL, 'o'}, {"format", required_argument, NULL, 'f'},
        {"set", required_argument, NULL, 's'},    {"seed", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    static const struct option of_sample[] = {
        {"output", required_argument, NULL, 'o'},
        {"format", required_argument, NULL, 'f'},
        {"requests", required_argument, NULL, 'n'},
        {"set", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":h", flags->sampling ? of_sample : of_convert, NULL)) != -1)
        status = c == '?' || c == ':' ? ss_bad_flag(c, argv, flags->sampling ? of_sample : of_convert,
                                                    flags->sampling ? "trace sample" : "trace convert")
                                      : read_flag(c, flags);
    return status != 0 || flags->help ? status : check_flags(argc, argv, flags);
}

/* The writable format that is nearest to that of a file which a plugin has recognised. */
static const struct ss_trace_format *
format_of_file(const struct ss_cli *cli, const char *path, const struct servsim_plugin *plugin)
{
    char head[4096], *shipped = NULL;
    const struct ss_trace_format *own = ss_trace_format_of(plugin->name);
    (void)ss_path_shipped(path, cli->lookup.data_dir, &shipped, NULL); /* the plugin has read it */
    FILE *file = fopen(shipped != NULL ? shipped : path, "rb");
    free(shipped);
    size_t length = file != NULL ? fread(head, 1, sizeof head, file) : 0, at = 0;
    if (file != NULL)
        (void)fclose(file);
    if (own != NULL)
        return own;
    while (at < length && strchr("\xef\xbb\xbf \t\r\n", head[at]) != NULL && head[at] != '\0')
        at++;
    if (at < length && head[at] == '{')
        return ss_trace_format_of("jsonl");
    size_t end = at;
    while (end < length && head[end] != '\n')
        end++;
    return ss_trace_format_of(memchr(head + at, '\t', end - at) != NULL ? "tsv" : "csv");
}

static int
tell(const struct flags *flags, const struct ss_trace_writer *writer, const struct servsim_workload_stats *counts)
{
    (void)printf("%s: %llu rows, %s\n", flags->output, (unsigned long long)writer->rows,
                 ss_trace_format_name(writer->format));
    if (flags->sampling)
        (void)printf("drawn: %llu of %llu requests, seed %llu\n", (unsigned long long)writer->rows,
                     (unsigned long long)(counts->rows_read - counts->rows_failed),
                     (unsigned long long)flags->wish.seed);
    else if (counts->rows_left_out > 0)
        (void)printf("left out: %llu rows, by --set\n", (unsigned long long)counts->rows_left_out);
    if (counts->rows_failed > 0)
        (void)printf("left out: %llu rows of failed requests\n", (unsigned long long)counts->rows_failed);
    ss_trace_tell_losses(writer);
    return SS_EXIT_DONE;
}

static int
rewrite_trace(const struct flags *flags, const struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct servsim_workload_stats counts;
    struct ss_trace_reader reader;
    struct ss_trace_writer writer;
    int rc = ss_trace_open(&reader, &flags->wish, cli, &err);
    if (rc == 0) {
        const struct ss_trace_format *format = flags->format != NULL
                                                   ? ss_trace_format_of(flags->format)
                                                   : format_of_file(cli, flags->wish.path, reader.descriptor);
        rc = ss_trace_copy(&reader, &writer, flags->output, format, 0, &err);
    }
    if (rc == 0)
        rc = ss_trace_counts(&reader, &counts, &err);
    ss_trace_close(&reader);
    return rc == 0 ? tell(flags, &writer, &counts) : ss_trace_failed(rc, &err);
}

static int
run(int argc, char **argv, const struct ss_cli *cli, int sampling)
{
    struct flags flags = {.sampling = sampling, .wish = {.seed = 42}};
    flags.wish.sets = calloc((size_t)argc, sizeof *flags.wish.sets);
    if (flags.wish.sets == NULL)
        return ss_complain_text("out of memory");
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help)
        (void)fputs(sampling ? sample_usage : convert_usage, stdout);
    else if (status == 0)
        status = rewrite_trace(&flags, cli);
    free(flags.wish.sets);
    return status;
}

int
ss_trace_convert(int argc, char **argv, struct ss_cli *cli)
{
    return run(argc, argv, cli, 0);
}

int
ss_trace_sample(int argc, char **argv, struct ss_cli *cli)
{
    return run(argc, argv, cli, 1);
}
