"""The body of a hook call: what is malformed is refused with the field's name (CDS Hooks 2.0)."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.hook_request import parse_hook_call
from service.errors import ClientNotAllowed, InvalidHookCall
from service.security.trusted_clients import anonymous
from service.settings import Settings

if TYPE_CHECKING:
    from service.cds_hooks.messages import CdsRequest

CATALOGUE = load_catalogue()
SETTINGS = Settings()

CALL: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "fhirServer": "http://127.0.0.1:8080/fhir",
    "fhirAuthorization": {
        "access_token": "some-opaque-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/Patient.rs patient/Observation.rs",
        "subject": "cds-service4",
        "patient": "1288992",
    },
    "context": {
        "userId": "Practitioner/example",
        "patientId": "1288992",
        "encounterId": "89284",
    },
    "prefetch": {"patient": {"resourceType": "Patient", "id": "1288992"}},
}
DRAFTS = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationRequest"}}]}
MISSING = object()


def parse(body: object, hook: str = "patient-view") -> CdsRequest:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    service = CATALOGUE.service(f"pancytopenia-{hook}")
    return parse_hook_call(text, service, SETTINGS, anonymous(SETTINGS))


def changed(path: str, value: object, hook: str = "patient-view") -> dict[str, Any]:
    body = copy.deepcopy(CALL)
    body["hook"] = hook
    if hook != "patient-view":
        body["context"] |= {"draftOrders": DRAFTS, "selections": []}
    *parents, last = path.split(".")
    place = body
    for parent in parents:
        place = place[parent]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return body


def refused(body: object, hook: str = "patient-view") -> InvalidHookCall:
    with pytest.raises(InvalidHookCall) as raised:
        parse(body, hook)
    return raised.value


def test_a_call_of_the_specification_is_taken() -> None:
    call = parse(CALL)
    assert (call.patient_id, call.encounter_id) == ("1288992", "89284")
    assert call.fhir_server == "http://127.0.0.1:8080/fhir"
    assert call.authorization is not None
    assert list(call.prefetch) == ["patient"]
    assert not call.wants_explanation


def test_only_the_required_fields_are_needed() -> None:
    body = {
        "hook": "patient-view",
        "hookInstance": "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA",
        "context": {"userId": "PractitionerRole/1", "patientId": "a.b-C"},
    }
    assert parse(body).prefetch == {}


def test_unknown_fields_are_passed_over() -> None:
    body = CALL | {"extension": {"com.example": [1]}, "hookVersion": "1.0", "x": None}
    body["context"] = CALL["context"] | {"y": {"z": 1}}
    assert parse(body).patient_id == "1288992"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"hook",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"12",
        b'\xef\xbb\xbf{"hook": "patient-view"}',
        json.dumps(CALL).encode("utf-16"),
        json.dumps(CALL).encode().replace(b"1288992", b"12\xff"),
        json.dumps(CALL)[:-1].encode(),
        json.dumps(CALL).encode() + b"{}",
        b'{"prefetch": {"a": NaN}}',
        b'{"prefetch": {"a": Infinity}}',
        b'{"prefetch": {"a": {"b": "\xfa"}}}',
        b'{"prefetch": {"a": ' + b"[" * 60_000 + b"]" * 60_000 + b"}}",
        b"[" * 60_000,
        b'{"a":' * 60_000,
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    assert refused(body).status == 400


@pytest.mark.parametrize("path", ["hook", "context", "context.userId", "context.patientId"])
def test_a_missing_field_that_the_answer_needs_is_named(path: str) -> None:
    assert refused(changed(path, MISSING)).expression == path


AUTHORIZATION = ["access_token", "token_type", "expires_in", "scope", "subject", "patient"]
ODD = ["", "not-a-uuid", "Encounter/1", "a\r\nb", "x" * 5000, 7, True, [], {}, None]
NOT_NEEDED = [
    *(
        (f"fhirAuthorization.{field}", value)
        for field in AUTHORIZATION
        for value in (MISSING, None)
    ),
    *((path, MISSING) for path in ("hookInstance", "context.encounterId", "fhirServer")),
    *(
        (path, value)
        for path in (
            "hookInstance",
            "context.encounterId",
            "context.selections",
            "context.draftOrders",
            "fhirAuthorization.scope",
            "fhirAuthorization.subject",
            "fhirAuthorization.patient",
            "extension",
        )
        for value in ODD
    ),
    ("fhirAuthorization.token_type", "bearer"),
]


@pytest.mark.parametrize(("path", "value"), NOT_NEEDED)
def test_a_call_is_not_refused_for_what_the_answer_does_not_need(path: str, value: object) -> None:
    call = parse(changed(path, value))
    assert call.patient_id == "1288992"
    assert call.hook_instance in {"", CALL["hookInstance"]}
    assert call.encounter_id in {None, "89284", "not-a-uuid"}
    assert call.selections == ()
    assert not call.wants_explanation
    token = None if call.authorization is None else call.authorization.access_token
    assert token in {None, "some-opaque-token"}
    assert (token is None) is (path == "fhirAuthorization.access_token")


WRONG = [
    ("hook", "order-sign"),
    ("hook", 1),
    ("context", []),
    ("context", "1288992"),
    ("context", None),
    ("context.patientId", ""),
    ("context.patientId", "."),
    ("context.patientId", ".."),
    ("context.patientId", "Patient/1"),
    ("context.patientId", "1/../2"),
    ("context.patientId", "1?x=y"),
    ("context.patientId", "1 "),
    ("context.patientId", "1\n"),
    ("context.patientId", "a" * 65),
    ("context.patientId", "é"),
    ("context.patientId", 1288992),
    ("context.patientId", None),
    ("context.userId", "example"),
    ("context.userId", "Practitioner/"),
    ("context.userId", "Practitioner/.."),
    ("context.userId", "Device/1"),
    ("context.userId", "https://ehr.example/Practitioner/1"),
    ("context.userId", "Practitioner/1/_history/2"),
    ("context.userId", 1),
    ("fhirServer", ""),
    ("fhirServer", "fhir"),
    ("fhirServer", "ftp://127.0.0.1/fhir"),
    ("fhirServer", "http://user:pass@127.0.0.1/fhir"),
    ("fhirServer", "http://127.0.0.1/fhir?x=1"),
    ("fhirServer", "http://127.0.0.1/fhir#x"),
    ("fhirServer", "http://127.0.0.1/a/../fhir"),
    ("fhirServer", 1),
    ("fhirAuthorization", "Bearer x"),
    ("fhirAuthorization", []),
    ("fhirAuthorization.access_token", ""),
    ("fhirAuthorization.access_token", "a\r\nX-Evil: 1"),
    ("fhirAuthorization.access_token", "a b"),
    ("fhirAuthorization.access_token", "a\x00"),
    ("fhirAuthorization.access_token", "tokén"),
    ("fhirAuthorization.access_token", 1),
    ("fhirAuthorization.token_type", "MAC"),
    ("fhirAuthorization.token_type", ""),
    ("fhirAuthorization.expires_in", 0),
    ("fhirAuthorization.expires_in", -1),
    ("fhirAuthorization.expires_in", True),
    ("fhirAuthorization.expires_in", "300"),
    ("fhirAuthorization.expires_in", 2.5),
    ("prefetch", []),
    ("prefetch", "x"),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name_and_never_repeated(path: str, value: object) -> None:
    error = refused(changed(path, value))
    assert error.expression == path
    assert path in error.message
    if isinstance(value, str) and len(value) > 2 and value not in {"Practitioner/", "fhir"}:
        assert value not in error.message


@pytest.mark.parametrize("path", ["fhirAuthorization", "prefetch", "extension"])
def test_null_for_an_optional_part_is_as_if_it_was_left_out(path: str) -> None:
    assert parse(changed(path, None)).patient_id == "1288992"


@pytest.mark.parametrize(
    "server", ["https://ehr.example/fhir", "http://169.254.169.254/latest", "http://10.0.0.1/fhir"]
)
def test_a_fhir_server_that_is_not_listed_is_forbidden(server: str) -> None:
    with pytest.raises(ClientNotAllowed) as raised:
        parse(changed("fhirServer", server))
    assert raised.value.status == 403
    assert raised.value.expression == "fhirServer"
    assert "HEME_HOOKS_FHIR_SERVERS" in raised.value.message


@pytest.mark.parametrize(
    ("hook", "path", "value"),
    [
        ("order-select", "context.draftOrders", MISSING),
        ("order-select", "context.selections", MISSING),
        ("order-select", "context.selections", "MedicationRequest/1"),
        ("order-select", "context.draftOrders", None),
        ("order-sign", "context.draftOrders", MISSING),
        ("order-sign", "context.draftOrders", []),
        ("order-sign", "context.draftOrders", {"resourceType": "MedicationRequest"}),
    ],
)
def test_an_order_hook_needs_its_drafts(hook: str, path: str, value: object) -> None:
    assert refused(changed(path, value, hook), hook).expression == path


@pytest.mark.parametrize("selections", [[1], [None], [{}]])
def test_a_selection_is_text(selections: list[object]) -> None:
    body = changed("context.selections", selections, "order-select")
    assert refused(body, "order-select").expression.startswith("context.selections")


@pytest.mark.parametrize(
    "drafts",
    [
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": []},
        {"resourceType": "Bundle", "entry": None},
        {
            "resourceType": "Bundle",
            "entry": [
                {"resource": {"resourceType": "MedicationRequest", "category": {}}},
                {},
                7,
                {"resource": {"resourceType": "ServiceRequest", "code": {"coding": [{}]}}},
            ],
        },
    ],
)
def test_drafts_are_taken_as_loosely_as_clients_write_them(drafts: dict[str, Any]) -> None:
    body = changed("context.draftOrders", drafts, "order-sign")
    assert json.loads(bytes(parse(body, "order-sign").draft_orders or b"")) == drafts


@pytest.mark.parametrize(
    ("extension", "wanted"),
    [
        ({"heme-hooks": {"explain": True}}, True),
        ({"heme-hooks": {"explain": False}}, False),
        ({"heme-hooks": {}}, False),
        ({"other": {"explain": True}}, False),
        ({}, False),
    ],
)
def test_an_explanation_is_asked_for_in_the_extension(
    extension: dict[str, Any], wanted: bool
) -> None:
    assert parse(changed("extension", extension)).wants_explanation is wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PATHS = ["hook", "hookInstance", "context", "fhirServer", "fhirAuthorization", "prefetch"]
PATHS += ["context.userId", "context.patientId", "context.encounterId", "extension"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_whatever_stands_in_a_field_is_taken_or_refused(path: str, value: object) -> None:
    with suppress(InvalidHookCall, ClientNotAllowed):
        parse(changed(path, value))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_refused(body: bytes) -> None:
    assert refused(body).status == 400
