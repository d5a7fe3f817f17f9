/*
 * conform/conform.h - the conformance kit: does a plugin keep the laws of its kind?
 *
 * The file is loaded, and each law tried, in a process of its own with a limit on time and memory, so that a crash, an
 * endless loop, exit() or a leak is a finding about one law and nothing else. The program that asks never loads it.
 */
#ifndef SS_CONFORM_H
#define SS_CONFORM_H

#include "experiment/experiment.h"

#define SS_LAW_KEPT 0u
#define SS_LAW_BROKEN 1u
#define SS_LAW_LEFT_OUT 2u /* does not apply, or cannot be tried here; the text says why */

struct ss_verdict {
    const char *law;
    uint32_t status; /* SS_LAW_* */
    double seconds;
    char text[1016]; /* what was found, or why it was left out */
};

/* One plugin of the file. */
struct ss_conformance {
    uint32_t kind;
    char name[65], version[64];
    struct ss_verdict *verdicts;
    size_t count;
};

struct ss_conform_request {
    const char *file;
    uint32_t kind;           /* 0: every kind that the file holds */
    const char *name;        /* NULL: every plugin that the file holds */
    const char *const *sets; /* "option=value" */
    size_t set_count;
    const char *law;   /* NULL: all; else those whose names hold it */
    const char *model; /* that a device prices for; NULL: llama-3.1-8b */
    double timeout_s;  /* of each law */
    const struct ss_lookup *lookup;
};

/*
 * Tries every plugin of the file. *out is the caller's (ss_conform_free). Fails where nothing can be tried: the file is
 * refused, an option is wrong or missing.
 */
int ss_conform(const struct ss_conform_request *request, struct ss_conformance **out, size_t *count,
               struct servsim_error *err);
void ss_conform_free(struct ss_conformance *plugins, size_t count);

/* The names of the laws of a kind, in the order in which they are tried, NULL after the last. */
const char *ss_conform_law(uint32_t kind, size_t index);

#endif
