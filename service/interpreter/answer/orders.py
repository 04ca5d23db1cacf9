"""Which orders are proposed, with what priority, and why others are not (clinical-knowledge 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import DataGroup, SerologyTest
from service.interpreter.answer import existing_results
from service.interpreter.answer import modifier_triggers as triggers
from service.interpreter.answer.modifiers import all_done, red_flag_of_deferral
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import GROUP_NAMES, listed
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    MARROW_BIOPSY,
    Overlay,
    Priority,
    ProposedOrder,
    WithheldOrder,
)
from service.interpreter.rules.rule import Step, WantedOrder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

CBC = "cbc-differential"
CT = "ct-abdomen-pelvis"
ULTRASOUND = "ultrasound-abdomen"

_RANK = {
    Priority.ROUTINE: 0,
    Priority.URGENT: 1,
    Priority.ASAP: 2,
    Priority.STAT: 3,
}
_STAT_WORK_UP = frozenset({CBC, "peripheral-smear", "prothrombin-time", "aptt", "fibrinogen"})
_PATTERN_STEPS = frozenset({Step.PREGNANCY, Step.PANCYTOPENIA, Step.BICYTOPENIA})

KNOWN_DISEASE = {
    "hiv-screen": ((ValueSetName.HIV_INFECTION,), (SerologyTest.HIV,)),
    **dict.fromkeys(
        ("hepatitis-b-surface-antigen", "hepatitis-b-core-antibody"),
        (
            (ValueSetName.HEPATITIS_B,),
            (SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN, SerologyTest.HEPATITIS_B_CORE_ANTIBODY),
        ),
    ),
    "hepatitis-c-antibody": ((ValueSetName.HEPATITIS_C,), (SerologyTest.HEPATITIS_C_ANTIBODY,)),
    **dict.fromkeys(("antinuclear-antibody", "anti-dsdna"), ((ValueSetName.LUPUS,), ())),
}
"""M11: what makes a test superfluous because the disease is known."""


@dataclass(frozen=True, slots=True)
class OrdersDue:
    """Proposed orders in the order of the rows, and those left out with the reason."""

    proposed: tuple[ProposedOrder, ...] = ()
    withheld: tuple[WithheldOrder, ...] = ()


def orders_due(case: Case, finding: Rule | None, overlays: Iterable[Rule]) -> OrdersDue:
    """Return the one order list of a call, finding and overlays merged (3.1, 3.5, 4.2, 4.3)."""
    proposed, withheld = [], []
    if all_done(case, finding):
        return _nothing_more(case.situation)
    for wish, priority in _merged(_wishes(case, finding, tuple(overlays)), case):
        reason = _why_not(wish, case)
        if reason:
            withheld.append(WithheldOrder(wish.order, reason))
        else:
            proposed.append(_proposal(wish, priority, case))
    return OrdersDue(tuple(proposed), tuple(withheld))


def _nothing_more(situation: Situation) -> OrdersDue:
    """M6: no suggestion at all; what stands already is named."""
    return OrdersDue(
        withheld=(
            WithheldOrder(HEMATOLOGY_REFERRAL, triggers.referral_exists(situation)),
            WithheldOrder(MARROW_BIOPSY, triggers.marrow_exists(situation)),
        )
    )


def _wishes(case: Case, finding: Rule | None, overlays: tuple[Rule, ...]) -> list[WantedOrder]:
    own = list(finding.orders) if finding else []
    if finding is None or not finding.replaces_overlay_orders:
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
    child = case.situation.child
    wishes = (
        [WantedOrder(CBC, because=reason)] if (reason := _repeat_cbc(case, child=child)) else []
    )
    if finding is not None and finding.step in _PATTERN_STEPS:
        wishes += _added_by_modifiers(case.situation)
    return wishes


def _repeat_cbc(case: Case, *, child: bool) -> str:
    situation = case.situation
    if situation.conflict:
        return "two results of the same time contradict each other"
    if situation.counts_preliminary:
        return "a count is preliminary or of unknown status"
    if situation.anc_bands_would_cross:
        return "band forms would move the neutrophil count across a limit"
    alone = situation.white_by_leukocytes_alone and not child
    return "no neutrophil count: the differential comes first" if alone else ""


def _added_by_modifiers(situation: Situation) -> list[WantedOrder]:
    wishes = []
    if situation.mma_renal:
        wishes.append(
            WantedOrder("metabolic-panel", because="MMA is raised, kidney function decides")
        )
    if situation.splenomegaly:
        wishes.append(WantedOrder(ULTRASOUND, because="splenomegaly"))
        if existing_results.imaging_done(ULTRASOUND, situation) and not situation.pregnant:
            wishes.append(WantedOrder(CT, because="splenomegaly, ultrasound done"))
    if situation.zinc or situation.copper_deficiency:
        wishes += [
            WantedOrder("copper", because="zinc or copper"),
            WantedOrder("zinc", because="zinc or copper"),
        ]
    return wishes


def _merged(wishes: Iterable[WantedOrder], case: Case) -> tuple[tuple[WantedOrder, Priority], ...]:
    """One wish for each order: at its first place, with the highest priority asked for."""
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
    base = wish.priority(case) if wish.priority else _usual_priority(wish.order, case)
    raised = (
        triggers.red_flag_priority(case)
        if wish.order in {HEMATOLOGY_REFERRAL, MARROW_BIOPSY}
        else None
    )
    return max(base, raised or base, key=_RANK.__getitem__)


def _usual_priority(order: str, case: Case) -> Priority:
    stat = case.severe or case.overlays.get(Overlay.CIRCULATING_BLASTS) == "critical"
    return Priority.STAT if stat and order in _STAT_WORK_UP else Priority.URGENT


def _why_not(wish: WantedOrder, case: Case) -> str:
    situation = case.situation
    gates = {HEMATOLOGY_REFERRAL: _no_referral, MARROW_BIOPSY: _no_marrow, CT: _no_ct}
    if wish.order in gates and (reason := gates[wish.order](case)):
        return reason
    if reason := existing_results.standing_order(wish.order, situation):
        return reason
    if reason := _known_disease(wish.order, situation):
        return reason
    return "" if wish.despite_result else _not_needed(wish.order, situation)


def _not_needed(order: str, situation: Situation) -> str:
    if reason := existing_results.usable_result(order, situation):
        return reason
    hidden = existing_results.hidden_groups(order, situation)
    return f"{hidden} could not be retrieved: a result may exist" if hidden else ""


def _no_referral(case: Case) -> str:
    return triggers.referral_exists(case.situation)


def _no_marrow(case: Case) -> str:
    """Return why no marrow is proposed: M7, M4, A1, A8, M15, M1."""
    situation = case.situation
    if situation.palliative:
        return "palliative care: align with the goals of care"
    if situation.marrow_exists:
        return triggers.marrow_exists(situation)
    blasts = case.overlays.get(Overlay.CIRCULATING_BLASTS) == "critical"
    if situation.conflict and not blasts:
        return "blood counts contradict each other: repeat the CBC first"
    if situation.counts_preliminary and not blasts:
        return "blood counts are not final: repeat the CBC first"
    if situation.white_by_leukocytes_alone and not (blasts or case.severe):
        return "no neutrophil count: the differential comes first"
    reasons = triggers.deferral(situation)
    return f"deferred: {reasons}" if reasons and not red_flag_of_deferral(case) else ""


def _no_ct(case: Case) -> str:
    if case.situation.palliative:
        return "palliative care: align with the goals of care"
    return "no CT in pregnancy" if case.situation.pregnant else ""


def _known_disease(order: str, situation: Situation) -> str:
    sets, tests = KNOWN_DISEASE.get(order, ((), ()))
    known = triggers.known_set(situation, *sets) or triggers.positive(situation, *tests)
    return f"already known: {known}" if known else ""


_MARROW_GROUPS = (
    DataGroup.MARROW_RESULTS,
    DataGroup.PROCEDURES,
    DataGroup.DIAGNOSTIC_REPORTS,
)


def _proposal(wish: WantedOrder, priority: Priority, case: Case) -> ProposedOrder:
    situation = case.situation
    reasons = [wish.because, existing_results.unreadable_result(wish.order, situation)]
    if wish.order == MARROW_BIOPSY:
        hidden = [GROUP_NAMES[group] for group in _MARROW_GROUPS if group in situation.unavailable]
        if hidden:
            reasons.append(f"{listed(hidden)} could not be checked for an earlier marrow")
    because = "; ".join(reason for reason in reasons if reason)
    return ProposedOrder(wish.order, priority, wish.note, because)
