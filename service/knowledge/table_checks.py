"""Checks of the decision table itself, each a list of sentences about what is wrong.

An empty list is good. `heme-hooks knowledge check` and the tests run them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations, product
from typing import TYPE_CHECKING

from fhir_mappings.context import Condition, Medication, MedicationKind, Patient
from fhir_mappings.panel import Analyte, LabResult, Panel
from service.interpreter.answer.existing_results import GROUPS_OF_ORDER, SEROLOGY_OF_ORDER
from service.interpreter.answer.modifiers.causes import KNOWN_DISEASE
from service.interpreter.answer.summaries import MAX_SUMMARY, PLACEHOLDERS
from service.interpreter.assessment.situation import (
    Chemistry,
    Counts,
    FolateState,
    Freshness,
    History,
    HospitalStay,
    Situation,
)
from service.interpreter.interpretation import (
    MARROW_BIOPSY,
    B12State,
    CellLine,
    CellLineFact,
    CellLineState,
    Facts,
    FindingIndicator,
    FunctionState,
    IronState,
    Overlay,
    Pattern,
    States,
)
from service.interpreter.rules import RULES
from service.interpreter.rules.criteria.bicytopenia import WORTH_A_CARD
from service.interpreter.rules.criteria.chemistry import HIGH_B12, UNSETTLED_IRON, LimitCriterion
from service.interpreter.rules.criteria.criterion import Case
from service.interpreter.rules.criteria.patient import CRITICAL_BLASTS
from service.interpreter.rules.rule import Step
from service.interpreter.thresholds import LIMITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from service.interpreter.rules.criteria.criterion import Criterion
    from service.interpreter.rules.rule import Rule

CITATION = re.compile(r"R([1-9]|1[0-9])|OWN")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
_WEEKS_AGO = date(2026, 5, 25)
_LONG_AGO = date(2025, 12, 17)
_WORD = re.compile(r"\S*[^\W_]\S*")


def identity_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every id once; what a row goes before stands in the table."""
    rules = tuple(rules)
    counts = Counter(rule.id for rule in rules)
    problems = [f"{rule} stands {count} times" for rule, count in counts.items() if count > 1]
    return problems + [
        f"{rule.id} goes before {other}, which is no row after it"
        for place, rule in enumerate(rules)
        for other in sorted(rule.before - {later.id for later in rules[place:]})
    ]


def citation_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every row rests on a source of clinical-definition 9, or says OWN."""
    problems = [f"{rule.id} cites nothing" for rule in rules if not rule.citation]
    return problems + [
        f"{rule.id} cites {citation}, which is no source"
        for rule in rules
        for citation in rule.citation
        if not CITATION.fullmatch(citation)
    ]


def order_problems(orders: Collection[str], rules: Iterable[Rule] = RULES) -> list[str]:
    """Every order that a row or a modifier names exists in `orders`."""
    named = {(rule.id, wish.order) for rule in rules for wish in rule.orders}
    others = {*GROUPS_OF_ORDER, *SEROLOGY_OF_ORDER, *KNOWN_DISEASE, "copper", "zinc"}
    named |= {("a modifier", order) for order in others}
    return sorted(
        f"{who} names {order}, which is no order" for who, order in named if order not in orders
    )


def text_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every card has summary and text, every placeholder is known, the fixed part is short."""
    problems = []
    for rule in rules:
        names = set(_PLACEHOLDER.findall(f"{rule.summary} {rule.meaning} {rule.avoid}"))
        problems += [f"{rule.id}: no placeholder {{{name}}}" for name in names - set(PLACEHOLDERS)]
        if rule.has_card and not (rule.summary and rule.detail and rule.meaning and rule.avoid):
            problems.append(f"{rule.id} has a card without text")
        problems += [
            f"{rule.id}: {part} has {words} words, more than {most}"
            for part, text, most in (("meaning", rule.meaning, 40), ("avoid", rule.avoid, 30))
            if (words := len(_WORD.findall(text))) > most
        ]
        if len(_PLACEHOLDER.sub("", rule.summary)) > MAX_SUMMARY:
            problems.append(f"{rule.id}: the summary is too long")
    return problems


def marrow_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """No row proposes a marrow and advises against it."""
    refusals = ("no marrow", "marrow is not", "push a marrow", "none is proposed")
    return [
        f"{rule.id} proposes a marrow and says: {text}"
        for rule in rules
        if any(wish.order == MARROW_BIOPSY for wish in rule.orders)
        for text in rule.cautions
        if any(refusal in text.lower() for refusal in refusals)
    ]


def overlap_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every patient with low lines has the cause row due; two only where order decides."""
    causes = [rule for rule in rules if rule.step in {Step.PANCYTOPENIA, Step.BICYTOPENIA}]
    problems: set[str] = set()
    limits = tuple(limit_criteria(causes))
    for name, case in checked_cases(limits):
        holding = [rule for rule in causes if all(each.test(case) is True for each in rule.when)]
        fired = frozenset(rule.id for rule in holding)
        due = _row_is_due(case, limits)
        states = case.situation.states
        which = f"{states.pattern} {states.b12} {states.iron} {states.function}, {name}"
        if not fired and due:
            problems.add(f"no row: {which}")
        if fired and not due:
            problems.add(f"{' and '.join(sorted(fired))} without being due: {which}")
        problems |= {
            f"{' and '.join(sorted((first.id, second.id)))} hold together"
            for first, second in combinations(holding, 2)
            if not first.before_all and second.id not in first.before
        }
    return sorted(problems)


def _row_is_due(case: Case, limits: Iterable[LimitCriterion]) -> bool:
    """Three low lines always have a row but beside critical blasts; two when something adds."""
    states = case.situation.states
    high = states.b12 in HIGH_B12
    if states.pattern is Pattern.PANCYTOPENIA:
        incomplete = states.b12 is B12State.MISSING or states.iron in UNSETTLED_IRON
        settled = (
            high
            or states.b12 is B12State.LOW
            or states.function is FunctionState.DEFICIENT
            or case.situation.chemistry.folate is FolateState.LOW
            or bool(case.situation.chemistry.b12_prior_deficiency)
            or any(each.test(case) is True for each in limits)
        )
        return settled or not incomplete or CRITICAL_BLASTS.test(case) is not True
    if states.b12 is B12State.LOW or (high and states.function is FunctionState.DEFICIENT):
        return True
    return WORTH_A_CARD.test(case) is True


def limit_criteria(rules: Iterable[Rule]) -> Iterator[LimitCriterion]:
    """Return each limit that a row asks about by itself, beside the states, once."""
    found: dict[str, LimitCriterion] = {}
    waiting: list[Criterion] = [each for rule in rules for each in rule.when]
    while waiting:
        each = waiting.pop()
        waiting.extend(each.parts)
        if isinstance(each, LimitCriterion):
            found[each.limit] = each
    yield from found.values()


_B12 = Medication(frozenset(), "B12", MedicationKind.REQUEST, active=True, first=None)
_CIRRHOSIS = Condition(frozenset(), "cirrhosis", active=True, may_suppress=False)


@dataclass(frozen=True, slots=True)
class _Patient:
    """What else than the states decides a cause row."""

    platelets: str = "60"
    chemistry: Chemistry = Chemistry()  # noqa: RUF009  frozen
    stay: HospitalStay = HospitalStay()  # noqa: RUF009  frozen
    history: History = History()  # noqa: RUF009  frozen
    selected: Mapping[Analyte, LabResult] = field(default_factory=dict)


_TREATED = Chemistry(b12_first_given=_WEEKS_AGO, b12_prior_deficiency=("B12",))
_PATIENTS: Mapping[str, _Patient] = {
    "mild": _Patient("140"),
    "platelets 60": _Patient(),
    "platelets 60 in hospital": _Patient(stay=HospitalStay(inpatient=True)),
    "platelets 40 in hospital": _Patient("40", stay=HospitalStay(inpatient=True)),
    "portal hypertension": _Patient(history=History(hypersplenism=(_CIRRHOSIS,))),
    "B12 medicine": _Patient(
        chemistry=Chemistry(b12_medication=(_B12,), b12_first_given=_LONG_AGO)
    ),
    "B12 treated": _Patient(chemistry=_TREATED),
    "B12 treated, MMA still raised": _Patient(
        chemistry=replace(_TREATED, mma_under_treatment=True)
    ),
    "critical blasts": _Patient(),
}


def checked_cases(limits: Iterable[LimitCriterion] = ()) -> Iterator[tuple[str, Case]]:
    """One case for each combination of low lines, B12, iron, function, folate and patient.

    Each of `limits` adds a patient whose result lies just below it.
    """
    patients = dict(_PATIENTS)
    for each in limits:
        value = getattr(LIMITS, each.limit) * Decimal("0.99")
        below = {each.analyte: _result(each.analyte, str(value))}
        patients[f"{each.analyte.words} low"] = _Patient(selected=below)
    folates = (FolateState.LOW, FolateState.NORMAL)
    grid = product(_LOW_LINES, B12State, IronState, FunctionState, folates, patients)
    blasts: dict[str, FindingIndicator] = {Overlay.CIRCULATING_BLASTS: FindingIndicator.CRITICAL}
    for low, b12, iron, function, folate, name in grid:
        patient = patients[name]
        pattern = Pattern.PANCYTOPENIA if len(low) == len(CellLine) else Pattern.BICYTOPENIA
        states = States(_lines(low, patient.platelets), pattern, b12, iron, function)
        situation = _situation(states, patient, folate)
        yield name, Case(situation, blasts if name == "critical blasts" else {})


_LOW_LINES = (
    tuple(CellLine),
    (CellLine.WHITE, CellLine.PLATELETS),
    (CellLine.HEMOGLOBIN, CellLine.PLATELETS),
)


def _lines(low: tuple[CellLine, ...], platelets: str) -> dict[CellLine, CellLineFact]:
    counts = {
        CellLine.HEMOGLOBIN: (Analyte.HEMOGLOBIN, "10.5", "13.5"),
        CellLine.WHITE: (Analyte.NEUTROPHILS, "1.2", "4.0"),
        CellLine.PLATELETS: (Analyte.PLATELETS, platelets, platelets),
    }
    return {
        line: CellLineFact(
            line,
            CellLineState.LOW if line in low else CellLineState.NORMAL,
            result=_result(analyte, if_low if line in low else if_normal),
        )
        for line, (analyte, if_low, if_normal) in counts.items()
    }


def _result(analyte: Analyte, value: str) -> LabResult:
    return LabResult(analyte, Decimal(value), _NOW, "", value, "")


def _situation(states: States, patient: _Patient, folate: FolateState) -> Situation:
    facts = Facts(Patient("checked", birth_date=date(1960, 1, 1)), Panel())
    return Situation(
        facts=facts,
        now=_NOW,
        states=states,
        age=66,
        freshness=Freshness.CURRENT,
        anchor=_NOW,
        anchor_age_days=0,
        counts=Counts(
            low_lines=sum(fact.state is CellLineState.LOW for fact in states.lines.values())
        ),
        chemistry=replace(patient.chemistry, folate=folate),
        stay=patient.stay,
        history=patient.history,
        selected=patient.selected,
    )


def table_problems(orders: Collection[str], rules: Sequence[Rule] = RULES) -> list[str]:
    """Return everything that is wrong with the table; `orders` are the ids that exist."""
    return [
        *identity_problems(rules),
        *citation_problems(rules),
        *order_problems(orders, rules),
        *text_problems(rules),
        *marrow_problems(rules),
        *overlap_problems(rules),
    ]
