/*
 * plugin/file.c - one shared object.
 *
 * The file is opened once, and what was checked on that descriptor is what is loaded: the loader is given the
 * descriptor's name in /proc, so nothing can be put in its place in between. The loader knows libraries by the names
 * that it was given, and descriptor numbers are used again; so the name spells the file's device and inode, in slashes
 * and dots that mean nothing to the kernel. Equal names are equal files, whatever the numbers.
 *
 * A shared object that is cut short would kill the process while it is mapped, so the borders of its segments are
 * looked at first.
 */
#include "plugin/file.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_LIMIT 256

/* ---- who may have written it ---- */

static int
check_folder(const char *path, struct servsim_error *err)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    struct stat about;
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    if (length >= sizeof folder)
        return servsim_fail(err, ENAMETOOLONG, "%s", strerror(ENAMETOOLONG));
    memcpy(folder, path, length);
    folder[length] = '\0';
    if (stat(slash == NULL ? "." : length == 0 ? "/" : folder, &about) != 0)
        return servsim_fail(err, errno, "cannot be opened: %s", strerror(errno));
    if ((about.st_mode & S_IWOTH) && !(about.st_mode & S_ISVTX))
        return servsim_fail(err, EPERM, "is in a folder that everybody may write to; run chmod o-w on the folder");
    return 0;
}

static int
check_owner(const struct stat *about, struct servsim_error *err)
{
    if (S_ISDIR(about->st_mode))
        return servsim_fail(err, EINVAL, "is a folder; name a file");
    if (!S_ISREG(about->st_mode))
        return servsim_fail(err, EINVAL, "is no regular file");
    if (about->st_uid != 0 && about->st_uid != geteuid())
        return servsim_fail(err, EPERM, "belongs to user %ld; it must be root's or yours", (long)about->st_uid);
    if (about->st_mode & (S_IWGRP | S_IWOTH))
        return servsim_fail(err, EPERM, "is writable by group or others; run chmod go-w on it");
    return 0;
}

/* ---- is it a whole shared object of this machine ---- */

static int
machine_fits(const ElfW(Ehdr) * head)
{
#if defined(__x86_64__)
    return head->e_machine == EM_X86_64;
#elif defined(__aarch64__)
    return head->e_machine == EM_AARCH64;
#else
    (void)head;
    return 1;
#endif
}

static int
check_segments(int fd, const ElfW(Ehdr) * head, uint64_t size, struct servsim_error *err)
{
    ElfW(Phdr) segments[SEGMENT_LIMIT];
    size_t bytes = (size_t)head->e_phnum * sizeof segments[0];
    if (head->e_phnum == 0 || head->e_phnum > SEGMENT_LIMIT || head->e_phentsize != sizeof segments[0])
        return servsim_fail(err, ENOEXEC, "is no shared object: its header is damaged");
    if (head->e_phoff > size || bytes > size - head->e_phoff ||
        pread(fd, segments, bytes, (off_t)head->e_phoff) != (ssize_t)bytes)
        return servsim_fail(err, ENOEXEC, "is cut short; build or copy it again");
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (segments[i].p_offset > size || segments[i].p_filesz > size - segments[i].p_offset)
            return servsim_fail(err, ENOEXEC, "is cut short; build or copy it again");
    return 0;
}

static int
check_image(int fd, uint64_t size, struct servsim_error *err)
{
    ElfW(Ehdr) head;
    if (size == 0)
        return servsim_fail(err, ENOEXEC, "is empty");
    if (pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return servsim_fail(err, ENOEXEC, "is no shared object");
    if (head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) || !machine_fits(&head))
        return servsim_fail(err, ENOEXEC, "is built for another kind of machine");
    if (head.e_type != ET_DYN)
        return servsim_fail(err, ENOEXEC, "is no shared object; link it with -shared");
    return check_segments(fd, &head, size, err);
}

/* ---- loading ---- */

static char *
spell(char *at, uint64_t number)
{
    for (int bit = 0; bit < 64; bit++) {
        *at++ = '/';
        if (number >> bit & 1)
            *at++ = '.';
    }
    return at;
}

/* "/proc/PID/fd", device and inode in slashes and dots, the number of the descriptor. */
static void
loader_name(char out[384], int fd, const struct stat *about)
{
    char *at = out + snprintf(out, 64, "/proc/%ld/fd", (long)getpid());
    at = spell(spell(at, (uint64_t)about->st_dev), (uint64_t)about->st_ino);
    (void)snprintf(at, 24, "/%d", fd);
}

static int
load_image(void **handle, int fd, const struct stat *about, struct servsim_error *err)
{
    char name[384];
    loader_name(name, fd, about);
    *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (*handle != NULL)
        return 0;
    const char *why = dlerror();
    if (why == NULL)
        why = "no reason given";
    /* The loader puts that name of ours first. */
    if (strncmp(why, name, strlen(name)) == 0 && strncmp(why + strlen(name), ": ", 2) == 0)
        why += strlen(name) + 2;
    return servsim_fail(err, ENOEXEC, "cannot be loaded: %.600s", why);
}

static int
enumerate(struct ss_file *out, void *handle, struct servsim_error *err)
{
    servsim_plugin_at_fn plugin_at;
    void *symbol = dlsym(handle, "servsim_plugin_at");
    if (symbol == NULL)
        return servsim_fail(err, ENOEXEC, "is no servsim plugin: it does not export servsim_plugin_at()");
    memcpy(&plugin_at, &symbol, sizeof plugin_at);
    for (out->count = 0; out->count < SS_FILE_PLUGINS; out->count++) {
        const struct servsim_plugin *plugin = NULL;
        int32_t answer = plugin_at(out->count, &plugin);
        if (answer == 0 && out->count == 0)
            return servsim_fail(err, ENOEXEC, "holds no plugin: servsim_plugin_at(0) answered 0");
        if (answer == 0)
            return 0;
        if (answer != 1)
            return servsim_fail(err, ENOEXEC, "servsim_plugin_at(%u) answered %d; it must answer 1 or 0", out->count,
                                answer);
        out->found[out->count] = plugin;
    }
    return servsim_fail(err, ENOEXEC,
                        "hands out plugins without end; servsim_plugin_at() must answer 0 after at most %d",
                        SS_FILE_PLUGINS - 1);
}

/* Opens the file and checks all that can be seen before it is mapped. Returns the descriptor, or -errno. */
static int
open_checked(const char *path, struct stat *about, struct servsim_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return servsim_fail(err, errno, "cannot be opened: %s", strerror(errno));
    int rc = fstat(fd, about) == 0 ? check_owner(about, err)
                                   : servsim_fail(err, errno, "cannot be opened: %s", strerror(errno));
    if (rc == 0)
        rc = check_folder(path, err);
    if (rc == 0)
        rc = check_image(fd, (uint64_t)about->st_size, err);
    if (rc == 0)
        return fd;
    (void)close(fd);
    return rc;
}

int
ss_file_check(const char *path, struct servsim_error *err)
{
    struct stat about;
    int fd = open_checked(path, &about, err);
    if (fd < 0)
        return fd;
    (void)close(fd);
    return 0;
}

int
ss_file_load(struct ss_file *out, const char *path, struct servsim_error *err)
{
    struct stat about;
    void *handle = NULL;
    memset(out, 0, sizeof *out);
    out->fd = open_checked(path, &about, err);
    if (out->fd < 0)
        return out->fd;
    int rc = load_image(&handle, out->fd, &about, err);
    if (rc == 0)
        rc = enumerate(out, handle, err);
    if (rc != 0) {
        (void)close(out->fd);
        out->fd = -1;
    }
    return rc;
}
