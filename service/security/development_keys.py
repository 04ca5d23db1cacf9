"""A test key, its key set and signed tokens, so that a developer can call as a CDS Client does.

For development only: the private key lies in a file. A CDS Client of a hospital keeps its own.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.security.key_files import KEY_FILE_ERRORS, keys_in

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

ALGORITHM: Final = "ES384"
KEY_ID: Final = "heme-hooks-development"
PRIVATE_KEY: Final = "private-key.pem"
KEY_SET: Final = "jwks.json"

LONGEST_LIFE = timedelta(hours=24)


class DevelopmentKeyRefused(Exception):
    """The folder of the development key cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class DevelopmentKey:
    """A private key of the curve P-384 and the folder that holds it beside its key set."""

    folder: Path
    private: ec.EllipticCurvePrivateKey

    @property
    def key_set_file(self) -> Path:
        """The file with the public half, for `jwks_file` of the clients file."""
        return self.folder / KEY_SET

    def public(self) -> dict[str, Any]:
        """Return the public half as a JSON Web Key."""
        key: dict[str, Any] = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return key | {"kid": KEY_ID, "use": "sig", "alg": ALGORITHM}

    def token(
        self, *, issuer: str, audience: str, now: datetime, life: timedelta, token_id: str
    ) -> str:
        """Return a token for one call of one endpoint (CDS Hooks 2.0, Trusting CDS Clients).

        `audience` is the URL of the endpoint, `token_id` its `jti`: the service accepts it once.
        """
        claims = {
            "iss": issuer,
            "aud": audience,
            "iat": int(now.timestamp()),
            "exp": int((now + min(life, LONGEST_LIFE)).timestamp()),
            "jti": token_id,
        }
        header = {"kid": KEY_ID, "typ": "JWT"}
        return jwt.encode(claims, self.private, algorithm=ALGORITHM, headers=header)


def development_key(folder: Path) -> DevelopmentKey:
    """Return the key in a folder, made there when there is none; it is never replaced.

    Raises DevelopmentKeyRefused when the folder or the key in it cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / PRIVATE_KEY
        if not path.exists():
            _write_new(path)
        key = DevelopmentKey(folder, _read(path))
        if not _is_written(key):
            key.key_set_file.write_text(json.dumps({"keys": [key.public()]}, indent=2) + "\n")
    except OSError as error:
        raise DevelopmentKeyRefused(f"{folder} cannot be used: {error.strerror}.") from None
    return key


def existing_development_key(folder: Path) -> DevelopmentKey | None:
    """Return the key in a folder, None where there is none. Raises DevelopmentKeyRefused."""
    return development_key(folder) if (folder / PRIVATE_KEY).exists() else None


def _write_new(path: Path) -> None:
    text = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Nobody else may read it, not even for a moment; another process that was first wins.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise DevelopmentKeyRefused(f"{path} holds no private key.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp384r1":
        raise DevelopmentKeyRefused(f"{path} holds no key of the curve P-384.")
    return key


def _is_written(key: DevelopmentKey) -> bool:
    try:
        known = keys_in(key.key_set_file).get(KEY_ID)
    except KEY_FILE_ERRORS:
        return False
    return known is not None and known._jwk_data == key.public()  # PyJWT has no other way
