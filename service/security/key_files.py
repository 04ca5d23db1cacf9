"""Public keys in a file: a JSON Web Key Set, or one key alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jwt
from jwt import PyJWK, PyJWKSet

if TYPE_CHECKING:
    from pathlib import Path

KEY_FILE_ERRORS = (OSError, ValueError, RecursionError, jwt.PyJWTError)
"""What `keys_in` and `keys_of` raise."""

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})


def keys_in(path: Path) -> dict[str, PyJWK]:
    """Return the signature keys of a file by their 'kid'.

    Raises one of KEY_FILE_ERRORS when there is no usable key in it.
    """
    return keys_of(path.read_bytes())


def keys_of(document: bytes) -> dict[str, PyJWK]:
    """Return the signature keys of a document by their 'kid'. Raises one of KEY_FILE_ERRORS."""
    content = json.loads(document.decode())
    if not isinstance(content, dict):
        raise ValueError("a key set is a JSON object")
    keys = content.get("keys", [content] if "kty" in content else [])
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("the keys of a set are JSON objects")
    return {str(key.key_id): key for key in PyJWKSet(keys).keys if signs(key)}


def signs(key: PyJWK) -> bool:
    """Whether the key may be used for signatures."""
    return key.public_key_use in {"sig", None}


def fitting(key: PyJWK, algorithm: str) -> PyJWK | None:
    """Return the public half of the key for use with that algorithm, None where it does not fit.

    'alg' is optional in a key (RFC 7517, 4.4): PyJWT then takes an RSA key for RS256, whatever it
    is used for.
    """
    content = key._jwk_data  # PyJWT has no other way to what the key says of itself
    unsaid = "alg" not in content and key.key_type == "RSA" and algorithm[:2] in {"RS", "PS"}
    if key.algorithm_name != algorithm and not unsaid:
        return None
    if key.algorithm_name == algorithm and not _PRIVATE & content.keys():
        return key
    public = {name: value for name, value in content.items() if name not in _PRIVATE}
    return PyJWK(public, algorithm)
