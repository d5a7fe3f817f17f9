/*
 * plugins/python/policy.h - what the files of this plugin share.
 *
 * There is one interpreter in a process, which stays until the process ends: modules written in C do not survive
 * another way. The host enters plugins from one thread, the one that began; it keeps the interpreter's lock.
 *
 * The types are static data, as CPython's own are. The file is never unloaded (-z nodelete), so they do not dangle.
 */
#ifndef SERVSIM_PYTHON_POLICY_H
#define SERVSIM_PYTHON_POLICY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <structseq.h>

#include "servsim/plugin.h"

#define METHODS 4

/* A method of the class that a policy is. */
struct method {
    const char *name;
    int required;
};

/* One instance: a module of its own, made from the file, and an object of a class in it. */
struct policy {
    const struct servsim_host *host;
    const struct method *table;
    const char *class_name; /* of the option, or the kind's own; create() only */
    PyObject *file;         /* its path, text */
    PyObject *module;
    PyObject *object;
    PyObject *methods[METHODS]; /* bound; NULL where the class has none */
    PyObject *first;            /* what the class is made with: limits, or replicas */
    PyObject *step;             /* schedulers */
    struct request_object *live;
};

/* ---- interpreter.c ---- */

int32_t interpreter_start(struct servsim_error *err);

/* ---- module.c: the module `servsim` ---- */

struct module_state {
    uint64_t created, living; /* policies */
    PyObject *limits_type, *replica_type;
};

/* Ready in sys.modules, made where it is not; NULL and a Python exception. Lives as long as the interpreter. */
struct module_state *module_get(void);

/* ---- policy.c ---- */

/* Reads the file, makes the module and the object: 0, or a negative errno with a text. */
int32_t policy_load(struct policy *policy, const struct servsim_create *args, struct servsim_error *err);
void policy_free(struct policy *policy);

/* Calls a method with one or two arguments (the second may be NULL): a new reference, or NULL with a text. */
PyObject *policy_call(struct policy *policy, int method, PyObject *first, PyObject *second, struct servsim_error *err);
/* The same for methods that answer nothing: 0 or a negative errno. */
int32_t policy_tell(struct policy *policy, int method, PyObject *first, PyObject *second, struct servsim_error *err);
/* The same where the host takes no answer: a failure ends the cell all the same. */
void policy_tell_void(struct policy *policy, int method, PyObject *first, PyObject *second);

/* ---- errors.c ---- */

/* Takes the exception that is set into the text, with file and line: -EINVAL. */
int32_t fail_raised(const struct policy *policy, const char *what, struct servsim_error *err);
/* A method's answer is of no use; `wanted` says what is. */
int32_t fail_answer(const struct policy *policy, int method, PyObject *answer, const char *wanted,
                    struct servsim_error *err);

/* ---- request.c ---- */

struct request_object {
    PyObject_HEAD PyObject *attributes; /* whatever a policy sets on it */
    struct servsim_request *request;    /* NULL once it is gone */
    struct policy *policy;
    struct request_object *previous, *next;
    uint64_t id;
};

extern PyTypeObject request_type;

/* The list of live requests owns one reference, until request_gone(). */
struct request_object *request_new(struct policy *policy, const struct servsim_request *request);
void request_gone(struct request_object *object);

/* ---- step.c, replicas.c ---- */

struct step_object {
    PyObject_HEAD struct servsim_step *step; /* NULL outside of plan() */
    struct policy *policy;
    int32_t answer; /* of the service called last */
};

struct replicas_object {
    PyObject_HEAD const struct servsim_host *host; /* NULL once the router is gone */
    PyObject *replica_type;
    uint32_t count;
    int asked; /* within route() or leave(): the states can be seen */
};

extern PyTypeObject step_type, replicas_type;

PyObject *step_new(struct policy *policy);
PyObject *replicas_new(struct policy *policy, const struct servsim_router_context *context);
PyObject *limits_new(const struct servsim_scheduler_context *context);

/* Picoseconds of a time, exactly. */
PyObject *time_ps(int64_t seconds, int64_t picoseconds);

#endif
