/*
 * report/trace - trace/CELL.json: what each replica did, for a timeline viewer (Perfetto, chrome://tracing).
 *
 * Made from cells/CELL/timeline.csv, which the core writes because this plugin asks for it. A replica is a process of
 * the trace: a track for each pipeline stage of each data-parallel rank with its runs of steps, named by their kind,
 * and for each rank a counter of requests that wait, of requests that run, and of KV blocks in use. A fast-forwarded
 * run of equal steps is one slice that tells their number. Where replicas fail (failures.csv), a further track shows
 * when one is dead and nobody knows, and when it is known to be down. Rows are written as they are read, so that the
 * size of a timeline costs no memory.
 */
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/common/number.h"
#include "report/common/results.h"
#include "report/common/table.h"
#include "report/common/text.h"

#define MOST_REPLICAS 65536u
#define MOST_RANKS 1024u   /* of a replica, and pipeline stages of a rank */
#define CORE_KEEPS 200000u /* runs of a cell in its timeline.csv */

enum column { REPLICA, START, END, STEPS, PREFILL, DECODES, WAITING, RUNNING, KV_BLOCKS, RANK, STAGE, COLUMNS };

static const char *const column_names[COLUMNS] = {"replica",        "start_s", "end_s",   "steps",
                                                  "prefill_tokens", "decodes", "waiting", "running",
                                                  "kv_blocks",      "rank",    "stage"};

#define COUNTERS 3u

static const char *const counter_names[COUNTERS] = {"waiting (requests)", "running (requests)", "KV blocks"};

struct trace_self {
    const struct servsim_host *host;
    int64_t cells;
};

/* One row, times in nanoseconds. */
struct run {
    size_t replica, rank, stage;
    int64_t start_ns, end_ns;
    double steps, prefill, decodes, counters[COUNTERS];
};

/* What was last said of a rank. */
struct rank {
    int64_t end_ns; /* of its last run; -1: none yet */
    size_t stages;  /* that have a name already */
    double counters[COUNTERS];
};

struct track {
    struct rank *ranks;
    size_t rank_count;
};

struct writer {
    FILE *file;
    struct track *tracks; /* of replicas */
    size_t track_count;
    uint64_t runs;
    const char *between;
};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Seconds with up to nine decimals, as whole nanoseconds: doubles would not hold those of a trace of months. */
static int
parse_ns(struct rp_field field, int64_t *ns)
{
    int64_t whole = 0, part = 0, unit = 1000000000;
    size_t i = 0;
    for (; i < field.length && field.text[i] >= '0' && field.text[i] <= '9' && whole < 100000000; i++)
        whole = 10 * whole + (field.text[i] - '0');
    if (i == 0)
        return 0;
    if (i < field.length && field.text[i] == '.')
        for (i++; i < field.length && field.text[i] >= '0' && field.text[i] <= '9' && unit > 1; i++) {
            unit /= 10;
            part += unit * (field.text[i] - '0');
        }
    *ns = whole * 1000000000 + part;
    return i == field.length;
}

static int
read_run(const struct rp_table *table, const struct rp_field *fields, struct run *run, struct servsim_error *err)
{
    double values[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        int status = rp_table_number(table, fields[c], &values[c], err);
        if (status != 0)
            return status;
        if (!(values[c] >= 0))
            return servsim_fail(err, EINVAL, "%s:%zu: %s must be a number from 0; run the experiment again",
                                table->path, table->line, column_names[c]);
    }
    if (values[REPLICA] >= MOST_REPLICAS || values[REPLICA] != floor(values[REPLICA]))
        return servsim_fail(err, EINVAL, "%s:%zu: no replica has this number; run the experiment again", table->path,
                            table->line);
    if (values[RANK] >= MOST_RANKS || values[STAGE] >= MOST_RANKS || values[RANK] != floor(values[RANK]) ||
        values[STAGE] != floor(values[STAGE]))
        return servsim_fail(err, EINVAL, "%s:%zu: no rank or stage has this number; run the experiment again",
                            table->path, table->line);
    if (!parse_ns(fields[START], &run->start_ns) || !parse_ns(fields[END], &run->end_ns) || run->end_ns < run->start_ns)
        return servsim_fail(err, EINVAL, "%s:%zu: these are no start and end; run the experiment again", table->path,
                            table->line);
    run->replica = (size_t)values[REPLICA];
    run->rank = (size_t)values[RANK];
    run->stage = (size_t)values[STAGE];
    run->steps = values[STEPS];
    run->prefill = values[PREFILL];
    run->decodes = values[DECODES];
    for (size_t c = 0; c < COUNTERS; c++)
        run->counters[c] = values[WAITING + c];
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void
begin_event(struct writer *writer)
{
    (void)fputs(writer->between, writer->file);
    writer->between = ",\n";
}

/* Microseconds, the unit of the format. */
static void
put_us(struct writer *writer, const char *key, int64_t ns)
{
    (void)fprintf(writer->file, ",\"%s\":%lld.%03lld", key, (long long)(ns / 1000), (long long)(ns % 1000));
}

static size_t
thread_of(size_t rank, size_t stage)
{
    return rank * MOST_RANKS + stage + 1;
}

static void
put_name(struct writer *writer, const char *what, size_t pid, size_t tid, const char *name)
{
    begin_event(writer);
    (void)fprintf(writer->file, "{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%zu,\"tid\":%zu,\"args\":{\"name\":\"%s\"}}",
                  what, pid, tid, name);
}

static void
put_counter(struct writer *writer, size_t replica, size_t rank, size_t counter, int64_t ns, double value)
{
    double *last = &writer->tracks[replica].ranks[rank].counters[counter];
    if (*last == value)
        return;
    *last = value;
    begin_event(writer);
    (void)fprintf(writer->file, "{\"ph\":\"C\",\"name\":\"%s", counter_names[counter]);
    if (rank > 0)
        (void)fprintf(writer->file, " of rank %zu", rank);
    (void)fprintf(writer->file, "\",\"pid\":%zu", replica + 1);
    put_us(writer, "ts", ns);
    (void)fprintf(writer->file, ",\"args\":{\"value\":%.0f}}", value);
}

static void
put_slice(struct writer *writer, const struct run *run)
{
    const char *kind = run->prefill > 0 ? run->decodes > 0 ? "mixed" : "prefill" : "decode";
    int64_t ns = run->end_ns - run->start_ns;
    begin_event(writer);
    (void)fprintf(writer->file, "{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"step\",\"pid\":%zu,\"tid\":%zu", kind,
                  run->replica + 1, thread_of(run->rank, run->stage));
    put_us(writer, "ts", run->start_ns);
    put_us(writer, "dur", ns);
    (void)fprintf(writer->file,
                  ",\"args\":{\"steps\":%.0f,\"ms_per_step\":%.6g,\"prefill_tokens\":%.0f,\"decodes\":%.0f,\"waiting\":"
                  "%.0f,\"running\":%.0f,\"kv_blocks\":%.0f}}",
                  run->steps, run->steps > 0 ? (double)ns / 1e6 / run->steps : 0, run->prefill, run->decodes,
                  run->counters[0], run->counters[1], run->counters[2]);
}

/* Tracks up to this replica; a new one gets its name. */
static int
reach_replica(struct writer *writer, size_t replica)
{
    if (replica < writer->track_count)
        return 0;
    struct track *tracks = realloc(writer->tracks, (replica + 1) * sizeof *tracks);
    if (tracks == NULL)
        return -ENOMEM;
    writer->tracks = tracks;
    for (; writer->track_count <= replica; writer->track_count++) {
        char name[40];
        tracks[writer->track_count] = (struct track){NULL, 0};
        (void)snprintf(name, sizeof name, "replica %zu", writer->track_count);
        put_name(writer, "process_name", writer->track_count + 1, 1, name);
    }
    return 0;
}

static int
reach_rank(struct track *track, size_t rank)
{
    if (rank < track->rank_count)
        return 0;
    struct rank *ranks = realloc(track->ranks, (rank + 1) * sizeof *ranks);
    if (ranks == NULL)
        return -ENOMEM;
    track->ranks = ranks;
    for (; track->rank_count <= rank; track->rank_count++)
        ranks[track->rank_count] = (struct rank){-1, 0, {NAN, NAN, NAN}};
    return 0;
}

static void
name_stages(struct writer *writer, const struct run *run, struct rank *rank)
{
    for (; rank->stages <= run->stage; rank->stages++) {
        char name[64] = "steps";
        if (run->rank > 0 || rank->stages > 0)
            (void)snprintf(name, sizeof name, "rank %zu, stage %zu", run->rank, rank->stages);
        put_name(writer, "thread_name", run->replica + 1, thread_of(run->rank, rank->stages), name);
    }
}

static int
put_run(struct writer *writer, const struct run *run)
{
    if (reach_replica(writer, run->replica) != 0 || reach_rank(&writer->tracks[run->replica], run->rank) != 0)
        return -ENOMEM;
    struct rank *rank = &writer->tracks[run->replica].ranks[run->rank];
    name_stages(writer, run, rank);
    for (size_t c = 0; c < COUNTERS && run->stage == 0; c++) {
        if (rank->end_ns >= 0 && run->start_ns > rank->end_ns) /* idle in between: it held no request */
            put_counter(writer, run->replica, run->rank, c, rank->end_ns, 0);
        put_counter(writer, run->replica, run->rank, c, run->start_ns, run->counters[c]);
    }
    put_slice(writer, run);
    rank->end_ns = run->end_ns > rank->end_ns ? run->end_ns : rank->end_ns;
    writer->runs++;
    return 0;
}

static int64_t
put_ends(struct writer *writer)
{
    int64_t last_ns = 0;
    for (size_t r = 0; r < writer->track_count; r++)
        for (size_t k = 0; k < writer->tracks[r].rank_count; k++) {
            int64_t end_ns = writer->tracks[r].ranks[k].end_ns;
            last_ns = end_ns > last_ns ? end_ns : last_ns;
            for (size_t c = 0; c < COUNTERS && end_ns >= 0; c++)
                put_counter(writer, r, k, c, end_ns, 0);
        }
    return last_ns;
}

static int
put_rows(struct writer *writer, struct rp_table *table, struct servsim_error *err)
{
    struct rp_field fields[COLUMNS];
    struct run run;
    int status;
    while ((status = rp_table_next(table, fields, err)) == 1) {
        status = read_run(table, fields, &run, err);
        if (status != 0)
            return status;
        if (put_run(writer, &run) != 0)
            return servsim_fail(err, ENOMEM, "%s: no memory for its replicas", table->path);
    }
    return status;
}

/* ---- failures --------------------------------------------------------------------------------------------------- */

enum outage_column { DEAD_REPLICA, DOWN, DETECTED, UP, OUTAGE_COLUMNS };

static const char *const outage_names[OUTAGE_COLUMNS] = {"replica", "down_s", "detected_s", "up_s"};

static void
put_outage(struct writer *writer, size_t replica, const char *name, int64_t from_ns, int64_t to_ns)
{
    if (to_ns <= from_ns)
        return;
    begin_event(writer);
    (void)fprintf(writer->file, "{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"failure\",\"pid\":%zu,\"tid\":%zu", name,
                  replica + 1, thread_of(MOST_RANKS, 0));
    put_us(writer, "ts", from_ns);
    put_us(writer, "dur", to_ns - from_ns);
    (void)fputs("}", writer->file);
}

/* What had not come at the end is empty: it lasts until then. */
static int
put_outage_row(struct writer *writer, const struct rp_table *table, const struct rp_field *fields, int64_t last_ns,
               struct servsim_error *err)
{
    double replica;
    int64_t times[OUTAGE_COLUMNS];
    int status = rp_table_number(table, fields[DEAD_REPLICA], &replica, err);
    if (status != 0)
        return status;
    for (size_t c = DOWN; c < OUTAGE_COLUMNS; c++) {
        times[c] = last_ns;
        if (fields[c].length > 0 && !parse_ns(fields[c], &times[c]))
            return servsim_fail(err, EINVAL, "%s:%zu: these are no times; run the experiment again", table->path,
                                table->line);
    }
    if (!(replica >= 0 && replica < MOST_REPLICAS && replica == floor(replica)))
        return servsim_fail(err, EINVAL, "%s:%zu: no replica has this number; run the experiment again", table->path,
                            table->line);
    if (reach_replica(writer, (size_t)replica) != 0)
        return servsim_fail(err, ENOMEM, "%s: no memory for its replicas", table->path);
    put_outage(writer, (size_t)replica, "dead, and nobody knows", times[DOWN], times[DETECTED]);
    put_outage(writer, (size_t)replica, "down", times[DETECTED], times[UP]);
    return 0;
}

/* Nothing where the cell has no failures.csv. */
static int
put_outages(struct writer *writer, const struct rp_cell *cell, int64_t last_ns, struct servsim_error *err)
{
    struct rp_table table;
    struct rp_field fields[OUTAGE_COLUMNS];
    char *path = rp_join(cell->folder, "failures.csv");
    if (path == NULL)
        return servsim_fail(err, ENOMEM, "%s: no memory for its trace", cell->folder);
    if (access(path, F_OK) != 0) {
        free(path);
        return 0;
    }
    int status = rp_table_open(&table, path, outage_names, OUTAGE_COLUMNS, err);
    free(path);
    if (status != 0)
        return status;
    while ((status = rp_table_next(&table, fields, err)) == 1)
        if ((status = put_outage_row(writer, &table, fields, last_ns, err)) != 0)
            break;
    rp_table_close(&table);
    for (size_t r = 0; r < writer->track_count && status == 0; r++)
        put_name(writer, "thread_name", r + 1, thread_of(MOST_RANKS, 0), "failures");
    return status;
}

static void
put_head(struct writer *writer, const struct rp_cell *cell)
{
    json_t *about = json_pack("{s:s, s:s, s:s, s:s, s:s}", "cell", cell->name, "model", cell->model, "hardware",
                              cell->hardware, "scheduler", cell->scheduler, "router", cell->router);
    char *text = about != NULL ? json_dumps(about, 0) : NULL;
    (void)fprintf(writer->file, "{\"displayTimeUnit\":\"ms\",\"otherData\":%s,\n\"traceEvents\":[\n",
                  text != NULL ? text : "{}");
    free(text);
    json_decref(about);
}

static int
put_trace(struct writer *writer, const struct rp_cell *cell, struct rp_table *table, struct servsim_error *err)
{
    put_head(writer, cell);
    int status = put_rows(writer, table, err);
    if (status != 0)
        return status;
    int64_t last_ns = put_ends(writer);
    status = put_outages(writer, cell, last_ns, err);
    if (status != 0)
        return status;
    if (writer->runs == CORE_KEEPS) {
        begin_event(writer);
        (void)fprintf(writer->file,
                      "{\"ph\":\"i\",\"s\":\"g\",\"name\":\"only the first %u runs are kept\",\"pid\":1,"
                      "\"tid\":1",
                      CORE_KEEPS);
        put_us(writer, "ts", last_ns);
        (void)fputs("}", writer->file);
    }
    (void)fputs("\n]}\n", writer->file);
    return 0;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

/* Writes to a temporary name, which becomes `path` once it is whole. */
static int
write_trace(const char *path, const struct rp_cell *cell, struct rp_table *table, struct servsim_error *err)
{
    struct rp_text temporary = {0};
    struct writer writer = {.between = ""};
    rp_printf(&temporary, "%s.XXXXXX", path);
    if (temporary.failed)
        return servsim_fail(err, ENOMEM, "%s: no memory to write it", path);
    int fd = mkstemp(temporary.data), status = 0;
    writer.file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (writer.file == NULL) {
        int code = errno;
        status = servsim_fail(err, code, "%s: cannot be written: %s", path, strerror(code));
        if (fd >= 0)
            (void)close(fd);
    } else {
        (void)fchmod(fd, 0644);
        status = put_trace(&writer, cell, table, err);
        int bad = ferror(writer.file), closed = fclose(writer.file);
        if (status == 0 && (bad || closed != 0 || rename(temporary.data, path) != 0)) {
            int code = errno != 0 ? errno : EIO;
            status = servsim_fail(err, code, "%s: cannot be written: %s", path, strerror(code));
        }
    }
    if (status != 0 && fd >= 0)
        (void)unlink(temporary.data);
    for (size_t r = 0; r < writer.track_count; r++)
        free(writer.tracks[r].ranks);
    free(writer.tracks);
    rp_text_free(&temporary);
    return status;
}

/* 1 when the cell has no timeline. */
static int
trace_cell(const char *folder, const struct rp_cell *cell, struct servsim_error *err)
{
    const char *slash = strrchr(cell->dir, '/');
    struct rp_text from = {0}, to = {0};
    struct rp_table table;
    rp_printf(&from, "%s/timeline.csv", cell->folder);
    rp_printf(&to, "%s/%s.json", folder, slash != NULL ? slash + 1 : cell->dir);
    int status = from.failed || to.failed ? servsim_fail(err, ENOMEM, "%s: no memory for its trace", cell->folder) : 0;
    if (status == 0 && access(from.data, F_OK) != 0)
        status = 1;
    if (status == 0)
        status = rp_table_open(&table, from.data, column_names, COLUMNS, err);
    if (status == 0) {
        status = write_trace(to.data, cell, &table, err);
        rp_table_close(&table);
    }
    rp_text_free(&from);
    rp_text_free(&to);
    return status;
}

static void
note(const struct trace_self *self, const char *text)
{
    if (SERVSIM_COVERS(self->host, struct servsim_host, log) && self->host->log != NULL)
        self->host->log(self->host->ctx, SERVSIM_LOG_WARNING, text);
}

static int
trace_all(const struct trace_self *self, const struct rp_results *results, const char *folder,
          struct servsim_error *err)
{
    char text[200];
    int64_t made = 0, missing = 0, left_out = 0;
    int status = 0;
    for (size_t i = 0; i < results->count && status == 0; i++) {
        if (!results->cells[i].done)
            continue;
        if (made == self->cells) {
            left_out++;
            continue;
        }
        int one = trace_cell(folder, &results->cells[i], err);
        made += one == 0;
        missing += one == 1;
        status = one < 0 ? one : 0;
    }
    if (status == 0 && made == 0 && missing > 0)
        return servsim_fail(err, ENOENT,
                            "%s: no cell has a timeline.csv; name trace under report and run the "
                            "experiment again, without --resume",
                            results->folder);
    if (status == 0 && missing > 0) {
        (void)snprintf(text, sizeof text, "%lld cells have no timeline.csv; run the experiment again without --resume",
                       (long long)missing);
        note(self, text);
    }
    if (status == 0 && left_out > 0) {
        (void)snprintf(text, sizeof text, "%lld of %lld cells have a trace; write trace: {cells: N} for more",
                       (long long)made, (long long)(made + left_out));
        note(self, text);
    }
    return status;
}

static int32_t
render(void *self, const struct servsim_report_input *input, struct servsim_error *err)
{
    struct rp_results results;
    int status = rp_results_read(&results, input->results_path, err);
    if (status != 0)
        return status;
    char *folder = rp_join(input->output_dir, "trace");
    status = folder != NULL ? rp_folder_make(folder, err)
                            : servsim_fail(err, ENOMEM, "%s: no memory for its traces", input->output_dir);
    if (status == 0)
        status = trace_all(self, &results, folder, err);
    if (folder != NULL && status != 0)
        (void)rmdir(folder); /* where nothing was written */
    free(folder);
    rp_results_free(&results);
    return status;
}

static void
destroy(void *self)
{
    free(self);
}

static int32_t
create(const struct servsim_host *host, const struct servsim_create *args, void **out, struct servsim_error *err)
{
    struct trace_self *self = calloc(1, sizeof *self);
    if (self == NULL)
        return servsim_fail(err, ENOMEM, "no memory");
    self->host = host;
    self->cells = servsim_integer(args, "cells");
    *out = self;
    return 0;
}

static const struct servsim_option options[] = {
    {.name = "cells",
     .unit = "",
     .default_text = "32",
     .help = "cells that get a trace, at most: one can take 100 MB",
     .minimum = 1,
     .maximum = 1e6,
     .type = SERVSIM_OPTION_INTEGER},
};

static const struct servsim_report_ops ops = {
    .size = sizeof ops, .flags = SERVSIM_REPORT_WANTS_TIMELINE, .render = render};

static const struct servsim_plugin trace_plugin = {
    SERVSIM_PLUGIN_HEAD(SERVSIM_KIND_REPORT, options),
    .name = "trace",
    .version = "1.0",
    .summary = "trace/CELL.json: steps, queue, batch and KV of each replica, for Perfetto or chrome://tracing",
    .licence = "Apache-2.0",
    .page =
        "Open a file at ui.perfetto.dev or in chrome://tracing; it stays on your machine. Each replica is a process "
        "with one track of its steps (prefill, decode, mixed) and counters of waiting and running requests and of KV "
        "blocks in use. A slice with steps above 1 is a run of equal decode steps that was simulated at once. "
        "Counters are as the run had them before anything in it finished. The first 200,000 runs of a cell are "
        "kept.",
    .options = options,
    .create = create,
    .destroy = destroy,
    .ops = &ops,
};

SERVSIM_ONE_PLUGIN(trace_plugin)
