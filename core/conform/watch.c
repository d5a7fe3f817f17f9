/*
 * conform/watch.c - values at the ends of pages, and the handler of the faults.
 */
#include "conform/watch.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/registry.h"

/* A handler is given nothing else. */
static struct ss_watch *volatile watched;

/* Two pages for each value: its name ends the first, the rest begins the second. */
static unsigned char *
page_of(const struct ss_watch *watch, uint32_t index, int rest)
{
    return watch->base + (2 * (size_t)index + (size_t)rest) * watch->page_bytes;
}

static unsigned char *
value_at(const struct ss_watch *watch, uint32_t index)
{
    return page_of(watch, index, 1) - offsetof(struct servsim_value, name) - sizeof(const char *);
}

static void
on_fault(int number, siginfo_t *about, void *context)
{
    struct ss_watch *watch = watched;
    const unsigned char *at = about->si_addr;
    (void)context;
    size_t bytes = watch != NULL ? 2 * ((size_t)watch->count + 1) * watch->page_bytes : 0;
    if (watch == NULL || at < watch->base || at >= watch->base + bytes) {
        (void)signal(number, SIG_DFL); /* it comes again, and is the plugin's own */
        return;
    }
    size_t page = (size_t)(at - watch->base) / watch->page_bytes;
    if (page % 2 == 1)
        watch->seen[page / 2] = 1;
    else
        watch->passed = 1;
    (void)mprotect(watch->base + page * watch->page_bytes, watch->page_bytes, PROT_READ | PROT_WRITE);
}

int
ss_watch_open(struct ss_watch *watch, uint32_t count)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    *watch = (struct ss_watch){.page_bytes = (size_t)sysconf(_SC_PAGESIZE), .count = count};
    watch->seen = calloc((size_t)count + 1, 1);
    watch->base = mmap(NULL, 2 * ((size_t)count + 1) * watch->page_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (watch->seen == NULL || watch->base == MAP_FAILED) {
        watch->base = watch->base != MAP_FAILED ? watch->base : NULL;
        ss_watch_close(watch);
        return -ENOMEM;
    }
    watched = watch;
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    return 0;
}

void
ss_watch_close(struct ss_watch *watch)
{
    watched = NULL;
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGBUS, SIG_DFL);
    if (watch->base != NULL)
        (void)munmap(watch->base, 2 * ((size_t)watch->count + 1) * watch->page_bytes);
    free(watch->seen);
    *watch = (struct ss_watch){0};
}

void
ss_watch_lay(struct ss_watch *watch, const struct ss_options *options, const char *undeclared)
{
    static const double nothing[1] = {0};
    struct servsim_value none = {.name = undeclared, .text = "", .list = nothing};
    (void)mprotect(watch->base, 2 * ((size_t)watch->count + 1) * watch->page_bytes, PROT_READ | PROT_WRITE);
    for (uint32_t i = 0; i < watch->count; i++)
        memcpy(value_at(watch, i), &options->values[i], sizeof none);
    memcpy(value_at(watch, watch->count), &none, sizeof none);
    for (uint32_t i = 0; i <= watch->count; i++)
        (void)mprotect(page_of(watch, i, 1), watch->page_bytes, PROT_NONE);
    (void)mprotect(page_of(watch, watch->count, 0), watch->page_bytes, PROT_NONE);
    watch->seen[watch->count] = 0;
    watch->passed = 0;
}

void
ss_watch_fill(const struct ss_watch *watch, struct servsim_create *args)
{
    args->values = (const struct servsim_value *)(const void *)value_at(watch, 0);
    args->value_count = watch->count + 1;
    args->value_size = (uint32_t)(2 * watch->page_bytes);
}
