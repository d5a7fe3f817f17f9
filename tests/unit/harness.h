/*
 * unit/harness.h - runs the cases of one test program with CUnit and prints TAP.
 *
 * A test is one program: a table of cases, CU_ASSERT* inside them, and ss_run_cases() as the last word of main().
 */
#ifndef SS_UNIT_HARNESS_H
#define SS_UNIT_HARNESS_H

#ifdef SERVSIM_WITHOUT_CUNIT /* as configure found */
#error "the tests need CUnit: apt-get install libcunit1-dev, then run ./configure again"
#endif

#include <stddef.h>

#include <CUnit/CUnit.h>

struct ss_case {
    const char *name;
    void (*run)(void);
};

/*
 * Runs every case in order. Returns what main() returns: 0 once each case is reported, failed ones too, since a
 * further non-zero status would count as one more error; 1 where nothing could be run.
 */
int ss_run_cases(const char *suite, const struct ss_case *cases, size_t count);

/* Leaves the running case at once; it counts as skipped, with `why` beside it. */
void ss_skip(const char *why) __attribute__((noreturn));

/* Absolute path of a file in the source tree or the build tree; the text stays until the next call. */
const char *ss_source_path(const char *relative);
const char *ss_build_path(const char *relative);

/* Absolute path of a measured file, or the case is skipped where SERVSIM_MEASURED_DATA is not set or lacks it. */
const char *ss_measured_path(const char *relative);

#endif
