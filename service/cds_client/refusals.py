"""What a service's refusal means for the person who called: what failed, where, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.cards.escaping import plain
from service.fhir_client.failures import FailureKind, failure_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NOT_FOUND = 404
_MOST_TEXT = 600
_PREFETCH = "prefetch."
_METADATA = "Is it the base address of FHIR R4? {server}/metadata must answer."
_MENDS_OF_STATUS = {
    401: "Give a valid token with --token-file; `heme-hooks doctor` checks it.",
    403: "The token's scopes do not cover it; `heme-hooks doctor` names those that do.",
    404: _METADATA,
    410: _METADATA,
    429: "Wait, and try again.",
}
_MENDS = {
    FailureKind.CONNECTION: "Is it running, and are host and port right?",
    FailureKind.NAME: "Is the host name spelled right?",
    FailureKind.TLS: "Name its certificate authority in HEME_HOOKS_FHIR_CA_FILE.",
    FailureKind.REDIRECT: "Name the address to which it leads.",
    FailureKind.DEADLINE: "Raise HEME_HOOKS_CALL_DEADLINE (seconds), or ask it again later.",
    FailureKind.NOT_JSON: _METADATA,
    FailureKind.NOT_FHIR: _METADATA,
}
"""What most likely helps against each kind of failure, and against each HTTP status."""


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
        failure = failure_of(cause)
        if failure is None:
            continue
        if failure.status == _NOT_FOUND and keys == ["patient"] and patient:
            yield f"Is there a Patient with the id {patient}? Open {server}/Patient/{patient}."
            continue
        mend = _MENDS_OF_STATUS.get(failure.status or 0) or _MENDS.get(failure.kind, "")
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
