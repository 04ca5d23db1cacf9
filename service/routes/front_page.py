"""`/`: redirects to the sandbox if that is served, else says what this address is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, url_for

from service.interpreter.rules import RULE_TABLE_VERSION

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def front_page_routes(*, sandbox: bool) -> Blueprint:
    """Return the route of the page at the bare address."""
    routes = Blueprint("front_page", __name__, template_folder="pages")

    @routes.get("/")
    def front_page() -> AnyResponse:
        if sandbox:
            return redirect(url_for("sandbox.page"))
        page = render_template("front_page.html", version=RULE_TABLE_VERSION)
        response = Response(page, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return routes
