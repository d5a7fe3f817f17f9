/*
 * sweep/hold.c - one byte of a file for each cell, locked by the process that runs it. A lock ends with its process,
 * however that ends, and is nobody's who is forked.
 */
#include "sweep/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define TRIES 100 /* each of them stands for a process that ended in between */

static void
hold_path(const struct ss_crew *crew, char *path)
{
    (void)snprintf(path, PATH_BYTES, "%s/cells/.at-work", crew->experiment->output);
}

/* Whoever ends last takes the file away: is this still the one that others find? */
static int
is_there(int fd, const char *path)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_ino == there.st_ino &&
           here.st_dev == there.st_dev;
}

/* 0, or -EBUSY and the index of the cell that another process has. */
static int
lock_cells(const struct ss_crew *crew, int fd, size_t *taken)
{
    for (size_t i = 0; i < crew->experiment->cell_count; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)i, .l_len = 1};
        if (!ss_crew_selects(crew, i) || fcntl(fd, F_SETLK, &lock) == 0)
            continue;
        *taken = i;
        if (errno == EAGAIN || errno == EACCES)
            return -EBUSY;
        return 0;
    }
    return 0;
}

/* "part 1 of 4 is being run", as the user has named it. */
static int
say_taken(const struct ss_crew *crew, int fd, size_t cell, struct servsim_error *err)
{
    const struct ss_part *part = &crew->options->part;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)cell, .l_len = 1};
    char who[64] = "", what[64] = "";
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
        (void)snprintf(who, sizeof who, " (process %ld)", (long)lock.l_pid);
    if (part->count > 1)
        (void)snprintf(what, sizeof what, "part %u of %u: ", part->index + 1, part->count);
    return servsim_fail(err, EBUSY,
                        "%sanother run%s is at work on cell '%s' in %s; wait until it has ended, then --resume keeps "
                        "what it has done, or write another --output",
                        what, who, crew->experiment->cells[cell].name, crew->experiment->output);
}

int
ss_hold(const struct ss_crew *crew, int *hold, struct servsim_error *err)
{
    char path[PATH_BYTES];
    hold_path(crew, path);
    *hold = -1;
    for (int i = 0; i < TRIES; i++) {
        size_t taken = 0;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return 0;
        int rc = lock_cells(crew, fd, &taken);
        if (rc == 0 && is_there(fd, path)) {
            *hold = fd;
            return 0;
        }
        if (rc != 0)
            rc = say_taken(crew, fd, taken, err);
        (void)close(fd);
        if (rc != 0)
            return rc;
    }
    return 0;
}

void
ss_hold_free(const struct ss_crew *crew, int hold)
{
    char path[PATH_BYTES];
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (hold < 0)
        return;
    hold_path(crew, path);
    if (fcntl(hold, F_SETLK, &all) == 0 && is_there(hold, path))
        (void)unlink(path);
    (void)close(hold);
}
