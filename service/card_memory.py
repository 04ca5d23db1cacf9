"""What this service remembers of the cards it issued, by each CDS Client's switches.

The memory never stands in the way of a card: when the store is away, everything is shown, and
the log says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.errors import StorageUnavailable
from service.evidence import evidence_states, fingerprint
from service.held_back import Held, Outcome
from service.interpreter.rules import RULE_TABLE_VERSION
from service.observability import Event, log
from service.repeats import HELD, SHADOW, SHOWN, Viewer, hold_back, remember

if TYPE_CHECKING:
    from datetime import datetime

    from service.cds_hooks import Card, CdsRequest
    from service.clients import CdsClient
    from service.interpreter.interpretation import Interpretation
    from service.storage import Storage


@dataclass(frozen=True, slots=True)
class CardMemory:
    """The memory for one client's calls of one service. Without `storage` everything is shown."""

    storage: Storage | None
    client: CdsClient
    service: str
    period: timedelta = timedelta(days=30)

    def hold_back(
        self,
        cards: tuple[Card, ...],
        interpretation: Interpretation,
        call: CdsRequest,
        now: datetime,
    ) -> Outcome:
        """Split the cards of a call into shown and held back (architecture 2.8)."""
        if self.client.shadow:
            return Outcome((), tuple(Held(card, "shadow mode: not shown") for card in cards))
        if self.storage is None or not self.client.quiet_repeats or not cards:
            return Outcome(cards)
        evidence = fingerprint(evidence_states(interpretation))
        viewer = self._viewer(self.storage, call)
        try:
            return hold_back(cards, evidence, self.storage, viewer, now, self.period)
        except StorageUnavailable as error:
            log.error(Event.STORE_UNAVAILABLE, code=error.code)
            return Outcome(cards)

    def remember(
        self, outcome: Outcome, interpretation: Interpretation, call: CdsRequest, now: datetime
    ) -> None:
        """Write down what was issued, so that feedback finds it; a failure is only logged."""
        if self.storage is None:
            return
        not_shown = SHADOW if self.client.shadow else HELD
        dispositions = [
            *((card, SHOWN) for card in outcome.shown),
            *((held.card, not_shown) for held in outcome.held),
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
