"""The modifiers M1 to M17: what triggers each, and what it says (clinical-definition 3.5).

Their effect on the indicator is in `indicators`, on orders in `orders`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.interpreter.answer import modifier_remarks as remarks
from service.interpreter.answer import modifier_triggers as triggers
from service.interpreter.formatting import sentence
from service.interpreter.interpretation import (
    MARROW_BIOPSY,
    AppliedModifier,
    CellLineState,
    Overlay,
    RemarkRank,
)
from service.interpreter.rules.criteria.chemistry import HIGH_B12
from service.interpreter.rules.criteria.patient import (
    HISTORY,
    MARROW_AND_REFERRAL_EXIST,
    RED_FLAG_OF_DEFERRAL,
)
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

PATTERN_STEPS = frozenset(
    {Step.PREGNANCY, Step.PANCYTOPENIA, Step.BICYTOPENIA, Step.THIRD_LINE_UNKNOWN}
)
_ACTIONABLE_STEPS = frozenset({Step.PANCYTOPENIA, Step.BICYTOPENIA, Step.THIRD_LINE_UNKNOWN})


def is_pattern(rule: Rule | None) -> bool:
    """Whether the adult rules judged the counts as a pattern (or only an overlay fired)."""
    return rule is None or rule.step in PATTERN_STEPS


def wants_marrow(case: Case, rule: Rule | None) -> bool:
    """Whether the finding's or a critical overlay's list asks for a marrow."""
    listed = rule is not None and any(each.order == MARROW_BIOPSY for each in rule.orders)
    return listed or case.overlays.get(Overlay.CIRCULATING_BLASTS) == "critical"


def marrow_deferred(case: Case) -> bool:
    """Whether M1 defers the marrow: a red flag undoes it, history all but a B12 medicine."""
    if not triggers.deferral(case.situation) or RED_FLAG_OF_DEFERRAL.test(case):
        return False
    return not HISTORY.test(case) or bool(case.situation.chemistry.b12_medication)


def all_done(case: Case, rule: Rule | None) -> bool:
    """Whether M6 holds: marrow and referral exist, without a red flag."""
    return (
        rule is not None
        and rule.step in _ACTIONABLE_STEPS
        and MARROW_AND_REFERRAL_EXIST.test(case) is True
    )


@dataclass(frozen=True, slots=True)
class Modifier:
    """One modifier. `trigger` is empty when it does not act.

    `says` is its text in the evidence, `remark` its one sentence on the card, sorted by `rank`.
    `everywhere`: acts on any card, not only where the counts were read as a pattern.
    """

    id: str
    trigger: Callable[[Case, Rule | None], str]
    effect: Callable[[Case, Rule | None], str]
    says: Callable[[Case, Rule | None], str] = lambda _case, _rule: ""
    everywhere: bool = False
    remark: Callable[[Case, Rule | None], str] = lambda _case, _rule: ""
    rank: RemarkRank = RemarkRank.OTHER


def _m1_trigger(case: Case, rule: Rule | None) -> str:
    return triggers.deferral(case.situation) if rule and rule.step in _ACTIONABLE_STEPS else ""


def _m1_effect(case: Case, rule: Rule | None) -> str:
    if not wants_marrow(case, rule):
        return "named as a possible explanation"
    if not marrow_deferred(case):
        return "a red flag stands: the marrow is not deferred"
    return "marrow-biopsy is not proposed"


def _deferred(case: Case, rule: Rule | None) -> bool:
    return wants_marrow(case, rule) and marrow_deferred(case)


def _m1_remark(case: Case, rule: Rule | None) -> str:
    """The rule about B12 treatment says itself that the level is expected."""
    if rule is not None and rule.id == "treated-b12-deficiency":
        return ""
    return remarks.deferral(case, deferred=_deferred(case, rule))


def _m1_says(case: Case, rule: Rule | None) -> str:
    deferred = _deferred(case, rule)
    high = case.situation.states.b12 in HIGH_B12
    reasons = triggers.deferral(case.situation, with_b12=high or deferred)
    if not reasons:
        return ""
    text = f"A possible explanation to look into first: {reasons}. Do not assume that it is benign."
    if deferred:
        text += " No marrow is proposed until it has been looked into; the referral stands."
    return text


def _m2_trigger(case: Case, _rule: Rule | None) -> str:
    return triggers.red_flags(case)


def _m3_trigger(case: Case, rule: Rule | None) -> str:
    if rule is None or not rule.constitutional:
        return ""
    return triggers.constitutional(case.situation)


def _m7_says(_case: Case, _rule: Rule | None) -> str:
    return "Palliative care is recorded: align every step with the goals of care."


def _m15_trigger(case: Case, _rule: Rule | None) -> str:
    return (
        "leukocytes without a neutrophil count"
        if case.situation.quality.white_by_leukocytes_alone
        else ""
    )


def _m15_says(case: Case, _rule: Rule | None) -> str:
    fact = triggers.white_line(case.situation)
    name = "Leukopenia" if fact and fact.state is CellLineState.LOW else "The white line"
    return (
        f"{name}, ANC not available: the white line is judged by leukocytes alone, the neutrophil "
        "count is not known. Get the differential first."
    )


MODIFIERS = (
    Modifier(
        "M7",
        lambda case, _rule: triggers.joined(case.situation.history.palliative),
        lambda _case, _rule: "no marrow-biopsy and no ct-abdomen-pelvis",
        _m7_says,
        everywhere=True,
        remark=lambda _case, _rule: remarks.goals_of_care(),
        rank=RemarkRank.GOALS_OF_CARE,
    ),
    Modifier(
        "M1",
        _m1_trigger,
        _m1_effect,
        _m1_says,
        remark=_m1_remark,
        rank=RemarkRank.DEFERRAL,
    ),
    Modifier(
        "M2",
        _m2_trigger,
        lambda case, _rule: f"referral and marrow {triggers.red_flag_priority(case)}",
        remark=lambda case, _rule: remarks.red_flags(case),
        rank=RemarkRank.RED_FLAG,
    ),
    Modifier(
        "M3",
        _m3_trigger,
        lambda _case, _rule: "indicator critical",
        triggers.says_m3,
        remark=lambda case, _rule: remarks.constitutional(case),
        rank=RemarkRank.RED_FLAG,
    ),
    Modifier(
        "M4",
        lambda case, _rule: triggers.marrow_exists(case.situation),
        lambda _case, _rule: "no marrow-biopsy",
        lambda case, _rule: (
            f"{sentence(triggers.marrow_exists(case.situation))}: review the result."
        ),
        remark=lambda case, _rule: remarks.marrow_exists(case),
        rank=RemarkRank.ALREADY_DONE,
    ),
    Modifier(
        "M5",
        lambda case, _rule: triggers.referral_exists(case.situation),
        lambda _case, _rule: "no hematology-referral",
        triggers.says_m5,
        remark=lambda case, _rule: remarks.referral_exists(case),
        rank=RemarkRank.ALREADY_DONE,
    ),
    Modifier(
        "M6",
        lambda case, rule: "marrow and referral exist, no red flag" if all_done(case, rule) else "",
        lambda _case, _rule: "no card for this finding",
    ),
    Modifier(
        "M8",
        lambda case, _rule: triggers.liver_or_kidney(case.situation),
        lambda _case, _rule: "text; a raised MMA proves less with poor kidneys",
        triggers.says_m8,
        remark=lambda case, _rule: remarks.liver_or_kidney(case),
    ),
    Modifier(
        "M9",
        lambda case, _rule: triggers.drug_names(case.situation),
        lambda _case, _rule: "drug review",
        triggers.says_m9,
        remark=lambda case, _rule: remarks.drugs(case),
        rank=RemarkRank.DRUG,
    ),
    Modifier(
        "M10",
        lambda case, _rule: triggers.joined(c.display for c in case.situation.history.splenomegaly),
        lambda _case, _rule: "ultrasound-abdomen",
        lambda _case, _rule: "The spleen is enlarged: hypersplenism is possible.",
        remark=lambda case, _rule: remarks.spleen(case.situation),
    ),
    Modifier(
        "M11",
        lambda case, _rule: triggers.secondary_causes(case.situation),
        lambda _case, _rule: "its test is not proposed; the indicator stays",
        triggers.says_m11,
        remark=lambda case, _rule: remarks.known_cause(case.situation),
    ),
    Modifier(
        "M12",
        lambda case, _rule: triggers.joined(m.name for m in case.situation.history.growth_factors),
        lambda _case, _rule: "text",
        triggers.says_m12,
        everywhere=True,
        remark=lambda case, _rule: remarks.growth_factor(case.situation),
    ),
    Modifier(
        "M13",
        lambda case, _rule: triggers.zinc_or_copper(case.situation),
        lambda _case, _rule: "copper and zinc",
        triggers.says_m13,
        remark=lambda case, _rule: remarks.copper(case.situation),
    ),
    Modifier(
        "M14",
        lambda case, _rule: triggers.transfusions(case.situation),
        lambda _case, _rule: "line masked or iron studies unreliable",
        triggers.says_m14,
        remark=lambda case, _rule: remarks.transfusions(case.situation),
    ),
    Modifier(
        "M15",
        _m15_trigger,
        lambda _case, _rule: "cbc-differential first, no marrow-biopsy",
        _m15_says,
        remark=lambda _case, _rule: remarks.no_neutrophil_count(),
    ),
    Modifier(
        "M16",
        lambda case, _rule: triggers.alcohol(case.situation),
        lambda _case, _rule: "text",
        lambda case, _rule: (
            f"{sentence(triggers.alcohol(case.situation))}: alcohol can lower all cell lines."
        ),
        remark=lambda _case, _rule: "Alcohol can lower all cell lines.",
    ),
    Modifier(
        "M17",
        triggers.falling_platelets,
        lambda _case, _rule: "coagulation, hemolysis and metabolic panel; heparin is named",
        triggers.says_m17,
        remark=lambda case, _rule: remarks.falling_platelets(case),
        rank=RemarkRank.DRUG,
    ),
)
"""In the order of their sentences on the card: goals of care first."""


def escalation(case: Case) -> str:
    """What M5 says on the card of an urgent finding."""
    return triggers.says_m5(case, None)


def acting(case: Case, rule: Rule | None) -> tuple[Modifier, ...]:
    """Return the modifiers that act on this finding (None: only an overlay fired)."""
    return tuple(
        modifier
        for modifier in MODIFIERS
        if (modifier.everywhere or is_pattern(rule)) and modifier.trigger(case, rule)
    )


def applied(case: Case, rule: Rule | None) -> tuple[AppliedModifier, ...]:
    """Return which modifiers acted, by id, with trigger and effect."""
    found = [
        AppliedModifier(each.id, each.trigger(case, rule), each.effect(case, rule))
        for each in acting(case, rule)
    ]
    return tuple(sorted(found, key=lambda each: int(each.id[1:])))


def sentences(case: Case, rule: Rule | None, *, everywhere_only: bool = False) -> tuple[str, ...]:
    """Return the modifiers' sentences for a card, goals of care first."""
    said = (
        each.says(case, rule)
        for each in acting(case, rule)
        if each.everywhere or not everywhere_only
    )
    return tuple(text for text in said if text)
