"""What a card stands for: its findings, how urgent it is, and what would make it news."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.cds_hooks.messages import Indicator
from service.feedback.card_states import states_of_findings
from service.feedback.news import DATA_QUALITY, CardStates, news
from service.feedback.showings import Call, Periods, Showing, reason_to_hold
from service.interpreter.interpretation import (
    B12State,
    FindingIndicator,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.interpreter.interpretation import FiredFinding, Interpretation

EPISODE_GAP = timedelta(days=30)
"""A finding that has not stood for so long is another episode when it comes again."""

_RANK = {FindingIndicator.INFO: 0, FindingIndicator.WARNING: 1, FindingIndicator.CRITICAL: 2}
_VIEWER = "one and the same viewer"


@dataclass(frozen=True, slots=True)
class Standing:
    """The one card of a moment. `states` are those by which quiet repeats know it."""

    states: CardStates
    indicator: FindingIndicator
    orders: tuple[str, ...]
    b12_high: bool

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings of the card, the leading one first."""
        return self.states.findings

    def news_after(self, before: Sequence[tuple[datetime, Standing]], at: datetime) -> str:
        """Return whether the card is new, changed or repeated after those before it.

        New: no card with the same leading finding in 30 days. Changed: something is worse than on
        all of them (clinical-definition 3.7).
        """
        lately = [card for shown, card in before if at - shown <= EPISODE_GAP]
        if not any(card.findings[0] == self.findings[0] for card in lately):
            return "new"
        return "changed" if news(self.states, [card.states for card in lately]) else "repeated"

    def rests(
        self, viewer: Sequence[tuple[datetime, Standing]], at: datetime, period: timedelta
    ) -> bool:
        """Whether quiet repeats hold the card back from a viewer who answered those before it."""
        showings = [
            Showing(card.states, Indicator(card.indicator), _VIEWER, shown, answered=shown)
            for shown, card in viewer
            if at - shown <= 2 * period
        ]
        call = Call(_VIEWER, at, Periods(repeat=period), {_VIEWER: showings})
        return reason_to_hold(self.states, Indicator(self.indicator), call) is not None


def findings_of(interpretation: Interpretation) -> tuple[FiredFinding, ...]:
    """Return the findings of the one card, the leading one first."""
    several = (
        interpretation.overlay,
        *interpretation.lower_overlays,
        interpretation.finding,
        interpretation.data_quality,
    )
    return tuple(each for each in several if each is not None and each.has_card)


def standing_of(interpretation: Interpretation) -> Standing | None:
    """Return what the card of an interpretation stands for; None when there is no card."""
    findings = findings_of(interpretation)
    if not findings:
        return None
    loud = [each for each in findings if each.id != DATA_QUALITY] or findings
    return Standing(
        states=states_of_findings(
            tuple(dict.fromkeys(each.id for each in findings)), interpretation
        ),
        indicator=max((each.indicator for each in loud), key=lambda each: _RANK[each]),
        orders=tuple(dict.fromkeys(order.order for order in interpretation.orders)),
        b12_high=interpretation.states.b12 in {B12State.ELEVATED, B12State.MARKED},
    )
