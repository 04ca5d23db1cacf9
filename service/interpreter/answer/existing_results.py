"""Why an order is not needed: a usable result, an existing order (clinical-definition 4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS, Analyte, DataGroup, SerologyTest, SmearMethod
from service.interpreter.assessment.unusable import due_results
from service.interpreter.formatting import day, listed
from service.interpreter.interpretation import CellLineState, IronState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.situation import Situation


_STANDING = frozenset({"active", "draft", "on-hold"})

RESULTS_OF_ORDER: dict[str, tuple[int, tuple[tuple[Analyte, ...], ...]]] = {
    "reticulocytes": (3, ((Analyte.RETICULOCYTES, Analyte.RETICULOCYTE_PERCENT),)),
    "ldh": (7, ((Analyte.LACTATE_DEHYDROGENASE,),)),
    "bilirubin-total": (7, ((Analyte.BILIRUBIN_TOTAL,),)),
    "bilirubin-direct": (7, ((Analyte.BILIRUBIN_DIRECT,),)),
    "haptoglobin": (7, ((Analyte.HAPTOGLOBIN,),)),
    "folate": (90, ((Analyte.FOLATE,),)),
    "methylmalonic-acid": (90, ((Analyte.METHYLMALONATE,),)),
    "homocysteine": (90, ((Analyte.HOMOCYSTEINE,),)),
    "iron-tibc": (30, ((Analyte.IRON,), (Analyte.IRON_BINDING_CAPACITY,))),
    "ferritin": (30, ((Analyte.FERRITIN,),)),
    "metabolic-panel": (
        90,
        (
            (Analyte.CREATININE,),
            (Analyte.ALANINE_AMINOTRANSFERASE, Analyte.ASPARTATE_AMINOTRANSFERASE),
        ),
    ),
    "crp": (3, ((Analyte.C_REACTIVE_PROTEIN,),)),
}
"""For how many days a result counts, and the analytes: one of each group must be there."""

SEROLOGY_OF_ORDER = {
    "hiv-screen": SerologyTest.HIV,
    "hepatitis-b-surface-antigen": SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN,
    "hepatitis-b-core-antibody": SerologyTest.HEPATITIS_B_CORE_ANTIBODY,
    "hepatitis-c-antibody": SerologyTest.HEPATITIS_C_ANTIBODY,
    "antinuclear-antibody": SerologyTest.ANTINUCLEAR_ANTIBODY,
    "anti-dsdna": SerologyTest.ANTI_DSDNA,
    "intrinsic-factor-antibody": SerologyTest.INTRINSIC_FACTOR_ANTIBODY,
}

ANALYTES_OF_ORDER: dict[str, tuple[Analyte, ...]] = {
    order: tuple(analyte for group in groups for analyte in group)
    for order, (_, groups) in RESULTS_OF_ORDER.items()
} | {"vitamin-b12": (Analyte.VITAMIN_B12,)}

GROUPS_OF_ORDER: dict[str, tuple[DataGroup, ...]] = {
    "peripheral-smear": (DataGroup.SMEAR,),
    **{
        order: tuple(dict.fromkeys(analyte.group for analyte in analytes))
        for order, analytes in ANALYTES_OF_ORDER.items()
    },
    **dict.fromkeys(SEROLOGY_OF_ORDER, (DataGroup.SEROLOGY,)),
    "ultrasound-abdomen": (DataGroup.DIAGNOSTIC_REPORTS,),
    "ct-abdomen-pelvis": (DataGroup.DIAGNOSTIC_REPORTS,),
}
"""Which data would hold a result of the order; without it the order is not proposed."""


def _recent(moment: datetime | None, situation: Situation, days: int) -> bool:
    return moment is not None and situation.now - moment <= timedelta(days=days)


def _newest(situation: Situation, analyte: Analyte, days: int) -> LabResult | None:
    results = situation.facts.panel.results.get(analyte, ())
    fresh = [each for each in results if _recent(each.taken, situation, days)]
    return max(fresh, key=lambda each: each.taken, default=None)


def standing_order(order: str, situation: Situation) -> str:
    """Return why an existing order makes this one unnecessary; empty when none does."""
    for existing in situation.facts.context.orders:
        if order not in existing.orders:
            continue
        if existing.drafted:
            return "already among the drafts of this session"
        recent = existing.authored is None or _recent(
            existing.authored, situation, situation.windows.order_exists.days
        )
        if existing.status in _STANDING and recent:
            when = f" on {day(existing.authored)}" if existing.authored else ""
            return f"already ordered{when}"
    return ""


def usable_cbc(situation: Situation) -> str:
    """Return when a complete, undisputed CBC with ANC at most 3 days old was drawn; else empty."""
    lines = situation.states.lines.values()
    neutrophils = situation.selected.get(Analyte.NEUTROPHILS)
    complete = neutrophils is not None and all(
        fact.result
        and fact.state is not CellLineState.UNKNOWN
        and _recent(fact.result.taken, situation, 3)
        for fact in lines
    )
    disputed = (
        situation.quality.conflict
        or situation.quality.counts_preliminary
        or situation.quality.anc_bands_would_cross
        or any(item.analyte in BLOOD_COUNTS for item in due_results(situation))
        or situation.quality.white_by_leukocytes_alone
    )
    if not complete or disputed or neutrophils is None:
        return ""
    return f"CBC with neutrophils of {day(neutrophils.taken)} stands"


def _smear(situation: Situation) -> str:
    films = [
        each.taken
        for each in situation.facts.panel.smear
        if each.method is not SmearMethod.ANALYSER and _recent(each.taken, situation, 3)
    ]
    return f"blood film of {day(max(films))}" if films else ""


def _b12_twice(situation: Situation) -> str:
    marked = [
        each
        for each in situation.facts.panel.results.get(Analyte.VITAMIN_B12, ())
        if each.value >= situation.limits.b12_marked
        and (each.comparator is None or each.comparator.value.startswith(">"))
        and _recent(each.taken, situation, situation.windows.marked_b12.days)
    ]
    if len(marked) < 2:
        return ""
    limit, days = situation.limits.b12_marked, situation.windows.marked_b12.days
    return f"two results of at least {limit} pg/mL in {days} days"


def _serology(test: SerologyTest, situation: Situation) -> str:
    done = [
        each.taken
        for each in situation.facts.panel.serology
        if each.test is test
        and each.positive is not None
        and _recent(each.taken, situation, situation.windows.serology.days)
    ]
    return f"result of {day(max(done))}" if done else ""


def imaging_done(order: str, situation: Situation) -> str:
    """Return when this imaging was reported in the last 180 days; empty when it was not."""
    reports = [
        each.taken
        for each in situation.facts.context.imaging
        if each.order == order and _recent(each.taken, situation, situation.windows.imaging.days)
    ]
    return f"report of {day(max(reports))}" if reports else ""


_SPECIAL: dict[str, Callable[[Situation], str]] = {
    "cbc-differential": usable_cbc,
    "peripheral-smear": _smear,
    "vitamin-b12": _b12_twice,
}


def usable_result(order: str, situation: Situation) -> str:
    """Return which usable result makes the order unnecessary; empty when none does."""
    if order in _SPECIAL:
        return _SPECIAL[order](situation)
    if order in SEROLOGY_OF_ORDER:
        return _serology(SEROLOGY_OF_ORDER[order], situation)
    if order in {"ultrasound-abdomen", "ct-abdomen-pelvis"}:
        return imaging_done(order, situation)
    if order not in RESULTS_OF_ORDER:
        return ""
    if order in {"iron-tibc", "ferritin"} and situation.states.iron is IronState.CONFOUNDED:
        return ""
    return _chemistry(order, situation)


def _chemistry(order: str, situation: Situation) -> str:
    days, groups = RESULTS_OF_ORDER[order]
    found = [
        [each for analyte in group if (each := _newest(situation, analyte, days))]
        for group in groups
    ]
    if not all(found):
        return ""
    return f"result of {day(max(each.taken for group in found for each in group))} stands"


def hidden_groups(order: str, situation: Situation) -> str:
    """Return the data that could not be retrieved and may hold a result; empty when none."""
    hidden = [
        group.words for group in GROUPS_OF_ORDER.get(order, ()) if group in situation.unavailable
    ]
    return listed(hidden)


def unreadable_result(order: str, situation: Situation) -> str:
    """Return that a result exists which could not be read, so that nobody thinks it is absent."""
    for analyte in ANALYTES_OF_ORDER.get(order, ()):
        refused = situation.unreadable.get(analyte)
        if refused and analyte not in situation.selected:
            when = f" of {day(refused[0].taken)}" if refused[0].taken else ""
            return (
                f"a result{when} was reported but could not be read: ask the laboratory, repeat "
                "when it cannot be clarified"
            )
    return ""
