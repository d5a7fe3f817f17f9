/*
 * plugins/python/interpreter.c - starts CPython, once in a process.
 *
 * Nothing of the user's surroundings decides: no environment variable, no user's folder of packages, no random hashes.
 */
#define _GNU_SOURCE /* dladdr() */

#include <dlfcn.h>

#include "python/policy.h"

/*
 * The host opens plugins so that nobody sees their symbols, and with them those of libpython. Python's own modules in C
 * (math, random, ...) are not linked with it and look for them, so it is opened once more, for all to see.
 */
static int32_t
show_symbols(struct servsim_error *err)
{
    Dl_info about;
    if (dladdr((void *)(uintptr_t)&Py_IsInitialized, &about) == 0)
        return servsim_fail(err, EINVAL, "Python's library is not found");
    if (dlopen(about.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD) == NULL)
        return servsim_fail(err, EINVAL, "Python's library: %s", dlerror());
    return 0;
}

static PyStatus
prepare(void)
{
    PyPreConfig config;
    PyPreConfig_InitIsolatedConfig(&config);
    config.utf8_mode = 1;
#ifdef __SANITIZE_ADDRESS__
    config.allocator = PYMEM_ALLOCATOR_MALLOC; /* what only Python's own pages point to would be taken for a leak */
#endif
    return Py_PreInitialize(&config);
}

static PyStatus
initialise(void)
{
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    config.write_bytecode = 0;
    config.pathconfig_warnings = 0;
    PyStatus status = PyConfig_SetBytesString(&config, &config.home, PYTHON_HOME);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

/* Standard output belongs to the program that the plugin is in; print() is for whoever writes a policy. */
static int
print_to_stderr(void)
{
    PyObject *out = PySys_GetObject("stderr");
    return out != NULL ? PySys_SetObject("stdout", out) : 0;
}

int32_t
interpreter_start(struct servsim_error *err)
{
    if (Py_IsInitialized())
        return 0;
    int32_t rc = show_symbols(err);
    if (rc != 0)
        return rc;
    PyStatus status = prepare();
    if (!PyStatus_Exception(status))
        status = initialise();
    if (PyStatus_Exception(status))
        return servsim_fail(err, EINVAL, "Python %s in %s does not start: %s", PY_VERSION, PYTHON_HOME,
                            status.err_msg != NULL ? status.err_msg : "it does not say why");
    (void)print_to_stderr();
    return 0;
}
