"""`/`: redirects to the sandbox if that is served, else says what this address is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, url_for

from service.interpreter.rules import RULE_TABLE_VERSION
from service.routes.plain_pages import page_without_script

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse


def front_page_routes(*, sandbox: bool) -> Blueprint:
    """Return the route of the page at the bare address."""
    routes = Blueprint("front_page", __name__, template_folder="pages")

    @routes.get("/")
    def front_page() -> AnyResponse:
        if sandbox:
            return redirect(url_for("sandbox.page"))
        page = render_template("front_page.html", version=RULE_TABLE_VERSION)
        return page_without_script(page)

    return routes
