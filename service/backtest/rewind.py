"""The record as it stood at a moment: `rewind` gives what an EHR would have sent then.

Pure, and without a look ahead: nothing known later takes part, and what was still to come of a
resource (its end, its outcome) is taken out of it. What an export cannot give back stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.r4 import elements
from service.backtest.set_aside import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from service.backtest.dated import Clock, Dated

Json = dict[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_OPEN_ORDER = "active"


def rewind(
    resources: Iterable[Dated],
    moment: datetime,
    clock: Clock,
    fulfilled: Mapping[str, datetime],
) -> list[bytes]:
    """Return the resources that were known at `moment`, each as it stood then.

    `fulfilled` tells, by `ServiceRequest/id`, when an order was first fulfilled (`fulfilments`).
    """
    found: list[bytes] = []
    for each in resources:
        if each.known is None or each.known > moment:
            continue
        change = _AS_IT_STOOD.get(each.kind)
        found.append(each.raw if change is None else change(each, moment, clock, fulfilled))
    return found


def bundle(lines: Iterable[bytes]) -> bytes:
    """Return resources as one Bundle, byte for byte."""
    entries = b",".join(b'{"resource":' + line + b"}" for line in lines)
    return b'{"resourceType":"Bundle","type":"collection","entry":[' + entries + b"]}"


def fulfilments(resources: Sequence[Dated]) -> dict[str, datetime]:
    """Return when each order was first fulfilled by what is based on it."""
    found: dict[str, datetime] = {}
    for each in resources:
        if each.kind not in _FULFILLING or each.known is None or b'"basedOn"' not in each.raw:
            continue
        for based_on in elements.items(each.parsed.get("basedOn")):
            key = key_of(based_on)
            if key.startswith("ServiceRequest/"):
                found[key] = min(found.get(key, each.known), each.known)
    return found


_FULFILLING = frozenset({"Observation", "DiagnosticReport", "Procedure", "Encounter"})


def _changed(parsed: Json, removed: Iterable[str] = (), **changes: Any) -> bytes:  # noqa: ANN401
    left = {name: value for name, value in parsed.items() if name not in set(removed)}
    return _ENCODER.encode(left | changes)


def _ahead(at: datetime | None, moment: datetime) -> bool:
    return at is not None and at > moment


def _condition(each: Dated, moment: datetime, clock: Clock, _f: Mapping[str, datetime]) -> bytes:
    if b'"abatement' not in each.raw:
        return each.raw
    parsed = each.parsed
    period = parsed.get("abatementPeriod")
    abated = (
        clock.at(parsed.get("abatementDateTime"))
        or clock.period_end(period)
        or clock.period_start(period)
    )
    if not _ahead(abated, moment):
        return each.raw
    active = [
        {
            "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
            "code": _OPEN_ORDER,
        }
    ]
    return _changed(
        parsed, ("abatementDateTime", "abatementPeriod"), clinicalStatus={"coding": active}
    )


def _prescription(each: Dated, moment: datetime, clock: Clock, _f: Mapping[str, datetime]) -> bytes:
    if each.head.status not in {"stopped", "completed"}:
        return each.raw
    parsed = each.parsed
    bounds = [
        elements.member(dosage, "timing", "repeat", "boundsPeriod")
        for dosage in elements.items(parsed.get("dosageInstruction"))
    ]
    valid = elements.member(parsed, "dispenseRequest", "validityPeriod")
    ends = [clock.period_end(period, day_after=True) for period in (*bounds, valid)]
    end = max((at for at in ends if at is not None), default=None)
    return _changed(parsed, status=_OPEN_ORDER) if _ahead(end, moment) else each.raw


def _taking(each: Dated, moment: datetime, clock: Clock, _f: Mapping[str, datetime]) -> bytes:
    period = each.head.effectivePeriod
    if not _ahead(clock.period_end(period, day_after=True), moment):
        return each.raw
    left = {name: value for name, value in period.items() if name != "end"}
    status = each.head.status
    if status in {"stopped", "completed"}:
        status = "active" if each.kind == "MedicationStatement" else "in-progress"
    return _changed(each.parsed, effectivePeriod=left, status=status)


def _order(each: Dated, moment: datetime, _c: Clock, fulfilled: Mapping[str, datetime]) -> bytes:
    if each.head.status == "completed" and _ahead(fulfilled.get(each.key), moment):
        return _changed(each.parsed, status=_OPEN_ORDER)
    return each.raw


def _encounter(each: Dated, moment: datetime, clock: Clock, _f: Mapping[str, datetime]) -> bytes:
    period = each.head.period
    end = clock.period_end(period, day_after=True)
    if not _ahead(end, moment):
        return each.raw
    left = {name: value for name, value in period.items() if name != "end"}
    parsed = dict(each.parsed)
    leaving = parsed.get("hospitalization")
    if isinstance(leaving, dict):
        parsed["hospitalization"] = {
            name: value for name, value in leaving.items() if name != "dischargeDisposition"
        }
    return _changed(parsed, period=left, status="in-progress")


def _appointment(each: Dated, moment: datetime, clock: Clock, _f: Mapping[str, datetime]) -> bytes:
    if _ahead(clock.at(each.head.start), moment) and each.head.status != "proposed":
        return _changed(each.parsed, ("cancelationReason",), status="booked")
    return each.raw


def _patient(each: Dated, moment: datetime, clock: Clock, _f: Mapping[str, datetime]) -> bytes:
    """Alive while the death is ahead; a death without a date silences nothing."""
    if b'"deceased' not in each.raw:
        return each.raw
    parsed = each.parsed
    died = clock.at(parsed.get("deceasedDateTime"), day_after=True)
    if died is not None and died <= moment:
        return each.raw
    return _changed(parsed, ("deceasedBoolean", "deceasedDateTime"))


_AS_IT_STOOD: dict[str, Callable[[Dated, datetime, Clock, Mapping[str, datetime]], bytes]] = {
    "Condition": _condition,
    "MedicationRequest": _prescription,
    "MedicationStatement": _taking,
    "MedicationAdministration": _taking,
    "ServiceRequest": _order,
    "Encounter": _encounter,
    "Appointment": _appointment,
    "Patient": _patient,
}
