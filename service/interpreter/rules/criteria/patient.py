"""Questions about urgency, the patient and the drafts (clinical-knowledge 2.4, 2.5, 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import DataGroup
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import shown
from service.interpreter.interpretation import (
    CellLine,
    Overlay,
    Pattern,
)
from service.interpreter.logic import all_of, any_of
from service.interpreter.rules.criteria.criterion import Case, Criterion, no_criterion

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.logic import Truth
from service.interpreter.rules.criteria.cell_lines import COUNT_GROUPS, lines_seen

PREGNANCY_AGE = 60
"""From this age a missing pregnancy test leaves nothing open (OWN)."""

NEUTROPHILS_BELOW_HALF = Criterion(
    "neutrophils below {anc_severe} (or, not known, leukocytes below {wbc_fever}), at most "
    "{neutrophils_with_fever:days} days old",
    lambda case: case.situation.neutrophils_below_half_with_age,
    lambda case: line_seen_of(case, CellLine.WHITE),
    COUNT_GROUPS,
    ("a usable neutrophil count",),
)
FEVER = Criterion(
    "temperature of at least {fever} Cel in the last {temperature:hours} hours, or active febrile "
    "neutropenia",
    lambda case: any_of(case.situation.fever.present, bool(case.situation.febrile_neutropenia)),
    decided_by_groups=frozenset({DataGroup.TEMPERATURE}),
    decided_by=("temperatures of the last 24 hours",),
)
BLASTS = Criterion(
    "blasts in the blood within {smear:days} days",
    lambda case: case.situation.blasts.present,
    decided_by_groups=frozenset({DataGroup.DIFFERENTIAL, DataGroup.SMEAR}),
    decided_by=("a blood film",),
)
SEVERE_LIMIT = Criterion(
    "two low lines and a severe limit crossed",
    lambda case: case.situation.severe.present,
    lines_seen,
    COUNT_GROUPS,
    ("the missing blood counts",),
)


def line_seen_of(case: Case, line: CellLine) -> str:
    fact = case.situation.states.lines.get(line)
    return shown(fact.result) if fact and fact.result else "no count"


HOSPICE = Criterion("hospice care", lambda case: bool(case.situation.hospice))
CHILD = Criterion(
    "age below {adult_age}",
    lambda case: None if case.situation.age is None else case.situation.child,
    lambda case: "age unknown" if case.situation.age is None else f"{case.situation.age} years",
    decided_by=("the date of birth",),
)
ADULT = no_criterion(CHILD, "age at least {adult_age}")
KNOWN_DISORDER = Criterion(
    "active hematologic malignancy, marrow failure or stem cell transplant",
    lambda case: bool(case.situation.known_disorder),
)
RECENT_CHEMOTHERAPY = Criterion(
    "chemotherapy within {chemotherapy:days} days", lambda case: bool(case.situation.chemotherapy)
)
STALE = Criterion(
    "newest blood count 15 to 90 days old",
    lambda case: case.situation.freshness is Freshness.STALE,
    lambda case: (
        "no count"
        if case.situation.anchor_age_days is None
        else f"{case.situation.anchor_age_days} days"
    ),
)
AN_OVERLAY = Criterion("an urgent finding", lambda case: bool(case.overlays))
NEW_BLASTS = Criterion(
    "blasts at most {new_blasts:days} days old and none in the {smear:days} days before",
    lambda case: case.situation.blasts.new_within_3_days,
)
NEW_SEVERE = Criterion(
    "two low lines and a severe line that was not severe on the count before",
    lambda case: (
        case.situation.severe.present is True
        and case.situation.severe.new_since_previous is True
        and case.situation.freshness is Freshness.CURRENT
    ),
)


def _pregnant(case: Case) -> Truth:
    situation = case.situation
    if situation.pregnant:
        return True
    hidden = DataGroup.PREGNANCY in situation.unavailable
    possible = situation.facts.patient.sex is not Sex.MALE and (situation.age or 0) < PREGNANCY_AGE
    return None if hidden and possible else False


def _pregnancy_lines(case: Case) -> Truth:
    situation = case.situation
    if situation.pregnant:
        return situation.states.pattern in {Pattern.PANCYTOPENIA, Pattern.BICYTOPENIA}
    return None if situation.low_lines_at_most >= 2 else False


TWO_LINES_IN_PREGNANCY = Criterion(
    "at least two lines below the pregnancy limits, the third known",
    _pregnancy_lines,
    lines_seen,
    frozenset({DataGroup.PREGNANCY}),
    ("a pregnancy status",),
)
PREGNANT = Criterion(
    "pregnant",
    _pregnant,
    decided_by_groups=frozenset({DataGroup.PREGNANCY}),
    decided_by=("a pregnancy status",),
)


def _child_case(case: Case) -> Truth:
    situation = case.situation
    hidden = bool(situation.known_disorder or situation.chemotherapy)
    stale = situation.freshness is Freshness.STALE
    lines = len(situation.pediatric_low) >= 2 and not hidden and not stale
    blasts = False if hidden else situation.blasts.present
    return any_of(lines, blasts, fever_with_low_neutrophils(case))


def fever_with_low_neutrophils(case: Case) -> Truth:
    """Return whether neutrophils are below 0.5 with fever (neutropenic-fever's own question)."""
    return all_of(NEUTROPHILS_BELOW_HALF.test(case), FEVER.test(case))


CHILD_CONCERN = Criterion(
    "two low lines by laboratory flags, ranges or floors, blasts, or neutrophils below "
    "{anc_severe} with "
    "fever",
    _child_case,
    lambda case: f"{len(case.situation.pediatric_low)} low lines",
    frozenset({DataGroup.TEMPERATURE}),
    ("temperatures of the last 24 hours",),
)


def _draft_in(*sets: ValueSetName) -> Callable[[Case], Truth]:
    return lambda case: case.draft is not None and bool(case.draft.sets & set(sets))


B12_DRAFTED = Criterion("vitamin B12 is being ordered", _draft_in(ValueSetName.B12_MEDICATION))
IRON_DRAFTED = Criterion(
    "iron is being ordered",
    _draft_in(ValueSetName.IRON_MEDICATION, ValueSetName.INTRAVENOUS_IRON),
)
RED_FLAG = Criterion("a red flag", lambda case: bool(case.overlays) or case.situation.red_flags.any)
CRITICAL_BLASTS = Criterion(
    "blasts at indicator critical",
    lambda case: case.overlays.get(Overlay.CIRCULATING_BLASTS) == "critical",
)
