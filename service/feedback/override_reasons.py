"""Override reasons as they may be shown: ours by name, the others together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cards.build import OVERRIDE_REASONS

if TYPE_CHECKING:
    from service.feedback.request import FeedbackItem

NO_REASON = "no-reason"
OTHER_CODE = "another-code"
OFFERED = tuple(reason.code for reason in OVERRIDE_REASONS)
REASONS = (*OFFERED, OTHER_CODE, NO_REASON)
"""Every reason that is ever shown or counted."""


def shown_reason(code: str | None) -> str:
    """The code of an offered reason; any other code is not repeated."""
    if code is None:
        return NO_REASON
    return code if code in OFFERED else OTHER_CODE


def reason_label(item: FeedbackItem) -> str:
    """The reason of one outcome, for the metrics; empty for an accepted card."""
    return shown_reason(item.reason_code) if item.outcome == "overridden" else ""
