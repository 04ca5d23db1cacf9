"""Proposed orders as Suggestions that create draft ServiceRequests (CDS Hooks 2.0, Suggestion).

Each Suggestion is one decision: to accept it is to accept all its actions. Nothing is ever accepted
by itself: a Suggestion waits for a clinician.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from fhir_mappings.panel import Analyte
from fhir_mappings.vocabulary.orders import NO_ORDERABLES, about_drafts, draft_about
from service.cards import escaping
from service.cards.order_groups import (
    RECOMMENDED,
    SHORT_NAMES,
    OrderGroup,
    group_of,
    joined_names,
    naming_order,
)
from service.cards.plain_words import order_name
from service.cds_hooks.messages import Action, Suggestion
from service.interpreter.interpretation import Pattern, Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fhir_mappings.context import MedicationDraft
    from fhir_mappings.terminology import LocalCoding
    from service.cds_hooks.messages import CdsRequest
    from service.interpreter.interpretation import Interpretation, ProposedOrder

B12 = "vitamin-b12"
MAX_LABEL = 100
"""Longest label of a Suggestion, in characters: more does not fit a button."""

MARROW_LABEL = (
    "Marrow aspirate and biopsy with cytogenetics and flow cytometry, for hematology to decide"
)
FIRST_B12_NAME = "Serum vitamin B12"
"""The order's own name asks for a repeat, which is wrong where B12 was never measured."""

_MOST_NAME = 50
_OBSERVATION = re.compile(r"Observation/[A-Za-z0-9\-.]{1,64}")
_REASONS = {
    Pattern.PANCYTOPENIA: "pancytopenia",
    Pattern.BICYTOPENIA: "bicytopenia",
    Pattern.BICYTOPENIA_THIRD_UNKNOWN: "two low cell lines, third line not known",
}
_SECONDARY_FIRST = frozenset({"pancytopenia-chronic-disease-iron"})
"""Findings whose secondary causes are looked for before the first tests."""
_WITH_SECONDARY_FIRST = (
    OrderGroup.REFERRAL,
    OrderGroup.MARROW,
    OrderGroup.SECONDARY_CAUSES,
    OrderGroup.FIRST_TESTS,
)


@dataclass(frozen=True)
class SuggestionMaker:
    """Turns the proposed orders of one call into Suggestions.

    `intent` is ServiceRequest.intent (proposal, or a site's choice of order); `new_id` makes the
    uuid of each Suggestion; `orderables` are the site's own order codes, by order id. `grouped`:
    one Suggestion a decision, else one an action, for EHRs that take no more.
    """

    interpretation: Interpretation
    call: CdsRequest
    intent: str
    new_id: Callable[[], object]
    orderables: Mapping[str, LocalCoding] = field(default_factory=lambda: NO_ORDERABLES)
    grouped: bool = True

    def all_groups(self) -> tuple[Suggestion, ...]:
        """Return the Suggestions for every proposed order, group after group."""
        finding = self.interpretation.finding
        secondary_first = finding is not None and finding.id in _SECONDARY_FIRST
        groups = _WITH_SECONDARY_FIRST if secondary_first else tuple(OrderGroup)
        return tuple(one for group in groups for one in self.of_group(group))

    def of_group(self, group: OrderGroup) -> tuple[Suggestion, ...]:
        """Return the Suggestions of one group: one, or one for each order; none without orders."""
        orders = [each for each in self.interpretation.orders if group_of(each.order) is group]
        if not orders:
            return ()
        actions = [self._create(order) for order in orders]
        if self.grouped:
            return (self._suggestion(self._group_label(group, orders), actions, group),)
        return tuple(
            self._suggestion(self._single_label(group, order), [action], group)
            for order, action in zip(orders, actions, strict=True)
        )

    def removals(self, drafts: Iterable[MedicationDraft]) -> tuple[Suggestion, ...]:
        """Return the Suggestion that removes the drafts; a draft without id cannot be named."""
        named = {draft.id: _drug(draft) for draft in drafts if draft.id}
        actions = {
            drug_id: Action(
                type="delete",
                description=f"Remove the drafted {name}",
                resourceId=f"MedicationRequest/{drug_id}",
            )
            for drug_id, name in named.items()
        }
        if not actions:
            return ()
        if not self.grouped:
            return tuple(
                self._suggestion(action.description, [action]) for action in actions.values()
            )
        label = _listing("Remove the drafted ", list(dict.fromkeys(named.values())))
        return (self._suggestion(label, list(actions.values())),)

    def _suggestion(
        self, label: str, actions: Sequence[Action], group: OrderGroup | None = None
    ) -> Suggestion:
        return Suggestion(
            label=label,
            uuid=str(self.new_id()),
            isRecommended=True if group in RECOMMENDED else UNSET,
            actions=tuple(actions),
            actionSelectionBehavior="any" if len(actions) > 1 else UNSET,
        )

    def _group_label(self, group: OrderGroup, orders: Sequence[ProposedOrder]) -> str:
        if group <= OrderGroup.MARROW:
            return self._single_label(group, orders[0])
        names = {each.order: self._short_name(each.order) for each in orders}
        parts = joined_names([names[order] for order in naming_order(list(names))])
        if group is OrderGroup.SECONDARY_CAUSES:
            return _listing("Secondary causes: ", parts)
        stat = any(order.priority is Priority.STAT for order in orders)
        return _listing("First tests (stat): " if stat else "First tests: ", parts)

    def _single_label(self, group: OrderGroup, order: ProposedOrder) -> str:
        if group is OrderGroup.MARROW:
            return f"{MARROW_LABEL} ({order.priority})"
        if group is OrderGroup.REFERRAL:
            to = "pediatric hematology" if "pediatric" in order.note else "hematology"
            return f"Refer to {to} ({order.priority})"
        return escaping.plain(self.name(order.order), MAX_LABEL)

    def _short_name(self, order: str) -> str:
        if order == B12 and not self._b12_was_measured():
            return "B12"
        return SHORT_NAMES.get(order) or order_name(order)

    def name(self, order: str) -> str:
        """Name the order as a clinician would choose it."""
        if order == B12 and not self._b12_was_measured():
            return FIRST_B12_NAME
        return order_name(order)

    def _create(self, order: ProposedOrder) -> Action:
        return Action(
            type="create",
            description=f"Draft order, {order.priority}: {self.name(order.order)}",
            resource=self.draft(order),
        )

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
            note=escaping.plain(order.note),
            site_coding=self.orderables.get(order.order),
        )
        if order.order == B12:
            resource["code"]["text"] = self.name(order.order)
        return resource

    @cached_property
    def _about(self) -> dict[str, Any]:
        call = self.call
        return about_drafts(call.patient_id, call.encounter_id, self.reason(), self.supporting())

    def reason(self) -> str:
        """Say why, by the pattern of the lines (clinical-definition 4.1)."""
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


def _drug(draft: MedicationDraft) -> str:
    return escaping.plain(draft.name, _MOST_NAME) or "medicine"


def _listing(start: str, names: Sequence[str]) -> str:
    """Return as many names as fit a label, and how many more there are."""
    for most in range(len(names), 0, -1):
        rest = len(names) - most
        text = start + ", ".join(names[:most]) + (f" and {rest} more" if rest else "")
        if len(text) <= MAX_LABEL:
            return text
    return f"{start}{len(names)} orders"
