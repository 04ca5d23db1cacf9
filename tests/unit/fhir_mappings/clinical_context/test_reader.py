"""No JSON, however wild, makes the context reader fail, nor a good fact vanish beside it."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_mappings.clinical_context.medications import unresolved_medication_references
from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.panel import CONTEXT_GROUPS, DataGroup
from tests.support.context import ICD10CM, NOW, PATIENT, SNOMED, SUBJECT, concept, condition

KINDS = (
    "Condition",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "Procedure",
    "ServiceRequest",
    "Encounter",
    "Appointment",
    "DiagnosticReport",
)
FIELDS = [
    "id",
    "subject",
    "status",
    "code",
    "clinicalStatus",
    "verificationStatus",
    "onsetDateTime",
    "abatementDateTime",
    "medicationCodeableConcept",
    "medicationReference",
    "contained",
    "dosage",
    "dosageInstruction",
    "authoredOn",
    "effectivePeriod",
    "effectiveDateTime",
    "performedPeriod",
    "period",
    "class",
    "type",
    "participant",
    "specialty",
    "start",
    "issued",
    "intent",
    "doNotPerform",
    "ingredient",
    "form",
    "hospitalization",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["2026", "2026-06-01T10:00:00Z", "active", "methotrexate", "9999-99-99", "#a"]
    )
)
GOOD = st.sampled_from(
    [SUBJECT, concept(SNOMED, "91861009"), concept(ICD10CM, "C92.01"), {"text": "methotrexate"}]
)
CONCEPT_KEYS = ["coding", "code", "system", "text", "display", "reference", "id", "actor"]
DOSAGE_KEYS = ["route", "doseAndRate", "doseQuantity", "value", "unit", "timing", "repeat"]
PERIOD_KEYS = ["boundsPeriod", "start", "end"]
KEYS = st.sampled_from([*CONCEPT_KEYS, *DOSAGE_KEYS, *PERIOD_KEYS])
VALUES = st.recursive(
    LEAVES | GOOD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
RESOURCES = st.builds(
    lambda kind, fields: {"subject": SUBJECT, **fields, "resourceType": kind},
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8),
)
BUNDLES = st.builds(
    lambda entries: {"resourceType": "Bundle", "entry": [{"resource": each} for each in entries]},
    st.lists(RESOURCES | VALUES, max_size=4),
)
WILD = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(document: bytes):
    pages = dict.fromkeys(CONTEXT_GROUPS, (document,))
    return read_context(pages, document, ("MedicationRequest/1", ""), PATIENT, NOW)


@WILD
@given(BUNDLES)
def test_no_bundle_breaks_the_reader(content):
    read(json.dumps(content).encode())
    unresolved_medication_references([json.dumps(content).encode()])


@WILD
@given(st.binary(max_size=60) | VALUES.map(lambda v: json.dumps(v).encode()))
def test_no_document_breaks_the_reader(document):
    found = read(document)
    assert found.procedures == ()


@WILD
@given(st.lists(RESOURCES | VALUES, max_size=4))
def test_a_good_condition_is_found_beside_anything(others):
    leukemia = condition(SNOMED, "91861009", id="the-good-one")
    entries = [{"resource": each} for each in (*others, leukemia)]
    page = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
    found = read_context({DataGroup.CONDITIONS: [page]}, None, (), PATIENT, NOW)
    assert "Condition/the-good-one" in {each.source for each in found.conditions}


def test_an_empty_chart_is_an_empty_context():
    found = read_context({}, None, (), PATIENT, NOW)
    assert found == read_context({DataGroup.CONDITIONS: ()}, None, ("x",), PATIENT, NOW)
    assert found.conditions == found.drafts == found.unreadable == ()
