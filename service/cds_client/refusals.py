"""What a service's refusal means for the person who called: what failed, where, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.cards.escaping import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MOST_TEXT = 600
_PREFETCH = "prefetch."
_METADATA = "Is it the base address of FHIR R4? {server}/metadata must answer."
_MENDS = (
    ("HTTP 401", "Give a valid token with --token-file; `heme-hooks doctor` checks it."),
    ("HTTP 403", "The token's scopes do not cover it; `heme-hooks doctor` names those that do."),
    ("HTTP 404", _METADATA),
    ("HTTP 410", _METADATA),
    ("HTTP 429", "Wait, and try again."),
    ("could not be reached", "Is it running, and are host and port right?"),
    ("does not resolve", "Is the host name spelled right?"),
    ("TLS", "Name its certificate authority in HEME_HOOKS_FHIR_CA_FILE."),
    ("redirect", "Name the address to which it leads."),
    ("within the time", "Raise HEME_HOOKS_CALL_DEADLINE (seconds), or ask it again later."),
    ("not JSON", _METADATA),
    ("another resource type", _METADATA),
)
"""Words of a failure (service/fhir_client/failures.py) and what most likely helps."""


class _Details(msgspec.Struct):
    text: str = ""


class _Issue(msgspec.Struct):
    details: _Details = msgspec.field(default_factory=_Details)
    diagnostics: str = ""
    expression: list[str] = []


class _Outcome(msgspec.Struct):
    issue: list[_Issue] = []


class _Resource(msgspec.Struct, tag="OperationOutcome", tag_field="resourceType"):
    """Anything that says it is an OperationOutcome."""


_OUTCOME = msgspec.json.Decoder(_Outcome)
_RESOURCE = msgspec.json.Decoder(_Resource)


def is_outcome(answer: bytes) -> bool:
    """Whether an answer is an OperationOutcome."""
    try:
        _RESOURCE.decode(answer)
    except DECODE_ERRORS:
        return False
    return True


def reason_of(answer: bytes) -> str:
    """Return what an OperationOutcome says, in one line; a plain sentence for anything else."""
    texts = dict.fromkeys(issue.details.text or issue.diagnostics for issue in _issues(answer))
    return _joined(texts) or "no reason was given."


def refusal(status: int, answer: bytes, *, server: str = "", patient: str = "") -> str:
    """Return one text: the status, what failed at which FHIR server, and what likely helps.

    Failures of one cause are named once, with their prefetch keys. `server` and `patient` are those
    of the call, empty where data were prefetched.
    """
    head = f"The service answered {status}: "
    causes = _causes(answer)
    if not causes:
        return head + reason_of(answer)
    where = f" from {server}" if server else ""
    texts = [f"no {_listed(keys)}{where}: {cause}." for cause, keys in causes.items()]
    return head + _joined([*texts, *dict.fromkeys(_mends(causes, server, patient))])


def _causes(answer: bytes) -> dict[str, list[str]]:
    """Return the prefetch keys by what went wrong there."""
    causes: dict[str, list[str]] = {}
    for issue in _issues(answer):
        key = next((each for each in issue.expression if each.startswith(_PREFETCH)), "")
        key = key.removeprefix(_PREFETCH)
        _, found, cause = issue.details.text.partition(f": {key}: ")
        if not key or not found:
            return {}
        causes.setdefault(cause.rstrip("."), []).append(key)
    return causes


def _mends(causes: Mapping[str, list[str]], server: str, patient: str) -> Iterator[str]:
    for cause, keys in causes.items():
        if "HTTP 404" in cause and keys == ["patient"] and patient:
            yield f"Is there a Patient with the id {patient}? Open {server}/Patient/{patient}."
            continue
        mend = next((mend for words, mend in _MENDS if words in cause), "")
        if mend and server:
            yield mend.format(server=server)


def _listed(keys: list[str]) -> str:
    return ", ".join(keys[:-1]) + " and " + keys[-1] if len(keys) > 1 else keys[0]


def _issues(answer: bytes) -> list[_Issue]:
    try:
        return _OUTCOME.decode(answer).issue
    except DECODE_ERRORS:
        return []


def _joined(texts: Iterable[str]) -> str:
    return plain(" ".join(text for text in texts if text), _MOST_TEXT)
