/*
 * conform/watch.h - which of its options does a plugin look at? Values are laid so that each look is a page fault.
 *
 * Names can be read, since every search by name reads them; the rest of each value begins a page of its own, which
 * nobody may read until the fault is noted. Behind the last value stands one that the plugin has not declared, and that
 * a search reaches only when it looks for a name that is in no row. Only for a process that tries one law: signals are
 * the process's.
 */
#ifndef SS_CONFORM_WATCH_H
#define SS_CONFORM_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "servsim/plugin.h"

struct ss_options;

struct ss_watch {
    unsigned char *base;
    size_t page_bytes;
    uint32_t count; /* declared options */
    uint8_t *seen;  /* by value, the undeclared one last: 1 where more than its name was read */
    uint8_t passed; /* a search went by all declared names */
};

/* 0 or a negative errno. One at a time. */
int ss_watch_open(struct ss_watch *watch, uint32_t count);
void ss_watch_close(struct ss_watch *watch);

/* Lays out the values, for create(), and forgets `passed` and the undeclared one's look; those of the others add up.
   `undeclared` is the name behind them, and stays the caller's. */
void ss_watch_lay(struct ss_watch *watch, const struct ss_options *options, const char *undeclared);

/* What create() is given of it. */
void ss_watch_fill(const struct ss_watch *watch, struct servsim_create *args);

#endif
