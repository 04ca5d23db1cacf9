"""Made exports with the mix of a hospital and of a practice: how many results stand by a count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIRST = datetime(2025, 1, 5, 8, tzinfo=UTC)
_NORMAL = (("718-7", 14.1, "g/dL"), ("6690-2", 6.8, "10*3/uL"), ("777-3", 251, "10*3/uL"))
_LOW = (("718-7", 8.9, "g/dL"), ("6690-2", 2.4, "10*3/uL"), ("777-3", 84, "10*3/uL"))
_NEUTROPHILS = ("751-8", 1.9, "10*3/uL")
_READ = (("787-2", 91, "fL"), ("2160-0", 0.9, "mg/dL"))
_UNREAD = ("2951-2", "2823-3", "2075-0", "2028-9", "17861-6", "2345-7", "3094-0", "8867-4")


@dataclass(frozen=True, slots=True)
class Mix:
    """`results`: Observations for each blood count; one count in `one_low_in` is pancytopenia."""

    name: str
    patients: int
    counts: int
    apart: timedelta
    results: int
    one_low_in: int
    target: float
    aim: float


HOSPITAL = Mix("hospital", 150, 40, timedelta(hours=30), 25, 3, 1.0, 2.0)
AMBULATORY = Mix("ambulatory", 400, 8, timedelta(days=40), 50, 40, 3.0, 5.0)


def write(mix: Mix, folder: Path) -> int:
    """Write the export; return how many Observations it has."""
    folder.mkdir(parents=True)
    number = 0
    with (folder / "Patient.ndjson").open("w", encoding="ascii") as file:
        for person in range(mix.patients):
            file.write(
                f'{{"resourceType":"Patient","id":"m{person}","gender":"female",'
                '"birthDate":"1958-02-03"}\n'
            )
    with (folder / "Observation.ndjson").open("w", encoding="ascii") as file:
        for person in range(mix.patients):
            for line in _results(mix, person):
                file.write(line)
                number += 1
    return number


def _results(mix: Mix, person: int) -> Iterator[str]:
    for count in range(mix.counts):
        at = _FIRST + mix.apart * count + timedelta(minutes=person)
        low = (person + count) % mix.one_low_in == 0
        several = [*(_LOW if low else _NORMAL), _NEUTROPHILS, *_READ]
        several += [
            (_UNREAD[n % len(_UNREAD)], 100 + n, "mmol/L")
            for n in range(mix.results - len(several))
        ]
        issued = at + timedelta(minutes=90)
        for n, (code, value, unit) in enumerate(several):
            yield (
                f'{{"resourceType":"Observation","id":"m{person}-{count}-{n}","status":"final",'
                '"category":[{"coding":[{"system":'
                '"http://terminology.hl7.org/CodeSystem/observation-category",'
                '"code":"laboratory"}]}],'
                f'"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},'
                f'"subject":{{"reference":"Patient/m{person}"}},'
                f'"effectiveDateTime":"{at.isoformat()}","issued":"{issued.isoformat()}",'
                f'"valueQuantity":{{"value":{value},"unit":"{unit}",'
                f'"system":"http://unitsofmeasure.org","code":"{unit}"}}}}\n'
            )
