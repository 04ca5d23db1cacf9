"""Feedback over HTTP (CDS Hooks 2.0, 'Feedback')."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from service.card_memory import ANONYMOUS_CLIENT
from service.errors import StorageUnavailable
from service.feedback import parse_feedback, record_feedback
from service.observability import Event, log
from service.routes.bodies import json_body

if TYPE_CHECKING:
    from service.routes.product import Product


def feedback_routes(product: Product) -> Blueprint:
    """Return the feedback endpoint of every service."""
    routes = Blueprint("feedback", __name__)

    @routes.post("/cds-services/<service_id>/feedback")
    @routes.post("/cds-services//<service_id>/feedback")
    def take(service_id: str) -> Response:
        service = product.catalogue.service(service_id)
        items = parse_feedback(json_body())
        storage = product.memory.storage
        if storage is None:
            raise StorageUnavailable(
                "Feedback cannot be kept: this service has no store.", code="storage-not-configured"
            )
        record_feedback(
            storage, items, client=ANONYMOUS_CLIENT, service=service.id, now=product.clock()
        )
        log.info(Event.FEEDBACK_STORED, service=service.id, items=len(items))
        # A body of its own kind: some clients parse every answer as JSON.
        return Response(b"{}", mimetype="application/json")

    return routes
