/*
 * plugins/python/policy.c - from a file to an object: each instance has a module of its own, so that two replicas share
 * nothing by accident.
 */
#include <sys/stat.h>

#include "python/policy.h"

#define FILE_LIMIT (1 << 20)

/* ---- the file ---- */

/* Its text as bytes, NULL and a text. */
static PyObject *
read_file(const char *path, struct servsim_error *err)
{
    struct stat about;
    FILE *file = fopen(path, "re");
    PyObject *source = NULL;
    if (file == NULL || fstat(fileno(file), &about) != 0)
        (void)servsim_fail(err, errno, "%.400s cannot be read: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode) || about.st_size > FILE_LIMIT)
        (void)servsim_fail(err, EINVAL, "%.400s is no Python file of at most 1 MiB; name one", path);
    else if ((source = PyBytes_FromStringAndSize(NULL, about.st_size)) == NULL)
        PyErr_Clear();
    if (source != NULL && fread(PyBytes_AS_STRING(source), 1, (size_t)about.st_size, file) != (size_t)about.st_size) {
        (void)servsim_fail(err, EIO, "%.400s cannot be read whole; try again", path);
        Py_CLEAR(source);
    }
    if (file != NULL)
        (void)fclose(file);
    return source;
}

/* Code of a file, or NULL with a text. */
static PyObject *
compile_file(const struct policy *policy, const char *path, struct servsim_error *err)
{
    PyObject *source = read_file(path, err), *code = NULL;
    if (source == NULL)
        return NULL;
    if (strlen(PyBytes_AS_STRING(source)) != (size_t)PyBytes_GET_SIZE(source))
        (void)servsim_fail(err, EINVAL, "%.400s holds bytes that are no text", path);
    else if ((code = Py_CompileStringObject(PyBytes_AS_STRING(source), policy->file, Py_file_input, NULL, -1)) == NULL)
        (void)fail_raised(policy, "it does not compile", err);
    Py_DECREF(source);
    return code;
}

/* ---- the module ---- */

/* Known to Python under a name that no other has: some of its modules look for a class's module. */
static int
make_module(struct policy *policy, struct module_state *state)
{
    char name[40];
    (void)snprintf(name, sizeof name, "policy_%llu", (unsigned long long)++state->created);
    policy->module = PyModule_New(name);
    PyObject *space = policy->module != NULL ? PyModule_GetDict(policy->module) : NULL;
    if (space == NULL || PyDict_SetItemString(space, "__builtins__", PyEval_GetBuiltins()) != 0 ||
        PyDict_SetItemString(space, "__file__", policy->file) != 0)
        return -1;
    return PyDict_SetItemString(PyImport_GetModuleDict(), name, policy->module);
}

static void
forget_module(PyObject *module)
{
    PyObject *name = PyModule_GetNameObject(module);
    if (name != NULL)
        (void)PyDict_DelItem(PyImport_GetModuleDict(), name);
    Py_XDECREF(name);
    PyErr_Clear();
}

static int32_t
run_file(struct policy *policy, const char *path, struct servsim_error *err)
{
    PyObject *code = compile_file(policy, path, err);
    if (code == NULL)
        return -EINVAL;
    PyObject *space = PyModule_GetDict(policy->module), *done = PyEval_EvalCode(code, space, space);
    Py_DECREF(code);
    if (done == NULL)
        return fail_raised(policy, "it does not load", err);
    Py_DECREF(done);
    return 0;
}

/* ---- the object ---- */

/* Keyword arguments, as Python writes them, as a dict: what is no such text raises. */
static PyObject *
parse_options(const struct policy *policy, const char *text)
{
    PyObject *source = PyUnicode_FromFormat("dict(%s)", text != NULL ? text : "");
    const char *said = source != NULL ? PyUnicode_AsUTF8(source) : NULL;
    PyObject *space = PyModule_GetDict(policy->module);
    PyObject *options = said != NULL ? PyRun_String(said, Py_eval_input, space, space) : NULL;
    Py_XDECREF(source);
    if (options != NULL && !PyDict_Check(options)) {
        PyErr_SetString(PyExc_TypeError, "they are no keyword arguments");
        Py_CLEAR(options);
    }
    return options;
}

static int32_t
make_object(struct policy *policy, const char *options, struct servsim_error *err)
{
    char what[120];
    PyObject *class = PyObject_GetAttrString(policy->module, policy->class_name);
    if (class == NULL || !PyType_Check(class)) {
        Py_XDECREF(class);
        PyErr_Clear();
        return servsim_fail(err, EINVAL, "%.400s has no class %.60s; write one, or name another with 'class'",
                            PyUnicode_AsUTF8(policy->file), policy->class_name);
    }
    PyObject *keywords = parse_options(policy, options), *arguments = PyTuple_Pack(1, policy->first);
    (void)snprintf(what, sizeof what, keywords == NULL ? "options" : "%.60s()", policy->class_name);
    policy->object = keywords != NULL && arguments != NULL ? PyObject_Call(class, arguments, keywords) : NULL;
    Py_DECREF(class);
    Py_XDECREF(arguments);
    Py_XDECREF(keywords);
    return policy->object != NULL ? 0 : fail_raised(policy, what, err);
}

static int32_t
find_methods(struct policy *policy, struct servsim_error *err)
{
    for (int i = 0; i < METHODS && policy->table[i].name != NULL; i++) {
        policy->methods[i] = PyObject_GetAttrString(policy->object, policy->table[i].name);
        PyErr_Clear();
        if (policy->methods[i] == NULL && policy->table[i].required)
            return servsim_fail(err, EINVAL, "%.400s: class %.60s has no method %s(); write one",
                                PyUnicode_AsUTF8(policy->file), policy->class_name, policy->table[i].name);
    }
    return 0;
}

int32_t
policy_load(struct policy *policy, const struct servsim_create *args, struct servsim_error *err)
{
    const char *path = servsim_text(args, "file"), *class_name = servsim_text(args, "class");
    struct module_state *state = module_get();
    if (class_name != NULL)
        policy->class_name = class_name;
    policy->file = PyUnicode_DecodeFSDefault(path);
    if (state == NULL || policy->file == NULL || make_module(policy, state) != 0) {
        PyErr_Clear();
        return servsim_fail(err, ENOMEM, "no memory for a module");
    }
    state->living++;
    int32_t rc = run_file(policy, path, err);
    if (rc == 0)
        rc = make_object(policy, servsim_text(args, "options"), err);
    return rc == 0 ? find_methods(policy, err) : rc;
}

/* Classes refer to themselves, so what they hold waits for the collector; the last one out calls it. */
static void
collect_garbage(void)
{
    struct module_state *state = module_get();
    if (state != NULL && --state->living == 0)
        (void)PyGC_Collect();
    PyErr_Clear();
}

void
policy_free(struct policy *policy)
{
    int loaded = policy->module != NULL;
    while (policy->live != NULL)
        request_gone(policy->live);
    for (int i = 0; i < METHODS; i++)
        Py_CLEAR(policy->methods[i]);
    Py_CLEAR(policy->object);
    Py_CLEAR(policy->step);
    Py_CLEAR(policy->first);
    if (loaded)
        forget_module(policy->module);
    Py_CLEAR(policy->module);
    Py_CLEAR(policy->file);
    if (loaded)
        collect_garbage();
    free(policy);
}

/* ---- calls ---- */

PyObject *
policy_call(struct policy *policy, int method, PyObject *first, PyObject *second, struct servsim_error *err)
{
    char what[40];
    PyObject *const arguments[] = {first, second};
    PyObject *answer = PyObject_Vectorcall(policy->methods[method], arguments, second != NULL ? 2 : 1, NULL);
    if (answer != NULL)
        return answer;
    (void)snprintf(what, sizeof what, "%s()", policy->table[method].name);
    (void)fail_raised(policy, what, err);
    return NULL;
}

int32_t
policy_tell(struct policy *policy, int method, PyObject *first, PyObject *second, struct servsim_error *err)
{
    PyObject *answer = policy_call(policy, method, first, second, err);
    if (answer == NULL)
        return -EINVAL;
    int32_t rc = answer == Py_None ? 0 : fail_answer(policy, method, answer, "nothing", err);
    Py_DECREF(answer);
    return rc;
}

void
policy_tell_void(struct policy *policy, int method, PyObject *first, PyObject *second)
{
    struct servsim_error err = {.size = sizeof err};
    const struct servsim_host *host = policy->host;
    if (policy->methods[method] == NULL || policy_tell(policy, method, first, second, &err) == 0)
        return;
    if (SERVSIM_COVERS(host, struct servsim_host, fail) && host->fail != NULL)
        host->fail(host->ctx, err.text);
}
