# examples: plugins in three languages, with build files of their own; tests/install/examples.sh builds them. Policies
# in Python need none; tests/cli/python.sh runs them.
examplesdir = $(docdir)/examples
example_cdir = $(examplesdir)/c
example_cppdir = $(examplesdir)/cpp
example_rustdir = $(examplesdir)/rust
example_pythondir = $(examplesdir)/python
dist_examples_DATA = examples/README.md examples/check.mk
dist_example_c_DATA = examples/c/Makefile examples/c/experiment.yaml examples/c/sticky.c
dist_example_cpp_DATA = examples/cpp/Makefile examples/cpp/experiment.yaml examples/cpp/deadline.cpp
dist_example_rust_DATA = examples/rust/Makefile examples/rust/experiment.yaml examples/rust/by_length.rs \
	examples/rust/servsim.rs
dist_example_python_DATA = examples/python/experiment.yaml examples/python/least_work.py examples/python/shortest.py
