"""The explanation as JSON and as text: complete, plain, and robust against what others send."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.panel import Analyte, Note, Reason, Unreadable
from service.cards.explanation import EXTENSION_KEY, explanation_document
from service.cds_client.explanation_text import explanation_in, render, sentence_of
from service.interpreter.interpretation import (
    AppliedModifier,
    Explanation,
    RuleOutcome,
    TriedRule,
    WithheldOrder,
)
from tests.support.changing import replace
from tests.support.interpretations import NEUTROPHILS, interpretation, states

GIVEN = interpretation(
    states=states(used=(NEUTROPHILS, replace(NEUTROPHILS, value=Decimal("1.2")))),
    explanation=Explanation(
        "Card: index-pattern.",
        tried=(
            TriedRule("hospice-suppressed", RuleOutcome.FALSE, "hospice care"),
            TriedRule("pediatric", RuleOutcome.UNDECIDED, "age below 18", ("the date of birth",)),
            TriedRule("one", RuleOutcome.FALSE, "three low lines"),
            TriedRule("two", RuleOutcome.FALSE, "three low lines"),
            TriedRule("index-pattern", RuleOutcome.FIRED),
            TriedRule("bicytopenia", RuleOutcome.NOT_REACHED),
            TriedRule("pregnancy", RuleOutcome.SWITCHED_OFF),
        ),
    ),
    modifiers=(AppliedModifier("M1", "cirrhosis", "marrow-biopsy is not proposed"),),
    set_aside=(Unreadable(Analyte.PLATELETS, Reason.UNIT, "The unit is odd.", "84 K"),),
    withheld=(WithheldOrder("ldh", "a result exists"),),
    could_not_check=("existing orders",),
)
DOCUMENT = explanation_document(GIVEN, {"bloodCounts": "prefetch", "smear": "unavailable"})


def test_the_document_holds_every_part_and_nothing_empty():
    assert DOCUMENT["sentence"] == "Card: index-pattern."
    assert DOCUMENT["states"]["iron"] == "IDX"
    assert DOCUMENT["states"]["grades"]["white"] == "mild"
    assert DOCUMENT["rules"][1]["settledBy"] == ["the date of birth"]
    assert DOCUMENT["setAside"][0]["reported"] == "84 K"
    assert DOCUMENT["data"] == {"bloodCounts": "prefetch", "smear": "unavailable"}
    assert all(value not in ("", [], {}, None) for value in DOCUMENT.values())


def test_the_text_says_each_part_in_words():
    text = render(DOCUMENT, 100)

    assert "hospice-suppressed: not met: hospice care" in text
    assert "pediatric: undecided, open: age below 18; would be settled by the date of birth" in text
    assert "index-pattern: applies" in text
    assert "bicytopenia: not reached" in text
    assert "pregnancy: switched off here" in text
    assert "M1 cirrhosis: marrow-biopsy is not proposed" in text
    assert "Platelets 84 K: The unit is odd." in text
    assert "Lactate dehydrogenase: a result exists" in text
    assert "smear: unavailable" in text


def test_rules_that_end_at_one_condition_are_said_together():
    assert "one, two: not met: three low lines" in render(DOCUMENT, 100)


def test_a_value_is_repeated_only_where_the_number_differs():
    text = render(DOCUMENT, 200)

    assert "Neutrophils (absolute): 1.1 10*3/uL, 2026" in text
    assert "Neutrophils (absolute): 1.1 10*3/uL = 1.2 10*9/L, 2026" in text


def test_notes_are_in_words():
    noted = replace(NEUTROPHILS, notes=frozenset({Note.ANC_COMPUTED}))
    document = explanation_document(interpretation(states=states(used=(noted,))), {})

    assert "computed from leukocytes and the differential" in render(document, 200)


def test_the_explanation_is_found_in_a_response():
    assert explanation_in({"extension": {EXTENSION_KEY: DOCUMENT}}) == DOCUMENT
    assert sentence_of(DOCUMENT, 80) == "Card: index-pattern."


@pytest.mark.parametrize(
    "response", [{}, {"extension": None}, {"extension": []}, {"extension": {EXTENSION_KEY: 3}}]
)
def test_a_response_without_one_is_no_crash(response):
    assert render(explanation_in(response), 80) == "The service gave no evidence."


@pytest.mark.parametrize("odd", [None, 3, "x", [], [None, 3, "x", {}], {"a": [3]}])
@pytest.mark.parametrize("key", ["sentence", "rules", "used", "setAside", "withheld", "data"])
def test_odd_parts_of_another_service_are_no_crash(key, odd):
    assert render({"sentence": "Fine.", key: odd}, 80).startswith("WHY")
