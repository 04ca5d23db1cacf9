"""The stable codes of errors, what they mean and what helps: the source of docs/errors.md."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Self


@unique
class ErrorCode(StrEnum):
    """One value of `issue.details.coding.code`. Codes are only ever added.

    `status` is the HTTP status that it comes with (`HTTP_ERROR`: any), `meaning` and `remedy` are
    for the reader of the documentation.
    """

    status: int
    meaning: str
    remedy: str

    def __new__(cls, code: str, status: int = 500, meaning: str = "", remedy: str = "") -> Self:
        """Make one member of its code and what is said of it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.meaning = meaning
        member.remedy = remedy
        return member

    INVALID_HOOK_CALL = (
        "invalid-hook-call",
        400,
        "The body is not valid JSON, or a field of the call is missing or mistyped.",
        "`expression` names the field; correct the client.",
    )
    INVALID_FEEDBACK = (
        "invalid-feedback",
        400,
        "The feedback is malformed; nothing of it was stored.",
        "`expression` names the field; correct the client.",
    )
    INVALID_SANDBOX_REQUEST = (
        "invalid-sandbox-request",
        400,
        "The sandbox page (development only) sent something that cannot be used.",
        "`expression` names the field of the page.",
    )
    TOKEN_MISSING = (
        "token-missing",
        401,
        "The call has no `Authorization: Bearer` token.",
        "Send a signed token with each call, feedback included.",
    )
    INVALID_TOKEN = (
        "invalid-token",
        401,
        "The token is not a JSON Web Token, is longer than 8,000 characters, has a `typ` other "
        "than JWT, an unknown `crit`, times that are not numbers, or a `jti` that is not plain "
        "text of up to 200 characters.",
        "Correct the client's tokens.",
    )
    UNKNOWN_ISSUER = (
        "unknown-issuer",
        401,
        "No client in the clients file has this `iss`. It is compared letter by letter.",
        "Register the client, or correct its issuer.",
    )
    ALGORITHM_NOT_ALLOWED = (
        "algorithm-not-allowed",
        401,
        "`alg` is not listed for this client, or does not match the key. `none` and HMAC are "
        "never accepted.",
        "Sign with ES384 or RS384, or list the algorithm.",
    )
    FOREIGN_KEY_SET = (
        "foreign-key-set",
        401,
        "`jku` is not the configured key set of this client.",
        "Leave `jku` out, or correct `jwks_url`.",
    )
    UNKNOWN_KEY = (
        "unknown-key",
        401,
        "`kid` is missing or not in the client's key set.",
        "After a key rotation wait 30 seconds, or publish the new key before it is used.",
    )
    KEY_SET_UNAVAILABLE = (
        "key-set-unavailable",
        401,
        "The client's key set cannot be read, so the token cannot be checked.",
        "Check the key server or the key file.",
    )
    INVALID_SIGNATURE = (
        "invalid-signature",
        401,
        "The signature does not match.",
        "Compare the client's private key with its published public key.",
    )
    CLAIM_MISSING = (
        "claim-missing",
        401,
        "One of `iss`, `aud`, `exp`, `iat`, `jti` is missing.",
        "Correct the client's tokens.",
    )
    WRONG_AUDIENCE = (
        "wrong-audience",
        401,
        "`aud` is not the exact URL of the endpoint called.",
        "Check `HEME_HOOKS_PUBLIC_URL`; discovery, each service and each feedback endpoint differ.",
    )
    TOKEN_EXPIRED = (
        "token-expired",
        401,
        "`exp` has passed.",
        "Make a token for each call; check the clocks.",
    )
    TOKEN_FROM_THE_FUTURE = (
        "token-from-the-future",
        401,
        "`iat` or `nbf` is more than five minutes in the future.",
        "Check the clocks.",
    )
    TOKEN_LIVES_TOO_LONG = (
        "token-lives-too-long",
        401,
        "`exp` is more than 24 hours ahead.",
        "Issue tokens that expire after five minutes.",
    )
    UNKNOWN_TENANT = (
        "unknown-tenant",
        401,
        "`tenant` is not one of this client's tenants.",
        "Add the tenant to the clients file.",
    )
    TOKEN_USED_BEFORE = (
        "token-used-before",
        401,
        "`jti` was seen before: a repeated call or a replay.",
        "Make a new token for each call, retries included.",
    )
    REPLAY_GUARD_MISSING = (
        "replay-guard-missing",
        401,
        "Without a database the service cannot tell whether a token was used before.",
        "Set `HEME_HOOKS_DATABASE_URL`.",
    )
    CLIENT_NOT_AUTHENTICATED = (
        "client-not-authenticated",
        401,
        "The caller is unknown.",
        "Send a valid token.",
    )
    CLIENT_NOT_ALLOWED = (
        "client-not-allowed",
        403,
        "The client is not allowed to do this.",
        "Ask the operator.",
    )
    FHIR_SERVER_NOT_ALLOWED = (
        "fhir-server-not-allowed",
        403,
        "`fhirServer` is not one that this client may use.",
        "List its base URL in the clients file (or `HEME_HOOKS_FHIR_SERVERS`).",
    )
    LAUNCH_SERVER_UNKNOWN = (
        "launch-server-unknown",
        403,
        "The evidence app was launched with an `iss` that is no FHIR server of a client with an "
        "`app`.",
        "Compare `iss` with `fhir_servers` in the clients file.",
    )
    LAUNCH_INCOMPLETE = (
        "launch-incomplete",
        403,
        "The launch of the evidence app lacks `iss` or `launch`, or has one of them twice.",
        "Launch the app from the card.",
    )
    LAUNCH_NOT_OPEN = (
        "launch-not-open",
        403,
        "The browser has no open launch of this `state`: five minutes are over, it was used, or it "
        "is another browser's.",
        "Open the app again from the card.",
    )
    OTHER_AUTHORIZATION_SERVER = (
        "other-authorization-server",
        403,
        "The code came from another authorization server (`iss`) than the launch went to.",
        "Open the app again; tell the EHR's operator if it stays so.",
    )
    CODE_NOT_ACCEPTED = (
        "code-not-accepted",
        403,
        "The EHR's token endpoint refused the code of the evidence app.",
        "Open the app again; compare `client_id` and the redirect address with the registration.",
    )
    LAUNCH_WITHOUT_PATIENT = (
        "launch-without-patient",
        403,
        "The token response of the evidence app names no patient.",
        "Register the app for launches in a patient's chart (scope `launch`).",
    )
    SCOPE_MISSING = (
        "scope-missing",
        403,
        "The EHR did not grant the evidence app Patient or Observation.",
        "Grant the scopes that [the integrator's guide](integrator.md) lists.",
    )
    CARD_OF_ANOTHER_CLIENT = (
        "card-of-another-client",
        403,
        "The feedback is about a card that was issued to another client; nothing was stored.",
        "Send feedback as the client that received the card.",
    )
    UNKNOWN_SERVICE = (
        "unknown-service",
        404,
        "There is no CDS Service with that id.",
        "See `GET /cds-services`.",
    )
    NOT_FOUND = ("not-found", 404, "There is nothing at this address.", "Check the address.")
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        405,
        "This address does not accept the method.",
        "`Allow` lists the methods that it accepts.",
    )
    CLINICAL_DATA_UNAVAILABLE = (
        "clinical-data-unavailable",
        412,
        "Data that the advice needs was not prefetched and could not be fetched. The patient was "
        "not judged.",
        "One issue for each prefetch key says why; check the FHIR server, the scopes and the "
        "templates.",
    )
    EVIDENCE_UNAVAILABLE = (
        "evidence-unavailable",
        412,
        "The evidence app cannot show anything: data that everything rests on could not be read.",
        "The sentence names it and why; look at the FHIR server and the scopes.",
    )
    PATIENT_UNREADABLE = (
        "patient-unreadable",
        412,
        "The Patient resource is missing, is another patient's, or cannot be read.",
        "Prefetch the Patient that the context names.",
    )
    CHART_TOO_COSTLY = (
        "chart-too-costly",
        412,
        "Reading the chart took more CPU than one call may: some ten thousand long texts.",
        "Prefetch less; look at what fills the chart.",
    )
    REQUEST_TOO_LARGE = (
        "request-too-large",
        413,
        "The body is larger than `HEME_HOOKS_MAX_REQUEST_BYTES`.",
        "Prefetch less, or raise the limit here and at the proxy.",
    )
    TOO_MANY_ENTRIES = (
        "too-many-entries",
        413,
        "The prefetched Bundles hold more entries than `HEME_HOOKS_MAX_ENTRIES`.",
        "Prefetch less, or raise the limit.",
    )
    TOO_MANY_VALUES = (
        "too-many-values",
        413,
        "The body holds more JSON values than a chart of that many entries can have.",
        "As for too-many-entries.",
    )
    ADDRESS_TOO_LONG = ("address-too-long", 414, "The address is too long.", "Check the address.")
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported-media-type",
        415,
        "The body is not `application/json` in UTF-8, or is compressed.",
        "Correct the client's headers.",
    )
    HEADERS_TOO_LARGE = (
        "headers-too-large",
        431,
        "The headers are too large.",
        "Send smaller headers.",
    )
    HTTP_ERROR = (
        "http-error",
        400,
        "Any other HTTP error; the status says which.",
        "Correct the request.",
    )
    INTERNAL_ERROR = (
        "internal-error",
        500,
        "The service failed. The log line with the same request id says where.",
        "Report that line; it contains nothing about the patient.",
    )
    AUTHORIZATION_SERVER_UNAVAILABLE = (
        "authorization-server-unavailable",
        502,
        "The FHIR server's `.well-known/smart-configuration` cannot be had or read.",
        "Look at the FHIR server.",
    )
    AUTHORIZATION_SERVER_NOT_ALLOWED = (
        "authorization-server-not-allowed",
        502,
        "The smart-configuration names an endpoint that stands neither on the FHIR server's origin "
        "nor on one of `authorization_origins`; nothing was sent there.",
        "List the origin of the authorization server in the client's `app`.",
    )
    AUTHORIZATION_SERVER_NOT_SAFE = (
        "authorization-server-not-safe",
        502,
        "The authorization server supports PKCE, but not with S256.",
        "SMART App Launch asks for S256.",
    )
    TOKEN_ENDPOINT_UNAVAILABLE = (
        "token-endpoint-unavailable",
        502,
        "The EHR's token endpoint did not answer in time, or with an error or a redirect.",
        "Look at the EHR's authorization server.",
    )
    TOKEN_RESPONSE_UNUSABLE = (
        "token-response-unusable",
        502,
        "The token response holds no Bearer token that can be used.",
        "Look at the EHR's authorization server.",
    )
    STORAGE_UNAVAILABLE = (
        "storage-unavailable",
        503,
        "The database cannot be used: feedback was not stored, or a token could not be checked.",
        "Send feedback again later; check the database.",
    )
    STORAGE_NOT_CONFIGURED = (
        "storage-not-configured",
        503,
        "This service keeps no feedback: it has no database.",
        "Set `HEME_HOOKS_DATABASE_URL`.",
    )
    STORAGE_NOT_MIGRATED = (
        "storage-not-migrated",
        503,
        "The database has no tables, or tables of another version.",
        "Run `heme-hooks storage upgrade`.",
    )
    STORAGE_LOCKED = (
        "storage-locked",
        503,
        "Another process is writing to the database.",
        "Use PostgreSQL under load.",
    )
    STORAGE_READ_ONLY = (
        "storage-read-only",
        503,
        "The database is read-only.",
        "Check the permissions of the file.",
    )
    STORAGE_BUSY = (
        "storage-busy",
        503,
        "The database is slow or does not answer, and half of the threads already wait for it.",
        "Try again after `Retry-After`; check the database.",
    )
    STORAGE_FULL = ("storage-full", 503, "The disk of the database is full.", "Free some space.")


_INTRODUCTION = """# Errors

Every answer that is not 200 carries a FHIR OperationOutcome. `issue.details.coding.code` is one of
the codes below (system `{system}`); codes are only ever added. `issue.details.text` says it in
English, `issue.expression` names the field or prefetch key, and `issue.diagnostics` holds the
request id, which is also in the log line and in the `X-Request-Id` header. No patient data, token
or text from a FHIR server is ever repeated.

401 comes with `WWW-Authenticate: Bearer`, 405 with `Allow`. Addresses and headers that are too
large (414, 431) are rejected by gunicorn or the proxy, with a body of their own.

| code | status | meaning | what helps |
| --- | --- | --- | --- |
"""


def errors_document(system: str) -> str:
    """Return docs/errors.md."""
    rows = (f"| `{e.value}` | {e.status} | {e.meaning} | {e.remedy} |\n" for e in ErrorCode)
    return _INTRODUCTION.format(system=system) + "".join(rows)
