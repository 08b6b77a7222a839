# What a newcomer types. `make demo` shows it, `make test` proves it.
# Everything they need is installed by scripts/setup; builds go to CARGO_TARGET_DIR (default: target/).

RECORDS ?= 146701
SEED    ?= 2013
DEMO    ?= demo
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: demo test lint bench setup

demo:
	@scripts/setup demo
	@echo "Building the release binary (a few minutes the first time) ..."
	@cargo build --release --locked --package kintsugi
	@scripts/demo "$(CARGO_TARGET_DIR)/release/kintsugi" "$(DEMO)" "$(RECORDS)" "$(SEED)" "$(NO_SERVE)"

test: 
	@scripts/setup test
	@scripts/test

lint:
	@scripts/test lint

bench:
	@scripts/setup demo
	@cargo build --release --locked --package kintsugi
	@scripts/bench "$(CARGO_TARGET_DIR)/release/kintsugi"
