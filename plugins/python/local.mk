# plugins/python: a scheduler and a router whose policy is a Python file. Built where configure found Python.
# It is never unloaded: types of Python's live in it.
if PYTHON
plugin_LTLIBRARIES += plugins/python.la
endif
plugins_python_la_SOURCES = plugins/python/errors.c plugins/python/interpreter.c plugins/python/module.c \
	plugins/python/policy.c plugins/python/policy.h plugins/python/python.c plugins/python/replicas.c \
	plugins/python/request.c plugins/python/step.c
plugins_python_la_CPPFLAGS = $(PLUGIN_CPPFLAGS) $(PYTHON_CFLAGS) -DPYTHON_HOME='"$(PYTHON_HOME)"'
plugins_python_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_python_la_LDFLAGS = $(PLUGIN_LDFLAGS) -Wl,-z,nodelete
plugins_python_la_LIBADD = $(PYTHON_LIBS) $(DL_LIBS)
