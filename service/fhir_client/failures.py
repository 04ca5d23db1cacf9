"""Why clinical data was not available, in words for the developer of a CDS Client.

A FHIR server's own text is never repeated: it may name the patient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """The kind of failure; stable, for logs and tests."""

    NO_FHIR_SERVER = "no-fhir-server"
    STATUS = "http-status"
    REDIRECT = "redirect"
    CONNECTION = "connection"
    NAME = "name-not-resolved"
    TLS = "tls"
    BROKEN_OFF = "broken-off"
    DEADLINE = "deadline"
    TOO_MANY_WAITING = "too-many-waiting"
    CIRCUIT_OPEN = "circuit-open"
    NOT_JSON = "not-json"
    NOT_FHIR = "wrong-resource-type"
    WRONG_PATIENT = "wrong-patient"
    OUTCOME = "operation-outcome"
    NOT_OFFERED = "search-not-offered"
    TOO_LARGE = "too-large"
    TOO_MANY_PAGES = "too-many-pages"
    PAGE_LOOP = "page-loop"
    OTHER_ORIGIN = "next-link-on-another-origin"
    MEDICATION_REFERENCE = "medication-reference"
    UNREADABLE = "unreadable"


_NO_SERVER = "the call gives no fhirServer"

_SENTENCES = {
    FailureKind.NO_FHIR_SERVER: f"it was not prefetched and {_NO_SERVER}",
    FailureKind.REDIRECT: "the FHIR server answered with a redirect, which is not followed",
    FailureKind.CONNECTION: "the FHIR server could not be reached",
    FailureKind.NAME: "the host name of fhirServer does not resolve",
    FailureKind.TLS: "TLS with the FHIR server failed, or its certificate is not trusted",
    FailureKind.BROKEN_OFF: "the FHIR server's answer ended early or could not be decompressed",
    FailureKind.DEADLINE: "the FHIR server did not answer within the time of the call",
    FailureKind.TOO_MANY_WAITING: "too many calls wait for the FHIR server already",
    FailureKind.CIRCUIT_OPEN: "the FHIR server did not answer recent calls and rests for a while",
    FailureKind.NOT_JSON: "the FHIR server's answer is not JSON, or cannot be read",
    FailureKind.NOT_FHIR: "the FHIR server answered with another resource type than asked for",
    FailureKind.WRONG_PATIENT: "the Patient is not the one of context.patientId",
    FailureKind.OUTCOME: "the FHIR server answered with an OperationOutcome of severity error",
    FailureKind.NOT_OFFERED: "the FHIR server does not offer this search",
    FailureKind.TOO_LARGE: "the FHIR server's answer is larger than the limit",
    FailureKind.TOO_MANY_PAGES: "the search has more pages than the limit",
    FailureKind.PAGE_LOOP: "the search's next links form a circle",
    FailureKind.OTHER_ORIGIN: "the search's next link leaves the base URL of fhirServer",
    FailureKind.MEDICATION_REFERENCE: "a Medication that a resource refers to could not be read",
    FailureKind.UNREADABLE: "nothing that was sent can be read",
}

_HINTS = {
    400: "the search was refused",
    401: "the access token was not accepted",
    403: "the access token does not allow it",
    404: "it was not found",
    410: "it is gone",
    429: "too many requests",
}


_STATUS = re.compile(r"\bHTTP ([0-9]{3})\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: its kind and, where the server answered, the HTTP status.

    `prefetched` says why what the CDS Client sent under the key could not be used, if it sent
    something. `retry_after`: seconds after which the same call may succeed, 0 when not known.
    """

    kind: FailureKind
    status: int | None = None
    prefetched: str = ""
    retry_after: int = 0

    @property
    def sentence(self) -> str:
        """What happened, without a value from the patient or the server."""
        if self.kind is FailureKind.STATUS:
            hint = _HINTS.get(self.status or 0, "")
            what = f"the FHIR server answered HTTP {self.status}" + (f" ({hint})" if hint else "")
        else:
            what = _SENTENCES[self.kind]
            if self.status is not None:
                what += f" (HTTP {self.status})"
        if not self.prefetched:
            return what
        if self.kind is FailureKind.NO_FHIR_SERVER:
            return f"{self.prefetched}, and {_NO_SERVER}"
        return f"{self.prefetched}, and {what}"


def failure_of(sentence: str) -> Failure | None:
    """Return the kind and the status that `Failure.sentence` told; None for any other words."""
    found = _STATUS.search(sentence)
    status = int(found[1]) if found else None
    if sentence.endswith(_NO_SERVER):
        return Failure(FailureKind.NO_FHIR_SERVER)
    for kind, words in _SENTENCES.items():
        if words in sentence:
            return Failure(kind, status)
    return None if status is None else Failure(FailureKind.STATUS, status)


class FetchFailed(Exception):
    """A read or a search of the FHIR server failed as a whole."""

    def __init__(self, kind: FailureKind, status: int | None = None) -> None:
        super().__init__(kind.value)
        self.failure = Failure(kind, status)
