# Everything a person or a pipeline does here, from nothing. It needs git, make, bash and Python 3; the tests also Node.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -o pipefail -c
.PHONY: help setup demo stop test drills unit lint audit lock bench bench-serving bench-search bench-decision bench-gate bench-honest bench-first-use bench-reproducibility bench-age bench-cold bench-all package clean

# Hundreds of processes start here, and each would compile what the one before has compiled.
unexport PYTHONDONTWRITEBYTECODE

VENV   := .venv
PYTHON := $(VENV)/bin/python
UV     := $(shell command -v uv || echo .tools/uv/bin/uv)
# Tests wait for services and disks now and then, drills most of the time. In the order of their folders, short files
# come last.
at_once = --numprocesses=$(1) --dist=loadfile --no-loadscope-reorder
DRILLS := $(CURDIR)/build/drills.jsonl
SOAK := tests/drills/test_soak.py
DATA   ?= samples/data
PEERS  ?= statsforecast,pmdarima,autoets,autotheta,ensemble,seasonal_naive,arima202

help: ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: $(VENV)/.ready node_modules/.ready ## install Python 3.13, the pinned packages and, for the tests, Azurite and Kusto's language service; all inside this folder

# What uv says, without the list of every package: what it downloads, and how long each step took.
WITHOUT_LIST := 2>&1 | sed '/^ [+~-] /d'

.tools/uv/bin/uv:
	@echo "Set-up: installing uv, the package installer, into .tools (about 25 MB; usually a few seconds)"
	@python3 -m pip install --quiet --root-user-action=ignore --target .tools/uv uv

# uv's own search is not enough: a python3.13 on the PATH may be a pyenv shim that refuses to start.
$(VENV)/bin/python: | $(UV)
	@echo "Set-up: making a Python 3.13 environment in $(VENV) (downloads Python, about 35 MB, if this machine has no 3.13)"
	@found=$$(for candidate in python3.13 "$$(pyenv root 2>/dev/null)"/versions/3.13*/bin/python; do \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$$candidate" && break; done); \
	$(UV) venv --python "$${found:-3.13}" $(VENV)

$(VENV)/.ready: requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "Set-up: installing $$(grep -c '==' requirements-dev.txt) pinned packages into $(VENV) (about 230 MB to download, 1 GB on disk;"
	@echo "        usually less than a minute, several on a slow network; compiling them takes 15 s and says nothing)"
	@$(UV) pip sync --compile-bytecode --python $(PYTHON) --require-hashes requirements-dev.txt $(WITHOUT_LIST)
	@echo "Set-up: installing retrain itself"
	@$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.ready: package-lock.json
	@echo "Set-up: installing what the tests need of Node, Azurite and Kusto's language service, into node_modules (usually less than a minute)"
	@npm ci --loglevel=error
	@touch $@

demo: $(VENV)/.ready ## land two years, promote, forecast, in 15 s; DATA=folder lands your files, KEEP=1 keeps the services
	@$(PYTHON) samples/demo.py $(DATA)

stop: $(VENV)/.ready ## stop the services that KEEP=1 has left
	@$(PYTHON) -c 'from samples.demo import stop; print(f"Services stopped: {stop()}.")'

test: setup ## every test; it also needs Node, for the storage emulator
	$(PYTHON) -m pytest $(call at_once,3)

drills: setup ## every drill, the long ones too; WRITE_TABLES=1 renews the tables in docs/
	@mkdir -p build && rm -f $(DRILLS)
	DRILLS=$(DRILLS) WRITE_TABLES=$(WRITE_TABLES) $(PYTHON) -m pytest $(call at_once,4) -m "not live" \
		tests/drills/test_crashes.py tests/azure/test_drills.py tests/azure/test_app_drills.py tests/azure/test_live_suite.py tests/drills \
		--ignore=$(SOAK)
	$(PYTHON) -m pytest $(call at_once,3) -m long --ignore=tests/azure --ignore=tests/drills # what else is long
	DRILLS=$(DRILLS) $(PYTHON) -m pytest -m long $(SOAK) # alone, for it measures
	@WRITE_TABLES=$(WRITE_TABLES) $(PYTHON) -m tests.drills.table $(DRILLS)

unit: $(VENV)/.ready ## the tests of the core alone, in seconds
	$(PYTHON) -m pytest tests/unit

lint: $(VENV)/.ready ## style, types, import directions, the template of infra/, pipelines
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m tests.azure.template.check
	$(VENV)/bin/zizmor --offline --quiet --persona auditor .github/workflows
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
		--regex-variant python azure-pipelines.yml

audit: setup ## known advisories against the pinned packages, where their registries can be asked
	@$(PYTHON) -m tests.project.advisories

lock: | $(UV) ## compile pyproject.toml into its hashed locks
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header pyproject.toml -o requirements.txt
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header --group scoring -c requirements.txt -o scoring/requirements.txt
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

# Each benchmark takes QUICK=1, to run in seconds on little data without the peers, and JSON=file, to keep the figures.
MEASURED = $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))
PEERS_READY = $(if $(QUICK),$(VENV)/.ready,.tools/peers/.ready)
PEERS_PYTHON = $(if $(QUICK),$(PYTHON),.tools/peers/bin/python)

bench: $(VENV)/.ready ## read a raw file of 1 GB against pandas, in one run
	$(PYTHON) -m benchmarks.landing $(MEASURED)

.tools/mlflow/.ready: Makefile | $(UV) $(VENV)/.ready
	$(UV) venv --quiet --clear --python $(PYTHON) .tools/mlflow
	$(UV) pip install --quiet --python .tools/mlflow/bin/python mlflow==3.17.2 statsmodels==0.15.0
	@touch $@

bench-serving: $(if $(QUICK),$(VENV)/.ready,.tools/mlflow/.ready) ## the service against mlflow's, in one run; mlflow gets an environment of its own
	$(PYTHON) -m benchmarks.serving $(if $(QUICK),,--peer .tools/mlflow/bin/python) $(MEASURED)

# The peers get an environment of their own: ours as pinned, and what they need besides.
.tools/peers/.ready: requirements.txt Makefile | $(UV) $(VENV)/.ready
	$(UV) venv --quiet --clear --python $(PYTHON) .tools/peers
	$(UV) pip install --quiet --python .tools/peers/bin/python -r requirements.txt statsforecast==2.0.1 pmdarima==2.1.1
	@touch $@

bench-search: $(PEERS_READY) ## automatic orders on DATA=folder of daily series against the peers
	$(PEERS_PYTHON) -m benchmarks.order_search --data $(DATA) --peers $(PEERS) $(MEASURED)

bench-decision: $(PEERS_READY) ## a whole decision on DATA=folder of yearly files against one fit of a peer, and its memory
	$(PEERS_PYTHON) -m benchmarks.decision --data $(DATA) $(MEASURED)

bench-first-use: $(VENV)/.ready ## the first use of Azure ML's client against the bare import of its package
	$(PYTHON) -m benchmarks.first_use $(MEASURED)

bench-gate: $(VENV)/.ready ## how often a year of daily looks promotes; YEARS=40 of each world at most, WRITE_TABLES=1 renews docs/evidence.md
	$(PYTHON) -m benchmarks.gate $(if $(YEARS),--years $(YEARS)) $(if $(WRITE_TABLES),--write-tables) $(MEASURED)

bench-drift: $(VENV)/.ready ## how often a year of daily looks gives a false alarm; YEARS, WRITE_TABLES as for bench-gate, CALIBRATE=1 for the limits
	$(PYTHON) -m benchmarks.drift $(if $(YEARS),--years $(YEARS)) $(if $(WRITE_TABLES),--write-tables) $(if $(CALIBRATE),--calibrate) $(MEASURED)

bench-honest: $(VENV)/.ready ## how many honest files are held, and how many with a fault; FILES=number of them
	$(PYTHON) -m benchmarks.honest $(if $(FILES),--files $(FILES)) $(MEASURED)

bench-reproducibility: $(VENV)/.ready ## the same decision on other processors and for other last bits; DATA=folder adds its series
	$(PYTHON) -m benchmarks.reproducibility $(if $(filter-out samples/data,$(DATA)),--data $(DATA)) $(MEASURED)

bench-age: $(VENV)/.ready ## every command and route on a store that is years old, against the same on its first day
	$(PYTHON) -m benchmarks.age $(MEASURED)

bench-cold: $(VENV)/.ready | $(UV) ## index and first request of the Function App as deployed, against BASE=commit
	$(PYTHON) -m benchmarks.cold $(if $(BASE),--base $(BASE)) $(MEASURED)

bench-all: $(VENV)/.ready ## every benchmark, and docs/benchmarks.md with their figures; QUICK=1 PAGE=file only tries them
	@$(PYTHON) -m benchmarks.all $(if $(QUICK),--quick) $(if $(PAGE),--page $(PAGE)) $(if $(ONLY),--only $(ONLY))

package: $(VENV)/.ready | $(UV) ## what is deployed as the Function App, in build/package
	$(PYTHON) -m infra.package build/package

clean: ## remove what setup and demo made
	rm -rf $(VENV) .tools .demo node_modules
