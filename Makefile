# Needs Python 3.11 or newer (name another one with PYTHON=...), make and a
# package index. Everything is installed into .venv, nothing outside it.

PYTHON ?= python3
PYTEST_ARGS ?=

VENV := .venv
CONSTRAINTS := constraints.txt
BIN := $(VENV)/bin
WHEEL_VENV := build/venv
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c $(CONSTRAINTS)

# A stamp says that its step is done, so that the next call skips it.
VENV_STAMP := $(VENV)/.stamp-venv
PLOTS_STAMP := $(VENV)/.stamp-plots
TESTS_STAMP := $(VENV)/.stamp-tests
DOCS_STAMP := $(VENV)/.stamp-docs

.DEFAULT_GOAL := help
.PHONY: help demo test test-lowest test-newest pytest lint docs bench release clean
# All targets share one environment, and pip is not made for two at once.
.NOTPARALLEL:

help: ## Say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

demo: $(PLOTS_STAMP) ## Rank the features of a data set and draw the ranking
	$(BIN)/python examples/rank_features.py

test: lint pytest ## Lint, then run the tests (PYTEST_ARGS="-m slow" for the slow ones)

# What old versions warned of has come about since: warnings are no errors here.
test-lowest: ## Run the tests with the lowest versions that pyproject.toml admits
	$(MAKE) pytest VENV=.venv-lowest CONSTRAINTS=constraints-lowest.txt \
	  WARNINGS='-o filterwarnings='

# What is newest changes while no file here does, so that no stamp can know it.
test-newest: ## Run the tests with the newest versions there are
	rm -f .venv-newest/.stamp-tests
	PIP_UPGRADE=1 PIP_UPGRADE_STRATEGY=eager \
	  $(MAKE) pytest VENV=.venv-newest CONSTRAINTS=constraints-newest.txt

pytest: $(TESTS_STAMP)
	$(BIN)/python -m pytest -n 2 $(WARNINGS) $(PYTEST_ARGS)

lint: $(TESTS_STAMP) ## Check style, format, types and security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive sklearn_mine
	$(BIN)/python .ci/audit.py

docs: $(DOCS_STAMP) ## Run the examples and build the documentation, docs/_build
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(TESTS_STAMP) ## Run the benchmarks
	$(BIN)/python benchmarks/scale.py speed
	$(BIN)/python benchmarks/ranking.py --rows 300 1000 --without paper
	$(BIN)/python benchmarks/known_mi.py

release: $(VENV_STAMP) ## Build sdist and wheel, and run the demo from the wheel
	rm -rf dist $(WHEEL_VENV)
	$(INSTALL) build
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/python -m pip install --disable-pip-version-check \
	  -c $(CONSTRAINTS) "$$(ls dist/*.whl)[plots]"
	cd build && ../$(WHEEL_VENV)/bin/python ../examples/rank_features.py
	rm -rf $(WHEEL_VENV)

clean: ## Remove the environments, caches, builds and the demo's plot
	rm -rf $(VENV) .venv-lowest .venv-newest build dist *.egg-info feature_ranking.png
	rm -rf docs/_build docs/auto_examples docs/generated docs/sg_execution_times.rst
	rm -rf .benchmarks .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'sklearn_mine needs Python 3.11 or newer, and "$(PYTHON)" is not that.' \
	    'Name one that is: make PYTHON=python3.11 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(PLOTS_STAMP): $(VENV_STAMP) pyproject.toml $(CONSTRAINTS)
	$(INSTALL) -e '.[plots]'
	@touch $@

$(DOCS_STAMP): $(VENV_STAMP) pyproject.toml $(CONSTRAINTS)
	$(INSTALL) -e '.[docs]'
	@touch $@

$(TESTS_STAMP): $(VENV_STAMP) pyproject.toml $(CONSTRAINTS)
	$(INSTALL) -e '.[tests]'
	@touch $@
