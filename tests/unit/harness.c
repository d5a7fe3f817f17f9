/*
 * unit/harness.c - see harness.h.
 *
 * CUnit answers 0 for failed assertions and for no tests at all, so its verdict is read from the failure list, case
 * by case. The plan is printed first: a program that dies half-way is then seen to have left cases out.
 */
#include "harness.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ss_case *current;
static const char *skipped;
static jmp_buf leave_case;

static void
run_current(void)
{
    if (setjmp(leave_case) == 0)
        current->run();
}

void
ss_skip(const char *why)
{
    skipped = why;
    longjmp(leave_case, 1);
}

static void
print_failures(void)
{
    for (const CU_FailureRecord *record = CU_get_failure_list(); record != NULL; record = record->pNext)
        printf("# %s:%u: %s\n", record->strFileName != NULL ? record->strFileName : "?", record->uiLineNumber,
               record->strCondition != NULL ? record->strCondition : "?");
}

static void
run_one(CU_pSuite suite, CU_pTest test, const struct ss_case *each, size_t number)
{
    current = each;
    skipped = NULL;
    CU_ErrorCode code = CU_run_test(suite, test);
    int failed = code != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    /* Whatever the case printed without a line's end must not hide the verdict. */
    printf("\n%s %zu - %s", failed ? "not ok" : "ok", number, each->name);
    if (!failed && skipped != NULL)
        printf(" # SKIP %s", skipped);
    printf("\n");
    print_failures();
    if (code != CUE_SUCCESS)
        printf("# %s\n", CU_get_error_msg());
    fflush(stdout);
}

int
ss_run_cases(const char *suite_name, const struct ss_case *cases, size_t count)
{
    if (count == 0 || CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    CU_pTest *tests = calloc(count, sizeof(CU_pTest));
    if (suite == NULL || tests == NULL) {
        free(tests);
        CU_cleanup_registry();
        return 1;
    }
    printf("1..%zu\n# %s\n", count, suite_name);
    fflush(stdout);
    for (size_t i = 0; i < count; i++)
        tests[i] = CU_add_test(suite, cases[i].name, run_current);
    for (size_t i = 0; i < count; i++)
        run_one(suite, tests[i], &cases[i], i + 1);
    free(tests);
    CU_cleanup_registry();
    return 0;
}

static const char *
path_below(const char *variable, const char *otherwise, const char *relative)
{
    static char path[4096];
    const char *folder = getenv(variable);
    int length = snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : otherwise, relative);
    if (length < 0 || (size_t)length >= sizeof path)
        ss_skip("the path is too long");
    return path;
}

const char *
ss_source_path(const char *relative)
{
    return path_below("SERVSIM_SRCDIR", SERVSIM_SRCDIR, relative);
}

const char *
ss_build_path(const char *relative)
{
    return path_below("SERVSIM_BUILDDIR", SERVSIM_BUILDDIR, relative);
}

const char *
ss_measured_path(const char *relative)
{
    if (getenv("SERVSIM_MEASURED_DATA") == NULL)
        ss_skip("SERVSIM_MEASURED_DATA is not set: the measured data are not here");
    const char *path = path_below("SERVSIM_MEASURED_DATA", ".", relative);
    if (access(path, R_OK) != 0)
        ss_skip("the folder of SERVSIM_MEASURED_DATA has no such file");
    return path;
}
