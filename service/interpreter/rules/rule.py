"""The shape of one row of the decision table (clinical-definition 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from service.interpreter.interpretation import CellLine, FindingIndicator, Priority

if TYPE_CHECKING:
    from fhir_mappings.panel import Analyte, SmearSet
    from service.interpreter.rules.criteria.criterion import Case, Criterion

Paragraph = str | Callable[["Case"], str]
"""Fixed text, or text that depends on the patient; empty text is left out."""


class Step(IntEnum):
    """Where a row stands in the order of evaluation (clinical-definition 3.1)."""

    HOSPICE = 1
    CHILD = 2
    OVERLAY = 3
    KNOWN_DISORDER = 4
    CHEMOTHERAPY = 5
    STALE = 6
    SEVERE = 7
    PREGNANCY = 8
    PANCYTOPENIA = 9
    BICYTOPENIA = 10
    THIRD_LINE_UNKNOWN = 11
    DATA_AND_ORDERS = 13


@dataclass(frozen=True, slots=True)
class PriorityRule:
    """How urgent a row makes an order: in words, and for one patient."""

    text: str
    of: Callable[[Case], Priority]


def always(priority: Priority) -> PriorityRule:
    """Return the rule of one fixed priority."""
    return PriorityRule(priority.value, lambda _case: priority)


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """One order that a row asks for.

    `when` limits it to some patients. `priority` is fixed by the row; None leaves it to 4.2.
    `despite_result`: asked for although a usable result exists. `because` is the reason shown.
    """

    order: str
    when: Criterion | None = None
    priority: PriorityRule | None = None
    despite_result: bool = False
    note: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class IndicatorRule:
    """How urgent a row is: `base`, made critical by what the flags name.

    `text` is the rule in words; `special` replaces the flags where they cannot say it.
    """

    text: str
    base: FindingIndicator
    critical_overlay: bool = False
    any_overlay: bool = False
    severe: bool = False
    special: Callable[[Case], FindingIndicator] | None = None

    def of(self, case: Case) -> FindingIndicator:
        """Return the indicator for this patient, before modifiers."""
        if self.special is not None:
            return self.special(case)
        critical = (
            (self.critical_overlay and case.critical_overlay)
            or (self.any_overlay and bool(case.overlays))
            or (self.severe and case.severe)
        )
        return FindingIndicator.CRITICAL if critical else self.base


@dataclass(frozen=True, slots=True)
class Rule:
    """One finding: when it fires, how urgent, what it says, what it proposes, on whose word.

    `title` is what physicians call it. `when` is a conjunction. `meaning` and `avoid` are lines of
    the card, with placeholders as in `summary`; `detail` and `cautions` are for the evidence and
    for the page about the rule.
    `constitutional`: M3 makes it critical. `replaces_overlay_orders`: its order list stands alone
    (3.1, steps 2, 4 and 5). `adds_orders`: modifiers may add orders. `citation` holds the ids of
    clinical-definition 9, `OWN` for this project's judgment. `shows` are the results beside the
    cell lines that the card shows (`shows_on_film`: film findings), `waits_for` those of them that
    it misses when they are not there, `lines` the cell lines that decide. `..._under_b12` stand in
    place of summary and meaning while a B12 medicine makes a normal MMA say nothing. `before` are
    rows of the step that can hold too and are tried later (`before_all`: any of them): the order in
    the table decides.
    """

    id: str
    title: str
    step: Step
    when: tuple[Criterion, ...]
    indicator: IndicatorRule
    certainty: str
    summary: str
    meaning: str
    avoid: str
    detail: tuple[Paragraph, ...]
    cautions: tuple[str, ...]
    orders: tuple[WantedOrder, ...]
    citation: tuple[str, ...]
    seed_steps: tuple[str, ...] = ()
    shows: tuple[Analyte, ...] = ()
    shows_on_film: tuple[SmearSet, ...] = ()
    waits_for: frozenset[Analyte] = frozenset()
    lines: tuple[CellLine, ...] = tuple(CellLine)
    summary_under_b12: str = ""
    meaning_under_b12: str = ""
    has_card: bool = True
    constitutional: bool = False
    replaces_overlay_orders: bool = False
    adds_orders: bool = True
    before: frozenset[str] = frozenset()
    before_all: bool = False
