"""The sandbox page as a developer uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.browser.smart_round import SmartRound


@dataclass(slots=True)
class Sandbox:
    """One open page. `expected`: parts of console errors that the test brings about itself."""

    page: Any
    service: str
    expected: list[str] = field(default_factory=list)

    def open(self, state: str = "") -> Sandbox:
        """Open the page, with a state of its link, and wait for the first answer."""
        self.page.goto(f"{self.service}/sandbox{state}")
        self.page.wait_for_selector("#cards .card, #cards .empty, #cards .failure")
        return self

    def expect_refusal(self, status: int) -> None:
        """Chromium itself reports every answer that is no success in the console."""
        self.expected.append(f"status of {status}")

    @property
    def cards(self) -> list[str]:
        """The summaries of the cards shown."""
        return [text.strip() for text in self.page.locator("#cards .card > h3").all_inner_texts()]

    def value_of(self, name: str) -> Any:
        """The field of a value in the table."""
        return self.page.get_by_label(f"Value of {name}").first

    def wait_for_card(self, text: str) -> None:
        """Wait until a card or its absence says this."""
        self.page.locator("#cards", has_text=text).wait_for()

    def tab(self, name: str) -> Any:
        """Open a tab and return its panel."""
        self.page.get_by_role("tab", name=name).click()
        return self.page.get_by_role("tabpanel", name=name)


@dataclass(slots=True)
class EvidenceApp:
    """The evidence app in one page. `expected` as for the sandbox."""

    page: Any
    smart: SmartRound
    expected: list[str] = field(default_factory=lambda: ["favicon", "status of 404"])

    def open(self, patient: str = "heme-hooks-index-pattern") -> EvidenceApp:
        """Launch the app in a window of its own and wait for the picture."""
        self.page.goto(f"{self.smart.ehr}/launch/{patient}")
        self.page.locator("#evidence:not([hidden])").wait_for()
        return self

    def open_from_card(self) -> Any:
        """Click the card's link in the EHR; the frame in which the picture stands."""
        self.page.goto(f"{self.smart.page}/patients/heme-hooks-index-pattern")
        self.page.get_by_role("link", name="Evidence for this patient").click()
        frame = self.page.frame_locator("iframe")
        frame.locator("#evidence:not([hidden])").wait_for()
        return frame

    def problem(self) -> str:
        """The sentence that says why there is no picture."""
        problem = self.page.locator(".problem:not(:empty)")
        problem.wait_for()
        return str(problem.inner_text())
