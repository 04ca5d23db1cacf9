"""The body of a hook call, checked once at the edge (CDS Hooks 2.0, Calling a CDS Service).

What is wrong is answered with 400 and the field's path; a value is never repeated. A call is
refused only for what the answer needs, or for what could endanger somebody: whose chart, which
user, which server, which token. Everything else is ignored when it is missing or malformed, and so
are careless drafts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.base_urls import BaseUrl, parse_base_url
from service.cds_hooks.body_limits import check_entries, check_values
from service.cds_hooks.messages import CdsRequest, CdsService, FhirAuthorization
from service.error_codes import ErrorCode
from service.errors import ClientNotAllowed, InvalidHookCall

if TYPE_CHECKING:
    from service.security.trusted_clients import CdsClient
    from service.settings import Settings

EXTENSION = "heme-hooks"
"""Member of `extension` by which a call asks for its evidence: {"heme-hooks": {"explain": true}}.
"""

BEARER = "Bearer"

_FHIR_ID = r"[A-Za-z0-9.\-]{1,64}"
_ID = re.compile(_FHIR_ID)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_USER = re.compile(rf"(?:Practitioner|PractitionerRole|Patient|RelatedPerson)/({_FHIR_ID})")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ERROR_PATH = re.compile(r"at `\$\.?([^`]*)`")
_MISSING = re.compile(r"missing required field `(\w+)`")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


_NULL = Raw(b"null")


class _Explain(Struct):
    explain: bool = False


class _Extension(Struct, rename={"ours": EXTENSION}):
    ours: _Explain | None = None


class _Context(Struct):
    userId: str
    patientId: str
    encounterId: Any = None
    draftOrders: Raw = msgspec.field(default_factory=lambda: _NULL)
    selections: Raw = msgspec.field(default_factory=lambda: _NULL)


class Body(Struct):
    """The body of a hook call, as far as it is read."""

    hook: str
    context: _Context
    hookInstance: Any = None
    fhirServer: str | None = None
    fhirAuthorization: FhirAuthorization | None = None
    prefetch: dict[str, Raw] | None = None
    extension: Raw = msgspec.field(default_factory=lambda: _NULL)


class _Drafts(Struct):
    resourceType: str
    entry: list[Raw] | None = None


_BODY = msgspec.json.Decoder(Body)
_DRAFTS = msgspec.json.Decoder(_Drafts)
_SELECTIONS = msgspec.json.Decoder(list[str] | None)
_EXTENSION = msgspec.json.Decoder(_Extension)


def parse_hook_call(
    body: bytes, service: CdsService, settings: Settings, client: CdsClient
) -> CdsRequest:
    """Check the body of a call of `service`.

    Raises InvalidHookCall with the path of the field at fault, RequestTooLarge, and
    ClientNotAllowed when the call names a FHIR server that is not on the client's list.
    """
    check_values(body, settings.max_entries)
    parsed = _decode(body)
    check_entries(body, (parsed.prefetch or {}).values(), settings.max_entries)
    _require(parsed.hook == service.hook, "hook", f"must be {service.hook} for this service")
    selections = _check_context(parsed.context, service.hook)
    base = _fhir_server(parsed, settings, client)
    context = parsed.context
    return CdsRequest(
        hook=parsed.hook,
        hook_instance=_matching(_UUID, parsed.hookInstance) or "",
        user_id=context.userId,
        patient_id=context.patientId,
        encounter_id=_matching(_ID, context.encounterId),
        fhir_server=None if base is None else str(base),
        authorization=_with_token(parsed.fhirAuthorization),
        prefetch=parsed.prefetch or {},
        draft_orders=context.draftOrders if service.hook != "patient-view" else None,
        selections=selections,
        wants_explanation=_wants_explanation(parsed) and client.explanations,
        has_evidence_app=client.app is not None,
    )


def _decode(body: bytes) -> Body:
    if body.startswith(_BYTE_ORDER_MARKS):
        raise InvalidHookCall("The body must be JSON in UTF-8 without a byte order mark")
    try:
        # msgspec does not check the text of values that stay raw; check all of it once.
        body.decode("utf-8")
        return _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise InvalidHookCall("The body's JSON is nested too deeply") from None
    except DECODE_ERRORS:
        raise InvalidHookCall("The body is not valid JSON in UTF-8") from None


def _invalid(error: msgspec.ValidationError, prefix: str = "") -> InvalidHookCall:
    """Name the field and the types; msgspec's sentence is not passed on unchanged."""
    text = str(error)
    path = found.group(1) if (found := _ERROR_PATH.search(text)) else ""
    parts = [part for part in (prefix, path) if part]
    if missing := _MISSING.search(text):
        field = ".".join([*parts, missing.group(1)])
        return InvalidHookCall(f"{field} is required", expression=field)
    field = ".".join(parts) or "body"
    expected = re.match(r"Expected `([\w |]+)`", text)
    what = f"must be of type {expected.group(1)}" if expected else "cannot be read"
    return InvalidHookCall(f"{field} {what}", expression=".".join(parts))


def _require(condition: object, field: str, what: str) -> None:
    if not condition:
        raise InvalidHookCall(f"{field} {what}", expression=field)


def is_fhir_id(text: str) -> bool:
    """Whether the text may stand in a URL as an id (FHIR R4, datatypes.html#id)."""
    return _ID.fullmatch(text) is not None and text not in {".", ".."}


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    """Return a text of this form; anything else counts as left out."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None or value in {".", ".."}:
        return None
    return value


def _with_token(authorization: FhirAuthorization | None) -> FhirAuthorization | None:
    return authorization if authorization and authorization.access_token is not None else None


def _check_context(context: _Context, hook: str) -> tuple[str, ...]:
    """Return the selections, of order-select only."""
    user = _USER.fullmatch(context.userId)
    _require(
        user and is_fhir_id(user.group(1)),
        "context.userId",
        "must be Practitioner/id, PractitionerRole/id, Patient/id or RelatedPerson/id",
    )
    _require(is_fhir_id(context.patientId), "context.patientId", "must be a FHIR id")
    if hook in {"order-select", "order-sign"}:
        _check_drafts(context.draftOrders)
    return _selections(context.selections) if hook == "order-select" else ()


def _selections(written: Raw) -> tuple[str, ...]:
    field = "context.selections"
    try:
        selections = _SELECTIONS.decode(written)
    except msgspec.ValidationError as error:
        raise _invalid(error, field) from None
    if selections is None:
        raise InvalidHookCall(f"{field} is required", expression=field)
    return tuple(selections)


def _check_drafts(drafts: Raw) -> None:
    field = "context.draftOrders"
    _require(bytes(drafts).strip() != b"null", field, "is required")
    try:
        bundle = _DRAFTS.decode(drafts)
    except msgspec.ValidationError as error:
        raise _invalid(error, field) from None
    _require(bundle.resourceType == "Bundle", field, "must be a Bundle")


def _may_use(client: CdsClient, settings: Settings, base: BaseUrl) -> bool:
    return base in client.fhir_servers or (not client.issuer and settings.allows_fhir_server(base))


def _fhir_server(body: Body, settings: Settings, client: CdsClient) -> BaseUrl | None:
    authorization = body.fhirAuthorization
    if authorization is not None:
        _check_authorization(authorization)
    if body.fhirServer is None:
        return None
    try:
        base = parse_base_url(body.fhirServer)
    except ValueError as error:
        raise InvalidHookCall(f"fhirServer {error}", expression="fhirServer") from None
    if settings.is_production:
        _require(base.scheme == "https", "fhirServer", "must be https")
    if not _may_use(client, settings, base):
        raise ClientNotAllowed(
            "fhirServer is not among the FHIR servers that this service may use; its operator "
            "lists base URLs in HEME_HOOKS_FHIR_SERVERS, or per client in HEME_HOOKS_CLIENTS_FILE",
            code=ErrorCode.FHIR_SERVER_NOT_ALLOWED,
            expression="fhirServer",
        )
    return base


def _check_authorization(authorization: FhirAuthorization) -> None:
    """It must be usable: the token is sent in a header, as Bearer."""
    field = "fhirAuthorization"
    token, seconds = authorization.access_token, authorization.expires_in
    _require(
        token is None or _TOKEN.fullmatch(token),
        f"{field}.access_token",
        "must be visible ASCII characters",
    )
    kind = BEARER if authorization.token_type is None else authorization.token_type
    _require(kind.lower() == BEARER.lower(), f"{field}.token_type", "must be Bearer")
    _require(seconds is None or seconds > 0, f"{field}.expires_in", "must be more than 0 seconds")


def _wants_explanation(body: Body) -> bool:
    try:
        extension = _EXTENSION.decode(body.extension)
    except DECODE_ERRORS:
        return False
    return extension.ours is not None and extension.ours.explain
