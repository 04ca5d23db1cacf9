"""Named three-valued conditions over one assessed patient, and how they are joined.

A `Criterion` carries the phrase under which it appears in an explanation and in the printed table.
Truths follow Kleene: a conjunction with one False is False whatever is unknown in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from service.interpreter.interpretation import FindingIndicator, Overlay
from service.interpreter.logic import all_of, any_of, negate
from service.interpreter.stated_limits import stated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fhir_mappings.context import MedicationDraft
    from fhir_mappings.panel import DataGroup
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.logic import Truth


@dataclass(frozen=True, slots=True)
class Case:
    """What a condition may look at: the patient and what the table has found so far.

    `overlays` are the overlays that fired, with their indicators, the highest first.
    `draft` is the medicine that an order hook asks about, and `finding` the row that fired before.
    """

    situation: Situation
    overlays: Mapping[str, FindingIndicator] = field(default_factory=dict)
    draft: MedicationDraft | None = None
    finding: str = ""

    @property
    def critical_overlay(self) -> bool:
        """Whether an overlay at indicator critical fired."""
        return FindingIndicator.CRITICAL in self.overlays.values()

    @property
    def severe(self) -> bool:
        """Whether severe-cytopenias fired."""
        return Overlay.SEVERE_CYTOPENIAS in self.overlays


def _nothing(_case: Case) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question to the patient.

    `text` reads as a phrase, its limits filled in when it is said (`stated_limits`); `test`
    answers it, `seen` says what was found instead. `decided_by_groups` are the data groups that
    could answer it when it is unknown, `decided_by` the same in words. `parts` are the questions
    it is joined from, and `all_parts` tells whether all must hold or any.
    """

    text: str
    test: Callable[[Case], Truth]
    seen: Callable[[Case], str] = _nothing
    decided_by_groups: frozenset[DataGroup] = frozenset()
    decided_by: tuple[str, ...] = ()
    parts: tuple[Criterion, ...] = ()
    all_parts: bool = False

    def settling(self, case: Case, groups: frozenset[DataGroup]) -> frozenset[DataGroup]:
        """Return which of `groups` could decide the condition, empty when they cannot."""
        if not self.parts:
            return self.decided_by_groups & groups
        each = [part.settling(case, groups) for part in self.parts if part.test(case) is None]
        if self.all_parts and not all(each):
            return frozenset()
        return frozenset().union(*each)

    def phrase(self, case: Case) -> str:
        """Return the phrase with what was found, such as `platelets below 150: 212`."""
        return self.phrase_with(self.seen(case), case)

    def phrase_with(self, seen: str, case: Case) -> str:
        """Return the phrase with what was found, given as text."""
        text = stated(self.text, case.situation.limits, case.situation.windows)
        return f"{text}: {seen}" if seen else text


def any_criterion(*conditions: Criterion, text: str = "") -> Criterion:
    """Return the condition that at least one of `conditions` holds."""
    return Criterion(
        text or " or ".join(condition.text for condition in conditions),
        lambda case: any_of(*(condition.test(case) for condition in conditions)),
        lambda case: "; ".join(
            dict.fromkeys(seen for each in conditions if (seen := each.seen(case)))
        ),
        frozenset().union(*(condition.decided_by_groups for condition in conditions)),
        tuple(dict.fromkeys(word for each in conditions for word in each.decided_by)),
        conditions,
    )


def all_criteria(*conditions: Criterion, text: str) -> Criterion:
    """Return the condition that all of `conditions` hold."""
    return replace(
        any_criterion(*conditions, text=text),
        test=lambda case: judge(conditions, case),
        all_parts=True,
    )


def no_criterion(condition: Criterion, text: str = "") -> Criterion:
    """Return the opposite of a condition."""
    return Criterion(
        text or f"not: {condition.text}",
        lambda case: negate(condition.test(case)),
        condition.seen,
        condition.decided_by_groups,
        condition.decided_by,
    )


def judge(conditions: tuple[Criterion, ...], case: Case) -> Truth:
    """Return whether all conditions hold."""
    return all_of(*(condition.test(case) for condition in conditions))


def answers(conditions: tuple[Criterion, ...], case: Case) -> list[Truth]:
    """Return the answers of the conditions in their order, up to the first that is False.

    One False decides a conjunction, and most rows of a table have it among their first.
    """
    truths: list[Truth] = []
    for condition in conditions:
        truths.append(condition.test(case))
        if truths[-1] is False:
            break
    return truths


def decisive(conditions: tuple[Criterion, ...], truths: Sequence[Truth]) -> Criterion | None:
    """Return the first condition that is False, else the first that is unknown, else None.

    `truths` are what `answers` gave.
    """
    for wanted in (False, None):
        for condition, truth in zip(conditions, truths, strict=False):
            if truth is wanted:
                return condition
    return None


def undecided_conditions(conditions: tuple[Criterion, ...], case: Case) -> tuple[Criterion, ...]:
    """Return the unknown conditions when they alone keep the conjunction from being decided."""
    if judge(conditions, case) is not None:
        return ()
    return tuple(condition for condition in conditions if condition.test(case) is None)
