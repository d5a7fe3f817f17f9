/*
 * conform/exports.h - what a shared object shows to others.
 */
#ifndef SS_CONFORM_EXPORTS_H
#define SS_CONFORM_EXPORTS_H

#include "servsim/plugin.h"

/* The one symbol of a plugin is servsim_plugin_at: anything else that the file exports is an error that names it. */
int ss_exports_check(const char *path, struct servsim_error *err);

#endif
