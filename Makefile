# Needs Python 3.11 or newer, make and git. The rest is in requirements-dev.txt and goes into .venv.
SHELL := /bin/sh
PYTHON ?= $(shell .ci/python)
RUN := .venv/bin/python
INSTALLED := .venv/installed
AS_IN_PRODUCTION := set -a && . ./.ci/production.env && set +a &&

.PHONY: demo test mutants model fuzz simulate check bench lock messages screenshots

# Serve the demo on PORT (default 8000, or the next free one), its data in DATA_DIR (default .demo).
# exec: Ctrl-C goes to Python itself.
demo: $(INSTALLED)
	@MODE=demo exec $(RUN) manage.py demo

# ARGS="tests/oauth -k refresh" runs a part.
test: $(INSTALLED)
	@.ci/chromium
	$(RUN) -m pytest --numprocesses=auto --dist=loadfile $(ARGS)

# Takes each rule of tests/mutants/*.toml out of a copy of the repository and expects its test to fail.
# CHANGED=<commit>: only rows whose file, test or text changed since then. ONLY=<text>: rows that contain it.
mutants: $(INSTALLED)
	CHANGED="$(CHANGED)" ONLY="$(ONLY)" $(RUN) -m tests.mutants

# Users, clients and staff do what they can in any order, and no token may do more than its user last saw and allowed.
# SEED repeats a run; a failure is shortened to the steps that matter (QUICK=1: not).
model: $(INSTALLED)
	SEED=$${SEED:-1} STEPS=$${STEPS:-10000} $(RUN) -m pytest --quiet --capture=no tests/model/test_authority.py $(ARGS)

# Ten thousand examples for every endpoint; minutes each. FUZZ_EXAMPLES=1000 is quicker.
fuzz: $(INSTALLED)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-10000} $(RUN) -m pytest --numprocesses=auto tests/fuzz $(ARGS)

# Customers at work for a minute while connections break and processes are killed. SECONDS=600, SEED=... as you like.
simulate: $(INSTALLED)
	SECONDS=$${SECONDS:-60} $(RUN) -m pytest --capture=no -p no:logging tests/simulation/test_random_faults.py $(ARGS)

check: $(INSTALLED)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(AS_IN_PRODUCTION) $(RUN) -m mypy
	.venv/bin/lint-imports
	$(AS_IN_PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING
	MODE=demo DATA_DIR=.cache/check $(RUN) manage.py makemigrations --check --dry-run
	$(RUN) .ci/newer_releases.py

# What a request costs, as ratios to a bare view.
bench: $(INSTALLED)
	$(RUN) -m bench $(ARGS)

# After a change of what people read: brings the catalogs in locale/ of the site and of each app up to date, compiles
# them, and names what is not translated yet (docs/translations.md).
messages: $(INSTALLED)
	$(RUN) .ci/messages.py

# A picture of every page for docs/pages.md, taken in Chromium while it is tested.
screenshots: $(INSTALLED)
	@.ci/chromium
	mkdir -p docs/images/pages && rm -f docs/images/pages/*.webp
	PICTURES=docs/images/pages $(RUN) -m pytest -q tests/flows/test_every_page.py tests/flows/test_picture_book.py

# Resolve pyproject.toml anew into requirements.txt and requirements-dev.txt.
lock: $(INSTALLED)
	$(RUN) .ci/lock.py

# Again whenever the requirements change. The stamp comes last, so an install that broke off is done again.
$(INSTALLED): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed: make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
