# `make` alone lists what there is. Python 3.11 or newer is all this needs; the rest goes into .venv.

WORKERS ?= 3
ARGS ?=

python := .venv/bin/python
# --no-deps: the lock names everything, and without it pip looks at newer releases that the lock does not know.
install := $(python) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps
pin = UV_CUSTOM_COMPILE_COMMAND="make lock" $(python) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes $(ARGS)
runtime := .venv/runtime-installed
tools := .venv/tools-installed

.DEFAULT_GOAL := help
.PHONY: help run test lint format lock translations bench screenshots clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(runtime) ## run Almanac with all it needs, until Ctrl-C (PORT=8000, ALMANAC_VAR=var)
	@exec $(python) -m devserver --with-parent

# Empty is unset: compiled once, and not in each of the many processes that tests start.
test: export PYTHONDONTWRITEBYTECODE =
test: $(tools) ## run all tests on servers of their own (ARGS="-k booking", WORKERS=3)
	@.ci/chromium
	@$(python) -m pytest -n $(WORKERS) $(ARGS)

lint: $(tools) ## check style, types, layers, templates and dependencies
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo
	$(python) -m djlint templates --check --lint
	$(python) -m deptry .

format: $(tools) ## put code and templates into shape
	$(python) -m ruff check --fix .
	$(python) -m ruff format .
	$(python) -m djlint templates --reformat --quiet

lock: $(tools) ## pin what requirements*.in ask for, with hashes (ARGS="--upgrade")
	@$(pin) requirements.in --output-file requirements.txt
	@$(pin) --constraint requirements.txt requirements-dev.in --output-file requirements-dev.txt
	@$(pin) --constraint requirements.txt bench/requirements-peers.in --output-file bench/requirements-peers.txt

translations: $(tools) ## find new and changed words for people, and merge them into translations/ (then translate them there)
	@$(python) -m babel.messages.frontend --quiet extract --mapping-file=translations/babel.cfg \
		--keywords=say --keywords=lazy_gettext --add-comments=Translators: --strip-comments --no-wrap --sort-output \
		--no-location --project=Almanac --version=1 --copyright-holder=Almanac \
		--output-file=translations/messages.pot .
	@for folder in translations/*/; do \
		$(python) -m babel.messages.frontend --quiet update --input-file=translations/messages.pot --ignore-pot-creation-date --ignore-obsolete --no-fuzzy-matching --no-wrap \
			--locale=$$(basename $$folder) --output-file=$${folder}LC_MESSAGES/messages.po || exit 1; \
	done
	@rm translations/messages.pot

bench: $(tools) ## measure speed, side by side with what one would use instead (ARGS="jobs --quick")
	@$(python) -m bench $(ARGS)

screenshots: $(tools) ## take the pictures of the README and docs anew
	@$(python) -m tests.browser.screenshots

clean: ## remove .venv and caches; the data in var/ stay
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(runtime): requirements.txt | $(python)
	@echo "Installing what Almanac needs; the first time takes a minute or two."
	@$(install) -r requirements.txt
	@touch $@

$(tools): requirements-dev.txt $(runtime)
	@echo "Installing the tools for tests and checks."
	@$(install) -r requirements.txt -r requirements-dev.txt
	@touch $@

.venv-bench/installed: bench/requirements-peers.txt | $(python)
	@echo "Installing what Almanac is measured against, apart from it."
	@$(python) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r bench/requirements-peers.txt
	@touch $@

$(python):
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		$$python -c 'import ensurepip, venv' 2>/dev/null && exec $$python -m venv --clear .venv; \
		lacking="$${lacking:-$$python}"; \
	done; \
	if [ "$$lacking" ]; then \
		echo "Almanac needs Python's venv, which is packed separately here: apt-get install $$lacking-venv" >&2; \
	else \
		echo "Almanac needs Python 3.11 or newer: install it so that python3 or python3.11 is on the PATH." >&2; \
	fi; exit 1
