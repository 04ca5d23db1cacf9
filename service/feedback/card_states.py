"""The states of a card: made from what was found, written to the store, read back.

States, not raw values: the next day's CBC with the same meaning is the same card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from service.cards.explanation import EXTENSION_KEY
from service.feedback.news import DATA_QUALITY, CardStates, Proposal
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    MARROW_BIOPSY,
    CellLine,
    Grade,
    Priority,
)
from service.interpreter.rules.order_hooks import ORDER_HOOKS

if TYPE_CHECKING:
    from service.cds_hooks.messages import Card
    from service.interpreter.interpretation import Interpretation

ORDER_FINDINGS = frozenset(rule.id for rule in ORDER_HOOKS)
"""Findings about drafted orders: their cards say nothing about the patient's course."""

STATE_COLUMNS = (
    "findings",
    "neutrophils",
    "platelets",
    "drugs",
    "referral",
    "marrow",
    "data_quality",
)
"""The columns of the states of a card."""

_WARNING = "warning"
_LIST = msgspec.json.Decoder(list[str])
_Value = TypeVar("_Value", Grade, Priority)


def topic_of(card: Card) -> str:
    """Return the leading finding of a card."""
    topic = card.source.topic
    return "" if topic is msgspec.UNSET else topic.code


def findings_of(card: Card) -> tuple[str, ...]:
    """Return every finding that a card names, the leading one first."""
    extension = {} if card.extension is msgspec.UNSET else card.extension
    return tuple(extension.get(EXTENSION_KEY, {}).get("findings") or (topic_of(card),))


def states_of(card: Card, interpretation: Interpretation) -> CardStates:
    """Return the states of one card of a call."""
    return states_of_findings(findings_of(card), interpretation)


def states_of_findings(findings: tuple[str, ...], interpretation: Interpretation) -> CardStates:
    """Return the states of a card with these findings, the leading one first.

    A card about drafted orders, or about data quality alone, says nothing about grades, drugs,
    referral and marrow: these will still be news.
    """
    quality = interpretation.data_quality
    warns = DATA_QUALITY in findings and quality is not None and quality.indicator == _WARNING
    if findings[0] in ORDER_FINDINGS or findings == (DATA_QUALITY,):
        return CardStates(findings, data_quality_warning=warns)
    proposed = {each.order: each.priority for each in interpretation.orders}
    return CardStates(
        findings,
        neutrophils=_grade(interpretation, CellLine.WHITE),
        platelets=_grade(interpretation, CellLine.PLATELETS),
        drugs=frozenset(interpretation.named_drugs),
        referral=proposed.get(HEMATOLOGY_REFERRAL),
        marrow=proposed.get(MARROW_BIOPSY),
        data_quality_warning=warns,
    )


def _grade(interpretation: Interpretation, line: CellLine) -> Grade | None:
    fact = interpretation.states.lines.get(line)
    return None if fact is None or fact.grade is Grade.UNKNOWN else fact.grade


def to_columns(states: CardStates) -> dict[str, str | None]:
    """Return the states as the columns of an issued card."""
    quality = _WARNING if states.data_quality_warning else "info"
    return {
        "findings": msgspec.json.encode(states.findings).decode(),
        "neutrophils": _text(states.neutrophils),
        "platelets": _text(states.platelets),
        "drugs": msgspec.json.encode(sorted(states.drugs)).decode(),
        "referral": _text(states.referral),
        "marrow": _text(states.marrow),
        "data_quality": quality if DATA_QUALITY in states.findings else None,
    }


def from_row(row: Any) -> CardStates:  # noqa: ANN401  a row of any query with STATE_COLUMNS
    """Return the states of an issued card."""
    return CardStates(
        tuple(_LIST.decode(row.findings)),
        _member(Grade, row.neutrophils),
        _member(Grade, row.platelets),
        frozenset(_LIST.decode(row.drugs)),
        _proposed(row.referral),
        _proposed(row.marrow),
        row.data_quality == _WARNING,
    )


def _text(value: str | None) -> str | None:
    return None if value is None else str(value)


def _member(kind: type[_Value], text: str | None) -> _Value | None:
    """Return the member, None where nothing, or nothing known, is stored."""
    return kind(text) if text in list(kind) else None


def _proposed(text: str | None) -> Priority | Proposal | None:
    if text is None:
        return None
    return _member(Priority, text) or Proposal.UNKNOWN
