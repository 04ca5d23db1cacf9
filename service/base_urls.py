"""The base URL of a FHIR server as a parsed value.

A URL that comes from outside (fhirServer, a next link) is compared part by part: scheme, host,
port and path segments. Comparing text would let `https://ehr.example/fhir-evil` or
`https://evil.example/?x=https://ehr.example/fhir` pass for `https://ehr.example/fhir`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")
_NOT_IN_A_URL = re.compile(r"[^\x21-\x7e]|[\\<>\"^`{}|]")


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """An absolute http(s) URL without user, query and fragment. `str()` gives it normalized."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return "/".join((f"{self.scheme}://{host}{port}", *self.segments))

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine itself."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def covers(self, url: str) -> bool:
        """Whether `url` lies on this origin and at or below this path, segment by segment."""
        try:
            parts = _split(url)
        except ValueError:
            return False
        origin = (parts.scheme, parts.hostname, _port(parts))
        segments = _segments(parts.path)
        return (
            origin == (self.scheme, self.host, self.port)
            and segments[: len(self.segments)] == self.segments
        )


def parse_base_url(text: str) -> BaseUrl:
    """Parse a FHIR base URL; a trailing slash does not matter.

    Raises ValueError with a phrase that says what is wrong and does not quote the URL.
    """
    parts = _split(text)
    if "?" in text:
        raise ValueError("must have no query")
    if "#" in text:
        raise ValueError("must have no fragment")
    return BaseUrl(parts.scheme, parts.hostname or "", _port(parts), _segments(parts.path))


def _split(url: str) -> SplitResult:
    if _NOT_IN_A_URL.search(url):
        raise ValueError("must be a URL")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("must be a URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("must be an absolute http or https URL")
    if "@" in parts.netloc:
        raise ValueError("must have no user name or password")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError("must have a valid host name")
    # Decoded first: a proxy may treat %2F as a slash.
    if not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(parts.path))):
        raise ValueError("must have no dot segments")
    _port(parts)
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("must have a valid port") from None
    return _DEFAULT_PORTS[parts.scheme] if port is None else port


def _segments(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)
