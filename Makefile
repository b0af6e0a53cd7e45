# make mini: set up, run the mini sweep, write its report.    make test: set up, run what one runs before each commit.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9

.PHONY: setup mini test test-all lint lock clean

mini: setup
	$(BIN)/bnsweep run sweeps/mini.yaml
	$(BIN)/bnsweep report results/mini

test: setup
	$(BIN)/python -m pytest -m 'not long'

# Also what is long, which CI runs: many kills, a cluster over SSH, Slurm.
test-all: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/ready

# uv where it can reach an index, else pip, which may be told of another one in pip.conf.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12") if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python -r requirements.lock -e . || $(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock -e .
	touch .venv/ready

# Pin anew what pyproject.toml asks for; what is pinned already stays.
lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-emit-index-url --no-header pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
