"""Questions about urgency, the patient and the drafts (clinical-definition 2.4, 2.5, 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import DataGroup
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import shown
from service.interpreter.interpretation import (
    CellLine,
    Overlay,
)
from service.interpreter.logic import any_of
from service.interpreter.rules.criteria.criterion import Case, Criterion, all_criteria, no_criterion

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.logic import Truth
from service.interpreter.rules.criteria.cell_lines import COUNT_GROUPS, lines_seen

NEUTROPHILS_BELOW_HALF = Criterion(
    "neutrophils below {anc_severe} (or, not known, leukocytes below {wbc_fever}), at most "
    "{neutrophils_with_fever:days} days old",
    lambda case: case.situation.counts.neutrophils_below_half_with_age,
    lambda case: line_seen_of(case, CellLine.WHITE),
    COUNT_GROUPS,
    ("a usable neutrophil count",),
)
FEVER = Criterion(
    "temperature of at least {fever} Cel in the last {temperature:hours} hours, or active febrile "
    "neutropenia",
    lambda case: any_of(
        case.situation.fever.present, bool(case.situation.history.febrile_neutropenia)
    ),
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
    lambda case: bool(case.situation.history.known_disorder),
)
CHEMOTHERAPY = Criterion(
    "chemotherapy within {chemotherapy:days} days",
    lambda case: bool(case.situation.history.chemotherapy),
)
NO_KNOWN_DISORDER = no_criterion(KNOWN_DISORDER, "no known hematologic disorder")
NO_CHEMOTHERAPY = no_criterion(CHEMOTHERAPY, "no chemotherapy within {chemotherapy:days} days")
STALE = Criterion(
    "newest blood count older than {current:days} and at most {stale:days} days",
    lambda case: case.situation.freshness is Freshness.STALE,
    lambda case: (
        "no count"
        if case.situation.anchor_age_days is None
        else f"{case.situation.anchor_age_days} days"
    ),
)
COUNTS_CURRENT = Criterion(
    "newest blood count at most {current:days} days old",
    lambda case: case.situation.freshness is Freshness.CURRENT,
    STALE.seen,
)
RECENT_CHEMOTHERAPY = all_criteria(
    CHEMOTHERAPY,
    no_criterion(STALE, "blood counts at most {current:days} days old, or none"),
    text=(
        "chemotherapy within {chemotherapy:days} days, and blood counts at most {current:days} "
        "days old or none"
    ),
)
AN_OVERLAY = Criterion("an urgent finding", lambda case: bool(case.overlays))
NEW_BLASTS = Criterion(
    "blasts at most {new_blasts:days} days old and none in the {blasts_before:days} days before",
    lambda case: case.situation.disorder_news.blasts,
)
NEW_SEVERE = Criterion(
    "two low lines, and neutrophils or platelets severe that were not in the "
    "{severe_before:days} days before",
    lambda case: bool(case.situation.disorder_news.severe),
)
NEW_PANCYTOPENIA = Criterion(
    "three low lines that were not low together from {pancytopenia_before_from:days} to "
    "{pancytopenia_before_until:days} days before",
    lambda case: case.situation.disorder_news.pancytopenia,
)


def _may_be_pregnant_at(situation: Situation) -> bool:
    return situation.age is None or situation.age < situation.limits.pregnancy_age


def _pregnant(case: Case) -> Truth:
    situation = case.situation
    if situation.pregnant:
        return True
    hidden = DataGroup.PREGNANCY in situation.unavailable
    possible = situation.facts.patient.sex is not Sex.MALE and _may_be_pregnant_at(situation)
    return None if hidden and possible else False


def _pregnancy_lines(case: Case) -> Truth:
    situation = case.situation
    if situation.pregnant:
        return situation.counts.low_lines >= 2
    return None if situation.counts.low_lines_at_most >= 2 else False


TWO_LINES_IN_PREGNANCY = Criterion(
    "at least two lines below the pregnancy limits",
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


def _draft_in(*sets: ValueSetName) -> Callable[[Case], Truth]:
    return lambda case: case.draft is not None and bool(case.draft.sets & set(sets))


B12_DRAFTED = Criterion("vitamin B12 is being ordered", _draft_in(ValueSetName.B12_MEDICATION))
IRON_DRAFTED = Criterion(
    "iron is being ordered",
    _draft_in(ValueSetName.IRON_MEDICATION, ValueSetName.INTRAVENOUS_IRON),
)
NOT_RECOVERING = Criterion(
    "the finding is not treated-b12-deficiency",
    lambda case: case.finding != "treated-b12-deficiency",
)
RED_FLAG = Criterion("a red flag", lambda case: bool(case.overlays) or case.situation.red_flags.any)
CRITICAL_BLASTS = Criterion(
    "blasts at indicator critical",
    lambda case: case.overlays.get(Overlay.CIRCULATING_BLASTS) == "critical",
)
NO_CRITICAL_BLASTS = no_criterion(CRITICAL_BLASTS, "no critical blasts")
RED_FLAG_OF_DEFERRAL = Criterion(
    "blasts, severe counts, a red flag of the smear or constitutional symptoms",
    lambda case: (
        case.severe
        or Overlay.CIRCULATING_BLASTS in case.overlays
        or case.situation.red_flags.overrides_deferral
    ),
)
HISTORY = Criterion(
    "history of a hematologic malignancy, marrow failure or transplant",
    lambda case: bool(case.situation.red_flags.history_of_malignancy),
)
MARROW_AND_REFERRAL_EXIST = all_criteria(
    Criterion(
        "a marrow exists or is ordered", lambda case: bool(case.situation.history.marrow_exists)
    ),
    Criterion("hematology is involved", lambda case: bool(case.situation.history.referral_exists)),
    no_criterion(RED_FLAG_OF_DEFERRAL, "no red flag"),
    no_criterion(HISTORY, "no such history"),
    text="marrow and referral exist, no red flag",
)
