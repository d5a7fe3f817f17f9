/*
 * conform/options.c - the law "reads its options": what is declared is looked at, and what is looked for is declared.
 */
#include "conform/options.h"

#include "conform/symbols.h"
#include "conform/watch.h"
#include "plugin/table.h"

#define CANDIDATES 20000 /* texts of the file that may be the name that was looked for */
#define NAMES_LIMIT 8
#define NOBODY "\x7f none" /* no option is called so */

/* Names that create() looked for, and that are in no row. */
struct notes {
    char names[NAMES_LIMIT][65];
    size_t count;
    int searched;
};

/* One trial: the options that were asked for, and one more. */
struct scene {
    struct ss_trial *trial;
    struct ss_watch *watch;
    struct notes *notes;
    const struct ss_table *table;
    const char *assignment; /* NULL: none */
};

/* create() with these values; its answer does not matter here. 0, or -EINVAL where the host refuses them. */
static int
look(const struct scene *scene, const char *undeclared)
{
    struct servsim_error unheard = {.size = sizeof unheard};
    struct ss_trial *trial = scene->trial;
    struct ss_use use = {.plugin = &trial->plugin};
    void *self = NULL;
    int rc = ss_trial_bind(trial->asked, &trial->plugin, scene->assignment, &use.options, &unheard);
    if (rc == 0) {
        ss_watch_lay(scene->watch, &use.options, undeclared);
        trial->watch = scene->watch;
        int created = ss_trial_create(trial, &use, &self, &unheard);
        trial->watch = NULL;
        if (created >= 0)
            trial->plugin.descriptor->destroy(self);
    }
    ss_options_free(&use.options);
    return rc;
}

/* ---- every setting ---- */

/* Called for each setting until it answers other than 0. */
typedef int (*setting_fn)(const struct scene *scene, struct servsim_error *err);

static int
each_choice(struct scene *scene, const struct servsim_option *row, setting_fn visit, struct servsim_error *err)
{
    char assignment[256];
    int rc = 0;
    scene->assignment = assignment;
    for (const char *at = row->choices; *at != '\0' && rc == 0;) {
        size_t span = strcspn(at, "|");
        (void)snprintf(assignment, sizeof assignment, "%s=%.*s", row->name, (int)span, at);
        rc = visit(scene, err);
        at += span + (at[span] == '|');
    }
    return rc;
}

/* Both ends of what the row allows, where they are within reason, and a number beside the least. */
static int
each_number(struct scene *scene, const struct servsim_option *row, setting_fn visit, struct servsim_error *err)
{
    const double numbers[] = {row->minimum, row->minimum + 3, row->maximum};
    char assignment[160];
    int rc = 0;
    scene->assignment = assignment;
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        (void)snprintf(assignment, sizeof assignment, "%s=%.10g", row->name, numbers[i]);
        if (numbers[i] > -1e7 && numbers[i] < 1e7)
            rc = visit(scene, err);
    }
    return rc;
}

static int
each_flag(struct scene *scene, const struct servsim_option *row, setting_fn visit, struct servsim_error *err)
{
    static const char *const words[] = {"false", "true"};
    char assignment[160];
    int rc = 0;
    scene->assignment = assignment;
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        (void)snprintf(assignment, sizeof assignment, "%s=%s", row->name, words[i]);
        rc = visit(scene, err);
    }
    return rc;
}

/* The options as they stand, then every other value of every row, one at a time. */
static int
each_setting(struct scene *scene, const struct ss_table *table, setting_fn visit, struct servsim_error *err)
{
    scene->assignment = NULL;
    int rc = visit(scene, err);
    for (uint32_t i = 0; i < table->count && rc == 0; i++) {
        const struct servsim_option *row = ss_table_row(table, i);
        if (row->type == SERVSIM_OPTION_CHOICE)
            rc = each_choice(scene, row, visit, err);
        else if (row->type == SERVSIM_OPTION_FLAG)
            rc = each_flag(scene, row, visit, err);
        else if (row->type == SERVSIM_OPTION_INTEGER || row->type == SERVSIM_OPTION_NUMBER)
            rc = each_number(scene, row, visit, err);
        scene->assignment = NULL;
    }
    return rc;
}

/* ---- names that are in no row ---- */

struct search {
    const struct scene *scene;
    size_t tried;
};

static int
is_noted(const struct notes *notes, const char *name)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->names[i], name) == 0)
            return 1;
    return 0;
}

/* Is this text of the file what create() looks for? */
static int
try_name(void *ctx, const char *word)
{
    struct search *search = ctx;
    const struct scene *scene = search->scene;
    struct notes *notes = scene->notes;
    if (strlen(word) >= sizeof notes->names[0] || is_noted(notes, word))
        return 0;
    if (look(scene, word) == 0 && scene->watch->seen[scene->watch->count])
        (void)snprintf(notes->names[notes->count++], sizeof notes->names[0], "%s", word);
    return ++search->tried == CANDIDATES || notes->count == NAMES_LIMIT;
}

/* Names that are put together of a group and a field stand in no file: those of the groups and fields that there are.
 */
static void
try_fields(struct search *search, const struct ss_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        for (uint32_t j = 0; j < table->count; j++) {
            char word[65];
            const char *group = ss_table_row(table, i)->name, *field = strrchr(ss_table_row(table, j)->name, '.');
            const char *dot = strrchr(group, '.');
            if (dot == NULL || field == NULL || (size_t)(dot - group) + strlen(field) >= sizeof word)
                continue;
            (void)snprintf(word, sizeof word, "%.*s%s", (int)(dot - group), group, field);
            if (try_name(search, word) != 0)
                return;
        }
}

/* Whoever reads the values of everybody looks for nobody. */
static int
look_and_note(const struct scene *scene, struct servsim_error *err)
{
    struct search search = {scene, 0};
    const struct ss_watch *watch = scene->watch;
    if (look(scene, NOBODY) != 0 || !watch->passed)
        return 0;
    if (watch->seen[watch->count])
        return ss_not_tried(err, "create() reads every value, whatever its name");
    if (scene->notes->searched)
        return 0;
    scene->notes->searched = 1; /* once: what is looked for under one setting alone is rare, and a search is long */
    int rc = ss_words_visit(scene->trial->plugin.path, try_name, &search, err);
    if (rc == 0 && search.tried < CANDIDATES && scene->notes->count < NAMES_LIMIT)
        try_fields(&search, scene->table);
    return rc;
}

/* ---- the law ---- */

static void
list_names(const struct notes *notes, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < notes->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s'%s'", i > 0 ? ", " : "", notes->names[i]);
}

static int
judge(const struct ss_table *table, const struct ss_watch *watch, const struct notes *notes, struct servsim_error *err)
{
    char names[400];
    list_names(notes, names, sizeof names);
    for (uint32_t i = 0; i < table->count; i++)
        if (!watch->seen[i])
            return servsim_fail(err, EPROTO, "option '%s' is declared, and create() never reads it%s%s%s",
                                ss_table_row(table, i)->name, notes->count > 0 ? "; it looks for " : "", names,
                                notes->count > 0 ? ", not declared" : "");
    if (notes->count > 0)
        (void)servsim_fail(err, EPROTO,
                           "create() also looks for %s, not declared: right where it may be absent, else declare it",
                           names);
    return 0;
}

int
ss_reads_its_options(struct ss_trial *trial, struct servsim_error *err)
{
    char what[128];
    struct ss_table table = ss_table_of(trial->plugin.descriptor, what);
    struct ss_watch watch;
    struct notes notes = {0};
    struct scene scene = {.trial = trial, .watch = &watch, .notes = &notes, .table = &table};
    if (ss_watch_open(&watch, table.count) != 0)
        return servsim_fail(err, ENOMEM, "no memory to watch the options");
    int rc = each_setting(&scene, &table, look_and_note, err);
    if (rc == 0)
        rc = judge(&table, &watch, &notes, err);
    ss_watch_close(&watch);
    return rc;
}
