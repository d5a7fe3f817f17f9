/*
 * sweep/reports.c - running report plugins over a finished folder, each in a process of its own: a report that crashes
 * costs itself.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweep/sweep.h"

static void
log_to_stderr(void *ctx, uint32_t level, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "servsim: report: %s: %s\n", level == SERVSIM_LOG_WARNING ? "warning" : "note", text);
}

static int
render(const struct ss_use *use, const struct servsim_report_input *input, struct servsim_error *err)
{
    const struct servsim_host host = {.size = sizeof host, .abi_minor = SERVSIM_ABI_MINOR, .log = log_to_stderr};
    struct ss_instance instance;
    int rc = ss_instance_create(&instance, use, &host, NULL, err);
    if (rc != 0)
        return rc;
    const struct servsim_report_ops *ops = instance.descriptor->ops;
    rc = ops->render(instance.self, input, err);
    ss_instance_destroy(&instance);
    return rc;
}

static int
render_apart(const struct ss_use *use, const struct servsim_report_input *input, struct servsim_error *err)
{
    const char *name = use->plugin->descriptor->name;
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        return servsim_fail(err, errno, "no pipe for report '%s': %s", name, strerror(errno));
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct servsim_error said = {.size = sizeof said};
        int rc = render(use, input, &said);
        if (rc != 0)
            (void)!write(ends[1], said.text, sizeof said.text);
        _exit(rc == 0 ? 0 : 1);
    }
    (void)close(ends[1]);
    char text[sizeof err->text] = "";
    ssize_t length = pid > 0 ? read(ends[0], text, sizeof text) : 0;
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (length > 0)
        return servsim_fail(err, EIO, "report '%s': %.900s", name, text);
    return servsim_fail(err, EIO, "report '%s' ended by signal %d", name, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static int
is_json(const struct ss_use *use)
{
    return strcmp(use->plugin->descriptor->name, "json") == 0;
}

static int
runs_last(const struct ss_use *use)
{
    const struct servsim_report_ops *ops = use->plugin->descriptor->ops;
    return (ops->flags & SERVSIM_REPORT_LAST) != 0;
}

/* The reports read results.json, which `json` makes. */
static int
render_json(const struct ss_use *reports, size_t count, const struct ss_lookup *lookup,
            const struct servsim_report_input *input, struct servsim_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (is_json(&reports[i]))
            return render_apart(&reports[i], input, err);
    }
    struct ss_use use = {0};
    int rc = ss_registry_find(lookup->registry, SERVSIM_KIND_REPORT, "json", ".", &use.plugin, err);
    if (rc == 0)
        rc = ss_options_bind(&use.options, use.plugin->descriptor, NULL, NULL, ".", err);
    if (rc == 0)
        rc = render_apart(&use, input, err);
    ss_options_free(&use.options);
    return rc;
}

int
ss_sweep_reports(const struct ss_use *reports, size_t count, const struct ss_lookup *lookup, const char *output_dir,
                 struct servsim_error *err)
{
    char absolute[PATH_MAX], results[PATH_MAX + 32];
    if (realpath(output_dir, absolute) == NULL)
        return servsim_fail(err, errno, "%s: %s", output_dir, strerror(errno));
    (void)snprintf(results, sizeof results, "%s/results.json", absolute);
    const struct servsim_report_input input = {.size = sizeof input, .output_dir = absolute, .results_path = results};
    int rc = render_json(reports, count, lookup, &input, err);
    for (int last = 0; last < 2; last++) {
        for (size_t i = 0; i < count && rc == 0; i++) {
            if (!is_json(&reports[i]) && runs_last(&reports[i]) == last)
                rc = render_apart(&reports[i], &input, err);
        }
    }
    return rc;
}
