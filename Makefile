PYTHON ?= python3
INSTALLED := .venv/installed
ARMS := case untreated radiotherapy anti_pd1 anlotinib radiotherapy_anti_pd1

.PHONY: install case lint test

install: $(INSTALLED)

case: $(INSTALLED)
	.venv/bin/python run.py compare $(ARMS:%=scenarios/%.yaml) --force -o results/case
	@echo "Look at results/case/report.html; the records, tables and figures lie beside it."

lint: $(INSTALLED)
	.venv/bin/ruff check .
	.venv/bin/mypy

test: $(INSTALLED)
	@mkdir -p results
	.venv/bin/python -m pytest -q -rs -n auto --junitxml=results/tests.xml; code=$$?; \
	echo "Each test's outcome is in results/tests.xml; failures are shown above."; exit $$code

# Done again whenever the dependencies change.
$(INSTALLED): pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@
