"""The one `Settings` of a running service, read from `HEME_HOOKS_*` when it starts.

Development is the default and needs no setting. Production refuses to start until it is safe, and
lists everything that is missing at once.
"""

from __future__ import annotations

import json
import os
import re
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path  # noqa: TC003  pydantic needs it at run time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import msgspec
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.base_urls import BaseUrl, parse_base_url
from service.registered_app import RegisteredApp

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "HEME_HOOKS_"

PUBLIC_HAPI = ("https://hapi.fhir.org/baseR4", "http://hapi.fhir.org/baseR4")
"""The public HAPI sandbox, allowed in development."""

NOT_SETTINGS = frozenset({"METRICS_FOLDER_MADE_BY", "REQUIRE_SERVERS", "HAPI_CACHE"})
"""Variables of the server's own processes and of the tests."""

DEVELOPMENT_DATABASE = "sqlite:///heme-hooks.sqlite3"
DEVELOPMENT_HASH_KEY = "development"
SHORTEST_HASH_KEY = 32
FEWEST_THREADS = 4
"""Of a worker: half of them may wait for one FHIR server."""


_APP = msgspec.json.Decoder(RegisteredApp)
_READER = re.compile(r"[A-Za-z0-9._@-]{1,100}:[0-9a-f]{64}")


class Environment(StrEnum):
    """Where the service runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class PrefetchKeys(StrEnum):
    """Which prefetch keys discovery serves."""

    CORE = "core"
    ALL = "all"


class OrderIntent(StrEnum):
    """ServiceRequest.intent of drafts."""

    PROPOSAL = "proposal"
    ORDER = "order"


class Suggestions(StrEnum):
    """How many orders one Suggestion may hold."""

    GROUPED = "grouped"
    SINGLE = "single"


class ClientAuthentication(StrEnum):
    """Who makes sure that a caller is a known CDS Client."""

    NONE = "none"
    PROXY = "proxy"


class SettingsRefused(Exception):
    """The settings do not make a safe, working service. The message lists every problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The service does not start:\n" + "\n".join(f"- {p}" for p in problems))
        self.problems = problems


def _setting(meaning: str, *, default: object, production: str = "", **bounds: Any) -> Any:  # noqa: ANN401
    """Return a field with its default, its meaning (the operator's table) and its bounds."""
    return Field(
        default=default, description=meaning, json_schema_extra={"production": production}, **bounds
    )


class Settings(BaseSettings):
    """What can be set. Each field is the environment variable `HEME_HOOKS_` + its name."""

    # Lists are decoded below, so that a wrong one is a problem like any other.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        enable_decoding=False,
        arbitrary_types_allowed=True,
    )

    environment: Environment = _setting(
        "`production` refuses to start until the settings are safe", default=Environment.DEVELOPMENT
    )
    fhir_servers: tuple[str, ...] = _setting(
        "JSON list of FHIR base URLs that calls may name, for clients that are not in the file",
        default=(),
        production="needed unless there is a clients file; https",
    )
    cors_origins: tuple[str, ...] = _setting(
        "JSON list of origins of browser clients, for clients that are not in the file",
        default=(),
        production="https, never `*`",
    )
    client_authentication: ClientAuthentication = _setting(
        "`proxy`: a reverse proxy lets only known CDS Clients through",
        default=ClientAuthentication.NONE,
        production="`proxy`, or a clients file",
    )
    prefetch_keys: PrefetchKeys = _setting(
        "`all`: discovery lists every prefetch template", default=PrefetchKeys.CORE
    )
    prefetch_dates: bool = _setting(
        (
            "discovery asks only for the time in which results can decide, with "
            "`{{today() - N days}}`: only where every EHR resolves it (integrator.md)"
        ),
        default=False,
    )
    order_intent: OrderIntent = _setting(
        "intent of drafted ServiceRequests: `proposal` or `order`", default=OrderIntent.PROPOSAL
    )
    suggestions: Suggestions = _setting(
        (
            "`grouped`: one suggestion for each decision, at most four; `single`: one for each "
            "order, for EHRs that take one action in a suggestion"
        ),
        default=Suggestions.GROUPED,
    )
    findings_off: frozenset[str] = _setting(
        "JSON list of findings that are switched off", default=frozenset()
    )
    site_mappings: Path | None = _setting(
        "ConceptMaps for local codes, units and orderables (mappings.md)", default=None
    )
    public_url: str = _setting(
        "the address that clients call: token audience, links on cards",
        default="",
        production="needed; https",
    )
    explanations: bool | None = _setting(
        "whether clients that are not in the file may ask for the evidence; on in development",
        default=None,
        production="off; switched per client in the clients file",
    )
    call_deadline: float = _setting(
        "seconds that one call may spend on fetching", default=4.0, gt=0, le=60, allow_inf_nan=False
    )
    # First stage on HAPI 8.8, medians side by side of 10, 20, 40 codes and whole lists: 50
    # Observations 0.14, 0.16, 0.15, 0.10 s; 1,000: 1.3, 1.2, 1.8, 1.7 s; 5,000: 3.3, 3.9, 4.7,
    # 4.6 s. HAPI pauses half a second past 13, 503 and 2,003 hits of one search; small ones pass
    # fewer of them, and more than 20 codes cost a small chart little less. `bench.hapi_searches`.
    codes_per_search: int = _setting("codes in one search", default=20, ge=1, le=500)
    parallel_searches: int = _setting(
        "searches of one call at the same time", default=12, ge=1, le=64
    )
    threads: int = _setting(
        "threads of a worker; `heme-hooks serve --threads` sets it",
        default=32,
        production="4 or more",
        ge=1,
        le=256,
    )
    drain_seconds: float = _setting(
        (
            "seconds for which an instance that is told to stop is not ready and still takes "
            "calls: for a load balancer that asks `/health/ready`, twice its interval"
        ),
        default=0.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
    )
    max_request_bytes: int = _setting(
        "limit on the body of a call; the proxy has its own", default=16 * 1024 * 1024, ge=1024
    )
    max_entries: int = _setting(
        "limit on the entries prefetched with a call", default=20_000, ge=100, le=10_000_000
    )
    max_search_bytes: int = _setting(
        "limit on one search, all pages", default=32 * 1024 * 1024, ge=1024
    )
    max_call_bytes: int = _setting(
        "limit on all searches of one call", default=128 * 1024 * 1024, ge=1024
    )
    max_pages: int = _setting("limit on the pages of one search", default=100, ge=1, le=1000)
    fhir_ca_file: Path | None = _setting(
        "certificate authorities of the FHIR servers (PEM)", default=None
    )
    clients_file: Path | None = _setting(
        "TOML file of CDS Clients; once it names one, every call needs a token",
        default=None,
        production="needed",
    )
    database_url: str = _setting(
        "SQLAlchemy URL of the store; empty for none",
        default=DEVELOPMENT_DATABASE,
        production="needed",
    )
    audit_log: str | None = _setting(
        "audit: `stdout`, `stderr`, a file, or empty for none",
        default=None,
        production="`stdout` by default",
    )
    hash_key: SecretStr = _setting(
        "secret key of the hashes that stand for patients and users in store and audit",
        default=SecretStr(DEVELOPMENT_HASH_KEY),
        production="needed; 32 characters or more",
    )
    quiet_repeats: bool = _setting(
        "do not show a card again without news, for clients that are not in the file", default=False
    )
    repeat_days: float = _setting(
        "days after which a card that was held back is shown again",
        default=30.0,
        gt=0,
        le=3650,
        allow_inf_nan=False,
    )
    critical_rest_hours: float = _setting(
        (
            "hours for which a critical card is not shown again to the user who answered it, "
            "unless worse"
        ),
        default=24.0,
        ge=0,
        le=168,
        allow_inf_nan=False,
    )
    known_rest_days: float = _setting(
        "days for which one user's `already-known` or `work-up-in-progress` counts for all users",
        default=7.0,
        ge=0,
        le=90,
        allow_inf_nan=False,
    )
    shadow: bool = _setting(
        "judge, store and report, but show no card, for clients that are not in the file",
        default=False,
    )
    metrics: bool = _setting("whether `/metrics` is served", default=True)
    report_readers: tuple[str, ...] = _setting(
        "JSON list of who may read `/feedback/report`: `name:SHA-256 of a token`",
        default=(),
        production="without it no report page",
    )
    sandbox: bool | None = _setting(
        "whether `/sandbox` is served; on in development", default=None, production="never"
    )
    evidence_app: RegisteredApp | None = _setting(
        "the evidence app as the EHR registered it, for clients that are not in the file (JSON)",
        default=None,
    )

    @field_validator("fhir_servers", "cors_origins", "findings_off", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('must be a JSON list, such as ["a", "b"]') from None

    @field_validator("fhir_servers")
    @classmethod
    def _base_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(parse_base_url(url)) for url in urls)

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin if origin == "*" else _origin(origin) for origin in origins)

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, url: str) -> str:
        return str(parse_base_url(url)) if url else ""

    @field_validator("report_readers", mode="before")
    @classmethod
    def _readers(cls, given: object) -> object:
        try:
            readers = json.loads(given) if isinstance(given, str) else given
        except ValueError:
            raise ValueError('must be a JSON list, such as ["name:hash"]') from None
        if not isinstance(readers, list | tuple) or not all(
            isinstance(reader, str) and _READER.fullmatch(reader) for reader in readers
        ):
            raise ValueError("write each as 'heme-hooks feedback reader NAME' prints it")
        return tuple(readers)

    @field_validator("evidence_app", mode="before")
    @classmethod
    def _registered_app(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        if not given:
            return None
        try:
            app = _APP.decode(given)
        except msgspec.DecodeError as error:
            raise ValueError(f'must be JSON such as {{"client_id": "..."}}: {error}') from None
        if problems := list(app.problems(production=False)):
            raise ValueError("; ".join(problems))
        return app

    @field_validator("site_mappings", "fhir_ca_file", "clients_file")
    @classmethod
    def _existing(cls, path: Path | None) -> Path | None:
        if path is not None and not path.exists():
            raise ValueError("there is no such file")
        return path

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        if self.is_production and (problems := dangers(self)):
            raise SettingsRefused(problems)
        return self

    @property
    def is_production(self) -> bool:
        """Whether patients' data may be expected."""
        return self.environment is Environment.PRODUCTION

    @property
    def needs_clients(self) -> bool:
        """Whether the service itself must know who calls."""
        return self.is_production and self.client_authentication is ClientAuthentication.NONE

    @property
    def may_explain(self) -> bool:
        """Whether an explanation is given to a call that asks for one."""
        return not self.is_production if self.explanations is None else self.explanations

    @property
    def serves_every_key(self) -> bool:
        """Whether discovery lists every prefetch template."""
        return self.prefetch_keys is PrefetchKeys.ALL

    @property
    def has_sandbox(self) -> bool:
        """Whether the page for CDS developers is served."""
        return not self.is_production if self.sandbox is None else self.sandbox

    @property
    def audit_target(self) -> str:
        """Where the audit goes; empty for nowhere."""
        return self.audit_log if self.audit_log is not None else "stdout" * self.is_production

    @property
    def allowed_fhir_servers(self) -> tuple[str, ...]:
        """The base URLs that a call may name, loopback apart."""
        return self.fhir_servers + (() if self.is_production else PUBLIC_HAPI)

    def allows_fhir_server(self, base: BaseUrl) -> bool:
        """Whether a call may name this FHIR server: compared part by part, not as text."""
        if not self.is_production and base.is_loopback:
            return True
        return any(parse_base_url(url) == base for url in self.allowed_fhir_servers)


class _Unchecked(Settings):
    """Settings as they are, safe or not: to name every problem at once."""

    @model_validator(mode="after")
    def _safe_in_production(self) -> Self:
        return self


def load_settings(**values: Any) -> Settings:  # noqa: ANN401  as pydantic takes them
    """Read the settings. Raises SettingsRefused with every problem in one message."""
    settings, problems = read_settings(**values)
    if problems:
        raise SettingsRefused(problems)
    return settings


def read_settings(**values: Any) -> tuple[Settings, list[str]]:  # noqa: ANN401
    """Read the settings and name every problem; a field that cannot be read has its default."""
    wrong: dict[str, str] = {}
    try:
        settings: Settings = _Unchecked(**values)
    except ValidationError as error:
        for problem in error.errors():
            wrong[str(problem["loc"][0])] = problem["msg"].removeprefix("Value error, ")
        defaults = {name: Settings.model_fields[name].default for name in wrong}
        settings = _Unchecked(**(values | defaults))
    names = {f"{PREFIX}{name.upper()}": problem for name, problem in wrong.items()}
    problems = [f"{name}: {problem}" for name, problem in names.items()]
    if settings.is_production:
        problems += unknown_variables()
        problems += [d for d in dangers(settings) if d.partition(" ")[0] not in names]
    return settings, problems


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Name each `HEME_HOOKS_*` variable that nothing reads, with the nearest one that is read.

    A misspelt switch would silently stay as it was.
    """
    known = {name.upper() for name in Settings.model_fields} | NOT_SETTINGS
    problems = []
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper().removeprefix(PREFIX) not in known:
            nearest = get_close_matches(name.upper().removeprefix(PREFIX), known, 1)
            hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "there is no such setting"
            problems.append(f"{name}: {hint}")
    return problems


def _origin(text: str) -> str:
    base = parse_base_url(text)
    if base.segments or urlsplit(text).path not in {"", "/"}:
        raise ValueError("an origin has no path")
    return str(base)


def dangers(settings: Settings) -> list[str]:
    """Name what is missing or unsafe for production, each by its variable."""
    problems: list[str] = []
    if not settings.fhir_servers and settings.clients_file is None:
        problems.append(f"{PREFIX}FHIR_SERVERS must list the FHIR servers that calls may name")
    if any(parse_base_url(url).scheme != "https" for url in settings.fhir_servers):
        problems.append(f"{PREFIX}FHIR_SERVERS must be https")
    if "*" in settings.cors_origins:
        problems.append(f"{PREFIX}CORS_ORIGINS must name origins, not *")
    if any(origin.startswith("http:") for origin in settings.cors_origins):
        problems.append(f"{PREFIX}CORS_ORIGINS must be https")
    if not settings.public_url.startswith("https:"):
        problems.append(f"{PREFIX}PUBLIC_URL must be the https address of this service")
    if settings.threads < FEWEST_THREADS:
        problems.append(f"{PREFIX}THREADS (serve --threads) must be {FEWEST_THREADS} or more")
    if settings.needs_clients and not settings.clients_file:
        problems.append(
            f"{PREFIX}CLIENTS_FILE must name the CDS Clients (or {PREFIX}CLIENT_AUTHENTICATION "
            "must be 'proxy', and a reverse proxy must let only known CDS Clients through)"
        )
    return problems + _dangers_of_insight(settings) + _dangers_of_the_store(settings)


def _dangers_of_insight(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.sandbox:
        problems.append(f"{PREFIX}SANDBOX must be off")
    if settings.explanations:
        problems.append(
            f"{PREFIX}EXPLANATIONS must be off; clients that may ask why are named in "
            f"{PREFIX}CLIENTS_FILE"
        )
    if (app := settings.evidence_app) is not None:
        problems += [f"{PREFIX}EVIDENCE_APP {problem}" for problem in app.problems(production=True)]
    return problems


def _dangers_of_the_store(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.database_url in {"", DEVELOPMENT_DATABASE}:
        problems.append(f"{PREFIX}DATABASE_URL must name the database")
    if len(settings.hash_key.get_secret_value()) < SHORTEST_HASH_KEY:
        problems.append(f"{PREFIX}HASH_KEY must be a secret of at least 32 characters")
    return problems
