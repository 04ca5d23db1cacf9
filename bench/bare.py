"""The baseline: a Flask application that reads the same bytes and answers one constant card."""

from __future__ import annotations

import json

from flask import Flask, Response, request

from bench.constant_card import CARD


def create_app() -> Flask:
    """Build the application."""
    app = Flask("bare")

    @app.get("/cds-services")
    def discovery() -> dict[str, list[object]]:
        return {"services": []}

    @app.post("/cds-services/<service>")
    def call(service: str) -> Response:
        json.loads(request.get_data())
        return Response(json.dumps({"cards": [CARD]}), mimetype="application/json")

    return app
