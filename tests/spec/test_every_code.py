"""Every code of the clinical definition, sections 1.2 and 1.5 to 1.7, read or not read as it says.

The table beside this file is copied from the definition; nothing here asks the shipped ConceptMaps
what they hold. Each code gets one Observation with a value that such a code carries.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fhir_mappings.panel import Analyte, Panel, SerologyTest, SmearSet
from tests.support.fhir import (
    YESTERDAY,
    coding,
    component,
    concept,
    observation,
    panel_of,
    report,
)


class Code(NamedTuple):
    """One row of the definition."""

    section: str
    means: str
    loinc: str
    property: str
    use: str


_LINES = Path(__file__).with_name("codes_of_the_definition.txt").read_text("utf-8").splitlines()
CODES = [Code(*line.split()) for line in _LINES if not line.startswith("#")]

# Analyte, kind of quantity: a value and unit as sent, and the value in canonical unit.
EXAMPLES: dict[tuple[str, str], tuple[float, str, str]] = {
    ("HGB", "mass"): (131, "g/L", "13.1"),
    ("HGB", "molar"): (8, "mmol/L", "12.8916"),
    ("WBC", "mass"): (5200, "/uL", "5.2"),
    ("ANC", "mass"): (3.1, "K/uL", "3.1"),
    ("NEUTPCT", "mass"): (60, "%", "60"),
    ("PLT", "mass"): (210, "10*9/L", "210"),
    ("MCV", "mass"): (91, "um3", "91"),
    ("HCT", "mass"): (0.41, "L/L", "41"),
    ("RETPCT", "mass"): (1.5, "%", "1.5"),
    ("RETABS", "mass"): (0.05, "10*6/uL", "50"),
    ("IRON", "mass"): (95, "mcg/dL", "95"),
    ("IRON", "molar"): (20, "umol/L", "111.69"),
    ("TIBC", "mass"): (310, "ug/dL", "310"),
    ("TIBC", "molar"): (60, "umol/L", "335.07"),
    ("UIBC", "mass"): (200, "ug/dL", "200"),
    ("UIBC", "molar"): (40, "umol/L", "223.38"),
    ("TSAT", "mass"): (31, "%", "31"),
    ("TRF", "mass"): (2.5, "g/L", "250"),
    ("TRF", "molar"): (30, "umol/L", "238.71"),
    ("FERR", "mass"): (100, "ug/L", "100"),
    ("FERR", "molar"): (200, "pmol/L", "89"),
    ("B12", "mass"): (300, "ng/L", "300"),
    ("B12", "molar"): (200, "pmol/L", "271.074"),
    ("FOL", "mass"): (8, "ug/L", "8"),
    ("FOL", "molar"): (20, "nmol/L", "8.828"),
    ("FOLRBC", "mass"): (400, "ng/mL", "400"),
    ("FOLRBC", "molar"): (1000, "nmol/L", "441.4"),
    ("MMA", "molar"): (250, "nmol/L", "0.25"),
    ("MMA", "mass"): (50, "ng/mL", "0.4234"),
    ("HCY", "molar"): (12, "umol/L", "12"),
    ("HCY", "mass"): (2, "mg/L", "14.794"),
    ("LDH", "mass"): (4, "ukat/L", "240"),
    ("TBIL", "mass"): (0.9, "mg/dL", "0.9"),
    ("TBIL", "molar"): (10, "umol/L", "0.58466"),
    ("DBIL", "mass"): (0.2, "mg/dL", "0.2"),
    ("DBIL", "molar"): (5, "umol/L", "0.29233"),
    ("IBIL", "mass"): (0.5, "mg/dL", "0.5"),
    ("IBIL", "molar"): (10, "umol/L", "0.58466"),
    ("HAPT", "mass"): (1.2, "g/L", "120"),
    ("HAPT", "molar"): (12, "umol/L", "0"),
    ("CREA", "mass"): (0.9, "mg/dL", "0.9"),
    ("CREA", "molar"): (80, "umol/L", "0.90496"),
    ("EGFR", "mass"): (88, "mL/min/1.73m2", "88"),
    ("ALT", "mass"): (30, "IU/L", "30"),
    ("AST", "mass"): (30, "U/L", "30"),
    ("ALP", "mass"): (80, "U/L", "80"),
    ("GGT", "mass"): (20, "U/L", "20"),
    ("CRP", "mass"): (0.5, "mg/dL", "5"),
    ("BLASTP", "mass"): (4, "%", "4"),
    ("BLASTA", "mass"): (0.3, "10*9/L", "0.3"),
    ("NRBCW", "mass"): (2, "/100 WBC", "2"),
    ("NRBCA", "mass"): (0.2, "10*9/L", "0.2"),
    ("TEMP", "mass"): (100.4, "degF", "38"),
}
POSITIVE = concept(coding("10828004", "http://snomed.info/sct"))


def example_of(code: Code) -> tuple[float, str, Decimal]:
    kind = "molar" if code.property == "SCnc" else "mass"
    value, unit, canonical = EXAMPLES[code.means, kind]
    return value, unit, Decimal(canonical)


def rows(section: str, *uses: str) -> list[Any]:
    chosen = [code for code in CODES if code.section == section and code.use in uses]
    assert chosen
    return [pytest.param(code, id=f"{code.means}-{code.loinc}") for code in chosen]


def is_empty(panel: Panel) -> bool:
    return panel == Panel()


def test_the_table_is_whole() -> None:
    by_use = {
        use: sum(c.use == use for c in CODES if c.section == "1.2")
        for use in ("ok", "cond", "exclude")
    }

    assert by_use == {"ok": 142, "cond": 31, "exclude": 49}
    assert {code.means for code in CODES if code.section == "1.2"} == set(Analyte)


@pytest.mark.parametrize("code", rows("1.2", "ok"))
def test_a_code_in_use_is_read(code: Code) -> None:
    value, unit, canonical = example_of(code)
    panel = panel_of(observation(code.loinc, value, unit))

    (result,) = panel.results[Analyte(code.means)]
    assert result.value == canonical
    assert result.loinc == code.loinc
    assert panel.unreadable == ()


@pytest.mark.parametrize("code", rows("1.2", "ok"))
@pytest.mark.parametrize("system", ["https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"])
def test_each_spelling_of_loinc_will_do(code: Code, system: str) -> None:
    value, unit, canonical = example_of(code)
    other = observation(code.loinc, value, unit, code=concept(coding(code.loinc, system)))

    assert panel_of(other).results[Analyte(code.means)][0].value == canonical


@pytest.mark.parametrize("code", rows("1.2", "exclude"))
def test_an_excluded_code_is_never_read_and_is_no_unreadable_result_either(code: Code) -> None:
    """A look-alike must neither be used nor make its analyte look reported but unreadable."""
    value, unit, _ = example_of(code)
    panel = panel_of(observation(code.loinc, value, unit))

    if code.loinc == "11150-0":  # blasts of the marrow say that the marrow was looked at
        assert [result.loinc for result in panel.marrow] == ["11150-0"]
        assert panel.results == {}
        assert panel.smear == ()
    else:
        assert is_empty(panel)


@pytest.mark.parametrize("code", rows("1.2", "exclude"))
def test_an_excluded_code_does_not_hide_the_right_one(code: Code) -> None:
    right = next(c for c in CODES if c.means == code.means and c.use in {"ok", "cond"})
    value, unit, canonical = example_of(right)
    wrong = observation(code.loinc, value / 2, unit, id="wrong")
    panel = panel_of(wrong, observation(right.loinc, value, unit, id="right"))

    analyte = Analyte(code.means)
    if analyte is Analyte.NEUTROPHIL_PERCENT:
        return
    assert [result.value for result in panel.results[analyte]] == [canonical]


COND = {code.loinc: code for code in CODES if code.section == "1.2" and code.use == "cond"}
SEGMENTED = ("30451-9", "768-2")
BANDS = ("26507-4", "30229-9", "763-3")
TOTAL_PERCENT = ("770-8", "23761-0", "26511-6")
SEGMENTED_PERCENT = ("26505-8", "32200-8", "769-0")
BAND_PERCENT = ("26508-2", "35332-6", "764-1")
USED_AS_THEY_ARE = ("5907-1", "31111-8", "42758-3", "15039-1", "14805-6", "15152-2", "29760-6")
RACE_PAIRS = (("48642-3", "48643-1"), ("88294-4", "88293-6"))
ANALYSER_FLAGS = ("21114-4", "40611-6", "30367-7", "745-0", "30466-7", "34926-6")
NEUTROPHILS = Analyte.NEUTROPHILS


def test_every_conditional_code_has_its_example_here() -> None:
    pairs = {code for pair in RACE_PAIRS for code in pair}
    groups = (SEGMENTED, BANDS, TOTAL_PERCENT, SEGMENTED_PERCENT, BAND_PERCENT)
    listed = {code for group in groups for code in group}

    assert listed | pairs | set(USED_AS_THEY_ARE) | set(ANALYSER_FLAGS) == set(COND)


@pytest.mark.parametrize("loinc", SEGMENTED)
def test_segmented_neutrophils_make_an_anc_only_where_there_is_no_direct_one(loinc: str) -> None:
    segmented = observation(loinc, 2.0, "10*9/L", id="s")
    direct = observation("751-8", 3.0, "10*9/L", id="d")

    assert panel_of(segmented).results[NEUTROPHILS][0].value == Decimal("2.0")
    assert panel_of(segmented, direct).results[NEUTROPHILS][0].value == Decimal("3.0")


@pytest.mark.parametrize("loinc", BANDS)
def test_bands_are_added_to_segmented_neutrophils_and_are_no_anc_alone(loinc: str) -> None:
    bands = observation(loinc, 0.4, "10*9/L", id="b")
    segmented = observation("30451-9", 2.0, "10*9/L", id="s")

    assert panel_of(bands, segmented).results[NEUTROPHILS][0].value == Decimal("2.4")
    assert NEUTROPHILS not in panel_of(bands).results


@pytest.mark.parametrize("loinc", [*TOTAL_PERCENT, *SEGMENTED_PERCENT])
def test_a_percentage_makes_an_anc_with_the_leukocytes_of_the_specimen(loinc: str) -> None:
    percent = observation(loinc, 40, "%", id="p")
    white = observation("6690-2", 5.0, "10*9/L", id="w")

    assert panel_of(percent, white).results[NEUTROPHILS][0].value == Decimal(2)
    assert NEUTROPHILS not in panel_of(percent).results


@pytest.mark.parametrize("loinc", BAND_PERCENT)
def test_bands_in_percent_are_added_to_segmented_percent_only(loinc: str) -> None:
    bands = observation(loinc, 10, "%", id="b")
    white = observation("6690-2", 5.0, "10*9/L", id="w")
    segmented = observation("26505-8", 40, "%", id="s")

    assert panel_of(bands, white, segmented).results[NEUTROPHILS][0].value == Decimal("2.5")
    assert NEUTROPHILS not in panel_of(bands, white).results


@pytest.mark.parametrize("loinc", USED_AS_THEY_ARE)
def test_a_conditional_code_of_its_own_stands_in_where_nothing_better_is(loinc: str) -> None:
    code = COND[loinc]
    value, unit, canonical = example_of(code)
    panel = panel_of(observation(loinc, value, unit))

    assert [r.value for r in panel.results[Analyte(code.means)]] == [canonical]


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (("5907-1", 90, "10*9/L"), ("777-3", 210, "10*9/L")),
        (("31111-8", 0.8, "%"), ("17849-1", 1.5, "%")),
        (("15152-2", 0.1, "mg/dL"), ("1968-7", 0.2, "mg/dL")),
    ],
)
def test_a_stand_in_gives_way_to_the_right_code_of_the_same_specimen(
    worse: tuple[str, float, str], better: tuple[str, float, str]
) -> None:
    code = COND[worse[0]]
    panel = panel_of(observation(*worse, id="w"), observation(*better, id="b"))

    assert [r.loinc for r in panel.results[Analyte(code.means)]] == [better[0]]


@pytest.mark.parametrize("pair", RACE_PAIRS)
def test_of_a_race_stratified_pair_the_lower_counts(pair: tuple[str, str]) -> None:
    unit = "mL/min/{1.73_m2}"
    panel = panel_of(observation(pair[0], 55, unit, id="a"), observation(pair[1], 66, unit, id="b"))

    (result,) = panel.results[Analyte.GLOMERULAR_FILTRATION_RATE]
    assert result.value == 55


@pytest.mark.parametrize("loinc", ANALYSER_FLAGS)
def test_a_hint_of_blasts_is_a_flag_and_no_blast_count(loinc: str) -> None:
    value, unit, _ = example_of(COND[loinc])
    panel = panel_of(observation(loinc, value, unit))

    assert panel.results == {}
    assert [(f.finding, f.present) for f in panel.smear] == [(SmearSet.BLAST_FLAG, True)]


@pytest.mark.parametrize("unit", ["10*3/L", "K/L"])
def test_loincs_own_example_unit_of_computed_reticulocytes_is_refused(unit: str) -> None:
    panel = panel_of(observation("42758-3", 50, unit))

    assert panel.results == {}
    assert [each.analyte for each in panel.unreadable] == [Analyte.RETICULOCYTES]


FILM = [code for code in CODES if code.section == "1.5" and code.means != "NARRATIVE"]
COUNTED = ("30450-1", "767-4")


@pytest.mark.parametrize("code", [pytest.param(c, id=c.loinc) for c in FILM])
def test_a_film_code_sets_its_finding(code: Code) -> None:
    value: dict[str, Any] = {"valueCodeableConcept": POSITIVE}
    if code.loinc in COUNTED:
        value = {"valueQuantity": {"value": 6, "unit": "%"}}
    panel = panel_of(observation(code.loinc, **value))

    assert [(f.finding, f.present) for f in panel.smear] == [(SmearSet(code.means), True)]
    assert panel.results == {}


@pytest.mark.parametrize("code", [pytest.param(c, id=c.loinc) for c in FILM])
def test_a_film_code_can_say_no(code: Code) -> None:
    value: dict[str, Any] = {"valueString": "None"}
    if code.loinc in COUNTED:
        value = {"valueQuantity": {"value": 4, "unit": "%"}}
    panel = panel_of(observation(code.loinc, **value))

    assert [f.present for f in panel.smear] == [False]


NARRATIVES = [code for code in CODES if code.means == "NARRATIVE"]
BLOOD = {"display": "Peripheral blood"}


@pytest.mark.parametrize("code", [pytest.param(c, id=c.loinc) for c in NARRATIVES])
def test_a_narrative_is_searched_for_what_it_says(code: Code) -> None:
    text = "Circulating blasts are present."
    panel = panel_of(observation(code.loinc, valueString=text, specimen=BLOOD))

    assert (SmearSet.BLASTS, True) in {(f.finding, f.present) for f in panel.smear}


def test_a_pathologists_review_of_something_else_is_not_a_blood_film() -> None:
    """59465-5 counts only when specimen or report say that it is blood."""
    text = "Blasts are present."
    tissue = observation("59465-5", valueString=text, specimen={"display": "Lymph node"})
    unsaid = observation("59465-5", valueString=text)

    assert panel_of(tissue).smear == ()
    assert panel_of(unsaid).smear == ()


@pytest.mark.parametrize("code", rows("1.6", "ok"))
def test_a_panel_has_no_value_of_its_own_but_members(code: Code) -> None:
    hemoglobin = component("718-7", 9.0, "g/dL")
    with_components = observation(code.loinc, 5, "g/dL", component=[hemoglobin])
    member = observation("718-7", 9.0, "g/dL", id="m", effectiveDateTime=None)
    refers = [{"reference": "Observation/m"}]

    for resources in (
        [with_components],
        [observation(code.loinc, hasMember=refers, id="panel"), member],
        [report(code.loinc, result=refers, id="report"), member],
    ):
        panel = panel_of(*resources)
        assert [r.value for r in panel.results[Analyte.HEMOGLOBIN]] == [Decimal("9.0")]
        assert panel.unreadable == ()


SEROLOGY = [code for code in CODES if code.section == "1.7" and code.means in set(SerologyTest)]


@pytest.mark.parametrize("code", [pytest.param(c, id=f"{c.means}-{c.loinc}") for c in SEROLOGY])
def test_a_serology_code_says_that_the_test_was_done(code: Code) -> None:
    panel = panel_of(observation(code.loinc, valueCodeableConcept=POSITIVE))

    assert [each.test for each in panel.serology] == [SerologyTest(code.means)]
    assert panel.serology[0].taken.isoformat() == YESTERDAY


PREGNANCY = {
    "82810-3": {"valueCodeableConcept": concept(coding("77386006", "http://snomed.info/sct"))},
    "11449-6": {"valueCodeableConcept": concept(coding("LA15173-0"))},
    "2118-8": {"valueCodeableConcept": POSITIVE},
    "2110-5": {"valueCodeableConcept": POSITIVE},
    "2106-3": {"valueString": "Positive"},
    "80384-1": {"valueString": "Positive"},
    "11778-8": {"valueDateTime": "2026-09-01"},
    "49051-6": {"valueQuantity": {"value": 20, "unit": "wk"}},
    "11884-4": {"valueQuantity": {"value": 20, "unit": "weeks"}},
    "18185-9": {"valueQuantity": {"value": 140, "unit": "d"}},
}


@pytest.mark.parametrize("loinc", [c.loinc for c in CODES if c.means == "PREG"])
def test_a_pregnancy_code_is_read(loinc: str) -> None:
    (read,) = panel_of(observation(loinc, **PREGNANCY[loinc])).pregnancy

    assert read.pregnant or read.delivery_date or read.gestational_weeks == 20


@pytest.mark.parametrize("loinc", [c.loinc for c in CODES if c.means == "MARROW"])
def test_a_marrow_result_is_known_as_one_whatever_it_says(loinc: str) -> None:
    as_observation = panel_of(observation(loinc, valueString="Blasts 40 %, dysplasia."))
    as_report = panel_of(report(loinc, conclusion="Blasts 40 %, dysplasia."))

    for panel in (as_observation, as_report):
        assert [each.loinc for each in panel.marrow] == [loinc]
        assert panel.smear == ()
        assert panel.results == {}
