"""Every way in which a FHIR server fails, played over a real socket, and what must come of it.

`python -m tests.support.faults` prints them as a table: fault, answer, seconds.
"""

from __future__ import annotations

import gzip
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service import samples
from service.clinical_data.gathered import FIRST_STAGE
from tests.support.deadlines import AMPLE, LATE
from tests.support.hook_calls import EMPTY, NOW, PATIENT, TEMPLATES, call, client, post
from tests.support.raw_server import http, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    Answer = Callable[[str, socket.socket], None]

DEADLINE = 2.5
SECRET = "server-text-Jane-Doe"
TOKEN = "call-token-123"
AUTHORIZATION = {
    "access_token": TOKEN,
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "heme",
}
COUNTS = ("bloodCounts", "differential")
FIRST_CODES = {code.rpartition("|")[2] for each in FIRST_STAGE for code in TEMPLATES[each].codes}
TOO_LATE = "did not answer within the time of the call"


@dataclass(frozen=True, slots=True)
class Fault:
    """A server's behaviour, and the answer it must lead to.

    `answer` is asked for everything but the Patient, which is there unless `patient` answers.
    `status` 412 names exactly `keys`, each with `sentence`; with 200 there is a card or none.
    """

    answer: Answer
    sentence: str = ""
    keys: tuple[str, ...] = COUNTS
    status: int = 412
    patient: Answer | None = None
    base: str = ""
    cards: tuple[str, ...] = ()
    late: bool = False

    @property
    def deadline(self) -> float:
        """Of the call, in seconds: only what never answers is left early."""
        return DEADLINE if self.late else AMPLE


def sends(body: bytes | dict[str, Any], status: str = "200 OK", **headers: str) -> Answer:
    """The same HTTP answer to every request."""
    answer = http(body, status, {k.replace("_", "-"): v for k, v in headers.items()})
    return lambda _, connection: connection.sendall(answer)


def refuses(status: str, **headers: str) -> Answer:
    """An OperationOutcome with this status to every request."""
    return sends(outcome(), status, **headers)


def silent(_: str, connection: socket.socket) -> None:
    """No answer at all."""
    time.sleep(LATE)


def drips(_: str, connection: socket.socket) -> None:
    """A body that comes a byte at a time and never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def drips_headers(_: str, connection: socket.socket) -> None:
    """A header that comes a byte at a time and never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def hangs_up(_: str, connection: socket.socket) -> None:
    """The connection is closed without an answer."""
    connection.close()


def endless_pages(path: str, connection: socket.socket) -> None:
    """Each page links to a further one."""
    page = int(path.rpartition("page=")[2]) if "page=" in path else 1
    connection.sendall(http(linked(f"?page={page + 1}")))


def endless_slow_pages(path: str, connection: socket.socket) -> None:
    """The same, and each page takes a third of the deadline."""
    time.sleep(DEADLINE / 3)
    endless_pages(path, connection)


def second_page(then: Answer) -> Answer:
    """A first page in order, the second as `then` says."""
    first = sends(linked("?page=2"))
    return lambda path, c: then(path, c) if "page=2" in path else first(path, c)


def once_then_fine(status: str, **headers: str) -> Answer:
    """Trouble on the first attempt of every search."""
    seen: set[str] = set()
    trouble, fine = refuses(status, **headers), sends(EMPTY)

    def answer(path: str, connection: socket.socket) -> None:
        first = path not in seen
        seen.add(path)
        (trouble if first else fine)(path, connection)

    return answer


def chart_until_second_stage(then: Answer) -> Answer:
    """The seed's blood counts; every search of the second stage as `then` says."""
    chart = samples.SAMPLES[samples.SEED].resources(NOW)

    def answer(path: str, connection: socket.socket) -> None:
        codes = [code.partition("&")[0] for code in path.split("%7C")[1:]]
        wanted = {code.rstrip(",").partition(",")[0] for code in codes}
        if "/Observation" in path and wanted & FIRST_CODES:
            connection.sendall(http(_found(chart, wanted)))
        else:
            then(path, connection)

    return answer


def _found(chart: list[dict[str, Any]], wanted: set[str]) -> dict[str, Any]:
    observations = [each for each in chart if each["resourceType"] == "Observation"]
    found = [r for r in observations if wanted & {c["code"] for c in r["code"]["coding"]}]
    return {**EMPTY, "total": len(found), "entry": [{"resource": each} for each in found]}


def linked(url: str) -> dict[str, Any]:
    """An empty page with a next link."""
    return {**EMPTY, "link": [{"relation": "next", "url": url}]}


def outcome(severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome whose text must never be repeated."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": "exception", "diagnostics": SECRET}],
    }


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


CUT = b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Obs'
DEEP = b'{"resourceType": "Bundle", "entry": ' + b"[" * 90_000 + b"]" * 90_000 + b"}"
HUGE = b'{"resourceType": "Bundle", "x": "' + b"y" * 3_000_000 + b'"}'
FINE = sends(EMPTY)

FAULTS: dict[str, Fault] = {
    "server down": Fault(
        FINE, "could not be reached", ("patient", *COUNTS), base="http://127.0.0.1:{port}/fhir"
    ),
    "DNS failure": Fault(
        FINE, "does not resolve", ("patient", *COUNTS), base="http://fhir.invalid/r4"
    ),
    "TLS asked of a server without": Fault(FINE, "TLS", ("patient", *COUNTS), base="{https}"),
    "slow": Fault(silent, TOO_LATE, late=True),
    "dripping body": Fault(drips, TOO_LATE, late=True),
    "dripping headers": Fault(drips_headers, TOO_LATE, late=True),
    "endless slow pages": Fault(endless_slow_pages, TOO_LATE, late=True),
    "hangs up": Fault(hangs_up, "could not be reached"),
    "no HTTP": Fault(lambda _, c: c.sendall(b"SSH-2.0-x\r\n\r\n"), "could not be reached"),
    "HTML": Fault(sends(b"<html>" + SECRET.encode()), "is not JSON"),
    "empty body": Fault(sends(b""), "is not JSON"),
    "truncated JSON": Fault(sends(CUT), "is not JSON"),
    "connection cut in the body": Fault(sends(CUT, Content_Length="5000"), "ended early"),
    "wrong gzip": Fault(sends(b"no gzip", Content_Encoding="gzip"), "ended early"),
    "deep nesting": Fault(sends(DEEP), "is not JSON"),
    "huge body": Fault(sends(HUGE), "larger than the limit"),
    "huge body, compressed": Fault(
        sends(gzip.compress(HUGE), Content_Encoding="gzip"), "larger than the limit"
    ),
    "400": Fault(refuses("400 Bad Request"), "HTTP 400"),
    "401, expired token": Fault(
        refuses("401 Unauthorized", WWW_Authenticate='Bearer error="invalid_token"'),
        "HTTP 401 (the access token was not accepted)",
    ),
    "403": Fault(refuses("403 Forbidden"), "HTTP 403"),
    "404": Fault(refuses("404 Not Found"), "HTTP 404"),
    "410": Fault(refuses("410 Gone"), "HTTP 410"),
    "429, wait an hour": Fault(refuses("429 Too Many Requests", Retry_After="3600"), "HTTP 429"),
    "429 for ever, no wait": Fault(refuses("429 Too Many Requests", Retry_After="0"), "HTTP 429"),
    "429 once": Fault(once_then_fine("429 Too Many", Retry_After="0"), status=200),
    "500 for ever": Fault(refuses("500 Internal Server Error"), "HTTP 500"),
    "500 once": Fault(once_then_fine("500 Internal Server Error"), status=200),
    "503, wait two minutes": Fault(sends(b"busy", "503 Unavailable", Retry_After="120"), "503"),
    "redirect": Fault(sends(b"", "302 Found", Location="http://127.0.0.1:1/x"), "redirect"),
    "page loop": Fault(sends(linked("?page=2")), "form a circle"),
    "endless pages": Fault(endless_pages, "more pages than the limit"),
    "next on another origin": Fault(sends(linked("http://127.0.0.2:9/f?p=2")), "leaves the base"),
    "second page 410": Fault(second_page(refuses("410 Gone")), "HTTP 410"),
    "second page hangs up": Fault(second_page(hangs_up), "could not be reached"),
    "second page HTML": Fault(second_page(sends(b"<html>")), "is not JSON"),
    "wrong resourceType": Fault(sends(PATIENT), "another resource type"),
    "OperationOutcome with 200": Fault(sends(outcome()), "OperationOutcome"),
    "OperationOutcome in the entries": Fault(
        sends({**EMPTY, "entry": [{"resource": outcome("fatal")}]}), "OperationOutcome"
    ),
    "patient 403": Fault(FINE, "HTTP 403", ("patient",), patient=refuses("403 Forbidden")),
    "patient 404": Fault(FINE, "HTTP 404", ("patient",), patient=refuses("404 Not Found")),
    "patient 410": Fault(FINE, "HTTP 410", ("patient",), patient=refuses("410 Gone")),
    "another patient": Fault(
        FINE,
        "not the one of context.patientId",
        ("patient",),
        patient=sends({**PATIENT, "id": "somebody-else"}),
    ),
    "a Bundle for the patient": Fault(FINE, "another resource type", ("patient",), patient=FINE),
    "token expires between the stages": Fault(
        chart_until_second_stage(refuses("401 Unauthorized")),
        status=200,
        cards=("incomplete-workup",),
    ),
    "slow from the second stage on": Fault(
        chart_until_second_stage(silent), status=200, cards=("incomplete-workup",), late=True
    ),
}


def play(fault: Fault) -> tuple[TestResponse, float, list[str]]:
    """Make a call to the failing server: the answer, the seconds, the requests the server saw."""

    def answer(path: str, connection: socket.socket) -> None:
        if not path.startswith("/fhir/Patient/"):
            fault.answer(path, connection)
        elif fault.patient is not None:
            fault.patient(path, connection)
        else:
            connection.sendall(http(PATIENT))

    with raw_server(answer) as server:
        own_https = server.base.replace("http:", "https:")
        base = fault.base.format(port=_unused_port(), https=own_https) or server.base
        browser = client(
            call_deadline=fault.deadline,
            max_search_bytes=1_000_000,
            max_pages=5,
            fhir_servers=(base,),
        )
        body = call(fhirServer=base, fhirAuthorization=AUTHORIZATION)
        started = time.monotonic()
        response = post(browser, body)
        return response, time.monotonic() - started, server.requests


def texts(answer: TestResponse) -> dict[str, str]:
    """The text of each key's issue."""
    return {i["expression"][0]: i["details"]["text"] for i in json.loads(answer.data)["issue"]}


def _row(name: str, fault: Fault) -> str:
    response, seconds, requests = play(fault)
    told = texts(response) if response.status_code != 200 else {}
    code = json.loads(response.data)["issue"][0]["details"]["coding"][0]["code"] if told else ""
    keys = ", ".join(key.removeprefix("prefetch.") for key in told)
    text = next(iter(told.values()), "").rpartition(": ")[2]
    if response.status_code == 200:
        cards = [card["source"]["topic"]["code"] for card in json.loads(response.data)["cards"]]
        text = "cards: " + (", ".join(cards) or "none (normal chart)")
    return (
        f"| {name} | {response.status_code} | {code} | {keys} | {text} | {seconds:.2f} "
        f"| {len(requests)} |"
    )


if __name__ == "__main__":
    print("| fault | answer | code | keys | text | seconds | requests |")  # noqa: T201
    print("| --- | --- | --- | --- | --- | --- | --- |")  # noqa: T201
    for each, played in FAULTS.items():
        print(_row(each, played), flush=True)  # noqa: T201
