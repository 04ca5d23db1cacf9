# Every command of this project. Needs python3 (3.11 or newer) and make, nothing else.

PYTHON ?= python3
BIN := .venv/bin
FHIR_SERVER ?=
PATIENT ?=
PORT ?=
FHIR_PORT ?=
ONCE ?=
HAPI_PORT ?= 8091
ARGS ?=

# Tests start hundreds of processes; none should have to compile the product again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo backtest-demo test quick check format bench hapi golden lock audit clean venv venv-demo venv-backtest

help: ## what each command does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|' 2>/dev/null \
	  || grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST)

venv:
	@$(PYTHON) tools/set_up.py backtest demo lint postgresql test

venv-demo:
	@$(PYTHON) tools/set_up.py demo

venv-backtest:
	@$(PYTHON) tools/set_up.py backtest

demo: venv-demo ## the service beside a FHIR server with sample patients (FHIR_SERVER= PATIENT= PORT= FHIR_PORT= ONCE=1)
	@$(BIN)/python -m service.demo --fhir-server "$(FHIR_SERVER)" --patient "$(PATIENT)" \
	  --port "$(PORT)" --fhir-port "$(FHIR_PORT)" --once "$(ONCE)"

backtest-demo: venv-backtest ## a year of made-up patients to a report for the committee, in a minute
	@$(BIN)/python -m service.demo.backtest

check: venv ## format, lint, types, layers and the knowledge
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/heme-hooks knowledge check

test: check ## check, then every test, on every core (ARGS= for pytest)
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

quick: venv ## format, lint, types, unit and spec tests: in a minute
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -n auto tests/unit tests/spec

format: venv ## write the format and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: venv ## what a hook call costs (ARGS=--quick), or a backtest (ARGS=backtest)
	@$(BIN)/python -m bench $(ARGS)

hapi: ## a real HAPI FHIR server (needs Java 17 and Maven; HAPI_PORT=)
	@tests/integration/hapi/hapi.sh run $(HAPI_PORT)

golden: venv ## rewrite the golden files; read the difference
	@$(BIN)/python -m pytest --snapshot-update $(ARGS)

audit: ## known vulnerabilities in what is shipped
	@$(PYTHON) tools/audit.py

lock: venv ## renew uv.lock, constraints.txt and requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python tools/lock.py

clean: ## remove what was built
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
