/*
 * cli/main.c - the program: finds its places, opens the plugins, and hands over to a command.
 */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/cli.h"
#include "servsim/version.h"

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static const char usage[] =
    "usage: servsim [--plugin-path DIR[:DIR]] COMMAND [ARGUMENTS]\n"
    "\n"
    "Simulates LLM inference serving on many GPUs.\n"
    "\n"
    "  run FILE          run the experiment of a YAML file\n"
    "  simulate ...      one simulation from flags: --hardware, --npu_num, --dataset, --output\n"
    "  quick             a small built-in experiment on 1, 2 and 4 GPUs: does this installation work?\n"
    "  report DIR        make the reports of a finished experiment again\n"
    "  analyze DIR       what limits each run of it: queue, blocking, idle GPUs, memory\n"
    "  plan FILE         the most traffic that each cell of it serves within its SLO, and the fewest GPUs for it\n"
    "  compare A B       is B better than A, by more than noise?\n"
    "  validate FILE     how far is a simulation from the real run that it replays?\n"
    "  calibrate ...     fit an engine's own time to real runs\n"
    "  plugins           list what is found; plugins info NAME tells about one\n"
    "  models            list the models that ship\n"
    "  schema            the experiment file as a JSON Schema, for editors\n"
    "  trace ...         traffic as files: trace generate, info, convert, sample\n"
    "\n"
    "Each command tells more with --help. Manuals: servsim(1), servsim.yaml(5), servsim-plugin(7).\n"
    "Exit status: 0 done, 1 some cells failed, 2 bad usage or configuration, 130 interrupted.\n";

struct command {
    const char *name;
    int (*with_cli)(int argc, char **argv, struct ss_cli *cli);
    int (*with_lookup)(int argc, char **argv, const struct ss_lookup *lookup);
};

static const struct command commands[] = {
    {"run", ss_cmd_run, NULL},           {"simulate", ss_cmd_simulate, NULL},   {"quick", ss_cmd_quick, NULL},
    {"report", ss_cmd_report, NULL},     {"analyze", ss_cmd_analyze, NULL},     {"compare", ss_cmd_compare, NULL},
    {"plugins", NULL, ss_cmd_plugins},   {"models", NULL, ss_cmd_models},       {"trace", ss_cmd_trace, NULL},
    {"validate", ss_cmd_validate, NULL}, {"calibrate", ss_cmd_calibrate, NULL}, {"schema", NULL, ss_cmd_schema},
    {"plan", ss_cmd_plan, NULL},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static int
unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = ss_nearest(name, names, COMMAND_COUNT);
    if (nearest != NULL)
        return ss_complain_text("unknown command '%s'; did you mean '%s'? (servsim --help lists all)", name, nearest);
    return ss_complain_text("unknown command '%s'; servsim --help lists all", name);
}

/* --plugin-path may stand anywhere; it is taken out of argv. Returns the new argc, or -1. */
static int
take_plugin_path(int argc, char **argv, const char **path)
{
    static const char flag[] = "--plugin-path";
    int kept = 0;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--plugin-path=", sizeof flag) == 0) {
            *path = argv[i] + sizeof flag;
        } else if (strcmp(argv[i], flag) == 0 || strcmp(argv[i], "--plugin_path") == 0) {
            if (++i == argc)
                return -1;
            *path = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    return kept;
}

/* Folders with colons between them: each must be there, or a plugin is missed for a reason that nobody says. */
static int
check_plugin_path(const char *path)
{
    char folder[4096];
    struct stat about;
    for (const char *at = path; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ":");
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(length < sizeof folder ? length : sizeof folder - 1), at);
        if (length > 0 && (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode)))
            return ss_complain_text("--plugin-path: %s is no folder; write one that holds plugins", folder);
        at += length + (at[length] == ':');
    }
    return 0;
}

static int
run_command(const struct command *command, int argc, char **argv, const char *plugin_path)
{
    static struct ss_cli cli;
    struct servsim_error err = {.size = sizeof err};
    ss_places_find(&cli.places);
    const char *const paths[] = {plugin_path, getenv("SERVSIM_PLUGIN_PATH"), cli.places.plugins};
    if (ss_registry_open(&cli.lookup.registry, paths, sizeof paths / sizeof paths[0], &err) != 0)
        return ss_complain(&err);
    cli.lookup.models_dir = cli.places.models;
    cli.lookup.data_dir = cli.places.data;
    cli.interrupted = &interrupted;
    int status =
        command->with_cli != NULL ? command->with_cli(argc, argv, &cli) : command->with_lookup(argc, argv, &cli.lookup);
    ss_registry_close(cli.lookup.registry);
    return status;
}

/* What was printed must have arrived: a full disk behind a pipe is an error. */
static int
finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return ss_complain_text("standard output: %s", strerror(errno));
    return status;
}

int
main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    const char *plugin_path = NULL;
    (void)setlocale(LC_ALL, "C");
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    argc = take_plugin_path(argc, argv, &plugin_path);
    if (argc < 0)
        return ss_complain_text("--plugin-path wants a folder; write --plugin-path DIR");
    if (check_plugin_path(plugin_path) != 0)
        return SS_EXIT_BAD;
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return SS_EXIT_BAD;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        (void)fputs(usage, stdout);
        return finish(SS_EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("servsim %s (plugin ABI %u.%u)\n", SERVSIM_VERSION, SERVSIM_ABI_MAJOR, SERVSIM_ABI_MINOR);
        return finish(SS_EXIT_DONE);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return finish(run_command(&commands[i], argc - 1, argv + 1, plugin_path));
    }
    return unknown_command(argv[1]);
}
