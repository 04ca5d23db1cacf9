"""Errors as FHIR OperationOutcomes (CDS Hooks 3.0.0-ballot: SHOULD on answers that are not 2xx)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.errors import CdsServiceError, ClinicalDataUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR_SYSTEM = "https://heme-hooks.org/fhir/CodeSystem/error"
"""CodeSystem of the stable error codes in `issue.details.coding`."""


def operation_outcome(error: CdsServiceError, request_id: str) -> dict[str, Any]:
    """Return the OperationOutcome of an error, one issue per prefetch key concerned.

    `diagnostics` holds the request id, by which the log line is found.
    """
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            _issue(error, text, expression, request_id) for text, expression in _texts(error)
        ],
    }


def _texts(error: CdsServiceError) -> Iterator[tuple[str, str]]:
    if isinstance(error, ClinicalDataUnavailable) and error.details:
        for key, text in error.details:
            yield f"{error.message}: {key}: {text}.", f"prefetch.{key}"
    else:
        yield error.message, error.expression


def _issue(error: CdsServiceError, text: str, expression: str, request_id: str) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "error",
        "code": error.issue_type,
        "details": {"coding": [{"system": ERROR_SYSTEM, "code": error.code}], "text": text},
        "diagnostics": f"request {request_id}",
    }
    if expression:
        issue["expression"] = [expression]
    return issue
