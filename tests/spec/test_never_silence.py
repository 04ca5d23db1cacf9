"""A chart with a count in it never gives silence because of how the count was labelled (1.1 A10).

Of each count one field is changed, over every form in which that field has been seen or may be
written. The answer stays the same, or it says that something could not be used (data-quality, or
412). Left out, as the definition leaves them out: another value or day, `cancelled` and
`entered-in-error`, another named patient, a fetus, donor, cord or blood product, and codes that no
table knows.
"""

from __future__ import annotations

import copy
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.app import create_app
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, prefetched
from tests.support.answers import findings_of
from tests.support.vignette_charts import LOINC, PATIENT, SNOMED, T0, UCUM, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

Json = dict[str, Any]

URL = "/cds-services/pancytopenia-patient-view"
GONE = object()
OID, MRN = "urn:oid:1.2.3", "MRN-1"
LOW = {"718-7": (8.9, "g/dL"), "6690-2": (2.4, "10*3/uL"), "751-8": (0.9, "10*3/uL")}
LOW |= {"777-3": (84, "10*3/uL")}
NORMAL = {"718-7": (13.9, "g/dL"), "6690-2": (6.4, "10*3/uL"), "751-8": (3.9, "10*3/uL")}
NORMAL |= {"777-3": (284, "10*3/uL")}
TWO_LOW = LOW | {"777-3": (240, "10*3/uL")}
B12 = {"2132-9": (1480, "pg/mL")}


def observation(number: int, code: str, value: float, unit: str, days: float) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": at(-days),
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }


def chart(*specimens: tuple[float, dict[str, tuple[float, str]]]) -> list[Json]:
    patient = {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": "female",
        "birthDate": "1959-03-04",
        "identifier": [{"system": OID, "value": MRN}],
    }
    made = [
        (code, value, unit, days)
        for days, results in specimens
        for code, (value, unit) in results.items()
    ]
    return [patient, *(observation(number, *each) for number, each in enumerate(made))]


CHARTS = {
    "pancytopenia": chart((1, LOW | B12)),
    "pancytopenia after a normal count": chart((1, LOW), (40, NORMAL)),
    "two low lines": chart((1, TWO_LOW | B12)),
}

STATUS = ["registered", "preliminary", "amended", "corrected", "unknown", "FINAL", "final ", ""]
STATUS += ["draft", "cannot-be-obtained", "partial", 5, True, [], {}, None, GONE]
SUBJECT = [
    GONE,
    None,
    {},
    [],
    "Patient",
    7,
    {"reference": f"Patient/{PATIENT}/_history/1"},
    {"reference": f"https://ehr.example/fhir/Patient/{PATIENT}"},
    {"reference": f"urn:uuid:{PATIENT}"},
    {"reference": "urn:uuid:0f9d7a52-9d9c-4c3a-8f0e-000000000000"},
    {"reference": "urn:oid:1.2.3"},
    {"reference": "#p"},
    {"reference": "Group/1"},
    {"reference": "Device/1"},
    {"reference": f"Patient/{PATIENT}#a"},
    {"reference": f"Patient/{PATIENT}?x=1"},
    {"reference": f"Patient/{MRN}"},
    {"reference": f"Patient/{OID}|{MRN}"},
    {"reference": "Location/1"},
    {"reference": PATIENT},
    {"reference": ""},
    {"reference": 5},
    {"identifier": {"system": OID, "value": MRN}},
    {"identifier": {"system": OID, "value": "another"}},
    {"identifier": {"value": MRN}},
    {"identifier": {"system": OID}},
    {"identifier": [{"system": OID, "value": MRN}]},
    {"display": "Ann Example"},
    {"type": "Patient"},
]
TIME = [
    {"effectiveDateTime": GONE},
    {"effectiveDateTime": None},
    {"effectiveDateTime": ""},
    {"effectiveDateTime": "yesterday"},
    {"effectiveDateTime": "2026"},
    {"effectiveDateTime": "14.06.2026"},
    {"effectiveDateTime": 20260614},
    {"effectiveDateTime": []},
    {"effectiveDateTime": (T0 + timedelta(hours=2)).isoformat()},
    {"effectiveDateTime": "2126-06-14"},
    {"effectiveDateTime": "9999-12-31"},
    {"effectiveDateTime": GONE, "effectivePeriod": {"end": at(-1)}},
    {"effectiveDateTime": GONE, "effectivePeriod": {"start": at(-1)}},
    {"effectiveDateTime": GONE, "effectivePeriod": {}},
    {"effectiveDateTime": GONE, "effectiveInstant": at(-1)},
    {"effectiveDateTime": GONE, "effectiveTiming": {"event": [at(-1)]}},
    {"effectiveDateTime": GONE, "issued": at(-1)},
    {"issued": "never"},
    {"issued": at(30)},
]
ABSENT = {"coding": [{"code": "masked"}]}
VALUE = [
    {"valueQuantity": GONE},
    {"valueQuantity": None},
    {"valueQuantity": {}},
    {"valueQuantity": []},
    {"valueQuantity": "8.9"},
    {"valueQuantity": GONE, "dataAbsentReason": ABSENT},
    {"dataAbsentReason": ABSENT},
    {"valueQuantity": GONE, "dataAbsentReason": {"text": "specimen clotted"}},
    {"valueQuantity": GONE, "valueString": "see comment"},
    {"valueQuantity": GONE, "valueString": ""},
    {"valueQuantity": GONE, "valueCodeableConcept": {"text": "low"}},
    {"valueQuantity": GONE, "valueBoolean": True},
    {"valueQuantity": GONE, "valueRange": {"low": {"value": 1}}},
    {"valueQuantity": GONE, "valueRatio": {"numerator": {"value": 1}}},
    {"valueQuantity": GONE, "valueTime": "10:00"},
    {"valueQuantity": GONE, "valueDateTime": at(-1)},
    {"valueQuantity": GONE, "valueSampledData": {}},
    {"valueQuantity": GONE, "valueAttachment": {}},
]
QUANTITY = [
    {"value": GONE},
    {"value": None},
    {"value": "many"},
    {"value": []},
    {"comparator": "~"},
    {"comparator": "="},
    {"comparator": 1},
    {"unit": GONE, "code": GONE},
    {"unit": GONE},
    {"code": GONE},
    {"system": GONE},
    {"system": "http://example.org/units"},
    {"unit": "parsec", "code": "parsec"},
    {"unit": "parsec", "system": GONE, "code": GONE},
    {"unit": "", "code": ""},
    {"unit": "%", "code": "%"},
    {"unit": 5, "code": 5},
    {"unit": None, "code": None},
    {"unit": [], "code": {}},
]
SECOND = [
    {"system": LOINC, "code": "2132-9"},
    {"system": LOINC, "code": "4548-4"},
    {"system": LOINC, "code": "58410-2"},
    {"system": LOINC, "code": "11125-2"},
    {"system": SNOMED, "code": "61928009"},
    {"system": "http://example.org/local", "code": "X"},
    {"display": "as you know"},
    {},
]
CODES = [
    *({"coding": [..., second]} for second in SECOND),
    *({"coding": [second, ...]} for second in SECOND),
    {"coding": ..., "text": "something else"},
    {"coding": ..., "text": 7},
]
SYSTEMS = ["https://loinc.org", "urn:oid:2.16.840.1.113883.6.1", " http://loinc.org "]
SYSTEMS += ["HTTP://LOINC.org/", "http://www.loinc.org", "2.16.840.1.113883.6.1", "", "LN", "LOINC"]
MORE = [
    {field: value}
    for field, values in {
        "id": [GONE, None, "", "o0", "o1", "o2", 7],
        "category": [[], [{"coding": [{"code": "vital-signs"}]}], "laboratory", None],
        "interpretation": [
            [{"coding": [{"code": code}]}] for code in ("N", "H", "HH", "A", "L", "<", "U", "")
        ],
        "referenceRange": [
            [],
            {},
            "12-16",
            [{}],
            [{"text": "normal"}],
            [{"low": {"value": 0}, "high": {"value": 0}}],
            [{"low": {"value": "x"}}],
        ],
        "note": [[], "see the film", [{"text": "repeated"}], [{"text": None}]],
        "specimen": [
            *[{}, [], {"reference": "Specimen/9"}, {"display": "Venous blood"}],
            *[{"display": "Bone marrow"}, {"display": "Bone marrow aspirate, left iliac crest"}],
        ],
        "focus": [[], {}, [{}], [{"reference": "Encounter/1"}], "x"],
        "method": [{}, {"text": "estimate"}, 5],
        "device": [{}, {"display": "analyser"}],
        "encounter": [{"reference": "Encounter/other"}],
        "performer": [[{"reference": "Organization/lab"}]],
        "basedOn": [[{"reference": "ServiceRequest/1"}]],
        "derivedFrom": [[{"reference": "Observation/zz"}]],
        "hasMember": [[], [{}], [{"reference": "Observation/zz"}], {}],
        "component": [[], [{}], {}],
        "contained": [[], [{}], {}, [{"resourceType": "Patient", "id": "p"}]],
        "meta": [{}, {"versionId": "7"}, {"lastUpdated": "x"}, []],
        "extension": [[], [{"url": "x"}]],
        "text": [{}, "x"],
        "language": ["de"],
    }.items()
    for value in values
]


def changes(count: Json) -> Iterator[Json]:
    """Every change of one field of this count, as what replaces its members."""
    yield from ({"status": value} for value in STATUS)
    yield from ({"subject": value} for value in SUBJECT)
    yield from TIME
    yield from VALUE
    for members in QUANTITY:
        yield {"valueQuantity": with_members(count["valueQuantity"], members)}
    (own,) = count["code"]["coding"]
    for code in CODES:
        written = code["coding"]
        codings = [own] if written is ... else [own if each is ... else each for each in written]
        yield {"code": code | {"coding": codings}}
    yield from ({"code": {"coding": [own | {"system": system}]}} for system in SYSTEMS)
    yield {"code": {"coding": [own | {"display": "Bone marrow differential"}]}}
    yield from MORE


def with_members(resource: Json, members: Json) -> Json:
    return {name: value for name, value in (resource | members).items() if value is not GONE}


COUNTS = [
    (name, place)
    for name, resources in CHARTS.items()
    for place, resource in enumerate(resources)
    if place <= 4 and resource["resourceType"] == "Observation"
]
ALL = [
    (name, place, number)
    for name, place in COUNTS
    for number, _ in enumerate(changes(CHARTS[name][place]))
]


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(
        Settings(database_url=""), clock=lambda: T0, log_stream=io.StringIO()
    ).test_client()


def ask(client: FlaskClient, resources: list[Json]) -> TestResponse:
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "prefetch": bundled(resources),
    }
    return client.post(URL, data=json.dumps(body), content_type="application/json")


def bundled(resources: list[Json]) -> Json:
    """A prefetch whose answers hold what the client found by the codes of the chart as it was."""
    sent = prefetched([r for r in resources if r["resourceType"] == "Patient"], list(TEMPLATES))
    sent["bloodCounts"]["entry"] = [
        {"resource": each} for each in resources if each["resourceType"] == "Observation"
    ]
    return sent


@pytest.mark.parametrize("name", CHARTS)
def test_the_charts_have_a_card_as_they_are(client: FlaskClient, name: str) -> None:
    found = findings_of(ask(client, CHARTS[name]))
    assert found
    assert not found & {"412", "data-quality"}


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(ALL))
def test_no_label_of_a_count_turns_a_card_into_silence(
    client: FlaskClient, which: tuple[str, int, int]
) -> None:
    name, place, number = which
    assert_never_silent(client, name, {place: number})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(list(CHARTS)), st.integers(0, 10_000))
def test_no_label_that_all_counts_share_turns_a_card_into_silence(
    client: FlaskClient, name: str, number: int
) -> None:
    number %= sum(1 for _ in changes(CHARTS[name][1]))
    assert_never_silent(client, name, dict.fromkeys(range(1, 5), number))


def assert_never_silent(client: FlaskClient, name: str, which: dict[int, int]) -> None:
    resources = copy.deepcopy(CHARTS[name])
    change: Json = {}
    for place, number in which.items():
        change = list(changes(resources[place]))[number]
        resources[place] = with_members(resources[place], change)
    before = findings_of(ask(client, CHARTS[name]))
    after = findings_of(ask(client, resources))
    assert after, change
    assert after == before or after & {"412", "data-quality"}, (change, before, after)
