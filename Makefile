# Needs Python 3.11 or newer, make and git. The rest is in requirements-dev.txt and goes into .venv.
SHELL := /bin/sh
PYTHON ?= $(shell .ci/python)
RUN := .venv/bin/python
# With `=`, the command runs only for targets that use the variable.
RUN_TESTS = $(shell .ci/large_pages) $(RUN)
INSTALLED := .venv/installed
AS_IN_PRODUCTION := set -a && . ./.ci/production.env && set +a &&

.PHONY: demo test test-all faults sdks matrix test-plain rolling interop mutants model fuzz simulate check bench lock messages sbom screenshots dashboard

# Serves the demo on PORT (default 8000, or the next free one), with its data in DATA_DIR (default .demo).
# exec, so that Ctrl-C reaches Python.
demo: $(INSTALLED)
	@MODE=demo exec $(RUN) manage.py demo

# Runs the tests that need nothing but Python and PostgreSQL. ARGS="tests/oauth -k refresh" selects some.
test: $(INSTALLED)
	$(RUN_TESTS) -m pytest --numprocesses=auto --dist=worksteal -m "not browser and not node and not served and not sdk and not packaged and not simulation and not exhaustive and not large and not interop and not faults" $(ARGS)

# Also runs the tests that need a browser, node, servers or other projects, try all combinations, or run random actions,
# but not those of `make interop`. ARGS as above. Many tests wait, so three processes share a core: one computes while two
# wait (tests/lib/both_ends.py).
test-all: $(INSTALLED)
	@.ci/chromium
	$(RUN_TESTS) -m pytest --numprocesses=$(shell $(PYTHON) -c "import os; print(os.cpu_count() * 3)") --dist=loadfile --no-loadscope-reorder -m "not interop and not faults" $(ARGS)

# Logs in with other projects' client libraries, in Python, JavaScript, Go and Java (docs/clients.md). A language that is
# not on this machine, or whose packages cannot be fetched, is skipped; the last line says so. ARGS="-k MSAL" selects some.
interop: $(INSTALLED)
	$(RUN) -m pytest -m interop tests/interop $(ARGS)

# Runs the protocol's tests without the optimizations of oauth/fast_path/README.md.
test-plain: $(INSTALLED)
	FAST_PATH=off $(RUN_TESTS) -m pytest --numprocesses=auto --dist=loadfile tests/oauth tests/attacks tests/conformance $(ARGS)

# Runs the last release's tests on this release's tables (docs/upgrading.md). ARGS="tests/oauth" selects some, FLOWS=1 the
# most frequent actions of users and apps. Fails on each failure that .ci/rolling_failures.toml does not explain.
rolling: $(INSTALLED)
	ARGS='$(ARGS)' FLOWS='$(FLOWS)' $(RUN_TESTS) .ci/rolling.py

# Runs the packages' tests on the oldest and the newest supported Python and Django. CELLS=newest: only that one.
matrix: $(INSTALLED)
	$(RUN) .ci/matrix.py

# Removes each rule of tests/mutants/*.toml from a copy of the repository and expects its test to fail.
# CHANGED=<commit>: only rows whose rule, test or text changed since then. ONLY=<text>: only rows that contain the text.
mutants: $(INSTALLED)
	CHANGED="$(CHANGED)" ONLY="$(ONLY)" $(RUN_TESTS) -m tests.mutants

# Runs random actions of users, clients and staff; no token may allow more than its user last saw and allowed.
# SEED repeats a run. A failure is reduced to the steps that cause it, unless QUICK=1.
model: $(INSTALLED)
	SEED=$${SEED:-1} STEPS=$${STEPS:-10000} $(RUN) -m pytest --quiet --capture=no tests/model/test_authority.py $(ARGS)

# Sends ten thousand generated requests to every endpoint; takes minutes for each. FUZZ_EXAMPLES=1000 is faster.
fuzz: $(INSTALLED)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-10000} $(RUN) -m pytest --numprocesses=auto tests/fuzz $(ARGS)

# Customers, shops, officers and another bank act for SECONDS (default 60) while connections break and processes are
# killed; then every guarantee is checked. SEED repeats a run.
simulate: $(INSTALLED)
	SECONDS=$${SECONDS:-60} $(RUN) -m pytest --capture=no -p no:logging tests/simulation/test_random_faults.py $(ARGS)

# Causes the faults of docs/faults.md, which lists what the machine needs, in whole sites under load. Takes 50
# minutes; ARGS="--numprocesses=2 --dist=loadfile" runs two sites at the same time, in half of that. FAULTS_TABLE=docs/faults.md
# writes its tables again; ARGS="-k SIGSTOP" selects some. RECOVERY_SECONDS and INDEPENDENT_SECONDS loosen the limits on a busy
# machine.
faults: $(INSTALLED)
	$(RUN) -m pytest --capture=no -p no:logging -m faults tests/faults $(ARGS)

# Generates clients of the bank API for each language in SDKS (default: python typescript java kotlin), and pays with each.
# Skips and names a language whose tools are missing.
sdks: $(INSTALLED)
	SDKS="$${SDKS-python typescript java kotlin}" $(RUN) -m pytest tests/sdks $(ARGS)

check: $(INSTALLED)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(AS_IN_PRODUCTION) $(RUN) -m mypy
	.venv/bin/lint-imports
	$(AS_IN_PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING
	MODE=demo DATA_DIR=.cache/check $(RUN) manage.py makemigrations --check --dry-run
	$(RUN) .ci/newer_releases.py

# Measures what a request costs, as ratios to a bare view.
bench: $(INSTALLED)
	$(RUN) -m bench $(ARGS)

# Updates and compiles the .po files of the site and of each package, and lists what is not translated
# (docs/translations.md).
messages: $(INSTALLED)
	$(RUN) .ci/messages.py

# Takes the pictures of docs/pages.md in Chromium, while it tests each page.
screenshots: $(INSTALLED)
	@.ci/chromium
	mkdir -p docs/images/pages && rm -f docs/images/pages/*.webp
	PICTURES=docs/images/pages $(RUN) -m pytest -q tests/flows/test_every_page.py tests/flows/test_picture_book.py

# Draws the pictures of docs/monitoring.md: six minutes of a site under load, as Prometheus measures them.
dashboard: $(INSTALLED)
	PICTURES=docs/images/dashboard $(RUN) -m pytest -q -p no:logging -m faults tests/faults/test_dashboard.py

# Writes the components of the site into dist, as a CycloneDX document (docs/releasing.md).
sbom: $(INSTALLED)
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(RUN) -m uv run --quiet --no-project --isolated --with cyclonedx-bom==7.5.0 .ci/sbom.py

# Resolves pyproject.toml into requirements.txt and requirements-dev.txt.
lock: $(INSTALLED)
	$(RUN) .ci/lock.py

# Runs when the requirements change. The stamp is written last, so that an interrupted install runs again.
$(INSTALLED): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed: make PYTHON=..."; exit 1; }
	@echo "Making .venv and installing what requirements-dev.txt lists, about a hundred packages. This takes a minute or two, once."
	@$(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
