"""The demo's small EHR: a card beside the chart, and the evidence app launched from the card.

`/fhir` is the FHIR server behind it, for whoever has a token of the authorization server that
stands beside it. On loopback and for development alone.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
from flask import Flask, Response, abort, jsonify, redirect, render_template, request

from service.cds_client.plain_markdown import inline
from service.demo.authorization_server import App, Issued, authorization_server
from service.demo.processes import HOST

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

APP_ID = "heme-hooks-demo"
SERVICE = "pancytopenia-patient-view"
FETCH_SECONDS = 30


def small_ehr(port: int, fhir_server: str, service: str) -> Flask:
    """Return the EHR on this port of loopback, in front of a FHIR server and beside our service."""
    web = Flask("service.demo", template_folder="pages")
    own = f"http://{HOST}:{port}"
    base = f"{own}/fhir"
    issued = web.extensions["issued"] = Issued()
    authorization_server(web, App(APP_ID, f"{service}/app/"), issued, base)
    session = requests.Session()
    session.trust_env = False

    @web.get("/patients/<patient>")
    def chart(patient: str) -> str:
        body = {
            "hook": "patient-view",
            "hookInstance": "6b1c9f43-5a3c-4a54-9e0e-2f8a4c7d1e55",
            "fhirServer": fhir_server,
            "context": {"userId": "Practitioner/demo", "patientId": patient},
        }
        url = f"{service}/cds-services/{SERVICE}"
        answer = session.post(url, json=body, timeout=FETCH_SECONDS)
        cards = [_shown(card) for card in answer.json().get("cards", ())]
        return render_template("small_ehr.html", patient=patient, cards=cards)

    @web.get("/launch/<patient>")
    def launch(patient: str) -> AnyResponse:
        query = urlencode({"iss": base, "launch": issued.launch(patient)})
        return redirect(f"{service}/app/launch?{query}")

    @web.get("/fhir/.well-known/smart-configuration")
    def smart_configuration() -> Response:
        return jsonify(
            issuer=base,
            authorization_endpoint=f"{own}/authorize",
            token_endpoint=f"{own}/token",
            grant_types_supported=["authorization_code"],
            code_challenge_methods_supported=["S256"],
            scopes_supported=["launch", "patient/*.rs"],
            capabilities=["launch-ehr", "client-public", "context-ehr-patient"],
        )

    @web.get("/fhir/<path:path>")
    def fhir(path: str) -> Response:
        _check_token(issued, path)
        url = f"{fhir_server}/{path}"
        found = session.get(url, params=request.args.to_dict(flat=False), timeout=FETCH_SECONDS)
        # Next links must lead through here again.
        body = found.content.replace(fhir_server.encode(), base.encode())
        return Response(body, found.status_code, content_type=found.headers["Content-Type"])

    return web


def _check_token(issued: Issued, path: str) -> None:
    """A token opens one patient's chart."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    patient = issued.tokens.get(token) if scheme == "Bearer" else None
    if patient is None:
        abort(401)
    asked = request.args.get("patient") or request.args.get("subject") or path.rpartition("/")[2]
    about_patient = path.startswith("Patient/") or "patient" in request.args
    if about_patient and asked.removeprefix("Patient/") != patient:
        abort(403)


def _shown(card: dict[str, Any]) -> dict[str, Any]:
    lines = str(card.get("detail", "")).split("\n\n")
    links = [
        {"label": link["label"], "url": link["url"], "smart": link["type"] == "smart"}
        for link in card.get("links", ())
    ]
    return {
        "summary": card["summary"],
        "indicator": card["indicator"],
        "detail": [inline(line) for line in lines],
        "links": links,
    }


def main() -> None:
    """python -m service.demo.small_ehr PORT FHIR_SERVER SERVICE"""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("fhir_server")
    parser.add_argument("service")
    given = parser.parse_args()
    # Loopback has no TLS, which Authlib insists on otherwise.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    web = small_ehr(given.port, given.fhir_server, given.service)
    web.run(HOST, given.port, threaded=True)


if __name__ == "__main__":
    main()
