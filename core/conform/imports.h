/*
 * conform/imports.h - what a shared object asks of others.
 */
#ifndef SS_CONFORM_IMPORTS_H
#define SS_CONFORM_IMPORTS_H

#include "servsim/plugin.h"

/*
 * A file that calls for clocks, the environment, random numbers of the system or names of the machine is an error that
 * names these functions. 0: it calls for none. 1: it cannot be told, since something that was linked into the file asks
 * on its own account (the run-time of coverage and sanitizers, Rust's std); err says what.
 */
int ss_imports_check(const char *path, struct servsim_error *err);

#endif
