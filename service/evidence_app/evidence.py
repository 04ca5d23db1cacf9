"""The evidence for one patient: gathered, read and interpreted as for a hook call, with reasons.

Nothing is held back or remembered: the reader asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.panel import DataGroup
from fhir_mappings.r4.decoding import DECODE_ERRORS
from fhir_mappings.r4.elements import items, member, text
from service.cards.build import PATIENT_VIEW
from service.cards.course import trends
from service.cards.escaping import plain
from service.cards.explanation import explanation_document
from service.cards.marked_events import marked_events
from service.cards.plain_words import NOTE_WORDS
from service.cds_hooks.hook_request import BEARER
from service.cds_hooks.messages import CdsRequest, FhirAuthorization
from service.errors import ClinicalDataUnavailable, EvidenceUnavailable
from service.feedback.held_back import ShownAndHeld
from service.hook_call import respond
from service.interpreter.formatting import listed
from service.interpreter.nearest_changes import nearest_changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from service.cds_hooks.messages import Card
    from service.clinical_data.gathered import ClinicalData
    from service.clinical_data.gathering import ClinicalDataSource
    from service.evidence_app.code_exchange import Authorized
    from service.hook_call import Answer, SiteKnowledge
    from service.interpreter.interpretation import Interpretation

Json = dict[str, Any]

_MOST_NAME = 120
_MOST_ID = 64


class _NothingHeldBack:
    """The memory of a reader who asks: there is none."""

    def hold_back(
        self,
        cards: tuple[Card, ...],
        _interpretation: Interpretation,
        _call: CdsRequest,
        _now: datetime,
    ) -> ShownAndHeld:
        """Show every card."""
        return ShownAndHeld(cards)


def evidence_call(authorized: Authorized, fhir_server: str) -> CdsRequest:
    """Return the call that the app makes in the place of the EHR; nobody is named as its user."""
    return CdsRequest(
        hook=PATIENT_VIEW,
        hook_instance="",
        user_id="",
        patient_id=authorized.patient_id,
        fhir_server=fhir_server,
        authorization=FhirAuthorization(authorized.access_token, BEARER),
        wants_explanation=True,
    )


def gather_evidence(
    call: CdsRequest,
    source: ClinicalDataSource,
    knowledge: SiteKnowledge,
    now: datetime,
    new_id: Callable[[], object],
) -> Answer:
    """Return the answer of a hook call about the patient. Raises EvidenceUnavailable."""
    try:
        return respond(call, source, knowledge, _NothingHeldBack(), now, new_id)
    except ClinicalDataUnavailable as failed:
        raise EvidenceUnavailable(_sentence(failed), retry_after=failed.retry_after) from None


def explained(answer: Answer, now: datetime, findings_off: frozenset[str]) -> Json:
    """Return why an answer is as it is, as `extension` of a response and the app give it."""
    changes = nearest_changes(answer.facts, now, answer.interpretation, findings_off)
    explanation = explanation_document(answer.interpretation, answer.data.described(), changes)
    return explanation | {
        "history": trends(answer.facts, now),
        "events": marked_events(answer.facts, now),
    }


def evidence_document(answer: Answer, now: datetime, findings_off: frozenset[str]) -> Json:
    """Return everything that the app's page shows, as plain JSON types."""
    return {
        "patient": _patient(answer.data),
        "asked": now.isoformat(timespec="minutes"),
        "cards": [{"summary": c.summary, "indicator": str(c.indicator)} for c in answer.cards],
        "explanation": explained(answer, now, findings_off),
        "noteWords": {note.value: words for note, words in NOTE_WORDS.items()},
        "gaps": _gaps(answer.data),
    }


def _gaps(data: ClinicalData) -> list[Json]:
    """What could not be read, and why: each reason once, with all that it keeps from being seen."""
    reasons: dict[str, list[str]] = {}
    for group, failure in data.failures.items():
        reasons.setdefault(failure.sentence, []).append(group.words)
    return [{"what": listed(names), "why": why} for why, names in reasons.items()]


def _sentence(failed: ClinicalDataUnavailable) -> str:
    reasons: dict[str, list[str]] = {}
    for key, why in failed.details:
        reasons.setdefault(why, []).append(DataGroup(key).words)
    parts = (f"{listed(names)} ({why})" for why, names in reasons.items())
    return f"The evidence cannot be shown; not readable: {'; '.join(parts)}."


def _patient(data: ClinicalData) -> Json:
    """Whose chart it is, so that the reader sees it: name, birth date, sex, id."""
    try:
        resource = msgspec.json.decode(data.documents(DataGroup.PATIENT)[0])
    except (IndexError, *DECODE_ERRORS):
        resource = {}
    name = next(iter(items(member(resource, "name"))), None)
    parts = [*(text(each) for each in items(member(name, "given"))), text(member(name, "family"))]
    return {
        "name": plain(text(member(name, "text")) or " ".join(parts), _MOST_NAME),
        "birthDate": plain(text(member(resource, "birthDate")), _MOST_ID),
        "sex": plain(text(member(resource, "gender")), _MOST_ID),
        "id": plain(text(member(resource, "id")), _MOST_ID),
    }
