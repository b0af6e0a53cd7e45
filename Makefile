# make mini: set up, run the mini sweep, write its report.    make test: set up, run what one runs before each commit.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
# uv where it can reach an index, else pip, which may be told of another one in pip.conf.
install = $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python $(1) || \
	$(BIN)/python -m pip install --disable-pip-version-check $(1)
# Files go to three processes, in the order of tests/conftest.py: a good part of their time they wait.
PYTEST = $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml

.PHONY: setup mini test test-all gpu lint lock clean

mini: setup
	$(BIN)/bnsweep run sweeps/mini.yaml
	$(BIN)/bnsweep report results/mini

test: .venv/developers
	$(PYTEST) -m 'not long'

# Also what is long, which CI runs: many kills, clusters over SSH that everything happens to, Slurm.
test-all: .venv/developers
	$(PYTEST)

# What a GPU gives: bits, distances from the CPU, speed, errors; one page of results.
gpu: .venv/developers
	mkdir -p results
	$(BIN)/python -m benchmarks.gpu > results/gpu.md
	cat results/gpu.md

lint: .venv/developers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/users

# What users need, into a new environment.
.venv/users: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12") if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(call install,-r requirements.lock -e .)
	touch $@

# And what the tests, linters and benchmarks need.
.venv/developers: .venv/users requirements-dev.lock
	$(call install,-r requirements-dev.lock)
	touch $@

# Pin anew what pyproject.toml asks for; what is pinned already stays.
lock: setup
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
