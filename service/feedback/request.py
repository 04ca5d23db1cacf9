"""Feedback: the outcomes of issued cards (CDS Hooks 2.0, 'Feedback'), read from a request.

Checked as a whole: one unreadable entry rejects the request, and the error names the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.error_codes import ErrorCode
from service.errors import InvalidHookCall
from service.feedback.timestamps import parse_timestamp

if TYPE_CHECKING:
    from datetime import datetime

MAX_COMMENT = 10_000
MAX_ITEMS = 1_000
OUTCOMES = frozenset({"accepted", "overridden"})


class _Reason(Struct, frozen=True):
    code: str | None = None
    system: str | None = None


class _OverrideReason(Struct, frozen=True):
    reason: _Reason | None = None
    userComment: str | None = None


class _AcceptedSuggestion(Struct, frozen=True):
    id: str


class _Item(Struct, frozen=True):
    card: str
    outcome: str
    outcomeTimestamp: str
    acceptedSuggestions: list[_AcceptedSuggestion] | None = None
    overrideReason: _OverrideReason | None = None


class Body(Struct, frozen=True):
    """The body of a feedback request."""

    feedback: list[_Item]


_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Card and suggestion ids are our own UUIDs; an unknown one is kept, so it must not be free text.
"""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,99}")
_SYSTEM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,180}")
UNLISTED = "unlisted"
"""Replaces a reason that is free text instead of a code, which could name somebody."""


@dataclass(frozen=True, slots=True)
class FeedbackItem:
    """One outcome of one card, checked. `comment` may hold anything and is never logged."""

    card: str
    outcome: str
    outcome_timestamp: datetime
    accepted_suggestions: tuple[str, ...] = ()
    reason_system: str | None = None
    reason_code: str | None = None
    comment: str | None = None


_BODY = msgspec.json.Decoder(Body)


def parse_feedback(body: bytes) -> tuple[FeedbackItem, ...]:
    """Read a feedback request.

    Raises InvalidHookCall, naming the field, for anything that the specification forbids: no list,
    an empty list, an unknown outcome, an accepted card without suggestions, a bad timestamp.
    """
    try:
        decoded = _BODY.decode(body)
    except DECODE_ERRORS as error:
        raise InvalidHookCall(
            "The body is not a feedback request: an object with the array 'feedback', each entry "
            "with 'card', 'outcome' and 'outcomeTimestamp'.",
            code=ErrorCode.INVALID_FEEDBACK,
            expression="feedback",
        ) from error
    if not decoded.feedback:
        raise _invalid("'feedback' is empty", "feedback")
    if len(decoded.feedback) > MAX_ITEMS:
        raise _invalid(f"'feedback' has more than {MAX_ITEMS} entries", "feedback")
    return tuple(_read_item(item, f"feedback[{n}]") for n, item in enumerate(decoded.feedback))


def _invalid(message: str, expression: str) -> InvalidHookCall:
    return InvalidHookCall(f"{message}.", code=ErrorCode.INVALID_FEEDBACK, expression=expression)


def _read_item(item: _Item, where: str) -> FeedbackItem:
    if not _ID.fullmatch(item.card):
        raise _invalid("'card' is not the uuid of a card", f"{where}.card")
    if item.outcome not in OUTCOMES:
        raise _invalid("'outcome' is neither accepted nor overridden", f"{where}.outcome")
    moment = parse_timestamp(item.outcomeTimestamp)
    if moment is None:
        raise _invalid(
            "'outcomeTimestamp' is not an RFC 3339 date-time", f"{where}.outcomeTimestamp"
        )
    reason, comment = _read_reason(item, where)
    return FeedbackItem(
        item.card,
        item.outcome,
        moment,
        _read_suggestions(item, where),
        reason.system if reason else None,
        reason.code if reason else None,
        comment,
    )


def _read_suggestions(item: _Item, where: str) -> tuple[str, ...]:
    if item.outcome != "accepted":
        return ()
    accepted = item.acceptedSuggestions
    if not accepted:
        raise _invalid(
            "an accepted card needs 'acceptedSuggestions'", f"{where}.acceptedSuggestions"
        )
    if not all(_ID.fullmatch(suggestion.id) for suggestion in accepted):
        raise _invalid("a suggestion's 'id' is not a uuid", f"{where}.acceptedSuggestions")
    return tuple(dict.fromkeys(suggestion.id for suggestion in accepted))


def _read_reason(item: _Item, where: str) -> tuple[_Reason | None, str | None]:
    given = item.overrideReason
    if item.outcome != "overridden" or given is None:
        return None, None
    comment = given.userComment
    if given.reason is None and not comment:
        raise _invalid("'overrideReason' is hollow", f"{where}.overrideReason")
    if comment is not None and (len(comment) > MAX_COMMENT or "\x00" in comment):
        raise _invalid(
            f"the comment holds a NUL or more than {MAX_COMMENT} characters",
            f"{where}.overrideReason.userComment",
        )
    return _checked_reason(given.reason, where), comment or None


def _checked_reason(reason: _Reason | None, where: str) -> _Reason | None:
    """The reason as a code; a code is chosen from a list, so free text is not kept as one."""
    if reason is None:
        return None
    if not reason.code:
        raise _invalid("the override reason has no code", f"{where}.overrideReason.reason.code")
    if not reason.system:
        raise _invalid("the override reason has no system", f"{where}.overrideReason.reason.system")
    if not _CODE.fullmatch(reason.code):
        return _Reason(UNLISTED)
    system = reason.system or ""
    return _Reason(reason.code, system if _SYSTEM.fullmatch(system) else None)
