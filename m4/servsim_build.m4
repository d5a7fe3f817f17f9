dnl servsim_build.m4 - the macros of servsim's own configure.ac. Not installed.

dnl SS_NEED_COMPILER: says which package to install where there is no compiler at all, before AC_PROG_CC gives up.
AC_DEFUN([SS_NEED_COMPILER], [
    AS_IF([test "x$CC" = x], [
        ss_compiler=no
        for ss_try in gcc cc clang; do
            AS_IF([command -v $ss_try >/dev/null 2>&1], [ss_compiler=$ss_try; break])
        done
        AS_IF([test $ss_compiler = no],
            [AC_MSG_ERROR([no C compiler was found; Debian: apt-get install gcc libc6-dev])])
    ])
])

dnl SS_COMPILER_FLAGS(VARIABLE, FLAGS): those of FLAGS that the compiler takes without a murmur.
AC_DEFUN([SS_COMPILER_FLAGS], [
    $1=
    for ss_flag in $2; do
        AC_MSG_CHECKING([whether $CC takes $ss_flag])
        ss_saved=$CFLAGS
        CFLAGS="$CFLAGS -Werror $ss_flag"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [ss_takes=yes; $1="$$1 $ss_flag"], [ss_takes=no])
        CFLAGS=$ss_saved
        AC_MSG_RESULT([$ss_takes])
    done
    AC_SUBST([$1])
])

dnl SS_LINK_DEFS(VARIABLE): -Wl,-z,defs where a shared object can be linked so. clang's AddressSanitizer cannot.
AC_DEFUN([SS_LINK_DEFS], [
    AC_MSG_CHECKING([whether shared objects link with -z defs])
    ss_saved_cflags=$CFLAGS
    ss_saved_ldflags=$LDFLAGS
    CFLAGS="$CFLAGS -fPIC"
    LDFLAGS="$LDFLAGS -shared -Wl,-z,defs"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[#include <stdlib.h>
int ss_probe(int *values, int at);
int ss_probe(int *values, int at) { return abs(values[at]) + 1; }]])],
        [$1=-Wl,-z,defs; AC_MSG_RESULT([yes])], [$1=; AC_MSG_RESULT([no])])
    CFLAGS=$ss_saved_cflags
    LDFLAGS=$ss_saved_ldflags
    AC_SUBST([$1])
])

dnl SS_MISSING(WHAT, DEBIAN-PACKAGE): remembers for SS_REPORT_MISSING.
AC_DEFUN([SS_MISSING], [
    ss_missing="$ss_missing${ss_missing:+, }$1"
    ss_packages="$ss_packages${ss_packages:+ }$2"
])

AC_DEFUN([SS_REPORT_MISSING], [
    AS_IF([test "x$ss_missing" != x],
        [AC_MSG_ERROR([missing: $ss_missing. On Debian and Ubuntu: apt-get install $ss_packages])])
])

dnl SS_LIBRARY_OF(VARIABLE, FUNCTION, LIBRARY): sets VARIABLE to -lLIBRARY where FUNCTION needs it. Leaves LIBS alone.
AC_DEFUN([SS_LIBRARY_OF], [
    ss_saved=$LIBS
    AC_SEARCH_LIBS([$2], [$3])
    $1=
    AS_CASE([$ac_cv_search_$2], [-l*], [$1=$ac_cv_search_$2])
    LIBS=$ss_saved
    AC_SUBST([$1])
])

dnl SS_CHECK_LIBCSV(IF-FOUND, IF-NOT): libcsv has no pkg-config file.
AC_DEFUN([SS_CHECK_LIBCSV], [
    AC_ARG_VAR([LIBCSV_LIBS], [linker flags for libcsv])
    ss_csv=no
    AC_CHECK_HEADER([csv.h], [AC_CHECK_LIB([csv], [csv_init], [ss_csv=yes], [], [$LIBCSV_LIBS])])
    AS_IF([test $ss_csv = yes], [
        AS_IF([test "x$LIBCSV_LIBS" = x], [LIBCSV_LIBS=-lcsv])
        $1
    ], [$2])
])

dnl SS_RELATIVE(VARIABLE, TO, FROM): the path from folder FROM to TO, both as configure knows them.
AC_DEFUN([SS_RELATIVE], [
    ss_saved_prefix=$prefix
    ss_saved_exec_prefix=$exec_prefix
    AS_IF([test "x$prefix" = xNONE], [prefix=$ac_default_prefix])
    AS_IF([test "x$exec_prefix" = xNONE], [exec_prefix=$prefix])
    # Variables nest, datadir within datarootdir within prefix: expand until nothing is left.
    ss_to="$2"; ss_from="$3"
    for ss_round in 1 2 3 4; do eval "ss_to=\"$ss_to\""; eval "ss_from=\"$ss_from\""; done
    prefix=$ss_saved_prefix
    exec_prefix=$ss_saved_exec_prefix
    $1=`printf '%s\n%s\n' "$ss_from" "$ss_to" | $AWK '
        { gsub(/\/+/, "/"); sub(/\/$/, ""); path@<:@NR@:>@ = @S|@0 }
        END {
            from = split(path@<:@1@:>@, a, "/"); to = split(path@<:@2@:>@, b, "/")
            same = 1
            while (same <= from && same <= to && a@<:@same@:>@ == b@<:@same@:>@) same++
            for (i = same; i <= from; i++) out = out "../"
            for (i = same; i <= to; i++) out = out b@<:@i@:>@ "/"
            if (out == "") out = "./"
            sub(/\/$/, "", out); print out
        }'`
    AC_SUBST([$1])
])

dnl SS_PYTHON_FLAGS: PYTHON_CFLAGS, PYTHON_LIBS and PYTHON_HOME of the Python that $PYTHON_CONFIG or pkg-config names.
AC_DEFUN([SS_PYTHON_FLAGS], [
    AC_ARG_VAR([PYTHON_CONFIG], [python3-config of the Python that runs policies])
    AC_CHECK_PROGS([PYTHON_CONFIG], [python3-config], [no])
    AS_IF([test "x$PYTHON_CONFIG" != xno], [
        PYTHON_CFLAGS=`$PYTHON_CONFIG --includes 2>/dev/null`
        PYTHON_LIBS=`$PYTHON_CONFIG --embed --ldflags 2>/dev/null`
        PYTHON_HOME=`$PYTHON_CONFIG --prefix 2>/dev/null`
    ], [
        PYTHON_CFLAGS=`$PKG_CONFIG --cflags python3-embed 2>/dev/null`
        PYTHON_LIBS=`$PKG_CONFIG --libs python3-embed 2>/dev/null`
        PYTHON_HOME=`$PKG_CONFIG --variable=prefix python3-embed 2>/dev/null`
    ])
    # warnings in its headers are not ours
    PYTHON_CFLAGS=`AS_ECHO(["$PYTHON_CFLAGS"]) | sed 's/-I *\//-isystem \//g'`
    AC_SUBST([PYTHON_CFLAGS])
    AC_SUBST([PYTHON_LIBS])
    AC_SUBST([PYTHON_HOME])
])

dnl SS_PYTHON_RUNS(IF-SO, IF-NOT): does it start when it is embedded, and is it a shared library? Modules in C need one.
AC_DEFUN([SS_PYTHON_RUNS], [
    AC_MSG_CHECKING([whether Python 3.9 or later can be embedded])
    ss_saved_cflags=$CFLAGS
    ss_saved_libs=$LIBS
    CFLAGS="$CFLAGS $PYTHON_CFLAGS"
    LIBS="$PYTHON_LIBS $DL_LIBS $LIBS"
    # what the interpreter keeps until the end is no leak of ours, where CFLAGS ask for a sanitizer
    ss_saved_asan=$ASAN_OPTIONS
    ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
    export ASAN_OPTIONS
    AC_RUN_IFELSE([AC_LANG_PROGRAM([[#define _GNU_SOURCE
#include <Python.h>
#include <dlfcn.h>
#include <string.h>
#if PY_VERSION_HEX < 0x03090000
#error too old
#endif]], [[
    Dl_info about;
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    PyConfig_SetBytesString(&config, &config.home, "$PYTHON_HOME");
    if (PyStatus_Exception(Py_InitializeFromConfig(&config)) || PyRun_SimpleString("import math, heapq, random") != 0)
        return 1;
    return dladdr((void *)&Py_IsInitialized, &about) == 0 || strstr(about.dli_fname, "libpython") == NULL;]])],
        [ss_python=yes], [ss_python=no], [ss_python=yes])
    CFLAGS=$ss_saved_cflags
    LIBS=$ss_saved_libs
    ASAN_OPTIONS=$ss_saved_asan
    AC_MSG_RESULT([$ss_python])
    AS_IF([test $ss_python = yes], [$1], [$2])
])

dnl SS_WITH_PYTHON: --with-python, the conditional PYTHON, and $python_about for the last lines of configure.
AC_DEFUN([SS_WITH_PYTHON], [
    AC_ARG_WITH([python],
        [AS_HELP_STRING([--with-python=auto|yes|no],
            [schedulers and routers whose policy is a Python file (needs python3-dev) @<:@auto@:>@])],
        [], [with_python=auto])
    python_about="not built, as asked"
    ss_python=no
    AS_IF([test "x$with_python" != xno], [
        python_about="not built: apt-get install python3-dev, then configure again"
        SS_PYTHON_FLAGS
        AS_IF([test "x$PYTHON_LIBS" != x], [
            SS_PYTHON_RUNS([python_about="built, with the Python in $PYTHON_HOME"],
                [python_about="not built: the Python in $PYTHON_HOME cannot be embedded (config.log says more)"])
        ])
        AS_IF([test "x$with_python$ss_python" = xyesno],
            [AC_MSG_ERROR([--with-python: no shared library of Python 3.9 or later; Debian: apt-get install python3-dev])])
    ])
    AM_CONDITIONAL([PYTHON], [test $ss_python = yes])
])
