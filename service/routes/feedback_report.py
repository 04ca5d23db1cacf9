"""`/feedback/report`: what became of the cards, as a page. No script, no cookie."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request

from service.error_codes import ErrorCode
from service.errors import StorageUnavailable
from service.feedback.override_reasons import REASONS
from service.feedback.report import SMALL_GROUP, feedback_report
from service.feedback.report_charts import HEIGHT, WIDTH, picture
from service.feedback.report_text import COLUMNS, ORDER_COLUMNS, cells, order_cells
from service.security.report_readers import may_read

if TYPE_CHECKING:
    from service.routes.application import Application

PERIODS = (7, 30, 90, 365)
LONGEST = 366
_NUMBER = re.compile(r"[0-9]{1,4}")

_STYLE = (Path(__file__).parent / "pages" / "feedback_report.css").read_text("utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_served(product: Application) -> bool:
    """In production only to named readers."""
    return bool(product.settings.report_readers) or not product.settings.is_production


def report_routes(product: Application) -> Blueprint:
    """Return the route of the report page."""
    routes = Blueprint("feedback_report", __name__, template_folder="pages")

    @routes.get("/feedback/report")
    def report() -> Response:
        readers = product.settings.report_readers
        asked = request.authorization
        if readers and not (
            asked is not None
            and asked.type == "basic"
            and may_read(readers, asked.username or "", asked.password or "")
        ):
            return _ask()
        return Response(_page(product, _days()), mimetype="text/html", headers=_HEADERS)

    return routes


def _ask() -> Response:
    headers = _HEADERS | {"WWW-Authenticate": 'Basic realm="heme-hooks report", charset="UTF-8"'}
    text = "The report needs a reader's name and token.\n"
    return Response(text, HTTPStatus.UNAUTHORIZED, headers, mimetype="text/plain")


def _days() -> int:
    text = request.args.get("last", "30")
    return max(1, min(int(text), LONGEST)) if _NUMBER.fullmatch(text) else 30


def _page(product: Application, days: int) -> str:
    if product.storage is None:
        raise StorageUnavailable(
            "There is no report: this service has no store", code=ErrorCode.STORAGE_NOT_CONFIGURED
        )
    now = product.clock()
    report = feedback_report(product.storage, now - timedelta(days=days), now)
    return render_template(
        "feedback_report.html",
        style=_STYLE,
        picture=picture(report),
        width=WIDTH,
        height=HEIGHT,
        reasons=REASONS,
        periods=PERIODS,
        last=days,
        columns=COLUMNS,
        rows=[cells(row) for row in report.rows],
        order_columns=ORDER_COLUMNS,
        orders=[order_cells(row) for row in report.orders],
        unmatched=report.unmatched_feedback,
        small_group=SMALL_GROUP,
    )
