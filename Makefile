PYTHON ?= python3
INSTALLED := .venv/installed
FIRST_RUN := results/first_run.json
ARMS := case untreated radiotherapy anti_pd1 anlotinib radiotherapy_anti_pd1

LESSONS := low_dose window fractions

.PHONY: install case lesson lessons numbers lint test test-page

install: $(INSTALLED)

case: $(INSTALLED)
	.venv/bin/python run.py compare $(ARMS:%=scenarios/%.yaml) --force -o results/case
	@echo "Look at results/case/report.html; the records, tables and figures lie beside it."

# From a fresh clone to an open lesson: minutes for its runs, then the browser.
lesson: $(INSTALLED)
	mkdir -p results/lessons
	test -f results/lessons/low_dose.html || .venv/bin/python run.py lesson low_dose --runs results/lessons/runs -o results/lessons/low_dose.html
	.venv/bin/python -m webbrowser "file://$(CURDIR)/results/lessons/low_dose.html"

# One page a lesson, with its runs inside; what was computed before is used again.
lessons: $(INSTALLED)
	mkdir -p results/lessons
	for lesson in $(LESSONS); do \
		.venv/bin/python run.py lesson $$lesson --force --runs results/lessons/runs -o results/lessons/$$lesson.html || exit 1; done
	@echo "Open results/lessons/*.html in a browser; they need no network."

# The numbers in README and docs, from what their commands give: minutes after `make case`, whose numbers are left alone without it.
numbers: $(INSTALLED)
	.venv/bin/python docs/made_numbers.py

lint: $(INSTALLED)
	.venv/bin/ruff check .
	.venv/bin/mypy

test: $(FIRST_RUN)
	.venv/bin/python -m pytest -q -rs -n auto --dist worksteal --junitxml=results/tests.xml; code=$$?; \
	echo "Each test's outcome is in results/tests.xml; failures are shown above."; exit $$code

# Compiles every rule on a machine that has none compiled; the tests hold its hash against every other way of computing the same.
$(FIRST_RUN): $(INSTALLED) $(shell find sim -name '*.py')
	@echo "The start of the case; where no compiled rules are kept this takes one to two minutes."
	@.venv/bin/python -m tests.first_run

# The page in a browser at full size: a million sites, four arms, frames a second. Needs a Chromium.
test-page: $(INSTALLED)
	.venv/bin/python -m pytest -q -rs -n 0 tests/page --page

# Done again whenever the dependencies change.
$(INSTALLED): pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@
