"""What a launch must remember until the browser comes back, sealed in a cookie of its own.

Nothing is stored on the server. The seal is AES-256-GCM under a key derived (HKDF-SHA-256) from the
hash key; the cookie's name is authenticated too, so the content of one cookie opens under no other
name.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFE = timedelta(minutes=5)
"""From the launch to the exchange of the code."""

COOKIE_PREFIX = "__Host-heme-hooks-"
MOST_OPEN = 6
"""Launches of one browser that are open at the same time: a request's head has a limit."""

MOST_STATE = 200
_NONCE = 12
_PURPOSE = b"heme-hooks evidence app, open launch, 1"


class OpenLaunch(Struct, frozen=True):
    """A launch that waits for its code. `iss` is the FHIR server as the EHR wrote it."""

    state: str
    verifier: str
    iss: str
    begun: float

    def __repr__(self) -> str:
        return "OpenLaunch()"

    @property
    def challenge(self) -> str:
        """The PKCE challenge of the verifier, method S256 (RFC 7636, 4.2)."""
        return _text(sha256(self.verifier.encode()).digest())


_DECODER = msgspec.json.Decoder(OpenLaunch)


def new_launch(iss: str, now: datetime) -> OpenLaunch:
    """Return a launch with a state and a verifier that nobody can guess (256 bits each)."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    return OpenLaunch(state, verifier, iss, now.timestamp())


def cookie_name(state: str) -> str:
    """Return the name of the cookie of one launch; it does not tell the state."""
    return COOKIE_PREFIX + sha256(state.encode()).hexdigest()[:32]


class LaunchSeal:
    """Seals and opens launches; the same for every worker that has the hash key."""

    def __init__(self, hash_key: str) -> None:
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
        self._cipher = AESGCM(derive.derive(hash_key.encode()))

    def seal(self, launch: OpenLaunch) -> str:
        """Return the value of the launch's cookie."""
        nonce = secrets.token_bytes(_NONCE)
        name = cookie_name(launch.state).encode()
        return _text(nonce + self._cipher.encrypt(nonce, msgspec.json.encode(launch), name))

    def open(self, state: str, cookies: Mapping[str, str], now: datetime) -> OpenLaunch | None:
        """Return the launch of a state; None when this browser has none, or it is too old."""
        if not 0 < len(state) <= MOST_STATE:
            return None
        name = cookie_name(state)
        launch = self._opened(name, cookies.get(name, ""))
        if launch is None or not secrets.compare_digest(launch.state.encode(), state.encode()):
            return None
        age = now - datetime.fromtimestamp(launch.begun, UTC)
        return launch if timedelta(0) <= age <= LIFE else None

    def superfluous(self, cookies: Mapping[str, str]) -> list[str]:
        """Name the cookies that a further launch must clear away: foreign ones, and the oldest."""
        ours = [name for name in cookies if name.startswith(COOKIE_PREFIX)]
        launches = {name: self._opened(name, cookies[name]) for name in ours}
        kept = sorted(
            (launch.begun, name) for name, launch in launches.items() if launch is not None
        )[-(MOST_OPEN - 1) :]
        return [name for name in ours if name not in {each for _, each in kept}]

    def _opened(self, name: str, value: str) -> OpenLaunch | None:
        try:
            sealed = urlsafe_b64decode(value + "=" * (-len(value) % 4))
            content = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
            return _DECODER.decode(content)
        except (ValueError, InvalidTag, msgspec.DecodeError):
            return None


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
