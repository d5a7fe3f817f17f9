# What every example does after it is built: NAME.so is tried, and an experiment must come out the same step by step.
SERVSIM ?= servsim
PKG_CONFIG ?= pkg-config

all: $(NAME).so

check: all
	$(SERVSIM) plugins check ./$(NAME).so
	$(SERVSIM) run --quiet --verify --output output/fast experiment.yaml
	$(SERVSIM) run --quiet --verify --stepwise --output output/stepwise experiment.yaml
	for each in output/fast/cells/*/; do \
	  cmp "$$each/requests.csv" "output/stepwise/cells/$$(basename "$$each")/requests.csv" || exit 1; \
	done

clean:
	rm -rf $(NAME).so output

.PHONY: all check clean
