/*
 * report/plots/gnuplot.c - runs gnuplot on the scripts, several at a time, without a shell.
 *
 * Pictures appear whole or not at all: gnuplot draws to a temporary name, and a picture that is complete is renamed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report/plots/plots.h"

#define AT_ONCE 16u
#define PATIENCE_S 120 /* one chart takes a tenth of a second */

struct drawing {
    pid_t pid; /* 0: free */
    size_t entry;
    int messages; /* what gnuplot says on stderr */
    time_t deadline;
};

static time_t
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static char *
picture_path(const struct plots *plots, const struct plots_entry *entry, int temporary, const char *ending)
{
    struct rp_text path = {0};
    rp_printf(&path, "%s/%s%s.%s", plots->folder, temporary ? ".drawing-" : "", entry->name, ending);
    return path.data;
}

static void
remove_picture(const struct plots *plots, const struct plots_entry *entry, int temporary, const char *ending)
{
    char *path = picture_path(plots, entry, temporary, ending);
    if (path != NULL)
        (void)unlink(path);
    free(path);
}

/* A file without a name for gnuplot's messages. */
static int
message_file(void)
{
    return memfd_create("gnuplot", MFD_CLOEXEC);
}

static int
start(struct drawing *drawing, const struct plots *plots, const char *program, const char *formats)
{
    const struct plots_entry *entry = &plots->entries[drawing->entry];
    char setting[400], script[200];
    (void)snprintf(setting, sizeof setting, "stem='.drawing-%s'; formats='%s'", entry->name, formats);
    (void)snprintf(script, sizeof script, "%s.gp", entry->name);
    /* -d: no start-up files of the user's, so that pictures look the same everywhere. */
    char options[] = "-d", e[] = "-e", name[] = "gnuplot";
    char *arguments[] = {name, options, e, setting, script, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    (void)sigemptyset(&none);
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        drawing->messages = message_file();
        code |= posix_spawnattr_setsigmask(&attributes, &none);
        code |= posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        code |= posix_spawn_file_actions_addchdir_np(&actions, plots->folder);
        code |= posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        code |= posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        if (drawing->messages >= 0)
            code |= posix_spawn_file_actions_adddup2(&actions, drawing->messages, 2);
        if (code == 0)
            code = posix_spawnp(&drawing->pid, program, &actions, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    drawing->deadline = now_s() + PATIENCE_S;
    if (code != 0) {
        drawing->pid = 0;
        (void)close(drawing->messages);
    }
    return code;
}

/* Gives a complete picture its name. */
static int
keep(const struct plots *plots, const struct plots_entry *entry, const char *ending)
{
    char *from = picture_path(plots, entry, 1, ending), *to = picture_path(plots, entry, 0, ending);
    struct stat info;
    int kept = from != NULL && to != NULL && stat(from, &info) == 0 && info.st_size > 0 && rename(from, to) == 0;
    free(from);
    free(to);
    return kept;
}

/* The last line that gnuplot said that is not empty. */
static void
last_words(const struct drawing *drawing, char out[300])
{
    char text[2048];
    ssize_t got = drawing->messages >= 0 ? pread(drawing->messages, text, sizeof text - 1, 0) : 0;
    text[got > 0 ? got : 0] = '\0';
    out[0] = '\0';
    for (char *rest = text, *line; (line = strtok_r(rest, "\n", &rest)) != NULL;)
        if (line[strspn(line, " \t^")] != '\0')
            (void)snprintf(out, 300, "%.299s", line + strspn(line, " \t"));
}

/* Takes up what a finished gnuplot left. `waited` is false when its status is not known. */
static int
finish(struct drawing *drawing, struct plots *plots, int waited, int wait_status, const char *formats,
       struct servsim_error *err)
{
    struct plots_entry *entry = &plots->entries[drawing->entry];
    int good = !waited || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0), status = 0;
    int absent = waited && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 127;
    if (good) {
        entry->png = strstr(formats, "png") != NULL && keep(plots, entry, "png");
        entry->svg = strstr(formats, "svg") != NULL && keep(plots, entry, "svg");
        good = entry->png || entry->svg;
    }
    if (absent)
        status = GNUPLOT_ABSENT;
    else if (!good) {
        char words[300];
        last_words(drawing, words);
        status = servsim_fail(err, EIO, "%s/%s.gp: gnuplot failed%s%s", plots->folder, entry->name,
                              words[0] != '\0' ? ": " : "", words);
    }
    if (!good) {
        remove_picture(plots, entry, 1, "png");
        remove_picture(plots, entry, 1, "svg");
    }
    if (drawing->messages >= 0)
        (void)close(drawing->messages);
    drawing->pid = 0;
    return status;
}

/* Waits until one of the running ones has ended. Ours are waited for by number: other children are not our business. */
static int
wait_for_one(struct drawing *drawings, struct plots *plots, const char *formats, struct servsim_error *err)
{
    for (;;) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            int wait_status = 0;
            if (drawings[i].pid == 0)
                continue;
            if (now_s() > drawings[i].deadline)
                (void)kill(drawings[i].pid, SIGKILL);
            pid_t pid = waitpid(drawings[i].pid, &wait_status, WNOHANG);
            if (pid != 0 && !(pid < 0 && errno == EINTR))
                return finish(&drawings[i], plots, pid > 0, wait_status, formats, err);
        }
        const struct timespec pause = {0, 2000000};
        (void)nanosleep(&pause, NULL);
    }
}

static size_t
running(const struct drawing *drawings)
{
    size_t count = 0;
    for (size_t i = 0; i < AT_ONCE; i++)
        count += drawings[i].pid != 0;
    return count;
}

static size_t
free_place(const struct drawing *drawings)
{
    size_t place = 0;
    while (drawings[place].pid != 0)
        place++;
    return place;
}

int
gnuplot_draw(struct plots *plots, const char *program, const char *formats, struct servsim_error *err)
{
    struct drawing drawings[AT_ONCE] = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t at_once = cores < 1 ? 1 : cores > (long)AT_ONCE ? AT_ONCE : (size_t)cores;
    int status = 0;
    for (size_t i = 0; i < plots->count; i++) { /* those of an earlier run do not show these results */
        remove_picture(plots, &plots->entries[i], 0, "png");
        remove_picture(plots, &plots->entries[i], 0, "svg");
    }
    for (size_t i = 0; i < plots->count && status == 0; i++) {
        struct drawing *drawing = &drawings[free_place(drawings)];
        drawing->entry = i;
        int code = start(drawing, plots, program, formats);
        if (code == ENOENT || code == ENOTDIR || code == EACCES)
            status = GNUPLOT_ABSENT;
        else if (code != 0)
            status = servsim_fail(err, code, "gnuplot cannot be started: %s", strerror(code));
        while (running(drawings) >= at_once && status == 0)
            status = wait_for_one(drawings, plots, formats, err);
    }
    while (running(drawings) > 0) {
        struct servsim_error later = {.size = sizeof later};
        int one = wait_for_one(drawings, plots, formats, status == 0 ? err : &later);
        status = status == 0 ? one : status;
    }
    return status;
}
