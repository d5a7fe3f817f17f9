/*
 * conform/laws.h - what the files of the kit share: a law, and the trial of one plugin.
 */
#ifndef SS_CONFORM_LAWS_H
#define SS_CONFORM_LAWS_H

#include "base/text.h"
#include "conform/conform.h"
#include "conform/toy.h"

#define SS_VARIANTS 16 /* by flags and choices */
#define SS_SETTINGS 48 /* those, and by numbers */

struct ss_watch;

/* A plugin under trial, in the process that tries one law. */
struct ss_trial {
    const struct ss_conform_request *asked;
    struct ss_plugin plugin;
    int beside_a_report; /* the file also holds one */
    struct ss_use use;   /* the options that were asked for, the rest as they stand */
    /* use, and the same with each flag turned and each other choice made, one at a time: variant_count of them. Behind
       these, up to setting_count, with each number small and large. Those that create() refuses are left out. */
    struct ss_use variants[SS_SETTINGS];
    char settings[SS_SETTINGS][96]; /* "option=value"; "" for use */
    size_t variant_count, setting_count;
    struct ss_model model;
    int takes_windows;            /* devices: the windows that random cells draw are put into the model */
    struct servsim_host host;     /* for instances without an engine */
    char logged[256];             /* the last line of it */
    const struct ss_watch *watch; /* values that create() is given in place of a use's; NULL: these */
    void (*midway)(void *ctx);    /* called in the middle of a transcript; NULL: not */
    void *midway_ctx;
};

/* 0: kept. SS_NOT_TRIED: left out, err says why. Negative: broken, err says how. */
#define SS_NOT_TRIED 1
typedef int (*ss_law_fn)(struct ss_trial *trial, struct servsim_error *err);

struct ss_law {
    const char *name; /* as it is printed: "fast-forward equals step by step" */
    ss_law_fn holds;
};

/* The laws of one kind beside those of all. */
struct ss_kind_laws {
    uint32_t kind;
    const struct ss_law *laws;
    size_t count;
    /* Uses an instance in a stated way and writes down what it answers; the middle of it calls trial->midway. NULL: the
       kind has no such way yet. */
    int (*transcript)(struct ss_trial *trial, struct ss_text *out, struct servsim_error *err);
};

extern const struct ss_kind_laws ss_hardware_laws, ss_scheduler_laws, ss_workload_laws, ss_router_laws, ss_report_laws,
    ss_predictor_laws;
extern const struct ss_law ss_common_laws[];
extern const size_t ss_common_law_count;

const struct ss_kind_laws *ss_laws_of(uint32_t kind);

/* ---- trial.c ---- */

int ss_trial_begin(struct ss_trial *trial, const struct ss_conform_request *asked,
                   const struct servsim_plugin *descriptor, struct servsim_error *err);
void ss_trial_add_variants(struct ss_trial *trial);
void ss_trial_end(struct ss_trial *trial);

/* Says why a law is not tried. */
int ss_not_tried(struct servsim_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Binds "option=value" pairs, the asked ones first. */
int ss_trial_bind(const struct ss_conform_request *asked, const struct ss_plugin *plugin, const char *extra,
                  struct ss_options *out, struct servsim_error *err);

/* An instance without an engine, in the context of its kind. create()'s own answer; err its own text. */
int ss_trial_create(struct ss_trial *trial, const struct ss_use *use, void **self, struct servsim_error *err);

/* Where two texts part: "request 7: queue_ms 1.5 / 2.5" in tables with a head, else "'LINE' and 'LINE'". */
void ss_trial_difference(const char *first, const char *second, char *out, size_t size);

/* ---- engine.c ---- */

/* A small cell, and what is special about it. */
struct ss_scene {
    const char *name; /* "prompts as long as the model"; random ones are called by their number */
    void (*set)(struct ss_toy *toy);
};

/* Puts the plugin under trial into the cell. */
void ss_scene_put(const struct ss_trial *trial, struct ss_toy *toy, size_t variant);

/* Random cell `number` has its own share of variants, every third one that of numbers: puts the plugin in, and answers
   with the setting, "" where there is none. */
const char *ss_scene_draw(const struct ss_trial *trial, struct ss_toy *toy, size_t number);

/* Simulates and adds all files of the result; *result may be NULL. The error is the engine's. */
int ss_scene_run(const struct ss_toy *toy, int stepwise, struct ss_text *out, struct ss_result *result,
                 struct servsim_error *err);

/* Fast-forward and step by step over random cells: the same bytes. */
int ss_scenes_equal(struct ss_trial *trial, uint64_t cells, struct servsim_error *err);

#endif
