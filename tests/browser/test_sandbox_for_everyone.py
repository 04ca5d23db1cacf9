"""Accessibility by axe-core, in the main states, in light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service import samples
from service.demo import __main__ as demo

if TYPE_CHECKING:
    from tests.browser.pages import EvidenceApp, Sandbox

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text("utf-8")
NARROW = {"width": 320, "height": 844}


def violations(sandbox: EvidenceApp | Sandbox) -> list[str]:
    """What axe-core finds, with the first place of each."""
    sandbox.page.evaluate(AXE)
    found = sandbox.page.evaluate("() => axe.run(document).then(result => result.violations)")
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.mark.parametrize(
    "state",
    [
        "#sample=index-pattern",
        "#sample=unreadable-unit&tab=evidence",
        "#sample=b12-order&tab=wire",
        "#sample=blasts&tab=export",
        "#sample=normal&tab=units",
    ],
)
def test_axe_finds_nothing_in_light_and_dark(sandbox: Sandbox, state: str) -> None:
    sandbox.page.emulate_media(color_scheme="light")
    sandbox.open(state)
    for summary in sandbox.page.locator("#cards .card summary, #try summary").all()[:6]:
        summary.click()
    assert violations(sandbox) == []
    sandbox.page.emulate_media(color_scheme="dark")
    assert violations(sandbox) == []


def test_axe_finds_nothing_in_a_refusal_nor_in_the_other_sources(sandbox: Sandbox) -> None:
    sandbox.expect_refusal(412)
    sandbox.open("#sample=index-pattern&prefetch=none")
    assert violations(sandbox) == []
    sandbox.page.get_by_label("File or paste").check()
    assert violations(sandbox) == []
    sandbox.page.get_by_label("FHIR server", exact=True).check()
    assert violations(sandbox) == []


def test_a_narrow_screen_needs_no_sideways_scrolling(sandbox: Sandbox) -> None:
    sandbox.page.set_viewport_size(NARROW)
    for tab in ("why", "evidence", "wire", "export", "units"):
        sandbox.open(f"#sample=index-pattern&tab={tab}")
        assert sandbox.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert violations(sandbox) == []


def test_the_colours_can_be_chosen_and_are_kept(sandbox: Sandbox) -> None:
    sandbox.page.emulate_media(color_scheme="light")
    sandbox.open()
    light = sandbox.page.evaluate("getComputedStyle(document.body).backgroundColor")
    sandbox.page.get_by_label("Colors").select_option("dark")
    dark = sandbox.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    sandbox.page.reload()
    sandbox.page.wait_for_selector("#cards .card")
    assert sandbox.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


@pytest.mark.parametrize("name", samples.NAMES)
def test_every_card_fits_beside_a_chart(sandbox: Sandbox, name: str) -> None:
    """One card of 360 px; the seed's within 700 px, its first button within 430."""
    sandbox.page.set_viewport_size({"width": 1440, "height": 1000})
    sandbox.open(f"#sample={name}")
    cards = sandbox.page.locator("#cards .card")
    assert cards.count() <= 1
    if not cards.count():
        return
    box = cards.bounding_box()
    assert box["width"] <= 361
    assert cards.evaluate("card => card.scrollHeight <= card.clientHeight + 2")
    buttons = cards.locator(".suggestions button")
    assert buttons.count() <= 4
    if name == samples.SEED:
        assert box["height"] <= 700
        assert buttons.first.bounding_box()["y"] - box["y"] <= 430
    assert box["height"] <= 900


@pytest.mark.parametrize("width", [1440, 1280])
def test_chart_card_and_evidence_stand_side_by_side(sandbox: Sandbox, width: int) -> None:
    sandbox.page.set_viewport_size({"width": width, "height": 900})
    sandbox.open()
    places = [sandbox.page.locator(part).bounding_box() for part in ("#try", "#see", "#behind")]
    assert places[0]["x"] < places[1]["x"] < places[2]["x"]
    assert max(place["y"] for place in places) - min(place["y"] for place in places) < 40
    assert places[2]["x"] + places[2]["width"] <= width
    sizes = sandbox.page.eval_on_selector_all(
        "#plots svg text",
        "all => all.map(t => parseFloat(getComputedStyle(t).fontSize)"
        " * t.ownerSVGElement.getBoundingClientRect().width / 280)",
    )
    assert min(sizes) >= 11


@pytest.mark.parametrize("width", [1440, 1280])
def test_the_link_of_the_demo_opens_with_the_samples_in_sight(sandbox: Sandbox, width: int) -> None:
    sandbox.page.set_viewport_size({"width": width, "height": 800})
    patient = samples.SAMPLES[samples.SEED].patient_id
    sandbox.open(f"#{demo._state('http://127.0.0.1:9/fhir', patient)}")
    picker, card = (
        sandbox.page.locator(part).first.bounding_box() for part in ("#sample", "#cards .card")
    )
    assert picker["y"] + picker["height"] < card["y"] < 800


def test_on_a_phone_the_card_follows_the_line_of_the_patient(sandbox: Sandbox) -> None:
    sandbox.page.set_viewport_size(NARROW)
    sandbox.open()
    who, card, values = (
        sandbox.page.locator(part).first.bounding_box()["y"]
        for part in ("#who", "#cards .card", "#values")
    )
    assert who < card < values
