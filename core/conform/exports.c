/*
 * conform/exports.c - what a plugin's file shows to others.
 *
 * Names that begin with '_' belong to the compiler and its run-time (_init, sanitizers, C++).
 */
#include "conform/exports.h"

#include <elf.h>

#include "base/text.h"
#include "conform/symbols.h"

struct exported {
    uint64_t others; /* beside servsim_plugin_at */
    char first[104];
};

static void
note(void *ctx, const ElfW(Sym) * symbol, const char *name)
{
    struct exported *exported = ctx;
    unsigned bind = symbol->st_info >> 4, visibility = symbol->st_other & 3;
    if (symbol->st_shndx == SHN_UNDEF || bind == STB_LOCAL || bind == STB_WEAK || visibility == STV_HIDDEN ||
        name[0] == '_' || strcmp(name, "servsim_plugin_at") == 0)
        return;
    if (exported->others++ == 0)
        (void)snprintf(exported->first, sizeof exported->first, "%.100s", name);
}

int
ss_exports_check(const char *path, struct servsim_error *err)
{
    struct exported exported = {0};
    int rc = ss_symbols_visit(path, SHT_DYNSYM, note, &exported, err);
    if (rc != 0 || exported.others == 0)
        return rc;
    ss_make_printable(exported.first);
    return servsim_fail(err, EPROTO, "it exports '%s'%s beside servsim_plugin_at; compile with -fvisibility=hidden",
                        exported.first, exported.others > 1 ? " and more" : "");
}
