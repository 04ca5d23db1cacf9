# Every command of this project. Needs python3 (3.11 or newer) and make, nothing else.
#   make demo    the service beside a FHIR server with sample patients (FHIR_SERVER= PATIENT= PORT= FHIR_PORT= ONCE=1)
#   make test    check, then every test      make check   format, lint, types, layers, knowledge
#   make bench   what a hook call costs      make hapi    a real HAPI FHIR server (needs Java 17, Maven)
#   make golden  rewrite the golden files    make lock    renew uv.lock and constraints.txt

PYTHON ?= python3
BIN := .venv/bin
FHIR_SERVER ?=
PATIENT ?=
PORT ?=
FHIR_PORT ?=
ONCE ?=
HAPI_PORT ?= 8091
ARGS ?=

.PHONY: demo test check format bench hapi golden lock clean venv venv-demo

venv:
	@$(PYTHON) tools/set_up.py demo lint postgresql test

venv-demo:
	@$(PYTHON) tools/set_up.py demo

demo: venv-demo
	@$(BIN)/python -m service.demo --fhir-server "$(FHIR_SERVER)" --patient "$(PATIENT)" \
	  --port "$(PORT)" --fhir-port "$(FHIR_PORT)" --once "$(ONCE)"

check: venv
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/heme-hooks knowledge check

test: check
	@$(BIN)/python -m pytest $(ARGS)

format: venv
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: venv
	@$(BIN)/python -m bench $(ARGS)

hapi:
	@tests/integration/hapi/hapi.sh run $(HAPI_PORT)

golden: venv
	@$(BIN)/python -m pytest --snapshot-update $(ARGS)

lock: venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python tools/lock.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
