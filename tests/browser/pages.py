"""The sandbox page as a developer uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
