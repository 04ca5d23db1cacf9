"""`/app/`: the evidence for one patient as a SMART app that the EHR launches.

`/app/launch` sends the browser to the EHR's authorization server, `/app/` is the page to which it
comes back, and `/app/evidence` is what the page asks, once: the code goes in, the evidence comes
out. The access token stays on this side and ends with the request.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, after_this_request, redirect, render_template, request

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.cards.build import DEFAULT_PUBLIC_URL
from service.cds_hooks.smart_scopes import launch_scopes
from service.clinical_data.search_log import SearchLog
from service.error_codes import ErrorCode
from service.errors import CdsServiceError, ClientNotAllowed, InvalidHookCall, LaunchRefused
from service.evidence_app.code_exchange import exchange
from service.evidence_app.evidence import evidence_call, evidence_document, gather_evidence
from service.evidence_app.launch import (
    SmartConfigurations,
    authorization_address,
    check_issuer,
    check_launch,
)
from service.evidence_app.outgoing import Outgoing
from service.evidence_app.registrations import Registrations
from service.evidence_app.sealed_launch import LIFE, LaunchSeal, cookie_name, new_launch
from service.fhir_client.deadline import Deadline
from service.interpreter.rules import RULE_TABLE_VERSION
from service.observability.logging import Event, log
from service.routes.call_metrics import finding_ids
from service.routes.errors import log_refusal
from service.routes.request_bodies import json_body
from service.routes.request_context import audit_entry
from service.routes.static_files import static_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Response as AnyResponse

    from service.evidence_app.registrations import Registration
    from service.evidence_app.sealed_launch import OpenLaunch
    from service.hook_call import Answer
    from service.routes.application import Application

SERVICE = "evidence-app"
MOST_BODY = 16 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'; frame-ancestors "
)


R = TypeVar("R", bound="AnyResponse")


class _Return(msgspec.Struct, frozen=True):
    """What the page brings from the authorization server."""

    code: str
    state: str
    iss: str | None = None


_RETURN = msgspec.json.Decoder(_Return)


@dataclass(frozen=True, slots=True)
class _App:
    """What the routes share."""

    product: Application
    registrations: Registrations
    seal: LaunchSeal
    outgoing: Outgoing
    configurations: SmartConfigurations

    @property
    def address(self) -> str:
        """The app's own address as EHRs know it; never the Host header."""
        return f"{self.product.settings.public_url or DEFAULT_PUBLIC_URL}/app/"


def evidence_app_routes(product: Application) -> Blueprint | None:
    """Return the routes; None where no EHR has the app registered."""
    settings = product.settings
    clients = product.authenticator.clients.values()
    registrations = Registrations(clients, product.anyone, settings)
    if not registrations:
        return None
    outgoing = Outgoing(product.session, product.fhir_servers, settings.call_deadline)
    app = _App(
        product,
        registrations,
        LaunchSeal(settings.hash_key.get_secret_value()),
        outgoing,
        SmartConfigurations(outgoing, time.monotonic),
    )
    routes = Blueprint("evidence_app", __name__, template_folder="pages", url_prefix="/app")

    @routes.get("/launch")
    def launch() -> AnyResponse:
        try:
            return _launch(app)
        except CdsServiceError as error:
            log_refusal(error)
            return _page(app.registrations.frame_origins(), error.message, status=error.status)

    @routes.get("/")
    def page() -> Response:
        return _page(_frames_of(app, request.args.get("state", "")))

    @routes.post("/evidence")
    def evidence() -> Response:
        return _evidence(app)

    @routes.get("/static/<any(app, shared):folder>/<name>")
    def file(folder: str, name: str) -> Response:
        return _guarded(static_file(f"{folder}/{name}"), ())

    return routes


def _launch(app: _App) -> AnyResponse:
    """Seal a launch into a cookie, see that the browser keeps it, and go on to the EHR."""
    iss, launch = _single("iss"), _single("launch")
    registration = app.registrations.of(iss)
    check_launch(launch)
    configuration = app.configurations.of(registration)
    state, now = request.args.get("state"), app.product.clock()
    if state is None:
        return _with_cookie(app, new_launch(iss, now), launch)
    opened = app.seal.open(state, request.cookies, now)
    if opened is None or opened.iss != iss:
        again = "/app/launch?" + urlencode({"iss": iss, "launch": launch})
        return _page(registration.app.frame_origins, again=again, status=403)
    scopes = launch_scopes(app.product.plan.templates)
    target = authorization_address(configuration, registration, opened, launch, app.address, scopes)
    log.info(Event.APP_LAUNCHED, client=registration.client.name)
    return _guarded(redirect(target), registration.app.frame_origins)


def _single(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1:
        raise LaunchRefused(
            "The EHR opened the app without saying for whom; open it from the card.",
            code=ErrorCode.LAUNCH_INCOMPLETE,
            expression=name,
        )
    return values[0]


def _with_cookie(app: _App, opened: OpenLaunch, launch: str) -> AnyResponse:
    """Come back to this address with the state: only then is it known that cookies are kept."""
    query = urlencode({"iss": opened.iss, "launch": launch, "state": opened.state})
    response = _guarded(redirect(f"/app/launch?{query}"), ())
    for name in app.seal.superfluous(request.cookies):
        _forget(response, name)
    response.set_cookie(
        cookie_name(opened.state),
        app.seal.seal(opened),
        max_age=LIFE,
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )
    return response


def _forget(response: AnyResponse, name: str) -> None:
    response.delete_cookie(name, secure=True, httponly=True, samesite="None", partitioned=True)


def _evidence(app: _App) -> Response:
    started = time.monotonic()
    product, audit = app.product, audit_entry()
    audit.service = SERVICE
    _own_page_only(app)
    returned = _returned()
    now = product.clock()
    opened = app.seal.open(returned.state, request.cookies, now)
    if opened is None:
        raise LaunchRefused("This launch is over; open the app again from the card.")

    @after_this_request
    def use_once(response: Response) -> Response:
        _forget(response, cookie_name(opened.state))
        return response

    registration = app.registrations.of(opened.iss)
    client = registration.client
    audit.client = client.name
    configuration = app.configurations.of(registration)
    check_issuer(returned.iss, configuration)
    authorized = exchange(
        returned.code,
        opened,
        configuration,
        registration,
        app.address,
        app.outgoing,
        product.plan.templates,
    )
    audit.about(product.settings.hash_key.get_secret_value(), client, "", authorized.patient_id)
    call = evidence_call(authorized, str(registration.fhir_server))
    deadline = Deadline(product.settings.call_deadline)
    searches = SearchLog(observe=product.metrics.fetched)
    with closing(product.data_source(call, deadline, searches, now)) as source:
        answer = gather_evidence(call, source, product.knowledge, now, product.new_id)
    audit.findings = tuple(finding_ids(answer.interpretation))
    audit.sources = answer.data.sources
    _log_evidence(answer, registration, started)
    document = evidence_document(answer, now, product.knowledge.findings_off)
    return _guarded(Response(msgspec.json.encode(document), mimetype="application/json"), ())


def _own_page_only(app: _App) -> None:
    """Only the app's own page may ask. Raises ClientNotAllowed."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = app.address.removesuffix("/app/")
    if site not in {None, "same-origin"} or (site is None and origin != own):
        raise ClientNotAllowed("Only the app's own page may ask for this")


def _returned() -> _Return:
    request.max_content_length = MOST_BODY
    try:
        return _RETURN.decode(json_body())
    except DECODE_ERRORS:
        raise InvalidHookCall("The page's request cannot be read") from None


def _log_evidence(answer: Answer, registration: Registration, started: float) -> None:
    log.info(
        Event.EVIDENCE_SHOWN,
        client=registration.client.name,
        duration_ms=round((time.monotonic() - started) * 1000, 1),
        findings=finding_ids(answer.interpretation),
        second_stage=answer.second_stage,
        sources=[f"{group}={source}" for group, source in answer.data.sources.items()],
        unreadable=len(answer.interpretation.set_aside),
        rule_table=RULE_TABLE_VERSION,
    )


def _frames_of(app: _App, state: str) -> tuple[str, ...]:
    """Who may frame the page: the EHR of the launch, or any of them where there is no launch."""
    opened = app.seal.open(state, request.cookies, app.product.clock())
    try:
        if opened is not None:
            return app.registrations.of(opened.iss).app.frame_origins
    except LaunchRefused:
        pass
    return app.registrations.frame_origins()


def _page(
    frame_origins: Iterable[str], problem: str = "", *, again: str = "", status: int = 200
) -> Response:
    """Return the page; with a problem, or a link to open the app again, it asks for nothing."""
    text = render_template(
        "evidence_app.html", version=RULE_TABLE_VERSION, problem=problem, again=again
    )
    return _guarded(Response(text, status, mimetype="text/html"), frame_origins)


def _guarded(response: R, frame_origins: Iterable[str]) -> R:
    response.headers["Content-Security-Policy"] = _POLICY + (" ".join(frame_origins) or "'none'")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
