/*
 * conform/symbols.c - reads the headers of a shared object. It was loaded before, so its program headers are in order;
 * nothing says so of its sections.
 */
#include "conform/symbols.h"

#include <elf.h>
#include <stdlib.h>

#include "base/text.h"

#define FILE_LIMIT ((size_t)1 << 30)

struct image {
    char *data;
    size_t length;
    ElfW(Ehdr) head;
};

/* `size` bytes at `offset`, or NULL past the end. */
static const char *
at(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->length && size <= image->length - offset ? image->data + offset : NULL;
}

static int
open_image(struct image *image, const char *path, struct servsim_error *err)
{
    memset(image, 0, sizeof *image);
    int rc = ss_file_read(path, FILE_LIMIT, &image->data, &image->length, err);
    const char *head = rc == 0 ? at(image, 0, sizeof image->head) : NULL;
    if (head != NULL)
        memcpy(&image->head, head, sizeof image->head);
    return rc;
}

/* Section `index`; 0 where there is none. */
static int
section_at(const struct image *image, uint64_t index, ElfW(Shdr) * out)
{
    const char *place = at(image, image->head.e_shoff + index * sizeof *out, sizeof *out);
    if (place == NULL)
        return 0;
    memcpy(out, place, sizeof *out);
    return 1;
}

static void
visit_section(const struct image *image, const ElfW(Shdr) * section, const ElfW(Shdr) * names, ss_symbol_fn visit,
              void *ctx)
{
    const char *strings = at(image, names->sh_offset, names->sh_size);
    uint64_t count = section->sh_size / sizeof(ElfW(Sym));
    for (uint64_t i = 0; strings != NULL && i < count; i++) {
        ElfW(Sym) symbol;
        const char *place = at(image, section->sh_offset + i * sizeof symbol, sizeof symbol);
        if (place == NULL)
            break;
        memcpy(&symbol, place, sizeof symbol);
        if (symbol.st_name < names->sh_size &&
            memchr(strings + symbol.st_name, '\0', names->sh_size - symbol.st_name) != NULL)
            visit(ctx, &symbol, strings + symbol.st_name);
    }
}

int
ss_symbols_visit(const char *path, uint32_t table, ss_symbol_fn visit, void *ctx, struct servsim_error *err)
{
    struct image image;
    ElfW(Shdr) section, names;
    int rc = open_image(&image, path, err);
    for (uint64_t i = 0; rc == 0 && i < image.head.e_shnum && section_at(&image, i, &section); i++)
        if (section.sh_type == table && section_at(&image, section.sh_link, &names))
            visit_section(&image, &section, &names, visit, ctx);
    free(image.data);
    return rc;
}

static int
is_of_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.' ||
           c == '-';
}

static int
visit_words(const char *text, uint64_t length, ss_word_fn visit, void *ctx)
{
    uint64_t begin = 0;
    int rc = 0;
    for (uint64_t i = 0; i < length && rc == 0; i++) {
        if (is_of_word((unsigned char)text[i]))
            continue;
        if (text[i] == '\0' && i > begin)
            rc = visit(ctx, text + begin);
        begin = i + 1;
    }
    return rc;
}

int
ss_words_visit(const char *path, ss_word_fn visit, void *ctx, struct servsim_error *err)
{
    struct image image;
    int rc = open_image(&image, path, err), answer = 0;
    for (uint64_t i = 0; rc == 0 && answer == 0 && i < image.head.e_phnum; i++) {
        ElfW(Phdr) segment;
        const char *place = at(&image, image.head.e_phoff + i * sizeof segment, sizeof segment);
        if (place == NULL)
            break;
        memcpy(&segment, place, sizeof segment);
        const char *text = segment.p_type == PT_LOAD ? at(&image, segment.p_offset, segment.p_filesz) : NULL;
        answer = text != NULL ? visit_words(text, segment.p_filesz, visit, ctx) : 0;
    }
    free(image.data);
    return rc;
}

/* Texts one behind another, each with its end. */
static int
has_line(const char *text, uint64_t length, const char *word)
{
    size_t wanted = strlen(word);
    for (uint64_t i = 0; i + wanted <= length; i++)
        if ((i == 0 || text[i - 1] == '\0') && memcmp(text + i, word, wanted) == 0)
            return 1;
    return 0;
}

int
ss_made_by(const char *path, const char *word)
{
    struct image image;
    ElfW(Shdr) section, names;
    int found = 0, rc = open_image(&image, path, NULL);
    for (uint64_t i = 0; rc == 0 && i < image.head.e_shnum && section_at(&image, i, &section); i++) {
        if (section.sh_type != SHT_PROGBITS || !section_at(&image, image.head.e_shstrndx, &names))
            continue;
        const char *name = at(&image, names.sh_offset + section.sh_name, sizeof ".comment");
        const char *text = at(&image, section.sh_offset, section.sh_size);
        if (name != NULL && text != NULL && memcmp(name, ".comment", sizeof ".comment") == 0)
            found |= has_line(text, section.sh_size, word);
    }
    free(image.data);
    return found;
}
