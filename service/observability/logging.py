"""JSON log lines that cannot hold a patient, a token or a FHIR server's text.

It works by allow-lists, not by filters. An event is one of `Event`, a field one of `FIELDS`, a text
of a field is letters, digits and plain punctuation of bounded length. Anything else is left out of
the line and counted in `dropped`.
"""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict


class Event(StrEnum):
    """Everything that is ever logged."""

    STARTED = "started"
    UNKNOWN_VARIABLE = "unknown variable"
    CALL_ANSWERED = "call answered"
    CALL_REFUSED = "call refused"
    CALL_FAILED = "call failed"
    PREFETCH_NOT_USED = "prefetch not used"
    DATA_UNAVAILABLE = "data unavailable"
    TOO_MANY_WAITING = "too many calls wait for a FHIR server"
    CIRCUIT_OPENED = "FHIR server left alone"
    CIRCUIT_CLOSED = "FHIR server answers again"
    CODE_SEARCH_REFUSED = "search by code refused"
    COUNT_REFUSED = "search with a page size refused"
    OLDER_COUNTS_UNAVAILABLE = "older blood counts not fetched"
    SEARCH_NOT_OFFERED = "search not offered by the FHIR server"
    MEDICATION_NOT_READ = "medication not read"
    OTHER_PATIENT = "resources of another patient refused"
    PATIENT_NOT_NAMED = "resources that do not name their patient not used"
    APP_LAUNCHED = "app launched"
    EVIDENCE_SHOWN = "evidence shown"
    FEEDBACK_STORED = "feedback stored"
    STORE_UNAVAILABLE = "store unavailable"
    AUDIT_NOT_WRITTEN = "audit not written"
    NOT_LISTED = "event not listed"


FIELDS = frozenset(
    {
        "cards",
        "client",
        "clients",
        "code",
        "cors_origins",
        "duration_ms",
        "environment",
        "error_at",
        "error_type",
        "event",
        "expression",
        "fhir_host",
        "fhir_servers",
        "findings",
        "held_back",
        "hook",
        "items",
        "key",
        "keys",
        "kind",
        "level",
        "prefetch_keys",
        "reason",
        "request_id",
        "rule_table",
        "second_stage",
        "service",
        "shadow",
        "sources",
        "span_id",
        "status",
        "timestamp",
        "trace_id",
        "unreadable",
    }
)

_EVENTS = frozenset(event.value for event in Event)
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;~%'=/_*+()\[\]<>-]{0,300}")
_DROPPED = object()


def _plain(value: object) -> object:
    if isinstance(value, str):
        text = str(value)
        return text if _PLAIN.fullmatch(text) else _DROPPED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | frozenset):
        items = [_plain(item) for item in value]
        return _DROPPED if any(item is _DROPPED for item in items) else items
    return _DROPPED


def allow_listed(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep of a log line what is on the lists (a structlog processor)."""
    kept: dict[str, Any] = {}
    dropped = 0
    for name, value in event.items():
        plain = _plain(value) if name in FIELDS else _DROPPED
        if plain is _DROPPED:
            dropped += 1
        elif plain is not None:
            kept[name] = plain
    if kept.get("event") not in _EVENTS:
        kept["event"] = Event.NOT_LISTED.value
    if dropped:
        kept["dropped"] = dropped
    return kept


def _json(event: EventDict, **_options: object) -> str:
    return msgspec.json.encode(event).decode()


def configure_logging(stream: TextIO | None = None) -> None:
    """Send JSON lines to `stream`, standard error by default."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow_listed,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("INFO"),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


log: Any = structlog.get_logger()
"""The one logger; its lines pass `allow_listed`."""
