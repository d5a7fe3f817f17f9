/*
 * cli/places.c - plugins, models, data and configs, found from where the executable is, so that an installed tree works
 * wherever it is moved to, and the build tree works without installing.
 */
#include <getopt.h>
#include <libgen.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"

static void
join(char *out, const char *folder, const char *rest)
{
    (void)snprintf(out, sizeof((struct ss_places *)0)->plugins, "%.3000s/%.1000s", folder, rest);
}

/* `rest` may begin with "../": nobody needs to read bin/../share in a message. The folder has no links in it. */
static void
join_relative(char *out, const char *folder, const char *rest)
{
    size_t length = strlen(folder);
    while (strncmp(rest, "../", 3) == 0 && length > 0) {
        rest += 3;
        while (length > 0 && folder[--length] != '/')
            ;
    }
    (void)snprintf(out, sizeof((struct ss_places *)0)->plugins, "%.*s/%.1000s", (int)(length < 3000 ? length : 3000),
                   folder, rest);
}

static void
in_build_tree(struct ss_places *places)
{
    join(places->plugins, SERVSIM_BUILDDIR, "plugins/.libs");
    join(places->models, SERVSIM_SRCDIR, "configs/models");
    join(places->data, SERVSIM_SRCDIR, "data");
    join(places->configs, SERVSIM_SRCDIR, "configs");
}

void
ss_places_find(struct ss_places *places)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    const char *folder = dirname(program);
    if (strcmp(folder, SERVSIM_BUILDDIR) == 0 || strcmp(folder, SERVSIM_BUILDDIR "/.libs") == 0) {
        in_build_tree(places);
        return;
    }
    join_relative(places->plugins, folder, SERVSIM_REL_PLUGINDIR);
    join_relative(places->models, folder, SERVSIM_REL_DATADIR "/configs/models");
    join_relative(places->data, folder, SERVSIM_REL_DATADIR "/data");
    join_relative(places->configs, folder, SERVSIM_REL_DATADIR "/configs");
}

const char *
ss_place(const struct ss_cli *cli, const char *name, char buffer[SS_PLACE_BYTES])
{
    size_t length = strlen(name);
    if (strncmp(name, "config:", 7) != 0)
        return name;
    int whole = length > 12 && strcmp(name + length - 5, ".yaml") == 0;
    (void)snprintf(buffer, SS_PLACE_BYTES, "%s/%.4000s%s", cli->places.configs, name + 7, whole ? "" : ".yaml");
    return buffer;
}

int
ss_bad_flag(int answer, char **argv, const struct option *options, const char *command)
{
    const char *flag = argv[optind - 1], *names[64], *nearest;
    char word[64];
    size_t count = 0;
    if (answer == ':')
        return ss_complain_text("%s wants a value; servsim %s --help lists the flags", flag, command);
    for (size_t i = 0; options[i].name != NULL && count < 64; i++)
        names[count++] = options[i].name;
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(flag, "="), flag);
    nearest = ss_nearest(word + strspn(word, "-"), names, count);
    if (nearest != NULL)
        return ss_complain_text("'%s' is not a flag; did you mean --%s? servsim %s --help lists them", word, nearest,
                                command);
    return ss_complain_text("'%s' is not a flag; servsim %s --help lists them", word, command);
}

int
ss_complain(const struct servsim_error *err)
{
    struct servsim_error shown = *err;
    ss_make_printable(shown.text); /* plugins may quote what they read */
    (void)fflush(stdout);
    (void)fprintf(stderr, "servsim: %s\n", shown.text);
    return SS_EXIT_BAD;
}

int
ss_complain_text(const char *format, ...)
{
    struct servsim_error err = {.size = sizeof err};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err.text, sizeof err.text, format, arguments);
    va_end(arguments);
    return ss_complain(&err);
}
