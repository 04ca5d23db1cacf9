"""Accessibility by axe-core, in the main states, in light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.pages import Sandbox

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text("utf-8")
NARROW = {"width": 390, "height": 844}


def violations(sandbox: Sandbox) -> list[str]:
    """What axe-core finds, with the first place of each."""
    sandbox.page.evaluate(AXE)
    found = sandbox.page.evaluate("() => axe.run(document).then(result => result.violations)")
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.mark.parametrize(
    "state",
    [
        "#sample=index-pattern",
        "#sample=unreadable-unit&tab=time",
        "#sample=b12-order&tab=wire",
        "#sample=blasts&tab=take",
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
    for tab in ("why", "time", "wire", "take", "units"):
        sandbox.open(f"#sample=index-pattern&tab={tab}")
        assert sandbox.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert violations(sandbox) == []


def test_the_colours_can_be_chosen_and_are_kept(sandbox: Sandbox) -> None:
    sandbox.page.emulate_media(color_scheme="light")
    sandbox.open()
    light = sandbox.page.evaluate("getComputedStyle(document.body).backgroundColor")
    sandbox.page.get_by_label("Colours").select_option("dark")
    dark = sandbox.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    sandbox.page.reload()
    sandbox.page.wait_for_selector("#cards .card")
    assert sandbox.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
