"""The evidence app in a real browser: from the card in an EHR's frame to the picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.test_sandbox_for_everyone import NARROW, violations

if TYPE_CHECKING:
    from tests.browser.pages import EvidenceApp
    from tests.browser.smart_round import SmartRound

SUMMARY = "exclude a marrow disorder"
PATIENT = "heme-hooks-index-pattern"


def test_the_card_leads_to_the_picture_in_the_ehrs_frame(evidence_app: EvidenceApp) -> None:
    frame = evidence_app.open_from_card()
    assert SUMMARY in frame.locator("#cards h3").inner_text()
    spoken = [each.get_attribute("aria-label") for each in frame.get_by_role("img").all()]
    for name in ("Hemoglobin", "Neutrophils", "Platelets", "Mean corpuscular", "B12", "Ferritin"):
        assert any(name in label for label in spoken), name
    assert "lower limit 12" in spoken[0]
    values = frame.locator("#values").inner_text()
    assert "1480 pg/mL" in values
    why = frame.locator("#why").inner_text()
    assert "index-pattern applies" in why
    assert "What would change the answer" in why
    assert "R10" in frame.locator("#sources").inner_text()
    assert "Sample-" in frame.locator("#who").inner_text()


def test_it_goes_on_in_a_frame_when_third_party_cookies_are_blocked(
    phased_out_app: EvidenceApp,
) -> None:
    """The EHR's page and the app are of two sites: only a partitioned cookie comes back."""
    frame = phased_out_app.open_from_card()
    ordinary = "() => { document.cookie = 'a=b; SameSite=None; Secure'; return document.cookie; }"
    assert frame.locator("body").evaluate(ordinary) == ""
    assert SUMMARY in frame.locator("#cards h3").inner_text()


def test_a_page_of_another_origin_cannot_show_it(
    evidence_app: EvidenceApp, smart: SmartRound
) -> None:
    evidence_app.expected += ["frame-ancestors", "ERR_BLOCKED", "violates"]
    evidence_app.page.goto(f"{smart.other}/frame?of={smart.service}/app/")
    evidence_app.page.wait_for_timeout(500)
    frame = evidence_app.page.frames[1]
    assert frame.locator("h1", has_text="Evidence").count() == 0


def test_code_and_state_leave_the_address_and_a_reload_asks_for_a_new_launch(
    evidence_app: EvidenceApp,
) -> None:
    evidence_app.open()
    assert urlsplit(evidence_app.page.url).query == ""
    evidence_app.page.reload()
    assert "Open the app again from the card" in evidence_app.problem()
    assert evidence_app.page.locator("#evidence").is_hidden()


def test_the_browser_sees_no_token_and_keeps_nothing(
    evidence_app: EvidenceApp, smart: SmartRound
) -> None:
    bodies: list[str] = []
    evidence_app.page.on("response", lambda answer: bodies.append(_text(answer)))
    evidence_app.open()
    assert smart.issued.tokens
    assert not any(token in body for token in smart.issued.tokens for body in bodies)
    kept = evidence_app.page.evaluate("() => localStorage.length + sessionStorage.length")
    assert kept == 0
    names = [cookie["name"] for cookie in evidence_app.page.context.cookies()]
    assert not [name for name in names if name.startswith("__Host-")]


def _text(answer: Any) -> str:
    try:
        return str(answer.text())
    except Exception:  # noqa: BLE001  a redirect has no body
        return ""


def test_a_launch_asks_with_pkce_and_the_code_is_bound_to_it(
    evidence_app: EvidenceApp, smart: SmartRound
) -> None:
    asked: list[str] = []
    evidence_app.page.on("request", lambda request: asked.append(request.url))
    evidence_app.open()
    (authorize,) = [url for url in asked if "/authorize?" in url]
    query = parse_qs(urlsplit(authorize).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["aud"] == [f"{smart.ehr}/fhir"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "There is no patient open here"),
        ("?code=x&state=y", "This launch is over"),
        ("?error=access_denied&state=y", "did not allow the app"),
        ("?error=<b>x</b>&error_description=<img src=x>", "The EHR did not open the app"),
    ],
)
def test_each_way_back_that_leads_nowhere_is_one_sentence(
    evidence_app: EvidenceApp, smart: SmartRound, query: str, sentence: str
) -> None:
    evidence_app.expected.append("status of 403")
    evidence_app.page.goto(f"{smart.service}/app/{query}")
    assert sentence in evidence_app.problem()
    assert evidence_app.page.locator("#evidence").is_hidden()
    assert violations(evidence_app) == []


def test_counts_that_are_refused_are_a_sentence_and_no_empty_chart(
    evidence_app: EvidenceApp, smart: SmartRound
) -> None:
    evidence_app.expected.append("status of 412")
    with smart.refusing("Observation"):
        evidence_app.page.goto(f"{smart.ehr}/launch/{PATIENT}")
        assert "blood counts" in evidence_app.problem()
        assert "HTTP 403" in evidence_app.problem()
    assert evidence_app.page.locator("#evidence").is_hidden()


def test_what_else_is_refused_is_named_above_the_picture(
    evidence_app: EvidenceApp, smart: SmartRound
) -> None:
    with smart.refusing("Condition"):
        evidence_app.open()
    gaps = evidence_app.page.locator("#gaps").inner_text()
    assert "conditions on the problem list" in gaps
    assert "HTTP 403" in gaps


def test_without_a_cookie_a_window_of_its_own_is_offered(
    evidence_app: EvidenceApp, smart: SmartRound
) -> None:
    evidence_app.expected.append("status of 403")
    launch = smart.issued.launch(PATIENT)
    query = f"iss={smart.ehr}/fhir&launch={launch}&state=none"
    evidence_app.page.goto(f"{smart.service}/app/launch?{query}")
    link = evidence_app.page.get_by_role("link", name="Open it in its own window")
    assert violations(evidence_app) == []
    with evidence_app.page.context.expect_page() as opened:
        link.click()
    opened.value.locator("#cards h3", has_text=SUMMARY).wait_for()


def test_two_frames_launch_at_the_same_time(evidence_app: EvidenceApp, smart: SmartRound) -> None:
    other = evidence_app.page.context.new_page()
    evidence_app.page.goto(f"{smart.ehr}/launch/{PATIENT}", wait_until="commit")
    other.goto(f"{smart.ehr}/launch/heme-hooks-two-lines", wait_until="commit")
    for page in (evidence_app.page, other):
        page.locator("#evidence:not([hidden])").wait_for()
    shown = [page.locator("#who").inner_text() for page in (evidence_app.page, other)]
    assert shown[0] != shown[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(evidence_app: EvidenceApp, scheme: str) -> None:
    evidence_app.page.emulate_media(color_scheme=scheme)
    evidence_app.open()
    for summary in evidence_app.page.locator("#evidence summary").all():
        summary.click()
    assert violations(evidence_app) == []


def test_a_phone_needs_no_sideways_scrolling(evidence_app: EvidenceApp) -> None:
    evidence_app.page.set_viewport_size(NARROW)
    evidence_app.open()
    assert evidence_app.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_card_and_course_stand_on_the_first_screen_of_1280_pixels(
    evidence_app: EvidenceApp,
) -> None:
    evidence_app.page.set_viewport_size({"width": 1280, "height": 900})
    evidence_app.open()
    plots = evidence_app.page.locator("#plots .plots").first.bounding_box()
    assert plots["y"] + plots["height"] <= 900
    sizes = evidence_app.page.eval_on_selector_all(
        "#plots svg text",
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize)"
        " * t.ownerSVGElement.getBoundingClientRect().width / 280)",
    )
    assert min(sizes) >= 10.5


def test_it_prints_what_is_folded_too(evidence_app: EvidenceApp) -> None:
    evidence_app.open()
    evidence_app.page.emulate_media(media="print")
    assert evidence_app.page.get_by_role("button", name="Print").is_hidden()
    assert re.match(rb"%PDF", evidence_app.page.pdf())
