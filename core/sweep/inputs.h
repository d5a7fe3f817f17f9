/*
 * sweep/inputs.h - has anything changed that a cell's result depends on?
 */
#ifndef SS_SWEEP_INPUTS_H
#define SS_SWEEP_INPUTS_H

#include "experiment/experiment.h"

/* Hashes of files met so far: a trace that a hundred cells share is read once. Zero-initialise. */
struct ss_inputs {
    struct ss_input_file *files;
    size_t count;
};

/*
 * A hash of all that a cell's result depends on: its resolved configuration, the model's file, every file that an
 * option names, the plugins' files, and servsim's version. 64-bit FNV-1a: meant to notice changes, not to resist
 * people.
 */
int ss_inputs_hash(struct ss_inputs *inputs, const struct ss_cell *cell, uint64_t *hash, struct servsim_error *err);
void ss_inputs_free(struct ss_inputs *inputs);

#endif
