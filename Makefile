# Muniment: `make demo` and `make test` set up all they need. `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 3
SEEDS  ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-stop test check format campaign bench lock clean

help:  ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# -- installed once, and again when the pins change ----------------------------------------------
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Muniment needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"

$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/uv
	@echo "Installing the pinned requirements (about 1 GB on the disk) ..."
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.runtime  ## Virtual environment with the pinned requirements

# -- for users ------------------------------------------------------------------------------------
demo: setup  ## An example firm through Airflow: backup, restore, verification, drill, alert
	@$(BIN)/python -m demo

demo-stop:  ## Ends everything that `make demo` left running
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m demo stop; else echo "Nothing is running."; fi

# -- for developers -------------------------------------------------------------------------------
test: $(VENV)/.dev  ## Linters, types, import contracts and the test suite
	@VENV=$(VENV) WORKERS=$(WORKERS) sh tests/run.sh

check: $(VENV)/.dev  ## Linters, types and import contracts only
	@VENV=$(VENV) sh tests/run.sh check

format: $(VENV)/.dev  ## Formats the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

campaign: $(VENV)/.dev  ## Full seed counts; writes build/campaign.json with the commit id
	@$(BIN)/python -m tests.campaign $(if $(SEEDS),--seeds $(SEEDS))

bench: $(VENV)/.dev  ## Side by side with restic and borg; BENCH="--scale 0.02 --rounds 1" for options
	@$(BIN)/python -m benchmarks $(BENCH)

lock: | $(BIN)/uv  ## Rewrites the pins from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra embedded -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra embedded --extra dev -c requirements.txt -o requirements-dev.txt

clean: demo-stop  ## Removes the virtual environment and everything the demonstration wrote
	rm -rf $(VENV) .demo build
