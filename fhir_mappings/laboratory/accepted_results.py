"""All accepted numbers of one record: checked, reduced to one for each specimen, derived.

The order matters: hematocrit judges molar hemoglobin and leukocytes judge neutrophils before either
is chosen, so that another result of the specimen can replace a refused one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.cross_checks import (
    check_iron,
    check_molar_hemoglobin,
    check_neutrophils,
)
from fhir_mappings.laboratory.derived import (
    binding_capacity,
    indirect_bilirubin,
    neutrophils,
    saturation,
)
from fhir_mappings.laboratory.specimens import one_per_specimen
from fhir_mappings.panel import Analyte
from fhir_mappings.terminology import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.laboratory.cross_checks import Checked
    from fhir_mappings.laboratory.readings import Measured
    from fhir_mappings.panel import LabResult, Unreadable
    from fhir_mappings.terminology import Terminology

_ALL = tuple(Analyte)

_PARTS_ONLY = frozenset({Role.SEGMENTED, Role.BAND, Role.SEGMENTED_PERCENT, Role.BAND_PERCENT})
"""Numbers that only serve to compute another."""

_IRON_STUDIES = (
    Analyte.IRON,
    Analyte.IRON_BINDING_CAPACITY,
    Analyte.UNSATURATED_IRON_BINDING_CAPACITY,
    Analyte.TRANSFERRIN_SATURATION,
)
_PARTS = (*_PARTS_ONLY, Role.TOTAL_PERCENT)


class _Bench:
    """The numbers of one record while they are being sorted."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self.whole: dict[Analyte, list[Measured]] = defaultdict(list)
        self.by_role: dict[Role, list[Measured]] = defaultdict(list)
        self.refused: list[Unreadable] = []
        self._settled: dict[Analyte, tuple[LabResult, ...]] = {}
        for each in measured:
            self.by_role[each.role].append(each)
            if each.role not in _PARTS_ONLY:
                self.whole[each.result.analyte].append(each)

    def settled(self, analyte: Analyte) -> tuple[LabResult, ...]:
        # Several computations ask for the same analyte.
        if analyte not in self.whole:
            return ()
        if analyte not in self._settled:
            self._settled[analyte] = one_per_specimen([each.result for each in self.whole[analyte]])
        return self._settled[analyte]

    def settled_role(self, role: Role) -> tuple[LabResult, ...]:
        return one_per_specimen([each.result for each in self.by_role.get(role, ())])

    def keep(self, analyte: Analyte, checked: Checked) -> None:
        if not checked.refused:
            return
        self.whole[analyte] = list(checked.kept)
        self._settled.pop(analyte, None)
        self.refused += checked.refused


def accept_results(
    measured: Iterable[Measured], terminology: Terminology
) -> tuple[dict[Analyte, tuple[LabResult, ...]], list[Unreadable]]:
    """Return the results per analyte, newest first, and what the checks refused."""
    bench = _Bench(measured)
    hematocrits = bench.settled(Analyte.HEMATOCRIT)
    hemoglobins = bench.whole.get(Analyte.HEMOGLOBIN, ())
    bench.keep(Analyte.HEMOGLOBIN, check_molar_hemoglobin(hemoglobins, hematocrits))
    leukocytes = bench.settled(Analyte.LEUKOCYTES)
    counted = bench.whole.get(Analyte.NEUTROPHILS, ())
    bench.keep(Analyte.NEUTROPHILS, check_neutrophils(counted, leukocytes))
    derived = {
        **_neutrophils(bench, leukocytes, terminology),
        **_iron_studies(bench, terminology),
        Analyte.BILIRUBIN_INDIRECT: indirect_bilirubin(
            bench.settled(Analyte.BILIRUBIN_INDIRECT),
            bench.settled(Analyte.BILIRUBIN_TOTAL),
            bench.settled(Analyte.BILIRUBIN_DIRECT),
            terminology,
        ),
    }
    results = {analyte: bench.settled(analyte) for analyte in bench.whole}
    results |= derived
    return {analyte: results[analyte] for analyte in _ALL if results.get(analyte)}, bench.refused


def _neutrophils(
    bench: _Bench, leukocytes: tuple[LabResult, ...], terminology: Terminology
) -> dict[Analyte, tuple[LabResult, ...]]:
    parts = {role: bench.settled_role(role) for role in _PARTS if role in bench.by_role}
    direct = bench.settled(Analyte.NEUTROPHILS)
    derived = neutrophils(direct, leukocytes, parts, terminology)
    bench.refused += derived.refused
    return {Analyte.NEUTROPHILS: derived.results}


def _iron_studies(bench: _Bench, terminology: Terminology) -> dict[Analyte, tuple[LabResult, ...]]:
    """Iron is judged against a capacity that may itself be computed from it (U10, 1.4)."""
    if bench.whole.keys().isdisjoint(_IRON_STUDIES):
        return {}
    capacities = bench.settled(Analyte.IRON_BINDING_CAPACITY)
    unsaturated = bench.settled(Analyte.UNSATURATED_IRON_BINDING_CAPACITY)
    reported = bench.settled(Analyte.TRANSFERRIN_SATURATION)
    all_iron = bench.settled(Analyte.IRON)
    provisional = binding_capacity(capacities, unsaturated, all_iron, terminology)
    measured = bench.whole.get(Analyte.IRON, ())
    bench.keep(Analyte.IRON, check_iron(measured, provisional, reported))
    iron = bench.settled(Analyte.IRON)
    capacity = binding_capacity(capacities, unsaturated, iron, terminology)
    saturations = saturation(reported, iron, capacity, terminology)
    bench.refused += saturations.refused
    return {
        Analyte.IRON_BINDING_CAPACITY: capacity,
        Analyte.TRANSFERRIN_SATURATION: saturations.results,
    }
