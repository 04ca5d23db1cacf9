"""The applications that are measured side by side, each started and ready to be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import figures
from bench.calls import PATH, present
from bench.healthchain_environment import healthchain_python
from bench.servers import OURS, Server, start, start_uvicorn
from tests.support.databases import upgraded
from tests.support.tokens import Signer, clients_file

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

VALIDATING = "validating"
HEALTHCHAIN = "HealthChain"
OBJECTS = "HealthChain, FHIR objects"
BESIDE = (figures.BARE, figures.OURS, figures.STORE, VALIDATING, HEALTHCHAIN, OBJECTS)
"""Those that are shown side by side; the others are ours once more, with something switched on."""

SLOW = frozenset({(10_000, VALIDATING), (10_000, OBJECTS)})
"""Validating 10,000 Observations takes seconds: left out."""

QUIET = {"HEME_HOOKS_AUDIT_LOG": ""}


@dataclass(frozen=True, slots=True)
class Contender:
    """One application that is compared: its server, and how it is called."""

    name: str
    server: Server
    explained: bool = False
    signed: bool = False

    def takes(self, size: int) -> bool:
        """Whether it is called with charts of this many Observations."""
        return (size, self.name) not in SLOW

    def headers(self, calls: int) -> list[dict[str, str]]:
        """The headers of this many calls; each token is accepted once."""
        plain = {"Content-Type": "application/json"}
        if not self.signed:
            return [plain] * calls
        made = tokens(f"{self.server.base}{PATH}", calls)
        return [plain | {"Authorization": f"Bearer {token}"} for token in made]


def tokens(audience: str, number: int) -> list[str]:
    """This many tokens for one endpoint, valid for an hour."""
    signer = Signer(audience, present())
    expires = signer.seconds(hours=1)
    return [signer.token(exp=expires) for _ in range(number)]


def signing(folder: Path) -> dict[str, str]:
    """Settings under which each call needs a token; cards are not held back, as without one."""
    folder.mkdir()
    file = clients_file(folder, "quiet_repeats = false")
    return QUIET | {"HEME_HOOKS_CLIENTS_FILE": str(file)}


def started(stack: ExitStack, folder: Path) -> list[Contender]:
    """Every application; HealthChain only where its environment can be made."""
    stores = [upgraded(f"sqlite:///{folder}/{name}.sqlite3") for name in ("unsigned", "signed")]
    store, signed_store = ({"HEME_HOOKS_DATABASE_URL": url} for url in stores)
    storeless = QUIET | {"HEME_HOOKS_DATABASE_URL": ""}
    ours = start(stack, figures.OURS, OURS, storeless)
    explained = start(stack, figures.EXPLAINED, OURS, storeless)
    stored = start(stack, figures.STORE, OURS, QUIET | store)
    signed = start(stack, figures.SIGNED, OURS, signing(folder / "clients") | signed_store)
    return [
        Contender(figures.BARE, start(stack, figures.BARE, "bench.bare:create_app()", {})),
        Contender(figures.OURS, ours),
        Contender(figures.STORE, stored),
        Contender(figures.SIGNED, signed, signed=True),
        Contender(figures.EXPLAINED, explained, explained=True),
        Contender(VALIDATING, start(stack, VALIDATING, "bench.validating:create_app()", {})),
        *_healthchain(stack),
    ]


def _healthchain(stack: ExitStack) -> list[Contender]:
    python = healthchain_python()
    if python is None:
        return []
    factories = {HEALTHCHAIN: "with_dictionaries", OBJECTS: "with_objects"}
    return [
        Contender(name, start_uvicorn(stack, name, f"bench.healthchain_app:{factory}", python))
        for name, factory in factories.items()
    ]
