"""For operators: whether the service is running, whether it is ready, and its metrics.

None of it needs a token and none of it names a patient, a user or a FHIR server; a reverse proxy
keeps it internal (docs/feedback.md).
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from flask import Blueprint, Response, g, request

from service.errors import UnknownService
from service.observability.metrics import CONTENT_TYPE
from service.routes.feedback_report import is_served, report_routes
from service.routes.readiness import STOPPING, checks, is_ready

if TYPE_CHECKING:
    from flask import Flask

    from service.routes.application import Application


_APP_STEPS = {"evidence_app.launch": "launch", "evidence_app.evidence": "evidence"}


def operations_routes(product: Application) -> Blueprint:
    """Return `/health/live`, `/health/ready` and, unless switched off, `/metrics`."""
    routes = Blueprint("operations", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return _json({"status": "live"}, HTTPStatus.OK)

    @routes.get("/health/ready")
    def ready() -> Response:
        calls_write = bool(product.authenticator.clients)
        if request.environ.get(STOPPING):
            body = {"status": "not ready", "checks": {"instance": "stopping"}}
            return _json(body, HTTPStatus.SERVICE_UNAVAILABLE)
        results = checks(product.storage, product.knowledge.terminology, calls_write=calls_write)
        if is_ready(results, calls_write=calls_write):
            return _json({"status": "ready", "checks": results}, HTTPStatus.OK)
        return _json({"status": "not ready", "checks": results}, HTTPStatus.SERVICE_UNAVAILABLE)

    if product.settings.metrics:

        @routes.get("/metrics")
        def metrics() -> Response:
            return Response(product.metrics.text(), content_type=CONTENT_TYPE)

    return routes


def register_operations(app: Flask, product: Application) -> None:
    """Add the routes, and count each hook call and feedback request by service and status."""
    app.register_blueprint(operations_routes(product))
    if is_served(product):
        app.register_blueprint(report_routes(product))

    @app.before_request
    def start() -> None:
        g.started = time.monotonic()

    @app.after_request
    def count(response: Response) -> Response:
        status = str(response.status_code)
        if request.endpoint == "cds_hooks.call" and request.method == "POST":
            service = _service(product)
            product.metrics.calls.labels(service, status).inc()
            seconds = time.monotonic() - g.get("started", time.monotonic())
            product.metrics.call_seconds.labels(service).observe(seconds)
        elif request.endpoint == "feedback.take" and request.method == "POST":
            product.metrics.feedback_requests.labels(_service(product), status).inc()
        elif request.endpoint in _APP_STEPS:
            product.metrics.evidence_app.labels(_APP_STEPS[request.endpoint], status).inc()
        return response


def _service(product: Application) -> str:
    """The service called; an id that is none of ours is not repeated."""
    try:
        return product.catalogue.service((request.view_args or {}).get("service_id", "")).id
    except UnknownService:
        return "unknown"


def _json(body: object, status: HTTPStatus) -> Response:
    return Response(msgspec.json.encode(body), status=status, mimetype="application/json")
