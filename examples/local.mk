# examples: plugins in three languages, with build files of their own; tests/install/examples.sh builds them.
examplesdir = $(docdir)/examples
example_cdir = $(examplesdir)/c
example_cppdir = $(examplesdir)/cpp
example_rustdir = $(examplesdir)/rust
dist_examples_DATA = examples/README.md examples/check.mk
dist_example_c_DATA = examples/c/Makefile examples/c/experiment.yaml examples/c/sticky.c
dist_example_cpp_DATA = examples/cpp/Makefile examples/cpp/experiment.yaml examples/cpp/deadline.cpp
dist_example_rust_DATA = examples/rust/Makefile examples/rust/experiment.yaml examples/rust/by_length.rs \
	examples/rust/servsim.rs
