"""The OpenAPI document is valid, and the service keeps to it under generated calls."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from click.testing import CliRunner
from hypothesis import HealthCheck, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from service.cli import main
from service.settings import Settings
from tests.support.hook_calls import call, client, empty_prefetch

if TYPE_CHECKING:
    from schemathesis import Case

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
APP = create_app(Settings(database_url="", call_deadline=0.5), log_stream=io.StringIO())
DOCUMENT: dict[str, Any] = APP.test_client().get("/openapi.json").json  # type: ignore[assignment]
SCHEMA = schemathesis.openapi.from_wsgi("/openapi.json", APP)
SCHEMA.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_address_that_clients_and_operators_use_is_described() -> None:
    rules = {
        rule.rule.replace("<service_id>", "pancytopenia-patient-view")
        for rule in APP.url_map.iter_rules()
        if not rule.rule.startswith(("/static", "/sandbox")) and "//" not in rule.rule
    }
    undescribed = {rule.rstrip("/") for rule in rules} - set(DOCUMENT["paths"])
    # Not every deployment has them, and neither is JSON for machines of ours.
    assert undescribed <= {"", "/metrics", "/feedback/report"}


def test_the_command_prints_the_same_document() -> None:
    printed = CliRunner().invoke(main, ["openapi"])
    assert json.loads(printed.stdout) == DOCUMENT


def test_the_servers_address_is_the_public_one() -> None:
    named = client(public_url="https://hooks.example").get("/openapi.json").json
    assert named["servers"] == [{"url": "https://hooks.example"}]  # type: ignore[index]


def test_a_real_call_and_its_answer_fit_the_document() -> None:
    import jsonschema

    body = call(prefetch=empty_prefetch())
    schemas = {"components": DOCUMENT["components"]}
    for name, instance in (
        ("PatientViewCall", body),
        ("CdsResponse", {"cards": []}),
        ("Discovery", APP.test_client().get("/cds-services").json),
    ):
        schema = schemas | {"$ref": f"#/components/schemas/{name}"}
        jsonschema.Draft202012Validator(schema).validate(instance)
    wrong = schemas | {"$ref": "#/components/schemas/OrderSignCall"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(wrong).validate(body)


@SCHEMA.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_generated_requests_get_an_answer_of_the_document(case: Case) -> None:
    case.call_and_validate(checks=CHECKS)
