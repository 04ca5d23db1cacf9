"""`/knowledge`: the page to which every card links."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from flask import Flask

from service.app import create_app
from service.interpreter.rules import FINDINGS, RULE_TABLE_VERSION
from service.routes.knowledge import knowledge_routes
from service.settings import Settings


@pytest.fixture(scope="module")
def page():
    app = Flask("service")
    app.register_blueprint(knowledge_routes())
    return app.test_client().get("/knowledge")


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_finding_has_one_anchor(page, finding):
    assert page.text.count(f'id="{finding}"') == 1


def test_the_page_names_the_version_the_limits_and_the_sources(page):
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert RULE_TABLE_VERSION in page.text
    assert "ANC severe below" in page.text
    assert "NICE NG239" in page.text
    assert "Decision support, not a diagnosis" in page.text


def test_the_page_has_no_script_and_loads_nothing(page):
    assert "<script" not in page.text
    assert not re.search(r"\bon[a-z]+=|https?://", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_page_escapes_what_the_table_says(page):
    assert "ANC &lt; 0.5" in page.text or "&#39;" in page.text or "&#34;" in page.text
    assert "{{" not in page.text


def test_the_page_can_be_read_by_anyone(page):
    assert '<html lang="en">' in page.text
    assert page.text.count("<h1>") == 1
    assert all('scope="col"' in cell for cell in re.findall(r"<th\b[^>]*>", page.text))
    identities = re.findall(r'id="([^"]+)"', page.text)
    assert len(identities) == len(set(identities))


def test_the_service_itself_serves_the_page():
    app = create_app(Settings(database_url=""), log_stream=StringIO())

    assert app.test_client().get("/knowledge").status_code == 200
