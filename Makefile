# `make demo` and `make test` do all their own set-up on a machine with Python 3.11 or newer, pip and make.
.DEFAULT_GOAL := help
.PHONY: help demo test test-long check format bench lock clean

PORT ?= 8000
FRESH ?=
MONTHS ?= 0
T ?= tests
LIVES ?= usual
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/demo.done ## Run the panel with its worker, stand-ins and demo data (PORT=8000; FRESH=1 begins again; MONTHS=6 with a past)
	@exec $(BIN)/litestar demo --port $(PORT) --months $(MONTHS) $(if $(FRESH),--fresh)

test: $(VENV)/dev.done node_modules/.done system-packages ## Run the whole suite (T=path for a part of it)
	$(BIN)/pytest $(T) -n 2 --dist loadfile --durations=15

test-long: $(VENV)/dev.done ## Thousands of lives of an account, ten years of nights (LIVES=random for others than the usual)
	PANEL_LONG=$(LIVES) $(BIN)/pytest tests/operations/test_always_true.py tests/operations/test_night_years.py -n 2 --dist loadfile

check: $(VENV)/dev.done ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/djlint --check --lint --quiet partials views
	$(BIN)/lint-imports --no-cache

format: $(VENV)/dev.done ## Put everything in its form
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format . ; $(BIN)/djlint --reformat --quiet partials views

bench: $(VENV)/dev.done system-packages ## Measure pages and alerts against baselines in the same run
	$(BIN)/python -m tests.bench

lock: $(VENV)/dev.done ## Write the lock files anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra demo $(LOCK) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra demo --extra dev $(LOCK) -o requirements-dev.lock
LOCK := --universal --generate-hashes --no-emit-index-url --no-header --quiet --python $(BIN)/python

clean: ## Take away what the other targets made, demo data too
	rm -rf $(VENV) node_modules .data build

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)

# The locks name every package: nothing is left to resolve, and pip 23 would trip over hashes and extras.
$(VENV)/demo.done: requirements.lock | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)/dev.done: requirements-dev.lock | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@ $(VENV)/demo.done

node_modules/.done: package-lock.json
	npm ci --silent
	@touch $@

.PHONY: system-packages
system-packages:
	@sh tests/system-packages.sh
