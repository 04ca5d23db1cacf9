"""Questions about B12, iron, MMA and folate (clinical-definition 2.3, 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, DataGroup
from service.interpreter.assessment.situation import FolateState
from service.interpreter.formatting import B12_WORDS, IRON_WORDS, unit_words, with_unit
from service.interpreter.interpretation import (
    B12State,
    FunctionState,
    IronState,
)
from service.interpreter.logic import below
from service.interpreter.rules.criteria.criterion import (
    Case,
    Criterion,
    any_criterion,
    no_criterion,
)
from service.interpreter.thresholds import unit_of_limit

if TYPE_CHECKING:
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.logic import Truth


IRON_ANALYTES = (
    Analyte.IRON,
    Analyte.IRON_BINDING_CAPACITY,
    Analyte.TRANSFERRIN_SATURATION,
    Analyte.FERRITIN,
)
HIGH_B12 = frozenset({B12State.ELEVATED, B12State.MARKED})
UNSETTLED_IRON = frozenset({IronState.MISSING, IronState.PARTIAL})


def is_open(situation: Situation, analyte: Analyte) -> bool:
    """Whether a value may exist that is not known: not available, unreadable or only a bound."""
    if analyte in situation.unknown:
        return True
    result = situation.selected.get(analyte)
    if result is None:
        return bool(situation.unreadable.get(analyte))
    return result.comparator is not None


def b12_open(situation: Situation) -> bool:
    """Whether B12 is MISSING because it could not be retrieved or read."""
    return situation.states.b12 is B12State.MISSING and is_open(situation, Analyte.VITAMIN_B12)


def iron_open(situation: Situation) -> bool:
    """Whether iron studies are incomplete because something could not be retrieved or read."""
    return situation.states.iron in UNSETTLED_IRON and any(
        is_open(situation, analyte) for analyte in IRON_ANALYTES
    )


def _b12_seen(case: Case) -> str:
    return B12_WORDS[case.situation.states.b12]


def _iron_seen(case: Case) -> str:
    return IRON_WORDS[case.situation.states.iron]


def _b12(states: frozenset[B12State], text: str) -> Criterion:
    def test(case: Case) -> Truth:
        state = case.situation.states.b12
        if state in states:
            return True
        return None if b12_open(case.situation) else False

    return Criterion(
        text,
        test,
        _b12_seen,
        frozenset({DataGroup.VITAMIN_B12}),
        ("a usable vitamin B12 result",),
    )


B12_HIGH = _b12(HIGH_B12, "vitamin B12 high")
B12_LOW = _b12(frozenset({B12State.LOW}), "vitamin B12 low")
B12_BETWEEN = _b12(
    frozenset({B12State.BORDERLINE, B12State.NORMAL}), "vitamin B12 {b12_low} to {b12_high}"
)
B12_MISSING = _b12(frozenset({B12State.MISSING}), "no usable vitamin B12 result")
B12_NOT_LOW = no_criterion(B12_LOW, "vitamin B12 not low")
B12_NOT_HIGH = no_criterion(B12_HIGH, "vitamin B12 not high")
B12_NOT_LOW_NOR_HIGH = Criterion(
    "vitamin B12 neither low nor high",
    lambda case: case.situation.states.b12 not in {B12State.LOW, *HIGH_B12},
    _b12_seen,
)


def _iron(states: frozenset[IronState], text: str) -> Criterion:
    def test(case: Case) -> Truth:
        if case.situation.states.iron in states:
            return True
        return None if iron_open(case.situation) else False

    return Criterion(
        text,
        test,
        _iron_seen,
        frozenset({DataGroup.IRON_STUDIES}),
        ("complete, readable iron studies",),
    )


IRON_DEFICIENCY = _iron(frozenset({IronState.TRUE_DEFICIENCY}), "iron deficiency shown")
IRON_INDEX = _iron(
    frozenset({IronState.INDEX, IronState.INDEX_BORDERLINE}),
    "low iron with normal TIBC and saturation of at least {tsat_low} %",
)
IRON_CHRONIC = _iron(frozenset({IronState.CHRONIC_DISEASE}), "chronic-disease iron pattern")
IRON_INCOMPLETE = _iron(UNSETTLED_IRON, "iron studies missing or incomplete")
IRON_LACK_NOT_SHOWN = no_criterion(IRON_DEFICIENCY, "iron deficiency not shown")
IRON_NOT_INDEX_NOR_DEFICIENT = Criterion(
    "iron in none of the patterns with a row of their own",
    lambda case: (
        case.situation.states.iron
        not in {IronState.TRUE_DEFICIENCY, IronState.INDEX, IronState.INDEX_BORDERLINE}
    ),
    _iron_seen,
)
IRON_DOES_NOT_DECIDE = Criterion(
    "iron neither deficient nor of chronic disease nor missing",
    lambda case: (
        case.situation.states.iron
        not in {IronState.TRUE_DEFICIENCY, IronState.CHRONIC_DISEASE, *UNSETTLED_IRON}
    ),
    _iron_seen,
)
IRON_INDETERMINATE = Criterion(
    "low iron or saturation without proof of deficiency",
    lambda case: case.situation.states.iron is IronState.LOW_INDETERMINATE,
)
FERRITIN_NEEDED = any_criterion(IRON_INCOMPLETE, IRON_INDETERMINATE)


_FUNCTION_SEEN = {
    FunctionState.DEFICIENT: "methylmalonic acid proves it",
    FunctionState.NOT_DEFICIENT: "methylmalonic acid not raised",
    FunctionState.UNKNOWN: "no methylmalonic acid result that decides",
}
_FOLATE_SEEN = {
    FolateState.LOW: "low",
    FolateState.BORDERLINE: "borderline",
    FolateState.NORMAL: "normal",
    FolateState.MISSING: "no usable result in the time window",
}


def _function(state: FunctionState, text: str) -> Criterion:
    return Criterion(
        text,
        lambda case: case.situation.states.function is state,
        lambda case: _FUNCTION_SEEN[case.situation.states.function],
    )


MMA_PROVES_DEFICIENCY = _function(
    FunctionState.DEFICIENT, "methylmalonic acid proves B12 deficiency"
)
MMA_DOES_NOT_PROVE = no_criterion(
    MMA_PROVES_DEFICIENCY, "methylmalonic acid does not prove B12 deficiency"
)
MMA_SAYS_NOTHING = _function(FunctionState.UNKNOWN, "functional B12 status unknown")
MMA_EXCLUDES = _function(FunctionState.NOT_DEFICIENT, "methylmalonic acid not raised")

FOLATE_LOW = Criterion(
    "serum folate below {folate_low} ng/mL",
    lambda case: (
        True
        if case.situation.chemistry.folate is FolateState.LOW
        else (
            None
            if case.situation.chemistry.folate is FolateState.MISSING
            and is_open(case.situation, Analyte.FOLATE)
            else False
        )
    ),
    lambda case: _FOLATE_SEEN[case.situation.chemistry.folate],
    frozenset({DataGroup.VITAMIN_B12}),
    ("a usable folate result",),
)


def _treatment_days(case: Case) -> int | None:
    first = case.situation.chemistry.b12_first_given
    return None if first is None else (case.situation.now.date() - first).days


def _treated(case: Case) -> bool:
    days = _treatment_days(case)
    return days is not None and days <= case.situation.windows.b12_treatment.days


B12_TREATMENT_NEW = Criterion(
    "B12 medicine first given at most {b12_treatment:days} days ago",
    _treated,
    lambda case: "none known" if (days := _treatment_days(case)) is None else f"{days} days ago",
)
B12_DEFICIENT_BEFORE = Criterion(
    "evidence of B12 deficiency from before the first dose",
    lambda case: bool(case.situation.chemistry.b12_prior_deficiency),
)
MMA_NOT_RAISED_UNDER_TREATMENT = Criterion(
    "no methylmalonic acid that proves deficiency more than {mma_after_first_dose:days} days after "
    "the first dose",
    lambda case: (
        not (
            case.situation.states.function is FunctionState.DEFICIENT
            and case.situation.chemistry.mma_under_treatment
        )
    ),
)


@dataclass(frozen=True, slots=True)
class LimitCriterion(Criterion):
    """That the result of one analyte lies below one limit; both are named for the checks."""

    analyte: Analyte = Analyte.HEMOGLOBIN
    limit: str = ""


def below_limit(analyte: Analyte, limit: str) -> LimitCriterion:
    """Return the condition that the analyte's result is below a limit of `Thresholds`.

    Unknown when a result may exist that is not known, and when a bound does not decide.
    """

    def test(case: Case) -> Truth:
        situation = case.situation
        result = situation.selected.get(analyte)
        if result is None:
            return None if is_open(situation, analyte) else False
        return below(result, getattr(situation.limits, limit))

    def seen(case: Case) -> str:
        result = case.situation.selected.get(analyte)
        return "not measured" if result is None else with_unit(result)

    return LimitCriterion(
        f"{analyte.words} below {{{limit}}} {unit_words(unit_of_limit(limit))}",
        test,
        seen,
        frozenset({analyte.group}),
        (f"a usable {analyte.words} result",),
        analyte=analyte,
        limit=limit,
    )


def not_measured(*analytes: Analyte, text: str) -> Criterion:
    """Return the condition that one of `analytes` has no usable result in its window."""
    return Criterion(
        text,
        lambda case: any(analyte not in case.situation.selected for analyte in analytes),
        decided_by_groups=frozenset(analyte.group for analyte in analytes),
    )


B12_NOT_MEASURED = Criterion(
    "no usable vitamin B12", lambda case: case.situation.states.b12 is B12State.MISSING
)
IRON_OR_TIBC_MISSING = not_measured(
    Analyte.IRON, Analyte.IRON_BINDING_CAPACITY, text="iron or TIBC missing"
)
FERRITIN_MISSING = not_measured(Analyte.FERRITIN, text="ferritin missing")
FOLATE_MISSING = not_measured(Analyte.FOLATE, text="folate missing")
HOMOCYSTEINE_MISSING = not_measured(Analyte.HOMOCYSTEINE, text="homocysteine missing")
