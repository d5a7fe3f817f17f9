# doc: the man pages, and what they and the README cite.

man_pages = \
	doc/man1/servsim.1 \
	doc/man5/servsim-profile.5 \
	doc/man5/servsim.yaml.5 \
	doc/man7/servsim-plugin.7
man_MANS += $(man_pages)
EXTRA_DIST += \
	doc/man1/servsim.1.in \
	doc/man5/servsim-profile.5.in \
	doc/man5/servsim.yaml.5.in \
	doc/man7/servsim-plugin.7.in
CLEANFILES += $(man_pages)

# Their date is that of the release, in the first line of NEWS.
$(man_pages): $(srcdir)/NEWS
	$(AM_V_GEN)$(MKDIR_P) $(@D) && date=`$(SED) -n '1s/.*(\(.*\)).*/\1/p' $(srcdir)/NEWS` && \
	$(SED) "1,9{s/[@]DATE@/$$date/;s/[@]VERSION@/$(VERSION)/;}" $(srcdir)/$@.in >$@.part && mv $@.part $@

doc/man1/servsim.1: $(srcdir)/doc/man1/servsim.1.in
doc/man5/servsim-profile.5: $(srcdir)/doc/man5/servsim-profile.5.in
doc/man5/servsim.yaml.5: $(srcdir)/doc/man5/servsim.yaml.5.in
doc/man7/servsim-plugin.7: $(srcdir)/doc/man7/servsim-plugin.7.in

dist_doc_DATA += \
	README.md \
	README.zh-CN.md \
	doc/architecture.md \
	doc/fidelity.md \
	doc/fuzzing.md \
	doc/performance.md \
	doc/plugin-guide.md \
	doc/published-runs.md \
	doc/throughput.png
