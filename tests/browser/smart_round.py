"""A small EHR, the service with the app, and a page of somebody else: two sites in one browser."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Response, request

from service.app import create_app
from service.demo.processes import free_port
from service.demo.small_ehr import APP_ID, small_ehr
from service.registered_app import RegisteredApp
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from service.demo.authorization_server import Issued


@dataclass(slots=True)
class SmartRound:
    """Addresses: `ehr` as the launch names it, `page` the same EHR's pages on another site."""

    service: str
    ehr: str
    page: str
    other: str
    issued: Issued
    refused: set[str] = field(default_factory=set)

    @property
    def hosts(self) -> set[str]:
        """Every host that may be asked."""
        return {urlsplit(url).netloc for url in (self.service, self.ehr, self.page, self.other)}

    @contextmanager
    def refusing(self, kind: str) -> Iterator[None]:
        """Let the FHIR server answer 403 for a resource type."""
        self.refused.add(kind)
        try:
            yield
        finally:
            self.refused.discard(kind)


@contextmanager
def smart_round(
    fhir_server: str, serving: Callable[[Any, int], AbstractContextManager[str]]
) -> Iterator[SmartRound]:
    """Serve all of it until the block ends."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    ehr_port, service_port = free_port(), free_port()
    ehr, page = f"http://127.0.0.1:{ehr_port}", f"http://localhost:{ehr_port}"
    service = f"http://127.0.0.1:{service_port}"
    settings = Settings(
        public_url=service,
        fhir_servers=(fhir_server, f"{ehr}/fhir"),
        evidence_app=RegisteredApp(APP_ID, frame_origins=(page,)),
        database_url="",
        call_deadline=15,
    )
    web = small_ehr(ehr_port, fhir_server, service)
    made = SmartRound(service, ehr, page, "", web.extensions["issued"])

    @web.before_request
    def refuse() -> Response | None:
        path = request.path.removeprefix("/fhir/").partition("/")[0]
        return Response(status=403) if path in made.refused else None

    stranger = Flask("stranger")

    @stranger.get("/frame")
    def frame() -> str:
        return f'<iframe src="{request.args["of"]}"></iframe>'

    with (
        serving(web, ehr_port),
        serving(create_app(settings, log_stream=StringIO()), service_port),
        serving(stranger, 0) as other,
    ):
        made.other = other
        yield made
