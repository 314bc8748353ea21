# Needs Python 3.11 or newer, make and git; everything else comes from requirements-dev.txt into .venv.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed

.PHONY: demo test check bench lock

demo: $(INSTALLED)  ## serve the demo on PORT (default 8000), data in DATA_DIR (default .demo)
	@MODE=demo exec $(RUN) manage.py demo

test: $(INSTALLED)  ## run the tests, on a PostgreSQL of their own
	$(RUN) -m pytest $(PYTEST)

check: $(INSTALLED)  ## formatting, lint, types, layers, deploy check, missing migrations
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) .ci/with_production_settings.py -m mypy
	$(RUN) .ci/with_production_settings.py -m importlinter.cli lint-imports
	$(RUN) .ci/with_production_settings.py manage.py check --deploy --fail-level WARNING
	$(RUN) .ci/with_production_settings.py manage.py makemigrations --check --dry-run

lock: $(INSTALLED)  ## resolve pyproject.toml anew into requirements.txt and requirements-dev.txt
	$(RUN) .ci/lock.py

# Again whenever the requirements change. The stamp comes last: a broken install is not taken for a whole one.
$(INSTALLED): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
