"""Which orders are proposed, with what priority, and why others are not (clinical-definition 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_mappings.panel import DataGroup
from service.interpreter.answer import existing_results
from service.interpreter.answer.modifiers.causes import CT, known_disease
from service.interpreter.answer.modifiers.marrow_and_referral import (
    deferral,
    marrow_deferred,
    marrow_exists,
    referral_exists,
)
from service.interpreter.answer.modifiers.red_flags import red_flag_priority
from service.interpreter.answer.modifiers.table import MODIFIERS
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import listed
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    MARROW_BIOPSY,
    Overlay,
    Priority,
    ProposedOrder,
    WithheldOrder,
)
from service.interpreter.rules.criteria.patient import CRITICAL_BLASTS
from service.interpreter.rules.order_lists import SECONDARY_CAUSE_ORDERS
from service.interpreter.rules.rule import Step, WantedOrder, always

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

CBC = "cbc-differential"

_RANK = {
    Priority.ROUTINE: 0,
    Priority.URGENT: 1,
    Priority.ASAP: 2,
    Priority.STAT: 3,
}
_STAT_WORK_UP = frozenset({CBC, "peripheral-smear", "prothrombin-time", "aptt", "fibrinogen"})
_STAT_OVERLAYS = frozenset(Overlay) - {Overlay.NEUTROPENIC_FEVER}
"""At critical they make film, counts and coagulation stat (4.2); with fever no result is awaited.
"""

_PATTERN_STEPS = frozenset({Step.PREGNANCY, Step.PANCYTOPENIA, Step.BICYTOPENIA})


@dataclass(frozen=True, slots=True)
class OrdersDue:
    """Proposed orders in the order of the rows, and those left out with the reason."""

    proposed: tuple[ProposedOrder, ...] = ()
    withheld: tuple[WithheldOrder, ...] = ()


def orders_due(case: Case, finding: Rule | None, overlays: Iterable[Rule]) -> OrdersDue:
    """Return the one order list of a call, finding and overlays merged (3.1, 3.5, 4.2, 4.3)."""
    proposed, withheld = [], []
    for wish, priority in _merged(_wishes(case, finding, tuple(overlays)), case):
        reason = _why_not(wish, case)
        if reason:
            withheld.append(WithheldOrder(wish.order, reason))
        else:
            proposed.append(_proposal(wish, priority, case))
    return OrdersDue(tuple(proposed), tuple(withheld))


def _wishes(case: Case, finding: Rule | None, overlays: tuple[Rule, ...]) -> list[WantedOrder]:
    own = list(finding.orders) if finding else []
    if finding is None or not finding.replaces_overlay_orders:
        if CRITICAL_BLASTS.test(case):
            own = []
        own += [
            wish
            for overlay in overlays
            for wish in overlay.orders
            if wish.order != MARROW_BIOPSY or not _marrow_not_from_overlay(case.situation)
        ]
    added = _added(case, finding)
    wishes = [*added[:1], *own, *added[1:]] if added and added[0].order == CBC else [*own, *added]
    return [wish for wish in wishes if wish.when is None or wish.when.test(case) is True]


def _marrow_not_from_overlay(situation: Situation) -> bool:
    """On an anchor above 14 days and in pregnancy an overlay's list has no marrow (3.1)."""
    old = situation.freshness is not Freshness.CURRENT and situation.anchor is not None
    return old or situation.pregnant


def _added(case: Case, finding: Rule | None) -> list[WantedOrder]:
    """Return what modifiers and rules 1.1 add: the repeated CBC first."""
    if finding is not None and not finding.adds_orders:
        return []
    disputed = case.situation.severe.in_conflict and not case.situation.child
    wishes = (
        [WantedOrder(CBC, priority=always(Priority.STAT) if disputed else None, because=reason)]
        if (reason := _repeat_cbc(case, finding))
        else []
    )
    # With critical blasts everything else is left to hematology (3.2).
    if finding is not None and finding.step in _PATTERN_STEPS and not CRITICAL_BLASTS.test(case):
        if case.situation.chemistry.mma_renal:
            because = "MMA is raised, kidney function decides"
            wishes.append(WantedOrder("metabolic-panel", because=because))
        wishes += _added_by_modifiers(case.situation)
    return wishes


def _repeat_cbc(case: Case, finding: Rule | None) -> str:
    situation = case.situation
    if situation.quality.conflict:
        return "two results of the same time contradict each other"
    if situation.quality.counts_preliminary:
        return "a count is preliminary or of unknown status"
    if situation.quality.anc_bands_would_cross:
        return "band forms would move the neutrophil count across a limit"
    read = finding is not None and not situation.child
    alone = situation.quality.white_by_leukocytes_alone and read
    return "no neutrophil count: the differential comes first" if alone else ""


def _added_by_modifiers(situation: Situation) -> list[WantedOrder]:
    return [order for modifier in MODIFIERS for order in modifier.orders(situation)]


def _merged(wishes: Iterable[WantedOrder], case: Case) -> tuple[tuple[WantedOrder, Priority], ...]:
    """One entry for each order: at its first place, with the highest priority requested."""
    merged: dict[str, tuple[WantedOrder, Priority]] = {}
    for wish in wishes:
        priority = _priority(wish, case)
        if wish.order not in merged:
            merged[wish.order] = wish, priority
            continue
        known, before = merged[wish.order]
        both = replace(
            known,
            despite_result=known.despite_result or wish.despite_result,
            note=known.note or wish.note,
            because=known.because or wish.because,
        )
        merged[wish.order] = both, max(priority, before, key=_RANK.__getitem__)
    return tuple(merged.values())


def _priority(wish: WantedOrder, case: Case) -> Priority:
    """Return the row's priority, or 4.2's; red flags raise referral and marrow (M2)."""
    base = wish.priority.of(case) if wish.priority else _usual_priority(wish.order, case)
    of_adult = wish.order in {HEMATOLOGY_REFERRAL, MARROW_BIOPSY} and not case.situation.child
    raised = red_flag_priority(case) if of_adult else None
    return max(base, raised or base, key=_RANK.__getitem__)


def _usual_priority(order: str, case: Case) -> Priority:
    if order in SECONDARY_CAUSE_ORDERS:
        return Priority.ROUTINE
    critical = {each for each, indicator in case.overlays.items() if indicator == "critical"}
    stat = critical & _STAT_OVERLAYS
    return Priority.STAT if stat and order in _STAT_WORK_UP else Priority.URGENT


def usual_priority_words(order: str) -> str:
    """Return the priority of an order that no row gives another, in words (4.2)."""
    if order in SECONDARY_CAUSE_ORDERS:
        return "routine"
    if order in _STAT_WORK_UP:
        return "urgent; stat with a critical urgent finding other than fever"
    raised = order in {HEMATOLOGY_REFERRAL, MARROW_BIOPSY}
    return "urgent; asap or stat with red flags" if raised else "urgent"


def _why_not(wish: WantedOrder, case: Case) -> str:
    situation = case.situation
    gates = {HEMATOLOGY_REFERRAL: _no_referral, MARROW_BIOPSY: _no_marrow, CT: _no_ct}
    if wish.order in gates and (reason := gates[wish.order](case)):
        return reason
    if reason := existing_results.standing_order(wish.order, situation):
        return reason
    if reason := _known_disease(wish.order, situation) or _under_treatment(wish.order, situation):
        return reason
    return "" if wish.despite_result else _not_needed(wish.order, situation)


def _not_needed(order: str, situation: Situation) -> str:
    if reason := existing_results.usable_result(order, situation):
        return reason
    hidden = existing_results.hidden_groups(order, situation)
    return f"{hidden} could not be retrieved: a result may exist" if hidden else ""


def _no_referral(case: Case) -> str:
    return referral_exists(case.situation)


def _no_marrow(case: Case) -> str:
    """Return why no marrow is proposed: M7, M4, A1, A8, M15, M1."""
    situation = case.situation
    if situation.history.palliative:
        return "palliative care: align with the goals of care"
    if situation.history.marrow_exists:
        return marrow_exists(situation)
    blasts = CRITICAL_BLASTS.test(case)
    if situation.quality.conflict and not blasts:
        return "blood counts contradict each other: repeat the CBC first"
    if situation.quality.counts_preliminary and not blasts:
        return "blood counts are not final: repeat the CBC first"
    if situation.quality.white_by_leukocytes_alone and not (blasts or case.severe):
        return "no neutrophil count: the differential comes first"
    return f"deferred: {deferral(situation)}" if marrow_deferred(case) else ""


def _no_ct(case: Case) -> str:
    if case.situation.history.palliative:
        return "palliative care: align with the goals of care"
    return "no CT in pregnancy" if case.situation.pregnant else ""


def _known_disease(order: str, situation: Situation) -> str:
    known = known_disease(order, situation)
    return f"already known: {known}" if known else ""


_SPOILED_BY_B12 = frozenset({"vitamin-b12", "methylmalonic-acid"})


def _under_treatment(order: str, situation: Situation) -> str:
    """B12 and MMA say nothing under a B12 medicine, but a raised MMA may be confirmed (4.3)."""
    if (
        order not in _SPOILED_BY_B12
        or not situation.chemistry.b12_medication
        or situation.chemistry.mma_raised
    ):
        return ""
    names = listed(each.name for each in situation.chemistry.b12_medication)
    return f"B12 medicine ({names}): under treatment the result says nothing"


_REFERRAL_GROUPS = (DataGroup.SERVICE_REQUESTS, DataGroup.ENCOUNTERS)
_MARROW_GROUPS = (
    DataGroup.MARROW_RESULTS,
    DataGroup.PROCEDURES,
    DataGroup.DIAGNOSTIC_REPORTS,
)


def _proposal(wish: WantedOrder, priority: Priority, case: Case) -> ProposedOrder:
    situation = case.situation
    reasons = [wish.because, existing_results.unreadable_result(wish.order, situation)]
    groups = {MARROW_BIOPSY: _MARROW_GROUPS, HEMATOLOGY_REFERRAL: _REFERRAL_GROUPS}
    earlier = {MARROW_BIOPSY: "an earlier marrow", HEMATOLOGY_REFERRAL: "an earlier referral"}
    hidden = [group.words for group in groups.get(wish.order, ()) if group in situation.unavailable]
    if hidden:
        reasons.append(f"{listed(hidden)} could not be checked for {earlier[wish.order]}")
    because = "; ".join(reason for reason in reasons if reason)
    return ProposedOrder(wish.order, priority, wish.note, because)
