/*
 * cli/report.c - servsim report DIR: the reports of a finished experiment, made again from its folder alone.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"

static const char usage[] = "usage: servsim report DIR [REPORT...]\n"
                            "\n"
                            "Makes the reports of the experiment in DIR again, from its files alone.\n"
                            "REPORT is a report plugin; without one: json, csv, plots, markdown, html.\n";

static int
make_reports(char **names, size_t count, const char *dir, struct ss_cli *cli)
{
    struct servsim_error err = {.size = sizeof err};
    struct ss_use *uses = calloc(count, sizeof *uses);
    if (uses == NULL)
        return ss_complain_text("no memory");
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = ss_registry_find(cli->lookup.registry, SERVSIM_KIND_REPORT, names[i], ".", &uses[i].plugin, &err);
        if (rc == 0)
            rc = ss_options_bind(&uses[i].options, uses[i].plugin->descriptor, NULL, NULL, ".", &err);
    }
    if (rc == 0)
        rc = ss_sweep_reports(uses, count, &cli->lookup, dir, &err);
    for (size_t i = 0; i < count; i++)
        ss_options_free(&uses[i].options);
    free(uses);
    return rc == 0 ? SS_EXIT_DONE : ss_complain(&err);
}

int
ss_cmd_report(int argc, char **argv, struct ss_cli *cli)
{
    static char json[] = "json", csv[] = "csv", plots[] = "plots", markdown[] = "markdown", html[] = "html";
    char *all[] = {json, csv, plots, markdown, html};
    char path[4096];
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return SS_EXIT_DONE;
    }
    if (argc < 2 || argv[1][0] == '-')
        return ss_complain_text("report wants the output folder of an experiment; write servsim report DIR");
    (void)snprintf(path, sizeof path, "%s/experiment.json", argv[1]);
    if (access(path, R_OK) != 0)
        return ss_complain_text("%s: no experiment.json in there; write the output folder of a finished experiment",
                                argv[1]);
    return argc > 2 ? make_reports(argv + 2, (size_t)argc - 2, argv[1], cli)
                    : make_reports(all, sizeof all / sizeof all[0], argv[1], cli);
}
