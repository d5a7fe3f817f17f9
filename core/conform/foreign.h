/*
 * conform/foreign.h - models that nobody asked for: a device need not know them, but what it prices it prices by the
 * same laws. Each is special in one way, and of an ordinary size otherwise.
 */
#ifndef SS_CONFORM_FOREIGN_H
#define SS_CONFORM_FOREIGN_H

#include "model/model.h"

#define SS_FOREIGN_COUNT 4u
#define SS_FOREIGN_WINDOWED 0u

/* What is special about it, "a model with windows". */
const char *ss_foreign_name(size_t which);

void ss_foreign_make(struct ss_model *model, size_t which);

#endif
