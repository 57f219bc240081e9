# The habits of this project, each a line or two over the `mip` command. `make help` lists them.

PYTHON ?= python3
MIP = .venv/bin/mip

.PHONY: help demo run test fuzz lint bench lock screenshots clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

demo: .venv/run.stamp  ## everything with demo data: installs, builds, seeds, serves
	@$(MIP) demo

run: .venv/run.stamp  ## the same without demo data (`mip operator create` makes the first account)
	@$(MIP) run

test: .venv/dev.stamp  ## all tests; finds or installs a browser, uses PostgreSQL and Redis where they answer
	@.venv/bin/python -m tests.browser
	@$(MIP) build
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports
	.venv/bin/python -m pytest -n $${MIP_TEST_WORKERS:-auto}

fuzz: .venv/dev.stamp  ## damaged files and requests, others each time, for ten minutes
	@$(MIP) build
	MIP_FUZZ_SECONDS=$${MIP_FUZZ_SECONDS:-600} .venv/bin/python -m pytest -s -o timeout=1200 tests/fuzz

lint: .venv/dev.stamp  ## style, types and the directions of the house
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

bench: .venv/dev.stamp  ## what must be fast, measured
	.venv/bin/python -m benchmarks

screenshots: .venv/dev.stamp  ## the pictures of the README, from a demo of its own
	@.venv/bin/python -m tests.browser
	.venv/bin/python -m tests.screenshots

lock: .venv/dev.stamp  ## renew the lock files: versions and hashes, no addresses
	.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q pyproject.toml -o requirements.lock
	.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock

clean:  ## remove what was built (data stays)
	rm -rf .venv .web .build .states

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "MIP needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "  making .venv"
	@$(PYTHON) -m venv .venv || { echo "The venv module is missing: on Debian, apt install python3-venv."; rm -rf .venv; exit 1; }

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@test -f .venv/dev.stamp && test ! .venv/dev.stamp -ot requirements.lock || $(MAKE) -s install LOCK=requirements.lock
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	@$(MAKE) -s install LOCK=requirements-dev.lock
	@touch $@

.PHONY: install
install:
	@echo "  installing the locked dependencies (half a minute to a minute)"
	@# --no-deps: the lock names everything. With dependencies pip asks for extras by the newest version, and stops.
	@.venv/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r $(LOCK) || { echo "The packages could not be installed. Check the network and run the same command again."; exit 1; }
	@.venv/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . || exit 1
