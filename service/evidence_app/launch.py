"""From the EHR's launch to its authorization endpoint (SMART App Launch 2.2, EHR launch)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.error_codes import ErrorCode
from service.errors import AuthorizationFailed, LaunchRefused
from service.fhir_client.failures import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.base_urls import BaseUrl
    from service.evidence_app.outgoing import Outgoing
    from service.evidence_app.registrations import Registration
    from service.evidence_app.sealed_launch import OpenLaunch

KEPT_SECONDS = 600.0
"""How long a smart-configuration is believed."""

PKCE_METHOD = "S256"
_LAUNCH = re.compile(r"[\x21-\x7e]{1,4000}")


class SmartConfiguration(Struct, frozen=True):
    """What is read of `.well-known/smart-configuration`."""

    authorization_endpoint: str
    token_endpoint: str
    code_challenge_methods_supported: tuple[str, ...] | None = None
    issuer: Any = None


_CONFIGURATION = msgspec.json.Decoder(SmartConfiguration)


@dataclass(frozen=True, slots=True)
class _Kept:
    configuration: SmartConfiguration
    until: float


class SmartConfigurations:
    """The configurations of the registered FHIR servers, each read again after ten minutes."""

    def __init__(self, outgoing: Outgoing, monotonic: Callable[[], float]) -> None:
        self._outgoing = outgoing
        self._monotonic = monotonic
        self._kept: dict[BaseUrl, _Kept] = {}

    def of(self, registration: Registration) -> SmartConfiguration:
        """Return what the registered FHIR server says. Raises AuthorizationFailed."""
        base, now = registration.fhir_server, self._monotonic()
        kept = self._kept.get(base)
        if kept is None or kept.until <= now:
            kept = _Kept(self._read(registration), now + KEPT_SECONDS)
            self._kept[base] = kept
        return kept.configuration

    def _read(self, registration: Registration) -> SmartConfiguration:
        base = registration.fhir_server
        try:
            body = self._outgoing.ask(base, f"{base}/.well-known/smart-configuration")
            found = _CONFIGURATION.decode(body)
        except (FetchFailed, *DECODE_ERRORS):
            raise AuthorizationFailed(
                "The EHR does not say where to sign the app in (smart-configuration); try again "
                "later, or tell the operator."
            ) from None
        _check(found, registration)
        return found


def _check(found: SmartConfiguration, registration: Registration) -> None:
    endpoints = (found.authorization_endpoint, found.token_endpoint)
    allowed = registration.app.may_use
    if not all(allowed(registration.fhir_server, endpoint) for endpoint in endpoints):
        raise AuthorizationFailed(
            "The EHR names an authorization server that this app is not registered for; tell the "
            "operator.",
            code=ErrorCode.AUTHORIZATION_SERVER_NOT_ALLOWED,
        )
    methods = found.code_challenge_methods_supported
    if methods is not None and PKCE_METHOD not in methods:
        raise AuthorizationFailed(
            "The EHR's authorization server does not support PKCE with S256; tell the operator.",
            code=ErrorCode.AUTHORIZATION_SERVER_NOT_SAFE,
        )


def check_launch(launch: str) -> None:
    """Check the EHR's `launch` parameter, which is passed on as it is. Raises LaunchRefused."""
    if not _LAUNCH.fullmatch(launch):
        raise LaunchRefused(
            "The EHR opened the app without saying for whom; open it from the card.",
            code=ErrorCode.LAUNCH_INCOMPLETE,
            expression="launch",
        )


def check_issuer(named: str | None, configuration: SmartConfiguration) -> None:
    """Refuse a code that another authorization server gave (RFC 9207). Raises LaunchRefused."""
    if named is not None and configuration.issuer is not None and named != configuration.issuer:
        raise LaunchRefused(
            "Another EHR answered than the one that opened the app; open it again from the card.",
            code=ErrorCode.OTHER_AUTHORIZATION_SERVER,
        )


def authorization_address(
    configuration: SmartConfiguration,
    registration: Registration,
    opened: OpenLaunch,
    launch: str,
    redirect_uri: str,
    scopes: tuple[str, ...],
) -> str:
    """Return where the browser goes to get its code."""
    query = {
        "response_type": "code",
        "client_id": registration.app.client_id,
        "redirect_uri": redirect_uri,
        "launch": launch,
        "scope": " ".join(registration.app.scopes or scopes),
        "state": opened.state,
        "aud": opened.iss,
        "code_challenge": opened.challenge,
        "code_challenge_method": PKCE_METHOD,
    }
    endpoint = configuration.authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"
