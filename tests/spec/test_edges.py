"""Limits, windows, sets and orders at their edges: one step beyond, and another answer.

Each case is a place where a wrong number once passed every other test. The expectation is that of
the clinical definition, named in the test.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from fhir_mappings.context import MedicationDraft, Sex, ValueSetName
from fhir_mappings.laboratory.record import LaboratoryRecord
from fhir_mappings.panel import Analyte, DataGroup
from fhir_mappings.vocabulary.analytes import default_terminology
from service.interpreter.formatting import shown
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import Priority
from service.interpreter.rules.criteria.criterion import Criterion, decisive
from service.interpreter.windows import LOOK_BACK
from tests.support import fhir
from tests.support.facts import NOW, count, facts, medication, result

if TYPE_CHECKING:
    from service.interpreter.interpretation import Interpretation

PANCYTOPENIA = count(8.9, 1.1, 84, 2.4)
HIGH_B12 = [result(Analyte.VITAMIN_B12, "1480", 1)]
B12_DRAFT = MedicationDraft(
    "draft", frozenset({ValueSetName.B12_MEDICATION}), "Cyanocobalamin", selected=True
)


def answer(results: list[Any], **more: Any) -> Interpretation:
    return interpret(facts(results, **more), NOW, explained=True)


def priorities(given: Interpretation) -> dict[str, Priority]:
    return {each.order: each.priority for each in given.orders}


@pytest.mark.parametrize(("days", "asked"), [(1, True), (14, True), (15, False), (60, False)])
def test_no_order_card_on_stale_counts(days: int, asked: bool) -> None:
    """3.1 step 13: order cards are not due after step 6."""
    results = [*count(8.9, 1.1, 84, 2.4, days), result(Analyte.VITAMIN_B12, "1480", days)]
    given = answer(results, context={"drafts": (B12_DRAFT,)})
    assert bool(given.order_findings) is asked


@pytest.mark.parametrize("order", ["prothrombin-time", "aptt", "fibrinogen", "peripheral-smear"])
def test_coagulation_and_film_are_stat_with_critical_blasts(order: str) -> None:
    """4.2: with critical circulating-blasts coagulation and film are stat."""
    given = answer([*PANCYTOPENIA, result(Analyte.BLAST_PERCENT, "12", 1)])
    assert priorities(given)[order] is Priority.STAT


@pytest.mark.parametrize(("days", "repeated"), [(89, False), (92, True), (400, True)])
def test_b12_is_not_repeated_after_two_marked_results_in_90_days(days: int, repeated: bool) -> None:
    """4.3: a repeat is not needed when two results of at least 1000 lie within 90 d."""
    earlier = result(Analyte.VITAMIN_B12, "1200", days)
    given = answer([*PANCYTOPENIA, *HIGH_B12, earlier])
    assert ("vitamin-b12" in priorities(given)) is repeated


@pytest.mark.parametrize(("age", "open_"), [(45, True), (59, True), (60, False), (70, False)])
def test_up_to_60_a_pregnancy_that_could_not_be_looked_for_leaves_the_answer_open(
    age: int, open_: bool
) -> None:
    """2.5: unavailable pregnancy data matter to women of an age in which they can be pregnant."""
    given = answer(PANCYTOPENIA, age=age, sex=Sex.FEMALE, unavailable=[DataGroup.PREGNANCY])
    tried = {each.id: each.outcome for each in given.explanation.tried}
    assert (tried["pregnancy"] == "undecided") is open_


@pytest.mark.parametrize(("days", "given_"), [(3, True), (0, True), (-2, False), (-8, False)])
def test_a_medicine_dated_ahead_was_not_given_yet(days: float, given_: bool) -> None:
    """3.1 step 5: chemotherapy given in the last 42 d, not planned."""
    planned = medication(ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=days, last=days)
    answered = answer(PANCYTOPENIA, context={"medications": (planned,)})
    assert answered.finding is not None
    assert (answered.finding.id == "recent-chemotherapy") is given_


@pytest.mark.parametrize(
    ("analyte", "value", "limit"),
    [
        (Analyte.NEUTROPHILS, "1.7996", "1.8"),
        (Analyte.NEUTROPHILS, "0.4997", "0.5"),
        (Analyte.HEMOGLOBIN, "6.996", "7.0"),
        (Analyte.HEMOGLOBIN, "11.97", "12.0"),
        (Analyte.PLATELETS, "19.7", "20"),
        (Analyte.PLATELETS, "149.6", "150"),
        (Analyte.VITAMIN_B12, "999.6", "1000"),
        (Analyte.METHYLMALONATE, "0.4004", "0.40"),
    ],
)
def test_a_shown_value_stays_on_its_side_of_a_limit(
    analyte: Analyte, value: str, limit: str
) -> None:
    """Rounding must not turn a low value into a normal one on the card."""
    # A converted value: what the laboratory wrote has other digits.
    text = shown(replace(result(analyte, value), reported_value="4711"))
    true_side = Decimal(value) < Decimal(limit)
    assert (Decimal(text) < Decimal(limit)) is true_side
    assert (Decimal(text) == Decimal(limit)) is False


@pytest.mark.parametrize(("platelets", "priority"), [(15, Priority.STAT), (45, Priority.URGENT)])
@pytest.mark.parametrize("order", ["prothrombin-time", "aptt", "fibrinogen"])
def test_coagulation_of_falling_platelets_is_stat_where_they_are_severe(
    order: str, platelets: int, priority: Priority
) -> None:
    """4.2: film, counts and coagulation are stat beside a critical overlay."""
    given = answer(count(8.9, 2.4, platelets, 6.0))
    assert priorities(given)[order] is priority


def test_what_is_false_is_named_before_what_is_unknown() -> None:
    """A rule that fails says the condition that is false, not one that only is not known."""
    unknown, false = Criterion("fever", lambda _: None), Criterion("platelets", lambda _: False)
    conditions = (unknown, false)
    assert decisive(conditions, [None, False]) is false
    assert decisive(conditions, [None, None]) is unknown
    assert decisive(conditions, [True, True]) is None


def test_a_date_without_a_time_is_not_left_unread_for_its_hour() -> None:
    """1.1 A3: its age is counted in whole days, so the filter by age must not cut it off."""
    evening = NOW + timedelta(hours=11)
    edge = evening - LOOK_BACK.days
    record = [
        fhir.observation("718-7", 8.9, "g/dL", effectiveDateTime=f"{evening:%Y-%m-%dT%H:%M:%SZ}"),
        fhir.observation("33914-3", 45, "mL/min/{1.73_m2}", effectiveDateTime=f"{edge:%Y-%m-%d}"),
    ]
    patient = fhir.PATIENT_ID
    reader = LaboratoryRecord(patient, evening, default_terminology())
    panel = reader.panel([fhir.as_bytes(fhir.bundle(*record))], look_back=LOOK_BACK)
    found = panel.results.get(Analyte.GLOMERULAR_FILTRATION_RATE, ())
    assert [float(each.value) for each in found] == [45]
