# The only verbs of this project. `make help` lists them.
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
HOME_  ?= data/demo
IMAGE  ?= attune:dev
ENGINE := $(firstword $(shell command -v podman docker))
BUILD  := $(ENGINE) build $(if $(findstring podman,$(ENGINE)),--format docker) $(BUILD_FLAGS)
REVISION = $(shell git rev-parse HEAD 2>/dev/null)

export DO_NOT_TRACK = 1
export BENTOML_DO_NOT_TRACK = True
export DVC_NO_ANALYTICS = 1

.DEFAULT_GOAL := help
.PHONY: help demo test check check-manifests format image test-image compile bench-loop bench-serving bench-monitoring bench-registry bench-features bench-recommender bench-models clean

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

demo: $(VENV)/.installed-demo ## Tell the story of the whole loop on real purchases
	@$(BIN)/attune demo --home $(HOME_)

test: $(VENV)/.installed-dev ## Install what tests need and run them all
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/.installed-dev ## Format, lint, types, import contracts, manifests, Dockerfile, and that tests collect
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint Dockerfile
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src components pipelines serving monitoring k8s image
	@collected=$$($(BIN)/python -m pytest --collect-only --quiet) || { echo "$$collected" | tail -n 60; exit 1; }

check-manifests: build/checkov/.installed ## Let checkov read what kubectl makes of k8s/, and the Dockerfile
	@rm -rf build/rendered && mkdir -p build/rendered && cp Dockerfile build/rendered/
	@for folder in k8s/base k8s/overlays/* tests/k8s/everything; do \
	  kubectl kustomize $$folder --output build/rendered/$$(basename $$folder).yaml || exit 1; done
	build/checkov/bin/checkov --config-file .ci/checkov.yaml

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

image: ## Build both images and print their sizes: IMAGE=attune:dev BUILD_FLAGS="--build-arg TORCH=..."
	@$(BUILD) --tag $(IMAGE) --build-arg REVISION=$(REVISION) .
	@$(BUILD) --tag $(subst attune:,attune-serving:,$(IMAGE)) --build-arg REVISION=$(REVISION) --target serving .
	@for name in $(IMAGE) $(subst attune:,attune-serving:,$(IMAGE)); do \
	  $(ENGINE) image inspect --format '{{.Size}}' $$name | awk -v n=$$name '{printf "%s  %.2f GB\n", n, $$1 / 1e9}'; done

test-image: image $(VENV)/.installed-dev ## Run both images as hardened as pods are
	@ATTUNE_TEST_IMAGES="$(IMAGE) $(subst attune:,attune-serving:,$(IMAGE))" $(BIN)/python -m pytest tests/containers

compile: $(VENV)/.installed-demo ## Compile every pipeline to compiled/
	@$(BIN)/attune compile

bench-registry: $(VENV)/.installed-dev ## Damage a registry in a thousand ways, race for it, time it
	@$(BIN)/python -m benchmarks.registry

bench-monitoring: $(VENV)/.installed-dev ## Simulate drift, storms and equals, and measure drift at volume beside Evidently
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.monitoring

bench-serving: $(VENV)/.installed-dev ## Measure the server beside others, with slow callers, overload and faults, and for a while
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving_rivals
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving_faults
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving_soak
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.graphs

bench-loop: $(VENV)/.installed-dev ## Time installing and running the demo
	@$(BIN)/python -m benchmarks.loop

bench-features: $(VENV)/.installed-dev ## Measure joins, online rows and back-fill beside Feast's (needs redis-server)
	@$(BIN)/python -m benchmarks.features

bench-recommender: $(VENV)/.installed-dev ## Measure recommenders by one protocol: PROTOCOL=ml1m_loo MODEL="--model ease"
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.recommender $(PROTOCOL) $(MODEL)

bench-models: $(VENV)/.installed-dev ## Measure churn and response models: PROTOCOL="telco bank_shuffled"
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.models $(PROTOCOL)

clean: ## Remove what runs made; the environment stays
	rm -rf data/demo compiled

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Attune needs Python 3.11, found: $$($(PYTHON) --version 2>&1). Name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# torch first and alone: whatever wants it afterwards is content with the version that is there.
$(VENV)/.installed-demo: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Attune into $(VENV) (a few minutes the first time)"
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-demo
	@echo "Installing what checks and tests need"
	@$(PIP) --editable '.[dev]'
	@touch $@

# An environment of its own: it wants other versions of what our packages want too.
build/checkov/.installed: .ci/checkov.txt
	@$(PYTHON) -m venv build/checkov
	@build/checkov/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --requirement $<
	@touch $@

# Large, and needed only by the test that holds Spark against DuckDB.
$(VENV)/.installed-spark: $(VENV)/.installed-dev
	@echo "Installing Spark"
	@$(PIP) --editable '.[spark]'
	@touch $@
