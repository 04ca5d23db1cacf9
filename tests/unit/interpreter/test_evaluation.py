"""Edges of `evaluate` and `logic`: when more is asked for, and what is said first."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.panel import Analyte, Comparator, DataGroup
from service.app import create_app
from service.interpreter.interpret import may_still_fire
from service.interpreter.logic import above, at_least_n, possible_values
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, call, prefetched
from tests.support.facts import NOW, facts, result
from tests.support.vignette_charts import (
    ICD10,
    SNOMED,
    T0,
    at,
    chart,
    concept,
    condition,
    subject,
    vignette,
)

STAGE_2 = frozenset(DataGroup) - {
    DataGroup.PATIENT,
    DataGroup.BLOOD_COUNTS,
    DataGroup.DIFFERENTIAL,
    DataGroup.SMEAR,
}


def details(name: str, *extra: dict[str, object]) -> list[str]:
    client = create_app(Settings(database_url=""), clock=lambda: T0).test_client()
    resources = [*chart(vignette(name)), *extra]
    return [c["detail"] for c in call(client, prefetched(resources, list(TEMPLATES)))]


def test_with_palliative_care_the_goals_of_care_come_first_and_once() -> None:
    """Among the lines about this patient (clinical-definition 3.4, M7)."""
    plain = details("V01")[0]
    palliative = details("V01", condition(ICD10, "Z51.5"))[0]
    assert "oals of care" not in plain
    assert palliative.lower().count("goals of care") == 1


def test_a_severe_finding_with_a_standing_referral_says_to_escalate_it() -> None:
    referral = {
        "resourceType": "ServiceRequest",
        "id": "referral",
        "status": "active",
        "intent": "order",
        "code": concept(SNOMED, "183567007"),
        "subject": subject(),
        "authoredOn": at(-10),
    }
    assert "scalate the existing referral now" in details("V03", referral)[0]
    assert "scalate the existing referral" not in details("V03")[0]


COUNTS = {
    Analyte.HEMOGLOBIN: "13.4",
    Analyte.LEUKOCYTES: "6.0",
    Analyte.NEUTROPHILS: "4.0",
    Analyte.PLATELETS: "240",
}


@pytest.mark.parametrize(
    ("age", "changed", "asks"),
    [
        (60, {}, False),
        (60, {Analyte.HEMOGLOBIN: "8.9"}, False),
        (60, {Analyte.HEMOGLOBIN: "8.9", Analyte.PLATELETS: "84"}, True),
        (60, {Analyte.NEUTROPHILS: "0.4"}, True),
        (60, {Analyte.NEUTROPHILS: "<1.0"}, True),
        (8, {Analyte.HEMOGLOBIN: "8.9"}, False),
        (8, {Analyte.HEMOGLOBIN: "8.9", Analyte.PLATELETS: "84"}, True),
    ],
)
def test_the_second_stage_is_asked_for_only_where_a_rule_could_still_fire(
    age: int, changed: dict[Analyte, str], asks: bool
) -> None:
    counts = [result(analyte, value) for analyte, value in (COUNTS | changed).items()]
    assert may_still_fire(facts(counts, age=age, unavailable=STAGE_2), NOW) is asks


def test_more_than_enough_is_enough() -> None:
    assert at_least_n(2, (True, True, True)) is True
    assert at_least_n(2, (True, None, None)) is None
    assert at_least_n(2, (True, False, False)) is False


def test_an_upper_bound_below_a_limit_is_not_above_it() -> None:
    assert above(result(Analyte.FERRITIN, "<5"), Decimal(7)) is False
    assert above(result(Analyte.FERRITIN, "<9"), Decimal(7)) is None


@pytest.mark.parametrize(
    ("reported", "inside", "outside"),
    [
        ("<=5", {3, 5}, {7}),
        ("<5", {3}, {5, 7}),
        (">=5", {5, 7}, {3}),
        (">5", {7}, {3, 5}),
    ],
)
def test_the_values_that_a_bound_allows(reported: str, inside: set[int], outside: set[int]) -> None:
    bound = result(Analyte.FERRITIN, reported)
    assert bound.comparator is Comparator(reported.rstrip("5"))
    allowed = set(possible_values(bound, (Decimal(3), Decimal(7))))
    assert {Decimal(n) for n in inside} <= allowed
    assert not {Decimal(n) for n in outside} & allowed
