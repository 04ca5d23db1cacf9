"""Feedback over HTTP (CDS Hooks 2.0, 'Feedback')."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from service.error_codes import ErrorCode
from service.errors import StorageUnavailable
from service.feedback.override_reasons import reason_label
from service.feedback.received import record_feedback
from service.feedback.request import parse_feedback
from service.observability.logging import Event, log
from service.routes.request_bodies import json_body
from service.routes.request_context import audit_entry, serves

if TYPE_CHECKING:
    from service.cds_hooks.messages import CdsService
    from service.routes.application import Application


def feedback_routes(product: Application) -> Blueprint:
    """Return the feedback endpoint of every service."""
    routes = Blueprint("feedback", __name__)

    @routes.post("/cds-services/<service_id>/feedback")
    @routes.post("/cds-services//<service_id>/feedback")
    def take(service_id: str) -> Response:
        service = product.catalogue.service(service_id)
        serves(service)
        return _take(product, service)

    return routes


def _take(product: Application, service: CdsService) -> Response:
    audit = audit_entry()
    audit.service = service.id
    client = product.client()
    audit.client = client.name
    items = parse_feedback(json_body())
    if product.storage is None:
        raise StorageUnavailable(
            "Feedback cannot be kept: this service has no store",
            code=ErrorCode.STORAGE_NOT_CONFIGURED,
        )
    stored = record_feedback(
        product.storage, items, client=client.name, service=service.id, now=product.clock()
    )
    for item in stored:
        product.metrics.feedback.labels(item.outcome, reason_label(item)).inc()
    audit.items = len(items)
    log.info(Event.FEEDBACK_STORED, client=client.name, items=len(items))
    return Response(b"{}", mimetype="application/json")
