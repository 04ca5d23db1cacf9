"""How a result of known meaning that is not used is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, Reason, Unreadable
from fhir_mappings.terminology import Role

if TYPE_CHECKING:
    from decimal import Decimal

    from fhir_mappings.laboratory.readings import Envelope
    from fhir_mappings.terminology import CodeMeaning


def refused(
    meaning: CodeMeaning,
    envelope: Envelope,
    reason: Reason,
    explanation: str,
    reported: str = "",
    candidates: tuple[Decimal, ...] = (),
) -> Unreadable:
    """Return the refusal of one result.

    Band forms are a part of the differential that the neutrophil count can do without (1.4): that
    they cannot be read does not leave the neutrophil count reported but unreadable. What was
    written about another person is not repeated: it would be shown in this patient's chart.
    """
    analyte = meaning.analyte
    if reason is Reason.OTHER_PATIENT:
        reported, candidates = "", ()
    if meaning.role is Role.BAND:
        analyte, candidates = Analyte.NEUTROPHIL_PERCENT, ()
        explanation = f"Band forms: {explanation[:1].lower()}{explanation[1:]}"
    return Unreadable(
        analyte=analyte,
        reason=reason,
        explanation=explanation,
        reported=reported,
        taken=envelope.taken,
        loinc=meaning.code,
        source=envelope.source,
        candidates=candidates,
    )
