# hf_assets: every target sets itself up. `make demo` and `make test` are where to begin.

# The newest Python that is there and can make a virtual environment; any from 3.11 will do.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
DATA ?= $(or $(HF_ASSETS_DATA),data)
DEMO := data/demo
# A file of tests goes to one worker, those that take long first (`hf_assets_tests/conftest.py`).
# A test that hangs ends its worker, and the next worker meets it again: not more often.
SPREADING := --dist loadfile --no-loadscope-reorder --max-worker-restart 1
SPREAD := -n auto $(SPREADING)
# Many long tests wait for processes and clocks: a worker more than cores.
WAITING = -n $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))) $(SPREADING)
export HF_HUB_DISABLE_TELEMETRY ?= 1

.PHONY: help demo cluster-demo tagger insights status dev dev-demo test test-heavy test-ci test-release lint \
	format check docs bench bench-full bench-classifiers bench-history bench-page bench-cluster bench-rebuild \
	bench-archived bench-few-rows bench-serving clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed: install it, or set PYTHON=" >&2; exit 1; }
	@if test -x $(BIN)/hf-assets; then \
		echo "$(VENV) is older than pyproject.toml or constraints.txt: installing what changed." >&2; \
	else \
		echo "Installing into $(VENV), once: some 200 packages, 3 GB on disk, about two minutes." >&2; \
		echo "The largest is PyTorch: 0.2 GB to download, 3 GB where pip takes it with CUDA." >&2; \
	fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if test -t 1; then quiet=; else quiet=--quiet; fi; \
		$(BIN)/python -m pip install $$quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[all]'
	@# pip compiles 26,000 modules one after the other. Some packages have files that are none.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

demo: $(VENV)/.installed  ## generated data become tables, figures and a tagger
	@$(BIN)/hf-assets demo --data $(DEMO)

cluster-demo: $(VENV)/.installed  ## the same on PostgreSQL, S3 and Ray, compared with one machine
	@$(BIN)/hf-assets cluster-demo --data data/cluster-demo

tagger: $(VENV)/.installed  ## a page to try what was trained, by you or by the demo
	@$(BIN)/hf-assets tagger

insights: $(VENV)/.installed  ## a page to explore what is stored, by you or by the demo
	@$(BIN)/hf-assets insights

status: $(VENV)/.installed  ## days stored, missing or not trusted; disk use
	@$(BIN)/hf-assets status

dev-demo: $(VENV)/.installed  ## the Dagster UI against the embedded services
	@$(BIN)/hf-assets dev --demo --data $(DEMO)

dev: $(VENV)/.installed  ## the Dagster UI and daemon on the real Hub
	@HF_ASSETS_DATA=$(abspath $(DATA)) $(BIN)/hf-assets dev

test: $(VENV)/.installed  ## the tests
	$(BIN)/python -m pytest -m "not heavy" $(SPREAD)

test-heavy: $(VENV)/.installed  ## the tests that take minutes
	$(BIN)/python -m pytest -m "heavy and not release" $(WAITING)

test-ci: $(VENV)/.installed  ## both of these at once: each worker reads all tests, which takes a while
	$(BIN)/python -m pytest -m "not release" $(WAITING)

test-release: $(VENV)/.installed  ## the tests for before a release: a quarter of an hour
	$(BIN)/python -m pytest -m release $(SPREAD)

lint: $(VENV)/.installed  ## ruff and ty
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check

format: $(VENV)/.installed  ## let ruff set the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(VENV)/.installed  ## the code location loads
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/dg check defs

docs: $(VENV)/.installed  ## docs/tables.md and docs/checks.md from the schemas
	@$(BIN)/python docs/generate_tables.py

bench: $(VENV)/.installed  ## speed and memory against the usual ways, 200 k rows
	$(BIN)/python -m hf_assets_tests.benchmarks

bench-full: $(VENV)/.installed  ## the same with 2.5 M models and 1 M Spaces
	$(BIN)/python -m hf_assets_tests.benchmarks --full

bench-classifiers: $(VENV)/.installed  ## our recipe beside TF-IDF and an earlier one, on real questions; on a GPU: ARGS="--device cuda"
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m hf_assets_tests.benchmarks.classifiers $(ARGS)

bench-few-rows: $(VENV)/.installed  ## what 8, 16, 32 rows a label are worth, beside SetFit where it is installed
	$(BIN)/python -m hf_assets_tests.benchmarks.few_rows $(ARGS)

bench-serving: $(VENV)/.installed  ## int8 beside float32 and an earlier int8: sameness, loss, size, speed
	$(BIN)/python -m hf_assets_tests.benchmarks.serving $(ARGS)

bench-history: $(VENV)/.installed  ## a year of days: backfill, series, page, thinning
	$(BIN)/python -m hf_assets_tests.benchmarks.history

bench-page: $(VENV)/.installed  ## the pages over 2.5 M models a day, on the server and in a browser
	$(BIN)/python -m hf_assets_tests.benchmarks.page

bench-cluster: $(VENV)/.installed  ## a lake on a store beside a folder, days spread over Ray
	$(BIN)/python -m hf_assets_tests.benchmarks.cluster

# BEFORE=PATH: a checkout of the build to compare with.
bench-rebuild: $(VENV)/.installed  ## captured days made again, on one core and on two
	$(BIN)/python -m hf_assets_tests.benchmarks.rebuild $(if $(BEFORE),--before $(BEFORE))

bench-archived: $(VENV)/.installed  ## a day of an archive, from its address to the tables
	$(BIN)/python -m hf_assets_tests.benchmarks.archived $(if $(BEFORE),--before $(BEFORE))

clean:  ## remove the environment and the demo's data
	rm -rf $(VENV) $(DEMO)
