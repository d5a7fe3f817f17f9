# plugins/router: which replica a request goes to.
plugin_LTLIBRARIES += plugins/router_least_loaded.la
plugins_router_least_loaded_la_SOURCES = plugins/router/least_loaded/least_loaded.c plugins/router/common/tournament.h
plugins_router_least_loaded_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_least_loaded_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_least_loaded_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_round_robin.la
plugins_router_round_robin_la_SOURCES = plugins/router/round_robin/round_robin.c plugins/router/common/down.h
plugins_router_round_robin_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_round_robin_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_round_robin_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_random.la
plugins_router_random_la_SOURCES = plugins/router/random/random.c plugins/router/common/draw.h
plugins_router_random_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_random_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_random_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_power_of_two.la
plugins_router_power_of_two_la_SOURCES = plugins/router/power_of_two/power_of_two.c plugins/router/common/draw.h
plugins_router_power_of_two_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_power_of_two_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_power_of_two_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_least_tokens.la
plugins_router_least_tokens_la_SOURCES = plugins/router/least_tokens/least_tokens.c plugins/router/common/down.h
plugins_router_least_tokens_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_least_tokens_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_least_tokens_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_least_kv.la
plugins_router_least_kv_la_SOURCES = plugins/router/least_kv/least_kv.c plugins/router/common/down.h
plugins_router_least_kv_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_least_kv_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_least_kv_la_LDFLAGS = $(PLUGIN_LDFLAGS)

plugin_LTLIBRARIES += plugins/router_predictive.la
plugins_router_predictive_la_SOURCES = plugins/router/predictive/predictive.c plugins/router/common/tournament.h
plugins_router_predictive_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_router_predictive_la_CFLAGS = $(PLUGIN_CFLAGS)
plugins_router_predictive_la_LDFLAGS = $(PLUGIN_LDFLAGS)

check_PROGRAMS += plugins/router/least_loaded_test
plugins_router_least_loaded_test_SOURCES = plugins/router/least_loaded/least_loaded_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_least_loaded_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/least_loaded_test

check_PROGRAMS += plugins/router/round_robin_test
plugins_router_round_robin_test_SOURCES = plugins/router/round_robin/round_robin_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_round_robin_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/round_robin_test

check_PROGRAMS += plugins/router/random_test
plugins_router_random_test_SOURCES = plugins/router/random/random_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_random_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/random_test

check_PROGRAMS += plugins/router/power_of_two_test
plugins_router_power_of_two_test_SOURCES = plugins/router/power_of_two/power_of_two_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_power_of_two_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/power_of_two_test

check_PROGRAMS += plugins/router/least_tokens_test
plugins_router_least_tokens_test_SOURCES = plugins/router/least_tokens/least_tokens_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_least_tokens_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/least_tokens_test

check_PROGRAMS += plugins/router/least_kv_test
plugins_router_least_kv_test_SOURCES = plugins/router/least_kv/least_kv_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_least_kv_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/least_kv_test

check_PROGRAMS += plugins/router/predictive_test
plugins_router_predictive_test_SOURCES = plugins/router/predictive/predictive_test.c plugins/router/common/router_test.h \
	tests/unit/fake_host.h
plugins_router_predictive_test_LDADD = $(UNIT_LDADD) $(DL_LIBS) $(LIBM)
TESTS += plugins/router/predictive_test
