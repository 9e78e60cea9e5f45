# Everything runs in .venv, which `setup` makes and every other target asks for.
.DEFAULT_GOAL := help
.PHONY: help setup run test oldest lint compile repro reference site base-image images test-containers clean

PARAMS ?= params.yaml
SOURCE ?=
SET ?=
WORKERS ?= logical

# The first interpreter that really is 3.11 or 3.12: a name alone may be a shim that does not start.
PYTHON ?= $(shell for python in python3.11 python3.12 python3 python; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1

help:  ## Show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 26
	@echo
	@echo "  make run PARAMS=params.smoke.yaml          the smallest whole run"
	@echo "  make run SOURCE=/path/to/ptb-xl            the same on real records"
	@echo "  make run SET='train_lora.rank=8 evaluate.bootstrap=200'"

setup: $(STAMP)  ## Make .venv with everything in it (again only if the dependencies change)

# torch goes first and alone: a CPU build that is there already, or found in a wheel folder, is kept by the second pip.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and none was found; set PYTHON=/path/to/python" >&2; exit 5; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(STAMP)  ## Run the whole pipeline (PARAMS=, SOURCE=, SET=)
	$(BIN)/python -m pipelines run --params "$(PARAMS)" $(if $(SOURCE),--source "$(SOURCE)") $(foreach item,$(SET),--set "$(item)")

# A file's tests stay together: what they share is made once. Each worker may take 2 GB.
test: lint  ## Check style, types, import rules and behaviour (WORKERS=)
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile

OLDEST := build/oldest
oldest: $(STAMP)  ## Test the models with the oldest transformers we take, as GPU images have it
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(OLDEST) transformers==5.17.0 \
		huggingface-hub==1.33.0 hf-xet httpx httpcore h11 anyio certifi idna
	PYTHONPATH=$(OLDEST) $(BIN)/python -m pytest tests/unit/models tests/unit/training -W ignore::FutureWarning

lint: $(STAMP)  ## Check style, types, import rules, Dockerfiles and scripts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint components/*Dockerfile; \
	  else echo "not checked: the Dockerfiles (hadolint is packaged for Linux only)"; fi
	@if command -v shellcheck >/dev/null; then shellcheck components/*.sh .ci/run; \
	  else echo "not checked: the scripts (shellcheck is missing)"; fi

compile: $(STAMP)  ## Write pipelines/compiled and components/README.md
	$(BIN)/python -m pipelines compile

reference: $(STAMP)  ## Write docs/reference and docs/cards/base.md from the code
	$(BIN)/python -m handbook

site: $(STAMP)  ## Build the documentation into build/site; nothing in it fetches anything
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

repro: $(STAMP)  ## Run the stages by DVC, reusing what is unchanged
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/dvc repro

ENGINE ?= $(shell command -v podman || command -v docker)
TARGETS ?= cpu gpu gate serve submit
TAG ?= dev
IMAGE_ARGS ?=
TWELVELEAD_TEST_IMAGES ?= localhost/twelvelead/{target}:$(TAG)
BASE := localhost/twelvelead/base:bookworm
GPU_BASE := localhost/twelvelead/gpu-base:standin
# OCI's own format has no place for a HEALTHCHECK.
export BUILDAH_FORMAT := docker

base-image:  ## Make stand-ins for the images' bases where none can be pulled (as root, by debootstrap)
	ENGINE="$(ENGINE)" components/base-image.sh $(BASE)
	$(ENGINE) build $(IMAGE_ARGS) --build-arg BASE_IMAGE=$(BASE) -f components/standin.Dockerfile -t $(GPU_BASE) .

images:  ## Build the images (TARGETS=, STANDIN=1 after base-image, IMAGE_ARGS='--build-arg …', ENGINE=, TAG=)
	@test -n "$(ENGINE)" || { echo "no container engine: install podman or docker, or set ENGINE" >&2; exit 5; }
	for target in $(TARGETS); do \
	  $(ENGINE) build $(if $(STANDIN),--build-arg BASE_IMAGE=$(BASE) --build-arg GPU_BASE_IMAGE=$(GPU_BASE)) \
	    $(IMAGE_ARGS) -f components/Dockerfile --target $$target -t localhost/twelvelead/$$target:$(TAG) \
	    --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
	    --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" . || exit 1; done

test-containers: $(STAMP)  ## Run the smoke road in containers and beside them: same verdict, same bytes (after images)
	TWELVELEAD_TEST_IMAGES="$(TWELVELEAD_TEST_IMAGES)" $(BIN)/python -m pytest tests/containers -rs

clean:  ## Remove runs, artifacts and caches, not .venv
	rm -rf runs artifacts local_outputs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
