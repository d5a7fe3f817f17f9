# servsim_plugin.m4 - for the configure.ac of plugins for servsim. serial 1
#
# SERVSIM_PLUGIN([MINIMUM-VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
#
# Finds servsim's headers through pkg-config and substitutes
#   SERVSIM_CFLAGS           where servsim/plugin.h is
#   SERVSIM_PLUGIN_CFLAGS    nothing but the enumerator may be visible: -fvisibility=hidden
#   SERVSIM_PLUGIN_LDFLAGS   for libtool: a module that leaves no symbol to chance. automake takes a module's name only
#                            where it sees -module itself: foo_la_LDFLAGS = -module $(SERVSIM_PLUGIN_LDFLAGS)
#   servsim_plugindir        where this servsim looks for plugins; servsim_plugin_LTLIBRARIES installs there
# and the shell variables servsim_abi_major and servsim_abi_minor. A servsim outside /usr is found by
# PKG_CONFIG_PATH=PREFIX/lib/pkgconfig; this file itself by ACLOCAL_PATH=PREFIX/share/aclocal.
#
# Copying and distribution of this file, with or without modification, are permitted in any medium without royalty,
# provided that this notice stays. It comes without any warranty.
AC_DEFUN([SERVSIM_PLUGIN], [
    AC_REQUIRE([PKG_PROG_PKG_CONFIG])
    servsim_found=no
    PKG_CHECK_MODULES([SERVSIM], [servsim m4_ifnblank([$1], [>= $1])], [servsim_found=yes], [servsim_found=no])
    if test "x$servsim_found" = xyes; then
        servsim_abi_major=`$PKG_CONFIG --variable=abi_major servsim`
        servsim_abi_minor=`$PKG_CONFIG --variable=abi_minor servsim`
        AC_ARG_WITH([servsim-plugindir],
            [AS_HELP_STRING([--with-servsim-plugindir=DIR], [install the plugin in DIR, not in servsim's own folder])],
            [servsim_plugindir=$withval], [servsim_plugindir=`$PKG_CONFIG --variable=plugindir servsim`])
        SERVSIM_PLUGIN_CFLAGS=-fvisibility=hidden
        SERVSIM_PLUGIN_LDFLAGS='-module -avoid-version -shared -Wl,-z,defs'
        $2
    else
        m4_default([$3], [AC_MSG_ERROR([servsim's headers were not found; give PKG_CONFIG_PATH=PREFIX/lib/pkgconfig])])
    fi
    AC_SUBST([SERVSIM_PLUGIN_CFLAGS])
    AC_SUBST([SERVSIM_PLUGIN_LDFLAGS])
    AC_SUBST([servsim_plugindir])
])
