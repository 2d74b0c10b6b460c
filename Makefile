# Everything a newcomer needs: `make build` installs what is missing and builds; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMPS := build/stamps
export JOBS
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
export CTEST_PARALLEL_LEVEL := $(JOBS)

.PHONY: build
build: ## Install what is missing and build: .venv/bin/python imports smallpond, build/smallpond is the binary
	@$(MAKE) -s -j2 $(STAMPS)/dev-packages $(STAMPS)/duckdb
	@tools/build_preset.sh release
	@tools/develop_install.sh $(VENV)

# What the Python package alone takes; the tests' libraries and tools come with `make build`.
.PHONY: module
module:
	@$(MAKE) -s -j2 $(STAMPS)/run-packages $(STAMPS)/duckdb
	@tools/build_preset.sh release _core
	@tools/develop_install.sh $(VENV)

$(STAMPS)/system-%: tools/install_packages.sh
	@mkdir -p $(@D) && tools/install_packages.sh $* && touch $@

$(VENV)/bin/python: | $(STAMPS)/system-build
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/run-packages: requirements.txt | $(VENV)/bin/python
$(STAMPS)/dev-packages: requirements-dev.txt requirements.txt | $(VENV)/bin/python $(STAMPS)/system-tests
$(STAMPS)/run-packages $(STAMPS)/dev-packages:
	@mkdir -p $(@D)
	@echo "Installing Python packages into $(VENV) ($<)"
	@$(PY) -m pip install -q --disable-pip-version-check --no-warn-script-location --use-pep517 -r $<
	@touch $@

# Depends on the script only to be ordered; the script itself knows whether there is something to do.
.PHONY: $(STAMPS)/duckdb
$(STAMPS)/duckdb: | $(VENV)/bin/python
	@PYTHON="$(CURDIR)/$(PY)" tools/fetch_duckdb.sh build/duckdb

.PHONY: demo test test-all check asan wheel wheels bench fmt help clean
demo: ## Build the Python package and run the e-commerce example
	@echo "Building the Python package (about 3 minutes the first time, on 2 cores), then running an example"
	@$(MAKE) module
	@$(PY) examples/ecommerce.py

test: build ## The fast tests: C++ units and Python, without those marked slow
	@tools/run_tests.sh fast

test-all: build ## Every test, the slow ones too, and a wheel for each Python that is found
	@tools/run_tests.sh all
	@tools/build_wheel.sh all

check: build ## Formatting, lint, layers, sizes
	@tools/run_checks.sh

asan: build ## The fast tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/build_preset.sh asan
	@tools/run_tests.sh asan $(if $(ONE_IN),--one-in $(ONE_IN))

wheel: build ## A wheel in dist/ for the Python of .venv, checked with auditwheel
	@tools/build_wheel.sh

wheels: build ## Wheels for every Python that is found
	@tools/build_wheel.sh all

bench: build ## The benchmarks
	@$(PY) benchmarks/run.py
	@$(PY) benchmarks/exchange.py
	@$(PY) benchmarks/writing.py

fmt: build ## Format the sources in place
	@tools/run_checks.sh --fix

clean: ## Remove what was built; keeps .venv and the fetched DuckDB
	@find build -mindepth 1 -maxdepth 1 ! -name duckdb ! -name stamps -exec rm -rf {} + 2>/dev/null || true
	@rm -rf dist python/smallpond/_core*.so

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'
