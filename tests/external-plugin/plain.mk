# The same without autotools: make -f plain.mk
PKG_CONFIG = pkg-config
CFLAGS = -O2 -Wall -Wextra -Werror

scheduler_lcfs.so: lcfs.c
	$(CC) $(CFLAGS) $(shell $(PKG_CONFIG) --cflags servsim) -fPIC -fvisibility=hidden -shared -Wl,-z,defs -o $@ lcfs.c

install: scheduler_lcfs.so
	install -m 755 scheduler_lcfs.so $(DESTDIR)$(shell $(PKG_CONFIG) --variable=plugindir servsim)
