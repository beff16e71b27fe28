# The words of this project. `make help` lists them.
#
# Nothing here is cleverer than the commands it names: Cargo and npm decide what is stale for Rust and for installed
# packages, make only decides whether the page has to be built again.
#
# All development builds say --workspace: a selection of packages has features of its own, and each set of features is another build of
# every dependency. A release build says -p videorooms, which leaves out what only tests need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BINARY := target/debug/videorooms
# The binary that tests run. Cargo puts one with the tests' own features in the place of the other while it builds tests.
TESTED := $(CURDIR)/target/tested/videorooms
SECOND := --data data/second --listen 127.0.0.1:4100 --admin-listen 127.0.0.1:4101 --media-listen 0.0.0.0:50001
SCRIPTS := ../tests/*/*.mjs ../tests/*/*/*.mjs
NPM_CI := npm ci --no-audit --no-fund --loglevel=error
PAGE_SOURCES := $(shell find frontend/src frontend/public frontend/index.html frontend/*.ts frontend/*.json -type f ! -name '*.test.*' 2>/dev/null)
FRONTEND_DEPS := frontend/node_modules/.package-lock.json
CLIENTS_DEPS := tests/clients/node_modules/.package-lock.json
E2E_DEPS := tests/e2e/node_modules/.package-lock.json
PAGE := frontend/dist/index.html

step = @printf '\033[1m==> %s\033[0m\n' "$(1)"

.PHONY: help run cluster build test test-setup test-frontend test-rust test-clients test-e2e check model bench bench-failover fmt clean tools

help: ## List the words
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'
	@echo '  a second node beside the first: make run ARGS="$(SECOND)"'

run: build ## Build what changed and run one node on http://localhost:4000 (ARGS="…" are flags of the program)
	$(call step,starting one node; Ctrl-C stops it)
	@exec $(BINARY) serve --dev $(ARGS)

cluster: build ## Run three nodes with Redis and nginx on http://localhost:4000 (DOOR=… is another port)
	$(call step,looking for Redis and nginx)
	@tests/tool.sh redis
	@tests/tool.sh nginx
	$(call step,starting the nodes of cluster.toml; Ctrl-C stops them)
	@exec tests/cluster.sh $(BINARY)

build: tools $(PAGE) ## Build the page and the binary
	$(call step,building the binary (the first time takes minutes))
	@cargo build --workspace --bin videorooms

test: tools ## Set up what testing needs and run every test
	@$(MAKE) test-setup
	@$(MAKE) test-frontend
	@$(MAKE) test-rust
	@$(MAKE) test-clients
	@$(MAKE) test-e2e
	$(call step,every test passed)

test-setup: tools $(PAGE) $(CLIENTS_DEPS) $(E2E_DEPS)
	$(call step,looking for a browser)
	@tests/tool.sh chromium
	$(call step,looking for Redis)
	@tests/tool.sh redis

test-frontend: $(FRONTEND_DEPS) ## Unit tests of the page
	$(call step,frontend: unit tests)
	@cd frontend && npm test --silent

test-rust: build ## Every Rust test, the system tests included
	@install -D $(BINARY) $(TESTED)
	$(call step,Rust: building the tests)
	@cargo test --workspace --no-run
	$(call step,Rust: tests)
	@VIDEOROOMS_BINARY=$(TESTED) cargo test --workspace --quiet

test-clients: build $(CLIENTS_DEPS) ## The stock phoenix clients against a real node
	$(call step,stock phoenix clients)
	@cd tests/clients && npm test --silent

test-e2e: build $(E2E_DEPS) $(CLIENTS_DEPS) ## Real calls in a real browser (ONLY="a part of a test's name")
	$(call step,calls in a browser)
	@cd tests/e2e && npm test --silent $(if $(ONLY),-- --test-name-pattern="$(ONLY)")

check: tools $(PAGE) ## Format, lints, types, documentation, licences
	$(call step,Rust: format)
	@cargo fmt --all --check
	$(call step,Rust: lints)
	@cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(call step,Rust: documentation)
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	$(call step,frontend: types)
	@cd frontend && npm run --silent typecheck
	$(call step,frontend: lints)
	@cd frontend && npm run --silent lint
	$(call step,frontend: format)
	@cd frontend && npm run --silent format:check
	@cd frontend && npx prettier --config .prettierrc --log-level warn --check $(SCRIPTS)
	$(call step,dependency arrows and licences)
	@cargo test --workspace --test system --quiet -- architecture:: licences::

model: tools ## Try everything that can happen to a small cluster (minutes; ONLY="a part of a case's name")
	$(call step,checking the model)
	@cargo run --release --quiet -p videorooms-cluster --example model -- $(if $(ONLY),"$(ONLY)")

bench: tools $(PAGE) ## Measure a release build (ONLY=fanout,storm for some of it)
	$(call step,release build of the node and of the load generator)
	@cargo build --release -p videorooms
	@cargo build --release --manifest-path tests/bench/channel-load/Cargo.toml
	$(call step,measuring)
	@node tests/bench/run.mjs $(ONLY)

bench-failover: tools $(PAGE) ## Measure how long rooms take to go on when their node dies (ARGS="--rounds 100", "--pause")
	$(call step,release build of the node and of the measurement)
	@cargo build --release -p videorooms
	@cargo build --release -p videorooms-tests --example failover
	$(call step,measuring)
	@VIDEOROOMS_BINARY=$(CURDIR)/target/release/videorooms target/release/examples/failover $(ARGS)

fmt: $(FRONTEND_DEPS) ## Format everything
	@cargo fmt --all
	@cd frontend && npm run --silent format
	@cd frontend && npx prettier --config .prettierrc --log-level warn --write $(SCRIPTS)

clean: ## Remove everything that was built or installed here; keeps data/
	@rm -rf target frontend/dist frontend/node_modules tests/clients/node_modules tests/e2e/node_modules \
		tests/e2e/artifacts tests/bench/channel-load/target

tools:
	@.ci/tools

$(FRONTEND_DEPS): frontend/package-lock.json
	$(call step,installing the page's packages)
	@cd frontend && $(NPM_CI)
	@touch $@

$(CLIENTS_DEPS): tests/clients/package-lock.json
	$(call step,installing the phoenix clients)
	@cd tests/clients && $(NPM_CI)
	@touch $@

$(E2E_DEPS): tests/e2e/package-lock.json
	$(call step,installing the browser driver)
	@cd tests/e2e && $(NPM_CI)
	@touch $@

$(PAGE): $(FRONTEND_DEPS) $(PAGE_SOURCES)
	$(call step,building the page)
	@cd frontend && npm run --silent build
	@touch $@
