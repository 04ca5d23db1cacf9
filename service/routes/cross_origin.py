"""Which web pages may call the service from a browser (https://fetch.spec.whatwg.org/#cors)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask_cors import CORS

from service.routes.request_context import REQUEST_ID

if TYPE_CHECKING:
    from flask import Flask, Response

    from service.routes.application import Application

LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?\Z", re.IGNORECASE)
PUBLIC_SANDBOX = ("https://sandbox.cds-hooks.org", "http://sandbox.cds-hooks.org")
"""The public CDS Hooks sandbox is allowed in development; it is reached in both ways."""


def register_cross_origin(app: Flask, product: Application) -> None:
    """Answer preflights, and name the origin that may read an answer."""
    origins = _origins(product)
    if origins:
        # Registered first, so that it comes after Flask-CORS, which says nothing to other origins
        # where one is listed: a cache would then give one origin's answer to another.
        @app.after_request
        def vary(response: Response) -> Response:
            response.vary.add("Origin")
            return response

    CORS(
        app,
        origins=origins,
        methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type", REQUEST_ID],
        expose_headers=[REQUEST_ID, "Retry-After"],
        max_age=600,
        send_wildcard=False,
        always_send=False,
    )


def _origins(product: Application) -> list[str | re.Pattern[str]]:
    settings = product.settings
    named = (o for client in product.authenticator.clients.values() for o in client.cors_origins)
    listed: list[str | re.Pattern[str]] = list(dict.fromkeys((*settings.cors_origins, *named)))
    if settings.is_production or settings.cors_origins:
        return listed
    return [LOOPBACK, *PUBLIC_SANDBOX, *listed]
