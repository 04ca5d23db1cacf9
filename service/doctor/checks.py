"""One check and its result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what was looked at, what was found, what to do about it.

    No value of a patient, no token and no text of a server stands in it.
    """

    topic: str
    verdict: Verdict
    text: str
    remedy: str = ""


def ok(topic: str, text: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(topic, Verdict.OK, text)


def warning(topic: str, text: str, remedy: str) -> Check:
    """Return a check that found something to know before go-live."""
    return Check(topic, Verdict.WARNING, text, remedy)


def wrong(topic: str, text: str, remedy: str) -> Check:
    """Return a check that found what keeps the service from working."""
    return Check(topic, Verdict.WRONG, text, remedy)
