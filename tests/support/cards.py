"""Cards as they go over the wire, by their findings and orders alone."""

from __future__ import annotations

from uuid import uuid4

from fhir_mappings.vocabulary.orders import draft_order
from service.cds_hooks.messages import Action, Card, Coding, Indicator, Source, Suggestion


def action(order: str) -> Action:
    """The action of a suggestion that drafts one order."""
    return Action("create", order, draft_order(order, patient_id="p"))


def card(
    *findings: str, indicator: Indicator = Indicator.WARNING, orders: tuple[str, ...] = ()
) -> Card:
    """One card; referral and marrow are suggestions of their own, the rest is one suggestion."""
    findings = findings or ("index-pattern",)
    alone = [(order,) for order in ("hematology-referral", "marrow-biopsy")]
    groups = [*alone, orders] if orders else alone
    return Card(
        uuid=str(uuid4()),
        summary="Pancytopenia",
        indicator=indicator,
        source=Source(label="heme-hooks", topic=Coding(code=findings[0], system="urn:x")),
        suggestions=tuple(
            Suggestion(label="Do", uuid=str(uuid4()), actions=tuple(map(action, group)))
            for group in groups
        ),
        selectionBehavior="any",
        extension={"heme-hooks": {"findings": list(findings)}},
    )
