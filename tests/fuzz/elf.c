/*
 * fuzz/elf.c - the file of a plugin: its header and segments before it is mapped, and the symbols that it exports.
 *
 * Nothing is loaded, since that would run what the file says.
 */
#include "conform/exports.h"
#include "conform/imports.h"
#include "fuzz.h"
#include "plugin/file.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct servsim_error err = {.size = sizeof err};
    const char *path = fuzz_file(0, data, size);
    fuzz_check_answer(ss_file_check(path, &err), &err);
    err.text[0] = '\0';
    fuzz_check_answer(ss_exports_check(path, &err), &err);
    err.text[0] = '\0';
    int rc = ss_imports_check(path, &err);
    fuzz_check_answer(rc == 1 ? 0 : rc, &err);
    return 0;
}
