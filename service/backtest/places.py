"""Where the patient was at a moment: the Encounter under way, else the last of the week before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fhir_mappings.r4 import elements
from service.backtest.verdicts import Place
from service.storage.pseudonyms import keyed_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.backtest.dated import Dated
    from service.backtest.moments import Moment
    from service.backtest.patient_record import Record

NOWHERE = Place()
_NEVER_HAPPENED = frozenset({"planned", "cancelled", "entered-in-error"})
_AFTER_A_VISIT = timedelta(days=7)
_FAR = datetime.max.replace(tzinfo=UTC)
_LONGEST = 60
_INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})


class Places:
    """The places of one patient's moments."""

    def __init__(self, record: Record, moments: Iterable[Moment]) -> None:
        self._key = record.run.hash_key
        self._stays: list[tuple[datetime, datetime, Dated]] = []
        for each in record.resources:
            if each.kind != "Encounter" or each.known is None:
                continue
            status = elements.codes(each.head.status)
            if status & _NEVER_HAPPENED:
                continue
            end = record.clock.period_end(each.head.period)
            open_end = _FAR if "in-progress" in status else each.known
            self._stays.append((each.known, end or open_end, each))
        self._stays.sort(key=lambda stay: (stay[0], stay[1], stay[2].key))
        self._made: dict[str, Place] = {}
        self._at = {moment.at: self._place(moment.at) for moment in moments}

    def at(self, moment: Moment) -> Place:
        """Return where a moment was."""
        return self._at[moment.at]

    def _place(self, at: datetime) -> Place:
        begun = [stay for stay in self._stays if stay[0] <= at]
        under_way = [stay for stay in begun if at <= stay[1]]
        inside = [stay for stay in under_way if _class(stay[2]) in _INPATIENT]
        lately = [stay for stay in begun if at - stay[1] <= _AFTER_A_VISIT]
        chosen = next((several[-1] for several in (inside, under_way, lately) if several), None)
        if chosen is None:
            return NOWHERE
        key = chosen[2].key
        if key not in self._made:
            self._made[key] = self._describe(chosen[2])
        return self._made[key]

    def _describe(self, encounter: Dated) -> Place:
        parsed = encounter.parsed
        role, clinician = self._participant(parsed)
        location = next(
            (
                found
                for each in elements.items(parsed.get("location"))
                if (found := _named(elements.member(each, "location")))
            ),
            "",
        )
        return Place(
            encounter_class=_class(encounter) or "unknown",
            service=_concept(parsed.get("serviceType")) or _concept(parsed.get("type")),
            location=location,
            role=role,
            clinician=clinician,
        )

    def _participant(self, parsed: dict[str, Any]) -> tuple[str, str]:
        for each in elements.items(parsed.get("participant")):
            who = elements.reference(elements.member(each, "individual"))
            role = _concept(elements.member(each, "type"))
            if who or role:
                hashed = keyed_hash(self._key, "clinician", who)[:32] if who else ""
                return role, hashed
        return "", ""


def _class(encounter: Dated) -> str:
    for each in elements.items(encounter.parsed.get("class")):
        code = elements.text(elements.member(each, "code"))
        found = [code] if code else [coding.code for coding in elements.codings(each)]
        if found and found[0]:
            return found[0].upper()[:_LONGEST]
    return ""


def _concept(element: object) -> str:
    texts = elements.texts(element)
    codes = [coding.code for coding in elements.codings(element)]
    return next(iter([*texts, *codes]), "")[:_LONGEST]


def _named(reference: object) -> str:
    """Return a place by its display, else by the last part of its reference."""
    display = elements.text(elements.member(reference, "display"))
    return (display or "/".join(elements.reference(reference).split("/")[-2:]))[:_LONGEST]
