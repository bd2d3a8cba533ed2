# The two commands that do everything: `make run` and `make test`.
SHELL := /bin/bash
.PHONY: run test check build setup clean

run: ## From nothing to a running Redis on its own kernel
	@scripts/setup.sh run
	@cargo build --release --locked --package lupine
	@scripts/demo.sh target/release/lupine

test: ## What .ci/run calls: every test, real guests included
	@scripts/setup.sh run test
	@scripts/test.sh

check: ## Formatting, lints and the invariants of ARCHITECTURE.md
	@scripts/check.sh

build: ## The release binary alone
	@cargo build --release --locked --package lupine

clean:
	@cargo clean
