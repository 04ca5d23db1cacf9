"""The code for an access token, server to server (RFC 6749, 4.1.3, with PKCE; public client)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from fhir_mappings.panel import DataGroup
from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.base_urls import parse_base_url
from service.cds_hooks.hook_request import BEARER, is_fhir_id
from service.cds_hooks.smart_scopes import missing_scopes
from service.error_codes import ErrorCode
from service.errors import AuthorizationFailed, LaunchRefused
from service.fhir_client.failures import FailureKind, FetchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cds_hooks.prefetch_template import Template
    from service.evidence_app.launch import SmartConfiguration
    from service.evidence_app.outgoing import Outgoing
    from service.evidence_app.registrations import Registration
    from service.evidence_app.sealed_launch import OpenLaunch

_CODE = re.compile(r"[\x20-\x7e]{1,4000}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,16000}")
_NEEDED = (DataGroup.PATIENT, DataGroup.BLOOD_COUNTS)


class TokenResponse(Struct, frozen=True):
    """What is read of a token response; the token ends with the request."""

    access_token: str
    token_type: str = BEARER
    patient: Any = None
    scope: Any = None

    def __repr__(self) -> str:
        return "TokenResponse()"


class Authorized(Struct, frozen=True):
    """Access to one patient of one FHIR server. The patient comes from the token response alone."""

    access_token: str
    patient_id: str

    def __repr__(self) -> str:
        return "Authorized()"


_RESPONSE = msgspec.json.Decoder(TokenResponse)


def exchange(
    code: str,
    opened: OpenLaunch,
    configuration: SmartConfiguration,
    registration: Registration,
    redirect_uri: str,
    outgoing: Outgoing,
    templates: Mapping[DataGroup, Template],
) -> Authorized:
    """Exchange the code of a launch. Raises LaunchRefused and AuthorizationFailed."""
    if not _CODE.fullmatch(code):
        raise _not_accepted()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": registration.app.client_id,
        "code_verifier": opened.verifier,
    }
    endpoint = configuration.token_endpoint
    try:
        body = outgoing.ask(parse_base_url(endpoint.partition("?")[0]), endpoint, form)
    except FetchFailed as failed:
        status = failed.failure.status
        if failed.failure.kind is FailureKind.STATUS and status in {400, 401, 403}:
            raise _not_accepted() from None
        raise AuthorizationFailed(
            "The EHR did not give the app access in time; try again later from the card.",
            code=ErrorCode.TOKEN_ENDPOINT_UNAVAILABLE,
        ) from None
    return _checked(_read(body), templates)


def _not_accepted() -> LaunchRefused:
    return LaunchRefused(
        "The EHR no longer accepts this launch; open the app again from the card.",
        code=ErrorCode.CODE_NOT_ACCEPTED,
    )


def _read(body: bytes) -> TokenResponse:
    try:
        response = _RESPONSE.decode(body)
    except DECODE_ERRORS:
        response = TokenResponse("")
    if not _TOKEN.fullmatch(response.access_token) or response.token_type.lower() != "bearer":
        raise AuthorizationFailed(
            "The EHR gave the app no access token that can be used; tell the operator.",
            code=ErrorCode.TOKEN_RESPONSE_UNUSABLE,
        )
    return response


def _checked(response: TokenResponse, templates: Mapping[DataGroup, Template]) -> Authorized:
    patient = response.patient
    if not isinstance(patient, str) or not is_fhir_id(patient):
        raise LaunchRefused(
            "The EHR opened the app without a patient; open it from the card in a patient's chart.",
            code=ErrorCode.LAUNCH_WITHOUT_PATIENT,
        )
    # Where the response names no scopes, those asked for were granted (RFC 6749, 5.1).
    if isinstance(response.scope, str):
        needed = {group: templates[group] for group in _NEEDED}
        if missing := missing_scopes(response.scope.split(), needed):
            raise LaunchRefused(
                f"The EHR did not grant the app what it needs ({', '.join(missing)}); tell the "
                "operator.",
                code=ErrorCode.SCOPE_MISSING,
            )
    return Authorized(response.access_token, patient)
