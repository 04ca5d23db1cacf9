"""Blood film findings as Observations and reports (clinical-definition 1.5)."""

from __future__ import annotations

import base64

import pytest

from fhir_mappings.panel import SmearMethod, SmearSet
from tests.support.fhir import (
    LOINC,
    SNOMED,
    at,
    coding,
    concept,
    observation,
    panel_of,
    quantity,
    report,
)

BLASTS_SEEN = "44017-2"


def presence(loinc=BLASTS_SEEN, **value):
    (found,) = panel_of(observation(loinc, **value)).smear
    return found.present


@pytest.mark.parametrize("code", ["10828004", "52101004", "260373001", "11214006"])
def test_positive_codes(code):
    assert presence(valueCodeableConcept=concept(coding(code, SNOMED))) is True


@pytest.mark.parametrize("code", ["260385009", "2667000", "260415000", "131194007"])
def test_negative_codes(code):
    assert presence(valueCodeableConcept=concept(coding(code, SNOMED))) is False


@pytest.mark.parametrize(
    ("code", "expected"), [("LA6576-8", True), ("LA9633-4", True), ("LA9634-2", False)]
)
def test_loinc_answers(code, expected):
    assert presence(valueCodeableConcept=concept(coding(code, LOINC))) is expected


POSITIVE = [
    "present", "Positive", "POS", "detected", "seen", "reactive", "few", "some", "Rare",
    "occasional", "Moderate", "many", "slight", "marked", "1+", "2+", "3+", "4+", "Few seen",
    "Positive (qualifier value)", "Present.", "3", "0.5 %", ">2", "OCCASIONAL", "Moderate (2+)",
]  # fmt: skip
NEGATIVE = [
    "none", "Negative", "absent", "not detected", "Not seen", "0", "0 %", "None seen",
    "non-reactive", "Nonreactive", "Not present", "No blasts seen", "NEG", "None Detected",
    "Absent (qualifier value)", "no",
]  # fmt: skip
UNKNOWN = [
    "", "see note", "not done", "not performed", "pending", "equivocal", "indeterminate",
    "?", "possible", "TNP", "<1", "no result", "no specimen received", "unable to report",
    "present?", "trace", "not reported", "normal",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [(t, True) for t in POSITIVE] + [(t, False) for t in NEGATIVE] + [(t, None) for t in UNKNOWN],
)
def test_words_in_text_display_and_string_are_read_alike(text, expected):
    assert presence(valueString=text) is expected
    assert presence(valueCodeableConcept={"text": text}) is expected
    display = concept(coding("x", "urn:oid:1.2", display=text))
    assert presence(valueCodeableConcept=display) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueQuantity": quantity(3)}, True),
        ({"valueQuantity": quantity(0)}, False),
        ({"valueQuantity": quantity(1, "%", "<")}, None),
        ({"valueInteger": 1}, True),
        ({"valueBoolean": False}, False),
        ({"interpretation": [concept(coding("POS", "urn:x"))]}, True),
        ({"interpretation": [concept(coding("NEG", "urn:x"))]}, False),
        ({"interpretation": [concept(coding("A", "urn:x"))]}, None),
        ({"valueString": "none", "interpretation": [concept(coding("POS", "urn:x"))]}, None),
        ({"dataAbsentReason": {"text": "unknown"}}, None),
    ],
)
def test_numbers_and_interpretations(value, expected):
    assert presence(**value) is expected


@pytest.mark.parametrize(
    ("value", "unit", "comparator", "expected"),
    [(5, "%", None, True), (4.9, "%", None, False), (0.05, "{ratio}", None, True),
     (5, "%", "<", False), (6, "%", "<", None), (5, "%", "<=", None), (5, "%", ">", True),
     (3, "%", ">", None)],
)  # fmt: skip
@pytest.mark.parametrize("loinc", ["30450-1", "767-4"])
def test_hypersegmentation_counts_from_five_percent(loinc, value, unit, comparator, expected):
    assert presence(loinc, valueQuantity=quantity(value, unit, comparator)) is expected


@pytest.mark.parametrize(
    ("loinc", "finding", "method"),
    [
        ("44017-2", SmearSet.BLASTS, SmearMethod.FILM),
        ("11281-3", SmearSet.BLASTS, SmearMethod.FILM),
        ("15154-8", SmearSet.BLAST_FLAG, SmearMethod.ANALYSER),
        ("60526-1", SmearSet.DYSPLASIA, SmearMethod.FILM),
        ("7791-7", SmearSet.TEARDROP, SmearMethod.FILM),
        ("34200-6", SmearSet.NUCLEATED_RED_CELLS, SmearMethod.ANALYSER),
        ("765-8", SmearSet.HYPERSEGMENTED, SmearMethod.FILM),
        ("40741-1", SmearSet.PLATELET_CLUMP, SmearMethod.ANALYSER),
        ("800-3", SmearSet.SCHISTOCYTES, SmearMethod.FILM),
    ],
)
def test_each_code_names_its_finding_and_method(loinc, finding, method):
    (found,) = panel_of(observation(loinc, valueString="present", id="s")).smear
    assert (found.finding, found.method, found.loinc) == (finding, method, loinc)
    assert found.source == "Observation/s"


def test_findings_stand_newest_first_and_twice_the_same_counts_once():
    panel = panel_of(
        observation(BLASTS_SEEN, valueString="present", effectiveDateTime=at(days=9), id="a"),
        observation(BLASTS_SEEN, valueString="none", effectiveDateTime=at(days=2), id="b"),
        observation(BLASTS_SEEN, valueString="none", effectiveDateTime=at(days=2), id="c"),
    )
    assert [found.present for found in panel.smear] == [False, True]


NARRATIVES = [
    "18314-5", "5909-7", "14869-2", "21026-0", "6742-1", "11156-7", "11125-2", "33255-1",
]  # fmt: skip


@pytest.mark.parametrize("loinc", NARRATIVES)
def test_every_narrative_code_is_read_from_observation_and_report(loinc):
    text = "Pancytopenia. Blasts 6 %. No dysplasia."
    as_observation = panel_of(observation(loinc, valueString=text))
    as_report = panel_of(report(loinc, conclusion=text))
    for panel in (as_observation, as_report):
        found = {each.finding: (each.present, each.method) for each in panel.smear}
        assert found == {
            SmearSet.BLASTS: (True, SmearMethod.NARRATIVE),
            SmearSet.DYSPLASIA: (False, SmearMethod.NARRATIVE),
        }


def test_a_narrative_without_a_finding_shows_that_the_film_exists():
    (found,) = panel_of(observation("18314-5", valueString="Normal film.")).smear
    assert (found.finding, found.present) == (None, None)


@pytest.mark.parametrize(
    "more",
    [
        {"code": {"text": "Peripheral blood smear review"}},
        {"code": concept(coding("34994-4"))},
        {"code": concept(coding("58407-8"))},
        {"code": concept(coding("24318-8"))},
        {"code": concept(coding("local", "urn:oid:1.2", display="Blood film comment"))},
    ],
)
def test_the_conclusion_of_any_report_on_a_blood_film_is_read(more):
    (found,) = panel_of(report("x", conclusion="Blasts seen", **more)).smear
    assert found.present is True


@pytest.mark.parametrize(
    "more",
    [
        {"code": {"text": "Pap smear"}},
        {"code": {"text": "Bone marrow smear"}},
        {"code": concept(coding("18314-5")), "specimen": [{"display": "Bone marrow"}]},
        {"code": concept(coding("24323-8"))},
    ],
)
def test_other_reports_are_not_films(more):
    assert panel_of(report("x", conclusion="Blasts seen", **more)).smear == ()


def test_conclusion_codes_and_plain_attachments_are_read():
    panel = panel_of(report("18314-5", conclusionCode=[{"text": "Circulating blasts"}]))
    assert panel.smear[0].present is True
    data = base64.b64encode(b"No blasts seen.").decode()
    form = {"contentType": "text/plain; charset=utf-8", "data": data}
    assert panel_of(report("18314-5", presentedForm=[form])).smear[0].present is False
    pdf = {"contentType": "application/pdf", "data": data}
    assert panel_of(report("18314-5", presentedForm=[pdf])).smear == ()


def test_a_pathologist_review_counts_only_for_blood():
    text = {"valueString": "Blasts seen"}
    assert panel_of(observation("59465-5", **text)).smear == ()
    blood = panel_of(observation("59465-5", specimen={"display": "Venous blood"}, **text))
    assert blood.smear[0].present is True
    assert panel_of(report("59465-5", conclusion="Blasts seen")).smear == ()
    assert panel_of(
        report("59465-5", conclusion="Blasts seen", specimen=[{"display": "EDTA blood"}])
    ).smear
    named = panel_of(
        observation("59465-5", id="o", **text),
        report("58410-2", specimen=[{"display": "Blood"}], result=[{"reference": "Observation/o"}]),
    )
    assert named.smear[0].present is True


def test_a_film_entered_in_error_is_set_aside():
    panel = panel_of(observation(BLASTS_SEEN, valueString="present", status="entered-in-error"))
    assert panel.smear == ()
    assert [each.loinc for each in panel.unreadable] == [BLASTS_SEEN]


@pytest.mark.parametrize("value", [{}, {"valueQuantity": quantity(8.2, "giga.l-1")}])
def test_a_narrative_without_words_is_no_film(value):
    panel = panel_of(observation("11156-7", **value))
    assert panel.smear == ()
    assert [each.loinc for each in panel.unreadable] == ["11156-7"]


def test_a_note_speaks_for_a_narrative_without_a_value():
    noted = observation("18314-5", note=[{"text": "Circulating blasts"}])
    assert panel_of(noted).smear[0].present is True


def test_what_a_panel_concludes_of_the_film_is_read_and_anything_else_shows_no_film():
    (found,) = panel_of(report("58410-2", conclusion="Anemia. Blasts seen.")).smear
    assert (found.finding, found.present) == (SmearSet.BLASTS, True)
    assert panel_of(report("58410-2", conclusion="Anemia, please repeat.")).smear == ()
