/*
 * conform/symbols.h - the symbols of a shared object, its texts, and what it says of its making.
 */
#ifndef SS_CONFORM_SYMBOLS_H
#define SS_CONFORM_SYMBOLS_H

#include <link.h>

#include "servsim/plugin.h"

/* Called for each symbol; its name ends within the file. */
typedef void (*ss_symbol_fn)(void *ctx, const ElfW(Sym) * symbol, const char *name);

/* The symbols of one table: SHT_DYNSYM, what the loader sees; SHT_SYMTAB, all of them, where the file still has it.
   Every byte of the file may be wrong: what lies outside of it is passed over. 0 or -errno of reading it. */
int ss_symbols_visit(const char *path, uint32_t table, ss_symbol_fn visit, void *ctx, struct servsim_error *err);

/* Called for each text that is loaded with the file and made of letters, digits, '_', '.' and '-' alone, until it
   answers other than 0. */
typedef int (*ss_word_fn)(void *ctx, const char *word);
int ss_words_visit(const char *path, ss_word_fn visit, void *ctx, struct servsim_error *err);

/* 1 where the notes of compilers in the file (.comment) begin one line with `word`. */
int ss_made_by(const char *path, const char *word);

#endif
