# Plain `make` lists the targets. What needs more than two lines is a `laurels` command.

SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
# Written last of all, so that a half-made environment never counts as done.
READY := .venv/ready
PYTEST := $(BIN)/python -m pytest
# Many tests wait for processes of theirs, so one more at once than a small machine has processors.
# The tests of a file stay together and in their order. ARGS="-n 0" runs one at a time.
TEST_ALL := $(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-fail-under=100

# Some images set it; then every process that a test starts compiles all of us anew.
unexport PYTHONDONTWRITEBYTECODE

CAN_BUILD := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.PHONY: help setup demo test test-long check fix bench serve

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Make .venv with everything in it; run by the others when needed

demo: $(READY) ## Play this repository's history through a rulebook, and serve what came of it
	@$(BIN)/laurels demo $(ARGS)

test: $(READY) ## Run the tests; core and engine must be covered to every branch
	$(TEST_ALL) $(ARGS)

test-long: $(READY) ## The same, with many more kills, races and examples
	LAURELS_TEST_LONG=1 $(TEST_ALL) $(ARGS)

check: $(READY) ## Lint, formatting, types and who may import whom
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/pyright && $(BIN)/lint-imports

fix: $(READY) ## Repair what the linter and the formatter can
	$(BIN)/ruff check --fix; $(BIN)/ruff format

bench: $(READY) ## Measure rate, latency and CPU per event beside bare databases, and streams
	$(BIN)/python -m bench $(ARGS)
	$(BIN)/python -m bench.streams --quick
	$(BIN)/python -m bench.scale

serve: $(READY) ## Serve both APIs on http://127.0.0.1:8080
	@$(BIN)/laurels serve $(ARGS)

$(READY): pyproject.toml
	@python=; for candidate in python3.11 python3; do \
	  if $$candidate -c '$(CAN_BUILD)' 2>/dev/null; then python=$$candidate; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "Laurels needs Python 3.11 or newer with venv: apt install python3-venv" >&2; exit 1; fi; \
	rm -f $(READY); \
	{ $(BIN)/python -c 'import pip; $(CAN_BUILD)' 2>/dev/null || $$python -m venv --clear .venv; } && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,check,bench]' && \
	touch $(READY)
