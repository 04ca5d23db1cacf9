"""The demo's authorization server: codes with PKCE and tokens for one public client (Authlib).

For development alone: everybody is signed in, and every launch is allowed.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, InvalidRequestError, grants
from authlib.oauth2.rfc7636 import CodeChallenge

if TYPE_CHECKING:
    from flask import Flask, Response

CLINICIAN = "the demo's clinician"
CODE_SECONDS = 60
MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class App(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """The one app that is registered: public, with its redirect address."""

    client_id: str
    redirect_uri: str

    def get_client_id(self) -> str:
        """Return its id."""
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        """Return its redirect address."""
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        """Return what is granted of a scope: launch, and reading about the patient."""
        return " ".join(s for s in scope.split() if s == "launch" or s.startswith("patient/"))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether this is its redirect address, letter by letter."""
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, _client_secret: str) -> bool:
        """A public client has none."""
        return False

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Whether the app may come to an endpoint like this: without a secret."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """Whether it may ask for this: a code."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use this grant: a code."""
        return grant_type == "authorization_code"


@dataclass(frozen=True, slots=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """One code, good for one exchange."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    patient: str
    code_challenge: str
    code_challenge_method: str
    until: float

    def get_redirect_uri(self) -> str:
        """Return where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return what was asked for."""
        return self.scope


@dataclass(slots=True)
class Issued:
    """What the server gave out: launches, codes and tokens, each for one patient."""

    launches: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def launch(self, patient: str) -> str:
        """Return the launch parameter for a patient."""
        return _kept(self.launches, patient)


def _kept(values: dict[str, str], patient: str) -> str:
    while len(values) >= MOST_KEPT:
        values.pop(next(iter(values)))
    name = secrets.token_urlsafe(24)
    values[name] = patient
    return name


class _S256(CodeChallenge):  # type: ignore[misc]
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class _Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for the one app."""

    def __init__(self, web: Flask, app: App, issued: Issued) -> None:
        self.app = app
        self.issued = issued
        super().__init__(web, query_client=self._app_named, save_token=lambda *_: None)
        self.register_grant(_Grant, [_S256(required=True)])

    def _app_named(self, client_id: str) -> App | None:
        return self.app if client_id == self.app.client_id else None


class _Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """A code for a launch; its token says for which patient."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401
        """Remember a code."""
        data, issued = request.payload.data, self.server.issued
        issued.codes[code] = Code(
            code,
            self.server.app.client_id,
            data["redirect_uri"],
            request.payload.scope,
            issued.launches[data["launch"]],
            data["code_challenge"],
            data.get("code_challenge_method", "S256"),
            time.monotonic() + CODE_SECONDS,
        )

    def query_authorization_code(self, code: str, _client: App) -> Code | None:
        """Return a code and forget it: whatever comes of it, it is used once."""
        found: Code | None = self.server.issued.codes.pop(code, None)
        return found if found is not None and found.until > time.monotonic() else None

    def delete_authorization_code(self, _code: Code) -> None:
        """Is done already."""

    def authenticate_user(self, _code: Code) -> str:
        """Return who is signed in."""
        return CLINICIAN

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Return the token with its patient."""
        status, token, headers = super().create_token_response()
        patient = self.request.authorization_code.patient
        self.server.issued.tokens[token["access_token"]] = patient
        return status, token | {"patient": patient}, headers


def authorization_server(web: Flask, app: App, issued: Issued, fhir_server: str) -> None:
    """Add `/authorize` and `/token` to a web application."""
    server = _Server(web, app, issued)

    @web.get("/authorize")
    def authorize() -> Response:
        grant = server.get_consent_grant(end_user=CLINICIAN)
        data = grant.request.payload.data
        if data.get("launch") not in issued.launches or data.get("aud") != fhir_server:
            raise InvalidRequestError("launch or aud is not known")
        if "code_challenge" not in data:
            raise InvalidRequestError("code_challenge is missing")
        response: Response = server.create_authorization_response(grant_user=CLINICIAN, grant=grant)
        return response

    @web.post("/token")
    def token() -> Response:
        response: Response = server.create_token_response()
        return response
