"""What helps against a refusal is chosen by what failed, whatever words say it."""

from __future__ import annotations

import json

import pytest

from service.cds_client.refusals import refusal
from service.errors import ClinicalDataUnavailable
from service.fhir_client.failures import Failure, FailureKind
from service.routes.operation_outcome import operation_outcome

SERVER = "https://ehr.example/fhir"


def told(failure: Failure, key: str = "bloodCounts") -> str:
    error = ClinicalDataUnavailable("Data is not available", details=((key, failure.sentence),))
    answer = json.dumps(operation_outcome(error, "r1")).encode()
    return refusal(412, answer, server=SERVER, patient="p1")


@pytest.mark.parametrize(
    ("kind", "mend"),
    [
        (FailureKind.CONNECTION, "Is it running"),
        (FailureKind.NAME, "host name spelled right"),
        (FailureKind.TLS, "HEME_HOOKS_FHIR_CA_FILE"),
        (FailureKind.REDIRECT, "Name the address"),
        (FailureKind.DEADLINE, "HEME_HOOKS_CALL_DEADLINE"),
        (FailureKind.NOT_JSON, f"{SERVER}/metadata"),
        (FailureKind.NOT_FHIR, f"{SERVER}/metadata"),
    ],
)
def test_each_kind_of_failure_has_its_mend(kind: FailureKind, mend: str) -> None:
    assert mend in told(Failure(kind))


@pytest.mark.parametrize(
    ("status", "mend"),
    [(401, "--token-file"), (403, "scopes"), (404, "/metadata"), (410, "/metadata"), (429, "Wait")],
)
def test_each_status_has_its_mend(status: int, mend: str) -> None:
    assert mend in told(Failure(FailureKind.STATUS, status))


def test_a_patient_that_is_not_there_is_asked_for_by_name() -> None:
    assert "a Patient with the id p1" in told(Failure(FailureKind.STATUS, 404), "patient")


@pytest.mark.parametrize("kind", [FailureKind.TOO_LARGE, FailureKind.PAGE_LOOP])
def test_what_the_caller_cannot_mend_has_no_mend(kind: FailureKind) -> None:
    assert told(Failure(kind)).endswith(f"{Failure(kind).sentence}.")
