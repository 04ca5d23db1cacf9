"""`/knowledge`: the decision table as a page, an anchor for each finding. No script, no cookie."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from fhir_mappings.vocabulary.orders import ORDERS
from service.interpreter import thresholds
from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES
from service.knowledge.markdown import INTRODUCTION
from service.knowledge.modifiers import MODIFIER_ROWS
from service.knowledge.rows import rule_rows

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def knowledge_routes() -> Blueprint:
    """Return the route of the page to which every card links."""
    routes = Blueprint("knowledge", __name__, template_folder="pages")

    @routes.get("/knowledge")
    def knowledge() -> Response:
        page = render_template(
            "knowledge.html",
            version=RULE_TABLE_VERSION,
            introduction=INTRODUCTION,
            rows=rule_rows(),
            modifiers=MODIFIER_ROWS,
            limits=tuple(thresholds.table()),
            orders=tuple(ORDERS.values()),
            sources=SOURCES,
        )
        response = Response(page, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return routes
