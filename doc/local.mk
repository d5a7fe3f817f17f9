# doc: the man pages.

dist_man_MANS += \
	doc/man1/servsim.1 \
	doc/man5/servsim-profile.5 \
	doc/man5/servsim.yaml.5 \
	doc/man7/servsim-plugin.7

dist_doc_DATA += README.md doc/architecture.md doc/fuzzing.md doc/plugin-guide.md doc/throughput.png
