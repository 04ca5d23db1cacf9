"""The questions that rows ask, named once (clinical-knowledge 2 and 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import GROUP_OF_ANALYTE, Analyte, DataGroup
from service.interpreter.interpretation import (
    B12State,
    FunctionState,
    IronState,
    Line,
    LineState,
    Pattern,
)
from service.interpreter.logic import above, all_of, any_of, below
from service.interpreter.rules.conditions import Case, Condition, both, either, not_
from service.interpreter.situation import FolateState, Freshness
from service.interpreter.words import LINE_NAMES, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_mappings.panel import LabResult
    from service.interpreter.interpretation import LineFact
    from service.interpreter.logic import Truth
    from service.interpreter.situation import Situation

IRON_ANALYTES = (
    Analyte.IRON,
    Analyte.IRON_BINDING_CAPACITY,
    Analyte.TRANSFERRIN_SATURATION,
    Analyte.FERRITIN,
)
HIGH_B12 = frozenset({B12State.ELEVATED, B12State.MARKED})
UNSETTLED_IRON = frozenset({IronState.MISSING, IronState.PARTIAL})

B12_TREATMENT_DAYS = 60
PREGNANCY_AGE = 60
"""From this age a missing pregnancy test leaves nothing open (OWN)."""

_COUNT_GROUPS = frozenset({DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL})


def is_open(situation: Situation, analyte: Analyte) -> bool:
    """Whether a value may exist that is not known: not available, unreadable or only a bound."""
    if analyte in situation.unknown:
        return True
    result = situation.selected.get(analyte)
    if result is None:
        return bool(situation.unreadable.get(analyte))
    return result.comparator is not None


def b12_open(situation: Situation) -> bool:
    """Whether B12 is MISSING because it could not be had or read, not because nobody measured."""
    return situation.states.b12 is B12State.MISSING and is_open(situation, Analyte.VITAMIN_B12)


def iron_open(situation: Situation) -> bool:
    """Whether iron studies are incomplete because something could not be had or read."""
    return situation.states.iron in UNSETTLED_IRON and any(
        is_open(situation, analyte) for analyte in IRON_ANALYTES
    )


# --- cell lines ---------------------------------------------------------------------------------


def _lines_seen(case: Case) -> str:
    facts = case.situation.states.lines
    return ", ".join(_line_seen(facts[line]) for line in Line if line in facts)


def _line_seen(fact: LineFact) -> str:
    value = f" ({shown(fact.result)})" if fact.result else ""
    return f"{LINE_NAMES[fact.line]} {fact.state}{value}"


def _states(case: Case, state: LineState) -> int:
    return sum(fact.state is state for fact in case.situation.states.lines.values())


def _pattern(wanted: Pattern, possible: Callable[[Case], bool]) -> Callable[[Case], Truth]:
    def test(case: Case) -> Truth:
        if case.situation.states.pattern is wanted:
            return True
        return None if possible(case) else False

    return test


def _pancytopenia_possible(case: Case) -> bool:
    unknown, low = _states(case, LineState.UNKNOWN), _states(case, LineState.LOW)
    masked = min(1, _states(case, LineState.MASKED))
    return unknown > 0 and low + masked + unknown == len(Line)


def _bicytopenia_possible(case: Case) -> bool:
    unknown, low = _states(case, LineState.UNKNOWN), _states(case, LineState.LOW)
    return unknown > 0 and low <= 2 <= low + unknown


def _line_condition(text: str, test: Callable[[Case], Truth]) -> Condition:
    return Condition(text, test, _lines_seen, _COUNT_GROUPS, ("the missing blood counts",))


PANCYTOPENIA = _line_condition(
    "three low lines, or two low lines and one masked by a transfusion",
    _pattern(Pattern.PANCYTOPENIA, _pancytopenia_possible),
)
BICYTOPENIA = _line_condition(
    "two low lines and the third normal", _pattern(Pattern.BICYTOPENIA, _bicytopenia_possible)
)
THIRD_LINE_UNKNOWN = _line_condition(
    "two low lines and the third not known",
    lambda case: case.situation.states.pattern is Pattern.BICYTOPENIA_THIRD_UNKNOWN,
)
PANCYTOPENIA_OR_BICYTOPENIA = either(
    PANCYTOPENIA, BICYTOPENIA, text="at least two low lines, the third known"
)
TWO_LOW_LINES = _line_condition(
    "at least two low lines",
    lambda case: case.situation.low_lines >= 2,
)


# --- chemistry ----------------------------------------------------------------------------------


def _b12(states: frozenset[B12State], text: str) -> Condition:
    def test(case: Case) -> Truth:
        state = case.situation.states.b12
        if state in states:
            return True
        return None if b12_open(case.situation) else False

    return Condition(
        text,
        test,
        lambda case: str(case.situation.states.b12),
        frozenset({DataGroup.VITAMIN_B12}),
        ("a usable vitamin B12 result",),
    )


B12_HIGH = _b12(HIGH_B12, "vitamin B12 high")
B12_LOW = _b12(frozenset({B12State.LOW}), "vitamin B12 low")
B12_BETWEEN = _b12(frozenset({B12State.BORDERLINE, B12State.NORMAL}), "vitamin B12 200 to 900")
B12_MISSING = _b12(frozenset({B12State.MISSING}), "no usable vitamin B12 result")
B12_NOT_LOW = not_(B12_LOW, "vitamin B12 not low")
B12_NOT_HIGH = not_(B12_HIGH, "vitamin B12 not high")
B12_NOT_LOW_NOR_HIGH = Condition(
    "vitamin B12 neither low nor high",
    lambda case: case.situation.states.b12 not in {B12State.LOW, *HIGH_B12},
    lambda case: str(case.situation.states.b12),
)


def _iron(states: frozenset[IronState], text: str) -> Condition:
    def test(case: Case) -> Truth:
        if case.situation.states.iron in states:
            return True
        return None if iron_open(case.situation) else False

    return Condition(
        text,
        test,
        lambda case: str(case.situation.states.iron),
        frozenset({DataGroup.IRON_STUDIES}),
        ("complete, readable iron studies",),
    )


IRON_DEFICIENCY = _iron(frozenset({IronState.TRUE_DEFICIENCY}), "iron deficiency shown")
IRON_INDEX = _iron(
    frozenset({IronState.INDEX, IronState.INDEX_BORDERLINE}),
    "low iron with normal TIBC and saturation of at least 16 %",
)
IRON_CHRONIC = _iron(frozenset({IronState.CHRONIC_DISEASE}), "chronic-disease iron pattern")
IRON_INCOMPLETE = _iron(UNSETTLED_IRON, "iron studies missing or incomplete")
IRON_LACK_NOT_SHOWN = not_(IRON_DEFICIENCY, "iron deficiency not shown")
IRON_NOT_INDEX_NOR_DEFICIENT = Condition(
    "iron in none of the patterns with a row of their own",
    lambda case: (
        case.situation.states.iron
        not in {IronState.TRUE_DEFICIENCY, IronState.INDEX, IronState.INDEX_BORDERLINE}
    ),
    lambda case: str(case.situation.states.iron),
)
IRON_DOES_NOT_DECIDE = Condition(
    "iron neither deficient nor of chronic disease nor missing",
    lambda case: (
        case.situation.states.iron
        not in {IronState.TRUE_DEFICIENCY, IronState.CHRONIC_DISEASE, *UNSETTLED_IRON}
    ),
    lambda case: str(case.situation.states.iron),
)
IRON_INDETERMINATE = Condition(
    "low iron or saturation without proof of deficiency",
    lambda case: case.situation.states.iron is IronState.LOW_INDETERMINATE,
)
FERRITIN_NEEDED = either(IRON_INCOMPLETE, IRON_INDETERMINATE)


def _function(state: FunctionState, text: str) -> Condition:
    return Condition(
        text,
        lambda case: case.situation.states.function is state,
        lambda case: f"function {case.situation.states.function}",
    )


MMA_PROVES_DEFICIENCY = _function(
    FunctionState.DEFICIENT, "methylmalonic acid proves B12 deficiency"
)
MMA_DOES_NOT_PROVE = not_(MMA_PROVES_DEFICIENCY, "methylmalonic acid does not prove B12 deficiency")
MMA_SAYS_NOTHING = _function(FunctionState.UNKNOWN, "functional B12 status unknown")
MMA_EXCLUDES = _function(FunctionState.NOT_DEFICIENT, "methylmalonic acid not raised")

FOLATE_LOW = Condition(
    "serum folate below 3.0 ng/mL",
    lambda case: (
        True
        if case.situation.folate is FolateState.LOW
        else (
            None
            if case.situation.folate is FolateState.MISSING
            and is_open(case.situation, Analyte.FOLATE)
            else False
        )
    ),
    lambda case: f"folate {case.situation.folate}",
    frozenset({DataGroup.VITAMIN_B12}),
    ("a usable folate result",),
)


def _treatment_days(case: Case) -> int | None:
    first = case.situation.b12_first_given
    return None if first is None else (case.situation.now.date() - first).days


def _treated(case: Case) -> bool:
    days = _treatment_days(case)
    return days is not None and days <= B12_TREATMENT_DAYS


B12_TREATMENT_NEW = Condition(
    f"B12 medicine first given at most {B12_TREATMENT_DAYS} days ago",
    _treated,
    lambda case: "none known" if (days := _treatment_days(case)) is None else f"{days} days ago",
)
B12_DEFICIENT_BEFORE = Condition(
    "evidence of an earlier B12 deficiency", lambda case: bool(case.situation.b12_prior_deficiency)
)


# --- overlays -----------------------------------------------------------------------------------

NEUTROPHILS_BELOW_HALF = Condition(
    "neutrophils below 0.5 (or, not known, leukocytes below 1.0), at most 3 days old",
    lambda case: case.situation.neutrophils_below_half_with_age,
    lambda case: _lines_seen_of(case, Line.WHITE),
    _COUNT_GROUPS,
    ("a usable neutrophil count",),
)
FEVER = Condition(
    "temperature of at least 38.0 Cel in the last 24 hours, or active febrile neutropenia",
    lambda case: any_of(case.situation.fever.present, bool(case.situation.febrile_neutropenia)),
    settles=frozenset({DataGroup.TEMPERATURE}),
    settled_by=("temperatures of the last 24 hours",),
)
BLASTS = Condition(
    "blasts in the blood within 30 days",
    lambda case: case.situation.blasts.present,
    settles=frozenset({DataGroup.DIFFERENTIAL, DataGroup.SMEAR}),
    settled_by=("a blood film",),
)
SEVERE_LIMIT = Condition(
    "two low lines and a severe limit crossed",
    lambda case: case.situation.severe.present,
    _lines_seen,
    _COUNT_GROUPS,
    ("the missing blood counts",),
)


def _lines_seen_of(case: Case, line: Line) -> str:
    fact = case.situation.states.lines.get(line)
    return shown(fact.result) if fact and fact.result else "no count"


# --- who the patient is -------------------------------------------------------------------------

HOSPICE = Condition("hospice care", lambda case: bool(case.situation.hospice))
CHILD = Condition(
    "age below 18",
    lambda case: None if case.situation.age is None else case.situation.child,
    lambda case: "age unknown" if case.situation.age is None else f"{case.situation.age} years",
    settled_by=("the date of birth",),
)
ADULT = not_(CHILD, "age at least 18")
KNOWN_DISORDER = Condition(
    "active hematologic malignancy, marrow failure or stem cell transplant",
    lambda case: bool(case.situation.known_disorder),
)
RECENT_CHEMOTHERAPY = Condition(
    "chemotherapy within 42 days", lambda case: bool(case.situation.chemotherapy)
)
STALE = Condition(
    "newest blood count 15 to 90 days old",
    lambda case: case.situation.freshness is Freshness.STALE,
    lambda case: (
        "no count"
        if case.situation.anchor_age_days is None
        else f"{case.situation.anchor_age_days} days"
    ),
)
CURRENT = Condition(
    "newest blood count at most 14 days old",
    lambda case: case.situation.freshness is Freshness.CURRENT,
    STALE.seen,
)
AN_OVERLAY = Condition("an urgent finding", lambda case: bool(case.overlays))
NEW_BLASTS = Condition(
    "blasts at most 3 days old and none in the 30 days before",
    lambda case: case.situation.blasts.new_within_3_days,
)
NEW_SEVERE = Condition(
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


TWO_LINES_IN_PREGNANCY = Condition(
    "at least two lines below the pregnancy limits, the third known",
    _pregnancy_lines,
    _lines_seen,
    frozenset({DataGroup.PREGNANCY}),
    ("a pregnancy status",),
)


# --- children -----------------------------------------------------------------------------------


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


CHILD_CONCERN = Condition(
    "two low lines by laboratory flags, ranges or floors, blasts, or neutrophils below 0.5 with "
    "fever",
    _child_case,
    lambda case: f"{len(case.situation.pediatric_low)} low lines",
    frozenset({DataGroup.TEMPERATURE}),
    ("temperatures of the last 24 hours",),
)


# --- bicytopenia --------------------------------------------------------------------------------


def _result(case: Case, analyte: Analyte) -> LabResult | None:
    return case.situation.selected.get(analyte)


def _is_low(case: Case, line: Line) -> bool:
    fact = case.situation.states.lines.get(line)
    return fact is not None and fact.state is LineState.LOW


def _counted(truth: Truth, result: LabResult | None) -> Truth:
    """A value that nobody measured is not beyond a limit."""
    return False if result is None else truth


def _platelets_worth_a_card(case: Case) -> Truth:
    limits = case.situation.limits
    platelets = _result(case, Analyte.PLATELETS)
    below_usual = _counted(below(platelets, limits.plt_bicytopenia), platelets)
    situation = case.situation
    stale = situation.freshness is Freshness.STALE
    if not (situation.inpatient_at_anchor if stale else situation.inpatient):
        return below_usual
    leukocytes = _result(case, Analyte.LEUKOCYTES)
    return any_of(
        _counted(below(platelets, limits.plt_inpatient), platelets),
        _counted(above(leukocytes, limits.wbc_inpatient), leukocytes),
        all_of(below_usual, case.situation.both_low_before),
    )


def _mcv_worth_a_card(case: Case) -> Truth:
    volume = _result(case, Analyte.MEAN_CORPUSCULAR_VOLUME)
    return _counted(above(volume, case.situation.limits.mcv_bicytopenia), volume)


WHITE_LINE_LOW = Condition("white line low", lambda case: _is_low(case, Line.WHITE), _lines_seen)
WORTH_A_CARD = either(
    WHITE_LINE_LOW,
    AN_OVERLAY,
    Condition("MCV above 110 fL", _mcv_worth_a_card),
    Condition("platelets below 100", _platelets_worth_a_card),
    text=(
        "white line low, an urgent finding, MCV above 110 fL, or platelets below 100 (in hospital: "
        "platelets below 50, leukocytes above 30, or platelets below 100 with both lines low 7 to "
        "90 days before)"
    ),
)


PREGNANT = Condition(
    "pregnant",
    _pregnant,
    settles=frozenset({DataGroup.PREGNANCY}),
    settled_by=("a pregnancy status",),
)
WORTH_A_CARD_WHEN_CURRENT = either(
    PANCYTOPENIA,
    both(
        BICYTOPENIA,
        either(PREGNANT, B12_HIGH, B12_LOW, WORTH_A_CARD),
        text="two low lines and the third normal that would have had a card when current",
    ),
)


# --- medicines drafted --------------------------------------------------------------------------


def _draft_in(*sets: ValueSetName) -> Callable[[Case], Truth]:
    return lambda case: case.draft is not None and bool(case.draft.sets & set(sets))


B12_DRAFTED = Condition("vitamin B12 is being ordered", _draft_in(ValueSetName.B12_MEDICATION))
IRON_DRAFTED = Condition(
    "iron is being ordered",
    _draft_in(ValueSetName.IRON_MEDICATION, ValueSetName.INTRAVENOUS_IRON),
)

# --- small questions of order lists ---------------------------------------------------------------

RED_FLAG = Condition("a red flag", lambda case: bool(case.overlays) or case.situation.red_flags.any)
CRITICAL_BLASTS = Condition(
    "blasts at indicator critical",
    lambda case: case.overlays.get("circulating-blasts") == "critical",
)


def not_measured(*analytes: Analyte, text: str) -> Condition:
    """Return the condition that one of `analytes` has no usable result in its window."""
    return Condition(
        text,
        lambda case: any(analyte not in case.situation.selected for analyte in analytes),
        settles=frozenset(GROUP_OF_ANALYTE[analyte] for analyte in analytes),
    )


B12_NOT_MEASURED = Condition(
    "no usable vitamin B12", lambda case: case.situation.states.b12 is B12State.MISSING
)
IRON_OR_TIBC_MISSING = not_measured(
    Analyte.IRON, Analyte.IRON_BINDING_CAPACITY, text="iron or TIBC missing"
)
FERRITIN_MISSING = not_measured(Analyte.FERRITIN, text="ferritin missing")
FOLATE_MISSING = not_measured(Analyte.FOLATE, text="folate missing")
HOMOCYSTEINE_MISSING = not_measured(Analyte.HOMOCYSTEINE, text="homocysteine missing")
