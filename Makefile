# What a newcomer types. `make demo` shows it, `make test` proves it.
# Everything they need is installed by scripts/setup; builds go to CARGO_TARGET_DIR (default: target/).

RECORDS ?= 146701
SEED    ?= 2013
DEMO    ?= demo
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: demo test lint bench setup score range fuzz

demo:
	@scripts/setup demo
	@echo "Building (a few minutes the first time) ..."
	@cargo build --profile demo --locked --package kintsugi --no-default-features
	@scripts/demo "$(CARGO_TARGET_DIR)/demo/kintsugi" "$(DEMO)" "$(RECORDS)" "$(SEED)" "$(NO_SERVE)"

test: 
	@scripts/setup test
	@scripts/test

lint:
	@scripts/test lint

# Recall, precision and what is proved, on evidence with known truth. `make test` does this too.
score:
	@cargo build --workspace --locked
	@scripts/score --binary "$(CARGO_TARGET_DIR)/debug/kintsugi"

# The same on N shops attacked here and now (Debian, root; about a minute each): make range N=20 FROM=1 KIND=r|h|p
N    ?= 10
FROM ?= 1
KIND ?= r
range:
	@cargo build --workspace --locked
	@range/run "$(CARGO_TARGET_DIR)/debug/kintsugi" "$(N)" "$(FROM)" "$(KIND)"

bench:
	@scripts/setup test
	@scripts/setup bench
	@cargo build --release --locked --workspace --bins --examples
	@scripts/bench "$(CARGO_TARGET_DIR)/release/kintsugi"
	@scripts/bench-logs "$(CARGO_TARGET_DIR)/release/kintsugi"
	@scripts/bench-paper "$(CARGO_TARGET_DIR)/release/examples/paper-speed"
	@dir=$$(mktemp -d) && "$(CARGO_TARGET_DIR)/release/kintsugi" drill --records 100 "$$dir/case" >/dev/null 2>&1 && scripts/bench-mail "$(CARGO_TARGET_DIR)/release/examples/speed" "$$dir/case/case.toml"; rm -rf "$$dir"

# Every parser against inputs that a machine makes up (nightly compiler, cargo-fuzz): make fuzz SECONDS=1800
SECONDS ?= 60
fuzz:
	@scripts/fuzz "$(SECONDS)"
