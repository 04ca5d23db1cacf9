"""Questions about the cell lines (clinical-definition 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import DataGroup
from service.interpreter.formatting import counted, line_state, shown
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
    Pattern,
)
from service.interpreter.rules.criteria.criterion import Case, Criterion, any_criterion

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.interpretation import CellLineFact
    from service.interpreter.logic import Truth


COUNT_GROUPS = frozenset({DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL})


def lines_seen(case: Case) -> str:
    facts = case.situation.states.lines
    return ", ".join(line_seen(facts[line]) for line in CellLine if line in facts)


def line_seen(fact: CellLineFact) -> str:
    value = f" ({shown(fact.result)})" if fact.result else ""
    return f"{counted(fact)} {line_state(fact)}{value}"


def _states(case: Case, state: CellLineState) -> int:
    return sum(fact.state is state for fact in case.situation.states.lines.values())


def _pattern(wanted: Pattern, possible: Callable[[Case], bool]) -> Callable[[Case], Truth]:
    def test(case: Case) -> Truth:
        if case.situation.states.pattern is wanted:
            return True
        return None if possible(case) else False

    return test


def _pancytopenia_possible(case: Case) -> bool:
    unknown, low = _states(case, CellLineState.UNKNOWN), _states(case, CellLineState.LOW)
    masked = min(1, _states(case, CellLineState.MASKED))
    return unknown > 0 and low + masked + unknown == len(CellLine)


def _bicytopenia_possible(case: Case) -> bool:
    unknown, low = _states(case, CellLineState.UNKNOWN), _states(case, CellLineState.LOW)
    return unknown > 0 and low <= 2 <= low + unknown


def _line_condition(text: str, test: Callable[[Case], Truth]) -> Criterion:
    return Criterion(text, test, lines_seen, COUNT_GROUPS, ("the missing blood counts",))


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
PANCYTOPENIA_OR_BICYTOPENIA = any_criterion(
    PANCYTOPENIA, BICYTOPENIA, text="at least two low lines, the third known"
)
TWO_LOW_LINES = _line_condition(
    "at least two low lines",
    lambda case: case.situation.counts.low_lines >= 2,
)
