"""Conditions, procedures and medicines in their windows (clinical-definition 3.1, 3.5, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte, SerologyTest
from service.interpreter.assessment.encounters import AHEAD, encounters_of
from service.interpreter.assessment.medications import (
    active_or_given_within,
    given_within,
    last_day,
    medications,
)
from service.interpreter.assessment.procedures import TOOK_PLACE, done_between, under_way_or_between
from service.interpreter.logic import at_least
from service.interpreter.windows import days_ago, newest_first, recent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from fhir_mappings.context import Condition, Medication, Procedure
    from fhir_mappings.panel import SerologyResult
    from service.interpreter.assessment.timeline import Timeline

DISORDERS = (
    ValueSetName.HEMATOLOGIC_MALIGNANCY,
    ValueSetName.MARROW_FAILURE,
    ValueSetName.STEM_CELL_TRANSPLANT,
)
AGRANULOCYTOSIS_ORDER = (
    ("clozapine",),
    ("carbimazole",),
    ("methimazole", "thiamazole"),
    ("propylthiouracil",),
    ("metamizol", "dipyrone"),
    ("sulfasalazine", "sulphasalazine"),
    ("dapsone",),
    ("deferiprone",),
    ("ticlopidine",),
    ("trimoxazole", "trimethoprim", "sulfamethoxazole"),
)
"""Which drug drug-agranulocytosis names when there are several."""

SECONDARY_CAUSES = (
    ValueSetName.HIV_INFECTION,
    ValueSetName.VIRAL_HEPATITIS,
    ValueSetName.HEPATITIS_B,
    ValueSetName.HEPATITIS_C,
    ValueSetName.AUTOIMMUNE_DISEASE,
    ValueSetName.LUPUS,
)


def suppressing(chart: Timeline, *sets: ValueSetName) -> tuple[Condition, ...]:
    """Return active conditions that are certain enough to suppress or defer."""
    return tuple(item for item in chart.conditions(*sets) if item.may_suppress)


def in_care(
    chart: Timeline, target: ValueSetName, conditions: Iterable[Condition]
) -> tuple[str, ...]:
    """Return what shows hospice or palliative care: given conditions, procedures, stays."""
    span = chart.since(chart.now - chart.windows.hospice)
    procedures = under_way_or_between(chart, span, target)
    stays = [
        item
        for item in encounters_of(chart, span, target)
        if not item.is_appointment and item.status not in AHEAD
    ]
    names = [item.display for item in conditions] + [item.display for item in procedures]
    return tuple(dict.fromkeys([*names, *(target.value for _ in stays)]))


def hospice(chart: Timeline) -> tuple[str, ...]:
    """Return the signs of hospice, comfort or dying care, active or <= 180 d."""
    care = ValueSetName.HOSPICE_CARE
    return in_care(chart, care, suppressing(chart, care))


def palliative(chart: Timeline) -> tuple[str, ...]:
    """Return the signs of palliative care (M7)."""
    care = ValueSetName.PALLIATIVE_CARE
    return in_care(chart, care, chart.conditions(care))


def known_disorder(chart: Timeline) -> tuple[Condition | Procedure, ...]:
    """Return active hematologic disorders, and transplants of the last 365 d."""
    conditions = tuple(
        item
        for item in suppressing(chart, *DISORDERS)
        if not item.in_remission and ValueSetName.NEVER_SUPPRESS not in item.sets
    )
    span = chart.since(chart.now - chart.windows.transplant)
    return (*conditions, *done_between(chart, span, ValueSetName.STEM_CELL_TRANSPLANT))


def chemotherapy(
    chart: Timeline,
) -> tuple[tuple[Medication | Procedure | Condition, ...], int | None]:
    """Return what shows chemotherapy <= 42 d, and the days since the newest of it."""
    window = chart.windows.chemotherapy
    drugs = given_within(chart, window, ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY)
    sessions = done_between(
        chart, chart.since(chart.now - window), ValueSetName.CHEMOTHERAPY_PROCEDURES
    )
    encounters = tuple(
        item
        for item in chart.conditions(ValueSetName.CHEMOTHERAPY_PROCEDURES, active=False)
        if item.may_suppress and recent(item.onset, chart.now, window)
    )
    effects = suppressing(chart, ValueSetName.CHEMOTHERAPY_CONDITIONS)
    days: list[date | None] = [last_day(item, chart.now) for item in drugs]
    days += [item.performed.date() if item.performed else None for item in sessions]
    days += [item.onset for item in encounters]
    ages = [age for day in days if (age := days_ago(day, chart.now)) is not None]
    newest = max(min(ages), 0) if ages else None
    both = (*encounters, *(item for item in effects if item not in encounters))
    return (*drugs, *sessions, *both), newest


def marrow_suppressive(chart: Timeline) -> tuple[Medication, ...]:
    """Return marrow-suppressive drugs taken now or given in the last 30 d (M1, M9)."""
    window = chart.windows.suppressive_drug
    return active_or_given_within(chart, window, ValueSetName.MARROW_SUPPRESSIVE_DRUGS)


def agranulocytosis_drugs(chart: Timeline) -> tuple[Medication, ...]:
    """Return drugs known for agranulocytosis taken now or given <= 30 d, the first to name first.

    The order is that of clinical-definition 5; the parts of co-trimoxazole stand for it.
    """
    window = chart.windows.agranulocytosis_drug
    taken = active_or_given_within(chart, window, ValueSetName.AGRANULOCYTOSIS_DRUGS)
    return tuple(sorted(taken, key=_agranulocytosis_rank))


def _agranulocytosis_rank(medication: Medication) -> int:
    name = medication.name.casefold()
    places = (
        place
        for place, drugs in enumerate(AGRANULOCYTOSIS_ORDER)
        if any(drug in name for drug in drugs)
    )
    return next(places, len(AGRANULOCYTOSIS_ORDER))


def heparins(chart: Timeline) -> tuple[Medication, ...]:
    """Return heparins being given or given in the last 30 d (M17)."""
    return active_or_given_within(chart, chart.windows.heparin, ValueSetName.HEPARIN_MEDICATION)


def copper_malabsorption(chart: Timeline) -> tuple[Condition | Procedure, ...]:
    """Return gastric surgery at any time, malabsorption or parenteral nutrition (M13)."""
    wanted = ValueSetName.GASTRIC_SURGERY_MALABSORPTION
    procedures = tuple(
        item
        for item in chart.facts.context.procedures
        if wanted in item.sets and item.status in TOOK_PLACE
    )
    return (*chart.conditions(wanted), *procedures)


def hypersplenism(chart: Timeline) -> tuple[Condition, ...]:
    """Return portal hypertension, or liver disease with splenomegaly (M1)."""
    portal = suppressing(chart, ValueSetName.PORTAL_HYPERTENSION)
    liver = suppressing(chart, ValueSetName.LIVER_DISEASE)
    spleen = suppressing(chart, ValueSetName.SPLENOMEGALY)
    both = (*liver, *spleen) if liver and spleen else ()
    return tuple(dict.fromkeys((*portal, *both)))


def liver_tests_high(chart: Timeline) -> bool:
    """Whether ALT or AST of the window is at least 120 U/L (M8)."""
    tests = (Analyte.ALANINE_AMINOTRANSFERASE, Analyte.ASPARTATE_AMINOTRANSFERASE)
    return any(
        at_least(chart.newest(test, chart.organ_span), chart.limits.transaminase_high)
        for test in tests
    )


def b12_medication(chart: Timeline) -> tuple[tuple[Medication, ...], date | None]:
    """Return B12 medicines active or given <= 180 d, and their first day in those 180 d.

    What began earlier, or at a time not recorded, counts as begun 180 d ago.
    """
    window = chart.windows.b12_medication
    taken = active_or_given_within(chart, window, ValueSetName.B12_MEDICATION)
    if not taken:
        return (), None
    earliest = chart.now.date() - window
    return taken, max(earliest, min(item.first or earliest for item in taken))


def growth_factors(chart: Timeline) -> tuple[Medication, ...]:
    """Return G-CSF, erythropoietin and thrombopoietin agents active or <= 14 d (M12)."""
    return active_or_given_within(
        chart,
        chart.windows.growth_factor,
        ValueSetName.GRANULOCYTE_GROWTH_FACTOR,
        ValueSetName.ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS,
    )


def zinc(chart: Timeline) -> tuple[Medication, ...]:
    """Return zinc being taken (M13)."""
    return tuple(item for item in medications(chart, ValueSetName.ZINC_MEDICATION) if item.active)


def secondary_causes(chart: Timeline) -> tuple[Condition | SerologyResult, ...]:
    """Return known infections and autoimmune disease, and serologies whose newest is positive."""
    newest: dict[SerologyTest, SerologyResult] = {}
    for result in newest_first(chart.facts.panel.serology):
        is_known = result.positive is not None and result.taken <= chart.latest
        if is_known and result.test is not SerologyTest.INTRINSIC_FACTOR_ANTIBODY:
            newest.setdefault(result.test, result)
    positive = tuple(result for result in newest.values() if result.positive)
    return (*chart.conditions(*SECONDARY_CAUSES), *positive)
