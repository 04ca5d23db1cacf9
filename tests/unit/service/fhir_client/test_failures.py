"""What went wrong is told in one sentence, and the sentence tells what went wrong."""

from __future__ import annotations

import pytest

from service.fhir_client.failures import Failure, FailureKind, failure_of

PREFETCHED = ("", "the prefetched value is an OperationOutcome", "the prefetched value is null")


@pytest.mark.parametrize("prefetched", PREFETCHED)
@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.STATUS])
def test_a_kind_can_be_told_from_its_sentence(kind: FailureKind, prefetched: str) -> None:
    assert failure_of(Failure(kind, None, prefetched).sentence) == Failure(kind)


@pytest.mark.parametrize("prefetched", PREFETCHED)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_a_status_can_be_told_from_its_sentence(status: int, prefetched: str) -> None:
    failure = Failure(FailureKind.STATUS, status, prefetched)
    assert failure_of(failure.sentence) == Failure(FailureKind.STATUS, status)


@pytest.mark.parametrize("kind", [FailureKind.REDIRECT, FailureKind.OUTCOME, FailureKind.NOT_JSON])
def test_a_kind_with_a_status_keeps_both(kind: FailureKind) -> None:
    assert failure_of(Failure(kind, 302).sentence) == Failure(kind, 302)


@pytest.mark.parametrize("text", ["", "the Patient resource cannot be read", "HTTP", "HTTP 12"])
def test_other_words_tell_no_failure(text: str) -> None:
    assert failure_of(text) is None
