"""The detail of a Card: its parts, and what is left out of a long one (clinical-definition 3.4).

At most 120 words for a usual chart, never more than 160; whoever wants more finds it in the
explanation. All text passes through `service.cards.escaping`; nothing from a record reaches the
client unescaped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.cards.escaping import join, prose
from service.cards.value_line import before_line, value_line
from service.cards.words import cut_words, words
from service.interpreter.interpretation import RemarkRank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_mappings.panel import LabResult
    from service.interpreter.interpretation import CellLine, Remark, ShownValue

DISCLAIMER = "Decision support, not a diagnosis."
USUAL_WORDS = 120
MOST_WORDS = 160

_MOST_REMARKS = 3
_REMARK_WORDS = 40
_ALSO_WORDS = 20
_NEVER_LEFT_OUT = frozenset({RemarkRank.GOALS_OF_CARE, RemarkRank.DRUG})


@dataclass(frozen=True, slots=True)
class Detail:
    """The parts of one detail, in the order in which they stand.

    `also` are the summaries of what else was found, the most urgent first; without
    `also_may_explain` each up to its colon. `not_checked` and `not_used` are whole lines. The
    switches say what was left out.
    """

    values: tuple[ShownValue, ...] = ()
    before: Mapping[CellLine, LabResult] | None = None
    meaning: str = ""
    also: tuple[str, ...] = ()
    avoid: str = ""
    remarks: tuple[Remark, ...] = ()
    not_checked: str = ""
    not_used: str = ""
    days_of_before: bool = True
    whole_also: bool = True
    also_may_explain: bool = True
    most_remarks: int = _MOST_REMARKS

    def text(self) -> str:
        """Return the Markdown, shortened as far as its length asks for."""
        detail = self
        text = detail._rendered()
        for give_way in _USUAL:
            if words(text) <= USUAL_WORDS:
                return text
            detail = give_way(detail)
            text = detail._rendered()
        for give_way in _LAST:
            if words(text) <= MOST_WORDS:
                return text
            detail = give_way(detail)
            text = detail._rendered()
        return text

    def _rendered(self) -> str:
        return join(
            [
                value_line(self.values),
                before_line(self.before or {}, with_days=self.days_of_before),
                prose(self.meaning),
                prose(self._also_line()),
                prose(f"Avoid: {self.avoid}") if self.avoid else "",
                prose(" ".join(remark.text for remark in self._shown_remarks())),
                prose(self.not_checked),
                prose(self.not_used),
                DISCLAIMER,
            ]
        )

    def _also_line(self) -> str:
        if not self.also:
            return ""
        heads = [summary.split(":", 1)[0].rstrip(". ") for summary in self.also]
        whole = f"Also: {self.also[0]}"
        alone = len(self.also) == 1 and self.whole_also and self.also_may_explain
        if alone and words(whole) <= _ALSO_WORDS:
            return whole
        return cut_words(f"Also: {'; '.join(heads)}.", _ALSO_WORDS)

    def _shown_remarks(self) -> tuple[Remark, ...]:
        """At most three and 40 words by rank; goals of care and drugs are never left out."""
        needed = [each for each in self.remarks if each.rank in _NEVER_LEFT_OUT]
        kept = set(needed)
        room = _REMARK_WORDS - sum(words(each.text) for each in needed)
        for each in self.remarks:
            if each in kept or len(kept) >= max(self.most_remarks, len(needed)):
                continue
            if words(each.text) <= room:
                kept.add(each)
                room -= words(each.text)
        return tuple(each for each in self.remarks if each in kept)


def _without_days_of_before(detail: Detail) -> Detail:
    return replace(detail, days_of_before=False)


def _without_tail_of_also(detail: Detail) -> Detail:
    return replace(detail, whole_also=False)


def _without_third_remark(detail: Detail) -> Detail:
    return replace(detail, most_remarks=_MOST_REMARKS - 1)


def _only_values_that_decide(detail: Detail) -> Detail:
    return replace(detail, values=tuple(each for each in detail.values if each.decides))


def _only_needed_remarks(detail: Detail) -> Detail:
    return replace(detail, most_remarks=0)


def _without_before(detail: Detail) -> Detail:
    return replace(detail, before=None)


def _fewer_values(most: int) -> Callable[[Detail], Detail]:
    return lambda detail: replace(detail, values=detail.values[:most])


_USUAL: tuple[Callable[[Detail], Detail], ...] = (
    _without_days_of_before,
    _without_tail_of_also,
    _without_third_remark,
    _only_values_that_decide,
)
"""What is left out above 120 words, in this order. The explanation still holds it."""

_LAST: tuple[Callable[[Detail], Detail], ...] = (
    _without_before,
    _fewer_values(7),
    _fewer_values(5),
    _only_needed_remarks,
    _fewer_values(3),
)
"""What is left out above 160 words, for charts with very long names and many doubts."""
