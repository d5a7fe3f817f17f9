/*
 * conform/imports.c - functions whose answers differ from run to run, or from machine to machine, that a plugin's own
 * file leaves to be found. What the libraries do that it needs is theirs: Python has a clock.
 */
#include "conform/imports.h"

#include <elf.h>

#include "base/text.h"
#include "conform/symbols.h"

/* rand_r() and erand48() are not here: their state is the caller's. */
static const char *const outside[] = {
    "time",          "__time64",          "gettimeofday",   "__gettimeofday64",
    "clock_gettime", "__clock_gettime64", "clock",          "times",
    "ftime",         "timespec_get",      "localtime",      "localtime_r",
    "mktime",        "getrusage",         "getenv",         "secure_getenv",
    "environ",       "__environ",         "rand",           "srand",
    "random",        "srandom",           "initstate",      "setstate",
    "drand48",       "lrand48",           "mrand48",        "srand48",
    "seed48",        "arc4random",        "arc4random_buf", "arc4random_uniform",
    "getrandom",     "getentropy",        "getpid",         "getppid",
    "gettid",        "gethostname",       "uname",
};

/* Of C++: std::chrono::...clock::now(), std::random_device. */
static const char *const outside_prefixes[] = {"_ZNSt6chrono3_V212system_clock3now",
                                               "_ZNSt6chrono3_V212steady_clock3now", "_ZNSt13random_device"};

static const struct {
    const char *prefix, *what;
} runtimes[] = {
    {"__gcov_", "the run-time of coverage (gcov)"},
    {"__llvm_prf_", "the run-time of coverage (LLVM)"},
    {"__llvm_profile_", "the run-time of coverage (LLVM)"},
    {"__asan_", "a sanitizer's run-time"},
    {"__ubsan_", "a sanitizer's run-time"},
    {"__tsan_", "a sanitizer's run-time"},
    {"__msan_", "a sanitizer's run-time"},
    {"__hwasan_", "a sanitizer's run-time"},
    {"__lsan_", "a sanitizer's run-time"},
    {"__sanitizer_", "a sanitizer's run-time"},
};

#define COUNT(rows_) (sizeof(rows_) / sizeof((rows_)[0]))

struct imported {
    struct ss_text names; /* "time(), getenv()" */
    const char *runtime;  /* that is in the file, or that it is built for */
};

static int
begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int
is_outside(const char *name)
{
    for (size_t i = 0; i < COUNT(outside); i++)
        if (strcmp(name, outside[i]) == 0)
            return 1;
    for (size_t i = 0; i < COUNT(outside_prefixes); i++)
        if (begins(name, outside_prefixes[i]))
            return 1;
    return 0;
}

/* A run-time may be hidden in the file (-Wl,--exclude-libs); then only the whole table of symbols shows it. */
static void
note_runtime(void *ctx, const ElfW(Sym) * symbol, const char *name)
{
    struct imported *imported = ctx;
    (void)symbol;
    for (size_t i = 0; i < COUNT(runtimes); i++)
        if (begins(name, runtimes[i].prefix))
            imported->runtime = runtimes[i].what;
}

static void
note(void *ctx, const ElfW(Sym) * symbol, const char *name)
{
    struct imported *imported = ctx;
    note_runtime(ctx, symbol, name);
    if (symbol->st_shndx == SHN_UNDEF && is_outside(name))
        ss_text_printf(&imported->names, "%s%s", imported->names.length > 0 ? ", " : "", name);
}

static int
judge(const struct imported *imported, const char *path, struct servsim_error *err)
{
    const char *runtime = imported->runtime;
    if (runtime == NULL && imported->names.length > 0 && ss_made_by(path, "rustc "))
        runtime = "Rust's std";
    if (runtime != NULL) {
        (void)servsim_fail(err, EAGAIN, "%s is in the file and asks on its own account", runtime);
        return 1;
    }
    if (imported->names.length == 0)
        return 0;
    ss_make_printable(imported->names.data);
    return servsim_fail(
        err, EPROTO,
        "it calls for %.300s: answers from there differ from run to run or from machine to machine; times "
        "come with the calls, random numbers from host->seed, settings from options",
        imported->names.data);
}

int
ss_imports_check(const char *path, struct servsim_error *err)
{
    struct imported imported = {0};
    int rc = ss_symbols_visit(path, SHT_DYNSYM, note, &imported, err);
    if (rc == 0)
        rc = ss_symbols_visit(path, SHT_SYMTAB, note_runtime, &imported, err);
    if (rc == 0)
        rc = imported.names.failed ? servsim_fail(err, ENOMEM, "no memory") : judge(&imported, path, err);
    ss_text_free(&imported.names);
    return rc;
}
