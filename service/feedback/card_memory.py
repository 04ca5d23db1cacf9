"""What this service remembers of the cards it issued, as each CDS Client is configured.

The memory never blocks a card: when the store is unavailable, everything is shown, and the log says
so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.errors import StorageUnavailable
from service.feedback.held_back import Held, ShownAndHeld, Why
from service.feedback.issued_cards import remember
from service.feedback.repeats import HELD, SHADOW, SHOWN, Viewer, hold_back
from service.feedback.showings import Periods
from service.interpreter.rules import RULE_TABLE_VERSION
from service.observability.logging import Event, log

if TYPE_CHECKING:
    from datetime import datetime

    from service.cds_hooks.messages import Card, CdsRequest
    from service.interpreter.interpretation import Interpretation
    from service.security.trusted_clients import CdsClient
    from service.storage.store import Storage


@dataclass(frozen=True, slots=True)
class CardMemory:
    """The memory for one client's calls of one service. Without `storage` everything is shown."""

    storage: Storage | None
    client: CdsClient
    service: str
    periods: Periods = field(default_factory=Periods)

    def hold_back(
        self,
        cards: tuple[Card, ...],
        interpretation: Interpretation,
        call: CdsRequest,
        now: datetime,
    ) -> ShownAndHeld:
        """Split the cards of a call into shown and held back (clinical-definition 3.7).

        In shadow mode nothing is shown; what would have been shown is told from what would not.
        """
        outcome = self._quiet(cards, interpretation, call, now)
        if not self.client.shadow:
            return outcome
        hidden = (Held(card, Why.SHADOW, "shadow mode: not shown") for card in outcome.shown)
        return ShownAndHeld((), (*hidden, *outcome.held))

    def _quiet(
        self,
        cards: tuple[Card, ...],
        interpretation: Interpretation,
        call: CdsRequest,
        now: datetime,
    ) -> ShownAndHeld:
        if self.storage is None or not self.client.quiet_repeats or not cards:
            return ShownAndHeld(cards)
        try:
            return hold_back(
                cards,
                interpretation,
                self.storage,
                self._viewer(self.storage, call),
                now,
                self.periods,
                counted=SHADOW if self.client.shadow else SHOWN,
            )
        except StorageUnavailable as error:
            log.error(Event.STORE_UNAVAILABLE, code=error.code)
            return ShownAndHeld(cards)

    def remember(
        self, outcome: ShownAndHeld, interpretation: Interpretation, call: CdsRequest, now: datetime
    ) -> None:
        """Write down what was issued, so that feedback finds it; a failure is only logged."""
        if self.storage is None or not (outcome.shown or outcome.held):
            return
        dispositions = [
            *((card, SHOWN) for card in outcome.shown),
            *((held.card, SHADOW if held.why is Why.SHADOW else HELD) for held in outcome.held),
        ]
        viewer = self._viewer(self.storage, call)
        try:
            remember(self.storage, viewer, dispositions, interpretation, RULE_TABLE_VERSION, now)
        except StorageUnavailable as error:
            log.error(Event.STORE_UNAVAILABLE, code=error.code)

    def _viewer(self, storage: Storage, call: CdsRequest) -> Viewer:
        name = self.client.name
        return Viewer(
            name,
            self.service,
            storage.hashed("user", name, call.user_id),
            storage.hashed("patient", name, call.patient_id),
        )
