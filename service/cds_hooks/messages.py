"""The CDS Hooks wire types and their invariants, version 2.0.1 (https://cds-hooks.hl7.org/2.0/).

Names are the standard's own. Optional fields that are empty are left out of JSON, as 'no null, no
empty' asks; `cards` and `services` stay even when empty.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from service.errors import InvalidHookCall

MAX_SUMMARY = 139
"""Longest allowed Card.summary, in characters."""


class Indicator(StrEnum):
    """Urgency of a Card."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Coding(Struct, frozen=True, omit_defaults=True):
    """A FHIR Coding; `code` and `system` are needed for a topic."""

    code: str
    system: str
    display: str | UnsetType = UNSET


class OverrideReason(Struct, frozen=True, omit_defaults=True):
    """A reason that the CDS Client may offer when a Card is dismissed; `display` is needed."""

    code: str
    system: str
    display: str


class Source(Struct, frozen=True, omit_defaults=True):
    """Where the advice of a Card comes from."""

    label: str
    url: str | UnsetType = UNSET
    icon: str | UnsetType = UNSET
    topic: Coding | UnsetType = UNSET


class Link(Struct, frozen=True, omit_defaults=True):
    """An absolute link or a SMART app launch; `appContext` only on smart.

    `type` has no default, because a default would be left out of the JSON, where it is required.
    """

    label: str
    url: str
    type: str
    appContext: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.type not in {"absolute", "smart"}:
            raise ValueError("Link.type is 'absolute' or 'smart'")


class Action(Struct, frozen=True, omit_defaults=True):
    """One create, update or delete of a Suggestion."""

    type: str
    description: str
    resource: dict[str, Any] | UnsetType = UNSET
    resourceId: str | UnsetType = UNSET


class Suggestion(Struct, frozen=True, omit_defaults=True):
    """One proposal that a clinician may accept."""

    label: str
    uuid: str
    isRecommended: bool | UnsetType = UNSET
    actions: tuple[Action, ...] = ()
    actionSelectionBehavior: str | UnsetType = UNSET


class Card(Struct, frozen=True, omit_defaults=True):
    """One piece of advice.

    Raises ValueError when an invariant of the specification is broken.
    """

    uuid: str
    summary: str
    indicator: Indicator
    source: Source
    detail: str | UnsetType = UNSET
    suggestions: tuple[Suggestion, ...] = ()
    selectionBehavior: str | UnsetType = UNSET
    overrideReasons: tuple[OverrideReason, ...] = ()
    links: tuple[Link, ...] = ()
    extension: dict[str, Any] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if not 0 < len(self.summary) <= MAX_SUMMARY:
            raise ValueError(f"Card.summary has {len(self.summary)} characters, not 1 to 139")
        if self.suggestions and self.selectionBehavior not in {"any", "at-most-one"}:
            raise ValueError("Card.selectionBehavior is needed with suggestions")


class CdsResponse(Struct, frozen=True):
    """The body of a successful answer; `extension` only if it was asked for."""

    cards: tuple[Card, ...]
    extension: dict[str, Any] | UnsetType = UNSET


class CdsService(Struct, frozen=True, omit_defaults=True):
    """One entry of the discovery document.

    `version` is that of the specification, `hookVersion` that of the hook's own definition (CDS
    Hooks 3.0.0-ballot; clients of 2.0 pass over it).
    """

    id: str
    hook: str
    description: str
    title: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    hookVersion: str | UnsetType = UNSET
    prefetch: dict[str, str] = {}
    usageRequirements: str | UnsetType = UNSET


class FhirAuthorization(Struct, frozen=True):
    """The access token of one call. Never stored, logged or reused (CDS Hooks 2.0, 4.4).

    Only the token is needed for an answer. If a client leaves the rest out, or writes scope,
    subject or patient in its own way, nobody is endangered: the FHIR server judges the token.
    """

    access_token: str | None = None
    token_type: str | None = None
    expires_in: int | None = None
    scope: Any = None
    subject: Any = None
    patient: Any = None

    def __repr__(self) -> str:
        return "FhirAuthorization(access_token=***)"


class CdsRequest(Struct, frozen=True, kw_only=True):
    """One hook call, checked. `prefetch` values stay raw until a reader takes them.

    `has_evidence_app`: the client's EHR can launch the evidence app from a card.
    """

    hook: str
    hook_instance: str
    user_id: str
    patient_id: str
    encounter_id: str | None = None
    fhir_server: str | None = None
    authorization: FhirAuthorization | None = None
    prefetch: dict[str, Raw] = {}
    draft_orders: Raw | None = None
    selections: tuple[str, ...] = ()
    wants_explanation: bool = False
    has_evidence_app: bool = False


__all__ = [
    "Action",
    "Card",
    "CdsRequest",
    "CdsResponse",
    "CdsService",
    "Coding",
    "FhirAuthorization",
    "Indicator",
    "InvalidHookCall",
    "Link",
    "OverrideReason",
    "Source",
    "Suggestion",
]
