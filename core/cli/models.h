/*
 * cli/models.h - what the two forms of `servsim models` share.
 */
#ifndef SS_CLI_MODELS_H
#define SS_CLI_MODELS_H

#include <dirent.h>

#include <jansson.h>

#include "cli/cli.h"

/* The files of the models that ship, NAME.json, in the order of their bytes: how many, or -1 after a complaint. Each
   item and the array are the caller's. */
int ss_models_that_ship(const struct ss_lookup *lookup, struct dirent ***items);

/* All figures of one model; NULL where its name or path is no UTF-8. */
json_t *ss_model_json(const char *name, const struct ss_model *model);

/* `servsim models info`; argv[0] is "info". */
int ss_models_info(int argc, char **argv, const struct ss_lookup *lookup);

#endif
