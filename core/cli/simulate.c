/*
 * cli/simulate.c - servsim simulate: one simulation from flags, those of the original system among them.
 *
 * The flags are turned into the same tree that a YAML file gives, so every check is the same.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"
#include "experiment/node.h"
#include "sweep/load.h"

static const char usage[] =
    "usage: servsim simulate --dataset FILE --output R.csv [OPTIONS]\n"
    "\n"
    "Runs one simulation. Writes R.csv (a row per request), R.summary.json and R.run.json.\n"
    "Flags may be written with dashes or underscores.\n"
    "\n"
    "  --dataset FILE    traffic; its format is recognised by its header\n"
    "  --output R.csv    where the results go\n"
    "  --hardware NAME   device (default rtx3090)\n"
    "  --npu_num N       GPUs (default 1)\n"
    "  --npu_group N     pipeline stages; tensor parallel is npu_num / npu_group (default 1)\n"
    "  --model NAME      model, or the path of a Hugging Face config.json (default llama-3.1-8b)\n"
    "  --scheduler NAME  scheduler (default fcfs)\n"
    "  --predictor NAME  predictor of output lengths and traffic (default none)\n"
    "  --seed N          seed (default 42)\n"
    "  --csv-format NAME servsim (default), or llmservingsim: R.csv has the columns of LLMServingSim (see below)\n"
    "  --set KEY=VALUE   any key of servsim.yaml(5), as in --set scheduler.max_num_seqs=64; may be repeated\n"
    "  --stepwise        simulate each engine step instead of whole runs of equal ones (slow, same answer)\n"
    "  --verify          check every conservation law at every event (slow)\n"
    "\n"
    "With --csv-format llmservingsim R.csv is for old scripts: `request "
    "id,model,input,output,arrival,end_time,latency,\n"
    "queuing_delay,TTFT,TPOT`, times in ns, arrival and end_time from the first row of the trace, finished requests "
    "only\n"
    "(R.summary.json counts the others). The header is the old one, the values are right: output is the output "
    "tokens,\n"
    "where it used to be input + output, and TPOT is (latency - TTFT) / (output - 1), without the queue; it is empty "
    "for\n"
    "one output token.\n";

struct flags {
    const char *hardware, *dataset, *output, *model, *scheduler, *predictor, *seed, *csv_format;
    uint32_t npu_num, npu_group;
    int stepwise, verify, help;
    const char **sets;
    size_t set_count;
};

/* --npu_num and --npu-num are the same flag. */
static void
unify_dashes(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        for (char *at = argv[i]; *at != '\0' && *at != '='; at++)
            *at = *at == '_' ? '-' : *at;
    }
}

static int
read_count(const char *flag, const char *text, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value == 0 || value > 65536)
        return ss_complain_text("%s %s: not a number of GPUs; write 1 to 65536", flag, text);
    *out = (uint32_t)value;
    return 0;
}

static int
read_flag(int c, struct flags *flags)
{
    switch (c) {
    case 'H':
        flags->hardware = optarg;
        return 0;
    case 'n':
        return read_count("--npu_num", optarg, &flags->npu_num);
    case 'g':
        return read_count("--npu_group", optarg, &flags->npu_group);
    case 'd':
        flags->dataset = optarg;
        return 0;
    case 'o':
        flags->output = optarg;
        return 0;
    case 'm':
        flags->model = optarg;
        return 0;
    case 'S':
        flags->scheduler = optarg;
        return 0;
    case 'P':
        flags->predictor = optarg;
        return 0;
    case 'e':
        flags->seed = optarg;
        return 0;
    case 'c':
        flags->csv_format = optarg;
        if (strcmp(optarg, "servsim") == 0 || strcmp(optarg, "llmservingsim") == 0)
            return 0;
        return ss_complain_text("--csv-format %s is not known; write servsim or llmservingsim", optarg);
    case 's':
        flags->sets[flags->set_count++] = optarg;
        return 0;
    case 'w':
        flags->stepwise = 1;
        return 0;
    case 'v':
        flags->verify = 1;
        return 0;
    default:
        flags->help = 1;
        return 0;
    }
}

static int
read_flags(int argc, char **argv, struct flags *flags)
{
    static const struct option options[] = {
        {"hardware", required_argument, NULL, 'H'},
        {"npu-num", required_argument, NULL, 'n'},
        {"npu-group", required_argument, NULL, 'g'},
        {"dataset", required_argument, NULL, 'd'},
        {"output", required_argument, NULL, 'o'},
        {"model", required_argument, NULL, 'm'},
        {"scheduler", required_argument, NULL, 'S'},
        {"predictor", required_argument, NULL, 'P'},
        {"seed", required_argument, NULL, 'e'},
        {"csv-format", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"stepwise", no_argument, NULL, 'w'},
        {"verify", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, status = 0;
    unify_dashes(argc, argv);
    opterr = 0;
    while (status == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1)
        status = c == '?' || c == ':' ? ss_bad_flag(c, argv, options, "simulate") : read_flag(c, flags);
    if (status != 0 || flags->help)
        return status;
    if (optind < argc)
        return ss_complain_text("'%s' is not a flag; servsim simulate --help lists them", argv[optind]);
    if (flags->dataset == NULL || flags->output == NULL)
        return ss_complain_text("simulate wants %s; write servsim simulate --dataset FILE --output R.csv",
                                flags->dataset == NULL ? "--dataset FILE" : "--output R.csv");
    if (flags->npu_num % flags->npu_group != 0)
        return ss_complain_text("--npu_group %u does not divide --npu_num %u; write a group that does",
                                flags->npu_group, flags->npu_num);
    return 0;
}

/* ---- the tree ---- */

static struct ss_node *
add_map(struct ss_node *root, const char *key)
{
    return ss_node_set(root, key, ss_node_new(SS_NODE_MAP, "command line", 0));
}

static struct ss_node *
build_tree(const struct flags *flags, const char *workload)
{
    char gpus[16], tp[16], pp[16];
    struct ss_node *root = ss_node_new(SS_NODE_MAP, "command line", 0);
    if (root == NULL)
        return NULL;
    (void)snprintf(gpus, sizeof gpus, "%u", flags->npu_num);
    (void)snprintf(tp, sizeof tp, "%u", flags->npu_num / flags->npu_group);
    (void)snprintf(pp, sizeof pp, "%u", flags->npu_group);
    (void)ss_node_set_text(root, "servsim", "1", "command line");
    (void)ss_node_set_text(root, "name", "simulate", "command line");
    (void)ss_node_set_text(root, "seed", flags->seed, "--seed");
    (void)ss_node_set_text(root, "model", flags->model, "--model");
    (void)ss_node_set_text(root, "hardware", flags->hardware, "--hardware");
    (void)ss_node_set_text(root, "scheduler", flags->scheduler, "--scheduler");
    (void)ss_node_set_text(root, "predictor", flags->predictor, "--predictor");
    struct ss_node *cluster = add_map(root, "cluster");
    struct ss_node *traffic = add_map(root, "workload");
    /* no reports: the three files are all */
    struct ss_node *reports = ss_node_set(root, "report", ss_node_new(SS_NODE_LIST, "command line", 0));
    if (cluster == NULL || traffic == NULL || reports == NULL) {
        ss_node_free(root);
        return NULL;
    }
    (void)ss_node_set_text(cluster, "gpus", gpus, "--npu_num");
    (void)ss_node_set_text(cluster, "tp", tp, "--npu_num");
    (void)ss_node_set_text(cluster, "pp", pp, "--npu_group");
    (void)ss_node_set_text(traffic, "plugin", workload, "--dataset");
    (void)ss_node_set_text(traffic, "path", flags->dataset, "--dataset");
    return root;
}

static int
build_experiment(struct ss_experiment *out, const struct flags *flags, const struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    const struct ss_plugin *workload = NULL;
    if (ss_recognise(cli, flags->dataset, &workload, &err) != 0)
        return ss_complain(&err);
    struct ss_node *root = build_tree(flags, workload->descriptor->name);
    if (root == NULL)
        return ss_complain_text("no memory");
    int rc = 0;
    for (size_t i = 0; i < flags->set_count && rc == 0; i++)
        rc = ss_node_apply_set(root, flags->sets[i], &err);
    if (rc == 0)
        rc = ss_experiment_build(out, root, ".", &cli->lookup, &err);
    ss_node_free(root);
    return rc == 0 ? 0 : ss_complain(&err);
}

/* ---- running ---- */

/* Better to hear before the simulation than after it. */
static int
try_to_write(const char *output, struct servsim_error *err)
{
    struct ss_text probe = {0};
    ss_text_printf(&probe, "%s.part", output);
    FILE *file = probe.failed ? NULL : fopen(probe.data, "wb");
    int rc = file != NULL ? 0
                          : servsim_fail(err, errno, "%s: cannot be written: %s; write another --output", output,
                                         strerror(errno));
    if (file != NULL) {
        (void)fclose(file);
        (void)remove(probe.data);
    }
    ss_text_free(&probe);
    return rc;
}

static int
run_one(const struct ss_cell *cell, const struct flags *flags, const volatile sig_atomic_t *interrupted)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_text summary = {0}, run = {0};
    size_t stem = strlen(flags->output);
    if (stem > 4 && strcmp(flags->output + stem - 4, ".csv") == 0)
        stem -= 4;
    ss_text_printf(&summary, "%.*s.summary.json", (int)stem, flags->output);
    ss_text_printf(&run, "%.*s.run.json", (int)stem, flags->output);
    if (summary.failed || run.failed)
        return ss_complain_text("no memory for file names");
    int old = strcmp(flags->csv_format, "llmservingsim") == 0;
    const struct ss_cell_files files = {.requests = old ? NULL : flags->output,
                                        .llmservingsim = old ? flags->output : NULL,
                                        .summary = summary.data,
                                        .run = run.data};
    const struct ss_cell_mode mode = {.stepwise = flags->stepwise, .verify = flags->verify, .interrupted = interrupted};
    int rc = try_to_write(flags->output, &err);
    if (rc == 0)
        rc = ss_run_cell(cell, &mode, &files, &err);
    if (rc == 0) {
        int width = (int)strlen(cell->name);
        ss_print_figures_head(width > 4 ? width : 4);
        ss_print_figures(cell, width > 4 ? width : 4, summary.data);
    }
    if (rc == 0)
        (void)printf("%s\n%s\n%s\n", flags->output, summary.data, run.data);
    ss_text_free(&summary);
    ss_text_free(&run);
    if (rc == 0)
        return SS_EXIT_DONE;
    (void)ss_complain(&err);
    if (rc == -EINTR)
        return SS_EXIT_INTERRUPTED;
    return rc == -EPROTO || rc == -EFAULT ? SS_EXIT_SOME_FAILED : SS_EXIT_BAD;
}

static int
find_load(struct ss_experiment *experiment, const volatile sig_atomic_t *interrupted)
{
    const struct ss_sweep_options options = {.interrupted = interrupted};
    struct servsim_error err = {.size = sizeof err};
    struct ss_outcome outcome = {0};
    if (ss_find_loads(experiment, &options, &outcome, &err) != 0)
        return ss_complain(&err);
    return outcome.state == SS_CELL_FAILED ? ss_complain_text("%s", outcome.reason) : 0;
}

int
ss_cmd_simulate(int argc, char **argv, struct ss_cli *cli)
{
    struct flags flags = {.hardware = "rtx3090",
                          .model = "llama-3.1-8b",
                          .scheduler = "fcfs",
                          .predictor = "none",
                          .seed = "42",
                          .csv_format = "servsim",
                          .npu_num = 1,
                          .npu_group = 1,
                          .sets = calloc((size_t)argc, sizeof *flags.sets)};
    struct ss_experiment experiment;
    if (flags.sets == NULL)
        return ss_complain_text("no memory");
    int status = read_flags(argc, argv, &flags);
    if (status == 0 && flags.help) {
        (void)fputs(usage, stdout);
    } else if (status == 0) {
        status = build_experiment(&experiment, &flags, cli);
        if (status == 0) {
            status = find_load(&experiment, cli->interrupted);
            if (status == 0)
                status = run_one(&experiment.cells[0], &flags, cli->interrupted);
            ss_experiment_free(&experiment);
        }
    }
    free(flags.sets);
    return status;
}
