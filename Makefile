# `make run` is all that is needed; `make help` tells the rest. Needs python3 >= 3.11 with venv, make and bash.

PYTHON ?= python3
ARGS ?=

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PIP_OPTIONS := --quiet --disable-pip-version-check
# The locks are complete: nothing is to be looked for beside them.
PIP_INSTALL := .venv/bin/python -m pip install $(PIP_OPTIONS) --no-deps
PIP_INSTALL_INTO = .venv/bin/python -m pip --python $(@D) install $(PIP_OPTIONS) --no-deps --no-compile --only-binary=:all:
UV_OPTIONS := --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q
UV_COMPILE := uv pip compile pyproject.toml $(UV_OPTIONS)
UV_COMPILE_GROUP := uv pip compile --python-version 3.11 $(UV_OPTIONS) --upgrade --group pyproject.toml

.PHONY: help run setup test test-fast check bench screenshot autobahn release lock clean setup-dev

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24
	@echo '  ARGS="…" is passed on, as in: make run ARGS="--port 9000", make test ARGS="tests/unit -k rate"'

run: .venv/installed ## serve on http://127.0.0.1:8000, everything kept in ./var; prepares .venv first
	@exec .venv/bin/cloudchat serve $(ARGS)

setup: .venv/installed ## only prepare .venv: the pinned dependencies and cloudchat itself
	@echo ".venv is ready. Start with: make run"

test: ## prepare all that the tests need, Debian packages too, then check and run every test
	@tests/install_packages
	@$(MAKE) -j3 setup-dev
	@$(MAKE) check
	@# Hundreds of servers are started: none shall compile anew what another one has compiled.
	PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n 4 --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: check ## the checks and the unit tests: no Debian packages, under a minute
	.venv/bin/python -m pytest tests/unit -q -n auto -k 'not postgresql' $(ARGS)

check: .venv/installed-dev ## ruff, mypy, bandit, and who may import whom
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/bandit -q -c pyproject.toml -r src

bench: .venv/installed ## measure deliveries per second, delays and memory; a minute or two
	.venv/bin/python tests/benchmarks/run.py $(ARGS)

screenshot: setup-dev ## make the README's picture anew, with Debian's Chromium
	.venv/bin/python tests/browser/screenshot.py

autobahn: setup-dev ## the Autobahn test suite against the socket protocol; needs Python 2.7
	.venv/bin/python tests/autobahn/run.py

release: ## the committed tree as dist/cloudchat-<version>.tar.gz, for config/aws, and its SHA-256
	@mkdir -p dist
	@name=cloudchat-$$(sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml) && \
	  git archive --format=tar.gz --prefix=$$name/ -o dist/$$name.tar.gz HEAD && sha256sum dist/$$name.tar.gz

lock: ## pin the newest dependencies again, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(UV_COMPILE) --upgrade --group build --extra postgres --extra otel -o config/requirements.lock
	$(UV_COMPILE) --upgrade --group build --group dev -c config/requirements.lock -o config/requirements-dev.lock
	$(UV_COMPILE_GROUP):certbot -o config/requirements-certbot.lock
	$(UV_COMPILE_GROUP):sslyze -o tests/deployment/requirements-sslyze.lock
	$(UV_COMPILE_GROUP):sslyze-build -o tests/deployment/requirements-sslyze-build.lock

clean: ## remove .venv and every cache, never ./var
	rm -rf .venv .venv-certbot .venv-sslyze dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests alembic -name __pycache__ -type d -prune -exec rm -rf {} +

setup-dev: .venv/installed-dev .venv-certbot/installed .venv-sslyze/installed

# Each stamp is written last, so that an interrupted install is done again.
.venv/installed: config/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "cloudchat needs Python 3.11 or newer as $(PYTHON): apt-get install python3 python3-venv, or make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || { echo "Preparing .venv …"; rm -rf .venv; $(PYTHON) -m venv .venv; }
	@echo "Installing the pinned dependencies …"
	@$(PIP_INSTALL) --require-hashes -r config/requirements.lock
	@$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

.venv/installed-dev: config/requirements-dev.lock .venv/installed
	@echo "Installing the tools of the tests …"
	@$(PIP_INSTALL) --no-compile --require-hashes -r config/requirements-dev.lock
	@touch $@

# Programs of the tests of nginx. Each has dependencies that exclude the others'.
.venv-certbot/installed: config/requirements-certbot.lock | .venv/installed
	@echo "Installing certbot …"
	@$(PYTHON) -m venv --clear --without-pip $(@D)
	@$(PIP_INSTALL_INTO) --require-hashes -r $<
	@touch $@

# sslyze comes as source alone. What builds it is pinned too.
.venv-sslyze/installed: tests/deployment/requirements-sslyze.lock tests/deployment/requirements-sslyze-build.lock | .venv/installed
	@echo "Installing sslyze and gixy …"
	@$(PYTHON) -m venv --clear --without-pip $(@D)
	@$(PIP_INSTALL_INTO) --require-hashes -r $(word 2,$^)
	@$(PIP_INSTALL_INTO) --no-binary=sslyze --no-build-isolation --require-hashes -r $<
	@touch $@
