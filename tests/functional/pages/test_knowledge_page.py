"""`/knowledge`: the page to which every card links."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from flask import Flask

from fhir_mappings.vocabulary.orders import ORDERS
from service.app import create_app
from service.interpreter.rules import FINDINGS, RULE_TABLE_VERSION, RULES
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
    assert page.text.index("<h2>Findings") < page.text.index('id="steps"')
    assert "Decision support, not a diagnosis" in page.text


def test_the_page_has_no_script_and_loads_nothing(page):
    assert "<script" not in page.text
    assert not re.search(r"\bon[a-z]+=|https?://", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_page_speaks_to_physicians(page):
    import html

    text = html.unescape(
        re.sub(r"<(style|code)\b.*?</\1>|<[^>]+>", " ", page.text, flags=re.DOTALL)
    )
    assert not re.search(r"[{}]", text)
    assert not re.search(r"\b(LOW|HIGH|MARKED|ELEVATED|NORMAL|IDX|ACD|M\d+|PAN|BI)\b", text)
    hyphenated = [finding for finding in FINDINGS if "-" in finding]
    assert [finding for finding in hyphenated if finding in text] == []
    assert [order for order in ORDERS if "-" in order and re.search(rf"\b{order}\b", text)] == []


def test_every_finding_has_a_title_of_its_own():
    assert len({rule.title for rule in RULES}) == len(RULES)
    assert all(rule.title for rule in RULES)


def test_every_finding_with_a_card_says_what_it_means_proposes_and_avoids(page):
    cards = sum(rule.has_card for rule in RULES)
    for heading in ("What it means", "What it proposes", "What to avoid", "How urgent"):
        assert page.text.count(f"<h4>{heading}</h4>") == cards
    assert page.text.count("<h4>What it looks for</h4>") == len(FINDINGS)


def test_the_page_can_be_read_by_anyone(page):
    assert '<html lang="en">' in page.text
    assert page.text.count("<h1>") == 1
    assert all('scope="col"' in cell for cell in re.findall(r"<th\b[^>]*>", page.text))
    identities = re.findall(r'id="([^"]+)"', page.text)
    assert len(identities) == len(set(identities))


def test_the_service_itself_serves_the_page():
    app = create_app(Settings(database_url=""), log_stream=StringIO())

    assert app.test_client().get("/knowledge").status_code == 200
