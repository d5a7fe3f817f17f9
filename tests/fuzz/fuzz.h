/*
 * fuzz/fuzz.h - what the fuzz targets share: places, files made of bytes, and laws that hold of every answer.
 *
 * A target is one file with LLVMFuzzerTestOneInput(): it hands bytes to a reader of servsim and aborts where a law is
 * broken; memory errors and undefined behaviour are the sanitizers' to find. Linked with replay.c it reads its corpus
 * once, as a test; linked with libFuzzer it looks for more. See doc/fuzzing.md.
 */
#ifndef SS_FUZZ_H
#define SS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "experiment/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plugins, models and data of the build tree. Opened once, and kept: files of plugins are never unloaded. */
const struct ss_lookup *fuzz_lookup(void);

/* A regular file with these bytes; the path stays until the next call with the same number, below FUZZ_FILES. */
#define FUZZ_FILES 8
const char *fuzz_file(size_t number, const uint8_t *data, size_t size);

/* Aborts unless `rc` is 0, or negative with a line of text that a terminal can be shown. Prints it where the variable
   FUZZ_SHOW is set. */
void fuzz_check_answer(int rc, const struct servsim_error *err);

/* Says what went wrong, and aborts. */
void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
