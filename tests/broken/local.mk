# tests/broken: plugins that are broken on purpose, one for each way to be broken, and two that are not. The tests
# copy them into folders of their own and let the registry look at them there.

noinst_HEADERS += tests/broken/fit.h

check_LTLIBRARIES += tests/broken/bad_bounds.la
tests_broken_bad_bounds_la_SOURCES = tests/broken/bad_bounds.c
tests_broken_bad_bounds_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_bad_bounds_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_bad_bounds_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/bad_default.la
tests_broken_bad_default_la_SOURCES = tests/broken/bad_default.c
tests_broken_bad_default_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_bad_default_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_bad_default_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/bad_name.la
tests_broken_bad_name_la_SOURCES = tests/broken/bad_name.c
tests_broken_bad_name_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_bad_name_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_bad_name_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/default_out_of_bounds.la
tests_broken_default_out_of_bounds_la_SOURCES = tests/broken/default_out_of_bounds.c
tests_broken_default_out_of_bounds_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_default_out_of_bounds_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_default_out_of_bounds_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/endless.la
tests_broken_endless_la_SOURCES = tests/broken/endless.c
tests_broken_endless_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_endless_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_endless_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/missing_op.la
tests_broken_missing_op_la_SOURCES = tests/broken/missing_op.c
tests_broken_missing_op_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_missing_op_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_missing_op_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/newer_minor.la
tests_broken_newer_minor_la_SOURCES = tests/broken/newer_minor.c
tests_broken_newer_minor_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_newer_minor_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_newer_minor_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/no_choices.la
tests_broken_no_choices_la_SOURCES = tests/broken/no_choices.c
tests_broken_no_choices_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_no_choices_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_no_choices_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/no_symbol.la
tests_broken_no_symbol_la_SOURCES = tests/broken/no_symbol.c
tests_broken_no_symbol_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_no_symbol_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_no_symbol_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/nonsense.la
tests_broken_nonsense_la_SOURCES = tests/broken/nonsense.c
tests_broken_nonsense_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_nonsense_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_nonsense_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/nothing.la
tests_broken_nothing_la_SOURCES = tests/broken/nothing.c
tests_broken_nothing_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_nothing_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_nothing_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_create.la
tests_broken_null_create_la_SOURCES = tests/broken/null_create.c
tests_broken_null_create_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_create_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_create_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_descriptor.la
tests_broken_null_descriptor_la_SOURCES = tests/broken/null_descriptor.c
tests_broken_null_descriptor_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_descriptor_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_descriptor_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_destroy.la
tests_broken_null_destroy_la_SOURCES = tests/broken/null_destroy.c
tests_broken_null_destroy_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_destroy_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_destroy_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_licence.la
tests_broken_null_licence_la_SOURCES = tests/broken/null_licence.c
tests_broken_null_licence_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_licence_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_licence_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_name.la
tests_broken_null_name_la_SOURCES = tests/broken/null_name.c
tests_broken_null_name_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_name_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_name_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_ops.la
tests_broken_null_ops_la_SOURCES = tests/broken/null_ops.c
tests_broken_null_ops_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_ops_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_ops_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/null_options.la
tests_broken_null_options_la_SOURCES = tests/broken/null_options.c
tests_broken_null_options_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_null_options_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_null_options_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/one_of_two.la
tests_broken_one_of_two_la_SOURCES = tests/broken/one_of_two.c
tests_broken_one_of_two_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_one_of_two_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_one_of_two_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/option_and_map.la
tests_broken_option_and_map_la_SOURCES = tests/broken/option_and_map.c
tests_broken_option_and_map_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_option_and_map_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_option_and_map_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/option_twice.la
tests_broken_option_twice_la_SOURCES = tests/broken/option_twice.c
tests_broken_option_twice_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_option_twice_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_option_twice_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/other_major.la
tests_broken_other_major_la_SOURCES = tests/broken/other_major.c
tests_broken_other_major_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_other_major_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_other_major_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/reserved_option.la
tests_broken_reserved_option_la_SOURCES = tests/broken/reserved_option.c
tests_broken_reserved_option_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_reserved_option_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_reserved_option_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/short_ops.la
tests_broken_short_ops_la_SOURCES = tests/broken/short_ops.c
tests_broken_short_ops_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_short_ops_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_short_ops_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/small_option.la
tests_broken_small_option_la_SOURCES = tests/broken/small_option.c
tests_broken_small_option_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_small_option_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_small_option_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/small_size.la
tests_broken_small_size_la_SOURCES = tests/broken/small_size.c
tests_broken_small_size_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_small_size_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_small_size_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/kit_options.la
tests_broken_kit_options_la_SOURCES = tests/broken/kit_options.c
tests_broken_kit_options_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_kit_options_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_kit_options_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/kit_predictor.la
tests_broken_kit_predictor_la_SOURCES = tests/broken/kit_predictor.c
tests_broken_kit_predictor_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_kit_predictor_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_kit_predictor_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/sound.la
tests_broken_sound_la_SOURCES = tests/broken/sound.c
tests_broken_sound_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_sound_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_sound_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/two_lines.la
tests_broken_two_lines_la_SOURCES = tests/broken/two_lines.c
tests_broken_two_lines_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_two_lines_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_two_lines_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/unknown_kind.la
tests_broken_unknown_kind_la_SOURCES = tests/broken/unknown_kind.c
tests_broken_unknown_kind_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_unknown_kind_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_unknown_kind_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/unknown_type.la
tests_broken_unknown_type_la_SOURCES = tests/broken/unknown_type.c
tests_broken_unknown_type_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_unknown_type_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_unknown_type_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/zero_size.la
tests_broken_zero_size_la_SOURCES = tests/broken/zero_size.c
tests_broken_zero_size_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_zero_size_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_zero_size_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

# Sound to look at, broken at work: what the conformance kit must find.
check_LTLIBRARIES += tests/broken/kit_scheduler.la
tests_broken_kit_scheduler_la_SOURCES = tests/broken/kit_scheduler.c
tests_broken_kit_scheduler_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_kit_scheduler_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_kit_scheduler_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/kit_others.la
tests_broken_kit_others_la_SOURCES = tests/broken/kit_others.c
tests_broken_kit_others_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_kit_others_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_kit_others_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)

check_LTLIBRARIES += tests/broken/kit_load.la
tests_broken_kit_load_la_SOURCES = tests/broken/kit_load.c
tests_broken_kit_load_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
tests_broken_kit_load_la_CFLAGS = $(PLUGIN_CFLAGS)
tests_broken_kit_load_la_LDFLAGS = $(CHECK_PLUGIN_LDFLAGS)
