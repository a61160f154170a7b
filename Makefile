# Every command a user or a developer needs. `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8501

.PHONY: help app test lint zoo screenshots clean
.DEFAULT_GOAL := help

help:           ## list the targets
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.run: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

app: $(VENV)/.run ## set up and open the app (PORT=8501)
	$(BIN)/streamlit run app/main.py --server.port $(PORT)

test: $(VENV)/.dev ## set up and run every test, the browser's included
	sh tests/browser/ensure_chromium.sh
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(VENV)/.dev ## check style and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

zoo: $(VENV)/.run ## retrain the bundled models from recorded seeds, measure their rules and receipts
	$(BIN)/python -m argminn_core.zoo.build
	$(BIN)/python -m argminn_core.zoo.evidence

screenshots: $(VENV)/.dev ## take pictures of every page, light and dark, wide and narrow
	$(BIN)/python tests/browser/screenshots.py

clean:          ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache build *.egg-info
