"""`/feedback/report`: what became of the cards, for those who may know."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from service.commands.feedback import feedback
from service.security.report_readers import may_read, new_reader
from tests.support.ehr import KNOWN, Ehr, item
from tests.support.vignette_charts import T0

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "/feedback/report"


@pytest.fixture
def clinic(url: str) -> Ehr:
    """Six patients with the index pattern; two cards overridden, one accepted; one lone V06."""
    ehr = Ehr(url)
    for number in range(6):
        ehr.now = T0 + timedelta(days=number)
        card = ehr.open_chart(patient=f"p{number}")[0]
        reason = {"reason": KNOWN | {"code": ("already-known", "Mrs Example")[number % 2]}}
        if number < 2:
            ehr.give(item(card) | {"overrideReason": reason})
        elif number == 2:
            ehr.give(item(card, "accepted"))
    ehr.open_chart("V06", patient="lone")
    ehr.give(item({"uuid": "unknown"}))
    return ehr


def test_the_page_counts_what_became_of_the_cards(clinic: Ehr) -> None:
    text = clinic.http.get(PAGE).text
    assert "index-pattern: 6 shown, 0 in shadow mode" in text
    wanted = (
        "index-pattern: accepted: 1; overridden: already-known: 1; "
        "overridden: another-code: 1; unanswered: 3"
    )
    assert wanted in text
    assert "Mrs Example" not in text
    assert "Feedback on unknown cards: 1" in text


def test_a_small_group_stands_in_no_number_and_no_picture(clinic: Ehr) -> None:
    text = clinic.http.get(PAGE).text
    assert text.count("bicytopenia-high-b12") == 1, "only the table names it"
    assert "&lt; 5 patients" in text


def test_the_pictures_hold_what_the_table_says(clinic: Ehr) -> None:
    text = clinic.http.get(f"{PAGE}?last=90").text
    pictures = re.findall(r'<svg[^>]*role="img".*?</svg>', text, re.DOTALL)
    days = ElementTree.fromstring(pictures[0])  # noqa: S314  our own page
    bars = [rect for rect in days.iter("rect") if rect.get("class") == "shown"]
    titles = [bar.findtext("title") or "" for bar in bars]
    assert sum(int(title.split()[-2]) for title in titles) == 6
    assert all(float(bar.get("height", "0")) > 0 for bar in bars)


def test_the_page_needs_no_script_and_allows_none(clinic: Ehr) -> None:
    answer = clinic.http.get(PAGE)
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("last", ["", "0", "-1", "x", "99999", "9" * 5000, "٣"])
def test_an_odd_period_is_answered_all_the_same(clinic: Ehr, last: str) -> None:
    assert clinic.http.get(f"{PAGE}?last={last}").status_code == 200


def test_readers_have_a_name_and_a_token(sqlite_url: str) -> None:
    token, entry = new_reader("safety.officer")
    ehr = Ehr(sqlite_url, report_readers=(new_reader("another")[1], entry))
    refused = ehr.http.get(PAGE)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    for auth in (
        ("safety.officer", "x"),
        ("another", token),
        ("", token),
        ("safety.officer", token + " "),
        ("é", "é"),
    ):
        assert ehr.http.get(PAGE, auth=auth).status_code == 401
    assert ehr.http.get(PAGE, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert ehr.http.get(PAGE, auth=("safety.officer", token)).status_code == 200
    assert token not in entry
    assert not may_read((), "", "")


def production(sqlite_url: str, clients_file: Path, **more: Any) -> Ehr:
    return Ehr(
        sqlite_url,
        environment="production",
        public_url="https://hooks.example",
        clients_file=clients_file,
        hash_key="k" * 40,
        **more,
    )


def test_in_production_it_is_off_until_somebody_may_read_it(
    sqlite_url: str, clients_file: Path
) -> None:
    assert production(sqlite_url, clients_file).http.get(PAGE).status_code == 404
    token, entry = new_reader("officer")
    ehr = production(sqlite_url, clients_file, report_readers=(entry,))
    assert ehr.http.get(PAGE).status_code == 401
    assert ehr.http.get(PAGE, auth=("officer", token)).status_code == 200


def test_a_token_comes_from_the_command_line() -> None:
    made = CliRunner().invoke(feedback, ["reader", "officer"])
    token = re.search(r"not kept\): (\S+)", made.output)
    entry = re.search(r"READERS: +(\S+)", made.output)
    assert token
    assert entry
    assert may_read((entry[1],), "officer", token[1])
    assert CliRunner().invoke(feedback, ["reader", "a:b"]).exit_code == 1


def test_without_a_store_there_is_no_report() -> None:
    answer = Ehr("").http.get(PAGE)
    assert answer.status_code == 503
    assert "storage-not-configured" in answer.text
