"""What is news about a patient (clinical-definition 3.7, B1): states in, no Card, no store.

A card is shown again for something worse, not for something changed: an improvement, the grade of
hemoglobin, and the modifiers M2, M8, M12, M14 and M15 are not news, and neither is an accepted
proposal. What is not among the states of a card cannot become news.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from service.interpreter.interpretation import Grade, Priority

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA_QUALITY: Final = "data-quality"

_GRADES = {Grade.NORMAL: 0, Grade.MILD: 1, Grade.MODERATE: 2, Grade.SEVERE: 3}
_PRIORITIES = {Priority.ROUTINE: 0, Priority.URGENT: 1, Priority.ASAP: 2, Priority.STAT: 3}


class News(StrEnum):
    """What is worse than anything shown before."""

    FINDING = "finding"
    NEUTROPHILS = "neutrophils"
    PLATELETS = "platelets"
    DRUG = "drug"
    REFERRAL = "referral"
    MARROW = "marrow"


class Proposal(StrEnum):
    """Whether an order was proposed before a store kept its priority."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CardStates:
    """What identifies a card (clinical-definition 3.7).

    `findings`: the leading one first. `neutrophils`, `platelets`: their grades, None where none is
    known. `drugs`: those to review (M9). `referral`, `marrow`: the priority with which they are
    proposed, None where they are not, `Proposal.UNKNOWN` where only the proposal is known.
    `data_quality_warning`: data-quality is among the findings, and it warns.
    """

    findings: tuple[str, ...]
    neutrophils: Grade | None = None
    platelets: Grade | None = None
    drugs: frozenset[str] = frozenset()
    referral: Priority | Proposal | None = None
    marrow: Priority | Proposal | None = None
    data_quality_warning: bool = False


def news(card: CardStates, shown: Sequence[CardStates]) -> tuple[News, ...]:
    """Return what is worse on this card than on all cards that were shown.

    An unknown grade, of this card or of all before it, is not a worse grade.
    """
    return tuple(
        kind
        for kind, is_news in (
            (News.FINDING, bool(_findings(card) - {f for each in shown for f in _findings(each)})),
            (
                News.NEUTROPHILS,
                _is_worse(card.neutrophils, [each.neutrophils for each in shown]),
            ),
            (News.PLATELETS, _is_worse(card.platelets, [each.platelets for each in shown])),
            (News.DRUG, bool(card.drugs - {drug for each in shown for drug in each.drugs})),
            (News.REFERRAL, _is_more(card.referral, [each.referral for each in shown])),
            (News.MARROW, _is_more(card.marrow, [each.marrow for each in shown])),
        )
        if is_news
    )


def _findings(card: CardStates) -> set[str]:
    """Return the findings that can be news; data-quality only as a warning."""
    found = set(card.findings)
    return found if card.data_quality_warning else found - {DATA_QUALITY}


def _is_worse(grade: Grade | None, shown: Sequence[Grade | None]) -> bool:
    ranks = [_GRADES[each] for each in shown if each in _GRADES]
    return grade in _GRADES and bool(ranks) and _GRADES[grade] > max(ranks)


def _is_more(
    priority: Priority | Proposal | None, shown: Sequence[Priority | Proposal | None]
) -> bool:
    """Whether an order is proposed that was not, or with a higher priority.

    If a former priority is unknown, none is higher.
    """
    before = [each for each in shown if each is not None]
    if priority is None or Proposal.UNKNOWN in before:
        return False
    ranks = [_PRIORITIES[each] for each in before if isinstance(each, Priority)]
    return not ranks or (isinstance(priority, Priority) and _PRIORITIES[priority] > max(ranks))
