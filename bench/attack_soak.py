"""Hung server, slow key server, hostile texts and honest calls at once: what do the honest see?

    python -m bench.attack_soak --minutes 20

gunicorn with two workers of 32 threads as `heme-hooks serve` starts it, SQLite, four clients. On
loopback only. Ends with 1 where an honest call was lost or over the deadline, or memory grew.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.attacks import drip
from bench.calls import present
from bench.servers import Server
from service.commands.serve import ALLOCATOR
from tests.support.attackers import Figures, ask, hung_server
from tests.support.gunicorn_server import PATIENT_VIEW, PUBLIC, served, session
from tests.support.hook_calls import EMPTY, PATIENT, call, seed_prefetch
from tests.support.raw_server import http, raw_server
from tests.support.text_fields import filled, resources, together
from tests.support.tokens import EC_KEY, Signer, database, jwks

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

DEADLINE = 4.0
MOST_GROWTH = 60.0
"""Megabytes, from after the first minute until a minute after the end."""

HONEST = ("honest prefetched", "honest fetched", "liveness")
TEXTS = (
    ("pregnancy", "18185-9 string", "\t"),
    ("bloodCounts", "string", " "),
    ("bloodCounts", "range text", "to "),
    ("smear", "14869-2 string", "no blasts "),
    ("medicationRequests", "one", "iron "),
    ("conditions", "one", "not "),
)
CLIENTS = """
[[clients]]
name = "honest"
issuer = "https://honest.example"
jwks_file = "keys.json"
fhir_servers = ["{healthy}"]
[[clients]]
name = "hung"
issuer = "https://hung.example"
jwks_file = "keys.json"
fhir_servers = ["{hung}"]
[[clients]]
name = "drip"
issuer = "https://drip.example"
jwks_url = "{keys}/keys"
fhir_servers = ["{healthy}"]
"""


def healthy(path: str, connection: socket.socket) -> None:
    """A FHIR server that answers at once, with nothing."""
    connection.sendall(http(PATIENT if "/Patient/" in path else EMPTY))


def hostile_calls() -> list[dict[str, Any]]:
    """Calls with long texts on which a regular expression can be very slow."""
    made = []
    for key, name, unit in TEXTS:
        (resource,) = resources()[key][name]
        changed = filled(resource, together(resource), "1" + unit * 4000)
        prefetch = seed_prefetch() | {key: {**EMPTY, "entry": [{"resource": changed}] * 20}}
        made.append(call(prefetch=prefetch))
    return made


@dataclass
class Run:
    """The callers of one run, and what they met by kind."""

    base: str
    stop: threading.Event = field(default_factory=threading.Event)
    figures: dict[str, Figures] = field(default_factory=dict)

    def call(self, kind: str, client: str, body: Callable[[], Any], pause: float) -> None:
        """Call again and again until told to stop; after a refusal, wait as `Retry-After` says."""
        figures = self.figures.setdefault(kind, Figures())
        with session() as browser:
            browser.headers["Connection"] = "close"
            while not self.stop.is_set():
                signer = Signer(PUBLIC + PATIENT_VIEW, present())
                head = {"Authorization": f"Bearer {signer.token(iss=f'https://{client}.example')}"}
                url = self.base + PATIENT_VIEW
                answer = ask(browser, "POST", url, figures, json=body(), headers=head)
                wait = 1.0 if answer is None else float(answer.headers.get("Retry-After", 0))
                self.stop.wait(wait + pause)

    def live(self) -> None:
        """Ask `/health/live` three times a second."""
        figures = self.figures.setdefault("liveness", Figures())
        with session() as browser:
            while not self.stop.is_set():
                ask(browser, "GET", f"{self.base}/health/live", figures)
                self.stop.wait(0.3)

    def begin(self, hung: str, fine: str) -> list[threading.Thread]:
        """Start every caller."""
        good, bad = call(prefetch=seed_prefetch()), hostile_calls()
        chance = random.Random(1)  # noqa: S311  repeatable, not secret
        kinds: list[tuple[int, str, str, Callable[[], Any], float]] = [
            (3, "honest prefetched", "honest", lambda: good, 0.3),
            (2, "honest fetched", "honest", lambda: call(fhirServer=fine), 0.5),
            (40, "hung", "hung", lambda: call(fhirServer=hung), 0.1),
            (8, "drip", "drip", lambda: good, 0.2),
            (3, "hostile", "honest", lambda: chance.choice(bad), 0.5),
        ]
        threads = [
            threading.Thread(target=self.call, args=(kind, client, body, pause), daemon=True)
            for number, kind, client, body, pause in kinds
            for _ in range(number)
        ]
        threads.append(threading.Thread(target=self.live, daemon=True))
        for thread in threads:
            thread.start()
        return threads


def faults(run: Run) -> list[str]:
    """What went wrong for honest callers."""
    found = []
    for kind in HONEST:
        figures = run.figures[kind]
        lost = [status for status in figures.statuses if status != 200]
        late = [seconds for seconds in figures.seconds if seconds > DEADLINE]
        if lost or late:
            found.append(f"{kind}: {len(lost)} lost, {len(late)} over {DEADLINE:g} s")
    return found


def soak(minutes: float) -> list[str]:
    """Run, print figures, and return what is wrong."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hung = stack.enter_context(hung_server())
        keys = stack.enter_context(raw_server(drip))
        fine = stack.enter_context(raw_server(healthy))
        (folder / "keys.json").write_text(jwks(ec=EC_KEY), "utf-8")
        text = CLIENTS.format(healthy=fine.base, hung=hung.base, keys=keys.base)
        (folder / "clients.toml").write_text(text, "utf-8")
        os.environ.update(ALLOCATOR)
        files = {"clients_file": str(folder / "clients.toml"), "database_url": database(folder)}
        base, pid = stack.enter_context(served(2, 32, **files))
        server, run = Server("soak", 0, pid, 0.0), Run(base)
        threads = run.begin(hung.base, fine.base)
        end = time.monotonic() + 60 * minutes
        time.sleep(min(60.0, 30 * minutes))
        first = server.memory()
        while (left := end - time.monotonic()) > 0:
            print(f"{left / 60:.1f} min left, {server.memory():.0f} MB", flush=True)
            time.sleep(min(60.0, left))
        run.stop.set()
        for thread in threads:
            thread.join(30)
        with suppress(KeyboardInterrupt):
            time.sleep(min(60.0, 30 * minutes))
        last = server.memory()
    for kind, figures in run.figures.items():
        print(f"{kind}: {figures.described()}")
    print(f"memory: {first:.0f} MB after the first minute, {last:.0f} MB at the end")
    grown = last - first
    return faults(run) + ([f"memory grew by {grown:.0f} MB"] if grown > MOST_GROWTH else [])


def main() -> int:
    """Read the command line and run; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.attack_soak")
    parser.add_argument("--minutes", type=float, default=20.0)
    found = soak(parser.parse_args().minutes)
    print("\n".join(found) or "No honest call was hurt.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
