"""What attacks cost: the figures of one checkout, to be set beside those of another.

    python bench/attacks.py                                  this checkout
    PYTHONPATH=/path/to/another python bench/attacks.py      another one

Texts on which regular expressions are slow, 64 callers of a FHIR server that hangs, answers of
31 MB of blanks, and a slow key server. It needs nothing of this checkout but itself. Loopback only,
Linux.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

import service
from service.app import create_app
from service.commands import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
CALL = "/cds-services/pancytopenia-patient-view"
PATIENT: dict[str, object] = {
    "resourceType": "Patient",
    "id": "p1",
    "gender": "female",
    "birthDate": "1958-02-03",
}
EMPTY: dict[str, object] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
BLANKS = b" " * 31_000_000
NOW = datetime.fromtimestamp(time.time(), tz=UTC).isoformat()
TEXTS = {
    "384 tabs as gestational age": ("pregnancy", "18185-9", "1" + "\t" * 384 + "x"),
    "16,000 blanks in a number": ("bloodCounts", "718-7", "<" + " " * 16_000 + "x"),
    "16,000 characters of a film report": ("smear", "14869-2", "no blasts " * 1_600),
}


def call(**fields: object) -> dict[str, Any]:
    """A patient-view call."""
    context = {"userId": "Practitioner/1", "patientId": "p1"}
    instance = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
    return {"hook": "patient-view", "hookInstance": instance, "context": context, **fields}


def http(body: bytes) -> bytes:
    """One answer that ends the connection."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def listen(answer: Callable[[str, socket.socket], None]) -> str:
    """A server on loopback for the rest of the run; its base URL."""
    listener = socket.create_server((HOST, 0), backlog=256)

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            answer(connection.recv(65536).decode("latin-1").split(" ")[1], connection)

    def accept() -> None:
        while True:
            threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://{HOST}:{listener.getsockname()[1]}"


def hang(_: str, connection: socket.socket) -> None:
    """Say nothing until the caller closes the connection."""
    while connection.recv(4096):
        pass


def drip(_: str, connection: socket.socket) -> None:
    """A byte now and then: no socket timeout is reached, and the answer never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.3)


def blanks(path: str, connection: socket.socket) -> None:
    """A patient, and blood counts that are nothing but blanks."""
    one = json.dumps(PATIENT).encode() if "/Patient/" in path else BLANKS
    connection.sendall(http(one))


def session() -> requests.Session:
    """A session that asks loopback without a proxy."""
    made = requests.Session()
    made.trust_env = False
    return made


@contextmanager
def served(workers: int, **settings: str) -> Iterator[tuple[str, int]]:
    """The checkout's own gunicorn command; its address and process id."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    threads = getattr(serve, "DEFAULT_THREADS", 8)
    command = serve.gunicorn_command(HOST, port, workers, threads, "https://hooks.example")
    names = {f"HEME_HOOKS_{name.upper()}": value for name, value in settings.items()}
    environment = {**getattr(serve, "ALLOCATOR", {}), **os.environ, **names}
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
    try:
        for _ in range(300):
            with suppress(requests.RequestException), session() as browser:
                if browser.get(f"http://{HOST}:{port}/cds-services", timeout=2).ok:
                    break
            time.sleep(0.1)
        yield f"http://{HOST}:{port}", child.pid
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(40)
        child.kill()


def timed(ask: Callable[[], requests.Response]) -> tuple[float, int]:
    """Seconds and status of one request; the status is 0 without an answer."""
    begun = time.monotonic()
    try:
        status = ask().status_code
    except requests.RequestException:
        status = 0
    return time.monotonic() - begun, status


def texts() -> None:
    """CPU of one call with one text."""
    os.environ["HEME_HOOKS_DATABASE_URL"] = ""
    # The log is not what is measured, and not what should be read here.
    browser = create_app(log_stream=StringIO()).test_client()
    for name, (key, code, text) in TEXTS.items():
        # A count that cannot be read leaves everything open, so that the second stage is read too.
        found = {"bloodCounts": [result("718-7", "see comment")]}
        found.setdefault(key, []).append(result(code, text))
        prefetch: dict[str, object] = {"patient": PATIENT, "differential": EMPTY, "smear": EMPTY}
        prefetch |= {
            each: {**EMPTY, "entry": [{"resource": one} for one in those]}
            for each, those in found.items()
        }
        begun = time.process_time()
        status = browser.post(CALL, json=call(prefetch=prefetch)).status_code
        print(f"{name}: {time.process_time() - begun:.2f} s of CPU, {status}", flush=True)


def result(code: str, text: str) -> dict[str, object]:
    """An Observation with a text as its value."""
    return {
        "resourceType": "Observation",
        "id": f"o-{code}-{len(text)}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": NOW,
        "valueString": text,
    }


def hung() -> None:
    """How long other calls take beside 64 callers of a hung server."""
    prefetch = dict.fromkeys(("bloodCounts", "differential", "smear", "filmReports"), EMPTY)
    prefetch |= {"patient": PATIENT, "diagnosticReports": EMPTY}
    body, target, stop = call(prefetch=prefetch), listen(hang) + "/fhir", threading.Event()
    with served(2, database_url="") as (base, _):

        def attack() -> None:
            with session() as browser:
                while not stop.is_set():
                    with suppress(requests.RequestException):
                        answer = browser.post(base + CALL, json=call(fhirServer=target), timeout=30)
                        stop.wait(float(answer.headers.get("Retry-After", 0)))

        for number in (0, 64):
            for _ in range(number):
                threading.Thread(target=attack, daemon=True).start()
            time.sleep(2)
            seen: dict[str, list[float]] = {"prefetched": [], "discovery": [], "liveness": []}
            end = time.monotonic() + 15
            with session() as browser:
                while time.monotonic() < end:
                    for name, path in (
                        ("discovery", "/cds-services"),
                        ("liveness", "/health/live"),
                    ):
                        url = base + path
                        seen[name].append(timed(lambda: browser.get(url, timeout=30))[0])  # noqa: B023
                    ask = timed(lambda: browser.post(base + CALL, json=body, timeout=30))
                    seen["prefetched"].append(ask[0])
            for name, seconds in seen.items():
                middle = sorted(seconds)[len(seconds) // 2]
                print(
                    f"{number} callers, {name}: median {middle:.3f} s, longest {max(seconds):.2f} s"
                )
        stop.set()


def memory() -> None:
    """Resident memory of the only worker before and after 60 answers of 31 MB of blanks."""
    target = listen(blanks) + "/fhir"
    with served(1, database_url="", call_deadline="30") as (base, pid), session() as browser:
        before = resident(pid)
        for _ in range(60):
            timed(lambda: browser.post(base + CALL, json=call(fhirServer=target), timeout=60))
        time.sleep(30)
        browser.get(f"{base}/cds-services", timeout=30)
        print(f"60 answers of 31 MB: {before} MB before, {resident(pid)} MB half a minute after")


def resident(master: int) -> int:
    """Megabytes of the largest child of gunicorn's master."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text("ascii").split()
    lines = [Path(f"/proc/{child}/status").read_text("ascii") for child in children]
    sizes = [line.split()[1] for text in lines for line in text.splitlines() if "VmRSS" in line]
    return max(int(size) for size in sizes) // 1024


def keys() -> None:
    """How long a call waits for a key server that drips."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    with tempfile.TemporaryDirectory() as folder:
        text = '[[clients]]\nname = "drip"\nissuer = "https://drip.example"\n'
        text += f'jwks_url = "{listen(drip)}/keys"\n'
        file = Path(folder) / "clients.toml"
        file.write_text(text, "utf-8")
        store = f"sqlite:///{folder}/store.sqlite3"
        upgrade = [
            sys.executable,
            "-c",
            "from service.cli import main; main()",
            "storage",
            "upgrade",
        ]
        subprocess.run(upgrade, env={**os.environ, "HEME_HOOKS_DATABASE_URL": store}, check=True)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        claims: dict[str, object] = {
            "iss": "https://drip.example",
            "aud": f"https://hooks.example{CALL}",
            "jti": "1",
        }
        claims |= {"iat": int(time.time()), "exp": int(time.time()) + 300}
        token = jwt.encode(claims, key, "RS384", {"kid": "k", "typ": "JWT"})
        head = {"Authorization": f"Bearer {token}"}
        with served(1, clients_file=str(file), database_url=store) as (base, _), session() as b:
            for turn in ("first", "second"):
                seconds, status = timed(
                    lambda: b.post(base + CALL, json=call(), headers=head, timeout=20)
                )
                print(f"dripping key server, {turn} call: {seconds:.1f} s, {status or 'no answer'}")


if __name__ == "__main__":
    print(f"service of {Path(service.__file__).parents[1]}")
    for part in (texts, hung, memory, keys):
        if sys.argv[1:] in ([], [part.__name__]):
            part()
