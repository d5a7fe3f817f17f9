/*
 * conform/exports.c - the dynamic symbols of a plugin's file. It was loaded before, so its headers are in order.
 *
 * Names that begin with '_' belong to the compiler and its run-time (_init, sanitizers, C++).
 */
#include "conform/exports.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>

#include "base/text.h"

#define FILE_LIMIT ((size_t)1 << 30)

struct image {
    char *data;
    size_t length;
};

/* `size` bytes at `at`, or NULL past the end. */
static const void *
at(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->length && size <= image->length - offset ? image->data + offset : NULL;
}

static int
is_export(const ElfW(Sym) * symbol, const char *name)
{
    unsigned bind = symbol->st_info >> 4, visibility = symbol->st_other & 3;
    return symbol->st_shndx != SHN_UNDEF && bind != STB_LOCAL && bind != STB_WEAK && visibility != STV_HIDDEN &&
           name[0] != '_' && strcmp(name, "servsim_plugin_at") != 0;
}

static int
check_symbols(const struct image *image, const ElfW(Shdr) * section, const ElfW(Shdr) * names,
              struct servsim_error *err)
{
    uint64_t count = section->sh_size / sizeof(ElfW(Sym)), others = 0;
    const char *strings = at(image, names->sh_offset, names->sh_size), *first = NULL;
    for (uint64_t i = 0; strings != NULL && i < count; i++) {
        ElfW(Sym) symbol;
        const void *place = at(image, section->sh_offset + i * sizeof symbol, sizeof symbol);
        if (place == NULL)
            break;
        memcpy(&symbol, place, sizeof symbol);
        if (symbol.st_name >= names->sh_size || !is_export(&symbol, strings + symbol.st_name))
            continue;
        first = others++ == 0 ? strings + symbol.st_name : first;
    }
    if (others == 0)
        return 0;
    char shown[104];
    (void)snprintf(shown, sizeof shown, "%.100s", first);
    ss_make_printable(shown);
    return servsim_fail(err, EPROTO, "it exports '%s'%s beside servsim_plugin_at; compile with -fvisibility=hidden",
                        shown, others > 1 ? " and more" : "");
}

int
ss_exports_check(const char *path, struct servsim_error *err)
{
    struct image image = {0};
    int rc = ss_file_read(path, FILE_LIMIT, &image.data, &image.length, err);
    const void *head = rc == 0 ? at(&image, 0, sizeof(ElfW(Ehdr))) : NULL;
    ElfW(Ehdr) about = {0};
    if (head != NULL)
        memcpy(&about, head, sizeof about);
    for (uint64_t i = 0; rc == 0 && i < about.e_shnum; i++) {
        ElfW(Shdr) section, names;
        const void *place = at(&image, about.e_shoff + i * sizeof section, sizeof section);
        if (place == NULL)
            break;
        memcpy(&section, place, sizeof section);
        place = at(&image, about.e_shoff + (uint64_t)section.sh_link * sizeof names, sizeof names);
        if (section.sh_type != SHT_DYNSYM || place == NULL)
            continue;
        memcpy(&names, place, sizeof names);
        rc = check_symbols(&image, &section, &names, err);
    }
    free(image.data);
    return rc;
}
