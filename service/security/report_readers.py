"""Who may read the report in production: HTTP Basic with a name and a token made by us.

The settings hold only the SHA-256 of a token. A fast hash is enough because the token is random:
there is no password to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,100}")


def new_reader(name: str) -> tuple[str, str]:
    """Return a new token and the entry for the settings. Raises ValueError for an unfit name."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name is letters, digits and . _ @ -")
    token = secrets.token_urlsafe(32)
    return token, f"{name}:{_hash(token)}"


def may_read(readers: Iterable[str], name: str, token: str) -> bool:
    """Whether name and token are those of a reader; takes constant time."""
    given = f"{name}:{_hash(token)}".encode()
    found = False
    for reader in readers:
        found |= hmac.compare_digest(reader.encode(), given)
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
