/*
 * plugins/python/module.c - the module `servsim` that a policy can import: constants, and the types for isinstance().
 */
#include "python/policy.h"

#define TOP(kind_, help_, fields_)                                                                                     \
    {                                                                                                                  \
        "servsim." kind_, help_, fields_, sizeof(fields_) / sizeof((fields_)[0]) - 1                                   \
    }

static PyStructSequence_Field limits_fields[] = {
    {"max_num_seqs", "requests that may run at once"},
    {"max_num_batched_tokens", "tokens that a step may hold"},
    {"max_model_len", "tokens that a request may have"},
    {"block_size", "tokens of a KV block"},
    {"kv_blocks_total", "KV blocks of this replica"},
    {"replica", "its number, from 0"},
    {NULL, NULL},
};

static PyStructSequence_Field replica_fields[] = {
    {"waiting", "requests that do not run"},
    {"running", "requests that do"},
    {"prefill_tokens_left", "tokens not yet computed, those of waiting requests included"},
    {"kv_blocks_used", NULL},
    {"kv_blocks_total", NULL},
    {"block_size", "tokens of a KV block"},
    {NULL, NULL},
};

static PyStructSequence_Desc limits_about = TOP("Limits", "what the host enforces", limits_fields);
static PyStructSequence_Desc replica_about = TOP("Replica", "a replica at one instant", replica_fields);

PyObject *
limits_new(const struct servsim_scheduler_context *context)
{
    const uint64_t values[] = {context->max_num_seqs, context->max_num_batched_tokens, context->max_model_len,
                               context->block_size,   context->kv_blocks_total,        context->replica};
    const struct module_state *module = module_get();
    PyObject *limits = module != NULL ? PyStructSequence_New((PyTypeObject *)module->limits_type) : NULL;
    for (Py_ssize_t i = 0; limits != NULL && i < 6; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(values[i]);
        if (value == NULL) {
            Py_DECREF(limits);
            return NULL;
        }
        PyStructSequence_SetItem(limits, i, value);
    }
    return limits;
}

/* ---- the module ---- */

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "servsim",
    .m_doc = "what a policy needs of servsim",
    .m_size = sizeof(struct module_state),
};

static const struct {
    const char *name;
    uint64_t value;
} constants[] = {
    {"OK", SERVSIM_OK},
    {"NO_BLOCKS", SERVSIM_NO_BLOCKS},
    {"NO_BUDGET", SERVSIM_NO_BUDGET},
    {"NO_SLOT", SERVSIM_NO_SLOT},
    {"NO_HOST_BLOCKS", SERVSIM_NO_HOST_BLOCKS},
    {"WHOLE_PROMPT", SERVSIM_WHOLE_PROMPT},
    {"HOLD_PLACE", SERVSIM_HOLD_PLACE},
    {"RECOMPUTE", SERVSIM_RECOMPUTE},
    {"SWAP", SERVSIM_SWAP},
    {"PAUSE", SERVSIM_PAUSE},
    {"ASK_AGAIN", SERVSIM_ASK_AGAIN},
    {"DECISION_HOLDS", SERVSIM_DECISION_HOLDS},
    {"REJECT", SERVSIM_REJECT},
    {"FOREVER", SERVSIM_FOREVER},
};

/* Takes the reference. */
static int
add(PyObject *module, const char *name, PyObject *value)
{
    int rc = value != NULL ? PyObject_SetAttrString(module, name, value) : -1;
    Py_XDECREF(value);
    return rc;
}

static int
add_type(PyObject *module, const char *name, PyTypeObject *type)
{
    if (PyType_Ready(type) != 0)
        return -1;
    Py_INCREF(type);
    return add(module, name, (PyObject *)type);
}

static int
fill(PyObject *module)
{
    struct module_state *state = PyModule_GetState(module);
    int rc = 0;
    for (size_t i = 0; i < sizeof constants / sizeof constants[0] && rc == 0; i++)
        rc = add(module, constants[i].name, PyLong_FromUnsignedLongLong(constants[i].value));
    if (rc != 0 || add_type(module, "Request", &request_type) != 0 || add_type(module, "Step", &step_type) != 0 ||
        add_type(module, "Replicas", &replicas_type) != 0)
        return -1;
    state->limits_type = (PyObject *)PyStructSequence_NewType(&limits_about);
    state->replica_type = (PyObject *)PyStructSequence_NewType(&replica_about);
    return state->limits_type != NULL && state->replica_type != NULL ? 0 : -1;
}

static PyObject *
make(PyObject *modules)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && (fill(module) != 0 || PyDict_SetItemString(modules, "servsim", module) != 0))
        Py_CLEAR(module);
    return module;
}

struct module_state *
module_get(void)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *module = PyDict_GetItemString(modules, "servsim");
    if (module != NULL && (!PyModule_Check(module) || PyModule_GetDef(module) != &definition)) {
        PyErr_SetString(PyExc_ImportError, "something else calls itself servsim in this interpreter");
        return NULL;
    }
    if (module == NULL) {
        module = make(modules);
        Py_XDECREF(module); /* the interpreter keeps it */
    }
    return module != NULL ? PyModule_GetState(module) : NULL;
}
