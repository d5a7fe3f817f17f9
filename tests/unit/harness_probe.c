/*
 * unit/harness_probe.c - cases that pass, fail and are skipped on purpose; harness.sh reads what the harness says.
 */
#include <stdio.h>

#include "harness.h"

static void
passes(void)
{
    printf("a word without a line's end");
    CU_ASSERT_EQUAL(1, 1);
}

static void
fails(void)
{
    CU_ASSERT_EQUAL(1, 2);
    CU_ASSERT_EQUAL(3, 4);
}

static void
fails_at_once(void)
{
    CU_ASSERT_EQUAL_FATAL(5, 6);
    printf("not reached\n");
}

static void
is_skipped(void)
{
    ss_skip("nothing to do");
}

static void
fails_before_it_is_skipped(void)
{
    CU_ASSERT_EQUAL(7, 8);
    ss_skip("too late");
}

int
main(void)
{
    static const struct ss_case cases[] = {
        {"passes", passes},
        {"fails", fails},
        {"fails at once", fails_at_once},
        {"is skipped", is_skipped},
        {"fails before it is skipped", fails_before_it_is_skipped},
    };
    return ss_run_cases("probe", cases, sizeof cases / sizeof cases[0]);
}
