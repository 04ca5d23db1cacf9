"""The bare address leads somewhere useful."""

from __future__ import annotations

from io import StringIO

from service.app import create_app
from service.settings import Settings
from tests.support.hook_calls import client


def test_in_development_it_leads_to_the_sandbox() -> None:
    answer = client(database_url="").get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sandbox"


def test_without_the_sandbox_it_says_what_this_is() -> None:
    app = create_app(Settings(database_url="", sandbox=False), log_stream=StringIO())
    answer = app.test_client().get("/")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "/cds-services" in page
    assert "/knowledge" in page
    assert "<script" not in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
