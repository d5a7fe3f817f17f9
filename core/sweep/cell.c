/*
 * sweep/cell.c - simulating one cell in this process and writing its files.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <jansson.h>

#include "base/child.h"
#include "base/text.h"
#include "engine/simulation.h"
#include "metrics/summary.h"
#include "servsim/version.h"
#include "sweep/sweep.h"

static void
put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static json_t *
plugin_json(const struct ss_use *use)
{
    const struct servsim_plugin *descriptor = use->plugin->descriptor;
    json_t *object = json_object();
    put(object, "kind", json_string(ss_kind_name(descriptor->kind)));
    put(object, "name", json_string(descriptor->name));
    put(object, "version", json_string(descriptor->version));
    put(object, "path", json_string(use->plugin->path));
    return object;
}

/* run.json: all that may differ between two equal runs, and what it takes to run the cell again. */
static json_t *
run_json(const struct ss_cell *cell, const struct ss_result *result, const struct ss_cell_mode *mode, double seconds)
{
    struct rusage usage;
    struct utsname host;
    char abi[32], hash[24];
    json_t *object = json_object(), *plugins = json_array();
    (void)getrusage(RUSAGE_SELF, &usage);
    put(object, "wall_s", json_real(seconds));
    put(object, "cpu_s",
        json_real((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6));
    put(object, "events", json_integer((json_int_t)result->events));
    put(object, "engine_steps", json_integer((json_int_t)result->engine_steps));
    put(object, "peak_rss_bytes", json_integer((json_int_t)usage.ru_maxrss * 1024));
    if (result->predictions.present)
        put(object, "predictor",
            json_pack("{s:f, s:f, s:f, s:f}", "history_s", result->predictions.history_s, "predict_s",
                      result->predictions.predict_s, "observe_s", result->predictions.observe_s, "minute_s",
                      result->predictions.minute_s));
    put(object, "stepwise", json_boolean(mode->stepwise));
    if (uname(&host) == 0)
        put(object, "host",
            json_pack("{s:s, s:s, s:s}", "system", host.sysname, "release", host.release, "machine", host.machine));
    (void)snprintf(abi, sizeof abi, "%u.%u", SERVSIM_ABI_MAJOR, SERVSIM_ABI_MINOR);
    if (mode->inputs_hash != 0) {
        (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)mode->inputs_hash);
        put(object, "inputs_hash", json_string(hash));
    }
    put(object, "servsim_version", json_string(SERVSIM_VERSION));
    put(object, "abi", json_string(abi));
    const struct ss_use *const uses[] = {&cell->hardware, &cell->scheduler, &cell->router, &cell->workload,
                                         &cell->predictor};
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (uses[i]->plugin != NULL)
            (void)json_array_append_new(plugins, plugin_json(uses[i]));
    put(object, "plugins", plugins);
    put(object, "configuration", json_string(cell->resolved));
    return object;
}

static int
write_run(const struct ss_cell *cell, const struct ss_result *result, const struct ss_cell_mode *mode, double seconds,
          const char *path, struct servsim_error *err)
{
    json_t *object = run_json(cell, result, mode, seconds);
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (text == NULL)
        return servsim_fail(err, ENOMEM, "no memory for %s", path);
    int rc = ss_file_write(path, text, strlen(text), err);
    free(text);
    return rc;
}

static int
write_summary(const struct ss_cell *cell, const struct ss_result *result, const char *path, struct servsim_error *err)
{
    const struct ss_summary_input input = {cell->gpus, cell->replicas, cell->slo_ttft_ps, cell->slo_tpot_ps};
    struct ss_text text = {0};
    int rc = ss_summary_json(result, &input, &text, err);
    if (rc == 0)
        rc = ss_file_write(path, text.data, text.length, err);
    ss_text_free(&text);
    return rc;
}

/* Bulk files go to a temporary name first. With model NULL `writer` writes it, else it is a file for old scripts. */
static int
write_bulk_as(int (*writer)(const struct ss_result *, const char *, struct servsim_error *), const char *model,
              const struct ss_result *result, const char *path, struct servsim_error *err)
{
    if (path == NULL)
        return 0;
    struct ss_text part = {0};
    ss_text_printf(&part, "%s.part", path);
    if (part.failed)
        return servsim_fail(err, ENOMEM, "no memory for a file name");
    int rc = model == NULL ? writer(result, part.data, err) : ss_write_llmservingsim_csv(result, model, part.data, err);
    if (rc == 0 && rename(part.data, path) != 0)
        rc = servsim_fail(err, errno, "%s: cannot be written: %s", path, strerror(errno));
    if (rc != 0)
        (void)unlink(part.data);
    ss_text_free(&part);
    return rc;
}

static int
write_bulk(int (*writer)(const struct ss_result *, const char *, struct servsim_error *),
           const struct ss_result *result, const char *path, struct servsim_error *err)
{
    return write_bulk_as(writer, NULL, result, path, err);
}

/* Who is speaking when a plugin logs. */
struct speaker {
    const struct ss_cell *cell;
    int quiet;
};

static void
log_to_stderr(void *ctx, uint32_t level, const char *text)
{
    const struct speaker *speaker = ctx;
    if (speaker->quiet && level != SERVSIM_LOG_WARNING)
        return;
    const char *kind = level == SERVSIM_LOG_WARNING ? "warning" : "note";
    (void)fprintf(stderr, "servsim: cell '%s': %s: %s\n", speaker->cell->name, kind, text);
}

int
ss_run_cell(const struct ss_cell *cell, const struct ss_cell_mode *mode, const struct ss_cell_files *files,
            struct servsim_error *err)
{
    struct speaker speaker = {cell, mode->quiet};
    const struct ss_sim_options options = {.stepwise = mode->stepwise,
                                           .verify = mode->verify,
                                           .timeline_limit = files->timeline != NULL ? SS_TIMELINE_LIMIT : 0,
                                           .log = log_to_stderr,
                                           .log_ctx = &speaker,
                                           .interrupted = mode->interrupted};
    struct ss_result *result = malloc(sizeof *result);
    if (result == NULL)
        return servsim_fail(err, ENOMEM, "no memory for a result");
    double begun_s = ss_clock_s();
    int rc = ss_simulate(cell, &options, result, err);
    if (rc != 0) {
        free(result);
        return rc;
    }
    rc = write_bulk(ss_write_requests_csv, result, files->requests, err);
    if (rc == 0)
        rc = write_bulk_as(NULL, cell->model.name, result, files->llmservingsim, err);
    if (rc == 0)
        rc = write_bulk(ss_write_series_csv, result, files->series, err);
    if (rc == 0)
        rc = write_bulk(ss_write_itl_csv, result, files->itl, err);
    if (rc == 0)
        rc = write_bulk(ss_write_timeline_csv, result, files->timeline, err);
    if (rc == 0)
        rc = write_bulk(ss_write_failures_csv, result, files->failures, err);
    if (rc == 0)
        rc = write_summary(cell, result, files->summary, err);
    if (rc == 0)
        rc = write_run(cell, result, mode, ss_clock_s() - begun_s, files->run, err);
    ss_result_free(result);
    free(result);
    return rc;
}
