# Two commands do all the set-up; both make the environment in .venv when it is not there:
#   make demo    the main job on a real table
#   make test    everything that has to pass
# and for daily work: make environment, format, docs, wheel, lock.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

LOCK   := requirements/development.lock
PYTHON := .venv/bin/python
# The stamp's name holds a hash of what the environment is made from, so a second run installs nothing.
STAMP  := .venv/installed-$(shell { pwd; cat $(LOCK) pyproject.toml; } | sha256sum | cut -c1-16)

# Bytecode is written as modules are first used (hence also --no-compile below).
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help environment demo test check lint types imports tests docs format wheel lock clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -4

environment: $(STAMP)

# Wheels only, each with its hash; the project itself is built by the hatchling of the lock.
$(STAMP):
	@echo "Making the environment in .venv (about 400 MB to download the first time) ..."
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "steepest needs Python 3.11 or newer")'
	python3 -m venv .venv
	$(PYTHON) -m pip install -q --disable-pip-version-check --no-compile --no-deps \
	  --only-binary :all: --require-hashes -r $(LOCK)
	$(PYTHON) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	rm -f .venv/installed-*
	touch $@

demo: $(STAMP)
	@mkdir -p demo
	.venv/bin/steepest dataset digits --out demo/digits.csv
	.venv/bin/steepest fit demo/digits.csv --target target --test 0.2 --out demo/digits.safetensors

test: check

# What needs one process each goes side by side; the tests take two by themselves.
check: $(STAMP)
	$(MAKE) --no-print-directory -j 2 types docs lint imports
	$(MAKE) --no-print-directory tests

lint: $(STAMP)
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: $(STAMP)
	.venv/bin/pyright

imports: $(STAMP)
	.venv/bin/lint-imports --no-cache

# Two processes; each computes on one thread so that they do not fight for the cores.
tests: $(STAMP)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PYTHON) -m pytest -q -n 2 --durations=5

docs: $(STAMP)
	$(PYTHON) tools/reference.py
	$(PYTHON) tools/methods.py
	$(PYTHON) tools/notebooks.py
	.venv/bin/zensical build --clean --strict 2>&1 | tee .venv/docs.log
	@! grep '^griffe:' .venv/docs.log # a docstring that does not fit its function

format: $(STAMP)
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

wheel: $(STAMP)
	$(PYTHON) -m build --no-isolation --wheel --outdir dist

# Refreshes the lock (needs uv: `pip install uv`, anywhere). Releases younger than a week are left out:
# most poisoned ones are found by then. Run `make test` afterwards and commit both files.
lock:
	uv pip compile pyproject.toml --group build --group check --group test --group docs \
	  --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --exclude-newer "7 days" --default-index https://pypi.org/simple -q -o $(LOCK)

clean:
	rm -rf .venv dist site demo docs/reference .pytest_cache .ruff_cache .hypothesis
