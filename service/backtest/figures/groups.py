"""R8: the same questions for groups of patients, each beside the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.backtest.figures.part import Part, Table, per
from service.backtest.outcomes import CONFIRMED
from service.backtest.small_groups import FEW, HIDDEN, hidden, hidden_shares, is_small, is_telling
from service.backtest.statistics import Share, difference

if TYPE_CHECKING:
    from service.backtest.figures.part import Cell, Measures
    from service.backtest.tables import Tables

_GROUPS = {
    "sex": "person.sex",
    "age": "judged.age",
    "race": "person.race",
    "ethnicity": "person.ethnicity",
    "language": "person.language",
}
_MOST_GROUPS = 40

_PEOPLE = """
SELECT {group} AS name, judged.patient AS patient, sum(number)::BIGINT AS moments
FROM judged JOIN person USING (patient)
WHERE judged.variant = $variant AND judged.kind = 'count' GROUP BY ALL
"""

_CARDS = """
SELECT {group} AS name, judged.patient AS patient, count(*) AS cards
FROM card AS judged JOIN person USING (patient)
WHERE judged.variant = $variant AND judged.kind = 'count' AND len(findings) > 0 GROUP BY ALL
"""

_BURDEN = """
WITH people AS ({people}), shown AS ({cards})
SELECT name, count(DISTINCT patient), sum(moments)::BIGINT, sum(coalesce(cards, 0))::BIGINT,
  count(DISTINCT patient) FILTER (cards > 0)
FROM people LEFT JOIN shown USING (name, patient) GROUP BY name ORDER BY 2 DESC, 1
"""

_EPISODES = """
SELECT {group} AS name, count(*) FILTER (outcome IN {confirmed}), count(*)
FROM episode AS judged JOIN person USING (patient)
WHERE judged.variant = $variant AND finding = 'any' AND "full" GROUP BY ALL
"""

_DISEASES = """
SELECT {group} AS name, count(*) FILTER (carded), count(*)
FROM disease AS judged JOIN person USING (patient)
WHERE judged.variant = $variant AND counted GROUP BY ALL
"""

DUFFY = (
    "Neutrophil counts of 1.0 to 1.8 are healthy in people with the Duffy-null phenotype, most of"
    " them of African or Middle Eastern ancestry. A higher share of cards in such a group beside a"
    " lower confirmed share points at that, not at more disease."
)


def groups(tables: Tables, variant: str, measures: Measures) -> Part:
    """Return the tables by sex, age, race, ethnicity and language.

    A confirmed share that is hidden for all is hidden for each group: they add up to it.
    """
    hide = "confirmed_share" in measures.few
    made = [_group(tables, variant, name, column, hide=hide) for name, column in _GROUPS.items()]
    return Part("R8", "Is it the same for everybody?", (DUFFY,), tuple(made))


def _group(tables: Tables, variant: str, name: str, column: str, *, hide: bool) -> Table:
    people, cards = _PEOPLE.format(group=column), _CARDS.format(group=column)
    burden = _asked(tables, _BURDEN.format(people=people, cards=cards), variant)[:_MOST_GROUPS]
    episodes = {
        row[0]: Share(row[1], row[2])
        for row in _asked(tables, _EPISODES.format(group=column, confirmed=CONFIRMED), variant)
    }
    found = {
        row[0]: Share(row[1], row[2])
        for row in _asked(tables, _DISEASES.format(group=column), variant)
    }
    away = hidden({row[0]: row[1] for row in burden})
    few = hidden({row[0]: 1 if row[0] in away else row[4] for row in burden})
    carded = _Shares({row[0]: Share(row[4], row[1]) for row in burden})
    confirmed, sensitivity = _Shares(episodes, hide=hide), _Shares(found)
    rows: list[tuple[Cell, ...]] = []
    for group, patients, moments, shown, _ in burden:
        label = group or "(not told)"
        if group in away:
            rows.append((label, HIDDEN, *(None,) * 2, *("",) * 4))
            continue
        rows.append(
            (
                label,
                patients,
                moments,
                None if group in few else per(shown, moments),
                carded.beside(group),
                confirmed.words(group),
                confirmed.beside(group),
                sensitivity.words(group),
            )
        )
    return Table(
        f"groups-{name}",
        f"By {name}",
        (
            name,
            "patients",
            "counts",
            "cards per 100 counts",
            "patients with a card: difference to the rest, points (95 % interval)",
            "confirmed",
            "confirmed: difference to the rest, points (95 % interval)",
            "new marrow disease with a card before",
        ),
        tuple(rows),
    )


def _asked(tables: Tables, query: str, variant: str) -> list[tuple[Any, ...]]:
    return tables.engine.execute(query, {"variant": variant}).fetchall()


class _Shares:
    """A share for each group; those that would tell of few patients are hidden."""

    def __init__(self, shares: dict[Any, Share], *, hide: bool = False) -> None:
        self._shares = shares
        told = {name: (each.number, each.whole) for name, each in shares.items()}
        self._away = frozenset(told) if hide else hidden_shares(told)

    def words(self, group: str) -> str:
        """Return `n of N`, with percent."""
        share = self._shares.get(group)
        if share is None or not share.whole:
            return "0 of 0"
        if is_small(share.whole):
            return FEW
        if group in self._away:
            return f"{HIDDEN} of {share.whole}"
        return f"{share.number} of {share.whole} ({100 * share.number / share.whole:.0f} %)"

    def beside(self, group: str) -> str:
        """Return the difference to the rest, in points, with its interval."""
        own = self._shares.get(group)
        others = [share for name, share in self._shares.items() if name != group]
        rest = Share(sum(each.number for each in others), sum(each.whole for each in others))
        if own is None or group in self._away or is_telling(rest.number, rest.whole):
            return ""
        found = difference(own, rest)
        if found is None:
            return ""
        gap, low, high = (100 * each for each in found)
        return f"{gap:+.1f} ({low:+.1f} to {high:+.1f})"
