"""One FHIR server over a real socket: complete, or failed with the kind of failure."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response

from service.base_urls import parse_base_url
from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import FailureKind, FetchFailed
from service.fhir_client.server import FetchLimits, FhirServer
from service.fhir_client.transport import fhir_session
from tests.support.deadlines import AMPLE, LATE, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_httpserver import HTTPServer

SEARCH = "Observation?patient=1"


def bundle(*entries: dict[str, Any], link: str | None = None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": entry} for entry in entries],
    }
    if link is not None:
        document["link"] = [
            {"relation": "self", "url": "x"},
            {"relation": "next", "url": link},
        ]
    return document


def observation(number: int) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": str(number)}


def client(
    base: str,
    *,
    seconds: float = AMPLE,
    token: str | None = None,
    limits: FetchLimits | None = None,
) -> FhirServer:
    return FhirServer(
        parse_base_url(base),
        fhir_session(connections=4),
        Deadline(seconds),
        access_token=token,
        limits=limits,
    )


def kind_of(action: Callable[[], object]) -> tuple[FailureKind, int | None]:
    with pytest.raises(FetchFailed) as raised:
        action()
    return raised.value.failure.kind, raised.value.failure.status


def ids(pages: tuple[bytes, ...]) -> list[str]:
    return [entry["resource"]["id"] for page in pages for entry in json.loads(page)["entry"]]


@pytest.fixture
def fhir(httpserver: HTTPServer) -> str:
    return httpserver.url_for("/fhir")


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """A server that does with each connection what it is told."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def start(behave: Callable[[socket.socket], None]) -> str:
        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                try:
                    behave(connection)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"

    yield start
    stop.set()
    listener.close()


def test_a_read_gives_the_resource_as_it_was_sent(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Patient/1").respond_with_json(
        {"resourceType": "Patient", "id": "1"}
    )
    assert json.loads(client(fhir).read("Patient", "1"))["id"] == "1"


def test_requests_ask_for_fhir_json_and_for_a_fresh_search(
    fhir: str, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_json(bundle())
    client(fhir, token="secret").search(SEARCH)
    request = httpserver.log[0][0]
    assert "application/fhir+json" in request.headers["Accept"]
    assert "application/json" in request.headers["Accept"]
    assert request.headers["Cache-Control"] == "no-cache"
    assert request.headers["Authorization"] == "Bearer secret"


def test_without_a_token_no_authorization_is_sent(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_json(bundle())
    client(fhir).search(SEARCH)
    assert "Authorization" not in httpserver.log[0][0].headers


def test_no_cookie_of_one_call_reaches_the_next(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_json(
        bundle(), headers={"Set-Cookie": "session=abc; Path=/"}
    )
    server = client(fhir)
    server.search(SEARCH)
    server.search(SEARCH)
    assert "Cookie" not in httpserver.log[1][0].headers


@pytest.mark.parametrize(
    "link",
    [
        "{base}/Observation?page=2",
        "{base}?_getpages=abc&_getpagesoffset=1",
        "?_getpages=abc",
        "Observation?page=2",
        "/fhir/Observation?page=2",
        "{base}/Observation?page=2#fragment",
    ],
)
def test_next_links_are_followed_however_they_are_written(
    fhir: str, httpserver: HTTPServer, link: str
) -> None:
    def answer(request: Request) -> Response:
        first = request.query_string == b"patient=1"
        page = (
            bundle(observation(1), link=link.format(base=fhir)) if first else bundle(observation(2))
        )
        return Response(json.dumps(page), mimetype="application/fhir+json")

    httpserver.expect_request("/fhir/Observation").respond_with_handler(answer)
    httpserver.expect_request("/fhir").respond_with_handler(answer)
    assert ids(client(fhir).search(SEARCH)) == ["1", "2"]


def test_an_empty_page_with_a_next_link_is_not_the_end(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Observation", query_string="patient=1").respond_with_json(
        bundle(link="?page=2")
    )
    httpserver.expect_request("/fhir/Observation", query_string="page=2").respond_with_json(
        bundle(observation(2))
    )
    assert ids(client(fhir).search(SEARCH)) == ["2"]


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.example/fhir/Observation?page=2",
        "https://127.0.0.1/fhir/Observation",
        "//evil.example/fhir",
        "http://127.0.0.1:{port}/fhir-other/Observation",
        "http://127.0.0.1:{port}/other?x=/fhir/",
        "http://127.0.0.1:{port}/fhir/../secret",
        "http://127.0.0.1:{port}/fhir/%2e%2e/secret",
        "http://user:pass@127.0.0.1:{port}/fhir/Observation",
        "http://evil.example\\@127.0.0.1:{port}/fhir/Observation",
        "http://[::1",
        "javascript:alert(1)",
        "file:///etc/passwd",
    ],
)
def test_a_next_link_that_leaves_the_base_url_is_refused_unsent(
    fhir: str, httpserver: HTTPServer, link: str
) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_json(
        bundle(observation(1), link=link.format(port=httpserver.port))
    )
    server = client(fhir, token="secret")
    assert kind_of(lambda: server.search(SEARCH))[0] is FailureKind.OTHER_ORIGIN
    assert len(httpserver.log) == 1


def test_pages_in_a_circle_are_noticed(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_json(
        bundle(observation(1), link="?page=2")
    )
    assert kind_of(lambda: client(fhir).search(SEARCH))[0] is FailureKind.PAGE_LOOP
    assert len(httpserver.log) == 2


def test_endless_pages_end_at_the_limit(fhir: str, httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        page = int(request.args.get("page", "1"))
        body = bundle(observation(page), link=f"?page={page + 1}")
        return Response(json.dumps(body), mimetype="application/json")

    httpserver.expect_request("/fhir/Observation").respond_with_handler(answer)
    server = client(fhir, limits=FetchLimits(pages=5))
    assert kind_of(lambda: server.search(SEARCH))[0] is FailureKind.TOO_MANY_PAGES
    assert len(httpserver.log) == 5


def test_the_byte_limit_holds_over_all_pages(fhir: str, httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        page = int(request.args.get("page", "1"))
        body = bundle({**observation(page), "x": "y" * 3000}, link=f"?page={page + 1}")
        return Response(json.dumps(body), mimetype="application/json")

    httpserver.expect_request("/fhir/Observation").respond_with_handler(answer)
    server = client(fhir, limits=FetchLimits(search_bytes=10_000))
    assert kind_of(lambda: server.search(SEARCH))[0] is FailureKind.TOO_LARGE
    assert len(httpserver.log) == 4


def test_the_byte_limit_of_a_call_holds_over_its_searches(
    fhir: str, httpserver: HTTPServer
) -> None:
    body = bundle({**observation(1), "x": "y" * 3000})
    httpserver.expect_request("/fhir/Observation").respond_with_json(body)
    server = client(fhir, limits=FetchLimits(call_bytes=8_000))
    for _ in range(2):
        server.search(SEARCH)
    assert kind_of(lambda: server.search(SEARCH))[0] is FailureKind.TOO_LARGE


def test_gzip_is_read_and_a_compressed_flood_is_stopped(fhir: str, httpserver: HTTPServer) -> None:
    body = gzip.compress(json.dumps(bundle({**observation(1), "x": "y" * 5_000_000})).encode())
    httpserver.expect_request("/fhir/Observation").respond_with_data(
        body, headers={"Content-Encoding": "gzip"}, content_type="application/json"
    )
    assert ids(client(fhir).search(SEARCH)) == ["1"]
    small = client(fhir, limits=FetchLimits(search_bytes=1_000_000))
    assert kind_of(lambda: small.search(SEARCH))[0] is FailureKind.TOO_LARGE


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 412, 422])
def test_a_refusal_is_told_by_its_status(fhir: str, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/fhir/Patient/1").respond_with_json(
        {"resourceType": "OperationOutcome"}, status=status
    )
    assert kind_of(lambda: client(fhir).read("Patient", "1")) == (FailureKind.STATUS, status)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(fhir: str, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/fhir/Patient/1").respond_with_data(
        "", status=status, headers={"Location": "/fhir/Patient/2"}
    )
    assert kind_of(lambda: client(fhir).read("Patient", "1")) == (FailureKind.REDIRECT, status)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_passing_trouble_is_tried_again(fhir: str, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_ordered_request("/fhir/Patient/1").respond_with_data("x", status=status)
    httpserver.expect_ordered_request("/fhir/Patient/1").respond_with_json(
        {"resourceType": "Patient", "id": "1"}
    )
    assert client(fhir).read("Patient", "1")


def test_lasting_trouble_ends_after_three_attempts(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Patient/1").respond_with_data("x", status=500)
    assert kind_of(lambda: client(fhir).read("Patient", "1")) == (FailureKind.STATUS, 500)
    assert len(httpserver.log) == 3


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_server_that_asks_for_an_hour_is_not_asked_again(
    fhir: str, httpserver: HTTPServer, wait: str
) -> None:
    httpserver.expect_request("/fhir/Patient/1").respond_with_data(
        "x", status=429, headers={"Retry-After": wait}
    )
    assert kind_of(lambda: client(fhir).read("Patient", "1")) == (FailureKind.STATUS, 429)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("wait", ["0", "1", "nonsense"])
def test_a_short_wait_is_kept(fhir: str, httpserver: HTTPServer, wait: str) -> None:
    httpserver.expect_ordered_request("/fhir/Patient/1").respond_with_data(
        "x", status=429, headers={"Retry-After": wait}
    )
    httpserver.expect_ordered_request("/fhir/Patient/1").respond_with_json(
        {"resourceType": "Patient", "id": "1"}
    )
    started = time.monotonic()
    assert client(fhir, seconds=AMPLE).read("Patient", "1")
    assert time.monotonic() - started >= (1 if wait == "1" else 0)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"",
        b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceTy',
        b'{"resourceType": "Bundle", "entry": ' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b'{"resourceType": "Bundle", "total": NaN}',
        b"\xff\xfe\x00",
        b'{"resourceType": "Bundle", "entry": {"resource": {}}}',
        b'{"resourceType": "Bundle", "link": "next"}',
        b"[]",
        b"null",
    ],
    ids=str,
)
def test_what_is_not_readable_json_is_no_answer(
    fhir: str, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_data(
        body, content_type="application/fhir+json"
    )
    assert kind_of(lambda: client(fhir).search(SEARCH))[0] in {
        FailureKind.NOT_JSON,
        FailureKind.NOT_FHIR,
    }


def test_the_content_type_does_not_matter(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Observation").respond_with_data(
        json.dumps(bundle(observation(1))), content_type="application/json+fhir"
    )
    assert ids(client(fhir).search(SEARCH)) == ["1"]


def test_another_resource_type_is_no_answer(fhir: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/fhir/Patient/1").respond_with_json(observation(1))
    httpserver.expect_request("/fhir/Observation").respond_with_json(observation(1))
    assert kind_of(lambda: client(fhir).read("Patient", "1"))[0] is FailureKind.NOT_FHIR
    assert kind_of(lambda: client(fhir).search(SEARCH))[0] is FailureKind.NOT_FHIR


def test_an_operation_outcome_with_status_200_is_a_failure(
    fhir: str, httpserver: HTTPServer
) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    httpserver.expect_request("/fhir/Observation").respond_with_json(outcome)
    assert kind_of(lambda: client(fhir).search(SEARCH))[0] is FailureKind.OUTCOME


@pytest.mark.parametrize(
    ("severity", "fails"),
    [("information", False), ("warning", False), ("error", True), ("fatal", True)],
)
def test_an_outcome_among_the_entries_counts_by_its_severity(
    fhir: str, httpserver: HTTPServer, severity: str, fails: bool
) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity}]}
    httpserver.expect_request("/fhir/Observation").respond_with_json(
        bundle(observation(1), outcome)
    )
    if fails:
        assert kind_of(lambda: client(fhir).search(SEARCH))[0] is FailureKind.OUTCOME
    else:
        assert len(client(fhir).search(SEARCH)) == 1


def test_a_bad_entry_hides_neither_the_next_link_nor_an_error(
    fhir: str, httpserver: HTTPServer
) -> None:
    bad = {"resourceType": 7}
    httpserver.expect_request("/fhir/Observation", query_string="patient=1").respond_with_json(
        bundle(bad, link="?page=2")
    )
    httpserver.expect_request("/fhir/Observation", query_string="page=2").respond_with_json(
        bundle(bad, {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]})
    )
    assert kind_of(lambda: client(fhir).search(SEARCH))[0] is FailureKind.OUTCOME


def test_a_server_that_is_down_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    server = client(f"http://127.0.0.1:{port}/fhir")
    assert kind_of(lambda: server.read("Patient", "1"))[0] is FailureKind.CONNECTION


def test_a_name_that_does_not_resolve_is_told() -> None:
    server = client("http://fhir.invalid/fhir", seconds=10)
    assert kind_of(lambda: server.read("Patient", "1"))[0] is FailureKind.NAME


def test_a_silent_server_is_left_at_the_deadline(raw_server: Any) -> None:
    server = client(raw_server(lambda _: time.sleep(LATE)), seconds=0.5)
    with kept(0.5):
        assert kind_of(lambda: server.read("Patient", "1"))[0] is FailureKind.DEADLINE


def test_a_body_that_drips_is_left_at_the_deadline(raw_server: Any) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    server = client(raw_server(drip), seconds=0.5)
    with kept(0.5):
        assert kind_of(lambda: server.read("Patient", "1"))[0] is FailureKind.DEADLINE


def test_a_connection_cut_in_mid_body_is_no_answer(raw_server: Any) -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"resourceType":')

    server = client(raw_server(cut))
    assert kind_of(lambda: server.read("Patient", "1"))[0] is FailureKind.BROKEN_OFF


def test_connections_are_used_again(raw_server: Any) -> None:
    connections: list[socket.socket] = []
    body = b'{"resourceType":"Patient","id":"1"}'
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def serve(connection: socket.socket) -> None:
        connections.append(connection)
        connection.sendall(reply)
        while connection.recv(65536):
            connection.sendall(reply)

    server = client(raw_server(serve))
    for _ in range(3):
        server.read("Patient", "1")
    assert len(connections) == 1
