"""An EHR that launches the evidence app: FHIR server, smart-configuration and token endpoint."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from werkzeug import Response

from service import samples
from service.app import create_app
from service.registered_app import RegisteredApp
from service.settings import Settings
from tests.support.chart_server import ChartServer
from tests.support.hook_calls import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from flask.testing import FlaskClient
    from pytest_httpserver import HTTPServer
    from werkzeug import Request
    from werkzeug.test import TestResponse

PUBLIC = "http://localhost"
"""The service's address, as Flask's test client asks it."""

CLIENT_ID = "evidence-at-this-ehr"
TOKEN = "secret-token-of-the-launch"
CODE = "secret-code-of-the-launch"
LAUNCH = "secret-launch-context"


class SmartEhr:
    """Answers as an EHR does; `says` and `token` can be changed, `exchanged` are the forms posted.

    `patients`: the patient of each code, the seed's by default.
    """

    def __init__(self, server: HTTPServer, sample: str = samples.SEED) -> None:
        self.patient_id = samples.SAMPLES[sample].patient_id
        self.origin = server.url_for("").rstrip("/")
        self.token: dict[str, Any] = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "launch patient/*.rs",
            "patient": self.patient_id,
        }
        self.token_status = 200
        self.patients: dict[str, str] = {}
        self.exchanged: list[dict[str, str]] = []
        self.configurations_read = 0
        self.says: dict[str, Any] = {
            "issuer": f"{self.origin}/fhir",
            "authorization_endpoint": f"{self.origin}/oauth/authorize",
            "token_endpoint": f"{self.origin}/oauth/token",
            "code_challenge_methods_supported": ["S256"],
        }
        server.expect_request("/fhir/.well-known/smart-configuration").respond_with_handler(
            self._configuration
        )
        server.expect_request("/oauth/token", method="POST").respond_with_handler(self._exchange)
        self.fhir = ChartServer(server)
        self.fhir.resources = chart(sample)

    @property
    def base(self) -> str:
        """The FHIR server's base URL."""
        return self.fhir.base

    def _configuration(self, _: Request) -> Response:
        self.configurations_read += 1
        return Response(json.dumps(self.says), content_type="application/json")

    def _exchange(self, request: Request) -> Response:
        form = request.form.to_dict()
        self.exchanged.append(form)
        body = self.token | (
            {"patient": self.patients[form["code"]]} if form.get("code") in self.patients else {}
        )
        return Response(json.dumps(body), self.token_status, content_type="application/json")


def chart(sample: str) -> list[dict[str, Any]]:
    """The resources of a sample patient."""
    bundle = json.loads(json.dumps(samples.sample_bundle(sample, NOW), default=float))
    return [entry["resource"] for entry in bundle["entry"]]


@dataclass(slots=True)
class Browser:
    """A browser with the app, at one fixed moment that can be changed."""

    http: FlaskClient
    log: io.StringIO
    moments: list[datetime] = field(default_factory=lambda: [NOW])

    def launch(self, iss: str, launch: str = LAUNCH) -> dict[str, str]:
        """Launch the app; the parameters with which the browser comes to the EHR."""
        first = self.http.get("/app/launch", query_string={"iss": iss, "launch": launch})
        assert first.status_code == 302, first.text
        second = self.http.get(first.headers["Location"])
        assert second.status_code == 302, second.text
        return dict(parse_qsl(urlsplit(second.headers["Location"]).query))

    def ask(self, state: str, code: str = CODE, **more: Any) -> TestResponse:
        """What the page asks when the browser is back."""
        headers = more.pop("headers", {"Sec-Fetch-Site": "same-origin"})
        body = {"code": code, "state": state} | more
        return self.http.post("/app/evidence", json=body, headers=headers)

    def evidence(self, iss: str) -> dict[str, Any]:
        """Launch and ask; what the page shows."""
        answer = self.ask(self.launch(iss)["state"])
        assert answer.status_code == 200, answer.text
        return answer.json  # type: ignore[no-any-return]


def browser(base: str, app: RegisteredApp | None = None, **settings: Any) -> Browser:
    """The service with the app registered for one FHIR server."""
    log, moments = io.StringIO(), [NOW]
    given = {
        "fhir_servers": (base,),
        "evidence_app": app or RegisteredApp(CLIENT_ID),
        "public_url": PUBLIC,
        "database_url": "",
        "call_deadline": 15,
    } | settings
    made = create_app(Settings(**given), clock=lambda: moments[0], log_stream=log)
    return Browser(made.test_client(), log, moments)


def code_of(answer: TestResponse) -> str:
    """The stable code of a refusal."""
    return str(answer.json["issue"][0]["details"]["coding"][0]["code"])  # type: ignore[index]


def query_of(url: str) -> dict[str, list[str]]:
    """The parameters of an address."""
    return parse_qs(urlsplit(url).query)
