"""What must hold for any record whatsoever."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from fhir.resources.R4B.observation import Observation as R4BObservation
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fhir_mappings.laboratory.record import read_panel, readings
from fhir_mappings.panel import Analyte
from fhir_mappings.vocabulary.analytes import default_terminology
from tests.support.fhir import (
    NOW,
    PATIENT_ID,
    as_bytes,
    at,
    bundle,
    coding,
    concept,
    observation,
    panel_of,
    read_documents,
    report,
)

if TYPE_CHECKING:
    import random

TERMINOLOGY = default_terminology()
NUMERIC = {
    "718-7": "g/dL", "6690-2": "10*3/uL", "751-8": "/uL", "770-8": "%", "769-0": "%", "764-1": "%",
    "768-2": "10*9/L", "763-3": "10*9/L", "777-3": "10*9/L", "778-1": "/uL", "4544-3": "%",
    "2498-4": "ug/dL", "2500-7": "ug/dL", "2501-5": "umol/L", "2502-3": "%", "2276-4": "ng/mL",
    "2132-9": "pmol/L", "8310-5": "Cel", "26446-5": "%", "1975-2": "mg/dL", "1968-7": "mg/dL",
    "48642-3": "mL/min/{1.73_m2}", "48643-1": "mL/min/{1.73_m2}", "59260-0": "mmol/L",
}  # fmt: skip
TIMES = [at(days=1), at(days=1, minutes=10), at(days=1, minutes=20), at(days=2), "2026-05-13"]


@st.composite
def results(draw):
    loinc = draw(st.sampled_from(sorted(NUMERIC)))
    number = draw(st.one_of(st.integers(0, 3000), st.decimals(0, 300, places=1).map(float)))
    more = {
        "effectiveDateTime": draw(st.sampled_from(TIMES)),
        "status": draw(
            st.sampled_from(["final", "final", "preliminary", "corrected", "cancelled"])
        ),
        "issued": draw(st.sampled_from([None, at(minutes=5), at(minutes=9)])),
        "id": draw(st.sampled_from([None, "a", "b", "c"])),
    }
    comparator = draw(st.sampled_from([None, None, None, "<", ">="]))
    unit = draw(st.sampled_from([NUMERIC[loinc]] * 4 + ["", "%", "mmol/L"]))
    return observation(loinc, number, unit, comparator, **more)


findings = st.builds(
    lambda loinc, text, day: observation(loinc, valueString=text, effectiveDateTime=day),
    st.sampled_from(["44017-2", "18314-5", "56888-1", "82810-3", "11150-0"]),
    st.sampled_from(["present", "none", "Blasts seen; no dysplasia", "?"]),
    st.sampled_from(TIMES),
)
records = st.lists(st.one_of(results(), findings), max_size=14)


@settings(max_examples=150, deadline=None)
@given(records, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_documents_never_matters(record, chance: random.Random):
    shuffled = list(record)
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    apart = read_documents(bundle(*shuffled[:cut]), bundle(*shuffled[cut:]))
    assert apart == panel_of(*record)


@settings(max_examples=150, deadline=None)
@given(records)
def test_duplicates_never_change_the_panel(record):
    assert read_documents(bundle(*record), bundle(*record)) == panel_of(*record)


@settings(max_examples=150, deadline=None)
@given(records)
def test_whatever_was_reported_is_never_unmeasured(record):
    panel = panel_of(*record)
    told = set(panel.results) | {each.analyte for each in panel.unreadable}
    stays_inside = {"769-0", "764-1", "763-3", "768-2"}
    for each in record:
        loinc = each["code"]["coding"][0]["code"]
        meaning = TERMINOLOGY.meaning_of("http://loinc.org", loinc)
        if meaning and meaning.analyte and loinc not in stays_inside and not each.get("id"):
            assert meaning.analyte in told


@settings(max_examples=150, deadline=None)
@given(records)
def test_results_of_one_analyte_stand_apart_and_newest_first(record):
    for analyte, found in panel_of(*record).results.items():
        if analyte is not Analyte.BODY_TEMPERATURE:
            assert all(newer.taken > older.taken for newer, older in pairwise(found))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(document):
    read_panel([document], PATIENT_ID, NOW, TERMINOLOGY)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "id", "meta", "contained", "status", "code", "subject", "focus", "effectiveDateTime",
    "effectivePeriod", "issued", "valueQuantity", "valueString", "valueInteger", "valueBoolean",
    "valueCodeableConcept", "valueRange", "dataAbsentReason", "interpretation", "referenceRange",
    "note", "specimen", "hasMember", "component", "result", "conclusion", "presentedForm", "type",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([observation("718-7", 8.9, "g/dL"), observation("44017-2", valueString="few"),
                     report("18314-5", conclusion="Blasts"), {"resourceType": "Specimen"},
                     {"resourceType": "Patient", "id": PATIENT_ID}]),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4),
)  # fmt: skip
def test_no_json_in_any_field_breaks_the_reader(resource, broken):
    good = observation("777-3", 84, "10*9/L")
    page = bundle(resource | broken, good)
    panel = read_panel([json.dumps(page).encode()], PATIENT_ID, NOW, TERMINOLOGY)
    assert Analyte.PLATELETS in panel.results


VALUES = [
    {}, {"valueQuantity": {"value": 8.9, "unit": "g/dL"}}, {"valueQuantity": {"value": "9.10"}},
    {"valueQuantity": {"value": 9, "comparator": "~"}}, {"valueString": "x"}, {"valueInteger": 3},
    {"valueBoolean": True}, {"valueCodeableConcept": {"text": "x"}},
    {"valueRange": {"low": {"value": 1}}}, {"valueRatio": {"numerator": {"value": 1}}},
    {"valueSampledData": {"origin": {"value": 0}, "period": 1, "dimensions": 1}},
    {"valueTime": "08:00:00"}, {"valueDateTime": "2026"}, {"valuePeriod": {"start": "2026"}},
    {"dataAbsentReason": {"text": "x"}},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("loinc", ["718-7", "751-8", "44017-2", "18314-5", "56888-1", "82810-3"])
def test_what_r4b_accepts_is_read_or_refused_with_a_reason(loinc, value):
    resource = observation(loinc, **value, note=[{"text": "n"}], bodySite={"text": "arm"})
    try:
        R4BObservation.model_validate(resource)
    except ValidationError:
        pytest.skip("not an R4 Observation")
    found = readings([as_bytes(resource)], PATIENT_ID, NOW, TERMINOLOGY)
    assert len(found) == 1


ANALYTE_CODES = sorted(c for c, m in TERMINOLOGY.loinc.items() if m.analyte is not None)


HINTS_OF_BLASTS = {"21114-4", "40611-6", "30367-7", "745-0", "30466-7", "34926-6"}
"""Deprecated automated counts, and promonocytes of an unnamed method."""


@pytest.mark.parametrize("loinc", ANALYTE_CODES)
def test_every_code_of_the_tables_is_read_or_passed_over_as_they_say(loinc):
    meaning = TERMINOLOGY.loinc[loinc]
    definition = TERMINOLOGY.definition(meaning.analyte)
    value = (definition.plausible_low + definition.plausible_high) / 2
    resource = observation(loinc, str(value), definition.canonical_unit)
    (found,) = readings([as_bytes(resource)], PATIENT_ID, NOW, TERMINOLOGY)
    kind = type(found.reading).__name__
    if meaning.kind == "excluded":
        assert kind == "Unmapped"
    elif meaning.kind == "marrow":
        assert kind == "MarrowResult"
    else:
        assert kind == ("SmearFinding" if loinc in HINTS_OF_BLASTS else "Measured")


@pytest.mark.parametrize(
    "loinc", sorted(c for c, m in TERMINOLOGY.loinc.items() if m.kind == "panel")
)
def test_a_panel_code_never_has_a_value_of_its_own(loinc):
    panel = panel_of(observation(loinc, 0.0, "g/dL"), report(loinc, conclusion="fine"))
    assert not panel.results
    assert not panel.unreadable


def test_a_local_code_beside_loinc_changes_nothing():
    code = concept(coding("2552299163", "https://fhir.example/codeSet/72"), coding("718-7"))
    local = observation("718-7", 8.9, "g/dL", code=code)
    assert panel_of(local) == panel_of(observation("718-7", 8.9, "g/dL"))
