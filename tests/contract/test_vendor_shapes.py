"""Tokens and calls in the shapes of docs/vendors/ are let in and answered, in production."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.cds_hooks.discovery import CORE_KEYS, load_catalogue
from service.security import key_sets
from service.security.key_files import keys_of
from service.security.trusted_clients import load_clients
from tests.support.databases import upgraded
from tests.support.hook_calls import NOW, client, post, seed_prefetch, topics
from tests.support.tokens import RSA_KEY, jwks
from tests.support.vendor_shapes import (
    EPIC_DRAFT,
    EPIC_JKU,
    EPIC_KID,
    ORACLE_ISSUER,
    ORACLE_JKU,
    epic_call,
    epic_token,
    oracle_call,
    oracle_token,
)

if TYPE_CHECKING:
    from flask.testing import FlaskClient

VENDORS = Path(__file__).parents[2] / "docs" / "vendors"
PAGES = sorted(VENDORS.glob("*.md"))
PUBLIC = "https://hooks.example"
ALGORITHM = {EPIC_JKU: "RS384", ORACLE_JKU: "RS256"}
KEYS = {EPIC_JKU: jwks(**{EPIC_KID: RSA_KEY}), ORACLE_JKU: jwks(**{"2026": RSA_KEY})}


def sheet(name: str) -> str:
    """The clients file that a vendor's page tells to write."""
    (block,) = re.findall(r"```toml\n(.*?)```", (VENDORS / name).read_text("utf-8"), re.DOTALL)
    return str(block)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The service in production with the clients of both pages; their key sets are ours."""
    # Their sets name the algorithm of each key; ours are made for RS384 only.
    monkeypatch.setattr(
        key_sets,
        "fetch_keys",
        lambda url: keys_of(KEYS[url].replace("RS384", ALGORITHM[url]).encode()),
    )
    text = (sheet("epic.md") + sheet("oracle-health.md")).replace("shadow = true", "")
    clients = tmp_path / "clients.toml"
    clients.write_text(
        text.replace("r4/TENANT", "r4/0c3b1a52-6a55-4a5e-8a58-7d7e0f1b2c3d"), "utf-8"
    )
    return client(
        environment="production",
        public_url=PUBLIC,
        hash_key="0123456789abcdef0123456789abcdef",
        clients_file=clients,
        database_url=upgraded(f"sqlite:///{tmp_path}/store.sqlite3"),
        suggestions="single",
    )


def url_of(hook: str) -> str:
    return f"/cds-services/pancytopenia-{hook}"


def ask(service: FlaskClient, hook: str, call: dict[str, Any], token: str) -> Any:
    body = call | {"prefetch": seed_prefetch()}
    return post(service, body, url_of(hook), Authorization=f"Bearer {token}")


def test_a_chart_opened_in_epic_gets_its_card(service: FlaskClient) -> None:
    hook = "patient-view"
    answer = ask(service, hook, epic_call(hook), epic_token(PUBLIC + url_of(hook), NOW))
    assert topics(answer) == ["index-pattern"]
    (card,) = answer.json["cards"]
    assert card["selectionBehavior"] == "any"
    assert all(len(each["actions"]) == 1 for each in card["suggestions"])
    assert {each["type"] for each in card["links"]} == {"absolute"}


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_a_draft_of_epic_is_known_by_its_display_and_named_by_its_long_id(
    service: FlaskClient, hook: str
) -> None:
    answer = ask(service, hook, epic_call(hook), epic_token(PUBLIC + url_of(hook), NOW))
    assert topics(answer) == ["b12-order-without-deficiency"]
    (card,) = answer.json["cards"]
    removals = [a for each in card["suggestions"] for a in each["actions"] if a["type"] == "delete"]
    assert [each["resourceId"] for each in removals] == [f"MedicationRequest/{EPIC_DRAFT}"]


def test_a_token_of_epic_is_refused_from_its_expiry_on(service: FlaskClient) -> None:
    hook = "patient-view"
    token = epic_token(PUBLIC + url_of(hook), NOW - timedelta(minutes=15))
    assert ask(service, hook, epic_call(hook), token).status_code == 401


def test_a_chart_opened_at_oracle_health_gets_its_card(service: FlaskClient) -> None:
    hook = "patient-view"
    answer = ask(service, hook, oracle_call(), oracle_token(PUBLIC + url_of(hook), NOW))
    assert topics(answer) == ["index-pattern"]


def test_a_token_of_one_vendor_does_not_open_the_door_of_another(service: FlaskClient) -> None:
    hook = "patient-view"
    token = epic_token(PUBLIC + url_of(hook), NOW)
    assert ask(service, hook, oracle_call(), token).status_code == 403


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_what_a_page_tells_to_write_is_a_clients_file(page: Path, tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(sheet(page.name), "utf-8")
    (registered,) = load_clients(path, production=True)
    assert registered.fhir_servers
    assert registered.shadow


def test_the_pages_name_the_issuer_and_key_set_of_the_shapes() -> None:
    assert EPIC_JKU in sheet("epic.md")
    assert ORACLE_ISSUER in sheet("oracle-health.md")
    assert ORACLE_JKU in sheet("oracle-health.md")


@pytest.mark.parametrize("page", [p for p in PAGES if p.stem != "any-other"], ids=lambda p: p.stem)
def test_each_fact_about_a_vendor_has_its_source(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "Sources" in text
    assert "November 2026" in text
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) >= 3 and cells[-1] not in {"source", "---"}:
            named = re.fullmatch(r"(?:[EO]\d(?:, )?)+", cells[-1])
            assert named or "unverified" in line, line


def test_the_number_of_prefetch_keys_is_that_of_the_product() -> None:
    text = (VENDORS / "any-other.md").read_text("utf-8")
    assert f"{len(load_catalogue().templates)} with `HEME_HOOKS_PREFETCH_KEYS=all`" in text
    assert len(CORE_KEYS) == 9
    assert "nine keys in discovery" in text
