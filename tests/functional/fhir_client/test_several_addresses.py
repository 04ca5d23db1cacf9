"""A host with several addresses: they share the time of the call; one that answers is enough."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

import pytest

from service.base_urls import parse_base_url
from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import FailureKind, FetchFailed
from service.fhir_client.server import FhirServer
from service.fhir_client.transport import MOST_ADDRESSES, fhir_session
from tests.support.deadlines import AMPLE, SLACK, kept
from tests.support.hook_calls import PATIENT
from tests.support.raw_server import http, no_handshake, raw_server

HOST = "ehr.example"
SILENT = "127.0.0.2"


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    real = socket.getaddrinfo

    def found(host: str, port: int, *rest: Any, **named: Any) -> list[Any]:
        names = addresses if host == HOST else (host,)
        return [each for name in names for each in real(name, port, *rest, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def fhir_server(port: int, seconds: float) -> FhirServer:
    base = parse_base_url(f"http://{HOST}:{port}/fhir")
    return FhirServer(base, fhir_session(connections=4), Deadline(seconds))


def test_silent_addresses_take_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with a time-out of its own, eight of them would hold a thread for 24 seconds."""
    addresses = [f"127.0.0.{n}" for n in range(10, 10 + MOST_ADDRESSES)]
    with ExitStack() as silent:
        port = silent.enter_context(no_handshake(addresses[0]))
        for each in addresses[1:]:
            silent.enter_context(no_handshake(each, port))
        resolves(monkeypatch, *addresses)
        with kept(3), pytest.raises(FetchFailed) as failed:
            fhir_server(port, 3).read("Patient", "1")
    assert failed.value.failure.kind is FailureKind.DEADLINE


def test_an_address_that_is_silent_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with raw_server(lambda _, connection: connection.sendall(http(PATIENT))) as server:
        port = int(server.base.split(":")[2].split("/")[0])
        with no_handshake(SILENT, port):
            resolves(monkeypatch, SILENT, "127.0.0.1")
            assert fhir_server(port, 8).read("Patient", "1")


def test_an_address_that_refuses_leaves_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda _, connection: connection.sendall(http(PATIENT))) as server:
        port = int(server.base.split(":")[2].split("/")[0])
        resolves(monkeypatch, "127.0.0.3", "127.0.0.1")
        assert fhir_server(port, AMPLE).read("Patient", "1")


def test_no_more_addresses_are_tried_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    real = socket.socket.connect

    def connect(sock: socket.socket, address: Any) -> None:
        tried.append(address[0])
        real(sock, address)

    resolves(monkeypatch, *(f"127.0.0.{n}" for n in range(10, 10 + 3 * MOST_ADDRESSES)))
    monkeypatch.setattr(socket.socket, "connect", connect)
    with kept(AMPLE + SLACK), pytest.raises(FetchFailed) as failed:
        fhir_server(1, AMPLE).read("Patient", "1")
    assert failed.value.failure.kind is FailureKind.CONNECTION
    assert len(set(tried)) == MOST_ADDRESSES
