/*
 * sweep/output.c - folders. Only files that servsim writes are ever removed.
 */
#include "sweep/output.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int
cannot(const char *path, struct servsim_error *err)
{
    return servsim_fail(err, errno, "%s: cannot be written: %s; write another output", path, strerror(errno));
}

static int
make_folders(const char *dir, struct servsim_error *err)
{
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/cells", dir);
    if (length < 0 || length >= (int)sizeof path - 256)
        return servsim_fail(err, ENAMETOOLONG, "%.200s...: the output's name is too long", dir);
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return cannot(path, err);
        *at = '/';
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return cannot(path, err);
    return 0;
}

/* Permissions do not tell the whole truth (a read-only or full disk, a file in the folder's place): try. */
static int
try_to_write(const char *dir, struct servsim_error *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/cells/.write-test.%ld", dir, (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return cannot(dir, err);
    int rc = 0;
    if (write(fd, "servsim\n", 8) != 8)
        rc = cannot(dir, err);
    (void)close(fd);
    (void)unlink(path);
    return rc;
}

int
ss_output_prepare(const char *dir, struct servsim_error *err)
{
    int rc = make_folders(dir, err);
    return rc != 0 ? rc : try_to_write(dir, err);
}

void
ss_output_unprepare(const char *dir)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/cells", dir);
    (void)rmdir(path);
    (void)rmdir(dir);
}

static void
remove_cell(const char *path)
{
    static const char *const files[] = {"requests.csv", "summary.json",     "series.csv",        "itl.csv",
                                        "run.json",     "timeline.csv",     "requests.csv.part", "series.csv.part",
                                        "itl.csv.part", "timeline.csv.part"};
    char file[PATH_BYTES + 64];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(file, sizeof file, "%s/%s", path, files[i]);
        (void)unlink(file);
    }
    (void)rmdir(path);
}

static void
part_path(char *path, size_t size, const char *dir, const char *cell)
{
    (void)snprintf(path, size, "%s/cells/.%s.part", dir, cell);
}

int
ss_output_begin_cell(const char *dir, const char *cell, char *path, size_t size, struct servsim_error *err)
{
    part_path(path, size, dir, cell);
    remove_cell(path);
    return mkdir(path, 0777) == 0 ? 0 : cannot(path, err);
}

int
ss_output_commit_cell(const char *dir, const char *cell, struct servsim_error *err)
{
    char part[PATH_BYTES], whole[PATH_BYTES];
    part_path(part, sizeof part, dir, cell);
    (void)snprintf(whole, sizeof whole, "%s/cells/%s", dir, cell);
    remove_cell(whole);
    return rename(part, whole) == 0 ? 0 : cannot(whole, err);
}

void
ss_output_drop_cell(const char *dir, const char *cell)
{
    char part[PATH_BYTES];
    part_path(part, sizeof part, dir, cell);
    remove_cell(part);
}
