/*
 * cli/plugins_new.c - servsim plugins new: a small working start for a plugin, from the templates that ship.
 *
 * A template's files are copied with @NAME@, @ID@ (NAME as C takes it) and @KIND@ filled in, into a folder that is made
 * whole or not at all.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/plugins.h"

#define TEMPLATE_LIMIT ((size_t)1 << 20)
#define NAME_LIMIT 63

static const char usage[] =
    "usage: servsim plugins new KIND NAME\n"
    "\n"
    "Writes a small working plugin into the new folder NAME: source, Makefile (make, make check, make install), an\n"
    "experiment that uses it, and a README. KIND is hardware, scheduler, workload, router, predictor or report.\n";

struct start {
    const char *kind, *name;
    char id[NAME_LIMIT + 8];
    char part[NAME_LIMIT + 32]; /* the folder while it is being filled */
};

/* ---- filling in ---- */

static const char *
word_of(const struct start *start, const char *at, size_t *length)
{
    const struct {
        const char *mark, *word;
    } words[] = {{"@NAME@", start->name}, {"@ID@", start->id}, {"@KIND@", start->kind}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        *length = strlen(words[i].mark);
        if (strncmp(at, words[i].mark, *length) == 0)
            return words[i].word;
    }
    return NULL;
}

static void
fill_in(const struct start *start, const char *text, struct ss_text *out)
{
    while (*text != '\0') {
        size_t length;
        const char *word = *text == '@' ? word_of(start, text, &length) : NULL;
        if (word != NULL) {
            ss_text_puts(out, word);
            text += length;
            continue;
        }
        length = 1 + strcspn(text + 1, "@");
        ss_text_add(out, text, length);
        text += length;
    }
}

/* NAME.c.in becomes mine.c. */
static void
target_of(const struct start *start, const char *file, char *out, size_t size)
{
    if (strncmp(file, "NAME", 4) == 0)
        (void)snprintf(out, size, "%s/%s%s", start->part, start->name, file + 4);
    else
        (void)snprintf(out, size, "%s/%s", start->part, file);
    size_t length = strlen(out);
    if (length > 3 && strcmp(out + length - 3, ".in") == 0)
        out[length - 3] = '\0';
}

static int
write_one(const struct start *start, const char *folder, const char *file, struct servsim_error *err)
{
    char from[4096], to[512];
    struct ss_text text = {0};
    char *data = NULL;
    size_t length = 0;
    (void)snprintf(from, sizeof from, "%s/%s", folder, file);
    target_of(start, file, to, sizeof to);
    int rc = ss_file_read(from, TEMPLATE_LIMIT, &data, &length, err);
    if (rc == 0)
        fill_in(start, data, &text);
    if (rc == 0 && text.failed)
        rc = servsim_fail(err, ENOMEM, "out of memory");
    if (rc == 0)
        rc = ss_file_write(to, text.data, text.length, err);
    ss_text_free(&text);
    free(data);
    return rc;
}

static int
is_template(const struct dirent *item)
{
    return item->d_name[0] != '.';
}

static int
write_folder(const struct start *start, const char *folder, struct servsim_error *err)
{
    struct dirent **items = NULL;
    int rc = 0, count = scandir(folder, &items, is_template, alphasort);
    if (count < 0)
        return servsim_fail(err, errno, "there is no template for a %s plugin (%.600s: %s)", start->kind, folder,
                            strerror(errno));
    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = write_one(start, folder, items[i]->d_name, err);
        free(items[i]);
    }
    free(items);
    return rc;
}

static void
remove_part(const struct start *start)
{
    struct dirent **items = NULL;
    int count = scandir(start->part, &items, is_template, alphasort);
    for (int i = 0; i < count; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%.200s", start->part, items[i]->d_name);
        (void)unlink(path);
        free(items[i]);
    }
    free(items);
    (void)rmdir(start->part);
}

/* ---- the folder ---- */

static int
write_start(struct start *start, const char *templates, struct servsim_error *err)
{
    char folder[4096];
    (void)snprintf(start->part, sizeof start->part, "%s.part-%ld", start->name, (long)getpid());
    if (mkdir(start->part, 0777) != 0)
        return servsim_fail(err, errno, "%s: no folder can be made here: %s", start->part, strerror(errno));
    (void)snprintf(folder, sizeof folder, "%.4000s/common", templates);
    int rc = write_folder(start, folder, err);
    (void)snprintf(folder, sizeof folder, "%.4000s/%s", templates, start->kind);
    if (rc == 0)
        rc = write_folder(start, folder, err);
    if (rc == 0 && rename(start->part, start->name) != 0)
        rc = servsim_fail(err, errno, "%s: %s", start->name, strerror(errno));
    if (rc != 0)
        remove_part(start);
    return rc;
}

/* What a plugin may be called, less what a make target or a YAML file would stumble over. */
static int
name_is_fit(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_LIMIT || !isalnum((unsigned char)name[0]))
        return 0;
    for (size_t i = 0; i < length; i++)
        if ((name[i] & 0x80) || (!isalnum((unsigned char)name[i]) && strchr("_-.", name[i]) == NULL))
            return 0;
    return 1;
}

/* Words that C, or the headers that a start includes, have taken. */
static int
is_taken(const char *id)
{
    static const char words[] =
        " auto break case char const continue default do double else enum extern float for goto "
        "if inline int long register restrict return short signed sizeof static struct switch "
        "typedef union unsigned void volatile while errno stdin stdout stderr NULL EOF linux "
        "unix ";
    char word[NAME_LIMIT + 16];
    (void)snprintf(word, sizeof word, " %s ", id);
    return strstr(words, word) != NULL;
}

static void
make_id(struct start *start)
{
    int clashes = isdigit((unsigned char)start->name[0]) || is_taken(start->name);
    (void)snprintf(start->id, sizeof start->id, "%s%s", clashes ? "my_" : "", start->name);
    for (char *at = start->id; *at != '\0'; at++)
        if (*at == '-' || *at == '.')
            *at = '_';
}

/* By its name alone, a plugin that is installed already would be meant. */
static void
note_namesake(const struct start *start, uint32_t kind, const struct ss_lookup *lookup)
{
    struct servsim_error err = {.size = sizeof err};
    if (ss_registry_complete(lookup->registry, 0, &err) != 0)
        return;
    for (size_t i = 0; i < ss_registry_count(lookup->registry); i++) {
        const struct servsim_plugin *other = ss_registry_at(lookup->registry, i)->descriptor;
        if (other->kind == kind && strcasecmp(other->name, start->name) == 0)
            (void)fprintf(stderr,
                          "servsim: note: a %s plugin '%s' is installed already: name yours by its path, or choose "
                          "another name before make install\n",
                          start->kind, other->name);
    }
}

int
ss_plugins_new(int argc, char **argv, const struct ss_lookup *lookup)
{
    struct servsim_error err = {.size = sizeof err};
    char templates[4096];
    struct stat about;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return SS_EXIT_DONE;
    }
    if (argc != 3)
        return ss_complain_text("plugins new wants a kind and a name; write servsim plugins new scheduler mine");
    uint32_t kind = ss_kind_or_complain(argv[1]);
    struct start start = {.kind = ss_kind_name(kind), .name = argv[2]};
    if (start.kind == NULL)
        return SS_EXIT_BAD;
    if (!name_is_fit(start.name))
        return ss_complain_text(
            "'%.80s' is no name for a plugin: write 1 to %d letters, digits, '_', '-' and '.', the first a letter or a "
            "digit",
            argv[2], NAME_LIMIT);
    if (lstat(start.name, &about) == 0)
        return ss_complain_text("%s is there already; nothing was written", start.name);
    make_id(&start);
    (void)snprintf(templates, sizeof templates, "%.4000s/templates", lookup->data_dir);
    if (write_start(&start, templates, &err) != 0)
        return ss_complain(&err);
    note_namesake(&start, kind, lookup);
    (void)printf("%s: a %s plugin that works; go there, and make check\n", start.name, start.kind);
    return SS_EXIT_DONE;
}
