/*
 * cli/plugins.h - what the files of `servsim plugins` share.
 */
#ifndef SS_CLI_PLUGINS_H
#define SS_CLI_PLUGINS_H

#include <jansson.h>

#include "cli/cli.h"

/* Bytes that are no UTF-8 are shown as '?'. */
json_t *ss_text_json(const char *text);

/* Takes the value. Returns an exit status. */
int ss_print_json(json_t *value);

/* The kind of that name; 0 and a line on stderr where there is none. */
uint32_t ss_kind_or_complain(const char *name);

/* argv[0] is "check" or "new". */
int ss_plugins_check(int argc, char **argv, const struct ss_lookup *lookup);
int ss_plugins_new(int argc, char **argv, const struct ss_lookup *lookup);

#endif
