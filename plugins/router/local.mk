# plugins/router: which replica a request goes to.
plugin_LTLIBRARIES += plugins/router_least_loaded.la
plugins_router_least_loaded_la_SOURCES = plugins/router/least_loaded/least_loaded.c
plugins_router_least_loaded_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_least_loaded_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_least_loaded_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_round_robin.la
plugins_router_round_robin_la_SOURCES = plugins/router/round_robin/round_robin.c
plugins_router_round_robin_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_round_robin_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_round_robin_la_LDFLAGS = $(PLUGIN_LDFLAGS)

check_PROGRAMS += plugins/router/least_loaded_test
plugins_router_least_loaded_test_SOURCES = plugins/router/least_loaded/least_loaded_test.c tests/unit/fake_host.h
plugins_router_least_loaded_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/router/least_loaded_test

check_PROGRAMS += plugins/router/round_robin_test
plugins_router_round_robin_test_SOURCES = plugins/router/round_robin/round_robin_test.c tests/unit/fake_host.h
plugins_router_round_robin_test_LDADD = $(UNIT_LDADD) $(DL_LIBS)
TESTS += plugins/router/round_robin_test
