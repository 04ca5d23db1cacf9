"""Proposed orders as Suggestions that create draft ServiceRequests (CDS Hooks 2.0, Suggestion).

Nothing is ever accepted by itself: a Suggestion waits for a clinician.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from fhir_mappings.panel import Analyte
from fhir_mappings.vocabulary.orders import NO_ORDERABLES, about_drafts, draft_about
from service.cards import escaping as markdown
from service.cards.names import order_name
from service.cds_hooks.messages import Action, Suggestion
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY, Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fhir_mappings.terminology import LocalCoding
    from service.cds_hooks.messages import CdsRequest
    from service.interpreter.interpretation import Interpretation, ProposedOrder

B12 = "vitamin-b12"

RECOMMENDED = frozenset(
    {
        HEMATOLOGY_REFERRAL,
        "peripheral-smear",
        "reticulocytes",
        "methylmalonic-acid",
        "homocysteine",
        "vitamin-b12",
    }
)
"""The orders that may be marked `isRecommended` (clinical-knowledge 3.4)."""

MARROW_LABEL = (
    "Bone marrow aspirate and biopsy with cytogenetics and flow cytometry, "
    "performed and interpreted by hematology"
)

FIRST_B12_LABEL = "Serum vitamin B12"
"""The order's own name asks for a repeat, which is wrong where B12 was never measured."""

_OBSERVATION = re.compile(r"Observation/[A-Za-z0-9\-.]{1,64}")
_REASONS = {
    Pattern.PANCYTOPENIA: "pancytopenia",
    Pattern.BICYTOPENIA: "bicytopenia",
    Pattern.BICYTOPENIA_THIRD_UNKNOWN: "two low cell lines, third line not known",
}


@dataclass(frozen=True)
class SuggestionMaker:
    """Turns the proposed orders of one call into Suggestions.

    `intent` is ServiceRequest.intent (proposal, or a site's choice of order); `new_id` makes the
    uuid of each Suggestion; `orderables` are the site's own order codes, by order id.
    """

    interpretation: Interpretation
    call: CdsRequest
    intent: str
    new_id: Callable[[], object]
    orderables: Mapping[str, LocalCoding] = field(default_factory=lambda: NO_ORDERABLES)

    def all_of(self, orders: Iterable[ProposedOrder]) -> tuple[Suggestion, ...]:
        """Return one Suggestion for each order, in the order given."""
        return tuple(self.one(order) for order in orders)

    def one(self, order: ProposedOrder) -> Suggestion:
        """Return the Suggestion that creates one draft ServiceRequest."""
        label = self.label(order)
        action = Action(
            type="create",
            description=f"Create a draft order, priority {order.priority}: {label}",
            resource=self.draft(order),
        )
        return Suggestion(
            label=label,
            uuid=str(self.new_id()),
            isRecommended=True if order.order in RECOMMENDED else UNSET,
            actions=(action,),
        )

    def label(self, order: ProposedOrder) -> str:
        """Name the order as a clinician would choose it."""
        if order.order == MARROW_BIOPSY:
            return MARROW_LABEL
        if order.order == B12 and not self._b12_was_measured():
            return FIRST_B12_LABEL
        return order_name(order.order)

    def _b12_was_measured(self) -> bool:
        used = self.interpretation.states.used
        return any(result.analyte is Analyte.VITAMIN_B12 for result in used)

    def draft(self, order: ProposedOrder) -> dict[str, object]:
        """Return the R4 ServiceRequest, valid and without an id."""
        resource = draft_about(
            order.order,
            self._about,
            priority=str(order.priority),
            intent=self.intent,
            note=markdown.plain(order.note),
            site_coding=self.orderables.get(order.order),
        )
        if order.order == B12:
            resource["code"]["text"] = self.label(order)
        return resource

    @cached_property
    def _about(self) -> dict[str, Any]:
        call = self.call
        return about_drafts(call.patient_id, call.encounter_id, self.reason(), self.supporting())

    def reason(self) -> str:
        """Say why, by the pattern of the lines (clinical-knowledge 4.1)."""
        pattern = self.interpretation.states.pattern
        if pattern in _REASONS:
            return _REASONS[pattern]
        lead = self.interpretation.overlay or self.interpretation.finding
        return lead.id.replace("-", " ") if lead else ""

    def supporting(self) -> tuple[str, ...]:
        """Return references to the Observations used, each once, computed values by their parts."""
        references: dict[str, None] = {}
        for result in self.interpretation.states.used:
            for source in (result.source, *result.derived_from):
                if _OBSERVATION.fullmatch(source):
                    references[source] = None
        return tuple(references)
