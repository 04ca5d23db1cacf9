"""The CDS Clients that may call, from one TOML file (HEME_HOOKS_CLIENTS_FILE).

Each `[[clients]]` names an issuer and its key set; what else it may do is set for each client.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from service.base_urls import BaseUrl, parse_base_url
from service.registered_app import RegisteredApp  # noqa: TC001  msgspec needs it at run time
from service.security.key_files import KEY_FILE_ERRORS, keys_in
from service.settings import Suggestions  # noqa: TC001  msgspec needs it at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from service.settings import Settings

ALGORITHMS = frozenset(
    {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"}
)
"""Asymmetric signatures only (CDS Hooks 2.0, 'Trusting CDS Clients': never none, never HMAC)."""

RECOMMENDED = ("ES384", "RS384")

ANONYMOUS = "any"
"""Name of the client of calls that need no token."""


class ClientsRefused(Exception):
    """The clients file cannot be used. The message lists every problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The clients file is refused:\n" + "\n".join(f"- {p}" for p in problems))
        self.problems = problems


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    issuer: str
    jwks_url: str | None = None
    jwks_file: str | None = None
    algorithms: tuple[str, ...] = RECOMMENDED
    fhir_servers: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    shadow: bool = False
    quiet_repeats: bool = True
    explanations: bool = False
    suggestions: Suggestions | None = None
    app: RegisteredApp | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    clients: list[_Row] = []


@dataclass(frozen=True, slots=True)
class CdsClient:
    """One CDS Client.

    `fhir_servers` are the only FHIR servers that its calls may name; `tenants`, when given, the
    only values of the token's `tenant`. `shadow`: all the work is done and nothing shown.
    `suggestions` is None where the setting holds. `app`: how its EHR registered the evidence app.
    """

    name: str
    issuer: str
    jwks_url: str | None = None
    jwks_file: Path | None = None
    algorithms: tuple[str, ...] = RECOMMENDED
    fhir_servers: tuple[BaseUrl, ...] = ()
    tenants: frozenset[str] = frozenset()
    cors_origins: tuple[str, ...] = ()
    shadow: bool = False
    quiet_repeats: bool = True
    explanations: bool = False
    suggestions: Suggestions | None = None
    app: RegisteredApp | None = None

    def knows_key_set(self, jku: object) -> bool:
        """Whether a token may name this key set. It is compared only, never fetched.

        If the keys are in a file, no URL is configured: then the issuer's own origin may be named,
        as the public CDS Hooks sandbox does, and nothing else.
        """
        if self.jwks_url is not None:
            return jku == self.jwks_url
        return isinstance(jku, str) and _same_origin(jku, self.issuer)


def _same_origin(url: str, other: str) -> bool:
    try:
        ours, theirs = parse_base_url(url), parse_base_url(other)
    except ValueError:
        return False
    return (ours.scheme, ours.host, ours.port) == (theirs.scheme, theirs.host, theirs.port)


def anonymous(settings: Settings) -> CdsClient:
    """Return the client of calls that need no token, with the switches of the settings."""
    return CdsClient(
        ANONYMOUS,
        "",
        shadow=settings.shadow,
        quiet_repeats=settings.quiet_repeats,
        explanations=settings.may_explain,
        app=settings.evidence_app,
    )


def load_clients(path: Path, *, production: bool) -> tuple[CdsClient, ...]:
    """Read the clients file; relative key files are beside it.

    Raises ClientsRefused with every problem at once, each naming the client concerned.
    """
    try:
        text = path.read_text(encoding="utf-8")
        rows = msgspec.convert(tomllib.loads(text), _File).clients
    except OSError as error:
        raise ClientsRefused([f"cannot be read ({type(error).__name__})"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ClientsRefused([str(error)]) from None
    problems = [problem for row in rows for problem in _problems(row, path, production)]
    names = [row.name for row in rows]
    problems += [
        f"{name}: named twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    issuers = [row.issuer for row in rows]
    problems += [
        f"two clients share the issuer {i}"
        for i in sorted({i for i in issuers if issuers.count(i) > 1})
    ]
    clients = () if problems else tuple(_client(row, path) for row in rows)
    problems += _shared_servers(clients)
    if problems:
        raise ClientsRefused(problems)
    return clients


def _shared_servers(clients: Iterable[CdsClient]) -> list[str]:
    """A launch names nothing but its FHIR server: that must tell whose app it is."""
    seen: dict[BaseUrl, str] = {}
    problems = []
    for client in clients:
        for base in client.fhir_servers if client.app else ():
            if seen.setdefault(base, client.name) != client.name:
                problems.append(f"{client.name} and {seen[base]}: both have an app for {base}")
    return problems


def _problems(row: _Row, path: Path, production: bool) -> Iterator[str]:  # noqa: FBT001
    named = row.name or "a client without a name"
    if not row.name or not row.issuer:
        yield f"{named}: needs a name and an issuer"
    if row.name == ANONYMOUS:
        yield f"{named}: is the name of calls without a token"
    yield from (f"{named}: {problem}" for problem in _key_problems(row, path, production))
    yield from (f"{named}: {problem}" for problem in _url_problems(row, production))
    yield from (f"{named}: app: {problem}" for problem in _app_problems(row, production))


def _key_problems(row: _Row, path: Path, production: bool) -> Iterator[str]:  # noqa: FBT001
    if (row.jwks_url is None) == (row.jwks_file is None):
        yield "needs either jwks_url or jwks_file"
    if row.jwks_url is not None and not _may_fetch(row.jwks_url, production):
        yield "jwks_url must be an absolute https URL"
    if row.jwks_file is not None:
        try:
            keys_in(path.parent / row.jwks_file)
        except KEY_FILE_ERRORS:
            yield f"{row.jwks_file} is no file with a JSON Web Key Set"
    if not row.algorithms or not set(row.algorithms) <= ALGORITHMS:
        yield f"algorithms must be among {', '.join(sorted(ALGORITHMS))}"


def _url_problems(row: _Row, production: bool) -> Iterator[str]:  # noqa: FBT001
    if production and "*" in row.cors_origins:
        yield "cors_origins must name origins, not *"
    for url in (*row.fhir_servers, *(o for o in row.cors_origins if o != "*")):
        try:
            base = parse_base_url(url)
        except ValueError as error:
            yield f"{url}: {error}"
            continue
        if production and base.scheme != "https":
            yield f"{url} must be https"


def _app_problems(row: _Row, production: bool) -> Iterator[str]:  # noqa: FBT001
    if row.app is not None:
        yield from row.app.problems(production=production)
        if not row.fhir_servers:
            yield "needs fhir_servers: a launch names one of them"


def _may_fetch(url: str, production: bool) -> bool:  # noqa: FBT001
    parts = urlsplit(url)
    allowed = {"https"} if production else {"https", "http"}
    return parts.scheme in allowed and bool(parts.hostname) and not parts.username


def _client(row: _Row, path: Path) -> CdsClient:
    return CdsClient(
        row.name,
        row.issuer,
        row.jwks_url,
        path.parent / row.jwks_file if row.jwks_file else None,
        row.algorithms,
        tuple(parse_base_url(url) for url in row.fhir_servers),
        frozenset(row.tenants),
        row.cors_origins,
        row.shadow,
        row.quiet_repeats,
        row.explanations,
        row.suggestions,
        row.app,
    )
