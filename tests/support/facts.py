"""Short ways to write a patient's facts for tests of the interpreter.

Times are days before `NOW`; values are in canonical units and may carry a comparator ("<10").
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_mappings.context import (
    ClinicalContext,
    Condition,
    Encounter,
    Medication,
    MedicationKind,
    Patient,
    Procedure,
    Sex,
    ValueSetName,
)
from fhir_mappings.panel import (
    Analyte,
    Comparator,
    DataGroup,
    LabResult,
    Panel,
    Reason,
    ReferenceInterval,
    SmearFinding,
    SmearMethod,
    SmearSet,
    Unreadable,
)
from service.interpreter.assessment.assess import assess
from service.interpreter.interpretation import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.interpreter.assessment.situation import Situation

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)

HGB = Analyte.HEMOGLOBIN
WBC = Analyte.LEUKOCYTES
ANC = Analyte.NEUTROPHILS
PLT = Analyte.PLATELETS
B12 = Analyte.VITAMIN_B12
MMA = Analyte.METHYLMALONATE
IRON = Analyte.IRON
TIBC = Analyte.IRON_BINDING_CAPACITY
TSAT = Analyte.TRANSFERRIN_SATURATION
FERRITIN = Analyte.FERRITIN
EGFR = Analyte.GLOMERULAR_FILTRATION_RATE
TEMPERATURE = Analyte.BODY_TEMPERATURE


def ago(days: float) -> datetime:
    """Return the moment that many days before `NOW`."""
    return NOW - timedelta(days=days)


def day(days: float) -> date:
    """Return the day that many days before `NOW`."""
    return ago(days).date()


def result(
    analyte: Analyte,
    value: str | float | Decimal,
    days: float = 1,
    *,
    low: str | None = None,
    high: str | None = None,
    **more: Any,
) -> LabResult:
    """Return one accepted result, `days` before `NOW`."""
    comparator, number = _split(str(value))
    interval = None
    if low is not None or high is not None:
        interval = ReferenceInterval(
            None if low is None else Decimal(low), None if high is None else Decimal(high)
        )
    return LabResult(
        analyte=analyte,
        value=Decimal(number),
        taken=ago(days),
        unit=more.pop("unit", "canonical"),
        reported_value=str(value),
        reported_unit="canonical",
        comparator=comparator,
        interval=interval,
        **more,
    )


def _split(text: str) -> tuple[Comparator | None, str]:
    for sign in ("<=", ">=", "<", ">"):
        if text.startswith(sign):
            return Comparator(sign), text[len(sign) :]
    return None, text


def count(
    hgb: str | float | None = None,
    anc: str | float | None = None,
    plt: str | float | None = None,
    wbc: str | float | None = None,
    days: float = 1,
) -> list[LabResult]:
    """Return one blood count; None leaves the count out."""
    given = ((HGB, hgb), (ANC, anc), (PLT, plt), (WBC, wbc))
    return [result(analyte, value, days) for analyte, value in given if value is not None]


PANCYTOPENIA = count(8.9, 1.1, 84, 2.4)
NORMAL_COUNT = count(14.0, 4.0, 250, 7.0)


def refused(
    analyte: Analyte,
    days: float | None = 1,
    reason: Reason = Reason.UNIT,
    candidates: tuple[Decimal, ...] = (),
    reported: str = "7",
) -> Unreadable:
    """Return a result that was reported but could not be read."""
    taken = None if days is None else ago(days)
    sentence = "The unit is not known."
    return Unreadable(analyte, reason, sentence, reported, taken, candidates=candidates)


def on_smear(
    finding: SmearSet | None,
    present: bool | None = True,
    days: float = 1,
    method: SmearMethod = SmearMethod.FILM,
    loinc: str = "",
) -> SmearFinding:
    """Return one film finding."""
    return SmearFinding(finding, present, ago(days), method, loinc)


def condition(*sets: ValueSetName, active: bool = True, **more: Any) -> Condition:
    """Return a confirmed Condition in those sets."""
    more.setdefault("may_suppress", True)
    more.setdefault("display", sets[0].value)
    return Condition(sets=frozenset(sets), active=active, **more)


def medication(
    *sets: ValueSetName,
    kind: MedicationKind = MedicationKind.ADMINISTRATION,
    first: float | None = None,
    last: float | None = None,
    active: bool = False,
) -> Medication:
    """Return a medicine whose days are given in days before `NOW`."""
    return Medication(
        sets=frozenset(sets),
        name=sets[0].value,
        kind=kind,
        active=active,
        first=None if first is None else day(first),
        last=None if last is None else day(last),
    )


def procedure(
    *sets: ValueSetName, days: float | None = None, status: str = "completed"
) -> Procedure:
    """Return a Procedure performed `days` before `NOW`."""
    performed = None if days is None else ago(days)
    return Procedure(frozenset(sets), sets[0].value, status, performed)


def stay(
    start: float | None, end: float | None = None, kind: str = "IMP", status: str = "in-progress"
) -> Encounter:
    """Return an Encounter from `start` to `end` days before `NOW`."""
    return Encounter(
        kind,
        status,
        None if start is None else ago(start),
        None if end is None else ago(end),
    )


def panel(results: Iterable[LabResult] = (), **more: Any) -> Panel:
    """Return a Panel whose results stand newest first, as the reader leaves them."""
    grouped: dict[Analyte, list[LabResult]] = defaultdict(list)
    for item in results:
        grouped[item.analyte].append(item)
    ordered = {
        analyte: tuple(sorted(items, key=lambda item: item.taken, reverse=True))
        for analyte, items in grouped.items()
    }
    return Panel(results=ordered, **more)


def facts(
    results: Iterable[LabResult] = (),
    *,
    age: int | None = 67,
    sex: Sex = Sex.FEMALE,
    unavailable: Iterable[DataGroup] = (),
    context: dict[str, Any] | None = None,
    **more: Any,
) -> Facts:
    """Return facts of a 67-year-old woman unless told otherwise; `more` goes into the Panel."""
    birth_date = None if age is None else date(NOW.year - age, 1, 1)
    return Facts(
        patient=Patient("p", sex, birth_date),
        panel=panel(results, **more),
        context=ClinicalContext(**(context or {})),
        unavailable=frozenset(unavailable),
    )


def situation(results: Iterable[LabResult] = (), **more: Any) -> Situation:
    """Assess such facts at `NOW`."""
    return assess(facts(results, **more), NOW)
