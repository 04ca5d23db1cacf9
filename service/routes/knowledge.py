"""`/knowledge`: the page "About this rule", an anchor for each finding. No script, no cookie.

Beside it the source attributes of the rule table as JSON.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, render_template

from fhir_mappings.vocabulary.orders import ORDERS
from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES
from service.knowledge.about_rules import about_limits, about_modifiers, about_rules
from service.knowledge.source_attributes import REGULATION, as_json, source_attributes
from service.routes.plain_pages import page_without_script


def knowledge_routes() -> Blueprint:
    """Return the route of the page to which every card links."""
    routes = Blueprint("knowledge", __name__, template_folder="pages")

    @routes.get("/knowledge")
    def knowledge() -> Response:
        page = render_template(
            "knowledge.html",
            version=RULE_TABLE_VERSION,
            rows=about_rules(),
            modifiers=about_modifiers(),
            limits=tuple(about_limits()),
            orders=tuple(ORDERS.values()),
            sources=SOURCES,
            regulation=REGULATION,
            attributes=source_attributes(),
        )
        response = page_without_script(page)
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    @routes.get("/knowledge/source-attributes.json")
    def attributes() -> Response:
        body = msgspec.json.format(msgspec.json.encode(as_json()), indent=2)
        response = Response(body, mimetype="application/json")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return routes
