"""Conditions matched by their words: what suppresses or changes a card is said (5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.context import ValueSetName as V
from fhir_mappings.panel import Analyte
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import RemarkRank
from tests.support.changing import replace
from tests.support.facts import NOW, condition, count, facts, result

if TYPE_CHECKING:
    from service.interpreter.interpretation import Interpretation

PAN = count(8.9, 1.1, 84, 2.4)
IRON = [
    result(Analyte.IRON, "95"),
    result(Analyte.IRON_BINDING_CAPACITY, "310"),
    result(Analyte.TRANSFERRIN_SATURATION, "30.6"),
]
HIGH = [*PAN, *IRON, result(Analyte.VITAMIN_B12, "1480")]
BEFORE = count(8.8, 1.0, 80, 2.3, days=40)

CHANGING = [
    (HIGH, V.HEMATOLOGIC_MALIGNANCY, True),
    ([*HIGH, *BEFORE], V.HEMATOLOGIC_MALIGNANCY, True),
    (HIGH, V.MARROW_FAILURE, True),
    (HIGH, V.HOSPICE_CARE, True),
    (HIGH, V.CHEMOTHERAPY_CONDITIONS, True),
    (HIGH, V.PORTAL_HYPERTENSION, True),
    (HIGH, V.DRUG_INDUCED_PANCYTOPENIA, True),
    (HIGH, V.PALLIATIVE_CARE, True),
    (HIGH, V.PREGNANCY_STATE, False),
    (HIGH, V.NIGHT_SWEATS, False),
    (HIGH, V.LIVER_DISEASE, False),
    (HIGH, V.CHRONIC_KIDNEY_DISEASE, False),
    (HIGH, V.SPLENOMEGALY, False),
    (HIGH, V.HIV_INFECTION, False),
    (HIGH, V.GASTRIC_SURGERY_MALABSORPTION, False),
    (HIGH, V.COPPER_DEFICIENCY, False),
    (HIGH, V.ALCOHOL_USE_DISORDER, False),
    (count(8.9, 0.3, 84, 0.9, days=1), V.FEBRILE_NEUTROPENIA, False),
]


def answer(results: list[Any], *conditions: Any) -> Interpretation:
    return interpret(facts(results, context={"conditions": conditions}), NOW)


def has_card(given: Interpretation) -> bool:
    return bool(given.overlay or (given.finding and given.finding.has_card))


@pytest.mark.parametrize(("results", "wanted", "suppresses"), CHANGING)
def test_what_words_change_is_named_and_what_codes_change_is_not(
    results: list[Any], wanted: V, *, suppresses: bool
) -> None:
    coded = condition(wanted, display="Something by name")
    worded = replace(coded, in_words=True)
    assert answer(results, coded).read_from_words == ()
    assert "words" not in {each.modifier for each in answer(results, coded).remarks}
    given = answer(results, worded)
    assert given.read_from_words == (worded,)
    if has_card(given):
        said = [
            each for each in given.remarks if "in words" in each.text or "from words" in each.text
        ]
        assert len(said) == 1
        assert "omething by name" in said[0].text
        if suppresses:
            assert said[0].rank <= RemarkRank.DEFERRAL


@pytest.mark.parametrize("wanted", [V.AUTOIMMUNE_DISEASE, V.FEVER, V.B12_DEFICIENCY])
def test_words_that_change_nothing_are_not_named(wanted: V) -> None:
    normal = count(13.9, 4.1, 240, 6.4)
    assert answer(normal, replace(condition(wanted), in_words=True)).read_from_words == ()


def test_a_doubted_disorder_holds_no_card_back_and_is_not_said_to() -> None:
    doubted = replace(
        condition(V.HEMATOLOGIC_MALIGNANCY), in_words=True, doubted=True, may_suppress=False
    )
    given = answer(HIGH, doubted)
    assert given.finding is not None
    assert given.finding.id == "pancytopenia-high-b12"
    assert given.read_from_words == ()


def test_a_doubted_disease_that_changes_the_card_is_named() -> None:
    doubted = replace(condition(V.LIVER_DISEASE), in_words=True, doubted=True, may_suppress=False)
    assert answer(HIGH, doubted).read_from_words == (doubted,)
