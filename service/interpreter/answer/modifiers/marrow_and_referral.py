"""M1, M4 to M7: when a marrow or a referral is deferred or exists (clinical-definition 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ExistingOrder, Procedure, ValueSetName
from service.interpreter.answer.modifiers.medicines import drug_names
from service.interpreter.answer.modifiers.modifier import (
    ACTIONABLE_STEPS,
    Modifier,
    active_conditions,
    always_says,
    names_of,
)
from service.interpreter.formatting import day, listed, sentence
from service.interpreter.interpretation import MARROW_BIOPSY, Overlay, RemarkRank
from service.interpreter.rules.criteria.chemistry import HIGH_B12
from service.interpreter.rules.criteria.patient import (
    HISTORY,
    MARROW_AND_REFERRAL_EXIST,
    RED_FLAG_OF_DEFERRAL,
)

if TYPE_CHECKING:
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

# --- M1: a possible explanation that comes before the marrow -------------------------------------


def deferral(situation: Situation, *, with_b12: bool = True) -> str:
    """Return what could explain the counts: liver and spleen, drugs, B12 medicine."""
    reasons = []
    if situation.history.hypersplenism:
        names = listed(each.display for each in situation.history.hypersplenism)
        reasons.append(f"hypersplenism or liver disease ({names})")
    if situation.history.marrow_suppressive:
        reasons.append(f"marrow-suppressive drugs ({drug_names(situation)})")
    if situation.history.drug_induced:
        reasons.append(listed(each.display for each in situation.history.drug_induced))
    if situation.chemistry.b12_medication and with_b12:
        names = listed(each.name for each in situation.chemistry.b12_medication)
        reasons.append(f"B12 medicine ({names}), which can raise the B12 value")
    return "; ".join(reasons)


def marrow_deferred(case: Case) -> bool:
    """Whether the marrow is deferred: a red flag undoes it, history all but a B12 medicine."""
    if not deferral(case.situation) or RED_FLAG_OF_DEFERRAL.test(case):
        return False
    return not HISTORY.test(case) or bool(case.situation.chemistry.b12_medication)


def _wants_marrow(case: Case, rule: Rule | None) -> bool:
    """Whether the finding's or a critical overlay's list asks for a marrow."""
    listed_there = rule is not None and any(each.order == MARROW_BIOPSY for each in rule.orders)
    return listed_there or case.overlays.get(Overlay.CIRCULATING_BLASTS) == "critical"


def _deferred(case: Case, rule: Rule | None) -> bool:
    return _wants_marrow(case, rule) and marrow_deferred(case)


def _deferral_trigger(case: Case, rule: Rule | None) -> str:
    return deferral(case.situation) if rule and rule.step in ACTIONABLE_STEPS else ""


def _deferral_effect(case: Case, rule: Rule | None) -> str:
    if not _wants_marrow(case, rule):
        return "named as a possible explanation"
    if not marrow_deferred(case):
        return "a red flag stands: the marrow is not deferred"
    return "marrow-biopsy is not proposed"


def _look_first(case: Case, rule: Rule | None) -> str:
    deferred = _deferred(case, rule)
    high = case.situation.states.b12 in HIGH_B12
    reasons = deferral(case.situation, with_b12=high or deferred)
    if not reasons:
        return ""
    text = f"A possible explanation to look into first: {reasons}. Do not assume that it is benign."
    if deferred:
        text += " No marrow is proposed until it has been looked into; the referral stands."
    return text


def _look_first_in_short(case: Case, rule: Rule | None) -> str:
    """The drugs themselves are named by M9."""
    if rule is not None and rule.id == "treated-b12-deficiency":
        return ""  # The rule says itself that the level is expected.
    situation, deferred = case.situation, _deferred(case, rule)
    recorded = (*situation.history.hypersplenism, *situation.history.drug_induced)
    if recorded:
        words = " (in words, without a code)" if any(each.in_words for each in recorded) else ""
        names = sentence(names_of((each.display for each in recorded), 2)) + words
        if deferred:
            return f"{names}: look into this first; no marrow is proposed until then."
        return f"{names}: a possible explanation, not to be assumed benign."
    medicine = names_of((each.name for each in situation.chemistry.b12_medication), 1)
    if medicine and (deferred or situation.states.b12 in HIGH_B12):
        text = f"{sentence(medicine)} can raise B12"
        return f"{text}: no marrow is proposed until this is clear." if deferred else f"{text}."
    drug = names_of((each.name for each in situation.history.marrow_suppressive), 1)
    return f"No marrow is proposed until {drug} is reviewed." if deferred and drug else ""


M1 = Modifier(
    id="M1",
    when="portal hypertension, or liver disease with an enlarged spleen; a marrow-suppressive "
    "drug now or in the last 30 days, or drug-induced pancytopenia; B12 treatment now or "
    "in the last 180 days",
    then="no marrow-biopsy unless a red flag stands (an earlier hematologic disorder counts as "
    "one, but not against B12 treatment); the card stays",
    trigger=_deferral_trigger,
    effect=_deferral_effect,
    says=_look_first,
    remark=_look_first_in_short,
    rank=RemarkRank.DEFERRAL,
    conditions=lambda situation: (
        *situation.history.hypersplenism,
        *situation.history.drug_induced,
    ),
)

# --- M4: a marrow that exists --------------------------------------------------------------------


def marrow_exists(situation: Situation) -> str:
    """Return the marrow that was sampled or is ordered."""
    if not situation.history.marrow_exists:
        return ""
    newest = situation.history.marrow_exists[0]
    if isinstance(newest, ExistingOrder):
        return f"marrow ordered on {day(newest.authored)}" if newest.authored else "marrow ordered"
    moment = newest.performed if isinstance(newest, Procedure) else newest.taken
    return f"marrow on {day(moment)}" if moment else "marrow already sampled"


def _review_the_marrow(case: Case, _rule: Rule | None) -> str:
    return f"{sentence(marrow_exists(case.situation))}: review the result."


M4 = Modifier(
    id="M4",
    when="a marrow procedure or transplant in the last 180 days, an order for one in the last "
    "90 days, or a marrow result in the last 180 days",
    then="no marrow-biopsy; the text asks to review the result",
    trigger=lambda case, _rule: marrow_exists(case.situation),
    effect=always_says("no marrow-biopsy"),
    says=_review_the_marrow,
    remark=_review_the_marrow,
    rank=RemarkRank.ALREADY_DONE,
)

# --- M5: a referral that exists ------------------------------------------------------------------


def referral_exists(situation: Situation) -> str:
    """Return the referral or visit that exists."""
    if not situation.history.referral_exists:
        return ""
    first = situation.history.referral_exists[0]
    if isinstance(first, ExistingOrder):
        return f"referral of {day(first.authored)}" if first.authored else "referral placed"
    kind = "appointment" if first.is_appointment else "hematology visit"
    return f"{kind} on {day(first.start)}" if first.start else kind


def escalation(case: Case, _rule: Rule | None = None) -> str:
    """Return who is involved; with a critical urgent finding the referral must be escalated."""
    text = f"Hematology is involved already ({referral_exists(case.situation)})."
    if case.critical_overlay:
        text += " Escalate the existing referral now."
    return text


def _escalation_in_short(case: Case, _rule: Rule | None) -> str:
    exists = referral_exists(case.situation)
    if case.critical_overlay:
        return f"Hematology is involved ({exists}): escalate the existing referral now."
    return f"Hematology is involved ({exists})."


M5 = Modifier(
    id="M5",
    when="a hematology referral of the last 90 days, or a hematology visit from 90 days ago to "
    "60 days ahead",
    then="no hematology-referral; with a critical urgent finding the text asks to escalate it",
    trigger=lambda case, _rule: referral_exists(case.situation),
    effect=always_says("no hematology-referral"),
    says=escalation,
    remark=_escalation_in_short,
    rank=RemarkRank.ALREADY_DONE,
)

# --- M6: both exist ------------------------------------------------------------------------------


def _all_done(case: Case, rule: Rule | None) -> str:
    if rule is None or rule.step not in ACTIONABLE_STEPS:
        return ""
    done = MARROW_AND_REFERRAL_EXIST.test(case) is True
    return "marrow and referral exist, no red flag" if done else ""


M6 = Modifier(
    id="M6",
    when="a marrow and a referral that exist already, without a red flag",
    then="no card for the finding",
    trigger=_all_done,
    effect=always_says("no card for this finding"),
)

# --- M7: palliative care -------------------------------------------------------------------------

M7 = Modifier(
    id="M7",
    when="palliative care, not hospice",
    then="no marrow-biopsy and no ct-abdomen-pelvis; goals of care come first in the text",
    trigger=lambda case, _rule: listed(case.situation.history.palliative),
    effect=always_says("no marrow-biopsy and no ct-abdomen-pelvis"),
    says=always_says("Palliative care is recorded: align every step with the goals of care."),
    remark=always_says("Palliative care is recorded: align with goals of care."),
    rank=RemarkRank.GOALS_OF_CARE,
    conditions=lambda situation: active_conditions(situation, ValueSetName.PALLIATIVE_CARE),
    everywhere=True,
)
