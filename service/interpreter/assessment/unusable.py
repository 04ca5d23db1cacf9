"""Results that were sent and cannot be used (clinical-definition 1.1 A10, 3.3 data-quality).

Such a result is never "not measured". Which of them keep a line from being judged is decided here
once, for the card, the explanation, and the call that ends without a usable count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS, UNSURE, Analyte, Reason
from service.interpreter.windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from fhir_mappings.panel import LabResult, Unreadable
    from service.interpreter.assessment.situation import Opening

CHEMISTRY = (
    Analyte.IRON,
    Analyte.IRON_BINDING_CAPACITY,
    Analyte.TRANSFERRIN_SATURATION,
    Analyte.VITAMIN_B12,
)
"""What must be named beside the counts once two lines are low."""

WHITE = {Analyte.NEUTROPHILS: Analyte.LEUKOCYTES, Analyte.LEUKOCYTES: Analyte.NEUTROPHILS}
"""Each of the two counts that can judge the white line, with the other."""

WITHHOLDING = (Reason.NOT_DELIVERED, Reason.SUBJECT, Reason.OTHER_PATIENT)
"""Why a call without any usable count ends with an error."""

_WORDS = {
    Reason.SUBJECT: "a result was sent that does not say whose it is",
    Reason.NOT_DELIVERED: "a panel names a result that was not sent",
    Reason.FUTURE: "a result was sent that is dated in the future",
    Reason.NO_TIME: "a result was sent without a time",
    Reason.ABSENT: "a result was sent without a value",
    Reason.CODE: "a result was sent under a code that does not fit it",
    Reason.STATUS: "registered, but not reported yet",
}
_NO_STATEMENT_WORDS = {
    Reason.OTHER_PATIENT: "the only result sent is of another patient",
    Reason.SPECIMEN: "the only result sent is not of this patient's blood",
    Reason.WITHDRAWN: "not measured: the only result sent was cancelled or entered in error",
}


def why_unusable(items: Collection[Unreadable]) -> str:
    """Say why none of the results can be used, by the newest; empty without any."""
    reason = next((item.reason for item in items), None)
    if reason is None:
        return ""
    words = _NO_STATEMENT_WORDS.get(reason) or _WORDS.get(reason)
    return words or "reported, but could not be read"


def due_results(situation: Opening) -> tuple[Unreadable, ...]:
    """Return the newest unusable result of each analyte that no usable result replaces (3.3)."""
    due = [_due_count(analyte, situation) for analyte in BLOOD_COUNTS]
    if not any(due) and not any(analyte in situation.selected for analyte in BLOOD_COUNTS):
        due.append(_nameless(situation))
    if situation.counts.low_lines >= 2 and not situation.child:
        due += [
            next(iter(situation.unreadable.get(analyte, ())), None)
            for analyte in CHEMISTRY
            if analyte not in situation.selected
        ]
    return tuple(item for item in due if item is not None)


def withheld_counts(situation: Opening) -> Reason | None:
    """Return why no count at all can be used although some were sent; None when one can be.

    Only what may hide this patient's counts altogether is a reason: other unusable counts are
    named on a card.
    """
    panel = situation.facts.panel
    if not panel.unreadable or any(panel.results.get(analyte) for analyte in BLOOD_COUNTS):
        return None
    oldest = situation.now - WINDOWS.stale
    reasons = {
        item.reason
        for item in panel.unreadable
        if item.analyte in BLOOD_COUNTS and (item.taken is None or item.taken >= oldest)
    }
    return next((reason for reason in WITHHOLDING if reason in reasons), None)


def _nameless(situation: Opening) -> Unreadable | None:
    """Return a result of which not even the code could be read: it may be any of the counts."""
    oldest = situation.now - WINDOWS.stale
    return next(
        (
            item
            for item in situation.facts.panel.unreadable
            if item.analyte is None
            and item.reason is Reason.MALFORMED
            and (item.taken is None or item.taken >= oldest)
        ),
        None,
    )


def _due_count(analyte: Analyte, situation: Opening) -> Unreadable | None:
    items = situation.unreadable.get(analyte, ())
    return next((item for item in items if not _is_replaced(item, analyte, situation)), None)


def _is_replaced(item: Unreadable, analyte: Analyte, situation: Opening) -> bool:
    """Whether a usable result judges the line in its place."""
    own = situation.selected.get(analyte)
    if own is not None and _stands_for(own, item, situation.now):
        return True
    other = situation.selected.get(WHITE[analyte]) if analyte in WHITE else None
    if other is None or not _stands_for(other, item, situation.now):
        return False
    return item.reason in UNSURE or _is_newer(other, item)


def _stands_for(usable: LabResult, item: Unreadable, now: datetime) -> bool:
    """Whether both lie in the 72 h that end at the newer one: older counts hide no later ones.

    A count that is only registered, without a number yet, hides nothing.
    """
    if item.reason is Reason.STATUS and not item.reported:
        return True
    return usable.taken >= min(item.taken or now, now) - WINDOWS.counts_together


def _is_newer(usable: LabResult, item: Unreadable) -> bool:
    return item.taken is not None and usable.taken - item.taken > WINDOWS.same_specimen
