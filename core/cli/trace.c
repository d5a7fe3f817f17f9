/*
 * cli/trace.c - servsim trace: hands over to generate, info, convert or sample.
 */
#include <getopt.h>

#include "base/text.h"
#include "cli/trace.h"

static const char usage[] =
    "usage: servsim trace generate --workload NAME --output FILE [OPTIONS]\n"
    "       servsim trace info FILE [--json] [--charts DIR] [OPTIONS]\n"
    "       servsim trace convert IN --output OUT --format burstgpt|tsv|csv|jsonl [OPTIONS]\n"
    "       servsim trace sample IN --output OUT --requests N [--seed S] [OPTIONS]\n"
    "\n"
    "  generate   runs a workload plugin, and writes its requests to a file\n"
    "  info       what is in a trace: rows, rates, gaps, lengths, classes, the hours of the day; with charts\n"
    "  convert    writes a trace in another format, and says what is lost\n"
    "  sample     draws requests with a seed; order of arrival is kept\n"
    "\n"
    "Each tells more with --help. The format of a trace is recognised. Exit status: 0 done, 2 bad usage or trace (no\n"
    "file is written), 130 interrupted (no file is written).\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, struct ss_cli *cli);
} commands[] = {
    {"generate", ss_trace_generate},
    {"info", ss_trace_info},
    {"convert", ss_trace_convert},
    {"sample", ss_trace_sample},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

int
ss_trace_failed(int rc, const struct servsim_error *err)
{
    (void)ss_complain(err);
    return rc == -EINTR ? SS_EXIT_INTERRUPTED : SS_EXIT_BAD;
}

int
ss_trace_read_whole(const char *flag, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
        return 0;
    return ss_complain_text("%s %s: not a whole number from 0; write digits only", flag, text);
}

static int
not_understood(const char *word)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = ss_nearest(word, names, COMMAND_COUNT);
    if (nearest != NULL)
        return ss_complain_text("trace: '%s' is not understood; did you mean '%s'?", word, nearest);
    return ss_complain_text("trace: '%s' is not understood; write servsim trace generate, info, convert or sample",
                            word);
}

int
ss_cmd_trace(int argc, char **argv, struct ss_cli *cli)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return SS_EXIT_DONE;
    }
    for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1, cli);
    return not_understood(argc > 1 ? argv[1] : "");
}
