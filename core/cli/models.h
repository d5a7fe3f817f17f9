/*
 * cli/models.h - what the two forms of `servsim models` share.
 */
#ifndef SS_CLI_MODELS_H
#define SS_CLI_MODELS_H

#include <jansson.h>

#include "cli/cli.h"

/* All figures of one model; NULL where its name or path is no UTF-8. */
json_t *ss_model_json(const char *name, const struct ss_model *model);

/* `servsim models info`; argv[0] is "info". */
int ss_models_info(int argc, char **argv, const struct ss_lookup *lookup);

#endif
