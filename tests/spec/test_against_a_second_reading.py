"""The service and a second, independent reading of the table name the same findings."""

from __future__ import annotations

import random

import pytest

from service.app import create_app
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, call, findings, prefetched
from tests.spec import second_reading
from tests.support.vignette_charts import T0, chart

CODES = {
    "hgb": ("718-7", "g/dL"),
    "wbc": ("6690-2", "10*3/uL"),
    "anc": ("751-8", "10*3/uL"),
    "plt": ("777-3", "10*3/uL"),
    "mcv": ("787-2", "fL"),
    "b12": ("2132-9", "pg/mL"),
    "iron": ("2498-4", "ug/dL"),
    "tibc": ("2500-7", "ug/dL"),
    "tsat": ("2502-3", "%"),
    "ferr": ("2276-4", "ng/mL"),
    "mma": ("13964-2", "umol/L"),
    "egfr": ("98979-8", "mL/min/{1.73_m2}"),
    "crea": ("2160-0", "mg/dL"),
    "fol": ("2284-8", "ng/mL"),
    "blast": ("26446-5", "%"),
    "temp": ("8310-5", "Cel"),
}

# Both sides of every limit; None for "not measured", as often as it stands there.
LOW_COUNTS = {
    "hgb": (6.9, 7.0, 8.5, 9.9, 10.0, 11.9),
    "wbc": (None, 1.5, 1.9, 2.0, 3.9),
    "anc": (None, 0.4, 0.5, 0.9, 1.0, 1.7, 1.79),
    "plt": (19, 20, 49, 50, 99, 100, 149),
}
ANY_COUNTS = {
    "hgb": (None, 6.9, 7.0, 8.5, 11.9, 12.0, 12.9, 13.0, 15.0),
    "wbc": (None, 0.4, 0.5, 0.9, 1.0, 1.9, 2.0, 3.9, 4.0, 35.0),
    "anc": (None, 0.4, 0.5, 0.9, 1.0, 1.79, 1.8, 3.0),
    "plt": (None, 19, 20, 49, 50, 99, 100, 149, 150, 250),
}
REST = {
    "mcv": (None, 90, 111),
    "b12": (None, None, 110, 199, 200, 399, 400, 900, 901, 1000, 1480),
    "iron": (None, None, 20, 45, 55, 59, 60, 100, 180),
    "tibc": (None, None, 200, 249, 250, 262, 300, 400, 401, 450),
    "tsat": (None, None, None, 10, 15, 17, 21, 50),
    "ferr": (None, None, 29, 30, 99, 100, 500),
    "mma": (None, None, None, 0.2, 0.4, 0.41, 0.76, 2.1),
    "egfr": (None, 59, 60, 90),
    "crea": (None, None, 0.9, 1.3, 1.31),
    "fol": (None, None, 2.9, 3.0, 8),
    "blast": (None, None, None, None, 0, 3, 6),
    "temp": (None, None, None, 37.0, 38.0),
}


@pytest.mark.parametrize("counts", [LOW_COUNTS, ANY_COUNTS], ids=["low counts", "any counts"])
def test_both_readings_name_the_same_findings(
    counts: dict[str, tuple[float | None, ...]],
) -> None:
    client = create_app(Settings(database_url=""), clock=lambda: T0).test_client()
    dice = random.Random(20261)
    for _ in range(250):
        sex = dice.choice(("male", "female", "unknown"))
        drawn = {name: dice.choice(choices) for name, choices in (counts | REST).items()}
        values = {name: value for name, value in drawn.items() if value is not None}
        if values.get("anc", 0) > values.get("wbc", 99):
            values["wbc"] = values["anc"] + 1
        given = {
            "id": "",
            "age": 60,
            "sex": sex,
            "pregnant": False,
            "observations": [
                {
                    "loinc": CODES[name][0],
                    "unit": CODES[name][1],
                    "value": value,
                    "dayOffset": -0.2 if name == "temp" else -1,
                }
                for name, value in values.items()
            ],
        }
        shown = findings(call(client, prefetched(chart(given), list(TEMPLATES))))
        expected = second_reading.findings(sex, values)
        assert [f for f in shown if f != "data-quality"] == expected, (sex, values)
