"""`/openapi.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from service.routes.openapi_document import openapi_document

if TYPE_CHECKING:
    from service.routes.application import Application


def openapi_routes(product: Application) -> Blueprint:
    """Return the route of the OpenAPI document."""
    routes = Blueprint("openapi", __name__)
    document = json.dumps(openapi_document(product.catalogue, product.settings.public_url))

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(document, mimetype="application/json")

    return routes
