"""A chart of any size, to try speed and paging: the index pattern after years of results."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from service.samples.resources import SEED_IRON, Resource, b12, cbc, iron, lab

if TYPE_CHECKING:
    from datetime import datetime

DAYS_BETWEEN_VISITS = 8


def large_chart(patient: str, now: datetime, size: int) -> list[Resource]:
    """A patient with `size` Observations over twelve years: normal blood counts and chemistry of
    every visit, and the index pattern on the last day."""
    chance = random.Random(7)  # noqa: S311  no secret
    made: list[Resource] = [*cbc(8.9, 2.4, 1.1, 84, mcv=101), *iron(*SEED_IRON), b12(1480)]
    days = 30.0
    while len(made) < size:
        days += DAYS_BETWEEN_VISITS
        visit = cbc(
            round(chance.uniform(12.5, 15), 1),
            round(chance.uniform(4.5, 9), 1),
            round(chance.uniform(2.2, 6), 1),
            chance.randrange(170, 380),
            days=days,
        )
        chemistry = [
            lab("2951-2", chance.randrange(136, 144), "mmol/L", days=days),
            lab("2823-3", round(chance.uniform(3.6, 5), 1), "mmol/L", days=days),
        ]
        made += [*visit, *chemistry]
    chart = [{"resourceType": "Patient", "id": patient, "gender": "female", "birthDate": "1960"}]
    for number, observation in enumerate(made[:size]):
        taken = now - timedelta(days=observation["effectiveDateTime"].days)
        del observation["issued"]
        chart.append(
            observation
            | {
                "id": f"{patient}-{number}",
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": taken.isoformat(),
            }
        )
    return chart
