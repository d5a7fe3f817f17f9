/*
 * sweep/output.c - folders. Nothing is removed but what lies below cells/, and empty folders.
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

/* The folder of a cell is ours, with all files in it; a folder in it is not. */
static void
remove_cell(const char *path)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(path);
}

static void
part_path(char *path, size_t size, const char *dir, const char *cell, pid_t worker)
{
    (void)snprintf(path, size, "%s/cells/.%s.%ld.part", dir, cell, (long)worker);
}

/* ".CELL.PID.part"; a cell's name may have dots itself. */
static int
is_part_of(const char *name, const char *cell)
{
    size_t length = strlen(name), known = cell != NULL ? strlen(cell) : 0;
    if (name[0] != '.' || length < 6 || strcmp(name + length - 5, ".part") != 0)
        return 0;
    if (cell == NULL)
        return 1;
    if (strncmp(name + 1, cell, known) != 0 || name[known + 1] != '.')
        return 0;
    const char *digits = name + known + 2;
    return digits + strspn(digits, "0123456789") == name + length - 5;
}

void
ss_output_clear_leftovers(const char *dir, const char *cell)
{
    char folder[PATH_BYTES], path[PATH_BYTES + 300];
    const struct dirent *entry;
    (void)snprintf(folder, sizeof folder, "%s/cells", dir);
    DIR *cells = opendir(folder);
    while (cells != NULL && (entry = readdir(cells)) != NULL) {
        if (!is_part_of(entry->d_name, cell))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        remove_cell(path);
    }
    if (cells != NULL)
        (void)closedir(cells);
}

int
ss_output_begin_cell(const char *dir, const char *cell, pid_t worker, char *path, size_t size,
                     struct servsim_error *err)
{
    part_path(path, size, dir, cell, worker);
    remove_cell(path);
    return mkdir(path, 0777) == 0 ? 0 : cannot(path, err);
}

int
ss_output_commit_cell(const char *dir, const char *cell, pid_t worker, struct servsim_error *err)
{
    char part[PATH_BYTES], whole[PATH_BYTES];
    part_path(part, sizeof part, dir, cell, worker);
    (void)snprintf(whole, sizeof whole, "%s/cells/%s", dir, cell);
    remove_cell(whole);
    int rc = rename(part, whole);
    if (rc != 0 && (errno == ENOTEMPTY || errno == EEXIST)) {
        remove_cell(whole); /* a worker of a killed run came first */
        rc = rename(part, whole);
    }
    return rc == 0 ? 0 : cannot(whole, err);
}

void
ss_output_drop_cell(const char *dir, const char *cell, pid_t worker)
{
    char part[PATH_BYTES];
    part_path(part, sizeof part, dir, cell, worker);
    remove_cell(part);
}

static void
lock_path(char *path, size_t size, const char *dir)
{
    (void)snprintf(path, size, "%s/cells/.lock", dir);
}

int
ss_output_lock(const char *dir)
{
    char path[PATH_BYTES];
    lock_path(path, sizeof path, dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0)
        (void)lockf(fd, F_LOCK, 0);
    return fd;
}

void
ss_output_unlock(const char *dir, int lock)
{
    char path[PATH_BYTES];
    lock_path(path, sizeof path, dir);
    (void)unlink(path);
    if (lock >= 0)
        (void)close(lock);
}
