"""Who calls: the JSON Web Token of a CDS Client (CDS Hooks 2.0, 'Trusting CDS Clients').

PyJWT verifies the signature. The times are checked here against the service's own clock: PyJWT's
leeway would accept an expired token as well as a fast clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import sqlalchemy as sa

from service.error_codes import ErrorCode
from service.errors import ClientNotAuthenticated
from service.security.key_files import fitting
from service.security.key_sets import key_set_of
from service.storage.store import used_token

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from jwt import PyJWK

    from service.resilience.bulkhead import Bulkhead
    from service.security.key_sets import KeySet
    from service.security.trusted_clients import CdsClient
    from service.storage.store import Storage

MAX_TOKEN = 8_000
"""Characters; gunicorn takes header fields of up to 8,190 bytes (see service/commands/serve.py)."""

MAX_JTI = 200
IAT_LEEWAY = timedelta(minutes=5)
LONGEST_LIFE = timedelta(hours=24)
"""A token's jti must be remembered until it expires, so its lifetime is limited."""

SWEEP_EVERY = timedelta(minutes=1)

_REQUIRED = ("iss", "aud", "exp", "iat", "jti")


@dataclass(slots=True)
class Sweeps:
    """When the ids of expired tokens are next removed: once a minute, as it costs a statement."""

    due: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time, and then not again for a minute."""
        if self.due is not None and now < self.due <= now + SWEEP_EVERY:
            return False
        self.due = now + SWEEP_EVERY
        return True


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Checks tokens. With no clients configured nobody needs one."""

    clients: Mapping[str, CdsClient]
    key_sets: Mapping[str, KeySet]
    storage: Storage | None
    sweeps: Sweeps = field(default_factory=Sweeps)

    def authenticate(
        self, authorization: str | None, audiences: Collection[str], now: datetime
    ) -> CdsClient:
        """Return the client that signed the token of an Authorization header.

        `audiences` are the URLs under which the endpoint called is known. Raises
        ClientNotAuthenticated with a stable code for the first thing that is wrong, and
        StorageUnavailable when it is unknown whether the token was used before.
        """
        token = _bearer(authorization)
        header, unverified = _unverified(token)
        client = self.clients.get(str(unverified.get("iss")))
        if client is None:
            raise _refused(
                ErrorCode.UNKNOWN_ISSUER, "The token's 'iss' is not a configured CDS Client"
            )
        key = self._key(client, header)
        claims = _verified(token, key, client)
        _check_audience(claims, audiences)
        expires = _check_times(claims, now)
        _check_tenant(claims, client)
        self._use_once(client, claims, expires, now)
        return client

    def _key(self, client: CdsClient, header: Mapping[str, Any]) -> PyJWK:
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in client.algorithms:
            raise _refused(ErrorCode.ALGORITHM_NOT_ALLOWED, "The token's 'alg' is not allowed")
        if str(header.get("typ")).upper() != "JWT":
            raise _refused(ErrorCode.INVALID_TOKEN, "The token's 'typ' is not JWT")
        if "jku" in header and not client.knows_key_set(header["jku"]):
            raise _refused(
                ErrorCode.FOREIGN_KEY_SET, "The token's 'jku' is not the configured key set"
            )
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise _refused(ErrorCode.UNKNOWN_KEY, "The token has no 'kid'")
        key = fitting(self.key_sets[client.issuer].key(kid), algorithm)
        if key is None:
            raise _refused(
                ErrorCode.ALGORITHM_NOT_ALLOWED, "The token's 'alg' does not match its key"
            )
        return key

    def _use_once(
        self, client: CdsClient, claims: Mapping[str, Any], expires: datetime, now: datetime
    ) -> None:
        jti = claims["jti"]
        # Not every database takes a NUL or half of a surrogate pair; neither is printable.
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI or not jti.isprintable():
            raise _refused(
                ErrorCode.INVALID_TOKEN,
                "The token's 'jti' is not a plain text of up to 200 characters",
            )
        if self.storage is None:
            raise _refused(
                ErrorCode.REPLAY_GUARD_MISSING, "Without a database a used token is not recognized"
            )
        row = {"issuer": client.issuer, "jti": jti, "expires_at": expires}
        with self.storage.transaction() as connection:
            insert = self.storage.insert_once(used_token).values(row)
            first = connection.execute(insert.returning(used_token.c.jti)).scalar_one_or_none()
            if first is None:
                raise _refused(ErrorCode.TOKEN_USED_BEFORE, "The token's 'jti' was used before")
            if self.sweeps.is_due(now):
                # The leeway keeps a token that a slow clock still takes for valid.
                connection.execute(
                    sa.delete(used_token).where(used_token.c.expires_at < now - IAT_LEEWAY)
                )


def client_authenticator(
    clients: Collection[CdsClient],
    storage: Storage | None,
    monotonic: Callable[[], float],
    bulkhead: Callable[[], Bulkhead],
) -> ClientAuthenticator:
    """Join clients and their key sets; `bulkhead` makes the bound on waits for one of them."""
    return ClientAuthenticator(
        {client.issuer: client for client in clients},
        {client.issuer: key_set_of(client, monotonic, bulkhead) for client in clients},
        storage,
    )


def _refused(code: ErrorCode, message: str) -> ClientNotAuthenticated:
    return ClientNotAuthenticated(message, code=code)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _refused(ErrorCode.TOKEN_MISSING, "The call needs a JSON Web Token as Bearer")
    if len(token) > MAX_TOKEN:
        raise _refused(ErrorCode.INVALID_TOKEN, "The token is too long")
    return token.strip()


def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _refused(ErrorCode.INVALID_TOKEN, "The token is not a JSON Web Token") from None
    return decoded["header"], decoded["payload"]


def _verified(token: str, key: PyJWK, client: CdsClient) -> Mapping[str, Any]:
    options: Any = {
        "enforce_minimum_key_length": True,
        "require": list(_REQUIRED),
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "verify_aud": False,
        "verify_sub": False,
        "verify_jti": False,
    }
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token, key, algorithms=[key.algorithm_name], issuer=client.issuer, options=options
        )
    except jwt.MissingRequiredClaimError:
        raise _refused(
            ErrorCode.CLAIM_MISSING, f"The token needs the claims {', '.join(_REQUIRED)}"
        ) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _refused(
            ErrorCode.INVALID_SIGNATURE, "The token's signature does not match"
        ) from None
    return claims


def _check_audience(claims: Mapping[str, Any], audiences: Collection[str]) -> None:
    named = claims["aud"]
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or not set(audiences) & {
        a for a in listed if isinstance(a, str)
    }:
        raise _refused(
            ErrorCode.WRONG_AUDIENCE, "The token's 'aud' is not the URL of this endpoint"
        )


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    expires, issued = _moment(claims["exp"]), _moment(claims["iat"])
    starts = _moment(claims["nbf"]) if "nbf" in claims else issued
    if expires is None or issued is None or starts is None:
        raise _refused(ErrorCode.INVALID_TOKEN, "The token's times are not numbers of seconds")
    if expires <= now:
        raise _refused(ErrorCode.TOKEN_EXPIRED, "The token has expired")
    if max(issued, starts) > now + IAT_LEEWAY:
        raise _refused(ErrorCode.TOKEN_FROM_THE_FUTURE, "The token's 'iat' lies in the future")
    if expires > now + LONGEST_LIFE:
        raise _refused(
            ErrorCode.TOKEN_LIVES_TOO_LONG, "The token's 'exp' is more than 24 hours ahead"
        )
    return expires


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not math.isfinite(seconds) or not 0 <= seconds < 4e9:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _check_tenant(claims: Mapping[str, Any], client: CdsClient) -> None:
    tenant = claims.get("tenant")
    if client.tenants and not (isinstance(tenant, str) and tenant in client.tenants):
        raise _refused(
            ErrorCode.UNKNOWN_TENANT, "The token's 'tenant' is not one of this client's tenants"
        )
