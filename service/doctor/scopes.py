"""The access token for the FHIR server: is it valid, and do its scopes cover our searches?

A JSON Web Token is read but not verified: that is the FHIR server's task.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt

from service.cds_hooks.smart_scopes import missing_scopes
from service.doctor.checks import Check, ok, warning, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.prefetch_template import Template

TOKEN, SCOPES = "access token", "scopes"


def check_access_token(
    token: str | None, templates: Mapping[DataGroup, Template], now: datetime
) -> Iterator[Check]:
    """Whether the token is well-formed, has not expired, and covers each prefetch key."""
    if token is None:
        yield warning(
            TOKEN,
            "none was named",
            "Name one with --token-file, unless the server is open to everybody.",
        )
        return
    if not token or not token.isprintable() or " " in token:
        yield wrong(TOKEN, "the file holds no bearer token", "The file holds the token alone.")
        return
    claims = _claims(token)
    if claims is None:
        yield ok(TOKEN, "opaque: expiry and scopes show only in the searches")
        return
    yield from _expiry(claims, now)
    scopes = _scopes(claims)
    if scopes:
        yield from check_scopes(scopes, templates)
    else:
        yield warning(SCOPES, "the token does not tell its scopes", "The searches will show them.")


def _claims(token: str) -> Mapping[str, Any] | None:
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None


def _expiry(claims: Mapping[str, Any], now: datetime) -> Iterator[Check]:
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not 0 < expires < 4e9:
        yield warning(TOKEN, "does not tell when it expires", "Ask the vendor for its life.")
        return
    moment = datetime.fromtimestamp(expires, UTC)
    if moment <= now:
        yield wrong(TOKEN, f"expired at {moment:%Y-%m-%d %H:%M:%S} UTC", "Get a new one.")
    else:
        yield ok(TOKEN, f"holds until {moment:%Y-%m-%d %H:%M:%S} UTC")


def _scopes(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scopes: `scope` as text (RFC 8693), or a list, or `scp` (Microsoft)."""
    said = claims.get("scope", claims.get("scp", ()))
    parts = said.split() if isinstance(said, str) else said
    return tuple(str(each) for each in parts) if isinstance(parts, list | tuple) else ()


def check_scopes(scopes: Iterable[str], templates: Mapping[DataGroup, Template]) -> Iterator[Check]:
    """Compare granted scopes (SMART 1 and 2) with what the searches need."""
    missing = missing_scopes(scopes, templates)
    for scope, groups in missing.items():
        kind = scope.partition("/")[2].partition(".")[0]
        make = wrong if kind in {"Patient", "Observation"} else warning
        yield make(
            SCOPES,
            f"{scope} is not granted ({', '.join(groups)})",
            f"Ask for {scope}, or patient/{kind}.read where the server knows SMART 1 only.",
        )
    if not missing:
        yield ok(SCOPES, "cover every prefetch key")
