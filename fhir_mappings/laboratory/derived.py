"""Values that follow from other results: ANC, TIBC, saturation, indirect bilirubin.

Rules of clinical-definition 1.4, for every specimen in the record. A computed value names its
sources, carries their notes (preliminary, conflict, inferred unit), and is made only when its
comparator is certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.bounds import Bound, bound_of
from fhir_mappings.laboratory.computed import computed_result
from fhir_mappings.laboratory.cross_checks import ONE_DAY, disagree, exceeds_leukocytes
from fhir_mappings.laboratory.specimens import nearest, one_per_specimen
from fhir_mappings.panel import Analyte, LabResult, Note, Reason, Unreadable
from fhir_mappings.terminology import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fhir_mappings.terminology import Terminology

ANC_LIMITS = (Decimal("0.5"), Decimal("1.0"), Decimal("1.8"))
"""Limits whose crossing by the bands must be said (clinical-definition 1.2 NEUTPCT, 2.1, 2.2)."""

_HUNDRED = Bound(Decimal(100))
_MOST_PERCENT = Decimal("100.5")


@dataclass(frozen=True, slots=True)
class Derived:
    """Results of one analyte, direct and computed, and computations that were refused."""

    results: tuple[LabResult, ...]
    refused: tuple[Unreadable, ...] = ()


def neutrophils(
    direct: Sequence[LabResult],
    leukocytes: Sequence[LabResult],
    parts: Mapping[Role, Sequence[LabResult]],
    terminology: Terminology,
) -> Derived:
    """ANC: direct; else segmented + bands; else WBC x total %; else WBC x (segmented + band) %."""
    found = tuple(direct)
    refused: list[Unreadable] = []
    for role in (Role.SEGMENTED, Role.TOTAL_PERCENT, Role.SEGMENTED_PERCENT):
        open_parts = [part for part in parts.get(role, ()) if nearest(found, part.taken) is None]
        if not open_parts:
            continue
        outcomes = [
            _neutrophils_from(role, part, leukocytes, parts, terminology) for part in open_parts
        ]
        found = one_per_specimen(
            [*found, *(each for each in outcomes if isinstance(each, LabResult))]
        )
        refused += [outcome for outcome in outcomes if isinstance(outcome, Unreadable)]
    return Derived(found, tuple(refused))


def _neutrophils_from(
    role: Role,
    part: LabResult,
    leukocytes: Sequence[LabResult],
    parts: Mapping[Role, Sequence[LabResult]],
    terminology: Terminology,
) -> LabResult | Unreadable | None:
    white = nearest(leukocytes, part.taken)
    absolute = role is Role.SEGMENTED
    bands = nearest(parts.get(Role.BAND if absolute else Role.BAND_PERCENT, ()), part.taken)
    if white is None and not absolute:
        return None
    without, with_bands = _with_and_without(part, bands)
    if not absolute and _too_much(without, with_bands, role):
        sentence = "The percentages of neutrophils add up to more than 100."
        return Unreadable(Analyte.NEUTROPHILS, Reason.IMPLAUSIBLE, sentence, taken=part.taken)
    if white is not None and not absolute:
        without = _share(without, white)
        with_bands = _share(with_bands, white)
    # A total holds its bands by name; bands below a detection limit are too few to count.
    counted = bands is not None and role is not Role.TOTAL_PERCENT
    use_bands = counted and bands is not None and not bound_of(bands).is_upper
    chosen = with_bands if use_bands else without
    if chosen is None:
        return None
    sources = [part, *([white] if white and not absolute else ())]
    sources += [bands] if use_bands and bands is not None else []
    notes = {Note.ANC_COMPUTED}
    if not use_bands and _crosses(without, with_bands):
        notes.add(Note.ANC_BANDS)
    result = computed_result(Analyte.NEUTROPHILS, chosen, sources, notes, terminology)
    if white is not None and exceeds_leukocytes(result, white):
        sentence = "Segmented neutrophils and bands add up to more than the leukocytes."
        return Unreadable(Analyte.NEUTROPHILS, Reason.ANC_GT_WBC, sentence, taken=result.taken)
    return result


def _with_and_without(
    part: LabResult, bands: LabResult | None
) -> tuple[Bound | None, Bound | None]:
    alone = bound_of(part)
    return alone, (alone + bound_of(bands) if bands is not None else alone)


def _too_much(without: Bound | None, with_bands: Bound | None, role: Role) -> bool:
    total = without if role is Role.TOTAL_PERCENT else with_bands
    return total is not None and not total.is_upper and total.value > _MOST_PERCENT


def _share(percent: Bound | None, white: LabResult) -> Bound | None:
    product = percent * bound_of(white) if percent is not None else None
    return product / _HUNDRED if product is not None else None


def _crosses(without: Bound | None, with_bands: Bound | None) -> bool:
    if without is None or with_bands is None:
        return False
    return any(without.value < limit <= with_bands.value for limit in ANC_LIMITS)


def binding_capacity(
    direct: Sequence[LabResult],
    unsaturated: Iterable[LabResult],
    iron: Sequence[LabResult],
    terminology: Terminology,
) -> tuple[LabResult, ...]:
    """TIBC: direct; else UIBC + iron drawn at most 24 h apart."""
    found = list(direct)
    for part in unsaturated:
        partner = nearest(iron, part.taken, ONE_DAY)
        if partner is None or nearest(direct, part.taken, ONE_DAY) is not None:
            continue
        total = bound_of(part) + bound_of(partner)
        if total is not None:
            notes = {Note.TIBC_COMPUTED}
            found.append(
                computed_result(
                    Analyte.IRON_BINDING_CAPACITY, total, [part, partner], notes, terminology
                )
            )
    return one_per_specimen(found)


def saturation(
    reported: Sequence[LabResult],
    iron: Iterable[LabResult],
    capacity: Sequence[LabResult],
    terminology: Terminology,
) -> Derived:
    """TSAT: computed where iron and TIBC are at most 24 h apart, else reported (1.4, U10)."""
    computed: list[LabResult] = []
    refused: list[Unreadable] = []
    governed: set[LabResult] = set()
    definition = terminology.definition(Analyte.TRANSFERRIN_SATURATION)
    for each in iron:
        partner = nearest(capacity, each.taken, ONE_DAY)
        bound = _saturation_of(each, partner)
        beside = [r for r in reported if abs(r.taken - each.taken) <= ONE_DAY]
        if partner is None or bound is None or (bound.comparator and beside):
            continue
        if not definition.is_plausible(bound.value):
            sentence = "Iron and binding capacity give an impossible saturation."
            if not beside and not bound.comparator:
                refused.append(_implausible_saturation(bound, each, sentence))
            continue
        closest = nearest(beside, each.taken, ONE_DAY)
        notes = {Note.TSAT_COMPUTED}
        if closest is not None and _inconsistent(bound, closest):
            notes.add(Note.TSAT_INCONSISTENT)
        sources = [each, partner]
        result = computed_result(Analyte.TRANSFERRIN_SATURATION, bound, sources, notes, terminology)
        computed.append(result)
        governed |= set(beside)
    rest = [result for result in reported if result not in governed]
    return Derived(one_per_specimen([*computed, *rest]), tuple(refused))


def _saturation_of(iron: LabResult, capacity: LabResult | None) -> Bound | None:
    if capacity is None:
        return None
    hundredfold = bound_of(iron) * _HUNDRED
    return hundredfold / bound_of(capacity) if hundredfold is not None else None


def _inconsistent(computed: Bound, reported: LabResult) -> bool:
    return reported.comparator is None and disagree(computed.value, reported.value)


def _implausible_saturation(bound: Bound, iron: LabResult, sentence: str) -> Unreadable:
    return Unreadable(
        Analyte.TRANSFERRIN_SATURATION,
        Reason.IMPLAUSIBLE,
        sentence,
        reported=f"{bound.value:.1f} %",
        taken=iron.taken,
        source=iron.source,
    )


def indirect_bilirubin(
    direct_code: Sequence[LabResult],
    total: Iterable[LabResult],
    conjugated: Sequence[LabResult],
    terminology: Terminology,
) -> tuple[LabResult, ...]:
    """Indirect bilirubin: its own code; else total - direct of the same specimen, at least 0."""
    found = list(direct_code)
    for each in total:
        partner = nearest(conjugated, each.taken)
        if partner is None or nearest(direct_code, each.taken) is not None:
            continue
        rest = bound_of(each) - bound_of(partner)
        if rest is not None:
            found.append(
                computed_result(
                    Analyte.BILIRUBIN_INDIRECT, rest, [each, partner], {Note.COMPUTED}, terminology
                )
            )
    return one_per_specimen(found)
