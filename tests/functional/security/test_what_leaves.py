"""Only the FHIR servers of the client are contacted: listening sockets saw nobody else come."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.deadlines import AMPLE
from tests.support.hook_calls import (
    NOW,
    PATIENT,
    PATIENT_ID,
    URL,
    call,
    client,
    empty_prefetch,
    post,
)
from tests.support.raw_server import http, raw_server
from tests.support.tokens import EC_KEY, Signer, clients_file, database, jwks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.raw_server import RawServer

TOKEN = {
    "access_token": "secret-of-the-call",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.read",
    "subject": "heme-hooks",
}
SIGNER = Signer(f"http://localhost{URL}", NOW)


class Trap:
    """Listens on every interface of one port, IPv4 and IPv6; counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._listeners = [socket.create_server(("0.0.0.0", 0))]
        self.port: int = self._listeners[0].getsockname()[1]
        with suppress(OSError):
            self._listeners.append(socket.create_server(("::", self.port), family=socket.AF_INET6))
        for listener in self._listeners:
            threading.Thread(target=self._count, args=(listener,), daemon=True).start()

    def _count(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.visits += 1
                connection.close()

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()


@contextmanager
def trap() -> Iterator[Trap]:
    made = Trap()
    try:
        yield made
    finally:
        made.close()


def test_a_trap_notices_a_visit() -> None:
    with trap() as listening:
        for host in ("127.0.0.1", "127.0.0.2"):
            socket.create_connection((host, listening.port), 2).close()
        for _ in range(100):
            if listening.visits == 2:
                break
            threading.Event().wait(0.02)
        assert listening.visits == 2


def ask(tmp_path: Path, allowed: str, body: dict[str, Any], **more: Any) -> TestResponse:
    """One call of a client whose only FHIR server is `allowed`; http, so in development."""
    path = clients_file(tmp_path, f'fhir_servers = ["{allowed}"]')
    browser = client(clients_file=path, database_url=database(tmp_path), **more)
    return post(browser, body, Authorization=f"Bearer {SIGNER.token()}")


ELSEWHERE = {
    "other host": "http://127.0.0.2:{ok}/fhir",
    "name for the host": "http://localhost:{ok}/fhir",
    "other port": "http://127.0.0.1:{trap}/fhir",
    "default port": "http://127.0.0.1/fhir",
    "other scheme": "https://127.0.0.1:{ok}/fhir",
    "file": "file:///etc/hostname",
    "gopher": "gopher://127.0.0.1:{trap}/_x",
    "userinfo": "http://127.0.0.1:{ok}@127.0.0.1:{trap}/fhir",
    "userinfo and allowed host": "http://user:pass@127.0.0.1:{ok}/fhir",
    "empty userinfo": "http://@127.0.0.1:{ok}/fhir",
    "backslash": "http://127.0.0.1:{trap}\\@127.0.0.1:{ok}/fhir",
    "IPv6": "http://[::1]:{ok}/fhir",
    "IPv4 in IPv6": "http://[::ffff:127.0.0.1]:{ok}/fhir",
    "IPv6 zone": "http://[::1%25lo]:{trap}/fhir",
    "decimal": "http://2130706433:{ok}/fhir",
    "hexadecimal": "http://0x7f000001:{ok}/fhir",
    "octal": "http://0177.0.0.1:{ok}/fhir",
    "short": "http://127.1:{ok}/fhir",
    "any address": "http://0.0.0.0:{trap}/fhir",
    "trailing dot": "http://127.0.0.1.:{ok}/fhir",
    "full-width digits": "http://１２７.0.0.1:{ok}/fhir",
    "path prefix": "http://127.0.0.1:{ok}/fhir-evil",
    "path below": "http://127.0.0.1:{ok}/fhir/other",
    "path above": "http://127.0.0.1:{ok}/",
    "path in other case": "http://127.0.0.1:{ok}/FHIR",
    "dots": "http://127.0.0.1:{ok}/fhir/../admin",
    "dots that lead back": "http://127.0.0.1:{ok}/x/../fhir",
    "encoded dots": "http://127.0.0.1:{ok}/fhir/%2e%2e/admin",
    "encoded slash": "http://127.0.0.1:{ok}/fhir%2f..%2fadmin",
    "parameter of the path": "http://127.0.0.1:{ok}/fhir;/../admin",
    "query": "http://127.0.0.1:{ok}/fhir?x=",
    "fragment": "http://127.0.0.1:{ok}/fhir#",
    "allowed in the query": "http://127.0.0.1:{trap}/?http://127.0.0.1:{ok}/fhir",
    "allowed in the fragment": "http://127.0.0.1:{trap}/#http://127.0.0.1:{ok}/fhir",
    "metadata of a cloud": "http://169.254.169.254/latest/meta-data",
    "tab": "http://127.0.0.1:{ok}\t/fhir",
    "line": "http://127.0.0.1:{ok}/fhir\r\nHost: evil.example",
    "no scheme": "//127.0.0.1:{trap}/fhir",
}


@pytest.mark.parametrize("url", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_fhir_server_that_is_not_the_clients_is_not_contacted(tmp_path: Path, url: str) -> None:
    with trap() as allowed, trap() as other:
        named = url.format(ok=allowed.port, trap=other.port)
        body = call(fhirServer=named, fhirAuthorization=TOKEN)
        answer = ask(tmp_path, f"http://127.0.0.1:{allowed.port}/fhir", body)
        assert answer.status_code in {400, 403}
        assert answer.json["issue"][0]["expression"] == ["fhirServer"]  # type: ignore[index]
        threading.Event().wait(0.05)
        assert (allowed.visits, other.visits) == (0, 0)


def _is_allowed(server: RawServer, tmp_path: Path, spelled: str) -> bool:
    answer = ask(tmp_path, server.base, call(fhirServer=spelled, fhirAuthorization=TOKEN))
    return answer.status_code != 403 and bool(server.requests)


@pytest.mark.parametrize("tail", ["", "/", "//"])
def test_the_clients_own_server_is_contacted_with_the_token(tmp_path: Path, tail: str) -> None:
    with raw_server(lambda _, connection: connection.sendall(http(b"{}"))) as server:
        assert _is_allowed(server, tmp_path, server.base + tail)
        assert all("Authorization: Bearer secret-of-the-call" in r for r in server.requests)


LEADS_AWAY: dict[str, Callable[[int], bytes]] = {
    "301": lambda port: http(b"", "301 Moved", {"Location": f"http://127.0.0.1:{port}/fhir/x"}),
    "307": lambda port: http(b"", "307 Temporary", {"Location": f"//127.0.0.1:{port}/"}),
    "308": lambda port: http(b"", "308 Permanent", {"Location": f"http://localhost:{port}/"}),
    "refresh": lambda port: http(b"", "200 OK", {"Refresh": f"0;url=http://127.0.0.1:{port}/"}),
}


@pytest.mark.parametrize("kind", LEADS_AWAY)
def test_a_redirect_is_not_followed(tmp_path: Path, kind: str) -> None:
    with trap() as elsewhere:
        says = LEADS_AWAY[kind](elsewhere.port)
        with raw_server(lambda _, connection: connection.sendall(says)) as server:
            body = call(fhirServer=server.base, fhirAuthorization=TOKEN)
            answer = ask(tmp_path, server.base, body, call_deadline=AMPLE)
            assert answer.status_code == 412
            assert server.requests
        assert elsewhere.visits == 0


NEXT_LINKS = {
    "other port": "http://127.0.0.1:{trap}/fhir/Observation?page=2",
    "userinfo": "http://127.0.0.1:{ok}@127.0.0.1:{trap}/fhir/Observation",
    "other scheme": "https://127.0.0.1:{ok}/fhir/Observation",
    "no scheme": "//127.0.0.1:{trap}/fhir/Observation?page=2",
    "backslashes": "\\\\127.0.0.1:{trap}\\fhir",
    "path prefix": "http://127.0.0.1:{ok}/fhir-evil/Observation",
    "above": "../../admin",
    "encoded": "http://127.0.0.1:{ok}/fhir/%2e%2e/admin",
    "encoded slash": "http://127.0.0.1:{ok}/fhir/x%2f..%2f..%2fadmin",
    "other spelling": "http://localhost:{ok}/fhir/Observation?page=2",
    "file": "file:///etc/hostname",
}


@pytest.mark.parametrize("link", NEXT_LINKS.values(), ids=NEXT_LINKS.keys())
@pytest.mark.parametrize("prefetched", [True, False])
def test_a_next_link_that_leaves_the_server_is_not_followed(
    tmp_path: Path, link: str, *, prefetched: bool
) -> None:
    def answer(path: str, connection: socket.socket) -> None:
        if path.startswith("/fhir/Patient/"):
            connection.sendall(http(PATIENT))
        else:
            connection.sendall(http(b"{}" if prefetched else json.dumps(page).encode()))

    with trap() as elsewhere, raw_server(answer) as server:
        ok = int(server.base.split(":")[2].split("/")[0])
        url = link.format(ok=ok, trap=elsewhere.port)
        page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": url}]}
        prefetch = empty_prefetch() | {"bloodCounts": page} if prefetched else None
        body = call(fhirServer=server.base, fhirAuthorization=TOKEN, prefetch=prefetch)
        assert ask(tmp_path, server.base, body, call_deadline=AMPLE).status_code == 412
        assert elsewhere.visits == 0
        asked = [request.split(" ")[1] for request in server.requests]
        assert all(path.startswith("/fhir/") and ".." not in path for path in asked)
        assert not any("evil" in path or "%2" in path.partition("?")[0] for path in asked)


def test_a_reference_to_another_server_is_not_followed(tmp_path: Path) -> None:
    def answer(_: str, connection: socket.socket) -> None:
        connection.sendall(http(b"{}"))

    with trap() as elsewhere, raw_server(answer) as server:
        request = {
            "resourceType": "MedicationRequest",
            "id": "1",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{PATIENT_ID}"},
            "authoredOn": "2026-11-01",
            "medicationReference": {"reference": f"http://127.0.0.1:{elsewhere.port}/fhir/M/1"},
        }
        bundle = {"resourceType": "Bundle", "entry": [{"resource": request}]}
        from tests.support.hook_calls import seed_prefetch

        prefetch = seed_prefetch() | {"medicationRequests": bundle}
        body = call(fhirServer=server.base, fhirAuthorization=TOKEN, prefetch=prefetch)
        ask(tmp_path, server.base, body, call_deadline=AMPLE)
        assert elsewhere.visits == 0


def test_no_proxy_of_the_environment_sees_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trap() as proxy, raw_server(lambda _, c: c.sendall(http(b"{}"))) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        body = call(fhirServer=server.base, fhirAuthorization=TOKEN)
        ask(tmp_path, server.base, body, call_deadline=AMPLE)
        assert server.requests
        assert proxy.visits == 0


@pytest.mark.parametrize(
    "jku",
    [
        "http://127.0.0.1:{trap}/keys",
        "https://127.0.0.1:{trap}/keys",
        "http://ehr.example@127.0.0.1:{trap}/keys",
        "file:///etc/hostname",
    ],
)
def test_a_key_url_in_a_token_is_not_fetched(tmp_path: Path, jku: str) -> None:
    with trap() as elsewhere:
        browser = client(clients_file=clients_file(tmp_path), database_url=database(tmp_path))
        token = SIGNER.token(header={"jku": jku.format(trap=elsewhere.port)})
        answer = post(browser, call(prefetch=empty_prefetch()), Authorization=f"Bearer {token}")
        assert answer.status_code == 401
        assert elsewhere.visits == 0


def test_keys_and_certificates_inside_a_token_are_not_used(tmp_path: Path) -> None:
    with trap() as elsewhere:
        browser = client(clients_file=clients_file(tmp_path), database_url=database(tmp_path))
        own = json.loads(jwks(ec=EC_KEY))["keys"][0]
        header = {"jwk": own, "x5u": f"http://127.0.0.1:{elsewhere.port}/", "kid": "foreign"}
        token = SIGNER.token(header=header)
        answer = post(browser, call(prefetch=empty_prefetch()), Authorization=f"Bearer {token}")
        assert answer.status_code == 401
        assert elsewhere.visits == 0


def test_a_redirect_of_the_key_server_is_not_followed(tmp_path: Path) -> None:
    with trap() as elsewhere:
        says = http(b"", "302 Found", {"Location": f"http://127.0.0.1:{elsewhere.port}/keys"})
        with raw_server(lambda _, connection: connection.sendall(says)) as server:
            path = clients_file(tmp_path, f'jwks_url = "{server.base}/keys"')
            browser = client(clients_file=path, database_url=database(tmp_path))
            body = call(prefetch=empty_prefetch())
            answer = post(browser, body, Authorization=f"Bearer {SIGNER.token()}")
            assert answer.status_code == 401
            assert len(server.requests) == 1
        assert elsewhere.visits == 0
