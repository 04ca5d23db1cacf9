"""What many would write: every Observation validated with fhir.resources R4B, then a constant."""

from __future__ import annotations

import json

from fhir.resources.R4B.observation import Observation
from flask import Flask, Response, request

from bench.constant_card import CARD


def create_app() -> Flask:
    """Build the application."""
    app = Flask("validating")

    @app.get("/cds-services")
    def discovery() -> dict[str, list[object]]:
        return {"services": []}

    @app.post("/cds-services/<service>")
    def call(service: str) -> Response:
        for bundle in json.loads(request.get_data())["prefetch"].values():
            for entry in bundle.get("entry", ()):
                if entry["resource"]["resourceType"] == "Observation":
                    Observation.model_validate(entry["resource"])
        return Response(json.dumps({"cards": [CARD]}), mimetype="application/json")

    return app
