"""Every error that a caller can see, and its place in HTTP.

    CdsServiceError
    ├── InvalidHookCall          400  the body is not a valid hook call
    ├── ClientNotAuthenticated   401
    ├── ClientNotAllowed         403
    ├── LaunchRefused            403  the evidence app cannot be opened so
    ├── UnknownService           404
    ├── ClinicalDataUnavailable  412  needed data cannot be had (CDS Hooks 2.0, Prefetch)
    ├── EvidenceUnavailable      412  the same, in the words of the evidence app
    ├── RequestTooLarge          413  more entries or values than are looked at
    ├── AuthorizationFailed      502  the EHR's authorization server does not do its part
    └── StorageUnavailable       503  feedback could not be stored

Messages name fields, keys and statuses. They never carry a value from the patient, a token or a
FHIR server's own text.
"""

from __future__ import annotations

from service.error_codes import ErrorCode


class CdsServiceError(Exception):
    """Base of all errors shown to a CDS Client. `code` is stable, and tells the HTTP status.

    `retry_after`: seconds after which the same request may succeed, 0 when that is not known.
    """

    code: ErrorCode = ErrorCode.INTERNAL_ERROR
    issue_type = "exception"

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode | None = None,
        expression: str = "",
        retry_after: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.expression = expression
        if code:
            self.code = code
        self.status = self.code.status


class InvalidHookCall(CdsServiceError):
    """The request is malformed; `expression` names the field."""

    code = ErrorCode.INVALID_HOOK_CALL
    issue_type = "invalid"


class ClientNotAuthenticated(CdsServiceError):
    """No, or no valid, JSON Web Token."""

    code = ErrorCode.CLIENT_NOT_AUTHENTICATED
    issue_type = "login"


class ClientNotAllowed(CdsServiceError):
    """A known CDS Client asks for something not allowed, such as a FHIR server not on its list."""

    code = ErrorCode.CLIENT_NOT_ALLOWED
    issue_type = "forbidden"


class UnknownService(CdsServiceError):
    """No CDS Service of that id, or not for that hook."""

    code = ErrorCode.UNKNOWN_SERVICE
    issue_type = "not-found"


class ClinicalDataUnavailable(CdsServiceError):
    """Data that the advice needs is not available.

    `keys` are the prefetch keys concerned, `details` the pairs of a key and what went wrong there.
    """

    code = ErrorCode.CLINICAL_DATA_UNAVAILABLE
    issue_type = "processing"

    def __init__(
        self,
        message: str,
        *,
        keys: tuple[str, ...] = (),
        code: ErrorCode | None = None,
        details: tuple[tuple[str, str], ...] = (),
        retry_after: int = 0,
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.keys = keys or tuple(key for key, _ in details)
        self.details = details


class LaunchRefused(CdsServiceError):
    """The evidence app cannot be opened so; the message is one sentence for a clinician."""

    code = ErrorCode.LAUNCH_NOT_OPEN
    issue_type = "forbidden"


class AuthorizationFailed(CdsServiceError):
    """The EHR's authorization server fails; the message is one sentence for a clinician."""

    code = ErrorCode.AUTHORIZATION_SERVER_UNAVAILABLE
    issue_type = "transient"


class EvidenceUnavailable(CdsServiceError):
    """Data without which there is no evidence; the message is one sentence for a clinician."""

    code = ErrorCode.EVIDENCE_UNAVAILABLE
    issue_type = "processing"


class RequestTooLarge(CdsServiceError):
    """The body holds more than this service reads in one call."""

    code = ErrorCode.TOO_MANY_ENTRIES
    issue_type = "too-costly"


class StorageUnavailable(CdsServiceError):
    """The store cannot be read or written. Feedback is then not acknowledged."""

    code = ErrorCode.STORAGE_UNAVAILABLE
    issue_type = "transient"
