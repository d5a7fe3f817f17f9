/*
 * metrics/result.c - the end of a result.
 */
#include "metrics/result.h"

#include <stdlib.h>

void
ss_result_free(struct ss_result *result)
{
    ss_records_free(&result->records);
    free(result->replicas);
    result->replicas = NULL;
    result->replica_count = 0;
}
