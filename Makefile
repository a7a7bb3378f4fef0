# The front door. CMake compiles and links, see CMakeLists.txt; nothing is compiled here.
.DEFAULT_GOAL := build
.PHONY: help deps build install demo check soak bench quality coverage lint format clean

BUILD     ?= build/release
PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
JOBS      ?= $(shell nproc)
SUDO      := $(if $(filter 0,$(shell id -u)),,sudo)

# Everything a fresh Debian 12 lacks. The build needs the -dev packages, tests and demo the server.
PACKAGES := g++ cmake pkg-config ccache curl postgresql-15 postgresql-server-dev-15 libpq-dev libcurl4-openssl-dev zlib1g-dev \
            libxgboost-dev nlohmann-json3-dev libeigen3-dev libcli11-dev libspdlog-dev libfmt-dev libtomlplusplus-dev \
            libsimdjson-dev libxxhash-dev libpsl-dev libphonenumber-dev libicu-dev libsodium-dev libsystemd-dev libssl-dev libcpp-httplib-dev libgtest-dev
LINT_PACKAGES := clang-format clang-tidy clang
COVERAGE_PACKAGES := lcov
BENCH_PACKAGES := python3-psycopg2 python3-requests python3-sqlalchemy python3-numpy python3-pandas python3-sklearn python3-xgboost python3-optuna postgresql-plpython3-15

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make demo DATA=folder   the same on CSV exports: each subfolder is an org, files directly inside are one org'
	@echo '  make check SUITE=name   one suite: unit, sanitize, regress, integration, ...'
	@echo '  make bench BENCH=name   one bench, or BENCH="name name" for some:'
	@bench/run --list | fmt -w 100 | sed 's/^/                          /'

deps: ## install the Debian packages that are missing (sudo when not root)
	@tests/harness/install_packages '$(SUDO)' $(PACKAGES)

build: deps ## compile everything into build/release
	@mkdir -p $(BUILD)
	@cmake -S . -B $(BUILD) -DPG_CONFIG=$(PG_CONFIG) >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log >&2; exit 1; }
	+@cmake --build $(BUILD) -j $(JOBS) --target all simulator -- --no-print-directory

install: build ## install into the system's PostgreSQL 15, and xselld into /usr/local/bin
	$(SUDO) cmake --install $(BUILD)

demo: build ## private cluster, three simulated CRM orgs, sync, train, recommendations (DATA=folder: your CSV exports)
	@BUILD=$(BUILD) demo/run '$(DATA)'

check: build ## run every test on a private cluster; ends with the sum of all suites
	+@BUILD=$(BUILD) JOBS=$(JOBS) tests/harness/check $(SUITE)

soak: build ## kills, crashes and jumping clocks for MINUTES (5), then compare every row; KILLS, CRASHES: at least so many
	+@BUILD=$(BUILD) KILLS=$(KILLS) CRASHES=$(CRASHES) SEED=$(SEED) tests/soak/soak $(MINUTES)

bench: build ## measure against the peers, print ratios, write build/bench.json (BENCH=name for one)
	@tests/harness/install_packages '$(SUDO)' $(BENCH_PACKAGES)
	+@BUILD=$(BUILD) JOBS=$(JOBS) bench/run $(BENCH)

quality: build ## how well the product ranks and matches: public sets beside their baselines (PARAMETERS, PRESET, SEARCH, SEED; SETS), the simulator's world beside its truth (WORLD)
	@BUILD=$(BUILD) bench/quality
	@BUILD=$(BUILD) bench/quality_rank
	@BUILD=$(BUILD) bench/quality_match
	@BUILD=$(BUILD) bench/quality_world

coverage: deps ## lines covered in core, pg and daemon; under 80 % fails
	@tests/harness/install_packages '$(SUDO)' $(COVERAGE_PACKAGES)
	+@JOBS=$(JOBS) tests/harness/coverage

lint: deps ## formatting, house rules and clang-tidy
	@tests/harness/install_packages '$(SUDO)' $(LINT_PACKAGES)
	+@BUILD=$(BUILD) tests/harness/lint

format: ## rewrite the C++ sources in the house style
	@tests/harness/install_packages '$(SUDO)' clang-format
	@git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format -i

clean: ## stop the private clusters and remove build/
	@tests/harness/cluster destroy-all
	@rm -rf build
