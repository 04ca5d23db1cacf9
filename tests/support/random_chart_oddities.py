"""What seldom happens to a result of a random chart: conflicts, bounds, flags, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.spec.second_reading.chart import Value

if TYPE_CHECKING:
    from tests.support.random_chart_draw import Draw


def oddities(draw: Draw, anchor: float) -> None:
    """What seldom happens to a result."""
    for scene, otherwise, happens in (
        ("conflict", 0.0, conflict),
        ("bounds", 0.0, bounds),
        ("old anc", 0.0, old_neutrophils),
        ("transfused", 0.03, transfused),
        ("refused", 0.01, refused),
    ):
        if draw.about(scene, otherwise):
            happens(draw, anchor)
    marked(draw, anchor)


def conflict(draw: Draw, anchor: float) -> None:
    """A second value of one count and time, close or far, final or corrected."""
    pick = draw.dice.choice
    wanted = {"hgb", "anc", "plt"}
    newest = [v for v in draw.values if v.days == anchor and v.analyte in wanted and not v.bound]
    if newest:
        value = pick(newest)
        other = value.value / pick((1.05, 1.5) if value.analyte == "hgb" else (1.05, 1.3, 8))
        status = pick(("final", "final", "corrected"))
        draw.add(value.analyte, round(other, 2), anchor, status=status)


def bounds(draw: Draw, anchor: float) -> None:
    """A result that is only a bound."""
    name, bound, number = draw.dice.choice(
        (
            ("anc", "<", 0.5),
            ("anc", ">", 1.0),
            ("anc", ">", 2.0),
            ("plt", "<", 10.0),
            ("plt", "<", 20.0),
            ("b12", ">", 2000.0),
            ("b12", "<", 150.0),
            ("b12", "<", 300.0),
            ("ferr", "<", 10.0),
        )
    )
    gone = {name, "wbc"} if name == "anc" and bound == ">" else {name}
    draw.values = [v for v in draw.values if v.analyte not in gone]
    draw.add(name, number, anchor, bound=bound)
    if "wbc" in gone:
        draw.add("wbc", draw.dice.choice((2.4, 3.9, 6.0)), anchor)


def old_neutrophils(draw: Draw, anchor: float) -> None:
    """An ANC that is as old as the newest WBC, or older."""
    pick = draw.dice.choice
    draw.values = [v for v in draw.values if v.analyte not in {"anc", "neutpct", "wbc"}]
    draw.add("anc", pick((0.4, 0.9, 1.0, 1.5, 1.8)), anchor + pick((0.005, 0.5, 2.5, 3.1)))
    draw.add("wbc", pick((2.5, 3.9, 4.0, 6.0)), anchor)


def transfused(draw: Draw, anchor: float) -> None:
    """Red cells, platelets or IV iron before or after the sample."""
    dice = draw.dice
    for name, days in (("red_cells_days", 7), ("platelets_days", 3)):
        if dice.random() < 0.7:
            given = anchor + dice.choice((-0.05, 0.5, days - 0.1, days + 0.1))
            draw.fields[name] = max(given, 0.0)
    if dice.random() < 0.3:
        draw.fields["intravenous_iron_days"] = round(anchor) + dice.choice((2, 20, 40))


def refused(draw: Draw, anchor: float) -> None:
    """A result that cannot be used, beside a usable one or alone."""
    dice = draw.dice
    name = dice.choice(("hgb", "plt", "anc", "anc", "wbc", "wbc", "b12", "iron"))
    if dice.random() < 0.7:
        draw.values = [v for v in draw.values if v.analyte not in {name, "neutpct"}]
    reason = dice.choice(("unit", "absent", "void"))
    draw.add(name, 5.0, anchor + dice.choice((0.0, 0.0, 1.0, 60.0)), refused=reason)


def marked(draw: Draw, anchor: float) -> None:
    """A preliminary count, ranges and flags of the laboratory."""
    dice = draw.dice
    pick = dice.choice
    preliminary = draw.about("", 0.03)
    for n, value in enumerate(draw.values):
        if value.analyte not in {"hgb", "anc", "wbc", "plt"} or value.days != anchor:
            continue
        change: dict[str, Any] = {}
        if preliminary and value.status == "final":
            change["status"] = pick(("preliminary", "unknown"))
        if draw.about("child", 0.06, 0.3) and not value.bound:
            lows = {
                "hgb": (9.5, 11.0, 12.5, 13.5),
                "anc": (0.9, 1.5, 2.0),
                "wbc": (3.5, 4.5),
                "plt": (90, 130, 140),
            }
            highs = {"hgb": 16.0, "anc": 7.5, "wbc": 11.0, "plt": 400}
            change |= {"low": pick(lows[value.analyte]), "high": highs[value.analyte]}
        if draw.about("child", 0.05, 0.2):
            change["flag"] = pick(("L", "LL", "N"))
        if change:
            draw.values[n] = Value(**{**value.__dict__, **change})
