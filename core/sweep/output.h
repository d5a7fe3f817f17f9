/*
 * sweep/output.h - the output folder: made, checked, and left without anything half-written.
 */
#ifndef SS_SWEEP_OUTPUT_H
#define SS_SWEEP_OUTPUT_H

#include <sys/types.h>

#include "servsim/plugin.h"

/* Makes DIR and DIR/cells where they are missing, and checks that files can be written there. */
int ss_output_prepare(const char *dir, struct servsim_error *err);

/* Removes DIR/cells and DIR where they are empty: a run that wrote nothing leaves nothing. */
void ss_output_unprepare(const char *dir);

/* Removes what workers of an earlier, killed run have left of a cell under temporary names; NULL: of any cell. */
void ss_output_clear_leftovers(const char *dir, const char *cell);

/* Waits until no other process holds the folder; a file system without locks lets all in. Give it back with
   ss_output_unlock(). */
int ss_output_lock(const char *dir);
void ss_output_unlock(const char *dir, int lock);

/*
 * A fresh folder for a cell under a temporary name. The name carries the worker's process id: a worker of a killed run
 * may be alive for another moment, and must not meet one of the run that follows.
 */
int ss_output_begin_cell(const char *dir, const char *cell, pid_t worker, char *path, size_t size,
                         struct servsim_error *err);

/* The temporary folder becomes cells/CELL, in place of an older one. */
int ss_output_commit_cell(const char *dir, const char *cell, pid_t worker, struct servsim_error *err);

/* Removes the temporary folder, if it is there. */
void ss_output_drop_cell(const char *dir, const char *cell, pid_t worker);

#endif
