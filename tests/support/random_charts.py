"""Random charts for the second reading, steered so that every finding is drawn often.

A chart takes one or two scenes (what it is about) and, now and then, something of every other
kind. Values stand on both sides of every limit of clinical-definition 2 and 3.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.spec.second_reading.chart import Chart, Film
from tests.support.random_chart_draw import ROTATION, Draw
from tests.support.random_chart_oddities import oddities

if TYPE_CHECKING:
    from collections.abc import Iterator

CHEMISTRY: dict[str, tuple[float, ...]] = {
    "mcv": (78, 90, 100, 101, 110, 111, 115, 116),
    "b12": (110, 199, 200, 300, 399, 400, 600, 900, 901, 999, 1000, 1480, 1600),
    "iron": (20, 35, 45, 55, 59, 60, 100, 180),
    "tibc": (200, 249, 250, 262, 300, 374, 400, 401, 450),
    "tsat": (4, 10, 15, 16, 17, 19, 20, 21, 45, 50),
    "ferr": (8, 29, 30, 60, 99, 100, 500, 9999, 10000, 15000),
    "mma": (0.2, 0.4, 0.41, 0.75, 0.76, 2.0, 2.1),
    "egfr": (25, 59, 60, 90),
    "crea": (0.9, 1.3, 1.31, 3.0),
    "fol": (2.0, 2.9, 3.0, 8.0),
    "ldh": (180, 250, 251, 900),
    "hapt": (10, 29, 30, 120),
}
WINDOWS = {"ferr": (1, 2, 6, 7, 8, 20), "mma": (1, 2, 10, 19, 20, 40, 80), "b12": (1, 2, 10, 60)}


def random_charts(seed: int, number: int) -> Iterator[Chart]:
    """Draw this many charts, the scenes in turn; the same in each run."""
    dice = random.Random(seed)
    for n in range(number):
        yield random_chart(dice, ROTATION[(seed + 7 * n) % len(ROTATION)])


def random_chart(dice: random.Random, scene: str) -> Chart:
    """Draw one chart about a scene and perhaps a second one."""
    draw = Draw(dice, scene)
    person(draw)
    anchor = counts(draw)
    chemistry(draw, anchor)
    earlier_counts(draw, anchor)
    blasts(draw, anchor)
    films(draw, anchor)
    temperature(draw)
    context(draw)
    oddities(draw, anchor)
    keep_plausible(draw)
    return Chart(values=tuple(draw.values), films=tuple(draw.films), **draw.fields)


def keep_plausible(draw: Draw) -> None:
    """No specimen has more neutrophils than leukocytes."""
    most: dict[float, float] = {}
    for value in draw.values:
        if value.analyte == "anc":
            most[value.days] = max(value.value, most.get(value.days, 0))
    for n, value in enumerate(draw.values):
        if value.analyte == "wbc" and not value.refused and value.value < most.get(value.days, 0):
            draw.values[n] = replace(value, value=most[value.days])


def person(draw: Draw) -> None:
    """Age, sex and pregnancy."""
    dice, fields = draw.dice, draw.fields
    fields["sex"] = dice.choice(("male", "female", "female", "unknown"))
    fields["age"] = dice.choice((3, 9, 17)) if draw.about("child") else dice.choice((18, 40, 67))
    if fields["age"] >= 18 and draw.about("pregnant"):
        fields |= {"sex": "female", "age": 31, "pregnant": True}
        fields["trimester"] = dice.choice((None, 2))
    if draw.about("gone"):
        fields[dice.choice(("deceased", "portal_user", "hospice", "palliative"))] = True
    elif draw.about("", 0.02):
        fields["palliative"] = True


def counts(draw: Draw) -> float:
    """The newest blood count; its age in days is returned."""
    dice = draw.dice
    anchor = dice.choice((0.1, 0.5, 1.0, 1.0, 2.5, 3.0, 3.2, 6.0))
    if draw.about("stale"):
        anchor = dice.choice((13.9, 14.0, 14.1, 20.0, 29.0, 40.0, 90.0, 90.1))
    if draw.about("agranulocytosis") or draw.about("fever"):
        anchor = dice.choice((0.3, 1.0, 2.0, 2.99, 3.2))
    draw.count(anchor, *lines(draw))
    chances = {"agranulocytosis": 0.8, "fever": 0.6, "chemotherapy": 0.35}
    if any(draw.about(scene, chance=chance) for scene, chance in chances.items()):
        draw.values = [v for v in draw.values if v.analyte not in {"anc", "neutpct"}]
        draw.add("anc", dice.choice((0.1, 0.3, 0.49, 0.5)), anchor)
    if draw.about("microangiopathy", chance=0.9):
        draw.values = [v for v in draw.values if v.analyte != "plt"]
        draw.add("plt", dice.choice((25, 49, 50, 80, 99, 100)), anchor)
    return anchor


def lines(draw: Draw) -> tuple[set[str], set[str]]:
    """Which lines are low and which are missing."""
    dice = draw.dice
    order = ["hgb", "white", "plt"]
    dice.shuffle(order)
    number = dice.choices((3, 2, 1, 0), (66, 24, 7, 3))[0]
    if draw.scenes & {"two lines", "hospital", "portal", "two and unknown"}:
        number = 2
    if draw.about("portal", chance=0.8) or draw.about("hospital", chance=0.6):
        order = ["hgb", "plt", "white"]
    missing = {order[2]} if "two and unknown" in draw.scenes else set()
    if draw.about("", 0.03):
        missing = {dice.choice(order)}
    return set(order[:number]), missing


def chemistry(draw: Draw, anchor: float) -> None:
    """B12, iron, MMA and what belongs to them."""
    dice = draw.dice
    shares = {
        "mcv": 0.5,
        "b12": 0.75,
        "iron": 0.65,
        "tibc": 0.65,
        "tsat": 0.15,
        "ferr": 0.35,
        "mma": 0.2,
        "egfr": 0.25,
        "crea": 0.2,
        "fol": 0.12,
        "ldh": 0.15,
        "hapt": 0.1,
    }
    wanted: dict[str, dict[str, tuple[float, ...]]] = {
        "index": {"b12": (901, 1000, 1480), "iron": (54, 55, 59), "tibc": (262, 270, 300)},
        "high b12": {"b12": (901, 999, 1000, 1480)},
        "low b12": {"b12": (110, 150, 199)},
        "function": {
            "b12": (200, 450, 900, 1480),
            "mma": (0.2, 0.4, 0.41, 0.76, 2.1),
            "iron": (95, 20),
            "tibc": (310, 200),
        },
        "iron": {
            "b12": (200, 450, 900),
            "iron": (20, 45, 59),
            "tibc": (200, 249, 250, 300, 401, 450),
        },
        "unexplained": {
            "b12": (300, 450, 900),
            "mma": (0.2, 0.4),
            "iron": (60, 95, 95),
            "tibc": (310, 400),
        },
        "drafts": {"b12": (300, 1000, 1480)},
        "folate": {"fol": (2.0, 2.9, 3.0), "b12": (200, 450, 900)},
        "hlh": {"ferr": (9999, 10000, 15000)},
        "microangiopathy": {"ldh": (180, 251, 900), "hapt": (10, 30)},
    }
    for name, share in shares.items():
        choices: tuple[float, ...] = CHEMISTRY[name]
        for scene, values in wanted.items():
            if scene in draw.scenes and name in values:
                choices, share = values[name], 0.9
        if dice.random() >= share:
            continue
        days = anchor if name == "mcv" else anchor + dice.choice((0.0, 0.0, 0.0, 0.5, 2.0, 5.0))
        if name in WINDOWS and dice.random() < 0.3:
            days = dice.choice(WINDOWS[name]) + 0.25
        if name == "tsat" or (name == "tibc" and dice.random() < 0.9):
            days = next((v.days for v in draw.values if v.analyte == "iron"), days)
        draw.add(name, dice.choice(choices), days)


def earlier_counts(draw: Draw, anchor: float) -> None:
    """Blood counts from before, mostly where a rule asks for them."""
    dice = draw.dice
    asked = draw.about("known", chance=0.75) or draw.about("hospital", 0.1, 0.6)
    for _ in range(dice.choice((1, 1, 2)) if asked else 0):
        days = anchor + dice.choice((2.0, 4.0, 8.0, 20.0, 29.9, 30.1, 60.0, 89.0, 91.0))
        order = ["hgb", "plt", "white"]
        if "hospital" not in draw.scenes:
            dice.shuffle(order)
        draw.count(days, set(order[: dice.choice((3, 3, 2, 1))]), set())


def blasts(draw: Draw, anchor: float) -> None:
    """Blast numbers over time, with the WBC of their specimen."""
    dice = draw.dice
    if not (draw.about("blasts") or draw.about("known", 0.02, 0.4) or draw.about("child", 0, 0.3)):
        return
    days = anchor + dice.choice((0.0, 0.0, 5.0, 9.0, 29.0))
    for _ in range(dice.choice((1, 1, 2, 3, 4))):
        if dice.random() < 0.85:
            draw.add("blast", dice.choice((0, 0, 0, 3, 4.9, 5, 8)), days)
        else:
            draw.add("blasta", dice.choice((0, 0.3, 0.5, 0.6)), days)
        if days != anchor and dice.random() < 0.8:
            draw.add("wbc", dice.choice((0.9, 1.0, 1.2, 3.0)), days)
        days += dice.choice((1.0, 3.0, 5.0, 25.0, 58.0, 91.0))


def films(draw: Draw, anchor: float) -> None:
    """Film findings, one or two of a kind."""
    dice = draw.dice
    some = ("present", "moderate", "few", "rare", "occasional", "absent")
    if draw.about("film"):
        for days in dice.choice(((1.0,), (29.0,), (31.0,), (2.0, 6.0))):
            draw.films.append(Film("BLASTS", dice.choice(("present", "absent", "few")), days))
    if draw.about("microangiopathy", 0.03):
        days = dice.choice((0.5, 1.0, 2.9, 3.1))
        draw.films.append(Film("SCHISTO", dice.choice(some), days))
    if draw.about("film", 0.06):
        kind = dice.choice(("DYSPLASIA", "TEARDROP", "NRBC"))
        draw.films.append(Film(kind, dice.choice(some), dice.choice((1.0, 29.0, 31.0))))
    if draw.about("two and unknown", 0.02, 0.25):
        draw.films.append(Film("PLT_CLUMP", "present", anchor + dice.choice((0.0, 2.9, 3.1))))


def temperature(draw: Draw) -> None:
    """A body temperature, mostly where fever matters."""
    dice = draw.dice
    if not (
        draw.about("fever") or draw.about("hlh", 0.12) or draw.about("agranulocytosis", 0, 0.2)
    ):
        return
    hot = dice.choice((38.0, 38.4, 37.9))
    draw.add("temp", hot, dice.choice((0.1, 0.5, 0.99, 1.01, 2.9, 3.1)))
    if dice.random() < 0.4:
        draw.add("temp", 36.8, 0.05)


def context(draw: Draw) -> None:
    """Conditions, medicines, procedures, orders and encounters."""
    dice, fields = draw.dice, draw.fields
    if draw.about("known"):
        fields["disorder"] = True
    elif draw.about("", 0.03):
        fields[dice.choice(("provisional_disorder", "history"))] = True
    for scene, otherwise, name, choices in (
        ("chemotherapy", 0.0, "chemotherapy_days", (3, 10, 20, 41, 42, 43, 60)),
        ("hospital", 0.05, "stay_days", (0.2, 2.0, 9.0, 30.0, 70.0)),
        ("looked after", 0.04, "marrow_days", (5.0, 20.0, 179.0, 181.0)),
        ("looked after", 0.05, "referral_days", (5, 20, 89, 91)),
        ("drafts", 0.0, "drafts", (("b12",), ("iron",), ("b12", "iron"))),
    ):
        if draw.about(scene, otherwise):
            fields[name] = dice.choice(choices)
    for scene, otherwise, chance, name in (
        ("portal", 0.02, 1.0, "portal_hypertension"),
        ("hlh", 0.03, 0.4, "fever"),
        ("fever", 0.01, 0.3, "febrile_neutropenia"),
        ("agranulocytosis", 0.01, 0.85, "agranulocytosis_drug"),
        ("", 0.005, 0.0, "chemotherapy_condition"),
        ("", 0.02, 0.0, "splenomegaly"),
        ("", 0.03, 0.0, "kidney_disease"),
        ("", 0.02, 0.0, "kidney_unavailable"),
        ("", 0.05, 0.0, "suppressive_drug"),
        ("", 0.02, 0.0, "drug_pancytopenia"),
        ("", 0.04, 0.0, "night_sweats"),
    ):
        if draw.about(scene, otherwise, chance):
            fields[name] = True
    if fields.get("agranulocytosis_drug"):
        fields["suppressive_drug"] = True
    b12_medicine(draw)


def b12_medicine(draw: Draw) -> None:
    """A B12 medicine, with or without proof of deficiency before the first dose."""
    dice, fields = draw.dice, draw.fields
    if not draw.about("treated", 0.04):
        return
    first = dice.choice((7, 20, 27, 30, 54, 59, 60, 61, 100, 179, 181))
    fields |= {"b12_first": first, "b12_last": dice.choice((first, max(1, first - 20)))}
    if dice.random() < 0.2:
        fields |= {"b12_tablets": True, "b12_last": None}
    if dice.random() < 0.3:
        fields["b12_deficiency"] = True
    if dice.random() < 0.5:
        draw.add(
            "b12",
            dice.choice((110, 199, 200)),
            max(0, first + dice.choice((-9.5, 0.6, 2, 60, 179))),
        )
    if dice.random() < 0.5:
        days = first + dice.choice((-9.5, -8.5, -6.5, -2.5, 2, 100))
        draw.add("mma", dice.choice((0.3, 0.41, 0.9, 2.1)), max(days, 0.3))
