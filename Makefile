# Every target works on a fresh machine with Python 3.11+, make and a package registry.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Parallel workers of the test suite; two cores are the reference machine.
JOBS   ?= auto

.PHONY: help setup demo test check bench lock format docs clean
help: ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

setup: $(STAMP) ## make .venv with everything, from the hashed lock files

$(STAMP): requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Watchstander needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## the whole main job on the embedded sandbox, no cloud account needed
	$(BIN)/watchstander demo

# Where bytecode is not kept, every process that a test starts compiles the program anew.
test check: export PYTHONDONTWRITEBYTECODE =

test: setup ## the whole test suite
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

check: setup ## what must pass before each commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal tests/unit tests/docs

bench: setup ## every benchmark, as one table
	$(BIN)/python -m bench

lock: setup ## resolve the dependencies anew, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --extra sandbox pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --extra sandbox --group dev pyproject.toml packaging/build.in --constraint requirements.lock --output-file requirements-dev.lock

format: setup ## format and apply the safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## write the generated reference pages anew
	$(BIN)/python -m tools.reference

clean: ## remove what setup made
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
