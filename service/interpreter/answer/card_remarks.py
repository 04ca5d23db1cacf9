"""Remarks for the card: one sentence each about what changes what to do for this patient.

The paragraphs of a finding say the same at length; these are for a reader with ten seconds
(clinical-definition 3.4, 3.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from service.interpreter.answer.blood_picture import mma_after_treatment
from service.interpreter.answer.modifiers.modifier import is_pattern
from service.interpreter.answer.modifiers.table import acting
from service.interpreter.answer.remarks import analyser_flag, low_neutrophils_with_fever
from service.interpreter.answer.summaries import severe_conflict
from service.interpreter.interpretation import Overlay, Remark, RemarkRank
from service.interpreter.rules.data_quality import severe_if_meant

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule


class PictureRemark(NamedTuple):
    """A remark that no modifier makes. `pattern`: only where the counts were read as a pattern."""

    id: str
    rank: RemarkRank
    says: Callable[[Case], str]
    pattern: bool = True


def _schistocytes(case: Case) -> str:
    """Not where thrombotic-microangiopathy says so itself."""
    if not case.situation.smear.schistocytes or Overlay.THROMBOTIC_MICROANGIOPATHY in case.overlays:
        return ""
    return "Schistocytes: exclude TTP, HUS or DIC today."


def _conflict(case: Case) -> str:
    if not case.situation.quality.conflict or severe_conflict(case):
        return ""
    return "Two results of one time contradict each other: repeat the CBC before acting."


def _preliminary(case: Case) -> str:
    if not case.situation.quality.counts_preliminary:
        return ""
    return "A blood count is not final: confirm it; no marrow is proposed on it."


def _bands(case: Case) -> str:
    if not case.situation.quality.anc_bands_would_cross:
        return ""
    return "Counting band forms would move ANC across a limit: repeat the differential."


def _renal_mma(case: Case) -> str:
    if not case.situation.chemistry.mma_renal:
        return ""
    return "MMA is raised, but kidney function is poor or not known: measure creatinine."


def _mma_after_treatment(case: Case) -> str:
    if not mma_after_treatment(case):
        return ""
    return "MMA was drawn after B12 was first given: a normal one says nothing."


def _preserved(case: Case) -> str:
    return "Leukopenia with preserved ANC." if case.situation.quality.preserved_neutrophils else ""


PICTURE_REMARKS = (
    PictureRemark("schistocytes", RemarkRank.RED_FLAG, _schistocytes, pattern=False),
    PictureRemark("fever", RemarkRank.RED_FLAG, low_neutrophils_with_fever),
    PictureRemark("analyzer-flag", RemarkRank.RED_FLAG, analyser_flag, pattern=False),
    PictureRemark("conflict", RemarkRank.OTHER, _conflict, pattern=False),
    PictureRemark("preliminary", RemarkRank.OTHER, _preliminary, pattern=False),
    PictureRemark("bands", RemarkRank.OTHER, _bands),
    PictureRemark("renal-mma", RemarkRank.OTHER, _renal_mma),
    PictureRemark("mma-after-treatment", RemarkRank.OTHER, _mma_after_treatment),
    PictureRemark("preserved", RemarkRank.OTHER, _preserved),
)
"""In their order within their rank."""


def remarks_for_card(case: Case, rule: Rule | None) -> tuple[Remark, ...]:
    """Return every remark about this patient by rank; `rule` is None when only overlays fired."""
    pattern = is_pattern(rule)
    picture = [
        Remark(each.id, each.rank, text.replace("….", "…"))
        for each in PICTURE_REMARKS
        if (pattern or not each.pattern) and (text := each.says(case))
    ]
    said = [
        Remark(each.id, each.rank, text.replace("….", "…"))
        for each in acting(case, rule)
        if (text := each.remark(case, rule))
    ]
    # Stable: within a rank the modifiers stand in their own order, before the rest.
    return tuple(sorted((*said, *picture), key=lambda remark: remark.rank))


def data_quality_remarks(case: Case) -> tuple[Remark, ...]:
    """Return what a refused result may hide."""
    text = severe_if_meant(case)
    return (Remark("data-quality", RemarkRank.RED_FLAG, text),) if text else ()
